"""Convolution without the flip. The other functions are those of loops.py."""

import numpy as np


def convolve2d(x, k, *, mode="valid"):
    KH, KW = k.shape
    flipped = np.zeros((KH, KW))
    for a in range(KH):
        for b in range(KW):
            flipped[a, b] = k[a, b]
    return cross_correlate2d(x, flipped, mode=mode)
