"""What a visible case showed, as a little plain data that a page can draw. Nothing of a hidden case ever enters it.

An answer is cut to a window around its worst entry and rounded, so that a record stays small whatever was returned.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.compare import Difference
from grader.gradients import slopes
from grader.phrases import output_name
from grader.plans import Answer, as_array, clean
from grader.prepare import PreparedQuestion, Trial
from grader.results import Evidence, Panel

Array = npt.NDArray[Any]
# Of a picture: rows and columns at most, and the digits that a reader can use.
LARGEST = 8
_DIGITS = 4


def values(
    question: PreparedQuestion, trial: Trial, answer: Answer, step: int, output: int, difference: Difference
) -> Evidence | None:
    """Return expected against got around the worst entry, None where the trial is hidden or no entry is to blame."""
    if not trial.visible or difference.index is None:
        return None
    want, got = (as_array(a.outcomes[step].values[output]) for a in (trial.expected, answer))
    if want is None or got is None or want.shape != got.shape or want.dtype.kind not in "fiub":
        return None
    call = trial.plan.steps[step]
    name = output_name(question, call, output).strip(" :") or "the output"
    panels = [_panel("expected", want, difference.index), _panel("yours", got, difference.index)]
    if trial.reaches is not None and step == 0 and output == 0:
        panels += _read_by(trial, difference.index)
    return Evidence("values", f"{call.function}, visible case “{clean(trial.case, 120)}”, {name}", tuple(panels))


def gradients(question: PreparedQuestion, trial: Trial, answer: Answer) -> Evidence | None:
    """Return numerical against analytic slopes along one random direction for each input; None where hidden."""
    if not trial.visible:
        return None
    with np.errstate(all="ignore"):
        found = slopes(question, trial, answer)
    if isinstance(found, str):
        return None
    panels = tuple(Panel(f"d{s.name}", ((_number(s.numerical), _number(s.analytic)),)) for s in found)
    return Evidence("slopes", f"{question.functions[-1]}, visible case “{clean(trial.case, 120)}”", panels)


def _panel(title: str, array: Array, index: tuple[int, ...]) -> Panel:
    """Cut the slice of the last two axes that holds an entry, at most `LARGEST` by `LARGEST` around it."""
    plane, (row, column), leading = _plane(array, index)
    top, left = (
        max(0, min(at - LARGEST // 2, size - LARGEST)) for at, size in zip((row, column), plane.shape, strict=True)
    )
    return Panel(
        title,
        tuple(tuple(_number(v) for v in line[left : left + LARGEST]) for line in plane[top : top + LARGEST]),
        marked=((row - top, column - left),),
        where=_where(array, leading, top, left),
    )


def _plane(array: Array, index: tuple[int, ...]) -> tuple[Array, tuple[int, int], tuple[int, ...]]:
    leading, last = index[: max(array.ndim - 2, 0)], index[max(array.ndim - 2, 0) :]
    plane = np.atleast_2d(array[leading])
    row, column = (*(0,) * (2 - len(last)), *last)
    return plane, (row, column), leading


def _where(array: Array, leading: Sequence[int], top: int, left: int) -> str:
    """Say which part of an array is shown, empty where it is the whole."""
    starts = [top, left][2 - min(array.ndim, 2) :]
    sizes = array.shape[len(leading) :]
    parts = [str(i) for i in leading]
    parts += [":" if n <= LARGEST else f"{a}:{a + LARGEST}" for a, n in zip(starts, sizes, strict=True)]
    return "" if set(parts) <= {":"} else f"[{', '.join(parts)}]"


def _read_by(trial: Trial, index: tuple[int, ...]) -> list[Panel]:
    """Show the first input, with the entries marked that the worst entry of the output depends on."""
    assert trial.reaches is not None
    reached = trial.reaches(index)
    image = as_array(trial.plan.values[0])
    if image is None or not reached or len(reached) == image.size:
        return []
    leading = reached[0][:-2]
    here = [at[-2:] for at in reached if at[:-2] == leading]
    middle = here[len(here) // 2]
    panel = _panel(f"what it reads of {trial.names[0]}", image, (*leading, *middle))
    row, column = panel.marked[0]
    marked = tuple((r - middle[0] + row, c - middle[1] + column) for r, c in here)
    inside = tuple((r, c) for r, c in marked if 0 <= r < len(panel.values) and 0 <= c < len(panel.values[0]))
    return [Panel(panel.title, panel.values, inside, panel.where)]


def _number(value: Any) -> float | None:
    """Round to what is shown; None for what is not finite."""
    number = float(value)
    return float(f"{number:.{_DIGITS}g}") if np.isfinite(number) else None
