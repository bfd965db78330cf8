"""A mistake is named where the answers agree with it everywhere, and with nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from grader.plans import Plan, Step, Value
from grader.questions import Case, Misconception, Question, value
from tests.grader.examples import (
    AFFINE,
    BOUNDS,
    DOUBLE,
    LOSS,
    RELU,
    affine_backward,
    affine_forward,
    grade,
    mean_bias,
    no_bias,
)


def named(result):
    return {d.name for d in result.diagnosis}


@pytest.mark.parametrize("question", [DOUBLE, AFFINE, RELU, LOSS], ids=lambda q: q.name)
def test_every_variant_loses_marks_and_is_recognised_alone(question):
    for misconception in question.misconceptions:
        for seed in range(20):
            result = grade(question, seed, **misconception.functions)
            assert result.points < result.max_points
            assert named(result) == {misconception.name}


def test_nothing_is_diagnosed_where_nothing_is_wrong():
    assert grade(AFFINE).diagnosis == ()


def test_another_mistake_has_no_name():
    assert grade(DOUBLE, double=lambda x: 3 * x).diagnosis == ()
    assert grade(DOUBLE, double=lambda x: x**2 + 1e-3).diagnosis == ()


def test_a_variant_on_most_cases_only_is_not_diagnosed():
    assert grade(DOUBLE, double=lambda x: x**2 if x.ndim == 1 else 3 * x).diagnosis == ()


def test_mistakes_in_both_functions_are_both_named():
    assert named(grade(AFFINE, affine_forward=no_bias, affine_backward=mean_bias)) == {"no-bias", "mean-bias"}


def test_a_script_of_one_function_hides_no_mistake_of_the_other():
    x, w, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([5.0])
    call = Step("affine_forward", (Value(0), Value(1), Value(2)), outputs=2)
    alone = Case("the output alone", tags={"plain"}, script=Plan((x, w, b), (call,)))
    question = replace(AFFINE, visible=(*AFFINE.visible, alone))
    assert named(grade(question, affine_forward=no_bias, affine_backward=mean_bias)) == {"no-bias", "mean-bias"}
    assert named(grade(question, affine_backward=mean_bias)) == {"mean-bias"}


def test_a_mistake_is_named_though_the_other_function_spoils_its_inputs():
    def spoiling(dout, cache):
        gradients = affine_backward(dout, cache)
        dout *= 2
        return gradients

    result = grade(AFFINE, affine_forward=no_bias, affine_backward=spoiling)
    assert named(result) == {"no-bias"}


def with_misconceptions(*misconceptions, question=AFFINE):
    return Question(
        name=question.name,
        functions=question.functions,
        visible=question.visible,
        hidden=question.hidden,
        criteria=question.criteria,
        misconceptions=misconceptions,
        outputs=question.outputs,
    )


def test_two_that_cannot_be_told_apart_are_not_named():
    question = with_misconceptions(
        Misconception("one", {"affine_forward": no_bias}, "?"), Misconception("other", {"affine_forward": no_bias}, "?")
    )
    assert grade(question, affine_forward=no_bias).diagnosis == ()


def test_a_pair_goes_before_its_half():
    def backward(dout, cache):
        return tuple(3 * g for g in affine_backward(dout, cache))

    question = with_misconceptions(
        Misconception("half", {"affine_forward": no_bias}, "?"),
        Misconception("pair", {"affine_forward": no_bias, "affine_backward": backward}, "?"),
    )
    assert named(grade(question, affine_forward=no_bias, affine_backward=backward)) == {"pair"}
    assert named(grade(question, affine_forward=no_bias)) == {"half"}


def fails(message):
    def function(x):
        raise ValueError(message)

    return function


def test_code_that_fails_for_its_own_reason_is_not_a_variant_that_fails():
    question = with_misconceptions(
        Misconception("mistyped", {"double": fails("shapes do not match")}, "?"), question=DOUBLE
    )
    assert grade(question, double=fails("something else")).diagnosis == ()
    assert grade(question, double=lambda x: x.nonsense).diagnosis == ()
    assert named(grade(question, double=fails("shapes  do not\nmatch"))) == {"mistyped"}


def test_failing_on_the_same_cases_alone_is_the_same_mistake():
    def flat_only(x):
        if x.ndim > 1:
            raise ValueError("flat only")
        return 2 * x

    def flat_too(x):
        if x.ndim > 1:
            raise IndexError
        return x + x

    question = with_misconceptions(Misconception("flat", {"double": flat_only}, "?"), question=DOUBLE)
    assert named(grade(question, double=flat_too)) == {"flat"}
    assert grade(question, double=lambda x: flat_too(x[None])).diagnosis == ()


@pytest.mark.parametrize("kind", ["stub", "missing"])
def test_a_function_that_is_not_there_makes_no_mistake(kind):
    def stub(x):
        raise NotImplementedError

    question = with_misconceptions(Misconception("fails", {"double": stub}, "?"), question=DOUBLE)
    assert grade(question, double=stub if kind == "stub" else None).diagnosis == ()


def test_nan_for_nan_is_agreement():
    def naive(x):
        with np.errstate(all="ignore"):
            return np.exp(x) / (1 + np.exp(x))

    def sigmoid(x):
        return np.where(x > 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))

    question = Question(
        name="sigmoid",
        functions={"sigmoid": sigmoid},
        visible=(Case("plain", (np.array([1.0, -2.0]),)),),
        hidden=lambda rng: [Case("extreme", (np.array([1000.0, -1000.0]),))],
        criteria=(value(1),),
        misconceptions=(
            Misconception("overflow", {"sigmoid": naive}, "Which exponential explodes?"),
            Misconception("zeros", {"sigmoid": lambda x: np.nan_to_num(naive(x))}, "?"),
        ),
    )
    assert named(grade(question, sigmoid=lambda x: 1 - 1 / (1 + np.exp(x)))) == set()
    assert named(grade(question, sigmoid=lambda x: naive(x).tolist())) == {"overflow"}


def test_an_input_changed_in_place_can_be_the_mistake():
    def in_place(x):
        x *= 2
        return x

    question = with_misconceptions(Misconception("in place", {"double": in_place}, "Who owns x?"), question=DOUBLE)

    def another_way(x):
        np.add(x, x, out=x)
        return x

    assert named(grade(question, double=another_way)) == {"in place"}
    assert grade(question).diagnosis == ()


def test_a_list_or_float32_of_a_mistake_is_the_mistake():
    assert named(grade(DOUBLE, double=lambda x: (x + 2).tolist())) == {"adds two"}
    assert named(
        grade(AFFINE, affine_forward=lambda *a, **k: (no_bias(*a, **k)[0].astype(np.float32), no_bias(*a, **k)[1]))
    ) == {"no-bias"}


def test_one_of_two_outputs_exchanged_is_recognised():
    question = with_misconceptions(
        Misconception("exchanged", {"bounds": lambda x: (x.max(axis=1), x.min(axis=1))}, "?"), question=BOUNDS
    )
    assert named(grade(question, bounds=lambda x: [x.max(axis=1), x.min(axis=1)])) == {"exchanged"}


def test_a_convention_names_its_book():
    result = grade(DOUBLE, double=lambda x: x / 2)
    assert result.diagnosis[0].hint.endswith("(That is the inverse scaling.)")
    assert affine_forward(*AFFINE.visible[0].inputs)[0].shape == (2, 3)
