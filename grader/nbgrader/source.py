"""The instructor's notebook of an assignment, for ``nbgrader generate_assignment``. Runs nothing, writes nothing.

It is the student notebook with four kinds of cells of nbgrader's:

- every stub, followed by the reference between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` (*solution*);
- the last check of each question, which carries its points, followed by hidden tests (*autograded tests*). What stands
  between their marks holds no case and no expected value: hidden cases are examined elsewhere, see `preprocessors`.
  A bonus is a cell of no points, so that it is beyond nbgrader's full marks, too;
- its other checks (*read-only*);
- every free-text question, followed by its rubric as the solution (*manually graded answer*).

nbgrader removes the marked regions from what it releases, and what is left is the student notebook, cell by cell.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.build import NAMESPACE, build
from grader.folders import load_assignment
from grader.nbgrader.solution import solution_source
from grader.questions import Assignment, Manual, Question

SCHEMA = 3
_HIDDEN = """\
### BEGIN HIDDEN TESTS
# The hidden cases of {question} are not here: they are examined in isolation, where no submission can read them.
from grader.nbgrader import hidden_tests

hidden_tests("{question}")
### END HIDDEN TESTS"""


def source_notebook(folder: str | Path) -> NotebookNode:
    """Build the instructor's notebook of an assignment folder.

    Raises
    ------
    GraderError
        If the student notebook cannot be built, or a reference has no text to show.
    """
    assignment = load_assignment(folder)
    notebook = build(folder)
    cells = notebook["cells"]
    _mark_stubs(cells, assignment)
    for question in assignment.questions:
        _mark_checks(cells, question)
    for manual in assignment.manual:
        _mark_manual(cells, manual)
    nbformat.validate(notebook)
    return notebook


def _mark(cell: NotebookNode, *, points: float | None = None, solution: bool = False) -> None:
    grade = points is not None
    mark = {
        "schema_version": SCHEMA,
        "grade_id": cell["id"],
        "grade": grade,
        "solution": solution,
        "locked": not solution,
        "task": False,
    }
    cell["metadata"]["nbgrader"] = NotebookNode(mark | ({"points": points} if grade else {}))


def _role(cell: Mapping[str, Any]) -> tuple[str, str]:
    mark = cell["metadata"].get(NAMESPACE, {})
    return mark.get("role", ""), mark.get("function", "")


def _mark_stubs(cells: list[NotebookNode], assignment: Assignment) -> None:
    """Put each reference below its stub, in whose place it is used: the later definition counts."""
    for question in assignment.questions:
        for name, reference in question.functions.items():
            stub = next(c for c in cells if _role(c) == ("stub", name))
            stub["source"] += _solution(solution_source(name, reference), gap="\n\n\n")
            stub["metadata"][NAMESPACE]["question"] = question.name
            _mark(stub, solution=True)


def _mark_checks(cells: list[NotebookNode], question: Question) -> None:
    """Give the question's points to its last check: all of its functions stand above that, and it judges them all."""
    checks = [c for c in cells if _role(c)[0] == "check" and _role(c)[1] in question.functions]
    if not checks:  # a check of another question names this one's functions, too
        checks = [nbformat.v4.new_code_cell(f"check({list(question.functions)[-1]})", id=f"check-{question.name}"[:60])]
        checks[0]["metadata"][NAMESPACE] = NotebookNode(role="check", function=list(question.functions)[-1])
        stubs = [n for n, c in enumerate(cells) if _role(c)[0] == "stub" and _role(c)[1] in question.functions]
        cells.insert(stubs[-1] + 1, checks[0])
    for check in checks[:-1]:
        _mark(check)
    last = checks[-1]
    last["source"] = f"{last['source']}\n{_HIDDEN.format(question=question.name)}"
    last["metadata"][NAMESPACE]["question"] = question.name
    _mark(last, points=0.0 if question.bonus else question.points)


def _mark_manual(cells: list[NotebookNode], manual: Manual) -> None:
    cell = next(c for c in cells if c["id"] == f"answer-{manual.name}")
    cell["source"] += _solution(f"**How it is marked** ({manual.points:g} points): {manual.rubric}", gap="\n\n")
    _mark(cell, points=manual.points, solution=True)


def _solution(text: str, *, gap: str) -> str:
    return f"\n### BEGIN SOLUTION{gap}{text}\n### END SOLUTION"
