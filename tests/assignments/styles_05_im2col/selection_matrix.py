"""im2col is linear: a matrix of zeros and ones that selects pixels. col2im is its transpose, by definition."""

import numpy as np


def _pair(v):
    return (v, v) if np.isscalar(v) else tuple(v)


def _along(size, kernel, stride, padding, dilation):
    """(K, places, size): 1 where tap k of a place lies on a pixel."""
    places = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    pixel = dilation * np.arange(kernel)[:, None] + stride * np.arange(places)[None, :] - padding
    return (pixel[..., None] == np.arange(size)).astype(float)


def _selection(size, *settings):
    (h, w), settings = _pair(size), [_pair(s) for s in settings]
    return _along(h, *(s[0] for s in settings)), _along(w, *(s[1] for s in settings))


def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    rows, columns = _selection(x.shape[2:], kernel_size, stride, padding, dilation)
    selected = np.einsum("irh,jqw,nchw->ncijrq", rows, columns, x, optimize=True)
    n, c, i, j, r, q = selected.shape
    return selected.reshape(n, c * i * j, r * q)


def col2im(cols, output_size, kernel_size, *, stride=1, padding=0, dilation=1):
    rows, columns = _selection(output_size, kernel_size, stride, padding, dilation)
    (kh, oh), (kw, ow) = rows.shape[:2], columns.shape[:2]
    entries = cols.reshape(cols.shape[0], cols.shape[1] // (kh * kw), kh, kw, oh, ow)
    return np.einsum("irh,jqw,ncijrq->nchw", rows, columns, entries, optimize=True)


def conv2d_forward(x, w, b=None, **settings):
    cols = im2col(x, w.shape[2:], **settings)
    out = np.tensordot(w.reshape(len(w), -1), cols, axes=(1, 1)).swapaxes(0, 1)
    if b is not None:
        out = out + b[:, None]
    usual = {"stride": 1, "padding": 0, "dilation": 1, **settings}
    rows, columns = _selection(x.shape[2:], w.shape[2:], *usual.values())
    return out.reshape(*out.shape[:2], rows.shape[1], columns.shape[1]), (cols, x.shape[2:], w, b, settings)


def conv2d_backward(dout, cache):
    cols, size, w, b, settings = cache
    flat = dout.reshape(*dout.shape[:2], -1)
    dw = np.tensordot(flat, cols, axes=((0, 2), (0, 2))).reshape(w.shape)
    dcols = np.tensordot(w.reshape(len(w), -1), flat, axes=(0, 1)).swapaxes(0, 1)
    return col2im(dcols, size, w.shape[2:], **settings), dw, None if b is None else flat.sum((0, 2))
