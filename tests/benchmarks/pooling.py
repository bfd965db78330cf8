"""Max and average pooling, forward and backward, against PyTorch on the CPU at the same number of threads."""

import numpy as np

from solutions import pooling
from tests.benchmarks.timing import geometric_mean, interleaved, table, threads

CASES = {
    "N64 C32 32² k2": ((64, 32, 32, 32), 2, 2, 0),
    "N32 C64 32² k3 s2 p1": ((32, 64, 32, 32), 3, 2, 1),
    "N32 C64 16² k3 s1 p1": ((32, 64, 16, 16), 3, 1, 1),
    "N8 C96 55² k3 s2 (AlexNet)": ((8, 96, 55, 55), 3, 2, 0),
    "N64 C6 28² k2 (LeNet)": ((64, 6, 28, 28), 2, 2, 0),
}
LIMIT = 2.5


def ratios(shape: tuple[int, ...], kernel: int, stride: int, padding: int) -> dict[str, float]:
    """Return our median over PyTorch's for each function."""
    import torch

    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, dtype=np.float32)
    options = {"stride": stride, "padding": padding}
    window = ([kernel] * 2, [stride] * 2, [padding] * 2)
    best, best_cache = pooling.max_pool2d_forward(x, kernel, **options)
    _, mean_cache = pooling.avg_pool2d_forward(x, kernel, **options)
    dout = rng.standard_normal(best.shape, dtype=np.float32)
    image, upstream, aten = torch.from_numpy(x), torch.from_numpy(dout), torch.ops.aten
    _, places = aten.max_pool2d_with_indices(image, *window)
    medians = interleaved(
        {
            "max forward": lambda: pooling.max_pool2d_forward(x, kernel, **options),
            "max backward": lambda: pooling.max_pool2d_backward(dout, best_cache),
            "average forward": lambda: pooling.avg_pool2d_forward(x, kernel, **options),
            "average backward": lambda: pooling.avg_pool2d_backward(dout, mean_cache),
            "torch max forward": lambda: aten.max_pool2d_with_indices(image, *window),
            "torch max backward": lambda: aten.max_pool2d_with_indices_backward(
                upstream, image, *window, [1, 1], False, places
            ),
            "torch average forward": lambda: aten.avg_pool2d(image, *window),
            "torch average backward": lambda: aten.avg_pool2d_backward(upstream, image, *window, False, True, None),
        }
    )
    return {name: medians[name] / medians[f"torch {name}"] for name in medians if f"torch {name}" in medians}


def main() -> None:
    for count in (1, 2):
        with threads(count):
            rows = {name: ratios(*case) for name, case in CASES.items()}
        means = {column: geometric_mean([row[column] for row in rows.values()]) for column in next(iter(rows.values()))}
        print(f"time / PyTorch, {count} thread(s); limit {LIMIT}")
        print(table(rows | {"geometric mean": means}, head="pooling"))


if __name__ == "__main__":
    main()
