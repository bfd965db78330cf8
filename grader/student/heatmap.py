"""A picture of where an answer is wrong: expected, yours and the difference, over the slice with the worst entry.

Drawn as SVG: at once, sharp at any size, and on whatever ground the page has.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.compare import Difference
from grader.plans import Tree, as_array
from grader.student.markup import escape, paragraph

# Orange above zero, violet below: told apart in every common colour blindness, and on white as on black.
_ABOVE, _BELOW, _NO_NUMBER = "235,120,10", "120,95,205", "127,127,127"
_LEVELS = 10
_STRONGEST = 0.85
_MOST = 32  # rows and columns that are drawn; of a larger slice, those around the worst entry
_NUMBERS_UP_TO = 7  # columns that leave room for numbers in the cells


def heatmap(answer: Tree, expected: Tree, difference: Difference) -> str:
    """Return HTML, empty where a picture would say nothing more (fewer than four entries)."""
    got, want, index = as_array(answer), as_array(expected), difference.index
    if got is None or want is None or index is None or want.ndim < 1 or want.size < 4 or got.shape != want.shape:
        return ""
    leading, place = index[:-2], (index[-2] if want.ndim > 1 else 0, index[-1])
    slices = [np.atleast_2d(a[leading]).astype(np.float64) for a in (want, got)]
    shape = slices[0].shape
    rows, columns = (_around(at, size) for at, size in zip(place, shape, strict=True))
    wanted, yours = (s[rows, columns] for s in slices)
    with np.errstate(invalid="ignore", over="ignore"):
        wrong = np.where(wanted == yours, 0.0, yours - wanted)
    worst = place[0] - rows.start, place[1] - columns.start
    span, reach = _largest(wanted), _largest(wrong)
    panels = (("expected", wanted, span), ("yours", yours, span), ("yours − expected", wrong, reach))
    drawn = "".join(_panel(title, values, limit, worst) for title, values, limit in panels)
    words = f"Outlined: entry {index}, {entry_words(answer, expected, difference)}."
    if leading:
        words += f" Shown: slice [{', '.join(map(str, leading))}, :, :]."
    if wanted.shape != shape:
        words += f" Of it, rows {rows.start} to {rows.stop - 1}, columns {columns.start} to {columns.stop - 1}."
    row = f'<div style="display:flex;flex-wrap:wrap;gap:.6em 1.6em;margin:.5em 0">{drawn}</div>'
    return row + paragraph(escape(words), muted=True)


def entry_words(answer: Tree, expected: Tree, difference: Difference) -> str:
    """Say what the worst entry is and should be; empty where there is none. For visible cases alone."""
    got, want, index = as_array(answer), as_array(expected), difference.index
    if got is None or want is None or index is None or got.shape != want.shape:
        return ""
    return f"expected {_number(float(want[index]), 6)}, yours {_number(float(got[index]), 6)}"


def _around(at: int, size: int) -> slice:
    start = max(0, min(at - _MOST // 2, size - _MOST))
    return slice(start, min(size, start + _MOST))


def _largest(values: npt.NDArray[Any]) -> float:
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}g}".replace("-", "−")


def _panel(title: str, values: npt.NDArray[np.float64], limit: float, worst: tuple[int, int]) -> str:
    rows, columns = values.shape
    numbers = columns <= _NUMBERS_UP_TO
    width, height = (52.0, 24.0) if numbers else ((side := max(6.0, min(16.0, 200 / max(rows, columns)))), side)
    cells = "".join(_cells(values, limit, width, height))
    if numbers:
        cells += "".join(
            f'<text x="{(c + 0.5) * width:g}" y="{(r + 0.5) * height + 4:g}" text-anchor="middle">'
            f"{_number(float(values[r, c]))}</text>"
            for r, c in np.ndindex(rows, columns)
        )
    outline = (
        f'<rect x="{worst[1] * width:g}" y="{worst[0] * height:g}" width="{width:g}" height="{height:g}" fill="none" '
        'stroke="currentColor" stroke-width="2.5"/>'
    )
    w, h = columns * width, rows * height
    return (
        f'<div><div style="font-size:.92em">{escape(title)}'
        f' <span style="opacity:.65">(colours: ±{_number(limit)})</span></div>'
        f'<svg role="img" aria-label="{escape(title)}" viewBox="-2 -2 {w + 4:g} {h + 4:g}" width="{w + 4:g}" '
        f'height="{h + 4:g}" style="max-width:100%" font-size="11" fill="currentColor">'
        f'<rect width="{w:g}" height="{h:g}" fill="none" stroke="currentColor" stroke-opacity=".35"/>'
        f"{cells}{outline}</svg></div>"
    )


def _cells(values: npt.NDArray[np.float64], limit: float, width: float, height: float) -> Iterator[str]:
    """One path for each colour that occurs."""
    finite = np.isfinite(values)
    levels = np.clip(np.round(np.where(finite, values, 0.0) / limit * _LEVELS), -_LEVELS, _LEVELS).astype(int)
    levels[~finite] = _LEVELS + 1
    for level in np.unique(levels):
        if level == 0:
            continue
        colour = _NO_NUMBER if level > _LEVELS else _ABOVE if level > 0 else _BELOW
        strength = min(1.0, abs(int(level)) / _LEVELS) * _STRONGEST
        path = "".join(
            f"M{c * width:g} {r * height:g}h{width:g}v{height:g}h{-width:g}z" for r, c in np.argwhere(levels == level)
        )
        yield f'<path fill="rgba({colour},{strength:.2f})" d="{path}"/>'
