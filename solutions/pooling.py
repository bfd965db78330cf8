"""Pooling: one number for every window of a feature map, and its gradient. Knows no convolution.

A window has ``KH * KW`` *taps*. All that follows rests on one idea: for one tap, the pixels that all windows read are
one strided slice of the image, so a loop over taps replaces the loops over images, channels and windows. Padding is
never laid down: a tap that would fall on it is left out for the windows concerned.
"""

import math
from typing import Any

from array_api_compat import device

from solutions.arrays import Array, check_shape, namespace
from solutions.blockwise import for_blocks
from solutions.windows import Size, Windows, lay_out

Cache = tuple[Any, ...]


def _check_dout(dout: Array, shape: tuple[int, ...]) -> None:
    if tuple(getattr(dout, "shape", ())) != shape:
        raise ValueError(f"dout must have the shape of the output, {shape}, got {getattr(dout, 'shape', dout)}")


def max_pool2d_forward(
    x: Array, kernel_size: Size, *, stride: Size | None = None, padding: Size = 0
) -> tuple[Array, Cache]:
    """Keep the largest number of every window.

    Parameters
    ----------
    x : (N, C, H, W)
    kernel_size : int or (height, width)
    stride : int or pair, the kernel size where it is None
    padding : int or pair, at most half of the kernel; it never wins, so a window of negatives stays negative

    Returns
    -------
    out : (N, C, OH, OW) with ``OH = floor((H + 2 padding - KH) / stride) + 1``, as PyTorch's ``max_pool2d``
    cache : for the backward pass: which tap won each window. Of equal numbers the first one wins.

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W), a size is no positive int or pair, the padding exceeds half of
        the kernel, or the kernel does not fit.

    Notes
    -----
    Sources: UB and BZU, whose worked tables are the examples, and NYU.

    Examples
    --------
    >>> import numpy as np
    >>> buffalo = np.array([[12.0, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])
    >>> max_pool2d_forward(buffalo[None, None], 2)[0][0, 0].tolist()
    [[20.0, 30.0], [112.0, 37.0]]
    >>> birzeit = np.array([[1.0, 1, 2, 5], [5, 7, 7, 8], [3, 1, 1, 0], [1, 2, 3, 4]])
    >>> max_pool2d_forward(birzeit[None, None], 2)[0][0, 0].tolist()
    [[7.0, 8.0], [3.0, 4.0]]
    >>> max_pool2d_forward(np.zeros((1, 3, 10, 10)), 2, stride=2)[0].shape
    (1, 3, 5, 5)
    """
    windows = lay_out(x, kernel_size, stride, padding)
    xp = namespace(x)
    out = xp.full(windows.shape, -xp.inf, dtype=x.dtype, device=device(x))
    winner = _first_taps(x, windows)
    for_blocks(lambda images: _keep_largest(x[images, ...], out[images, ...], winner[images, ...], windows), x, steps=3)
    return out, (_sources(winner, windows), windows)


def _keep_largest(x: Array, out: Array, winner: Array, windows: Windows) -> None:
    """Write into ``out`` the largest number of every window, into ``winner`` the tap that has it."""
    xp = namespace(x)
    for tap, (where, pixels) in enumerate(windows.taps()):
        # The taps come in rising order, so the highest that beat all before it is the winner.
        better = xp.astype(x[pixels] > out[where], winner.dtype) * tap
        winner[where] = xp.maximum(winner[where], better)
        out[where] = xp.maximum(out[where], x[pixels])


def _first_taps(x: Array, windows: Windows) -> Array:
    """Return for every window the first tap that is on the image: it holds where all pixels are -inf."""
    xp = namespace(x)
    dtype = xp.uint8 if windows.size <= 256 else xp.int32
    rows = xp.asarray([max(0, -corner) for corner in windows.row_corners], dtype=dtype, device=device(x))
    columns = xp.asarray([max(0, -corner) for corner in windows.column_corners], dtype=dtype, device=device(x))
    first = rows[:, None] * len(windows.column_taps) + columns
    return xp.zeros(windows.shape, dtype=dtype, device=device(x)) + first


