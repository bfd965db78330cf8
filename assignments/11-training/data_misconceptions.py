"""What goes wrong before training: scaling, first weights, batches and splits. Knows no case and no points."""

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from grader.questions import Misconception

from . import reference

__all__ = ["FOLDS", "HE", "MINIBATCHES", "SPLIT", "STANDARDIZE", "XAVIER"]

Function = Callable[..., Any]


def _other_axes(x: Any, axis: int = 1) -> tuple[int, ...]:
    return tuple(a for a in range(x.ndim) if a != axis)


def _statistics(x: Any, axes: Any) -> tuple[Any, Any]:
    mean, std = x.mean(axis=axes, keepdims=True), x.std(axis=axes, keepdims=True)
    return mean, np.where(np.ptp(x, axis=axes, keepdims=True) == 0, 1.0, std)


def _scaled(statistics: Function, second: Function | None = None) -> Function:
    """Scale each set by the statistics of both sets that a function returns; the first set's are handed back."""

    def standardize(train: Any, test: Any) -> Any:
        mean, std = statistics(train, test)
        mean2, std2 = (second or statistics)(train, test)
        return (train - mean) / std, (test - mean2) / std2, mean, std

    return standardize


def _right(train: Any, test: Any) -> Any:
    return _statistics(train, _other_axes(train))


def _changed(change: Function) -> Function:
    return _scaled(lambda train, test: change(train, *_right(train, test)))


def _standardize(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"standardize": wrong}, hint, convention)


STANDARDIZE = (
    _standardize(
        "fitted-on-all",
        "What may you know before the exam?",
        _scaled(lambda train, test: _right(np.concatenate([train, test]), test)),
    ),
    _standardize(
        "test-by-its-own-statistics",
        "Does one test image have a mean and a deviation?",
        _scaled(_right, lambda train, test: _right(test, test)),
    ),
    _standardize(
        "test-left-as-it-was",
        "Does the network meet test images on the scale that it learned?",
        lambda train, test: (*_scaled(_right)(train, test)[:1], test.copy(), *_right(train, test)),
    ),
    _standardize(
        "one-mean-for-all-features",
        "Metres and kilograms: one mean for both?",
        _scaled(lambda train, test: _statistics(train, None)),
    ),
    _standardize(
        "each-example-by-itself",
        "Which axis counts the examples?",
        _scaled(
            lambda train, test: _statistics(train, _other_axes(train, 0)),
            lambda train, test: _statistics(test, _other_axes(test, 0)),
        ),
    ),
    _standardize(
        "each-pixel-by-itself",
        "Of an image, is one number kept for each pixel or for each channel?",
        _scaled(lambda train, test: _statistics(train, 0)),
    ),
    _standardize(
        "variance-for-deviation",
        "Which unit has the number that you divide by?",
        _changed(lambda train, mean, std: (mean, np.where(std == 1, 1.0, std**2))),
    ),
    _standardize(
        "not-centred",
        "What is the mean of your scaled training set?",
        lambda train, test: (*(x / _right(train, test)[1] for x in (train, test)), *_right(train, test)),
    ),
    _standardize(
        "not-divided",
        "What is the deviation of your scaled training set?",
        lambda train, test: (*(x - _right(train, test)[0] for x in (train, test)), *_right(train, test)),
    ),
    _standardize(
        "constant-divided-by-zero",
        "What is the deviation of a feature that never varies?",
        _changed(lambda train, mean, std: (mean, train.std(axis=_other_axes(train), keepdims=True))),
    ),
    _standardize(
        "n-minus-one",
        "Does your deviation divide by n or by n - 1?",
        _changed(
            lambda train, mean, std: (
                mean,
                np.where(
                    np.ptp(train, axis=_other_axes(train), keepdims=True) == 0,
                    1.0,
                    std * sqrt(train.size / train.shape[1] / max(train.size / train.shape[1] - 1, 1)),
                ),
            )
        ),
        "the sample's deviation, divided by n - 1, as pandas and R take it",
    ),
)


def _fans(shape: Any) -> tuple[int, int]:
    return prod(shape[1:]), shape[0] * prod(shape[2:])


