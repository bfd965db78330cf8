"""Rows and columns together in NumPy arrays, one record a layer; the filters by shifted slices, tap by tap."""

import numpy as np


def _both(value):
    return np.broadcast_to(np.asarray(value), 2)


def _records(layers, shape):
    """(layer, shape before, shape after, weights) as arrays."""
    shape = np.asarray(shape)
    for layer in layers:
        after, weights = shape, 0
        if "kernel_size" in layer:
            kernel = _both(layer["kernel_size"])
            stride = layer.get("stride") or (1 if "out_channels" in layer else kernel)
            reach = _both(layer.get("dilation", 1)) * (kernel - 1) + 1
            padding = layer.get("padding", 0)
            room = shape[1:] - 1 if isinstance(padding, str) else shape[1:] + 2 * _both(padding) - reach
            places = 1 + room // _both(stride)
            after = np.array([layer.get("out_channels", shape[0]), *places])
            if "out_channels" in layer:
                weights = after[0] * shape[0] * kernel.prod() // layer.get("groups", 1)
        elif layer["kind"] == "flatten":
            after = shape.prod(keepdims=True)
        elif layer["kind"] == "global_avg_pool2d":
            after = shape[:1]
        elif "out_features" in layer:
            after = np.array([layer["out_features"]])
            weights = after[0] * shape[0]
        yield layer, shape, after, weights
        shape = after


def output_shapes(layers, input_shape):
    return [after for _, _, after, _ in _records(layers, input_shape)]


def parameter_count(layers, input_shape, *, stored=False):
    each = {"batch_norm": 4 if stored else 2, "batch_norm2d": 4 if stored else 2, "prelu": 1}
    return sum(
        weights + each.get(layer["kind"], 0) * before[0] + (after[0] if weights and layer.get("bias", True) else 0)
        for layer, before, after, weights in _records(layers, input_shape)
    )


def multiplication_count(layers, input_shape):
    return sum(weights * after[1:].prod() for _, _, after, weights in _records(layers, input_shape))


def receptive_field(layers):
    kinds = [layer["kind"] for layer in layers]
    end = min([kinds.index(k) for k in ("flatten", "linear", "global_avg_pool2d") if k in kinds], default=len(kinds))
    seen = [layer for layer in layers[:end] if "kernel_size" in layer]
    strides = [_both(x.get("stride") or (1 if "out_channels" in x else x["kernel_size"])) for x in seen]
    jumps = np.cumprod([np.ones(2, int), *strides], axis=0)[:-1]
    gaps = np.array([_both(x.get("dilation", 1)) * (_both(x["kernel_size"]) - 1) for x in seen]).reshape(-1, 2)
    return 1 + (gaps * jumps).sum(axis=0)


def conv_pool_linear_counts(height, width, *, filters, kernel_size, pool_size, outputs):
    pooled = (np.array([height, width]) - kernel_size + 1) // pool_size
    learned = np.array([filters * kernel_size**2, filters, outputs * filters * pooled.prod(), outputs])
    return learned.sum(), kernel_size - 1 + pool_size


def denoising_counts(channels, widths, kernel_sizes):
    maps, kernels = np.array([channels, *widths, channels]), np.array(kernel_sizes)
    return maps[1:] * (maps[:-1] * kernels**2 + 1), np.cumsum(kernels - 1) + 1


def _shifted(h, z):
    """(p, q, z as tap (p, q) meets it) for each tap."""
    (high, wide), (rows, columns) = h.shape[2:], z.shape[2:]
    padded = np.zeros((*z.shape[:2], rows + high - 1, columns + wide - 1))
    padded[:, :, high // 2 : high // 2 + rows, wide // 2 : wide // 2 + columns] = z
    for p in range(high):
        for q in range(wide):
            yield p, q, padded[:, :, p : p + rows, q : q + columns]


def denoise(h, b, z):
    out = np.zeros((len(z), len(b), *z.shape[2:])) + b.reshape(-1, 1, 1)
    for p, q, met in _shifted(h, z):
        out += np.tensordot(met, h[:, :, p, q], axes=(1, 1)).transpose(0, 3, 1, 2)
    return out


def denoising_loss(h, b, z, target):
    error = denoise(h, b, z) - target
    slope = error * (2 / error.size)
    dh = np.empty_like(h)
    for p, q, met in _shifted(h, z):
        dh[:, :, p, q] = np.tensordot(slope, met, axes=((0, 2, 3), (0, 2, 3)))
    return np.square(error).mean(), dh, slope.sum(axis=(0, 2, 3))


def design_network():
    sizes = np.array([6, 12, 16, 16, 16])
    layers = []
    for n, maps in enumerate(sizes):
        layers.append({"kind": "conv2d", "out_channels": maps, "kernel_size": np.array([3, 3]), "padding": 1})
        layers.append({"kind": "relu"})
        if n < 4:
            layers.append({"kind": "avg_pool2d", "kernel_size": np.int64(2)})
    return [*layers, {"kind": "global_avg_pool2d"}, {"kind": "linear", "out_features": 10}]


IMAGE = (3, 49, 67)
NETWORK = [
    {"kind": "conv2d", "out_channels": 6, "kernel_size": (5, 7), "stride": 2, "padding": 2},
    {"kind": "relu"},
    {"kind": "max_pool2d", "kernel_size": 2, "stride": 2},
    {"kind": "conv2d", "out_channels": 12, "kernel_size": 3, "padding": 1, "bias": False},
    {"kind": "batch_norm2d"},
    {"kind": "relu"},
    {"kind": "conv2d", "out_channels": 14, "kernel_size": 3, "dilation": 3},
    {"kind": "relu"},
    {"kind": "flatten"},
    {"kind": "linear", "out_features": 34},
    {"kind": "relu"},
    {"kind": "linear", "out_features": 9},
]


def my_output_shape():
    return output_shapes(NETWORK, IMAGE)[7]


def my_parameter_count():
    return parameter_count(NETWORK, IMAGE)


def my_multiplication_count():
    return multiplication_count(NETWORK, IMAGE)


def my_receptive_field():
    return receptive_field(NETWORK[:8])
