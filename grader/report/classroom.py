"""What a class's results say together: who, which questions, which mistakes. Plain data; knows no page."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.report.similarity import Pair
from grader.report.words import TROUBLED, number, percent, sort_key, status_words, unprotected
from grader.results import Diagnosis, QuestionResult, Result

# With fewer students a correlation says nothing.
FEW = 10
# Remarks of the grading that a person should read: what was forbidden, and what had to be left out.
_TELLING = re.compile(r"not allowed|tried to|left out|process ended|tracing was switched off", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One student in the table; ``result`` is None where the submission could not be graded."""

    student: str
    link: str
    result: Result | None
    reason: str


@dataclass(frozen=True)
class QuestionRow:
    """One question over the class. ``lost`` is the criterion that most students lose, with how many they are.

    ``discrimination`` is the corrected item-total correlation: Pearson's, of the points on this question with the
    points on all others; None where either is the same for everyone.
    """

    name: str
    max_points: float
    bonus: bool
    full: int
    some: int
    none: int
    share: float
    seconds: float
    lost: tuple[str, int] | None
    discrimination: float | None

    @property
    def remark(self) -> str:
        """What is odd about the question, empty where nothing is."""
        students = self.full + self.some + self.none
        if students > 1 and self.full == students:
            return "everybody solved it"
        if students > 1 and not self.full:
            return "nobody solved it"
        if self.discrimination is not None and self.discrimination < 0 and students >= FEW:
            return "who is good at the rest is worse at this"
        return ""


@dataclass(frozen=True)
class Mistake:
    """A recognised mistake with the students who made it."""

    question: str
    name: str
    kind: str
    hint: str
    students: tuple[tuple[str, str], ...]  # name, link


@dataclass(frozen=True)
class Distribution:
    """Points in bins of a round width; values beyond the maximum (bonus) count in the last."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    median: float
    mean: float


def rows(results: Sequence[Result], links: Mapping[str, str], problems: Mapping[str, str]) -> list[Row]:
    """Return every student, graded or not, in the order of names."""
    graded = {r.student: r for r in results}
    students = sorted({*graded, *problems}, key=sort_key)
    return [
        Row(s, links.get(s, ""), graded.get(s), problems.get(s, "") or (graded[s].first_reason if s in graded else ""))
        for s in students
    ]


def needing_a_person(
    table: Sequence[Row], problems: Mapping[str, str], alike: Sequence[Pair] = ()
) -> list[tuple[Row, str]]:
    """Return the students whose submission someone should look at, each with why."""
    found = []
    others: dict[str, list[str]] = {}
    for pair in alike:
        others.setdefault(pair.one, []).append(f"{pair.other} ({percent(pair.share)})")
        others.setdefault(pair.other, []).append(f"{pair.one} ({percent(pair.share)})")
    for row in table:
        reasons = [problems[row.student]] if row.student in problems else []
        questions = row.result.questions if row.result else ()
        for status in TROUBLED:
            names = [q.name for q in questions if q.status == status]
            if names:
                where = "every question" if len(names) == len(questions) > 1 else ", ".join(names)
                reasons.append(f"{status_words(status).lower()}: {where}")
        if row.result is not None:
            reasons += [note for note in row.result.notes if _TELLING.search(note)]
            if unprotected(row.result.sandbox):
                reasons.append("graded without isolation")
        if row.student in others:
            reasons.append(f"code nearly the same as that of {', '.join(others[row.student])}")
        if reasons:
            found.append((row, "; ".join(reasons)))
    return found


def question_rows(results: Sequence[Result]) -> list[QuestionRow]:
    """Return one row for each question, in the order in which the results hold them."""
    answers: dict[str, list[QuestionResult]] = {}
    for result in results:
        for question in result.questions:
            answers.setdefault(question.name, []).append(question)
    return [_question_row(name, found, _discrimination(results, name)) for name, found in answers.items()]


def _discrimination(results: Sequence[Result], name: str) -> float | None:
    own = [(q.points, r.points - q.points) for r in results for q in r.questions if q.name == name]
    if len({a for a, _ in own}) < 2 or len({round(b, 6) for _, b in own}) < 2:
        return None
    return round(statistics.correlation([a for a, _ in own], [b for _, b in own]), 4)


def _question_row(name: str, found: Sequence[QuestionResult], discrimination: float | None) -> QuestionRow:
    full = sum(q.points >= q.max_points for q in found)
    none = sum(q.points <= 0 < q.max_points for q in found)
    lost = Counter(c.name for q in found for c in q.criteria if not c.passed)
    total = sum(q.max_points for q in found)
    return QuestionRow(
        name=name,
        max_points=found[0].max_points,
        bonus=found[0].bonus,
        full=full,
        some=len(found) - full - none,
        none=none,
        share=sum(q.points for q in found) / total if total else 0.0,
        seconds=statistics.median(q.seconds for q in found),
        lost=min(lost.items(), key=lambda item: (-item[1], item[0]), default=None),
        discrimination=discrimination,
    )


def mistakes(results: Sequence[Result], links: Mapping[str, str]) -> list[Mistake]:
    """Return the recognised mistakes, the most common first."""
    who: dict[tuple[str, str], list[tuple[str, str]]] = {}
    first: dict[tuple[str, str], Diagnosis] = {}
    for result in results:
        for question in result.questions:
            for diagnosis in question.diagnosis:
                key = question.name, diagnosis.name
                first.setdefault(key, diagnosis)
                who.setdefault(key, []).append((result.student, links.get(result.student, "")))
    found = [Mistake(q, n, first[q, n].kind, first[q, n].hint, tuple(s)) for (q, n), s in who.items()]
    return sorted(found, key=lambda m: (-len(m.students), m.question, m.name))


def distribution(results: Sequence[Result]) -> Distribution:
    """Return the distribution of points after penalties; there must be a result."""
    most = max(r.max_points for r in results) or 1.0
    width = next(w * 10**k for k in range(-1, 9) for w in (1, 2, 5) if most <= 12 * w * 10**k)
    counts = [0] * math.ceil(round(most / width, 6))
    points = [r.total for r in results]
    for p in points:
        counts[min(len(counts) - 1, max(0, int(p / width)))] += 1
    edges = tuple(round(width * i, 6) for i in range(len(counts) + 1))
    return Distribution(tuple(counts), edges, statistics.median(points), statistics.fmean(points))


def in_words(found: Distribution) -> str:
    """Say the distribution for those who do not see the figure."""
    bins = zip(found.counts, found.edges, found.edges[1:], strict=False)
    return "; ".join(f"{c} from {number(a)} to {number(b)}" for c, a, b in bins if c)