def _xavier(name: str, hint: str, bound: Function, draw: Function | None = None) -> Misconception:
    """``bound(fan_in, fan_out, shape)`` without the gain, which ``draw`` gets already multiplied."""

    def xavier_uniform(shape: Any, *, rng: Any, gain: float = 1.0) -> Any:
        a = gain * bound(*_fans(shape), shape)
        return draw(rng, a, shape) if draw else rng.uniform(-a, a, shape)

    return Misconception(name, {"xavier_uniform": xavier_uniform}, hint)


def _glorot(inside: int, outside: int, shape: Any) -> float:
    return sqrt(6 / (inside + outside))


_WINDOW = "How many numbers does one output of a convolution read?"
_OWN_RNG = "Where do your random numbers come from?"
_TWICE = "What comes if the function is called twice with the same seed?"

XAVIER = (
    _xavier("fan-in-alone", "Which way do gradients flow, and what do they meet?", lambda i, o, s: sqrt(6 / i)),
    _xavier("two-for-six", "What is the variance of numbers uniform in [-a, a]?", lambda i, o, s: sqrt(2 / (i + o))),
    _xavier("window-forgotten", _WINDOW, lambda i, o, s: sqrt(6 / (s[0] + s[1]))),
    _xavier(
        "normal-for-uniform",
        "Is there a largest weight?",
        _glorot,
        lambda rng, a, s: rng.normal(0, a / sqrt(3), size=s),
    ),
    _xavier(
        "bound-as-deviation", "Is a the bound or the deviation?", _glorot, lambda rng, a, s: rng.normal(0, a, size=s)
    ),
    _xavier("only-positive", "What is the mean of your weights?", _glorot, lambda rng, a, s: rng.uniform(0, a, size=s)),
    _xavier("own-rng", _OWN_RNG, _glorot, lambda rng, a, s: np.random.default_rng().uniform(-a, a, size=s)),
    _xavier("seed-fixed", _TWICE, _glorot, lambda rng, a, s: np.random.default_rng(0).uniform(-a, a, size=s)),
    Misconception(
        "gain-ignored",
        {"xavier_uniform": lambda shape, *, rng, gain=1.0: reference.xavier_uniform(shape, rng=rng)},
        "Which argument did you not use?",
    ),
)


def _he(name: str, hint: str, deviation: Function, draw: Function | None = None) -> Misconception:
    def he_normal(shape: Any, *, rng: Any) -> Any:
        s = deviation(*_fans(shape), shape)
        return draw(rng, s, shape) if draw else rng.normal(0, s, size=shape)

    return Misconception(name, {"he_normal": he_normal}, hint)


def _kaiming(inside: int, outside: int, shape: Any) -> float:
    return sqrt(2 / inside)


HE = (
    _he("fan-out", "How many numbers are added up in one output?", lambda i, o, s: sqrt(2 / o)),
    _he("variance-as-deviation", "Is 2 / fan_in a variance or a deviation?", lambda i, o, s: 2 / i),
    _he("one-for-two", "How much of the signal does a ReLU let through?", lambda i, o, s: sqrt(1 / i)),
    _he("both-fans", "Is that Glorot's formula or He's?", lambda i, o, s: sqrt(2 / (i + o))),
    _he("window-forgotten", _WINDOW, lambda i, o, s: sqrt(2 / s[1])),
    _he(
        "uniform-for-normal",
        "Draw a histogram: is it a bell?",
        _kaiming,
        lambda rng, s, shape: rng.uniform(-s * sqrt(3), s * sqrt(3), size=shape),
    ),
    _he("own-rng", _OWN_RNG, _kaiming, lambda rng, s, shape: np.random.default_rng().normal(0, s, size=shape)),
    _he("seed-fixed", _TWICE, _kaiming, lambda rng, s, shape: np.random.default_rng(0).normal(0, s, size=shape)),
)


def _batches(x: Any, y: Any, order: Any, batch_size: int, drop_last: bool) -> list[tuple[Any, Any]]:
    stop = len(x) - len(x) % batch_size if drop_last else len(x)
    chosen = [order[i : min(i + batch_size, stop)] for i in range(0, stop, batch_size)]
    return [(x[k], y[k]) for k in chosen]


