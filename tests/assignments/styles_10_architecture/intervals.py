"""Intervals of pixels: places by `range`, the field by following its two ends down; filters as one matrix product."""

import numpy as np

WHOLE = {"flatten", "linear", "global_avg_pool2d"}


def _axis(layer, axis):
    def take(key, default):
        value = layer.get(key, default)
        value = layer["kernel_size"] if value is None else value
        return value[axis] if isinstance(value, tuple | list) else value

    stride = take("stride", 1 if layer["kind"] == "conv2d" else None)
    return take("kernel_size", None), stride, take("dilation", 1), take("padding", 0)


def _places(size, kernel, stride, dilation, padding):
    if padding == "same":
        return len(range(0, size, stride))
    last = size + 2 * padding - dilation * (kernel - 1)
    return len(range(0, last, stride))


class Net:
    def __init__(self, layers, shape):
        self.layers, self.shapes = layers, [tuple(shape)]
        for layer in layers:
            self.shapes.append(tuple(getattr(self, layer["kind"], self.same)(layer, self.shapes[-1])))

    def same(self, layer, shape):
        return shape

    def conv2d(self, layer, shape):
        sizes = (_places(n, *_axis(layer, axis)) for axis, n in enumerate(shape[1:]))
        return layer.get("out_channels", shape[0]), *sizes

    max_pool2d = avg_pool2d = conv2d

    def flatten(self, layer, shape):
        return (int(np.prod(shape)),)

    def linear(self, layer, shape):
        return (layer["out_features"],)

    def global_avg_pool2d(self, layer, shape):
        return shape[:1]

    def weights(self):
        """The shape of each layer's weights, empty where it has none."""
        for layer, shape in zip(self.layers, self.shapes):
            if layer["kind"] == "conv2d":
                kernel = [_axis(layer, axis)[0] for axis in (0, 1)]
                yield (layer["out_channels"], shape[0] // layer.get("groups", 1), *kernel)
            else:
                yield (layer["out_features"], shape[0]) if layer["kind"] == "linear" else ()


def output_shapes(layers, input_shape):
    return tuple(Net(layers, input_shape).shapes[1:])


def parameter_count(layers, input_shape, *, stored=False):
    net, total = Net(layers, input_shape), 0
    for layer, shape, weights in zip(layers, net.shapes, net.weights()):
        if weights:
            total += int(np.prod(weights)) + (weights[0] if layer.get("bias", True) else 0)
        elif layer["kind"] == "prelu":
            total += shape[0]
        elif layer["kind"].startswith("batch_norm"):
            total += shape[0] * (2 + 2 * stored)
    return total


def multiplication_count(layers, input_shape):
    net = Net(layers, input_shape)
    return sum(int(np.prod(w)) * int(np.prod(after[1:])) for w, after in zip(net.weights(), net.shapes[1:]) if w)


def receptive_field(layers):
    depth = next((n for n, layer in enumerate(layers) if layer["kind"] in WHOLE), len(layers))
    field = []
    for axis in (0, 1):
        first = last = 0
        for layer in reversed(layers[:depth]):
            if "kernel_size" in layer:
                kernel, stride, dilation, _ = _axis(layer, axis)
                first, last = first * stride, last * stride + dilation * (kernel - 1)
        field.append(last - first + 1)
    return field


def conv_pool_linear_counts(height, width, *, filters, kernel_size, pool_size, outputs):
    layers = [{"kind": "conv2d", "out_channels": filters, "kernel_size": kernel_size},
              {"kind": "avg_pool2d", "kernel_size": pool_size},
              {"kind": "flatten"},
              {"kind": "linear", "out_features": outputs}]  # fmt: skip
    return parameter_count(layers, [1, height, width]), receptive_field(layers)[1]


def denoising_counts(channels, widths, kernel_sizes):
    ins, outs = [channels, *widths], [*widths, channels]
    parameters = [o + o * i * k**2 for i, o, k in zip(ins, outs, kernel_sizes)]
    fields = [sum(kernel_sizes[: n + 1]) - n for n in range(3)]
    return parameters, fields


def _columns(h, z):
    """(J·KH·KW, N·H·W): what every window meets."""
    p, q = h.shape[2] // 2, h.shape[3] // 2
    padded = np.pad(z, ((0, 0), (0, 0), (p, p), (q, q)))
    rows = np.arange(h.shape[2])[:, None] + np.arange(z.shape[2])
    columns = np.arange(h.shape[3])[:, None] + np.arange(z.shape[3])
    met = padded[:, :, rows[:, None, :, None], columns[None, :, None, :]]  # n j p q h w
    return met.transpose(1, 2, 3, 0, 4, 5).reshape(h[0].size, -1)


def denoise(h, b, z):
    flat = h.reshape(len(h), -1) @ _columns(h, z) + b[:, None]
    return flat.reshape(len(h), len(z), *z.shape[2:]).swapaxes(0, 1)


def denoising_loss(h, b, z, target):
    error = (denoise(h, b, z) - target).swapaxes(0, 1).reshape(len(h), -1)
    slope = 2 * error / error.size
    return (
        (error * error).sum() / error.size,
        (slope @ _columns(h, z).T).reshape(h.shape),
        slope @ np.ones(slope.shape[1]),
    )


def design_network():
    def conv(maps, **keys):
        return {"kind": "conv2d", "out_channels": maps, "kernel_size": 3, "padding": 1, **keys}

    first = [conv(8, stride=2), {"kind": "relu"}, {"kind": "max_pool2d", "kernel_size": 2}]
    return (*first, *[conv(16), {"kind": "relu"}] * 2, {"kind": "max_pool2d", "kernel_size": 3, "stride": 2},
            conv(16), {"kind": "flatten"}, {"kind": "linear", "out_features": 1},
            {"kind": "linear", "out_features": 10})  # fmt: skip


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
