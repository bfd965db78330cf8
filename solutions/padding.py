"""Widening images at the border before a convolution, and the gradient of that. Knows no kernel."""

from collections.abc import Sequence

import array_api_compat

from solutions.arrays import Array, check_shape, namespace, pair

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def pad2d(x: Array, padding: int | Sequence[int], *, mode: str = "zeros") -> Array:
    """Widen every image by ``padding`` pixels on each side.

    With p = padding, the new row i shows the old row i - p where there is one. Beyond the border, ``zeros`` shows 0,
    ``reflect`` mirrors without repeating the border row, ``replicate`` repeats the border row, and ``circular`` goes
    on at the opposite side. Columns likewise.

    Parameters
    ----------
    x : (N, C, H, W)
    padding : int or (height, width), how much on *each* side
    mode : "zeros", "reflect", "replicate" or "circular"

    Returns
    -------
    (N, C, H + 2·padding_h, W + 2·padding_w), a new array of x's type

    Raises
    ------
    ValueError
        If an argument has the wrong form, ``reflect`` is to show H rows or more (or W columns), ``circular`` more
        than H rows (or W columns): the image does not hold that many.

    Notes
    -----
    Source: GT "pad the images: zeros, mirrored image, etc."; the modes are those of ``torch.nn.Conv2d`` and
    ``torch.nn.functional.pad``.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[[[1.0, 2.0, 3.0]]]])
    >>> for mode in PADDING_MODES:
    ...     print(pad2d(row, (0, 2), mode=mode)[0, 0, 0], mode)
    [0. 0. 1. 2. 3. 0. 0.] zeros
    [3. 2. 1. 2. 3. 2. 1.] reflect
    [1. 1. 1. 2. 3. 3. 3.] replicate
    [2. 3. 1. 2. 3. 1. 2.] circular
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    ph, pw = check_padding(x.shape[2:], padding, mode)
    xp, device = namespace(x), array_api_compat.device(x)
    n, c, h, w = x.shape
    if mode == "zeros":
        out = xp.zeros((n, c, h + 2 * ph, w + 2 * pw), dtype=x.dtype, device=device)
        out[:, :, ph : ph + h, pw : pw + w] = x
        return out
    rows = xp.asarray(_sources(h, ph, mode), dtype=xp.int64, device=device)
    columns = xp.asarray(_sources(w, pw, mode), dtype=xp.int64, device=device)
    return xp.take(xp.take(x, rows, axis=2), columns, axis=3)


def pad2d_backward(dout: Array, padding: int | Sequence[int], *, mode: str = "zeros") -> Array:
    """Return the gradient with respect to ``pad2d``'s x: each padded pixel's gradient goes back to the pixel it shows.

    A pixel that is shown several times (itself, its mirror image, ...) receives the sum. A padded zero shows no
    pixel, so its gradient is dropped.

    Parameters
    ----------
    dout : (N, C, H + 2·padding_h, W + 2·padding_w)
    padding, mode : as given to ``pad2d``

    Returns
    -------
    (N, C, H, W), a new array

    Raises
    ------
    ValueError
        If an argument has the wrong form or ``dout`` has no room for the padding.

    Examples
    --------
    Of three pixels, mirrored by two on each side, each end is seen twice and the middle three times:

    >>> import numpy as np
    >>> pad2d_backward(np.ones((1, 1, 1, 7)), (0, 2), mode="reflect")[0, 0, 0]
    array([2., 3., 2.])
    """
    check_shape(dout, "dout", "(N, C, H + 2·padding_h, W + 2·padding_w)", ndim=4)
    ph, pw = pair(padding, "padding", minimum=0)
    h, w = dout.shape[2] - 2 * ph, dout.shape[3] - 2 * pw
    if min(h, w) < 1:
        raise ValueError(
            f"dout must be larger than its padding {(ph, pw)} on both sides, got shape {tuple(dout.shape)}"
        )
    check_padding((h, w), (ph, pw), mode)
    xp = namespace(dout)
    middle = xp.asarray(dout[:, :, ph : ph + h, :], copy=True)
    if mode != "zeros":
        for i, source in _beyond_the_border(h, ph, mode):
            middle[:, :, source, :] += dout[:, :, i, :]
    dx = xp.asarray(middle[:, :, :, pw : pw + w], copy=True)
    if mode != "zeros":
        for j, source in _beyond_the_border(w, pw, mode):
            dx[:, :, :, source] += middle[:, :, :, j]
    return dx


def check_padding(
    size: tuple[int, int], padding: int | Sequence[int], mode: str, mode_name: str = "mode"
) -> tuple[int, int]:
    """Return ``padding`` as a pair, or raise a ValueError if images of this size (H, W) cannot be padded so."""
    if mode not in PADDING_MODES:
        raise ValueError(f"{mode_name} must be one of {', '.join(PADDING_MODES)}, got {mode!r}")
    ph, pw = pair(padding, "padding", minimum=0)
    # A mirror shows at most the rows behind the border row, a circle at most all of them.
    spare = {"reflect": 1, "circular": 0}.get(mode)
    if spare is not None and (ph > size[0] - spare or pw > size[1] - spare):
        limit = (size[0] - spare, size[1] - spare)
        raise ValueError(
            f"padding must be at most {limit} for images of {tuple(size)} in {mode_name} {mode!r}, got {(ph, pw)}"
        )
    return ph, pw


def _sources(size: int, pad: int, mode: str) -> list[int]:
    """Return, for each row of the padded image, the row of the image that it shows."""
    positions = range(-pad, size + pad)
    if mode == "reflect":
        return [size - 1 - abs(size - 1 - abs(i)) for i in positions]
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in positions]
    return [i % size for i in positions]


def _beyond_the_border(size: int, pad: int, mode: str) -> list[tuple[int, int]]:
    """Return (padded row, row that it shows) for the rows before and after the image."""
    return [(i, s) for i, s in enumerate(_sources(size, pad, mode)) if not pad <= i < pad + size]
