"""Plans travel whole; an answer that does not fit its plan is a ValueError and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import wire
from grader.plans import (
    Answer,
    Failure,
    Foreign,
    Outcome,
    Output,
    Plan,
    Rng,
    Step,
    Value,
    answer_from_tree,
    answer_to_tree,
    as_array,
    clean,
    failed,
    plan_from_tree,
    plan_to_tree,
)

PLAN = Plan(
    (np.arange(3.0), 2, None),
    (
        Step("forward", (Value(0), (3, 2), Rng(7)), {"mode": "same", "size": Value(1)}, 2, (0,)),
        Step("backward", (Value(0), Output(0, 1)), {}, 3, (0, 1, 2)),
        Step("update", (1.5,), on=Output(0), lines=True),
        Step("", (Output(1, 2),)),
    ),
    echo=True,
)


def test_a_plan_comes_back_as_it_was():
    again = plan_from_tree(wire.loads(wire.encode(plan_to_tree(PLAN))))
    assert again.steps == PLAN.steps
    assert again.echo is True
    assert np.array_equal(again.values[0], PLAN.values[0])
    assert again.values[1:] == PLAN.values[1:]


@pytest.mark.parametrize("literal", [["value", 0], ["output", 0, None], ("rng", 3), ["literal", 1], [], None, "value"])
def test_a_literal_is_never_taken_for_a_reference(literal):
    plan = Plan((), (Step("f", (literal,)),))
    assert plan_from_tree(wire.loads(wire.encode(plan_to_tree(plan)))).steps[0].args == (literal,)


def test_an_answer_comes_back_as_it_was():
    answer = Answer(
        (
            Outcome((1.5,)),
            Outcome(("a", None, True)),
            Outcome(failure=Failure("raised", "ValueError: no", "cell 3, line 4"), lines=12),
            Outcome((7,), lines=3),
        ),
        (1.0, None, None),
    )
    assert answer_from_tree(wire.loads(wire.encode(answer_to_tree(answer))), PLAN) == answer


def test_nothing_came_back_from_any_step():
    answer = failed(PLAN, Failure("timeout", ""))
    assert [o.failure.kind for o in answer.outcomes] == ["timeout"] * 4


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.just(np.zeros(2))
    | st.just(Foreign("x"))
)
trees = st.recursive(
    leaves,
    lambda t: (
        st.lists(t, max_size=4)
        | st.lists(t, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from(["outcomes", "echo", "values", "failure", "lines", "x"]), t, max_size=4)
    ),
    max_leaves=15,
)
outcomes = st.fixed_dictionaries({"values": trees, "failure": trees, "lines": trees})
answers = st.fixed_dictionaries(
    {"outcomes": st.lists(outcomes | trees, min_size=3, max_size=5) | trees, "echo": trees | st.just([1, 2, 3])}
)


@settings(max_examples=400, deadline=None)
@given(trees | answers)
def test_any_tree_is_an_answer_or_a_value_error(tree):
    try:
        answer = answer_from_tree(tree, PLAN)
    except ValueError:
        return
    assert len(answer.outcomes) == len(PLAN.steps)
    for outcome, step in zip(answer.outcomes, PLAN.steps, strict=True):
        assert outcome.failure is not None or len(outcome.values) == len(step.send)


def outcome(**changes):
    return {"outcomes": [{"values": [1], "failure": None, "lines": None, **changes}], "echo": []}


ONE = Plan((), (Step("f"),))


@pytest.mark.parametrize(
    "tree",
    [
        None,
        [],
        {"outcomes": [], "echo": []},
        {"outcomes": [{}], "echo": []},
        outcome(values=[]),
        outcome(values=[1, 2]),
        outcome(values=(1,)),
        outcome(values=None),
        outcome(failure=[]),
        outcome(failure=["raised", "x"]),
        outcome(failure=["raised", 3, ""]),
        outcome(failure="raised"),
        outcome(lines=-1),
        outcome(lines=2**60),
        outcome(lines=True),
        outcome(lines="3"),
        outcome(lines=1.0),
        {**outcome(), "outcomes": outcome()["outcomes"] * 2},
    ],
)
def test_what_does_not_fit_its_plan_is_refused(tree):
    assert answer_from_tree(outcome(), ONE).outcomes[0].values == (1,)
    with pytest.raises(ValueError):
        answer_from_tree(tree, ONE)


def test_an_echo_must_name_every_value():
    plan = Plan((1, 2), (), echo=True)
    with pytest.raises(ValueError):
        answer_from_tree({"outcomes": [], "echo": [1]}, plan)


def test_the_words_of_a_failure_are_cleaned_and_cut():
    tree = outcome(failure=["raised\n", "\x1b[31mred\x07\n" + "x" * 10_000, "\x1b]0;t\x07cell 3"])
    failure = answer_from_tree(tree, ONE).outcomes[0].failure
    assert (failure.kind, failure.where) == ("raised", "cell 3")
    assert failure.message.startswith("red x")
    assert len(failure.message) <= 500


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 50))
def test_clean_text_is_one_printable_line_within_its_limit(text, limit):
    line = clean(text, limit)
    assert len(line) <= limit
    assert line.isprintable()
    line.encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("a\x1b[2J\x1b[Hb", "ab"),
        ("\x9b31mred", "red"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\u202eevil\u200b", "evil"),
        ("unfinished \x1b[", "unfinished"),
        ("unfinished \x1b]0;title", "unfinished"),
    ],
)
def test_terminal_codes_are_taken_out(text, expected):
    assert clean(text, 100) == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (3, np.array(3)),
        (True, np.array(True)),
        (2.5, np.array(2.5)),
        (np.float32(1), np.float32(1)),
        (np.int64(3), np.array(3)),
        ([np.zeros(2), np.ones(2)], np.array([[0.0, 0], [1, 1]])),
        ((1, 2.5), np.array([1, 2.5])),
        (Foreign("list", np.arange(3)), np.arange(3)),
    ],
)
def test_numbers_arrays_and_rows_of_them_stand_for_arrays(tree, expected):
    assert np.array_equal(as_array(tree), expected)


@pytest.mark.parametrize(
    "tree",
    [None, "3", [], {}, Foreign("x"), [np.zeros(2), np.zeros(3)], [1, "a"], 10**400, np.array(["a"]), np.array([None])],
    ids=repr,
)
def test_what_stands_for_no_array(tree):
    assert as_array(tree) is None


def test_many_rows_are_not_stacked_without_bound():
    row = np.broadcast_to(0.0, 10**7)
    assert as_array([row] * 10**4) is None
