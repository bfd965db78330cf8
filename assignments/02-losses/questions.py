"""Questions of the assignment on losses: cases, criteria and points. The mistakes are in misconceptions.py."""

from typing import Any

import numpy as np

from grader.judges import Named
from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    consistency,
    design,
    gradient,
    purity,
    shape,
    stability,
    value,
)
from solutions import losses as reference

from . import misconceptions as mistakes

# A hair of 1e-8 added to a probability, to keep its logarithm finite, is no mistake.
HAIR = 1e-5


def _pair(name: str, prediction: Any, target: Any, tags: str = "plain", tolerance: float = 1e-7) -> Case:
    return Case(name, (np.array(prediction, dtype=float), np.array(target)), {}, set(tags.split()), tolerance)


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    n, d = (int(v) for v in rng.permutation([3, 4]))
    return n, d


def _regressions(rng: np.random.Generator) -> list[Case]:
    n, d = _sizes(rng)

    def case(name: str, *size: int, scale: float = 1.0) -> Case:
        return _pair(name, scale * rng.normal(size=size), scale * rng.normal(size=size))

    same = rng.normal(size=(n, d))
    return [
        case("a table", n, d),
        case("a row of numbers", 6),
        case("images", 2, d, n, 5),
        case("a batch of one", 1, 5),
        case("a single number", 1, 1),
        case("one number for each example", 7, 1),
        _pair("predictions that are all too high", same + rng.uniform(0.5, 2, size=same.shape), same),
        case("large numbers", n, 2, scale=1000.0),
        _pair("perfect predictions", same, same.copy(), "perfect"),
    ]


MSE = Question(
    name="mse_loss",
    functions={"mse_loss": reference.mse_loss},
    visible=(
        _pair("two numbers", [1.0, 4.0], [2.0, 2.0]),
        _pair("a table of 3 × 2", [[1.0, 0.0], [-2.0, 3.0], [0.5, 1.0]], [[0.0, 0.0], [1.0, 1.0], [1.0, -1.0]]),
        _pair("perfect predictions", [[1.0, 2.0]], [[1.0, 2.0]], "perfect"),
    ),
    hidden=_regressions,
    criteria=(
        value(2, on="plain perfect"),
        shape(1),
        gradient(3, on="plain perfect"),
        consistency(1, on="plain"),
        purity(1),
    ),
    misconceptions=mistakes.MSE,
    outputs={"mse_loss": 2},
)


def _certain(name: str, p: Any, t: Any) -> Case:
    """Predictions of exactly 0 and 1: where one is wrong, any finite and large cost is right, and any finite slope."""
    prediction, target = np.array(p, dtype=float), np.array(t, dtype=float)
    wrong = float(np.mean(np.abs(prediction - target)))
    # Clipped at 1e-7 a certain and wrong prediction costs 16; PyTorch's bound is 100.
    bounds = {"least": 10 * wrong} if wrong else {"least": -1e-6, "most": 1e-6}
    return Case(name, (prediction, target), {}, {"certain"}, judge=Named("finite", {"step": 0, "bounded": 0, **bounds}))


def _probabilities(rng: np.random.Generator) -> list[Case]:
    n, d = _sizes(rng)

    def case(name: str, *size: int, soft: bool = False) -> Case:
        labels = np.resize([1.0, 0.0, 1.0], int(np.prod(size)))
        target = rng.uniform(0.1, 0.9, size=size) if soft else rng.permutation(labels).reshape(size)
        return _pair(name, rng.uniform(0.06, 0.94, size=size), target, tolerance=HAIR)

    def alike(name: str, label: float) -> Case:
        return _pair(name, rng.uniform(0.06, 0.94, size=(d, n)), np.full((d, n), label), tolerance=HAIR)

    labels = rng.permutation([0.0, 1.0, 0.0, 1.0, 1.0])
    half = np.where(np.arange(5) < int(rng.integers(1, 4)), 1 - labels, labels)
    return [
        case("several examples", 7),
        case("a table", n, d),
        case("images", 2, 3, d, n),
        case("a batch of one", 1, 5),
        alike("nothing but zeros to find", 0.0),
        alike("nothing but ones to find", 1.0),
        case("targets between 0 and 1", d, n, soft=True),
        # Too steep for a difference, so not for consistency.
        _pair(
            "predictions near 0 and near 1",
            [[0.012, 0.988, 0.02, 0.98]],
            [rng.permutation([0.0, 1.0, 0.0, 1.0])],
            "near",
            HAIR,
        ),
        _certain("certain and right", labels, labels),
        _certain("certain and wrong", 1 - labels, labels),
        _certain("certainly yes, whatever is right", np.ones(5), labels),
        _certain("certainly no, whatever is right", np.zeros(5), labels),
        _certain("certain, some right and some wrong", half, labels),
    ]


