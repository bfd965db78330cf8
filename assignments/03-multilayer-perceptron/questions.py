"""Questions of the assignment on the multilayer perceptron: cases, criteria and points. Mistakes: misconceptions.py."""

from typing import Any

import numpy as np

from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    consistency,
    count,
    gradient,
    purity,
    shape,
    stability,
    value,
)
from solutions import multilayer_perceptron as reference

from . import misconceptions as mistakes

# A linear layer is linear in each of its inputs: a long step of the differences costs no accuracy.
STEP = 1e-3
# Where a single number is a sum whose terms may cancel, float32 (the student's free choice) has fewer digits to give.
CANCELS = 1e-4

# The layer of three neurons that the notebook works out by hand.
W = np.array([[1.0, 0.0], [3.0, 4.0], [0.0, -1.0]])
B = np.array([0.0, 1.0, 0.0])


def _digits(*size: int) -> Any:
    """Small whole numbers without a pattern, to be checked by hand."""
    return np.arange(1.0, np.prod(size) + 1).reshape(size) * 7 % 11 - 4


def _sizes(rng: np.random.Generator, count: int) -> list[int]:
    """Different numbers from 2 on, so that nothing exchanged goes unseen."""
    return [int(v) for v in rng.permutation(np.arange(2, 2 + count))]


