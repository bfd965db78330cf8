"""The arithmetic that batch, layer and group norm share: mean 0 and variance 1 over some axes, and its gradient.

Knows no layer: which axes, and what is learned or stored, is said in `batch_normalization` and `layer_normalization`.
"""

from typing import Any

from solutions.arrays import Array, namespace

Cache = tuple[Any, ...]
Axes = tuple[int, ...]


def normalize(x: Array, axes: Axes, eps: float) -> tuple[Array, Array, Array, Array]:
    """Return ``(x - mean) / sqrt(var + eps)``, the reciprocal root, the mean and the biased variance."""
    xp = namespace(x)
    mean = xp.mean(x, axis=axes, keepdims=True)
    centred = x - mean  # first: E[x²] - E[x]² would cancel where the mean is large
    var = xp.mean(centred * centred, axis=axes, keepdims=True)
    inverse_std = 1 / xp.sqrt(var + eps)
    return centred * inverse_std, inverse_std, mean, var


def normalize_backward(dnormalized: Array, normalized: Array, inverse_std: Array, axes: Axes) -> Array:
    """Return dx: the mean and the variance depend on x too, and each takes its part out of the gradient."""
    xp = namespace(dnormalized, normalized)
    through_mean = xp.mean(dnormalized, axis=axes, keepdims=True)
    through_variance = xp.mean(dnormalized * normalized, axis=axes, keepdims=True)
    return inverse_std * (dnormalized - through_mean - normalized * through_variance)


def check_arguments(x: Array, parameters: dict[str, Array], shape: tuple[int, ...], eps: float) -> None:
    """Raise a ValueError that names the argument which does not fit."""
    if not namespace(x).isdtype(x.dtype, "real floating"):
        raise ValueError(f"x must be floating point, got {x.dtype}")
    for name, parameter in parameters.items():
        if tuple(getattr(parameter, "shape", ())) != shape:
            found = getattr(parameter, "shape", type(parameter).__name__)
            raise ValueError(f"{name} must be an array of shape {shape}, got {found}")
    if not eps > 0:
        raise ValueError(f"eps must be positive, got {eps!r}")


def check_dout(dout: Array, shape: tuple[int, ...]) -> None:
    """Raise a ValueError unless the upstream gradient has the shape of the output."""
    if tuple(getattr(dout, "shape", ())) != tuple(shape):
        raise ValueError(f"dout must have the shape of the output, {tuple(shape)}, got {getattr(dout, 'shape', dout)}")


def all_but_channels(x: Array) -> Axes:
    """Return the axes that batch norm averages over."""
    return (0, *range(2, x.ndim))


def along_channels(parameter: Array, x: Array) -> Array:
    """Give a (C,) vector the axes that broadcast it along axis 1 of x."""
    return namespace(parameter).reshape(parameter, (1, -1, *([1] * (x.ndim - 2))))
