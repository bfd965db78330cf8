"""Pictures of evidence as SVG inside the page: tables of numbers under colour, and slopes as pairs of bars.

They are told in words by title and description, follow the page's colours, and hold no number but the evidence's own.
"""

from collections.abc import Sequence

from markupsafe import Markup

from grader.report.words import visible
from grader.results import Evidence, Panel

_CELL, _GAP, _TOP, _BOTTOM = 44, 22, 22, 18
# Where a panel is wider than this its numbers would be too small to read: colour alone tells.
_WRITTEN = 8
# Text stands on the colour: no cell is painted more strongly than this.
_STRONGEST = 0.55


def picture(evidence: Evidence) -> Markup:
    """Draw evidence; empty where there is nothing to draw."""
    if not evidence.panels:
        return Markup("")
    return _slopes(evidence) if evidence.kind == "slopes" else _values(evidence)


def figure(value: float | None) -> str:
    """Write a number of a picture in few characters.

    >>> figure(65.0), figure(-0.12345), figure(None)
    ('65', '−0.123', 'nan')
    """
    return "nan" if value is None else f"{value:.3g}".replace("-", "−")


def _values(evidence: Evidence) -> Markup:
    parts: list[Markup] = []
    written = all(_columns(p) <= _WRITTEN for p in evidence.panels)
    cell = _CELL if written else _CELL // 2
    left = 0
    tallest = max(len(p.values) for p in evidence.panels)
    answers = max((abs(v) for p in evidence.panels[:2] for row in p.values for v in row if v is not None), default=0.0)
    for number, panel in enumerate(evidence.panels):
        # Expected and got share a scale, so that equal colours are equal numbers.
        span = answers if number < 2 else _largest(panel)
        parts.append(_panel(panel, left, cell, span, written, solid=number < 2))
        width = max(_columns(panel) * cell, _title_width(panel))
        left += width + _GAP
    height = _TOP + tallest * cell + _BOTTOM
    return _svg(left - _GAP, height, f"{evidence.caption}: {_names(evidence.panels)}", _in_words(evidence), parts)


def _panel(panel: Panel, left: int, cell: int, span: float, written: bool, *, solid: bool) -> Markup:
    parts = [Markup('<text x="{}" y="14" class="t">{}</text>').format(left, visible(panel.title))]
    for r, row in enumerate(panel.values):
        for c, value in enumerate(row):
            x, y = left + c * cell, _TOP + r * cell
            tone = "lost" if value is not None and value < 0 else "right"
            strength = _STRONGEST * (abs(value) / span if span and value is not None else 0.0)
            parts.append(
                Markup('<rect x="{}" y="{}" width="{}" height="{}" class="c {}" fill-opacity="{}"/>').format(
                    x, y, cell - 1, cell - 1, tone if value is not None else "none", f"{strength:.2f}"
                )
            )
            if written or value is None:
                text = figure(value)
                size = 13 if len(text) < 6 else 10
                parts.append(
                    Markup('<text x="{}" y="{}" class="n" font-size="{}">{}</text>').format(
                        x + (cell - 1) / 2, y + cell / 2 + 4, size if written else 7, text
                    )
                )
    for r, c in panel.marked:
        kind = "m" if solid else "m w"
        parts.append(
            Markup('<rect x="{}" y="{}" width="{}" height="{}" class="{}"/>').format(
                left + c * cell + 0.5, _TOP + r * cell + 0.5, cell - 2, cell - 2, kind
            )
        )
    if panel.where:
        y = _TOP + len(panel.values) * cell + 13
        parts.append(Markup('<text x="{}" y="{}" class="s">{}</text>').format(left, y, visible(panel.where)))
    return Markup("").join(parts)


def _slopes(evidence: Evidence) -> Markup:
    """Two bars from a common zero for each input: what differences of the forward say, what the backward says."""
    width, row, label = 420, 46, 70
    largest = max((_largest(p) for p in evidence.panels), default=0.0)
    middle, half = label + (width - label - 60) / 2, (width - label - 130) / 2
    parts = []
    for n, panel in enumerate(evidence.panels):
        y = 6 + n * row
        parts.append(Markup('<text x="0" y="{}" class="t">{}</text>').format(y + 22, visible(panel.title)))
        for k, (kind, value) in enumerate(zip(("right", "part"), panel.values[0], strict=True)):
            length = half * (abs(value) / largest if largest and value is not None else 0.0)
            left = middle if value is None or value >= 0 else middle - length
            end = middle + length + 4 if left == middle else middle - length - 4
            parts.append(
                Markup(
                    '<rect x="{}" y="{}" width="{}" height="13" class="b {}"/>'
                    '<text x="{}" y="{}" class="v" text-anchor="{}">{}</text>'
                ).format(
                    f"{left:.1f}", y + 16 * k, f"{max(length, 1):.1f}", kind, f"{end:.1f}", y + 16 * k + 11,
                    "start" if left == middle else "end", figure(value),
                )
            )  # fmt: skip
    bottom = 6 + len(evidence.panels) * row - 10
    parts.append(Markup('<path d="M{0} 2V{1}" class="z"/>').format(f"{middle:.1f}", bottom))
    title = f"{evidence.caption}: numerical and your own slope"
    return _svg(width, bottom + 4, title, _in_words(evidence), parts)


def _svg(width: float, height: float, title: str, text: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="picture" role="img" viewBox="0 0 {} {}" width="{}" height="{}" aria-label="{}">'
        "<title>{}</title><desc>{}</desc>{}</svg>"
    ).format(width, height, width, height, visible(title), visible(title), visible(text), Markup("").join(parts))


def _columns(panel: Panel) -> int:
    return max((len(row) for row in panel.values), default=0)


def _title_width(panel: Panel) -> int:
    return round(7.4 * max(len(panel.title), len(panel.where)))


def _largest(panel: Panel) -> float:
    return max((abs(v) for row in panel.values for v in row if v is not None), default=0.0)


def _names(panels: Sequence[Panel]) -> str:
    return ", ".join(p.title for p in panels)


def _in_words(evidence: Evidence) -> str:
    """Tell what the eye sees: the marked entries where values are compared, each pair where slopes are."""
    said = []
    for panel in evidence.panels:
        if evidence.kind == "slopes":
            numerical, own = panel.values[0]
            said.append(f"{panel.title}: numerical {figure(numerical)}, yours {figure(own)}")
        else:
            marked = [figure(panel.values[r][c]) for r, c in panel.marked]
            said.append(f"{panel.title}: {', '.join(marked)} at the marked entries")
    return "; ".join(said)
