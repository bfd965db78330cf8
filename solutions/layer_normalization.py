"""Layer and group norm: each example gets mean 0 and variance 1 by itself. Knows no batch and no other layer."""

import math

from solutions.arrays import Array, check_shape, namespace
from solutions.normalization import (
    Cache,
    along_channels,
    check_arguments,
    check_dout,
    normalize,
    normalize_backward,
)


def layer_norm_forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-5) -> tuple[Array, Cache]:
    """Normalise each example by itself, over its last axes.

    Parameters
    ----------
    x : (N, ..., *S), where S is the shape of gamma: (N, D) with (D,), or (N, C, H, W) with (C, H, W)
    gamma, beta : of shape S, learned
    eps : added to the variance, inside the root

    Returns
    -------
    out : like x. Training and testing do not differ: no example looks at another.
    cache : for the backward pass

    Raises
    ------
    ValueError
        If the last axes of x, gamma and beta differ in shape, or ``eps`` is not positive.

    Notes
    -----
    PyTorch's ``layer_norm`` (Ba, Kiros and Hinton, 2016).

    Examples
    --------
    >>> import numpy as np
    >>> out, _ = layer_norm_forward(np.array([[1.0, 3.0], [20.0, 10.0]]), np.ones(2), np.zeros(2))
    >>> out.round(3).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    shape, features = tuple(getattr(x, "shape", ())), tuple(getattr(gamma, "shape", ()))
    if not features or len(shape) <= len(features) or shape[-len(features) :] != features:
        raise ValueError(f"gamma must have the shape of the last axes of x, got {features} for {shape}")
    if math.prod(features) == 0:
        raise ValueError(f"gamma must hold at least one number, got shape {features}")
    check_arguments(x, {"beta": beta}, features, eps)
    normalized, inverse_std, _, _ = normalize(x, tuple(range(-len(features), 0)), eps)
    return normalized * gamma + beta, (normalized, inverse_std, gamma)


def layer_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return (dx, dgamma, dbeta) of `layer_norm_forward`: like x, like gamma, like beta.

    Raises a ValueError if ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = layer_norm_forward(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2))
    >>> layer_norm_backward(np.array([[5.0, 7.0]]), cache)[1].round(3).tolist()
    [-5.0, 7.0]
    """
    normalized, inverse_std, gamma = cache
    check_dout(dout, normalized.shape)
    xp = namespace(dout, normalized)
    within = tuple(range(-gamma.ndim, 0))
    across = tuple(range(dout.ndim - gamma.ndim))
    dx = normalize_backward(dout * gamma, normalized, inverse_std, within)
    return dx, xp.sum(dout * normalized, axis=across), xp.sum(dout, axis=across)


def group_norm_forward(
    x: Array, gamma: Array, beta: Array, *, num_groups: int, eps: float = 1e-5
) -> tuple[Array, Cache]:
    """Normalise each example by itself, over groups of neighbouring channels and all their pixels.

    Parameters
    ----------
    x : (N, C, H, W)
    gamma, beta : (C,), learned
    num_groups : divides C; 1 takes all channels together, C each map alone
    eps : added to the variance, inside the root

    Returns
    -------
    out : (N, C, H, W)
    cache : for the backward pass

    Raises
    ------
    ValueError
        If a shape does not fit, ``num_groups`` does not divide C, or ``eps`` is not positive.

    Notes
    -----
    PyTorch's ``group_norm`` (Wu and He, 2018).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[[[1.0]], [[3.0]], [[50.0]], [[30.0]]]])
    >>> group_norm_forward(x, np.ones(4), np.zeros(4), num_groups=2)[0].ravel().round(3).tolist()
    [-1.0, 1.0, 1.0, -1.0]
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    check_arguments(x, {"gamma": gamma, "beta": beta}, (x.shape[1],), eps)
    if num_groups < 1 or x.shape[1] % num_groups or min(x.shape[1:]) < 1:
        raise ValueError(f"num_groups must divide the number of channels, {x.shape[1]}, got {num_groups!r}")
    xp = namespace(x)
    grouped = xp.reshape(x, (x.shape[0], num_groups, x.shape[1] // num_groups, *x.shape[2:]))
    normalized, inverse_std, _, _ = normalize(grouped, (2, 3, 4), eps)
    out = xp.reshape(normalized, x.shape) * along_channels(gamma, x) + along_channels(beta, x)
    return out, (normalized, inverse_std, gamma)


def group_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return (dx, dgamma, dbeta) of `group_norm_forward`: (N, C, H, W), (C,), (C,).

    Raises a ValueError if ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> _, cache = group_norm_forward(np.ones((1, 2, 2, 2)), np.ones(2), np.zeros(2), num_groups=1)
    >>> group_norm_backward(np.ones((1, 2, 2, 2)), cache)[2].tolist()
    [4.0, 4.0]
    """
    normalized, inverse_std, gamma = cache
    images, groups, channels, *pixels = normalized.shape
    check_dout(dout, (images, groups * channels, *pixels))
    xp = namespace(dout, normalized)
    dnormalized = xp.reshape(dout * along_channels(gamma, dout), normalized.shape)
    dx = normalize_backward(dnormalized, normalized, inverse_std, (2, 3, 4))
    dgamma = xp.sum(dout * xp.reshape(normalized, dout.shape), axis=(0, 2, 3))
    return xp.reshape(dx, dout.shape), dgamma, xp.sum(dout, axis=(0, 2, 3))
