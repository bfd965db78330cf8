import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from solutions import losses
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library

ELEMENTWISE = [losses.mse_loss, losses.binary_cross_entropy_loss]

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
elementwise = pytest.mark.parametrize("loss", ELEMENTWISE, ids=lambda f: f.__name__)


def sample(shape=(4, 3), dtype=np.float64):
    """Return probabilities and targets of one shape."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.05, 0.95, shape).astype(dtype), rng.integers(0, 2, shape).astype(dtype)


def slope_along(loss, prediction, target, direction, step=1e-6):
    ahead, behind = (loss(prediction + s * direction, target)[0] for s in (step, -step))
    return (ahead - behind) / (2 * step)


def test_mse_worked_by_hand():
    value, dprediction = losses.mse_loss(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [4.0, 1.0]]))
    assert value == (0 + 4 + 1 + 9) / 4
    np.testing.assert_array_equal(dprediction, [[0, 1], [-0.5, 1.5]])


def test_binary_cross_entropy_worked_by_hand():
    value, dprediction = losses.binary_cross_entropy_loss(np.array([0.5, 0.25]), np.array([1.0, 0.0]))
    assert value == pytest.approx((math.log(2) + math.log(4 / 3)) / 2, rel=1e-15)
    np.testing.assert_allclose(dprediction, [-1 / 0.5 / 2, 1 / 0.75 / 2], rtol=1e-15)


def test_cross_entropy_worked_by_hand():
    scores = np.log(np.array([[1.0, 2.0, 5.0], [3.0, 3.0, 2.0]]))
    value, dscores = losses.cross_entropy_loss(scores, np.array([2, 0]))
    assert value == pytest.approx((math.log(8 / 5) + math.log(8 / 3)) / 2, rel=1e-15)
    np.testing.assert_allclose(dscores, np.array([[1, 2, -3], [-5, 3, 2]]) / 16, rtol=1e-14)


scores = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6), elements=st.floats(-1000, 1000)
)


@settings(deadline=None)
@given(scores, st.randoms(use_true_random=False))
def test_cross_entropy_is_scipys_log_softmax_at_the_labels(scores, random):
    n, classes = scores.shape
    labels = np.array([random.randrange(classes) for _ in range(n)])
    value, dscores = losses.cross_entropy_loss(scores, labels)
    logs = scipy.special.log_softmax(scores, axis=1)
    np.testing.assert_allclose(value, -logs[range(n), labels].mean(), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(n * dscores, np.exp(logs) - np.eye(classes)[labels], atol=1e-12)


@pytest.mark.parametrize("loss", [*ELEMENTWISE, losses.cross_entropy_loss], ids=lambda f: f.__name__)
def test_the_gradient_is_the_slope_of_the_value_along_any_direction(loss):
    prediction, target = sample()
    if loss is losses.cross_entropy_loss:
        prediction, target = 4 * prediction, np.array([2, 0, 1, 1])
    direction = np.random.default_rng(1).standard_normal(prediction.shape) / 50
    slope = slope_along(loss, prediction, target, direction)
    np.testing.assert_allclose(np.sum(loss(prediction, target)[1] * direction), slope, rtol=1e-7)


@dtypes
def test_a_perfect_prediction_costs_exactly_nothing(dtype):
    sure = np.array([0, 1, 1], dtype)
    for loss in ELEMENTWISE:
        value, gradient = loss(sure, sure)
        assert value == 0
        np.testing.assert_array_equal(gradient, 0)
    value, gradient = losses.cross_entropy_loss(np.array([[0, 1000, 0]], dtype), np.array([1]))
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@dtypes
def test_a_certain_and_wrong_probability_costs_a_hundred_and_no_more(dtype):
    prediction, target = np.array([0, 1, 0.5], dtype), np.array([1, 0, 1], dtype)
    with np.errstate(all="raise"):
        value, gradient = losses.binary_cross_entropy_loss(prediction, target)
    assert value == pytest.approx((200 + math.log(2)) / 3, rel=1e-6)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient[:2], [-1e12 / 3, 1e12 / 3], rtol=1e-6)


def test_a_tiny_probability_keeps_its_logarithm():
    tiny, one = np.array([1e-30]), np.ones(1)
    np.testing.assert_allclose(losses.binary_cross_entropy_loss(tiny, one)[0], 30 * math.log(10), rtol=1e-14)
    np.testing.assert_allclose(losses.binary_cross_entropy_loss(tiny, 1 - one)[0], 1e-30, rtol=1e-12)


@dtypes
@pytest.mark.parametrize("extreme", [1000.0, -1000.0])
def test_extreme_scores_cost_their_distance(dtype, extreme):
    scores = np.array([[extreme, 0, 0]], dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value, gradient = losses.cross_entropy_loss(scores, np.array([0 if extreme < 0 else 1]))
    assert value == pytest.approx(1000 + (math.log(2) if extreme < 0 else 0), rel=1e-6)
    np.testing.assert_allclose(gradient.sum(), 0, atol=1e-7)


def test_the_same_batch_twice_costs_the_same_and_pulls_half_as_hard_on_each_example():
    prediction, target = sample()
    for loss in ELEMENTWISE:
        once, twice = (loss(np.concatenate([prediction] * k), np.concatenate([target] * k)) for k in (1, 2))
        assert twice[0] == pytest.approx(once[0], rel=1e-14)
        np.testing.assert_allclose(twice[1][:4], once[1] / 2, rtol=1e-14)


def test_accuracy_can_rise_while_the_loss_stays_flat():
    labels = np.array([0, 0])
    before = np.array([[0.0, 0.02], [2.0, 0.0]])  # the first just wrong, the second surely right
    after = np.array([[0.02, 0.0], [1.84, 0.0]])
    losses_of = [losses.cross_entropy_loss(s, labels)[0] for s in (before, after)]
    assert [np.mean(s.argmax(axis=1) == labels) for s in (before, after)] == [0.5, 1.0]
    assert losses_of[0] == pytest.approx(losses_of[1], abs=2e-3)


def test_one_hot_marks_the_class_as_nyus_example_does():
    np.testing.assert_array_equal(losses.one_hot(np.array([1]), 3), [[0, 1, 0]])
    labels = np.random.default_rng(0).integers(0, 5, (2, 3, 4))
    rows = losses.one_hot(labels, 5)
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows, np.eye(5)[labels])
    assert losses.one_hot(labels, 5, dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64])
def test_labels_of_any_integer_type_reach_more_classes_than_the_type_counts(dtype):
    labels = np.array([3, 100], dtype)
    np.testing.assert_array_equal(losses.one_hot(labels, 300), np.eye(300)[labels])
    scores = np.random.default_rng(0).standard_normal((2, 300))
    assert losses.cross_entropy_loss(scores, labels)[0] == losses.cross_entropy_loss(scores, labels.astype(int))[0]


def test_one_hot_of_no_labels_has_no_rows():
    assert losses.one_hot(np.zeros(0, int), 4).shape == (0, 4)


@dtypes
def test_the_type_of_the_prediction_stays(dtype):
    prediction, target = sample(dtype=dtype)
    for loss in ELEMENTWISE:
        for kind in (np.float32, np.float64, np.int64, bool):
            value, gradient = loss(prediction, target.astype(kind))
            assert value.dtype == gradient.dtype == dtype
            assert value.shape == ()
    value, gradient = losses.cross_entropy_loss(prediction, np.array([0, 1, 2, 2]))
    assert value.dtype == gradient.dtype == dtype
    assert value.shape == ()


@dtypes
@pytest.mark.parametrize("name_of_library", LIBRARIES)
def test_every_array_library_gives_what_numpy_gives(dtype, name_of_library):
    xp = library(name_of_library)
    prediction, target = sample(dtype=dtype)
    prediction[0] = [0, 1, 0]
    labels = np.array([0, 2, 1, 1])
    for loss, arguments in [
        *[(f, (prediction, target)) for f in ELEMENTWISE],
        (losses.cross_entropy_loss, (prediction, labels)),
    ]:
        assert_same(xp, loss(*convert(xp, arguments)), loss(*arguments))
    assert_same(xp, losses.one_hot(convert(xp, labels), 3), losses.one_hot(labels, 3))
    bytes_ = labels.astype(np.uint8)
    assert_same(xp, losses.one_hot(convert(xp, bytes_), 300), losses.one_hot(bytes_, 300))


def test_views_give_the_same_and_read_only_inputs_are_enough():
    prediction, target = sample((6, 8))
    labels = np.array([0, 9, 2, 9, 3, 9])[::2]
    views = prediction[::2, ::-2], target[1::2, ::-2]
    for array in (prediction, target, labels):
        array.flags.writeable = False
    for loss in ELEMENTWISE:
        for result, expected in zip(loss(*views), loss(*(v.copy() for v in views)), strict=True):
            np.testing.assert_allclose(result, expected, rtol=1e-14)
    for result, expected in zip(
        losses.cross_entropy_loss(views[0], labels),
        losses.cross_entropy_loss(views[0].copy(), labels.copy()),
        strict=True,
    ):
        np.testing.assert_allclose(result, expected, rtol=1e-14)


@elementwise
@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1), (2, 3, 4)])
def test_any_shape_has_a_mean_over_all_elements(loss, shape):
    prediction, target = sample(shape)
    prediction, target = np.asarray(prediction), np.asarray(target)
    value, gradient = loss(prediction, target)
    assert np.shape(gradient) == shape
    alone = [loss(np.array([p]), np.array([t]))[0] for p, t in zip(prediction.ravel(), target.ravel(), strict=True)]
    np.testing.assert_allclose(value, np.mean(alone), rtol=1e-14)


@elementwise
def test_what_has_no_mean_or_no_partner_is_refused_by_name(loss):
    prediction, target = sample()
    with pytest.raises(ValueError, match=r"^prediction must hold at least one element, got shape \(0, 3\)"):
        loss(prediction[:0], target[:0])
    with pytest.raises(ValueError, match=r"^target must have the shape of prediction, \(4, 3\), got shape \(4,\)"):
        loss(prediction, target[:, 0])
    with pytest.raises(ValueError, match=r"^target must have the shape of prediction, \(4, 3\), got list"):
        loss(prediction, target.tolist())
    for bad in (prediction.tolist(), 0.5, np.ones((4, 3), int)):
        with pytest.raises(ValueError, match=r"^prediction must .*floating-point"):
            loss(bad, target)


@pytest.mark.parametrize("bad", [-1e-9, 1.0000001, np.nan, np.inf])
def test_what_is_no_probability_is_refused_by_name(bad):
    prediction, target = sample()
    spoilt = prediction.copy()
    spoilt[1, 2] = bad
    with pytest.raises(ValueError, match=r"^prediction must hold probabilities"):
        losses.binary_cross_entropy_loss(spoilt, target)
    with pytest.raises(ValueError, match=r"^target must hold probabilities"):
        losses.binary_cross_entropy_loss(prediction, spoilt)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        (np.ones(3), np.array([0]), r"^scores must be an array of shape \(N, C\)"),
        (np.ones((2, 3), int), np.array([0, 1]), "^scores must hold real floating-point numbers"),
        (np.ones((0, 3)), np.zeros(0, int), "^scores must hold at least one row and one class"),
        (np.ones((2, 0)), np.array([0, 1]), "^scores must hold at least one row and one class"),
        (np.ones((2, 3)), np.array([[0], [1]]), r"^labels must be an array of shape \(N,\)"),
        (np.ones((2, 3)), [0, 1], r"^labels must be an array of shape \(N,\), got list"),
        (np.ones((2, 3)), np.array([0, 1, 2]), "^labels must have one entry a row of scores, 2, got 3"),
        (np.ones((2, 3)), np.array([0.0, 1.0]), "^labels must be an array of integers, got dtype float64"),
        (np.ones((2, 3)), np.array([True, False]), "^labels must be an array of integers, got dtype bool"),
        (np.ones((2, 3)), np.array([0, 3]), r"^labels must lie in \[0, 3\)"),
        (np.ones((2, 3)), np.array([-1, 0]), r"^labels must lie in \[0, 3\)"),
    ],
)
def test_cross_entropy_refuses_bad_arguments_by_name(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        losses.cross_entropy_loss(scores, labels)


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([0, 1], 2, "^labels must be an array of integers, got list"),
        (np.array([0.0]), 2, "^labels must be an array of integers, got dtype float64"),
        (np.array([2]), 2, r"^labels must lie in \[0, 2\)"),
        (np.array([0]), 0, "^num_classes must be an integer of at least 1, got 0"),
        (np.array([0]), 2.0, r"^num_classes must be an integer, got 2\.0"),
    ],
)
def test_one_hot_refuses_bad_arguments_by_name(labels, num_classes, message):
    with pytest.raises(ValueError, match=message):
        losses.one_hot(labels, num_classes)
