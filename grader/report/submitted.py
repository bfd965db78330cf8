"""The submitted files that belong to results: found in a folder of hand-ins, and shown only where nothing changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.files import shown
from grader.read import Cell, read_submission
from grader.results import Result

FOLDER = "submitted"


@dataclass(frozen=True)
class Submitted:
    """Students' cells, and in one line each why a submission has no result or its code cannot be shown."""

    sources: Mapping[str, tuple[Cell, ...]]
    problems: Mapping[str, str]


def folder_beside(results: Path) -> Path | None:
    """Return the folder ``submitted`` beside a folder of results or beside one of the two above it."""
    above = list(results.resolve().parents)[:3]
    return next((a / FOLDER for a in above if (a / FOLDER).is_dir()), None)


def submissions_in(folder: Path, assignment: str, file: str) -> dict[str, Path]:
    """Return each student's file: ``STUDENT/FILE``, or nbgrader's ``STUDENT/ASSIGNMENT/FILE``.

    Parameters
    ----------
    folder : Path
    assignment : str
        Its name, in full.
    file : str
        The notebook's name; where it is missing, the only .ipynb or .py beside it is taken.
    """
    found = {}
    for student in sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")):
        for place in (student / assignment, student):
            files = [p for p in _files(place) if p.suffix.lower() in (".ipynb", ".py")]
            exact = [p for p in files if p.name == file]
            if exact or len(files) == 1:
                found[student.name] = (exact or files)[0]
                break
    return found


def _files(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.is_file()) if place.is_dir() else []


def read_submitted(files: Mapping[str, Path], results: Sequence[Result], master: Mapping[str, Any]) -> Submitted:
    """Read the files of a class.

    The code of a file that is not, byte for byte, the one that was graded is not shown: the verdicts are not on it.
    """
    graded = {r.student: r for r in results}
    sources, problems = {}, {}
    for student, path in files.items():
        result = graded.get(student)
        try:
            submission = read_submission(path, master, student=student)
        except GraderError as error:
            problems[student] = str(error).replace(shown(path), path.name)
            continue
        if result is None:
            problems[student] = "handed in, but not graded yet"
        elif result.submission_sha256 and result.submission_sha256 != submission.sha256:
            problems[student] = "the file has changed since it was graded: grade it again"
        else:
            sources[student] = submission.cells
    return Submitted(sources, problems)
