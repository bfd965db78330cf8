"""Networks against PyTorch: modules that PyTorch builds count, compute and learn the same."""

import numpy as np
import pytest

from solutions.architecture import multiplication_count, output_shapes, parameter_count
from solutions.descriptions import (
    ALEXNET,
    CIFAR10,
    DIGITS,
    LENET5,
    LENET5_BATCH_NORM,
    VGG16,
    complete_all,
    conv,
    linear,
)
from solutions.losses import cross_entropy_loss
from solutions.networks import Network
from solutions.optimizers import adamw_step

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

NETWORKS = {
    "lenet-5": (LENET5, (1, 32, 32)),
    "lenet-5-bn": (LENET5_BATCH_NORM, (1, 28, 28)),
    "digits": (DIGITS, (1, 8, 8)),
    "cifar-10": (CIFAR10, (3, 32, 32)),
    "alexnet": (ALEXNET, (3, 227, 227)),
    "vgg-16": (VGG16, (3, 224, 224)),
}
MIXED = [
    *(conv(6, (3, 2), stride=(1, 2), padding=(1, 0)), {"kind": "batch_norm2d"}, {"kind": "leaky_relu", "slope": 0.2}),
    *(conv(4, (3, 2), padding="same", groups=2, bias=False), {"kind": "prelu"}, {"kind": "tanh"}),
    *({"kind": "avg_pool2d", "kernel_size": 3, "stride": 2, "padding": 1}, {"kind": "elu", "alpha": 0.7}),
    *(conv(5, 2, dilation=2), {"kind": "softplus"}, {"kind": "max_pool2d", "kernel_size": (2, 1)}, {"kind": "swish"}),
    *({"kind": "flatten"}, {"kind": "linear", "out_features": 7, "bias": False}, {"kind": "batch_norm"}),
    *({"kind": "sigmoid"}, linear(3), {"kind": "softmax"}),
]
GLOBAL = [conv(6, 3), {"kind": "relu"}, {"kind": "global_avg_pool2d"}, {"kind": "dropout"}, linear(4)]


def sequential(layers, shape):
    """Build what the descriptions say from PyTorch's own modules."""
    nn = torch.nn
    modules = []
    for layer, before in zip(complete_all(layers), [shape, *output_shapes(layers, shape)], strict=False):
        keys = {key: value for key, value in layer.items() if key != "kind"}
        modules.append(
            {
                "conv2d": lambda: nn.Conv2d(before[0], **keys),
                "linear": lambda: nn.Linear(before[0], **keys),
                "batch_norm2d": lambda: nn.BatchNorm2d(before[0]),
                "batch_norm": lambda: nn.BatchNorm1d(before[0]),
                "max_pool2d": lambda: nn.MaxPool2d(**keys),
                "avg_pool2d": lambda: nn.AvgPool2d(**keys),
                "global_avg_pool2d": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                "flatten": nn.Flatten,
                "dropout": lambda: nn.Dropout(0.0),
                "relu": nn.ReLU,
                "leaky_relu": lambda: nn.LeakyReLU(keys["slope"]),
                "prelu": lambda: nn.PReLU(before[0]),
                "elu": lambda: nn.ELU(**keys),
                "softplus": nn.Softplus,
                "swish": nn.SiLU,
                "sigmoid": nn.Sigmoid,
                "tanh": nn.Tanh,
                "softmax": lambda: nn.Softmax(dim=1),
            }[layer["kind"]]()
        )
    return nn.Sequential(*modules)


def without_dropout(layers):
    return [{"kind": "dropout", "p": 0.0} if layer["kind"] == "dropout" else layer for layer in layers]


