"""The fast convolution for NumPy arrays: matrix products on blocks that stay in the processor's cache.

The same sums as in `solutions/im2col.py`, which says what they mean. Three things make it quick:

- Columns are made for a few images, or some rows of one, at a time: the copy is still in the cache when the product
  reads it, and one small buffer serves all blocks.
- A padded image lies in its buffer row after row, with the zeros right of a row also serving as those left of the
  next. With stride 1 all that a tap of the kernel meets is then one unbroken run of memory. The run passes over
  the ends of the rows, which gives a few surplus places per row; they are left behind when the result is copied out.
- The batch is split over threads (`solutions/threads.py`), so that the copies run in parallel too.

Knows no layer but this one, no array library but NumPy.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from solutions.geometry import Conv2dSettings
from solutions.threads import split

Floats = npt.NDArray[Any]

BLOCK_BYTES = 1 << 20
SMALLEST_SHARE = 1 << 22  # multiplications for which a second thread is worth its waking and waiting


@dataclass(frozen=True)
class Blocks:
    """How one convolution is cut up. A *place* is a position of the kernel on an image."""

    channels: int
    outputs: int
    image_size: tuple[int, int]
    settings: Conv2dSettings
    itemsize: int

    @property
    def pitch(self) -> int:
        """From one row of the padded image to the next: the zeros in front, then the row."""
        return max(self.image_size[1] + self.settings.padding[1], self.settings.output_size[1])

    @property
    def width(self) -> int:
        """Places computed per row: with stride 1 the surplus ones too, so that rows join up."""
        return self.pitch if self.settings.stride == (1, 1) else self.settings.output_size[1]

    @property
    def taps(self) -> int:
        """Rows of the column matrix: one per channel and tap of the kernel."""
        return self.channels * self.settings.kernel_size[0] * self.settings.kernel_size[1]

    @property
    def row_bytes(self) -> int:
        """What one row of places takes: in the column matrix, or in the product if that is taller."""
        return max(self.taps, self.outputs) * self.width * self.itemsize

    @property
    def rows(self) -> int:
        """Rows of places per block, at least one."""
        return min(max(BLOCK_BYTES // self.row_bytes, 1), self.settings.output_size[0])

    @property
    def images(self) -> int:
        """Images per block, at least one."""
        padded_rows = self.image_size[0] + 2 * self.settings.padding[0]
        padded_bytes = self.channels * padded_rows * self.pitch * self.itemsize
        return max(BLOCK_BYTES // max(self.row_bytes * self.settings.output_size[0], padded_bytes), 1)

    def over(self, batch: int) -> Iterator[tuple[slice, int, list[slice]]]:
        """Yield each block of images with their number and their blocks of rows."""
        oh = self.settings.output_size[0]
        rows = [slice(r, min(r + self.rows, oh)) for r in range(0, oh, self.rows)]
        for first in range(0, batch, self.images):
            last = min(first + self.images, batch)
            yield slice(first, last), last - first, rows

    def padded_images(self, images: int, dtype: npt.DTypeLike) -> tuple[Floats, Floats]:
        """Return a zeroed buffer (C, images, pixels) for padded images, and in it the images (C, images, H, W)."""
        (h, w), (ph, pw) = self.image_size, self.settings.padding
        # The last tap of the last window may look past the buffer's last row: at the zeros right of it.
        last_window = (self.width - 1) * self.settings.stride[1]
        last_tap = (self.settings.kernel_size[1] - 1) * self.settings.dilation[1]
        behind = max(last_window + last_tap + 1 - self.pitch, 0)
        pixels = (h + 2 * ph) * self.pitch
        buffer = np.zeros((self.channels, images, pixels + behind), dtype)
        image = buffer[:, :, :pixels].reshape(self.channels, images, h + 2 * ph, self.pitch)
        return buffer, image[:, :, ph : ph + h, pw : pw + w]

    def seen(self, buffer: Floats, images: int, rows: slice) -> Floats:
        """View the padded images tap by tap: (C, KH, KW, images, rows, width), every entry a pixel of the buffer."""
        (sh, sw), (dh, dw) = self.settings.stride, self.settings.dilation
        shape = (self.channels, *self.settings.kernel_size, images, rows.stop - rows.start, self.width)
        steps = (buffer.shape[1] * buffer.shape[2], dh * self.pitch, dw, buffer.shape[2], sh * self.pitch, sw)
        # Made from the buffer itself, the view is checked to lie within it; `as_strided` would read whatever is there.
        offset = rows.start * sh * self.pitch * self.itemsize
        return np.ndarray(shape, buffer.dtype, buffer, offset, tuple(step * self.itemsize for step in steps))

    def widened(self, dout: Floats, buffer: Floats) -> Floats:
        """Return dout (images, O, rows, OW) as (O, images, rows, width) in the buffer, 0 at the surplus places."""
        images, outputs, rows, ow = dout.shape
        upstream = buffer[: outputs * images * rows * self.width].reshape(outputs, images, rows, self.width)
        upstream[..., :ow] = dout.transpose(1, 0, 2, 3)
        upstream[..., ow:] = 0
        return upstream


def forward(x: Floats, w: Floats, b: Floats | None, settings: Conv2dSettings) -> Floats:
    """Return out (N, O, OH, OW) of a zero-padded convolution; the arguments have been checked."""
    blocks = Blocks(x.shape[1], w.shape[0], (x.shape[2], x.shape[3]), settings, x.dtype.itemsize)
    groups, outputs = settings.groups, w.shape[0]
    matrices = w.reshape(groups, outputs // groups, -1)
    bias = None if b is None else b.reshape(groups, outputs // groups, 1)
    out = np.empty((x.shape[0], outputs, *settings.output_size), x.dtype)

    def share(batch: slice) -> None:
        _forward_share(x[batch], matrices, bias, out[batch], blocks)

    split(x.shape[0], out.size * matrices.shape[2] // SMALLEST_SHARE, share)
    return out


def _forward_share(x: Floats, matrices: Floats, bias: Floats | None, out: Floats, blocks: Blocks) -> None:
    images = min(blocks.images, len(x))
    outputs, ow = out.shape[1], out.shape[3]
    buffer, pixels = blocks.padded_images(images, x.dtype)
    places = images * blocks.rows * blocks.width
    columns_buffer, product_buffer = np.empty(blocks.taps * places, x.dtype), np.empty(outputs * places, x.dtype)
    for batch, images, row_blocks in blocks.over(len(x)):
        pixels[:, :images] = x[batch].transpose(1, 0, 2, 3)
        for rows in row_blocks:
            seen = blocks.seen(buffer, images, rows)
            columns = columns_buffer[: seen.size].reshape(seen.shape)
            np.copyto(columns, seen)
            places = seen.size // blocks.taps
            product = product_buffer[: outputs * places].reshape(len(matrices), -1, places)
            np.matmul(matrices, columns.reshape(len(matrices), -1, places), out=product)
            if bias is not None:
                product += bias
            out[batch, :, rows] = product.reshape(outputs, *seen.shape[3:])[..., :ow].transpose(1, 0, 2, 3)


def backward(dout: Floats, x: Floats, w: Floats, settings: Conv2dSettings) -> tuple[Floats, Floats]:
    """Return (dx, dw) of a zero-padded convolution; the arguments have been checked."""
    blocks = Blocks(x.shape[1], w.shape[0], (x.shape[2], x.shape[3]), settings, x.dtype.itemsize)
    matrices = w.reshape(settings.groups, w.shape[0] // settings.groups, -1)
    dx = np.empty(x.shape, x.dtype)
    turned = _turned(w, blocks)

    def share(batch: slice) -> Floats:
        if turned is None:
            _images_share(dout[batch], matrices, dx[batch], blocks)
        else:
            _forward_share(dout[batch], turned[0], None, dx[batch], turned[1])
        return _weights_share(dout[batch], x[batch], matrices, blocks)

    dw = sum(split(x.shape[0], dout.size * matrices.shape[2] // SMALLEST_SHARE, share))
    return dx, np.reshape(dw, w.shape)


def _turned(w: Floats, blocks: Blocks) -> tuple[Floats, Blocks] | None:
    """Return the convolution that takes dout to dx, where there is one and it is the quicker way.

    With stride 1 it has the kernels turned by 180 degrees and inputs and outputs exchanged. It copies columns for
    every output channel, which is several times as fast as adding them up for every input channel.
    """
    s, (outputs, _, kh, kw) = blocks.settings, w.shape
    padding = (s.dilation[0] * (kh - 1) - s.padding[0], s.dilation[1] * (kw - 1) - s.padding[1])
    if s.stride != (1, 1) or min(padding) < 0 or outputs > 4 * blocks.channels:
        return None
    by_group = w[:, :, ::-1, ::-1].reshape(s.groups, outputs // s.groups, -1, kh, kw)
    settings = replace(s, padding=padding, output_size=blocks.image_size)
    matrices = by_group.transpose(0, 2, 1, 3, 4).reshape(s.groups, blocks.channels // s.groups, -1)
    # Of a depthwise convolution it is still a view that runs backwards, on which NumPy leaves BLAS.
    return np.ascontiguousarray(matrices), Blocks(outputs, blocks.channels, s.output_size, settings, blocks.itemsize)


def _weights_share(dout: Floats, x: Floats, matrices: Floats, blocks: Blocks) -> Floats:
    """Return the gradient of the weight matrices: per block, the columns times dout."""
    groups, images = len(matrices), min(blocks.images, len(x))
    buffer, pixels = blocks.padded_images(images, x.dtype)
    places = images * blocks.rows * blocks.width
    columns_buffer, upstream_buffer = (
        np.empty(blocks.taps * places, x.dtype),
        np.empty(matrices[..., 0].size * places, x.dtype),
    )
    dmatrices = np.zeros_like(matrices.transpose(0, 2, 1))
    for batch, images, row_blocks in blocks.over(len(x)):
        pixels[:, :images] = x[batch].transpose(1, 0, 2, 3)
        for rows in row_blocks:
            seen = blocks.seen(buffer, images, rows)
            columns = columns_buffer[: seen.size].reshape(seen.shape)
            np.copyto(columns, seen)
            upstream = blocks.widened(dout[batch, :, rows], upstream_buffer).reshape(groups, matrices.shape[1], -1)
            # OpenBLAS is quicker with the large matrix on the left.
            dmatrices += columns.reshape(groups, matrices.shape[2], -1) @ upstream.transpose(0, 2, 1)
    return dmatrices.transpose(0, 2, 1)


def _images_share(dout: Floats, matrices: Floats, dx: Floats, blocks: Blocks) -> None:
    """Write the gradient of the images: per block, a product gives that of the columns, which are added up."""
    groups, images = len(matrices), min(blocks.images, len(dx))
    dbuffer, dpixels = blocks.padded_images(images, dx.dtype)
    places = images * blocks.rows * blocks.width
    columns_buffer, upstream_buffer = (
        np.empty(blocks.taps * places, dx.dtype),
        np.empty(matrices[..., 0].size * places, dx.dtype),
    )
    kh, kw = blocks.settings.kernel_size
    for batch, images, row_blocks in blocks.over(len(dx)):
        dbuffer[...] = 0
        for rows in row_blocks:
            dseen = blocks.seen(dbuffer, images, rows)
            columns = columns_buffer[: dseen.size].reshape(dseen.shape)
            upstream = blocks.widened(dout[batch, :, rows], upstream_buffer).reshape(groups, matrices.shape[1], -1)
            np.matmul(matrices.transpose(0, 2, 1), upstream, out=columns.reshape(groups, matrices.shape[2], -1))
            for i in range(kh):
                for j in range(kw):
                    dseen[:, i, j] += columns[:, i, j]
        dx[batch] = dpixels[:, :images].transpose(1, 0, 2, 3)
