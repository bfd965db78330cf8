"""Cases that bring a judge of their own: random answers, constructions."""

import numpy as np
import pytest

from grader.errors import GraderError
from grader.execute import run_plan
from grader.freeze import freeze
from grader.judge import judge
from grader.judges import Finding, Named
from grader.plans import Output, Plan, Rng, Step, Value
from grader.prepare import prepare
from grader.questions import Assignment, Case, Misconception, Question, design, statistics, value
from tests.grader.examples import thawed_questions


def drop(x, *, p, rng):
    mask = (rng.random(x.shape) >= p) / (1 - p)
    return x * mask, mask


def keeps_with_p(x, *, p, rng):
    mask = (rng.random(x.shape) < p) / max(p, 0.01)
    return x * mask, mask


def divides_by_p(x, *, p, rng):
    mask = (rng.random(x.shape) >= p) / max(p, 0.01)
    return x * mask, mask


def not_scaled(x, *, p, rng):
    mask = 1.0 * (rng.random(x.shape) >= p)
    return x * mask, mask


def _twice(seed, p=0.3):
    ones = np.ones((60, 70))
    steps = [Step("drop", (Value(0),), {"p": p, "rng": Rng(s)}, outputs=2, send=(0,)) for s in (seed, seed, seed + 1)]
    return Plan((ones,), tuple(steps))


def _cases(seed):
    kept = Named("two_values", {"kept": 1 / 0.7, "share": 0.3})
    return [
        Case("ones", script=_twice(seed), judge=kept),
        Case("seeds", script=_twice(seed), judge=Named("same_draws", {"pairs": [[0, 1]], "different": [[0, 2]]})),
        Case("p = 0", script=_twice(seed, p=0.0), tags={"plain"}),
    ]


QUESTION = Question(
    name="drop",
    functions={"drop": drop},
    visible=tuple(_cases(1)),
    hidden=lambda rng: _cases(int(rng.integers(10**6))),
    criteria=(statistics(4), value(1, on="plain")),
    misconceptions=tuple(
        Misconception(f.__name__, {"drop": f}, "What survives at p = 0?")
        for f in (keeps_with_p, divides_by_p, not_scaled)
    ),
)


def _result(function, seed):
    prepared = prepare(QUESTION, seed)
    return judge(prepared, [run_plan(t.plan, {"drop": function}) for t in prepared.trials])


def test_any_way_of_drawing_is_right():
    def by_choice(x, *, p, rng):
        mask = rng.choice([0.0, 1.0], size=x.shape, p=[p, 1 - p]) / (1 - p)
        return mask * x, mask

    def by_binomial(x, *, p, rng):
        mask = rng.binomial(1, 1 - p, size=x.shape) / (1 - p)
        return mask * x, mask

    for seed in range(20):
        for function in (drop, by_choice, by_binomial):
            assert _result(function, seed).status == "passed"


@pytest.mark.parametrize("wrong", [keeps_with_p, divides_by_p, not_scaled])
def test_a_wrong_way_is_named_whatever_was_drawn(wrong):
    def drawn_otherwise(x, *, p, rng):
        rng.random(7)
        return wrong(x, p=p, rng=rng)

    for seed in range(5):
        for function in (wrong, drawn_otherwise):
            result = _result(function, seed)
            assert result.points < result.max_points
            assert [d.name for d in result.diagnosis] == [wrong.__name__]


def test_ignoring_the_generator_is_found():
    def stubborn(x, *, p, rng):
        return drop(x, p=p, rng=np.random.default_rng(0))

    def restless(x, *, p, rng):
        return drop(x, p=p, rng=np.random.default_rng())

    assert "another rng gives the same answer" in _result(stubborn, 3).criteria[0].message
    assert "another answer the second time" in _result(restless, 3).criteria[0].message


def test_named_judges_are_frozen_with_the_visible_cases():
    (thawed,) = thawed_questions(freeze(Assignment("01-drop", "Drop", (QUESTION,))))
    answers = [run_plan(t.plan, {"drop": keeps_with_p}) for t in thawed.trials]
    assert [d.name for d in judge(thawed, answers).diagnosis] == ["keeps_with_p"]


def test_a_design_is_judged_by_its_constraints_and_only_at_grading():
    def budget(answer):
        total = sum(layer["size"] for layer in answer.outcomes[0].values[0])
        return None if total <= 10 else Finding("large", f"{total} are more than 10")

    question = Question(
        name="plan",
        functions={"plan": lambda: [{"size": 3}, {"size": 4}]},
        visible=(Case("the budget", script=Plan((), (Step("plan"),)), judge=budget),),
        hidden=lambda rng: [],
        criteria=(design(2),),
    )
    prepared = prepare(question, 1)
    small, large = ([{"size": 10}], [{"size": 11}])
    assert judge(prepared, [run_plan(t.plan, {"plan": lambda: small}) for t in prepared.trials]).points == 2
    lost = judge(prepared, [run_plan(t.plan, {"plan": lambda: large}) for t in prepared.trials])
    assert lost.points == 0
    assert "11 are more than 10" in lost.criteria[0].message
    assert prepare(question, None).trials == ()


def test_state_is_handed_on_between_steps():
    plan = Plan(
        (np.ones(2),), (Step("drop", (Value(0),), {"p": 0.0, "rng": Rng(1)}, outputs=2), Step("", (Output(0, 1),)))
    )
    answer = run_plan(plan, {"drop": drop})
    assert np.array_equal(answer.outcomes[1].values[0], np.ones(2))


def test_a_judge_that_faults_the_reference_is_refused():
    wrong = Case("ones", script=_twice(1), judge=Named("two_values", {"kept": 9.0, "share": 0.3}))
    question = Question("drop", {"drop": drop}, (wrong,), lambda rng: [], (statistics(1),))
    with pytest.raises(GraderError, match="reference"):
        prepare(question, 1)
