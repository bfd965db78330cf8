"""The demo's class through stock nbgrader (serial, one kernel each, visible checks as its tests) and through ours.

Both grade the same notebooks in the same run, one after the other, so that the machine's mood is shared.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grader.build import build, dumps
from grader.demo import make_class
from grader.errors import GraderError
from grader.examine import Times
from grader.folders import find_assignment, load_assignment, topic
from grader.freeze import freeze
from grader.grading import Grading, Options

SECONDS = 10
_CONFIG = f"""
c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.ExecutePreprocessor.timeout = {SECONDS}
c.ExecutePreprocessor.iopub_timeout = {SECONDS}
"""


def main() -> None:
    """Print the time of each submission under both, and the ratios."""
    folder = find_assignment("04-convolution")
    with tempfile.TemporaryDirectory() as directory:
        course = Path(directory)
        submissions = make_class(folder, course / "ours")
        grade_theirs = _nbgrader(folder, course, submissions)
        started = time.perf_counter()
        longest = max(q.seconds for q in load_assignment(folder).questions)
        options = Options(seed=1, times=Times(cell=SECONDS, question_factor=SECONDS / longest))
        rows = []
        with Grading(folder, options) as grading:
            ready = time.perf_counter() - started
            for student, path in submissions.items():
                ours = _timed(lambda path=path: grading.grade(path))
                theirs = _timed(lambda student=student: grade_theirs(student))
                rows.append((student, theirs, ours))
                print(
                    f"{student:28} nbgrader {theirs:7.2f} s   ours {ours:7.3f} s   ratio {theirs / ours:6.1f}",
                    flush=True,
                )
    ratios = [theirs / ours for _, theirs, ours in rows]
    total_theirs, total_ours = (sum(r[i] for r in rows) for i in (1, 2))
    print(f"\nour start-up (assignment, hidden cases, template), once for a class: {ready:.2f} s")
    print(f"median ratio {statistics.median(ratios):.1f}, of the sums {total_theirs / total_ours:.1f}")
    quick = [r for r in rows if r[2] < SECONDS / 2]
    sums = sum(r[1] for r in quick) / (sum(r[2] for r in quick) + ready)
    print(f"of the sums without those that hang, our start-up included: {sums:.1f}")


def _timed(grade: Any) -> float:
    started = time.perf_counter()
    try:
        grade()
    except GraderError as error:
        print(f"  ({error})", file=sys.stderr)
    return time.perf_counter() - started


def _nbgrader(folder: Path, course: Path, submissions: dict[str, Path]) -> Any:
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    # nbgrader calls `alembic` and Jupyter's kernels by name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    name = topic(folder)
    (course / "nbgrader_config.py").write_text(_CONFIG)
    checks = freeze(load_assignment(folder))
    source = course / "source" / name
    source.mkdir(parents=True)
    (source / f"{name}.ipynb").write_text(_for_nbgrader(dumps(build(folder))))
    (source / f"{name}.checks").write_bytes(checks)
    for student, path in submissions.items():
        target = course / "submitted" / student / name
        target.mkdir(parents=True)
        (target / f"{name}.ipynb").write_text(_for_nbgrader(path.read_text()))
        (target / f"{name}.checks").write_bytes(checks)
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "benchmark"
    config.Application.log_level = 40
    config.ExecutePreprocessor.timeout = SECONDS
    api = NbGraderAPI(config=config)
    result = api.generate_assignment(name)
    if not result["success"]:
        raise GraderError(f"nbgrader could not generate the assignment: {result.get('log', '')[-500:]}")
    return lambda student: api.autograde(name, student)


def _for_nbgrader(text: str) -> str:
    """Mark stubs as solutions and checks as tests, as an instructor would with nbgrader's toolbar."""
    try:
        notebook = json.loads(text)
    except ValueError:  # the file that was cut off
        return text
    for cell in notebook["cells"]:
        role = cell["metadata"].get("stencil", {}).get("role")
        mark = {"schema_version": 3, "grade_id": cell["id"], "locked": role == "check", "task": False}
        if role == "stub":
            cell["metadata"]["nbgrader"] = {**mark, "solution": True, "grade": False}
        elif role == "check" and "Checker" not in "".join(cell["source"]):
            cell["metadata"]["nbgrader"] = {**mark, "solution": False, "grade": True, "points": 1}
            lines = "".join(cell["source"]).strip().splitlines()
            cell["source"] = "\n".join(f"assert {line}.passed" if line.startswith("check(") else line for line in lines)
    return json.dumps(notebook)


if __name__ == "__main__":
    main()
