"""`grader new`: what it writes builds, is judged, and is an example worth copying."""

import pytest

from grader.build import is_fresh
from grader.errors import GraderError
from grader.folders import load_assignment
from grader.reference import reference_runs
from grader.scaffold import scaffold
from tests.grader.examples import grade, lost


def test_a_new_assignment_is_built_and_its_reference_earns_all_points(tmp_path):
    files = scaffold("attention", tmp_path)
    folder = tmp_path / "assignments" / "01-attention"
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in files)
    assert files[-1].name == "attention.ipynb"
    assert is_fresh(folder)
    runs = list(reference_runs(load_assignment(folder), range(3)))
    assert [r.result.status for r in runs] == ["passed"] * 3


def test_the_mistakes_of_the_example_lose_points_and_are_recognised(tmp_path):
    scaffold("attention", tmp_path)
    (question,) = load_assignment(tmp_path / "assignments" / "01-attention").questions
    for mistake in question.misconceptions:
        result = grade(question, **mistake.functions)
        assert lost(result)
        assert [d.name for d in result.diagnosis] == [mistake.name]


def test_a_name_without_a_number_gets_the_next_one(tmp_path):
    scaffold("07-pooling", tmp_path)
    assert scaffold("self-attention", tmp_path)[0].parent.name == "08-self-attention"


@pytest.mark.parametrize("name", ["", "../x", "Attention", "a b", "12-", "1-a", "a/b", "-a", "a--b", "ü", "a\n"])
def test_a_name_that_is_no_folders_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(GraderError, match="cannot name an assignment") as caught:
        scaffold(name, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_topic_that_is_taken_is_left_alone(tmp_path):
    first = scaffold("attention", tmp_path)
    first[0].write_text("mine")
    with pytest.raises(GraderError, match="exists already"):
        scaffold("09-attention", tmp_path)
    assert first[0].read_text() == "mine"
