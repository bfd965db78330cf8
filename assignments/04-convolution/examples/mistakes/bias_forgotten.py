"""The layer forgets its bias. The other functions are those of loops.py."""

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
                    total = 0.0
                    for q in range(CG):
                        for i in range(KH):
                            for j in range(KW):
                                total += w[f, q, i, j] * padded[n, first + q, r * sh + i * dh, c * sw + j * dw]
                    out[n, f, r, c] = total
    return out, (x, w, b, padded, stride, padding, dilation, groups, padding_mode)
