"""Which cells of a submission are run, what is mended, and what the notes say."""

import json

import pytest

from grader.build import build, dumps
from grader.fill import fill
from tests.grader.course import ALL_RUN, ANSWERS, cell, index, make_course, submit


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


# What is run


def ran(submission):
    return [c.id for c in submission.cells]


def test_a_clean_submission_runs_all_but_our_checks_and_demos_without_a_note(read, answered):
    submission = read(answered)
    assert ran(submission) == ALL_RUN
    assert submission.notes == ()
    assert {c.function: c.source for c in submission.cells}["add"] == "".join(cell(answered, "stub-add")["source"])
    assert [c.number for c in submission.cells] == [1 + index(answered, i) for i in ALL_RUN]


def test_the_student_is_named_by_the_caller_or_the_path_never_by_the_file(read, answered):
    answered["metadata"].update(student="mallory", authors=[{"name": "mallory"}])
    assert read(answered).student == "ada"
    assert read(answered, student="grace").student == "grace"


def test_the_digest_is_of_the_bytes(read, answered):
    one, same = read(answered), read(answered, name="other.ipynb")
    other = read(json.dumps(answered, indent=3))
    assert one.sha256 == same.sha256 != other.sha256
    assert one.cells == other.cells


def test_metadata_of_the_submission_does_not_keep_a_cell_from_running(read, answered):
    for c in answered["cells"]:
        c["metadata"] = {"tags": ["check", "demo"], "stencil": {"role": "check", "function": "add"}, "points": 1000}
    assert ran(read(answered)) == ALL_RUN


def test_metadata_of_the_submission_does_not_make_a_check_run(read, answered):
    for c in answered["cells"]:
        c["metadata"] = {}
    assert ran(read(answered)) == ALL_RUN


def test_an_edited_check_is_run_like_any_other_with_a_note(read, answered):
    cell(answered, "check-add")["source"] = "check(add); print('all right')"
    submission = read(answered)
    assert "check-add" in ran(submission)
    (note,) = submission.notes
    assert note.startswith(f"cell {index(answered, 'check-add') + 1}: the check of add was edited")
    assert "costs nothing" in note


def test_a_check_differing_in_white_space_alone_is_still_ours(read, answered):
    cell(answered, "check-add")["source"] = ["\n", "check(add)   \r\n", "\n"]
    submission = read(answered)
    assert (ran(submission), submission.notes) == (ALL_RUN, ())


def test_deleted_and_duplicated_checks_cost_nothing_and_are_noted(read, answered):
    answered["cells"].append(dict(cell(answered, "check-scale")))
    del answered["cells"][index(answered, "check-add")]
    submission = read(answered)
    assert ran(submission) == ALL_RUN
    assert any("the check of add is missing" in n and "costs nothing" in n for n in submission.notes)
    assert any("the check of scale, several times" in n and "costs nothing" in n for n in submission.notes)


def test_our_demo_cells_are_not_run_but_edited_ones_are(read, answered):
    (demo,) = [c for c in answered["cells"] if c["id"].startswith("demo-")]
    demo["source"] = "print('mine')"
    submission = read(answered)
    assert ran(submission) == [*ALL_RUN, demo["id"]]
    assert submission.notes == ()


def test_reordered_cells_run_in_the_order_handed_in(read, answered):
    answered["cells"].reverse()
    assert ran(read(answered)) == ALL_RUN[::-1]


# Stubs


def test_untouched_stubs_are_run_and_named(read, master):
    submission = read(dumps(master))
    assert [c.function for c in submission.cells] == [None, "add", "scale"]
    (note,) = submission.notes
    assert note == "not written yet: add (cell 4), scale (cell 7)"


def test_a_function_written_elsewhere_is_not_undone_by_its_untouched_stub(read, master, answered):
    mine = {"cell_type": "code", "id": "mine", "metadata": {}, "source": "def add(x, y):\n    return x + y"}
    cell(answered, "stub-add")["source"] = next(c.source for c in master.cells if c.id == "stub-add")
    answered["cells"].insert(0, mine)
    submission = read(answered)
    assert "stub-add" not in ran(submission)
    assert submission.cells[0].function == "add"
    (note,) = submission.notes
    assert note == "cell 6: the untouched stub of add is not run, cell 1 defines it"


def test_a_deleted_stub_is_noted_unless_its_function_is_elsewhere(read, answered):
    source = cell(answered, "stub-add")["source"]
    del answered["cells"][index(answered, "stub-add")]
    assert any("no cell defines add" in n for n in read(answered).notes)
    cell(answered, "helpers")["source"] = source
    assert read(answered).notes == ()


def test_a_duplicated_stub_runs_twice_and_the_note_says_which_counts(read, answered):
    answered["cells"].append({**cell(answered, "stub-add"), "id": "copy"})
    submission = read(answered)
    assert ran(submission) == [*ALL_RUN, "copy"]
    assert [n for n in submission.notes if "add is defined in cells 5 and" in n and "the last one counts" in n]


def test_a_renamed_function_is_noted(read, answered):
    cell(answered, "stub-add")["source"] = "def addition(x, y):\n    return x + y"
    assert [n for n in read(answered).notes if n.startswith("cell 5: was the stub of add") and "renamed" in n]


@pytest.mark.parametrize("kind", ["markdown", "raw"])
@pytest.mark.parametrize("identity", ["stub-add", "some-other"])
def test_a_code_cell_turned_into_text_is_read_as_code(read, answered, kind, identity):
    cell(answered, "stub-add").update(cell_type=kind, id=identity)
    submission = read(answered)
    assert [c.function for c in submission.cells] == [None, None, "add", "scale"]
    (note,) = submission.notes
    assert note == "cell 5: a text cell that defines add, read as code"


def test_a_version_switched_off_by_making_it_text_stays_off(read, answered):
    answered["cells"].append(
        {"cell_type": "raw", "id": "old", "metadata": {}, "source": "def add(x, y):\n    return 0"}
    )
    submission = read(answered)
    assert (ran(submission), submission.notes) == (ALL_RUN, ())


def test_a_fenced_definition_in_a_text_is_not_run(read, answered):
    cell(answered, "stub-add").update(cell_type="markdown", source="I tried\n```\ndef add(x, y):\n```")
    submission = read(answered)
    assert "stub-add" not in ran(submission)
    assert submission.notes == ("cell 5: add stands in a text cell, which is not run",)


# Ids


def test_cells_without_ids_are_matched_by_content(read, answered):
    for c in answered["cells"]:
        del c["id"]
    answered["nbformat_minor"] = 4
    submission = read(answered)
    assert ran(submission) == ["code-880ab1b1", "cell-4", "stub-add", "stub-scale"]
    (note,) = submission.notes
    assert "no ids" in note


def test_duplicated_and_unusable_ids_are_mended(read, answered):
    for c in answered["cells"]:
        c["id"] = "stub-add"
    answered["cells"][0]["id"] = {"not": "an id"}
    answered["cells"][1]["id"] = "../../etc"
    submission = read(answered)
    assert len(set(ran(submission))) == len(ALL_RUN)
    assert [c.function for c in submission.cells] == [None, None, "add", "scale"]
    assert "cells 1 and 2: without an id, matched by content" in submission.notes
    assert any("the id of an earlier cell" in n for n in submission.notes)
