"""Whatever file a student hands in is read as far as it can be, with a note, or refused in one line."""

import json
import os

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grader.build import build, dumps
from grader.cells import MAX_CELLS, MAX_ELEMENTS, cells_of_script, listing
from grader.errors import GraderError
from grader.fill import fill
from grader.read import MAX_SOURCE, read_submission
from tests.grader.course import ALL_RUN, ANSWERS, cell, make_course, submit


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return build(make_course(tmp_path_factory.mktemp("course")))


@pytest.fixture
def answered(master):
    """A complete submission as plain JSON, to be spoilt."""
    return json.loads(dumps(fill(master, ANSWERS)))


@pytest.fixture
def read(tmp_path, master):
    return lambda content, name="ada.ipynb", **options: submit(tmp_path / name, master, content, **options)


def ran(submission):
    return [c.id for c in submission.cells]


# Formats


def test_format_3_is_upgraded_with_a_note(read, master):
    old = nbformat.convert(fill(master, ANSWERS), 3)
    old["worksheets"][0]["cells"].insert(0, {"cell_type": "heading", "level": 1, "source": "Title", "metadata": {}})
    submission = read(json.dumps(old))
    assert [c.function for c in submission.cells] == [None, None, "add", "scale"]
    assert any("old format 3" in n for n in submission.notes)


@pytest.mark.parametrize(("major", "what"), [(5, "too new"), (10**30, "too new"), (1, "too old"), (-4, "too old")])
def test_other_formats_are_refused(read, answered, major, what):
    answered["nbformat"] = major
    with pytest.raises(GraderError, match=what):
        read(answered)


@pytest.mark.parametrize("text", ["{}", "[]", "3", '"x"', "null", '{"nbformat": "4", "cells": []}', '{"nbformat": 4}'])
def test_json_that_is_no_notebook_is_refused(read, text):
    with pytest.raises(GraderError, match="JSON but no notebook"):
        read(text)


def test_a_byte_order_mark_is_accepted_with_a_note(read, answered):
    submission = read(b"\xef\xbb\xbf" + json.dumps(answered).encode())
    assert ran(submission) == ALL_RUN
    assert submission.notes == ("the file began with a byte order mark: ignored",)


def test_cells_that_are_none_are_left_out_with_a_note(read, answered):
    answered["cells"][3:3] = [None, [], {}, {"cell_type": "code"}, {"cell_type": "video", "source": "x"}]
    answered["cells"].append({"cell_type": "code", "source": [1, 2]})
    submission = read(answered)
    assert ran(submission) == ALL_RUN
    (note,) = submission.notes
    assert note.startswith("cells 4, 5, 6, 7, 8 and ")


def test_characters_that_no_source_can_hold_are_removed(read, answered):
    cell(answered, "stub-add")["source"] = "\ufeffdef add(x, y):\r\n    return x + y\0 # \ud800"
    submission = read(answered)
    (source,) = [c.source for c in submission.cells if c.id == "stub-add"]
    compile(source, "cell", "exec")
    source.encode()
    assert submission.notes == ("cell 5: characters that no Python source can hold were removed",)


# What cannot be used

VALID = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"hello", "not JSON"),
        (b'{"cells": [', "cut off"),
        (b'{"cells": [{"source": "abc', "cut off"),
        (VALID.encode("utf-16"), "UTF-16"),
        (VALID.encode("utf-16-le"), "NUL"),
        (b'{\n"a": "caf\xe9"}', "line 2: byte 0xe9 is not UTF-8"),
        (VALID.encode() + b"\0" * 512, "NUL"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"1" * 10_000, "number"),
        (b"[" + b"1," * MAX_ELEMENTS + b"1]", "too many values"),
        (b"PK\x03\x04 zip", "zip"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (json.dumps({"nbformat": 4, "cells": [{}] * (MAX_CELLS + 1)}).encode(), "cells are more than allowed"),
        (
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x" * (MAX_SOURCE + 1)}]}).encode(),
            "code",
        ),
    ],
)
def test_an_unusable_file_is_one_line_that_names_it(read, content, what):
    with pytest.raises(GraderError, match=what) as caught:
        read(content)
    assert "ada.ipynb" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_notebook_is_called_cut_off(read, answered, cut):
    text = json.dumps(answered)
    with pytest.raises(GraderError, match="cut off"):
        read(text[: int(len(text) * cut)])


def test_a_large_file_is_refused_before_it_is_read(tmp_path, master):
    path = tmp_path / "big.ipynb"
    with open(path, "wb") as file:
        file.truncate(200 << 20)
    with pytest.raises(GraderError, match=r"200 of 64 MiB.*clear the outputs"):
        read_submission(path, master)


def test_outputs_within_the_limit_are_ignored(read, answered):
    cell(answered, "stub-add")["outputs"] = [{"output_type": "stream", "text": "x" * (5 << 20), "name": 3}]
    assert ran(read(answered)) == ALL_RUN
    with pytest.raises(GraderError, match="larger than allowed"):
        read(answered, limit=1 << 20)


