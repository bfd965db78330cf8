"""Questions of the assignment on batch normalization: cases, criteria and points.

What a training call returns is judged apart: the output on its own, the running averages on their own, the gradients
on their own. Scripts do that; they make the usual call and send back one part. The mistakes are in misconceptions.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.plans import Output, Plan, Step, Value
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
from solutions import batch_normalization as reference
from solutions import layer_normalization as examples

from . import misconceptions as mistakes

OUT, AVERAGES = (0,), (2, 3)


def _digits(*size: int) -> Any:
    """Small whole numbers without a pattern, to be checked by hand."""
    return np.arange(1.0, np.prod(size) + 1).reshape(size) * 7 % 11 - 4


def _call(function: str, inputs: Sequence[Any], send: tuple[int, ...], options: dict[str, Any]) -> Plan:
    step = Step(function, tuple(Value(i) for i in range(len(inputs))), options, 4, send)
    return Plan(tuple(inputs), (step,))


def _judged_apart(function: str, name: str, inputs: Sequence[Any], tags: str = "", **options: Any) -> list[Case]:
    """One call three times: whole for the gradients, for its output, for its averages."""
    mode = "train" if options["training"] else "test"
    return [
        Case(name, tuple(inputs), options, {mode, *tags.split()}),
        Case(name, tags={f"{mode}_out"}, script=_call(function, inputs, OUT, options)),
        Case(name, tags={"averages"}, script=_call(function, inputs, AVERAGES, options)),
    ]


def _extreme(function: str, name: str, inputs: Sequence[Any], **options: Any) -> Case:
    return Case(name, tags={"extreme"}, script=_call(function, inputs, OUT, options))


def _one_example(function: str, name: str, inputs: Sequence[Any], **options: Any) -> Case:
    """Testing with a single value for each feature; what its own variance would be is nobody's business."""
    return Case(name, tags={"test_out"}, script=_call(function, inputs, OUT, {"training": False, **options}))


def _in_a_row(function: str, name: str, batches: Sequence[Any], given: Sequence[Any], **options: Any) -> list[Case]:
    """Train on all batches but the last, handing the averages on, and test on the last."""
    *train, test = range(len(batches))
    parameters = tuple(Value(len(batches) + i) for i in range(2))
    kept: tuple[Any, ...] = tuple(Value(len(batches) + 2 + i) for i in range(2))
    steps = []
    for i in train:
        steps.append(Step(function, (Value(i), *parameters, *kept), {"training": True, **options}, 4, AVERAGES))
        kept = (Output(i, 2), Output(i, 3))
    last = Step(function, (Value(test), *parameters, *kept), {"training": False, **options}, 4, OUT)
    return [Case(name, tags={"averages"}, script=Plan((*batches, *given), (*steps, last)))]


def _given(rng: np.random.Generator, c: int) -> tuple[Any, Any, Any, Any]:
    """Gamma of both signs and away from 1; beta; a running mean and variance unlike the batch's."""
    gamma = rng.uniform(1.3, 2.5, size=c) * rng.choice([-1.0, 1.0], size=c)
    return gamma, rng.normal(size=c) + 2, rng.normal(size=c) - 1, rng.uniform(0.3, 0.8, size=c)


def _batch(rng: np.random.Generator, *size: int) -> Any:
    """Every feature with a mean and a spread of its own."""
    along = (1, -1, *[1] * (len(size) - 2))
    spread, middle = rng.uniform(0.5, 3.0, size=size[1]), rng.normal(size=size[1]) * 2
    return rng.normal(size=size) * spread.reshape(along) + middle.reshape(along)


