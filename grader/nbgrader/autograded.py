"""One student's folder in a course's ``autograded/``, byte for byte what ``nbgrader autograde`` leaves there."""

import contextlib
import json
import os
import stat
from collections.abc import Iterable
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4.rwbase import split_lines
from nbgrader.utils import find_all_files

from grader.errors import GraderError
from grader.files import shown, temporary_beside

_READ_ONLY = 0o444


def write_autograded(
    notebook: NotebookNode, name: str, *, submitted: Path, source_files: Iterable[Path], source: Path, to: Path
) -> None:
    """Write a student's folder: the notebook, what was handed in beside it, the course's own files over that.

    Parameters
    ----------
    notebook : notebook
        Mended and with its marks; it is changed, and of no use afterwards.
    name : str
        Of the notebook, without suffix.
    submitted, source, to : path
        The student's folder of submitted files, the assignment's of the course's, the one to write.
    source_files : iterable of path
        Those in ``source`` that are no notebooks.

    Raises
    ------
    GraderError
        If a file cannot be written.
    """
    files = {f.relative_to(submitted): f for f in _handed_in(submitted)}
    files |= {f.relative_to(source): f for f in source_files}
    try:
        for relative, file in files.items():
            _write(to / relative, file.read_bytes())
        _write(to / f"{name}.ipynb", dumps(notebook).encode())
    except OSError as error:
        raise GraderError(f"{shown(to)}: cannot be written ({error.strerror or error})") from error


def files_beside_notebooks(folder: Path, ignore: list[str]) -> list[Path]:
    """Return the files of a folder that nbgrader copies: all but notebooks and what the course ignores."""
    return [Path(f) for f in find_all_files(str(folder), [*ignore, "*.ipynb"])]


def _handed_in(folder: Path) -> list[Path]:
    """Return what a student handed in beside notebooks; links are left out, they could lead anywhere."""
    found = []
    for place, _, names in os.walk(folder):
        if ".ipynb_checkpoints" in place or "__pycache__" in place:
            continue
        for name in names:
            path = Path(place, name)
            if not name.endswith((".ipynb", ".pyc")) and stat.S_ISREG(path.lstat().st_mode):
                found.append(path)
    return found


def dumps(notebook: NotebookNode) -> str:
    """Return a notebook's text as nbformat writes it, without its validation; the notebook is changed.

    `json.dumps` is slow where it indents, and this is most of what writing a class takes.
    """
    return _indented(split_lines(notebook), "\n") + "\n"


def _indented(value: Any, newline: str) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    inner = newline + " "
    if isinstance(value, dict) and value:
        items = [f"{encode_basestring(key)}: {_indented(value[key], inner)}" for key in sorted(value)]
        return "{" + inner + ("," + inner).join(items) + newline + "}"
    if isinstance(value, list) and value:
        return "[" + inner + ("," + inner).join([_indented(item, inner) for item in value]) + newline + "]"
    return json.dumps(value)


def _write(path: Path, content: bytes) -> None:
    """Write a read-only file, whole or not at all; one that is the same already stays."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_beside(path)
    try:
        temporary.write_bytes(content)
        temporary.chmod(_READ_ONLY)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_timestamp(coursedir: Any, submitted: Path) -> Any:
    """Return when a submission was collected, None where its folder does not say.

    Raises
    ------
    GraderError
        If its ``timestamp.txt`` is no time.
    """
    try:
        return coursedir.get_existing_timestamp(str(submitted))
    except (ValueError, AttributeError, OSError) as error:
        raise GraderError(f"{shown(submitted / 'timestamp.txt')} holds no time that nbgrader can read") from error
