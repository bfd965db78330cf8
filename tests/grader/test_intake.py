"""Finding submissions: whose a file is comes from where it lies, and nothing in an archive leaves the folder."""

import stat
import zipfile

import pytest

from grader.errors import GraderError
from grader.intake import from_archive, from_course, from_folder

NAMES = ("arithmetic", "01-arithmetic")


def write(path, text="{}"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in members.items():
            packed.writestr(name, text)
    return path


def students(found):
    return {s: h.path.read_text() for s, h in found.handed.items()}


def test_a_course_gives_the_notebook_of_each_student_who_handed_in(tmp_path):
    write(tmp_path / "submitted" / "ada" / "01-arithmetic" / "arithmetic.ipynb", "a")
    write(tmp_path / "submitted" / "bob" / "arithmetic" / "renamed.ipynb", "b")
    write(tmp_path / "submitted" / "bob" / "arithmetic" / "timestamp.txt", "2026-01-01")
    write(tmp_path / "submitted" / "carl" / "02-other" / "other.ipynb")
    found = from_course(tmp_path, "01-arithmetic", NAMES)
    assert students(found) == {"ada": "a", "bob": "b"}
    assert found.aside == []


def test_of_several_files_the_one_called_as_handed_out_counts_and_a_note_says_so(tmp_path):
    place = tmp_path / "submitted" / "ada" / "01-arithmetic"
    write(place / "arithmetic.ipynb", "right")
    write(place / "scratch.ipynb", "wrong")
    write(tmp_path / "submitted" / "bob" / "01-arithmetic" / "x.ipynb")
    write(tmp_path / "submitted" / "bob" / "01-arithmetic" / "y.ipynb")
    found = from_course(tmp_path, "01-arithmetic", NAMES)
    assert students(found) == {"ada": "right"}
    assert "arithmetic.ipynb was graded" in found.handed["ada"].notes[0]
    assert "which file counts" in found.aside[0]


def test_a_folder_of_files_or_of_folders_names_students(tmp_path):
    write(tmp_path / "files" / "ada.ipynb", "a")
    write(tmp_path / "files" / "bob.py", "b")
    assert students(from_folder(tmp_path / "files", NAMES)) == {"ada": "a", "bob": "b"}
    write(tmp_path / "folders" / "Zoë, O'Hara" / "arithmetic.ipynb", "z")
    write(tmp_path / "folders" / "carl" / "01-arithmetic" / "arithmetic.ipynb", "c")
    assert students(from_folder(tmp_path / "folders", NAMES)) == {"Zoë, O'Hara": "z", "carl": "c"}


def test_canvas_names_are_understood_and_the_last_hand_in_counts(tmp_path):
    packed = archive(
        tmp_path / "canvas.zip",
        {
            "lovelaceada_101_2001_arithmetic.ipynb": "first",
            "lovelaceada_101_2002_arithmetic-2.ipynb": "third",
            "lovelaceada_101_2003_arithmetic-1.ipynb": "second",
            "turingalan_LATE_102_2004_my_work.ipynb": "late",
            "hopper_grace_103_2005_arithmetic.ipynb": "g",
        },
    )
    found = from_archive(packed, tmp_path / "to", NAMES)
    assert students(found) == {"hopper_grace_103": "g", "lovelaceada_101": "third", "turingalan_102": "late"}
    assert found.handed["lovelaceada_101"].notes == ("handed in 3 times: the last one counts",)
    assert "late" in found.handed["turingalan_102"].notes[0]


def test_a_number_in_a_name_that_the_student_chose_does_not_outrank_the_notebook(tmp_path):
    packed = archive(
        tmp_path / "canvas.zip",
        {
            "lovelaceada_101_99_arithmetic.ipynb": "the notebook",
            "lovelaceada_101_98_part-2.ipynb": "something else",
            "lovelaceada_101_97_tools-1.py": "tools",
        },
    )
    assert students(from_archive(packed, tmp_path / "to", NAMES)) == {"lovelaceada_101": "the notebook"}


def test_two_people_of_one_name_stay_two(tmp_path):
    packed = archive(
        tmp_path / "moodle.zip",
        {
            "Ada Lovelace_1_assignsubmission_file_/arithmetic.ipynb": "one",
            "Ada Lovelace_2_assignsubmission_file_/arithmetic.ipynb": "other",
        },
    )
    found = from_archive(packed, tmp_path / "to", NAMES)
    assert students(found) == {"Ada Lovelace_1": "one", "Ada Lovelace_2": "other"}


def test_moodle_names_are_understood(tmp_path):
    packed = archive(
        tmp_path / "moodle.zip",
        {
            "Ada Lovelace_12345_assignsubmission_file_/arithmetic.ipynb": "a",
            "Æsop ‏عمر_12346_assignsubmission_file_/notes.txt": "no",
            "Æsop ‏عمر_12346_assignsubmission_file_/arithmetic (1).ipynb": "b",
        },
    )
    assert students(from_archive(packed, tmp_path / "to", NAMES)) == {"Ada Lovelace": "a", "Æsop ‏عمر": "b"}


def test_who_handed_in_nothing_that_can_be_graded_is_named(tmp_path):
    members = {
        "Kim Lee_77_assignsubmission_file_/readme.txt": "later",
        "lee_501_9001_notes.pdf": "%PDF",
        "ada_502_9002_arithmetic.ipynb": "a",
        "__MACOSX/._ada_502_9002_arithmetic.ipynb": "",
        ".DS_Store": "",
    }
    found = from_archive(archive(tmp_path / "class.zip", members), tmp_path / "out", NAMES)
    assert students(found) == {"ada_502": "a"}
    assert sorted(found.aside) == [
        "Kim Lee_77_assignsubmission_file_/readme.txt: neither .ipynb nor .py",
        "lee_501_9001_notes.pdf: neither .ipynb nor .py",
    ]


def test_no_member_leaves_the_folder(tmp_path):
    packed = tmp_path / "evil.zip"
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(packed, "w") as z:
        for name in ("../up.ipynb", "/abs.ipynb", "a/../../up.ipynb", "..\\up.ipynb", "C:\\x.ipynb", "C:x.ipynb"):
            z.writestr(name, "evil")
        z.writestr(link, "/etc/passwd")
        z.writestr("good.ipynb", "good")
        z.writestr("__MACOSX/._good.ipynb", "resource fork")
    found = from_archive(packed, tmp_path / "inner" / "to", NAMES)
    assert students(found) == {"good": "good"}
    assert len(found.aside) == 7
    assert {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*.ipynb")} == {"inner"}


def test_an_archive_that_expands_without_end_is_refused_member_by_member(tmp_path):
    packed = archive(tmp_path / "bomb.zip", {"bomb.ipynb": "0" * (65 << 20), "good.ipynb": "good"})
    found = from_archive(packed, tmp_path / "to", NAMES)
    assert students(found) == {"good": "good"}
    assert "larger than 64 MiB" in found.aside[0]
    data = bytearray(packed.read_bytes())
    size = (65 << 20).to_bytes(4, "little")
    lied = bytes(data).replace(size, (10).to_bytes(4, "little"))
    (tmp_path / "liar.zip").write_bytes(lied)
    found = from_archive(tmp_path / "liar.zip", tmp_path / "to2", NAMES)
    assert students(found) == {"good": "good"}
    assert sum(p.stat().st_size for p in (tmp_path / "to2").iterdir()) < 1 << 20


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + b"\0" * 17, b"PK\x03\x04" + b"\xff" * 60])
def test_what_is_no_archive_is_one_line(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(GraderError, match=r"x\.zip"):
        from_archive(tmp_path / "x.zip", tmp_path / "to", NAMES)
