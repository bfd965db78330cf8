"""Questions of the assignment on activations: cases, criteria and points. The mistakes are in misconceptions.py."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    consistency,
    gradient,
    purity,
    shape,
    stability,
    value,
)
from solutions import activations as reference

from . import misconceptions as mistakes

# Out of the way of the kink at 0, where several slopes are right: PyTorch takes the left one, others the right one.
FEW = np.array([-3.0, -0.5, 0.5, 2.0])
TABLE = np.array([[-2.0, -1.0, 0.5], [1.0, 3.0, -0.25]])
FAR = np.array([[-1000.0, -750.0, -40.0, -2.0], [0.5, 40.0, 750.0, 1000.0]])


def _apart(rng: np.random.Generator, *size: int, largest: float = 3.0) -> Any:
    """Numbers of both signs, none nearer to 0 than 0.15."""
    signs = np.resize([1.0, -1.0], int(np.prod(size)))
    return (rng.permutation(signs) * rng.uniform(0.15, largest, size=signs.size)).reshape(size)


def _far(rng: np.random.Generator) -> Any:
    """Extreme numbers among ordinary ones, without which an error of 1e-13 would be all that there is to see."""
    sizes = [1000.0, rng.uniform(720, 1000), rng.uniform(30, 100), rng.uniform(1, 3)]
    return rng.permutation(np.array([*sizes, *(-s for s in sizes)])).reshape(2, 4)


def _case(name: str, x: Any, tags: str, options: Mapping[str, Any] | None = None) -> Case:
    return Case(name, (x,), options or {}, set(tags.split()))


def _elementwise(
    rng: np.random.Generator, setting: str = "", low: float = 0.0, high: float = 0.0, largest: float = 3.0
) -> list[Case]:
    def options() -> dict[str, float]:
        return {setting: float(rng.uniform(low, high))} if setting else {}

    n, d = (int(v) for v in rng.permutation([3, 4]))
    cases = [
        _case("a batch of rows", _apart(rng, n, d, largest=largest), "plain", options()),
        _case("a single row", _apart(rng, 7, largest=largest), "plain", options()),
        _case("one number below zero", -rng.uniform(0.2, 2, size=(1, 1)), "plain", options()),
        _case("images of several channels", _apart(rng, 2, 3, n, d, largest=largest), "plain", options()),
        _case("nothing but numbers below zero", -rng.uniform(0.2, largest, size=(d, n)), "plain", options()),
        _case("nothing but numbers above zero", rng.uniform(0.2, largest, size=(1, 5)), "plain", options()),
        _case("a batch of one image", _apart(rng, 1, 2, d, n, largest=largest), "plain", options()),
        _case("numbers near and very far", _far(rng), "extreme", options()),
    ]
    if setting:
        cases.append(_case(f"{setting} left out", _apart(rng, d, n, largest=largest), "default"))
    return cases


def _functions(name: str) -> dict[str, Callable[..., Any]]:
    return {f: getattr(reference, f) for f in (f"{name}_forward", f"{name}_backward")}


SIGMOID = Question(
    name="sigmoid",
    functions=_functions("sigmoid"),
    visible=(
        _case("0, and two on each side", np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), "plain"),
        _case("a table", TABLE, "plain"),
        _case("from -1000 to 1000", FAR, "extreme"),
    ),
    hidden=lambda rng: _elementwise(rng, largest=5.0),
    criteria=(
        value(1, on="plain"),
        shape(0.5),
        gradient(1.5, on="plain"),
        consistency(0.5, on="plain"),
        stability(1),
        purity(0.5),
    ),
    misconceptions=mistakes.SIGMOID,
)

TANH = Question(
    name="tanh",
    functions=_functions("tanh"),
    visible=(
        _case("0, and two on each side", np.array([-2.0, -0.5, 0.0, 0.5, 2.0]), "plain"),
        _case("a table", TABLE, "plain"),
        _case("from -1000 to 1000", FAR, "extreme"),
    ),
    hidden=_elementwise,
    criteria=(
        value(0.5, on="plain"),
        shape(0.5),
        gradient(1, on="plain"),
        consistency(0.5, on="plain"),
        stability(1),
        purity(0.5),
    ),
    misconceptions=mistakes.TANH,
)

RELU = Question(
    name="relu",
    functions=_functions("relu"),
    visible=(
        _case("four numbers", FEW, "plain"),
        _case("a table", TABLE, "plain"),
        _case("from -1000 to 1000", FAR, "extreme"),
    ),
    hidden=_elementwise,
    criteria=(
        value(1, on="plain extreme"),
        shape(0.5),
        gradient(1.5, on="plain extreme"),
        consistency(0.5, on="plain"),
        purity(1.5),
    ),
    misconceptions=mistakes.RELU,
)

LEAKY_RELU = Question(
    name="leaky_relu",
    functions=_functions("leaky_relu"),
    visible=(
        _case("four numbers, slope 0.1", FEW, "plain", {"slope": 0.1}),
        _case("a table, slope 0.25", TABLE, "plain", {"slope": 0.25}),
        _case("from -1000 to 1000, slope 0.1", FAR, "extreme", {"slope": 0.1}),
        _case("a table, no slope named", TABLE, "default"),
    ),
    hidden=lambda rng: [
        *_elementwise(rng, "slope", 0.1, 0.8),
        _case("slope 0, which makes it a ReLU", _apart(rng, 3, 5), "plain", {"slope": 0.0}),
    ],
    criteria=(
        value(1, on="plain extreme"),
        value(0.5, "value: usual slope", on="default"),
        shape(0.5),
        gradient(1.5, on="plain extreme"),
        consistency(0.5, on="plain"),
        purity(1),
    ),
    misconceptions=mistakes.LEAKY_RELU,
)


def _channels(rng: np.random.Generator) -> list[Case]:
    def case(name: str, *size: int, tag: str = "plain") -> Case:
        # Slopes below 0 and above 1 occur: nothing keeps a learned number within bounds.
        slope = rng.permutation(np.resize([0.3, -0.6, 1.7, 0.05], size[1]) + rng.uniform(0.01, 0.2, size=size[1]))
        return Case(name, (_apart(rng, *size), slope), {}, {tag})

    n, c, h, w = (int(v) for v in rng.permutation([2, 3, 4, 5]))
    return [
        case("rows with a slope for each column", n, c),
        case("as many rows as channels", c, c),
        case("images", n, c, h, w, tag="images"),
        case("images as wide as they are deep", n, c, h, c, tag="images"),
        case("a batch of one image", 1, c, w, h, tag="images"),
        case("images of one channel", n, 1, h, w, tag="images"),
        case("one pixel of each channel", n, c, 1, 1, tag="images"),
        case("sequences of several channels", n, c, w, tag="images"),
        Case(
            "numbers near and very far",
            (_far(rng), rng.uniform(0.1, 0.9, size=4) + np.array([0.0, 1.0, -1.0, 0.0])),
            {},
            {"plain"},
        ),
    ]


PRELU = Question(
    name="prelu",
    functions=_functions("prelu"),
    visible=(
        Case("two rows of two channels", (np.array([[-2.0, -2.0], [3.0, -4.0]]), np.array([0.25, 0.5])), {}, {"plain"}),
        Case("slopes above 1 and below 0", (TABLE, np.array([2.0, -0.5, 0.1])), {}, {"plain"}),
        Case(
            "two images of three channels",
            (np.arange(1.0, 25).reshape(2, 3, 2, 2) * 7 % 11 - 4.5, np.array([0.25, 0.5, -1.0])),
            {},
            {"images"},
        ),
        Case(
            "an image as wide as it is deep",
            (np.arange(1.0, 9).reshape(1, 2, 2, 2) * 5 % 9 - 4.5, np.array([0.25, 0.5])),
            {},
            {"images"},
        ),
    ),
    hidden=_channels,
    criteria=(
        value(1, "value: rows", on="plain"),
        value(1, "value: images", on="images"),
        shape(1),
        gradient(1.5, "gradient: rows", on="plain"),
        gradient(1.5, "gradient: images", on="images"),
        consistency(0.5, on="plain images"),
        purity(0.5),
    ),
    misconceptions=mistakes.PRELU,
)

ELU = Question(
    name="elu",
    functions=_functions("elu"),
    visible=(
        _case("four numbers, alpha 2", FEW, "plain", {"alpha": 2.0}),
        _case("a table, alpha 0.5", TABLE, "plain", {"alpha": 0.5}),
        _case("from -1000 to 1000, alpha 2", FAR, "extreme", {"alpha": 2.0}),
        _case("a table, no alpha named", TABLE, "default"),
    ),
    hidden=lambda rng: [
        *_elementwise(rng, "alpha", 0.3, 0.8),
        _case("a large alpha", _apart(rng, 4, 3), "plain", {"alpha": float(rng.uniform(1.3, 3))}),
    ],
    criteria=(
        value(1, on="plain"),
        value(0.5, "value: usual alpha", on="default"),
        shape(0.5),
        gradient(1.5, on="plain"),
        consistency(0.5, on="plain"),
        stability(0.5),
        purity(0.5),
    ),
    misconceptions=mistakes.ELU,
)

SOFTPLUS = Question(
    name="softplus",
    functions=_functions("softplus"),
    visible=(
        _case("0, and two on each side", np.array([-10.0, -1.0, 0.0, 1.0, 10.0]), "plain"),
        _case("a table", TABLE, "plain"),
        _case("from -1000 to 1000", FAR, "extreme"),
    ),
    hidden=_elementwise,
    criteria=(
        value(1, on="plain"),
        shape(0.5),
        gradient(1, on="plain"),
        consistency(0.5, on="plain"),
        stability(1.5),
        purity(0.5),
    ),
    misconceptions=mistakes.SOFTPLUS,
)

SWISH = Question(
    name="swish",
    functions=_functions("swish"),
    visible=(
        _case("four numbers, beta 2", FEW, "plain", {"beta": 2.0}),
        _case("a table, beta 0.5", TABLE, "plain", {"beta": 0.5}),
        _case("from -1000 to 1000, beta 1.5", FAR, "extreme", {"beta": 1.5}),
        _case("0 and 2, no beta named", np.array([0.0, 2.0]), "default"),
    ),
    hidden=lambda rng: [
        *_elementwise(rng, "beta", 0.4, 0.8),
        _case("a large beta", _apart(rng, 4, 3), "plain", {"beta": float(rng.uniform(1.3, 3))}),
        _case("up to 1000, a small beta", _far(rng), "extreme", {"beta": float(rng.uniform(0.01, 0.02))}),
    ],
    criteria=(
        value(1, on="plain"),
        value(0.5, "value: usual beta", on="default"),
        shape(0.5),
        gradient(2, on="plain"),
        consistency(0.5, on="plain"),
        stability(1),
        purity(0.5),
    ),
    misconceptions=mistakes.SWISH,
)


def _scores(rng: np.random.Generator) -> list[Case]:
    n, c = (int(v) for v in rng.permutation([3, 4]))
    unlike = rng.normal(size=(3, 4)) + np.array([[1000.0], [-1000.0], [0.0]])
    apart = rng.permutation(np.array([1000.0, -1000.0, rng.uniform(1, 3), rng.uniform(-3, -1), 0.0]))
    return [
        _case("several rows", 2 * rng.normal(size=(n, c)), "plain"),
        _case("more rows than classes", 2 * rng.normal(size=(5, 2)), "plain"),
        _case("as many rows as classes", 2 * rng.normal(size=(c, c)), "plain"),
        _case("a batch of one", rng.normal(size=(1, 6)), "plain"),
        _case("a single class", rng.normal(size=(n, 1)), "single"),
        _case("one row without a batch", rng.normal(size=5), "axes"),
        _case("three axes", rng.normal(size=(2, n, c)), "axes"),
        _case("four axes", rng.normal(size=(2, 3, 2, c)), "axes"),
        _case("rows very far from each other", rng.permutation(unlike), "extreme"),
        _case("scores very far from each other", np.stack([apart, np.roll(apart, 2)]), "extreme"),
        _case("large scores near each other", 1000 + rng.normal(size=(n, c)), "extreme"),
    ]


SOFTMAX = Question(
    name="softmax",
    functions=_functions("softmax"),
    visible=(
        _case("one row: 1, 2, 3", np.array([[1.0, 2.0, 3.0]]), "plain"),
        _case("a table", TABLE, "plain"),
        _case("as many rows as classes", np.array([[0.0, 1.0, 2.0], [1.0, -1.0, 0.5], [2.0, 0.0, 0.0]]), "plain"),
        _case("a row without a batch", np.array([0.0, 1.0]), "axes"),
        _case("three axes", np.arange(12.0).reshape(2, 2, 3) * 5 % 7 / 2, "axes"),
        _case("large scores", np.array([[1000.0, 999.0, 998.0], [-1000.0, -1000.0, -1001.0]]), "extreme"),
    ),
    hidden=_scores,
    criteria=(
        value(1.5, on="plain single"),
        value(0.5, "value: other axes", on="axes"),
        shape(0.5),
        gradient(2, on="plain single"),
        gradient(0.5, "gradient: other axes", on="axes"),
        consistency(1, on="plain axes"),
        stability(1.5),
        purity(0.5),
    ),
    misconceptions=mistakes.SOFTMAX,
)


WHY = Manual(
    "why-not-linear",
    3,
    "- 1 point: a product of matrices is a matrix, so linear layers collapse to one.\n"
    "- 1 point: the gradient of the first layer is a product over the layers, and the sigmoid's slope is "
    "at most 1/4, so twenty of them leave at most (1/4)^20, about 1e-12, of it (less where units "
    "saturate).\n"
    "- 1 point: the ReLU's slope is 1 for every unit that is on; a full answer also names its price, "
    "units that are off for every input and never learn again.",
)

ASSIGNMENT = Assignment(
    name="01-activations",
    title="Activations and their slopes",
    questions=(SIGMOID, TANH, RELU, LEAKY_RELU, PRELU, ELU, SOFTPLUS, SWISH, SOFTMAX),
    reading=(Reading(3, "Activations"),),
    manual=(WHY,),
)
