"""What students receive judges as the original does, and holds nothing of what is hidden."""

import inspect
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.errors import GraderError
from grader.freeze import freeze, thaw
from grader.judge import judge
from grader.prepare import prepare
from grader.questions import Assignment
from tests.grader.examples import (
    AFFINE,
    BOUNDS,
    DOUBLE,
    LOSS,
    RELU,
    WINDOWS,
    affine_backward,
    answers,
    mean_bias,
    no_bias,
    thawed_questions,
)

QUESTIONS = (DOUBLE, AFFINE, RELU, LOSS, BOUNDS, WINDOWS)
ASSIGNMENT = Assignment("01-tiny", "Tiny", QUESTIONS)
FROZEN = freeze(ASSIGNMENT)

ANSWERS = {
    "right": {},
    "no bias": {"affine_forward": no_bias},
    "mean bias": {"affine_backward": mean_bias},
    "both": {"affine_forward": no_bias, "affine_backward": mean_bias},
    "sums": {"squared_loss": lambda p, t: (np.sum((p - t) ** 2), 2 * (p - t))},
    "squares": {"double": lambda x: x**2},
    "raises": {"bounds": lambda x: x.nonsense, "windows": lambda *a: 1 / 0},
    "gates": {"relu_backward": lambda dout, cache: dout * (dout > 0)},
}


@pytest.mark.parametrize("name", ANSWERS)
def test_thawed_questions_judge_as_the_original_does(name):
    thawed = thawed_questions(FROZEN)
    for original, question in zip(QUESTIONS, thawed, strict=True):
        functions = {**original.functions, **ANSWERS[name]}
        fresh = prepare(original, None)
        assert judge(question, answers(question, functions)) == judge(fresh, answers(fresh, functions))


def test_a_misconception_is_diagnosed_from_the_frozen_file():
    question = thawed_questions(FROZEN)[1]
    result = judge(question, answers(question, {**AFFINE.functions, "affine_forward": no_bias}))
    assert [d.name for d in result.diagnosis] == ["no-bias"]


def test_freezing_twice_gives_the_same_bytes():
    assert freeze(ASSIGNMENT) == FROZEN


def test_no_hidden_case_and_no_source_is_in_the_file():
    plain = zlib.decompress(FROZEN)
    assert b"three numbers" in plain  # so that the search can find what is there
    assert b"secret" not in plain
    for question in QUESTIONS:
        for function in question.functions.values():
            body = inspect.getsource(function).splitlines()[1:]
            assert all(line.strip().encode() not in plain for line in body)
        for trial in prepare(question, 0).trials:
            for value in trial.plan.values:
                if not trial.visible and trial.kind != "vectorised" and isinstance(value, np.ndarray):
                    assert value.tobytes() not in plain
    for word in (b"lambda", b"import", b"def ", b"examples.py"):
        assert word not in plain


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", FROZEN[:100], FROZEN[:-1], FROZEN + b"x", bytes(12)])
def test_a_damaged_file_is_said_in_one_line(data):
    with pytest.raises(GraderError, match="the file of checks is damaged: download it again") as caught:
        thaw(data)
    assert "\n" not in str(caught.value)


def test_another_format_says_what_to_do():
    with pytest.raises(GraderError, match="format 9: update stencil-cnn"):
        thaw(zlib.compress(zlib.decompress(FROZEN).replace(b'[["format", 2]', b'[["format", 9]', 1)))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_mutated_file_is_refused_or_read(data):
    packed = data.draw(st.booleans())  # damage what is on disk, or what it holds
    mutated = bytearray(FROZEN if packed else zlib.decompress(FROZEN))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, min(3000, len(mutated) - 1)))
        mutated[at] = data.draw(st.integers(32, 126))
    try:
        thawed_questions(bytes(mutated) if packed else zlib.compress(mutated))
    except GraderError:
        return


def test_the_backward_of_the_examples_is_right():
    """The oracle of this file: without it a frozen wrong answer would go unseen."""
    x, w, _ = AFFINE.visible[0].inputs
    dx, dw, db = affine_backward(np.ones((2, 3)), (x, w, 1.0))
    assert np.array_equal(dx, np.tile(w.sum(axis=1), (2, 1)))
    assert np.array_equal(dw, np.tile(x.sum(axis=0)[:, None], 3))
    assert db.tolist() == [2, 2, 2]
