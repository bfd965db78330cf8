"""Submissions: which cells of a student's file are run, and what was mended. Never runs anything.

Cells are matched to the master notebook by id, then by content. The file is untrusted: its metadata is not looked at,
and the only error is a `GraderError`.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.cells import RawCell, cells_of_notebook, cells_of_script, listing
from grader.errors import GraderError
from grader.files import MEBIBYTE, decode, read_bytes, shown

MAX_SOURCE = 2 * MEBIBYTE


@dataclass(frozen=True)
class Cell:
    """A cell that will be run.

    Attributes
    ----------
    number : int
        Its position among all cells, from 1: as the student sees it.
    id : str
        Unique in the submission; the master's where the cell could be matched.
    source : str
    function : str, optional
        The assignment's function that it defines.
    """

    number: int
    id: str
    source: str
    function: str | None = None


@dataclass(frozen=True)
class Submission:
    """What a student handed in: the cells to run, in order, and notes on what was mended, in plain words."""

    student: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class _Read:
    """A cell with what matching asks of it again and again: its normalised text, the functions it defines."""

    number: int
    kind: str
    id: str
    source: str
    text: str
    defined: tuple[str, ...]


@dataclass(frozen=True)
class _Master:
    """What is needed of the master notebook; texts are normalised."""

    ids: Mapping[str, str]  # text -> id
    skipped: frozenset[str]  # the texts of our check and demo cells
    checks: tuple[tuple[str, str, str], ...]  # id, function, text
    stubs: Mapping[str, str]  # function -> text
    stub_ids: Mapping[str, str]  # function -> id
    defines: re.Pattern[str]


def read_submission(
    path: str | os.PathLike[str],
    master: Mapping[str, Any],
    *,
    student: str | None = None,
    limit: int = 64 * MEBIBYTE,
) -> Submission:
    """Read a submission and choose the cells that will be run.

    All code cells are run, in order, except those that equal a check or demo cell of the master. A text cell is read as
    code if it defines a function of the assignment that no code cell defines. An untouched stub is left out where
    another cell defines its function.

    Parameters
    ----------
    path : path
        An .ipynb, or a .py, which is split at its ``# %%`` lines.
    master : notebook
        As `grader.build.build` makes it.
    student : str, optional
        Whose submission it is; the file's name without suffix otherwise. Never taken from the file's content.
    limit : int
        The largest file accepted, in bytes.

    Raises
    ------
    GraderError
        If the file cannot be used: one line that says why and what to do.
    """
    name = shown(path)
    suffix = Path(path).suffix.lower()
    data = read_bytes(path, limit)
    if suffix not in (".ipynb", ".py"):
        raise GraderError(f"{name}: the name ends in neither .ipynb nor .py: hand in the notebook itself")
    text, marked = decode(data, path)
    is_notebook = suffix == ".ipynb"
    known = _master(master)
    raw, notes = cells_of_notebook(text, name) if is_notebook else (cells_of_script(text), [])
    if marked:
        notes.insert(0, "the file began with a byte order mark: ignored")
    named, id_notes = _identify(raw, known)
    cells, cell_notes = _select(named, known)
    notes += [*id_notes, *_check_notes(named, known), *cell_notes] if is_notebook else cell_notes
    _refuse_too_much(cells, name)
    return Submission(
        student=shown(Path(path).stem) if student is None else student,
        cells=tuple(Cell(c.number, c.id, c.source, _function(c, known)) for c in cells),
        notes=tuple(notes),
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _normal(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().split("\n"))


def _master(master: Mapping[str, Any]) -> _Master:
    marked = [(c, c["metadata"].get("stencil", {}), _normal("".join(c["source"]))) for c in master["cells"]]
    stubs = {mark["function"]: (c["id"], text) for c, mark, text in marked if mark.get("role") == "stub"}
    names = "|".join(map(re.escape, stubs)) or r"(?!)"
    return _Master(
        ids={text: c["id"] for c, _, text in reversed(marked)},
        skipped=frozenset(text for _, mark, text in marked if mark.get("role") in ("check", "demo")),
        checks=tuple((c["id"], mark["function"], text) for c, mark, text in marked if mark.get("role") == "check"),
        stubs={function: text for function, (_, text) in stubs.items()},
        stub_ids={function: identity for function, (identity, _) in stubs.items()},
        defines=re.compile(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+({names})\b|^({names})[ \t]*=(?!=)", re.MULTILINE),
    )


def _function(cell: _Read, master: _Master) -> str | None:
    by_id = next((f for f, identity in master.stub_ids.items() if identity == cell.id), None)
    if by_id and (by_id in cell.defined or not cell.defined):
        return by_id
    return cell.defined[0] if cell.defined else None


def _identify(raw: list[RawCell], master: _Master) -> tuple[list[_Read], list[str]]:
    """Give every cell an id of its own: the first holder of an id keeps it, the others are matched by content."""
    held: dict[str, int] = {}
    missing, repeated = [], []
    for cell in raw:
        if cell.id is None:
            missing.append(cell.number)
        elif held.setdefault(cell.id, cell.number) != cell.number:
            repeated.append(cell.number)
    named = []
    for cell in raw:
        text = _normal(cell.source)
        # The text is only searched, never parsed: deep nesting can crash the parser.
        defined = tuple(dict.fromkeys(a or b for a, b in master.defines.findall(cell.source)))
        identity = cell.id
        if identity is None or held[identity] != cell.number:
            wishes = [master.ids.get(text), *(master.stub_ids[f] for f in defined)]
            identity = next((w for w in wishes if w and w not in held), f"cell-{cell.number}")
            while identity in held:
                identity += "-again"
            held[identity] = cell.number
        named.append(_Read(cell.number, cell.kind, identity, cell.source, text, defined))
    notes = []
    if missing and len(missing) == len(raw):
        notes.append("the cells have no ids (an older version of Jupyter saved them): matched by content")
    elif missing:
        notes.append(f"{listing(missing)}: without an id, matched by content")
    if repeated:
        notes.append(f"{listing(repeated)}: the id of an earlier cell, matched by content")
    return named, notes


def _select(named: list[_Read], master: _Master) -> tuple[list[_Read], list[str]]:
    """Choose the cells to run, and say of each function what is unusual about where it is defined."""
    code = [c for c in named if c.kind == "code" and c.text and c.text not in master.skipped]
    texts = [c for c in named if c.kind != "code" and c.text not in master.ids]
    chosen = {c.number: c for c in code}
    notes, untouched = [], []
    for function, stub in master.stubs.items():
        defining = [c for c in code if function in c.defined]
        blank = [c for c in defining if c.text == stub]
        written = [c for c in defining if c.text != stub]
        if written and blank:
            for cell in blank:
                chosen.pop(cell.number, None)
            notes.append(f"{_of(blank)}: the untouched stub of {function} is not run, {_of(written)} defines it")
        elif blank:
            untouched.append(f"{function} ({_of(blank)})")
        if len(written) > 1:
            notes.append(f"{function} is defined in {_of(written)}: the last one counts")
        if not defining:
            found = [c for c in texts if function in c.defined]
            note, rescued = _undefined(function, code, found, master.stub_ids[function])
            notes.append(note)
            chosen |= {c.number: c for c in rescued}
    if untouched:
        notes.append(f"not written yet: {', '.join(untouched)}")
    return [chosen[number] for number in sorted(chosen)], notes


def _undefined(function: str, code: list[_Read], texts: list[_Read], stub_id: str) -> tuple[str, list[_Read]]:
    """Say what became of a function that no code cell defines; return the text cell to read as code."""
    if texts:
        best = next((c for c in texts if c.id == stub_id), texts[-1])
        if "```" in best.source:
            return f"cell {best.number}: {function} stands in a text cell, which is not run", []
        return f"cell {best.number}: a text cell that defines {function}, read as code", [best]
    if stub := next((c for c in code if c.id == stub_id), None):
        return f"cell {stub.number}: was the stub of {function}, defines no function of that name (renamed?)", []
    return f"no cell defines {function}: its stub was deleted", []


def _check_notes(named: list[_Read], master: _Master) -> list[str]:
    notes = []
    code = [c for c in named if c.kind == "code"]
    for identity, function, text in master.checks:
        same = [c for c in code if c.text == text]
        edited = [c for c in code if c.id == identity and c.text not in ("", text)]
        if len(same) > sum(t == text for _, _, t in master.checks):
            notes.append(f"{_of(same)}: the check of {function}, several times; this costs nothing")
        elif not same and edited:
            notes.append(
                f"{_of(edited)}: the check of {function} was edited and is run as your own; this costs nothing"
            )
        elif not same:
            notes.append(f"the check of {function} is missing; this costs nothing")
    return list(dict.fromkeys(notes))


def _of(cells: Iterable[_Read]) -> str:
    return listing([c.number for c in cells])


def _refuse_too_much(cells: list[_Read], name: str) -> None:
    size = sum(len(c.source) for c in cells)
    if size > MAX_SOURCE:
        largest = max(cells, key=lambda c: len(c.source))
        raise GraderError(
            f"{name}: {size / MEBIBYTE:.0f} MiB of code are more than allowed ({MAX_SOURCE // MEBIBYTE}), "
            f"most of it in cell {largest.number}: keep data out of the cells"
        )
