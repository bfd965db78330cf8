"""The arrows of the house: who may import whom, and what a student needs to have installed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from grader.freeze import freeze
from grader.questions import Assignment
from tests.grader.examples import AFFINE, DOUBLE

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {"grader", "solutions", "assignments", "tests"}
ALLOWED = {
    "grader": {"grader"},
    "solutions": {"solutions"},
    "assignments": {"grader", "solutions"},
    "tests/benchmarks": {"grader", "solutions", "tests"},
}


def imported(path):
    """Top-level names that a file imports, wherever in it, by statement or by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ("import_module", "__import__") and isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value).partition(".")[0]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_the_rooms_it_may(room):
    files = sorted((ROOT / room).rglob("*.py"))
    assert files or room == "tests/benchmarks"
    for path in files:
        found = (set(imported(path)) & ROOMS) - ALLOWED[room]
        assert not found, f"{path.relative_to(ROOT)} imports {', '.join(found)}"


def test_an_assignment_imports_no_other_by_name():
    for path in (ROOT / "assignments").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level > 1), path


JUDGED = ("plans", "wire", "compare", "phrases", "gradients", "diagnose", "judge", "prepare", "results", "execute")
RIM = {"subprocess", "socket", "multiprocessing", "signal", "tempfile", "shutil", "pathlib", "os"}


@pytest.mark.parametrize("module", JUDGED)
def test_what_judges_touches_no_file_and_no_process(module):
    assert not set(imported(ROOT / "grader" / f"{module}.py")) & RIM


STUDENT = """
import sys, os, socket

STUDENT = {student!r}

class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in {absent!r}:
            raise ModuleNotFoundError("no module named " + name, name=name)
        if top in sys.stdlib_module_names or top in STUDENT or top.startswith(("grader", "_sysconfigdata")):
            return None
        raise ModuleNotFoundError("no module named " + name, name=name)

sys.meta_path.insert(0, Only())
for module, names in ((os, ["fork", "forkpty", "pidfd_open", "setsid", "getuid", "geteuid"]),
                      (socket, ["send_fds", "recv_fds", "AF_UNIX", "socketpair"])):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

sys.path.insert(0, {root!r})
import grader
from grader import Checker
assert not [m for m in sys.modules if m.startswith("matplotlib")], "matplotlib is loaded before it is needed"

def double(x):
    return 2 * x + (x > 2)

check = Checker("tiny", {folder!r})
print(repr(check(double)))
def affine_forward(x, w, b, *, scale=1.0):
    out = scale * (x @ w + b)
    out[0, 0] += 1
    return out, None
assert "<svg" in check(affine_forward)._repr_html_()
"""

# NumPy, Matplotlib and what Matplotlib itself installs.
INSTALLED = {
    "numpy", "matplotlib", "mpl_toolkits", "PIL", "cycler", "kiwisolver", "pyparsing", "dateutil", "six", "packaging",
    "contourpy", "fontTools", "pylab",
}  # fmt: skip


@pytest.mark.parametrize("absent", [(), ("fcntl", "resource", "pwd", "grp", "termios")], ids=["posix", "elsewhere"])
def test_a_student_needs_numpy_and_matplotlib_alone_and_no_processes(tmp_path, absent):
    (tmp_path / "tiny.checks").write_bytes(freeze(Assignment("01-tiny", "Tiny", (DOUBLE, AFFINE))))
    script = STUDENT.format(student=INSTALLED, absent=set(absent), root=str(ROOT), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "double: 2 of 3 visible checks did not pass" in done.stdout


def test_the_command_line_starts_without_what_only_some_commands_need():
    heavy = ("jupytext", "nbformat", "nbgrader", "matplotlib", "sklearn", "distributed", "jinja2")
    script = f"import sys, grader.cli; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.strip() == "[]"
