"""The layer turns its kernels, as signal processing does. The other functions are those of loops.py."""

import numpy as np


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