def _ordered(order: Function) -> Function:
    """Batches of ``order(rng, count, batch_size)``."""

    def minibatches(x: Any, y: Any, *, batch_size: int, rng: Any, drop_last: bool = False) -> Any:
        return _batches(x, y, order(rng, len(x), batch_size), batch_size, drop_last)

    return minibatches


def _block_order(rng: Any, count: int, size: int) -> Any:
    """Whole batches change places, their examples do not."""
    blocks = [np.arange(i, min(i + size, count)) for i in range(0, count, size)]
    full = [b for b in blocks if len(b) == size]
    return np.concatenate([full[k] for k in rng.permutation(len(full))] + [b for b in blocks if len(b) < size])


def _misaligned(x: Any, y: Any, *, batch_size: int, rng: Any, drop_last: bool = False) -> Any:
    return _batches(x[rng.permutation(len(x))], y, np.arange(len(x)), batch_size, drop_last)


def _in_place(x: Any, y: Any, *, batch_size: int, rng: Any, drop_last: bool = False) -> Any:
    order = rng.permutation(len(x))
    x[:], y[:] = x[order], y[order]
    return _batches(x, y, np.arange(len(x)), batch_size, drop_last)


def _dropping(drop: bool) -> Function:
    def minibatches(x: Any, y: Any, *, batch_size: int, rng: Any, drop_last: bool = False) -> Any:
        return _batches(x, y, rng.permutation(len(x)), batch_size, drop)

    return minibatches


def _generator(x: Any, y: Any, *, batch_size: int, rng: Any, drop_last: bool = False) -> Any:
    yield from _batches(x, y, rng.permutation(len(x)), batch_size, drop_last)


