"""Judge the answers to a prepared question. A pure function of data: it runs nothing and knows no student.

Words for hidden cases never repeat text or values that came from the worker: an exception's message or the name of a
type could carry a hidden input out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from grader import evidence
from grader.compare import Difference, compare, compare_structure
from grader.diagnose import diagnose
from grader.gradients import inconsistency
from grader.phrases import case_of, failure_words, output_name
from grader.plans import Answer, Foreign, Outcome, Step, as_array
from grader.prepare import PreparedCriterion, PreparedQuestion, Trial, finding_of
from grader.results import CriterionResult, Evidence, QuestionResult

Array: TypeAlias = npt.NDArray[Any]
_LOST = ("value", "count", "shape", "gradient", "stability", "judged")
# Line counts may differ by a branch or a padding, not by a loop over the data.
_LINES_FACTOR, _LINES_SLACK = 1.25, 8


@dataclass(frozen=True)
class Problem:
    """Why a criterion is lost: the sentence, and where it was seen."""

    message: str
    trial: int
    step: int
    output: int = 0
    difference: Difference | None = None


@np.errstate(all="ignore")
def all_problems(question: PreparedQuestion, answers: Sequence[Answer]) -> list[list[Problem]]:
    """Return for each criterion the reasons for which it is lost."""
    return [problems(question, criterion, answers) for criterion in question.criteria]


@np.errstate(all="ignore")
def judge(
    question: PreparedQuestion,
    answers: Sequence[Answer],
    *,
    found: Sequence[Sequence[Problem]] | None = None,
    seconds: float = 0.0,
) -> QuestionResult:
    """Return all verdicts of a question.

    Parameters
    ----------
    question : PreparedQuestion
    answers : sequence of Answer
        One for each trial of the question, in order; `plans.failed` stands for one that never came.
    found : sequence, optional
        What `all_problems` says of them, where that is known already.
    seconds : float
        What the calls took, for the record.
    """
    found = all_problems(question, answers) if found is None else found
    diagnosis = diagnose(question, answers) if any(found) else ()
    convention = ", ".join(d.name for d in diagnosis) if all(d.kind == "convention" for d in diagnosis) else ""
    named = {d.name for d in diagnosis}
    explained = {f for v in question.variants if v.name in named for f in v.functions} if named else set()
    works = bool(convention) or any(
        not p for c, p in zip(question.criteria, found, strict=True) if c.kind in _LOST and c.kind != "shape"
    )
    criteria: list[CriterionResult] = []
    drawn: set[str] = set()  # one picture of a kind: more would say the same again, and a record has its bounds
    for criterion, lost in zip(question.criteria, found, strict=True):
        message = _sentence(question, criterion, lost)
        passed, points = not lost, 0.0 if lost else float(criterion.points)
        if not lost and not works and criterion.kind in ("purity", "vectorised"):
            passed, points, message = False, 0.0, "counts only once some value is right"
        elif lost and convention and criterion.kind in _LOST and _functions(question, lost) <= explained:
            points, keeps = criterion.points * question.convention_keeps, f"{question.convention_keeps:.0%}"
            message = f"right under another convention ({convention}), which keeps {keeps} of these points; {message}"
        shown = None if criterion.kind in drawn else _evidence(question, criterion, lost, answers)
        if shown is not None:
            drawn.add(criterion.kind)
        criteria.append(CriterionResult(criterion.name, points, float(criterion.points), passed, message, shown))
    points = round(sum(c.points for c in criteria), 6)
    return QuestionResult(
        name=question.name,
        points=points,
        max_points=question.max_points,
        status=_status(question, answers, criteria),
        criteria=tuple(criteria),
        diagnosis=diagnosis,
        seconds=round(seconds, 4),
        bonus=question.bonus,
    )


def notes(question: PreparedQuestion, answers: Sequence[Answer]) -> list[str]:
    """Return remarks that cost nothing: lists or tensors where an array was asked for."""
    accepted = set()
    for _, _, step, _, outcome in _steps(question, range(len(question.trials)), answers):
        for value in outcome.values:
            array = None if isinstance(value, np.ndarray) else as_array(value)
            if array is not None and array.ndim:
                kind = value.kind if isinstance(value, Foreign) else type(value).__name__
                accepted.add((step.function, kind if kind in ("list", "tuple") else "tensor"))
    return [
        f"{function} returned a {kind} where an array is meant: accepted"
        for function, kind in sorted(accepted)
        if function and not _expects_sequence(question, function)
    ]


def _expects_sequence(question: PreparedQuestion, function: str) -> bool:
    expected = [t.expected for t in question.trials]
    return any(
        isinstance(value, Foreign | tuple | list)
        for _, _, step, _, outcome in _steps(question, range(len(question.trials)), expected)
        if step.function == function
        for value in outcome.values
    )


def problems(question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]) -> list[Problem]:
    """Return all reasons for which a criterion is lost; visible cases, of which more can be said, come first."""
    found = list(_JUDGES[criterion.kind](question, criterion, answers))
    return sorted(found, key=lambda p: not question.trials[p.trial].visible)


def _evidence(
    question: PreparedQuestion, criterion: PreparedCriterion, lost: Sequence[Problem], answers: Sequence[Answer]
) -> Evidence | None:
    """Return what the visible case that fills a picture best showed."""

    def fills(problem: Problem) -> int:
        want = as_array(question.trials[problem.trial].expected.outcomes[problem.step].values[problem.output])
        return 0 if want is None else min(want.size, evidence.LARGEST**2)

    if lost and criterion.shown is not None:
        trial, answer = question.trials[criterion.shown], answers[criterion.shown]
        return evidence.gradients(question, trial, answer) if inconsistency(question, trial, answer) else None
    seen = [p for p in lost if p.difference is not None and question.trials[p.trial].visible]
    for problem in sorted(seen, key=fills, reverse=True):
        assert problem.difference is not None
        trial, answer = question.trials[problem.trial], answers[problem.trial]
        found = evidence.values(question, trial, answer, problem.step, problem.output, problem.difference)
        if found is not None:
            return found
    return None


def _functions(question: PreparedQuestion, lost: Sequence[Problem]) -> set[str]:
    """Whose answers lost the points; a script's count for every function."""
    steps = [(question.trials[p.trial], p.step) for p in lost]
    return {trial.plan.steps[n].function for trial, n in steps if not trial.script}


