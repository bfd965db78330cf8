"""Array libraries that stand in for CuPy: text that runs on them calls nothing that NumPy alone has. Knows no layer."""

from types import ModuleType
from typing import Any

import numpy as np
import pytest

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]


def library(name: str) -> ModuleType:
    return pytest.importorskip(name)


def convert(xp: ModuleType, value: Any) -> Any:
    """Return the NumPy arrays of a value (tuples may nest) as arrays of the library."""
    if isinstance(value, tuple):
        return tuple(convert(xp, v) for v in value)
    return xp.asarray(np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value


def assert_same(xp: ModuleType, actual: Any, expected: Any) -> None:
    """Assert that an answer (tuples may nest) is the library's own and equals NumPy's in value, shape and type."""
    if isinstance(expected, tuple):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same(xp, a, e)
    elif isinstance(expected, (np.ndarray, np.generic)):
        assert type(actual).__module__.split(".")[0] == xp.__name__
        assert str(actual.dtype).split(".")[-1] == str(expected.dtype)
        assert tuple(actual.shape) == expected.shape
        tolerance = 1e-6 if expected.dtype == np.float32 else 1e-13
        np.testing.assert_allclose(np.asarray(actual), expected, rtol=tolerance, atol=tolerance)
    else:
        assert actual == expected
