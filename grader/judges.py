"""Judges of answers that no single array is right for: random draws, constructions, trained predictions.

A judge looks at one trial's answer and returns what is wrong with it, or None. Those here are named and take plain
parameters, so that visible cases can be frozen with them; an assignment may bring functions of its own, which judge at
grading only. False alarms: every test of a share or a mean allows `Z` standard deviations of its own estimate, which a
right answer exceeds less than once in ten million times.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from grader import draws, splits
from grader.findings import Finding as Finding
from grader.plans import Answer, as_array

Z = 5.5


Judge = Callable[[Answer], Finding | None]


@dataclass(frozen=True)
class Named:
    """A judge of this module with its parameters: plain data, which a release can hold."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, answer: Answer) -> Finding | None:
        """Judge an answer."""
        return JUDGES[self.name](answer, **self.parameters)


def two_values(answer: Answer, *, kept: float, share: float, step: int = 0, output: int = 0) -> Finding | None:
    """Every entry is 0 or ``kept``, and the share of zeros is ``share`` up to chance.

    For an output on an input of ones: what dropout with probability ``share`` makes of it.
    """
    array = _numbers(answer, step, output)
    if array is None:
        return Finding("array", "expected a numeric array")
    zero = np.abs(array) < 1e-12
    other = array[~zero]
    if other.size and float(np.ptp(other)) > 1e-6 * float(np.max(np.abs(other))):
        return Finding("several", "the units that stay are not all scaled alike")
    found = float(zero.mean())
    if not _plausible(found, share, array.size):
        if _plausible(found, 1 - share, array.size):
            return Finding("complement", f"about {found:.0%} of the units are zero, expected {share:.0%}")
        return Finding("share", f"about {found:.0%} of the units are zero, expected {share:.0%}")
    if other.size and abs(float(other.flat[0]) - kept) > 1e-6 * abs(kept):
        ratio = float(other.flat[0]) / kept
        return Finding(f"scale {ratio:.3g}", f"the units that stay are {ratio:.3g} times as large as they should be")
    return None


def same_draws(answer: Answer, *, pairs: list[list[int]], different: list[list[int]]) -> Finding | None:
    """Steps in ``pairs`` answer alike (the same seed), steps in ``different`` do not."""
    for first, second in pairs:
        if not _alike(answer, first, second):
            return Finding("not-reproducible", "the same rng gives another answer the second time")
    for first, second in different:
        if _alike(answer, first, second):
            return Finding("not-random", "another rng gives the same answer")
    return None


def finite(
    answer: Answer, *, step: int = 0, bounded: int = 0, least: float | None = None, most: float | None = None
) -> Finding | None:
    """Every output of a step is finite, and output ``bounded`` lies between ``least`` and ``most``.

    For what may be kept finite in several right ways: the cost of a prediction that is certain and wrong.
    """
    for output in range(len(answer.outcomes[step].values)):
        array = _numbers(answer, step, output)
        if array is None:
            return Finding("array", "expected a numeric array")
        if not np.isfinite(array).all():
            return Finding(f"not-finite {output}", f"output {output + 1} is not finite")
        if output == bounded and least is not None and float(array.min()) < least:
            return Finding("too-small", f"output {output + 1} is too small")
        if output == bounded and most is not None and float(array.max()) > most:
            return Finding("too-large", f"output {output + 1} is too large")
    return None


def first_of(answer: Answer, *, judges: list[list[Any]]) -> Finding | None:
    """What the first of several judges, each [name, parameters], that finds anything finds."""
    findings = (JUDGES[name](answer, **parameters) for name, parameters in judges)
    return next((finding for finding in findings if finding is not None), None)


def _alike(answer: Answer, first: int, second: int) -> bool:
    pairs = zip(answer.outcomes[first].values, answer.outcomes[second].values, strict=True)
    arrays = [(as_array(a), as_array(b)) for a, b in pairs]
    return all(a is not None and b is not None and np.array_equal(a, b, equal_nan=True) for a, b in arrays)


def _numbers(answer: Answer, step: int, output: int) -> npt.NDArray[np.float64] | None:
    array = as_array(answer.outcomes[step].values[output])
    return None if array is None or not array.size else array.astype(np.float64)


def _plausible(found: float, share: float, count: int) -> bool:
    return abs(found - share) <= Z * math.sqrt(max(share * (1 - share), 1e-12) / count)


JUDGES: dict[str, Callable[..., Finding | None]] = {
    "two_values": two_values,
    "same_draws": same_draws,
    "finite": finite,
    **{
        f.__name__: f
        for f in (
            draws.among,
            draws.along,
            draws.varied,
            draws.multiple,
            draws.same_mean,
            draws.equal,
            draws.within,
            draws.scattered,
            splits.weights,
            splits.batches,
            splits.split,
            splits.folds,
            splits.right,
            splits.seeded,
            first_of,
        )
    },
}
