"""Work through large arrays block by block, so that what is made on the way stays in the processor's cache.

Knows no function but the one it is given.
"""

from collections.abc import Callable, Iterator

import numpy as np
from array_api_compat import is_numpy_array

from solutions.arrays import Array
from solutions.threads import split

BLOCK_BYTES = 1 << 19
SMALLEST_SHARE = 1 << 20  # values for which a second thread is worth its waking and waiting


def blockwise(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return ``function(*arrays)``, of large NumPy arrays some rows at a time.

    ``log(1 + exp(-|x|))``, computed exactly, makes nine arrays on the way to its result. Of a large ``x`` each of them
    leaves the cache before the next is made from it; of a few rows of ``x`` they stay, which can halve the time. Very
    large arrays are shared among threads (see `solutions.threads`).

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
    return _by_rows(function, arrays, whole=False)


def threadwise(function: Callable[..., Array], *arrays: Array) -> Array:
    """Return what `blockwise` does, for a function of few steps: one thread alone takes the arrays whole.

    A function that makes one or two arrays on the way gains less from the cache than it costs to copy each block into
    the result.

    Examples
    --------
    >>> threadwise(lambda x: np.maximum(x, 0.1 * x), np.array([-1.0, 2.0]))
    array([-0.1,  2. ])
    """
    return _by_rows(function, arrays, whole=True)


def _by_rows(function: Callable[..., Array], arrays: tuple[Array, ...], *, whole: bool) -> Array:
    first = arrays[0]
    if not is_numpy_array(first) or first.ndim == 0 or first.nbytes < 2 * BLOCK_BYTES:
        return function(*arrays)
    out = np.empty(first.shape, np.result_type(*arrays))

    def share(part: slice) -> Array:
        if whole and part == slice(0, len(first)):
            return function(*arrays)
        for rows in _blocks(part, first):
            out[rows] = function(*[a[rows] for a in arrays])
        return out

    return split(len(first), first.size // SMALLEST_SHARE, share)[0]


def for_blocks(work: Callable[[slice], None], array: Array, steps: int = 1) -> None:
    """Call ``work`` with slices that together make up the rows of an array (along axis 0, at least one axis).

    ``work`` writes its part of a result. Of a large NumPy array a slice holds what fits the cache, and threads take
    slices in parallel, twice as large since at each end they may have to wait for one another; of another library's
    array there is one slice.

    Parameters
    ----------
    work : function of a slice
    array : what is worked on
    steps : how many operations a value needs, roughly; more are sooner worth a second thread

    Examples
    --------
    >>> out = np.zeros(3)
    >>> for_blocks(lambda rows: out.__setitem__(rows, 1.0), np.zeros(3))
    >>> out
    array([1., 1., 1.])
    """
    if not is_numpy_array(array) or array.nbytes < 2 * BLOCK_BYTES:
        work(slice(0, array.shape[0]))
        return

    def share(part: slice) -> None:
        for rows in _blocks(part, array):
            work(rows)

    split(len(array), array.size * steps // SMALLEST_SHARE, share)


def _blocks(part: slice, array: Array) -> Iterator[slice]:
    """Yield slices of as many rows as fit the cache; of twice as many where a thread has only a part of the array."""
    alone = part.stop - part.start == len(array)
    rows = max(1, BLOCK_BYTES * (1 if alone else 2) // array[0].nbytes)
    for start in range(part.start, part.stop, rows):
        yield slice(start, min(start + rows, part.stop))
