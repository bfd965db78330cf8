"""One layer from its description: which topic's forward and backward run it, and how its arrays start.

The arithmetic lives in the topics' files; here kinds are matched with functions. Knows one layer at a time.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import array_api_compat
import numpy as np

from solutions import activations
from solutions.architecture import Shape, borders
from solutions.arrays import Array, namespace
from solutions.batch_normalization import (
    batch_norm2d_backward,
    batch_norm2d_forward,
    batch_norm_backward,
    batch_norm_forward,
)
from solutions.data import he_normal
from solutions.descriptions import Layer
from solutions.im2col import conv2d_backward, conv2d_forward
from solutions.multilayer_perceptron import linear_backward, linear_forward
from solutions.pooling import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    global_avg_pool2d_backward,
    global_avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from solutions.regularization import dropout_backward, dropout_forward

Arrays: TypeAlias = dict[str, Array]

# Kinds without parameters whose keys are exactly their functions' hyperparameters.
_PLAIN: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (activations.sigmoid_forward, activations.sigmoid_backward),
    "tanh": (activations.tanh_forward, activations.tanh_backward),
    "relu": (activations.relu_forward, activations.relu_backward),
    "leaky_relu": (activations.leaky_relu_forward, activations.leaky_relu_backward),
    "elu": (activations.elu_forward, activations.elu_backward),
    "softplus": (activations.softplus_forward, activations.softplus_backward),
    "swish": (activations.swish_forward, activations.swish_backward),
    "softmax": (activations.softmax_forward, activations.softmax_backward),
    "max_pool2d": (max_pool2d_forward, max_pool2d_backward),
    "avg_pool2d": (avg_pool2d_forward, avg_pool2d_backward),
    "global_avg_pool2d": (global_avg_pool2d_forward, global_avg_pool2d_backward),
}
_BATCH_NORM: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "batch_norm": (batch_norm_forward, batch_norm_backward),
    "batch_norm2d": (batch_norm2d_forward, batch_norm2d_backward),
}


def initial(kind: str, name: str, shape: Shape, rng: np.random.Generator, dtype: Any) -> Array:
    """Return how a layer's array starts: He's normal weights, zero biases and means, unit scales, PReLU's 0.25."""
    if name == "weight" and kind in ("conv2d", "linear"):
        return he_normal(shape, rng=rng, dtype=dtype)
    if name == "weight" and kind == "prelu":
        return np.full(shape, 0.25, dtype)
    return np.full(shape, 1 if name in ("weight", "running_var") else 0, dtype)


def layer_forward(
    layer: Layer, arrays: Arrays, x: Array, *, training: bool, rng: np.random.Generator | None
) -> tuple[Array, Any, Arrays]:
    """Return (out, cache, new running averages) of one completed layer, given its arrays under PyTorch's names."""
    kind = layer["kind"]
    out: Array
    cache: Any
    keys = {key: value for key, value in layer.items() if key != "kind"}
    match kind:
        case "conv2d":
            return *_conv_forward(keys, arrays, x), {}
        case "linear":
            weight = arrays["weight"]
            no_bias = None if "bias" in arrays else namespace(weight).zeros_like(weight[:, 0])
            out, inner = linear_forward(x, weight, arrays.get("bias", no_bias))
            cache = (inner, no_bias is None)
        case "batch_norm" | "batch_norm2d":
            out, cache, mean, var = _BATCH_NORM[kind][0](
                x, arrays["weight"], arrays["bias"], arrays["running_mean"], arrays["running_var"], training=training
            )
            return out, cache, {"running_mean": mean, "running_var": var} if training else {}
        case "prelu":
            out, cache = activations.prelu_forward(x, arrays["weight"])
        case "dropout":
            out, cache = dropout_forward(x, p=layer["p"], training=training, rng=rng)
        case "flatten":
            out, cache = namespace(x).reshape(x, (x.shape[0], -1)), x.shape
        case _:
            out, cache = _PLAIN[kind][0](x, **keys)
    return out, cache, {}


def layer_backward(kind: str, dout: Array, cache: Any) -> tuple[Array, Arrays]:
    """Return (dx, gradients under PyTorch's names) of one layer."""
    match kind:
        case "conv2d":
            return _conv_backward(dout, cache)
        case "linear":
            inner, has_bias = cache
            dx, dweight, dbias = linear_backward(dout, inner)
            return _named((dx, dweight, dbias if has_bias else None))
        case "batch_norm" | "batch_norm2d":
            return _named(_BATCH_NORM[kind][1](dout, cache))
        case "prelu":
            return _named(activations.prelu_backward(dout, cache))
        case "dropout":
            return dropout_backward(dout, cache), {}
        case "flatten":
            return namespace(dout).reshape(dout, cache), {}
        case _:
            return _PLAIN[kind][1](dout, cache), {}


def _named(gradients: tuple[Array | None, ...]) -> tuple[Array, Arrays]:
    """Return (dx, the others by name) from (dx, dweight) or (dx, dweight, dbias)."""
    dx, *others = gradients
    return dx, {name: d for name, d in zip(("weight", "bias"), others, strict=False) if d is not None}


def _conv_forward(keys: dict[str, Any], arrays: Arrays, x: Array) -> tuple[Array, Any]:
    """Run a convolution; a border with an odd pixel ("same") is laid round x first."""
    (top, bottom), (left, right) = borders(x.shape[2:], keys)
    uneven = (top, bottom, left, right) if top != bottom or left != right else None
    if uneven:
        n, c, h, w = x.shape
        padded = namespace(x).zeros(
            (n, c, top + h + bottom, left + w + right), dtype=x.dtype, device=array_api_compat.device(x)
        )
        padded[:, :, top : top + h, left : left + w] = x
        x = padded
    out, cache = conv2d_forward(
        x,
        arrays["weight"],
        arrays.get("bias"),
        stride=keys["stride"],
        padding=0 if uneven else (top, left),
        dilation=keys["dilation"],
        groups=keys["groups"],
    )
    return out, (cache, uneven)


def _conv_backward(dout: Array, cache: Any) -> tuple[Array, Arrays]:
    inner, uneven = cache
    dx, gradients = _named(conv2d_backward(dout, inner))
    if uneven:
        top, bottom, left, right = uneven
        dx = dx[:, :, top : dx.shape[2] - bottom, left : dx.shape[3] - right]
    return dx, gradients
