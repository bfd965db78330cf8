"""`Checker`: the student's own check, beside each stub. A convenience in the kernel; marks never depend on it.

It makes the comparison that grading makes, on the visible cases, from frozen data: no reference is needed, and nothing
here may need processes or sockets (it also runs on Windows, Colab and in the browser).
"""

import io
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grader.compare import agree
from grader.diagnose import matching
from grader.errors import GraderError
from grader.execute import describe_error, fresh, run_plan
from grader.freeze import FrozenQuestion, thaw
from grader.judge import judge
from grader.plans import Answer, Failure, clean
from grader.prepare import PreparedQuestion, Trial, Variant
from grader.results import CriterionResult
from grader.student.card import Report
from grader.student.explain import Explanation
from grader.student.patience import Patience, Stopped
from grader.student.progress import Progress, Standing
from grader.student.spot import Spot, spot_of
from grader.student.validation import kept_quiet, tell

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
    ``check = Checker("convolution")``, then ``check(conv2d_forward)`` beside the stub. ``check.explain()`` says more of
    the last check, ``check.progress()`` where the whole assignment stands.
    """

    def __init__(self, topic: str, folder: str | Path = ".") -> None:
        path = Path(folder) / f"{topic}.checks"
        if not path.is_file():
            raise GraderError(
                f"{path.name} is not in {path.parent.resolve()}: it comes with the notebook, keep the two together"
            )
        self._checks = thaw(path.read_bytes())
        self.assignment = self._checks.name
        self._frozen = {name: q for q in self._checks.questions for name in q.functions}
        self._prepared: dict[str, PreparedQuestion] = {}
        self._mistakes: dict[str, tuple[Variant, ...]] = {}
        self._last: Report | None = None
        # What `progress` knows: the last verdict on each criterion, and which function it was about.
        self._verdicts: dict[str, dict[str, CriterionResult]] = {}
        self._checked: dict[str, tuple[Callable[..., Any], Mapping[str, Any]]] = {}
        self._unwritten: set[str] = set()

    def __repr__(self) -> str:
        return (
            f"Checks of {self.assignment}. check(FUNCTION) tries a function of yours on visible cases, check.explain() "
            "says more of the last check, check.progress() shows all questions."
        )

    def __call__(self, function: Callable[..., Any]) -> Report:
        """Check one function; of a layer's backward, together with the forward defined in the same notebook."""
        names = getattr(function, "__globals__", None) or vars(sys.modules["__main__"])
        name = self._name(function, names)
        report = self._report(name, self._frozen[name], {**names, name: function}, names)
        result, criteria = report.result, report.result.criteria
        self._last = report
        self._checked[name] = function, names
        self._unwritten = (self._unwritten - {name}) | ({name} if result.status == "missing" else set())
        self._verdicts.setdefault(self._frozen[name].name, {}).update({c.name: c for c in criteria})
        tell(report)
        return report

    def all(self, names: Mapping[str, Any]) -> list[Report]:
        """Check every question on the functions that a notebook defined, for what runs without one to look at."""
        return [self._report(q.name, q, names, names) for q in self._checks.questions]

    def _report(
        self, name: str, frozen: FrozenQuestion, functions: Mapping[str, Any], names: Mapping[str, Any]
    ) -> Report:
        question = self._question(frozen)
        forward_alone = question.layer and name == question.functions[0]
        if forward_alone:
            alone = _forward_alone(question)
            forward_alone = bool(alone.criteria)
            question = alone if forward_alone else question
        answers, spot, seconds = _ask(name, question, functions, names)
        result = judge(question, answers, seconds=seconds)
        if result.status not in ("passed", "missing"):  # only now are the known mistakes needed
            variants = self._variants(frozen)
            if forward_alone:
                variants = _of_forward(variants, self._question(frozen))
            question = replace(question, variants=variants)
            question = _told_apart(question, answers) if forward_alone else question
            result = judge(question, answers, seconds=seconds)
        return Report(name, question, tuple(answers), result, spot)

    def explain(self) -> Explanation:
        """Say more of the last check: each visible case, what went in, what was compared, how far off it is."""
        if self._last is None:
            raise GraderError("nothing has been checked yet: run a cell that says check(...) first")
        return Explanation(self._last)

    def progress(self) -> Progress:
        """Show all questions with their points, from the checks made since the kernel started."""
        return Progress(self._checks.title, [self._standing(q) for q in self._checks.questions])

    def _name(self, function: Callable[..., Any], names: Mapping[str, Any]) -> str:
        name = getattr(function, "__name__", "") if callable(function) else ""
        if callable(function) and name not in self._frozen:
            # A closure or a lambda goes by the name that the notebook gave it.
            name = next((n for n in self._frozen if names.get(n) is function), name)
        if isinstance(function, str) and function in self._frozen:
            raise GraderError(f"give the function itself, without quotes: check({function})")
        if name not in self._frozen:
            known = ", ".join(self._frozen)
            what = name or f"an object of type {type(function).__name__}"
            called = "" if callable(function) else ". Give the function itself, not what it returns: check(NAME)"
            raise GraderError(f"{clean(what, 80)} is no function of {self.assignment}; these are: {known}{called}")
        return name

    def _question(self, frozen: FrozenQuestion) -> PreparedQuestion:
        if frozen.name not in self._prepared:
            self._prepared[frozen.name] = _shown_criteria(frozen.prepared())
        return self._prepared[frozen.name]

    def _variants(self, frozen: FrozenQuestion) -> tuple[Variant, ...]:
        if frozen.name not in self._mistakes:
            self._mistakes[frozen.name] = frozen.variants(self._question(frozen))
        return self._mistakes[frozen.name]

    def _standing(self, frozen: FrozenQuestion) -> Standing:
        verdicts = self._verdicts.get(frozen.name, {})
        remarks = tuple(r for r in map(self._remark, frozen.functions) if r)
        reached = sum(c.points for c in verdicts.values())
        return Standing(frozen.name, frozen.points, frozen.bonus, reached, frozen.points - frozen.shown, remarks)

    def _remark(self, name: str) -> str:
        """What there is to do about a function, as far as its last check knows."""
        if name not in self._checked:
            return f"check({name})"
        function, names = self._checked[name]
        if names.get(name, function) is not function:
            return f"check({name}) again, it has changed"
        return f"{name} is not written yet" if name in self._unwritten else ""