def _vectors(rng: np.random.Generator) -> list[Case]:
    name = "batch_norm_forward"

    def case(title: str, n: int, d: int, *, scale: Any = 1.0, **options: Any) -> list[Case]:
        return _judged_apart(name, title, (_batch(rng, n, d) * scale, *_given(rng, d)), **options)

    n, d = int(rng.integers(7, 11)), int(rng.integers(3, 5))
    return [
        *case("several examples", n, d, training=True),
        *case("more features than examples", 3, 5, training=True),
        *case("one feature", n, 1, training=True),
        *case("another momentum", n, 2, training=True, momentum=float(rng.uniform(0.2, 0.45))),
        *case("a large eps", n - 2, d, training=True, eps=float(rng.uniform(0.3, 0.9))),
        *case("a batch of two, a large eps", 2, 3, training=True, eps=0.5),
        *case("features of up to 1000", 7, 4, scale=np.array([1000.0, 1.0, 300.0, 0.1]), training=True),
        *case("several examples, testing", n, d, training=False),
        *case("a large eps, testing", 4, 3, training=False, eps=float(rng.uniform(0.3, 0.9))),
        *case("another momentum, testing", 5, 2, training=False, momentum=0.3),
        _one_example(name, "one example, testing", (_batch(rng, 1, d), *_given(rng, d))),
        _one_example(name, "one number, testing", (_batch(rng, 1, 1), *_given(rng, 1)), eps=0.2),
        *_in_a_row(name, "three batches in a row", [_batch(rng, k, d) for k in (n, 5, 6, 2)], _given(rng, d)),
        *_in_a_row(
            name, "two batches, another momentum", [_batch(rng, k, 2) for k in (4, 7, 3)], _given(rng, 2), momentum=0.35
        ),
        _extreme(name, "a batch near a million", (_batch(rng, n, d) + 1e6, *_given(rng, d)), training=True),
        _extreme(name, "a feature that never varies", (_still(_batch(rng, n, d)), *_given(rng, d)), training=True),
        _extreme(name, "inputs of ±1000", (rng.choice([-1e3, 1e3, 1.0], (n, d)), *_given(rng, d)), training=True),
    ]


def _still(x: Any) -> Any:
    """Without any spread in the first feature."""
    x[:, 0] = np.round(x[0, 0])
    return x


# The batch that the text works out by hand, and a second feature that differs from it.
BY_HAND = np.array([[2.0, 10.0], [2.0, 0.0], [6.0, 20.0], [6.0, 50.0]])
GIVEN = tuple(np.array(v) for v in ([3.0, -0.5], [10.0, 4.0], [0.0, 5.0], [1.0, 3.0]))
FOUR = tuple(np.array(v) for v in ([2.0, -3.0, 0.5], [1.0, 2.0, -4.0], [1.0, -2.0, 0.5], [4.0, 0.25, 2.0]))

BATCH_NORM = Question(
    name="batch_norm",
    functions={
        "batch_norm_forward": reference.batch_norm_forward,
        "batch_norm_backward": reference.batch_norm_backward,
    },
    visible=(
        *_judged_apart("batch_norm_forward", "the batch from the text", (BY_HAND, *GIVEN), training=True),
        *_judged_apart("batch_norm_forward", "five examples, three features", (_digits(5, 3), *FOUR), training=True),
        *_judged_apart("batch_norm_forward", "eps 0.5", (_digits(4, 3), *FOUR), training=True, eps=0.5),
        *_judged_apart("batch_norm_forward", "momentum 0.3", (_digits(6, 3), *FOUR), training=True, momentum=0.3),
        *_judged_apart("batch_norm_forward", "testing", (_digits(5, 3), *FOUR), training=False),
        *_judged_apart("batch_norm_forward", "testing, eps 0.5", (_digits(4, 3), *FOUR), training=False, eps=0.5),
        _one_example("batch_norm_forward", "testing one example", (_digits(1, 3), *FOUR)),
        *_in_a_row(
            "batch_norm_forward",
            "training on two batches, then testing",
            (_digits(5, 3), _digits(4, 3) * 2 + 1, _digits(2, 3)),
            FOUR,
        ),
        _extreme("batch_norm_forward", "a batch near a million", (_digits(7, 3) / 8 + 1e6, *FOUR), training=True),
        _extreme("batch_norm_forward", "a feature that never varies", (_still(_digits(4, 3)), *FOUR), training=True),
    ),
    hidden=_vectors,
    criteria=(
        value(4, "value: training", on="train_out"),
        value(2, "value: testing", on="test_out"),
        value(3, "value: running averages", on="averages"),
        shape(1),
        gradient(5, "gradient: training", on="train"),
        gradient(1, "gradient: testing", on="test"),
        consistency(1, "consistency: training", on="train"),
        consistency(1, "consistency: testing", on="test"),
        purity(1),
        stability(1),
    ),
    misconceptions=mistakes.BATCH_NORM,
)