def _sources(winner: Array, windows: Windows) -> Array:
    """Turn winning taps into positions in the flattened batch, of the shape of the output."""
    xp, place = namespace(winner), {"dtype": namespace(winner).int64, "device": device(winner)}
    height, width = windows.image[2:]
    taps = [row * width + column for row in range(len(windows.row_taps)) for column in range(len(windows.column_taps))]
    corners = xp.asarray(windows.row_corners, **place)[:, None] * width + xp.asarray(windows.column_corners, **place)
    planes = xp.arange(math.prod(windows.image[:2]), **place) * (height * width)
    offsets = xp.take(xp.asarray(taps, **place), xp.reshape(xp.astype(winner, xp.int64), (-1,)))
    return xp.reshape(offsets, windows.shape) + corners + xp.reshape(planes, (*windows.image[:2], 1, 1))


def max_pool2d_backward(dout: Array, cache: Cache) -> Array:
    """Send each window's gradient to the pixel that won it.

    Parameters
    ----------
    dout : (N, C, OH, OW)
    cache : from `max_pool2d_forward`

    Returns
    -------
    dx : (N, C, H, W); a pixel that won several overlapping windows gets the sum

    Raises
    ------
    ValueError
        If ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = max_pool2d_forward(np.array([[[[1.0, 9.0, 2.0]]]]), (1, 2), stride=1)
    >>> max_pool2d_backward(np.array([[[[10.0, 100.0]]]]), cache).tolist()
    [[[[0.0, 110.0, 0.0]]]]
    """
    sources, windows = cache
    _check_dout(dout, windows.shape)
    xp = namespace(dout)
    dx = xp.zeros(windows.image, dtype=dout.dtype, device=device(dout))
    if hasattr(xp.add, "at"):  # NumPy and CuPy add at positions, repeated ones too
        xp.add.at(xp.reshape(dx, (-1,)), xp.reshape(sources, (-1,)), xp.reshape(dout, (-1,)))
        return dx
    return _add_by_taps(dx, dout, sources, windows)


def _add_by_taps(dx: Array, dout: Array, sources: Array, windows: Windows) -> Array:
    """Add by slices, for array libraries that cannot add at positions."""
    xp = namespace(dx)
    positions = xp.reshape(xp.arange(math.prod(dx.shape), device=device(dx)), dx.shape)
    for where, pixels in windows.taps():
        dx[pixels] += dout[where] * xp.astype(sources[where] == positions[pixels], dout.dtype)
    return dx


def avg_pool2d_forward(
    x: Array, kernel_size: Size, *, stride: Size | None = None, padding: Size = 0
) -> tuple[Array, Cache]:
    """Average every window.

    Parameters
    ----------
    x : (N, C, H, W)
    kernel_size : int or (height, width)
    stride : int or pair, the kernel size where it is None
    padding : int or pair, at most half of the kernel; its zeros count, so every sum is divided by KH * KW

    Returns
    -------
    out : (N, C, OH, OW) with ``OH = floor((H + 2 padding - KH) / stride) + 1``, as PyTorch's ``avg_pool2d``
    cache : for the backward pass

    Raises
    ------
    ValueError
        As `max_pool2d_forward`.

    Notes
    -----
    The sum over a window is a sum over its rows of sums along each row: KH + KW additions instead of KH * KW.
    Sources: BZU ("mean pool"), whose table is the example, and NYU.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 1, 2, 5], [5, 7, 7, 8], [3, 1, 1, 0], [1, 2, 3, 4]])
    >>> avg_pool2d_forward(x[None, None], 2)[0][0, 0].tolist()
    [[3.5, 5.5], [1.75, 2.0]]
    """
    windows = lay_out(x, kernel_size, stride, padding)
    xp = namespace(x)
    sums_along_rows = xp.zeros((*x.shape[:3], windows.shape[3]), dtype=x.dtype, device=device(x))
    for where, pixels in windows.column_taps:
        sums_along_rows[..., where] += x[..., pixels]
    out = xp.zeros(windows.shape, dtype=x.dtype, device=device(x))
    for where, pixels in windows.row_taps:
        out[..., where, :] += sums_along_rows[..., pixels, :]
    out /= windows.size
    return out, (windows,)


