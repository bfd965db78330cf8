"""Transposed convolution: what takes the gradient of a convolution's output to that of its input, as a layer.

Its forward sums what `conv2d_backward` sums for dx, and its dx is what `conv2d_forward` sums. Knows no network.
"""

from dataclasses import dataclass

import array_api_compat

from solutions.arrays import Array, check_shape, namespace, pair
from solutions.geometry import Conv2dSettings, Size, check_dout, check_real
from solutions.padding import pad2d, pad2d_backward


@dataclass(frozen=True)
class ConvTranspose2dCache:
    """What `conv_transpose2d_backward` needs from `conv_transpose2d_forward`."""

    x: Array
    w: Array
    has_bias: bool
    settings: Conv2dSettings
    output_size: tuple[int, int]


def conv_transpose2d_forward(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> tuple[Array, ConvTranspose2dCache]:
    """Spread every pixel over the window that a convolution of the same settings would have read for it.

    padded[n, o', r·stride + i·dilation, c·stride + j·dilation] += w[q, o, i, j] · x[n, q, r, c]

    where o' is the o-th output channel of q's group; out is padded without its border, plus b. So
    OH = (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1, and OW likewise.

    Parameters
    ----------
    x : (N, C, H, W)
    w : (C, O/groups, KH, KW): the weights of the convolution that takes O channels to C
    b : (O,) or None
    stride, padding, dilation : int or (height, width), those of that convolution
    output_padding : int or (height, width), below stride or dilation: rows at the end that its windows never reached
    groups : int, divides C and O

    Returns
    -------
    out : (N, O, OH, OW)
    cache : for `conv_transpose2d_backward`

    Raises
    ------
    ValueError
        If an argument has the wrong form, the shapes do not go together, or nothing of the output is left.

    Notes
    -----
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter 4;
    ``torch.nn.ConvTranspose2d``.

    Examples
    --------
    With stride 2 each pixel writes the kernel two columns further on, and where two overlap they add:

    >>> import numpy as np
    >>> out, cache = conv_transpose2d_forward(np.array([[[[1.0, 2]]]]), np.array([[[[1.0, 10, 100]]]]), stride=(1, 2))
    >>> out
    array([[[[  1.,  10., 102.,  20., 200.]]]])
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    check_shape(w, "w", "(C, O/groups, KH, KW)", ndim=4)
    if isinstance(groups, bool) or not hasattr(groups, "__index__") or groups < 1:
        raise ValueError(f"groups must be an int of at least 1, got {groups!r}")
    if w.shape[0] != x.shape[1] or w.shape[0] % groups:
        raise ValueError(f"w must have x's {x.shape[1]} channels first, in {groups} groups, got {tuple(w.shape)}")
    if min(w.shape) < 1 or min(x.shape[2:]) < 1:
        raise ValueError(f"x and w must hold at least one pixel and tap, got shapes {tuple(x.shape)}, {tuple(w.shape)}")
    outputs = w.shape[1] * groups
    if b is not None and tuple(getattr(b, "shape", ())) != (outputs,):
        raise ValueError(f"b must be None or of shape ({outputs},), one bias per output channel, got {b!r}")
    check_real(x=x, w=w, b=b)
    settings = Conv2dSettings(
        kernel_size=(w.shape[2], w.shape[3]),
        stride=pair(stride, "stride", minimum=1),
        padding=pair(padding, "padding", minimum=0),
        dilation=pair(dilation, "dilation", minimum=1),
        groups=int(groups),
        padding_mode="zeros",
        output_size=(x.shape[2], x.shape[3]),
    )
    padded_size = _padded_size(settings, output_padding)
    xp, device = namespace(x, w, b), array_api_compat.device(x)
    dtype = xp.result_type(*[a for a in (x, w, b) if a is not None])
    x, w = xp.astype(x, dtype, copy=False), xp.astype(w, dtype, copy=False)
    (n, c, h, width), of_group = x.shape, w.shape[1]
    by_group = xp.reshape(w, (groups, c // groups, *w.shape[1:]))
    pixels = xp.reshape(x, (n, groups, c // groups, h * width))

    padded = xp.zeros((n, groups * of_group, *padded_size), dtype=dtype, device=device)
    for i, j, rows, columns in settings.taps():
        spread = by_group[:, :, :, i, j].mT @ pixels
        padded[:, :, rows, columns] += xp.reshape(spread, (n, groups * of_group, h, width))
    out = pad2d_backward(padded, settings.padding)
    if b is not None:
        out += xp.reshape(xp.astype(b, dtype, copy=False), (-1, 1, 1))
    return out, ConvTranspose2dCache(x, w, b is not None, settings, (out.shape[2], out.shape[3]))


def conv_transpose2d_backward(dout: Array, cache: ConvTranspose2dCache) -> tuple[Array, Array, Array | None]:
    """Return the gradients (dx, dw, db) of a transposed convolution.

    dx is the convolution of dout with w, and dw[q, o, i, j] = Σ x[n, q, r, c] · padded dout[n, o', r·stride +
    i·dilation, c·stride + j·dilation]: `conv2d_backward`'s dw with the image and the upstream gradient exchanged.

    Parameters
    ----------
    dout : (N, O, OH, OW), the gradient of the loss with respect to out
    cache : from `conv_transpose2d_forward`

    Returns
    -------
    dx : (N, C, H, W)
    dw : (C, O/groups, KH, KW)
    db : (O,), or None if there was no bias

    Raises
    ------
    ValueError
        If dout has not the shape of out.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[[[1.0, 2]]]]), np.array([[[[1.0, 10, 100]]]])
    >>> out, cache = conv_transpose2d_forward(x, w, stride=(1, 2))
    >>> dx, dw, db = conv_transpose2d_backward(np.array([[[[1.0, 2, 3, 4, 5]]]]), cache)
    >>> print(dx, dw, db)
    [[[[321. 543.]]]] [[[[ 7. 10. 13.]]]] None
    """
    x, w, settings = cache.x, cache.w, cache.settings
    (n, c, h, width), groups = x.shape, settings.groups
    check_dout(dout, (n, w.shape[1] * groups, *cache.output_size))
    xp = namespace(dout, x)
    dout = xp.astype(dout, x.dtype, copy=False)
    padded = pad2d(dout, settings.padding)
    by_group = xp.reshape(w, (groups, c // groups, *w.shape[1:]))
    pixels = xp.reshape(x, (n, groups, c // groups, h * width))

    dpixels, dw = xp.zeros_like(pixels), xp.zeros_like(by_group)
    for i, j, rows, columns in settings.taps():
        seen = xp.reshape(padded[:, :, rows, columns], (n, groups, w.shape[1], h * width))
        dpixels += by_group[:, :, :, i, j] @ seen
        dw[:, :, :, i, j] = xp.sum(pixels @ seen.mT, axis=0)

    db = xp.sum(dout, axis=(0, 2, 3)) if cache.has_bias else None
    return xp.reshape(dpixels, x.shape), xp.reshape(dw, w.shape), db


def _padded_size(settings: Conv2dSettings, output_padding: Size) -> tuple[int, int]:
    """Return the size that the windows write to, with the rows and columns that none of them reaches."""
    extras = pair(output_padding, "output_padding", minimum=0)
    sizes = []
    for i, extra in enumerate(extras):
        s, d = settings.stride[i], settings.dilation[i]
        if extra >= max(s, d):
            raise ValueError(f"output_padding must be below stride or dilation ({max(s, d)}), got {extras}")
        size = (settings.output_size[i] - 1) * s + d * (settings.kernel_size[i] - 1) + extra + 1
        if size - 2 * settings.padding[i] < 1:
            raise ValueError(f"padding must leave at least one of the {size} rows or columns, got {settings.padding}")
        sizes.append(size)
    return sizes[0], sizes[1]
