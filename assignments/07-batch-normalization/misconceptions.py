"""What goes wrong in batch norm: wrong variants of the reference, each with the question that a teacher would ask.

Each variant is wrong in one way and right in all others. Knows no case and no points. The mistakes that only feature
maps make possible, and those of layer and group norm, are in files of their own.
"""

from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import batch_normalization as reference

from .example_misconceptions import GROUP_NORM, LAYER_NORM
from .map_misconceptions import MAPS
from .steps import Batch, BatchNorm

__all__ = ["BATCH_NORM", "BATCH_NORM_2D", "GROUP_NORM", "LAYER_NORM"]


def _mean(array: Any, axes: tuple[int, ...]) -> Any:
    return array.mean(axis=axes, keepdims=True)


def _cancelling(b: Batch) -> Any:
    return (b.x * b.x).mean(axis=b.axes) - b.mean**2


def _in_training(out: Any) -> Any:
    """What is wrong in training alone."""
    return lambda b: out(b) if b.training else b.scaled(b.by(*b.own))


def _averages(wrong: Any) -> Any:
    """What is wrong with the averages where they are to be updated."""
    return lambda b: wrong(b) if b.training else (b.running_mean, b.running_var)


def _in_place(b: Batch) -> Any:
    for kept, new in zip((b.running_mean, b.running_var), b.mixed(b.mean, b.unbiased), strict=True):
        kept[...] = new
    return b.running_mean, b.running_var


def _new_averages_first(b: Batch) -> Any:
    return b.scaled(b.by(*b.mixed(b.mean, b.unbiased)))


_TWO_MODES = "In training, whose mean and variance: the batch's, or the running ones? And in testing?"
_UNUSED = "Which argument is unused?"
_PREDICTING = "Should predicting change the state?"
_WEIGHTS = "With momentum 0.1, how much of the running average comes from this batch?"


def _forward(layer: BatchNorm) -> tuple[Misconception, ...]:
    f = layer.forward
    return (
        f("divides-by-the-variance", "Which units does a variance have?", lambda b: b.scaled(_by_variance(b))),
        f("mean-not-subtracted", "What is the mean of your normalised batch?", lambda b: b.scaled(_uncentred(b))),
        f(
            "only-centred",
            "What is the deviation of your normalised batch?",
            lambda b: b.scaled(b.x - b.along(b.own[0])),
        ),
        f(
            "one-mean-for-all",
            "Three features, three units of measure: how many means?",
            _in_training(lambda b: b.scaled(b.over(None))),
        ),
        f(
            "normalises-with-the-unbiased-variance",
            "Divided by N or by N - 1: which of the two variances makes the batch's own spread 1?",
            _in_training(lambda b: b.scaled(b.by(b.mean, b.unbiased))),
        ),
        f(
            "variance-cancels",
            "Move the batch by a million: what is left of E[x²] - E[x]²?",
            _in_training(lambda b: b.scaled(b.by(b.mean, _cancelling(b)))),
            _averages(lambda b: b.mixed(b.mean, _cancelling(b) * b.count / (b.count - 1))),
        ),
        f("eps-hard-coded", _UNUSED, lambda b: b.scaled(_with_eps(b, 1e-5))),
        f("eps-forgotten", "What if all values of a feature are the same?", lambda b: b.scaled(_with_eps(b, 0.0))),
        f("gamma-forgotten", _UNUSED, lambda b: b.by(*b.own) + b.along(b.beta)),
        f("beta-forgotten", _UNUSED, lambda b: b.by(*b.own) * b.along(b.gamma)),
        f(
            "gamma-and-beta-exchanged",
            "Which of the two scales, and which one shifts?",
            lambda b: b.by(*b.own) * b.along(b.beta) + b.along(b.gamma),
        ),
        f(
            "shifted-before-scaled",
            "Is beta scaled, too?",
            lambda b: (b.by(*b.own) + b.along(b.beta)) * b.along(b.gamma),
        ),
        f("test-uses-the-batch", "Feed one example: what comes out?", lambda b: b.scaled(b.by(b.mean, b.var))),
        f("train-uses-the-averages", _TWO_MODES, lambda b: b.scaled(b.by(b.running_mean, b.running_var))),
        f("averages-updated-first", _TWO_MODES, _in_training(_new_averages_first)),
        f("averages-not-stored", "Does the state survive?", None, lambda b: (b.running_mean, b.running_var)),
        f("test-updates-the-averages", _PREDICTING, None, lambda b: b.mixed(b.mean, b.unbiased)),
        f(
            "training-ignored",
            "Feed one example in testing. Which argument is unused?",
            lambda b: b.scaled(b.by(b.mean, b.var)),
            lambda b: b.mixed(b.mean, b.unbiased),
        ),
        f(
            "training-and-testing-exchanged",
            "Is training=True the branch that you think it is?",
            lambda b: b.scaled(b.by(b.running_mean, b.running_var) if b.training else b.by(b.mean, b.var)),
            lambda b: (b.running_mean, b.running_var) if b.training else b.mixed(b.mean, b.unbiased),
        ),
        f("momentum-hard-coded", _UNUSED, None, _averages(lambda b: b.mixed(b.mean, b.unbiased, 0.1))),
        f("averages-replaced", "Which batches does the running average remember?", None, _averages(_replaced)),
        f("averages-summed", "Do the two weights sum to one?", None, _averages(_summed)),
        f(
            "deviation-stored",
            "Is it the variance or its root that is kept?",
            None,
            _averages(lambda b: b.mixed(b.mean, np.sqrt(b.unbiased))),
        ),
        f("averages-exchanged", "In which order are the averages returned?", None, _averages(_exchanged)),
        f(
            "averages-changed-in-place",
            "What has become of the running averages that you were given?",
            None,
            _averages(_in_place),
        ),
        f(
            "momentum-of-the-old-value",
            _WEIGHTS,
            None,
            _averages(lambda b: b.mixed(b.mean, b.unbiased, 1 - b.momentum)),
            "the momentum of Keras and CS231n, the weight of the old value",
        ),
        f(
            "running-variance-biased",
            "Which variance estimates that of all images, not only of these?",
            None,
            _averages(lambda b: b.mixed(b.mean, b.var)),
            "the running variance of Ioffe and Szegedy's inner loop taken as it is, as in CS231n: divided by N",
        ),
        f(
            "averages-of-keras",
            _WEIGHTS,
            None,
            _averages(lambda b: b.mixed(b.mean, b.var, 1 - b.momentum)),
            "the running averages of Keras and CS231n: momentum weighs the old value, the variance is divided by N",
        ),
        _eps_outside(layer),
    )


