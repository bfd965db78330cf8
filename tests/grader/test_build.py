"""The student notebook is what its source says, byte for byte, and shows no reference."""

import ast
import inspect

import nbformat
import pytest

from grader.build import ANSWER, build, dumps, is_fresh, notebook_path, points_table, staleness, write_build
from grader.errors import GraderError
from grader.folders import load_assignment
from grader.stubs import stub_source
from tests.grader.course import NOTEBOOK, QUESTIONS, SOLUTIONS, make_course


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    return build(make_course(tmp_path_factory.mktemp("course")))


def cell(notebook, identity):
    (found,) = [c for c in notebook.cells if c.id == identity]
    return found


def test_the_notebook_is_valid_and_its_ids_are_unique(notebook):
    nbformat.validate(notebook)
    ids = [c.id for c in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert {"stub-add", "check-add", "stub-scale", "check-scale"} <= set(ids)


@pytest.mark.parametrize("name", ["add", "scale"])
def test_a_stub_has_the_signature_of_its_reference_and_raises(tmp_path, notebook, name):
    assignment = load_assignment(make_course(tmp_path))
    reference = {f: r for q in assignment.questions for f, r in q.functions.items()}[name]
    namespace = {}
    exec(cell(notebook, f"stub-{name}").source, namespace)
    plain = [p.replace(annotation=p.empty) for p in inspect.signature(reference).parameters.values()]
    assert list(inspect.signature(namespace[name]).parameters.values()) == plain
    with pytest.raises(NotImplementedError, match=rf"^{name}: .*01-arithmetic"):
        namespace[name](1, 2)


def test_a_stub_shows_the_docstring_of_its_reference_or_the_one_written_beneath(tmp_path, notebook):
    add = load_assignment(make_course(tmp_path)).questions[0].functions["add"]
    namespace = {}
    exec(cell(notebook, "stub-add").source, namespace)
    exec(cell(notebook, "stub-scale").source, namespace)
    assert inspect.getdoc(namespace["add"]) == inspect.getdoc(add)
    assert inspect.getdoc(namespace["scale"]) == "Scale an array.\n\nIts second line has a \\ in it."


def test_nothing_of_a_reference_body_reaches_the_notebook(notebook):
    text = dumps(notebook)
    for line in ast.unparse(ast.parse(SOLUTIONS)).splitlines():
        if line.strip().startswith("return") or "SECRET" in line:
            assert line.strip() not in text
    assert "planted" not in text
    assert "solutions" not in text


def test_tags_and_roles_agree(notebook):
    roles = {c.id: (c.metadata.get("stencil", {}).get("role"), c.metadata.get("tags", [])) for c in notebook.cells}
    assert roles["stub-add"] == ("stub", ["stub"])
    assert roles["check-scale"] == ("check", ["check"])
    assert [r for i, r in roles.items() if i.startswith("demo-")] == [("demo", ["demo"])]
    assert [r for i, r in roles.items() if i.startswith("code-")] == [(None, [])]
    assert cell(notebook, "check-scale").metadata.stencil.function == "scale"


def test_the_points_stand_where_they_were_asked_for(tmp_path, notebook):
    table = points_table(load_assignment(make_course(tmp_path)))
    assert table in notebook.cells[0].source
    assert "| add | `add` | 4 |" in table
    assert "| scale | `scale` | 2.5 (bonus) |" in table
    assert table.endswith("| **Full marks** | | **4** |")


def test_the_bytes_depend_on_neither_place_nor_time(tmp_path):
    first, second = make_course(tmp_path / "a"), make_course(tmp_path / "elsewhere" / "b")
    assert write_build(first).read_bytes() == write_build(second).read_bytes()
    data = write_build(first).read_bytes()
    assert data.endswith(b"}\n")
    assert str(tmp_path).encode() not in data


def test_an_edit_in_one_place_leaves_the_other_ids_alone(tmp_path, notebook):
    edited = build(make_course(tmp_path, notebook=NOTEBOOK.replace("## Adding", "New text\n\n+++\n\n## Adding")))
    assert {c.id for c in notebook.cells} < {c.id for c in edited.cells}


def test_a_committed_notebook_is_fresh_until_its_source_or_itself_changes(tmp_path):
    folder = make_course(tmp_path)
    assert "missing" in staleness(folder)
    path = write_build(folder)
    assert path == notebook_path(folder) == folder / "arithmetic.ipynb"
    assert is_fresh(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert not is_fresh(folder)
    write_build(folder)
    (folder / "notebook.md").write_text(NOTEBOOK.replace("# Arithmetic", "# Sums"))
    assert '+    "# Sums\\n",' in staleness(folder)
    assert not is_fresh(folder)


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_an_unknown_stub_is_named_with_its_line(tmp_path):
    text = NOTEBOOK.replace("# stub: scale", "# stub: scael")
    pattern = rf"notebook\.md, line {line_of(text, 'scael')}: .*'scael'.*did you mean scale\?"
    with pytest.raises(GraderError, match=pattern):
        build(make_course(tmp_path, notebook=text))


@pytest.mark.parametrize(
    ("old", "new", "pattern"),
    [
        ("# stub: scale", "x = 1", "no stub for scale"),
        ("# stub: scale", "# stub: add", "2 stubs for add"),
        ("check(scale)", "check(add)", "no check for scale"),
        ("check(scale)", "check(None)", r"notebook\.md, line \d+: a check cell that names none of add, scale"),
        ("import numpy as np", "from solutions.arithmetic import add", r"line 12: students have no reference"),
        ("kernelspec:", "kernelspec: [", "no MyST notebook"),
    ],
)
def test_what_the_source_lacks_is_said(tmp_path, old, new, pattern):
    with pytest.raises(GraderError, match=pattern) as caught:
        build(make_course(tmp_path, notebook=NOTEBOOK.replace(old, new)))
    assert "\n" not in str(caught.value)


ASKED = (
    NOTEBOOK
    + """
+++

<!-- answer: why-adding -->
**Why** does the order not matter?
"""
)
MANUAL = 'ASSIGNMENT = Assignment(\n    manual=(Manual("why-adding", 2, "One point for a PLANTED-RUBRIC."),),'


def _asking(tmp_path, notebook=ASKED):
    questions = QUESTIONS.replace("import Assignment,", "import Assignment, Manual,")
    questions = questions.replace("ASSIGNMENT = Assignment(", MANUAL)
    return make_course(tmp_path, notebook=notebook, questions=questions)


def test_a_manual_question_has_a_cell_of_its_own_and_keeps_its_rubric(tmp_path):
    notebook = build(_asking(tmp_path))
    answer = cell(notebook, "answer-why-adding")
    assert answer.cell_type == "markdown"
    assert answer.source == f"**Why** does the order not matter?\n\n{ANSWER}"
    assert answer.metadata == {"stencil": {"role": "answer", "question": "why-adding"}, "tags": ["answer"]}
    assert "PLANTED-RUBRIC" not in dumps(notebook)
    assert "| why-adding | an answer in words, read by a person | 2 |\n| **Full marks** | | **6** |" in dumps(
        notebook
    ).replace("\\n", "\n").replace('",\n    "', "")


@pytest.mark.parametrize(
    ("old", "new", "pattern"),
    [
        (
            "why-adding -->",
            "why-addin -->",
            r"line \d+: .* no manual question 'why-addin'; did you mean",
        ),
        ("<!-- answer: why-adding -->", "", "no place for the answer why-adding"),
        ("+++\n\n<!-- answer", "<!-- answer", r"an answer needs a cell of its own"),
        ("**Why**", "**Why**\n\n+++\n\n<!-- answer: why-adding -->\nand", "2 places for the answer why-adding"),
    ],
)
def test_an_answer_without_its_place_is_said(tmp_path, old, new, pattern):
    text = ASKED.replace(old, new)
    if "own" in pattern:
        text = text.replace("<!-- answer", "One more thing.\n\n<!-- answer")
    with pytest.raises(GraderError, match=pattern):
        build(_asking(tmp_path, text))


def test_a_folder_without_its_text_is_one_line(tmp_path):
    folder = make_course(tmp_path)
    (folder / "notebook.md").unlink()
    with pytest.raises(GraderError, match=r"notebook\.md: no such file"):
        build(folder)


def test_one_cell_may_check_two_functions(tmp_path):
    text = NOTEBOOK.replace("check(scale)", "check(scale)\ncheck(add)").replace(
        "\ncheck(add)\n```\n\n## S", "\n```\n\n## S"
    )
    text = text.replace("```{code-cell} ipython3\n:tags: [check]\n\n```\n", "")
    ids = [c.id for c in build(make_course(tmp_path, notebook=text)).cells]
    assert "check-scale" in ids
    assert "check-add" not in ids


def test_a_class_becomes_a_class_of_stubs():
    class Stopping:
        """Stop early."""

        def __init__(self, patience, *, min_delta=0.0):
            self.patience = patience

        @property
        def best(self):
            return self.patience

        def step(self, loss: float) -> bool:
            """Whether to stop."""
            return self._secret(loss)

        def _secret(self, loss):
            return loss > 3

    source = stub_source("Stopping", Stopping, "08-regularization")
    namespace = {}
    exec(source, namespace)
    made = namespace["Stopping"]
    assert str(inspect.signature(made)) == "(patience, *, min_delta=0.0)"
    assert isinstance(made.best, property)
    with pytest.raises(NotImplementedError, match="08-regularization"):
        made.step(object.__new__(made), 1)
    assert "_secret" not in source
    assert "loss > 3" not in source


def test_every_kind_of_parameter_survives_and_a_long_list_is_wrapped():
    def all_kinds(a, b=None, /, c=1e-7, *args, d="x'y", e=(1, 2), **kwargs): ...

    def only_keywords(*, a, b=-1): ...

    def positional(a, b, /): ...

    def long(
        first_argument, second_argument, third_argument, *, fourth_argument=1, fifth_argument=2, sixth_argument=3
    ): ...

    def longest(a, *, b="b" * 70, c="c" * 70): ...

    for function in (all_kinds, only_keywords, positional, long, longest):
        namespace = {}
        source = stub_source(function.__name__, function, "x")
        exec(source, namespace)
        assert str(inspect.signature(namespace[function.__name__])) == str(inspect.signature(function))
        assert max(map(len, source.splitlines())) <= 120


def test_a_default_that_cannot_be_written_down_is_refused():
    def odd(x, dtype=object()): ...

    with pytest.raises(GraderError, match="odd has a default that no stub can show: dtype="):
        stub_source("odd", odd, "x")


@pytest.mark.parametrize(
    "doc", ['ends with a quote "', 'holds """ three', "back\\slash", "last \\", "one\n  two\n\nthree"]
)
def test_any_docstring_survives(doc):
    namespace = {}
    exec(stub_source("f", lambda x: x, "x", doc=doc), namespace)
    assert inspect.getdoc(namespace["f"]).strip() == inspect.cleandoc(doc)
