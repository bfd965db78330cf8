"""What every reference file shares: the array namespace of its inputs and the checks of its arguments.

One text serves NumPy, CuPy and any other array library that follows the array API standard: a function asks its
inputs for their namespace (`xp = namespace(x)`) and calls only what the standard has. Knows no layer.
"""

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
