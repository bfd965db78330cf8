import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from solutions import metrics

COUNTERS = (metrics.confusion_counts, metrics.precision, metrics.recall, metrics.f1_score)
CURVES = (metrics.roc_curve, metrics.roc_auc, metrics.precision_recall_curve)

binary_pairs = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30)
# Scores from a handful of levels, so that ties, between and within the classes, are common.
scored = st.lists(st.tuples(st.sampled_from([-2.5, 0.0, 0.25, 1.0, 7.0]), st.integers(0, 1)), min_size=2, max_size=40)


@given(binary_pairs)
def test_counts_and_ratios_are_those_of_scikit_learn(pairs):
    predicted, labels = np.array(pairs).T.astype(int)
    tn, fp, fn, tp = sk.confusion_matrix(labels, predicted, labels=[0, 1]).ravel()
    assert metrics.confusion_counts(predicted, labels) == (tp, fp, fn, tn)
    for ours, theirs in (
        (metrics.precision, sk.precision_score),
        (metrics.recall, sk.recall_score),
        (metrics.f1_score, sk.f1_score),
    ):
        assert ours(predicted, labels) == pytest.approx(theirs(labels, predicted, zero_division=0), abs=1e-15)


@given(scored)
def test_curves_and_area_are_those_of_scikit_learn(pairs):
    scores, labels = np.array([s for s, _ in pairs]), np.array([t for _, t in pairs])
    if labels.any():
        expected = sk.precision_recall_curve(labels, scores)
        for ours, theirs in zip(metrics.precision_recall_curve(scores, labels), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-14)
    if labels.any() and not labels.all():
        expected = sk.roc_curve(labels, scores, drop_intermediate=False)
        for ours, theirs in zip(metrics.roc_curve(scores, labels), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-14)
        assert metrics.roc_auc(scores, labels) == pytest.approx(sk.roc_auc_score(labels, scores), rel=1e-12)


@given(scored)
def test_the_area_is_the_chance_that_a_positive_outscores_a_negative(pairs):
    scores, labels = np.array([s for s, _ in pairs]), np.array([t for _, t in pairs])
    positive, negative = scores[labels == 1], scores[labels == 0]
    if len(positive) and len(negative):
        wins = np.sign(positive[:, None] - negative[None, :])
        assert metrics.roc_auc(scores, labels) == pytest.approx((wins.mean() + 1) / 2, abs=1e-12)


def test_large_scores_in_float32_and_integers_rank_as_they_should():
    labels = np.array([0, 0, 1, 1, 0, 1])
    scores = np.array([1, 5, 4, 9, 2, 7])
    for dtype in (np.float32, np.float64, np.int32, np.int64):
        assert metrics.roc_auc((scores * 1000).astype(dtype), labels) == pytest.approx(8 / 9)


def test_exchanging_the_arguments_exchanges_precision_and_recall():
    predicted, labels = np.array([1, 1, 1, 0, 0]), np.array([1, 0, 0, 0, 1])
    assert metrics.precision(predicted, labels) == metrics.recall(labels, predicted) == 1 / 3
    assert metrics.recall(predicted, labels) == 1 / 2


def test_nothing_over_nothing_is_zero():
    none, some = np.zeros(4, dtype=int), np.array([0, 1, 1, 0])
    assert metrics.precision(none, some) == 0.0
    assert metrics.recall(some, none) == 0.0
    assert metrics.f1_score(none, none) == 0.0
    empty = np.zeros(0, dtype=int)
    assert metrics.confusion_counts(empty, empty) == (0, 0, 0, 0)
    assert metrics.f1_score(empty, empty) == 0.0


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_the_confusion_matrix_is_that_of_scikit_learn(pairs):
    predicted, labels = np.array(pairs, dtype=int).reshape(-1, 2).T
    ours = metrics.confusion_matrix(predicted, labels, classes=4)
    expected = sk.confusion_matrix(labels, predicted, labels=range(4)) if pairs else np.zeros((4, 4))
    np.testing.assert_array_equal(ours, expected)


