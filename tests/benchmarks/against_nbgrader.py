"""A class through stock nbgrader (autograde and generate_feedback, visible checks as its tests) and through ours.

Both take the same notebooks in the same run: right answers in mixed styles. Ours grades, fills the gradebook, writes
`autograded/` and every page, at one worker; what it takes once is part of its time.
``python -m tests.benchmarks.against_nbgrader 200 20``: so many for ours, the first of them for nbgrader.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grader.build import build, dumps
from grader.errors import GraderError
from grader.folders import find_assignment, load_assignment, topic
from grader.freeze import freeze
from grader.nbgrader.course import write_course
from tests.benchmarks.classes import NAME, ROOT, command, notebooks, write_class

SECONDS = 60
_OURS, _THEIRS = 200, 20
_CONFIG = f"""
c = get_config()
c.CourseDirectory.course_id = "benchmark"
c.ExecutePreprocessor.timeout = {SECONDS}
c.ExecutePreprocessor.iopub_timeout = {SECONDS}
"""


def main(ours: int = _OURS, theirs: int = _THEIRS) -> None:
    """Print the seconds of a submission under both, and the ratio."""
    # nbgrader calls `alembic` and Jupyter's kernels by name.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # With one matrix for a whole layer a picture in the notebook, which we skip, outlives nbgrader's limit.
    texts = {name: text for name, text in notebooks().items() if name != "one_matrix"}
    with tempfile.TemporaryDirectory() as directory:
        stages = _ours(Path(directory) / "ours", texts, ours)
        our_time = sum(stages.values()) / ours
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.items())
        print(f"ours: {ours} submissions, one worker: {our_time:.3f} s each ({parts})", flush=True)
        both = _theirs(Path(directory) / "theirs", texts, theirs)
    their_time = sum(both.values()) / theirs
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in both.items())
    print(f"nbgrader: {theirs} submissions: {their_time:.3f} s each ({parts})")
    print(f"ratio {their_time / our_time:.1f}")


def _ours(course: Path, texts: dict[str, str], count: int) -> dict[str, float]:
    folder = find_assignment(NAME, root=ROOT)
    write_course(course, [folder], course_id="benchmark", db_url="")
    _run(["nbgrader", "generate_assignment", NAME], course)
    write_class(course, texts, count)
    results = course / "results" / NAME
    return {
        "grading and gradebook": _run(command(course, "--jobs", "1"), ROOT),
        "pages": _run(["grader", "report", str(results), "--to", str(course / "pages")], ROOT),
    }


def _run(arguments: list[str], where: Path) -> float:
    started = time.perf_counter()
    done = subprocess.run(arguments, cwd=where, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GraderError(f"{arguments[:2]} ended with {done.returncode}: {done.stderr[-1000:]}")
    return time.perf_counter() - started


def _theirs(course: Path, texts: dict[str, str], count: int) -> dict[str, float]:
    api = _nbgrader(course, texts, count)
    spent = {}
    for what in ("autograde", "generate_feedback"):
        started = time.perf_counter()
        for student in sorted(p.name for p in (course / "submitted").iterdir()):
            done = getattr(api, what)(NAME, student)
            if not done["success"]:
                raise GraderError(f"nbgrader could not {what}: {_errors(done)}")
        spent[what] = time.perf_counter() - started
    return spent


def _errors(done: dict[str, Any]) -> str:
    return "\n".join(line for line in done.get("log", "").splitlines() if "Error" in line or "ERROR" in line)[:2000]


def _nbgrader(course: Path, texts: dict[str, str], count: int) -> Any:
    """Make a stock course of the same notebooks."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    folder = find_assignment(NAME, root=ROOT)
    checks = freeze(load_assignment(folder))
    source = course / "source" / NAME
    source.mkdir(parents=True)
    (course / "nbgrader_config.py").write_text(_CONFIG)
    (source / f"{topic(folder)}.ipynb").write_text(_for_nbgrader(dumps(build(folder))))
    (source / f"{topic(folder)}.checks").write_bytes(checks)
    write_class(course, {name: _for_nbgrader(text) for name, text in texts.items()}, count)
    for place in (course / "submitted").glob(f"*/{NAME}"):
        (place / f"{topic(folder)}.checks").write_bytes(checks)
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.course_id = "benchmark"
    config.Application.log_level = 40
    config.ExecutePreprocessor.timeout = SECONDS
    api = NbGraderAPI(config=config)
    result = api.generate_assignment(NAME)
    if not result["success"]:
        raise GraderError(f"nbgrader could not generate the assignment: {result.get('log', '')[-500:]}")
    return api


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
    main(*map(int, sys.argv[1:]))
