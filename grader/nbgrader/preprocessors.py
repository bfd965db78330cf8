"""What ``nbgrader autograde`` runs in place of `Execute`, and after `SaveAutoGrades`."""

import atexit
import hashlib
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode

from grader import journal
from grader.files import read_bytes
from grader.folders import assignment_version, find_assignment
from grader.grading import Grading, Options, fresh_seed
from grader.nbgrader.marks import comments, journal_of, scores, show
from grader.results import Result

# nbgrader makes a preprocessor anew for every notebook; what is made ready for a class is kept for the next one.
_ready: dict[tuple[Path, int, str], Grading] = {}


class Examine(NbGraderPreprocessor):  # type: ignore[misc]
    """Has the submitted file examined in isolation and writes each question's points as its cell's value.

    A result that is recorded for the same file and the same assignment is used again, so that grading with nbgrader and
    with ``grader autograde`` give the same marks whichever comes first. New ones are recorded.
    """

    assignments = Unicode("", help="The folder of the assignments, or the course root.").tag(config=True)
    sandbox = Unicode("auto", help="`auto`: every layer that this machine has. `none`: for trusted code only.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Examine a submission.

        Raises
        ------
        GraderError
            If it cannot be read, or the machine cannot isolate it; nbgrader reports it and goes on with the next.
        """
        coursedir, place = self.parent.parent.coursedir, resources["nbgrader"]
        submitted = Path(
            coursedir.format_path(coursedir.submitted_directory, place["student"], place["assignment"])
        ) / (place["notebook"] + ".ipynb")
        folder = find_assignment(place["assignment"], root=self.assignments or None)
        results = journal_of(coursedir.root, place["assignment"])
        result = _recorded(results, place["student"], submitted, folder)
        if result is None:
            result = _grading(folder, _seed(results, place["assignment"]), self.sandbox).grade(
                submitted, student=place["student"]
            )
            journal.write(results, result)
        resources["grader"]["result"] = result
        show(nb, resources["grader"]["master"], result)
        return nb, resources


def _recorded(results: Path, student: str, submitted: Path, folder: Path) -> Result | None:
    """Return what is recorded for exactly this file under this version of the assignment."""
    result = journal.find(results, student)
    if result is None:
        return None
    same = result.submission_sha256 == hashlib.sha256(read_bytes(submitted)).hexdigest()
    return result if same and result.versions.get("assignment") == assignment_version(folder)[:16] else None


def _seed(results: Path, assignment: str) -> int:
    """Return the seed of the class's hidden cases: the one that the journal records, else a new one."""
    run = journal.read_run(results)
    if not run:
        results.mkdir(parents=True, exist_ok=True)
        run = {"schema": 1, "assignment": assignment, "seed": fresh_seed()}
        journal.write_run(results, run)
    return int(run["seed"])


def _grading(folder: Path, seed: int, sandbox: str) -> Grading:
    key = (folder, seed, sandbox)
    if key not in _ready:
        _ready[key] = Grading(folder, Options(seed=seed, sandbox=sandbox))
        atexit.register(_ready[key].close)
    return _ready[key]


class SaveBonusAndReasons(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes what `SaveAutoGrades` has cleared: the points of a bonus, and reasons as comments of solution cells."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Save one submission's. What a person entered are other fields, and stay."""
        place, known = resources["nbgrader"], resources["grader"]
        with Gradebook(place["db_url"]) as gradebook:
            for name, text in comments(known["master"], known["result"]).items():
                comment = gradebook.find_comment(name, place["notebook"], place["assignment"], place["student"])
                comment.auto_comment = text
            for name, points in scores(known["master"], known["result"]).items():
                grade = gradebook.find_grade(name, place["notebook"], place["assignment"], place["student"])
                grade.auto_score = points
            gradebook.db.commit()
        return nb, resources
