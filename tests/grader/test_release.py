"""The bundle holds what a student needs, and nothing that an instructor keeps."""

import re
import zlib

import pytest

from grader.build import build, dumps
from grader.errors import GraderError
from grader.release import release
from tests.grader.course import make_course

SECRET = {
    "solution source": ["SECRET", "planted-solution-constant", "return factor * x"],
    "misconception source": ["secret_variant", "def adds_twice"],
    "hidden cases": ["hidden-case-name", "hidden"],
    "reference imports": ["solutions", "misconceptions", "from .", "questions.py"],
    "instructor metadata": ["nbgrader", "BEGIN SOLUTION", "BEGIN HIDDEN", "assignments/"],
}


@pytest.fixture
def folder(tmp_path):
    return make_course(tmp_path / "course")


def test_the_bundle_is_four_files_and_its_notebook_the_one_built(folder, tmp_path):
    to = tmp_path / "a" / "bundle"
    files = release(folder, to)
    assert sorted(p.name for p in files) == ["README.md", "arithmetic.checks", "arithmetic.ipynb", "requirements.txt"]
    assert sorted(to.rglob("*")) == sorted(files)
    assert (to / "arithmetic.ipynb").read_text() == dumps(build(folder))
    assert (to / "requirements.txt").read_text().split() == ["stencil-cnn", "jupyterlab"]
    assert len((to / "README.md").read_text().splitlines()) == 5


@pytest.mark.parametrize("what", SECRET)
def test_the_bundle_holds_no_secret(folder, tmp_path, what):
    for path in release(folder, tmp_path / "bundle"):
        data = zlib.decompress(path.read_bytes()) if path.suffix == ".checks" else path.read_bytes()
        readme_may_say = re.sub(rb"hidden ones decide the marks", b"", data) if path.name == "README.md" else data
        for word in SECRET[what]:
            assert word.encode() not in readme_may_say, f"{path.name} holds {word!r}"
            assert str(tmp_path).encode() not in data


def test_a_released_bundle_can_be_released_again(folder, tmp_path):
    first = [p.read_bytes() for p in release(folder, tmp_path / "bundle")]
    assert [p.read_bytes() for p in release(folder, tmp_path / "bundle")] == first


def test_a_notebook_somebody_worked_in_is_not_overwritten(folder, tmp_path):
    notebook, *_ = release(folder, tmp_path / "bundle")
    notebook.write_text("mine")
    (tmp_path / "bundle" / "README.md").unlink()
    with pytest.raises(GraderError, match=r"arithmetic\.ipynb exists and differs"):
        release(folder, tmp_path / "bundle")
    assert notebook.read_text() == "mine"
    assert not (tmp_path / "bundle" / "README.md").exists()
    release(folder, tmp_path / "bundle", force=True)
    assert notebook.read_text() == dumps(build(folder))


def test_a_target_that_is_a_file_is_one_line(folder, tmp_path):
    (tmp_path / "bundle").write_text("x")
    with pytest.raises(GraderError, match="cannot be written"):
        release(folder, tmp_path / "bundle")
