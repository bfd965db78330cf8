"""A backward is held against its own forward: true slopes pass at any scale and precision, others do not."""

import numpy as np
import pytest

from grader.gradients import inconsistency, slopes
from grader.prepare import prepare
from grader.questions import Case, Question, consistency
from tests.grader.examples import AFFINE, LOSS, affine_backward, affine_forward, answer, answers, grade, squared_loss

FUNCTIONS = {
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "exp": (np.exp, np.exp),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "sine": (np.sin, np.cos),
    "nearly constant": (lambda x: 1 + 1e-6 * x, lambda x: 1e-6 + 0 * x),
    "large": (lambda x: 1e8 * x, lambda x: 1e8 + 0 * x),
    "small": (lambda x: 1e-8 * np.sin(x), lambda x: 1e-8 * np.cos(x)),
}


def layer(function, slope):
    return Question(
        name="map",
        functions={
            "map_forward": lambda x: (function(x), x),
            "map_backward": lambda dout, x: dout * slope(x),
        },
        visible=(),
        hidden=lambda rng: [Case(f"{n}", (rng.normal(size=(n, 3)),)) for n in (1, 4, 50)],
        criteria=(consistency(1),),
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_true_derivative_is_consistent_and_a_slightly_wrong_one_is_not(name):
    function, slope = FUNCTIONS[name]
    question = layer(function, slope)
    for seed in range(10):
        assert grade(question, seed).points == 1
        if name != "nearly constant":
            assert grade(question, seed, map_backward=lambda dout, x: 1.001 * dout * slope(x)).points == 0
        assert grade(question, seed, map_backward=lambda dout, x: 0 * dout).points == 0


def test_slopes_of_the_reference_agree_with_themselves():
    for question in (AFFINE, LOSS):
        prepared = prepare(question, 2)
        for trial in prepared.trials:
            if trial.kind == "consistency":
                for slope in slopes(prepared, trial, trial.expected):
                    assert slope.finite
                    assert slope.numerical == pytest.approx(slope.analytic, rel=1e-6, abs=1e-8 * slope.scale)


def consistency_trial(question):
    prepared = prepare(question, 2)
    return prepared, next(t for t in prepared.trials if t.kind == "consistency")


def said(question, **functions):
    prepared, trial = consistency_trial(question)
    return inconsistency(prepared, trial, answer(trial, {**question.functions, **functions}))


def test_a_factor_is_told():
    doubled = lambda dout, cache: tuple(2 * g for g in affine_backward(dout, cache))  # noqa: E731
    assert "dx is not the derivative of your own affine_forward: along a random direction it gives 2 times" in said(
        AFFINE, affine_backward=doubled
    )


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        ({"affine_forward": lambda *a, **k: (np.zeros(3), (*a[:2], 1.0))}, "wrong shape to differentiate"),
        ({"affine_forward": lambda *a, **k: ("x", (*a[:2], 1.0))}, "wrong shape to differentiate"),
        ({"affine_backward": lambda dout, cache: (None, None, None)}, "dx has not the shape of x"),
        ({"affine_backward": lambda dout, cache: (dout, dout)}, "wrong number of outputs"),
        ({"affine_backward": lambda dout, cache: affine_backward(dout, cache)[::-1]}, "dx has not the shape of x"),
        (
            {"affine_backward": lambda dout, cache: tuple(g * np.nan for g in affine_backward(dout, cache))},
            "the derivative by x is not finite",
        ),
        (
            {"affine_backward": lambda dout, cache: tuple(g * np.inf for g in affine_backward(dout, cache))},
            "the derivative by x is not finite",
        ),
    ],
)
def test_what_cannot_be_differentiated_is_said(functions, words):
    assert words in said(AFFINE, **functions)


def test_a_shape_that_depends_on_values_is_said():
    calls = []

    def forward(x, w, b, *, scale=1.0):
        calls.append(1)
        out, cache = affine_forward(x, w, b, scale=scale)
        return (out if len(calls) == 1 else out[:1]), cache

    assert "changes with the input's values" in said(AFFINE, affine_forward=forward)


def test_a_loss_is_differentiated_by_its_prediction():
    assert said(LOSS) == ""
    assert "-1 times" in said(LOSS, squared_loss=lambda p, t: (squared_loss(p, t)[0], -squared_loss(p, t)[1]))


def test_judging_warns_nobody(recwarn):
    prepared = prepare(AFFINE, 0)
    from grader.judge import judge

    huge = lambda dout, cache: tuple(1e308 * (1 + abs(g)) for g in affine_backward(dout, cache))  # noqa: E731
    judge(prepared, answers(prepared, {**AFFINE.functions, "affine_backward": huge}))
    assert not recwarn.list
