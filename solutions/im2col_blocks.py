"""The fast convolution for NumPy arrays: matrix products on blocks that stay in the processor's cache.

The same sums as in `solutions/im2col.py`, which says what they mean. Five things make it quick:

- Columns are made for a few images, or some rows of one, at a time: the copy is still in the cache when the product
  reads it, and one small buffer serves all blocks.
- The product writes straight into the result. The bias is in it, as the weight of one more tap that always meets a 1.
- What a tap meets in one row of places is copied as a single element of that many bytes: NumPy spends as long on
  starting the copy of a short row as on copying it.
- With a stride of s, the pixels s apart are put side by side once, so that the taps copy unbroken rows then too.
- The batch is split over threads (`solutions/threads.py`), so that the copies run in parallel too.

Knows no layer but this one, no array library but NumPy.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from solutions.geometry import Conv2dSettings
from solutions.threads import split

Floats = npt.NDArray[Any]

BLOCK_BYTES = 1 << 20
FEW_PLACES = 64  # with fewer an image one product serves a whole block, though its result must then be copied
SMALLEST_SHARE = 1 << 22  # multiplications for which a second thread is worth its waking and waiting


@dataclass(frozen=True)
class Blocks:
    """How one convolution is cut up. A *place* is a position of the kernel on an image.

    Padded images lie in *phases*, (N, C, phases, rows, columns): of a row with stride s, phase p holds the pixels p,
    p + s, p + 2s, ... A tap meets pixels of one phase only, and they are next to each other.
    """

    channels: int
    outputs: int
    image_size: tuple[int, int]
    settings: Conv2dSettings
    itemsize: int

    @property
    def taps(self) -> int:
        """Rows of the column matrix of one group: one per channel and tap of the kernel."""
        return self.channels // self.settings.groups * math.prod(self.settings.kernel_size)

    @property
    def row_bytes(self) -> int:
        """What one row of places takes: in the columns, or in the upstream gradient if that is taller."""
        height = max(self.settings.groups * (self.taps + 1), self.outputs)
        return height * self.settings.output_size[1] * self.itemsize

    @property
    def most_bytes(self) -> int:
        """The size of a block: of a depthwise convolution, whose products are thin, larger, so that calls are fewer."""
        return BLOCK_BYTES * (4 if self.outputs == self.settings.groups else 1)

    @property
    def rows(self) -> int:
        """Rows of places per block: as many as fit, at least one, and about as many in the last block."""
        oh = self.settings.output_size[0]
        fitting = max(self.most_bytes // self.row_bytes, 1)
        return math.ceil(oh / math.ceil(oh / fitting))

    @property
    def images(self) -> int:
        """Images per block, at least one."""
        padded_bytes = math.prod(self.padded_shape(1)) * self.itemsize
        return max(self.most_bytes // max(self.row_bytes * self.settings.output_size[0], padded_bytes), 1)

    def over(self, batch: int, height: int, dtype: npt.DTypeLike) -> Iterator[tuple[slice, Floats, list["Step"]]]:
        """Yield each block of images with room for them when padded, of zeros at first, and its blocks of rows.

        ``height`` is that of one group's columns: the taps, and one more where there is a bias.
        """
        oh, ow = self.settings.output_size
        images = min(self.images, batch)
        buffer = np.zeros(self.padded_shape(images), dtype)
        columns_buffer = np.empty(self.settings.groups * height * images * self.rows * ow, dtype)
        steps: list[Step] = []
        for first in range(0, batch, self.images):
            padded = buffer[: batch - first]
            if first == 0 or len(padded) < images:  # all blocks but the last are alike, and so are the views of them
                all_rows = (slice(r, min(r + self.rows, oh)) for r in range(0, oh, self.rows))
                steps = [self.step(padded, rows, columns_buffer, height) for rows in all_rows]
            yield slice(first, first + len(padded)), padded, steps

    def step(self, padded: Floats, rows: slice, buffer: Floats, height: int) -> "Step":
        """Lay the columns of some rows of places into the buffer."""
        groups, images = self.settings.groups, len(padded)
        shape = (groups, height, images, rows.stop - rows.start, self.settings.output_size[1])
        columns = buffer[: math.prod(shape)].reshape(shape)
        by_tap = columns[:, : self.taps].reshape(groups, -1, *self.settings.kernel_size, *shape[2:])
        meets = [(by_tap[:, :, :, some], seen) for some, seen in self.seen(padded, rows)]
        return Step(rows, columns.reshape(groups, height, images, -1), columns[:, self.taps :], meets)

    def padded_shape(self, images: int) -> tuple[int, int, int, int, int]:
        """Return the shape of padded images."""
        (h, w), (ph, pw), stride = self.image_size, self.settings.padding, self.settings.stride[1]
        return images, self.channels, stride, h + 2 * ph, math.ceil((w + 2 * pw) / stride)

    def inner(self) -> Iterator[tuple[Any, Any]]:
        """Yield, for each phase that a tap meets, where the padded images hold pixels of the images, and which."""
        (h, w), (ph, pw), stride = self.image_size, self.settings.padding, self.settings.stride[1]
        for phase in {j * self.settings.dilation[1] % stride for j in range(self.settings.kernel_size[1])}:
            pixels = range((phase - pw) % stride, w, stride)
            first = (pixels.start + pw) // stride
            yield (
                (..., phase, slice(ph, ph + h), slice(first, first + len(pixels))),
                (..., slice(pixels.start, None, stride)),
            )

    def fill(self, padded: Floats, x: Floats) -> None:
        """Write images into padded ones, whose border stays as it is."""
        for where, pixels in self.inner():
            padded[where] = x[pixels]

    def seen(self, padded: Floats, rows: slice) -> Iterator[tuple[slice, Floats]]:
        """View padded images tap by tap, a few columns of the kernel at a time.

        Yields the columns and what they meet, (groups, C/groups, KH, columns, images, rows, OW). Every entry is a
        pixel: nothing is copied. With stride 1 all columns come at once, else those that meet the same phase.
        """
        s, (images, channels, phases, height, width) = self.settings, padded.shape
        (kh, kw), (sh, sw), (dh, dw) = s.kernel_size, s.stride, s.dilation
        apart = sw // math.gcd(sw, dw)  # columns of the kernel that meet the same phase are that far apart
        plane = height * width
        by_channel = (channels // s.groups * phases * plane, phases * plane)
        steps = (*by_channel, dh * width, dw * apart // sw, channels * phases * plane, sh * width, 1)
        places = (images, rows.stop - rows.start, s.output_size[1])
        for j in range(min(apart, kw)):
            columns = slice(j, kw, apart)
            shape = (s.groups, channels // s.groups, kh, len(range(kw)[columns]), *places)
            offset = j * dw % sw * plane + rows.start * sh * width + j * dw // sw
            # Made from the buffer itself, the view is checked to lie within it; `as_strided` reads whatever is there.
            strides = tuple(step * padded.itemsize for step in steps)
            yield columns, np.ndarray(shape, padded.dtype, padded, offset * padded.itemsize, strides)


@dataclass(frozen=True)
class Step:
    """One block of rows of places of one block of images: views of the buffers, made once for many blocks."""

    rows: slice
    columns: Floats  # (groups, height, images, places)
    below: Floats  # of these what is below the taps, for the bias
    meets: list[tuple[Floats, Floats]]  # the columns tap by tap, and the pixels that belong there

    @property
    def by_image(self) -> Floats:
        """The columns as (images, groups, height, places)."""
        return self.columns.transpose(2, 0, 1, 3)

    def copy(self) -> None:
        """Copy the pixels into the columns, and 1 into what is below the taps."""
        self.below[...] = 1
        for columns, pixels in self.meets:
            _whole_rows(columns)[...] = _whole_rows(pixels)


def _whole_rows(array: Floats) -> npt.NDArray[np.void]:
    """View each row, whose entries must lie next to each other, as one element."""
    return array.view(np.dtype((np.void, array.shape[-1] * array.itemsize)))[..., 0]


def forward(x: Floats, w: Floats, b: Floats | None, settings: Conv2dSettings) -> Floats:
    """Return out (N, O, OH, OW) of a zero-padded convolution; the arguments have been checked."""
    blocks = Blocks(x.shape[1], w.shape[0], (x.shape[2], x.shape[3]), settings, x.dtype.itemsize)
    matrices = w.reshape(settings.groups, -1, blocks.taps)
    if b is not None:
        matrices = np.concatenate([matrices, b.reshape(settings.groups, -1, 1)], axis=2)
    out = np.empty((x.shape[0], w.shape[0], *settings.output_size), x.dtype)

    def share(batch: slice) -> None:
        _forward_share(x[batch], matrices, out[batch], blocks)

    split(x.shape[0], out.size * blocks.taps // SMALLEST_SHARE, share)
    return out


def _forward_share(x: Floats, matrices: Floats, out: Floats, blocks: Blocks) -> None:
    groups, outputs, height = matrices.shape
    for batch, padded, steps in blocks.over(len(x), height, x.dtype):
        blocks.fill(padded, x[batch])
        for step in steps:
            step.copy()
            images, places = step.columns.shape[2:]
            if places < FEW_PLACES:
                product = matrices @ step.columns.reshape(groups, height, -1)
                rows = step.rows.stop - step.rows.start
                out[batch, :, step.rows] = product.reshape(-1, images, rows, out.shape[3]).transpose(1, 0, 2, 3)
            else:
                np.matmul(matrices, step.by_image, out=out[batch, :, step.rows].reshape(images, groups, outputs, -1))


def backward(
    dout: Floats, x: Floats, w: Floats, has_bias: bool, settings: Conv2dSettings
) -> tuple[Floats, Floats, Floats | None]:
    """Return (dx, dw, db) of a zero-padded convolution; the arguments have been checked."""
    blocks = Blocks(x.shape[1], w.shape[0], (x.shape[2], x.shape[3]), settings, x.dtype.itemsize)
    matrices = w.reshape(settings.groups, -1, blocks.taps)
    dx = np.empty(x.shape, x.dtype)
    turned = _turned(w, blocks)

    def share(batch: slice) -> Floats:
        if turned is None:
            _images_share(dout[batch], matrices, dx[batch], blocks)
        else:
            _forward_share(dout[batch], turned[0], dx[batch], turned[1])
        return _weights_share(dout[batch], x[batch], has_bias, blocks)

    dmatrices = np.sum(split(x.shape[0], dout.size * blocks.taps // SMALLEST_SHARE, share), axis=0)
    dw = np.reshape(dmatrices[:, : blocks.taps].transpose(0, 2, 1), w.shape)
    return dx, dw, dmatrices[:, blocks.taps].reshape(-1) if has_bias else None


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


def _weights_share(dout: Floats, x: Floats, has_bias: bool, blocks: Blocks) -> Floats:
    """Return the gradient of the weight matrices, transposed: per block, the columns times dout."""
    groups, height = blocks.settings.groups, blocks.taps + has_bias
    dmatrices = np.zeros((groups, height, blocks.outputs // groups), x.dtype)
    for batch, padded, steps in blocks.over(len(x), height, x.dtype):
        blocks.fill(padded, x[batch])
        for step in steps:
            step.copy()
            upstream = dout[batch, :, step.rows].transpose(1, 0, 2, 3).reshape(groups, blocks.outputs // groups, -1)
            # OpenBLAS is quicker with the large matrix on the left.
            dmatrices += step.columns.reshape(groups, height, -1) @ upstream.transpose(0, 2, 1)
    return dmatrices


def _images_share(dout: Floats, matrices: Floats, dx: Floats, blocks: Blocks) -> None:
    """Write the gradient of the images: per block, a product gives that of the columns, which are added up."""
    groups, outputs, taps = matrices.shape
    for batch, dpadded, steps in blocks.over(len(dx), taps, dx.dtype):
        dpadded[...] = 0
        for step in steps:
            upstream = dout[batch, :, step.rows].reshape(len(dpadded), groups, outputs, -1)
            np.matmul(matrices.transpose(0, 2, 1), upstream, out=step.by_image)
            for dcolumns, dpixels in step.meets:
                for i, j in np.ndindex(dpixels.shape[2:4]):
                    dpixels[:, :, i, j] += dcolumns[:, :, i, j]
        inner = list(blocks.inner())
        if len(inner) < blocks.settings.stride[1]:
            dx[batch] = 0  # for the pixels that no tap meets
        for where, pixels in inner:
            dx[batch][pixels] = dpadded[where]
