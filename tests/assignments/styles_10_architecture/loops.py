"""Plain loops and conditions, one layer after the other, as a beginner writes them."""


def _pair(value):
    if isinstance(value, int):
        return (value, value)
    return tuple(value)


def _window(layer):
    kernel = _pair(layer["kernel_size"])
    if layer["kind"] == "conv2d":
        return kernel, _pair(layer.get("stride", 1)), _pair(layer.get("dilation", 1))
    stride = layer.get("stride")
    return kernel, kernel if stride is None else _pair(stride), (1, 1)


def _after(layer, shape):
    kind = layer["kind"]
    if kind in ("conv2d", "max_pool2d", "avg_pool2d"):
        kernel, stride, dilation = _window(layer)
        size = []
        for axis in range(2):
            if layer.get("padding") == "same":
                places = (shape[1 + axis] + stride[axis] - 1) // stride[axis]
            else:
                padding = _pair(layer.get("padding", 0))[axis]
                places = 0
                start = 0
                while start + dilation[axis] * (kernel[axis] - 1) < shape[1 + axis] + 2 * padding:
                    places += 1
                    start += stride[axis]
            size.append(places)
        return (layer.get("out_channels", shape[0]), size[0], size[1])
    if kind == "flatten":
        total = 1
        for n in shape:
            total *= n
        return (total,)
    if kind == "global_avg_pool2d":
        return (shape[0],)
    if kind == "linear":
        return (layer["out_features"],)
    return tuple(shape)


def output_shapes(layers, input_shape):
    shapes = []
    shape = tuple(input_shape)
    for layer in layers:
        shape = _after(layer, shape)
        shapes.append(shape)
    return shapes


def _weights(layer, shape):
    if layer["kind"] == "conv2d":
        high, wide = _pair(layer["kernel_size"])
        return layer["out_channels"] * (shape[0] // layer.get("groups", 1)) * high * wide
    return layer["out_features"] * shape[0]


def parameter_count(layers, input_shape, *, stored=False):
    total = 0
    shape = tuple(input_shape)
    for layer in layers:
        kind = layer["kind"]
        after = _after(layer, shape)
        if kind in ("conv2d", "linear"):
            total += _weights(layer, shape)
            if layer.get("bias", True):
                total += after[0]
        elif kind in ("batch_norm", "batch_norm2d"):
            total += 4 * shape[0] if stored else 2 * shape[0]
        elif kind == "prelu":
            total += shape[0]
        shape = after
    return total


def multiplication_count(layers, input_shape):
    total = 0
    shape = tuple(input_shape)
    for layer in layers:
        after = _after(layer, shape)
        if layer["kind"] == "conv2d":
            total += _weights(layer, shape) * after[1] * after[2]
        elif layer["kind"] == "linear":
            total += _weights(layer, shape)
        shape = after
    return total


def receptive_field(layers):
    field, jump = [1, 1], [1, 1]
    for layer in layers:
        if layer["kind"] in ("flatten", "linear", "global_avg_pool2d"):
            break
        if layer["kind"] in ("conv2d", "max_pool2d", "avg_pool2d"):
            kernel, stride, dilation = _window(layer)
            for axis in range(2):
                field[axis] += dilation[axis] * (kernel[axis] - 1) * jump[axis]
                jump[axis] *= stride[axis]
    return tuple(field)


def conv_pool_linear_counts(height, width, *, filters, kernel_size, pool_size, outputs):
    rows = (height - kernel_size + 1) // pool_size
    columns = (width - kernel_size + 1) // pool_size
    features = filters * rows * columns
    return filters * (kernel_size**2 + 1) + outputs * (features + 1), kernel_size + pool_size - 1


def denoising_counts(channels, widths, kernel_sizes):
    maps = [channels, *widths, channels]
    parameters, fields, field = [], [], 1
    for layer in range(3):
        kernel = kernel_sizes[layer]
        parameters.append(maps[layer + 1] * (maps[layer] * kernel * kernel + 1))
        field += kernel - 1
        fields.append(field)
    return tuple(parameters), tuple(fields)


def denoise(h, b, z):
    images = [[[[0.0] * z.shape[3] for _ in range(z.shape[2])] for _ in b] for _ in z]
    for i in range(z.shape[0]):
        for k in range(h.shape[0]):
            for m in range(z.shape[2]):
                for n in range(z.shape[3]):
                    total = b[k]
                    for j, row, column, p, q in _met(h, z, m, n):
                        total += h[k, j, p, q] * z[i, j, row, column]
                    images[i][k][m][n] = total
    return images


def _met(h, z, m, n):
    """What the window at (m, n) meets: map, row, column, and the tap's two indices."""
    for j in range(h.shape[1]):
        for p in range(h.shape[2]):
            for q in range(h.shape[3]):
                row, column = m + p - h.shape[2] // 2, n + q - h.shape[3] // 2
                if 0 <= row < z.shape[2] and 0 <= column < z.shape[3]:
                    yield j, row, column, p, q


def denoising_loss(h, b, z, target):
    images = denoise(h, b, z)
    value, dh, db = 0.0, 0 * h, 0 * b
    for i in range(z.shape[0]):
        for k in range(h.shape[0]):
            for m in range(z.shape[2]):
                for n in range(z.shape[3]):
                    error = images[i][k][m][n] - target[i, k, m, n]
                    value += error**2 / target.size
                    slope = 2 * error / target.size
                    db[k] += slope
                    for j, row, column, p, q in _met(h, z, m, n):
                        dh[k, j, p, q] += slope * z[i, j, row, column]
    return value, dh, db


def design_network():
    layers = []
    for maps in (8, 16, 16, 16):
        layers.append({"kind": "conv2d", "out_channels": maps, "kernel_size": 3, "padding": 1})
        layers.append({"kind": "prelu"})
        layers.append({"kind": "max_pool2d", "kernel_size": 2})
    layers.append({"kind": "global_avg_pool2d"})
    layers.append({"kind": "linear", "out_features": 10})
    return layers


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
