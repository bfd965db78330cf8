"""Student notebooks from ``notebook.md``: stubs, points, tags and ids. Runs no cell and judges nothing.

``notebook.md`` is a MyST text notebook, the only source. Five things in it are ours:

- a code cell that begins with ``# stub: NAME`` becomes the reference's signature and docstring over a
  ``raise NotImplementedError``; further lines of the cell replace the docstring;
- code cells tagged ``check`` (calls of the student's functions) and ``demo`` (demonstrations, plots) are ours too and
  are not run at grading; untagged ones (imports, helpers) are;
- a text cell that begins with ``<!-- answer: NAME -->`` asks one of the assignment's manual questions: students answer
  in this cell, which keeps the id ``answer-NAME``; the rubric stays in ``questions.py``;
- ``<!-- own: QUESTION -->`` in a text becomes what a personal question shows of its numbers, and whose they are;
- ``<!-- points -->`` in a text becomes the table of questions and points.
"""

import difflib
import hashlib
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from grader.errors import GraderError
from grader.files import read_text, shown, write_text
from grader.folders import NOTEBOOK, load_assignment, topic
from grader.questions import Assignment, Function
from grader.stubs import stub_source

NAMESPACE = "stencil"
SCHEMA = 1
POINTS = "<!-- points -->"
ANSWER = "*Write your answer here, in a few sentences. A person reads it.*"
_ANSWER = re.compile(r"<!--[ \t]*answer:[ \t]*(\S+)[ \t]*-->[ \t]*(?:\n|$)")
_OWN = re.compile(r"<!--[ \t]*own:[ \t]*(\S+)[ \t]*-->")
_STUB = re.compile(r"#[ \t]*stub:[ \t]*(\S+)[ \t]*(?:\n|$)")


def notebook_path(folder: str | Path) -> Path:
    """Return where a folder's student notebook lies: ``04-convolution/convolution.ipynb``."""
    return Path(folder) / f"{topic(folder)}.ipynb"


def build(folder: str | Path, *, student: str = "", assignment: Assignment | None = None) -> NotebookNode:
    """Build the student notebook of an assignment folder. Writes nothing.

    Parameters
    ----------
    folder : path
    student : str
        For whom it is, where the assignment has that student's own numbers.
    assignment : Assignment, optional
        As `grader.personal.for_student` makes it; the folder's own, with the default numbers, if absent.

    Raises
    ------
    GraderError
        If the folder or its text is unusable: an unknown stub, a function without a stub or a check. The message names
        the line.
    """
    folder = Path(folder)
    assignment = load_assignment(folder) if assignment is None else assignment
    source = folder / NOTEBOOK
    text = read_text(source)
    functions = {name: function for q in assignment.questions for name, function in q.functions.items()}
    cells: list[NotebookNode] = []
    used: set[str] = set()
    for raw in _read_myst(text, source):
        cell = _cell(raw, assignment, functions, _Place(source, text), student)
        cell["id"] = _unused(cell["id"], used)
        cells.append(cell)
    _check_complete(cells, functions, source)
    _check_answers(cells, assignment, source)
    notebook = nbformat.v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
            NAMESPACE: {"assignment": assignment.name, "version": SCHEMA},
        },
    )
    nbformat.validate(notebook)
    return notebook


