"""Submissions made of a Python file: its functions in the notebook's stubs. Runs nothing."""

import ast
import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.errors import GraderError
from grader.files import read_text, shown

HELPERS = "helpers"


def fill_from_file(notebook: NotebookNode, path: str | Path) -> NotebookNode:
    """Return `fill` of a notebook and a .py file's text; a file that cannot be read is a GraderError too."""
    return fill(notebook, read_text(path), name=shown(path))


def fill(notebook: NotebookNode, source: str, *, name: str = "the source") -> NotebookNode:
    """Return a copy of the student notebook with a module's functions in the stubs.

    A top-level statement that defines a function of the assignment (a definition with its decorators and the comments
    directly above it, but also ``name = ...``, an import, a definition under ``if``) goes to that stub's cell. All else
    (imports, helpers, constants) goes, in order, into one cell before the first stub; ``if __name__ == "__main__":`` is
    left out.

    Parameters
    ----------
    notebook : notebook
        As `grader.build.build` makes it; it is not changed.
    source : str
        The text of a Python module.
    name : str
        The module's file, for messages.

    Raises
    ------
    GraderError
        For a syntax error (with file and line), and where the module defines none of the assignment's functions.
    """
    filled = copy.deepcopy(notebook)
    stubs = {c["metadata"]["stencil"]["function"]: c for c in filled["cells"] if _role(c) == "stub"}
    pieces, rest = _split(source, list(stubs), name)
    if not pieces:
        raise GraderError(f"{name} defines none of the assignment's functions: {', '.join(stubs)}")
    for functions, text in pieces.items():
        first, *others = functions
        stubs[first]["source"] = text
        for other in others:
            stubs[other]["source"] = f"# {other} is defined together with {first}."
    if rest:
        taken = {c["id"] for c in filled["cells"]}
        identity = next(i for i in (HELPERS, *(f"{HELPERS}-{n}" for n in range(len(taken) + 1))) if i not in taken)
        position = next(i for i, c in enumerate(filled["cells"]) if _role(c) == "stub")
        filled["cells"].insert(position, nbformat.v4.new_code_cell(rest, id=identity))
    return filled


def _role(cell: Any) -> str:
    return str(cell["metadata"].get("stencil", {}).get("role", ""))


def _split(source: str, stubs: list[str], name: str) -> tuple[dict[tuple[str, ...], str], str]:
    """Return the text for each stub (for several at once where one statement defines several), and the rest."""
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise GraderError(f"{name}, line {error.lineno}: {error.msg}: the file must be valid Python") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise GraderError(f"{name} cannot be parsed: {error or type(error).__name__}") from error
    lines = source.split("\n")
    owner: list[frozenset[str] | None] = [None] * len(lines)  # of each line: the functions to whose stub it belongs
    dropped: set[int] = set()
    end = 0
    for node in body:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1
        bound = frozenset(_bound([node])) & set(stubs)
        if bound:
            while start > end and lines[start - 1].startswith("#"):
                start -= 1
            owner[start : node.end_lineno] = [bound] * ((node.end_lineno or start) - start)
        elif _is_main_block(node):
            dropped.update(range(start, node.end_lineno or start))
        end = node.end_lineno or end
    groups = _merged({o for o in owner if o})
    pieces: dict[tuple[str, ...], str] = {}
    for group in groups:
        text = [lines[i] if o and o <= group else None for i, o in enumerate(owner)]
        pieces[tuple(s for s in stubs if s in group)] = _joined(text)
    rest = [None if o or i in dropped else lines[i] for i, o in enumerate(owner)]
    return pieces, _joined(rest)


def _bound(nodes: Iterable[ast.stmt]) -> Iterable[str]:
    """Name what statements define in their own scope."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
        elif not _is_main_block(node):
            for part in ("body", "orelse", "finalbody"):
                yield from _bound(getattr(node, part, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _bound(handler.body)


def _is_main_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in {n.id for n in ast.walk(node.test) if isinstance(n, ast.Name)}


def _merged(groups: set[frozenset[str]]) -> list[frozenset[str]]:
    """Unite groups that share a function: what defines it must stay together, in order."""
    merged: list[frozenset[str]] = []
    for group in sorted(groups, key=sorted):
        touching = [m for m in merged if m & group]
        merged = [m for m in merged if m not in touching] + [group.union(*touching)]
    return merged


def _joined(lines: list[str | None]) -> str:
    """Join the lines kept; what was cut out leaves at most two blank lines behind."""
    kept: list[str] = []
    gap = False
    for line in lines:
        if line is None:
            gap = True
        elif line.strip() or not gap:
            if gap and kept and line.strip():
                while kept and not kept[-1].strip():
                    kept.pop()
                kept += ["", ""]
            kept.append(line)
            gap = False
    return "\n".join(kept).strip("\n")