def _maps(rng: np.random.Generator) -> list[Case]:
    name = "batch_norm2d_forward"

    def case(title: str, size: Sequence[int], **options: Any) -> list[Case]:
        return _judged_apart(name, title, (_batch(rng, *size), *_given(rng, size[1])), **options)

    # Images, channels, rows and columns all differ in number: nothing exchanged goes unseen.
    sizes = [tuple(int(v) for v in rng.permutation([2, 3, 4, 5])) for _ in range(4)]
    return [
        *case("several images and channels", sizes[0], training=True),
        *case("one image", (1, 3, 4, 5), training=True),
        *case("images of one pixel", (6, 3, 1, 1), training=True),
        *case("one channel", (3, 1, 5, 2), training=True),
        *case("another momentum", sizes[1], training=True, momentum=float(rng.uniform(0.2, 0.45))),
        *case("a large eps", (3, 2, 4, 5), training=True, eps=float(rng.uniform(0.3, 0.9))),
        *case("several images and channels, testing", sizes[2], training=False),
        *case("a large eps, testing", sizes[3], training=False, eps=float(rng.uniform(0.3, 0.9))),
        _one_example(name, "one pixel, testing", (_batch(rng, 1, 3, 1, 1), *_given(rng, 3))),
        *_in_a_row(name, "three batches in a row", [_batch(rng, k, 3, 2, 4) for k in (2, 5, 4, 1)], _given(rng, 3)),
        _extreme(
            name, "a batch near a million", (_batch(rng, *sizes[0]) + 1e6, *_given(rng, sizes[0][1])), training=True
        ),
        _extreme(name, "a map of one colour", (_still(_batch(rng, 3, 2, 4, 5)), *_given(rng, 2)), training=True),
    ]


BATCH_NORM_2D = Question(
    name="batch_norm2d",
    functions={
        "batch_norm2d_forward": reference.batch_norm2d_forward,
        "batch_norm2d_backward": reference.batch_norm2d_backward,
    },
    visible=(
        *_judged_apart(
            "batch_norm2d_forward", "two images, three channels", (_digits(2, 3, 4, 5), *FOUR), training=True
        ),
        *_judged_apart("batch_norm2d_forward", "one image", (_digits(1, 3, 2, 4), *FOUR), training=True),
        *_judged_apart(
            "batch_norm2d_forward",
            "momentum 0.3, eps 0.5",
            (_digits(4, 3, 2, 1), *FOUR),
            training=True,
            momentum=0.3,
            eps=0.5,
        ),
        *_judged_apart("batch_norm2d_forward", "testing", (_digits(2, 3, 4, 5), *FOUR), training=False),
        *_judged_apart(
            "batch_norm2d_forward", "testing, eps 0.5", (_digits(4, 3, 1, 2), *FOUR), training=False, eps=0.5
        ),
        *_in_a_row(
            "batch_norm2d_forward",
            "training on two batches, then testing",
            (_digits(2, 3, 4, 5), _digits(4, 3, 1, 2) * 2 + 1, _digits(1, 3, 2, 2)),
            FOUR,
        ),
        _extreme(
            "batch_norm2d_forward", "a batch near a million", (_digits(2, 3, 4, 5) / 8 + 1e6, *FOUR), training=True
        ),
        _extreme("batch_norm2d_forward", "a map of one colour", (_still(_digits(2, 3, 2, 4)), *FOUR), training=True),
    ),
    hidden=_maps,
    criteria=(
        value(3, "value: training", on="train_out"),
        value(2, "value: testing", on="test_out"),
        value(2, "value: running averages", on="averages"),
        shape(1),
        gradient(4, "gradient: training", on="train"),
        gradient(1, "gradient: testing", on="test"),
        consistency(1),
        purity(1),
        stability(1),
    ),
    misconceptions=mistakes.BATCH_NORM_2D,
)


def _own_size(rng: np.random.Generator, size: tuple[int, ...], axes: int) -> tuple[Any, Any, Any]:
    """Examples that differ in mean and spread, with a gamma for each entry of the last axes."""
    along = (size[0], *[1] * (len(size) - 1))
    x = rng.normal(size=size) * rng.uniform(0.5, 3.0, size=along) + rng.normal(size=along) * 2
    features = size[len(size) - axes :]
    gamma = rng.uniform(1.3, 2.5, size=features) * rng.choice([-1.0, 1.0], size=features)
    return x, gamma, rng.normal(size=features) + 2


def _layers(rng: np.random.Generator) -> list[Case]:
    def case(name: str, size: tuple[int, ...], axes: int, tags: str = "", **options: Any) -> Case:
        return Case(name, _own_size(rng, size, axes), options, {"usual", *tags.split()})

    n, d = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    x, gamma, beta = _own_size(rng, (4, 6), 1)
    return [
        case("several examples", (n, d), 1),
        case("one example", (1, d), 1),
        case("a large eps", (n, d), 1, eps=float(rng.uniform(0.3, 0.9))),
        case("images, a gamma for each entry", (4, 2, 3, 5), 3),
        case("images, a gamma for each pixel", (3, 2, 5, 4), 2),
        case("sequences, a gamma for each feature", (2, 5, 6), 1),
        Case("examples near a million", (x + 1e6, gamma, beta), {}, {"extreme"}),
    ]


