"""Assignment folders are found by any of their names and loaded without meeting each other."""

import sys
from pathlib import Path

import numpy as np
import pytest

from grader.errors import GraderError
from grader.folders import assignment_version, find_assignment, load_assignment, topic
from tests.grader.course import MISCONCEPTIONS, NOTEBOOK, QUESTIONS, SOLUTIONS, make_course


@pytest.mark.parametrize("name", ["01-arithmetic", "arithmetic"])
def test_an_assignment_is_found_by_folder_name_and_topic(tmp_path, name):
    folder = make_course(tmp_path)
    assert find_assignment(name, root=tmp_path) == folder.resolve()


def test_an_assignment_is_found_from_a_folder_below_the_course(tmp_path, monkeypatch):
    folder = make_course(tmp_path)
    below = tmp_path / "some" / "where"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_assignment("arithmetic") == folder.resolve()
    monkeypatch.chdir(folder.parent)
    assert find_assignment(Path("01-arithmetic")) == folder.resolve()
    assert find_assignment(str(folder)) == folder.resolve()


def test_a_misspelt_name_lists_the_known_ones_and_suggests_the_nearest(tmp_path):
    make_course(tmp_path)
    with pytest.raises(GraderError, match=r"'aritmetic' \(did you mean 01-arithmetic\?\); known: 01-arithmetic$"):
        find_assignment("aritmetic", root=tmp_path)


@pytest.mark.parametrize("name", ["", ".", "nul\0byte", "x" * 5000, "line\nbreak", "../.."])
def test_an_impossible_name_is_one_line(tmp_path, monkeypatch, name):
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraderError) as caught:
        find_assignment(name, root=tmp_path)
    assert "\n" not in str(caught.value)
    assert "\0" not in str(caught.value)


def test_a_topic_that_two_folders_share_must_be_named_in_full(tmp_path):
    folder = make_course(tmp_path)
    twin = folder.with_name("02-arithmetic")
    twin.mkdir()
    (twin / "questions.py").write_text(QUESTIONS)
    with pytest.raises(GraderError, match="01-arithmetic, 02-arithmetic"):
        find_assignment("arithmetic", root=tmp_path)
    assert find_assignment("02-arithmetic", root=tmp_path) == twin.resolve()


def test_loading_gives_questions_references_and_sibling_misconceptions(tmp_path):
    assignment = load_assignment(make_course(tmp_path))
    assert [q.name for q in assignment.questions] == ["add", "scale"]
    x, y = np.array([1.0]), np.array([5.0])
    assert assignment.questions[0].functions["add"](x, y) == 6
    assert assignment.questions[0].misconceptions[0].functions["add"](x, y) == 11


def test_two_courses_keep_their_own_solutions_and_misconceptions(tmp_path):
    first = make_course(tmp_path / "a")
    second = make_course(
        tmp_path / "b",
        solutions=SOLUTIONS.replace("x + y + 0", "x - y + 0"),
        misconceptions=MISCONCEPTIONS.replace("secret_variant + y", "secret_variant - y"),
    )
    one, two, again = load_assignment(first), load_assignment(second), load_assignment(first)
    values = [a.questions[0].functions["add"](np.array(7.0), np.array(2.0)) for a in (one, two, again)]
    wrong = [a.questions[0].misconceptions[0].functions["add"](np.array(7.0), np.array(2.0)) for a in (one, two, again)]
    assert (values, wrong) == ([9, 5, 9], [11, 7, 11])


def test_loading_leaves_other_modules_as_they_were(tmp_path):
    folder = make_course(tmp_path)
    for name in ("questions", "misconceptions"):
        sys.modules.pop(name, None)
    before = sys.modules.get("solutions")
    load_assignment(folder)
    assert "questions" not in sys.modules
    assert "misconceptions" not in sys.modules
    if before is not None:
        assert sys.modules["solutions"] is before
    assert not list(folder.rglob("__pycache__"))


def test_loading_again_reads_the_files_anew(tmp_path):
    folder = make_course(tmp_path)
    load_assignment(folder)
    file = folder / "questions.py"
    file.write_text(file.read_text().replace("by hand", "on foot"))  # the same size, in the same second
    assert load_assignment(folder).title == "Arithmetic on foot"


@pytest.mark.parametrize(
    ("replaced", "pattern"),
    [
        ({"questions": "x = 1\ny = 1 +\n"}, r"assignments.01-arithmetic.questions\.py, line 2: SyntaxError"),
        ({"questions": "import numpy\n\nnumpy.ones('a')\n"}, r"questions\.py, line 3: TypeError"),
        ({"misconceptions": "\nundefined_name\n"}, r"misconceptions\.py, line 2: NameError"),
        ({"solutions": "\n\n1 / 0\n"}, r"solutions.arithmetic\.py, line 3: ZeroDivisionError"),
        (
            {"questions": QUESTIONS.replace('name="scale"', 'name="add"')},
            r"questions\.py, line \d+: .*add is defined twice",
        ),
        ({"questions": "ASSIGNMENT = 3\n"}, r"questions\.py: defines no ASSIGNMENT"),
        ({"questions": "raise ValueError('two\\nlines')\n"}, r"line 1: ValueError: two lines"),
    ],
)
def test_a_mistake_in_the_folder_is_located(tmp_path, replaced, pattern):
    with pytest.raises(GraderError, match=pattern) as caught:
        load_assignment(make_course(tmp_path, **replaced))
    assert "\n" not in str(caught.value)


def test_a_folder_without_questions_is_no_assignment(tmp_path):
    with pytest.raises(GraderError, match=r"questions\.py"):
        load_assignment(tmp_path)
    with pytest.raises(GraderError, match=r"questions\.py"):
        find_assignment(str(tmp_path))


@pytest.mark.parametrize("file", ["questions.py", "misconceptions.py", "notebook.md", "more.py"])
def test_the_version_follows_each_source_and_nothing_else(tmp_path, file):
    folder = make_course(tmp_path)
    version = assignment_version(folder)
    (folder / "arithmetic.ipynb").write_text("{}")
    assert assignment_version(folder) == version == assignment_version(make_course(tmp_path / "copy"))
    with open(folder / file, "a") as source:
        source.write("\n")
    assert assignment_version(folder) != version


def test_text_moved_from_one_source_to_the_next_changes_the_version(tmp_path):
    one = make_course(tmp_path / "a", misconceptions=MISCONCEPTIONS + NOTEBOOK, notebook="")
    two = make_course(tmp_path / "b", misconceptions=MISCONCEPTIONS, notebook=NOTEBOOK)
    assert assignment_version(one) != assignment_version(two)


def test_the_topic_is_the_name_without_its_number():
    assert [topic(n) for n in ("04-convolution", "convolution", "a/10-x-y", "12")] == [
        "convolution",
        "convolution",
        "x-y",
        "12",
    ]
