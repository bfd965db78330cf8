"""What is handed in, rather than what it does: damaged, forged, renamed and bloated files of one right notebook."""

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.grader.isolated import RIGHT_DOUBLE, RIGHT_SCALE

MALFORMED, FORGING = "malformed", "forging a score"
STUB = "def double(x):\n    raise NotImplementedError('write double')"
CHECK = "check(double)"


@dataclass(frozen=True)
class FileAttack:
    """A change to a right notebook's file.

    ``refused`` is a pattern of the one line that refuses it; where it is empty, the file keeps all its points.
    """

    name: str
    row: str
    change: Callable[[dict[str, Any]], dict[str, Any] | bytes]
    refused: str = ""
    file: str = "ada.ipynb"


def _cell(identity: str, source: str, kind: str = "code", **mark: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": identity, "metadata": {"stencil": mark} if mark else {}, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def master() -> dict[str, Any]:
    """The notebook that was handed out."""
    cells = [
        _cell("text", "# Twice", "markdown"),
        _cell("stub-double", STUB, role="stub", function="double"),
        _cell("check-double", CHECK, role="check", function="double"),
        _cell("stub-scale", "def scale_forward(x, factor):\n    raise NotImplementedError", role="stub",
              function="scale_forward"),
    ]  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def handed_in() -> dict[str, Any]:
    """The same, with right answers."""
    notebook = master()
    notebook["cells"][1]["source"] = textwrap.dedent(RIGHT_DOUBLE).strip()
    notebook["cells"][3]["source"] = textwrap.dedent(RIGHT_SCALE).strip()
    return notebook


def _with(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def changed(notebook: dict[str, Any]) -> dict[str, Any]:
        change(notebook)
        return notebook

    return changed


def _metadata_points(n: dict[str, Any]) -> None:
    for cell in n["cells"]:
        cell["metadata"] = {
            "nbgrader": {"grade": True, "points": 1e9, "locked": True, "grade_id": "x", "solution": False},
            "stencil": {"role": "stub", "function": "scale_forward", "points": float("inf")},
        }


def _outputs(n: dict[str, Any]) -> None:
    n["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "passed 100/100"}] * 1000


def _old_format(n: dict[str, Any]) -> dict[str, Any]:
    cells = [{"cell_type": "code", "input": c["source"], "outputs": []} for c in n["cells"] if c["cell_type"] == "code"]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


def _data(notebook: dict[str, Any]) -> bytes:
    return json.dumps(notebook).encode()


ATTACKS = [
    FileAttack("points and flags in the metadata", FORGING, _with(_metadata_points)),
    FileAttack("outputs that say passed", FORGING, _with(_outputs)),
    FileAttack("a check edited", FORGING, _with(lambda n: n["cells"][2].update(source="print('passed')"))),
    FileAttack("a check deleted", FORGING, _with(lambda n: n["cells"].pop(2))),
    FileAttack("checks duplicated", FORGING, _with(lambda n: n["cells"].extend([n["cells"][2]] * 3))),
    FileAttack("cells in another order", FORGING, _with(lambda n: n["cells"].reverse())),
    FileAttack(
        "another student's name in the file",
        FORGING,
        _with(lambda n: n["metadata"].update(student="eve", authors=[{"name": "eve"}])),
    ),
    FileAttack("cut off", MALFORMED, lambda n: _data(n)[:-40], "ends early"),
    FileAttack("empty", MALFORMED, lambda n: b"", "empty"),
    FileAttack("no JSON", MALFORMED, lambda n: b"PK\x03\x04 not a notebook", "."),
    FileAttack("a web page", MALFORMED, lambda n: b"<!doctype html><title>Login</title>", "web page"),
    FileAttack("JSON, but a list", MALFORMED, lambda n: b"[1, 2, 3]", "no notebook"),
    FileAttack("brackets without end", MALFORMED, lambda n: b"[" * 2_000_000, "too many values|nested"),
    FileAttack("braces without end", MALFORMED, lambda n: b'{"cells":' * 200_000, "nested|too many"),
    FileAttack("a number of a million digits", MALFORMED, lambda n: b'{"nbformat": ' + b"9" * 10**6 + b"}", "too long"),
    FileAttack(
        "not a number", MALFORMED, lambda n: _data(n).replace(b'"nbformat": 4', b'"nbformat": NaN'), "no notebook"
    ),
    FileAttack("a format of the future", MALFORMED, _with(lambda n: n.update(nbformat=9)), "too new"),
    FileAttack("an old format", MALFORMED, _old_format),
    FileAttack("no ids", MALFORMED, _with(lambda n: [c.pop("id") for c in n["cells"]])),
    FileAttack("one id for all", MALFORMED, _with(lambda n: [c.update(id="stub-double") for c in n["cells"]])),
    FileAttack("ids that are paths", MALFORMED, _with(lambda n: [c.update(id="../../etc/passwd") for c in n["cells"]])),
    FileAttack("ids that are no text", MALFORMED, _with(lambda n: [c.update(id={"x": []}) for c in n["cells"]])),
    FileAttack("cells that are no cells", MALFORMED, _with(lambda n: n["cells"].extend([None, 3, "x", [], {}]))),
    FileAttack("code turned to text", MALFORMED, _with(lambda n: n["cells"][1].update(cell_type="markdown"))),
    FileAttack("a byte order mark", MALFORMED, lambda n: b"\xef\xbb\xbf" + _data(n)),
    FileAttack("UTF-16", MALFORMED, lambda n: json.dumps(n).encode("utf-16"), "save it as UTF-8"),
    FileAttack(
        "bytes that are no text", MALFORMED, lambda n: _data(n).replace(b"# Twice", b"# Tw\xff\xfe\x80ce"), "not UTF-8"
    ),
    FileAttack(
        "NUL in a cell", MALFORMED, _with(lambda n: n["cells"][1].update(source=n["cells"][1]["source"] + "\0#"))
    ),
    FileAttack("half a surrogate in a cell", MALFORMED, _with(lambda n: n["cells"][0].update(source="\ud800"))),
    FileAttack("lines of three systems", MALFORMED, lambda n: _data(n).replace(b"\\n", b"\\r\\n")),
    FileAttack("outputs of many megabytes", MALFORMED, _with(lambda n: n["cells"][2].update(outputs=["x" * 10**7]))),
    FileAttack("more than a file may hold", MALFORMED, lambda n: _data(n) + b" " * (65 << 20), "larger|MiB"),
    FileAttack("ten thousand cells", MALFORMED, _with(lambda n: n["cells"].extend([{}] * 10_001)), "more than allowed"),
    FileAttack(
        "code of many megabytes", MALFORMED, _with(lambda n: n["cells"][1].update(source="#" * (3 << 20))), "MiB"
    ),
    FileAttack("another suffix", MALFORMED, lambda n: _data(n), "neither", file="ada.ipynb.exe"),
    FileAttack("a name of control characters", MALFORMED, lambda n: _data(n), file="\x1b[2J\u202e..ada.ipynb"),
]
