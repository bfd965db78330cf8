"""Pieces of HTML that read well on light and dark pages: they take their ink from the page and lay nothing opaque."""

import html
from collections.abc import Iterable, Sequence

# Amber and green that stand out on white as on black; the same hue never carries the meaning alone, a sign does too.
PASSED, WAITING = "#2e9e5b", "#d07a00"
SHADE = "rgba(127,127,127,.16)"
_MUTED = "opacity:.75;font-size:.92em"


def escape(text: str) -> str:
    """Make text safe between tags and in attributes."""
    return html.escape(text)


def box(colour: str, parts: Iterable[str]) -> str:
    """Frame parts by a coloured line on their left."""
    inner = "".join(parts)
    return f'<div style="border-left:4px solid {colour};padding:.3em .9em;margin:.3em 0;line-height:1.45">{inner}</div>'


def paragraph(inner: str, *, muted: bool = False) -> str:
    """One paragraph of HTML."""
    return f'<p style="margin:.35em 0;{_MUTED if muted else ""}">{inner}</p>'


def code(text: str) -> str:
    """Text in the letters of code, with its spaces."""
    return f'<code style="background:none;color:inherit;white-space:pre-wrap">{escape(text)}</code>'


def listing(inner: str) -> str:
    """Lines of code, in HTML."""
    return (
        f'<pre style="background:{SHADE};color:inherit;padding:.4em .7em;margin:.35em 0;white-space:pre-wrap;'
        f'border-radius:3px">{inner}</pre>'
    )


def folded(title: str, inner: str, *, opened: bool = False) -> str:
    """A part that unfolds at a click on its title; both are HTML."""
    return f'<details{" open" if opened else ""} style="margin:.3em 0"><summary>{title}</summary>{inner}</details>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A small table of HTML cells; its first column is text, the others are numbers."""
    style = "padding:.15em .8em;text-align:{};background:none;color:inherit;border:none"
    aligned = [style.format("left"), *[style.format("right")] * (len(head) - 1)]

    def row(cells: Sequence[str], tag: str) -> str:
        inner = "".join(f'<{tag} style="{s}">{c}</{tag}>' for s, c in zip(aligned, cells, strict=True))
        return f'<tr style="background:none">{inner}</tr>'

    body = "".join(row(cells, "td") for cells in rows)
    return (
        '<table style="border-collapse:collapse;margin:.4em 0;color:inherit;font-size:inherit">'
        f"<thead>{row(head, 'th')}</thead><tbody>{body}</tbody></table>"
    )
