"""Batch norm in training, forward and backward, against PyTorch on the CPU at the same number of threads."""

import numpy as np

from solutions.batch_normalization import batch_norm2d_backward, batch_norm2d_forward
from tests.benchmarks.timing import geometric_mean, interleaved, table, threads

SHAPES = [(64, 32, 32, 32), (32, 64, 32, 32), (32, 64, 16, 16), (64, 6, 28, 28), (16, 256, 8, 8)]
LIMIT = 2.5


def ratios(shape: tuple[int, ...]) -> dict[str, float]:
    """Return our median over PyTorch's for each function."""
    import torch

    rng = np.random.default_rng(0)
    x, dout = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
    gamma, beta, mean = (rng.standard_normal(shape[1], dtype=np.float32) for _ in range(3))
    var = np.ones_like(mean)
    _, cache, *_ = batch_norm2d_forward(x, gamma, beta, mean, var, training=True)
    image, upstream, weight, bias = (torch.from_numpy(a) for a in (x, dout, gamma, beta))
    running = torch.from_numpy(mean.copy()), torch.from_numpy(var.copy())
    aten = torch.ops.aten
    _, *saved = aten.native_batch_norm(image, weight, bias, *running, True, 0.1, 1e-5)
    medians = interleaved(
        {
            "forward": lambda: batch_norm2d_forward(x, gamma, beta, mean, var, training=True),
            "backward": lambda: batch_norm2d_backward(dout, cache),
            "torch forward": lambda: aten.native_batch_norm(image, weight, bias, *running, True, 0.1, 1e-5),
            "torch backward": lambda: aten.native_batch_norm_backward(
                upstream, image, weight, *running, *saved, True, 1e-5, [True, True, True]
            ),
        }
    )
    return {name: medians[name] / medians[f"torch {name}"] for name in ("forward", "backward")}


def main() -> None:
    for count in (1, 2):
        with threads(count):
            rows = {f"N{s[0]} C{s[1]} {s[2]}²": ratios(s) for s in SHAPES}
        means = {column: geometric_mean([row[column] for row in rows.values()]) for column in ("forward", "backward")}
        print(f"time / PyTorch, {count} thread(s); limit {LIMIT}")
        print(table(rows | {"geometric mean": means}, head="batch norm"))


if __name__ == "__main__":
    main()
