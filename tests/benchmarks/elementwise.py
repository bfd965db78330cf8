"""The activations against PyTorch CPU: forward, backward and the layer (one of each), at one and at two threads.

NumPy's elementwise loops have one thread; ours share arrays of 8 MB, and not those of 2 MB (see `solutions.blockwise`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from solutions import activations, losses
from tests.benchmarks.timing import Thunk, geometric_mean, interleaved, table, threads

# Forward, backward, PyTorch's forward, PyTorch's backward: each called without arguments.
Case = tuple[Thunk, Thunk, Thunk, Thunk]
Pair = tuple[Callable[..., Any], Callable[..., Any]]

# Images of two sizes for what works element by element (2 MB fits the second cache, 8 MB does not), rows for softmax.
IMAGES = [(64, 32, 16, 16), (32, 64, 32, 32)]
ROWS = [(128, 10), (256, 1000)]


def main() -> None:
    """Print PyTorch's and our milliseconds as ratios, every activation and both shapes."""
    for count in (1, 2):
        with threads(count):
            for shape in IMAGES:
                _print(f"{count} thread(s), {shape}", _images(shape))
            for shape in ROWS:
                _print(f"{count} thread(s), {shape}", _rows(shape))


def _print(head: str, cases: dict[str, Case]) -> None:
    rows = {}
    for name, case in cases.items():
        seconds = interleaved(dict(zip(("forward", "backward", "torch forward", "torch backward"), case, strict=True)))
        forward, backward, torch_forward, torch_backward = seconds.values()
        rows[name] = {
            "forward": forward / torch_forward,
            "backward": backward / torch_backward,
            "layer": (forward + backward) / (torch_forward + torch_backward),
        }
    rows["geometric mean"] = {
        column: geometric_mean([row[column] for row in rows.values()]) for column in ("forward", "backward", "layer")
    }
    print(table(rows, head=head))


def _images(shape: tuple[int, ...]) -> dict[str, Case]:
    import torch

    aten = torch.ops.aten
    rng = np.random.default_rng(0)
    x = (2 * rng.standard_normal(shape)).astype(np.float32)
    dout = rng.standard_normal(shape).astype(np.float32)
    slope = np.full(shape[1], 0.25, np.float32)
    tx, tdout = torch.from_numpy(x), torch.from_numpy(dout)
    tslope = torch.from_numpy(slope)
    by_channel = tslope.view(1, -1, *[1] * (len(shape) - 2))
    s, t = torch.sigmoid(tx), torch.tanh(tx)
    functional = torch.nn.functional

    def case(pair: Pair, torch_forward: Thunk, torch_backward: Thunk, *parameters: Any) -> Case:
        forward, backward = pair
        _, cache = forward(x, *parameters)
        return lambda: forward(x, *parameters), lambda: backward(dout, cache), torch_forward, torch_backward

    return {
        "sigmoid": case(_pair("sigmoid"), lambda: torch.sigmoid(tx), lambda: aten.sigmoid_backward(tdout, s)),
        "tanh": case(_pair("tanh"), lambda: torch.tanh(tx), lambda: aten.tanh_backward(tdout, t)),
        "relu": case(_pair("relu"), lambda: torch.relu(tx), lambda: aten.threshold_backward(tdout, tx, 0)),
        "leaky_relu": case(
            _pair("leaky_relu"),
            lambda: functional.leaky_relu(tx),
            lambda: aten.leaky_relu_backward(tdout, tx, 0.01, False),
        ),
        "prelu": case(
            _pair("prelu"),
            lambda: functional.prelu(tx, tslope),
            lambda: aten._prelu_kernel_backward(tdout, tx, by_channel),
            slope,
        ),
        "elu": case(_pair("elu"), lambda: functional.elu(tx), lambda: aten.elu_backward(tdout, 1.0, 1, 1, False, tx)),
        "softplus": case(
            _pair("softplus"), lambda: functional.softplus(tx), lambda: aten.softplus_backward(tdout, tx, 1, 20)
        ),
        "swish": case(_pair("swish"), lambda: functional.silu(tx), lambda: aten.silu_backward(tdout, tx)),
    }


def _rows(shape: tuple[int, ...]) -> dict[str, Case]:
    import torch

    rng = np.random.default_rng(0)
    x = (2 * rng.standard_normal(shape)).astype(np.float32)
    dout = rng.standard_normal(shape).astype(np.float32)
    labels = rng.integers(0, shape[1], shape[0])
    tx, tdout, tlabels = torch.from_numpy(x), torch.from_numpy(dout), torch.from_numpy(labels)
    leaf = tx.clone().requires_grad_()
    out = torch.softmax(tx, dim=-1)
    forward, backward = _pair("softmax")
    _, cache = forward(x)
    cross_entropy = torch.nn.functional.cross_entropy
    return {
        "softmax": (
            lambda: forward(x),
            lambda: backward(dout, cache),
            lambda: torch.softmax(tx, dim=-1),
            lambda: torch.ops.aten._softmax_backward_data(tdout, out, -1, torch.float32),
        ),
        # The loss comes with its gradient, so both columns hold the two together.
        "cross entropy": (
            lambda: losses.cross_entropy_loss(x, labels),
            lambda: losses.cross_entropy_loss(x, labels),
            lambda: torch.autograd.grad(cross_entropy(leaf, tlabels), leaf),
            lambda: torch.autograd.grad(cross_entropy(leaf, tlabels), leaf),
        ),
    }


def _pair(name: str) -> Pair:
    return getattr(activations, f"{name}_forward"), getattr(activations, f"{name}_backward")


if __name__ == "__main__":
    main()
