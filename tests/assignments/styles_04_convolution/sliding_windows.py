"""sliding_window_view and einsum; dx as a full convolution of the spread-out upstream gradient."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _hw(setting):
    return tuple(setting) if isinstance(setting, (tuple, list)) else (setting,) * 2


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    zipped = zip(_hw(input_size), _hw(kernel_size), _hw(stride), _hw(padding), _hw(dilation))
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in zipped)


def cross_correlate2d(x, k, *, mode="valid"):
    total = {
        "valid": (0, 0),
        "same": (k.shape[0] - 1, k.shape[1] - 1),
        "full": (2 * k.shape[0] - 2, 2 * k.shape[1] - 2),
    }
    padded = np.pad(x, [(t // 2, t - t // 2) for t in total[mode]])
    return np.einsum("rcab,ab->rc", sliding_window_view(padded, k.shape), k)


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, np.flip(k), mode=mode)


def convolve1d(x, k, *, mode="valid"):
    total = {"valid": 0, "same": len(k) - 1, "full": 2 * len(k) - 2}[mode]
    return sliding_window_view(np.pad(x, (total // 2, total - total // 2)), len(k)) @ k[::-1]


def _indices(size, pad, mode):
    i = np.arange(-pad, size + pad)
    if mode == "reflect":
        i = np.abs(i)
        return np.where(i >= size, 2 * size - 2 - i, i)
    if mode == "replicate":
        return np.clip(i, 0, size - 1)
    return i % size


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = _hw(padding)
    if mode == "zeros":
        out = np.zeros((*x.shape[:2], x.shape[2] + 2 * ph, x.shape[3] + 2 * pw), dtype=x.dtype)
        out[..., ph : ph + x.shape[2], pw : pw + x.shape[3]] = x
        return out
    return x[:, :, _indices(x.shape[2], ph, mode)[:, None], _indices(x.shape[3], pw, mode)]


def _dilated(w, dilation):
    dh, dw = dilation
    out = np.zeros((*w.shape[:2], dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1))
    out[:, :, ::dh, ::dw] = w
    return out


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    (sh, sw), (dh, dw) = _hw(stride), _hw(dilation)
    padded = pad2d(x, padding, mode=padding_mode)
    span = dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1
    windows = sliding_window_view(padded, span, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    n, c, oh, ow, kh, kw = windows.shape
    grouped = windows.reshape(n, groups, c // groups, oh, ow, kh, kw)
    filters = w.reshape(groups, -1, c // groups, kh, kw)
    out = np.einsum("ngqrcij,goqij->ngorc", grouped, filters, optimize=True).reshape(n, -1, oh, ow)
    if b is not None:
        out += b.reshape(-1, 1, 1)
    return out, (x.shape, padded.shape, grouped, filters, b, (sh, sw), _hw(padding), (dh, dw), padding_mode)


def conv2d_backward(dout, cache):
    shape, padded_shape, grouped, filters, b, (sh, sw), (ph, pw), dilation, padding_mode = cache
    groups, each, cg, kh, kw = filters.shape
    n, o, oh, ow = dout.shape
    upstream = dout.reshape(n, groups, each, oh, ow)
    dw = np.einsum("ngqrcij,ngorc->goqij", grouped, upstream, optimize=True).reshape(o, cg, kh, kw)

    # The gradient's pixels lie a stride apart; a turned kernel slides over them and over zeros all around.
    spread = np.zeros((n, groups, each, sh * (oh - 1) + 1, sw * (ow - 1) + 1))
    spread[..., ::sh, ::sw] = upstream
    turned = _dilated(filters.reshape(o, cg, kh, kw), dilation)[:, :, ::-1, ::-1]
    span = turned.shape[2:]
    turned = turned.reshape(groups, each, cg, *span)
    border = [(0, 0)] * 3 + [(span[0] - 1, span[0] - 1), (span[1] - 1, span[1] - 1)]
    looks = sliding_window_view(np.pad(spread, border), span, axis=(3, 4))
    reached = np.einsum("ngorcij,goqij->ngqrc", looks, turned, optimize=True)
    dpadded = np.zeros(padded_shape)
    dpadded[:, :, : reached.shape[3], : reached.shape[4]] = reached.reshape(n, groups * cg, *reached.shape[3:])

    h, w = shape[2:]
    if padding_mode == "zeros":
        dx = dpadded[:, :, ph : ph + h, pw : pw + w]
    else:
        # Row i of the widened image shows row indices[i]: as a matrix of zeros and ones, and its transpose.
        rows = np.eye(h)[_indices(h, ph, padding_mode)]
        columns = np.eye(w)[_indices(w, pw, padding_mode)]
        dx = rows.T @ dpadded @ columns
    return dx, dw, None if b is None else np.einsum("norc->o", dout)
