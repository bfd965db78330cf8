"""The bundle that students receive: notebook, frozen checks, requirements, a README. Nothing else leaves the folder."""

from collections.abc import Sequence
from pathlib import Path

from grader.build import build, dumps, notebook_path
from grader.errors import GraderError
from grader.files import shown, write_text
from grader.folders import load_assignment, topic
from grader.freeze import freeze
from grader.personal import for_student, has_personal, make_secret, read_secret
from grader.questions import Assignment

REQUIREMENTS = "stencil-cnn\njupyterlab\n"


def release(folder: str | Path, to: str | Path, *, force: bool = False, student: str = "") -> list[Path]:
    """Write an assignment's student bundle.

    Parameters
    ----------
    folder : path
        The assignment's folder.
    to : path
        Where the bundle goes; made if it is missing. Other files in it are left alone.
    force : bool
        Overwrite a notebook that differs from the one released: somebody may have worked in it.
    student : str
        For whom the bundle is. In an assignment with numbers of a student's own these are derived from the course's
        secret, which is drawn at first use; from then on such an assignment is not released for nobody in particular.

    Returns
    -------
    list of Path
        The files of the bundle.

    Raises
    ------
    GraderError
        If the assignment cannot be built, or the target cannot or must not be written.
    """
    folder = Path(folder)
    return _write(folder, Path(to), freeze(load_assignment(folder)), force=force, student=student)


def release_roster(folder: str | Path, to: str | Path, students: Sequence[str], *, force: bool = False) -> list[Path]:
    """Write a bundle for each student, each in a folder of the student's id; see `release`."""
    folder = Path(folder)
    for student in students:
        if student != Path(student).name or student in (".", "..") or shown(student) != student:
            raise GraderError(f"{shown(student)!r} cannot be the name of a folder: release it alone, with --student")
    checks = freeze(load_assignment(folder))  # nothing in it is of one student
    return [p for s in students for p in _write(folder, Path(to) / s, checks, force=force, student=s)]


def _write(folder: Path, to: Path, checks: bytes, *, force: bool, student: str) -> list[Path]:
    assignment = load_assignment(folder)
    if has_personal(assignment):
        if not student and read_secret(folder):
            raise GraderError(
                f"{folder.name} has numbers of each student's own in this course: use --student ID or --roster FILE.csv"
            )
        if student:
            assignment = for_student(assignment, make_secret(folder), student)
    text = dumps(build(folder, student=student, assignment=assignment))
    notebook = to / notebook_path(folder).name
    if notebook.exists() and not force and notebook.read_bytes() != text.encode():
        raise GraderError(f"{shown(notebook)} exists and differs: move it away, or use --force to overwrite it")
    files = [notebook, to / f"{topic(folder)}.checks", to / "requirements.txt", to / "README.md"]
    try:
        to.mkdir(parents=True, exist_ok=True)
        files[1].write_bytes(checks)
    except OSError as error:
        raise GraderError(f"{shown(to)}: cannot be written ({error.strerror or error})") from error
    write_text(notebook, text)
    write_text(files[2], REQUIREMENTS)
    write_text(files[3], _readme(assignment, topic(folder)))
    return files


def _readme(assignment: Assignment, name: str) -> str:
    return (
        f"# {assignment.title}\n"
        "1. `python -m pip install -r requirements.txt`\n"
        f"2. `jupyter lab {name}.ipynb`, with `{name}.checks` beside it: run from the top, write each function "
        "and run its check; `check.explain()` says more, `check.progress()` shows how far you are.\n"
        "3. The checks you see are not all there are: hidden ones decide the marks.\n"
        f"4. Restart, run all cells, save, and hand in `{name}.ipynb`.\n"
    )
