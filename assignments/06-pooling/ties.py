"""Judges the gradient of max pooling where several pixels of a window are the largest: every fair division is right.

At a tie the maximum has a corner, and any subgradient will do: the window's gradient goes to one of the largest
pixels, or is divided among them. Its total stays. Windows lie side by side here, so each can be judged alone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.judges import Finding
from grader.plans import Answer, as_array

ALL_WIN = "all-win"


def fair_shares(x: Any, dout: Any, kernel: tuple[int, int]) -> Callable[[Answer], Finding | None]:
    """Return the judge of dx, the last step's answer, for windows side by side that cover the whole image."""
    largest = _windows(x, kernel) == _windows(x, kernel).max(axis=-1, keepdims=True)

    def judge(answer: Answer) -> Finding | None:
        dx = as_array(answer.outcomes[-1].values[0])
        # Only what all winners receive has a name of its own. Other mistakes are known by the cases without ties.
        if dx is None or dx.shape != x.shape or dx.dtype.kind not in "fiu":
            return Finding("", "dx has not the shape of x")
        shares = _windows(dx.astype(np.float64), kernel) / dout[..., None]
        if not np.all(np.abs(np.where(largest, 0, shares)) < 1e-5):
            return Finding("", "a pixel that is not among the largest of its window receives a gradient")
        if np.all(np.abs(shares - largest) < 1e-5):
            return Finding(ALL_WIN, "where several pixels tie, the window's gradient grows: its total must stay")
        if not np.all((shares > -1e-5) & (np.abs(shares.sum(axis=-1, keepdims=True) - 1) < 1e-5)):
            return Finding("", "the shares of the pixels that tie do not add up to the window's gradient")
        return None

    return judge


def _windows(x: Any, kernel: tuple[int, int]) -> Any:
    """Return (N, C, OH, OW, KH·KW)."""
    (n, c, h, w), (kh, kw) = x.shape, kernel
    tiles = x.reshape(n, c, h // kh, kh, w // kw, kw).swapaxes(3, 4)
    return tiles.reshape(n, c, h // kh, w // kw, kh * kw)