class _Place:
    """Where in ``notebook.md`` a cell stands, for messages; the reader of MyST keeps no line numbers."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.lines = path, text.split("\n")

    def of(self, source: str) -> str:
        wanted = [line.rstrip() for line in source.strip().split("\n")]
        for number in range(len(self.lines)):
            if [line.rstrip() for line in self.lines[number : number + len(wanted)]] == wanted:
                return f"{shown(self.path)}, line {number + 1}"
        return shown(self.path)


def _read_myst(text: str, path: Path) -> list[Mapping[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cells of several lexers ("python", "ipython3") are the same to us
        try:
            cells: list[Mapping[str, Any]] = jupytext.reads(text, fmt="md:myst").cells
        except Exception as error:
            raise GraderError(f"{shown(path)}: no MyST notebook ({' '.join(str(error).split())})") from error
    return cells


def _cell(
    raw: Mapping[str, Any], assignment: Assignment, functions: Mapping[str, Function], place: _Place, student: str
) -> NotebookNode:
    source = raw["source"]
    metadata = {key: value for key, value in raw["metadata"].items() if key not in (NAMESPACE, "tags")}
    tags = set(raw["metadata"].get("tags", ()))
    if raw["cell_type"] != "code":
        source = source.replace(POINTS, points_table(assignment))
        source = _OWN.sub(lambda own: _numbers(own[1], assignment, place.of(own[0]), student), source)
        if _ANSWER.search(source):
            return _answer_cell(source, assignment, tags, metadata, place)
        make = nbformat.v4.new_raw_cell if raw["cell_type"] == "raw" else nbformat.v4.new_markdown_cell
        return _node(make(source), f"text-{_slug(source)}", tags, metadata)
    _refuse_reference_imports(source, place)
    if stub := _STUB.match(source):
        name = stub[1]
        if name not in functions:
            guess = difflib.get_close_matches(name, functions, n=1)
            hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(functions)}"
            raise GraderError(f"{place.of(source)}: no question has a function {name!r} to make a stub of; {hint}")
        try:
            code = stub_source(name, functions[name], assignment.name, doc=source[stub.end() :].strip("\n"))
        except GraderError as error:
            raise GraderError(f"{place.of(source)}: {error}") from error
        return _ours(code, "stub", name, tags, metadata)
    if "check" in tags:
        named = [name for name in re.findall(r"\b\w+\b", source) if name in functions]
        if not named:
            raise GraderError(f"{place.of(source)}: a check cell that names none of {', '.join(functions)}")
        return _ours(source, "check", named[0], tags, metadata)
    if "demo" in tags:
        return _ours(source, "demo", None, tags, metadata)
    return _node(nbformat.v4.new_code_cell(source), f"code-{_digest(source)}", tags, metadata)


def _answer_cell(
    source: str, assignment: Assignment, tags: set[str], metadata: dict[str, Any], place: _Place
) -> NotebookNode:
    """The question and room for its answer, in one cell: what students write there is found by the cell's id."""
    directive = _ANSWER.match(source)
    if directive is None:
        raise GraderError(
            f"{place.of(source)}: an answer needs a cell of its own: put a line '+++' above '<!-- answer'"
        )
    name = _known(directive[1], {m.name: m for m in assignment.manual}, "manual question", place.of(source))
    cell = nbformat.v4.new_markdown_cell(f"{source[directive.end() :].strip()}\n\n{ANSWER}")
    mark = {"role": "answer", "question": name}
    return _node(cell, f"answer-{name}", tags | {"answer"}, metadata | {NAMESPACE: mark})


def _numbers(name: str, assignment: Assignment, where: str, student: str) -> str:
    question = {q.name: q for q in assignment.questions if q.personal is not None}
    whose = (
        f"*These numbers are for {_plain(student)} alone: others have others.*"
        if student
        else "*These are the default numbers, the same for everybody: this notebook was not made for one student.*"
    )
    return f"{question[_known(name, question, 'personal question', where)].text}\n\n{whose}"


def _plain(text: str) -> str:
    """Write an id so that Markdown reads nothing into it."""
    return re.sub(r"([^\w\s])", r"\\\1", shown(text))


def _known(name: str, known: Mapping[str, Any], what: str, where: str) -> str:
    if name not in known:
        guess = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {guess[0]}?" if guess else f"known: {', '.join(known) or 'none'}"
        raise GraderError(f"{where}: the assignment has no {what} {name!r}; {hint}")
    return name


def _ours(source: str, role: str, function: str | None, tags: set[str], metadata: dict[str, Any]) -> NotebookNode:
    mark = {"role": role} | ({} if function is None else {"function": function})
    identity = f"{role}-{function or _digest(source)}"
    return _node(nbformat.v4.new_code_cell(source), identity, tags | {role}, metadata | {NAMESPACE: mark})


def _node(node: NotebookNode, identity: str, tags: set[str], metadata: dict[str, Any]) -> NotebookNode:
    node["id"] = re.sub(r"[^0-9A-Za-z_-]", "-", identity)[:60]
    node["metadata"] = nbformat.from_dict(metadata | ({"tags": sorted(tags)} if tags else {}))
    return node


