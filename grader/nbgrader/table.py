"""The rows of a gradebook for one assignment, written in bulk. Knows no notebook and no result."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbgrader.api import Comment, Grade, Notebook, Student, SubmittedAssignment, SubmittedNotebook, new_uuid
from sqlalchemy import insert, select, update

# Databases take a limited number of values in one statement.
_SLICE = 500


@dataclass(frozen=True)
class Marks:
    """One student's: scores and comments by the name of their cell, and when it was handed in.

    A score of None is for a person to give. Cells that are not named get the same: nothing is known of them.
    """

    student: str
    scores: Mapping[str, float | None]
    comments: Mapping[str, str | None]
    timestamp: datetime | None = None


def write_marks(db: Any, notebook: Notebook, marks: Sequence[Marks], late: Any) -> None:
    """Write the marks of a class into the session ``db``, without committing.

    Parameters
    ----------
    db : sqlalchemy session
    notebook : nbgrader.api.Notebook
        The assignment's only one.
    marks : sequence of Marks
    late : nbgrader.preprocessors.AssignLatePenalties
        Whose plugin gives the penalties.
    """
    by_student = {m.student: m for m in marks}
    _add_students(db, by_student)
    submissions = _submissions(db, notebook, by_student)
    sheets = _sheets(db, notebook, submissions)
    totals = _write_grades(db, notebook, sheets, by_student)
    _write_comments(db, notebook, sheets, by_student)
    _write_penalties(db, notebook, submissions, sheets, totals, late)


def _add_students(db: Any, marks: Mapping[str, Marks]) -> None:
    known = set(db.scalars(select(Student.id)))
    _insert(db, Student, [{"id": student} for student in marks if student not in known])


def _submissions(db: Any, notebook: Notebook, marks: Mapping[str, Marks]) -> dict[str, Any]:
    """Return every marked student's row of the assignment, with the time of its submission brought up to date."""
    columns = (
        SubmittedAssignment.id,
        SubmittedAssignment.student_id,
        SubmittedAssignment.timestamp,
        SubmittedAssignment.extension,
    )
    query = select(*columns).where(SubmittedAssignment.assignment_id == notebook.assignment_id)
    known = {row.student_id: row for row in db.execute(query)}
    _insert(
        db,
        SubmittedAssignment,
        [
            {
                "id": new_uuid(),
                "assignment_id": notebook.assignment_id,
                "student_id": m.student,
                "timestamp": m.timestamp,
            }
            for m in marks.values()
            if m.student not in known
        ],
    )
    later = [
        {"id": known[m.student].id, "timestamp": m.timestamp}
        for m in marks.values()
        if m.student in known and m.timestamp is not None and m.timestamp != known[m.student].timestamp
    ]
    _update(db, SubmittedAssignment, later)
    return {row.student_id: row for row in db.execute(query) if row.student_id in marks}


def _sheets(db: Any, notebook: Notebook, submissions: Mapping[str, Any]) -> dict[str, str]:
    """Return the id of every student's row of the notebook."""
    query = select(SubmittedNotebook.id, SubmittedNotebook.assignment_id).where(
        SubmittedNotebook.notebook_id == notebook.id
    )
    known = {row.assignment_id: row.id for row in db.execute(query)}
    new = {s.id: new_uuid() for s in submissions.values() if s.id not in known}
    _insert(
        db,
        SubmittedNotebook,
        [{"id": sheet, "notebook_id": notebook.id, "assignment_id": of, "flagged": False} for of, sheet in new.items()],
    )
    known |= new
    return {student: known[s.id] for student, s in submissions.items()}


def _write_grades(
    db: Any, notebook: Notebook, sheets: Mapping[str, str], marks: Mapping[str, Marks]
) -> dict[str, float]:
    """Write the automatic scores, and return every student's total with what a person gave."""
    cells = {c.id: c.name for c in (*notebook.grade_cells, *notebook.task_cells)}
    query = (
        select(
            Grade.id,
            Grade.notebook_id,
            Grade.cell_id,
            Grade.auto_score,
            Grade.manual_score,
            Grade.extra_credit,
            Grade.needs_manual_grade,
        )
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .where(SubmittedNotebook.notebook_id == notebook.id)
    )
    known = {(row.notebook_id, row.cell_id): row for row in db.execute(query)}
    new, changed, totals = [], [], {}
    for student, sheet in sheets.items():
        total = 0.0
        for cell, name in cells.items():
            score = marks[student].scores.get(name)
            row = known.get((sheet, cell))
            manual = None if row is None else row.manual_score
            values = {"auto_score": score, "needs_manual_grade": manual is not None or score is None}
            if row is None:
                new.append({"id": new_uuid(), "notebook_id": sheet, "cell_id": cell, **values})
            elif (row.auto_score, row.needs_manual_grade) != tuple(values.values()):
                changed.append({"id": row.id, **values})
            counted = manual if manual is not None else score
            if counted is not None:
                total += counted + ((row.extra_credit or 0.0) if row is not None else 0.0)
        totals[student] = total
    _insert(db, Grade, new)
    _update(db, Grade, changed)
    return totals


def _write_comments(db: Any, notebook: Notebook, sheets: Mapping[str, str], marks: Mapping[str, Marks]) -> None:
    cells = {c.id: c.name for c in (*notebook.solution_cells, *notebook.task_cells)}
    query = (
        select(Comment.id, Comment.notebook_id, Comment.cell_id, Comment.auto_comment)
        .join(SubmittedNotebook, Comment.notebook_id == SubmittedNotebook.id)
        .where(SubmittedNotebook.notebook_id == notebook.id)
    )
    known = {(row.notebook_id, row.cell_id): row for row in db.execute(query)}
    new, changed = [], []
    for student, sheet in sheets.items():
        for cell, name in cells.items():
            text = marks[student].comments.get(name)
            row = known.get((sheet, cell))
            if row is None:
                new.append({"id": new_uuid(), "notebook_id": sheet, "cell_id": cell, "auto_comment": text})
            elif row.auto_comment != text:
                changed.append({"id": row.id, "auto_comment": text})
    _insert(db, Comment, new)
    _update(db, Comment, changed)


def _write_penalties(
    db: Any,
    notebook: Notebook,
    submissions: Mapping[str, Any],
    sheets: Mapping[str, str],
    totals: Mapping[str, float],
    late: Any,
) -> None:
    due = notebook.assignment.duedate
    late.init_plugin()
    query = select(SubmittedNotebook.id, SubmittedNotebook.late_submission_penalty).where(
        SubmittedNotebook.notebook_id == notebook.id
    )
    known = {row.id: row.late_submission_penalty for row in db.execute(query)}
    changed = []
    for student, submission in submissions.items():
        penalty = None
        if due is not None and submission.timestamp is not None:
            seconds = (submission.timestamp - due - (submission.extension or due - due)).total_seconds()
            if seconds > 0:
                penalty = late.plugin_inst.late_submission_penalty(student, totals[student], seconds)
        if penalty is not None:
            penalty = max(0.0, min(penalty, totals[student]))
        if penalty != known[sheets[student]]:
            changed.append({"id": sheets[student], "late_submission_penalty": penalty})
    _update(db, SubmittedNotebook, changed)


def _insert(db: Any, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    for some in _slices(rows):
        db.execute(insert(table), some)


def _update(db: Any, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    for some in _slices(rows):
        db.execute(update(table), some)


def _slices(rows: Sequence[dict[str, Any]]) -> Iterable[Sequence[dict[str, Any]]]:
    return (rows[start : start + _SLICE] for start in range(0, len(rows), _SLICE))
