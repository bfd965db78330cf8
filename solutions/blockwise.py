"""Compute a function of large arrays block by block. Knows no function but the one it is given."""

from collections.abc import Callable

import numpy as np

from solutions.arrays import Array
from solutions.threads import split

BLOCK_BYTES = 1 << 18  # what a function makes on the way of it fits the processor's second cache
SMALLEST_SHARE = 1 << 20  # values for which a second thread is worth its waking and waiting


def blockwise(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return ``function(*arrays)``, of large NumPy arrays some rows at a time.

    ``1 / (1 + exp(-x))`` makes three arrays on the way to its result. Of a large ``x`` each of them leaves the cache
    before the next is made from it; of a few rows of ``x`` they stay, which can halve the time. A single step
    (``max(0, x)``) makes nothing on the way and gains nothing. Very large arrays are shared among threads (see
    `solutions.threads`), in larger blocks: at each block's end threads may have to wait for one another.

    Parameters
    ----------
    function : takes the arrays, or the same rows of each (along axis 0), to an array of their shape
    arrays : of one shape

    Returns
    -------
    an array of that shape and of the type that holds them all; the same to the last bit for any number of threads

    Examples
    --------
    >>> blockwise(lambda a, b: a * np.exp(b), np.array([1.0, 2.0]), np.zeros(2))
    array([1., 2.])
    """
    first = arrays[0]
    if not isinstance(first, np.ndarray) or first.ndim == 0 or first.nbytes < 2 * BLOCK_BYTES:
        return function(*arrays)
    out = np.empty(first.shape, np.result_type(*arrays))

    def share(part: slice) -> None:
        alone = part.stop - part.start == len(out)
        block = max(1, BLOCK_BYTES * (1 if alone else 4) // out[0].nbytes)
        for start in range(part.start, part.stop, block):
            rows = slice(start, min(start + block, part.stop))
            out[rows] = function(*[a[rows] for a in arrays])

    split(len(out), first.size // SMALLEST_SHARE, share)
    return out
