"""Feedback pages: one for each student, one for the class. Made of results alone, they know no notebook and no worker.

Each page is one file that needs nothing else: styles, pictures and the few lines of script are inside, and its
content security policy lets a browser load nothing from anywhere. A student's page names no other student and does
not link to the class. The same results give the same bytes.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

from grader.errors import GraderError
from grader.journal import path_of
from grader.questions import Assignment
from grader.read import Cell
from grader.report.pages import class_page, student_page
from grader.report.similarity import near_identical, shape
from grader.report.words import sort_key
from grader.results import Result

__all__ = ["class_page", "page_of", "student_page", "write_report"]

INDEX = "index.html"
STUDENTS = "students"


def page_of(to: Path, student: str) -> Path:
    """Return where a student's page lies in the folder of a report: any name is a safe and distinct file name."""
    return path_of(to / STUDENTS, student).with_suffix(".html")


def write_report(
    results: Iterable[Result],
    to: Path,
    *,
    assignment: Assignment | str,
    sources: Mapping[str, tuple[Cell, ...]] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Path:
    """Write the class page and each student's page into a folder.

    Parameters
    ----------
    results : iterable of Result
        One a student, in any order.
    to : Path
        The folder; made if it is missing. The class page is ``index.html``, students' pages lie in ``students/``.
    assignment : Assignment or str
        Its title stands above every page. Where only a name is given, a question's functions are told by their names.
    sources : mapping of str to tuple of Cell, optional
        The cells that each student's submission ran, shown beside the verdicts on the student's own page.
    problems : mapping of str to str, optional
        Why a student's submission could not be graded, in one line. Such a student needs no result.

    Returns
    -------
    Path
        The class page.

    Raises
    ------
    GraderError
        If two results are of one student, a name is too long for a file, or the folder cannot be written.
    """
    ordered = sorted(results, key=lambda r: sort_key(r.student))
    for before, after in pairwise(ordered):
        if before.student == after.student:
            raise GraderError(f"two results are of the student {after.student}: keep one of them")
    pages, shapes = {}, {}
    for result in ordered:
        cells = (sources or {}).get(result.student)
        pages[page_of(to, result.student)] = student_page(result, assignment, cells)
        if cells is not None:
            shapes[result.student] = shape(cells)
    links = {r.student: page_of(Path(), r.student).as_posix() for r in ordered}
    index = to / INDEX
    alike = near_identical(shapes) if shapes else None
    pages[index] = class_page(ordered, assignment, links=links, problems=problems or {}, alike=alike)
    try:
        (to / STUDENTS).mkdir(parents=True, exist_ok=True)
        for path, text in pages.items():
            path.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise GraderError(f"cannot write the report to {to}: {error.strerror or error}") from error
    return index
