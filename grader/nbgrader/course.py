"""An nbgrader course: its folder, its configuration, the instructor's notebooks. Every stock command works on it."""

import re
from collections.abc import Sequence
from pathlib import Path

from grader.build import dumps, notebook_path
from grader.errors import GraderError
from grader.files import shown, write_text
from grader.folders import load_assignment, topic
from grader.freeze import freeze
from grader.nbgrader.configuration import CONFIG
from grader.nbgrader.source import source_notebook

_TEXT = '''\
"""An nbgrader course whose code is graded by `grader`. Every setting of nbgrader's may be added."""

import os

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = {course_id!r}
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
# The gradebook is a file of SQLite beside this one. PostgreSQL: postgresql+psycopg://user:password@host/database
{db_url}

# Stubs stand above the solutions, so nothing takes the place of what is removed.
c.ClearSolutions.code_stub = {{"python": ""}}
c.ClearSolutions.text_stub = ""

# Submissions are mended when they are read: no duplicated, deleted or changed cell stops a batch.
c.Autograde.exporter_class = "grader.nbgrader.exporter.MendingExporter"
# `Execute` would run submissions here; `Examine` has them examined in isolation and writes each question's points.
c.Autograde.autograde_preprocessors = [
    "grader.nbgrader.preprocessors.Examine",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "grader.nbgrader.preprocessors.SaveBonusAndReasons",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Examine.assignments = {assignments!r}

# What a student writes is shown to others, by formgrader and in feedback: as text, never as a script.
c.HTMLExporter.preprocessors = ["nbconvert.preprocessors.sanitize.SanitizeHTML"]
'''


def write_course(
    to: str | Path, folders: Sequence[Path], *, course_id: str = "", db_url: str = "", force: bool = False
) -> list[Path]:
    """Write a course, or add assignments to one.

    Parameters
    ----------
    to : path
        The course's folder; made if it is missing. Its configuration is left alone where there is one.
    folders : sequence of path
        The assignments'.
    course_id : str, optional
        What the exchange calls the course; the folder's name otherwise.
    db_url : str, optional
        The gradebook's, in SQLAlchemy's form; a SQLite file in the course's folder otherwise.
    force : bool
        Overwrite notebooks that differ: somebody may have worked in them.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    GraderError
        If an assignment cannot be built, or the course cannot or must not be written.
    """
    to = Path(to)
    files: dict[Path, str | bytes] = {}
    for folder in folders:
        assignment = load_assignment(folder)
        if assignment.name != folder.name:
            raise GraderError(f"{shown(folder)}: calls itself {assignment.name!r}: name it as its folder")
        source = to / "source" / folder.name
        files[source / notebook_path(folder).name] = dumps(source_notebook(folder))
        files[source / f"{topic(folder)}.checks"] = freeze(assignment)
    config = to / CONFIG
    if not config.exists():
        # What nbgrader's exchange takes as a folder's name, and SQLAlchemy as text.
        course_id = course_id or re.sub(r"[^0-9A-Za-z_.-]+", "-", to.resolve().name).strip("-") or "course"
        files[config] = _TEXT.format(
            course_id=course_id,
            db_url=f"c.CourseDirectory.db_url = {db_url!r}" if db_url else "# c.CourseDirectory.db_url = ...",
            assignments=str(folders[0].resolve().parent) if folders else "",
        )
    elif course_id or db_url:
        raise GraderError(f"{shown(config)} exists: change the course's name or database there")
    for path, content in files.items():
        if path.suffix == ".ipynb" and path.exists() and not force and path.read_text(encoding="utf-8") != content:
            raise GraderError(f"{shown(path)} exists and differs: move it away, or use --force to overwrite it")
    for path, content in files.items():
        _write(path, content)
    return list(files)


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
            return
    except OSError as error:
        raise GraderError(f"{shown(path)}: cannot be written ({error.strerror or error})") from error
    write_text(path, content)