def _status(question: PreparedQuestion, answers: Sequence[Answer], criteria: Sequence[CriterionResult]) -> str:
    if all(c.passed for c in criteria):
        return "passed"
    kinds = [o.failure.kind if o.failure else "" for a in answers for o in a.outcomes]
    firsts = [o.failure.kind if o.failure else "" for a in answers for o in a.outcomes[:1]]
    for status in ("timeout", "memory"):
        if status in kinds:
            return status
    if all(kind in ("missing", "stub") for kind in firsts):
        return "missing"
    if any(c.points for c in criteria):
        return "partial"
    return "error" if all(kinds) else "failed"


def _sentence(question: PreparedQuestion, criterion: PreparedCriterion, lost: Sequence[Problem]) -> str:
    if not lost:
        return ""
    cases = {question.trials[p.trial].case for p in lost}
    total = {question.trials[i].case for i in criterion.trials}
    message = lost[0].message
    if message.endswith(("in the notebook: was it renamed or deleted?", "is not written yet")):
        return message
    return f"{message} (lost in {len(cases)} of {len(total)} cases)" if len(total) > 1 else message


def _steps(
    question: PreparedQuestion, trials: Sequence[int] | range, answers: Sequence[Answer]
) -> Iterator[tuple[int, int, Step, Outcome, Outcome]]:
    for i in trials:
        trial = question.trials[i]
        yield from (
            (i, n, step, expected, outcome)
            for n, (step, expected, outcome) in enumerate(
                zip(trial.plan.steps, trial.expected.outcomes, answers[i].outcomes, strict=True)
            )
        )


def _judged(question: PreparedQuestion, kind: str, trial: Trial, step: Step) -> range:
    """Which of a step's sent outputs a criterion of this kind looks at."""
    everything = range(len(step.send))
    if trial.script or kind in ("stability", "shape", "count") or step.function not in question.functions:
        return everything
    if question.layer:
        return everything if (kind == "gradient") == (step.function == question.functions[1]) else range(0)
    # One function that returns a value and its gradient: a loss, a penalty. Without a gradient criterion both count.
    if any(c.kind == "gradient" for c in question.criteria):
        return everything[1:] if kind == "gradient" else everything[:1]
    return everything


