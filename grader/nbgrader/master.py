"""What a course's gradebook knows of an assignment's cells, and submissions mended by it. Runs nothing.

nbgrader trusts the ids, kinds and metadata of a submission's cells: a duplicated one stops the batch, a deleted one
keeps its old score. Here everything but the student's text is taken from the master.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Notebook
from nbgrader.utils import compute_checksum

from grader.build import NAMESPACE
from grader.cells import RawCell, cells_of_notebook
from grader.errors import GraderError
from grader.files import read_text, shown
from grader.nbgrader.source import SCHEMA


@dataclass(frozen=True)
class MasterCell:
    """One of nbgrader's cells.

    Attributes
    ----------
    name : str
        The ``grade_id``, which is the cell's id, too.
    kind : str
        "code" or "markdown".
    source : str
        As released, with hidden tests.
    points : float or None
        Of a cell that carries points.
    question : str
        The question to which it belongs, "" for a manually graded answer or a check without points.
    """

    name: str
    kind: str
    source: str
    checksum: str
    locked: bool
    solution: bool
    points: float | None
    question: str

    @property
    def metadata(self) -> dict[str, Any]:
        """The cell's metadata under "nbgrader", as ``nbgrader autograde`` leaves it."""
        grade = self.points is not None
        return {
            "schema_version": SCHEMA,
            "grade_id": self.name,
            "grade": grade,
            "solution": self.solution,
            "locked": self.locked,
            "task": False,
            "cell_type": self.kind,
            "checksum": self.checksum,
            **({"points": self.points} if grade else {}),
        }


@dataclass(frozen=True)
class Master:
    """An assignment's cells, in the notebook's order, and the kernel that the notebook names."""

    cells: tuple[MasterCell, ...]
    kernelspec: Mapping[str, Any]

    def grade_cell(self, question: str) -> MasterCell | None:
        """Return the cell that carries a question's points."""
        return next((c for c in self.cells if c.question == question and c.points is not None), None)

    def comment_cell(self, question: str) -> MasterCell | None:
        """Return the solution cell that a question's reasons are written to: its last, above the points."""
        return next((c for c in reversed(self.cells) if c.question == question and c.solution), None)


def master_of(notebook: Notebook, source: Path) -> Master:
    """Put together what the gradebook holds and what the instructor's notebook says.

    Raises
    ------
    GraderError
        If the two differ, since the assignment was changed and not generated again.
    """
    stored = {c.name: c for c in notebook.source_cells}
    points = {c.name: float(c.max_score) for c in notebook.grade_cells}
    solutions = {c.name for c in notebook.solution_cells}
    try:
        listed = [c for c in json.loads(read_text(source))["cells"] if "nbgrader" in c["metadata"]]
    except (ValueError, LookupError, TypeError) as error:
        raise GraderError(f"{shown(source)} is no notebook of a course ({error})") from error
    names = [str(c["metadata"]["nbgrader"].get("grade_id")) for c in listed]
    if set(names) != set(stored):
        raise GraderError(f"{shown(source)} is not the notebook that was generated: run nbgrader generate_assignment")
    cells = tuple(
        MasterCell(
            name=name,
            kind=stored[name].cell_type,
            source=stored[name].source or "",
            checksum=stored[name].checksum or "",
            locked=stored[name].locked,
            solution=name in solutions,
            points=points.get(name),
            question=_question(cell),
        )
        for name, cell in zip(names, listed, strict=True)
    )
    return Master(cells, json.loads(notebook.kernelspec or "{}"))


def _question(cell: Mapping[str, Any]) -> str:
    mark = cell["metadata"].get(NAMESPACE, {})
    return str(mark.get("question", "")) if mark.get("role") in ("stub", "check") else ""


