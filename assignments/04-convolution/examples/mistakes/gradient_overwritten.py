"""The backward assigns where windows overlap. The other functions are those of loops.py."""

import numpy as np


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
                                dw[f, q, i, j] += g * padded[n, first + q, row, column]
                                dpadded[n, first + q, row, column] = g * w[f, q, i, j]
    dx = np.zeros(x.shape)
    for i in range(H + 2 * ph):
        for j in range(W + 2 * pw):
            row, column = shown(i - ph, H, padding_mode), shown(j - pw, W, padding_mode)
            if row is not None and column is not None:
                dx[:, :, row, column] += dpadded[:, :, i, j]
    return dx, dw, db