def _minibatches(name: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(name, {"minibatches": wrong}, hint)


MINIBATCHES = (
    _minibatches(
        "not-shuffled", "In which order does the network meet its examples?", _ordered(lambda r, n, s: np.arange(n))
    ),
    _minibatches("batches-shuffled-only", "Can two neighbours ever be in different batches?", _ordered(_block_order)),
    _minibatches(
        "same-order-each-epoch",
        "What differs between the second epoch and the first?",
        _ordered(lambda r, n, s: np.random.default_rng(0).permutation(n)),
    ),
    _minibatches("own-rng", _OWN_RNG, _ordered(lambda r, n, s: np.random.default_rng().permutation(n))),
    _minibatches(
        "with-replacement",
        "Does every example occur exactly once?",
        _ordered(lambda r, n, s: r.integers(0, n, size=n)),
    ),
    _minibatches("labels-not-shuffled", "Which label belongs to the first image of a batch?", _misaligned),
    _minibatches("last-always-dropped", "How many examples do your batches hold together?", _dropping(True)),
    _minibatches("drop-last-ignored", "Which argument did you not use?", _dropping(False)),
    _minibatches("shuffled-in-place", "Who owns x and y?", _in_place),
    _minibatches("generator", "What does list(...) make of a generator?", _generator),
)


def _split(name: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(name, {"stratified_split": wrong}, hint)


def _held_out(pick: Function) -> Function:
    """Hold out ``pick(labels, fraction, rng)``; train on the rest."""

    def stratified_split(labels: Any, *, test_fraction: float, rng: Any) -> Any:
        test = np.sort(pick(labels, test_fraction, rng))
        return np.setdiff1d(np.arange(len(labels)), test), test

    return stratified_split


def _per_class(order: Function) -> Function:
    def pick(labels: Any, fraction: float, rng: Any) -> Any:
        parts = [np.flatnonzero(labels == c) for c in np.unique(labels)]
        sizes = [min(max(int(fraction * len(p) + 0.5), 1), len(p) - 1) for p in parts]
        return np.concatenate([order(rng, p)[:s] for p, s in zip(parts, sizes, strict=True)])

    return pick


_picked = _per_class(lambda rng, members: rng.permutation(members))


def _equal_numbers(labels: Any, fraction: float, rng: Any) -> Any:
    parts = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    size = max(round(fraction * len(labels) / len(parts)), 1)
    return np.concatenate([rng.permutation(p)[:size] for p in parts])


def _leaking(labels: Any, *, test_fraction: float, rng: Any) -> Any:
    return np.arange(len(labels)), np.sort(_picked(labels, test_fraction, rng))


SPLIT = (
    _split(
        "not-stratified",
        "How many examples of the rarest class are held out?",
        _held_out(lambda labels, f, rng: rng.permutation(len(labels))[: round(f * len(labels))]),
    ),
    _split(
        "first-of-the-order",
        "What if the labels come in order?",
        _held_out(lambda labels, f, rng: np.arange(round(f * len(labels)))),
    ),
    _split(
        "rare-class-lost",
        "How many of two examples are a tenth?",
        _held_out(
            lambda labels, f, rng: np.concatenate(
                [
                    rng.permutation(np.flatnonzero(labels == c))[: int(f * np.sum(labels == c) + 0.5)]
                    for c in np.unique(labels)
                ]
            )
        ),
    ),
    _split("equal-numbers-of-each-class", "Is the test set like the data?", _held_out(_equal_numbers)),
    _split("test-is-also-trained", "Are there examples in both sets?", _leaking),
    _split(
        "sets-exchanged", "Which set is the larger one?", lambda *a, **o: reference.data.stratified_split(*a, **o)[::-1]
    ),
    _split(
        "first-of-each-class",
        "What does the rng decide?",
        _held_out(_per_class(lambda rng, members: members)),
    ),
    _split(
        "own-rng", _OWN_RNG, _held_out(_per_class(lambda rng, members: np.random.default_rng().permutation(members)))
    ),
    _split(
        "labels-for-indices",
        "Are these positions or classes?",
        lambda labels, **o: tuple(labels[i].astype(float) for i in reference.data.stratified_split(labels, **o)),
    ),
)


def _folds(name: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(name, {"k_fold_indices": wrong}, hint)


def _dealt(order: Function) -> Function:
    """Deal the positions of ``order(labels, rng)`` to the folds in turn."""

    def k_fold_indices(labels: Any, *, k: int, rng: Any) -> Any:
        everyone = order(labels, rng)
        parts = [np.sort(everyone[i::k]) for i in range(k)]
        return [(np.setdiff1d(everyone, p), p) for p in parts]

    return k_fold_indices


def _blocks(labels: Any, *, k: int, rng: Any) -> Any:
    parts = np.array_split(np.arange(len(labels)), k)
    return [(np.setdiff1d(np.arange(len(labels)), p), p) for p in parts]


def _by_class(labels: Any, rng: Any) -> Any:
    order = rng.permutation(len(labels))
    return order[np.argsort(labels[order], kind="stable")]


def _after(change: Function) -> Function:
    return lambda labels, *, k, rng: change(labels, k, rng, reference.data.k_fold_indices(labels, k=k, rng=rng))


FOLDS = (
    _folds(
        "not-stratified",
        "How are the classes spread over the folds?",
        _dealt(lambda labels, rng: rng.permutation(len(labels))),
    ),
    _folds("blocks-in-order", "What if the labels come in order?", _blocks),
    _folds(
        "not-shuffled",
        "What does the rng decide?",
        _dealt(lambda labels, rng: np.argsort(labels, kind="stable")),
    ),
    _folds("own-rng", _OWN_RNG, _dealt(lambda labels, rng: _by_class(labels, np.random.default_rng()))),
    _folds(
        "training-on-everything",
        "Are there examples in both sets of a fold?",
        _after(lambda labels, k, rng, folds: [(np.arange(len(labels)), v) for _, v in folds]),
    ),
    _folds(
        "sets-exchanged",
        "Which of the two is the larger one?",
        _after(lambda l, k, rng, folds: [(v, t) for t, v in folds]),
    ),
    _folds("one-fold-short", "How many folds are there?", _after(lambda labels, k, rng, folds: folds[:-1])),
    _folds(
        "parts-instead-of-pairs",
        "What does each fold train on?",
        _after(lambda l, k, rng, folds: [v for _, v in folds]),
    ),
    _folds(
        "independent-splits",
        "How often does each example validate?",
        _after(
            lambda labels, k, rng, folds: [
                reference.data.stratified_split(labels, test_fraction=1 / k, rng=rng) for _ in folds
            ]
        ),
    ),
)