def mended(text: str, name: str, master: Master) -> NotebookNode:
    """Return a submission as ``nbgrader autograde`` should see it: the student's texts in the master's cells.

    Every cell of the master is there once: of several that claim to be one, the last that a student wrote in; where
    there is none, the released one, below its predecessor. Outputs are dropped, as nbgrader does.

    Raises
    ------
    GraderError
        If the text is no notebook; ``name`` names it for the reader.
    """
    raw, _ = cells_of_notebook(text, name)
    listed = json.loads(text).get("cells")
    given: list[Mapping[str, Any]] = [listed[c.number - 1] if isinstance(listed, list) else {} for c in raw]
    known = {c.name for c in master.cells}
    claims = [_claim(cell, extra, known) for cell, extra in zip(raw, given, strict=True)]
    chosen: dict[str, int] = {}
    for cell in master.cells:
        claimants = [n for n, claim in enumerate(claims) if claim == cell.name]
        written = [n for n in claimants if raw[n].source.strip() != cell.source.strip()]
        if claimants:
            chosen[cell.name] = (written or claimants)[-1]
    owner = {n: c for c in master.cells if (n := chosen.get(c.name)) is not None}
    used = set(known)
    cells = [
        _ours(owner[n], raw[n].source, given[n]) if n in owner else _theirs(raw[n], given[n], used)
        for n in range(len(raw))
    ]
    _put_back([c for c in master.cells if c.name not in chosen], cells, master)
    return NotebookNode(
        nbformat=4,
        nbformat_minor=5,
        metadata=nbformat.from_dict({"kernelspec": dict(master.kernelspec), "language_info": {"name": "python"}}),
        cells=cells,
    )


def _claim(cell: RawCell, given: Mapping[str, Any], known: set[str]) -> str | None:
    """Return which master cell a cell says that it is: by nbgrader's metadata, else by its id."""
    metadata = given.get("metadata")
    mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    wishes = (mark.get("grade_id") if isinstance(mark, dict) else None, cell.id)
    return next((w for w in wishes if isinstance(w, str) and w in known), None)


def _ours(cell: MasterCell, source: str, given: Mapping[str, Any]) -> NotebookNode:
    text = cell.source if cell.locked else source
    return _node(cell.kind, cell.name, text, {"nbgrader": cell.metadata}, given)


def _theirs(cell: RawCell, given: Mapping[str, Any], used: set[str]) -> NotebookNode:
    identity = cell.id if cell.id and cell.id not in used else f"cell-{cell.number}"
    while identity in used:
        identity += "-again"
    used.add(identity)
    return _node(cell.kind, identity, cell.source, {}, given)


def _node(
    kind: str, identity: str, source: str, metadata: dict[str, Any], given: Mapping[str, Any] = NotebookNode()
) -> NotebookNode:
    node: dict[str, Any] = {"cell_type": kind, "id": identity, "metadata": metadata, "source": source}
    if kind == "code":
        node |= {"execution_count": None, "outputs": []}
    elif kind == "markdown" and (pictures := _pictures(given.get("attachments"))):
        node["attachments"] = pictures
    return nbformat.from_dict(node)


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """Return the pictures pasted into a text, which a person who marks it wants to see."""
    if not isinstance(attachments, dict):
        return {}
    return {
        name: {kind: data}
        for name, bundle in attachments.items()
        if isinstance(bundle, dict)
        for kind, data in list(bundle.items())[:1]
        if isinstance(data, str) and kind in ("image/png", "image/jpeg", "image/gif")
    }


def _put_back(missing: Iterable[MasterCell], cells: list[NotebookNode], master: Master) -> None:
    order = [c.name for c in master.cells]
    for cell in missing:
        before = set(order[: order.index(cell.name)])
        place = max((n + 1 for n, c in enumerate(cells) if c["id"] in before), default=0)
        cells.insert(place, _ours(cell, cell.source, {}))


def untouched(cell: NotebookNode) -> bool:
    """Whether a solution cell is as it was released."""
    return bool(cell["metadata"]["nbgrader"]["checksum"] == compute_checksum(cell))
