"""Draws come from fixed seeds. Each statistical check says how often another seed would fail it by chance."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.preprocessing import StandardScaler

from solutions import data

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]
label_lists = st.lists(st.integers(0, 3), min_size=2, max_size=60)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_standardised_features_are_those_of_scikit_learn(dtype):
    train, test = ((rng(i).normal(size=(n, 5)) * 7 + 3).astype(dtype) for i, n in ((0, 40), (1, 9)))
    scaler = StandardScaler().fit(train.astype(np.float64))
    ours = data.standardize(train, test)
    assert all(array.dtype == dtype for array in ours)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for array, expected in zip(ours, (scaler.transform(train), scaler.transform(test)), strict=False):
        np.testing.assert_allclose(array, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(ours[2], scaler.mean_[None], rtol=tolerance)
    np.testing.assert_allclose(ours[3], scaler.scale_[None], rtol=tolerance)


def test_images_are_standardised_by_channel_and_a_later_image_alike():
    images, later = rng(0).uniform(size=(6, 3, 4, 5)), rng(1).uniform(size=(2, 3, 4, 5))
    train, mean, std = data.standardize(images)
    by_channel = np.moveaxis(images, 1, -1).reshape(-1, 3)
    expected = StandardScaler().fit_transform(by_channel).reshape(6, 4, 5, 3)
    np.testing.assert_allclose(np.moveaxis(train, 1, -1), expected, atol=1e-12)
    np.testing.assert_allclose(data.standardize(images, later)[1], (later - mean) / std, atol=1e-14)


def test_the_test_set_never_reaches_the_statistics():
    train = rng(0).normal(size=(10, 2))
    calm, wild = np.zeros((3, 2)), np.full((300, 2), 1e9)
    for first, second in zip(data.standardize(train, calm)[::2], data.standardize(train, wild)[::2], strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_feature_that_never_varies_becomes_zero_and_stays_finite_later():
    train = np.column_stack([np.full(1000, 0.1, dtype=np.float32), rng().normal(size=1000).astype(np.float32)])
    result, later, _, std = data.standardize(train, train[:1] + 1)
    assert np.abs(result[:, 0]).max() < 1e-6
    assert std[0, 0] == 1
    assert later[0, 0] == pytest.approx(1, abs=1e-6)


def test_a_large_offset_does_not_drown_the_deviation():
    centred = rng().normal(size=(200, 3))
    np.testing.assert_allclose(data.standardize(centred + 1e8)[0], data.standardize(centred)[0], atol=1e-6)


def test_standardize_leaves_its_inputs_alone_and_takes_strided_views():
    train, test = rng(0).normal(size=(8, 6))[:, ::2], rng(1).normal(size=(8, 6))[::2, ::-2]
    before = train.copy(), test.copy()
    results = data.standardize(train, test)
    np.testing.assert_array_equal(train, before[0])
    np.testing.assert_array_equal(test, before[1])
    for result, expected in zip(results, data.standardize(*before), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("sets", "name"),
    [
        (([[1.0, 2.0]],), "train"),
        ((np.ones(3),), "train"),
        ((np.ones((0, 3)),), "train"),
        ((np.ones((2, 3), dtype=int),), "train"),
        ((np.ones((2, 3)), np.ones((2, 4))), r"others\[0\]"),
        ((np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3, 1, 1))), r"others\[1\]"),
        ((np.ones((2, 3)), np.ones((2, 3), dtype=int)), r"others\[0\]"),
    ],
)
def test_a_set_that_cannot_be_standardised_is_named(sets, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        data.standardize(*sets)


SHAPES = [(40, 30), (7, 300), (20, 8, 5, 3), (30, 1, 7, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_first_weights_follow_their_distribution(shape):
    """Kolmogorov and Smirnov's test at 1e-6: of a million seeds about one would fail it."""
    window = math.prod(shape[2:])
    bound = math.sqrt(6 / ((shape[0] + shape[1]) * window))
    uniform, normal = data.xavier_uniform(shape, rng=rng(1), gain=2.0), data.he_normal(shape, rng=rng(2))
    assert uniform.shape == normal.shape == shape
    assert stats.kstest(uniform.ravel(), stats.uniform(-2 * bound, 4 * bound).cdf).pvalue > 1e-6
    assert stats.kstest(normal.ravel(), stats.norm(0, math.sqrt(2 / (shape[1] * window))).cdf).pvalue > 1e-6