def _by_variance(b: Batch) -> Any:
    mean, var = b.own
    return (b.x - b.along(mean)) / (b.along(var) + b.eps)


def _uncentred(b: Batch) -> Any:
    return b.x / np.sqrt(b.along(b.own[1]) + b.eps)


def _with_eps(b: Batch, eps: float) -> Any:
    mean, var = b.own
    return (b.x - b.along(mean)) / np.sqrt(b.along(var) + eps)


def _replaced(b: Batch) -> Any:
    return b.mean, b.unbiased


def _summed(b: Batch) -> Any:
    return b.running_mean + b.momentum * b.mean, b.running_var + b.momentum * b.unbiased


def _exchanged(b: Batch) -> Any:
    mean, var = b.mixed(b.mean, b.unbiased)
    return var, mean


def _eps_outside(layer: BatchNorm) -> Misconception:
    """Another layer, with a gradient of its own."""

    def forward(x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, **options: Any) -> Any:
        _, cache, *kept = layer.right_forward(x, gamma, beta, running_mean, running_var, **options)
        b = Batch(x, gamma, beta, running_mean, running_var, **options)
        mean, var = b.own
        std = b.along(np.sqrt(var))
        normalized = (x - b.along(mean)) / (std + b.eps)
        return b.scaled(normalized), (cache, normalized, std, b.eps, b), *kept

    def backward(dout: Any, cache: Any) -> Any:
        _, normalized, std, eps, b = cache
        g = dout * b.along(b.gamma)
        dx = g / (std + eps)
        if b.training:
            # The deviation's derivative is centred / (N std), and centred is normalized (std + eps).
            dx = (g - _mean(g, b.axes) - normalized * _mean(g * normalized, b.axes) * (std + eps) / std) / (std + eps)
        return dx, (dout * normalized).sum(axis=b.axes), dout.sum(axis=b.axes)

    functions = {layer.forward_name: forward, layer.backward_name: backward}
    hint = "What does the root see when the variance is zero?"
    return Misconception("eps-outside-the-root", functions, hint, "eps added to the deviation, outside of the root")


