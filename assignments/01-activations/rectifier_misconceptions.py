"""What goes wrong in the activations that pass positive numbers on: ReLU, leaky ReLU, PReLU, ELU.

Each variant is wrong in one way. Knows no case and no points.
"""

from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import activations as reference

from .variants import Layer

_UPSTREAM = "Where does the upstream gradient enter?"
_OWNER = "Print the input afterwards: is it still what it was?"
_SIGN = "Which array opened the gate on the way forward?"
_UNUSED = "Which argument is unused?"


def _below(x: Any) -> Any:
    return np.minimum(x, 0.0)


def _above(x: Any) -> Any:
    return np.maximum(x, 0.0)


_relu = Layer(reference, "relu")


def _relu_in_place(x: Any) -> Any:
    x[x < 0] = 0
    return x, x


def _relu_backward_in_place(dout: Any, x: Any) -> Any:
    dout[x <= 0] = 0
    return dout


RELU = (
    Misconception("input-changed", {"relu_forward": _relu_in_place}, _OWNER),
    _relu.forward("absolute-value", "What becomes of -3?", np.abs),
    _relu.forward("negative-part-kept", "Which half of the numbers passes?", _below),
    _relu.forward("step-for-ramp", "What should 3 give: the answer 'yes', or 3?", lambda x: (x > 0) * 1.0),
    _relu.forward("bounded-at-one", "What should 3 give? Is there an upper bound?", lambda x: np.clip(x, 0.0, 1.0)),
    _relu.forward("leaks", "How much of -3 gets through?", lambda x: np.where(x > 0, x, 0.01 * x)),
    _relu.backward("upstream-forgotten", _UPSTREAM, lambda dout, x: (x > 0) * 1.0),
    _relu.backward("gate-of-the-gradient", _SIGN, lambda dout, x: _above(dout)),
    _relu.backward(
        "two-gates",
        "May a negative gradient pass an open gate?",
        lambda dout, x: dout * (x > 0) * (dout > 0),
    ),
    _relu.backward("dout-changed", "Who else owns dout?", _relu_backward_in_place),
    _relu.backward("no-gate", "Which units had no part in the output?", lambda dout, x: dout.copy()),
    _relu.backward("gate-inverted", "Which units were open: those above or below zero?", lambda d, x: d * (x <= 0)),
    _relu.backward("value-for-slope", "Where x = 3: what is the slope of max(0, x)?", lambda dout, x: dout * _above(x)),
)


_leaky = Layer(reference, "leaky_relu")


def _leaky_in_place(x: Any, *, slope: float = 0.01) -> Any:
    right, (_, slope) = reference.leaky_relu_forward(x, slope=slope)
    original = x.copy()
    x[...] = right
    return x, (original, slope)


def _leaky_slope_of_ub(x: Any, *, slope: float = 0.1) -> Any:
    return reference.leaky_relu_forward(x, slope=slope)


def _leaky_slope_of_nyu(x: Any, *, slope: float = 0.02) -> Any:
    return reference.leaky_relu_forward(x, slope=slope)


_DEFAULT = "What slope does the signature name when none is given?"

LEAKY_RELU = (
    Misconception("input-changed", {"leaky_relu_forward": _leaky_in_place}, _OWNER),
    _leaky.forward("slope-hard-coded", _UNUSED, lambda x, *, slope=0.01: np.maximum(x, 0.01 * x)),
    _leaky.forward("no-leak", "How much of -3 gets through?", lambda x, *, slope=0.01: _above(x)),
    _leaky.forward(
        "slope-on-the-wrong-side",
        "Which numbers are damped, those above or below zero?",
        lambda x, *, slope=0.01: np.where(x > 0, slope * x, x),
    ),
    _leaky.forward(
        "folded-up", "Is the answer to -3 above or below zero?", lambda x, *, slope=0.01: _above(x) - slope * _below(x)
    ),
    _leaky.forward(
        "slope-on-both-sides", "What should 3 give, exactly 3?", lambda x, *, slope=0.01: _above(x) + slope * x
    ),
    _leaky.forward(
        "slope-as-bound", "The slope times what? Try -3 and -6.", lambda x, *, slope=0.01: np.maximum(x, slope)
    ),
    _leaky.backward(
        "slope-hard-coded-backward", "Does the cache know the slope?", lambda d, c: d * np.where(c[0] > 0, 1.0, 0.01)
    ),
    _leaky.backward(
        "value-for-slope", "Differentiate slope · x by x.", lambda d, c: d * np.where(c[0] > 0, 1.0, c[1] * c[0])
    ),
    _leaky.backward("upstream-forgotten", _UPSTREAM, lambda d, c: np.where(c[0] > 0, 1.0, c[1])),
    _leaky.backward("dead-below-zero", "Why does this ReLU leak?", lambda d, c: d * (c[0] > 0)),
    _leaky.backward("no-gate", "Is the slope the same on both sides?", lambda d, c: d.copy()),
    _leaky.backward("gate-of-the-gradient", _SIGN, lambda d, c: d * np.where(d > 0, 1.0, c[1])),
    _leaky.backward(
        "slope-negative", "Does slope · x rise or fall as x rises?", lambda d, c: d * np.where(c[0] > 0, 1.0, -c[1])
    ),
    _leaky.both("slope-0.1-by-default", _DEFAULT, _leaky_slope_of_ub, convention="the slope 0.1 of UB's notes"),
    _leaky.both("slope-0.02-by-default", _DEFAULT, _leaky_slope_of_nyu, convention="the slope 0.02 of NYU's notes"),
)