def _unused(identity: str, used: set[str]) -> str:
    unused, count = identity, 1
    while unused in used:
        count += 1
        unused = f"{identity}-{count}"
    used.add(unused)
    return unused


def _slug(text: str) -> str:
    """Name a text by its first heading, else by its content."""
    heading = re.search(r"^#+[ \t]+(.+)$", text, re.MULTILINE)
    words = re.findall(r"[a-z0-9]+", heading[1].lower()) if heading else []
    return "-".join(words)[:40].strip("-") or _digest(text)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _refuse_reference_imports(source: str, place: _Place) -> None:
    if found := re.search(
        r"^[ \t]*(?:from|import)[ \t]+(?:solutions|assignments|questions|misconceptions)\b.*", source, re.M
    ):
        raise GraderError(f"{place.of(source)}: students have no reference, so a cell cannot say {found[0].strip()!r}")


def _check_complete(cells: list[NotebookNode], functions: Mapping[str, Function], source: Path) -> None:
    ours = [(cell, cell["metadata"].get(NAMESPACE, {})) for cell in cells]
    stubs = [mark["function"] for _, mark in ours if mark.get("role") == "stub"]
    checks = " ".join(cell["source"] for cell, mark in ours if mark.get("role") == "check")
    for name in functions:
        if stubs.count(name) != 1:
            count = "no stub" if name not in stubs else f"{stubs.count(name)} stubs"
            raise GraderError(f"{shown(source)}: {count} for {name}; it needs one code cell that says '# stub: {name}'")
        if not re.search(rf"\b{re.escape(name)}\b", checks):
            raise GraderError(f"{shown(source)}: no check for {name}; it needs a code cell tagged check that names it")


def _check_answers(cells: list[NotebookNode], assignment: Assignment, source: Path) -> None:
    marks = [cell["metadata"].get(NAMESPACE, {}) for cell in cells]
    places = [mark["question"] for mark in marks if mark.get("role") == "answer"]
    for manual in assignment.manual:
        if places.count(manual.name) != 1:
            count = "no place" if manual.name not in places else f"{places.count(manual.name)} places"
            text = f"'<!-- answer: {manual.name} -->'"
            raise GraderError(f"{shown(source)}: {count} for the answer {manual.name}; one cell must begin with {text}")


def points_table(assignment: Assignment) -> str:
    """Return the Markdown table of an assignment's questions and points."""
    rows = ["| Question | You write | Points |", "| --- | --- | ---: |"]
    for question in assignment.questions:
        written = ", ".join(f"`{name}`" for name in question.functions)
        bonus = " (bonus)" if question.bonus else ""
        rows.append(f"| {question.name} | {written} | {question.points:g}{bonus} |")
    rows += [f"| {m.name} | an answer in words, read by a person | {m.points:g} |" for m in assignment.manual]
    full = assignment.points + sum(m.points for m in assignment.manual)
    return "\n".join([*rows, f"| **Full marks** | | **{full:g}** |"])


def dumps(notebook: NotebookNode) -> str:
    """Return a notebook as the text of its file: the same bytes for the same notebook, everywhere."""
    text: str = nbformat.writes(notebook, version=4)
    return text.rstrip("\n") + "\n"


def write_build(folder: str | Path) -> Path:
    """Build a folder's student notebook, write it beside its source, and return its path."""
    path = notebook_path(folder)
    write_text(path, dumps(build(folder)))
    return path


def staleness(folder: str | Path) -> str:
    """Return how a folder's committed notebook differs from a fresh build; empty where it is fresh."""
    path, fresh = notebook_path(folder), dumps(build(folder))
    if not path.is_file():
        return f"{shown(path)} is missing: run grader build {topic(folder)}\n"
    committed = path.read_bytes()
    if committed == fresh.encode():
        return ""
    lines = difflib.unified_diff(
        committed.decode("utf-8", "replace").split("\n"), fresh.split("\n"), "committed", "fresh", n=1, lineterm=""
    )
    return f"{shown(path)} is stale: run grader build {topic(folder)}\n" + "\n".join(lines) + "\n"


def is_fresh(folder: str | Path) -> bool:
    """Whether a folder's committed notebook is, byte for byte, what `build` makes of its source."""
    return not staleness(folder)
