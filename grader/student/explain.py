"""`Explanation`: every visible case of one check, with what went in, what was compared and how it came out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.compare import compare, relative_error, tolerance_for
from grader.judge import problems
from grader.phrases import case_of, failure_words, output_name
from grader.plans import Output, Rng, Step, Tree, Value, as_array, clean
from grader.prepare import Trial
from grader.student import markup
from grader.student.card import Report, derivatives_html
from grader.student.heatmap import entry_words

_SHOWN_WHOLE = 12  # entries of an array that are shown rather than its shape


@dataclass(frozen=True)
class Explained:
    """One case: its calls, and of each what was compared; `right` where all of it agreed."""

    case: str
    right: bool
    lines: tuple[str, ...]


class Explanation:
    """All visible cases of a check. Every value in it is a visible one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.cases = tuple(_cases(report))

    def __repr__(self) -> str:
        lines = [self._report.headline]
        for case in self.cases:
            lines.append(f"  {'ok ' if case.right else 'NOT'} case “{case.case}”")
            lines += [f"      {line}" for line in case.lines]
        lines += [f"  {line}" for line in _other_criteria(self._report)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<strong>{markup.escape(self._report.headline)}</strong>"]
        first = next((case for case in self.cases if not case.right), None)
        for case in self.cases:
            title = markup.escape(f"{'✓' if case.right else '✗'} case “{case.case}”")
            lines = markup.listing(markup.escape("\n".join(case.lines)))
            parts.append(markup.folded(title, lines, opened=case is first))
        if self._report.derivatives:
            parts.append(derivatives_html(self._report.derivatives))
        parts += [markup.paragraph(markup.escape(line)) for line in _other_criteria(self._report)]
        return markup.box(markup.PASSED if self._report.passed else markup.WAITING, parts)


def _cases(report: Report) -> Iterator[Explained]:
    question = report.question
    for i, trial in enumerate(question.trials):
        if trial.kind != "call" or not trial.visible:
            continue
        lines, right = [], True
        for n, step in enumerate(trial.plan.steps):
            lines.append(_call(n, trial))
            for agrees, line in _outputs(report, i, n, step):
                right = right and agrees
                lines.append(f"    {line}")
        for criterion in question.criteria:
            if criterion.kind == "judged" and i in criterion.trials:
                found = [p.message for p in problems(question, criterion, report.answers) if p.trial == i]
                right = right and not found
                lines += [f"    {criterion.name}: {message}" for message in found or ["as it should be"]]
        yield Explained(trial.case, right, tuple(lines))


def _other_criteria(report: Report) -> list[str]:
    """What was judged by calls of its own: one line for each."""
    kinds = {"consistency", "purity", "vectorised"}
    pairs = zip(report.question.criteria, report.result.criteria, strict=True)
    return [f"{'✓' if r.passed else '✗'} {c.name}: {r.message or _MEANT[c.kind]}" for c, r in pairs if c.kind in kinds]


_MEANT = {
    "consistency": "the backward is the derivative of your own forward",
    "purity": "inputs unchanged, same answer twice, a new array at each call",
    "vectorised": "the Python lines that run do not grow with the data",
}


def _call(n: int, trial: Trial) -> str:
    step = trial.plan.steps[n]
    arguments = [_argument(a, trial) for a in step.args]
    arguments += [f"{name}={_argument(a, trial)}" for name, a in step.kwargs.items()]
    called = step.function or "read again"
    return f"{called}({', '.join(arguments)})"


def _argument(argument: Any, trial: Trial) -> str:
    match argument:
        case Value(index):
            name = trial.names[index] if index < len(trial.names) else ""
            value = trial.plan.values[index]
            return f"{name}={_value(value)}" if name else _value(value)
        case Output(step, index):
            earlier = trial.plan.steps[step].function or "an earlier call"
            return f"what {earlier} returned" if index is None else f"output {index + 1} of {earlier}"
        case Rng(seed):
            return f"np.random.default_rng({seed})"
    return _value(argument)


def _value(value: Tree) -> str:
    if isinstance(value, np.ndarray):
        if value.size > _SHOWN_WHOLE:
            return f"array of shape {value.shape}"
        return clean(np.array2string(value, separator=", ", formatter={"float_kind": "{:.6g}".format}), 300)
    return clean(repr(value), 60)


def _outputs(report: Report, i: int, n: int, step: Step) -> Iterator[tuple[bool, str]]:
    """Say of each output whether it agrees, under which tolerance, and what the worst entry is."""
    trial = report.question.trials[i]
    expected, outcome = trial.expected.outcomes[n], report.answers[i].outcomes[n]
    if outcome.failure is not None:
        said = failure_words(step.function, outcome.failure, trial)
        yield False, said.removeprefix(f"{step.function}{case_of(trial)}: ")
        return
    if trial.judge is not None:
        return
    for k, (got, target) in enumerate(zip(outcome.values, expected.values, strict=True)):
        if target is None:
            continue
        what = output_name(report.question, step, k) or "output: "
        exact = any(c.kind == "count" and i in c.trials for c in report.question.criteria)
        tolerance = 0.0 if exact else trial.tolerance
        difference = compare(got, target, tolerance=tolerance, reveal=True)
        if difference is None:
            yield True, f"{what}{_shape(target)} as expected ({_allowed(got, target, tolerance)})"
            continue
        entry = entry_words(got, target, difference)
        allowed = f"; allowed are {tolerance:g}" if tolerance and difference.kind == "value" else ""
        yield False, f"{what}{difference.message}{allowed}{'; there: ' + entry if entry else ''}"


def _shape(target: Tree) -> str:
    array = as_array(target)
    return f"shape {array.shape}," if array is not None and array.ndim else ""


def _allowed(got: Tree, target: Tree, tolerance: float) -> str:
    answer, wanted = as_array(got), as_array(target)
    if not tolerance or answer is None or wanted is None:
        return "compared exactly" if not tolerance else f"relative error up to {tolerance:g}"
    finite = np.isfinite(wanted)
    error = relative_error(np.where(finite, answer, 0.0), np.where(finite, wanted, 0.0))
    return f"relative error {error:.1g}, allowed {tolerance_for(answer, tolerance):g}"
