"""Writing a whole course's gradebook: every student's marks in every assignment, with and without their notebooks."""

import functools
import os
import sys
import tempfile
import time
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from traitlets.config.loader import PyFileConfigLoader

from grader.folders import assignment_folders, load_assignment, topic
from grader.nbgrader.course import CONFIG, write_course
from grader.nbgrader.gradebook import write
from grader.questions import Assignment
from grader.results import CriterionResult, QuestionResult, Result

STUDENTS = 500


def main() -> None:
    """Print the seconds for a class of 500 in all assignments; ``GRADEBOOK_URL`` names another database."""
    folders = assignment_folders()
    # nbgrader calls `alembic` by name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as directory:
        course = Path(directory)
        write_course(course, folders, course_id="benchmark", db_url=os.environ.get("GRADEBOOK_URL", ""))
        config = PyFileConfigLoader(CONFIG, path=str(course)).load_config()
        config.Application.log_level = 40
        api = NbGraderAPI(config=config)
        for folder in folders:
            generated = api.generate_assignment(folder.name)
            assert generated["success"], generated.get("log")
        results = {folder.name: [_result(folder, n) for n in range(STUDENTS)] for folder in folders}
        _timed(course, results, "marks alone")
        _timed(course, results, "marks alone, again")
        for folder in folders:
            text = (course / "release" / folder.name / f"{topic(folder)}.ipynb").read_bytes()
            for result in results[folder.name]:
                submitted = course / "submitted" / result.student / folder.name
                submitted.mkdir(parents=True)
                (submitted / f"{topic(folder)}.ipynb").write_bytes(text)
                (submitted / "timestamp.txt").write_text("2026-11-27 12:00:00 UTC")
        _timed(course, results, "marks and autograded notebooks")
        _timed(course, results, "marks and autograded notebooks, again")


def _timed(course: Path, results: dict[str, list[Result]], what: str) -> None:
    started, computing = time.perf_counter(), time.process_time()
    for assignment, found in results.items():
        write(course, found, assignment=assignment)
    seconds = time.perf_counter() - started
    computed = time.process_time() - computing
    size = f"{STUDENTS} students × {len(results)} assignments"
    print(f"{size}, {what}: {seconds:.1f} s ({computed:.1f} s of them computing)", flush=True)


def _result(folder: Path, number: int) -> Result:
    questions = []
    for question in _loaded(folder).questions:
        lost = (number % 3) * question.points / 4
        criteria = (CriterionResult("value", question.points - lost, question.points, not lost, "off" if lost else ""),)
        status = "partial" if lost else "passed"
        questions.append(QuestionResult(question.name, question.points - lost, question.points, status, criteria))
    points = sum(q.points for q in questions)
    return Result(f"student-{number:03}", folder.name, points, sum(q.max_points for q in questions), tuple(questions))


@functools.cache
def _loaded(folder: Path) -> Assignment:
    return load_assignment(folder)
