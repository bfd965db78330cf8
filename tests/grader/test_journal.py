"""A journal holds whole results under any name, whatever happens while it is written."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import journal
from grader.errors import GraderError
from grader.journal import path_of
from grader.results import Result

NAMES = [
    "ada",
    "Ada",
    "ADA",
    "a/b",
    "../../etc/passwd",
    ".",
    "..",
    ".hidden",
    "a.json",
    "",
    " ",
    "%",
    "%2F",
    "a%2Fb",
    "x" * 5000,
    "x" * 4999 + "y",
    "é" * 100,
    "é",
    "e\u0301",
    "👩‍🎓",
    "名前" * 60,
    "new\nline",
    "nul\0",
    "\udce9",
    "\udce8",
    "\\server",
    "con:",
    "*?[a]",
    "'; drop table",
]


def result(student, **changes):
    return Result(student, "01-tiny", 1.0, 2.0, (), **changes)


def test_every_name_has_a_file_of_its_own_and_comes_back(tmp_path):
    for n, name in enumerate(NAMES):
        path = journal.write(tmp_path, result(name, seed=n))
        assert path.parent == tmp_path
        assert path.is_file()
    found = {r.student: r.seed for r in journal.read(tmp_path)}
    assert found == {name: n for n, name in enumerate(NAMES)}
    assert len(os.listdir(tmp_path)) == len(NAMES)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=())), st.text(st.characters(exclude_categories=())))
def test_a_file_name_is_plain_short_and_distinct(one, other):
    from pathlib import Path

    name = path_of(Path("folder"), one).name
    assert name.isascii()
    assert len(name) <= 180
    assert "/" not in name
    assert not name.startswith(".")
    assert (name == path_of(Path("folder"), other).name) == (one == other)


def test_writing_again_replaces(tmp_path):
    journal.write(tmp_path, result("ada", seed=1))
    journal.write(tmp_path, result("ada", seed=2))
    assert [r.seed for r in journal.read(tmp_path)] == [2]


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_end_in_the_middle_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call, error):
    journal.write(tmp_path, result("ada", seed=1))

    def interrupted(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, call, interrupted)
        with pytest.raises(GraderError if isinstance(error, OSError) else KeyboardInterrupt):
            journal.write(tmp_path, result("ada", seed=2))
    assert [r.seed for r in journal.read(tmp_path)] == [1]
    assert len(os.listdir(tmp_path)) == 1


def test_what_a_killed_process_left_is_not_read(tmp_path):
    journal.write(tmp_path, result("ada"))
    (tmp_path / ".bob.json.1234.tmp").write_text('{"schema"')
    assert [r.student for r in journal.read(tmp_path)] == ["ada"]


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"[]", b"\xff\xfe", b"null", b"{}", b"[" * 10_000])
def test_a_damaged_file_is_named(tmp_path, content):
    journal.write(tmp_path, result("ada"))
    (tmp_path / "bob.json").write_bytes(content)
    with pytest.raises(GraderError, match=r"bob\.json"):
        list(journal.read(tmp_path))


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    (tmp_path / "bob.json").mkdir()
    with pytest.raises(GraderError, match=r"bob\.json"):
        list(journal.read(tmp_path))


def test_what_is_no_folder_is_said(tmp_path):
    with pytest.raises(GraderError, match="no folder of results"):
        list(journal.read(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    with pytest.raises(GraderError, match="file"):
        journal.write(tmp_path / "file", result("ada"))
