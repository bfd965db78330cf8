"""Count what a network costs before it exists: shapes, parameters, multiplications, receptive field.

A network is a list of layer descriptions, plain dicts such as ``{"kind": "conv2d", "out_channels": 8,
"kernel_size": 3}`` (see descriptions.py). Knows no array.
"""

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

from solutions.arrays import count
from solutions.descriptions import Layer, complete_all

Shape: TypeAlias = tuple[int, ...]


def borders(size: Sequence[int], layer: Layer) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the pixels that a completed convolution or pooling puts (before, after) along height and width.

    ``"same"`` keeps ceil(size / stride) positions and puts the odd pixel at the end, as TensorFlow does.

    Examples
    --------
    >>> from solutions.descriptions import complete
    >>> borders((32, 32), complete({"kind": "conv2d", "out_channels": 16, "kernel_size": 5, "stride": 2,
    ...                             "padding": "same"}))
    ((1, 2), (1, 2))
    """
    if layer["padding"] != "same":
        high, wide = layer["padding"]
        return (high, high), (wide, wide)
    totals = [
        max((-(-n // s) - 1) * s + field - n, 0)
        for n, s, field in zip(size, layer["stride"], _reach(layer), strict=True)
    ]
    vertical, horizontal = ((total // 2, total - total // 2) for total in totals)
    return vertical, horizontal


def output_shapes(layers: Sequence[Layer], input_shape: Sequence[int]) -> list[Shape]:
    """Return the shape after each layer, without the batch dimension.

    A window of K pixels, D apart, over H pixels with border P finds ``(H + 2P - D (K - 1) - 1) // S + 1`` places.

    Parameters
    ----------
    layers : sequence of layer descriptions
        See `solutions.descriptions.KEYS`.
    input_shape : sequence of int
        (C, H, W) of one image, or (features,).

    Returns
    -------
    list of tuple
        One shape a layer: (C, H, W) for feature maps, (features,) after ``flatten`` or global pooling.

    Raises
    ------
    ValueError
        If a description is wrong or a layer does not fit what it is given.

    Examples
    --------
    >>> output_shapes([{"kind": "conv2d", "out_channels": 6, "kernel_size": 5}, {"kind": "flatten"}], (1, 32, 32))
    [(6, 28, 28), (4704,)]
    """
    return [after for _, _, after in _walk(layers, input_shape)]


def parameter_count(layers: Sequence[Layer], input_shape: Sequence[int], *, stored: bool = False) -> int:
    """Return how many numbers the network learns, biases included.

    Convolution ``C_out (C_in / groups · KH · KW + 1)``, linear ``C_out (C_in + 1)``, batch normalisation 2 a
    feature map (scale and shift), PReLU 1 a feature map (its slope).

    Parameters
    ----------
    layers, input_shape
        As in `output_shapes`.
    stored : bool
        Count the running mean and variance of batch normalisation too: with them NYU's 4K for K feature maps.

    Examples
    --------
    GT's example: four 3×3 filters over three channels.

    >>> parameter_count([{"kind": "conv2d", "out_channels": 4, "kernel_size": 3}], (3, 32, 32))
    112
    """
    return sum(
        sum(prod(shape) for shape in parameter_shapes(layer, before, stored=stored).values())
        for layer, before, _ in _walk(layers, input_shape)
    )


def parameter_shapes(layer: Layer, input_shape: Sequence[int], *, stored: bool = False) -> dict[str, Shape]:
    """Return the shape of each learned array of one completed layer, under PyTorch's names.

    Examples
    --------
    >>> from solutions.descriptions import complete
    >>> parameter_shapes(complete({"kind": "linear", "out_features": 10}), (84,))
    {'weight': (10, 84), 'bias': (10,)}
    """
    features = input_shape[0]
    match layer["kind"]:
        case "conv2d":
            shapes = {"weight": (layer["out_channels"], features // layer["groups"], *layer["kernel_size"])}
        case "linear":
            shapes = {"weight": (layer["out_features"], features)}
        case "batch_norm" | "batch_norm2d":
            names = ("weight", "bias", "running_mean", "running_var") if stored else ("weight", "bias")
            return dict.fromkeys(names, (features,))
        case "prelu":
            return {"weight": (features,)}
        case _:
            return {}
    return shapes | {"bias": shapes["weight"][:1]} if layer["bias"] else shapes


def multiplication_count(layers: Sequence[Layer], input_shape: Sequence[int]) -> int:
    """Return how many products one image costs in convolutions and linear layers.

    Each weight of a convolution is used once at each of the ``OH · OW`` places, each weight of a linear layer
    once. Biases add and cost no product; pooling, activations and normalisation are left out, as is usual.

    Examples
    --------
    NYU's 7×7 layer from 16 to 16 channels of 256×256 pixels.

    >>> layer = {"kind": "conv2d", "out_channels": 16, "kernel_size": 7, "padding": 3}
    >>> multiplication_count([layer], (16, 256, 256))
    822083584
    """
    total = 0
    for layer, before, after in _walk(layers, input_shape):
        if layer["kind"] in ("conv2d", "linear"):
            places = prod(after[1:])  # 1 for a linear layer
            total += places * prod(parameter_shapes(layer, before)["weight"])
    return total


def receptive_field(layers: Sequence[Layer]) -> tuple[int, int]:
    """Return the (height, width) of the input region that one pixel of the last feature map sees.

    BZU's recursion ``r = 1 + Σ_l (k_l - 1) Π_{i<l} s_i``: a window widens the field by kernel - 1 steps of the
    *jump*, the distance in the input between neighbouring pixels of the current map. Pooling has a window and a
    stride like any other layer; dilation D makes a kernel reach ``D (K - 1) + 1`` pixels. Layers without windows
    change nothing. The walk ends at the first layer that sees the whole image: ``flatten``, ``linear`` or
    ``global_avg_pool2d``. The field may be larger than the image: the rest is padding.

    Examples
    --------
    NYU's three 3×3 convolutions with stride 2.

    >>> layer = {"kind": "conv2d", "out_channels": 1, "kernel_size": 3, "stride": 2}
    >>> [receptive_field([layer] * depth) for depth in (1, 2, 3)]
    [(3, 3), (7, 7), (15, 15)]
    """
    field, jump = [1, 1], [1, 1]
    for layer in complete_all(layers):
        if layer["kind"] in ("flatten", "linear", "global_avg_pool2d"):
            break
        if "kernel_size" in layer:
            for axis in (0, 1):
                field[axis] += (_reach(layer)[axis] - 1) * jump[axis]
                jump[axis] *= layer["stride"][axis]
    return field[0], field[1]


def _reach(layer: Layer) -> tuple[int, int]:
    """Return the pixels from the first to the last that the (dilated) window touches, along height and width."""
    (high, wide), (down, right) = layer["kernel_size"], layer.get("dilation", (1, 1))
    return down * (high - 1) + 1, right * (wide - 1) + 1


def _walk(layers: Sequence[Layer], input_shape: Sequence[int]) -> list[tuple[dict[str, Any], Shape, Shape]]:
    """Return (completed layer, shape before, shape after) for each layer."""
    if not isinstance(input_shape, Sequence) or len(input_shape) not in (1, 3):
        raise ValueError(f"input_shape must be (channels, height, width) or (features,), got {input_shape!r}")
    shape: Shape = tuple(count(n, "input_shape", minimum=1) for n in input_shape)
    steps = []
    for position, layer in enumerate(complete_all(layers)):
        after = _shape_after(layer, shape, f"layers[{position}]")
        steps.append((layer, shape, after))
        shape = after
    return steps


def _shape_after(layer: Layer, shape: Shape, name: str) -> Shape:
    kind = layer["kind"]
    needed = 3 if kind.endswith("2d") else 1 if kind in ("linear", "batch_norm", "softmax") else len(shape)
    if len(shape) != needed:
        wanted = "feature maps (C, H, W)" if needed == 3 else "a row of features (put a flatten before it)"
        raise ValueError(f"{name}: {kind} needs {wanted}, got shape {shape}")
    match kind:
        case "conv2d" | "max_pool2d" | "avg_pool2d":
            channels = layer.get("out_channels", shape[0])
            groups = layer.get("groups", 1)
            if shape[0] % groups or channels % groups:
                raise ValueError(
                    f"{name}: groups={groups} must divide the {shape[0]} channels in and the {channels} out"
                )
            return (channels, *_places(layer, shape[1:], name))
        case "global_avg_pool2d":
            return shape[:1]
        case "flatten":
            return (prod(shape),)
        case "linear":
            return (layer["out_features"],)
        case _:
            return shape


def _places(layer: Layer, size: Shape, name: str) -> tuple[int, int]:
    """Return how many places the window finds along height and width."""
    padded = [n + before + after for n, (before, after) in zip(size, borders(size, layer), strict=True)]
    reach = _reach(layer)
    if reach[0] > padded[0] or reach[1] > padded[1]:
        raise ValueError(f"{name}: a window of {reach} pixels is larger than the padded input {tuple(padded)}")
    rows, columns = ((n - r) // s + 1 for n, r, s in zip(padded, reach, layer["stride"], strict=True))
    return rows, columns
