"""Turned and enlarged pictures, rightly and wrongly: curves for the judges, and the known mistakes. No reference."""

from typing import Any

import numpy as np


def look_up(x: Any, rows: Any, columns: Any, *, nearest: bool = False, border: str = "zeros") -> Any:
    """Read (N, C, H, W) images at fractional places (N, H, W), linearly between four pixels."""
    n, _, height, width = x.shape
    if nearest:
        rows, columns = np.round(rows), np.round(columns)
    out = np.zeros(x.shape)
    image = np.arange(n)[:, None, None]
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    for r, c in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        weight = (1 - np.abs(rows - r)) * (1 - np.abs(columns - c))
        if border == "wrap":
            pixels = x[image, :, r % height, c % width]
        else:
            pixels = x[image, :, np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)]
        if border == "zeros":
            weight = weight * ((r >= 0) & (r < height) & (c >= 0) & (c < width))
        out += np.moveaxis(pixels * weight[..., None], 3, 1)
    return out


def _places(x: Any, corner: float, off: float = 0.0) -> tuple[Any, Any, float, float]:
    """Rows and columns counted from a centre: the first pixel (``corner`` 1) or the middle, ``off`` by so much."""
    height, width = x.shape[2:]
    middle_row, middle_column = ((size - 1) / 2 * (1 - corner) + off for size in x.shape[2:])
    rows = np.arange(height)[:, None] - middle_row + np.zeros((len(x), 1, width))
    columns = np.arange(width)[None, :] - middle_column + np.zeros((len(x), height, 1))
    return rows, columns, middle_row, middle_column


def turned(x: Any, angles: Any, *, corner: float = 0.0, off: float = 0.0, **how: Any) -> Any:
    """Each image by its angle in degrees, anticlockwise."""
    angle = np.deg2rad(angles)[:, None, None]
    rows, columns, r, c = _places(x, corner, off)
    sine, cosine = np.sin(angle), np.cos(angle)
    return look_up(x, cosine * rows + sine * columns + r, cosine * columns - sine * rows + c, **how)


def scaled(x: Any, factors: Any, *, across: Any = None, corner: float = 0.0, **how: Any) -> Any:
    """Each image by its factor; ``across`` is another one for the columns."""
    down = np.asarray(factors)[:, None, None]
    right = down if across is None else np.asarray(across)[:, None, None]
    rows, columns, r, c = _places(x, corner)
    return look_up(x, rows / down + r, columns / right + c, **how)


def moved(x: Any, down: Any, right: Any, border: str = "zeros") -> Any:
    """Each image by whole numbers of pixels."""
    rows, columns, _, _ = _places(x, 1.0)
    shift = (np.broadcast_to(v, len(x))[:, None, None] for v in (down, right))
    return look_up(x, rows - next(shift), columns - next(shift), border=border)


def repeated(image: Any, times: int) -> Any:
    """The same (C, H, W) image so many times, as arrays of their own."""
    return np.repeat(image[None], times, axis=0)


GREY = np.array([0.299, 0.587, 0.114])


def grey(x: Any) -> Any:
    """(N, 1, H, W): how bright each pixel is."""
    return x if x.shape[1] == 1 else np.tensordot(x, GREY, axes=(1, 0))[:, None]


def brightened(x: Any, factor: Any) -> Any:
    """Multiplied."""
    return np.clip(factor * x, 0, 1)


def contrasted(x: Any, factor: Any, middle: Any = None) -> Any:
    """Mixed with the mean of its grey picture, or another ``middle``."""
    middle = grey(x).mean(axis=(1, 2, 3), keepdims=True) if middle is None else middle
    return np.clip(factor * x + (1 - factor) * middle, 0, 1)


def saturated(x: Any, factor: Any, own: Any = None) -> Any:
    """Mixed with its own grey picture, or another one."""
    own = grey(x) if own is None else own
    return np.clip(factor * x + (1 - factor) * own, 0, 1)
