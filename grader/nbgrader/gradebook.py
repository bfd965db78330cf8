"""Write results into a course's gradebook and ``autograded/``, a whole class at once.

What is written is what ``nbgrader autograde`` stores for the same results, so either can run after the other. Scores,
extra credit and comments that a person entered are other fields than ours and are only read, for late penalties.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from grader.errors import GraderError
from grader.files import read_text, shown
from grader.folders import topic
from grader.nbgrader.autograded import files_beside_notebooks, read_timestamp, write_autograded
from grader.nbgrader.configuration import CONFIG, configuration, gradebook_url
from grader.nbgrader.marks import comments, scores, show
from grader.nbgrader.master import Master, master_of, mended, untouched
from grader.nbgrader.table import Marks, write_marks
from grader.results import Result


@dataclass(frozen=True)
class Written:
    """What `write` did: how many students' marks it wrote, where, and for whom something could not be, in words."""

    students: int
    db_url: str
    problems: tuple[str, ...]


def write(course: str | Path, results: Iterable[Result], *, assignment: str) -> Written:
    """Write one assignment's results.

    Parameters
    ----------
    course : path
        The course's folder, as `grader.nbgrader.course.write_course` makes it.
    results : iterable of Result
        One for each student. Their penalties are left out: in a course, nbgrader's plugin gives those for lateness.
    assignment : str
        The assignment's name in the course.

    Raises
    ------
    GraderError
        If there is no course, its database cannot be used, or the assignment was not generated in it. Nothing is
        written then. What concerns one student alone is one of `Written.problems`.
    """
    course = Path(course)
    if not (course / CONFIG).is_file() and not gradebook_url(course):
        raise GraderError(f"{shown(course)} is no nbgrader course, it holds no {CONFIG}: run grader course")
    config = configuration(course)
    coursedir = CourseDirectory(config=config)
    problems: list[str] = []
    try:
        with _commands_on_path(), Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
            desk = _desk(gradebook, coursedir, assignment)
            marks = []
            for result in results:
                try:
                    marks.append(desk.marks(result))
                except GraderError as error:
                    problems.append(f"{shown(result.student)}: {error}")
            write_marks(gradebook.db, desk.notebook, marks, AssignLatePenalties(config=config))
            gradebook.db.commit()
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0]
        raise GraderError(f"the gradebook {_without_password(coursedir.db_url)} cannot be used: {reason}") from error
    return Written(len(marks), _without_password(coursedir.db_url), (*problems, *desk.absent()))


@contextmanager
def _commands_on_path() -> Iterator[None]:
    """Let nbgrader find `alembic`, which it calls by name, beside this Python where that is not on the path."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@dataclass
class _Desk:
    """What is needed of one assignment to turn its results into marks."""

    coursedir: Any
    assignment: str
    notebook: Notebook
    name: str
    master: Master
    source: Path
    source_files: list[Path]
    without_notebook: list[str] = field(default_factory=list)

    def marks(self, result: Result) -> Marks:
        """Write a student's folder in ``autograded/``, and return what goes into the database."""
        _refuse_odd(result, self.assignment)
        submitted = self._folder(self.coursedir.submitted_directory, result.student)
        graded: dict[str, float | None] = dict(scores(self.master, result))
        said = comments(self.master, result)
        path = submitted / f"{self.name}.ipynb"
        if not os.path.lexists(path):
            self.without_notebook.append(result.student)
        else:
            notebook = mended(read_text(path), path.name, self.master)
            for cell in notebook["cells"]:
                mark = cell["metadata"].get("nbgrader")
                if mark is not None and mark["solution"] and mark["grade"]:
                    empty = untouched(cell)
                    graded[mark["grade_id"]] = 0.0 if empty else None
                    said[mark["grade_id"]] = "No response." if empty else None
            show(notebook, self.master, result)
            write_autograded(
                notebook,
                self.name,
                submitted=submitted,
                source=self.source,
                source_files=self.source_files,
                to=self._folder(self.coursedir.autograded_directory, result.student),
            )
        return Marks(result.student, graded, said, read_timestamp(self.coursedir, submitted))

    def _folder(self, step: str, student: str) -> Path:
        return Path(self.coursedir.format_path(step, student, self.assignment))

    def absent(self) -> list[str]:
        """Say whose notebooks are not in the course."""
        where = shown(self._folder(self.coursedir.submitted_directory, "STUDENT") / f"{self.name}.ipynb")
        return [
            f"{shown(student)}: marks are written, but formgrader has no notebook to show: there is no {where}"
            for student in self.without_notebook
        ]


def _desk(gradebook: Any, coursedir: Any, assignment: str) -> _Desk:
    name = topic(assignment)
    try:
        notebook = gradebook.find_notebook(name, assignment)
    except MissingEntry as error:
        raise GraderError(f"{assignment} is not in the gradebook: run nbgrader generate_assignment first") from error
    source = Path(coursedir.format_path(coursedir.source_directory, ".", assignment))
    master = master_of(notebook, source / f"{name}.ipynb")
    files = files_beside_notebooks(source, coursedir.ignore)
    return _Desk(coursedir, assignment, notebook, name, master, source, files)


def _refuse_odd(result: Result, assignment: str) -> None:
    if result.assignment != assignment:
        raise GraderError(f"the result is of {result.assignment}, not of {assignment}")
    name = result.student
    # In a course a student is a folder; a name that is none could only have come from elsewhere.
    if name in ("", ".", "..") or "/" in name or "\0" in name or len(name) > 128 or not _encodable(name):
        raise GraderError("cannot be a student's folder, so it cannot be in a course")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_password(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