@pytest.mark.oracle
@pytest.mark.parametrize("shape", SHAPES)
def test_first_weights_are_spread_as_those_of_pytorch(shape):
    """Two samples compared by Kolmogorov and Smirnov at 1e-6, as above."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    for ours, theirs in (
        (data.xavier_uniform(shape, rng=rng(1)), torch.nn.init.xavier_uniform_(torch.empty(shape))),
        (data.he_normal(shape, rng=rng(2)), torch.nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu")),
    ):
        assert stats.ks_2samp(ours.ravel(), theirs.numpy().ravel()).pvalue > 1e-6


@pytest.mark.parametrize("draw", [data.xavier_uniform, data.he_normal])
def test_weights_repeat_with_their_seed_in_the_type_asked_for(draw):
    assert draw((3, 4), rng=rng(5)).dtype == np.float64
    single = draw((3, 4), rng=rng(5), dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, draw((3, 4), rng=rng(5)).astype(np.float32))
    assert not np.array_equal(single, draw((3, 4), rng=rng(6), dtype=np.float32))
    for shape in ((5,), (0, 3), (2, 3, 0, 1)):
        with pytest.raises(ValueError, match=r"^shape must"):
            draw(shape, rng=rng())


@given(st.integers(0, 20), st.integers(1, 25), st.booleans())
def test_an_epoch_shows_every_example_once_with_its_label(count, batch_size, drop_last):
    x = np.arange(count * 6.0).reshape(count, 2, 3)
    batches = list(data.minibatches(x, np.arange(count), batch_size=batch_size, rng=rng(), drop_last=drop_last))
    sizes = [len(labels) for _, labels in batches]
    full, rest = divmod(count, batch_size)
    assert sizes == [batch_size] * full + [rest] * (rest > 0 and not drop_last)
    seen = np.concatenate([labels for _, labels in batches]) if batches else np.zeros(0, dtype=int)
    assert len(set(seen)) == len(seen)
    for images, labels in batches:
        np.testing.assert_array_equal(images, x[labels])


def test_every_epoch_has_its_own_order_and_every_order_is_as_likely():
    """Chi squared over the 24 orders of four examples at 1e-6: of a million seeds about one would fail it."""
    x, generator = np.arange(4), rng(3)
    orders = {}
    for _ in range(2400):
        order = tuple(int(i) for batch, _ in data.minibatches(x, x, batch_size=3, rng=generator) for i in batch)
        orders[order] = orders.get(order, 0) + 1
    assert len(orders) == 24
    assert stats.chisquare(list(orders.values())).pvalue > 1e-6


def test_batches_are_copies_and_repeat_with_their_seed():
    x, y = rng(0).normal(size=(6, 2)), np.arange(6)
    before = x.copy()
    for batch, labels in data.minibatches(x, y, batch_size=4, rng=rng(1)):
        batch += 1
        labels += 1
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(y, np.arange(6))
    runs = [[labels.tolist() for _, labels in data.minibatches(x, y, batch_size=4, rng=rng(2))] for _ in range(2)]
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("y", "batch_size", "name"), [(np.arange(3), 2, "y"), (np.arange(4), 0, "batch_size")])
def test_a_bad_argument_of_minibatches_is_named_at_the_call(y, batch_size, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        data.minibatches(np.arange(4), y, batch_size=batch_size, rng=rng())


@given(label_lists, st.floats(0.05, 0.95))
def test_a_split_holds_out_the_same_share_of_every_class(classes, fraction):
    labels = np.array(classes * 2)  # every class at least twice
    train, test = data.stratified_split(labels, test_fraction=fraction, rng=rng())
    assert sorted([*train, *test]) == list(range(len(labels)))
    for label in set(classes):
        count, held = np.sum(labels == label), np.sum(labels[test] == label)
        assert 1 <= held <= count - 1
        assert abs(held - fraction * count) <= 0.5 or held in (1, count - 1)


def test_a_split_has_the_proportions_of_scikit_learn():
    labels = rng(0).permutation(np.repeat([0, 1, 2], [500, 300, 40]))
    _, test = data.stratified_split(labels, test_fraction=0.2, rng=rng(1))
    _, theirs = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(labels, labels))
    np.testing.assert_allclose(np.bincount(labels[test]), np.bincount(labels[theirs]), atol=1)


def test_every_choice_of_held_out_examples_is_as_likely():
    """Chi squared over the 6 pairs out of 4 at 1e-6: of a million seeds about one would fail it."""
    labels, generator = np.array([0, 1, 0, 0, 1, 0]), rng(4)
    counts = dict.fromkeys(combinations([0, 2, 3, 5], 2), 0)
    for _ in range(1200):
        _, test = data.stratified_split(labels, test_fraction=0.5, rng=generator)
        counts[tuple(i for i in test.tolist() if labels[i] == 0)] += 1
    assert stats.chisquare(list(counts.values())).pvalue > 1e-6


@settings(max_examples=60)
@given(label_lists, st.integers(2, 7))
def test_folds_share_out_examples_and_classes_evenly(classes, k):
    labels = np.array(classes)
    if k > len(labels):
        return
    folds = data.k_fold_indices(labels, k=k, rng=rng())
    assert sorted(i for _, validation in folds for i in validation) == list(range(len(labels)))
    for train, validation in folds:
        assert sorted([*train, *validation]) == list(range(len(labels)))
    for members in (labels >= 0, *(labels == label for label in set(classes))):
        sizes = [int(members[validation].sum()) for _, validation in folds]
        assert max(sizes) - min(sizes) <= 1


def test_folds_have_the_class_counts_of_scikit_learn():
    labels = np.repeat([0, 1, 2], [50, 30, 20])
    ours = [np.bincount(labels[v]).tolist() for _, v in data.k_fold_indices(labels, k=5, rng=rng())]
    theirs = [np.bincount(labels[v]).tolist() for _, v in StratifiedKFold(5).split(labels, labels)]
    assert ours == theirs


def test_folds_are_drawn_afresh_and_repeat_with_their_seed():
    labels = np.zeros(30, dtype=int)
    first, again, other = ([v.tolist() for _, v in data.k_fold_indices(labels, k=3, rng=rng(i))] for i in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("labels", "fraction", "name"),
    [
        (np.array([0, 0, 1]), 0.5, "labels"),
        (np.zeros((2, 2)), 0.5, "labels"),
        ([0, 0, 1, 1], 0.5, "labels"),
        (np.array([0, 0]), 0, "test_fraction"),
        (np.array([0, 0]), 1.0, "test_fraction"),
        (np.array([0, 0]), math.nan, "test_fraction"),
    ],
)
def test_a_bad_argument_of_a_split_is_named(labels, fraction, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        data.stratified_split(labels, test_fraction=fraction, rng=rng())


@pytest.mark.parametrize(
    ("labels", "k", "name"), [(np.zeros((2, 2)), 2, "labels"), (np.zeros(3), 1, "k"), (np.zeros(3), 4, "k")]
)
def test_a_bad_argument_of_the_folds_is_named(labels, k, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        data.k_fold_indices(labels, k=k, rng=rng())


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_text_serves_every_array_library(library):
    xp = pytest.importorskip(library)
    x, y = rng(0).normal(size=(9, 3, 2, 2)), np.array([0, 1, 2] * 3)
    there = xp.asarray(x), xp.asarray(y)
    pairs = [
        (data.standardize(there[0], there[0]), data.standardize(x, x)),
        *zip(*(data.minibatches(*arrays, batch_size=4, rng=rng(1)) for arrays in (there, (x, y))), strict=True),
        [data.stratified_split(labels, test_fraction=0.3, rng=rng(1)) for labels in (there[1], y)],
        *zip(*(data.k_fold_indices(labels, k=2, rng=rng(1)) for labels in (there[1], y)), strict=True),
    ]
    for ours, expected in pairs:
        for array, number in zip(ours, expected, strict=True):
            assert type(array) is type(there[0])
            np.testing.assert_allclose(np.asarray(array), number, rtol=1e-12)
