"""Judges of first weights, batches, splits and predictions: what they accept of any right draw, and what they name."""

import numpy as np
import pytest

from grader import splits
from grader.execute import output_tree
from grader.plans import Answer, Outcome

LABELS = np.repeat([0, 1, 2], [40, 20, 8])
X = np.random.default_rng(0).permutation(68)[:, None] + np.array([[0.0, 0.5]])


def answer(*steps):
    """What a worker sends for steps with these outputs."""
    return Answer(tuple(Outcome(tuple(output_tree(v) for v in values)) for values in steps))


def code(finding):
    return "" if finding is None else finding.code


def weights(draw, **given):
    asked = {"shape": [60, 80], "family": "normal", "deviation": 0.3, "others": {"third": 0.1}}
    return code(splits.weights(answer([draw]), **{**asked, **given}))


@pytest.mark.parametrize("seed", range(50))
def test_weights_of_the_right_spread_pass(seed):
    rng = np.random.default_rng(seed)
    assert weights(rng.normal(0, 0.3, (60, 80))) == ""
    bound = 0.3 * 3**0.5
    assert weights(rng.uniform(-bound, bound, (60, 80)), family="uniform") == ""


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda rng: rng.normal(0, 0.1, (60, 80)), "third"),
        (lambda rng: rng.normal(0, 0.5, (60, 80)), "deviation"),
        (lambda rng: rng.normal(0.1, 0.28, (60, 80)), "mean"),
        (lambda rng: rng.uniform(-0.3 * 3**0.5, 0.3 * 3**0.5, (60, 80)), "family"),
        (lambda rng: np.repeat(rng.normal(0, 0.3, (60, 1)), 80, axis=1), "repeated"),
        (lambda rng: rng.normal(0, 0.3, (80, 60)), "shape"),
        (lambda rng: np.full((60, 80), np.nan), "not-finite"),
        (lambda rng: "weights", "array"),
    ],
)
def test_weights_of_another_kind_are_named(draw, expected):
    assert weights(draw(np.random.default_rng(3))) == expected


def cut(order, size, y=LABELS):
    return [(X[order[i : i + size]], y[order[i : i + size]]) for i in range(0, len(order), size)]


def batches(*epochs, **given):
    asked = {"x": X, "y": LABELS, "batch_size": 10, "steps": list(range(len(epochs)))}
    return code(splits.batches(answer(*([epoch] for epoch in epochs)), **{**asked, **given}))


def test_batches_in_any_random_order_pass_as_lists_tuples_or_arrays():
    rng = np.random.default_rng(1)
    one, two = rng.permutation(68), rng.permutation(68)
    assert batches(cut(one, 10), tuple(cut(two, 10))) == ""
    assert batches(cut(one[:60], 10), drop_last=True) == ""
    assert batches([[list(a), list(b)] for a, b in cut(one, 10)]) == ""


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda order: [cut(order, 10), cut(order, 10)], "same-order"),
        (lambda order: [cut(np.arange(68), 10)], "in-order"),
        (lambda order: [cut(order[:60], 10)], "last-dropped"),
        (lambda order: [cut(order, 11)], "sizes"),
        (lambda order: [cut(np.append(order[:-1], order[0]), 10)], "repeated"),
        (lambda order: [cut(order, 10, LABELS[::-1])], "misaligned"),
        (lambda order: [[(2 * a, b) for a, b in cut(order, 10)]], "stranger"),
        (lambda order: [[a for a, _ in cut(order, 10)]], "no-list"),
        (lambda order: [None], "no-list"),
    ],
)
def test_batches_that_lose_or_mix_something_are_named(wrong, expected):
    assert batches(*wrong(np.random.default_rng(1).permutation(68))) == expected


def test_a_last_batch_that_should_be_dropped_is_named():
    assert batches(cut(np.random.default_rng(1).permutation(68), 10), drop_last=True) == "last-kept"


def split(train, test, fraction=0.25):
    return code(splits.split(answer([train, test]), labels=LABELS, test_fraction=fraction))


def test_a_split_is_right_in_any_order_and_with_either_rounding():
    everyone = np.arange(68)
    test = np.r_[0:10, 40:45, 60:62]
    train = np.setdiff1d(everyone, test)
    assert split(train, test) == split(train[::-1], list(test)) == ""
    # 0.3 of 8 is 2.4: two or three are for testing.
    for many in (2, 3):
        chosen = np.r_[0:12, 40:46, 60 : 60 + many]
        assert split(np.setdiff1d(everyone, chosen), chosen, 0.3) == ""


def test_a_split_that_leaks_loses_or_tilts_is_named():
    everyone, test = np.arange(68), np.r_[0:10, 40:45, 60:62]
    train = np.setdiff1d(everyone, test)
    assert split(everyone, test) == "leak"
    assert split(train[1:], test) == "not-once"
    assert split(test, train) == "exchanged"
    assert split(everyone[17:], everyone[:17]) == "not-stratified"
    assert split(train.astype(float), test) == split(train + 60, test) == "no-indices"


def folds(pairs, k=4):
    return code(splits.folds(answer([pairs]), labels=LABELS, k=k))


def test_folds_are_right_or_named():
    parts = [np.arange(68)[i::4] for i in range(4)]
    right = [(np.setdiff1d(np.arange(68), p), p) for p in parts]
    assert folds(right) == folds([tuple(map(list, pair)) for pair in right]) == ""
    assert folds(right[:3]) == "count"
    assert folds([(np.arange(68), p) for p in parts]) == "leak"
    assert folds([(p, t) for t, p in right]) == "exchanged"
    assert folds([right[0]] * 4) == "not-once"
    assert folds([(t[1:], p) for t, p in right]) == "incomplete"
    assert folds(parts) == "no-list"
    blocks = np.split(np.arange(68), 4)
    assert folds([(np.setdiff1d(np.arange(68), p), p) for p in blocks]) == "not-stratified"


def test_two_folds_that_travel_as_one_array_are_read():
    labels = np.repeat([0, 1], 4)
    one = np.array([0, 1, 4, 5])
    pairs = [(np.setdiff1d(np.arange(8), one), one), (one, np.setdiff1d(np.arange(8), one))]
    tree = answer([[(list(map(int, a)), list(map(int, b))) for a, b in pairs]])
    assert splits.folds(tree, labels=labels, k=2) is None


def test_predictions_are_counted_against_labels_that_stay_here():
    def right(predicted, least=0.9):
        return code(splits.right(answer([predicted]), labels=LABELS, least=least))

    nearly = np.where(np.arange(68) < 5, 9, LABELS)
    assert right(nearly) == right(list(nearly)) == right(nearly.astype(float)) == ""
    assert right(nearly, 0.95) == "low"
    assert right(np.full(68, 9)) == "chance"
    assert right(np.eye(3)[LABELS]) == "scores"
    assert right(LABELS[1:]) == "shape"
    assert right("a") == "array"


def test_seeds_decide_lists_of_arrays_too():
    one, two = [(np.arange(3), np.arange(2))], [(np.arange(3), np.arange(1, 3))]
    given = {"pairs": [[0, 1]], "different": [[0, 2]]}
    assert splits.seeded(answer([one], [one], [two]), **given) is None
    assert code(splits.seeded(answer([one], [two], [two]), **given)) == "not-reproducible"
    assert code(splits.seeded(answer([one], [one], [one]), **given)) == "not-random"
