"""Share an elementwise function of large arrays among threads. Knows no function but the one it is given."""

from collections.abc import Callable

import numpy as np

from solutions.arrays import Array
from solutions.threads import split

SMALLEST_SHARE = 1 << 18  # exponentials for which a second thread is worth its waking and waiting
BLOCK_BYTES = 1 << 20


def elementwise(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return ``function(*arrays)``; of large NumPy arrays each thread computes some rows (see `solutions.threads`).

    Worth it for exponentials alone: one pass of products ends before another thread is awake. A thread goes block by
    block, so that what the function makes on the way stays in the processor's cache.

    Parameters
    ----------
    function : takes the arrays, or the same rows of each, to an array of their shape
    arrays : of one shape

    Returns
    -------
    an array of that shape and of the type that holds them all; the same to the last bit for any number of threads

    Examples
    --------
    >>> elementwise(lambda a, b: a * np.exp(b), np.array([1.0, 2.0]), np.zeros(2))
    array([1., 2.])
    """
    first = arrays[0]
    worth = first.size // SMALLEST_SHARE if isinstance(first, np.ndarray) and first.ndim else 1
    if worth < 2:
        return function(*arrays)
    out = np.empty(first.shape, np.result_type(*arrays))
    step = max(1, BLOCK_BYTES // out[0].nbytes)

    def share(part: slice) -> None:
        for start in range(part.start, part.stop, step):
            rows = slice(start, min(start + step, part.stop))
            out[rows] = function(*[a[rows] for a in arrays])

    split(len(out), worth, share)
    return out
