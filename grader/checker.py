"""`Checker`: the student's own check, beside each stub. A convenience in the kernel; marks never depend on it.

It makes the comparison that grading makes, on the visible cases, from frozen data: no reference is needed, and nothing
here may need processes or sockets (it also runs on Windows, Colab and in the browser).
"""

import contextlib
import html
import io
import os
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grader.compare import agree
from grader.errors import GraderError
from grader.execute import fresh, run_plan
from grader.freeze import thaw
from grader.heatmap import heatmap
from grader.judge import judge, problems
from grader.plans import Answer, clean
from grader.prepare import PreparedQuestion, Trial, Variant
from grader.results import QuestionResult

_ONE_FUNCTION = ("value", "count", "shape", "stability", "judged")


class Checker:
    """Checks of one assignment, read from its frozen file beside the notebook.

    Parameters
    ----------
    topic : str
        The file is ``TOPIC.checks``.
    folder : path
        Where it lies; the notebook's own folder by default.

    Raises
    ------
    GraderError
        If there is no such file.

    Examples
    --------
    ``check = Checker("convolution")``, then ``check(conv2d_forward)`` beside the stub.
    """

    def __init__(self, topic: str, folder: str | Path = ".") -> None:
        path = Path(folder) / f"{topic}.checks"
        if not path.is_file():
            raise GraderError(
                f"{path.name} is not in {path.parent.resolve()}: it comes with the notebook, keep the two together"
            )
        self.assignment, questions = thaw(path.read_bytes())
        self._questions = {name: q for q in questions for name in q.functions}

    def __call__(self, function: Callable[..., Any]) -> "Report":
        """Check one function; of a layer's backward, together with the forward defined in the same notebook."""
        names = getattr(function, "__globals__", None) or vars(sys.modules["__main__"])
        name = getattr(function, "__name__", "") if callable(function) else ""
        if callable(function) and name not in self._questions:
            # A closure or a lambda goes by the name that the notebook gave it.
            name = next((n for n in self._questions if names.get(n) is function), name)
        if name not in self._questions:
            known = ", ".join(self._questions)
            what = name or f"an object of type {type(function).__name__}"
            raise GraderError(f"{clean(what, 80)} is no function of {self.assignment}; these are: {known}")
        question = _shown_criteria(self._questions[name])
        namespace = {**names, name: function}
        if question.layer and name == question.functions[0]:
            alone = _forward_alone(question)
            question = alone if alone.criteria else question
        started = time.perf_counter()
        with _warnings_kept_from_validation():
            answers = [run_plan(fresh(t.plan), namespace) for t in question.trials]
        result = judge(question, answers, seconds=time.perf_counter() - started)
        report = Report(name, result, _picture(question, answers))
        if _validating() and result.criteria and not report.passed:
            sys.stderr.write(report.wrapped())
        return report


@dataclass(frozen=True)
class Report:
    """What a check found: rich in a notebook, text elsewhere."""

    function: str
    result: QuestionResult
    picture: str = ""

    @property
    def passed(self) -> bool:
        """Whether every visible check passed; where there is none, nothing is known."""
        return self.result.status == "passed" and bool(self.result.criteria)

    @property
    def headline(self) -> str:
        """The verdict in one line; it never says that all is done."""
        if not self.result.criteria:
            return f"{self.function}: there is no visible check of it, it is judged when you hand in."
        if self.passed:
            return f"{self.function}: the visible checks passed; hidden ones remain."
        if self.result.status == "missing":
            reason = self.result.first_reason
            return reason if reason.endswith("?") else f"{reason}."
        lost = sum(not c.passed for c in self.result.criteria)
        return f"{self.function}: {lost} of {len(self.result.criteria)} visible checks did not pass."

    def __repr__(self) -> str:
        lines = [self.headline]
        if not self.passed and self.result.status != "missing":
            lines += [f"  {'ok ' if c.passed else 'NOT'} {c.name}{_after(c.message)}" for c in self.result.criteria]
        lines += [f"  {_leads(d.kind)} {d.name}: {d.hint}" for d in self.result.diagnosis]
        return "\n".join(lines)

    def wrapped(self, width: int = 80) -> str:
        """Return the text in lines no longer than ``width``."""
        lines = [textwrap.fill(line, width, subsequent_indent="      ") for line in repr(self).split("\n")]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        colour = "#2e7d32" if self.passed else "#b26a00"
        parts = [
            f'<div style="border-left:4px solid {colour};padding:.3em .8em;margin:.3em 0">'
            f"<strong>{html.escape(self.headline)}</strong>"
        ]
        if not self.passed and self.result.status != "missing":
            rows = "".join(
                f'<li style="margin:.15em 0">{"✓" if c.passed else "✗"} <em>{html.escape(c.name)}</em>'
                f"{html.escape(_after(c.message))}</li>"
                for c in self.result.criteria
            )
            parts.append(f'<ul style="list-style:none;padding-left:0;margin:.4em 0">{rows}</ul>')
        for d in self.result.diagnosis:
            name, hint = html.escape(d.name), html.escape(d.hint)
            parts.append(f'<p style="margin:.4em 0">{_leads(d.kind)} <strong>{name}</strong>: {hint}</p>')
        return "".join(parts) + self.picture + "</div>"


