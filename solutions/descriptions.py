"""What a layer description is, checked in this one place, and the course's networks as lists of them.

A description is a plain dict, so that it travels as data: ``{"kind": "conv2d", "out_channels": 8, "kernel_size": 3}``.
`KEYS` lists every kind with its keys and defaults (PyTorch's names). Knows no array and counts nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from solutions.arrays import count, number, pair

Layer: TypeAlias = Mapping[str, Any]

REQUIRED = "required"
_POOL = {"kernel_size": REQUIRED, "stride": None, "padding": 0}
KEYS: dict[str, dict[str, Any]] = {
    "conv2d": {
        "out_channels": REQUIRED,
        "kernel_size": REQUIRED,
        "stride": 1,
        "padding": 0,  # an int, a pair, or "same": ceil(size / stride) places, the odd border pixel at the end
        "dilation": 1,
        "groups": 1,
        "bias": True,
    },
    "max_pool2d": _POOL,  # stride None: the kernel size
    "avg_pool2d": _POOL,
    "global_avg_pool2d": {},
    "batch_norm2d": {},
    "batch_norm": {},
    "flatten": {},
    "linear": {"out_features": REQUIRED, "bias": True},
    "dropout": {"p": 0.5},
    "sigmoid": {},
    "tanh": {},
    "relu": {},
    "leaky_relu": {"slope": 0.01},
    "prelu": {},
    "elu": {"alpha": 1.0},
    "softplus": {},
    "swish": {"beta": 1.0},
    "softmax": {},
}


def complete(layer: Layer, name: str = "layer") -> dict[str, Any]:
    """Return the description with every key filled in: defaults, and sizes as (height, width) pairs.

    Parameters
    ----------
    layer : mapping
        A description; see `KEYS`.
    name : str
        What to call it in errors, for example ``"layers[2]"``.

    Raises
    ------
    ValueError
        If the kind or a key is unknown, a required key is missing, or a value is out of range.

    Examples
    --------
    >>> complete({"kind": "max_pool2d", "kernel_size": 2})
    {'kind': 'max_pool2d', 'kernel_size': (2, 2), 'stride': (2, 2), 'padding': (0, 0)}
    """
    kind = layer.get("kind") if isinstance(layer, Mapping) else None
    if not isinstance(kind, str) or kind not in KEYS:
        raise ValueError(f"{name} must be a dict whose 'kind' is one of {', '.join(KEYS)}; got {layer!r}")
    keys = KEYS[kind]
    unknown = [key for key in layer if key != "kind" and key not in keys]
    if unknown:
        raise ValueError(f"{name}: {kind} has no key {unknown[0]!r} (expected {', '.join(keys) or 'none'})")
    full = {"kind": kind, **keys, **layer}
    return {"kind": kind} | {key: _checked(key, full, f"{name}: {key}") for key in keys}


def complete_all(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return every description of a list completed; errors say which one is wrong (``layers[2]``)."""
    is_list = isinstance(layers, Sequence) and not isinstance(layers, str)
    if not is_list:
        raise ValueError(f"layers must be a list of layer descriptions, got {layers!r}")
    return [complete(layer, f"layers[{position}]") for position, layer in enumerate(layers)]


def _checked(key: str, layer: Layer, name: str) -> Any:
    """Return the value of one key, sizes as pairs, or raise a ValueError that calls it ``name``."""
    value = layer[key]
    if value is REQUIRED:
        raise ValueError(f"{name} is missing: {layer['kind']} needs it")
    match key:
        case "out_channels" | "out_features" | "groups":
            return count(value, name, minimum=1)
        case "kernel_size" | "stride" | "dilation":
            return pair(layer["kernel_size"] if key == "stride" and value is None else value, name, minimum=1)
        case "padding":
            if value == "same" and layer["kind"] == "conv2d":
                return value
            value = pair(value, name, minimum=0)
            kernel = pair(layer["kernel_size"], "kernel_size", minimum=1)
            if layer["kind"] != "conv2d" and (2 * value[0] > kernel[0] or 2 * value[1] > kernel[1]):
                raise ValueError(f"{name} must be at most half of kernel_size {kernel}, got {value}")
        case "bias":
            if value is not True and value is not False:
                raise ValueError(f"{name} must be True or False, got {value!r}")
        case "p":
            number(value, name, minimum=0, maximum=1)
        case _:  # slope, alpha, beta
            number(value, name)
    return value


