"""The layer turns its kernels, as signal processing does."""

import numpy as np


def both(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    sizes = []
    for axis in range(2):
        n, k = both(input_size)[axis], both(kernel_size)[axis]
        s, p, d = both(stride)[axis], both(padding)[axis], both(dilation)[axis]
        places = 0
        start = 0
        while start + d * (k - 1) < n + 2 * p:
            places += 1
            start += s
        sizes.append(places)
    return sizes[0], sizes[1]


def cross_correlate2d(x, k, *, mode="valid"):
    H, W = x.shape
    KH, KW = k.shape
    if mode == "valid":
        top = left = 0
        OH, OW = H - KH + 1, W - KW + 1
    elif mode == "same":
        top, left = (KH - 1) // 2, (KW - 1) // 2
        OH, OW = H, W
    else:
        top, left = KH - 1, KW - 1
        OH, OW = H + KH - 1, W + KW - 1
    y = np.zeros((OH, OW))
    for r in range(OH):
        for c in range(OW):
            for a in range(KH):
                for b in range(KW):
                    row, column = r + a - top, c + b - left
                    if 0 <= row < H and 0 <= column < W:
                        y[r, c] += x[row, column] * k[a, b]
    return y


def convolve2d(x, k, *, mode="valid"):
    KH, KW = k.shape
    flipped = np.zeros((KH, KW))
    for a in range(KH):
        for b in range(KW):
            flipped[a, b] = k[KH - 1 - a, KW - 1 - b]
    return cross_correlate2d(x, flipped, mode=mode)


def convolve1d(x, k, *, mode="valid"):
    n, m = len(x), len(k)
    full = np.zeros(n + m - 1)
    for i in range(n):
        for j in range(m):
            full[i + j] += x[i] * k[j]
    if mode == "full":
        return full
    if mode == "same":
        start = m - 1 - (m - 1) // 2
        return full[start : start + n].copy()
    return full[m - 1 : n].copy()


def shown(i, n, mode):
    """Which of n rows stands at position i, which may lie outside; None for a zero."""
    if 0 <= i < n:
        return i
    if mode == "zeros":
        return None
    if mode == "reflect":
        return -i if i < 0 else 2 * (n - 1) - i
    if mode == "replicate":
        return 0 if i < 0 else n - 1
    return i % n


def pad2d(x, padding, *, mode="zeros"):
    ph, pw = both(padding)
    N, C, H, W = x.shape
    out = np.zeros((N, C, H + 2 * ph, W + 2 * pw))
    for n in range(N):
        for c in range(C):
            for i in range(H + 2 * ph):
                for j in range(W + 2 * pw):
                    row, column = shown(i - ph, H, mode), shown(j - pw, W, mode)
                    if row is not None and column is not None:
                        out[n, c, i, j] = x[n, c, row, column]
    return out


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    (sh, sw), (dh, dw) = both(stride), both(dilation)
    N, _, H, W = x.shape
    F, CG, KH, KW = w.shape
    OH, OW = conv2d_output_size((H, W), (KH, KW), stride=stride, padding=padding, dilation=dilation)
    padded = pad2d(x, padding, mode=padding_mode)
    out = np.zeros((N, F, OH, OW))
    for n in range(N):
        for f in range(F):
            first = (f // (F // groups)) * CG
            for r in range(OH):
                for c in range(OW):
                    total = 0.0 if b is None else b[f]
                    for q in range(CG):
                        for i in range(KH):
                            for j in range(KW):
                                total += (
                                    w[f, q, KH - 1 - i, KW - 1 - j]
                                    * padded[n, first + q, r * sh + i * dh, c * sw + j * dw]
                                )
                    out[n, f, r, c] = total
    return out, (x, w, b, padded, stride, padding, dilation, groups, padding_mode)


def conv2d_backward(dout, cache):
    x, w, b, padded, stride, padding, dilation, groups, padding_mode = cache
    (sh, sw), (ph, pw), (dh, dw_) = both(stride), both(padding), both(dilation)
    N, F, OH, OW = dout.shape
    F, CG, KH, KW = w.shape
    H, W = x.shape[2:]
    dpadded, dw = np.zeros(padded.shape), np.zeros(w.shape)
    db = None if b is None else np.zeros(F)
    for n in range(N):
        for f in range(F):
            first = (f // (F // groups)) * CG
            for r in range(OH):
                for c in range(OW):
                    g = dout[n, f, r, c]
                    if b is not None:
                        db[f] += g
                    for q in range(CG):
                        for i in range(KH):
                            for j in range(KW):
                                row, column = r * sh + i * dh, c * sw + j * dw_
                                dw[f, q, KH - 1 - i, KW - 1 - j] += g * padded[n, first + q, row, column]
                                dpadded[n, first + q, row, column] += g * w[f, q, KH - 1 - i, KW - 1 - j]
    dx = np.zeros(x.shape)
    for i in range(H + 2 * ph):
        for j in range(W + 2 * pw):
            row, column = shown(i - ph, H, padding_mode), shown(j - pw, W, padding_mode)
            if row is not None and column is not None:
                dx[:, :, row, column] += dpadded[:, :, i, j]
    return dx, dw, db
