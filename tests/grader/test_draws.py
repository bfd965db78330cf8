"""Judges of draws: right draws pass whatever comes, each way of being wrong has a code of its own."""

import math

import numpy as np
import pytest

from grader.draws import DOUBT, along, among, equal, multiple, plausible, same_mean, scattered, varied, within
from grader.execute import run_plan
from grader.freeze import freeze
from grader.judge import judge
from grader.judges import JUDGES, Named
from grader.plans import Answer, Foreign, Outcome, Output, Plan, Rng, Step, Value
from grader.prepare import prepare
from grader.questions import Assignment, Case, Misconception, Question, statistics
from tests.grader.examples import thawed_questions


def answer(*values):
    return Answer(tuple(Outcome((v,)) for v in values))


def code(finding):
    return finding and finding.code


def tail(count, total, share):
    chances = [math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
    return min(sum(chances[: count + 1]), sum(chances[count:]))


@pytest.mark.parametrize(("total", "share"), [(20, 0.5), (60, 0.1), (300, 0.25), (200, 0.02)])
def test_a_count_is_doubted_exactly_where_its_binomial_tail_is_below_the_doubt(total, share):
    assert all(plausible(k, total, share) == (tail(k, total, share) >= DOUBT) for k in range(total + 1))


def test_right_counts_are_accused_less_often_than_once_in_a_million_for_150_of_them():
    for total, share in ((300, 0.3), (540, 1 / 9), (900, 1 / 15), (300, 0.25)):
        chances = [math.comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(total + 1)]
        wrongly = sum(c for k, c in enumerate(chances) if not plausible(k, total, share))
        assert wrongly * 150 < 1e-6


def test_what_is_certain_is_no_matter_of_chance():
    assert plausible(0, 50, 0.0)
    assert not plausible(1, 50, 0.0)
    assert plausible(50, 50, 1.0)


TWO = np.array([[[1.0, 2.0]], [[3.0, 5.0]]])  # candidates, items, entries


def drawn(shares, seed=0, count=400):
    return TWO[np.random.default_rng(seed).choice(2, size=count, p=shares), 0]


def judged(array, shares=(0.3, 0.7), **more):
    return code(among(answer(array), candidates=TWO, names=["a", "b"], shares=shares, **more))


def test_items_drawn_with_their_shares_pass():
    assert [judged(drawn([0.3, 0.7], seed)) for seed in range(30)] == [None] * 30


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (drawn([0.7, 0.3]), "shares +0 -1"),
        (drawn([1.0, 0.0]), "all-alike"),
        (drawn([0.3, 0.7]) + np.eye(400, 2) * 1e-3, "stranger"),
        (drawn([0.3, 0.7])[:, ::-1], "turned"),
        (drawn([0.3, 0.7])[:, :1], "shape"),
        (np.ones((400, 5)), "shape"),
        (np.ones(3), "shape"),
        (np.full((400, 2), np.nan), "stranger"),
        (Foreign("masked array"), "array"),
    ],
)
def test_items_drawn_otherwise_have_a_code_of_their_own(array, expected):
    assert judged(array, others={"half": TWO / 2, "turned": TWO[:, :, ::-1]}) == expected


def test_a_candidate_that_never_comes_is_named():
    three = np.array([[[0.0]], [[1.0]], [[2.0]]])
    array = np.random.default_rng(1).integers(0, 2, size=(300, 1)) * 1.0
    finding = among(answer(array), candidates=three, names=["still", "up", "far"], shares=[1 / 3] * 3)
    assert (finding.code, finding.message) == ("never 2", "no item is far")


def test_without_shares_any_choice_passes_and_entries_can_be_items():
    x = np.array([[1.0, -2.0], [3.0, 4.0]])
    either = {"candidates": np.stack([0 * x, 2 * x]), "names": ["off", "doubled"], "items": 2}
    assert among(answer(x * [[0, 2], [2, 2]]), **either) is None
    finding = among(answer(x * [[0, 2], [1, 2]]), **either)
    assert finding.code == "stranger"
    assert "(1, 0)" in finding.message


PLACES = np.linspace(-1, 1, 81)
CURVE = np.stack([np.cos(PLACES), np.sin(PLACES)], axis=1)


def on_curve(places, radius=1.0):
    return radius * np.stack([np.cos(places), np.sin(places)], axis=1)


def lies(array, **more):
    given = {"curve": CURVE, "places": PLACES, "low": -0.9, "high": 0.9, "name": "angle", **more}
    return code(along(answer(array), **given))


def test_items_on_a_curve_at_uniform_places_pass():
    for seed in range(30):
        assert lies(on_curve(np.random.default_rng(seed).uniform(-0.9, 0.9, 300))) is None


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (np.random.default_rng(0).uniform(0, 0.9, 300), "never 0 1"),
        (np.random.default_rng(0).choice([-0.9, 0.9], 300), "never 1 2"),
        (np.random.default_rng(0).normal(0, 0.08, 300).clip(-0.9, 0.9), "never 0 3"),
        (np.full(300, 0.4), "all-alike"),
        (np.random.default_rng(0).uniform(-1, 1, 300), "beyond"),
        (0.9 * np.random.default_rng(0).uniform(-1, 1, 300) ** 3, "uneven"),
    ],
)
def test_places_drawn_otherwise_have_a_code_of_their_own(places, expected):
    assert lies(on_curve(places)) == expected


def test_items_off_the_curve_are_found_and_a_known_curve_is_named():
    array = on_curve(np.random.default_rng(0).uniform(-0.9, 0.9, 300))
    once = array.copy()
    once[7] *= 1.3
    assert lies(once) == "off"
    assert lies(2 * array, others={"half": CURVE / 2, "double": 2 * CURVE}) == "double"
    assert lies(once, others={"double": 2 * CURVE}) == "off"
    assert lies(array * np.nan) == "off"
    assert lies(array[:, :1]) == "shape"


