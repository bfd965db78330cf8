"""A picture of where an answer is wrong: expected, got and difference, over the slice with the worst entry."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.compare import Difference
from grader.plans import Tree, as_array


def heatmap(answer: Tree, expected: Tree, difference: Difference) -> str:
    """Return an HTML image, empty where a picture would say nothing more (fewer than two entries along an axis)."""
    got, want, index = as_array(answer), as_array(expected), difference.index
    if got is None or want is None or index is None or want.ndim < 1 or want.size < 4 or got.shape != want.shape:
        return ""
    leading = index[: max(want.ndim - 2, 0)]
    slices = [np.atleast_2d(a[leading]).astype(np.float64) for a in (want, got)]
    return _image(slices[0], slices[1], leading)


def _largest(values: npt.NDArray[Any]) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0


def _image(want: npt.NDArray[Any], got: npt.NDArray[Any], leading: tuple[int, ...]) -> str:
    from matplotlib.figure import Figure  # drawn without pyplot: the student's own figures stay as they are

    figure = Figure(figsize=(6.4, 2.3), layout="constrained")
    with np.errstate(invalid="ignore", over="ignore"):
        wrong = got - want
    span, reach = _largest(want), _largest(wrong)
    panels = (("expected", want, span), ("yours", got, span), ("yours - expected", wrong, reach))
    for axes, (title, values, limit) in zip(figure.subplots(1, 3), panels, strict=True):
        image = axes.imshow(values, cmap="PuOr", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
        figure.colorbar(image, ax=axes, shrink=0.8).ax.tick_params(labelsize=7)
    where = "".join(f"{i}, " for i in leading)
    if leading:
        figure.suptitle(f"slice [{where}:, :]", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="expected, yours and their difference" src="data:image/png;base64,{data}">'
