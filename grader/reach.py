"""Which entries of the input an entry of the output is made of, found by moving them one by one. Knows no window."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.plans import Rng
from grader.questions import Case, Function

# Of an input: more would take long and make no picture.
MOVED_ENTRIES = 150
Index = tuple[int, ...]


def reach(function: Function, case: Case) -> Callable[[Index], list[Index]] | None:
    """Return a function from an entry of the first output to the entries of the first input that change it.

    None where the first input is no small float array with two axes at least, or where something is drawn. The
    reference is called when the first question is asked, once for all: most visible cases are never asked about.
    """
    image = case.inputs[0] if case.inputs and case.script is None else None
    if any(isinstance(value, Rng) for value in (*case.inputs, *case.options.values())):
        return None  # another draw, another answer
    if not isinstance(image, np.ndarray) or image.ndim < 2 or image.dtype.kind != "f" or image.size > MOVED_ENTRIES:
        return None

    @cache
    def changed() -> dict[Index, npt.NDArray[np.bool_]]:
        base = _first_output(function, case, image)
        found = {}
        for at in np.ndindex(image.shape):
            moved = [image.copy(), image.copy()]
            for array, way in zip(moved, (1.0, -1.0), strict=True):  # a maximum may notice one way only
                array[at] += way * (1.0 + abs(array[at]))
            found[at] = np.logical_or(*(_first_output(function, case, array) != base for array in moved))
        return found

    def reached(index: Index) -> list[Index]:
        try:
            return [at for at, mask in changed().items() if mask[index]]
        except (ArithmeticError, LookupError, TypeError, ValueError):  # no such input, so no such picture
            return []

    return reached


def _first_output(function: Function, case: Case, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    rest, options = copy.deepcopy((case.inputs[1:], dict(case.options)))  # a generator must not move on
    with np.errstate(all="ignore"):
        output = function(image.copy(), *rest, **options)
    return np.asarray(output[0] if isinstance(output, tuple) else output)
