"""A module's functions land in the stubs, everything else before them, and nothing is lost on the way."""

import ast
import copy

import pytest

from grader.build import build, dumps
from grader.errors import GraderError
from grader.fill import fill, fill_from_file
from tests.grader.course import ANSWERS, make_course


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return build(make_course(tmp_path_factory.mktemp("course")))


def sources(notebook):
    return {c.id: c.source for c in notebook.cells}


def run(notebook):
    """Run the cells that a submission's author wrote, top-down, in one namespace."""
    namespace = {"__name__": "__main__"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and (cell.id.startswith("stub-") or cell.id.startswith("helpers")):
            exec(cell.source, namespace)
    return namespace


def test_functions_fill_their_stubs_and_the_rest_comes_first(notebook):
    cells = sources(fill(notebook, ANSWERS))
    assert cells["stub-add"] == "# Adding is easy.\ndef add(x, y):\n    return helper(x) + y  # plain"
    assert cells["stub-scale"].startswith("def scale(x, factor=1e-5")
    names = list(cells)
    assert names.index("helpers") < names.index("stub-add")
    assert "LIMIT = 3" in cells["helpers"]
    assert "def helper" in cells["helpers"]
    assert "__main__" not in "".join(cells.values())


def test_the_filled_notebook_computes_what_the_module_computes(notebook):
    module = {"__name__": "module"}
    exec(ANSWERS, module)
    filled = run(fill(notebook, ANSWERS))
    assert filled["add"](3, 4) == module["add"](3, 4) == 7
    assert filled["scale"](3, 4) == module["scale"](3, 4) == 12


def test_everything_else_of_the_notebook_stays_as_it_was(notebook):
    before = copy.deepcopy(notebook)
    filled = fill(notebook, ANSWERS)
    assert dumps(notebook) == dumps(before)
    kept = [c for c in filled.cells if not c.id.startswith(("stub-", "helpers"))]
    assert kept == [c for c in notebook.cells if not c.id.startswith("stub-")]
    assert [c.metadata for c in filled.cells if c.id != "helpers"] == [c.metadata for c in notebook.cells]


def test_functions_that_are_not_given_stay_stubs(notebook):
    filled = sources(fill(notebook, "def scale(x):\n    return x\n"))
    assert "helpers" not in filled
    assert filled["stub-add"] == sources(notebook)["stub-add"]


@pytest.mark.parametrize(
    "module",
    [
        "def make(f):\n    return lambda x, y: f(x, y)\n\n\n@make\n# between\n@make\ndef add(x, y):\n    return x + y",
        "def plus(x, y):\n    return x + y\n\n\nadd = plus",
        "from operator import add",
        "try:\n    import no_such_module\nexcept ImportError:\n\n    def add(x, y):\n        return x + y",
        "import operator; add = operator.add",
        "def add(x, y):\n    return 0\n\n\ndef add(x, y):\n    return x + y",
        "class add:\n    def __new__(cls, x, y):\n        return x + y",
        "def add(x, y): return x + y\r\n",
    ],
)
def test_a_function_fills_its_stub_however_it_is_defined(notebook, module):
    assert run(fill(notebook, module))["add"](3, 4) == 7


def test_functions_defined_by_one_statement_stay_together(notebook):
    namespace = run(fill(notebook, "add, scale = (lambda x, y: x + y), (lambda x, f: x * f)\n"))
    assert (namespace["add"](3, 4), namespace["scale"](3, 4)) == (7, 12)
    later = run(fill(notebook, "def scale(x, f):\n    return 0\n\n\nadd = scale = lambda x, y: x * y\n"))
    assert (later["add"](3, 4), later["scale"](3, 4)) == (12, 12)


def test_a_method_or_a_local_function_of_that_name_is_no_answer(notebook):
    module = "class Other:\n    def add(self):\n        return 1\n\n\n"
    module += "def scale(x):\n    def add(x):\n        return x\n    return add(x)\n"
    filled = sources(fill(notebook, module))
    assert "class Other" in filled["helpers"]
    assert "NotImplementedError" in filled["stub-add"]


def test_every_line_of_the_module_is_somewhere(notebook):
    filled = fill(notebook, ANSWERS)
    text = "\n".join(c.source for c in filled.cells)
    body = ANSWERS.split("if __name__")[0]
    assert [line for line in body.splitlines() if line not in text.splitlines()] == []
    for cell in filled.cells:
        if cell.id.startswith(("stub-", "helpers")):
            ast.parse(cell.source)


def test_a_syntax_error_names_file_and_line(notebook, tmp_path):
    file = tmp_path / "answers.py"
    file.write_text("x = 1\ndef add(x:\n")
    with pytest.raises(GraderError, match=r"answers\.py, line 2: "):
        fill_from_file(notebook, file)


@pytest.mark.parametrize("module", ["", "x = 1\n", "def ad(x):\n    return x\n"])
def test_a_module_with_no_such_function_is_told_which_are_wanted(notebook, module):
    with pytest.raises(GraderError, match=r"m\.py defines none of the assignment's functions: add, scale"):
        fill(notebook, module, name="m.py")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfea\0", b"s = '\xe9'\n", b"x = '\0'\n", b"(" * 5000])
def test_a_file_that_is_no_module_is_one_line(notebook, tmp_path, content):
    file = tmp_path / "answers.py"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GraderError, match=r"answers\.py") as caught:
        fill_from_file(notebook, file)
    assert "\n" not in str(caught.value)
