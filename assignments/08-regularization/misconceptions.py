"""Known mistakes of dropout, the penalties, max_norm and early stopping; pictures have a file of their own."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import regularization as reference

Function = Callable[..., Any]


def _over(a: Any, b: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.divide(a, b)


def _forward(mask: Function, test: Function | None = None) -> Function:
    """Training with ``mask(rng, shape, p)``; at test time every unit times ``test(p)``, or as it is."""

    def dropout_forward(x: Any, *, p: float, training: bool, rng: Any) -> tuple[Any, Any]:
        factor = mask(rng, x.shape, p) if training else np.full(x.shape, test(p) if test else 1.0)
        return x * factor, factor

    return dropout_forward


def _inverted(rng: Any, shape: tuple[int, ...], p: float) -> Any:
    return (rng.random(shape) >= p) * (1 / (1 - p) if p < 1 else 0.0)


def _right(x: Any, *, p: float, training: bool, rng: Any) -> tuple[Any, Any]:
    out, mask = reference.dropout_forward(x, p=p, training=training, rng=rng)
    return out, (mask, p)


def _changes_x(x: Any, *, p: float, training: bool, rng: Any) -> tuple[Any, Any]:
    _, mask = reference.dropout_forward(x, p=p, training=training, rng=rng)
    if mask is not None:
        x *= mask
    return x, mask


def _changes_dout(dout: Any, cache: Any) -> Any:
    if cache is not None:
        dout *= cache
    return dout


def _random_at_test(x: Any, *, p: float, training: bool, rng: Any) -> tuple[Any, Any]:
    mask = _inverted(rng, x.shape, p)
    return x * mask, mask


def _own(rng: Any) -> Any:
    return np.random.default_rng(rng)


def _drop(name: str, hint: str, mask: Function, test: Function | None = None, convention: str = "") -> Misconception:
    functions = {"dropout_forward": _forward(mask, test)}
    if convention:  # a layer of its own, both ways
        functions["dropout_backward"] = reference.dropout_backward
    return Misconception(name, functions, hint, convention)


def _back(name: str, hint: str, backward: Function) -> Misconception:
    """``backward(dout, mask, p)``, where there is a mask."""

    def dropout_backward(dout: Any, cache: Any) -> Any:
        mask, p = cache
        return dout if mask is None else backward(dout, mask, p)

    return Misconception(name, {"dropout_forward": _right, "dropout_backward": dropout_backward}, hint)


DROPOUT = (
    _drop(
        "keeps-with-p",
        "What survives at p = 0: everything or nothing?",
        lambda rng, shape, p: _over(rng.random(shape) < p, 1 - p),
    ),
    _drop(
        "divides-by-p",
        "At p = 0.2, how many of ten units are left, and by how much must they grow to keep the sum?",
        lambda rng, shape, p: _over(rng.random(shape) >= p, p),
    ),
    _drop(
        "not-scaled", "What is the mean of the output in training, and at test time?", lambda r, s, p: r.random(s) >= p
    ),
    _drop(
        "scaled-in-both-modes",
        "Scaled in training already: what is left to do at test time?",
        _inverted,
        lambda p: 1 - p,
    ),
    _drop(
        "multiplied-by-what-is-kept",
        "Fewer units are left: must the others grow or shrink?",
        lambda rng, shape, p: (rng.random(shape) >= p) * (1 - p),
    ),
    _drop(
        "p-to-keep",
        "What is p the probability of?",
        lambda rng, shape, p: _over(rng.random(shape) < p, p),
        None,
        "dropout with p as the probability to keep a unit, as BZU, GT and the paper write it",
    ),
    _drop(
        "scaled-at-test-time",
        "In which of the two modes are the units scaled here?",
        lambda rng, shape, p: 1.0 * (rng.random(shape) >= p),
        lambda p: 1 - p,
        "the original dropout, which scales at test time instead of in training",
    ),
    _drop(
        "p-to-keep-and-scaled-at-test-time",
        "What is p the probability of, and in which mode are the units scaled here?",
        lambda rng, shape, p: 1.0 * (rng.random(shape) < p),
        lambda p: p,
        "the original dropout with p as the probability to keep a unit, scaled at test time",
    ),
    Misconception(
        "random-at-test-time",
        {"dropout_forward": _random_at_test},
        "Ask for one example twice at test time: what may differ?",
    ),
    _drop(
        "one-mask-for-the-batch",
        "Do all examples of a batch lose the same units?",
        lambda rng, shape, p: np.zeros(shape) + _inverted(rng, shape[1:], p),
    ),
    _drop(
        "whole-examples-dropped",
        "Is it decided for each unit, or for each example?",
        lambda rng, shape, p: np.zeros(shape) + _inverted(rng, (shape[0],) + (1,) * (len(shape) - 1), p),
    ),
    _drop(
        "rng-ignored",
        "Call it twice with generators of the same seed: what differs?",
        lambda rng, shape, p: _inverted(np.random.default_rng(), shape, p),
    ),
    _drop(
        "seeded-inside",
        "Does the second step of training drop other units than the first?",
        lambda rng, shape, p: _inverted(_own(0), shape, p),
    ),
    _drop(
        "nan-at-one",
        "If everything is dropped, which number is multiplied by 1/0?",
        lambda rng, shape, p: _over(1.0 * (rng.random(shape) >= p), 1 - p),
    ),
    Misconception("input-changed", {"dropout_forward": _changes_x}, "Who else still needs x?"),
    Misconception("dout-changed", {"dropout_backward": _changes_dout}, "Who else still needs dout?"),
    _back(
        "new-mask-on-the-way-back",
        "Which units were off on the way forward?",
        lambda dout, mask, p: dout * _inverted(_own(None), dout.shape, p),
    ),
    _back(
        "mask-forgotten-on-the-way-back", "Can a unit that was off learn from this step?", lambda dout, mask, p: dout
    ),
    _back(
        "scale-forgotten-on-the-way-back",
        "By what was a surviving unit multiplied, and so its gradient?",
        lambda dout, mask, p: dout * (mask > 0),
    ),
    _back(
        "scaled-twice-on-the-way-back",
        "How often was a surviving unit scaled on the way forward?",
        lambda dout, mask, p: dout * mask * (1 / (1 - p) if p < 1 else 1.0),
    ),
    _back(
        "dropped-units-alone-on-the-way-back",
        "Which units did something: those that were on, or those that were off?",
        lambda dout, mask, p: dout * (mask == 0),
    ),
)


def _l2(name: str, hint: str, value: Function, gradient: Function, convention: str = "") -> Misconception:
    return Misconception(
        name, {"l2_penalty": lambda w, *, strength: (value(w, strength), gradient(w, strength))}, hint, convention
    )


def _square(w: Any, s: float) -> Any:
    return s * np.sum(w * w)


def _slope(w: Any, s: float) -> Any:
    return 2 * s * w


L2 = (
    _l2(
        "halved",
        "Is there a ½ before this penalty?",
        lambda w, s: _square(w, s) / 2,
        lambda w, s: s * w,
        "the penalty with a ½ before it, so that its gradient is λ w",
    ),
    _l2(
        "gradient-of-half-the-penalty",
        "Differentiate your penalty: what becomes of the square?",
        _square,
        lambda w, s: s * w,
    ),
    _l2(
        "value-halved",
        "Differentiate your penalty: does your gradient belong to it?",
        lambda w, s: _square(w, s) / 2,
        _slope,
    ),
    _l2("gradient-forgotten", "Does the penalty not pull at the weights?", _square, lambda w, s: 0 * w),
    _l2("gradient-turned", "Where does the penalty grow: away from 0 or towards it?", _square, lambda w, s: -2 * s * w),
    _l2("gradient-without-strength", "Differentiate λ w²: is λ gone?", _square, lambda w, s: 2 * w),
    _l2("strength-ignored", "Which argument is unused?", lambda w, s: np.sum(w * w), lambda w, s: 2 * w),
    _l2(
        "averaged",
        "Does the penalty of a layer shrink when another one is added?",
        lambda w, s: s * np.mean(w * w),
        lambda w, s: 2 * s * w / w.size,
    ),
    _l2(
        "root-taken",
        "Is it the norm, or its square?",
        lambda w, s: s * np.sqrt(np.sum(w * w)),
        lambda w, s: s * w / np.sqrt(np.sum(w * w)),
    ),
    _l2(
        "absolute-values",
        "Which penalty squares the weights, and which takes them as they are?",
        lambda w, s: s * np.sum(np.abs(w)),
        lambda w, s: s * np.sign(w),
    ),
    _l2("square-of-the-sum", "Square first or add first? Try 3 and -3.", lambda w, s: s * np.sum(w) ** 2, _slope),
    _l2("not-summed", "How many numbers is a penalty?", lambda w, s: s * w * w, _slope),
    _l2("strength-squared", "Is λ inside the square?", lambda w, s: s * s * np.sum(w * w), lambda w, s: 2 * s * s * w),
)


def _l1(name: str, hint: str, value: Function, gradient: Function) -> Misconception:
    return Misconception(name, {"l1_penalty": lambda w, *, strength: (value(w, strength), gradient(w, strength))}, hint)


def _size(w: Any, s: float) -> Any:
    return s * np.sum(np.abs(w))


def _sign(w: Any, s: float) -> Any:
    return s * np.sign(w)


L1 = (
    _l1("no-absolute-value", "What does a weight of -4 cost?", lambda w, s: s * np.sum(w), lambda w, s: s + 0 * w),
    _l1("gradient-without-sign", "Which way does the penalty push a negative weight?", _size, lambda w, s: s + 0 * w),
    _l1("gradient-grows-with-the-weight", "Is |w| steeper far from 0?", _size, lambda w, s: s * w),
    _l1("gradient-is-the-size", "What is the slope of |w| at -4?", _size, lambda w, s: s * np.abs(w)),
    _l1("gradient-forgotten", "Does the penalty not pull at the weights?", _size, lambda w, s: 0 * w),
    _l1(
        "gradient-turned",
        "Where does the penalty grow: away from 0 or towards it?",
        _size,
        lambda w, s: -s * np.sign(w),
    ),
    _l1("gradient-without-strength", "Differentiate λ |w|: is λ gone?", _size, lambda w, s: np.sign(w)),
    _l1("nan-at-zero", "What is 0/0?", _size, lambda w, s: s * _over(w, np.abs(w))),
    _l1("strength-ignored", "Which argument is unused?", lambda w, s: np.sum(np.abs(w)), lambda w, s: np.sign(w)),
    _l1(
        "averaged",
        "Does the penalty of a layer shrink when another one is added?",
        lambda w, s: s * np.mean(np.abs(w)),
        lambda w, s: s * np.sign(w) / w.size,
    ),
    _l1("squares", "Which penalty squares the weights, and which takes them as they are?", _square, _slope),
    _l1("size-of-the-sum", "Add first or take the size first? Try 3 and -3.", lambda w, s: s * abs(np.sum(w)), _sign),
    _l1("not-summed", "How many numbers is a penalty?", lambda w, s: s * np.abs(w), _sign),
)


def _elastic(name: str, hint: str, parts: Function, convention: str = "") -> Misconception:
    """``parts(w, λ₁, λ₂)`` -> value and gradient."""
    return Misconception(
        name,
        {"elastic_penalty": lambda w, *, l1_strength, l2_strength: parts(w, l1_strength, l2_strength)},
        hint,
        convention,
    )


ELASTIC = (
    _elastic(
        "strengths-exchanged",
        "Which of the two strengths belongs to the squares?",
        lambda w, a, b: (_size(w, b) + _square(w, a), _sign(w, b) + _slope(w, a)),
    ),
    _elastic("only-l1", "How many penalties are added?", lambda w, a, b: (_size(w, a), _sign(w, a))),
    _elastic("only-l2", "How many penalties are added?", lambda w, a, b: (_square(w, b), _slope(w, b))),
    _elastic(
        "gradient-of-l1-alone",
        "How many terms has the gradient of a sum?",
        lambda w, a, b: (_size(w, a) + _square(w, b), _sign(w, a)),
    ),
    _elastic(
        "gradient-of-l2-alone",
        "How many terms has the gradient of a sum?",
        lambda w, a, b: (_size(w, a) + _square(w, b), _slope(w, b)),
    ),
    _elastic(
        "squares-halved",
        "Is there a ½ before the squares?",
        lambda w, a, b: (_size(w, a) + _square(w, b) / 2, _sign(w, a) + b * w),
        "the elastic net with a ½ before the squares",
    ),
    _elastic(
        "gradient-of-half-the-squares",
        "Differentiate your penalty: what becomes of the square?",
        lambda w, a, b: (_size(w, a) + _square(w, b), _sign(w, a) + b * w),
    ),
    _elastic(
        "one-strength-for-both",
        "Which argument is unused?",
        lambda w, a, b: (_size(w, a) + _square(w, a), _sign(w, a) + _slope(w, a)),
    ),
    _elastic(
        "averaged-of-the-two",
        "Are the penalties added or averaged?",
        lambda w, a, b: ((_size(w, a) + _square(w, b)) / 2, (_sign(w, a) + _slope(w, b)) / 2),
    ),
    _elastic(
        "gradient-forgotten",
        "Does the penalty not pull at the weights?",
        lambda w, a, b: (_size(w, a) + _square(w, b), 0 * w),
    ),
    _elastic(
        "gradient-without-strengths",
        "Differentiate λ w²: is λ gone?",
        lambda w, a, b: (_size(w, a) + _square(w, b), _sign(w, 1.0) + _slope(w, 1.0)),
    ),
)


def _norm(w: Any, axes: Any = None) -> Any:
    axes = tuple(range(1, w.ndim)) if axes is None else axes
    return np.sqrt(np.sum(w * w, axis=axes, keepdims=True))


def _limited(name: str, hint: str, function: Function, convention: str = "") -> Misconception:
    def max_norm(w: Any, *, limit: float) -> Any:
        with np.errstate(all="ignore"):
            return function(w, limit)

    return Misconception(name, {"max_norm": max_norm}, hint, convention)


def _shrunk(w: Any, limit: float, norms: Any) -> Any:
    return w * np.where(norms > limit, limit / norms, 1.0)


def _in_place(w: Any, limit: float) -> Any:
    w *= np.where(_norm(w) > limit, limit / _norm(w), 1.0)
    return w


MAX_NORM = (
    _limited(
        "one-norm-for-all",
        "Whose norm is limited: the layer's, or each unit's?",
        lambda w, c: _shrunk(w, c, _norm(w, tuple(range(w.ndim)))),
    ),
    _limited(
        "norm-of-each-input",
        "Which axis of w counts the units?",
        lambda w, c: _shrunk(w, c, _norm(w, 0)),
        "weights laid out as (in, out), where a unit's weights are a column, as in Keras",
    ),
    _limited(
        "each-weight-limited",
        "Is it each weight that is limited, or a unit's weights together?",
        lambda w, c: np.clip(w, -c, c),
    ),
    _limited(
        "always-scaled",
        "What happens to a unit that is within the limit?",
        lambda w, c: w * np.where(_norm(w) > 0, c / _norm(w), 1.0),
    ),
    _limited("nan-for-a-unit-of-zeros", "What is 0/0?", lambda w, c: w * np.minimum(_norm(w), c) / _norm(w)),
    _limited("root-forgotten", "What is the norm of (3, 4): 5 or 25?", lambda w, c: _shrunk(w, c, _norm(w) ** 2)),
    _limited(
        "sum-of-sizes-for-the-norm",
        "What is the norm of (3, 4): 5 or 7?",
        lambda w, c: _shrunk(w, c, np.abs(w).sum(axis=tuple(range(1, w.ndim)), keepdims=True)),
    ),
    _limited(
        "largest-weight-for-the-norm",
        "What is the norm of (3, 4): 5 or 4?",
        lambda w, c: _shrunk(w, c, np.abs(w).max(axis=tuple(range(1, w.ndim)), keepdims=True)),
    ),
    _limited(
        "set-to-zero",
        "How large may the norm of a unit be that was beyond the limit?",
        lambda w, c: np.where(_norm(w) > c, 0 * w, w),
    ),
    _limited(
        "scaled-to-one",
        "What is the norm of a unit after it was shrunk?",
        lambda w, c: np.where(_norm(w) > c, w / _norm(w), w),
    ),
    _limited(
        "limit-subtracted",
        "Does the direction of the weights stay?",
        lambda w, c: np.where(_norm(w) > c, w - (_norm(w) - c), w),
    ),
    _limited(
        "small-ones-enlarged",
        "Which units are changed: large ones or small ones?",
        lambda w, c: w * np.maximum(np.where(_norm(w) > 0, c / _norm(w), 1.0), 1.0),
    ),
    _limited(
        "each-kernel-limited",
        "How deep is a filter?",
        lambda w, c: _shrunk(w, c, _norm(w, tuple(range(2, w.ndim)) or (1,))),
    ),
    _limited(
        "channels-alone-summed", "How many of the axes belong to one filter?", lambda w, c: _shrunk(w, c, _norm(w, 1))
    ),
    _limited("input-changed", "Who owns w?", _in_place),
)


class _Watch:
    """The reference with its decisions apart, to be spoilt one by one."""

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        self.patience, self.min_delta, self.bad = patience, min_delta, 0
        self.best_loss: Any = np.inf
        self.best_weights: Any = None

    def update(self, loss: float, weights: Any) -> bool:
        if self.better(loss):
            self.best_loss, self.best_weights, self.bad = loss, self.kept(weights), 0
        else:
            self.bad += 1
            self.worse(loss, weights)
        return self.stops()

    def better(self, loss: float) -> bool:
        return bool(loss < self.best_loss - self.min_delta)

    def worse(self, loss: float, weights: Any) -> None:
        pass

    def kept(self, weights: Any) -> Any:
        return copy.deepcopy(weights)

    def stops(self) -> bool:
        return self.bad >= self.patience


def _watch(name: str, hint: str, convention: str = "", **methods: Function) -> Misconception:
    return Misconception(name, {"EarlyStopping": type("EarlyStopping", (_Watch,), methods)}, hint, convention)


def _keeps_the_last(self: Any, loss: float, weights: Any) -> None:
    self.best_weights = copy.deepcopy(weights)


def _follows_small_steps(self: Any, loss: float, weights: Any) -> None:
    if loss < self.best_loss:
        self.best_loss, self.best_weights = loss, copy.deepcopy(weights)


def _against_the_last(self: Any, loss: float, weights: Any) -> bool:
    better = loss < getattr(self, "last", np.inf) - self.min_delta
    self.last = loss
    if better:
        self.bad = 0
    else:
        self.bad += 1
    if loss < self.best_loss:
        self.best_loss, self.best_weights = loss, copy.deepcopy(weights)
    return bool(self.stops())


def _never_reset(self: Any, loss: float, weights: Any) -> bool:
    if self.better(loss):
        self.best_loss, self.best_weights = loss, self.kept(weights)
    else:
        self.bad += 1
    return bool(self.stops())


def _loss_forgotten(self: Any, loss: float, weights: Any) -> bool:
    if self.better(loss):
        self.true_best, self.best_weights, self.bad = loss, self.kept(weights), 0
        self.best_loss = loss if self.best_loss == np.inf else self.best_loss
    else:
        self.bad += 1
    return bool(self.stops())


def _first_counts(self: Any, patience: int, min_delta: float = 0.0) -> None:
    _Watch.__init__(self, patience, min_delta)
    self.best_loss = 0.0


EARLY_STOPPING = (
    _watch(
        "one-epoch-late",
        "Patience 1: after how many bad epochs do you stop?",
        stops=lambda self: self.bad > self.patience,
    ),
    _watch("one-epoch-early", "Count the bad epochs.", stops=lambda self: self.bad >= max(self.patience - 1, 1)),
    _watch("patience-ignored", "Which argument is unused?", stops=lambda self: self.bad > 0),
    _watch(
        "bad-epochs-never-forgotten", "What happens to the count when the loss makes progress?", update=_never_reset
    ),
    _watch(
        "compared-with-the-last-epoch",
        "Progress against which loss: the last one, or the best?",
        update=_against_the_last,
    ),
    _watch(
        "equal-is-progress",
        "Is the same loss again progress?",
        better=lambda self, loss: loss <= self.best_loss - self.min_delta,
    ),
    _watch("returns-nothing", "What does update return once patience is exhausted?", stops=lambda self: None),
    _watch(
        "goes-on-and-stops-exchanged",
        "What does True mean: stop, or go on?",
        stops=lambda self: self.bad < self.patience,
    ),
    _watch(
        "larger-is-better",
        "Is it a loss or an accuracy?",
        better=lambda self, loss: self.best_loss == np.inf or loss > self.best_loss + self.min_delta,
    ),
    _watch("starts-from-zero", "Which loss is worse than every first one?", __init__=_first_counts),
    _watch("best-loss-never-changes", "What is compared in the third epoch?", update=_loss_forgotten),
    _watch("min-delta-ignored", "Which argument is unused?", better=lambda self, loss: loss < self.best_loss),
    _watch(
        "min-delta-added",
        "Must the loss fall by more than min_delta, or may it rise?",
        better=lambda self, loss: loss < self.best_loss + self.min_delta,
    ),
    _watch(
        "min-delta-relative",
        "Is min_delta an amount or a share?",
        "a relative threshold, as PyTorch's ReduceLROnPlateau has it",
        better=lambda self, loss: (
            loss < (np.inf if self.best_loss == np.inf else self.best_loss * (1 - self.min_delta))
        ),
    ),
    _watch("small-steps-move-the-best", "Is a step smaller than min_delta a new best?", worse=_follows_small_steps),
    _watch("last-weights-kept", "Which epoch's weights do you want back?", worse=_keeps_the_last),
    _watch(
        "weights-not-copied",
        "Training goes on and changes the weights: a copy or a reference?",
        kept=lambda self, weights: weights,
    ),
    _watch(
        "only-the-outer-list-copied",
        "Is the copy of a list also a copy of the arrays in it?",
        kept=lambda self, weights: copy.copy(weights),
    ),
    _watch(
        "nan-is-progress",
        "Which comparisons with nan are true?",
        better=lambda self, loss: not loss >= self.best_loss - self.min_delta,
    ),
)
