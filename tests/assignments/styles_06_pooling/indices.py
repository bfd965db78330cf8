"""Every window as a list of positions in the flattened image; np.add.at carries gradients back."""

import numpy as np


def _both(v):
    return np.ones(2, int) * np.asarray(v)


def _positions(shape, kernel_size, stride, padding):
    """(places, taps) positions in a plane, -1 where the padding lies, and (OH, OW)."""
    kernel, padding = _both(kernel_size), _both(padding)
    stride = kernel if stride is None else _both(stride)
    size = np.array(shape[2:])
    oh, ow = (size + 2 * padding - kernel) // stride + 1
    rows = (np.arange(oh) * stride[0] - padding[0])[:, None] + np.arange(kernel[0])
    columns = (np.arange(ow) * stride[1] - padding[1])[:, None] + np.arange(kernel[1])
    flat = rows[:, None, :, None] * size[1] + columns[None, :, None, :]
    inside = ((rows >= 0) & (rows < size[0]))[:, None, :, None] & ((columns >= 0) & (columns < size[1]))[None, :, None]
    return np.where(inside, flat, -1).reshape(oh * ow, -1), (oh, ow)


def _gather(x, positions, fill):
    plane = np.concatenate([x.reshape(*x.shape[:2], -1), np.full((*x.shape[:2], 1), fill)], axis=2)
    return plane[:, :, positions]


def _scatter(values, positions, shape):
    n, c, h, w = shape
    plane = np.zeros((n, c, h * w + 1))
    np.add.at(plane, (slice(None), slice(None), positions), values)
    return plane[:, :, :-1].reshape(shape)


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    positions, size = _positions(x.shape, kernel_size, stride, padding)
    values = _gather(x, positions, -np.inf)
    return values.max(axis=-1).reshape(*x.shape[:2], *size), {
        "winner": values.argmax(axis=-1),
        "positions": positions,
        "shape": x.shape,
    }


def max_pool2d_backward(dout, cache):
    taps = np.arange(cache["positions"].shape[1])
    flat = dout.reshape(*dout.shape[:2], -1)
    values = np.where(cache["winner"][..., None] == taps, flat[..., None], 0.0)
    return _scatter(values, cache["positions"], cache["shape"])


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    positions, size = _positions(x.shape, kernel_size, stride, padding)
    return _gather(x, positions, 0.0).mean(axis=-1).reshape(*x.shape[:2], *size), (positions, x.shape)


def avg_pool2d_backward(dout, cache):
    positions, shape = cache
    flat = dout.reshape(*dout.shape[:2], -1, 1) / positions.shape[1]
    return _scatter(np.repeat(flat, positions.shape[1], axis=-1), positions, shape)


def global_avg_pool2d_forward(x):
    return x.reshape(*x.shape[:2], -1).sum(axis=2) / x[0, 0].size, x.shape


def global_avg_pool2d_backward(dout, cache):
    pixels = cache[2] * cache[3]
    return np.repeat(dout / pixels, pixels).reshape(cache)


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    positions, size = _positions(x.shape, kernel_size, stride, padding)
    values = np.ma.masked_invalid(_gather(x, positions, np.nan))
    return np.ma.median(values, axis=-1).filled().reshape(*x.shape[:2], *size), positions
