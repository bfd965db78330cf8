"""Where the windows of a pooling lie: corners, and for every tap its pixels. Knows no arithmetic of pooling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from solutions.arrays import Array, check_shape, namespace, pair

Size = int | Sequence[int]
# Of one tap along one axis: the windows that have it on the image, and the pixels that it reads for them.
Tap = tuple[slice, slice]


@dataclass(frozen=True)
class Windows:
    """Where all windows of one pooling lie."""

    image: tuple[int, int, int, int]
    row_corners: list[int]  # the first row of each window, negative where it begins in the padding
    column_corners: list[int]
    row_taps: list[Tap]
    column_taps: list[Tap]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, OH, OW): one entry a window."""
        return (*self.image[:2], len(self.row_corners), len(self.column_corners))

    @property
    def size(self) -> int:
        """How many taps a window has."""
        return len(self.row_taps) * len(self.column_taps)

    def taps(self) -> Iterator[tuple[Any, Any]]:
        """Yield, for every tap of a window, the indices of the windows and of the pixels that it reads for them."""
        for window_rows, rows in self.row_taps:
            for window_columns, columns in self.column_taps:
                yield (..., window_rows, window_columns), (..., rows, columns)


def _axis(size: int, kernel: int, stride: int, padding: int) -> tuple[list[int], list[Tap]]:
    """Return the corners and the taps along one axis."""
    corners = list(range(-padding, size + padding - kernel + 1, stride))
    taps = []
    for tap in range(kernel):
        on_image = [window for window, corner in enumerate(corners) if 0 <= corner + tap < size]
        first, last = (on_image[0], on_image[-1]) if on_image else (0, -1)
        pixels = slice(corners[first] + tap, corners[last] + tap + 1, stride) if on_image else slice(0, 0)
        taps.append((slice(first, last + 1), pixels))
    return corners, taps


def lay_out(x: Array, kernel_size: Size, stride: Size | None, padding: Size) -> Windows:
    """Check the arguments of a pooling (each error names its own) and lay out its windows."""
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    if not namespace(x).isdtype(x.dtype, "real floating"):
        raise ValueError(f"x must be floating point, got {x.dtype}")
    kernel = pair(kernel_size, "kernel_size", minimum=1)
    steps = kernel if stride is None else pair(stride, "stride", minimum=1)
    pads = pair(padding, "padding", minimum=0)
    if any(2 * p > k for p, k in zip(pads, kernel, strict=True)):
        raise ValueError(f"padding must be at most half of kernel_size {kernel_size}, got {padding}")
    if any(k > size + 2 * p for k, size, p in zip(kernel, x.shape[2:], pads, strict=True)):
        raise ValueError(f"kernel_size must fit into the padded image, got {kernel_size} for {tuple(x.shape[2:])}")
    if min(x.shape[2:]) < 1:
        raise ValueError(f"x must have at least one row and one column, got {tuple(x.shape)}")
    row_corners, row_taps = _axis(x.shape[2], kernel[0], steps[0], pads[0])
    column_corners, column_taps = _axis(x.shape[3], kernel[1], steps[1], pads[1])
    return Windows(tuple(x.shape), row_corners, column_corners, row_taps, column_taps)
