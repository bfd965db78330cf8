"""A made-up nbgrader course of two tiny assignments, the second with a question that a person marks."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from sqlalchemy import create_engine, text

from grader.folders import find_assignment
from grader.nbgrader.course import write_course
from grader.results import CriterionResult, Diagnosis, QuestionResult, Result
from tests.grader.course import NOTEBOOK, QUESTIONS, make_course

SUMS, ESSAY = "01-arithmetic", "02-essay"
HINT = "How often is y added?"
RUBRIC = "One point for each reason."

RIGHT = {
    "add": "def add(x, y):\n    return y + x",
    "scale": "def scale(x, factor=1e-5, **rest):\n    return factor * x",
}
WRONG = {"add": "def add(x, y):\n    return x + y + y"}


def make_assignments(root: Path) -> Path:
    """Write the checkout: the assignments and what they import."""
    notebook = NOTEBOOK.replace("from grader.check import", "from grader import")
    first = make_course(root, notebook=notebook)
    second = root / "assignments" / ESSAY
    shutil.copytree(first, second, ignore=shutil.ignore_patterns("__pycache__"))
    manual = f'manual=(Manual("why", 4, "{RUBRIC}"),),\n    questions=('
    questions = QUESTIONS.replace("Case, Question", "Case, Manual, Question").replace("questions=(", manual)
    (second / "questions.py").write_text(questions.replace(SUMS, ESSAY))
    asked = "\n<!-- answer: why -->\nWhy is a sum of two numbers one number?\n"
    (second / "notebook.md").write_text(notebook.replace('"arithmetic"', '"essay"') + asked)
    return root


def make_nbgrader_course(root: Path, to: Path, db_url: str = "") -> Path:
    """Write the course's folder, with an exchange of its own."""
    folders = [find_assignment(name, root=root) for name in (SUMS, ESSAY)]
    write_course(to, folders, course_id="tiny", db_url=db_url)
    config = to / "nbgrader_config.py"
    exchange = to.parent / f"{to.name}-exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    config.write_text(
        config.read_text() + f"c.Exchange.root = {str(exchange)!r}\n"
        f"c.Exchange.cache = {str(to.parent / 'cache')!r}\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
    )
    return to


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """nbgrader calls `alembic` and Jupyter's kernels by name; ``home`` keeps it from the user's own files."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {} if home is None else {"HOME": str(home), "JUPYTER_CONFIG_DIR": str(home), "JUPYTER_DATA_DIR": str(home)}
    return {**os.environ, "PATH": path, **own, **more}


def command(folder: Path, *arguments: str, expect: int = 0, **more: str) -> str:
    """Run a command in a process of its own and return all that it prints."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
        cwd=folder,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == expect, done.stdout[-3000:]
    return done.stdout


def nbgrader(folder: Path, *arguments: str) -> str:
    """Run an nbgrader command, in a process of its own: several in one process share what they have configured."""
    return command(folder, "nbgrader", *arguments)


def write_answers(path: Path, answers: dict[str, str], essay: str = "") -> None:
    """Put answers into a released notebook, as a student types them into its cells."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        role, _, name = cell["id"].partition("-")
        if role == "stub" and name in answers:
            cell["source"] = answers[name]
        if role == "answer" and essay:
            cell["source"] = essay
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


_TABLES = {
    "submissions": """select a.name, s.student_id, s.timestamp, n.late_submission_penalty from submitted_notebook n
        join submitted_assignment s on s.id = n.assignment_id join assignment a on a.id = s.assignment_id""",
    "grades": """select a.name, s.student_id, c.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
        from grade g join submitted_notebook n on n.id = g.notebook_id join base_cell c on c.id = g.cell_id
        join submitted_assignment s on s.id = n.assignment_id join assignment a on a.id = s.assignment_id""",
    "comments": """select a.name, s.student_id, c.name, g.auto_comment, g.manual_comment
        from comment g join submitted_notebook n on n.id = g.notebook_id join base_cell c on c.id = g.cell_id
        join submitted_assignment s on s.id = n.assignment_id join assignment a on a.id = s.assignment_id""",
}


def rows(course: Path, db_url: str = "") -> dict[str, list[tuple[object, ...]]]:
    """Return all that grading writes into a gradebook, but the rows' random ids."""
    engine = create_engine(db_url or f"sqlite:///{course / 'gradebook.db'}")
    with engine.connect() as connection:
        found = {
            name: sorted([tuple(row) for row in connection.execute(text(query))], key=repr)
            for name, query in _TABLES.items()
        }
    engine.dispose()
    return found


def stored(course: Path, db_url: str = "") -> dict[str, object]:
    """Return all that grading leaves in a course: the gradebook's rows and the bytes of its files."""
    files = sorted(p for p in (course / "autograded").rglob("*") if p.is_file())
    content = {str(p.relative_to(course)): (p.stat().st_mode, p.read_bytes()) for p in files}
    return {**rows(course, db_url), "files": content}


def grades(course: Path, assignment: str, student: str, db_url: str = "") -> dict[str, tuple[object, ...]]:
    """Return cell to (automatic score, manual score, extra credit, needs a person) of one submission."""
    found = rows(course, db_url)["grades"]
    return {str(row[2]): (*row[3:6], bool(row[6])) for row in found if row[:2] == (assignment, student)}


def result(student: str, assignment: str = SUMS, *, add: float = 4.0, scale: float = 2.5, notes: tuple[str, ...] = ()):
    """A result as grading records it; the message of what is lost holds what a page must escape."""
    questions = (_question("add", add, 4.0), _question("scale", scale, 2.5, bonus=True))
    return Result(student, assignment, add + scale, 4.0, questions, notes=notes, seed=7)


def _question(name: str, points: float, most: float, *, bonus: bool = False) -> QuestionResult:
    message = "" if points == most else "add: <b>off</b> by 2"
    criteria = (CriterionResult("value", points, most, points == most, message),)
    diagnosis = (Diagnosis("adds-twice", "misconception", HINT),) if name == "add" and points < most else ()
    status = "passed" if points == most else "partial" if points else "failed"
    return QuestionResult(name, points, most, status, criteria, diagnosis, bonus=bonus)


def released(course: Path, assignment: str = SUMS) -> Path:
    return next((course / "release" / assignment).glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)
