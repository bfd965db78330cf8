"""Is a backward the derivative of its own forward? Central differences along random directions, as data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.compare import tolerance_for
from grader.phrases import case_of, failure_words
from grader.plans import Answer, as_array
from grader.prepare import PreparedQuestion, Trial

# How many roundings of its size a sum may be off: those of the inputs, of the terms, of the result.
_ROUNDINGS = 4
# An answer this many times too large is wrong for other reasons; its own size then excuses no error.
_LARGEST = 100.0


@dataclass(frozen=True)
class Slope:
    """One directional derivative: of the student's own forward, and as their backward says.

    ``scale`` bounds both by the norms of their factors, ``change`` is that of the outputs alone; ``size`` is by how
    much one rounding of the output, ``reach`` by how much one of the input moves the sum that is differentiated.
    """

    name: str
    numerical: float
    analytic: float
    scale: float
    change: float
    size: float
    reach: float
    epsilon: float
    tolerance: float

    @property
    def finite(self) -> bool:
        """Whether all of it is: an overflow must not pass for a large scale."""
        return bool(np.isfinite([self.numerical, self.analytic, self.scale, self.change, self.size]).all())


def slopes(question: PreparedQuestion, trial: Trial, answer: Answer) -> list[Slope] | str:
    """Return the derivatives of a consistency trial, or the reason why there are none."""
    first = 2 if question.layer else 1  # calls before those that take a step
    for step, outcome in zip(trial.plan.steps, answer.outcomes, strict=True):
        if outcome.failure is not None:
            return failure_words(step.function, outcome.failure, trial)
    start = len(trial.plan.values) - 3 * ((len(trial.plan.steps) - first) // 2)
    out, gradients, dout = as_array(answer.outcomes[0].values[0]), answer.outcomes[0].values[1:], np.ones(())
    if question.layer:
        gradients, dout = answer.outcomes[1].values, np.asarray(trial.plan.values[start - 1], dtype=np.float64)
    forward, backward = f"{question.functions[0]}{case_of(trial)}", f"{question.functions[-1]}{case_of(trial)}"
    if out is None or out.shape != dout.shape:
        return f"{forward}: the output has the wrong shape to differentiate"
    if out.dtype == np.float16:
        return f"{forward}: float16 is too coarse for a derivative, float64 is not"
    found = []
    for n, at in enumerate(range(start, len(trial.plan.values), 3)):
        direction, name = np.asarray(trial.plan.values[at]), trial.names[at]
        which = trial.names.index(name)
        up, down = (as_array(answer.outcomes[first + 2 * n + k].values[0]) for k in (0, 1))
        gradient = as_array(gradients[which]) if which < len(gradients) else None
        if up is None or down is None or up.shape != out.shape or down.shape != out.shape:
            return f"{forward}: the shape of the output changes with the input's values"
        if gradient is None or gradient.shape != direction.shape:
            return f"{backward}: d{name} has not the shape of {name}"
        change = (up.astype(np.float64) - down.astype(np.float64)) / (2 * trial.step)
        gradient64, reacts = gradient.astype(np.float64), _norm(dout) * _norm(change)
        found.append(
            Slope(
                name=name,
                numerical=float(np.sum(dout * change)),
                analytic=float(np.sum(gradient64 * direction)),
                scale=max(reacts, _norm(gradient64) * _norm(direction)),
                change=reacts,
                size=_norm(dout * out.astype(np.float64)),
                reach=_norm(gradient64 * np.asarray(trial.plan.values[which], dtype=np.float64)),
                epsilon=float(np.finfo(out.dtype).eps) if out.dtype.kind == "f" else 2.3e-16,
                tolerance=max(1e-5, tolerance_for(gradient, 0.0)),
            )
        )
    return found


def inconsistency(question: PreparedQuestion, trial: Trial, answer: Answer) -> str:
    """Return why the backward does not fit its forward, empty where it does."""
    with np.errstate(all="ignore"):
        found, expected = slopes(question, trial, answer), slopes(question, trial, trial.expected)
    if isinstance(found, str):
        return found
    assert not isinstance(expected, str)
    for slope, target in zip(found, expected, strict=True):
        if not slope.finite:
            return f"{question.functions[-1]}{case_of(trial)}: the derivative by {slope.name} is not finite"
        if slope.change == 0 and target.change > _noise(slope, target, trial.step):
            return f"{question.functions[0]}{case_of(trial)}: the output does not react to {slope.name}"
        if not fits(slope, target, trial.step):
            off = "a slope where there is none"
            if abs(slope.numerical) > 1e-9 * slope.scale:
                ratio = slope.analytic / slope.numerical
                off = f"{ratio:.2g} times the true slope"
                if abs(ratio - 1) < 0.05:  # two digits would call it 1 times
                    off = f"a slope that is {100 * abs(ratio - 1):.1g}% too {'large' if ratio > 1 else 'small'}"
            return (
                f"{question.functions[-1]}{case_of(trial)}: d{slope.name} is not the derivative of your own "
                f"{question.functions[0]}: along a random direction it gives {off}"
            )
    return ""


def fits(slope: Slope, target: Slope, step: float) -> bool:
    """Whether the backward's derivative is that of the forward, where ``target`` is the reference's own."""
    off = abs(slope.numerical - slope.analytic)
    return not off > slope.tolerance * slope.scale + _noise(slope, target, step)


def _noise(slope: Slope, target: Slope, step: float) -> float:
    """What rounding alone does to a difference of outputs, in the precision that the student chose."""
    return _ROUNDINGS * slope.epsilon * (min(slope.size, _LARGEST * target.size) + target.reach) / step


def _norm(array: npt.NDArray[Any]) -> float:
    return float(np.linalg.norm(array))
