"""Is a backward the derivative of its own forward? Central differences along random directions, as data."""

from dataclasses import dataclass

import numpy as np

from grader.compare import tolerance_for
from grader.phrases import case_of, failure_words
from grader.plans import Answer, as_array
from grader.prepare import PreparedQuestion, Trial


@dataclass(frozen=True)
class Slope:
    """One directional derivative: of the student's own forward, and as their backward says."""

    name: str
    numerical: float
    analytic: float
    scale: float
    allowed: float


def slopes(question: PreparedQuestion, trial: Trial, answer: Answer) -> list[Slope] | str:
    """Return the derivatives of a consistency trial, or the reason why there are none."""
    first = 2 if question.layer else 1
    for step, outcome in zip(trial.plan.steps, answer.outcomes, strict=True):
        if outcome.failure is not None:
            return failure_words(step.function, outcome.failure, trial)
    if question.layer:
        out, gradients = as_array(answer.outcomes[0].values[0]), answer.outcomes[1].values
        inputs = trial.names.index("dout")
        dout = np.asarray(trial.plan.values[inputs], dtype=np.float64)
    else:
        out, gradients = as_array(answer.outcomes[0].values[0]), answer.outcomes[0].values[1:]
        inputs = next((i for i, n in enumerate(trial.names) if i and not n), len(trial.names)) - 1
        dout = np.ones(())
    if out is None or out.shape != dout.shape:
        return f"{question.functions[0]}{case_of(trial)}: the output has the wrong shape to differentiate"
    found = []
    start = inputs + 1 if question.layer else inputs
    for n, at in enumerate(range(start, len(trial.plan.values), 3)):
        direction = np.asarray(trial.plan.values[at])
        which = trial.names.index(trial.names[at])
        up, down = (as_array(answer.outcomes[first + 2 * n + k].values[0]) for k in (0, 1))
        gradient = as_array(gradients[which]) if which < len(gradients) else None
        if up is None or down is None or up.shape != out.shape or down.shape != out.shape:
            return f"{question.functions[0]}{case_of(trial)}: the shape of the output changes with the input's values"
        if gradient is None or gradient.shape != direction.shape:
            return (
                f"{question.functions[-1]}{case_of(trial)}: d{trial.names[at]} has not the shape of {trial.names[at]}"
            )
        change = (up.astype(np.float64) - down.astype(np.float64)) / (2 * trial.step)
        numerical, scale = float(np.sum(dout * change)), float(np.linalg.norm(dout) * np.linalg.norm(change))
        terms = gradient.astype(np.float64) * direction
        scale = max(scale, float(np.linalg.norm(gradient.astype(np.float64)) * np.linalg.norm(direction)))
        # What rounding alone does to a difference of two outputs, in the precision that the student chose.
        epsilon = float(np.finfo(out.dtype).eps) if out.dtype.kind == "f" else 2.3e-16
        noise = epsilon * float(np.linalg.norm(dout) * np.linalg.norm(out.astype(np.float64))) / trial.step
        allowed = max(1e-5, tolerance_for(gradient, 0.0)) * scale + 4 * noise
        found.append(Slope(trial.names[at], numerical, float(np.sum(terms)), scale, allowed))
    return found


def inconsistency(question: PreparedQuestion, trial: Trial, answer: Answer) -> str:
    """Return why the backward does not fit its forward, empty where it does."""
    found, expected = slopes(question, trial, answer), slopes(question, trial, trial.expected)
    if isinstance(found, str):
        return found
    assert not isinstance(expected, str)
    for slope, target in zip(found, expected, strict=True):
        if not np.isfinite(slope.numerical + slope.analytic):
            return f"{question.functions[-1]}{case_of(trial)}: the derivative by {slope.name} is not finite"
        if abs(target.numerical) > 1e-9 * target.scale > 0 and slope.scale == 0:
            return f"{question.functions[0]}{case_of(trial)}: the output does not react to {slope.name}"
        if abs(slope.numerical - slope.analytic) > slope.allowed:
            off = "a slope where there is none"
            if abs(slope.numerical) > 1e-9 * slope.scale:
                off = f"{slope.analytic / slope.numerical:.2g} times the true slope"
            return (
                f"{question.functions[-1]}{case_of(trial)}: d{slope.name} is not the derivative of your own "
                f"{question.functions[0]}: along a random direction it gives {off}"
            )
    return ""
