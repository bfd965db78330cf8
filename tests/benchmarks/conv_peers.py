"""Other NumPy convolutions to be ahead of: CS231n's gather by index arrays, and numpy-ml where it is installed."""

import collections
import collections.abc
from typing import Any

import numpy as np

from tests.benchmarks.conv_cases import Case
from tests.benchmarks.timing import Thunk


def windows(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the channel, row and column of every entry of the column matrix, as index arrays."""
    side, channels = int(case.places**0.5), case.c // case.groups
    channel, i, j = (a.reshape(-1, 1) for a in np.indices((channels, case.k, case.k)))
    r, c = (a.reshape(1, -1) for a in np.indices((side, side)))
    return channel, i * case.dilation + r * case.stride, j * case.dilation + c * case.stride


def index_forward(case: Case, x: np.ndarray, w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Gather all columns of all images at once, (C·K·K, N·places), and take one product; group by group."""
    p, side = case.padding, int(case.places**0.5)
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
    outs, columns = [], []
    for images, filters in zip(np.split(padded, case.groups, 1), np.split(w, case.groups), strict=True):
        channel, rows, cols = windows(case)
        gathered = images[:, channel, rows, cols].transpose(1, 2, 0).reshape(filters[0].size, -1)
        outs.append(filters.reshape(len(filters), -1).dot(gathered).reshape(len(filters), side, side, -1))
        columns.append(gathered)
    return np.concatenate(outs).transpose(3, 0, 1, 2) + b[:, None, None], columns


def index_backward(case: Case, dout: np.ndarray, w: np.ndarray, columns: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Scatter the gradient of the columns back with `np.add.at`."""
    p, dws = case.padding, []
    dpadded = np.zeros((case.n, case.c, case.h + 2 * p, case.h + 2 * p), dout.dtype)
    parts = zip(
        np.split(dpadded, case.groups, 1),
        np.split(w, case.groups),
        np.split(dout, case.groups, 1),
        columns,
        strict=True,
    )
    for dimages, filters, upstream, gathered in parts:
        channel, rows, cols = windows(case)
        flat = upstream.transpose(1, 2, 3, 0).reshape(len(filters), -1)
        dws.append(flat.dot(gathered.T).reshape(filters.shape))
        dcolumns = filters.reshape(len(filters), -1).T.dot(flat).reshape(filters[0].size, -1, case.n)
        np.add.at(dimages, (slice(None), channel, rows, cols), dcolumns.transpose(2, 0, 1))
    return dpadded[:, :, p : p + case.h, p : p + case.h], np.concatenate(dws), dout.sum(axis=(0, 2, 3))


def index_thunks(case: Case) -> tuple[Thunk, Thunk]:
    x, w, b, dout = case.arrays
    _, columns = index_forward(case, x, w, b)
    return lambda: index_forward(case, x, w, b), lambda: index_backward(case, dout, w, columns)


def numpy_ml_thunks(case: Case) -> tuple[Thunk, Thunk] | None:
    """Return numpy-ml's forward and backward in its own order of dimensions, None where it has no such layer.

    Raises ImportError if it is not installed (``pip install --no-deps numpy-ml``), or does not import with this NumPy.
    """
    # numpy-ml 0.1.2 imports this from where it was before Python 3.10.
    collections.Hashable = collections.abc.Hashable  # type: ignore[attr-defined]
    from numpy_ml.neural_nets.layers import Conv2D

    if case.groups > 1:
        return None
    x, w, b, dout = case.arrays
    layer: Any = Conv2D(case.o, (case.k, case.k), pad=case.padding, stride=case.stride, dilation=case.dilation - 1)
    images, upstream = (np.ascontiguousarray(a.transpose(0, 2, 3, 1)) for a in (x, dout))
    layer.forward(images)
    layer.parameters["W"] = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
    layer.parameters["b"] = b.reshape(1, 1, 1, -1)
    return lambda: layer.forward(images, retain_derived=False), lambda: layer.backward(upstream, retain_grads=False)
