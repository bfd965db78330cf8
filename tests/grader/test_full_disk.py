"""A full disk and a folder that cannot be written: one line, and what was there before is still whole."""

import os
import subprocess
from dataclasses import replace

import pytest

from grader import journal
from grader.errors import GraderError
from tests.grader.classmates import result


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_on_a_full_disk_a_result_is_refused_in_one_line_and_the_old_one_stays(small_disk):
    old = result("ada")
    path = journal.write(small_disk, old)
    with pytest.raises(OSError, match="No space"):
        (small_disk / "filler").write_bytes(bytes(1 << 17))
    with pytest.raises(GraderError, match="No space left") as caught:
        journal.write(small_disk, replace(old, notes=("x" * 8000,)))
    assert "\n" not in str(caught.value)
    assert list(journal.read(small_disk)) == [old]
    assert sorted(p.name for p in small_disk.iterdir()) == ["ada.json", "filler"]
    os.remove(small_disk / "filler")
    new = replace(old, points=1.0)
    assert journal.write(small_disk, new) == path
    assert list(journal.read(small_disk)) == [new]


def test_where_no_folder_can_be_made_one_line_says_so(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(GraderError, match=r"results") as caught:
        journal.write(tmp_path / "results", result("ada"))
    assert "\n" not in str(caught.value)