class _Silence(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def _ask(
    name: str, question: PreparedQuestion, functions: Mapping[str, Any], names: Mapping[str, Any]
) -> tuple[list[Answer], Spot | None, float]:
    """Run every trial. Returns the answers, where the first exception arose, and the seconds."""
    spots: list[Spot] = []

    def describe(error: BaseException) -> Failure:
        spot = None if spots else spot_of(error, names)
        spots.extend([] if spot is None else [spot])
        return describe_error(error)

    answers = []
    # An overflow on purpose, in a case of extreme inputs, is judged by its result: NumPy's warning would only alarm.
    with Patience(name) as patience, np.errstate(all="ignore"), kept_quiet():
        try:
            for trial in question.trials:
                patience.at(trial.case)
                # What a function prints is for its author; calls that repeat others would print it many times over.
                with nullcontext() if trial.kind == "call" else redirect_stdout(_Silence()):
                    answers.append(run_plan(fresh(trial.plan), functions, describe=describe))
        except KeyboardInterrupt as interrupt:
            spot = spot_of(interrupt, names)
            where = f", at line {spot.line} of {spot.function or 'its cell'}: {spot.source}" if spot else ""
            raise Stopped(
                f"{name} was stopped after {patience.seconds:.1f} s, in case “{patience.case}”{where}"
            ) from None
        return answers, next(iter(spots), None), patience.seconds


def _shown_criteria(question: PreparedQuestion) -> PreparedQuestion:
    """Leave out the criteria that no visible case shows: to say that they passed would be untrue."""
    return replace(question, criteria=tuple(c for c in question.criteria if c.trials))


def _forward_alone(question: PreparedQuestion) -> PreparedQuestion:
    """Reduce a layer to its forward, which is checked while the backward is still a stub."""
    kept = _kept_alone(question)
    number = {old: new for new, old in enumerate(kept)}
    criteria = tuple(
        replace(c, trials=tuple(number[i] for i in c.trials if i in number))
        for c in question.criteria
        if c.kind in _ONE_FUNCTION and not number.keys().isdisjoint(c.trials)
    )
    trials = tuple(_first_trial(question.trials[i]) for i in kept)
    return replace(question, trials=trials, criteria=criteria)


def _kept_alone(question: PreparedQuestion) -> list[int]:
    """Which trials a forward alone can answer. A script is run whole: those that call the backward wait for it."""
    return [
        i
        for i, t in enumerate(question.trials)
        if t.kind == "call" and (t.script or t.judge is None) and not (t.script and _calls(t, question.functions[1]))
    ]


def _of_forward(variants: Sequence[Variant], question: PreparedQuestion) -> tuple[Variant, ...]:
    """Return the mistakes of a layer's forward, with their answers to the trials of the forward alone."""
    kept, forward = _kept_alone(question), question.functions[0]
    return tuple(
        replace(
            v,
            functions=(forward,),
            answers=tuple(_first_steps(v.answers[i], question.trials[i]) for i in kept),
            codes=tuple(v.codes[i] for i in kept),
        )
        for v in sorted(variants, key=lambda v: len(v.functions))
        if forward in v.functions
    )


def _told_apart(question: PreparedQuestion, answers: Sequence[Answer]) -> PreparedQuestion:
    """Keep one of the mistakes that fit: made in the forward alone or in both directions, they are alike here."""
    fitting = matching(question, answers)
    alike = [v for n, v in enumerate(fitting) if not any(_same(v, earlier) for earlier in fitting[:n])]
    return replace(question, variants=tuple(alike))


def _calls(trial: Trial, function: str) -> bool:
    return any(step.function == function for step in trial.plan.steps)


def _same(variant: Variant, other: Variant) -> bool:
    """Whether two wrong forwards answer alike everywhere."""
    answers = [(a.outcomes[0], b.outcomes[0]) for a, b in zip(variant.answers, other.answers, strict=True) if a and b]
    return variant.codes == other.codes and all(
        (a.failure is None) == (b.failure is None) and all(agree(u, v) for u, v in zip(a.values, b.values, strict=True))
        for a, b in answers
    )


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
