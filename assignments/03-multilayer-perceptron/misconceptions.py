"""What goes wrong in fully connected layers: wrong variants of the reference, each with a teacher's question.

Each variant is wrong in one way and right in all others. Knows no case and no points. The mistakes of the network of
two layers are in two_layer_misconceptions.py.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import multilayer_perceptron as reference

from .two_layer_misconceptions import TWO_LAYER

__all__ = ["BRANCH", "COLLAPSE", "LINEAR", "PARAMETERS", "TWO_LAYER"]

Function = Callable[..., Any]


def _forward(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(x, w, b)`` returns what comes out."""

    def linear_forward(x: Any, w: Any, b: Any) -> Any:
        _, cache = reference.linear_forward(x, w, b)
        return wrong(x, w, b), cache

    return Misconception(name, {"linear_forward": linear_forward}, hint, convention)


def _backward(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(dx, dw, db, dout, x, w)`` returns the three gradients, of which it gets the right ones."""

    def linear_backward(dout: Any, cache: Any) -> Any:
        return wrong(*reference.linear_backward(dout, cache), dout, *cache)

    return Misconception(name, {"linear_backward": linear_backward}, hint)


def _rows_are_inputs(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def _keras_forward(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b, (x, w)


def _keras_backward(dout: Any, cache: Any) -> Any:
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def _overwritten(dx: Any, dw: Any, db: Any, dout: Any, x: Any, w: Any) -> Any:
    return dx, dout[-1:].T @ x[-1:], dout[-1].copy()


_USES = "How many samples of the batch share one weight? And one bias?"
_ACTIVATION = "Double x: does the answer (without the bias) double?"
_UPSTREAM = "Where does the upstream gradient enter?"

LINEAR = (
    _forward("elementwise-product", "Which product is it: each number by its own weight?", lambda x, w, b: x * w + b),
    _forward("rows-are-inputs", "Which axis of w counts the neurons?", _rows_are_inputs),
    Misconception(
        "weights-transposed",
        {"linear_forward": _keras_forward, "linear_backward": _keras_backward},
        "Which axis of w counts the neurons here?",
        "the layout (inputs, outputs) of Keras and CS231n",
    ),
    _forward(
        "samples-in-columns",
        "Which axis of the output counts the samples here?",
        lambda x, w, b: w @ x.T + b[:, None],
        "NYU's layout, in which a sample is a column",
    ),
    _forward("bias-forgotten", "Which argument is unused?", lambda x, w, b: x @ w.T),
    _forward("bias-subtracted", "With which sign does the bias enter?", lambda x, w, b: x @ w.T - b),
    _forward(
        "bias-for-each-input",
        "How often does one neuron's bias enter its sum?",
        lambda x, w, b: x @ w.T + x.shape[1] * b,
    ),
    _forward("inputs-averaged", "Is the answer a sum or a mean?", lambda x, w, b: x @ w.T / x.shape[1] + b),
    _forward("relu-inside", _ACTIVATION, lambda x, w, b: np.maximum(x @ w.T + b, 0.0)),
    _forward("sigmoid-inside", _ACTIVATION, lambda x, w, b: 1 / (1 + np.exp(-(x @ w.T + b)))),
    _forward(
        "first-sample-only",
        "Feed two different samples: do their answers differ?",
        lambda x, w, b: (x[:1] @ w.T + b).repeat(len(x), 0),
    ),
    _forward(
        "batch-added-up",
        "Should a sample's answer depend on the rest of the batch?",
        lambda x, w, b: (x @ w.T + b).sum(axis=0),
    ),
    _forward("batch-dimension-lost", "How many axes has the answer?", lambda x, w, b: (x @ w.T + b).ravel()),
    _backward("db-not-summed", "What shape has b? " + _USES, lambda dx, dw, db, g, x, w: (dx, dw, g.copy())),
    _backward("db-averaged", "Sum or mean over the samples?", lambda dx, dw, db, g, x, w: (dx, dw, g.mean(axis=0))),
    _backward(
        "db-over-the-neurons",
        "Over which axis is the bias shared, samples or neurons?",
        lambda dx, dw, db, g, x, w: (dx, dw, g.sum(axis=1)),
    ),
    _backward("db-one-number", "How many biases are there?", lambda dx, dw, db, g, x, w: (dx, dw, g.sum())),
    _backward(
        "db-keeps-an-axis",
        "What shape has b, and what shape has your db?",
        lambda dx, dw, db, g, x, w: (dx, dw, db[None]),
    ),
    _backward("db-counts-the-samples", _UPSTREAM, lambda dx, dw, db, g, x, w: (dx, dw, np.full_like(db, len(g)))),
    _backward(
        "dw-averaged", "Which average did dout not know of yet?", lambda dx, dw, db, g, x, w: (dx, dw / len(g), db)
    ),
    _backward(
        "dw-transposed", "What shape has w, and what shape has your dw?", lambda dx, dw, db, g, x, w: (dx, dw.T, db)
    ),
    _backward(
        "dw-without-upstream",
        _UPSTREAM,
        lambda dx, dw, db, g, x, w: (dx, np.ones_like(g).T @ x, db),
    ),
    _backward(
        "dw-without-input",
        "How strongly does a weight act on its neuron? What does it multiply?",
        lambda dx, dw, db, g, x, w: (dx, g.T @ np.ones_like(x), db),
    ),
    _backward("last-sample-only", _USES, _overwritten),
    _backward("dx-transposed", "Which axis of dx counts the samples?", lambda dx, dw, db, g, x, w: (dx.T, dw, db)),
    _backward(
        "dx-without-upstream",
        _UPSTREAM,
        lambda dx, dw, db, g, x, w: (np.ones_like(g) @ w, dw, db),
    ),
    _backward(
        "dx-without-weights",
        "How strongly does an input act on each neuron?",
        lambda dx, dw, db, g, x, w: (np.repeat(g.sum(axis=1, keepdims=True), x.shape[1], axis=1), dw, db),
    ),
    _backward(
        "dx-by-transposed-weights",
        "Follow one input to one neuron: which weight lies between them?",
        lambda dx, dw, db, g, x, w: (g @ w.T, dw, db),
    ),
    _backward("gradients-exchanged", "In which order come the gradients?", lambda dx, dw, db, g, x, w: (dw, dx, db)),
    _backward("downhill-already", "Is it a gradient or a step?", lambda dx, dw, db, g, x, w: (-dx, -dw, -db)),
)


def _collapse(name: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(name, {"collapse_linear": wrong}, hint)


_INTO_SECOND = "What does the second layer do to the first layer's bias?"

COLLAPSE = (
    _collapse("order-exchanged", "Which matrix meets x first?", lambda u, a, v, b: (u @ v, v @ a + b)),
    _collapse("first-bias-as-it-is", _INTO_SECOND, lambda u, a, v, b: (v @ u, a + b)),
    _collapse("first-bias-forgotten", _INTO_SECOND, lambda u, a, v, b: (v @ u, b.copy())),
    _collapse("second-bias-forgotten", "Which argument is unused?", lambda u, a, v, b: (v @ u, v @ a)),
    _collapse(
        "second-bias-through-the-weights",
        "Which of the two biases still has a matrix before it?",
        lambda u, a, v, b: (v @ u, v @ a + v.sum(axis=1) * b),
    ),
    _collapse("weights-transposed", "Which axis of w counts the outputs?", lambda u, a, v, b: ((v @ u).T, v @ a + b)),
    _collapse("matrices-added", "Put one function into the other: sum or product?", lambda u, a, v, b: (v + u, a + b)),
    _collapse("elementwise-product", "Which product is it?", lambda u, a, v, b: (v * u, v @ a + b)),
    _collapse(
        "bias-before-weights", "In which order are the two returned?", lambda u, a, v, b: (v @ u, v @ a + b)[::-1]
    ),
)


def _branch(name: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(name, {"branch_backward": wrong}, hint)


def _in_place(dfirst: Any, dsecond: Any) -> Any:
    dfirst += dsecond
    return dfirst


_MEET = "Where do the two paths meet, and what does x do to each of them?"

BRANCH = (
    _branch("second-path-lost", _MEET, lambda a, b: a.copy()),
    _branch("first-path-overwritten", _MEET, lambda a, b: b.copy()),
    _branch("averaged", "Move x by 1: by how much does y = 4x + 3x move?", lambda a, b: (a + b) / 2),
    _branch("multiplied", "Do the paths lie side by side or one behind the other?", lambda a, b: a * b),
    _branch("larger-path", "Does the weaker path change nothing?", np.maximum),
    _branch("subtracted", "With which sign does the second path enter?", lambda a, b: a - b),
    _branch("side-by-side", "What shape has x, and what shape has your dx?", lambda a, b: np.stack([a, b])),
    _branch("one-number", "Has each entry of x a gradient of its own?", lambda a, b: (a + b).sum()),
    _branch("dfirst-changed", "Print dfirst afterwards: is it still what it was?", _in_place),
)


def _count(name: str, hint: str, wrong: Callable[[Sequence[int]], int]) -> Misconception:
    return Misconception(name, {"mlp_parameter_count": wrong}, hint)


def _pairs(layer: Callable[[int, int], int]) -> Callable[[Sequence[int]], int]:
    """Counts ``layer(inputs, outputs)`` for each layer."""
    return lambda sizes: sum(layer(before, after) for before, after in itertools.pairwise(sizes))


_right = reference.mlp_parameter_count

PARAMETERS = (
    _count("no-biases", "What does a unit add to its weighted sum?", _pairs(lambda a, b: a * b)),
    _count("one-bias-per-layer", "How many biases has a layer of four units?", _pairs(lambda a, b: a * b + 1)),
    _count("bias-per-input", "Does a bias belong to an input or to a unit?", _pairs(lambda a, b: a * (b + 1))),
    _count("bias-per-weight", "How often does a unit add its bias?", _pairs(lambda a, b: 2 * a * b)),
    _count("inputs-have-biases", "Are the inputs computed by units?", lambda s: _right(s) + s[0]),
    _count("biases-alone", "How many arrows lead into one unit?", lambda s: sum(s[1:])),
    _count("units-counted", "Units or weights: what is asked for?", lambda s: sum(s)),
    _count("output-layer-forgotten", "Does the last layer learn?", lambda s: _right(s[:-1]) if len(s) > 2 else 0),
    _count("first-layer-forgotten", "Which layer reads the inputs?", lambda s: _right(s[1:]) if len(s) > 2 else 0),
    _count("first-and-last-alone", "Which layer lies between them?", lambda s: _right((s[0], s[-1]))),
    _count(
        "two-layers-at-most",
        "What if there is a third layer?",
        lambda s: _right(s[:3]),
    ),
    _count("product-of-all", "Do layers multiply or add?", lambda s: int(np.prod(s))),
    _count(
        "first-inputs-for-all",
        "What does the second layer read: x, or the first layer's units?",
        lambda s: sum(b * (s[0] + 1) for b in s[1:]),
    ),
)
