"""A made-up class of real notebooks: an assignment's example solutions, and students who make trouble.

Knows no assignment: the examples are the .py files in and below its folder ``examples``, the trouble works on any
function.
"""

import json
from collections.abc import Callable
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from grader.build import build, dumps
from grader.errors import GraderError
from grader.fill import fill_from_file
from grader.folders import load_assignment, topic

_FOREVER = """
def {name}(*args, **kwargs):
    while True:
        pass
"""
_EXIT = """
def {name}(*args, **kwargs):
    import os
    os._exit(0)
"""
_FLOOD = """
for _ in range(200):
    print("x" * 1_000_000)
"""
_PATCHES = """
import numpy as np
np.allclose = np.array_equal = lambda *args, **kwargs: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *args, **kwargs: None

def {name}(*args, **kwargs):
    return np.zeros(3)
"""


def make_class(folder: Path, to: Path) -> dict[str, Path]:
    """Write the notebooks of a made-up class.

    Parameters
    ----------
    folder : path
        The assignment's. Its folder ``examples`` holds whole solutions in several styles, ``examples/mistakes`` single
        wrong functions, which take the place of those in the first solution (in ``loops.py`` where there is one).
    to : path
        Where each student gets a folder.

    Returns
    -------
    dict
        Student to notebook.
    """
    examples = sorted((folder / "examples").glob("*.py"))
    if not examples:
        raise GraderError(f"{folder} has no examples/*.py to make a class from: name another assignment")
    blank = build(folder)
    # The last question is the one most worth attacking.
    name = next(iter(load_assignment(folder).questions[-1].functions))
    good = fill_from_file(blank, next((e for e in examples if e.stem == "loops"), examples[0]))
    notebooks: dict[str, str] = {_student(e): dumps(fill_from_file(blank, e)) for e in examples}
    for mistake in sorted((folder / "examples" / "mistakes").glob("*.py")):
        notebooks[_student(mistake)] = dumps(fill_from_file(good, mistake))
    notebooks["blank"] = dumps(blank)
    notebooks["runs-for-ever"] = dumps(_with_cell(good, _FOREVER.format(name=name)))
    notebooks["ends-the-process"] = dumps(_with_cell(good, _EXIT.format(name=name)))
    notebooks["floods-its-output"] = dumps(_with_cell(good, _FLOOD))
    notebooks["patches-numpy"] = dumps(_with_cell(good, _PATCHES.format(name=name)))
    notebooks["cut-off"] = dumps(good)[: len(dumps(good)) * 2 // 3]
    notebooks["moved-the-checks"] = json.dumps(_with_checks_moved(good))  # two cells with one id: no valid notebook
    paths = {}
    for student, text in notebooks.items():
        path = to / student / f"{topic(folder)}.ipynb"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise GraderError(f"cannot write {path}: {error.strerror}") from error
        paths[student] = path
    return paths


def _student(example: Path) -> str:
    return example.stem.replace("_", "-")


def _with_cell(notebook: NotebookNode, source: str) -> NotebookNode:
    return _changed(notebook, lambda cells: [*cells, new_code_cell(source.strip())])


def _with_checks_moved(notebook: NotebookNode) -> NotebookNode:
    """Delete the first check cell and put the second one in twice."""

    def move(cells: list[NotebookNode]) -> list[NotebookNode]:
        checks = [c for c in cells if c["id"].startswith("check-")]
        return [*(c for c in cells if c["id"] != checks[0]["id"]), *checks[1:2]]

    return _changed(notebook, move)


def _changed(notebook: NotebookNode, change: Callable[[list[NotebookNode]], list[NotebookNode]]) -> NotebookNode:
    copy = NotebookNode(json.loads(json.dumps(notebook)))
    copy["cells"] = change([NotebookNode(c) for c in notebook["cells"]])
    return copy
