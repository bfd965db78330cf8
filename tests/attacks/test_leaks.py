"""Nothing that a student reads holds a number or a shape of a hidden case."""

import numpy as np
import pytest

from grader.folders import assignment_folders
from grader.prepare import prepare
from tests.attacks.leaks import ROOT, SEED, leaks, search, secrets, shapes, spoken
from tests.grader.examples import AFFINE, DOUBLE
from tests.grader.isolated import RIGHT, RIGHT_DOUBLE, RIGHT_SCALE, run, start_template

FOLDERS = assignment_folders(ROOT)


@pytest.mark.parametrize("question", [DOUBLE, AFFINE], ids=lambda q: q.name)
def test_no_wrong_answer_brings_a_hidden_number_or_shape_out(question):
    assert list(leaks(question, prepare(question, SEED), "Twice")) == []


def test_the_search_would_find_a_number_and_a_shape():
    hidden, visible = secrets(prepare(DOUBLE, SEED))
    number = next(n for t in prepare(DOUBLE, SEED).trials if not t.visible for n in np.ravel(t.plan.values[0]))
    assert spoken(f"it was {number:.4f}, not 0.5") & hidden - visible
    assert shapes("double, case “x”: a shape (4, 3)") == ["(4, 3)"]
    assert shapes("double, case “x”: the worst entry is at index (4, 3)") == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_no_assignment_says_what_is_hidden(folder):
    tried, found = search(folder)
    assert tried > 20
    assert found == []


REMEMBERS = """
def double(x):
    with open("seen", "a") as file: file.write(repr(x.tolist()))
    return 2 * x
def scale_forward(x, factor):
    raise ValueError("SEEN " + open("seen").read())
"""
TELLS_BY_ITS_SHAPE = """
def double(x):
    with open("seen", "a") as file: file.write("x" * x.size)
    return 2 * x
def scale_forward(x, factor):
    import os
    return np.zeros(os.path.getsize("seen")), None
"""


@pytest.fixture(scope="module")
def template():
    with start_template() as started:
        yield started


@pytest.mark.parametrize("trick", [REMEMBERS, TELLS_BY_ITS_SHAPE], ids=["a text", "a shape"])
def test_what_a_hidden_case_left_behind_is_not_spoken_through_a_visible_one(template, trick):
    result = run(template, *RIGHT, trick)
    messages = [c.message for q in result.questions for c in q.criteria]
    assert any(messages)
    assert not any("SEEN" in m or shapes(m) or "shape (" in m for m in messages), messages


def test_an_honest_exception_in_the_second_question_is_told_with_its_text_and_line(template):
    result = run(template, RIGHT_DOUBLE, RIGHT_SCALE, "def scale_forward(x, factor):\n    raise ValueError('x is odd')")
    assert "raised ValueError: x is odd at cell 3, line 2" in result.questions[1].criteria[0].message