LAYER_NORM = Question(
    name="layer_norm",
    functions={"layer_norm_forward": examples.layer_norm_forward, "layer_norm_backward": examples.layer_norm_backward},
    visible=(
        Case("two examples", (_digits(2, 4), np.array([2.0, -1, 3, 0.5]), np.array([1.0, 2, 3, 4])), {}, {"usual"}),
        Case("eps 0.5", (_digits(3, 5), _digits(5) + 0.5, _digits(5)), {"eps": 0.5}, {"usual"}),
        Case("images", (_digits(2, 3, 2, 4), _digits(3, 2, 4) + 0.5, _digits(3, 2, 4)), {}, {"usual"}),
        Case("sequences", (_digits(2, 3, 4), _digits(4) + 0.5, _digits(4)), {}, {"usual"}),
        Case("examples near a million", (_digits(2, 5) + 1e6, _digits(5) + 0.5, _digits(5)), {}, {"extreme"}),
    ),
    hidden=_layers,
    criteria=(
        value(2, on="usual"),
        gradient(3, on="usual"),
        consistency(1, on="usual"),
        purity(0.5, on="usual"),
        stability(0.5),
    ),
    misconceptions=mistakes.LAYER_NORM,
    bonus=True,
)


def _groups(rng: np.random.Generator) -> list[Case]:
    def case(
        name: str, size: tuple[int, ...], groups: int, tags: str = "usual", far: float = 0.0, **options: Any
    ) -> Case:
        gamma, beta, _, _ = _given(rng, size[1])
        return Case(name, (_batch(rng, *size) + far, gamma, beta), {"num_groups": groups, **options}, set(tags.split()))

    return [
        case("two groups of three", (4, 6, 2, 5), 2),
        case("three groups of two", (2, 6, 5, 3), 3),
        case("one group of all", (3, 4, 2, 5), 1),
        case("each channel alone", (2, 4, 5, 3), 4),
        case("one image, a large eps", (1, 8, 3, 2), 2, eps=float(rng.uniform(0.3, 0.9))),
        case("images of one pixel", (3, 10, 1, 1), 2),
        case("images near a million", (2, 6, 3, 4), 3, "extreme", far=1e6),
    ]


GROUP_NORM = Question(
    name="group_norm",
    functions={"group_norm_forward": examples.group_norm_forward, "group_norm_backward": examples.group_norm_backward},
    visible=(
        Case(
            "six channels, two groups",
            (_digits(2, 6, 3, 4), _digits(6) + 0.5, _digits(6)),
            {"num_groups": 2},
            {"usual"},
        ),
        Case(
            "six channels, three groups",
            (_digits(1, 6, 2, 5), _digits(6) + 0.5, _digits(6)),
            {"num_groups": 3},
            {"usual"},
        ),
        Case("eps 0.5", (_digits(3, 4, 2, 1), _digits(4) + 0.5, _digits(4)), {"num_groups": 1, "eps": 0.5}, {"usual"}),
        Case(
            "images near a million",
            (_digits(2, 4, 2, 3) + 1e6, _digits(4) + 0.5, _digits(4)),
            {"num_groups": 2},
            {"extreme"},
        ),
    ),
    hidden=_groups,
    criteria=(
        value(2, on="usual"),
        gradient(3, on="usual"),
        consistency(1, on="usual"),
        purity(0.5, on="usual"),
        stability(0.5),
    ),
    misconceptions=mistakes.GROUP_NORM,
    bonus=True,
)


WHY = Manual(
    "why-running-averages",
    3,
    "- 1 point: at test time an answer must not depend on which other examples happen to be in the "
    "batch, and a batch may hold one example; while training, the gradient has to go through the "
    "statistics that were used.\n"
    "- 1 point: in training mode at test time, answers change with the batch, and a batch of one "
    "normalizes to beta (or fails); in test mode while training, the averages are stale or initial, "
    "nothing is normalized, and activations may drift.\n"
    "- 1 point: normalized values would all have mean 0 and deviation 1, which may not be what the next "
    "layer needs (a sigmoid would stay in its linear part); with gamma and beta every scale and shift "
    "can be learned, even the identity.",
)

ASSIGNMENT = Assignment(
    name="07-batch-normalization",
    title="Batch normalization",
    questions=(BATCH_NORM, BATCH_NORM_2D, LAYER_NORM, GROUP_NORM),
    reading=(Reading(8, "Normalisation and regularisation"),),
    manual=(WHY,),
)
