"""`Report`: what one check found, as a calm card in a notebook and as text elsewhere."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from grader.gradients import fits, slopes
from grader.judge import Problem, problems
from grader.plans import Answer
from grader.prepare import PreparedQuestion
from grader.results import QuestionResult
from grader.student import markup
from grader.student.heatmap import entry_words, heatmap
from grader.student.spot import Spot

_CASES = re.compile(r" \(lost in \d+ of \d+ cases\)$")
_PICTURED = ("value", "gradient", "stability", "count")


@dataclass(frozen=True)
class Derivative:
    """By one input: what the student's forward does along a random direction, what their backward says of it."""

    name: str
    numerical: float
    analytic: float
    fits: bool


@dataclass(frozen=True)
class Report:
    """What a check found: rich in a notebook, text elsewhere.

    Attributes
    ----------
    function : str
    question : PreparedQuestion
        As it was judged: its visible cases, and those of its criteria that they show.
    answers : tuple of Answer
        One for each of its trials.
    result : QuestionResult
    spot : Spot, optional
        Where the first exception arose.
    """

    function: str
    question: PreparedQuestion
    answers: tuple[Answer, ...]
    result: QuestionResult
    spot: Spot | None = None

    @property
    def passed(self) -> bool:
        """Whether every visible check passed; where there is none, nothing is known."""
        return self.result.status == "passed" and bool(self.result.criteria)

    @property
    def headline(self) -> str:
        """The verdict in one line; it never says that all is done."""
        if not self.result.criteria:
            return f"{self.function}: there is no visible check of it, it is judged when you hand in."
        if self.passed:
            return f"{self.function}: the visible checks passed; hidden ones remain."
        if self.result.status == "missing":
            if self.spot is not None and self.spot.function not in ("", self.function):
                return f"{self.function} calls {self.spot.function}, which is not written yet."
            reason = self.result.first_reason
            return reason if reason.endswith("?") else f"{reason}."
        lost = sum(not c.passed for c in self.result.criteria)
        return f"{self.function}: {lost} of {len(self.result.criteria)} visible checks did not pass."

    @property
    def tried(self) -> str:
        """What was tried, in one sentence."""
        cases = list(dict.fromkeys(t.case for t in self.question.trials if t.visible))
        seconds = self.result.seconds
        took = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
        shown = ", ".join(f"“{c}”" for c in cases[:4]) + (", …" if len(cases) > 4 else "")
        return f"Tried {len(cases)} case{'s' * (len(cases) != 1)} in {took}: {shown}."

    @cached_property
    def worst(self) -> Problem | None:
        """The first wrong value that has a place in an array; with an exception there is something to mend before."""
        for criterion in self.question.criteria if self.spot is None else ():
            if criterion.kind in _PICTURED:
                for problem in problems(self.question, criterion, self.answers):
                    if problem.difference is not None and problem.difference.index:
                        return problem
        return None

    @cached_property
    def derivatives(self) -> list[Derivative]:
        """The student's forward against their backward, where one of the two does not fit; else empty."""
        return list(self._derivatives())

    def _derivatives(self) -> Iterator[Derivative]:
        lost = {c.name for c in self.result.criteria if not c.passed}
        criteria = [c for c in self.question.criteria if c.kind in ("gradient", "consistency") and c.name in lost]
        trials = [i for i, t in enumerate(self.question.trials) if t.kind == "consistency"]
        rows = []
        for i in trials if criteria and self.spot is None else ():
            trial = self.question.trials[i]
            with np.errstate(all="ignore"):
                own = slopes(self.question, trial, self.answers[i])
                targets = slopes(self.question, trial, trial.expected)
            if isinstance(own, str) or isinstance(targets, str):
                continue
            rows = [
                Derivative(s.name, s.numerical, s.analytic, s.finite and fits(s, t, trial.step))
                for s, t in zip(own, targets, strict=True)
            ]
            if not all(r.fits for r in rows):
                break
        yield from rows

    @property
    def _verdict_on_derivatives(self) -> str:
        if not self.derivatives or not all(d.fits for d in self.derivatives):
            return ""
        pairs = zip(self.question.criteria, self.result.criteria, strict=True)
        forward = any(c.kind == "value" and not r.passed for c, r in pairs)
        return "Your backward is the derivative of your own forward: mend the forward first." if forward else ""

    @property
    def _lost(self) -> list[str]:
        """What did not pass: names of criteria and their reason, each reason once."""
        reasons: dict[str, list[tuple[str, str]]] = {}
        for c in self.result.criteria:
            if not c.passed:
                reasons.setdefault(_CASES.sub("", c.message), []).append((c.name, c.message))
        lines = []
        for reason, same in reasons.items():
            # The headline names the function, and all cases here are visible ones.
            message = (same[0][1] if len(same) == 1 else reason).removeprefix(f"{self.function}, visible ")
            if self.spot is not None:
                message = message.replace(f"raised {self.spot.error} at line {self.spot.line}", "raised this error")
            line = f"{', '.join(name for name, _ in same)}: {message}"
            entry = self._entry() if self.worst is not None and self.worst.message == reason else ""
            lines.append(f"{line}; there: {entry}" if entry else line)
        return lines

    @property
    def _advice(self) -> str:
        """What the form of an answer lacks, where that is all there is to say."""
        first = next((o.failure for a in self.answers for o in a.outcomes[:1] if o.failure is not None), None)
        if first is not None and first.kind == "outputs":
            forward = self.question.functions[0]
            if self.question.layer:
                return f"{forward} returns two things, the output and its cache: return out, cache"
            return f"The description of {forward} says under Returns what belongs behind `return`, and in which order."
        return self._verdict_on_derivatives

    @property
    def _kept(self) -> str:
        return ", ".join(c.name for c in self.result.criteria if c.passed)

    @property
    def _details(self) -> bool:
        return not self.passed and self.result.status != "missing" and bool(self.result.criteria)

    def _entry(self) -> str:
        if self.worst is None or self.worst.difference is None:
            return ""
        answer = self.answers[self.worst.trial].outcomes[self.worst.step].values[self.worst.output]
        expected = self.question.trials[self.worst.trial].expected.outcomes[self.worst.step].values[self.worst.output]
        return entry_words(answer, expected, self.worst.difference)

    def __repr__(self) -> str:
        lines = [self.headline]
        lines += [f"  {_leads(d.kind)} {d.name}: {d.hint}" for d in self.result.diagnosis]
        if self._details:
            lines += [f"  {line}" for line in _spot_lines(self.spot)]
            lines += [f"  NOT {line}" for line in self._lost]
            lines += [f"  ok  {self._kept}"] if self._kept else []
            lines += [
                f"  by {d.name}: your forward changes by {d.numerical:.6g}, d{d.name} says {d.analytic:.6g}"
                f"{'' if d.fits else '   <- these differ'}"
                for d in self.derivatives
            ]
            lines += [f"  {line}" for line in (self._advice, self.tried) if line]
            lines.append("  check.explain() shows each case.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        sign = "✓ " if self.passed else ""
        parts = [f"<strong>{markup.escape(sign + self.headline)}</strong>"]
        for d in self.result.diagnosis:
            name, hint = markup.escape(d.name), markup.escape(d.hint)
            parts.append(markup.paragraph(f"{_leads(d.kind)} <strong>{name}</strong>: {hint}"))
        if self._details:
            parts += self._html_details()
        elif self.passed:
            parts.append(markup.paragraph(f"{markup.escape(self._kept)}. {markup.escape(self.tried)}", muted=True))
        return markup.box(markup.PASSED if self.passed else markup.WAITING, parts)

    def _html_details(self) -> Iterator[str]:
        yield spot_html(self.spot)
        first, *more = [markup.paragraph(f"✗ {markup.escape(line)}") for line in self._lost]
        yield first
        if self.worst is not None and self.worst.difference is not None:
            outcomes = self.answers[self.worst.trial].outcomes[self.worst.step].values
            expected = self.question.trials[self.worst.trial].expected.outcomes[self.worst.step].values
            k = self.worst.output
            yield heatmap(outcomes[k], expected[k], self.worst.difference)
        if self.derivatives:
            yield derivatives_html(self.derivatives)
        if self._advice:
            yield markup.paragraph(markup.escape(self._advice))
        if more:
            yield markup.folded(f"{len(more)} more did not pass", "".join(more), opened=len(more) == 1)
        if self._kept:
            yield markup.paragraph(f"✓ {markup.escape(self._kept)}")
        tried = f"{markup.escape(self.tried)} {markup.code('check.explain()')} shows each."
        yield markup.paragraph(tried, muted=True)


def derivatives_html(derivatives: Sequence[Derivative]) -> str:
    """The numerical against the analytic gradient, along one random direction for each input."""
    rows = [
        (f"by {markup.code(d.name)}", f"{d.numerical:.6g}", f"{d.analytic:.6g}", "✓" if d.fits else "✗ differ")
        for d in derivatives
    ]
    head = ("along a random direction", "your forward changes by", "your backward says", "")
    return markup.table(head, rows)


def _spot_lines(spot: Spot | None) -> list[str]:
    if spot is None:
        return []
    where = f"in {spot.function}, line {spot.line}" if spot.function else f"in line {spot.line}"
    lines = [spot.error, f"    {where}: {spot.source}"]
    start, end = spot.mark
    if end > start:
        lines.append(" " * (len(f"    {where}: ") + start) + "^" * (end - start))
    return [*lines, f"    with {', '.join(spot.names)}"] if spot.names else lines


def spot_html(spot: Spot | None) -> str:
    """An exception at the student's own line, with the arrays at hand; empty where there is none."""
    if spot is None:
        return ""
    start, end = spot.mark
    before, marked, after = spot.source[:start], spot.source[start:end], spot.source[end:]
    line = markup.escape(before)
    if marked:
        line += f'<span style="text-decoration:underline wavy {markup.WAITING}">{markup.escape(marked)}</span>'
    line += markup.escape(after)
    where = f"in {spot.function}, line {spot.line}" if spot.function else f"in line {spot.line}"
    said = markup.paragraph(f"<strong>{markup.escape(spot.error)}</strong> {markup.escape(where)}:")
    with_ = markup.paragraph(f"with {markup.code(', '.join(spot.names))}") if spot.names else ""
    return said + (markup.listing(line) if spot.source else "") + with_


def _leads(kind: str) -> str:
    return "This looks like" if kind == "misconception" else "Right under another convention,"
