"""What goes wrong in activations: wrong variants of the reference, each with the question that a teacher would ask.

Here are the smooth ones and softmax; those with two branches are in rectifier_misconceptions.py. Each variant is wrong
in one way. Knows no case and no points.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import activations as reference

from .rectifier_misconceptions import ELU, LEAKY_RELU, PRELU, RELU
from .variants import Layer

__all__ = ["ELU", "LEAKY_RELU", "PRELU", "RELU", "SIGMOID", "SOFTMAX", "SOFTPLUS", "SWISH", "TANH"]

_UPSTREAM = "Where does the upstream gradient enter?"
_EXPLODES = "Try x = 1000: which exponential explodes?"
_TERMS = "Product rule: how many terms are there?"


def _s(x: Any) -> Any:
    return reference.sigmoid_forward(np.asarray(x))[0]


def _keeps_the_input(right: Callable[..., Any]) -> Callable[..., Any]:
    """Make a forward whose cache is x, for a backward that takes x for the output."""
    return lambda x: (right(x)[0], x.copy())


_sigmoid = Layer(reference, "sigmoid")


def _bipolar_forward(x: Any) -> Any:
    out = 2 * _s(x) - 1
    return out, out


SIGMOID = (
    _sigmoid.forward("mirrored", "What should +10 give, and what does yours give?", lambda x: _s(-x)),
    _sigmoid.forward("raw-exponentials", _EXPLODES, lambda x: np.exp(x) / (1 + np.exp(x))),
    _sigmoid.forward(
        "brackets-missing", "What is divided by what? Work out the value at 0.", lambda x: 1 / 1 + np.exp(-x)
    ),
    _sigmoid.forward("tanh-instead", "Between which two numbers must the answer lie?", np.tanh),
    _sigmoid.forward("minus-for-plus", "What is the denominator at 0?", lambda x: 1 / (1 - np.exp(-x))),
    _sigmoid.backward(
        "activated-twice", "Is what the cache holds already activated?", lambda d, out: d * _s(out) * (1 - _s(out))
    ),
    _sigmoid.backward("upstream-forgotten", _UPSTREAM, lambda d, out: out * (1 - out)),
    _sigmoid.backward("one-factor-missing", "What is the slope where the output nears 1?", lambda d, out: d * out),
    _sigmoid.backward(
        "other-factor-missing", "What is the slope where the output nears 0?", lambda d, out: d * (1 - out)
    ),
    _sigmoid.backward(
        "slope-of-tanh", "At 0 the sigmoid rises by a quarter: does yours?", lambda d, out: d * (1 - out * out)
    ),
    _sigmoid.backward("slope-negative", "Does the curve rise or fall?", lambda d, out: d * out * (out - 1)),
    _sigmoid.both(
        "input-for-output",
        "In out · (1 - out): does your cache hold out, or x?",
        _keeps_the_input(reference.sigmoid_forward),
        lambda d, x: d * x * (1 - x),
    ),
    _sigmoid.both(
        "bipolar-sigmoid",
        "Between which two numbers does it lie here?",
        _bipolar_forward,
        lambda d, out: d * (1 - out * out) / 2,
        "the bipolar sigmoid, from -1 to 1, of older textbooks",
    ),
)


_tanh = Layer(reference, "tanh")


def _lecun_forward(x: Any) -> Any:
    inner = np.tanh(2 / 3 * x)
    return 1.7159 * inner, inner


TANH = (
    _tanh.forward("raw-exponentials", _EXPLODES, lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))),
    _tanh.forward("sigmoid-instead", "What should 0 give? And -10?", _s),
    _tanh.forward("half-as-steep", "How steep is it at 0? Compare with the figures by hand.", lambda x: 2 * _s(x) - 1),
    _tanh.forward("upside-down", "What should 0 give: which of the two is on top?", lambda x: 1 / np.tanh(x)),
    _tanh.forward("mirrored", "What sign has the answer to +2?", lambda x: -np.tanh(x)),
    _tanh.forward("tan-for-tanh", "Does yours stay between -1 and 1?", np.tan),
    _tanh.forward(
        "denominator-missing", "Does yours stay between -1 and 1? What is it divided by?", lambda x: np.sinh(x)
    ),
    _tanh.backward("upstream-forgotten", _UPSTREAM, lambda d, out: 1 - out * out),
    _tanh.backward("not-squared", "Must the slope be the same at -2 and at 2?", lambda d, out: d * (1 - out)),
    _tanh.backward(
        "activated-twice", "Is what the cache holds already activated?", lambda d, out: d * (1 - np.tanh(out) ** 2)
    ),
    _tanh.backward("slope-of-sigmoid", "How steep is tanh at 0?", lambda d, out: d * out * (1 - out)),
    _tanh.backward("slope-negative", "Does the curve rise or fall?", lambda d, out: d * (out * out - 1)),
    _tanh.both(
        "input-for-output",
        "In 1 - out²: does your cache hold out, or x?",
        _keeps_the_input(reference.tanh_forward),
        lambda d, x: d * (1 - x * x),
    ),
    _tanh.both(
        "scaled-tanh",
        "Is there a factor before the tanh in the text?",
        _lecun_forward,
        lambda d, inner: d * 1.7159 * 2 / 3 * (1 - inner * inner),
        "LeCun's scaled tanh, 1.7159 · tanh(2x/3)",
    ),
)


_softplus = Layer(reference, "softplus")

SOFTPLUS = (
    _softplus.forward("raw-exponential", "It is near x for large x. Rewrite it so.", lambda x: np.log(1 + np.exp(x))),
    _softplus.forward(
        "correction-grows",
        "Should the correction grow or vanish for large x?",
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(x)),
    ),
    _softplus.forward(
        "absolute-value-missing",
        "What does your correction do at -1000?",
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-x)),
    ),
    _softplus.forward(
        "mirrored", "What should +10 give, about 10 or about 0?", lambda x: reference.softplus_forward(-x)[0]
    ),
    _softplus.forward("one-forgotten", "What is log(exp(x))? Where is the 1?", lambda x: x.copy()),
    _softplus.forward("relu-instead", "How large is it at 0?", lambda x: np.maximum(x, 0.0)),
    _softplus.forward("correction-alone", "What should +10 give?", lambda x: np.log1p(np.exp(-np.abs(x)))),
    _softplus.forward(
        "other-logarithm",
        "Which logarithm undoes exp?",
        lambda x: reference.softplus_forward(x)[0] / np.log(2),
    ),
    _softplus.backward("mirrored-slope", "What is the slope at +10?", lambda d, x: d * _s(-x)),
    _softplus.backward("raw-exponentials-backward", _EXPLODES, lambda dout, x: dout * np.exp(x) / (1 + np.exp(x))),
    _softplus.backward("upstream-forgotten", _UPSTREAM, lambda d, x: _s(x)),
    _softplus.backward("hard-step", "Is the slope at -0.5 exactly 0?", lambda d, x: d * (x > 0)),
    _softplus.backward(
        "one-derivative-too-many",
        "How steep is it far to the right?",
        lambda d, x: d * _s(x) * _s(-x),
    ),
    _softplus.backward(
        "sigmoid-of-the-output",
        "The sigmoid of what: of x or of out?",
        lambda d, x: d * _s(reference.softplus_forward(x)[0]),
    ),
    _softplus.backward("slope-negative", "Does the curve rise or fall?", lambda d, x: -d * _s(x)),
)


_swish = Layer(reference, "swish")


def _slope(title: str, hint: str, wrong: Callable[..., Any]) -> Misconception:
    """``wrong(x, s, beta)`` is the slope; s is the gate."""
    return _swish.backward(title, hint, lambda dout, cache: dout * wrong(*cache))


SWISH = (
    _swish.forward("beta-ignored", "Which argument is unused?", lambda x, *, beta=1.0: x * _s(x)),
    _swish.forward("beta-outside", "What does beta multiply?", lambda x, *, beta=1.0: beta * x * _s(x)),
    _swish.forward("x-forgotten", "A gate for what?", lambda x, *, beta=1.0: _s(beta * x)),
    _swish.forward("beta-in-both-places", "How often does beta occur?", lambda x, *, beta=1.0: beta * x * _s(beta * x)),
    _swish.forward("x-added", "Does the gate add or multiply?", lambda x, *, beta=1.0: x + _s(beta * x)),
    _swish.forward("gate-mirrored", "Should +10 pass the gate or -10?", lambda x, *, beta=1.0: x * _s(-beta * x)),
    _swish.forward(
        "tanh-as-gate", "Between which two numbers does the gate lie?", lambda x, *, beta=1.0: x * np.tanh(beta * x)
    ),
    _swish.forward("raw-exponentials", _EXPLODES, lambda x, *, beta=1.0: x * np.exp(beta * x) / (1 + np.exp(beta * x))),
    _slope("gate-alone", _TERMS, lambda x, s, beta: s),
    _slope("second-term-alone", _TERMS, lambda x, s, beta: beta * x * s * (1 - s)),
    _slope(
        "inner-derivative-missing",
        "What is the inner derivative of σ(beta · x)?",
        lambda x, s, beta: s + x * s * (1 - s),
    ),
    _slope(
        "x-missing-in-the-slope",
        "When you differentiate the gate, what does it stand beside?",
        lambda x, s, beta: s + beta * s * (1 - s),
    ),
    _slope("terms-subtracted", "Product rule: plus or minus?", lambda x, s, beta: s - beta * x * s * (1 - s)),
    _slope(
        "output-for-input",
        "In the second term, does x stand there or out?",
        lambda x, s, beta: s + beta * x * s * s * (1 - s),
    ),
    _swish.backward("upstream-forgotten", _UPSTREAM, lambda d, c: c[1] + c[2] * c[0] * c[1] * (1 - c[1])),
)


_softmax = Layer(reference, "softmax")


def _exp(x: Any, axis: Any = -1) -> Any:
    return np.exp(x - x.max(axis=axis, keepdims=True))


def _share(e: Any, axis: Any = -1) -> Any:
    return e / e.sum(axis=axis, keepdims=True)


def _dot(dout: Any, out: Any) -> Any:
    return (dout * out).sum(axis=-1, keepdims=True)


_SUM_TO_ONE = "Should the whole batch sum to one, or each row?"

SOFTMAX = (
    _softmax.forward("one-sum-for-all", _SUM_TO_ONE, lambda x: _share(_exp(x, None), None)),
    _softmax.forward("first-axis", "Which axis holds the classes?", lambda x: _share(_exp(x, 0), 0)),
    _softmax.forward(
        "second-axis", "Is the last axis always axis 1? Try three axes, or one.", lambda x: _share(_exp(x, 1), 1)
    ),
    _softmax.forward("no-shift", "Does adding a constant to a row change the result?", lambda x: _share(np.exp(x))),
    _softmax.forward(
        "one-shift-for-all-rows",
        "What happens to a row that lies 2000 below another?",
        lambda x: _share(_exp(x, None)),
    ),
    _softmax.forward("shift-by-column", "Is the same number subtracted all along a row?", lambda x: _share(_exp(x, 0))),
    _softmax.forward("not-divided", "Does each row sum to one?", _exp),
    _softmax.forward("no-exponential", "Can a probability be negative?", _share),
    _softmax.forward(
        "axis-dropped-by-the-sum", "What shape has the sum of the rows?", lambda x: _exp(x) / _exp(x).sum(axis=-1)
    ),
    _softmax.forward("signs-turned", "Which score should get the largest share?", lambda x: _share(_exp(-x))),
    _softmax.forward(
        "logarithm", "Can a probability be negative? What undoes the exp?", lambda x: np.log(_share(_exp(x)))
    ),
    _softmax.forward(
        "hard", "What do the scores that are not the largest get?", lambda x: (x == x.max(-1, keepdims=True)) * 1.0
    ),
    _softmax.backward(
        "diagonal-alone", "Does one score move the other probabilities?", lambda d, out: d * out * (1 - out)
    ),
    _softmax.backward("upstream-forgotten", _UPSTREAM, lambda d, out: out * (1 - out)),
    _softmax.backward("subtraction-missing", "All scores of a row rise by 1: what moves?", lambda d, out: d * out),
    _softmax.backward(
        "one-sum-for-all-backward",
        "Does one row's gradient feel another row?",
        lambda d, out: out * (d - (d * out).sum()),
    ),
    _softmax.backward(
        "first-axis-backward",
        "Along which axis does a score move the others?",
        lambda d, out: out * (d - (d * out).sum(axis=0, keepdims=True)),
    ),
    _softmax.backward(
        "sum-not-weighted",
        "Is each entry of dout weighted by its probability?",
        lambda d, out: out * (d - d.sum(axis=-1, keepdims=True)),
    ),
    _softmax.backward(
        "mean-subtracted",
        "A mean with which weights?",
        lambda d, out: out * (d - d.mean(axis=-1, keepdims=True)),
    ),
    _softmax.backward(
        "outer-factor-missing", "What does a probability near 0 pass on?", lambda d, out: d - _dot(d, out)
    ),
    _softmax.backward(
        "added-for-subtracted", "One share rises: do the others rise?", lambda d, o: o * (d + _dot(d, o))
    ),
)