_prelu = Layer(reference, "prelu")


def _columns(x: Any, slope: Any) -> Any:
    return slope.reshape((1, -1) + (1,) * (x.ndim - 2))


def _but_channels(x: Any) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _dslope(title: str, hint: str, wrong: Any) -> Misconception:
    """``wrong(dout, x, slope, below)`` is the gradient of the slope; dx stays right."""

    def backward(dout: Any, cache: Any) -> Any:
        return reference.prelu_backward(dout, cache)[0], wrong(dout, *cache)

    return _prelu.backward(title, hint, backward)


def _dx(title: str, hint: str, wrong: Any) -> Misconception:
    """``wrong(dout, x, slope)`` is the gradient of x; dslope stays right."""

    def backward(dout: Any, cache: Any) -> Any:
        return wrong(dout, *cache[:2]), reference.prelu_backward(dout, cache)[1]

    return _prelu.backward(title, hint, backward)


def _exchanged(dout: Any, cache: Any) -> Any:
    dx, dslope = reference.prelu_backward(dout, cache)
    return dslope, dx


PRELU = (
    _prelu.forward(
        "slope-on-the-last-axis",
        "Which axis holds the channels? Try images.",
        lambda x, slope: np.where(x > 0, x, slope * x),
    ),
    _prelu.forward(
        "one-slope-for-all",
        "How many slopes does the layer have?",
        lambda x, slope: np.where(x > 0, x, slope[0] * x),
    ),
    _prelu.forward(
        "larger-of-the-two",
        "Try a slope of 2, or of -1: which of x and slope · x is larger?",
        lambda x, slope: np.maximum(x, _columns(x, slope) * x),
    ),
    _prelu.forward("no-leak", _UNUSED, lambda x, slope: _above(x)),
    _prelu.forward(
        "slope-on-the-wrong-side",
        "Which numbers are damped, those above or below zero?",
        lambda x, slope: np.where(x > 0, _columns(x, slope) * x, x),
    ),
    _prelu.forward(
        "slope-on-both-sides", "What should 3 give, exactly 3?", lambda x, slope: _above(x) + _columns(x, slope) * x
    ),
    _dslope(
        "dslope-from-all-of-x",
        "Where does the slope act? Does a positive number feel it?",
        lambda d, x, slope, below: (d * x).sum(axis=_but_channels(x)),
    ),
    _dslope(
        "dslope-from-the-positive-part",
        "Which numbers are multiplied by the slope?",
        lambda d, x, slope, below: (d * _above(x)).sum(axis=_but_channels(x)),
    ),
    _dslope("dslope-not-summed", "What shape is the slope?", lambda d, x, slope, below: d * below),
    _dslope(
        "dslope-summed-over-the-batch-alone",
        "How many pixels share one slope?",
        lambda d, x, slope, below: (d * below).sum(axis=0),
    ),
    _dslope(
        "dslope-summed-over-everything",
        "How many slopes are there to learn?",
        lambda d, x, slope, below: (d * below).sum(),
    ),
    _dslope(
        "dslope-averaged",
        "A value is used many times: do its gradients add up or average?",
        lambda d, x, slope, below: (d * below).mean(axis=_but_channels(x)),
    ),
    _dslope("dslope-upstream-forgotten", _UPSTREAM, lambda d, x, slope, below: below.sum(axis=_but_channels(x)) * 1.0),
    _dslope(
        "dslope-times-the-slope",
        "Differentiate slope · x by the slope: what remains?",
        lambda d, x, slope, below: (d * slope * below).sum(axis=_but_channels(x)),
    ),
    _dslope(
        "dslope-counts",
        "Differentiate slope · x by the slope: is it 1?",
        lambda d, x, slope, below: (d * (x < 0)).sum(axis=_but_channels(x)),
    ),
    _dx("dx-dead-below-zero", "How much of -3 got through?", lambda d, x, slope: d * (x > 0)),
    _dx("dx-no-gate", "Is the slope the same on both sides?", lambda d, x, slope: d.copy()),
    _dx("dx-upstream-forgotten", _UPSTREAM, lambda d, x, slope: np.where(x > 0, 1.0, slope)),
    _dx("dx-value-for-slope", "Differentiate slope · x by x.", lambda d, x, slope: d * np.where(x > 0, 1.0, slope * x)),
    _prelu.backward("gradients-exchanged", "In which order do the inputs come?", _exchanged),
)


