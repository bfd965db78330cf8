"""How an answer differs is found in a fixed order, located, and told without a hidden value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.compare import agree, compare, compare_structure, relative_error
from grader.plans import Foreign

finite = st.floats(-1e6, 1e6)
tables = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=finite)


def kind(answer, expected, *, tolerance=1e-7, reveal=False):
    difference = compare(answer, expected, tolerance=tolerance, reveal=reveal)
    return None if difference is None else difference.kind


@settings(deadline=None)
@given(tables)
def test_an_array_equals_itself(array):
    assert kind(array.copy(), array) is None
    assert kind(Foreign("list", array), array) is None
    assert kind(list(array), array) is None
    assert agree(array, array)


@settings(deadline=None)
@given(tables, st.integers(0), st.sampled_from([1e-4, 1.0, -3.0, np.nan, np.inf, -np.inf]))
def test_one_wrong_entry_is_found_and_located(array, at, off):
    at %= array.size
    wrong = array.copy()
    wrong.flat[at] += off * max(1.0, float(np.abs(array).max()))
    difference = compare(wrong, array, tolerance=1e-7, reveal=True)
    assert difference is not None
    assert np.ravel_multi_index(difference.index, array.shape) == at


def test_the_error_is_relative_to_the_norm():
    expected = np.array([3.0, 4.0])
    assert relative_error(np.array([3.0, 5.0]), expected) == pytest.approx(0.2)
    for exponent in (-100, 0, 200, 305):
        scaled = expected * 10.0**exponent
        wrong = scaled * np.array([1, 1.25])
        if exponent >= 0:
            assert relative_error(wrong, scaled) == pytest.approx(0.2)
    assert relative_error(np.array([1e308]), np.array([-1e308])) > 1


@pytest.mark.parametrize(
    ("dtype", "off", "right"),
    [
        (np.float64, 1e-8, True),
        (np.float64, 1e-5, False),
        (np.float32, 1e-6, True),
        (np.float32, 1e-4, False),
        (np.float16, 2e-4, True),
        (np.float16, 2e-3, False),
    ],
)
def test_the_tolerance_follows_the_type_that_the_student_chose(dtype, off, right):
    expected = np.linspace(1, 2, 50)
    assert (kind((expected * (1 + off)).astype(dtype), expected) is None) == right


def test_the_steps_of_the_comparison_come_in_order():
    expected = np.ones((2, 3)) * 1.5
    assert kind(None, expected) == "type"
    assert kind("x", expected) == "type"
    assert kind(Foreign("masked array"), expected) == "type"
    assert kind(np.full((3, 2), np.nan), expected) == "shape"
    assert kind(np.full((2, 3), np.nan), expected) == "finite"
    assert kind(np.zeros((2, 3)), expected) == "value"
    assert kind(np.full((2, 3), 1.5), expected) is None


@pytest.mark.parametrize("shape", [(), (1,), (1, 3), (3,), (2, 1), (2, 3, 1), (3, 2), (0,), (6,)])
def test_a_broadcastable_shape_is_a_wrong_shape(shape):
    assert kind(np.full(shape, 1.5), np.full((2, 3), 1.5)) == "shape"


def test_expected_infinities_are_asked_for_and_excuse_nothing_else():
    expected = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert kind(expected.copy(), expected) is None
    assert kind(np.array([np.inf, np.inf, np.nan, 1.0]), expected) == "finite"
    assert kind(np.array([np.inf, -np.inf, 0.0, 1.0]), expected) == "finite"
    assert kind(np.array([1e308, -np.inf, np.nan, 1.0]), expected) == "finite"
    assert kind(np.array([np.inf, -np.inf, np.nan, 2.0]), expected) == "value"
    assert kind(np.array([np.inf, -np.inf, np.nan, np.nan]), expected) == "finite"


def test_zero_is_met_up_to_rounding():
    assert kind(np.full(3, 1e-16), np.zeros(3)) is None
    assert kind(np.full(3, 1e-9), np.zeros(3)) == "value"


def test_whole_numbers_are_exact_where_no_error_is_allowed():
    assert kind(3.0, 3, tolerance=0.0) is None
    assert kind(3 + 1e-12, 3, tolerance=0.0) == "type"
    assert kind(2**60 + 1, 2**60, tolerance=0.0) == "value"
    assert kind(2**70, 2**70, tolerance=0.0) is None
    assert kind(2**70 + 1, 2**70, tolerance=0.0) == "value"
    assert kind(3.5, 3) == "type"


def test_an_expected_none_is_not_judged():
    assert kind(object, None) is None
    assert compare_structure("x", None, reveal=False) is None


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ([np.zeros(2), np.ones(3)], True),
        ((np.zeros(2), np.ones(3)), True),
        ([np.zeros(2), np.zeros(3)], False),
        ([np.zeros(2)], False),
        (Foreign("torch.Tensor", np.array(1.0)), False),
        (Foreign("list", np.zeros(2)), False),
        (None, False),
        (np.zeros(2), False),
        ("ab", False),
        ({"a": 1, "b": 2}, False),
    ],
)
def test_sequences_of_arrays_are_compared_item_by_item(answer, right):
    assert (kind(answer, [np.zeros(2), np.ones(3)]) is None) == right


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ({"w": np.ones(2), "n": 3}, True),
        ({"n": 3, "w": [1.0, 1.0]}, True),
        ({"w": np.zeros(2), "n": 3}, False),
        ({"w": np.ones(2)}, False),
        ({"w": np.ones(2), "n": 3, "more": 1}, False),
        (np.ones(2), False),
        (None, False),
    ],
)
def test_dicts_are_compared_under_their_keys(answer, right):
    assert (kind(answer, {"w": np.ones(2), "n": 3}) is None) == right


@pytest.mark.parametrize("pair", [("relu", "tanh"), ("relu", None), ("relu", 3), ("relu", np.zeros(2))])
def test_text_is_compared(pair):
    assert kind("relu", "relu") is None
    assert kind(pair[1], pair[0]) in ("value", "type")


def test_a_hidden_difference_tells_no_shape_count_or_type():
    secret = np.random.default_rng(0).normal(size=(13, 17))
    for answer in (
        secret[:11],
        secret.T,
        secret + 1,
        np.full_like(secret, np.nan),
        Foreign("secret"),
        secret[None],
        [secret[0]],
        Foreign("array of dtype secret"),
    ):
        words = compare(answer, secret, tolerance=1e-7, reveal=False).message
        assert "secret" not in words
        assert "13" not in words
        assert "17" not in words.replace("221", "")


def test_a_visible_difference_tells_shapes_and_types():
    expected = np.zeros((13, 17))
    assert "(11, 17), expected (13, 17)" in compare(expected[:11], expected, tolerance=1e-7, reveal=True).message
    words = compare(Foreign("my\x1b[31m\nkind"), expected, tolerance=1e-7, reveal=True).message
    assert words == "expected a numeric array, got a my kind"


def agreeing():
    nan = np.array([np.nan, 1.0, np.inf])
    return [
        (nan, nan.copy()),
        (1.0, np.float32(1)),
        (None, None),
        ("a", "a"),
        ([1, "a"], (1, "a")),
        ({"a": np.ones(2)}, {"a": np.ones(2)}),
        (Foreign("set"), Foreign("set")),
        (np.ones(3) * (1 + 1e-9), np.ones(3)),
        (np.ones(3, np.float32) * np.float32(1 + 3e-6), np.ones(3)),
    ]


@pytest.mark.parametrize("pair", agreeing(), ids=repr)
def test_the_same_mistake_agrees(pair):
    assert agree(*pair)
    assert agree(*pair[::-1]) or pair[0].dtype != np.float64


@pytest.mark.parametrize(
    "pair",
    [
        (np.array([np.nan]), np.array([1.0])),
        (np.array([np.inf]), np.array([-np.inf])),
        (np.array([np.inf]), np.array([1e308])),
        (np.zeros(2), np.zeros(3)),
        (np.zeros(2), np.zeros((2, 1))),
        (None, 1.0),
        ("a", "b"),
        (["a", "b"], ["a", "c"]),
        (["a"], ["a", "a"]),
        ({"a": np.ones(2)}, {"a": np.zeros(2)}),
        ({"a": 1, "b": "x"}, {"a": 1}),
        (Foreign("set"), Foreign("masked array")),
        (Foreign("set"), None),
        (np.ones(3), np.ones(3) * (1 + 1e-5)),
    ],
    ids=repr,
)
def test_different_mistakes_do_not_agree(pair):
    assert not agree(*pair)
    assert not agree(*pair[::-1])


weird = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3),
    )
    | st.builds(Foreign, st.text(max_size=3), st.none() | st.just(np.array(1.0)) | st.just(np.zeros((2, 2)))),
    lambda t: (
        st.lists(t, max_size=3)
        | st.lists(t, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), t, max_size=2)
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(weird, weird, st.sampled_from([0.0, 1e-7]), st.booleans())
def test_any_two_trees_can_be_compared(answer, expected, tolerance, reveal):
    with np.errstate(all="ignore"):
        difference = compare(answer, expected, tolerance=tolerance, reveal=reveal)
        compare_structure(answer, expected, reveal=reveal)
        agree(answer, expected)
        assert compare(expected, expected, tolerance=tolerance, reveal=reveal) is None
        assert agree(expected, expected)
    assert difference is None or ("\n" not in difference.message and difference.message)
