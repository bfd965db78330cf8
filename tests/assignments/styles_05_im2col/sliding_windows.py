"""NumPy's view of all windows, transposed and reshaped; einsum for the products."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _two(v):
    return tuple(np.broadcast_to(v, 2).tolist())


def _view(padded, kernel_size, stride, dilation, *, writeable=False):
    """(N, C, KH, KW, OH, OW)."""
    (kh, kw), (sh, sw), (dh, dw) = _two(kernel_size), _two(stride), _two(dilation)
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    view = sliding_window_view(padded, span, axis=(2, 3), writeable=writeable)
    return view[:, :, ::sh, ::sw, ::dh, ::dw].transpose(0, 1, 4, 5, 2, 3)


def _pad(x, padding):
    ph, pw = _two(padding)
    return np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])


def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    view = _view(_pad(x, padding), kernel_size, stride, dilation)
    n, c, kh, kw, oh, ow = view.shape
    return view.reshape(n, c * kh * kw, oh * ow)


def _add_back(entries, size, kernel_size, stride, padding, dilation):
    (h, w), (ph, pw) = size, _two(padding)
    padded = np.zeros((*entries.shape[:2], h + 2 * ph, w + 2 * pw))
    view = _view(padded, kernel_size, stride, dilation, writeable=True)
    for tap in np.ndindex(view.shape[2:4]):
        view[:, :, *tap] += entries[:, :, *tap]
    return padded[:, :, ph : ph + h, pw : pw + w].copy()


def col2im(cols, output_size, kernel_size, *, stride=1, padding=0, dilation=1):
    size, kernel = _two(output_size), _two(kernel_size)
    taps = kernel[0] * kernel[1]
    shape = _view(_pad(np.zeros((1, 1, *size)), padding), kernel, stride, dilation).shape[4:]
    entries = cols.reshape(len(cols), cols.shape[1] // taps, *kernel, *shape)
    return _add_back(entries, size, kernel, stride, padding, dilation)


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1):
    view = _view(_pad(x, padding), w.shape[2:], stride, dilation)
    out = np.einsum("ocij,ncijrq->norq", w, view, optimize=True)
    if b is not None:
        out = out + b[None, :, None, None]
    return out, (view, x.shape, w, b, (stride, padding, dilation))


def conv2d_backward(dout, cache):
    view, shape, w, b, settings = cache
    dw = np.tensordot(dout, view, axes=((0, 2, 3), (0, 4, 5)))
    entries = np.einsum("ocij,norq->ncijrq", w, dout, optimize=True)
    dx = _add_back(entries, shape[2:], w.shape[2:], *settings)
    return dx, dw, None if b is None else np.einsum("norq->o", dout)