def _apart(rng: np.random.Generator, *size: int) -> Any:
    """Numbers of both signs, none nearer to 0 than 0.2."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.2, 1.5, size)


def _layers(rng: np.random.Generator) -> list[Case]:
    def case(name: str, tag: str, n: int, d: int, m: int) -> Case:
        inputs = rng.normal(size=(n, d)), rng.normal(size=(m, d)), _apart(rng, m)
        return Case(name, inputs, {}, {tag}, tolerance=CANCELS if min(d, m) == 1 else 1e-7, step=STEP)

    n, d, m = _sizes(rng, 3)
    return [
        case("one sample", "sample", 1, d + 1, m),
        case("one sample, as many neurons as inputs", "sample", 1, 3, 3),
        case("one sample, one input, one neuron", "sample", 1, 1, 1),
        case("a batch", "batch", n + 3, d, m),
        case("a smaller batch than there are neurons", "batch", 2, d + 2, 5),
        case("a batch through a square matrix", "batch", 5, 4, 4),
        case("a batch, one neuron", "batch", 4, 3, 1),
        case("a batch, one input", "batch", n, 1, m + 2),
    ]


LINEAR = Question(
    name="linear",
    functions={"linear_forward": reference.linear_forward, "linear_backward": reference.linear_backward},
    visible=(
        Case("one sample into three neurons", (np.array([[1.0, 2.0]]), W, B), {}, {"sample"}, step=STEP),
        Case(
            "one sample, two neurons, two inputs",
            (_digits(1, 2), _digits(2, 2), np.array([1.0, -2.0])),
            {},
            {"sample"},
            step=STEP,
        ),
        Case("four samples into three neurons", (_digits(4, 2), W, B), {}, {"batch"}, step=STEP),
        Case(
            "two samples of five numbers into four neurons",
            (_digits(2, 5), _digits(4, 5), np.array([1.0, -1.0, 2.0, 0.5])),
            {},
            {"batch"},
            step=STEP,
        ),
        Case(
            "two samples through a square matrix",
            (_digits(2, 3), _digits(3, 3), np.array([1.0, -1.0, 2.0])),
            {},
            {"batch"},
            step=STEP,
        ),
    ),
    hidden=_layers,
    criteria=(
        value(2, "value: one sample", on="sample"),
        value(2, "value: batches", on="batch"),
        shape(1),
        gradient(2, "gradient: one sample", on="sample"),
        gradient(3, "gradient: batches", on="batch"),
        consistency(1),
        purity(1),
    ),
    misconceptions=mistakes.LINEAR,
)


def _stacks(rng: np.random.Generator) -> list[Case]:
    def case(name: str, d: int, m: int, k: int) -> Case:
        return Case(name, (rng.normal(size=(m, d)), _apart(rng, m), rng.normal(size=(k, m)), _apart(rng, k)))

    d, m, k = _sizes(rng, 3)
    return [
        case("two layers", d, m, k),
        case("as many numbers everywhere", 3, 3, 3),
        case("through a single neuron", 4, 1, 3),
        case("from many to one", 5, 2, 1),
    ]


COLLAPSE = Question(
    name="collapse_linear",
    functions={"collapse_linear": reference.collapse_linear},
    outputs={"collapse_linear": 2},
    visible=(
        Case(
            "through a single neuron",
            (np.array([[1.0, 2.0]]), np.array([3.0]), np.array([[10.0], [-1.0]]), np.array([0.0, 1.0])),
        ),
        Case("two square layers", (_digits(2, 2), np.array([1.0, 2.0]), _digits(2, 2).T, np.array([-1.0, 0.5]))),
        Case("from four to three to two", (_digits(3, 4), _digits(3), _digits(2, 3), _digits(2))),
    ),
    hidden=_stacks,
    criteria=(value(2), shape(0.5), purity(0.5)),
    misconceptions=mistakes.COLLAPSE,
)


def _branches(rng: np.random.Generator) -> list[Case]:
    def case(name: str, *size: int) -> Case:
        return Case(name, (_apart(rng, *size), _apart(rng, *size)))

    n, d, c = _sizes(rng, 3)
    return [
        case("a vector", 6),
        case("a batch", n, d),
        case("images", n, c, d, 3),
        case("a single number", 1),
        Case("paths that cancel in part", ((first := _apart(rng, 5)), np.where(np.arange(5) % 2, -first, 2 * first))),
    ]


BRANCH = Question(
    name="branch_backward",
    functions={"branch_backward": reference.branch_backward},
    visible=(
        Case("4 along the square, 3 along the product", (np.array([4.0]), np.array([3.0]))),
        Case("two samples of three numbers", (_digits(2, 3), np.array([[0.5, -1.0, 2.0], [3.0, 1.5, -2.0]]))),
    ),
    hidden=_branches,
    criteria=(value(1.5), shape(0.5), purity(1)),
    misconceptions=mistakes.BRANCH,
)


def _network(rng: np.random.Generator, n: int, d: int, m: int, k: int) -> tuple[Any, ...]:
    """Inputs and parameters of moderate size: no sigmoid is saturated, none is near its middle everywhere."""
    return (
        rng.normal(size=(n, d)),
        rng.normal(size=(m, d)),
        _apart(rng, m),
        rng.normal(size=(k, m)) * 1.5,
        _apart(rng, k),
    )


def _networks(rng: np.random.Generator) -> list[Case]:
    def case(name: str, tag: str, *sizes: int) -> Case:
        return Case(name, _network(rng, *sizes), {}, {tag}, tolerance=CANCELS)

    n, d, m, k = _sizes(rng, 4)
    x, *parameters = _network(rng, 6, 3, 4, 1)
    x[:2] *= 1000 / np.abs(x[:2]).max()
    far = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), np.array([0.5, 1000.0, -1000.0, -0.5])
    return [
        case("one sample, one output", "sample", 1, d, m, 1),
        case("one sample, one hidden unit", "sample", 1, d + 1, 1, 1),
        case("one sample, several outputs", "sample", 1, 2, 4, 3),
        case("a batch, one output", "batch", n + 2, d, m, 1),
        case("a batch, several outputs", "batch", n, d, m, k),
        case("as many of everything", "batch", 3, 3, 3, 3),
        case("one input", "batch", 5, 1, 4, 2),
        Case("some samples very far away", (x, *parameters), {}, {"extreme"}, tolerance=CANCELS),
        Case(
            "units that are always on or off",
            (*far, rng.normal(size=(2, 4)), np.array([0.3, -0.4])),
            {},
            {"extreme"},
            tolerance=CANCELS,
        ),
    ]


TWO_LAYER = Question(
    name="two_layer",
    functions={"two_layer_forward": reference.two_layer_forward, "two_layer_backward": reference.two_layer_backward},
    visible=(
        Case(
            "one sample, three hidden units, one output",
            (np.array([[1.0, -1.0]]), np.zeros((3, 2)), np.zeros(3), np.ones((1, 3)), np.array([-1.5])),
            {},
            {"sample"},
        ),
        Case(
            "NYU's network: two numbers, four hidden units, one output",
            (
                np.array([[0.5, -1.0]]),
                np.array([[1.0, 0.5], [-1.0, 1.0], [0.5, -0.5], [2.0, 1.0]]),
                np.array([0.5, -0.5, 1.0, -1.0]),
                np.array([[1.0, -2.0, 1.5, 0.5]]),
                np.array([-0.5]),
            ),
            {},
            {"sample"},
        ),
        Case(
            "three samples, two outputs",
            (_digits(3, 2) / 4, _digits(4, 2) / 5, _digits(4) / 3, _digits(2, 4) / 3, np.array([0.5, -0.25])),
            {},
            {"batch"},
        ),
        Case(
            "five samples, one output",
            (_digits(5, 3) / 4, _digits(2, 3) / 5, np.array([0.5, -1.0]), _digits(1, 2) / 2, np.array([0.25])),
            {},
            {"batch"},
        ),
        Case(
            "numbers near and very far",
            (
                np.array([[0.5, -1.0], [1000.0, -1000.0], [1.0, 2.0], [-750.0, 800.0]]),
                np.array([[1.0, 0.5], [-1.0, 1.0], [0.5, -0.5]]),
                np.array([0.5, -0.5, 1.0]),
                np.array([[1.0, -2.0, 1.5]]),
                np.array([-0.5]),
            ),
            {},
            {"extreme"},
        ),
    ),
    hidden=_networks,
    criteria=(
        value(2, "value: one sample", on="sample"),
        value(2, "value: batches", on="batch"),
        shape(1),
        gradient(3, "gradient: one sample", on="sample"),
        gradient(3, "gradient: batches", on="batch"),
        consistency(1, on="sample batch"),
        stability(1),
        purity(1),
    ),
    misconceptions=mistakes.TWO_LAYER,
)


def _stacked_sizes(rng: np.random.Generator) -> list[Case]:
    def sizes(layers: int) -> tuple[int, ...]:
        return tuple(int(v) for v in rng.choice(np.arange(2, 30), size=layers + 1, replace=False))

    return [
        Case("one layer", (sizes(1),), {}, {"one"}, tolerance=0.0),
        Case("one layer, one unit", ((int(rng.integers(3, 40)), 1),), {}, {"one"}, tolerance=0.0),
        Case("two layers", (sizes(2),), {}, {"two"}, tolerance=0.0),
        Case("two layers, one output", ((*sizes(1), 1),), {}, {"two"}, tolerance=0.0),
        Case("five layers", (sizes(5),), {}, {"more"}, tolerance=0.0),
        Case("four layers, sizes in a list", (list(sizes(4)),), {}, {"more"}, tolerance=0.0),
        Case("an image into wide layers", ((784, int(rng.integers(200, 400)), 100, 10),), {}, {"more"}, tolerance=0.0),
    ]


PARAMETERS = Question(
    name="mlp_parameter_count",
    functions={"mlp_parameter_count": reference.mlp_parameter_count},
    visible=(
        Case("five inputs into three units", ((5, 3),), {}, {"one"}, tolerance=0.0),
        Case("NYU's network: two inputs, four hidden units, one output", ((2, 4, 1),), {}, {"two"}, tolerance=0.0),
        Case("digits of 28 × 28, 128 hidden units, ten classes", ((784, 128, 10),), {}, {"two"}, tolerance=0.0),
        Case("four layers", ((3, 7, 5, 4, 2),), {}, {"more"}, tolerance=0.0),
    ),
    hidden=_stacked_sizes,
    criteria=(
        count(1, "count: one layer", on="one"),
        count(1, "count: two layers", on="two"),
        count(1, "count: more layers", on="more"),
    ),
    misconceptions=mistakes.PARAMETERS,
)


WHY = Manual(
    "why-cache",
    3,
    "- 1 point: from last to first, each step multiplies one vector (the gradient of a single loss) by "
    "one Jacobian, and shares the work for all parameters; from first to last, one would need a pass for "
    "each parameter or whole Jacobians.\n"
    "- 1 point: the derivatives depend on the values of the forward pass (inputs of a linear layer, "
    "outputs of a sigmoid); keeping them costs memory and saves computing them again.\n"
    "- 1 point: the chain rule in several variables: a small change of the value moves the loss through "
    "both paths, and to first order the two changes add.",
)

ASSIGNMENT = Assignment(
    name="03-multilayer-perceptron",
    title="The multilayer perceptron by hand",
    questions=(LINEAR, COLLAPSE, BRANCH, TWO_LAYER, PARAMETERS),
    reading=(Reading(2, "From the perceptron to backpropagation"),),
    manual=(WHY,),
)
