"""Random changes to training images that leave their class alone. Knows no network.

Each function takes an (N, C, H, W) batch and ``rng``, draws one change for every image, and returns a new batch: the
originals are never modified, since the next epoch changes them anew. Pixels that come from outside the image are 0.
"""

import math
from collections.abc import Sequence

import numpy as np
from array_api_compat import device

from solutions.arrays import Array, check_shape, namespace, pair


def _check_images(x: Array) -> None:
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    if not namespace(x).isdtype(x.dtype, "real floating"):
        raise ValueError(f"x must be floating point, got {x.dtype}")


def _like(numbers: object, x: Array) -> Array:
    """Bring random numbers to the library, type and device of x."""
    xp = namespace(x)
    return xp.astype(xp.asarray(numbers, device=device(x)), x.dtype)


def random_horizontal_flip(x: Array, *, p: float = 0.5, rng: np.random.Generator) -> Array:
    """Mirror every image, left for right, with probability p.

    Parameters
    ----------
    x : (N, C, H, W)
    p : probability
    rng : the source of randomness

    Returns
    -------
    (N, C, H, W)

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) or ``p`` is not in [0, 1].

    Notes
    -----
    Sources: BZU ("mirroring"), NYU (``horizontal_flip``). Not for digits: a mirrored 3 is no digit.

    Examples
    --------
    >>> import numpy as np
    >>> random_horizontal_flip(np.array([[[[1.0, 2.0, 3.0]]]]), p=1.0, rng=np.random.default_rng(0)).tolist()
    [[[[3.0, 2.0, 1.0]]]]
    """
    _check_images(x)
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability in [0, 1], got {p!r}")
    xp = namespace(x)
    chosen = xp.asarray(rng.random(x.shape[0]) < p, device=device(x))
    return xp.where(chosen[:, None, None, None], xp.flip(x, axis=3), x)


def random_shift(x: Array, *, limit: int | Sequence[int], rng: np.random.Generator) -> Array:
    """Move every image by a whole number of pixels, each way at most ``limit``.

    Parameters
    ----------
    x : (N, C, H, W)
    limit : pixels, an int or (vertical, horizontal); all shifts from -limit to limit are as likely
    rng : the source of randomness

    Returns
    -------
    (N, C, H, W)

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) or ``limit`` is no int or pair that is not negative.

    Notes
    -----
    Source: NYU (``width_shift_range``, ``height_shift_range``).

    Examples
    --------
    >>> import numpy as np
    >>> random_shift(np.array([[[[1.0, 2.0, 3.0]]]]), limit=(0, 1), rng=np.random.default_rng(0)).tolist()
    [[[[0.0, 1.0, 2.0]]]]
    """
    _check_images(x)
    down, right = (rng.integers(-most, most + 1, x.shape[0]) for most in pair(limit, "limit", minimum=0))
    rows, columns = _grid(x)
    return _sample(x, rows - _per_image(down, x), columns - _per_image(right, x))


def random_rotation(x: Array, *, degrees: float, rng: np.random.Generator) -> Array:
    """Turn every image about its centre by an angle between -degrees and degrees.

    Parameters
    ----------
    x : (N, C, H, W)
    degrees : largest angle; positive angles turn anticlockwise
    rng : the source of randomness

    Returns
    -------
    (N, C, H, W), interpolated linearly between the four nearest pixels

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) or ``degrees`` is negative or not finite.

    Notes
    -----
    Sources: BZU ("rotation"), NYU (``rotation_range``).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(1, 1, 2, 2)
    >>> random_rotation(x, degrees=0, rng=np.random.default_rng(0)).tolist()
    [[[[0.0, 1.0], [2.0, 3.0]]]]
    """
    _check_images(x)
    if not 0 <= degrees < math.inf:
        raise ValueError(f"degrees must be a finite number that is not negative, got {degrees!r}")
    return _rotate(x, rng.uniform(-degrees, degrees, x.shape[0]))


def random_scale(x: Array, *, limits: tuple[float, float], rng: np.random.Generator) -> Array:
    """Enlarge every image about its centre by a factor between the two limits; the size of the batch stays.

    Parameters
    ----------
    x : (N, C, H, W)
    limits : (smallest, largest) factor; above 1 the border is cut off, below 1 zeros surround the image
    rng : the source of randomness

    Returns
    -------
    (N, C, H, W), interpolated linearly between the four nearest pixels

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) or the limits are not positive, finite and in order.

    Notes
    -----
    Source: NYU ("shifting, scaling, rotating the original training images").

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(5.0).reshape(1, 1, 1, 5)
    >>> random_scale(x, limits=(2.0, 2.0), rng=np.random.default_rng(0)).tolist()
    [[[[1.0, 1.5, 2.0, 2.5, 3.0]]]]
    """
    _check_images(x)
    if len(limits) != 2 or not 0 < limits[0] <= limits[1] < math.inf:
        raise ValueError(f"limits must be (smallest, largest), positive and finite, got {limits!r}")
    return _scale(x, rng.uniform(*limits, x.shape[0]))


