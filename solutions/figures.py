"""Draw what training did: curves, confusion matrix, learned filters, feature maps, mistakes. Knows NumPy arrays only.

Every function returns a `Figure`; whoever calls it saves it. No window opens and no global state changes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

Numbers = npt.NDArray[np.floating]
Counts = npt.NDArray[np.integer]

# Two colours that stay apart for colour-blind readers and in grey print.
TRAIN, VALIDATION, FAINT = "#0072b2", "#d55e00", "#888888"


def curves(
    train_loss: Sequence[float],
    validation_loss: Sequence[float],
    train_accuracy: Sequence[float],
    validation_accuracy: Sequence[float],
    *,
    best: int,
) -> Figure:
    """Draw loss and accuracy by epoch, with the epoch (counted from 1) whose weights were kept."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = np.arange(1, len(train_loss) + 1)
    for axes, train, validation in (
        (losses, train_loss, validation_loss),
        (accuracies, [100 * a for a in train_accuracy], [100 * a for a in validation_accuracy]),
    ):
        axes.plot(epochs, train, color=TRAIN, marker="o", markersize=3, label="training (while learning)")
        axes.plot(epochs, validation, color=VALIDATION, marker="s", markersize=3, label="validation")
        axes.axvline(best, color=FAINT, linestyle=":", label=f"kept: epoch {best}")
        axes.set(xlabel="epoch", xlim=(0.5, len(epochs) + 0.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    losses.set(ylabel="cross-entropy", yscale="log", title="Loss")
    accuracies.set(ylabel="accuracy in %", title="Accuracy")
    # Late epochs differ by tenths of a percent: the first, steep ones may leave the picture.
    lowest = np.median(validation_accuracy) * 100
    accuracies.set_ylim(max(0.0, 100 - 4 * max(100 - lowest, 0.5)), 100.2)
    accuracies.legend(frameon=False, loc="lower right")
    return figure


def confusion(matrix: Counts, classes: Sequence[str]) -> Figure:
    """Draw how many examples of each class (row) were taken for each class (column); empty cells stay blank."""
    figure = Figure(figsize=(1.6 + 0.5 * len(classes), 1.2 + 0.5 * len(classes)), layout="constrained")
    axes = figure.subplots()
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # A root brings the rare confusions out beside a diagonal near 1.
    image = axes.imshow(share, cmap="Blues", norm=PowerNorm(0.4, vmin=0, vmax=1))
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if share[row, column] > 0.3 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(classes)), classes, rotation=0 if max(map(len, classes)) < 3 else 60)
    axes.set_yticks(range(len(classes)), classes)
    right = int(np.trace(matrix))
    axes.set(xlabel="predicted", ylabel="true", title=f"{right} of {matrix.sum()} right")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class", ticks=[0, 0.01, 0.1, 0.5, 1])
    return figure


def filters(weights: Numbers) -> Figure:
    """Draw the kernels of a first convolution (O, C, KH, KW).

    Three channels are drawn in colour, grey being no weight; otherwise the first channel, red and blue by sign.
    """
    count, channels = weights.shape[:2]
    colour = channels == 3
    planes = weights if colour else weights[:, :1]
    limit = float(np.abs(planes).max()) or 1.0
    figure, grid = _grid(count, title="Filters of the first layer")
    for axes, kernel in zip(grid, planes, strict=False):
        if colour:
            axes.imshow(0.5 + np.moveaxis(kernel, 0, -1) / (2 * limit))
        else:
            image = axes.imshow(kernel[0], cmap="RdBu_r", vmin=-limit, vmax=limit)
    if not colour:
        figure.colorbar(image, ax=grid, shrink=0.8, label="weight")
    return figure


def feature_maps(picture: Numbers, stages: Sequence[tuple[str, Numbers]], *, maps: int = 12) -> Figure:
    """Draw one picture (C, H, W) and, a row for each stage (name, (C, H, W)), its first few maps."""
    rows = len(stages)
    room_for_labels = ConstrainedLayoutEngine(hspace=0.35, rect=(0, 0, 1, 0.96))
    figure = Figure(figsize=(0.85 * (maps + 2), 1.15 * rows + 0.3), layout=room_for_labels)
    spec = figure.add_gridspec(rows, maps + 2)
    _show(figure.add_subplot(spec[:, :2]), picture).set_title("input", fontsize=10)
    for row, (name, outputs) in enumerate(stages):
        shown = outputs[:maps]
        limit = float(shown.max()) or 1.0
        for column, plane in enumerate(shown):
            axes = figure.add_subplot(spec[row, column + 2])
            axes.imshow(plane, cmap="magma", vmin=min(0.0, float(shown.min())), vmax=limit)
            axes.set_axis_off()
            if column == 0:
                height, width = plane.shape
                label = f"{name}: {len(shown)} of {len(outputs)} maps of {height}×{width}"
                # Out of the layout, which would otherwise make the first column as wide as the text.
                axes.text(0, 1.07, label, fontsize=10, transform=axes.transAxes, in_layout=False)
    return figure


def mistakes(pictures: Numbers, labels: Counts, probabilities: Numbers, classes: Sequence[str]) -> Figure:
    """Draw the examples (N, C, H, W) that were taken for another class, the surest mistakes first, up to 24."""
    predicted = probabilities.argmax(axis=1)
    sureness = probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-sureness[wrong], kind="stable")]
    figure, grid = _grid(
        min(len(wrong), 24), title=f"{len(wrong)} of {len(labels)} wrong: true → predicted, and how sure", columns=6
    )
    for axes, index in zip(grid, wrong, strict=False):
        _show(axes, pictures[index])
        truth, guess = classes[labels[index]], classes[predicted[index]]
        axes.set_title(f"{truth} → {guess}\n{100 * sureness[index]:.0f} %", fontsize=8)
    return figure


def _grid(count: int, *, title: str, columns: int = 8) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` bare axes in rows."""
    rows = max(-(-count // columns), 1)
    figure = Figure(figsize=(1.3 * min(columns, max(count, 4)) + 1, 1.45 * rows + 0.6), layout="constrained")
    figure.suptitle(title)
    spec = figure.add_gridspec(rows, min(columns, max(count, 1)))
    grid = [figure.add_subplot(spec[divmod(place, columns)]) for place in range(count)]
    for axes in grid:
        axes.set_axis_off()
    return figure, grid


def _show(axes: Axes, picture: Numbers) -> Axes:
    """Show one image (C, H, W), stretched to its own range: standardised images have no natural one."""
    low, high = float(picture.min()), float(picture.max())
    stretched = (picture - low) / ((high - low) or 1.0)
    if len(picture) == 3:
        axes.imshow(np.moveaxis(stretched, 0, -1))
    else:
        axes.imshow(stretched[0], cmap="gray_r", vmin=0, vmax=1)
    axes.set_axis_off()
    return axes
