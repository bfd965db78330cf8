"""Batch norm: every feature, or feature map, gets mean 0 and variance 1 over the batch. Knows no other layer."""

import math

import numpy as np
from array_api_compat import is_numpy_array

from solutions.arrays import Array, check_shape, namespace
from solutions.normalization import (
    Cache,
    all_but_channels,
    along_channels,
    check_arguments,
    check_dout,
    normalize,
    normalize_backward,
)
from solutions.threads import split

Gradients = tuple[Array, Array, Array]
SMALLEST_SHARE = 1 << 19  # values for which a second thread is worth its waking and waiting


def batch_norm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Cache, Array, Array]:
    """Normalise every feature over the batch, then scale by gamma and shift by beta.

    Parameters
    ----------
    x : (N, D)
    gamma, beta : (D,), learned
    running_mean, running_var : (D,), what later images are normalised with
    training : normalise with the batch's own statistics, or with the running ones
    momentum : weight of the new value in the running averages (PyTorch's meaning; elsewhere that of the old value)
    eps : added to the variance, inside the root

    Returns
    -------
    out : (N, D) with ``out = gamma (x - mean) / sqrt(var + eps) + beta``
    cache : for the backward pass
    running_mean, running_var : in training new arrays, ``(1 - momentum) running + momentum batch``; else those given

    Raises
    ------
    ValueError
        If a shape does not fit, ``momentum`` is not in [0, 1], ``eps`` is not positive, or a training batch has fewer
        than two values a feature: a single value equals its mean, and ``out`` would be beta whatever x is.

    Notes
    -----
    The batch is normalised with its biased variance (divided by N), the running average takes the unbiased one
    (divided by N - 1), as in PyTorch. Sources: UB, GT, NYU (Ioffe and Szegedy, algorithm 1); NYU counts the four
    numbers a feature: two learned, two stored.

    Examples
    --------
    >>> import numpy as np
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> x = np.array([[1.0], [3.0]])
    >>> out, _, mean, var = batch_norm_forward(x, 10 * one, one, zero, one, training=True)
    >>> out.round(3).tolist(), mean.tolist(), var.tolist()
    ([[-9.0], [11.0]], [0.2], [1.1])
    >>> batch_norm_forward(x, one, zero, 3 * one, 4 * one, training=False)[0].round(3).tolist()
    [[-1.0], [0.0]]
    """
    check_shape(x, "x", "(N, D)", ndim=2)
    return _batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


def batch_norm_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return the gradients of `batch_norm_forward`.

    Parameters
    ----------
    dout : (N, D)
    cache : from the forward pass

    Returns
    -------
    dx : (N, D). With ``g = gamma dout`` and x̂ the normalised x, in training
        ``dx = (g - mean(g) - x̂ mean(g x̂)) / sqrt(var + eps)``: each feature's column sums to 0 and is orthogonal to x̂.
        Otherwise mean and variance are constants and ``dx = g / sqrt(var + eps)``.
    dgamma, dbeta : (D,), the sums of ``dout x̂`` and of ``dout`` over the batch

    Raises
    ------
    ValueError
        If ``dout`` has not the output's shape.

    Examples
    --------
    >>> import numpy as np
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> _, cache, _, _ = batch_norm_forward(np.array([[1.0], [3.0]]), one, zero, zero, one, training=True)
    >>> dx, dgamma, dbeta = batch_norm_backward(np.array([[1.0], [5.0]]), cache)
    >>> (np.abs(dx) < 1e-4).tolist(), dgamma.round(3).tolist(), dbeta.tolist()
    ([[True], [True]], [4.0], [6.0])
    """
    normalized, inverse_std, gamma, training = cache
    check_dout(dout, normalized.shape)
    if training and _maps_in_numpy(dout):
        return _backward_by_threads(dout, normalized, inverse_std, gamma)
    return _backward(dout, normalized, inverse_std, gamma, training)


def _backward(dout: Array, normalized: Array, inverse_std: Array, gamma: Array, training: bool) -> Gradients:
    xp = namespace(dout, normalized)
    axes = all_but_channels(dout)
    dnormalized = dout * along_channels(gamma, dout)
    dx = normalize_backward(dnormalized, normalized, inverse_std, axes) if training else dnormalized * inverse_std
    return dx, xp.sum(dout * normalized, axis=axes), xp.sum(dout, axis=axes)


def _backward_by_threads(dout: Array, normalized: Array, inverse_std: Array, gamma: Array) -> Gradients:
    """Do the same for maps in NumPy: sums as BLAS products, dx in place, each thread for some channels."""
    images, channels, *_ = dout.shape
    pixels = math.prod(dout.shape[2:])
    dx = np.empty(dout.shape, np.result_type(dout, normalized, gamma))

    def share(part: slice) -> tuple[Array, Array]:
        upstream, maps = (_by_map(a, part) for a in (dout, normalized))
        dgamma = np.vecdot(upstream, maps).sum(axis=0)
        dbeta = (upstream @ np.ones(pixels, dout.dtype)).sum(axis=0)
        by_channel = gamma[part] * inverse_std.reshape(-1)[part], dbeta / (images * pixels), dgamma / (images * pixels)
        scale, through_mean, through_variance = (np.repeat(vector, pixels) for vector in by_channel)
        upstream, maps, gradient = (_by_image(a, part) for a in (dout, normalized, dx))
        np.multiply(maps, through_variance, out=gradient)
        np.subtract(upstream, gradient, out=gradient)
        gradient -= through_mean
        gradient *= scale
        return dgamma, dbeta

    parts = split(channels, dout.size // SMALLEST_SHARE, share)
    dgamma, dbeta = (np.concatenate(sums) for sums in zip(*parts, strict=True))
    return dx, dgamma, dbeta


def _maps_in_numpy(x: Array) -> bool:
    """Say whether there is a quicker way: not for half precision, whose sums need a wider type."""
    return bool(x.ndim == 4 and is_numpy_array(x) and x.dtype.itemsize >= 4)


def _by_map(x: Array, channels: slice) -> Array:
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))[:, channels]


def _by_image(x: Array, channels: slice) -> Array:
    """View some channels as one row an image.

    What belongs to a channel is then repeated to one number a pixel: to broadcast along the short rows of a map takes
    longer than to read that.
    """
    pixels = math.prod(x.shape[2:])
    return x.reshape(len(x), x.shape[1] * pixels)[:, channels.start * pixels : channels.stop * pixels]


def batch_norm2d_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, Cache, Array, Array]:
    """Normalise every feature map over the batch and over its pixels.

    ``x`` is (N, C, H, W), everything else (C,): one mean, variance, gamma and beta for all pixels of a map, since the
    convolution before it treats them alike. The rest is as `batch_norm_forward`, with N H W values a channel.

    Examples
    --------
    >>> import numpy as np
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> out, *_ = batch_norm2d_forward(np.array([[[[1.0, 3.0]]], [[[1.0, 3.0]]]]), one, zero, zero, one, training=True)
    >>> out.round(3).tolist()
    [[[[-1.0, 1.0]]], [[[-1.0, 1.0]]]]
    """
    check_shape(x, "x", "(N, C, H, W)", ndim=4)
    return _batch_norm_forward(x, gamma, beta, running_mean, running_var, training, momentum, eps)


def batch_norm2d_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return (dx, dgamma, dbeta) of `batch_norm2d_forward`: (N, C, H, W), (C,), (C,). See `batch_norm_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> zero, one = np.zeros(1), np.ones(1)
    >>> x = np.array([[[[1.0, 3.0]]], [[[1.0, 3.0]]]])
    >>> _, cache, _, _ = batch_norm2d_forward(x, one, zero, zero, one, training=True)
    >>> batch_norm2d_backward(np.ones((2, 1, 1, 2)), cache)[2].tolist()
    [4.0]
    """
    return batch_norm_backward(dout, cache)