def avg_pool2d_backward(dout: Array, cache: Cache) -> Array:
    """Give every pixel of a window its equal share of the window's gradient.

    Parameters
    ----------
    dout : (N, C, OH, OW)
    cache : from `avg_pool2d_forward`

    Returns
    -------
    dx : (N, C, H, W); without overlap, padding and remainder its sum is that of ``dout``

    Raises
    ------
    ValueError
        If ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = avg_pool2d_forward(np.zeros((1, 1, 2, 4)), 2)
    >>> avg_pool2d_backward(np.array([[[[4.0, 8.0]]]]), cache).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    (windows,) = cache
    _check_dout(dout, windows.shape)
    xp = namespace(dout)
    share = dout / windows.size
    along_columns = xp.zeros((*windows.image[:3], windows.shape[3]), dtype=dout.dtype, device=device(dout))
    for where, pixels in windows.row_taps:
        along_columns[..., pixels, :] += share[..., where, :]
    dx = xp.zeros(windows.image, dtype=dout.dtype, device=device(dout))
    for where, pixels in windows.column_taps:
        dx[..., pixels] += along_columns[..., where]
    return dx


def global_avg_pool2d_forward(x: Array) -> tuple[Array, Cache]:
    """Average every feature map to one number.

    Parameters
    ----------
    x : (N, C, H, W)

    Returns
    -------
    out : (N, C), as ``torch.mean(x, dim=(2, 3))``: ready for a linear layer
    cache : for the backward pass

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) with at least one pixel.

    Examples
    --------
    >>> import numpy as np
    >>> global_avg_pool2d_forward(np.array([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]]))[0].tolist()
    [[3.0, 1.0]]
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    xp = namespace(x)
    if not xp.isdtype(x.dtype, "real floating"):
        raise ValueError(f"x must be floating point, got {x.dtype}")
    if min(x.shape[2:]) < 1:
        raise ValueError(f"x must have at least one row and one column, got {tuple(x.shape)}")
    return xp.mean(x, axis=(2, 3)), tuple(x.shape)


def global_avg_pool2d_backward(dout: Array, cache: Cache) -> Array:
    """Give every pixel of a feature map its equal share of the map's gradient.

    ``dout`` is (N, C), the result (N, C, H, W). Raises a ValueError if ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = global_avg_pool2d_forward(np.zeros((1, 1, 2, 2)))
    >>> global_avg_pool2d_backward(np.array([[8.0]]), cache).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    _check_dout(dout, cache[:2])
    xp = namespace(dout)
    return xp.zeros(cache, dtype=dout.dtype, device=device(dout)) + (dout / (cache[2] * cache[3]))[:, :, None, None]


def median_pool2d_forward(
    x: Array, kernel_size: Size, *, stride: Size | None = None, padding: Size = 0
) -> tuple[Array, Cache]:
    """Keep the median of every window: the middle number, or the mean of the two in the middle.

    Arguments, output size and errors are those of `max_pool2d_forward`. Padding does not count: at the border the
    median is that of the pixels on the image. There is no backward pass here, so the cache is empty.
    Source: BZU ("max, mean, median").

    Examples
    --------
    >>> import numpy as np
    >>> median_pool2d_forward(np.array([[[[1.0, 2.0], [90.0, 4.0]]]]), 2)[0].item()
    3.0
    """
    windows = lay_out(x, kernel_size, stride, padding)
    xp = namespace(x)
    # Sorted, what lies in the padding comes last, so the middle is counted among the pixels before it.
    values = xp.full((windows.size, *windows.shape), xp.inf, dtype=x.dtype, device=device(x))
    count = xp.zeros((1, *windows.shape), dtype=xp.int64, device=device(x))
    for tap, (where, pixels) in enumerate(windows.taps()):
        values[(tap, *where)] = x[pixels]
        count[(0, *where)] += 1
    values = xp.sort(values, axis=0)
    low, high = (xp.take_along_axis(values, middle, axis=0)[0, ...] for middle in ((count - 1) // 2, count // 2))
    return low / 2 + high / 2, ()
