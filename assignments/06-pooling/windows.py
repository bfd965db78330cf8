"""Windows of a pooling seen as one array, and gradients laid back on the image. Knows no mistake and no case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pair(value: Any) -> tuple[int, int]:
    """Return one number twice, a pair as it is."""
    return tuple(value) if isinstance(value, Sequence) else (value, value)  # type: ignore[return-value]


@dataclass(frozen=True)
class Settings:
    """The three settings of a pooling, as pairs."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]


def settings(kernel_size: Any, stride: Any = None, padding: Any = 0) -> Settings:
    """Return what was asked for; without a stride, windows lie side by side."""
    return Settings(pair(kernel_size), pair(kernel_size if stride is None else stride), pair(padding))


def view(x: Any, s: Settings, *, fill: float = np.nan, more: tuple[int, int] = (0, 0)) -> Any:
    """Return all windows, (N, C, OH, OW, KH, KW); ``more`` widens the image at its end."""
    (ph, pw), (mh, mw) = s.padding, more
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph + mh), (pw, pw + mw)), constant_values=fill)
    return sliding_window_view(padded, s.kernel, axis=(2, 3))[:, :, :: s.stride[0], :: s.stride[1]]


def spread(shares: Any, image: Sequence[int], s: Settings, *, overwrite: bool = False) -> Any:
    """Lay the shares of all windows, (N, C, OH, OW, KH, KW), on the padded image."""
    n, c, h, w = image
    padded = np.zeros((n, c, h + 2 * s.padding[0], w + 2 * s.padding[1]))
    for r, q in np.ndindex(*shares.shape[2:4]):
        top, left = r * s.stride[0], q * s.stride[1]
        part = padded[:, :, top : top + s.kernel[0], left : left + s.kernel[1]]
        if overwrite:
            part[...] = np.where(shares[:, :, r, q] != 0, shares[:, :, r, q], part)
        else:
            part += shares[:, :, r, q]
    return padded


def crop(padded: Any, image: Sequence[int], s: Settings) -> Any:
    """Return the part of the padded image that is the image."""
    ph, pw = s.padding
    return padded[:, :, ph : ph + image[2], pw : pw + image[3]]
