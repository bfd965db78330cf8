"""The command ``python -m solutions.training``: read data, train with a progress bar, draw what was learned.

Everything that touches files, the terminal or a GPU stands here, so that training itself need not know them.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from solutions import figures
from solutions.activations import softmax_forward
from solutions.arrays import Array
from solutions.augmentation import random_horizontal_flip, random_shift
from solutions.data import standardize, stratified_split
from solutions.datasets import load_digits, read_cifar10, read_mnist
from solutions.descriptions import CIFAR10, DIGITS, LENET5_BATCH_NORM, Layer
from solutions.metrics import confusion_matrix, f1_score
from solutions.networks import Network, to_numpy
from solutions.training import Augmentation, Epoch, History, predict, train

DIGIT_NAMES = tuple("0123456789")
CIFAR10_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Data:
    """Three sets of standardised images that share no example, and the network that suits them."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]
    classes: Sequence[str]
    layers: Sequence[Layer]
    epochs: int
    augment: Augmentation | None = None


def read(source: Sequence[str], rng: np.random.Generator) -> Data:
    """Return the data that ``--data`` names: ``digits``, ``mnist DIR`` or ``cifar10 DIR``.

    Raises
    ------
    ValueError, OSError
        If the words or the files are not as they should be; the message says which.
    """
    match list(source):
        case ["digits"]:
            x, labels = load_digits()
            rest, test = stratified_split(labels, test_fraction=0.2, rng=rng)
            return _data((x[rest], labels[rest]), (x[test], labels[test]), DIGIT_NAMES, DIGITS, 40, rng)
        case ["mnist", folder]:
            learn, test = (
                read_mnist(_find(folder, f"{part}-images", "idx3-ubyte"), _find(folder, f"{part}-labels", "idx1-ubyte"))
                for part in ("train", "t10k")
            )
            return _data(learn, test, DIGIT_NAMES, LENET5_BATCH_NORM, 5, rng)
        case ["cifar10", folder]:
            inner = Path(folder) / "cifar-10-batches-py"
            root = inner if inner.is_dir() else Path(folder)
            learn = read_cifar10(*(root / f"data_batch_{number}" for number in range(1, 6)))
            data = _data(learn, read_cifar10(root / "test_batch"), CIFAR10_NAMES, CIFAR10, 10, rng)
            return replace(data, augment=_flip_and_shift)
    raise ValueError(f"--data must be digits, mnist DIR or cifar10 DIR, got {' '.join(source)!r}")


def _flip_and_shift(x: Array, rng: np.random.Generator) -> Array:
    """A mirrored or shifted photograph shows the same thing (a mirrored digit would not)."""
    return random_shift(random_horizontal_flip(x, rng=rng), limit=4, rng=rng)


def _find(folder: str, stem: str, kind: str) -> Path:
    """Return MNIST's file under one of the names that it goes by."""
    names = [f"{stem}{joint}{kind}{end}" for joint in "-." for end in ("", ".gz")]
    for name in names:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise ValueError(f"{folder} must hold {names[0]} or {names[1]}")


def _data(
    learn: tuple[Array, Array],
    test: tuple[Array, Array],
    classes: Sequence[str],
    layers: Sequence[Layer],
    epochs: int,
    rng: np.random.Generator,
) -> Data:
    """Set a tenth aside for validation and standardise by what is left alone."""
    x, labels = learn
    if test[0].shape[0] == 0 or test[0].shape[1:] != x.shape[1:]:
        raise ValueError(f"the test set must hold images of {x.shape[1:]} like the training set, got {test[0].shape}")
    highest = max(int(labels.max(initial=0)), int(test[1].max()))
    if highest >= len(classes):
        raise ValueError(f"labels must be below {len(classes)}, the number of classes, found {highest}")
    kept, held = stratified_split(labels, test_fraction=0.1, rng=rng)
    x_train, x_held, x_test, _, _ = standardize(x[kept], x[held], test[0])
    return Data((x_train, labels[kept]), (x_held, labels[held]), (x_test, test[1]), classes, layers, epochs)


def backend(name: str) -> Any:
    """Return the array library of that name.

    Raises
    ------
    ValueError
        If it is ``cupy`` and CuPy or its GPU is missing; the message says which.
    """
    if name == "numpy":
        return np
    try:
        import cupy
    except ImportError as error:
        raise ValueError(f"--backend cupy needs CuPy (pip install 'stencil-cnn[gpu]'): {error}") from error
    try:
        cupy.zeros(1)
    except Exception as error:  # the driver has many ways to fail, none of them this program's
        first_line = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"--backend cupy needs a CUDA GPU that works: {first_line}") from error
    return cupy


