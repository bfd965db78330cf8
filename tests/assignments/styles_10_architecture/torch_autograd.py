"""PyTorch builds the network: shapes by running it without data, counts by its parameters, fields by its gradient."""

import torch
import torch.nn.functional as F
from torch import nn


def _pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


class _Same(nn.Module):
    """A strided convolution with padding "same", which PyTorch leaves to the caller."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        pads = []
        for axis in (1, 0):
            k, s, d = (getattr(self.conv, key)[axis] for key in ("kernel_size", "stride", "dilation"))
            total = max((-(-x.shape[2 + axis] // s) - 1) * s + d * (k - 1) + 1 - x.shape[2 + axis], 0)
            pads += [total // 2, total - total // 2]
        return self.conv(F.pad(x, pads))


def _module(layer, shape):
    keys = {k: v for k, v in layer.items() if k != "kind"}
    match layer["kind"]:
        case "conv2d":
            same = keys.get("padding") == "same"
            keys |= {"padding": 0} if same else {}
            conv = nn.Conv2d(shape[0], device="meta", **keys)
            return _Same(conv) if same else conv
        case "linear":
            return nn.Linear(shape[0], device="meta", **keys)
        case "max_pool2d":
            return nn.MaxPool2d(**keys)
        case "avg_pool2d":
            return nn.AvgPool2d(**keys)
        case "global_avg_pool2d":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "flatten":
            return nn.Flatten()
        case "batch_norm2d":
            return nn.BatchNorm2d(shape[0], device="meta").eval()
        case "batch_norm":
            return nn.BatchNorm1d(shape[0], device="meta").eval()
        case "prelu":
            return nn.PReLU(shape[0], device="meta")
    return nn.Identity()


def _modules(layers, input_shape):
    """(module, shape after) for each layer."""
    x = torch.empty(1, *input_shape, device="meta")
    for layer in layers:
        module = _module(layer, x.shape[1:])
        x = module(x)
        yield module, tuple(x.shape[1:])


def output_shapes(layers, input_shape):
    return [shape for _, shape in _modules(layers, input_shape)]


def parameter_count(layers, input_shape, *, stored=False):
    modules = [module for module, _ in _modules(layers, input_shape)]
    kept = [b for m in modules for b in m.buffers() if b.dim()] if stored else []  # not the number of batches
    return sum(p.numel() for m in modules for p in m.parameters()) + sum(b.numel() for b in kept)


def multiplication_count(layers, input_shape):
    total = 0
    for module, shape in _modules(layers, input_shape):
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                total += part.weight.numel() * (shape[1] * shape[2] if len(shape) == 3 else 1)
    return total


def receptive_field(layers):
    field = []
    for axis in (0, 1):
        x = row = torch.ones(1, 1, 3000, dtype=torch.float64, requires_grad=True)
        for layer in layers:
            if layer["kind"] in ("flatten", "linear", "global_avg_pool2d"):
                break
            if "kernel_size" in layer:
                kernel = _pair(layer["kernel_size"])[axis]
                default = 1 if layer["kind"] == "conv2d" else kernel
                stride = default if layer.get("stride") is None else _pair(layer["stride"])[axis]
                taps = torch.full((1, 1, kernel), 1 / kernel, dtype=torch.float64)
                x = F.conv1d(x, taps, stride=stride, dilation=_pair(layer.get("dilation", 1))[axis])
        (gradient,) = torch.autograd.grad(x[0, 0, 0], row)
        seen = gradient[0, 0].nonzero()
        field.append(int(seen.max() - seen.min()) + 1)
    return tuple(field)


def conv_pool_linear_counts(height, width, *, filters, kernel_size, pool_size, outputs):
    front = nn.Sequential(nn.Conv2d(1, filters, kernel_size), nn.MaxPool2d(pool_size), nn.Flatten())
    network = nn.Sequential(front, nn.Linear(front(torch.zeros(1, 1, height, width)).shape[1], outputs))
    return sum(p.numel() for p in network.parameters()), kernel_size + pool_size - 1


def denoising_counts(channels, widths, kernel_sizes):
    maps = (channels, *widths, channels)
    layers = [nn.Conv2d(i, o, k) for i, o, k in zip(maps, maps[1:], kernel_sizes)]
    plan = [{"kind": "conv2d", "out_channels": 1, "kernel_size": k} for k in kernel_sizes]
    return (
        tuple(sum(p.numel() for p in layer.parameters()) for layer in layers),
        tuple(receptive_field(plan[: n + 1])[0] for n in range(3)),
    )


def denoise(h, b, z):
    return F.conv2d(torch.tensor(z), torch.tensor(h), torch.tensor(b), padding="same")


def denoising_loss(h, b, z, target):
    h, b = torch.tensor(h, requires_grad=True), torch.tensor(b, requires_grad=True)
    value = F.mse_loss(F.conv2d(torch.tensor(z), h, b, padding="same"), torch.tensor(target))
    return value.detach(), *torch.autograd.grad(value, (h, b))


def design_network():
    """Three channels first, then each map by itself: cheap and far."""
    layers = [{"kind": "conv2d", "out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}]
    for _ in range(4):
        layers += [
            {"kind": "conv2d", "out_channels": 16, "kernel_size": 3, "groups": 16, "padding": 1},
            {"kind": "conv2d", "out_channels": 16, "kernel_size": 1},
            {"kind": "relu"},
            {"kind": "max_pool2d", "kernel_size": 2},
        ]
    return [*layers, {"kind": "flatten"}, {"kind": "linear", "out_features": 10}]


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
