"""What every reference file shares: the array namespace of its inputs and the checks of its arguments.

One text serves NumPy, CuPy and any other array library that follows the array API standard: a function asks its
inputs for their namespace (`xp = namespace(x)`) and calls only what the standard has. Knows no layer.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import array_api_compat

# An array of any library (NumPy, CuPy, torch, array-api-strict): no common static type exists.
Array: TypeAlias = Any


def namespace(*arrays: Array) -> Any:
    """Return the array namespace that all arrays (``None`` is skipped) belong to."""
    return array_api_compat.array_namespace(*[a for a in arrays if a is not None])


def pair(value: int | Sequence[int], name: str, *, minimum: int) -> tuple[int, int]:
    """Return ``value`` as (height, width): an int counts for both.

    Raises
    ------
    ValueError
        If it is neither an int nor two ints, or one is below ``minimum``.

    Examples
    --------
    >>> pair(3, "stride", minimum=1), pair((1, 2), "stride", minimum=1)
    ((3, 3), (1, 2))
    """
    values = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(values) != 2 or any(isinstance(v, bool) or not hasattr(v, "__index__") for v in values):
        raise ValueError(f"{name} must be an int or an (height, width) pair of ints, got {value!r}")
    height, width = (v.__index__() for v in values)
    if min(height, width) < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value!r}")
    return height, width


def check_shape(array: Array, name: str, expected: str, *, ndim: int) -> None:
    """Raise a ValueError that names the argument unless it is an array of ``ndim`` dimensions.

    ``expected`` spells the shape for the reader: ``"(N, C, H, W)"``.
    """
    shape = getattr(array, "shape", None)
    if shape is None or len(shape) != ndim:
        found = type(array).__name__ if shape is None else f"shape {tuple(shape)}"
        raise ValueError(f"{name} must be an array of shape {expected}, got {found}")


def check_float(array: Array, name: str) -> None:
    """Raise a ValueError that names the argument unless it is an array of real floating-point numbers."""
    if getattr(array, "shape", None) is None or not hasattr(array, "dtype"):
        raise ValueError(f"{name} must be an array of floating-point numbers, got {type(array).__name__}")
    if not namespace(array).isdtype(array.dtype, "real floating"):
        raise ValueError(f"{name} must hold real floating-point numbers, got dtype {array.dtype}")


def check_same_shape(array: Array, name: str, like: Array, like_name: str) -> None:
    """Raise a ValueError that names the argument unless it is an array of the same shape as ``like``."""
    shape = getattr(array, "shape", None)
    if shape is None or tuple(shape) != tuple(like.shape):
        found = type(array).__name__ if shape is None else f"shape {tuple(shape)}"
        raise ValueError(f"{name} must have the shape of {like_name}, {tuple(like.shape)}, got {found}")


def number(value: Any, name: str, *, minimum: float = -math.inf, maximum: float = math.inf) -> float:
    """Return a finite number within [``minimum``, ``maximum``] as a Python float.

    A Python float leaves float32 arrays float32, a NumPy float64 scalar would not.

    Raises
    ------
    ValueError
        If it is no number, not finite or out of range.

    Examples
    --------
    >>> number(1, "lr", minimum=0)
    1.0
    """
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__") or getattr(value, "shape", ()) != ():
        raise ValueError(f"{name} must be a number, got {value!r}")
    result = float(value)
    if not math.isfinite(result) or not minimum <= result <= maximum:
        bounds = "" if minimum == -math.inf else f" of at least {minimum:g}"
        bounds += "" if maximum == math.inf else f"{' and' if bounds else ' of'} at most {maximum:g}"
        raise ValueError(f"{name} must be a finite number{bounds}, got {value!r}")
    return result


def count(value: Any, name: str, *, minimum: int) -> int:
    """Return an integer of at least ``minimum`` as a Python int, or raise a ValueError that names it.

    Examples
    --------
    >>> count(3, "epoch", minimum=0)
    3
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be an integer, got {value!r}")
    result: int = value.__index__()
    if result < minimum:
        raise ValueError(f"{name} must be an integer of at least {minimum}, got {value!r}")
    return result
