"""Plain loops over images, channels and places; each window is cut at the border of the image."""

import numpy as np


def _pair(v):
    return (v, v) if isinstance(v, int) else v


def _windows(shape, kernel_size, stride, padding):
    """Yield n, c, r, q and the rows and columns of the window that lie on the image."""
    n_images, channels, height, width = shape
    kh, kw = _pair(kernel_size)
    sh, sw = _pair(stride) if stride is not None else (kh, kw)
    ph, pw = _pair(padding)
    for n in range(n_images):
        for c in range(channels):
            for r in range((height + 2 * ph - kh) // sh + 1):
                for q in range((width + 2 * pw - kw) // sw + 1):
                    top, left = r * sh - ph, q * sw - pw
                    rows = slice(max(top, 0), min(top + kh, height))
                    columns = slice(max(left, 0), min(left + kw, width))
                    yield n, c, r, q, rows, columns


def _empty(shape, kernel_size, stride, padding):
    *_, (n, c, r, q, _, _) = _windows(shape, kernel_size, stride, padding)
    return np.zeros((n + 1, c + 1, r + 1, q + 1))


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    settings = (x.shape, kernel_size, stride, padding)
    out = _empty(*settings)
    for n, c, r, q, rows, columns in _windows(*settings):
        out[n, c, r, q] = x[n, c, rows, columns].max()
    return out, (x, settings)


def max_pool2d_backward(dout, cache):
    x, settings = cache
    dx = np.zeros(x.shape)
    for n, c, r, q, rows, columns in _windows(*settings):
        window = x[n, c, rows, columns]
        i, j = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, rows.start + i, columns.start + j] += dout[n, c, r, q]
    return dx


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    settings = (x.shape, kernel_size, stride, padding)
    out, (kh, kw) = _empty(*settings), _pair(kernel_size)
    for n, c, r, q, rows, columns in _windows(*settings):
        out[n, c, r, q] = x[n, c, rows, columns].sum() / (kh * kw)
    return out, settings


def avg_pool2d_backward(dout, cache):
    dx, (kh, kw) = np.zeros(cache[0]), _pair(cache[1])
    for n, c, r, q, rows, columns in _windows(*cache):
        dx[n, c, rows, columns] += dout[n, c, r, q] / (kh * kw)
    return dx


def global_avg_pool2d_forward(x):
    out = np.zeros(x.shape[:2])
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[n, c] = x[n, c].mean()
    return out, x.shape


def global_avg_pool2d_backward(dout, cache):
    dx = np.zeros(cache)
    for n in range(cache[0]):
        for c in range(cache[1]):
            dx[n, c] = dout[n, c] / (cache[2] * cache[3])
    return dx


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    settings = (x.shape, kernel_size, stride, padding)
    out = _empty(*settings)
    for n, c, r, q, rows, columns in _windows(*settings):
        out[n, c, r, q] = np.median(x[n, c, rows, columns])
    return out, None