def _batch_norm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    running_mean: Array,
    running_var: Array,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[Array, Cache, Array, Array]:
    parameters = {"gamma": gamma, "beta": beta, "running_mean": running_mean, "running_var": running_var}
    check_arguments(x, parameters, (x.shape[1],), eps)
    if not 0 <= momentum <= 1:
        raise ValueError(f"momentum must lie in [0, 1], got {momentum!r}")
    xp = namespace(x)
    if training:
        axes = all_but_channels(x)
        count = math.prod(x.shape[axis] for axis in axes)
        if count < 2:
            raise ValueError(f"x must have more than one value a channel in training, got shape {tuple(x.shape)}")
        if _maps_in_numpy(x):
            out, normalized, inverse_std, mean, var = _forward_by_threads(x, gamma, beta, eps)
        else:
            normalized, inverse_std, mean, var = normalize(x, axes, eps)
            out = normalized * along_channels(gamma, x) + along_channels(beta, x)
        unbiased = xp.reshape(var, (-1,)) * (count / (count - 1))
        running_mean = (1 - momentum) * running_mean + momentum * xp.reshape(mean, (-1,))
        running_var = (1 - momentum) * running_var + momentum * unbiased
    else:
        inverse_std = 1 / xp.sqrt(along_channels(running_var, x) + eps)
        normalized = (x - along_channels(running_mean, x)) * inverse_std
        out = normalized * along_channels(gamma, x) + along_channels(beta, x)
    return out, (normalized, inverse_std, gamma, training), running_mean, running_var


def _forward_by_threads(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array, Array, Array]:
    """Return out and what `normalize` does of maps in NumPy: as `_backward_by_threads` goes about it."""
    pixels = math.prod(x.shape[2:])
    count = len(x) * pixels
    normalized, out = np.empty(x.shape, x.dtype), np.empty(x.shape, np.result_type(x, gamma, beta))

    def share(part: slice) -> tuple[Array, Array, Array]:
        mean = (_by_map(x, part) @ np.ones(pixels, x.dtype)).sum(axis=0) / count
        image, centred, result = (_by_image(a, part) for a in (x, normalized, out))
        np.subtract(image, np.repeat(mean, pixels), out=centred)
        maps = _by_map(normalized, part)
        var = np.vecdot(maps, maps).sum(axis=0) / count
        inverse_std = 1 / np.sqrt(var + eps)
        centred *= np.repeat(inverse_std, pixels)
        np.multiply(centred, np.repeat(gamma[part], pixels), out=result)
        result += np.repeat(beta[part], pixels)
        return inverse_std, mean, var

    parts = split(x.shape[1], x.size // SMALLEST_SHARE, share)
    inverse_std, mean, var = (np.concatenate(vectors).reshape(1, -1, 1, 1) for vectors in zip(*parts, strict=True))
    return out, normalized, inverse_std, mean, var
