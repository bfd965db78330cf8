"""Writing a whole course's gradebook: every student's marks and notebook in every assignment, twice. And its pages."""

import functools
import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from nbgrader.apps import NbGraderAPI

from grader.folders import assignment_folders, load_assignment, topic
from grader.nbgrader.configuration import configuration
from grader.nbgrader.course import write_course
from grader.nbgrader.gradebook import write
from grader.questions import Assignment
from grader.results import CriterionResult, QuestionResult, Result
from tests.grader.jupyter import server
from tests.grader.nbgrader_course import rows

STUDENTS = 500


def main() -> None:
    """Print the seconds for a class of 500 in all assignments; ``GRADEBOOK_URL`` names another database."""
    folders = assignment_folders()
    # nbgrader calls `alembic` by name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as directory:
        course = Path(directory)
        url = os.environ.get("GRADEBOOK_URL", "")
        write_course(course, folders, course_id="benchmark", db_url=url)
        config = configuration(course)
        config.Application.log_level = 40
        api = NbGraderAPI(config=config)
        for folder in folders:
            generated = api.generate_assignment(folder.name)
            assert generated["success"], generated.get("log")
        results = {folder.name: [_result(folder, n) for n in range(STUDENTS)] for folder in folders}
        for folder in folders:
            _hand_in(course, folder, [r.student for r in results[folder.name]])
        _timed(course, results, "first")
        before = _left(course, url)
        _timed(course, results, "again")
        assert _left(course, url) == before
        _pages(course, folders[-1].name)


def _pages(course: Path, assignment: str) -> None:
    """Print how long formgrader's server takes for each of its pages, whose tables are requests of their own."""
    notebook, student = topic(assignment), "student-007"
    with tempfile.TemporaryDirectory() as home, server(course, Path(home)) as address:

        def get(path: str) -> bytes:
            with urllib.request.urlopen(f"{address}/formgrader/{path}", timeout=60) as reply:
                return bytes(reply.read())

        listed = json.loads(get(f"api/submitted_notebooks/{assignment}/{notebook}"))
        submission = next(row["id"] for row in listed if row["student"] == student)
        pages = {
            "all assignments": ("manage_assignments", "api/assignments"),
            "an assignment's submissions": (f"manage_submissions/{assignment}", f"api/submissions/{assignment}"),
            "an assignment's marks": (
                f"gradebook/{assignment}/{notebook}",
                f"api/submitted_notebooks/{assignment}/{notebook}",
            ),
            "all students": ("manage_students", "api/students"),
            "a student's assignments": (f"manage_students/{student}", f"api/student_submissions/{student}"),
            "a submission": (
                f"submissions/{submission}",
                f"api/grades?submission_id={submission}",
                f"api/comments?submission_id={submission}",
            ),
        }
        for page, paths in pages.items():
            seconds = []
            for _ in range(3):
                started = time.perf_counter()
                for path in paths:
                    get(path)
                seconds.append(time.perf_counter() - started)
            print(f"formgrader, {page}: {min(seconds):.2f} s", flush=True)


def _hand_in(course: Path, folder: Path, students: list[str]) -> None:
    """Hand in the notebook with a line of each student's own in every stub."""
    path = course / "release" / folder.name / f"{topic(folder)}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    stubs = {n: c["source"] for n, c in enumerate(notebook["cells"]) if c["id"].startswith("stub-")}
    for student in students:
        for number, source in stubs.items():
            notebook["cells"][number]["source"] = [*source, f"\n    # {student} was here"]
        submitted = course / "submitted" / student / folder.name
        submitted.mkdir(parents=True)
        (submitted / path.name).write_text(json.dumps(notebook, indent=1), encoding="utf-8")
        (submitted / "timestamp.txt").write_text("2026-11-27 12:00:00 UTC")


def _left(course: Path, url: str) -> tuple[object, ...]:
    """Return what a run leaves: the rows of the gradebook, and when which file was written."""
    files = {p: p.stat().st_mtime_ns for p in (course / "autograded").rglob("*")}
    return rows(course, url), files


def _timed(course: Path, results: dict[str, list[Result]], what: str) -> None:
    started, computing = time.perf_counter(), time.process_time()
    for assignment, found in results.items():
        assert write(course, found, assignment=assignment).problems == ()
    seconds = time.perf_counter() - started
    computed = time.process_time() - computing
    size = f"gradebook and autograded notebooks, {STUDENTS} students × {len(results)} assignments"
    print(f"{size}, {what}: {seconds:.1f} s ({computed:.1f} s of them computing)", flush=True)


def _result(folder: Path, number: int) -> Result:
    questions = []
    for question in _loaded(folder).questions:
        lost = (number % 3) * question.points / 4
        criteria = (CriterionResult("value", question.points - lost, question.points, not lost, "off" if lost else ""),)
        status = "partial" if lost else "passed"
        points = question.points - lost
        questions.append(QuestionResult(question.name, points, question.points, status, criteria, bonus=question.bonus))
    total, full = sum(q.points for q in questions), _loaded(folder).points
    return Result(f"student-{number:03}", folder.name, total, full, tuple(questions))


@functools.cache
def _loaded(folder: Path) -> Assignment:
    return load_assignment(folder)
