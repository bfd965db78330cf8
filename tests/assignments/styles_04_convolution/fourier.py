"""SciPy where it has the function, products of Fourier transforms for the layer."""

import numpy as np
from scipy import ndimage, signal


def _pair(v):
    return np.broadcast_to(v, 2).tolist()


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    sizes = []
    for n, k, s, p, d in zip(*map(_pair, (input_size, kernel_size, stride, padding, dilation))):
        sizes.append(len(range(0, n + 2 * p - d * (k - 1), s)))
    return tuple(sizes)


def cross_correlate2d(x, k, *, mode="valid"):
    return signal.correlate2d(x, k, mode=mode)


def convolve2d(x, k, *, mode="valid"):
    if mode != "same":
        return signal.convolve2d(x, k, mode=mode)
    # SciPy's own "same" puts the odd row of an even kernel first.
    full = signal.fftconvolve(x, k)
    top, left = k.shape[0] // 2, k.shape[1] // 2
    return full[top : top + x.shape[0], left : left + x.shape[1]]


def convolve1d(x, k, *, mode="valid"):
    full = np.convolve(x, k)
    n, m = len(x), len(k)
    return {"full": full, "same": full[m // 2 : m // 2 + n], "valid": full[m - 1 : n]}[mode]


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = _pair(padding)
    h, w = x.shape[2:]
    # Reading an image at places outside of it is what map_coordinates' modes are made for.
    names = {"zeros": "grid-constant", "reflect": "mirror", "replicate": "nearest", "circular": "grid-wrap"}
    places = np.mgrid[-ph : h + ph, -pw : w + pw]
    out = np.empty((*x.shape[:2], h + 2 * ph, w + 2 * pw))
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            ndimage.map_coordinates(x[n, c], places, output=out[n, c], order=0, mode=names[mode])
    return out


def _dilate(w, dh, dw):
    out = np.zeros((*w.shape[:2], dh * (w.shape[2] - 1) + 1, dw * (w.shape[3] - 1) + 1))
    out[:, :, ::dh, ::dw] = w
    return out


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    sh, sw = _pair(stride)
    kernel = _dilate(w, *_pair(dilation))
    padded = pad2d(x, padding, mode=padding_mode)
    size = [p + k - 1 for p, k in zip(padded.shape[2:], kernel.shape[2:])]
    seen = np.fft.rfft2(padded, size).reshape(len(x), groups, -1, size[0], size[1] // 2 + 1)
    turned = np.fft.rfft2(kernel[:, :, ::-1, ::-1], size).reshape(groups, -1, *seen.shape[2:])
    full = np.fft.irfft2(np.einsum("ngqrc,goqrc->ngorc", seen, turned), size).reshape(len(x), -1, *size)
    kh, kw = kernel.shape[2:]
    out = full[:, :, kh - 1 : padded.shape[2] : sh, kw - 1 : padded.shape[3] : sw].copy()
    if b is not None:
        out += np.reshape(b, (1, -1, 1, 1))
    settings = (sh, sw), _pair(padding), _pair(dilation), groups, padding_mode
    return out, (x.shape, w.shape, b is None, padded, kernel, settings)


def conv2d_backward(dout, cache):
    shape, w_shape, no_bias, padded, kernel, settings = cache
    (sh, sw), (ph, pw), (dh, dw), groups, mode = settings
    spread = np.zeros((*dout.shape[:2], padded.shape[2] - kernel.shape[2] + 1, padded.shape[3] - kernel.shape[3] + 1))
    spread[:, :, ::sh, ::sw] = dout
    each, depth = w_shape[0] // groups, w_shape[1]
    dpadded, dkernel = np.zeros(padded.shape), np.zeros(kernel.shape)
    for o in range(w_shape[0]):
        for q in range(depth):
            channel = o // each * depth + q
            for n in range(shape[0]):
                dkernel[o, q] += signal.correlate(padded[n, channel], spread[n, o], mode="valid")
                dpadded[n, channel] += signal.fftconvolve(spread[n, o], kernel[o, q])
    # Padding is linear: its gradient is found by padding one unit row, one unit column at a time.
    rows = pad2d(np.eye(shape[2])[None, :, :, None], (ph, 0), mode=mode)[0, :, :, 0]
    columns = pad2d(np.eye(shape[3])[None, :, None, :], (0, pw), mode=mode)[0, :, 0, :]
    dx = np.einsum("hr,ncrs,ws->nchw", rows, dpadded, columns)
    return dx, dkernel[:, :, ::dh, ::dw], None if no_bias else dout.sum((0, 2, 3))
