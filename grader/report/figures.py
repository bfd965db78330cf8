"""Figures of the class page, drawn by Matplotlib as SVG that stands inside the page and follows its colours."""

import io
import re
from collections.abc import Sequence

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grader.report.words import number

# Matplotlib knows no CSS variables: it draws in these colours, each of which is then replaced by its variable.
_COLOURS = {
    "#010101": "ink",
    "#020202": "soft",
    "#030303": "line",
    "#040404": "right-fill",
    "#050505": "part-fill",
    "#060606": "lost-fill",
    "#070707": "card",
    "#090909": "on-right",
    "#0a0a0a": "on-part",
    "#0b0b0b": "on-lost",
}
_BY_NAME = {name: colour for colour, name in _COLOURS.items()}
INK, SOFT, LINE, CARD = (_BY_NAME[name] for name in ("ink", "soft", "line", "card"))
_SETTINGS = {
    "svg.hashsalt": "stencil",
    "svg.fonttype": "none",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "ytick.left": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def histogram(counts: Sequence[int], edges: Sequence[float], median: float, title: str, text: str) -> Markup:
    """Draw how many students have how many points.

    Parameters
    ----------
    counts : sequence of int
        Students in each bin.
    edges : sequence of float
        The bins' limits in points, one more than `counts`.
    median : float
        Marked by a line.
    title, text : str
        The figure in words, for those who do not see it.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(4.6, 2.7), layout="constrained")
        axes = figure.add_subplot()
        width = edges[1] - edges[0]
        bars = axes.bar(edges[:-1], counts, width=0.92 * width, align="edge", color=_BY_NAME["right-fill"])
        # On a ground of their own: the median's line may pass behind them.
        ground = {"facecolor": CARD, "edgecolor": "none", "pad": 0.8}
        for label in axes.bar_label(bars, [str(c) if c else "" for c in counts], padding=3, color=INK, zorder=4):
            label.set_bbox(ground if label.get_text() else None)
        axes.axvline(median, color=CARD, linewidth=4)
        axes.axvline(median, color=INK, linewidth=1.4, linestyle=(0, (4, 3)))
        side, room = ("right", -5) if median > (edges[0] + edges[-1]) / 2 else ("left", 5)
        axes.annotate(
            "median", (median, 1), (room, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha=side, va="bottom", color=INK,
        )  # fmt: skip
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, 1.12 * max(1, *counts))
        axes.set_xticks(edges[:: 1 if len(edges) < 9 else 2])
        axes.xaxis.set_major_formatter(lambda x, _: number(x))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.grid(axis="y", color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel("points")
        axes.set_ylabel("students")
        return _inline(figure, "points", title, text)


def outcomes(names: Sequence[str], counts: Sequence[tuple[int, int, int]], title: str, text: str) -> Markup:
    """Draw for each question how many students have all, some and none of its points."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(4.6, 0.2 + 0.5 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        for y, (name, row) in enumerate(zip(names, counts, strict=True)):
            # "$" would start mathematics; the name is text.
            axes.text(0, y - 0.3, name[:60], va="bottom", ha="left", color=INK, fontsize=9, parse_math=False)
            left = 0
            for kind, count in zip(("right", "part", "lost"), row, strict=True):
                if count:
                    axes.barh(
                        y, count, left=left, height=0.42, color=_BY_NAME[f"{kind}-fill"], edgecolor=CARD, linewidth=1.5
                    )
                    axes.text(
                        left + count / 2,
                        y,
                        str(count),
                        va="center",
                        ha="center",
                        color=_BY_NAME[f"on-{kind}"],
                        fontsize=9,
                    )
                left += count
        axes.set_ylim(len(names) - 0.7, -0.75)
        axes.set_xlim(0, max([1, *(sum(row) for row in counts)]))
        axes.set_axis_off()
        return _inline(figure, "outcomes", title, text)


def _inline(figure: Figure, prefix: str, title: str, text: str) -> Markup:
    """Return a figure as an element of an HTML page: no prologue, no addresses, ids of its own, named in words."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    view = re.search(r'viewBox="([^"]+)"', svg)
    assert view is not None
    svg = svg[svg.index(">") + 1 :]
    for colour, name in _COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]+", r"font-size: \1", svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\1{prefix}-", svg).replace("xlink:href", "href")
    opening = (
        f'<svg class="figure" role="img" viewBox="{view[1]}" aria-labelledby="{prefix}-title {prefix}-text">'
        f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-text">{escape(text)}</desc>'
    )
    return Markup(opening + svg.strip())
