"""Judges of first weights, batches, splits and predictions. They know arrays and indices, not what is learned.

Every judge takes plain parameters, so that a release can hold it. False alarms: which examples came where is exact and
accuses no right answer; an order is doubted only where a right one has it less than once in 10^17 draws; a mean or a
variance is allowed `_Z` standard deviations of its own estimate, a share `draws.DOUBT`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from grader.draws import plausible
from grader.findings import NO_ARRAY, Finding, numbers
from grader.plans import Answer, Foreign, Tree, as_array

Array: TypeAlias = npt.NDArray[Any]

_Z = 6.5
# Fourth moment over squared variance, less 1: how widely an estimate of the variance scatters.
_SCATTER = {"uniform": 0.8, "normal": 2.0}
# Share of the draws within one standard deviation.
_WITHIN = {"uniform": 1 / math.sqrt(3), "normal": math.erf(1 / math.sqrt(2))}


def weights(
    answer: Answer,
    *,
    shape: Sequence[int],
    family: str,
    deviation: float,
    others: Mapping[str, float] | None = None,
    step: int = 0,
) -> Finding | None:
    """Some thousand independent draws around 0, "uniform" or "normal", with this standard deviation.

    ``others`` names the standard deviations of known mistakes: the one that fits is the code.
    """
    w = numbers(answer, step, 0)
    if w is None:
        return NO_ARRAY
    if w.shape != tuple(shape):
        return Finding("shape", f"the weights have shape {w.shape}, expected {tuple(shape)}")
    if not np.isfinite(w).all():
        return Finding("not-finite", "some weights are not finite")
    found = math.sqrt(float(np.mean(w**2)))
    if abs(float(w.mean())) > _Z * found / math.sqrt(w.size):
        return Finding("mean", f"the mean of the weights is {w.mean():.3g}, expected one near 0")
    if len(np.unique(w)) < 0.9 * w.size:
        return Finding("repeated", "many weights are the same number: each should be drawn by itself")
    slack = _Z * math.sqrt(_SCATTER[family] / w.size)
    if abs((found / deviation) ** 2 - 1) > slack:
        message = f"the weights have a standard deviation of {found:.3g}, expected about {deviation:.3g}"
        fits = [name for name, other in (others or {}).items() if abs((found / other) ** 2 - 1) <= 1.6 * slack]
        return Finding(fits[0] if fits else "deviation", message)
    bound = math.sqrt(3) * deviation
    if family == "uniform" and float(np.abs(w).max()) > bound * (1 + 1e-5):
        return Finding("family", f"some weights lie outside ±{bound:.3g}")
    inside = int((np.abs(w) <= deviation).sum())
    if not plausible(inside, w.size, _WITHIN[family]):
        share = f"{inside / w.size:.0%} of the weights lie within one deviation, expected {_WITHIN[family]:.0%}"
        return Finding("family", f"the deviation is right, the distribution is not {family}: {share}")
    return None


def batches(
    answer: Answer,
    *,
    x: Array,
    y: Array,
    batch_size: int,
    drop_last: bool = False,
    steps: Sequence[int] = (0,),
) -> Finding | None:
    """Each step is one epoch: a list of (x, y) batches that together hold every example once, in a new random order.

    The first columns of ``x`` are all different: by them an example is known again. Orders are doubted for 20 examples
    and more.
    """
    orders = []
    for step in steps:
        pairs = [_items(pair) for pair in _items(answer.outcomes[step].values[0])]
        if not pairs or any(len(pair) != 2 for pair in pairs):
            return Finding("no-list", "expected a list of pairs (x_batch, y_batch)")
        parts = [(as_array(a), as_array(b)) for a, b in pairs]
        known = [_examples(a, x) for a, _ in parts]
        if any(k is None for k in known):
            return Finding("stranger", "a batch holds what is no example of x")
        rows = [k for k in known if k is not None]
        for (_, b), k in zip(parts, rows, strict=True):
            if b is None or b.shape != y[k].shape or not np.array_equal(b, y[k]):
                return Finding("misaligned", "the labels of a batch do not belong to its examples")
        finding = _sizes(rows, len(x), batch_size, drop_last)
        if finding is not None:
            return finding
        orders.append(np.concatenate(rows))
    if len(x) < 20:
        return None
    for order in orders:
        # In a random order one example on average stands directly before its old neighbour.
        if int((np.diff(order) == 1).sum()) >= 20 or np.array_equal(order, np.arange(len(order))):
            return Finding("in-order", "examples that were neighbours still are: the order is not random")
    if any(np.array_equal(a, b) for a, b in itertools.pairwise(orders)):
        return Finding("same-order", "the second epoch has the order of the first")
    return None


def _sizes(rows: list[Array], count: int, batch_size: int, drop_last: bool) -> Finding | None:
    sizes, rest = [len(k) for k in rows], count % batch_size
    full = [batch_size] * (count // batch_size)
    whole = full + [rest] * (rest > 0)
    order = np.concatenate(rows)
    if sizes != (full if drop_last else whole):
        if rest and sizes == full:
            return Finding("last-dropped", f"the last {rest} of {count} examples are left out")
        if rest and sizes == whole:
            return Finding("last-kept", f"the last batch has {rest} examples and should be left out")
        expected = full if drop_last else whole
        return Finding("sizes", f"the batches have sizes {sizes[:6]}, expected {expected[:6]}")
    if len(np.unique(order)) < len(order):
        return Finding("repeated", "an example occurs more than once in one epoch")
    return None


def split(answer: Answer, *, labels: Array, test_fraction: float, step: int = 0) -> Finding | None:
    """Two outputs, indices for training and for testing: every example once, each class in its proportion.

    Of n examples of a class, ``test_fraction * n`` rounded up or down are for testing, but never none and never all.
    """
    train, test = (_indices(v, len(labels)) for v in answer.outcomes[step].values)
    if train is None or test is None:
        return Finding("no-indices", "expected two vectors of indices, whole numbers from 0 to N - 1")
    shared = np.intersect1d(train, test)
    if shared.size:
        return Finding("leak", f"{shared.size} examples are in both sets")
    if len(train) + len(test) != len(labels) or len(np.unique(np.concatenate([train, test]))) != len(labels):
        return Finding("not-once", f"{len(train)} + {len(test)} indices do not hold each of {len(labels)} once")
    if _in_proportion(labels[test], labels, test_fraction):
        return None
    if _in_proportion(labels[train], labels, test_fraction):
        return Finding("exchanged", f"the training set has {len(train)} examples, the test set {len(test)}")
    for label, total in zip(*np.unique(labels, return_counts=True), strict=True):
        found = int((labels[test] == label).sum())
        if not _fair(found, int(total), test_fraction):
            message = f"of {total} examples of class {label}, {found} are for testing"
            return Finding("not-stratified", f"{message}, expected about {test_fraction * total:.3g}")
    return None


def _in_proportion(chosen: Array, labels: Array, fraction: float) -> bool:
    classes, totals = np.unique(labels, return_counts=True)
    return all(_fair(int((chosen == c).sum()), int(n), fraction) for c, n in zip(classes, totals, strict=True))


def _fair(found: int, total: int, fraction: float) -> bool:
    if not 1 <= found <= total - 1:
        return False
    # What rounds to none or to all is moved by one.
    return abs(found - min(max(fraction * total, 1), total - 1)) < 1 - 1e-9


def folds(answer: Answer, *, labels: Array, k: int, step: int = 0) -> Finding | None:
    """A list of k (train, validation) pairs of indices: each example validates once, each class is dealt evenly."""
    pairs = [_items(pair) for pair in _items(answer.outcomes[step].values[0])]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        return Finding("no-list", "expected a list of pairs (train, validation)")
    if len(pairs) != k:
        return Finding("count", f"{len(pairs)} folds, expected {k}")
    found = [tuple(_indices(part, len(labels)) for part in pair) for pair in pairs]
    validations = []
    for train, validation in found:
        if train is None or validation is None:
            return Finding("no-indices", "expected vectors of indices, whole numbers from 0 to N - 1")
        if np.intersect1d(train, validation).size:
            return Finding("leak", "a fold trains on examples that it validates with")
        if len(np.unique(train)) != len(train) or len(train) + len(validation) != len(labels):
            return Finding("incomplete", f"a fold trains on {len(train)} and validates with {len(validation)} examples")
        validations.append(validation)
    together = np.concatenate(validations)
    if len(together) != len(labels) or len(np.unique(together)) != len(labels):
        trains = np.concatenate([train for train, _ in found if train is not None])
        if len(trains) == len(labels) == len(np.unique(trains)):
            return Finding("exchanged", "the small part of each fold should validate, the large one train")
        return Finding("not-once", "not every example validates exactly once")
    for label in np.unique(labels):
        counts = [int((labels[v] == label).sum()) for v in validations]
        if max(counts) - min(counts) > 1:
            return Finding("not-stratified", f"of class {label} the folds hold {counts} examples")
    return None


def right(answer: Answer, *, labels: Array, least: float, step: int = 0) -> Finding | None:
    """At least this share of the predicted labels is right. The labels stay with the judge."""
    predicted = as_array(answer.outcomes[step].values[0])
    if predicted is None:
        return NO_ARRAY
    if predicted.shape != labels.shape:
        code = "scores" if predicted.shape[:1] == labels.shape else "shape"
        return Finding(code, "the predictions are no vector with one label for each image to be judged")
    share = float(np.mean(predicted == labels))
    if share >= least:
        return None
    message = f"{share:.1%} of {len(labels)} new examples are recognised, at least {least:.0%} are asked for"
    return Finding("chance" if share < 0.4 else "low", message)


def seeded(answer: Answer, *, pairs: Sequence[Sequence[int]], different: Sequence[Sequence[int]]) -> Finding | None:
    """Steps in ``pairs`` answer alike, steps in ``different`` do not; lists of arrays are compared array by array."""
    leaves = [[leaf for value in o.values for leaf in _leaves(value)] for o in answer.outcomes]
    for first, second in pairs:
        if not _alike(leaves[first], leaves[second]):
            return Finding("not-reproducible", "the same rng gives another answer the second time")
    for first, second in different:
        if _alike(leaves[first], leaves[second]):
            return Finding("not-random", "another rng gives the same answer")
    return None


def _leaves(tree: Tree) -> list[Array]:
    array = as_array(tree)
    if array is not None:
        return [array]
    return [leaf for item in tree for leaf in _leaves(item)] if isinstance(tree, list | tuple) else []


def _alike(one: Sequence[Array], other: Sequence[Array]) -> bool:
    return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _items(tree: Tree) -> list[Tree]:
    """What a list or tuple holds, also where it travelled as the array that it stands for."""
    if isinstance(tree, list | tuple):
        return list(tree)
    array = tree.array if isinstance(tree, Foreign) else tree
    return list(array) if isinstance(array, np.ndarray) and array.ndim else []


def _examples(batch: Array | None, x: Array) -> Array | None:
    """Which rows of x a batch is made of, None where one is no row of it."""
    if batch is None or batch.shape[1:] != x.shape[1:] or not len(batch):
        return None
    keys = x.reshape(len(x), -1)[:, 0]
    order = np.argsort(keys)
    place = np.clip(np.searchsorted(keys[order], batch.reshape(len(batch), -1)[:, 0]), 0, len(x) - 1)
    rows: Array = order[place]
    return rows if np.array_equal(x[rows], batch) else None


def _indices(tree: Tree, count: int) -> Array | None:
    array = as_array(tree)
    if array is None or array.ndim != 1 or array.dtype.kind not in "iu":
        return None
    return array.astype(np.int64) if array.size and array.min() >= 0 and array.max() < count else None