def conv(out_channels: int, kernel_size: int, **keys: Any) -> dict[str, Any]:
    """Return a convolution's description: ``conv(8, 3, padding=1)``."""
    return {"kind": "conv2d", "out_channels": out_channels, "kernel_size": kernel_size, **keys}


def linear(out_features: int) -> dict[str, Any]:
    """Return a linear layer's description."""
    return {"kind": "linear", "out_features": out_features}


_RELU, _TANH, _FLATTEN, _DROPOUT = ({"kind": kind} for kind in ("relu", "tanh", "flatten", "dropout"))
_NORM = {"kind": "batch_norm2d"}
_AVERAGE, _MAX = ({"kind": kind, "kernel_size": 2} for kind in ("avg_pool2d", "max_pool2d"))
_MAX_OVERLAPPING = {"kind": "max_pool2d", "kernel_size": 3, "stride": 2}

# LeCun et al. 1998, for 1×32×32, as it is usually rebuilt: every map of C3 sees every map of S2, and the
# subsampling S2, S4 learns nothing.
LENET5: list[Layer] = [
    *(conv(6, 5), _TANH, _AVERAGE, conv(16, 5), _TANH, _AVERAGE, conv(120, 5), _TANH),
    *(_FLATTEN, linear(84), _TANH, linear(10)),
]

# The same plan with what came later: batch normalisation before ReLU (so no bias), max pooling, dropout.
# A border of 2 lets it take MNIST's 1×28×28; wider images fit too.
LENET5_BATCH_NORM: list[Layer] = [
    *(conv(16, 5, padding=2, bias=False), _NORM, _RELU, _MAX, conv(32, 5, bias=False), _NORM, _RELU, _MAX),
    *(_FLATTEN, linear(120), {"kind": "batch_norm"}, _RELU, _DROPOUT, linear(10)),
]

# scikit-learn's digits, 1×8×8: three 3×3 convolutions and two poolings see 12×12, the whole image and its border.
DIGITS: list[Layer] = [
    *(conv(16, 3, padding=1, bias=False), _NORM, _RELU, conv(32, 3, padding=1, bias=False), _NORM, _RELU, _MAX),
    *(conv(64, 3, padding=1, bias=False), _NORM, _RELU, _MAX, _FLATTEN, _DROPOUT, linear(10)),
]

# Krizhevsky, Sutskever, Hinton 2012, for 3×227×227: groups of 2 are its two GPUs. Its local response
# normalisation has no parameters and is left out.
ALEXNET: list[Layer] = [
    *(conv(96, 11, stride=4), _RELU, _MAX_OVERLAPPING),
    *(conv(256, 5, padding=2, groups=2), _RELU, _MAX_OVERLAPPING),
    *(conv(384, 3, padding=1), _RELU, conv(384, 3, padding=1, groups=2), _RELU),
    *(conv(256, 3, padding=1, groups=2), _RELU, _MAX_OVERLAPPING, _FLATTEN),
    *(linear(4096), _RELU, _DROPOUT, linear(4096), _RELU, _DROPOUT, linear(1000)),
]

# Simonyan and Zisserman 2014, configuration D, for 3×224×224: 3×3 throughout, the width doubles as the map halves.
VGG16: list[Layer] = [
    *(
        layer
        for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
        for layer in [conv(width, 3, padding=1), _RELU] * depth + [_MAX]
    ),
    *(_FLATTEN, linear(4096), _RELU, _DROPOUT, linear(4096), _RELU, _DROPOUT, linear(1000)),
]

# The same idea in small for CIFAR-10's 3×32×32, with batch normalisation.
CIFAR10: list[Layer] = [
    *(layer for width in (32, 64, 128) for layer in [conv(width, 3, padding=1, bias=False), _NORM, _RELU] * 2 + [_MAX]),
    *(_FLATTEN, _DROPOUT, linear(10)),
]
