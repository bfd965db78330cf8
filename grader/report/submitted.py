"""The submitted files that belong to results: found in a folder of hand-ins, and shown only where nothing changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader import intake
from grader.errors import GraderError
from grader.files import shown
from grader.folders import topic
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


def hand_ins(place: Path, folder: Path, unpacked: Path) -> dict[str, Path]:
    """Return each student's file in whatever `grader autograde` reads.

    Parameters
    ----------
    place : Path
        A folder, the ``submitted`` of an nbgrader course, or an archive.
    folder : Path
        The assignment's.
    unpacked : Path
        Where an archive is unpacked to.
    """
    names = (topic(folder), folder.name)
    if not place.exists():
        raise GraderError(f"{shown(place)}: no such folder or archive of submissions")
    if place.is_file():
        found = intake.from_archive(place, unpacked, names)
    elif place.name == FOLDER and any((s / folder.name).is_dir() for s in place.iterdir()):
        found = intake.from_course(place.parent, folder.name, names)
    else:
        found = intake.from_folder(place, names)
    return {student: handed.path for student, handed in found.handed.items()}


def read_submitted(
    files: Mapping[str, Path], results: Sequence[Result], master: Mapping[str, Any], recorded: Mapping[str, str]
) -> Submitted:
    """Read the files of a class; ``recorded`` are the reasons that the journal holds.

    The code of a file that is not, byte for byte, the one that was graded is not shown: the verdicts are not on it.
    """
    graded = {r.student: r for r in results}
    sources, problems = {}, dict(recorded)
    for student, path in files.items():
        result = graded.get(student)
        try:
            submission = read_submission(path, master, student=student)
        except GraderError as error:
            problems[student] = str(error).replace(shown(path), path.name)
            continue
        if result is None:
            problems.setdefault(student, "handed in, but not graded yet")
        elif result.submission_sha256 and result.submission_sha256 != submission.sha256:
            problems[student] = "the file has changed since it was graded: grade it again"
        else:
            sources[student] = submission.cells
    return Submitted(sources, problems)