_elu = Layer(reference, "elu")


def _celu_forward(x: Any, *, alpha: float = 1.0) -> Any:
    below = np.minimum(x, 0.0) / alpha
    return np.where(x > 0, x, alpha * np.expm1(below)), (x, np.exp(below))


def _celu_backward(dout: Any, cache: Any) -> Any:
    x, slope = cache
    return dout * np.where(x > 0, 1.0, slope)


def _elu_slope(title: str, hint: str, wrong: Any) -> Misconception:
    """``wrong(out, alpha)`` is the slope below zero."""

    def backward(dout: Any, cache: Any) -> Any:
        x, below, alpha = cache
        return dout * np.where(x > 0, 1.0, wrong(below, alpha))

    return _elu.backward(title, hint, backward)


def _elu_upstream_forgotten(dout: Any, cache: Any) -> Any:
    x, below, alpha = cache
    return np.where(x > 0, 1.0, below + alpha)


ELU = (
    _elu.forward(
        "jumps-at-zero",
        "Is it continuous? Come near 0 from below.",
        lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * np.exp(_below(x)) - 1),
    ),
    _elu.forward("alpha-ignored", _UNUSED, lambda x, *, alpha=1.0: np.where(x > 0, x, np.expm1(_below(x)))),
    _elu.forward(
        "one-not-subtracted",
        "What should a number just below 0 give?",
        lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * np.exp(_below(x))),
    ),
    _elu.forward(
        "straight-below-zero",
        "Towards which number does it bend on the far left?",
        lambda x, *, alpha=1.0: np.where(x > 0, x, alpha * x),
    ),
    _elu.forward(
        "both-branches-added",
        "For a positive number: which of the two branches counts?",
        lambda x, *, alpha=1.0: _above(x) + alpha * np.expm1(x),
    ),
    _elu.forward(
        "larger-of-the-two",
        "At 2: which is larger, x or the exponential branch?",
        lambda x, *, alpha=1.0: np.maximum(x, alpha * np.expm1(x)),
    ),
    _elu.forward(
        "bends-up",
        "Is the answer to -3 above or below zero?",
        lambda x, *, alpha=1.0: np.where(x > 0, x, -alpha * np.expm1(_below(x))),
    ),
    _elu_slope("out-plus-one", "Does the slope depend on alpha? Try alpha = 2.", lambda out, alpha: out + 1.0),
    _elu_slope("slope-without-alpha", "Differentiate alpha · (exp(x) - 1).", lambda out, alpha: out / alpha + 1.0),
    _elu_slope("slope-is-alpha", "Is the left branch a straight line?", lambda out, alpha: alpha),
    _elu_slope("value-for-slope", "Which constant vanishes, and which does not?", lambda out, alpha: out),
    _elu_slope("dead-below-zero", "What becomes of a unit that is always negative?", lambda out, alpha: 0.0),
    _elu_slope("slope-negative", "Does it rise or fall below zero?", lambda out, alpha: -(out + alpha)),
    _elu.backward("upstream-forgotten", _UPSTREAM, _elu_upstream_forgotten),
    _elu.both(
        "celu",
        "By what is x divided inside the exponential here?",
        _celu_forward,
        _celu_backward,
        "CELU, the variant whose slope at 0 is 1 for every alpha",
    ),
)