def _backward(layer: BatchNorm) -> tuple[Misconception, ...]:
    d, b = layer.dx, layer.backward
    return (
        d("statistics-as-constants", "Do the mean and the variance depend on x?", lambda g, z, s, axes: g * s),
        d("no-variance-path", "Which branch is missing?", lambda g, z, s, axes: s * (g - _mean(g, axes))),
        d("no-mean-path", "Which branch is missing?", lambda g, z, s, axes: s * (g - z * _mean(g * z, axes))),
        d(
            "variance-path-halved",
            "What is the derivative of a square?",
            lambda g, z, s, axes: s * (g - _mean(g, axes) - z * _mean(g * z, axes) / 2),
        ),
        d(
            "variance-path-added",
            "A larger variance: is the output larger or smaller?",
            lambda g, z, s, axes: s * (g - _mean(g, axes) + z * _mean(g * z, axes)),
        ),
        d(
            "mean-path-added",
            "A larger mean: is the output larger or smaller?",
            lambda g, z, s, axes: s * (g + _mean(g, axes) - z * _mean(g * z, axes)),
        ),
        d(
            "sums-for-means",
            "How much of the mean does one example own?",
            lambda g, z, s, axes: s * (g - g.sum(axis=axes, keepdims=True) - z * (g * z).sum(axis=axes, keepdims=True)),
        ),
        d(
            "dx-times-n",
            "In the short form with N in front, by what is the whole divided?",
            lambda g, z, s, axes: _right_dx(g, z, s, axes) * (g.size // g.shape[1]),
        ),
        d(
            "dx-divided-by-the-variance",
            "By which power of the variance was x divided?",
            lambda g, z, s, axes: _right_dx(g, z, s, axes) * s,
        ),
        d(
            "dx-times-the-deviation",
            "Double x: does dx double, or does it become half as large?",
            lambda g, z, s, axes: _right_dx(g, z, s, axes) / s**2,
        ),
        d("test-differentiated-as-training", "In testing, what depends on x?", _right_dx, testing=True),
        b(
            "gamma-missing-in-dx",
            "What becomes of dx when gamma doubles?",
            lambda right, dout, cache: _without_gamma(right, cache),
        ),
        b(
            "dgamma-without-the-normalised-x",
            "With what was gamma multiplied?",
            lambda right, dout, cache: (right[0], right[2], right[2]),
        ),
        b(
            "dgamma-from-the-centred-x",
            "With what was gamma multiplied?",
            lambda right, dout, cache: (right[0], right[1] / cache[1].ravel(), right[2]),
        ),
        _dgamma_from_x(layer),
        b(
            "not-summed-over-the-batch",
            "What shape is gamma?",
            lambda right, dout, cache: (right[0], dout * cache[0], dout),
        ),
        b(
            "parameters-averaged",
            "Sum or mean over the uses of gamma and beta?",
            lambda right, dout, cache: (right[0], *(v / (dout.size // dout.shape[1]) for v in right[1:])),
        ),
        b(
            "dbeta-times-gamma",
            "Is beta scaled, too?",
            lambda right, dout, cache: (right[0], right[1], right[2] * cache[2]),
        ),
        b(
            "dgamma-and-dbeta-exchanged",
            "In which order are the gradients returned?",
            lambda right, dout, cache: (right[0], right[2], right[1]),
        ),
    )


def _right_dx(g: Any, normalized: Any, inverse_std: Any, axes: tuple[int, ...]) -> Any:
    return inverse_std * (g - _mean(g, axes) - normalized * _mean(g * normalized, axes))


def _without_gamma(right: Any, cache: Any) -> Any:
    dx, *others = right
    return dx / np.reshape(cache[2], (1, -1, *[1] * (dx.ndim - 2))), *others


def _dgamma_from_x(layer: BatchNorm) -> Misconception:
    """The input itself where the normalised one belongs: the cache has to hold it."""

    def forward(x: Any, *others: Any, **options: Any) -> Any:
        out, cache, *kept = layer.right_forward(x, *others, **options)
        return out, (x, cache), *kept

    def backward(dout: Any, cache: Any) -> Any:
        x, right = cache
        dx, _, dbeta = layer.right_backward(dout, right)
        return dx, (dout * x).sum(axis=(0, *range(2, x.ndim))), dbeta

    functions = {layer.forward_name: forward, layer.backward_name: backward}
    return Misconception("dgamma-from-x", functions, "With what was gamma multiplied?")


_ONE = BatchNorm(reference, "batch_norm")
_MAPS = BatchNorm(reference, "batch_norm2d")


def _rows(b: Batch) -> Any:
    d = b.x.shape[1]
    return b.mixed(b.x.mean(axis=1, keepdims=True), b.x.var(axis=1, keepdims=True) * d / np.float64(d - 1))


BATCH_NORM = (
    *_forward(_ONE),
    _ONE.forward("rows-normalised", "Per feature or per example?", _in_training(lambda b: b.scaled(b.over((1,))))),
    _ONE.forward(
        "rows-normalised-and-averaged",
        "Per feature or per example? How many means does the batch have?",
        _in_training(lambda b: b.scaled(b.over((1,)))),
        _averages(_rows),
    ),
    *_backward(_ONE),
    _ONE.dx(
        "dx-averaged-over-features",
        "Along which axis was the mean taken on the way forward?",
        lambda g, z, s, axes: _right_dx(g, z, s, (1,)),
    ),
)

BATCH_NORM_2D = (*_forward(_MAPS), *_backward(_MAPS), *MAPS)