def draw(network: Network, history: History, data: Data, scores: Any, out: Path) -> None:
    """Write every figure into ``out``."""
    epochs = history.epochs
    x, labels = data.test
    probabilities = softmax_forward(scores)[0]
    matrix = confusion_matrix(scores.argmax(axis=1), labels, classes=len(data.classes))
    drawn = {
        "curves": figures.curves(
            [e.train_loss for e in epochs],
            [e.validation_loss for e in epochs],
            [e.train_accuracy for e in epochs],
            [e.validation_accuracy for e in epochs],
            best=history.best,
        ),
        "confusion": figures.confusion(matrix, data.classes),
        "filters": figures.filters(to_numpy(network.parameters["0.weight"])),
        "feature-maps": figures.feature_maps(x[0], _stages(network, x[:1])),
        "mistakes": figures.mistakes(x, labels, probabilities, data.classes),
    }
    for name, figure in drawn.items():
        figure.savefig(out / f"{name}.png", dpi=120)


def _stages(network: Network, x: Array) -> list[tuple[str, Any]]:
    """Return (name, maps) of one image after every activation and pooling that still has maps."""
    names = {"relu": "ReLU", "tanh": "tanh", "max_pool2d": "max pooling", "avg_pool2d": "average pooling"}
    stages, convolutions = [], 0
    for layer, out in zip(network.layers, network.outputs(x), strict=True):
        convolutions += layer["kind"] == "conv2d"
        if layer["kind"] in names and out.ndim == 4:
            stages.append((f"{names[layer['kind']]} after convolution {convolutions}", out[0]))
    return stages


@contextmanager
def _progress(console: Console, epochs: int) -> Iterator[Callable[[Epoch], None]]:
    """Show a bar with the figures of the last epoch; yields what to call after each."""
    columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=epochs)

        def show(epoch: Epoch) -> None:
            figures_ = f"loss {epoch.train_loss:.4f}, validation {epoch.validation_loss:.4f}"
            bar.update(task, advance=1, description=f"{figures_}, {100 * epoch.validation_accuracy:.1f} % right")

        yield show


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the usage."""
        raise ValueError(message)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="python -m solutions.training", description="Train a network and draw what it learned.")
    parser.add_argument("--data", nargs="+", default=["digits"], metavar="SET", help="digits, mnist DIR or cifar10 DIR")
    parser.add_argument("--epochs", type=int, help="how often to go through the data (default: what suits it)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same machine: same network (default 0)")
    parser.add_argument("--out", type=Path, default=Path("out/training"), help="folder for figures and weights")
    parser.add_argument("--backend", choices=["numpy", "cupy"], default="numpy", help="the array library")
    arguments = parser.parse_args(argv)
    if arguments.epochs is not None and arguments.epochs < 1:
        raise ValueError(f"argument --epochs: must be at least 1, got {arguments.epochs}")
    if arguments.seed < 0:
        raise ValueError(f"argument --seed: must be at least 0, got {arguments.seed}")
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    0 done; 1 the loss never was a number; 2 unusable input, one line on stderr; 130 interrupted, best weights kept.
    """
    try:
        arguments = _arguments(argv)
        xp = backend(arguments.backend)
        # A stream for each purpose: more epochs must not change the split or the first weights.
        split, weights, order = np.random.default_rng(arguments.seed).spawn(3)
        data = read(arguments.data, split)
        network = Network.create(data.layers, data.train[0].shape[1:], rng=weights, xp=xp)
        arguments.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        print(f"solutions.training: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    console = Console()
    started = time.perf_counter()
    epochs = arguments.epochs or data.epochs
    arrays = [xp.asarray(array) for array in (*data.train, *data.validation)]
    with _progress(console, epochs) as show:
        history = train(network, *arrays, rng=order, epochs=epochs, augment=data.augment, on_epoch=show)
    seconds = time.perf_counter() - started
    if not history.best:
        reason = "before the first epoch ended" if history.ended == "interrupted" else "the loss never was a number"
        print(f"solutions.training: nothing learned, {reason}; nothing written", file=sys.stderr)
        return 130 if history.ended == "interrupted" else 1
    scores = to_numpy(predict(network, xp.asarray(data.test[0])))
    _report(console, history, data, scores, seconds)

    network.save(arguments.out / "network.npz")
    (arguments.out / "history.json").write_text(json.dumps(asdict(history), indent=1) + "\n")
    # Read back, it is a NumPy network whatever trained it.
    draw(Network.load(arguments.out / "network.npz"), history, data, scores, arguments.out)
    console.print(f"figures, weights and history in {arguments.out}", soft_wrap=True)
    return 130 if history.ended == "interrupted" else 0


def _report(console: Console, history: History, data: Data, scores: Any, seconds: float) -> None:
    labels, predicted = data.test[1], scores.argmax(axis=1)
    f1 = [f1_score(predicted == k, labels == k) for k in range(len(data.classes))]
    ended = {"epochs": "", "early": ", stopped early", "interrupted": ", interrupted"}[history.ended]
    console.print(f"{len(history.epochs)} epochs in {seconds:.1f} s{ended}; kept epoch {history.best}")
    right = f"{100 * np.mean(predicted == labels):.2f} % of {len(labels)} right"
    console.print(f"held-out test set: {right}, mean F1 {np.mean(f1):.4f}")