BINARY_CROSS_ENTROPY = Question(
    name="binary_cross_entropy_loss",
    functions={"binary_cross_entropy_loss": reference.binary_cross_entropy_loss},
    visible=(
        _pair("one half, and a fifth", [0.5, 0.2], [1.0, 0.0], tolerance=HAIR),
        _pair(
            "a table of 2 × 3",
            [[0.9, 0.4, 0.7], [0.25, 0.6, 0.1]],
            [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]],
            tolerance=HAIR,
        ),
        _pair("a target of one quarter", [[0.5, 0.2]], [[0.25, 0.75]], tolerance=HAIR),
        _certain("certain and right", [1.0, 0.0], [1.0, 0.0]),
        _certain("certain of yes and wrong", [1.0, 1.0], [0.0, 1.0]),
        _certain("certain of no and wrong", [0.0, 0.0], [1.0, 0.0]),
    ),
    hidden=_probabilities,
    criteria=(
        value(3, on="plain near"),
        shape(0.5),
        gradient(3, on="plain near"),
        consistency(1, on="plain"),
        design(2, "stability: predictions of 0 and 1", on="certain"),
        purity(0.5),
    ),
    misconceptions=mistakes.BINARY_CROSS_ENTROPY,
    outputs={"binary_cross_entropy_loss": 2},
)


def _labels(rng: np.random.Generator) -> list[Case]:
    def case(name: str, classes: int, *size: int, tags: str = "plain") -> Case:
        # The first class occurs and the last one does not: neither must be guessed from the other.
        labels = np.resize(np.arange(classes - 1), int(np.prod(size)))
        return Case(name, (rng.permutation(labels).reshape(size), classes), {}, set(tags.split()))

    n, c = _sizes(rng)
    return [
        case("several labels", c + 1, n + 2),
        case("fewer labels than classes", 9, 4),
        case("more labels than classes", 3, 8),
        Case("a batch of one", (np.array([rng.integers(1, 5)]), 6), {}, {"plain"}),
        Case("one class for all", (np.zeros(n, dtype=np.int64), 1), {}, {"plain"}),
        Case("every class once", (rng.permutation(c + 2), c + 2), {}, {"plain"}),
        case("a table of labels", c + 1, n, 5, tags="shapes"),
        case("a label for each pixel", 4, 2, n, c, tags="shapes"),
    ]


ONE_HOT = Question(
    name="one_hot",
    functions={"one_hot": reference.one_hot},
    visible=(
        Case("class 1 of three, class 0 of three", (np.array([1, 0]), 3), {}, {"plain"}),
        Case("five labels", (np.array([2, 0, 1, 1, 0]), 4), {}, {"plain"}),
        Case("a table of labels", (np.array([[0, 1, 1], [2, 0, 2]]), 4), {}, {"shapes"}),
    ),
    hidden=_labels,
    criteria=(
        value(3, on="plain"),
        value(1, "value: labels of any shape", on="shapes"),
        shape(1),
        purity(1),
    ),
    misconceptions=mistakes.ONE_HOT,
)