def test_two_draws_that_are_one_are_found():
    given = {"curve": CURVE, "message": "one draw"}
    places = np.random.default_rng(0).uniform(-0.9, 0.9, 50)
    assert code(scattered(answer(on_curve(places)), **given)) == "bound"
    assert scattered(answer(on_curve(places, 1 + 0.3 * np.sin(9 * places[:, None]))), **given) is None


def test_a_draw_repeated_along_an_axis_is_found():
    mask = np.random.default_rng(0).random((6, 7)) < 0.5
    assert varied(answer(mask), axes=[0, 1]) is None
    assert code(varied(answer(np.repeat(mask[:1], 6, axis=0)), axes=[0, 1])) == "alike 0"
    assert code(varied(answer(np.repeat(mask[:, :1], 7, axis=1)), axes=[0, 1])) == "alike 1"
    assert varied(answer(mask), axes=[0], shape=[6, 7]) is None
    assert code(varied(answer(mask), axes=[0], shape=[7, 6])) == "shape"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (lambda a, f: a * f, None),
        (lambda a, f: f, "unchanged"),
        (lambda a, f: (a == 0) * f, "leaks"),
        (lambda a, f: (a > 0) * f, "ratio 0.5"),
        (lambda a, f: a * a * f, "ratio 2"),
        (lambda a, f: a * f * np.arange(1, 9), "different"),
        (lambda a, f: (a * f)[:4], "shape"),
    ],
)
def test_what_must_be_a_multiple_of_an_earlier_output_is_compared_with_it(second, expected):
    first, factor = np.array([0.0, 2, 2, 0, 2, 0, 0, 2]), np.array([1.0, -2, 3, 1.5, -1, 2, 1, 0.5])
    given = {"factor": factor, "first": [0, 0], "second": [1, 0]}
    assert code(multiple(answer(first, second(first, factor)), **given)) == expected


def test_means_agree_up_to_chance():
    rng = np.random.default_rng(0)
    test, right, wrong = np.ones((50, 60)), 2.0 * (rng.random((50, 60)) < 0.5), 1.0 * (rng.random((50, 60)) < 0.5)
    assert same_mean(answer(right, test), first=0, second=1, deviation=1.0) is None
    assert code(same_mean(answer(wrong, test), first=0, second=1, deviation=1.0)) == "mean"
    assert code(same_mean(answer(right * np.nan, test), first=0, second=1, deviation=1.0)) == "mean"


def test_limits_hold_entry_by_entry():
    low, high = np.array([1.0, -2.0]), np.array([1.0, 2.0])
    assert [code(within(answer(np.array(a)), low=low, high=high)) for a in ([1.0, 0.5], [1.0, 3.0], [1.0, np.nan])] == [
        None,
        "outside",
        "not-finite",
    ]
    assert code(within(answer(np.ones(3)), low=low, high=high)) == "shape"


def test_an_array_read_again_must_be_what_it_was():
    given = {"expected": np.ones(3), "code": "changed", "message": "changed"}
    assert equal(answer(np.ones(3)), **given) is None
    assert code(equal(answer(np.arange(3)), **given)) == "changed"


def test_the_first_of_several_judges_speaks():
    judges = [["varied", {"axes": [0]}], ["equal", {"expected": np.ones(2), "code": "second", "message": ""}]]
    assert code(JUDGES["first_of"](answer(np.ones((2, 2))), judges=judges)) == "alike 0"
    assert code(JUDGES["first_of"](answer(np.array([1.0, 2.0])), judges=judges)) == "second"
    assert JUDGES["first_of"](answer(np.array([[1.0], [2.0]])), judges=judges[:1]) is None


def reverse_some(x, *, rng):
    return np.where(rng.random(len(x))[:, None] < 0.25, x[:, ::-1], x)


def reverse_most(x, *, rng):
    return np.where(rng.random(len(x))[:, None] < 0.75, x[:, ::-1], x)


def test_judges_with_arrays_are_frozen_and_still_name_a_mistake():
    row = np.arange(4.0)[None]
    given = {"candidates": np.stack([row, row[:, ::-1]]), "names": ["kept", "reversed"], "shares": [0.75, 0.25]}
    case = Case("rows", (np.repeat(row, 300, axis=0),), {"rng": Rng(1)}, judge=Named("among", given))
    question = Question(
        "reverse",
        {"reverse": reverse_some},
        (case,),
        lambda rng: [],
        (statistics(1),),
        (Misconception("most", {"reverse": reverse_most}, "How many?"),),
    )
    (thawed,) = thawed_questions(freeze(Assignment("01-reverse", "Reverse", (question,))))
    for prepared in (thawed, prepare(question, 3)):
        results = [
            judge(prepared, [run_plan(t.plan, {"reverse": f}) for t in prepared.trials])
            for f in (reverse_some, reverse_most)
        ]
        assert [r.points for r in results] == [1, 0]
        assert [d.name for d in results[1].diagnosis] == ["most"]


def test_an_attribute_of_an_object_is_read_as_a_step():
    class Counter:
        def __init__(self):
            self.seen = np.zeros(2)

        def add(self, x):
            self.seen = self.seen + x

    steps = (
        Step("Counter", send=()),
        Step("add", (Value(0),), on=Output(0), send=()),
        Step("seen", on=Output(0)),
        Step("missing", on=Output(0)),
    )
    found = run_plan(Plan((np.array([1.0, 2.0]),), steps), {"Counter": Counter}).outcomes
    assert np.array_equal(found[2].values[0], [1, 2])
    assert found[3].failure.kind == "raised"
