"""A result in nbgrader's terms: scores and reasons as outputs of cells, comments. Knows no database."""

from pathlib import Path

from nbformat import NotebookNode

from grader.errors import GraderError
from grader.nbgrader.master import Master, MasterCell
from grader.report.words import number, visible
from grader.results import QuestionResult, Result

NOTES = "grader-notes"


def journal_of(course: str | Path, assignment: str) -> Path:
    """Return the folder of a course's results of one assignment."""
    return Path(course) / "results" / assignment


def score(question: QuestionResult, cell: MasterCell) -> float:
    """Return a question's points as a plain float between 0 and its full marks; a bonus' cell has none of its own.

    Raises
    ------
    GraderError
        If the question was graded for other points than the course gives.
    """
    full = 0.0 if question.bonus else question.max_points
    if cell.points is None or abs(full - cell.points) > 1e-6:
        raise GraderError(
            f"{question.name} was graded for {number(full)} points of full marks, the course gives "
            f"{number(cell.points or 0)}: make the course again, or grade again"
        )
    return min(max(float(question.points), 0.0), question.max_points)


def scores(master: Master, result: Result) -> dict[str, float]:
    """Return the score of every cell that carries a question's points. A question that was not examined gets none.

    Raises
    ------
    GraderError
        If the result is of other questions or points than the course's.
    """
    known = {c.question for c in master.cells if c.points is not None and c.question}
    examined = {q.name: q for q in result.questions}
    if examined.keys() != known:
        differing = ", ".join(sorted(examined.keys() ^ known))
        raise GraderError(
            f"the questions differ from the course's ({differing}): make the course again, or grade again"
        )
    return {c.name: score(examined[c.question], c) for c in master.cells if c.points is not None and c.question}


def reasons(question: QuestionResult) -> str:
    """Return in lines what a question earned and why the rest is missing."""
    lines = [f"{question.name}: {number(question.points)} of {number(question.max_points)} points"]
    messages = [(c, c.message) for c in question.criteria if not c.passed]
    if question.status == "missing":
        return f"{lines[0]}\n{visible(question.first_reason)}"
    lines += [f"{d.name}: {d.hint}" for d in question.diagnosis]
    lines += [f"{c.name} ({number(c.points)} of {number(c.max_points)}): {m}" for c, m in messages]
    return "\n".join(visible(line) for line in lines)


def comments(master: Master, result: Result) -> dict[str, str | None]:
    """Return the comment of every solution cell of a question; None where there is nothing to say."""
    found: dict[str, str | None] = {c.name: None for c in master.cells if c.solution and c.question}
    for question in result.questions:
        cell = master.comment_cell(question.name)
        if cell is not None and question.status != "passed":
            # Feedback shows comments as Markdown, in which an exception's text could be a script.
            found[cell.name] = reasons(question).replace("<", "‹")
    return found


def show(notebook: NotebookNode, master: Master, result: Result) -> None:
    """Write scores and reasons into a mended notebook, as outputs of the cells that carry the points.

    The score is the last value of its cell, where `SaveAutoGrades` looks for it; the reasons are printed above it. A
    bonus is no value there: `SaveAutoGrades` refuses one beyond the points of its cell.
    """
    marks = scores(master, result)
    examined = {q.name: q for q in result.questions}
    question = {c.name: c.question for c in master.cells}
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if name in marks:
            examination = examined[question[name]]
            value = [] if examination.bonus else [_value(marks[name])]
            cell["outputs"] = [_printed(reasons(examination)), *value]
    if result.notes:
        text = "\n".join(visible(note) for note in result.notes)
        notebook["cells"].insert(0, _cell("# Notes of the grader", NOTES, _printed(text)))


# Made by hand: nbformat's makers validate what they make, which takes longer than all the rest.
def _cell(source: str, identity: str, output: NotebookNode) -> NotebookNode:
    made = {"cell_type": "code", "id": identity, "metadata": NotebookNode(), "source": source}
    return NotebookNode(made, execution_count=None, outputs=[output])


def _printed(text: str) -> NotebookNode:
    return NotebookNode(output_type="stream", name="stdout", text=text + "\n")


def _value(points: float) -> NotebookNode:
    data = NotebookNode({"text/plain": repr(points)})
    return NotebookNode(output_type="execute_result", data=data, metadata=NotebookNode(), execution_count=None)
