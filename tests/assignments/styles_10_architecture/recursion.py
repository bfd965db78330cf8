"""Recursion over the list, the field from the last layer back to the image; sliding windows and einsum."""

import math

import numpy as np

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": True}


def _full(layer):
    full = DEFAULTS | layer
    if full["kind"].endswith("pool2d") and layer.get("stride") is None:
        full["stride"] = full.get("kernel_size", 1)
    return {k: (v, v) if k in ("kernel_size", "stride", "dilation", "padding") and isinstance(v, int) else v
            for k, v in full.items()}  # fmt: skip


def _one(layer, shape):
    """Output shape, parameters (learned, stored) and products of one layer."""
    layer = _full(layer)
    match layer:
        case {"kind": "conv2d" | "max_pool2d" | "avg_pool2d", "kernel_size": kernel, "padding": padding}:

            def places(axis):
                step = layer["stride"][axis]
                if padding == "same":
                    return math.ceil(shape[1 + axis] / step)
                reach = layer["dilation"][axis] * (kernel[axis] - 1) + 1
                return math.floor((shape[1 + axis] + 2 * padding[axis] - reach) / step) + 1

            size = places(0), places(1)
            if layer["kind"] != "conv2d":
                return (shape[0], *size), (0, 0), 0
            maps = layer["out_channels"]
            weights = maps * shape[0] * math.prod(kernel) // layer["groups"]
            return (maps, *size), (weights + maps * layer["bias"], 0), weights * math.prod(size)
        case {"kind": "linear", "out_features": units}:
            return (units,), (units * (shape[0] + layer["bias"]), 0), units * shape[0]
        case {"kind": "flatten"}:
            return (math.prod(shape),), (0, 0), 0
        case {"kind": "global_avg_pool2d"}:
            return tuple(shape[:1]), (0, 0), 0
        case {"kind": "batch_norm" | "batch_norm2d"}:
            return tuple(shape), (2 * shape[0], 2 * shape[0]), 0
        case {"kind": "prelu"}:
            return tuple(shape), (shape[0], 0), 0
    return tuple(shape), (0, 0), 0


def output_shapes(layers, input_shape):
    if not layers:
        return []
    first, *rest = layers
    shape = _one(first, input_shape)[0]
    return [shape, *output_shapes(rest, shape)]


def parameter_count(layers, input_shape, *, stored=False):
    if not layers:
        return 0
    shape, (learned, kept), _ = _one(layers[0], input_shape)
    return learned + (kept if stored else 0) + parameter_count(layers[1:], shape, stored=stored)


def multiplication_count(layers, input_shape):
    if not layers:
        return 0
    shape, _, products = _one(layers[0], input_shape)
    return products + multiplication_count(layers[1:], shape)


def receptive_field(layers):
    if not layers or layers[0]["kind"] in ("flatten", "linear", "global_avg_pool2d"):
        return 1, 1
    above = receptive_field(layers[1:])  # in pixels of the first layer's output
    layer = _full(layers[0])
    if "kernel_size" not in layer:
        return above
    return tuple((r - 1) * s + d * (k - 1) + 1
                 for r, k, s, d in zip(above, layer["kernel_size"], layer["stride"], layer["dilation"]))  # fmt: skip


def _classifier(filters, kernel_size, pool_size, outputs):
    return [
        {"kind": "conv2d", "out_channels": filters, "kernel_size": kernel_size},
        {"kind": "max_pool2d", "kernel_size": pool_size},
        {"kind": "flatten"},
        {"kind": "linear", "out_features": outputs},
    ]


def conv_pool_linear_counts(height, width, **sizes):
    layers = _classifier(**sizes)
    return parameter_count(layers, (1, height, width)), receptive_field(layers)[0]


def denoising_counts(channels, widths, kernel_sizes):
    layers = [
        {"kind": "conv2d", "out_channels": maps, "kernel_size": kernel, "padding": "same"}
        for maps, kernel in zip((*widths, channels), kernel_sizes)
    ]
    maps = (channels, *widths)
    return (
        [parameter_count([layer], (c, 8, 8)) for layer, c in zip(layers, maps)],
        [receptive_field(layers[: n + 1])[0] for n in range(3)],
    )


def _windows(h, z):
    p, q = h.shape[2] // 2, h.shape[3] // 2
    padded = np.pad(z, ((0, 0), (0, 0), (p, p), (q, q)))
    return np.lib.stride_tricks.sliding_window_view(padded, h.shape[2:], axis=(2, 3))


def denoise(h, b, z):
    return np.einsum("kjpq,njhwpq->nkhw", h, _windows(h, z)) + b[:, None, None]


def denoising_loss(h, b, z, target):
    error = denoise(h, b, z) - target
    slope = 2 * error / error.size
    return np.mean(error**2), np.einsum("nkhw,njhwpq->kjpq", slope, _windows(h, z)), np.einsum("nkhw->k", slope)


def design_network():
    strided = [
        {"kind": "conv2d", "out_channels": maps, "kernel_size": (3, 3), "stride": 2, "padding": "same", "bias": False}
        for maps in (8, 12, 16, 16, 16)
    ]
    norm = {"kind": "batch_norm2d"}
    return [x for layer in strided for x in (layer, norm)] + [
        {"kind": "global_avg_pool2d"},
        {"kind": "linear", "out_features": 10},
    ]


def my_output_shape():
    # 49 × 67: (49 + 4 - 5) // 2 + 1 = 25 and (67 + 4 - 7) // 2 + 1 = 33; halved 12 × 16; dilated 3 × 3 takes 6 away.
    return [14, 6, 10]


def my_parameter_count():
    convolutions = 6 * 3 * 5 * 7 + 6 + 12 * 6 * 9 + 14 * 12 * 9 + 14
    return convolutions + 2 * 12 + (840 * 34 + 34) + (34 * 9 + 9)


def my_multiplication_count():
    return 25 * 33 * 6 * 105 + 12 * 16 * 12 * 54 + 6 * 10 * 14 * 108 + 840 * 34 + 34 * 9


def my_receptive_field():
    # Kernel 5 × 7 with stride 2; pooling of 2 two pixels apart; then jumps of 4.
    return 5 + 2 + 2 * 4 + 6 * 4, 7 + 2 + 2 * 4 + 6 * 4
