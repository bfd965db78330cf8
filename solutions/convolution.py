"""Convolution by hand: output sizes, the plain 2-D operation, and the layer with its gradients.

Everything here loops over the few taps of the kernel and handles all pixels of a tap at once by a slice: the clear
way. The fast way is `solutions/im2col.py`. Knows no network and no grader.
"""

from dataclasses import dataclass

import array_api_compat

from solutions.arrays import Array, check_shape, namespace
from solutions.geometry import Conv2dSettings, Size, check_dout, conv2d_output_size, conv2d_settings
from solutions.padding import PADDING_MODES, pad2d, pad2d_backward

__all__ = [
    "PADDING_MODES",
    "conv2d_backward",
    "conv2d_forward",
    "conv2d_output_size",
    "convolve1d",
    "convolve2d",
    "cross_correlate2d",
    "pad2d",
    "pad2d_backward",
]


def cross_correlate2d(x: Array, k: Array, *, mode: str = "valid") -> Array:
    """Slide a kernel over an image and take the sum of products at each place.

    y[r, c] = Σ_a Σ_b x[r + a, c + b] · k[a, b], where x is first widened by zeros:

    - ``valid``: not at all; y is (H - KH + 1, W - KW + 1)
    - ``same``: by KH - 1 rows in total, (KH - 1) // 2 of them on top and the rest below; y is (H, W)
    - ``full``: by KH - 1 rows on both sides; y is (H + KH - 1, W + KW - 1)

    and columns likewise.

    Parameters
    ----------
    x : (H, W)
    k : (KH, KW)
    mode : "valid", "same" or "full"

    Raises
    ------
    ValueError
        If an argument has the wrong form, or in mode ``valid`` the kernel is larger than the image.

    Notes
    -----
    Source: GT "cross-correlation" (the figures below), NYU "boundary handling"; ``same`` as TensorFlow splits it.
    Odd kernels have the same ``same`` everywhere. With an even one ``scipy.signal.correlate2d`` agrees with ours, but
    ``scipy.signal.correlate``, ``convolve``, ``convolve2d`` and ``numpy.convolve`` put the odd row on top.
    Deep-learning libraries call this operation convolution; `convolve2d` flips the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    >>> patch = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]])
    >>> int(cross_correlate2d(patch, sobel)[0, 0])
    65
    """
    return _slide(x, k, mode, flip=False)


def convolve2d(x: Array, k: Array, *, mode: str = "valid") -> Array:
    """Convolve as mathematics does: flip the kernel in both directions, then slide it.

    y[r, c] = Σ_a Σ_b x[r - a, c - b] · k[a, b] in mode ``full``; the other modes keep a part of it. Equal to
    ``cross_correlate2d(x, k[::-1, ::-1], mode=mode)``: parameters, errors and the meaning of the modes are there.

    Notes
    -----
    Source: GT "flip kernel (rotate 180 degrees), stride along image", NYU "convolution with reversal". A learned
    kernel may as well be learned flipped, so layers leave the flip out.

    Examples
    --------
    A single bright pixel shows the kernel itself; cross-correlation shows it turned by 180 degrees:

    >>> import numpy as np
    >>> dot, k = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]), np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    >>> convolve2d(dot, k, mode="same")
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]])
    >>> cross_correlate2d(dot, k, mode="same")
    array([[9, 8, 7],
           [6, 5, 4],
           [3, 2, 1]])
    """
    return _slide(x, k, mode, flip=True)


def convolve1d(x: Array, k: Array, *, mode: str = "valid") -> Array:
    """Convolve a sequence x (n,) with a kernel k (m,): y[t] = Σ_a x[t - a] · k[a] in mode ``full``, length n + m - 1.

    ``same`` keeps n entries and ``valid`` n - m + 1, as in `cross_correlate2d`, which also says what is refused.

    Notes
    -----
    Source: GT "1D convolution". Multiplying polynomials is this convolution of their coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> convolve1d(np.array([1, 2, 3]), np.array([1, 10]), mode="full")
    array([ 1, 12, 23, 30])
    """
    check_shape(x, "x", "(n,)", ndim=1)
    check_shape(k, "k", "(m,)", ndim=1)
    return convolve2d(x[None, :], k[None, :], mode=mode)[0, :]


