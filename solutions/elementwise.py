"""Share an elementwise function of large arrays among threads. Knows no function but the one it is given."""

from collections.abc import Callable

import numpy as np

from solutions.arrays import Array
from solutions.threads import split

SMALLEST_SHARE = 1 << 20  # products for which a second thread is worth its waking and waiting


def elementwise(function: Callable[..., Array], *arrays: Array, cost: int = 1) -> Array:
    """Return ``function(*arrays)``; of large NumPy arrays each thread computes some rows (see `solutions.threads`).

    Parameters
    ----------
    function : takes the arrays, or the same rows of each, to one array; every row of it depends on its own rows alone
    arrays : of N rows; all but the first may have one row instead, which is broadcast
    cost : of one number, counted in products; an exponential counts ten

    Returns
    -------
    an array of the shape of the first and of the type that holds them all; the same to the last bit for any number
    of threads

    Examples
    --------
    >>> elementwise(lambda a, b: a * b, np.array([1.0, 2.0, 3.0]), np.array([10.0]))
    array([10., 20., 30.])
    """
    first = arrays[0]
    worth = cost * first.size // SMALLEST_SHARE if isinstance(first, np.ndarray) else 1
    if worth < 2 or first.shape[0] < 2:
        return function(*arrays)
    out = np.empty(first.shape, np.result_type(*arrays))

    def share(rows: slice) -> None:
        out[rows] = function(*[a[rows] if len(a) == len(first) else a for a in arrays])

    split(len(first), worth, share)
    return out
