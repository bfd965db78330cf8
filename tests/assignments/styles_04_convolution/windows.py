"""One window at a time: a slice of the image times the kernel, summed; gradients poured back window by window."""

import numpy as np

NAMES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pair(v):
    if np.isscalar(v):
        return int(v), int(v)
    first, second = v
    return int(first), int(second)


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    n, k, s, p, d = (np.array(pair(v)) for v in (input_size, kernel_size, stride, padding, dilation))
    return np.floor_divide(n + 2 * p - d * (k - 1) - 1, s) + 1


def cross_correlate2d(x, k, *, mode="valid"):
    kh, kw = k.shape
    if mode == "full":
        x = np.pad(x, ((kh - 1, kh - 1), (kw - 1, kw - 1)))
    if mode == "same":
        x = np.pad(x, (((kh - 1) // 2, kh // 2), ((kw - 1) // 2, kw // 2)))
    rows, columns = x.shape[0] - kh + 1, x.shape[1] - kw + 1
    return np.array([[(x[r : r + kh, c : c + kw] * k).sum() for c in range(columns)] for r in range(rows)])


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, np.rot90(k, 2), mode=mode)


def convolve1d(x, k, *, mode="valid"):
    return convolve2d(x.reshape(-1, 1), k.reshape(-1, 1), mode=mode).reshape(-1)


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = pair(padding)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), NAMES[mode])


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    sh, sw = pair(stride)
    dh, dw = pair(dilation)
    padded = pad2d(x, padding, mode=padding_mode)
    n = x.shape[0]
    o, cg, kh, kw = w.shape
    oh, ow = conv2d_output_size(x.shape[2:], (kh, kw), stride=stride, padding=padding, dilation=dilation)
    out = np.zeros((n, o, oh, ow))
    for g in range(groups):
        channels = padded[:, g * cg : (g + 1) * cg]
        for f in range(g * o // groups, (g + 1) * o // groups):
            for r in range(oh):
                for col in range(ow):
                    top, left = r * sh, col * sw
                    window = channels[:, :, top : top + dh * (kh - 1) + 1 : dh, left : left + dw * (kw - 1) + 1 : dw]
                    out[:, f, r, col] = np.sum(window * w[f], axis=(1, 2, 3))
    if b is not None:
        out = out + b[None, :, None, None]
    cache = {"x": x, "w": w, "bias": b is not None, "padded": padded, "groups": groups}
    cache.update(stride=(sh, sw), dilation=(dh, dw), padding=pair(padding), mode=padding_mode)
    return out, cache


def conv2d_backward(dout, cache):
    x, w, padded, groups = cache["x"], cache["w"], cache["padded"], cache["groups"]
    (sh, sw), (dh, dw_), (ph, pw) = cache["stride"], cache["dilation"], cache["padding"]
    o, cg, kh, kw = w.shape
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for g in range(groups):
        group = slice(g * cg, (g + 1) * cg)
        for f in range(g * o // groups, (g + 1) * o // groups):
            for r in range(dout.shape[2]):
                for col in range(dout.shape[3]):
                    rows = slice(r * sh, r * sh + dh * (kh - 1) + 1, dh)
                    columns = slice(col * sw, col * sw + dw_ * (kw - 1) + 1, dw_)
                    upstream = dout[:, f, r, col][:, None, None, None]
                    dw[f] += np.sum(padded[:, group, rows, columns] * upstream, axis=0)
                    dpadded[:, group, rows, columns] += upstream * w[f]
    h, wd = x.shape[2:]
    if cache["mode"] == "zeros":
        dx = dpadded[:, :, ph : ph + h, pw : pw + wd].copy()
    else:
        # Pad the pixels' own numbers: they say whom each padded pixel shows.
        numbers = np.pad(np.arange(h * wd).reshape(h, wd), ((ph, ph), (pw, pw)), NAMES[cache["mode"]])
        dx = np.zeros((*x.shape[:2], h * wd))
        np.add.at(dx, (slice(None), slice(None), numbers), dpadded)
        dx = dx.reshape(x.shape)
    db = dout.sum(axis=(0, 2, 3)) if cache["bias"] else None
    return dx, dw, db
