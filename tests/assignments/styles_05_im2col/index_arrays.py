"""Positions in the flattened widened image; np.take lays out, np.bincount adds up."""

import numpy as np


def _both(v):
    return np.ones(2, int) * np.asarray(v)


def _positions(size, kernel_size, stride, padding, dilation):
    size, kernel, stride, padding, dilation = map(_both, (size, kernel_size, stride, padding, dilation))
    wide = size + 2 * padding
    places = (wide - dilation * (kernel - 1) - 1) // stride + 1
    lines = [dilation[a] * np.arange(kernel[a])[:, None] + stride[a] * np.arange(places[a])[None, :] for a in range(2)]
    flat = lines[0][:, None, :, None] * wide[1] + lines[1][None, :, None, :]
    return flat.reshape(kernel.prod(), places.prod()), wide, padding, places


def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    n, c, h, w = x.shape
    positions, wide, (ph, pw), _ = _positions((h, w), kernel_size, stride, padding, dilation)
    padded = np.zeros((n, c, *wide))
    padded[:, :, ph : ph + h, pw : pw + w] = x
    return np.take(padded.reshape(n, c, -1), positions, axis=2).reshape(n, -1, positions.shape[1])


def col2im(cols, output_size, kernel_size, *, stride=1, padding=0, dilation=1):
    h, w = _both(output_size)
    positions, wide, (ph, pw), _ = _positions((h, w), kernel_size, stride, padding, dilation)
    planes = cols.size // positions.size
    every = np.arange(planes)[:, None, None] * wide.prod() + positions
    total = np.bincount(every.ravel(), weights=cols.ravel(), minlength=planes * wide.prod())
    return total.reshape(len(cols), -1, *wide)[:, :, ph : ph + h, pw : pw + w].copy()


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1):
    o = w.shape[0]
    options = (stride, padding, dilation)
    cols = im2col(x, w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    # One matrix for the whole batch.
    wide = cols.transpose(1, 0, 2).reshape(cols.shape[1], -1)
    out = w.reshape(o, -1) @ wide + (0 if b is None else b.reshape(o, 1))
    places = _positions(x.shape[2:], w.shape[2:], *options)[3]
    return out.reshape(o, len(x), *places).swapaxes(0, 1), {"x": x, "w": w, "b": b, "wide": wide, "options": options}


def conv2d_backward(dout, cache):
    x, w, options = cache["x"], cache["w"], cache["options"]
    o = w.shape[0]
    flat = dout.transpose(1, 0, 2, 3).reshape(o, -1)
    dwide = w.reshape(o, -1).T @ flat
    dcols = dwide.reshape(dwide.shape[0], len(x), -1).swapaxes(0, 1).copy()
    stride, padding, dilation = options
    dx = col2im(dcols, x.shape[2:], w.shape[2:], stride=stride, padding=padding, dilation=dilation)
    return dx, (flat @ cache["wide"].T).reshape(w.shape), None if cache["b"] is None else flat.sum(axis=1)
