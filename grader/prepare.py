"""Turn a question into plain data: plans to send, answers to expect, answers of each misconception.

The examiner judges with it; a release freezes the visible part of it, so that a student's check makes the same
comparison without the reference. Only misconceptions are run later, once an answer is wrong: they are many, and costly.
"""

import inspect
import math
import warnings
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from grader import scripts, wire
from grader.compare import relative_error
from grader.errors import GraderError
from grader.execute import fresh, run_plan
from grader.findings import Finding
from grader.judges import Judge, Named
from grader.plans import Answer, Output, Plan, Step, Value, request
from grader.questions import Case, Criterion, Question
from grader.reach import reach

# Consistency and purity repeat calls; this many cases of a question show what more would show again.
REPEATED_CASES = 3
# How many other upstream gradients are tried, and what rounding one to single precision may change: such answers are
# allowed an error of 1e-5.
_DRAWS = 8
_ROUNDED = 2e-6


@dataclass(frozen=True)
class Trial:
    """One plan with the answer that the reference gives to it.

    Attributes
    ----------
    kind : str
        "call" (the case itself), "consistency", "purity" or "vectorised".
    case : str
        The case's name.
    names : tuple of str
        What each of the plan's values is called in messages: "x", "w", "dout".
    step : float
        Of the central differences ("consistency").
    reaches : function, optional
        Of a small visible case while grading: which entries of the first input an entry of the first output depends on.
    """

    kind: str
    case: str
    visible: bool
    plan: Plan
    expected: Answer
    names: tuple[str, ...]
    tags: frozenset[str] = frozenset()
    tolerance: float = 1e-7
    step: float = 0.0
    script: bool = False
    judge: Judge | None = None
    reaches: Callable[[tuple[int, ...]], list[tuple[int, ...]]] | None = None


@dataclass(frozen=True)
class PreparedCriterion:
    """A criterion with the indices of the trials that it judges; trial ``shown`` is for a picture alone."""

    kind: str
    name: str
    points: float
    trials: tuple[int, ...]
    shown: int | None = None


@dataclass(frozen=True)
class Variant:
    """A misconception with its answers, one for each trial (None for trials that cannot show it)."""

    name: str
    hint: str
    convention: str
    functions: tuple[str, ...]
    answers: tuple[Answer | None, ...]
    codes: tuple[str, ...] = ()


