"""as_strided: windows without a copy; the way back adds through the same strided view, tap by tap."""

import numpy as np
from numpy.lib.stride_tricks import as_strided


class Cache:
    def __init__(self, **kept):
        self.__dict__.update(kept)


def two(value):
    return value if isinstance(value, tuple) else (value, value)


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    def along(axis):
        n, k, s, p, d = (two(v)[axis] for v in (input_size, kernel_size, stride, padding, dilation))
        last = n + 2 * p - (k - 1) * d - 1
        return (last - last % s) // s + 1

    return np.array([along(0), along(1)])


def view(padded, kernel, stride, dilation, places):
    """(N, C, KH, KW, OH, OW): taps first, then places."""
    n, c, h, w = padded.strides
    (sh, sw), (dh, dw) = stride, dilation
    return as_strided(padded, (*padded.shape[:2], *kernel, *places), (n, c, dh * h, dw * w, sh * h, sw * w))


def cross_correlate2d(x, k, *, mode="valid"):
    margin = {"valid": [0, 0], "same": [m - 1 for m in k.shape], "full": [2 * (m - 1) for m in k.shape]}[mode]
    canvas = np.zeros((x.shape[0] + margin[0], x.shape[1] + margin[1]))
    canvas[margin[0] // 2 : margin[0] // 2 + x.shape[0], margin[1] // 2 : margin[1] // 2 + x.shape[1]] = x
    places = canvas.shape[0] - k.shape[0] + 1, canvas.shape[1] - k.shape[1] + 1
    return np.tensordot(k, as_strided(canvas, (*k.shape, *places), 2 * canvas.strides), axes=2)


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, np.flipud(np.fliplr(k)), mode=mode)


def convolve1d(x, k, *, mode="valid"):
    return cross_correlate2d(x[None], k[None, ::-1], mode=mode)[0]


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = two(padding)
    if ph:
        x = widened(x, ph, mode)
    if pw:
        x = widened(x.swapaxes(2, 3), pw, mode).swapaxes(2, 3)
    return np.array(x, order="C")


def widened(x, p, mode):
    """More rows."""
    if mode == "zeros":
        above = below = np.zeros((*x.shape[:2], p, x.shape[3]))
    elif mode == "reflect":
        above, below = x[:, :, p:0:-1], x[:, :, -2 : -p - 2 : -1]
    elif mode == "replicate":
        above, below = np.repeat(x[:, :, :1], p, axis=2), np.repeat(x[:, :, -1:], p, axis=2)
    else:
        above, below = x[:, :, -p:], x[:, :, :p]
    return np.concatenate([above, x, below], axis=2)


def narrowed(d, p, mode):
    """The gradient of ``widened``."""
    n = d.shape[2] - 2 * p
    middle = d[:, :, p : p + n].copy()
    above, below = d[:, :, :p], d[:, :, p + n :]
    if mode == "reflect":
        middle[:, :, 1 : p + 1] += above[:, :, ::-1]
        middle[:, :, n - 1 - p : n - 1] += below[:, :, ::-1]
    elif mode == "replicate":
        middle[:, :, 0] += above.sum(axis=2)
        middle[:, :, -1] += below.sum(axis=2)
    elif mode == "circular":
        middle[:, :, n - p :] += above
        middle[:, :, :p] += below
    return middle


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    places = conv2d_output_size(x.shape[2:], w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    padded = pad2d(x, padding, mode=padding_mode)
    windows = view(padded, w.shape[2:], two(stride), two(dilation), places)
    parts = []
    for filters, channels in zip(np.split(w, groups), np.split(windows, groups, axis=1)):
        parts.append(np.tensordot(filters, channels, axes=((1, 2, 3), (1, 2, 3))).swapaxes(0, 1))
    out = np.concatenate(parts, axis=1)
    if b is not None:
        out += b[:, None, None]
    return out, Cache(
        padded=padded, windows=windows, w=w, biased=b is not None, groups=groups,
        stride=two(stride), padding=two(padding), dilation=two(dilation), mode=padding_mode,
    )  # fmt: skip


def conv2d_backward(dout, cache):
    w, groups = cache.w, cache.groups
    dpadded = np.zeros(cache.padded.shape)
    dwindows = view(dpadded, w.shape[2:], cache.stride, cache.dilation, dout.shape[2:])
    dw = []
    pieces = zip(
        np.split(w, groups),
        np.split(cache.windows, groups, 1),
        np.split(dwindows, groups, 1),
        np.split(dout, groups, 1),
    )
    for filters, channels, dchannels, upstream in pieces:
        dw.append(np.tensordot(upstream, channels, axes=((0, 2, 3), (0, 4, 5))))
        for i in range(w.shape[2]):
            for j in range(w.shape[3]):
                # Within one tap no two places share a pixel, so adding through the view is safe.
                dchannels[:, :, i, j] += np.tensordot(upstream, filters[:, :, i, j], axes=(1, 0)).transpose(0, 3, 1, 2)
    dx = dpadded
    if cache.padding[0]:
        dx = narrowed(dx, cache.padding[0], cache.mode)
    if cache.padding[1]:
        dx = narrowed(dx.swapaxes(2, 3), cache.padding[1], cache.mode).swapaxes(2, 3)
    return dx, np.concatenate(dw), dout.sum(axis=(0, 2, 3)) if cache.biased else None
