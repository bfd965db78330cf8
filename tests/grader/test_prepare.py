"""A prepared question is plain data: drawn from its seed, judged without the reference, and never spoilt by it."""

from dataclasses import replace

import numpy as np
import pytest

from grader import wire
from grader.errors import GraderError
from grader.judge import judge
from grader.plans import plan_to_tree
from grader.prepare import prepare
from grader.questions import Case, Misconception, Question, consistency, gradient, purity, shape, value
from tests.grader.examples import AFFINE, DOUBLE, LOSS, RELU, answers, grade, lost


def values_of(prepared):
    return wire.encode([plan_to_tree(t.plan) for t in prepared.trials])


@pytest.mark.parametrize("question", [DOUBLE, AFFINE, RELU, LOSS], ids=lambda q: q.name)
def test_a_seed_gives_the_same_cases_and_another_gives_others(question):
    assert values_of(prepare(question, 5)) == values_of(prepare(question, 5))
    assert values_of(prepare(question, 5)) != values_of(prepare(question, 6))


def test_no_upstream_gradient_makes_a_sum_that_single_precision_cannot_tell():
    total = Question(
        name="total",
        functions={"add_forward": lambda x, b: (x + b, x), "add_backward": lambda dout, x: (dout, dout.sum())},
        visible=tuple(Case(f"{n} numbers", (np.ones(n), np.array(0.5))) for n in range(2, 8)),
        hidden=lambda rng: [],
        criteria=(gradient(1),),
    )
    for seed in range(300):
        for trial in prepare(total, seed).trials:
            dout = trial.plan.values[-1]
            rounded = np.float32(dout).astype(float).sum()
            assert abs(rounded - dout.sum()) < 3e-6 * abs(dout.sum())


def test_no_seed_prepares_the_visible_cases_alone():
    prepared = prepare(AFFINE, None)
    assert all(t.visible for t in prepared.trials)
    assert {t.case for t in prepared.trials} == {"two rows"}


def test_upstream_gradients_are_random_and_the_same_in_every_trial_of_a_case():
    prepared = prepare(AFFINE, 0)
    douts = {}
    for trial in prepared.trials:
        dout = trial.plan.values[trial.names.index("dout")]
        assert np.ptp(dout) > 0
        assert np.array_equal(douts.setdefault((trial.case, trial.visible), dout), dout)


def test_the_case_between_has_the_shape_of_the_case_and_other_values():
    prepared = prepare(RELU, 0)
    for trial in prepared.trials:
        if trial.kind == "purity":
            x, dout, other, other_dout = trial.plan.values
            assert x.shape == other.shape
            assert dout.shape == other_dout.shape
            assert not np.array_equal(x, other)


def square_root(x):
    if x[0] > x[-1]:
        raise ValueError("descending")
    return np.sqrt(x)


def test_where_the_reference_refuses_another_order_another_case_comes_between():
    question = Question(
        name="root",
        functions={"root": square_root},
        visible=(),
        hidden=lambda rng: [Case(f"{n}", (np.sort(rng.uniform(size=n)),)) for n in (3, 4)],
        criteria=(value(1), purity(1)),
    )
    assert grade(question).points == 2


def test_targets_are_not_differentiated():
    prepared = prepare(LOSS, 0)
    for trial in prepared.trials:
        if trial.kind == "consistency":
            assert trial.names[2:] == ("prediction", "", "")


def test_a_reference_that_fails_is_named_with_its_case():
    with pytest.raises(GraderError, match="question bad, case 'zero': the reference fails: ZeroDivisionError"):
        prepare(Question("bad", {"bad": lambda x: 1 // x}, (Case("zero", (0,)),), lambda rng: [], (value(1),)), None)


def test_a_criterion_without_cases_is_refused():
    question = Question("q", {"f": lambda x: x}, (), DOUBLE.hidden, (value(1, on="nowhere"),))
    with pytest.raises(GraderError, match="'value' selects no case"):
        prepare(question, 0)


def test_consistency_needs_something_to_differentiate():
    question = Question("q", {"f": lambda x: x}, (), DOUBLE.hidden, (consistency(1),))
    with pytest.raises(GraderError, match="needs a float array with a gradient"):
        prepare(question, 0)


def test_two_functions_that_are_no_layer_need_a_script():
    question = Question("q", {"f": lambda x: x, "g": lambda x: x}, (), DOUBLE.hidden, (value(1),))
    with pytest.raises(GraderError, match="need a script"):
        prepare(question, 0)


def test_an_impure_variant_spoils_no_other_trial():
    def in_place(x):
        x *= 2
        return x

    question = Question(
        "double",
        DOUBLE.functions,
        DOUBLE.visible,
        DOUBLE.hidden,
        DOUBLE.criteria,
        (Misconception("in place", {"double": in_place}, "?"),),
    )
    before = DOUBLE.visible[0].inputs[0].copy()
    prepare(question, 0)
    assert np.array_equal(DOUBLE.visible[0].inputs[0], before)
    assert values_of(prepare(question, 0)) == values_of(prepare(DOUBLE, 0))


def test_inputs_without_dimensions_are_differentiated():
    def square_forward(x):
        return x**2, x

    question = Question(
        "square",
        {"square_forward": square_forward, "square_backward": lambda dout, x: 2 * x * dout},
        (),
        lambda rng: [Case("a number", (np.array(1.5),))],
        (value(1), shape(1), gradient(1), consistency(1), purity(1)),
    )
    assert grade(question).points == 5
    assert {"gradient", "consistency"} <= lost(grade(question, square_backward=lambda dout, x: x * dout))


def test_misconceptions_run_for_a_wrong_answer_and_not_for_a_right_one():
    runs = []

    def tripled(x):
        runs.append(x)
        return 3 * x

    question = replace(DOUBLE, misconceptions=(Misconception("tripled", {"double": tripled}, "How often?"),))
    prepared = prepare(question, 1)
    assert judge(prepared, answers(prepared, {"double": lambda x: 2 * x})).status == "passed"
    assert not runs
    result = judge(prepared, answers(prepared, {"double": lambda x: x + x + x}))
    assert [d.name for d in result.diagnosis] == ["tripled"]
    once = len(runs)
    judge(prepared, answers(prepared, {"double": lambda x: x}))
    assert len(runs) == once > 0
