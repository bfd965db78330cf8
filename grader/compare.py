"""Compare one answered output with the expected one, and say in words where and how far it is off.

The words never contain an expected or hidden value. For a visible case (`reveal`) they may contain shapes and the
student's own type names; for a hidden one only differences of sizes, positions and relative errors.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.plans import Foreign, Tree, as_array, clean

# A norm below this is taken for zero: round-off around an exact zero is no error.
TINY = 1e-6
_TYPE_TOLERANCES = {np.dtype(np.float16): 1e-3, np.dtype(np.float32): 1e-5}


@dataclass(frozen=True)
class Difference:
    """How an answer differs.

    ``kind`` is the first step of the comparison that failed: "type", "shape", "finite" or "value"; ``index`` locates
    the worst entry of a "finite" or "value" difference.
    """

    kind: str
    message: str
    index: tuple[int, ...] | None = None
    error: float = float("inf")


def relative_error(answer: npt.NDArray[Any], expected: npt.NDArray[Any]) -> float:
    """Return ‖answer - expected‖ / max(‖expected‖, tiny) in float64; inf where that is not finite."""
    a, b = answer.astype(np.float64), expected.astype(np.float64)
    scale = max(1.0, float(np.max(np.abs(b), initial=0.0)))  # keeps the squares of ±1e300 finite
    with np.errstate(all="ignore"):
        off, size = (a - b).ravel() / scale, b.ravel() / scale
        error, norm = math.sqrt(off.dot(off)), math.sqrt(size.dot(size))
    result = error / max(norm, TINY / scale)
    return result if math.isfinite(result) else float("inf")


def tolerance_for(answer: npt.NDArray[Any], tolerance: float) -> float:
    """Return the tolerance that the answer's own float type allows: float32 is the student's free choice."""
    return max(tolerance, _TYPE_TOLERANCES.get(answer.dtype, 0.0))


def compare(answer: Tree, expected: Tree, *, tolerance: float, reveal: bool) -> Difference | None:
    """Return how an answered output differs from the expected one, None where it does not.

    An expected None is not judged. An expected sequence that is no array (a list of arrays) is compared item by item.
    """
    if expected is None:
        return None
    target = _one_array(expected)
    if target is None:
        return _compare_items(answer, expected, tolerance=tolerance, reveal=reveal)
    structure = compare_structure(answer, expected, reveal=reveal)
    if structure is not None:
        return structure
    array = as_array(answer)
    assert array is not None
    with np.errstate(invalid="ignore"):
        same = array == target
    finite = np.isfinite(target)
    if not finite.all():
        bad = ~finite & ~same & ~(np.isnan(target) & np.isnan(array))
        if bad.any():
            return _entry("finite", "a limit is wrong", bad)
        array, target = np.where(finite, array, 0.0), np.where(finite, target, 0.0)
    wrong = ~np.isfinite(array)
    if wrong.any():
        what = "nan" if np.isnan(array).any() else "inf"
        return _entry("finite", f"{int(wrong.sum())} of {wrong.size} entries are {what}, the first", wrong)
    error = relative_error(array, target)
    allowed = tolerance_for(array, tolerance) if tolerance else 0.0
    if error <= allowed if tolerance else (array == target).all():
        return None
    if target.size == 1:
        return Difference("value", f"the relative error is {error:.2g}", (0,) * target.ndim, error)
    distance = np.abs(array.astype(np.float64) - target.astype(np.float64))
    index = _index(int(np.argmax(distance)), target.shape)
    off = int(np.sum(distance > max(allowed, 1e-12) * max(float(np.abs(target).max()), TINY)))
    message = f"the relative error is {error:.2g}; {off} of {target.size} entries are off, the worst at index {index}"
    if not reveal:
        message = f"the relative error is {error:.2g}, the worst entry is at index {index}"
    return Difference("value", message, index, error)


def compare_structure(answer: Tree, expected: Tree, *, reveal: bool) -> Difference | None:
    """Return the difference of kind, type and shape alone."""
    target = _one_array(expected)
    if target is None:
        return None
    array = as_array(answer)
    if array is None:
        return Difference("type", f"expected a numeric array, got {describe(answer, reveal=reveal)}")
    if target.dtype.kind in "iu" and array.dtype.kind == "f" and not np.array_equal(array, np.round(array)):
        return Difference("type", "expected whole numbers, got fractions")
    if array.shape == target.shape:
        return None
    if reveal:
        return Difference("shape", f"the shape is {array.shape}, expected {target.shape}")
    if array.ndim != target.ndim:
        return Difference("shape", f"the array has {array.ndim} dimensions, expected {target.ndim}")
    axes = [
        f"axis {axis} is {abs(have - want)} too {'large' if have > want else 'small'}"
        for axis, (have, want) in enumerate(zip(array.shape, target.shape, strict=True))
        if have != want
    ]
    return Difference("shape", "the shape is wrong: " + ", ".join(axes))


def describe(tree: Tree, *, reveal: bool) -> str:
    """Name what an answer is. A type's name is the student's text: it is repeated for visible cases only."""
    if tree is None:
        return "None"
    if isinstance(tree, Foreign):
        return f"a {clean(tree.kind, 80)}" if reveal else "an object that is none"
    if isinstance(tree, np.ndarray):
        return f"an array of dtype {tree.dtype}"
    return f"a {type(tree).__name__}"


def agree(answer: Tree, other: Tree, *, tolerance: float = 1e-6) -> bool:
    """Tell whether two answers are the same mistake: equal in shape and, nan for nan, in value."""
    a, b = as_array(answer), as_array(other)
    if a is None or b is None:
        if isinstance(answer, list | tuple) and isinstance(other, list | tuple):
            pairs = zip(answer, other, strict=False)
            return len(answer) == len(other) and all(agree(x, y, tolerance=tolerance) for x, y in pairs)
        if isinstance(answer, dict) and isinstance(other, dict):
            return answer.keys() == other.keys() and all(agree(answer[k], other[k], tolerance=tolerance) for k in other)
        return a is b and type(answer) is type(other) and bool(answer == other)
    if a.shape != b.shape:
        return False
    finite = np.isfinite(b)
    with np.errstate(invalid="ignore"):
        if not np.array_equal(np.where(finite, 0.0, a), np.where(finite, 0.0, b), equal_nan=True):
            return False
    a, b = np.where(finite, a, 0.0), np.where(finite, b, 0.0)
    return bool(np.isfinite(a).all()) and relative_error(a, b) <= tolerance_for(a, tolerance)


def _one_array(expected: Tree) -> npt.NDArray[Any] | None:
    """Return the array that is expected; None where several are, each with a size of error of its own."""
    return None if isinstance(expected, list | tuple) else as_array(expected)


def _compare_items(answer: Tree, expected: Tree, *, tolerance: float, reveal: bool) -> Difference | None:
    if isinstance(expected, list | tuple):
        array = as_array(answer)
        items = list(array) if array is not None and array.ndim else answer
        if not isinstance(items, list | tuple) or len(items) != len(expected):
            return Difference("type", f"expected a sequence of {len(expected)}, got {describe(answer, reveal=reveal)}")
        for number, (item, target) in enumerate(zip(items, expected, strict=True)):
            difference = compare(item, target, tolerance=tolerance, reveal=reveal)
            if difference is not None:
                return Difference(difference.kind, f"item {number}: {difference.message}", None, difference.error)
        return None
    if isinstance(expected, dict):
        if not isinstance(answer, dict) or answer.keys() != expected.keys():
            got = "other keys" if isinstance(answer, dict) else describe(answer, reveal=reveal)
            return Difference("type", f"expected a dict of {len(expected)} keys, got {got}")
        for key, target in expected.items():
            difference = compare(answer[key], target, tolerance=tolerance, reveal=reveal)
            if difference is not None:
                return Difference(difference.kind, f"under “{key}”: {difference.message}", None, difference.error)
        return None
    if agree(answer, expected):
        return None
    return Difference("value", f"expected another {type(expected).__name__}")


def _entry(kind: str, message: str, mask: npt.NDArray[np.bool_]) -> Difference:
    index = _index(int(np.argmax(mask)), mask.shape)
    return Difference(kind, f"{message} at index {index}" if mask.ndim else message, index)


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape)) if shape else ()