def color_jitter(
    x: Array, *, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, rng: np.random.Generator
) -> Array:
    """Change brightness, contrast and saturation of every image, in this order.

    Parameters
    ----------
    x : (N, C, H, W) with values in [0, 1]; C is 1 (grey) or 3 (red, green, blue), 3 where ``saturation`` is used
    brightness, contrast, saturation : each draws a factor between max(0, 1 - s) and 1 + s; 0 changes nothing
    rng : the source of randomness

    Returns
    -------
    (N, C, H, W), clipped to [0, 1]. With the factor f, brightness takes ``f x``; contrast mixes x with the mean grey
    of its image, ``f x + (1 - f) mean``; saturation mixes it with its own grey picture, ``f x + (1 - f) grey``.

    Raises
    ------
    ValueError
        If ``x`` is not a floating-point (N, C, H, W) with 1 or 3 channels and values in [0, 1], or a strength is
        negative or not finite.

    Notes
    -----
    As torchvision's ``ColorJitter``, without hue and in a fixed order. Grey is .299 red + .587 green + .114 blue.
    Source: GT ("color jitter").

    Examples
    --------
    >>> import numpy as np
    >>> x = np.full((1, 1, 1, 2), 0.5)
    >>> color_jitter(x, rng=np.random.default_rng(0)).tolist()
    [[[[0.5, 0.5]]]]
    """
    _check_images(x)
    xp = namespace(x)
    strengths = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, strength in strengths.items():
        if not 0 <= strength < math.inf:
            raise ValueError(f"{name} must be a finite number that is not negative, got {strength!r}")
    if x.shape[1] not in ((3,) if saturation else (1, 3)):
        raise ValueError(f"x must have {'3' if saturation else '1 or 3'} channels, got shape {tuple(x.shape)}")
    if not bool(xp.all((x >= 0) & (x <= 1))):
        raise ValueError("x must hold values in [0, 1]")
    bright, contrasting, saturated = (
        _per_image(rng.uniform(max(0.0, 1 - s), 1 + s, x.shape[0]), x)[..., None] for s in strengths.values()
    )
    out = xp.clip(bright * x, 0, 1)
    out = xp.clip(contrasting * out + (1 - contrasting) * xp.mean(_grey(out), axis=(1, 2, 3), keepdims=True), 0, 1)
    return xp.clip(saturated * out + (1 - saturated) * _grey(out), 0, 1)


def _grey(x: Array) -> Array:
    if x.shape[1] == 1:
        return x
    return 0.299 * x[:, :1, ...] + 0.587 * x[:, 1:2, ...] + 0.114 * x[:, 2:, ...]


def _rotate(x: Array, angles: Array) -> Array:
    """Turn each image anticlockwise by its angle in degrees: look up where each pixel came from."""
    sine, cosine = (_per_image(f(np.deg2rad(angles)), x) for f in (np.sin, np.cos))
    rows, columns = _grid(x)
    middle_row, middle_column = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    rows, columns = rows - middle_row, columns - middle_column
    return _sample(x, cosine * rows + sine * columns + middle_row, cosine * columns - sine * rows + middle_column)


def _scale(x: Array, factors: Array) -> Array:
    """Enlarge each image about its centre by its factor."""
    factor = _per_image(factors, x)
    middle_row, middle_column = (x.shape[2] - 1) / 2, (x.shape[3] - 1) / 2
    rows, columns = _grid(x)
    return _sample(x, (rows - middle_row) / factor + middle_row, (columns - middle_column) / factor + middle_column)


def _grid(x: Array) -> tuple[Array, Array]:
    """Return the row of every pixel, (1, H, 1), and its column, (1, 1, W)."""
    rows, columns = (_like(np.arange(size), x) for size in x.shape[2:])
    return rows[None, :, None], columns[None, None, :]


def _per_image(numbers: object, x: Array) -> Array:
    """Return one number an image as (N, 1, 1)."""
    return _like(numbers, x)[:, None, None]


def _sample(x: Array, rows: Array, columns: Array) -> Array:
    """Read every image at fractional places, (N, H, W), linearly between the four nearest pixels; outside is 0."""
    xp = namespace(x)
    images, channels, height, width = x.shape
    pixels = xp.reshape(x, (images, channels, height * width))
    top, left = xp.floor(rows), xp.floor(columns)
    out = xp.zeros_like(x)
    for row, row_weight in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, column_weight in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            place = xp.clip(row, 0, height - 1) * width + xp.clip(column, 0, width - 1)
            place = xp.reshape(xp.astype(place, xp.int64), (images, 1, height * width))
            found = xp.take_along_axis(pixels, xp.broadcast_to(place, pixels.shape), axis=2)
            weight = row_weight * column_weight * xp.astype(inside, x.dtype)
            out = out + xp.reshape(found, x.shape) * weight[:, None, :, :]
    return out
