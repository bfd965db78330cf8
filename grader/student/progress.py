"""`Progress`: a bar over all questions with points, from the checks that were made since the kernel started."""

from collections.abc import Sequence
from dataclasses import dataclass

from grader.student import markup

_WIDTH = 20


@dataclass(frozen=True)
class Standing:
    """Where one question stands.

    ``reached`` are the points of the visible checks that passed, ``later`` those that only grading can give (no visible
    case shows them), ``remarks`` what there is to do.
    """

    question: str
    points: float
    bonus: bool
    reached: float
    later: float
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """Where the whole assignment stands. Its points are those of visible checks, and it says so."""

    title: str
    standings: Sequence[Standing]

    @property
    def reached(self) -> float:
        """Points of visible checks that passed, without a bonus."""
        return sum(s.reached for s in self.standings if not s.bonus)

    @property
    def points(self) -> float:
        """Points that count as full marks."""
        return sum(s.points for s in self.standings if not s.bonus)

    @property
    def headline(self) -> str:
        """The sum in one line; it never says that all is done."""
        words = f"{self.title}: visible checks worth {self.reached:g} of {self.points:g} points passed"
        return f"{words}; hidden ones decide the marks."

    def __repr__(self) -> str:
        width = max((len(s.question) for s in self.standings), default=0)
        lines = [self.headline]
        for s in self.standings:
            full, later = _parts(s, _WIDTH)
            bar = "█" * full + "·" * (_WIDTH - full - later) + "?" * later
            lines.append(f"  {s.question:<{width}}  {bar}  {_points(s)}{'  ' * bool(s.remarks)}{'; '.join(s.remarks)}")
        if any(s.later for s in self.standings):
            lines.append("  ? is judged when you hand in: no visible check shows it")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(_row(s) for s in self.standings)
        style = "border-collapse:collapse;margin:.5em 0;color:inherit"
        parts = [f"<strong>{markup.escape(self.headline)}</strong>", f'<table style="{style}">{rows}</table>']
        if any(s.later for s in self.standings):
            swatch = f'<span style="display:inline-block;width:1.4em;height:.7em;{_STRIPES}"></span>'
            parts.append(
                markup.paragraph(f"{swatch} is judged when you hand in: no visible check shows it", muted=True)
            )
        return markup.box(markup.PASSED if self.reached >= self.points else markup.WAITING, parts)


_STRIPES = "background:repeating-linear-gradient(45deg,rgba(127,127,127,.55) 0 3px,transparent 3px 6px)"


def _parts(standing: Standing, width: int) -> tuple[int, int]:
    """How much of a bar is full (rounded down: no bar is full too early) and how much is for grading alone."""
    if not standing.points:
        return 0, 0
    later = min(width, -int(-standing.later / standing.points * width // 1))
    return min(width - later, int(standing.reached / standing.points * width + 1e-9)), later


def _points(standing: Standing) -> str:
    return f"{standing.reached:g} / {standing.points:g}{' (bonus)' if standing.bonus else ''}"


def _row(standing: Standing) -> str:
    full, later = _parts(standing, 100)
    cell = "padding:.15em .8em .15em 0;text-align:left;background:none;color:inherit;border:none;white-space:nowrap"
    bar = (
        f'<div role="img" aria-label="{_points(standing)}" style="display:flex;width:11em;height:.8em;'
        f'border-radius:.4em;overflow:hidden;background:{markup.SHADE}">'
        f'<div style="width:{full}%;background:{markup.PASSED}"></div><div style="flex:1"></div>'
        f'<div style="width:{later}%;{_STRIPES}"></div></div>'
    )
    cells = (markup.escape(standing.question), bar, _points(standing), markup.escape("; ".join(standing.remarks)))
    return f'<tr style="background:none">{"".join(f"<td style={cell!r}>{c}</td>" for c in cells)}</tr>'