def _judge_values(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    for i, n, step, expected, outcome in _steps(question, criterion.trials, answers):
        trial = question.trials[i]
        for k in _judged(question, criterion.kind, trial, step):
            if outcome.failure is not None:
                yield Problem(failure_words(step.function, outcome.failure, trial), i, n)
                break
            if criterion.kind == "shape":
                difference = compare_structure(outcome.values[k], expected.values[k], reveal=trial.visible)
            else:
                tolerance = 0.0 if criterion.kind == "count" else trial.tolerance
                difference = compare(outcome.values[k], expected.values[k], tolerance=tolerance, reveal=trial.visible)
            if difference is not None:
                what = output_name(question, step, k)
                if trial.script and len(trial.plan.steps) > 1:
                    what = f"call {n + 1}: {what}"
                sentence = f"{step.function}{case_of(trial)}: {what}{difference.message}"
                yield Problem(sentence, i, n, k, difference)
                break


def _judge_shape(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    found = list(_judge_values(question, criterion, answers))
    yield from found
    if found:
        return
    outputs: dict[tuple[str, int], list[tuple[int, int, Array, Array]]] = {}
    for i, n, step, expected, outcome in _steps(question, criterion.trials, answers):
        for k, (value, target) in enumerate(zip(outcome.values, expected.values, strict=True)):
            got, wanted = as_array(value), as_array(target)
            if got is not None and wanted is not None and wanted.size:
                outputs.setdefault((step.function, k), []).append((i, n, got, wanted))
    for (function, k), seen in outputs.items():
        varied = [(got, wanted) for _, _, got, wanted in seen if not _constant(wanted)]
        if not varied:  # numbers, of which each is constant by itself
            varied = [(np.stack([g.flat[0] for *_, g, _ in seen]), np.stack([w.flat[0] for *_, w in seen]))]
        if all(_constant(got) and not _constant(wanted) for got, wanted in varied):
            i, n, _, _ = seen[0]
            what = output_name(question, question.trials[i].plan.steps[n], k)
            yield Problem(f"{function}: {what}every entry of the answer is the same", i, n, k)


def _constant(array: Array) -> bool:
    return bool((array == array.flat[0]).all())


def _judge_consistency(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    for i in criterion.trials:
        problem = inconsistency(question, question.trials[i], answers[i])
        if problem:
            yield Problem(problem, i, 0)


def _judge_purity(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    for i in criterion.trials:
        trial = question.trials[i]
        earlier = next((a for t, a in zip(question.trials, answers, strict=True) if _begins_with(trial, t)), None)
        problem = _impurity(trial, answers[i], earlier, " and ".join(question.functions))
        if problem:
            yield Problem(problem, i, 0)


def _begins_with(trial: Trial, call: Trial) -> bool:
    """Whether a trial of purity makes first the very call that another trial made."""
    return call.kind == "call" and (call.case, call.visible, call.names) == (
        trial.case,
        trial.visible,
        trial.names[: len(call.names)],
    )


def _impurity(trial: Trial, answer: Answer, earlier: Answer | None, functions: str) -> str:
    reads = sum(not s.function for s in trial.plan.steps)
    calls = (len(trial.plan.steps) - reads) // 3
    for step, outcome in zip(trial.plan.steps, answer.outcomes, strict=True):
        if outcome.failure is not None:
            return failure_words(step.function or functions, outcome.failure, trial)
    for name, before, after in zip(trial.names, trial.plan.values, answer.echo, strict=False):
        if isinstance(before, np.ndarray) and not _identical(before, as_array(after)):
            return f"{functions}{case_of(trial)}: the input {name or 'array'} was changed in place"
    first, again = answer.outcomes[:calls], answer.outcomes[2 * calls + reads :]
    flat = [v for o in first for v in o.values]
    once = earlier.outcomes if earlier and not any(o.failure for o in earlier.outcomes) else first
    for outcomes in (again, once):
        pairs = zip(flat, [v for o in outcomes for v in o.values], strict=True)
        if not all(_close(as_array(a), as_array(b)) for a, b in pairs):
            return f"{functions}{case_of(trial)}: the same inputs give another answer the second time: what is kept?"
    for a, b in zip(flat, [v for o in answer.outcomes[2 * calls : 2 * calls + reads] for v in o.values], strict=True):
        if not _identical(as_array(a), as_array(b)):
            return f"{functions}{case_of(trial)}: a later call overwrote the array that an earlier call had returned"
    return ""


def _identical(a: npt.NDArray[Any] | None, b: npt.NDArray[Any] | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and a.tobytes() == b.astype(a.dtype, copy=False).tobytes()


def _close(a: npt.NDArray[Any] | None, b: npt.NDArray[Any] | None) -> bool:
    """Equal up to the order of a sum: threads may add in another order."""
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True))


def _judge_vectorised(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    for i in criterion.trials:
        trial, outcomes = question.trials[i], answers[i].outcomes
        half = len(outcomes) // 2
        for k, step in enumerate(trial.plan.steps[:half]):
            small, large = outcomes[k], outcomes[k + half]
            failure = small.failure or large.failure
            if failure is not None:
                yield Problem(failure_words(step.function, failure, trial), i, k)
            elif small.lines is None or large.lines is None:
                yield Problem(f"{step.function}: its lines could not be counted: tracing was switched off", i, k)
            elif large.lines > _LINES_FACTOR * small.lines + _LINES_SLACK:
                yield Problem(
                    f"{step.function}: {small.lines} Python lines run on a small input, {large.lines} on a larger one: "
                    "a loop over the data is left",
                    i,
                    k,
                )


def _judge_own(
    question: PreparedQuestion, criterion: PreparedCriterion, answers: Sequence[Answer]
) -> Iterator[Problem]:
    """Cases that bring a judge of their own."""
    for i in criterion.trials:
        trial = question.trials[i]
        failed = next(((n, o.failure) for n, o in enumerate(answers[i].outcomes) if o.failure is not None), None)
        if failed is not None:
            yield Problem(failure_words(trial.plan.steps[failed[0]].function, failed[1], trial), i, failed[0])
        elif (finding := finding_of(trial, answers[i])) is not None:
            yield Problem(f"{question.functions[0]}{case_of(trial)}: {finding.message}", i, 0)


_JUDGES: dict[str, Callable[[PreparedQuestion, PreparedCriterion, Sequence[Answer]], Iterator[Problem]]] = {
    "value": _judge_values,
    "count": _judge_values,
    "gradient": _judge_values,
    "stability": _judge_values,
    "shape": _judge_shape,
    "consistency": _judge_consistency,
    "purity": _judge_purity,
    "vectorised": _judge_vectorised,
    "judged": _judge_own,
}
