"""Convolution as one matrix product: every window of the image becomes a column.

The plain form for the blackboard stands beside the one to use, which makes the columns block by block
(`solutions/im2col_blocks.py`). `solutions/convolution.py` says what a convolution layer is.
"""

from dataclasses import dataclass, replace

import array_api_compat

from solutions.arrays import Array, check_shape, namespace, pair
from solutions.geometry import Conv2dSettings, Size, check_dout, conv2d_output_size, conv2d_settings
from solutions.im2col_blocks import backward, forward
from solutions.padding import pad2d, pad2d_backward


def im2col(x: Array, kernel_size: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Array:
    """Lay out every window of every image as a column.

    cols[n, (q·KH + i)·KW + j, r·OW + c] = padded[n, q, r·stride + i·dilation, c·stride + j·dilation]

    Parameters
    ----------
    x : (N, C, H, W)
    kernel_size, stride, padding, dilation : int or (height, width); the padding is with zeros

    Returns
    -------
    (N, C·KH·KW, OH·OW), sizes by `conv2d_output_size`

    Raises
    ------
    ValueError
        If an argument has the wrong form or the kernel does not fit.

    Notes
    -----
    Source: GT "vectorization, step 1: lay out image patches in vector form (note can overlap!)";
    ``torch.nn.Unfold``.

    Examples
    --------
    >>> import numpy as np
    >>> im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0]
    array([[0., 1., 3., 4.],
           [1., 2., 4., 5.],
           [3., 4., 6., 7.],
           [4., 5., 7., 8.]])
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    settings = _windows((x.shape[2], x.shape[3]), kernel_size, stride, padding, dilation)
    xp = namespace(x)
    (n, c), (kh, kw), (oh, ow) = x.shape[:2], settings.kernel_size, settings.output_size
    padded = pad2d(x, settings.padding)
    cols = xp.empty((n, c, kh, kw, oh, ow), dtype=x.dtype, device=array_api_compat.device(x))
    for i, j, rows, columns in settings.taps():
        cols[:, :, i, j, :, :] = padded[:, :, rows, columns]
    return xp.reshape(cols, (n, c * kh * kw, oh * ow))


def col2im(
    cols: Array, output_size: Size, kernel_size: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Array:
    """Add every column back to the window of the image that it was taken from.

    The adjoint of `im2col`, which takes the gradient of the columns to that of the image: <im2col(x), cols> =
    <x, col2im(cols)>. It is not the inverse: a pixel that lies in several windows receives the sum.

    Parameters
    ----------
    cols : (N, C·KH·KW, OH·OW)
    output_size : int or (H, W) of the images
    kernel_size, stride, padding, dilation : as for `im2col`

    Returns
    -------
    (N, C, H, W)

    Raises
    ------
    ValueError
        If an argument has the wrong form or cols has not the shape that `im2col` gives for such images.

    Notes
    -----
    Source: ``torch.nn.Fold``.

    Examples
    --------
    A column of ones per window counts how often each pixel is used:

    >>> import numpy as np
    >>> col2im(np.ones((1, 4, 4)), 3, 2)[0, 0]
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    check_shape(cols, "cols", "(N, C·KH·KW, OH·OW)", ndim=3)
    h, w = pair(output_size, "output_size", minimum=1)
    settings = _windows((h, w), kernel_size, stride, padding, dilation)
    (kh, kw), (oh, ow), (ph, pw) = settings.kernel_size, settings.output_size, settings.padding
    if cols.shape[1] % (kh * kw) or cols.shape[2] != oh * ow:
        raise ValueError(f"cols must be (N, C·{kh * kw}, {oh * ow}) for these windows, got shape {tuple(cols.shape)}")
    xp = namespace(cols)
    n, c = cols.shape[0], cols.shape[1] // (kh * kw)
    by_tap = xp.reshape(cols, (n, c, kh, kw, oh, ow))
    padded = xp.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=cols.dtype, device=array_api_compat.device(cols))
    for i, j, rows, columns in settings.taps():
        padded[:, :, rows, columns] += by_tap[:, :, i, j, :, :]
    return pad2d_backward(padded, settings.padding)


@dataclass(frozen=True)
class PlainCache:
    """What `conv2d_backward_plain` needs from `conv2d_forward_plain`."""

    columns: Array
    padded_size: tuple[int, int]
    w: Array
    has_bias: bool
    settings: Conv2dSettings


