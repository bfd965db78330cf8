"""im2col with index arrays: all windows as columns of a matrix, one product, np.add.at on the way back."""

import numpy as np


def to_pair(v):
    try:
        a, b = v
    except TypeError:
        a = b = v
    return a, b


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    H, W = to_pair(input_size)
    KH, KW = to_pair(kernel_size)
    SH, SW = to_pair(stride)
    PH, PW = to_pair(padding)
    DH, DW = to_pair(dilation)
    return [int((H + 2 * PH - DH * (KH - 1) - 1) / SH + 1), int((W + 2 * PW - DW * (KW - 1) - 1) / SW + 1)]


def cross_correlate2d(x, k, *, mode="valid"):
    out, _ = conv2d_forward(padded_for(x, k, mode)[None, None], k[None, None])
    return out[0, 0]


def padded_for(x, k, mode):
    rows, columns = k.shape[0] - 1, k.shape[1] - 1
    if mode == "valid":
        return x
    if mode == "full":
        return np.pad(x, ((rows, rows), (columns, columns)))
    return np.pad(x, ((rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)))


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, k[::-1, ::-1], mode=mode)


def convolve1d(x, k, *, mode="valid"):
    return convolve2d(x[np.newaxis, :], k[np.newaxis, :], mode=mode).ravel()


def sources(H, W, padding, mode):
    """For each padded pixel, the flat index of the pixel that it shows; H * W stands for a zero."""
    PH, PW = to_pair(padding)
    numpy_mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    index = np.arange(H * W).reshape(H, W)
    if mode == "zeros":
        return np.pad(index, ((PH, PH), (PW, PW)), constant_values=H * W)
    return np.pad(index, ((PH, PH), (PW, PW)), mode=numpy_mode[mode])


def pad2d(x, padding, *, mode="zeros"):
    N, C, H, W = x.shape
    flat = np.concatenate([x.reshape(N, C, H * W), np.zeros((N, C, 1))], axis=2)
    return flat[:, :, sources(H, W, padding, mode)]


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    N, C, H, W = x.shape
    O, CG, KH, KW = w.shape
    OH, OW = conv2d_output_size((H, W), (KH, KW), stride=stride, padding=padding, dilation=dilation)
    (SH, SW), (DH, DW) = to_pair(stride), to_pair(dilation)
    # Straight from the unpadded image: padding is nothing but another index.
    shown = sources(H, W, padding, padding_mode)
    rows = (DH * np.arange(KH))[:, None, None, None] + (SH * np.arange(OH))[None, None, :, None]
    columns = (DW * np.arange(KW))[None, :, None, None] + (SW * np.arange(OW))[None, None, None, :]
    pixels = shown[rows, columns].reshape(KH * KW, OH * OW)
    flat = np.concatenate([x.reshape(N, C, H * W), np.zeros((N, C, 1))], axis=2)
    matrix = flat[:, :, pixels].reshape(N, groups, CG * KH * KW, OH * OW)
    out = np.matmul(w.reshape(groups, O // groups, CG * KH * KW), matrix).reshape(N, O, OH, OW)
    if b is not None:
        out = out + b.reshape(1, O, 1, 1)
    return out, (x.shape, w, b, groups, pixels, matrix)


def conv2d_backward(dout, cache):
    (N, C, H, W), w, b, groups, pixels, matrix = cache
    O = w.shape[0]
    upstream = dout.reshape(N, groups, O // groups, -1)
    dw = np.matmul(upstream, matrix.transpose(0, 1, 3, 2)).sum(axis=0).reshape(w.shape)
    dmatrix = np.matmul(w.reshape(groups, O // groups, -1).transpose(0, 2, 1), upstream)
    dflat = np.zeros((N, C, H * W + 1))
    np.add.at(dflat, (slice(None), slice(None), pixels), dmatrix.reshape(N, C, *pixels.shape))
    dx = dflat[:, :, :-1].reshape(N, C, H, W)
    db = None if b is None else upstream.sum(axis=(0, 3)).reshape(O)
    return dx, dw, db
