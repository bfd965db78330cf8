"""NumPy's view of all windows at once; the last of equal pixels wins, and gradients go back place by place."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _two(v):
    return tuple(np.broadcast_to(v, 2).tolist())


def _view(x, kernel_size, stride, padding, fill):
    (kh, kw), (ph, pw) = _two(kernel_size), _two(padding)
    sh, sw = _two(kernel_size if stride is None else stride)
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)], constant_values=fill)
    view = sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::sh, ::sw]
    return view, padded.shape, (kh, kw), (sh, sw), (ph, pw)


def _lay_back(shares, shape, stride, padding):
    padded = np.zeros(shape)
    windows = sliding_window_view(padded, shares.shape[4:], axis=(2, 3), writeable=True)[
        :, :, :: stride[0], :: stride[1]
    ]
    for place in np.ndindex(shares.shape[2:4]):
        windows[:, :, *place] += shares[:, :, *place]
    (ph, pw), (h, w) = padding, shape[2:]
    return padded[:, :, ph : h - ph, pw : w - pw].copy()


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    view, shape, kernel, stride, padding = _view(x, kernel_size, stride, padding, -np.inf)
    flat = view.reshape(*view.shape[:4], -1)
    last = flat.shape[-1] - 1 - flat[..., ::-1].argmax(axis=-1)
    return flat.max(axis=-1), (last, shape, kernel, stride, padding)


def max_pool2d_backward(dout, cache):
    last, shape, kernel, stride, padding = cache
    one_hot = np.eye(kernel[0] * kernel[1])[last].reshape(*last.shape, *kernel)
    return _lay_back(one_hot * dout[..., None, None], shape, stride, padding)


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    view, *cache = _view(x, kernel_size, stride, padding, 0.0)
    return view.mean(axis=(4, 5)), cache


def avg_pool2d_backward(dout, cache):
    shape, kernel, stride, padding = cache
    shares = np.broadcast_to((dout / np.prod(kernel))[..., None, None], (*dout.shape, *kernel))
    return _lay_back(shares, shape, stride, padding)


def global_avg_pool2d_forward(x):
    return x.mean(axis=(2, 3)), x


def global_avg_pool2d_backward(dout, cache):
    return np.broadcast_to(dout[:, :, None, None] / cache[0, 0].size, cache.shape).copy()


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    view, *_ = _view(x, kernel_size, stride, padding, np.nan)
    return np.nanmedian(view, axis=(4, 5)), ()
