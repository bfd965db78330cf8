"""One strided slice of the widened image for each tap: copied there, added back."""

import numpy as np


def _pair(v):
    return (v, v) if isinstance(v, int) else tuple(v)


def _taps(shape, kernel_size, stride, padding, dilation):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = map(_pair, (kernel_size, stride, padding, dilation))
    oh = (shape[0] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (shape[1] + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    taps = [
        (slice(i * dh, i * dh + (oh - 1) * sh + 1, sh), slice(j * dw, j * dw + (ow - 1) * sw + 1, sw))
        for i in range(kh)
        for j in range(kw)
    ]
    return taps, (oh, ow), (ph, pw)


def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    taps, (oh, ow), (ph, pw) = _taps(x.shape[2:], kernel_size, stride, padding, dilation)
    padded = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    stack = np.stack([padded[:, :, rows, columns] for rows, columns in taps], axis=2)
    return stack.reshape(x.shape[0], -1, oh * ow)


def col2im(cols, output_size, kernel_size, *, stride=1, padding=0, dilation=1):
    h, w = _pair(output_size)
    taps, (oh, ow), (ph, pw) = _taps((h, w), kernel_size, stride, padding, dilation)
    entries = cols.reshape(cols.shape[0], -1, len(taps), oh, ow)
    padded = np.zeros((*entries.shape[:2], h + 2 * ph, w + 2 * pw))
    for tap, (rows, columns) in enumerate(taps):
        padded[:, :, rows, columns] += entries[:, :, tap]
    return padded[:, :, ph : ph + h, pw : pw + w].copy()


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1):
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    _, size, _ = _taps(x.shape[2:], w.shape[2:], stride, padding, dilation)
    cols = im2col(x, w.shape[2:], **settings)
    out = w.reshape(len(w), -1) @ cols
    if b is not None:
        out = out + b[:, None]
    return out.reshape(len(x), len(w), *size), (x.shape, cols, w, b, settings)


def conv2d_backward(dout, cache):
    shape, cols, w, b, settings = cache
    flat = dout.reshape(len(dout), len(w), -1)
    dw = (flat @ cols.transpose(0, 2, 1)).sum(axis=0).reshape(w.shape)
    dx = col2im(w.reshape(len(w), -1).T @ flat, shape[2:], w.shape[2:], **settings)
    return dx, dw, None if b is None else flat.sum(axis=(0, 2))
