"""A loop over the taps of the kernel, einsum over everything else; modes filled by NumPy's take."""

import math

import numpy as np


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    settings = [input_size, kernel_size, stride, padding, dilation]
    rows, columns = ([v if isinstance(v, int) else v[axis] for v in settings] for axis in (0, 1))

    def places(n, k, s, p, d):
        return math.floor((n + 2 * p - d * (k - 1) - 1) / s + 1)

    return places(*rows), places(*columns)


def cross_correlate2d(x, k, *, mode="valid"):
    (H, W), (KH, KW) = x.shape, k.shape
    # The full answer holds the other two.
    full = np.zeros((H + KH - 1, W + KW - 1))
    for a in range(KH):
        for b in range(KW):
            full[KH - 1 - a : KH - 1 - a + H, KW - 1 - b : KW - 1 - b + W] += k[a, b] * x
    if mode == "full":
        return full
    if mode == "valid":
        return full[KH - 1 : H, KW - 1 : W].copy()
    top, left = KH - 1 - (KH - 1) // 2, KW - 1 - (KW - 1) // 2
    return full[top : top + H, left : left + W].copy()


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, k[::-1, ::-1], mode=mode)


def convolve1d(x, k, *, mode="valid"):
    k = k[::-1]
    before = {"valid": 0, "same": (len(k) - 1) // 2, "full": len(k) - 1}[mode]
    size = {"valid": len(x) - len(k) + 1, "same": len(x), "full": len(x) + len(k) - 1}[mode]
    line = np.zeros(size + len(k) - 1)
    line[before : before + len(x)] = x
    return sum(k[a] * line[a : a + size] for a in range(len(k)))


def take(size, pad, mode):
    # np.pad's modes, on a line of indices; -1 marks a zero.
    line = np.arange(size)
    if mode == "zeros":
        return np.pad(line, pad, constant_values=-1)
    return np.pad(line, pad, mode={"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode])


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = (padding, padding) if isinstance(padding, int) else padding
    rows, columns = take(x.shape[2], ph, mode), take(x.shape[3], pw, mode)
    out = x.take(rows, axis=2, mode="wrap").take(columns, axis=3, mode="wrap")
    out[:, :, rows < 0] = 0
    out[:, :, :, columns < 0] = 0
    return out


def taps(cache, shape):
    _, _, _, _, (SH, SW), _, (DH, DW), _, _ = cache
    for i in range(cache[1].shape[2]):
        for j in range(cache[1].shape[3]):
            rows = DH * i + SH * np.arange(shape[2])
            columns = DW * j + SW * np.arange(shape[3])
            yield i, j, rows[:, None], columns[None, :]


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    stride, padding, dilation = ((v, v) if isinstance(v, int) else tuple(v) for v in (stride, padding, dilation))
    size = conv2d_output_size(x.shape[2:], w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    cache = (pad2d(x, padding, mode=padding_mode), w, b, x.shape, stride, padding, dilation, groups, padding_mode)
    N, O = x.shape[0], w.shape[0]
    out = np.zeros((N, O, *size))
    by_group = out.reshape(N, groups, O // groups, *size)
    filters = w.reshape(groups, O // groups, *w.shape[1:])
    for i, j, rows, columns in taps(cache, out.shape):
        pixels = cache[0][:, :, rows, columns].reshape(N, groups, w.shape[1], *size)
        by_group += np.einsum("ngqrc,goq->ngorc", pixels, filters[..., i, j])
    return (out if b is None else out + np.einsum("o,norc->norc", b, np.ones_like(out))), cache


def conv2d_backward(dout, cache):
    padded, w, b, shape, _, (ph, pw), _, groups, mode = cache
    N, O = dout.shape[:2]
    upstream = dout.reshape(N, groups, O // groups, *dout.shape[2:])
    filters = w.reshape(groups, O // groups, *w.shape[1:])
    dpadded, dw = np.zeros(padded.shape), np.zeros(filters.shape)
    for i, j, rows, columns in taps(cache, dout.shape):
        pixels = padded[:, :, rows, columns].reshape(N, groups, w.shape[1], *dout.shape[2:])
        dw[..., i, j] = np.einsum("ngqrc,ngorc->goq", pixels, upstream)
        dpixels = np.einsum("goq,ngorc->ngqrc", filters[..., i, j], upstream)
        dpadded[:, :, rows, columns] += dpixels.reshape(N, shape[1], *dout.shape[2:])
    dx = np.zeros(shape)
    for r, source in enumerate(take(shape[2], ph, mode)):
        for c, target in enumerate(take(shape[3], pw, mode)):
            if source >= 0 and target >= 0:
                dx[:, :, source, target] += dpadded[:, :, r, c]
    return dx, dw.reshape(w.shape), None if b is None else np.einsum("norc->o", dout)