def twins(layers, shape, dtype=np.float64):
    """Return our network and PyTorch's with the same numbers in it, under the same names."""
    network = Network.create(without_dropout(layers), shape, rng=np.random.default_rng(0), dtype=dtype)
    rng = np.random.default_rng(1)
    if dtype == np.float64:  # scales, shifts and running averages of a trained network, not of a fresh one
        moved = {n: a + 0.3 * rng.random(a.shape) for n, a in network.arrays().items() if a.ndim == 1}
        network.restore(network.arrays() | moved)
    module = sequential(layers, shape).to(torch.float64 if dtype == np.float64 else torch.float32)
    state = {name: torch.from_numpy(np.array(array)) for name, array in network.arrays().items()}
    missing = module.load_state_dict(state, strict=False)
    assert not missing.unexpected_keys
    assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys)
    return network, module


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_products_and_shapes_are_those_of_the_module_that_pytorch_builds(name):
    from torch.utils.flop_counter import FlopCounterMode

    layers, shape = NETWORKS[name]
    with torch.device("meta"):  # no memory, no arithmetic
        module = sequential(layers, shape).eval()
        with FlopCounterMode(display=False) as flops:
            out = module(torch.empty(1, *shape))
    assert parameter_count(layers, shape) == sum(p.numel() for p in module.parameters())
    assert 2 * multiplication_count(layers, shape) == flops.get_total_flops()
    assert output_shapes(layers, shape)[-1] == tuple(out.shape[1:])


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        (MIXED, (2, 9, 12)),
        (GLOBAL, (3, 5, 7)),
        (LENET5, (1, 32, 32)),
        (LENET5_BATCH_NORM, (1, 28, 28)),
        (DIGITS, (1, 8, 8)),
    ],
    ids=["mixed", "global", "lenet-5", "lenet-5-bn", "digits"],
)
def test_outputs_gradients_and_running_averages_are_pytorchs(layers, shape):
    network, module = twins(layers, shape)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((5, *shape))
    np.testing.assert_allclose(network.forward(x), module.eval()(torch.from_numpy(x)).detach(), rtol=1e-9, atol=1e-12)

    out = network.forward(x, training=True, rng=rng)
    dout = rng.standard_normal(out.shape)
    dx = network.backward(dout)
    x_torch = torch.from_numpy(x.copy()).requires_grad_()
    out_torch = module.train()(x_torch)
    out_torch.backward(torch.from_numpy(dout))
    np.testing.assert_allclose(out, out_torch.detach(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(dx, x_torch.grad, rtol=1e-7, atol=1e-10)
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(network.gradients[name], parameter.grad, rtol=1e-7, atol=1e-10, err_msg=name)
    for name, array in module.named_buffers():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_allclose(network.running[name], array, rtol=1e-9, err_msg=name)


def test_twenty_steps_of_training_take_the_same_way_as_pytorch():
    network, module = twins(DIGITS, (1, 8, 8))
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.003, weight_decay=0.01)
    rng = np.random.default_rng(3)
    states = {}
    for _ in range(20):
        x, labels = rng.standard_normal((16, 1, 8, 8)), rng.integers(0, 10, 16)
        loss, dscores = cross_entropy_loss(network.forward(x, training=True, rng=rng), labels)
        network.backward(dscores)
        for name, gradient in network.gradients.items():
            network.parameters[name], states[name] = adamw_step(
                network.parameters[name], gradient, states.get(name), lr=0.003, weight_decay=0.01
            )
        optimizer.zero_grad()
        loss_torch = torch.nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(labels))
        loss_torch.backward()
        optimizer.step()
        assert float(loss) == pytest.approx(loss_torch.item(), rel=1e-6)
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(network.parameters[name], parameter.detach(), rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["alexnet", "vgg-16"])
def test_the_big_networks_run_forward_as_pytorchs_do(name):
    layers, shape = NETWORKS[name]
    network, module = twins(layers, shape, np.float32)
    x = np.random.default_rng(2).standard_normal((1, *shape)).astype(np.float32)
    out = network.forward(x)
    assert out.dtype == np.float32
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x)).numpy()
    assert np.linalg.norm(out - expected) <= 1e-4 * np.linalg.norm(expected)
