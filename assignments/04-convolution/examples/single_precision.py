"""Everything in float32, as on a graphics card: windows as rows of one matrix."""

import numpy as np

f32 = np.float32


def pair(v):
    return (v, v) if isinstance(v, (int, np.integer)) else tuple(v)


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    h, w = pair(input_size)
    kh, kw = pair(kernel_size)
    sh, sw = pair(stride)
    ph, pw = pair(padding)
    dh, dw = pair(dilation)
    kh, kw = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    return (h - kh + 2 * ph) // sh + 1, (w - kw + 2 * pw) // sw + 1


def cross_correlate2d(x, k, *, mode="valid"):
    kh, kw = k.shape
    image = x.astype(f32)[None, None]
    if mode == "full":
        return conv2d_forward(image, k[None, None], padding=(kh - 1, kw - 1))[0][0, 0]
    if mode == "same":
        h, w = x.shape
        # One row and column too many where the kernel is even: drop the first.
        out = conv2d_forward(image, k[None, None], padding=(kh // 2, kw // 2))[0][0, 0]
        return out[out.shape[0] - h :, out.shape[1] - w :]
    return conv2d_forward(image, k[None, None])[0][0, 0]


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, k[::-1, ::-1], mode=mode)


def convolve1d(x, k, *, mode="valid"):
    return convolve2d(x[:, None], k[:, None], mode=mode)[:, 0]


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = pair(padding)
    n, c, h, w = x.shape
    out = np.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=f32)
    out[:, :, ph : ph + h, pw : pw + w] = x
    if mode == "zeros":
        return out
    # Rows first, then whole columns, corners included.
    for i in range(ph):
        above, below = {"reflect": (2 * ph - i, ph + h - 2 - i), "replicate": (ph, ph + h - 1)}.get(
            mode, (h + i, ph + i)
        )
        out[:, :, i] = out[:, :, above]
        out[:, :, ph + h + i] = out[:, :, below]
    for j in range(pw):
        left, right = {"reflect": (2 * pw - j, pw + w - 2 - j), "replicate": (pw, pw + w - 1)}.get(
            mode, (w + j, pw + j)
        )
        out[:, :, :, j] = out[:, :, :, left]
        out[:, :, :, pw + w + j] = out[:, :, :, right]
    return out


def windows(padded, kernel, stride, dilation, size):
    (kh, kw), (sh, sw), (dh, dw), (oh, ow) = kernel, stride, dilation, size
    for r in range(oh):
        for c in range(ow):
            yield r, c, slice(r * sh, r * sh + dh * kh, dh), slice(c * sw, c * sw + dw * kw, dw)


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    x, w = np.asarray(x, f32), np.asarray(w, f32)
    n = x.shape[0]
    o, _, kh, kw = w.shape
    size = conv2d_output_size(x.shape[2:], (kh, kw), stride=stride, padding=padding, dilation=dilation)
    settings = (kh, kw), pair(stride), pair(dilation), size
    padded = pad2d(x, padding, mode=padding_mode)
    filters = w.reshape(groups, o // groups, -1)
    out = np.empty((n, o, *size), f32)
    for r, col, rows, columns in windows(padded, *settings):
        flat = padded[:, :, rows, columns][:, :, :kh, :kw].reshape(n, groups, -1, 1)
        out[:, :, r, col] = (filters @ flat).reshape(n, o)
    if b is not None:
        out += np.asarray(b, f32)[:, None, None]
    return out, (padded, w, b is not None, groups, pair(padding), padding_mode, settings, x.shape)


def conv2d_backward(dout, cache):
    padded, w, has_bias, groups, (ph, pw), mode, settings, shape = cache
    dout = dout.astype(f32)
    n, c, h, wd = shape
    o, _, kh, kw = w.shape
    filters = w.reshape(groups, o // groups, -1)
    dpadded, dfilters = np.zeros(padded.shape, f32), np.zeros(filters.shape, f32)
    for r, col, rows, columns in windows(padded, *settings):
        upstream = dout[:, :, r, col].reshape(n, groups, o // groups, 1)
        flat = padded[:, :, rows, columns].reshape(n, groups, 1, -1)
        dfilters += (upstream @ flat).sum(axis=0)
        dpadded[:, :, rows, columns] += (filters.transpose(0, 2, 1) @ upstream).reshape(n, c, kh, kw)
    # Undo pad2d in the opposite order: give each copied line back, then drop it.
    if mode != "zeros":
        for j in range(pw):
            left, right = {"reflect": (2 * pw - j, pw + wd - 2 - j), "replicate": (pw, pw + wd - 1)}.get(
                mode, (wd + j, pw + j)
            )
            dpadded[:, :, :, left] += dpadded[:, :, :, j]
            dpadded[:, :, :, right] += dpadded[:, :, :, pw + wd + j]
        for i in range(ph):
            above, below = {"reflect": (2 * ph - i, ph + h - 2 - i), "replicate": (ph, ph + h - 1)}.get(
                mode, (h + i, ph + i)
            )
            dpadded[:, :, above, pw : pw + wd] += dpadded[:, :, i, pw : pw + wd]
            dpadded[:, :, below, pw : pw + wd] += dpadded[:, :, ph + h + i, pw : pw + wd]
    dx = dpadded[:, :, ph : ph + h, pw : pw + wd].copy()
    db = dout.sum(axis=(0, 2, 3)) if has_bias else None
    return dx, dfilters.reshape(w.shape), db
