"""The cells of a file that a student handed in: notebook or script. Knows no assignment and never runs anything.

The file is untrusted: of a notebook only each cell's kind, id and text are taken, by hand. nbformat's own reader
validates outputs and metadata that are of no use here, takes a hundred times longer, and raises whatever it likes.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from grader.errors import GraderError

MAX_CELLS = 10_000
# Text of at most 64 MiB can describe gigabytes of empty dicts; this many elements take at most 400 MiB.
MAX_ELEMENTS = 4_000_000
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MARKER = re.compile(r"#[ \t]*%%+(.*)")
_KINDS = ("code", "markdown", "raw")


@dataclass(frozen=True)
class RawCell:
    """A cell as it was handed in: its number as the student counts (from 1), kind, id (None: unusable), text."""

    number: int
    kind: str
    id: str | None
    source: str


def cells_of_notebook(text: str, name: str) -> tuple[list[RawCell], list[str]]:
    """Return the cells of an .ipynb file's text, and what was mended, in words.

    Parameters
    ----------
    text : str
    name : str
        The file's name, for messages.

    Raises
    ------
    GraderError
        If the text is no notebook of format 2 to 4.
    """
    notebook = _parse(text, name)
    notes: list[str] = []
    major = notebook.get("nbformat")
    if major is None and "cells" in notebook:
        notes.append("the notebook does not say its format: read as format 4")
        major = 4
    if type(major) is not int or not ("cells" in notebook or "worksheets" in notebook):
        raise GraderError(f"{name} is JSON but no notebook: hand in the .ipynb file that Jupyter saved")
    if major > 4:
        raise GraderError(f"{name}: notebook format {major} is too new, this grader reads up to 4: save it as format 4")
    if major < 2:
        raise GraderError(f"{name}: notebook format {major} is too old: open it in Jupyter and save it again")
    if major < 4:
        notes.append(f"the notebook is in the old format {major}: read as format 4")
    listed = notebook.get("cells") if major == 4 else _cells_of_worksheets(notebook)
    if not isinstance(listed, list):
        raise GraderError(f"{name} is JSON but no notebook: its cells are no list")
    if len(listed) > MAX_CELLS:
        raise GraderError(f"{name}: {len(listed)} cells are more than allowed ({MAX_CELLS})")
    cells, unusable, cleaned = [], [], []
    for number, cell in enumerate(listed, 1):
        source = _source(cell)
        if source is None or cell.get("cell_type") not in (*_KINDS, "heading"):
            unusable.append(number)
            continue
        clean = _clean(source)
        if clean != _with_newlines(source):
            cleaned.append(number)
        kind = cell["cell_type"] if cell["cell_type"] in _KINDS else "markdown"
        identity = cell.get("id")
        usable = isinstance(identity, str) and _ID.fullmatch(identity)
        cells.append(RawCell(number, kind, identity if usable else None, clean))
    if unusable:
        notes.append(f"{listing(unusable)}: no kind of cell or no text, left out")
    if cleaned:
        notes.append(f"{listing(cleaned)}: characters that no Python source can hold were removed")
    return cells, notes


def _parse(text: str, name: str) -> dict[str, Any]:
    if text.lstrip().startswith("<"):
        raise GraderError(f"{name} is a web page, no notebook: download the .ipynb file itself")
    if sum(map(text.count, ",[{")) > MAX_ELEMENTS:
        raise GraderError(f"{name} holds too many values: clear the outputs and save again")
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Unterminated string") or error.pos >= len(text.rstrip()):
            message = f"{name} ends early, in line {error.lineno}: the file was cut off; save and hand in again"
        else:
            message = f"{name} is no notebook: not JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        raise GraderError(message) from error
    except (RecursionError, MemoryError):
        # No cause: its traceback can have thousands of frames.
        raise GraderError(f"{name} is no notebook: its JSON is nested too deeply") from None
    except ValueError as error:  # whole numbers of thousands of digits
        raise GraderError(f"{name} is no notebook: a number in it is too long") from error
    if not isinstance(parsed, dict):
        raise GraderError(f"{name} is JSON but no notebook: hand in the .ipynb file that Jupyter saved")
    return parsed


def _cells_of_worksheets(notebook: dict[str, Any]) -> list[Any] | None:
    sheets = notebook.get("worksheets", [])
    if not isinstance(sheets, list):
        return None
    found: list[Any] = []
    for sheet in sheets:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        if isinstance(cells, list):
            found.extend(cells)
    return found


def _source(cell: Any) -> str | None:
    if not isinstance(cell, dict):
        return None
    source = cell.get("source", cell.get("input"))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def _with_newlines(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\r", "\n")


def _clean(source: str) -> str:
    """Remove what the compiler or the encoding to the worker would choke on."""
    return _SURROGATE.sub("\ufffd", _with_newlines(source).replace("\0", "").lstrip("\ufeff"))


def cells_of_script(text: str) -> list[RawCell]:
    """Return the cells of a .py file: split at its ``# %%`` lines where it has any, else the whole file as one cell."""
    pieces: list[tuple[str, list[str]]] = [("code", [])]
    for line in text.split("\n"):
        if marker := _MARKER.fullmatch(line):
            label = marker[1].lower()
            kind = "markdown" if "[markdown]" in label or "[md]" in label else "raw" if "[raw]" in label else "code"
            pieces.append((kind, []))
        else:
            pieces[-1][1].append(line)
    first = "\n".join(pieces[0][1]).strip()
    if len(pieces) > 1 and (not first or re.fullmatch(r"# ---\n(?:#.*\n)*# ---", first)):
        del pieces[0]  # nothing, or the header that jupytext writes: the student sees no cell there
    return [
        RawCell(number, kind, None, _clean("\n".join(lines).strip("\n")))
        for number, (kind, lines) in enumerate(pieces, 1)
    ]


def listing(numbers: list[int]) -> str:
    """Return cell numbers in words.

    Examples
    --------
    >>> listing([3]), listing([3, 5, 9])
    ('cell 3', 'cells 3, 5 and 9')
    """
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    head = [str(n) for n in numbers[:10]]
    if len(numbers) > 10:
        return f"cells {', '.join(head)} and {len(numbers) - 10} more"
    return f"cells {', '.join(head[:-1])} and {head[-1]}"
