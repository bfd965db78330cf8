"""The layer as what it is, one large matrix: a column for each pixel of an image, found by looking at unit images."""

import itertools

import numpy as np


def twice(v):
    return list(v) if hasattr(v, "__len__") else [v, v]


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    image, kernel, stride, padding, dilation = map(twice, (input_size, kernel_size, stride, padding, dilation))
    first = [-p for p in padding]
    last = [n + p - d * (k - 1) - 1 for n, k, p, d in zip(image, kernel, padding, dilation)]
    return tuple(1 + (b - a) // s for a, b, s in zip(first, last, stride))


def toeplitz(n, k):
    """(n + m - 1, n): full convolution with k."""
    matrix = np.zeros((n + len(k) - 1, n))
    for column in range(n):
        matrix[column : column + len(k), column] = k
    return matrix


def part(n, m, mode):
    """Which rows of a full answer a mode keeps."""
    if mode == "full":
        return slice(0, n + m - 1)
    if mode == "valid":
        return slice(m - 1, n)
    return slice(m // 2, m // 2 + n)


def convolve1d(x, k, *, mode="valid"):
    return (toeplitz(len(x), k) @ x)[part(len(x), len(k), mode)]


def convolve2d(x, k, *, mode="valid"):
    # One Toeplitz matrix for each row of the kernel; rows of the image meet rows of the kernel.
    (h, w), (kh, kw) = x.shape, k.shape
    full = np.zeros((h + kh - 1, w + kw - 1))
    for a in range(kh):
        full[a : a + h] += x @ toeplitz(w, k[a]).T
    return full[part(h, kh, mode), part(w, kw, mode)]


def cross_correlate2d(x, k, *, mode="valid"):
    return convolve2d(x, k[::-1][:, ::-1], mode=mode)


def shows(n, p, mode):
    """(n + 2p, n): which pixel each place of a padded line shows."""
    matrix = np.zeros((n + 2 * p, n))
    for place in range(n + 2 * p):
        source = place - p
        if mode == "reflect":
            while not 0 <= source < n:
                source = -source if source < 0 else 2 * (n - 1) - source
        elif mode == "replicate":
            source = min(max(source, 0), n - 1)
        elif mode == "circular":
            source = source % n
        if 0 <= source < n:
            matrix[place, source] = 1
    return matrix


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = twice(padding)
    return shows(x.shape[2], ph, mode) @ x @ shows(x.shape[3], pw, mode).T


def steps(places, size, stride, offset):
    """(places, size): row r picks pixel r * stride + offset."""
    return np.eye(size)[[r * stride + offset for r in range(places)]]


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    (o, depth, kh, kw), (n, c, h, wd) = w.shape, x.shape
    oh, ow = conv2d_output_size((h, wd), (kh, kw), stride=stride, padding=padding, dilation=dilation)
    up_rows, up_columns = (shows(m, p, padding_mode) for m, p in zip((h, wd), twice(padding)))
    # taps[i, j]: the matrix that takes an image's pixels to those which tap (i, j) meets.
    taps = np.empty((kh, kw, oh * ow, h * wd))
    for i, j in itertools.product(range(kh), range(kw)):
        rows = steps(oh, len(up_rows), twice(stride)[0], i * twice(dilation)[0]) @ up_rows
        columns = steps(ow, len(up_columns), twice(stride)[1], j * twice(dilation)[1]) @ up_columns
        taps[i, j] = np.kron(rows, columns)
    matrix = np.zeros((o, oh * ow, c, h * wd))
    for f in range(o):
        first = f // (o // groups) * depth
        matrix[f, :, first : first + depth] = np.einsum("qij,ijyx->yqx", w[f], taps)
    matrix = matrix.reshape(o * oh * ow, c * h * wd)
    out = (x.reshape(n, -1) @ matrix.T).reshape(n, o, oh, ow)
    if b is not None:
        out = out + np.asarray(b)[:, np.newaxis, np.newaxis]
    return out, {"x": x, "w": w, "b": b, "groups": groups, "taps": taps, "matrix": matrix}


def conv2d_backward(dout, cache):
    x, w, groups = cache["x"], cache["w"], cache["groups"]
    n, c = x.shape[:2]
    dx = (dout.reshape(n, -1) @ cache["matrix"]).reshape(x.shape)
    seen = np.einsum("ijyx,nqx->nqijy", cache["taps"], x.reshape(n, c, -1))
    dw = np.zeros(w.shape)
    for f in range(len(w)):
        first = f // (len(w) // groups) * w.shape[1]
        dw[f] = np.tensordot(dout[:, f].reshape(n, -1), seen[:, first : first + w.shape[1]], axes=((0, 1), (0, 4)))
    db = None
    if cache["b"] is not None:
        db = np.array([dout[:, f].sum() for f in range(len(w))])
    return dx, dw, db