def _scores(rng: np.random.Generator) -> list[Case]:
    def case(name: str, n: int, classes: int, tags: str = "plain", shift: Any = 0.0, scale: float = 2.0) -> Case:
        scores = scale * rng.normal(size=(n, classes)) + shift
        labels = rng.permutation(np.resize(np.arange(classes), n))
        # Of a loss of exactly 0 there is no relative error: 0.1 allows 1e-7.
        return Case(name, (scores, labels), {}, {tags}, {"plain": HAIR, "single": 0.1}.get(tags, 1e-7))

    n, c = _sizes(rng)
    wide = rng.permutation([1000.0, -1000.0, 0.0, rng.uniform(1, 5)])
    right = np.argmax(wide)
    return [
        case("several rows", n + 3, c),
        case("fewer rows than classes", 3, 5),
        case("as many rows as classes", c, c),
        case("two classes", 5, 2),
        case("a batch of one", 1, 4),
        case("a single class", 3, 1, "single"),
        case("scores that are nearly alike", n, c + 1, scale=0.01),
        case("rows very far from each other", 3, c, "extreme", np.array([[1000.0], [-1000.0], [0.0]])),
        case("large scores near each other", n, c + 1, "extreme", 1000.0),
        Case("certain and right", (np.stack([wide, -wide]), np.array([right, np.argmin(wide)])), {}, {"extreme"}),
        Case("certain and wrong", (np.stack([wide, -wide]), np.array([np.argmin(wide), right])), {}, {"extreme"}),
    ]


CROSS_ENTROPY = Question(
    name="cross_entropy_loss",
    functions={"cross_entropy_loss": reference.cross_entropy_loss},
    visible=(
        Case("scores 1, 2, 3, the last is right", (np.array([[1.0, 2.0, 3.0]]), np.array([2])), {}, {"plain"}, HAIR),
        Case(
            "four rows of three scores",
            (
                np.array([[2.0, 0.0, -1.0], [0.5, 1.0, 1.5], [0.0, 0.0, 0.0], [-1.0, 3.0, 1.0]]),
                np.array([0, 2, 1, 0]),
            ),
            {},
            {"plain"},
            HAIR,
        ),
        Case(
            "as many rows as classes",
            (np.array([[1.0, -1.0, 0.5], [0.0, 2.0, 1.0], [2.0, 1.0, 0.0]]), np.array([1, 1, 0])),
            {},
            {"plain"},
            HAIR,
        ),
        Case(
            "two scores of 1000",
            (np.array([[1000.0, 1000.0], [-1000.0, -999.0]]), np.array([0, 1])),
            {},
            {"extreme"},
        ),
        Case(
            "certain: right, then wrong",
            (np.array([[1000.0, -1000.0, 0.0], [0.0, 1000.0, -1000.0]]), np.array([0, 2])),
            {},
            {"extreme"},
        ),
    ),
    hidden=_scores,
    criteria=(
        value(3, on="plain single"),
        shape(0.5),
        gradient(3.5, on="plain single"),
        consistency(1, on="plain"),
        stability(3),
        purity(1),
    ),
    misconceptions=mistakes.CROSS_ENTROPY,
    outputs={"cross_entropy_loss": 2},
)


WHY = Manual(
    "why-not-accuracy",
    3,
    "- 1 point: the accuracy is constant almost everywhere, so its gradient is zero (and undefined at "
    "the jumps): it gives no direction.\n"
    "- 1 point: with the squared error the gradient in the scores carries the slope of the sigmoid or "
    "softmax, which vanishes where the unit saturates, so a confident mistake is hardly corrected.\n"
    "- 1 point: with the cross entropy that slope cancels and prediction minus target remains. Accept an "
    "argument by maximum likelihood for this point if it says what is assumed of the labels.",
)

ASSIGNMENT = Assignment(
    name="02-losses",
    title="Losses: how wrong, and which way",
    questions=(MSE, BINARY_CROSS_ENTROPY, ONE_HOT, CROSS_ENTROPY),
    reading=(Reading(1, "Supervised learning and losses"),),
    manual=(WHY,),
)
