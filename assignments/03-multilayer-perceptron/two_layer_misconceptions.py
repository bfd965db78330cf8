"""What goes wrong in the network of two layers: wrong steps among right ones. Knows no case and no points.

The network is four steps forward and four back; each variant exchanges one of them. A wrong forward returns the right
cache, and a wrong backward takes it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import multilayer_perceptron as reference
from solutions.activations import sigmoid_forward

Function = Callable[..., Any]


def _s(z: Any) -> Any:
    return sigmoid_forward(np.asarray(z))[0]


def _forward(
    name: str,
    hint: str,
    *,
    hidden: Function = _s,
    output: Function = _s,
    biases: tuple[float, float] = (1.0, 1.0),
    change: Function = lambda out: out,
) -> Misconception:
    """Other activations, biases that count so often, or an output changed at the end."""

    def two_layer_forward(x: Any, w_hidden: Any, b_hidden: Any, w_output: Any, b_output: Any) -> Any:
        _, cache = reference.two_layer_forward(x, w_hidden, b_hidden, w_output, b_output)
        u = hidden(x @ w_hidden.T + biases[0] * b_hidden)
        return change(output(u @ w_output.T + biases[1] * b_output)), cache

    return Misconception(name, {"two_layer_forward": two_layer_forward}, hint)


def _raw(z: Any) -> Any:
    return np.exp(z) / (1 + np.exp(z))


def _softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _slope(s: Any) -> Any:
    return s * (1 - s)


def _linear(upstream: Any, cache: Any) -> Any:
    """The three gradients of one layer."""
    return reference.linear_backward(upstream, cache)


def _backward(
    name: str,
    hint: str,
    *,
    output_slope: Function = _slope,
    hidden_slope: Function = _slope,
    output_layer: Function = _linear,
    hidden_layer: Function = _linear,
    upstream: Function = lambda dout, out: dout,
    order: tuple[int, ...] = (0, 1, 2, 3, 4),
) -> Misconception:
    """Another step: slopes get what came out of the sigmoid, layers what comes down and their cache."""

    def two_layer_backward(dout: Any, cache: Any) -> Any:
        hidden_cache, u, output_cache, out = cache
        dz_output = upstream(dout, out) * output_slope(out)
        du, dw_output, db_output = output_layer(dz_output, output_cache)
        dx, dw_hidden, db_hidden = hidden_layer(du * hidden_slope(u), hidden_cache)
        gradients = dx, dw_hidden, db_hidden, dw_output, db_output
        return tuple(gradients[i] for i in order)

    return Misconception(name, {"two_layer_backward": two_layer_backward}, hint)


def _changed(dx: Function | None = None, dw: Function | None = None, db: Function | None = None) -> Function:
    """One layer with a wrong gradient: ``f(right, dz, inputs, w)``."""

    def layer(dz: Any, cache: Any) -> Any:
        right = _linear(dz, cache)
        return tuple(r if f is None else f(r, dz, *cache) for r, f in zip(right, (dx, dw, db), strict=True))

    return layer


def _logit(u: Any) -> Any:
    return np.log(u) - np.log1p(-u)


_SHARED = "How many samples share one bias?"
_AVERAGE = "Where does the division by N belong: into the loss, or here?"
_SLOPES = "Go backwards step by step: how many sigmoids do you pass?"
_ACTIVATED = "Is what the cache holds already activated?"

TWO_LAYER = (
    _forward("hidden-not-activated", "What stands between the two layers?", hidden=lambda z: z),
    _forward("output-not-activated", "Between which two numbers lies a probability?", output=lambda z: z),
    _forward("hidden-relu", "Which activation does this network have inside?", hidden=lambda z: np.maximum(z, 0.0)),
    _forward("hidden-tanh", "Which activation does this network have inside?", hidden=np.tanh),
    _forward("output-tanh", "Between which two numbers lies a probability?", output=np.tanh),
    _forward("output-softmax", "What is the softmax of one score alone?", output=_softmax),
    _forward("output-activated-twice", "What should z = -10 give at the output?", output=lambda z: _s(_s(z))),
    _forward("hidden-bias-forgotten", "Which argument is unused?", biases=(0.0, 1.0)),
    _forward("output-bias-forgotten", "Which argument is unused?", biases=(1.0, 0.0)),
    _forward("hidden-mirrored", "What should a hidden z = +10 give?", hidden=lambda z: _s(-z)),
    _forward("output-mirrored", "What should z = +10 give at the output?", output=lambda z: _s(-z)),
    _forward("raw-exponentials", "Try x = 1000: which exponential explodes?", hidden=_raw, output=_raw),
    _forward("hard-decision", "Probability or decision: which of them is asked for?", change=np.round),
    _forward("output-flattened", "How many axes has the output?", change=np.ravel),
    _backward("output-slope-forgotten", _SLOPES, output_slope=lambda out: 1.0),
    _backward("hidden-slope-forgotten", _SLOPES, hidden_slope=lambda u: 1.0),
    _backward("both-slopes-forgotten", _SLOPES, output_slope=lambda out: 1.0, hidden_slope=lambda u: 1.0),
    _backward("output-activated-twice-backward", _ACTIVATED, output_slope=lambda out: _slope(_s(out))),
    _backward("hidden-activated-twice", _ACTIVATED, hidden_slope=lambda u: _slope(_s(u))),
    _backward("hidden-slope-of-tanh", "How steep is the sigmoid at 0?", hidden_slope=lambda u: 1 - u * u),
    _backward("output-slope-of-tanh", "How steep is the sigmoid at 0?", output_slope=lambda out: 1 - out * out),
    _backward("hidden-factor-missing", "What is the slope where the unit's output nears 1?", hidden_slope=lambda u: u),
    _backward("upstream-forgotten", "Where does the upstream gradient enter?", upstream=lambda g, out: np.ones_like(g)),
    _backward(
        "loss-counted-twice",
        "Is the derivative of the loss in dout already?",
        upstream=lambda dout, out: dout * out,
    ),
    _backward(
        "du-without-weights",
        "How strongly does a hidden unit act on the output?",
        output_layer=_changed(dx=lambda r, dz, u, w: np.repeat(dz.sum(axis=1, keepdims=True), u.shape[1], axis=1)),
    ),
    _backward(
        "dw-output-without-sigmoid",
        "What did the output layer read: z or u?",
        output_layer=_changed(dw=lambda r, dz, u, w: dz.T @ _logit(u)),
    ),
    _backward("db-output-not-summed", _SHARED, output_layer=_changed(db=lambda r, dz, u, w: dz)),
    _backward("db-hidden-not-summed", _SHARED, hidden_layer=_changed(db=lambda r, dz, x, w: dz)),
    _backward("db-output-averaged", _AVERAGE, output_layer=_changed(db=lambda r, dz, u, w: r / len(dz))),
    _backward(
        "parameters-averaged",
        _AVERAGE,
        output_layer=_changed(dw=lambda r, dz, u, w: r / len(dz), db=lambda r, dz, u, w: r / len(dz)),
        hidden_layer=_changed(dw=lambda r, dz, x, w: r / len(dz), db=lambda r, dz, x, w: r / len(dz)),
    ),
    _backward(
        "dw-output-transposed",
        "What shape has w_output, and what shape has your gradient?",
        output_layer=_changed(dw=lambda r, dz, u, w: r.T),
    ),
    _backward(
        "dx-is-dz",
        "One step is left: what lies between z of the hidden layer and x?",
        hidden_layer=_changed(dx=lambda r, dz, x, w: dz),
    ),
    _backward(
        "dx-zero", "Does the output depend on x?", hidden_layer=_changed(dx=lambda r, dz, x, w: np.zeros_like(r))
    ),
    _backward("output-layer-first", "In which order are the gradients returned?", order=(0, 3, 4, 1, 2)),
    _backward("dx-last", "In which order are the gradients returned?", order=(1, 2, 3, 4, 0)),
)