@pytest.mark.parametrize(
    "name", ["missing.ipynb", "folder.ipynb", "link.ipynb", "dangling.ipynb", "pipe.ipynb", "a.txt"]
)
def test_what_is_no_regular_notebook_file_is_refused(tmp_path, master, name):
    (tmp_path / "real.ipynb").write_text(VALID)
    (tmp_path / "a.txt").write_text(VALID)
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "link.ipynb").symlink_to(tmp_path / "real.ipynb")
    (tmp_path / "dangling.ipynb").symlink_to("/nowhere")
    os.mkfifo(tmp_path / "pipe.ipynb")
    expected = {
        "missing.ipynb": "no such file",
        "folder.ipynb": "is a folder",
        "link.ipynb": "symbolic link",
        "dangling.ipynb": "symbolic link",
        "pipe.ipynb": "not a regular file",
        "a.txt": "neither .ipynb nor .py",
    }
    with pytest.raises(GraderError, match=expected[name]) as caught:
        read_submission(tmp_path / name, master)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a\nb.ipynb", "\x1b[31mred.ipynb", "é 中.ipynb", "..ipynb", os.fsdecode(b"\xff.ipynb")]
)
def test_an_odd_name_is_read_and_shown_without_control_characters(tmp_path, master, name):
    path = tmp_path / name
    path.write_text(VALID)
    student = read_submission(path, master).student
    assert student.isprintable()
    path.write_text("{")
    with pytest.raises(GraderError) as caught:
        read_submission(path, master)
    assert str(caught.value).isprintable()
    str(caught.value).encode()


@pytest.mark.parametrize("name", ["nul\0.ipynb", "x" * 300 + ".ipynb", "a/b/c.ipynb", ""])
def test_an_impossible_path_is_refused(tmp_path, master, name):
    with pytest.raises(GraderError):
        read_submission(str(tmp_path / "x") + "/" + name, master)


# Scripts


def test_a_script_is_one_cell(read):
    submission = read(ANSWERS, name="ada.py")
    (only,) = submission.cells
    assert (only.number, only.function, only.source) == (1, "add", ANSWERS.strip("\n"))
    assert submission.notes == ()


def test_a_script_with_markers_is_split_and_our_checks_are_skipped(read):
    script = (
        "# ---\n# jupyter: {}\n# ---\n\n# %%\nimport numpy\n\n# %% [markdown]\n# def add is hard\n\n# %% tags=['x']\n"
    )
    submission = read(script + "def add(x, y):\n    return x + y\n\n# %%\ncheck(add)\n", name="ada.py")
    assert [(c.number, c.function) for c in submission.cells] == [(1, None), (3, "add")]
    assert any("no cell defines scale" in n for n in submission.notes)


def test_scripts_are_split_as_jupytext_splits_them(master):
    import jupytext

    script = jupytext.writes(fill(master, ANSWERS), fmt="py:percent")
    theirs = [(c.cell_type, c.source) for c in jupytext.reads(script, fmt="py:percent").cells]
    ours = cells_of_script(script)
    assert [c.kind for c in ours] == [kind for kind, _ in theirs]
    assert [c.source for c in ours if c.kind == "code"] == [source for kind, source in theirs if kind == "code"]


def test_cell_numbers_are_listed_in_words():
    assert listing([3]) == "cell 3"
    assert listing([3, 5]) == "cells 3 and 5"
    assert listing(list(range(1, 31))).endswith("9, 10 and 20 more")


# Anything at all

KEYS = [
    "cells",
    "nbformat",
    "nbformat_minor",
    "worksheets",
    "metadata",
    "cell_type",
    "source",
    "input",
    "id",
    "outputs",
]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["code", "markdown", "raw", "heading", "stub-add", "def add(x, y):\n    pass", "check(add)"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner),
    max_leaves=30,
)
cells = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw", "heading"]), "source": st.text(max_size=40) | values},
    optional={"id": st.sampled_from(["stub-add", "check-add", "x"]) | values, "metadata": values},
)
notebooks = st.fixed_dictionaries(
    {"nbformat": st.sampled_from([2, 3, 4, 4, 4, 5]) | values},
    optional={"cells": st.lists(cells | values, max_size=8), "worksheets": values, "metadata": values},
)
fuzz = settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def accepts_or_refuses(read, content, name="ada.ipynb"):
    refusal, submission = "", None
    try:
        submission = read(content, name=name)
    except GraderError as error:
        refusal = str(error)
    if submission is None:
        assert refusal
        assert refusal.isprintable()
        return
    assert len({c.id for c in submission.cells}) == len(submission.cells)
    assert all(note.isprintable() for note in submission.notes)
    for c in submission.cells:
        c.source.encode()


@fuzz
@given(st.data())
def test_mutated_bytes_are_read_or_refused(read, answered, data):
    content = bytearray(json.dumps(answered).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        width = data.draw(st.sampled_from([0, 1, 2, 30, 1000]))
        content[at : at + width] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b'"', b"{", b"]", b"\\ud800", b"\\u0000", b"null", b"1e999"])
        )
    accepts_or_refuses(read, bytes(content))


@fuzz
@given(notebook=notebooks | values)
@example(notebook={"nbformat": 3, "worksheets": {"cells": 1}})
@example(notebook={"nbformat": 4, "cells": {"a": 1}})
@example(notebook={"nbformat": True, "cells": []})
def test_any_json_is_read_or_refused(read, notebook):
    accepts_or_refuses(read, json.dumps(notebook))


@fuzz
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
@example(content=b"# %%\n# %% [markdown]\n# %%\n")
def test_any_script_is_read_or_refused(read, content):
    accepts_or_refuses(read, content, name="ada.py")