class Variants(Sequence[Variant]):
    """The variants of a question, run when somebody first looks at them: a right answer needs none."""

    def __init__(self, make: Callable[[], Sequence[Variant]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Sequence[Variant]:
        return tuple(self._make())

    def __len__(self) -> int:
        return len(self._made)

    @overload
    def __getitem__(self, index: int) -> Variant: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Variant]: ...
    def __getitem__(self, index: int | slice) -> Variant | Sequence[Variant]:
        return self._made[index]


@dataclass(frozen=True)
class PreparedQuestion:
    """Everything that judging one question needs."""

    name: str
    functions: tuple[str, ...]
    layer: bool
    outputs: tuple[str, ...]
    trials: tuple[Trial, ...]
    criteria: tuple[PreparedCriterion, ...]
    variants: Sequence[Variant]
    convention_keeps: float
    bonus: bool
    seconds: float
    call_seconds: float = math.inf

    @cached_property
    def order(self) -> tuple[int, ...]:
        """In which order its trials are asked: visible ones first, before the process knows any hidden input."""
        return tuple(sorted(range(len(self.trials)), key=lambda i: not self.trials[i].visible))

    @cached_property
    def frame(self) -> bytes:
        """The request for all trials in this order, encoded once for a whole class."""
        return wire.encode(request(self.trials[i].plan for i in self.order))

    @property
    def max_points(self) -> float:
        """The sum over the criteria."""
        return float(sum(c.points for c in self.criteria))


def prepare(question: Question, seed: int | None) -> PreparedQuestion:
    """Draw the hidden cases of a question and run its reference on all cases; its misconceptions run once looked at.

    Parameters
    ----------
    question : Question
    seed : int or None
        Of the hidden cases; the same seed gives the same cases. None prepares the visible cases alone.

    Raises
    ------
    GraderError
        If the reference fails on a case, which names the case.
    """
    name = zlib.crc32(question.name.encode())
    rng = np.random.default_rng([name] if seed is None else [seed, name])
    # Only judges that are data can be frozen; the others judge at grading alone.
    cases = [(c, True) for c in question.visible if seed is not None or c.judge is None or isinstance(c.judge, Named)]
    if seed is not None:
        cases += [(case, False) for case in question.hidden(rng)]
    maker = _TrialMaker(question, rng, grading=seed is not None)
    trials = [maker.call(case, visible) for case, visible in cases]
    criteria = []
    for criterion in question.criteria:
        extra = maker.extra(criterion, cases)
        if criterion.kind in ("consistency", "purity", "vectorised"):
            numbers = list(range(len(trials), len(trials) + len(extra)))
            trials += extra
        else:
            numbers = [i for i, t in enumerate(trials) if t.kind == "call" and _selects(criterion, t.tags, t.judge)]
        if not numbers and seed is not None:
            raise GraderError(f"question {question.name}: criterion {criterion.name!r} selects no case")
        drawn = maker.shown(criterion, cases) if seed is not None else None
        place = None if drawn is None else len(trials)
        trials += [] if drawn is None else [drawn]
        criteria.append(PreparedCriterion(criterion.kind, criterion.name, criterion.points, tuple(numbers), place))
    first = next(iter(question.functions.values()))
    return PreparedQuestion(
        name=question.name,
        functions=tuple(question.functions),
        layer=question.is_layer,
        outputs=tuple(f"d{name}" for name in inspect.signature(first).parameters),
        trials=tuple(trials),
        criteria=tuple(criteria),
        variants=Variants(lambda: _variants(question, trials)),
        convention_keeps=question.convention_keeps,
        bonus=question.bonus,
        seconds=question.seconds,
        call_seconds=question.call_seconds,
    )


def _selects(criterion: Criterion, tags: Collection[str], judge: Judge | None) -> bool:
    if (criterion.kind == "judged") != (judge is not None):
        return False
    return not criterion.tags or not criterion.tags.isdisjoint(tags)


def _variants(question: Question, trials: Sequence[Trial]) -> list[Variant]:
    variants = []
    for m in question.misconceptions:
        functions = {**question.functions, **m.functions}
        answers = [_answer(t.plan, functions) if t.kind in ("call", "purity") else None for t in trials]
        codes = [code_of(t, a) for t, a in zip(trials, answers, strict=True)]
        kept = tuple(_without_draws(t, a) for t, a in zip(trials, answers, strict=True))
        variants.append(Variant(m.name, m.hint, m.convention, tuple(m.functions), kept, tuple(codes)))
    return variants


def _without_draws(trial: Trial, answer: Answer | None) -> Answer | None:
    """Where a judge's code says what there is to say, what was drawn need not be kept."""
    if answer is None or trial.judge is None:
        return answer
    return Answer(tuple(replace(o, values=tuple(None for _ in o.values)) for o in answer.outcomes))


def code_of(trial: Trial, answer: Answer | None) -> str:
    """Return the code of what a trial's own judge finds, empty where it finds nothing or there is none."""
    finding = None if answer is None else finding_of(trial, answer)
    return "" if finding is None else finding.code


def finding_of(trial: Trial, answer: Answer) -> Finding | None:
    """Return what a trial's own judge finds; nothing where there is none, or where a call failed: it gave no values."""
    if trial.judge is None or any(o.failure for o in answer.outcomes):
        return None
    return trial.judge(answer)


def _leaves(gradients: Any) -> list[Any]:
    several = gradients if isinstance(gradients, tuple) else (gradients,)
    return [np.asarray(g) for g in several if isinstance(g, np.ndarray | np.floating)]


def _answer(plan: Plan, functions: Mapping[str, Any]) -> Answer:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run_plan(fresh(plan), functions)


class _TrialMaker:
    """Builds the trials of one question: holds what all of them need, the question and its generator."""

    def __init__(self, question: Question, rng: np.random.Generator, *, grading: bool) -> None:
        self.question = question
        self.grading = grading
        self.rng = rng
        # For what is only shown, and for second draws: the draws that are judged stay what they are.
        self.aside, self.again = rng.spawn(2)
        self.douts: dict[int, tuple[Case, Any]] = {}
        self.names = tuple(question.functions)
        self.parameters = list(inspect.signature(question.functions[self.names[0]]).parameters)

    def extra(self, criterion: Criterion, cases: Sequence[tuple[Case, bool]]) -> list[Trial]:
        if criterion.kind == "vectorised":
            return [self.vectorised(criterion)]
        selected = [(c, v) for c, v in cases if _selects(criterion, c.tags, c.judge)]
        chosen = [(c, v) for c, v in selected if c.script is None]
        if criterion.kind == "purity" and not chosen:  # functions that only scripts call: steps that hand a state on
            chosen = [(c, v) for c, v in selected if scripts.repeatable(c.script)]
        if any(not visible for _, visible in chosen):
            chosen = [(c, v) for c, v in chosen if not v]
        spread = np.linspace(0, max(len(chosen) - 1, 0), REPEATED_CASES).round().astype(int)
        picked = [chosen[i] for i in np.unique(spread)] if chosen else []
        if criterion.kind == "consistency":
            return [self.consistency(case, visible) for case, visible in picked]
        if criterion.kind == "purity":
            return [self.purity(*pair) for pair in zip(picked, picked[1:] + picked[:1], strict=True)]
        return []

    def shown(self, criterion: Criterion, cases: Sequence[tuple[Case, bool]]) -> Trial | None:
        """Return the largest visible case of *consistency*: hidden ones are judged, of this one slopes may be shown."""
        selected = [c for c, v in cases if v and c.script is None and _selects(criterion, c.tags, c.judge)]
        if criterion.kind != "consistency" or not selected:
            return None
        return self.consistency(max(selected, key=lambda c: sum(np.size(v) for v in c.inputs)), True, self.aside)

    def trial(self, kind: str, case: Case, visible: bool, plan: Plan, names: Sequence[str]) -> Trial:
        expected = _answer(plan, self.question.functions)
        for outcome in expected.outcomes:
            if outcome.failure is not None:
                raise GraderError(
                    f"question {self.question.name}, case {case.name!r}: the reference fails: {outcome.failure.message}"
                )
        finding = case.judge(expected) if case.judge is not None and kind == "call" else None
        if finding is not None:
            raise GraderError(
                f"question {self.question.name}, case {case.name!r}: its judge faults the reference: {finding.message}"
            )
        drawn = self.grading and visible and kind == "call"
        return Trial(
            kind=kind,
            case=case.name,
            visible=visible,
            plan=plan,
            expected=expected,
            names=tuple(names),
            tags=frozenset(case.tags),
            tolerance=case.tolerance,
            step=case.step,
            script=case.script is not None,
            judge=case.judge if kind == "call" else None,
            reaches=reach(self.question.functions[self.names[0]], case) if drawn else None,
        )

    def calls(self, case: Case, first: int, at: int) -> tuple[list[Any], list[Step], list[str]]:
        """Values (the first of them has index ``first``), steps (the first is step ``at``) and names for one case."""
        if case.script is not None:
            names = scripts.names(case.script, self.question.functions)
            return list(case.script.values), scripts.moved(case.script.steps, first, at), names
        values: list[Any] = list(case.inputs)
        names = self.parameters[: len(values)]
        if len(self.names) > 1 and not self.question.is_layer:
            raise GraderError(
                f"question {self.question.name}, case {case.name!r}: two functions that are no layer need a script"
            )
        args = tuple(Value(first + i) for i in range(len(values)))
        if not self.question.is_layer:
            count = self.question.outputs.get(self.names[0], 1)
            return values, [Step(self.names[0], args, case.options, count, tuple(range(count)))], names
        forward, backward = self.question.functions.values()
        inputs = tuple(v.copy() if isinstance(v, np.ndarray) else v for v in case.inputs)
        out, cache, *more = forward(*inputs, **case.options)
        # The same gradient in every trial of a case, so that their answers can be compared.
        if id(case) not in self.douts:
            self.douts[id(case)] = case, self.upstream(out.shape, lambda dout: backward(dout, cache))
        dout = self.douts[id(case)][1]
        gradients = backward(dout.copy(), cache)
        count = len(gradients) if isinstance(gradients, tuple) else 1
        steps = [
            # All but the cache travels: what else a forward returns (running averages) is judged with its output.
            Step(self.names[0], args, case.options, 2 + len(more), (0, *range(2, 2 + len(more)))),
            Step(self.names[1], (Value(first + len(values)), Output(at, 1)), {}, count, tuple(range(count))),
        ]
        return [*values, dout], steps, [*names, "dout"]

    def upstream(self, shape: tuple[int, ...], backward: Callable[[Any], Any]) -> Any:
        """Return a random gradient under which an answer in single precision can be right.

        Where a gradient is the sum of a few terms that happen to cancel, their rounding would outweigh it: another is
        drawn. What cancels under every gradient stays.
        """
        first = np.asarray(self.rng.normal(size=shape))
        for dout in [first, *(np.asarray(self.again.normal(size=shape)) for _ in range(_DRAWS))]:
            pairs = zip(*(_leaves(backward(d)) for d in (dout.copy(), np.float32(dout).astype(float))), strict=True)
            if all(relative_error(rounded, exact) < _ROUNDED for exact, rounded in pairs):
                return dout
        return first

    def call(self, case: Case, visible: bool) -> Trial:
        if case.script is not None:
            return self.trial("call", case, visible, case.script, scripts.names(case.script, self.question.functions))
        values, steps, names = self.calls(case, 0, 0)
        return self.trial("call", case, visible, Plan(tuple(values), tuple(steps)), names)

    def consistency(self, case: Case, visible: bool, rng: np.random.Generator | None = None) -> Trial:
        """The case, then for each float input the forward a step up and a step down a random direction.

        Values: those of the case, then (direction, input + step, input - step) for each direction. A direction's value
        is named after its input.
        """
        values, steps, names = self.calls(case, 0, 0)
        forward = steps[0]
        gradients = steps[1].outputs if self.question.is_layer else forward.outputs - 1
        # Inputs beyond the gradients (targets, running averages) are not differentiated.
        for i, array in enumerate(case.inputs[:gradients]):
            if not (isinstance(array, np.ndarray) and array.dtype.kind == "f"):
                continue
            direction = np.asarray((rng or self.rng).normal(size=array.shape))
            names = [*names, names[i], "", ""]
            values += [direction, array + case.step * direction, array - case.step * direction]
            for moved in (len(values) - 2, len(values) - 1):
                args = tuple(Value(moved) if j == i else Value(j) for j in range(len(case.inputs)))
                steps.append(Step(forward.function, args, forward.kwargs, forward.outputs, (0,)))
        if len(steps) == len(self.names):
            raise GraderError(
                f"question {self.question.name}, case {case.name!r}: consistency needs a float array with a gradient"
            )
        return self.trial("consistency", case, visible, Plan(tuple(values), tuple(steps)), names)

    def purity(self, one: tuple[Case, bool], other: tuple[Case, bool]) -> Trial:
        """The case, another one; then the first outputs are read once more, before the case comes again.

        The other one is, where the reference takes it, the case with its numbers in another order: of the same shape,
        so that a buffer kept for each shape is seen.
        """
        case, visible = one
        values, steps, names = self.calls(case, 0, 0)
        calls = len(steps)
        turned, spare = _turned(case), case if case.script else other[0]
        more, between, _ = self.calls(turned if self.answers(turned) else spare, len(values), calls)
        reads = [Step("", (Output(i, None if s.outputs == 1 else k),)) for i, s in enumerate(steps) for k in s.send]
        later = 2 * calls + len(reads)
        again = scripts.moved(tuple(steps), 0, later)
        # Read before the case comes again: that would fill a buffer used twice with what was there before.
        plan = Plan((*values, *more), (*steps, *between, *reads, *again), echo=True)
        return self.trial("purity", case, visible, plan, [*names, *["" for _ in more]])

    def answers(self, case: Case) -> bool:
        """Whether the reference does."""
        try:
            values, steps, _ = self.calls(case, 0, 0)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return False
        outcomes = _answer(Plan(tuple(values), tuple(steps)), self.question.functions).outcomes
        return all(outcome.failure is None for outcome in outcomes)

    def vectorised(self, criterion: Criterion) -> Trial:
        """The small case, then the large one, with the lines counted."""
        assert criterion.small is not None
        assert criterion.large is not None
        values, steps, names = self.calls(criterion.small, 0, 0)
        more, larger, _ = self.calls(criterion.large, len(values), len(steps))
        counted = tuple(Step(s.function, s.args, s.kwargs, s.outputs, s.send, lines=True) for s in (*steps, *larger))
        plan = Plan((*values, *more), counted)
        return self.trial("vectorised", criterion.large, False, plan, [*names, *["" for _ in more]])


def _turned(case: Case) -> Case:
    """The same numbers of each float array in reverse: shapes, ranges and sums of rows stay what they were."""
    if case.script is not None:
        return replace(case, script=scripts.turned(case.script))
    return replace(case, inputs=scripts.turned(Plan(case.inputs, ())).values)