def _slide(x: Array, k: Array, mode: str, *, flip: bool) -> Array:
    check_shape(x, "x", "(H, W)", ndim=2)
    check_shape(k, "k", "(KH, KW)", ndim=2)
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"mode must be 'valid', 'same' or 'full', got {mode!r}")
    (h, w), (kh, kw) = x.shape, k.shape
    if min(h, w) < 1:
        raise ValueError(f"x must hold at least one pixel, got shape {(h, w)}")
    if min(kh, kw) < 1 or (mode == "valid" and (kh > h or kw > w)):
        raise ValueError(f"k must hold at least one tap and, in mode 'valid', fit x {(h, w)}; got shape {(kh, kw)}")
    xp = namespace(x, k)
    if flip:
        k = xp.flip(k)
    before = {"valid": (0, 0), "same": ((kh - 1) // 2, (kw - 1) // 2), "full": (kh - 1, kw - 1)}[mode]
    oh, ow = {"valid": (h - kh + 1, w - kw + 1), "same": (h, w), "full": (h + kh - 1, w + kw - 1)}[mode]
    dtype, device = xp.result_type(x, k), array_api_compat.device(x)
    padded = xp.zeros((oh + kh - 1, ow + kw - 1), dtype=dtype, device=device)
    padded[before[0] : before[0] + h, before[1] : before[1] + w] = x
    out = xp.zeros((oh, ow), dtype=dtype, device=device)
    for a in range(kh):
        for b in range(kw):
            out += k[a, b] * padded[a : a + oh, b : b + ow]
    return out


@dataclass(frozen=True)
class Conv2dCache:
    """What `conv2d_backward` needs from `conv2d_forward`."""

    padded: Array
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
) -> tuple[Array, Conv2dCache]:
    """Apply a convolution layer to a batch of images.

    out[n, o, r, c] = b[o] + Σ_q Σ_i Σ_j w[o, q, i, j] · padded[n, q', r·stride + i·dilation, c·stride + j·dilation]

    where q runs over the C/groups input channels of o's group and q' is the q-th of them. The kernel is not flipped.

    Parameters
    ----------
    x : (N, C, H, W)
    w : (O, C/groups, KH, KW)
    b : (O,) or None
    stride, padding, dilation : int or (height, width)
    groups : int, divides C and O; group g of the outputs sees group g of the inputs only
    padding_mode : "zeros", "reflect", "replicate" or "circular", as in `pad2d`

    Returns
    -------
    out : (N, O, OH, OW), sizes by `conv2d_output_size`
    cache : for `conv2d_backward`

    Raises
    ------
    ValueError
        If an argument has the wrong form, the shapes do not go together, or the kernel does not fit.

    Notes
    -----
    Source: GT "convolution layers", NYU "multi-channel convolution" (its weights are (KH, KW, C, O), ours PyTorch's);
    ``torch.nn.Conv2d``.

    Examples
    --------
    GT's Sobel patch, with a bias of 5:

    >>> import numpy as np
    >>> x = np.array([[[[200.0, 150, 150], [100, 50, 100], [25, 25, 10]]]])
    >>> w = np.array([[[[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]]])
    >>> out, cache = conv2d_forward(x, w, np.array([5.0]))
    >>> out
    array([[[[70.]]]])
    """
    settings = conv2d_settings(x, w, b, stride, padding, dilation, groups, padding_mode)
    xp = namespace(x, w, b)
    dtype = xp.result_type(*[a for a in (x, w, b) if a is not None])
    w = xp.astype(w, dtype, copy=False)
    padded = pad2d(xp.astype(x, dtype, copy=False), settings.padding, mode=padding_mode)
    n, o, (oh, ow) = x.shape[0], w.shape[0], settings.output_size
    by_group = xp.reshape(w, (groups, o // groups, *w.shape[1:]))

    out = xp.zeros((n, groups, o // groups, oh * ow), dtype=dtype, device=array_api_compat.device(x))
    for i, j, rows, columns in settings.taps():
        seen = xp.reshape(padded[:, :, rows, columns], (n, groups, w.shape[1], oh * ow))
        out += by_group[:, :, :, i, j] @ seen
    out = xp.reshape(out, (n, o, oh, ow))
    if b is not None:
        out += xp.reshape(xp.astype(b, dtype, copy=False), (o, 1, 1))
    return out, Conv2dCache(padded, w, b is not None, settings)


def conv2d_backward(dout: Array, cache: Conv2dCache) -> tuple[Array, Array, Array | None]:
    """Return the gradients (dx, dw, db) of a convolution layer.

    Each product w[o, q, i, j] · padded[...] of the forward sum passes dout[n, o, r, c] on to both of its factors:

    dw[o, q, i, j] = Σ_n Σ_r Σ_c dout[n, o, r, c] · padded[n, q', r·stride + i·dilation, c·stride + j·dilation]
    dpadded[n, q', r·stride + i·dilation, c·stride + j·dilation] += w[o, q, i, j] · dout[n, o, r, c]
    db[o] = Σ_n Σ_r Σ_c dout[n, o, r, c]

    and dx is dpadded brought back to the image by `pad2d_backward`. A pixel meets several taps, so its contributions
    add up; a pixel that no window reaches gets 0.

    Parameters
    ----------
    dout : (N, O, OH, OW), the gradient of the loss with respect to `conv2d_forward`'s out
    cache : from `conv2d_forward`

    Returns
    -------
    dx : (N, C, H, W)
    dw : (O, C/groups, KH, KW)
    db : (O,), or None if there was no bias

    Raises
    ------
    ValueError
        If dout has not the shape of out.

    Notes
    -----
    Source: GT "backward pass for the convolution layer": dw is the cross-correlation of the image with dout, dx the
    convolution (with flip) of dout with the kernel.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]), np.array([0.0]))
    >>> out
    array([[[[50., 80.]]]])
    >>> dx, dw, db = conv2d_backward(np.array([[[[1.0, 2]]]]), cache)
    >>> print(dx, dw, db)
    [[[[10. 40. 40.]]]] [[[[5. 8.]]]] [3.]
    """
    padded, w, settings = cache.padded, cache.w, cache.settings
    n, o, groups, (oh, ow) = padded.shape[0], w.shape[0], settings.groups, settings.output_size
    check_dout(dout, (n, o, oh, ow))
    xp = namespace(dout, padded)
    dout = xp.astype(dout, padded.dtype, copy=False)
    by_group = xp.reshape(w, (groups, o // groups, *w.shape[1:]))
    by_place = xp.reshape(dout, (n, groups, o // groups, oh * ow))

    dpadded, dw = xp.zeros_like(padded), xp.zeros_like(by_group)
    for i, j, rows, columns in settings.taps():
        seen = xp.reshape(padded[:, :, rows, columns], (n, groups, w.shape[1], oh * ow))
        dw[:, :, :, i, j] = xp.sum(by_place @ seen.mT, axis=0)
        dseen = by_group[:, :, :, i, j].mT @ by_place
        dpadded[:, :, rows, columns] += xp.reshape(dseen, (n, padded.shape[1], oh, ow))

    dx = pad2d_backward(dpadded, settings.padding, mode=settings.padding_mode)
    db = xp.sum(dout, axis=(0, 2, 3)) if cache.has_bias else None
    return dx, xp.reshape(dw, w.shape), db