def conv2d_forward_plain(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> tuple[Array, PlainCache]:
    """Apply a convolution layer as out = W · columns + b, one product for the whole batch.

    W is w with every filter flattened into a row, (O, C·KH·KW), and the columns are `im2col`'s. With groups each
    group has its own rows and its own share of the columns. Arguments, result and errors are those of
    `solutions.convolution.conv2d_forward`.

    Notes
    -----
    Source: GT "vectorization": reshape the kernels, one matrix product. The columns take KH·KW times the memory of
    the image, which is why `conv2d_forward` never makes them all at once.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d_forward_plain(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]))[0]
    array([[[[50., 80.]]]])
    """
    settings = conv2d_settings(x, w, b, stride, padding, dilation, groups, padding_mode)
    xp = namespace(x, w, b)
    x, w, b = _one_type(x, w, b)
    padded = pad2d(x, settings.padding, mode=padding_mode)
    columns = im2col(padded, settings.kernel_size, stride=settings.stride, dilation=settings.dilation)

    (n, taps, places), o = columns.shape, w.shape[0]
    matrices = xp.reshape(w, (groups, o // groups, taps // groups))
    out = matrices @ xp.reshape(columns, (n, groups, taps // groups, places))

    out = xp.reshape(out, (n, o, *settings.output_size))
    if b is not None:
        out += xp.reshape(b, (o, 1, 1))
    return out, PlainCache(columns, padded.shape[2:], w, b is not None, settings)


def conv2d_backward_plain(dout: Array, cache: PlainCache) -> tuple[Array, Array, Array | None]:
    """Return the gradients (dx, dw, db) of `conv2d_forward_plain`.

    dW = Σ_n dout[n] · columns[n]ᵀ, dcolumns = Wᵀ · dout, dx = `col2im` of dcolumns, db = dout summed over all but O.
    Shapes and errors are those of `solutions.convolution.conv2d_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = conv2d_forward_plain(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]))
    >>> dx, dw, db = conv2d_backward_plain(np.array([[[[1.0, 2]]]]), cache)
    >>> print(dx, dw, db)
    [[[[10. 40. 40.]]]] [[[[5. 8.]]]] None
    """
    columns, w, settings = cache.columns, cache.w, cache.settings
    (n, taps, places), o, groups = columns.shape, w.shape[0], settings.groups
    check_dout(dout, (n, o, *settings.output_size))
    xp = namespace(dout, columns)
    dout = xp.astype(dout, columns.dtype, copy=False)
    by_group = xp.reshape(dout, (n, groups, o // groups, places))
    matrices = xp.reshape(w, (groups, o // groups, taps // groups))

    dw = xp.sum(by_group @ xp.reshape(columns, (n, groups, taps // groups, places)).mT, axis=0)
    dcolumns = xp.reshape(matrices.mT @ by_group, (n, taps, places))

    dpadded = col2im(
        dcolumns, cache.padded_size, settings.kernel_size, stride=settings.stride, dilation=settings.dilation
    )
    dx = pad2d_backward(dpadded, settings.padding, mode=settings.padding_mode)
    db = xp.sum(dout, axis=(0, 2, 3)) if cache.has_bias else None
    return dx, xp.reshape(dw, w.shape), db


@dataclass(frozen=True)
class BlocksCache:
    """What `conv2d_backward` needs from `conv2d_forward`. It holds the caller's x: do not change that in between."""

    x: Array
    w: Array
    has_bias: bool
    settings: Conv2dSettings


def conv2d_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> tuple[Array, BlocksCache | PlainCache]:
    """Apply a convolution layer: what `conv2d_forward_plain` computes, in less time and memory for NumPy arrays.

    The columns are made in blocks that fit the cache, and made again in `conv2d_backward` rather than kept. Arrays
    of other libraries take the plain form.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]), np.array([1.0]))[0]
    array([[[[51., 81.]]]])
    """
    settings = conv2d_settings(x, w, b, stride, padding, dilation, groups, padding_mode)
    if not array_api_compat.is_numpy_namespace(namespace(x, w, b)):
        return conv2d_forward_plain(
            x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups, padding_mode=padding_mode
        )
    x, w, b = _one_type(x, w, b)
    cache = BlocksCache(x, w, b is not None, settings)
    return forward(_with_border(x, settings), w, b, _within_border(settings)), cache


def conv2d_backward(dout: Array, cache: BlocksCache | PlainCache) -> tuple[Array, Array, Array | None]:
    """Return the gradients (dx, dw, db) of `conv2d_forward`: what `conv2d_backward_plain` computes, block by block.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]), np.array([1.0]))
    >>> dx, dw, db = conv2d_backward(np.array([[[[1.0, 2]]]]), cache)
    >>> print(dx, dw, db)
    [[[[10. 40. 40.]]]] [[[[5. 8.]]]] [3.]
    """
    if isinstance(cache, PlainCache):
        return conv2d_backward_plain(dout, cache)
    x, w, settings = cache.x, cache.w, cache.settings
    check_dout(dout, (x.shape[0], w.shape[0], *settings.output_size))
    dout = dout.astype(x.dtype, copy=False)
    dx, dw, db = backward(dout, _with_border(x, settings), w, cache.has_bias, _within_border(settings))
    if settings.padding_mode != "zeros":
        dx = pad2d_backward(dx, settings.padding, mode=settings.padding_mode)
    return dx, dw, db


def _with_border(x: Array, settings: Conv2dSettings) -> Array:
    """Return x with its border unless that is of zeros, which the blocks supply themselves."""
    return x if settings.padding_mode == "zeros" else pad2d(x, settings.padding, mode=settings.padding_mode)


def _within_border(settings: Conv2dSettings) -> Conv2dSettings:
    """Return the settings that are left to do after `_with_border`."""
    return settings if settings.padding_mode == "zeros" else replace(settings, padding=(0, 0), padding_mode="zeros")


def _one_type(x: Array, w: Array, b: Array | None) -> tuple[Array, Array, Array | None]:
    """Return the arrays as the one type that holds them all."""
    xp = namespace(x, w, b)
    dtype = xp.result_type(*[a for a in (x, w, b) if a is not None])
    x, w = xp.astype(x, dtype, copy=False), xp.astype(w, dtype, copy=False)
    return x, w, None if b is None else xp.astype(b, dtype, copy=False)


def _windows(image: tuple[int, int], kernel_size: Size, stride: Size, padding: Size, dilation: Size) -> Conv2dSettings:
    """Return the checked settings of a kernel that slides over zero-padded images."""
    if min(image) < 1:
        raise ValueError(f"x must hold at least one pixel per image, got {image}")
    return Conv2dSettings(
        kernel_size=pair(kernel_size, "kernel_size", minimum=1),
        stride=pair(stride, "stride", minimum=1),
        padding=pair(padding, "padding", minimum=0),
        dilation=pair(dilation, "dilation", minimum=1),
        groups=1,
        padding_mode="zeros",
        output_size=conv2d_output_size(image, kernel_size, stride=stride, padding=padding, dilation=dilation),
    )
