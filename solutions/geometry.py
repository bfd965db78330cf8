"""Where a kernel's taps fall: output sizes, the checked arguments of a convolution layer, the pixels each tap meets.

Shared by the clear, the fast and the transposed convolution. Computes no pixel.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from solutions.arrays import Array, check_shape, namespace, pair
from solutions.padding import check_padding

Size = int | Sequence[int]


def conv2d_output_size(
    input_size: Size, kernel_size: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> tuple[int, int]:
    """Return (OH, OW): how many places a kernel can take on the image.

    OH = floor((H + 2·padding - dilation·(KH - 1) - 1) / stride) + 1, and OW likewise. Every argument is an int or an
    (height, width) pair. The division floors: a window that would hang over the end is no place.

    Raises
    ------
    ValueError
        If an argument has the wrong form, or the kernel does not fit the padded image.

    Notes
    -----
    Source: UB "[(W - F + 2P)/S] + 1", GT "output size"; dilation as in ``torch.nn.Conv2d``. UB's slide works its
    5×5 example out to 3; its own formula gives the 5 below.

    Examples
    --------
    >>> conv2d_output_size(224, 7)
    (218, 218)
    >>> conv2d_output_size(5, 3, padding=1, stride=1)
    (5, 5)
    >>> conv2d_output_size((8, 9), 3, stride=2), conv2d_output_size(7, 3, stride=2, padding=1)
    ((3, 4), (4, 4))
    """
    sizes = pair(input_size, "input_size", minimum=1)
    kernels = pair(kernel_size, "kernel_size", minimum=1)
    strides = pair(stride, "stride", minimum=1)
    paddings = pair(padding, "padding", minimum=0)
    dilations = pair(dilation, "dilation", minimum=1)
    spans = [d * (k - 1) + 1 for k, d in zip(kernels, dilations, strict=True)]
    room = [n + 2 * p - span for n, p, span in zip(sizes, paddings, spans, strict=True)]
    if min(room) < 0:
        raise ValueError(
            f"kernel_size {kernels} with dilation {dilations} must fit the padded image: it spans {tuple(spans)} "
            f"of {sizes} padded by {paddings}"
        )
    return room[0] // strides[0] + 1, room[1] // strides[1] + 1


@dataclass(frozen=True)
class Conv2dSettings:
    """The checked hyperparameters of one convolution, every size as an (height, width) pair."""

    kernel_size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    padding_mode: str
    output_size: tuple[int, int]

    def taps(self) -> Iterator[tuple[int, int, slice, slice]]:
        """Yield each tap (i, j) of the kernel with the padded rows and columns that it meets, place by place."""
        (oh, ow), (sh, sw), (dh, dw) = self.output_size, self.stride, self.dilation
        for i in range(self.kernel_size[0]):
            rows = slice(i * dh, i * dh + (oh - 1) * sh + 1, sh)
            for j in range(self.kernel_size[1]):
                yield i, j, rows, slice(j * dw, j * dw + (ow - 1) * sw + 1, sw)


def conv2d_settings(
    x: Array, w: Array, b: Array | None, stride: Size, padding: Size, dilation: Size, groups: int, padding_mode: str
) -> Conv2dSettings:
    """Check the arguments of a convolution layer and return its hyperparameters; ValueErrors name what is wrong."""
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    check_shape(w, "w", "(O, C/groups, KH, KW)", ndim=4)
    if isinstance(groups, bool) or not hasattr(groups, "__index__") or groups < 1:
        raise ValueError(f"groups must be an int of at least 1, got {groups!r}")
    c, o = x.shape[1], w.shape[0]
    if c % groups or o % groups:
        raise ValueError(f"groups must divide the channels of x ({c}) and the outputs of w ({o}), got {groups}")
    if w.shape[1] != c // groups:
        raise ValueError(f"w must have {c // groups} input channels (x has {c}, groups is {groups}), got {w.shape[1]}")
    if b is not None and tuple(getattr(b, "shape", ())) != (o,):
        raise ValueError(f"b must be None or of shape ({o},), one bias per filter of w, got {_shape_or_type(b)}")
    check_real(x=x, w=w, b=b)
    if min(x.shape[2:]) < 1:
        raise ValueError(f"x must hold at least one pixel per image, got shape {tuple(x.shape)}")
    if min(w.shape) < 1:
        raise ValueError(f"w must hold at least one filter of one tap, got shape {tuple(w.shape)}")
    image, kernel_size = (x.shape[2], x.shape[3]), (w.shape[2], w.shape[3])
    output_size = conv2d_output_size(image, kernel_size, stride=stride, padding=padding, dilation=dilation)
    return Conv2dSettings(
        kernel_size=kernel_size,
        stride=pair(stride, "stride", minimum=1),
        padding=check_padding(image, padding, padding_mode, "padding_mode"),
        dilation=pair(dilation, "dilation", minimum=1),
        groups=int(groups),
        padding_mode=padding_mode,
        output_size=output_size,
    )


def check_real(**arrays: Array | None) -> None:
    """Raise a ValueError that names the first array whose entries are not real numbers; None is skipped."""
    for name, array in arrays.items():
        if array is not None and not namespace(array).isdtype(array.dtype, ("integral", "real floating")):
            raise ValueError(f"{name} must hold real numbers, got {array.dtype}")


def check_dout(dout: Array, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless ``dout`` has the shape of the forward's output."""
    if tuple(getattr(dout, "shape", ())) != shape:
        raise ValueError(f"dout must have the shape of out, {shape}, got {_shape_or_type(dout)}")


def _shape_or_type(value: object) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"shape {tuple(shape)}"