def test_booleans_and_strided_views_count_like_integers():
    predicted, labels = np.array([1, 0, 1, 1, 0, 0]), np.array([1, 1, 0, 1, 0, 1])
    assert metrics.confusion_counts(predicted == 1, labels == 1) == metrics.confusion_counts(predicted, labels)
    doubled = np.repeat(predicted, 2)[::2], np.repeat(labels, 2)[::2]
    assert metrics.confusion_counts(*doubled) == metrics.confusion_counts(predicted, labels)
    assert metrics.roc_auc(doubled[0] * 1.0, doubled[1] == 1) == metrics.roc_auc(predicted * 1.0, labels)


def test_inputs_are_left_alone():
    scores, labels = np.array([0.3, 0.9, 0.1, 0.3]), np.array([0, 1, 0, 1])
    before = scores.copy(), labels.copy()
    for curve in CURVES:
        curve(scores, labels)
    for counter in COUNTERS:
        counter(labels, labels)
    np.testing.assert_array_equal(scores, before[0])
    np.testing.assert_array_equal(labels, before[1])


@pytest.mark.parametrize("library", ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)])
def test_the_same_text_serves_every_array_library(library):
    xp = pytest.importorskip(library)
    scores, labels = np.array([0.3, 0.9, 0.1, 0.3, 0.5]), np.array([0, 1, 0, 1, 0])
    there = xp.asarray(scores), xp.asarray(labels)
    guesses = np.array([1, 1, 0, 0, 1])
    for curve in CURVES:
        ours, expected = curve(*there), curve(scores, labels)
        if isinstance(expected, float):
            ours, expected = [ours], [expected]
        for our, number in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(our), number)
    for counter in COUNTERS:
        assert counter(xp.asarray(guesses), there[1]) == counter(guesses, labels)
    matrix = metrics.confusion_matrix(xp.asarray(guesses), there[1], classes=2)
    np.testing.assert_array_equal(np.asarray(matrix), metrics.confusion_matrix(guesses, labels, classes=2))


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize(
    ("predicted", "labels", "name"),
    [
        (np.array([0, 2]), np.array([0, 1]), "predicted"),
        (np.array([0, 1]), np.array([0, -1]), "labels"),
        (np.array([0.2, 0.9]), np.array([0, 1]), "predicted"),
        (np.array([0, 1, 1]), np.array([0, 1]), "labels"),
        (np.array([[0, 1]]), np.array([0, 1]), "predicted"),
        ([0, 1], np.array([0, 1]), "predicted"),
    ],
)
def test_a_bad_argument_of_a_count_is_named(counter, predicted, labels, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        counter(predicted, labels)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    ("scores", "labels", "name"),
    [
        (np.array([0.1, np.nan]), np.array([0, 1]), "scores"),
        (np.array([0.1, np.inf]), np.array([0, 1]), "scores"),
        (np.array([0.1, 0.2]), np.array([0, 3]), "labels"),
        (np.array([0.1, 0.2]), np.array([0, 0]), "labels"),
        (np.zeros(0), np.zeros(0, dtype=int), "labels"),
        (np.array([0.1]), np.array([0, 1]), "labels"),
        (np.array([[0.1, 0.2]]), np.array([0, 1]), "scores"),
    ],
)
def test_a_bad_argument_of_a_curve_is_named(curve, scores, labels, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        curve(scores, labels)


def test_a_curve_without_negatives_is_refused_where_a_rate_needs_them():
    scores, positives = np.array([0.1, 0.2]), np.array([1, 1])
    for curve in (metrics.roc_curve, metrics.roc_auc):
        with pytest.raises(ValueError, match="labels must contain both classes"):
            curve(scores, positives)
    assert metrics.precision_recall_curve(scores, positives)[0].tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("predicted", "labels", "classes", "name"),
    [
        (np.array([0, 3]), np.array([0, 1]), 3, "predicted"),
        (np.array([0, 1]), np.array([-1, 1]), 3, "labels"),
        (np.array([0.0, 1.0]), np.array([0, 1]), 3, "predicted"),
        (np.array([0, 1]), np.array([0, 1]), 0, "classes"),
    ],
)
def test_a_bad_argument_of_the_matrix_is_named(predicted, labels, classes, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        metrics.confusion_matrix(predicted, labels, classes=classes)
