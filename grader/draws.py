"""Judges of draws: which possibilities were taken, how often, and how one output belongs to another.

They know candidates, shares and curves, not what these are pictures of. Every judge takes plain parameters, so that a
release can hold it. False alarms: a count of draws is doubted where the exact binomial distribution gives it, or
anything further out on its side, less than `DOUBT`, so each count that is tested accuses a right answer at most twice
in `1 / DOUBT` times. An item is compared with what it may be up to rounding, which accuses no right answer at all.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from grader.findings import NO_ARRAY, Finding, numbers
from grader.plans import Answer, as_array

Array: TypeAlias = npt.NDArray[Any]

DOUBT = 1e-9
# Rounding of float32, the coarsest type in which students compute.
_ROUNDING = 1e-5
_BINS = 4


def plausible(count: int, total: int, share: float) -> bool:
    """Whether ``count`` of ``total`` independent draws may well be what a probability of ``share`` gives."""
    if not 0 < share < 1:
        return count == round(share * total)
    k = np.arange(total + 1)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    logs = factorials[-1] - factorials - factorials[::-1] + k * math.log(share) + (total - k) * math.log1p(-share)
    chances = np.exp(logs)
    return min(float(chances[: count + 1].sum()), float(chances[count:].sum())) >= DOUBT


def among(
    answer: Answer,
    *,
    candidates: Array,
    names: Sequence[str],
    shares: Sequence[float] | None = None,
    others: Mapping[str, Array] | None = None,
    items: int = 1,
    step: int = 0,
    output: int = 0,
) -> Finding | None:
    """Each item is one of the candidates, and each candidate is taken with its share.

    Parameters
    ----------
    candidates : (K, ...)
        Each broadcasts to the whole output.
    names : K words
        "mirrored", "left as it was".
    shares : K numbers, optional
        Probabilities that sum to 1; None judges what the items are and not how often.
    others : mapping from str to (L, ...)
        What known mistakes give: where every item is one of these or of the candidates, the key is the code.
    items : int
        How many leading axes count the items; all of them where every entry is an item.
    """
    array = numbers(answer, step, output)
    if array is None:
        return NO_ARRAY
    sizes = np.asarray(candidates).shape[1:]
    if len(sizes) != array.ndim or any(size not in (1, n) for size, n in zip(sizes, array.shape, strict=True)):
        return Finding("shape", "the shape of the output is wrong")
    hit = _hits(array, candidates, items)
    strange = ~hit.any(axis=0)
    if strange.any():
        where = tuple(int(i) for i in np.unravel_index(int(np.argmax(strange)), array.shape[:items]))
        number = where[0] if len(where) == 1 else where
        message = f"{int(strange.sum())} of {strange.size} items are {_neither(names)}, the first at {number}"
        for code, known in (others or {}).items():
            if (~strange | _hits(array, known, items).any(axis=0)).all():
                return Finding(code, message)
        return Finding("stranger", message)
    if shares is None:
        return None
    taken = np.bincount(np.argmax(hit, axis=0), minlength=len(names))
    return _shares(taken, names, shares)


def _neither(names: Sequence[str]) -> str:
    if len(names) < 3:
        return f"neither {names[0]} nor {names[1]}" if len(names) == 2 else f"not {names[0]}"
    return f"none of the {len(names)} possibilities"


def _hits(array: Array, candidates: Array, items: int) -> Array:
    """(candidates, items): which item is which candidate."""
    candidates = np.asarray(candidates, dtype=np.float64)
    count = int(np.prod(array.shape[:items]))
    scale = max(float(np.abs(candidates).max()), 1e-12)
    with np.errstate(invalid="ignore"):
        off = [np.abs(np.broadcast_to(c, array.shape) - array).reshape(count, -1).max(axis=1) for c in candidates]
    return np.stack(off) <= _ROUNDING * scale


def _shares(taken: Array, names: Sequence[str], shares: Sequence[float]) -> Finding | None:
    total = int(taken.sum())
    doubtful = [k for k, share in enumerate(shares) if not plausible(int(taken[k]), total, share)]
    if not doubtful:
        return None
    worst = max(doubtful, key=lambda k: abs(taken[k] / total - shares[k]))
    message = f"{taken[worst] / total:.0%} of the items are {names[worst]}, expected about {shares[worst]:.0%}"
    if total in taken:
        return Finding("all-alike", f"all items are {names[int(np.argmax(taken))]}: {message}")
    never = [str(k) for k in doubtful if not taken[k]]
    if never:
        return Finding(f"never {' '.join(never)}", f"no item is {names[int(never[0])]}")
    signs = " ".join(f"{'+' if taken[k] > total * shares[k] else '-'}{k}" for k in doubtful)
    return Finding(f"shares {signs}", message)


def along(
    answer: Answer,
    *,
    curve: Array,
    places: Array,
    low: float,
    high: float,
    name: str,
    others: Mapping[str, Array] | None = None,
    tolerance: float = 0.02,
    step: int = 0,
    output: int = 0,
) -> Finding | None:
    """Each item of the first axis lies on a curve, at places drawn uniformly between two limits.

    Parameters
    ----------
    curve : (G, ...)
        What an item is at each of ``places``, near enough to each other for straight lines between them; the curve may
        go on beyond the limits.
    places : (G,)
        Rising numbers: the angle, the factor.
    name : str
        What a place is called in messages: "angle".
    others : mapping from str to (L, ...)
        Curves of known mistakes: where every item lies on one of them, its key is the code.
    tolerance : float
        Allowed distance from the curve, relative to how far its points lie from their mean.
    """
    array = numbers(answer, step, output)
    if array is None:
        return NO_ARRAY
    curve, places = np.asarray(curve, dtype=np.float64), np.asarray(places, dtype=np.float64)
    if array.shape[1:] != curve.shape[1:]:
        return Finding("shape", "the shape of the output is wrong")
    at, distance = _nearest(array, curve, places)
    off = ~(distance <= tolerance)
    if off.any():
        message = f"{int(off.sum())} of {len(off)} items are what no {name} gives, the first at {int(np.argmax(off))}"
        for code, known in (others or {}).items():
            lines = np.asarray(known, dtype=np.float64)
            along_it = np.arange(float(len(lines)))
            # A few items tell most curves apart, at a fraction of the work.
            if all((_nearest(some, lines, along_it)[1] <= tolerance).all() for some in (array[:5], array)):
                return Finding(code, message)
        return Finding("off", message)
    width = high - low
    if len(at) > 1 and np.ptp(at) <= 1e-4 * width:
        return Finding("all-alike", f"all items have the same {name}")
    beyond = (at < low - 0.01 * width) | (at > high + 0.01 * width)
    if beyond.any():
        return Finding("beyond", f"{int(beyond.sum())} of {len(at)} items have a {name} beyond the limits")
    filled = np.bincount(np.clip(((at - low) / width * _BINS).astype(int), 0, _BINS - 1), minlength=_BINS)
    doubtful = [b for b in range(_BINS) if not plausible(int(filled[b]), len(at), 1 / _BINS)]
    if not doubtful:
        return None
    never = [str(b) for b in doubtful if not filled[b]]
    edges = low + width * np.arange(_BINS + 1) / _BINS
    worst = max(doubtful, key=lambda b: abs(filled[b] / len(at) - 1 / _BINS))
    message = (
        f"{filled[worst] / len(at):.0%} of the items have a {name} from {edges[worst]:.3g} to {edges[worst + 1]:.3g}, "
        f"expected about {1 / _BINS:.0%}"
    )
    return Finding(f"never {' '.join(never)}" if never else "uneven", message)


def _nearest(array: Array, curve: Array, places: Array) -> tuple[Array, Array]:
    """Where on the curve each item lies nearest to, and at which relative distance from it."""
    items, points = array.reshape(len(array), -1), curve.reshape(len(curve), -1)
    spread = max(float(np.linalg.norm(points - points.mean(axis=0), axis=1).max()), 1e-12)
    with np.errstate(invalid="ignore", over="ignore"):
        squares = (items**2).sum(axis=1)[:, None] - 2 * items @ points.T + (points**2).sum(axis=1)
    nearest = np.argmin(np.where(np.isfinite(squares), squares, np.inf), axis=1)
    at, best = places[nearest], np.linalg.norm(items - points[nearest], axis=1)
    for neighbour in (-1, 1):
        other = np.clip(nearest + neighbour, 0, len(points) - 1)
        way = points[other] - points[nearest]
        length = (way**2).sum(axis=1)
        share = np.clip(((items - points[nearest]) * way).sum(axis=1) / np.where(length > 0, length, 1.0), 0, 1)
        distance = np.linalg.norm(items - points[nearest] - share[:, None] * way, axis=1)
        nearer = distance < best
        at = np.where(nearer, places[nearest] + share * (places[other] - places[nearest]), at)
        best = np.where(nearer, distance, best)
    return at, best / spread


def varied(
    answer: Answer, *, axes: Sequence[int], shape: Sequence[int] | None = None, step: int = 0, output: int = 0
) -> Finding | None:
    """Along none of the axes all slices are alike, and the shape is the one given, if one is.

    For arrays so large that chance makes no slices alike.
    """
    array = numbers(answer, step, output)
    if array is None:
        return NO_ARRAY
    if shape is not None and array.shape != tuple(shape):
        return Finding("shape", "the shape of the output is wrong")
    for axis in axes:
        if array.ndim <= axis:
            return Finding("shape", "the shape of the output is wrong")
        if np.array_equal(array, np.broadcast_to(np.take(array, [0], axis=axis), array.shape)):
            return Finding(f"alike {axis}", f"the draw is the same all along axis {axis}")
    return None


def multiple(
    answer: Answer, *, factor: Array, first: Sequence[int], second: Sequence[int], what: str = "the second answer"
) -> Finding | None:
    """One output is another one times ``factor``, entry by entry.

    ``first`` and ``second`` are (step, output); ``factor`` has no zeros. It tells apart an output that is the factor
    itself, one that has entries where the first has none, and one that is too large or small throughout.
    """
    a, b = numbers(answer, *first), numbers(answer, *second)
    if a is None or b is None:
        return NO_ARRAY
    if a.shape != b.shape or a.shape != np.shape(factor):
        return Finding("shape", f"{what} has the wrong shape")
    expected = a * factor
    scale = max(float(np.abs(expected).max()), 1e-12)
    if np.abs(b - expected).max() <= _ROUNDING * scale:
        return None
    if np.abs(b - factor).max() <= _ROUNDING * scale:
        return Finding("unchanged", f"{what} is what came in")
    empty = np.abs(a) <= 1e-12
    leaks = int((np.abs(b[empty]) > _ROUNDING * scale).sum())
    if leaks:
        return Finding("leaks", f"{what} is not 0 at {leaks} of {int(empty.sum())} entries that were 0 before")
    ratio = b[~empty] / expected[~empty]
    if np.ptp(ratio) <= 1e-4 * abs(float(ratio.flat[0])):
        return Finding(
            f"ratio {ratio.flat[0]:.3g}", f"{what} is {ratio.flat[0]:.3g} times as large as the first asks for"
        )
    return Finding("different", f"{what} does not belong to the first")


def same_mean(answer: Answer, *, first: int, second: int, deviation: float) -> Finding | None:
    """Two steps answer with the same mean, up to chance: ``deviation`` is that of one entry of the first.

    It allows 6.5 standard deviations of the mean, for the some thousand entries that make it normal.
    """
    a, b = numbers(answer, first, 0), numbers(answer, second, 0)
    if a is None or b is None:
        return NO_ARRAY
    found, expected = float(a.mean()), float(b.mean())
    if not abs(found - expected) <= 6.5 * deviation / math.sqrt(a.size):
        return Finding("mean", f"the mean of one is {found:.3g}, that of the other {expected:.3g}")
    return None


def equal(
    answer: Answer, *, expected: Array, code: str, message: str, step: int = 0, output: int = 0
) -> Finding | None:
    """An output is this array, up to rounding."""
    array = numbers(answer, step, output)
    same = array is not None and array.shape == np.shape(expected)
    if same and np.abs(array - expected).max() <= _ROUNDING * float(np.abs(expected).max()):
        return None
    return Finding(code, message)


def within(answer: Answer, *, low: Array, high: Array, step: int = 0, output: int = 0) -> Finding | None:
    """Every entry lies between its two limits: for what several answers are right, as a subgradient."""
    array = as_array(answer.outcomes[step].values[output])
    if array is None:
        return NO_ARRAY
    if array.shape != np.shape(low):
        return Finding("shape", "the shape of the output is wrong")
    slack = _ROUNDING * (1 + np.abs(low) + np.abs(high))
    if not np.isfinite(array).all():
        return Finding("not-finite", "the output is not finite")
    outside = (array < low - slack) | (array > high + slack)
    if outside.any():
        where = [int(i) for i in np.argwhere(outside)[0]]
        return Finding("outside", f"{int(outside.sum())} entries are out of their limits, the first at {where}")
    return None


def scattered(
    answer: Answer, *, curve: Array, message: str, tolerance: float = 0.02, step: int = 0, output: int = 0
) -> Finding | None:
    """The items of the first axis do not all lie on this curve: what is drawn twice must not be drawn once."""
    array = numbers(answer, step, output)
    if array is None:
        return NO_ARRAY
    points = np.asarray(curve, dtype=np.float64)
    if array.shape[1:] != points.shape[1:]:
        return Finding("shape", "the shape of the output is wrong")
    distance = _nearest(array, points, np.arange(float(len(points))))[1]
    return Finding("bound", message) if (distance <= tolerance).all() else None
