"""How well and how fast the reference network learns the digits, seed by seed, and a step of it against PyTorch's."""

import time

import numpy as np

from solutions.losses import cross_entropy_loss
from solutions.networks import Network
from solutions.optimizers import adamw_step
from solutions.training import evaluate, train
from solutions.training_cli import Data, read
from tests.benchmarks.timing import interleaved, threads

SEEDS = range(8)


def digits(seed: int) -> tuple[Data, Network, np.random.Generator]:
    """Return what ``python -m solutions.training --seed SEED`` trains on, with and from."""
    split, weights, order = np.random.default_rng(seed).spawn(3)
    data = read(["digits"], split)
    return data, Network.create(data.layers, data.train[0].shape[1:], rng=weights), order


def main() -> None:
    print("seed  held-out digits  epochs  kept  seconds")
    accuracies, seconds = [], []
    for seed in SEEDS:
        data, network, order = digits(seed)
        start = time.perf_counter()
        history = train(network, *data.train, *data.validation, rng=order, epochs=data.epochs)
        seconds.append(time.perf_counter() - start)
        accuracies.append(evaluate(network, *data.test)[1])
        print(
            f"{seed:4}  {100 * accuracies[-1]:13.2f} %  {len(history.epochs):6}  {history.best:4}  {seconds[-1]:7.1f}",
            flush=True,
        )
    print(f"worst {100 * min(accuracies):.2f} % (97.5 wanted), longest {max(seconds):.1f} s (90 allowed)")
    step_against_pytorch()


def step_against_pytorch() -> None:
    """Print the time of one step on 32 digits as a ratio to PyTorch's, one thread each."""
    try:
        import torch
    except ImportError:
        print("one step against PyTorch: PyTorch is not installed")
        return
    from tests.solutions.test_networks_oracle import sequential

    data, network, rng = digits(0)
    x, labels = data.train[0][:32], data.train[1][:32]
    states: dict[str, object] = {}

    def ours() -> None:
        network.backward(cross_entropy_loss(network.forward(x, training=True, rng=rng), labels)[1])
        for name, gradient in network.gradients.items():
            network.parameters[name], states[name] = adamw_step(
                network.parameters[name], gradient, states.get(name), lr=1e-3
            )

    module = sequential(data.layers, x.shape[1:])
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    x_torch, labels_torch = torch.from_numpy(x), torch.from_numpy(labels)

    def theirs() -> None:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(x_torch), labels_torch).backward()
        optimizer.step()

    with threads(1):
        medians = interleaved({"ours": ours, "PyTorch": theirs})
    ratio = medians["ours"] / medians["PyTorch"]
    print(f"one step on 32 digits, one thread: {ratio:.2f} of PyTorch's")
