"""Plain tables of marks: our own with every question, and the columns of nbgrader's `CsvExportPlugin`.

The second is what ``nbgrader export`` writes (nbgrader 0.9, `nbgrader/plugins/export.py`), but properly quoted, which
that command does not do, and made of results alone: for marks that a person entered use ``nbgrader export`` itself.
"""

from collections.abc import Sequence

from grader.exports.tables import Table, mark, plain
from grader.results import Result

NBGRADER = (
    "assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
    "late_submission_penalty", "score", "max_score",
)  # fmt: skip
_OURS = ("student", "assignment", "total", "max_points", "earned", "penalties")


def marks_table(results: Sequence[Result]) -> Table:
    """Return a row for each result: total, points before penalties, points of each question, the first reason."""
    questions = list(dict.fromkeys(q.name for r in results for q in r.questions))
    rows = [(*_OURS, *map(plain, questions), "reason")]
    for r in results:
        points = {q.name: mark(q.points) for q in r.questions}
        taken = sum(p.points for p in r.penalties)
        cells = (mark(r.total), mark(r.max_points), mark(r.points), mark(taken))
        own = (points.get(q, "") for q in questions)
        rows.append((plain(r.student), plain(r.assignment), *cells, *own, plain(r.first_reason)))
    return Table(tuple(rows))


def nbgrader_table(results: Sequence[Result]) -> Table:
    """Return the columns that ``nbgrader export`` writes; what results do not know is empty."""
    rows = [NBGRADER]
    for r in results:
        taken = sum(p.points for p in r.penalties)
        marks = (mark(r.points), mark(taken), mark(r.total), mark(r.max_points))
        rows.append((plain(r.assignment), "", "", plain(r.student), "", "", "", *marks))
    return Table(tuple(rows))