def _validating() -> bool:
    """Whether ``nbgrader validate``, or its button in Jupyter, runs the notebook."""
    return os.environ.get("NBGRADER_EXECUTION") == "validate"


def _warnings_kept_from_validation() -> contextlib.AbstractContextManager[object]:
    """Keep stderr empty while nbgrader validates: it takes any text there, such as NumPy's warnings, for a failure."""
    return contextlib.redirect_stderr(io.StringIO()) if _validating() else contextlib.nullcontext()


def _after(message: str) -> str:
    return f": {message}" if message else ""


def _leads(kind: str) -> str:
    return "This looks like" if kind == "misconception" else "Right under another convention,"


def _shown_criteria(question: PreparedQuestion) -> PreparedQuestion:
    """Leave out the criteria that no visible case shows: to say that they passed would be untrue."""
    return replace(question, criteria=tuple(c for c in question.criteria if c.trials))


def _forward_alone(question: PreparedQuestion) -> PreparedQuestion:
    """Reduce a layer to its forward, which is checked while the backward is still a stub."""
    # A script is run whole: those that call the backward wait for it.
    kept = [
        i
        for i, t in enumerate(question.trials)
        if t.kind == "call" and (t.script or t.judge is None) and not (t.script and _calls(t, question.functions[1]))
    ]
    number = {old: new for new, old in enumerate(kept)}
    criteria = tuple(
        replace(c, trials=tuple(number[i] for i in c.trials if i in number))
        for c in question.criteria
        if c.kind in _ONE_FUNCTION and not number.keys().isdisjoint(c.trials)
    )
    variants = [
        replace(
            v,
            answers=tuple(_first_steps(v.answers[i], question.trials[i]) for i in kept),
            codes=tuple(v.codes[i] for i in kept),
        )
        for v in sorted(question.variants, key=lambda v: len(v.functions))
        if question.functions[0] in v.functions
    ]
    # A mistake made in the forward alone and the same one made in both directions cannot be told apart here.
    variants = [v for n, v in enumerate(variants) if not any(_same(v, earlier) for earlier in variants[:n])]
    trials = tuple(_first_trial(question.trials[i]) for i in kept)
    return replace(question, trials=trials, criteria=criteria, variants=_shown(variants, question.functions[0]))


def _calls(trial: Trial, function: str) -> bool:
    return any(step.function == function for step in trial.plan.steps)


def _same(variant: Variant, other: Variant) -> bool:
    """Whether two wrong forwards answer alike everywhere."""
    answers = [(a.outcomes[0], b.outcomes[0]) for a, b in zip(variant.answers, other.answers, strict=True) if a and b]
    return variant.codes == other.codes and all(
        (a.failure is None) == (b.failure is None) and all(agree(u, v) for u, v in zip(a.values, b.values, strict=True))
        for a, b in answers
    )


def _shown(variants: Sequence[Variant], forward: str) -> tuple[Variant, ...]:
    return tuple(replace(v, functions=(forward,)) for v in variants)


def _first_trial(trial: Trial) -> Trial:
    if trial.script:
        return trial
    expected = _first_steps(trial.expected, trial)
    assert expected is not None
    return replace(trial, plan=replace(trial.plan, steps=trial.plan.steps[:1]), expected=expected)


def _first_steps(answer: Answer | None, trial: Trial) -> Answer | None:
    if answer is None or trial.script:
        return answer
    return replace(answer, outcomes=answer.outcomes[:1])


def _picture(question: PreparedQuestion, answers: Sequence[Answer]) -> str:
    """Draw the first answer with a wrong value against what was expected."""
    for criterion in question.criteria:
        if criterion.kind not in ("value", "gradient", "stability"):
            continue
        for problem in problems(question, criterion, answers):
            if problem.difference is not None and problem.difference.kind == "value" and problem.difference.index:
                outcome = answers[problem.trial].outcomes[problem.step]
                expected = question.trials[problem.trial].expected.outcomes[problem.step]
                return heatmap(outcome.values[problem.output], expected.values[problem.output], problem.difference)
    return ""
