"""Questions of the assignment on pooling: cases, criteria and points. The mistakes are in misconceptions.py."""

from collections.abc import Callable
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
    statistics,
    value,
)
from solutions import pooling as reference

from . import misconceptions as mistakes
from .ties import fair_shares

# The tables of two lectures: UB's for the maximum, BZU's for maximum and mean.
BUFFALO = np.array([[12.0, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])
BIRZEIT = np.array([[1.0, 1, 2, 5], [5, 7, 7, 8], [3, 1, 1, 0], [1, 2, 3, 4]])


def _digits(*size: int, shift: int = 0) -> Any:
    """Whole numbers without a pattern, all different, to be checked by hand."""
    count = int(np.prod(size))
    steps = next(p for p in (37, 41, 43) if count % p)
    return (np.arange(count) * steps % count - count // 2 + shift).reshape(size).astype(float)


def _distinct(rng: np.random.Generator, *size: int, positive: float = 0.5) -> Any:
    """Numbers of which no two are nearer than 0.1, none nearer to 0 than that; ``positive`` is the share above 0."""
    count = int(np.prod(size))
    ranks = np.arange(count) - round(count * (1 - positive)) + 0.5
    spaced = 0.25 * ranks + rng.uniform(-0.02, 0.02, size=count)
    # Without a pattern in the sizes, a mean would be blind to which numbers it takes.
    return (rng.permutation(spaced) * min(1.0, 40 / count) ** 0.3).reshape(size)


def _two(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    """Two different numbers from low to high, high included."""
    a, b = rng.choice(np.arange(low, high + 1), size=2, replace=False)
    return int(a), int(b)


def _windows(rng: np.random.Generator) -> list[Case]:
    flip = bool(rng.integers(2))

    def either(a: int, b: int) -> tuple[int, int]:
        return (b, a) if flip else (a, b)

    def case(
        name: str,
        tags: str,
        image: tuple[int, int],
        kernel: Any,
        sizes: tuple[int, int] | None = None,
        positive: float = 0.5,
        **options: Any,
    ) -> Case:
        n, c = sizes or (int(v) for v in rng.permutation([2, 3]))
        return Case(name, (_distinct(rng, n, c, *image, positive=positive), kernel), options, set(tags.split()))

    few, many = case("one image, one channel", "plain", (4, 6), 2, (1, 1)), rng.permutation([1000.0, -1000.0])
    far = case("numbers near and very far", "plain", (4, 6), either(1, 2), (2, 3))
    far.inputs[0][:, :, 0, :2] += many
    return [
        few,
        case("windows side by side", "plain", (6, 4), 2),
        case("windows of another height than width", "plain", (6, 12), either(3, 2)),
        case("nothing but numbers below zero", "plain", (4, 6), 2, positive=0.0),
        far,
        case("windows of one pixel", "plain", (2, 3), 1),
        case("an image of one pixel", "plain", (1, 1), 1, (1, 2)),
        case("one window for the whole image", "plain", (3, 4), (3, 4)),
        case("windows that overlap, stride 1", "overlap", (4, 5), either(2, 3), stride=1),
        case("windows that overlap, stride 2", "overlap", (7, 5), 3, stride=2),
        case("another stride for rows than for columns", "overlap", (8, 7), (3, 3), stride=either(1, 2)),
        case("a single image, windows that overlap", "overlap", (5, 3), 2, (1, 3), stride=(1, 1)),
        case("a rest that no window sees", "rest", (5, 7), 2),
        case("a rest of rows or columns alone", "rest", either(6, 8), (3, 2) if flip else (2, 3)),
        case("a stride longer than the window", "rest", (8, 9), 2, stride=either(3, 4)),
        case("padding as one number", "padding", (4, 6), 2, padding=1, positive=0.3),
        case("padding and overlap, numbers below zero", "padding", (5, 4), 3, stride=2, padding=1, positive=0.0),
        case("padding of rows or columns alone", "padding", (4, 5), (3, 3), stride=2, padding=either(1, 0)),
        case("everything together", "padding", (9, 8), (4, 3), stride=(3, 2), padding=(2, 1), positive=0.3),
        case("everything together, turned", "padding", (8, 9), (3, 5), stride=(1, 3), padding=(1, 2), positive=0.3),
    ]


def _figure(name: str, tags: str, x: Any, kernel: Any, **options: Any) -> Case:
    return Case(name, (x if x.ndim == 4 else x[None, None], kernel), options, set(tags.split()))


def _visible(first: Case) -> tuple[Case, ...]:
    return (
        first,
        _figure("the table of UB", "plain", BUFFALO, 2),
        _figure("two images, three channels, windows of 3 × 2", "plain", _digits(2, 3, 6, 4), (3, 2)),
        _figure("nothing but numbers below zero", "plain", _digits(2, 1, 4, 6, shift=-30), 2),
        _figure("a 4 × 5 image, windows of 3 × 2, stride 1", "overlap", _digits(2, 1, 4, 5), (3, 2), stride=1),
        _figure("stride (2, 1)", "overlap", _digits(1, 2, 7, 5), 3, stride=(2, 1)),
        _figure("a 5 × 7 image, windows of 2 × 2: a rest is left", "rest", _digits(2, 3, 5, 7), 2),
        _figure("an 8 × 6 image, stride 3: pixels are skipped", "rest", _digits(1, 2, 8, 6), 2, stride=3),
        _figure("padding 1, numbers below zero", "padding", _digits(1, 2, 4, 6, shift=-30), 2, padding=1),
        _figure(
            "windows of 4 × 3, stride (3, 2), padding (2, 1)",
            "padding",
            _digits(2, 3, 6, 8),
            (4, 3),
            stride=(3, 2),
            padding=(2, 1),
        ),
        _figure("padding of columns alone", "padding", _digits(1, 2, 5, 4), 3, stride=2, padding=(0, 1)),
    )


def _functions(name: str) -> dict[str, Callable[..., Any]]:
    return {f: getattr(reference, f) for f in (f"{name}_forward", f"{name}_backward")}


def _tie(name: str, x: Any, kernel: tuple[int, int], dout: Any) -> Case:
    script = Plan(
        (x, dout),
        (
            Step("max_pool2d_forward", (Value(0), kernel), {}, 2, ()),
            Step("max_pool2d_backward", (Value(1), Output(0, 1))),
        ),
    )
    return Case(name, script=script, tags={"ties"}, judge=fair_shares(x, dout, kernel))


def _ties(rng: np.random.Generator) -> list[Case]:
    def dout(*size: int) -> Any:
        return rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.5, 2, size=size)

    levels = rng.choice([-1.0, 0.0, 1.5], size=(2, 3, 6, 6))
    levels[0, 0, :3, :2], levels[1, 2, 3:, 2:4] = 0.0, -1.0
    dark = np.maximum(rng.normal(size=(3, 2, 4, 4)) - 1, 0)
    dark[0, 0, :2, :2], dark[1, 1, 2:, :2] = 0.0, [[2.0, 0.0], [0.0, 2.0]]
    return [
        _tie("several pixels tie", levels, (3, 2), dout(2, 3, 2, 3)),
        _tie("pixels that ReLU made zero", dark, (2, 2), dout(3, 2, 2, 2)),
    ]


MAX_POOL = Question(
    name="max_pool2d",
    functions=_functions("max_pool2d"),
    visible=_visible(_figure("a table without ties", "plain", np.array([[1.0, 3, 2, 5], [6, 7, 4, 8]]), 2)),
    hidden=lambda rng: _windows(rng) + _ties(rng),
    criteria=(
        value(2, "value: plain", on="plain"),
        value(1.5, "value: overlap", on="overlap"),
        value(1, "value: rest", on="rest"),
        value(1.5, "value: padding", on="padding"),
        shape(1),
        gradient(2, "gradient: plain", on="plain"),
        gradient(2, "gradient: overlap", on="overlap"),
        gradient(1, "gradient: rest", on="rest"),
        gradient(1.5, "gradient: padding", on="padding"),
        statistics(1.5, "gradient: ties", on="ties"),
        consistency(1),
        purity(1),
    ),
    misconceptions=mistakes.MAX_POOL,
)

AVG_POOL = Question(
    name="avg_pool2d",
    functions=_functions("avg_pool2d"),
    visible=_visible(_figure("the table of BZU", "plain", BIRZEIT, 2)),
    hidden=_windows,
    criteria=(
        value(1, "value: plain", on="plain"),
        value(1, "value: overlap", on="overlap"),
        value(0.5, "value: rest", on="rest"),
        value(1.5, "value: padding", on="padding"),
        shape(1),
        gradient(1.5, "gradient: plain", on="plain"),
        gradient(1.5, "gradient: overlap", on="overlap"),
        gradient(0.5, "gradient: rest", on="rest"),
        gradient(1.5, "gradient: padding", on="padding"),
        consistency(1),
        purity(1),
    ),
    misconceptions=mistakes.AVG_POOL,
)


def _maps(rng: np.random.Generator) -> list[Case]:
    def case(name: str, *size: int, offset: float = 0.0) -> Case:
        return Case(name, (_distinct(rng, *size) + offset,), {}, set(), step=1e-3)

    n, c, h, w = (int(v) for v in rng.permutation([2, 3, 4, 5]))
    return [
        case("several images and channels", n, c, h, w),
        case("a single image", 1, c, w, h),
        case("a single channel", n, 1, h, w),
        case("one image, one channel", 1, 1, 3, 2),
        case("maps of one pixel", 3, 2, 1, 1),
        case("maps of one row", 2, 3, 1, w + 2),
        case("numbers around 1000", c, n, h, w, offset=1000.0),
        case("numbers around -1000", 2, 4, 3, 5, offset=-1000.0),
    ]


GLOBAL_AVG_POOL = Question(
    name="global_avg_pool2d",
    functions=_functions("global_avg_pool2d"),
    visible=(
        Case("two maps of 2 × 2", (np.array([[[[1.0, 2], [3, 6]], [[0, 0], [0, 4]]]]),), step=1e-3),
        Case("two images, three channels, 4 × 5", (_digits(2, 3, 4, 5),), step=1e-3),
        Case("three images, one channel, 2 × 3", (_digits(3, 1, 2, 3),), step=1e-3),
        Case("one image, one channel, 3 × 2", (_digits(1, 1, 3, 2),), step=1e-3),
    ),
    hidden=_maps,
    criteria=(value(1.5), shape(0.5), gradient(2), consistency(0.5), purity(0.5)),
    misconceptions=mistakes.GLOBAL_AVG_POOL,
)


def _forward_alone(case: Case) -> Case:
    """The forward without its cache, which has no use and may be anything."""
    x, kernel = case.inputs
    step = Step("median_pool2d_forward", (Value(0), kernel), case.options, 2, (0,))
    return Case(case.name, tags=case.tags, script=Plan((x,), (step,)))


MEDIAN_POOL = Question(
    name="median_pool2d",
    functions={"median_pool2d_forward": reference.median_pool2d_forward},
    visible=tuple(
        _forward_alone(case)
        for case in (
            *_visible(_figure("the table of BZU", "plain", BIRZEIT, 2)),
            _figure(
                "one bright pixel in a window of 3 × 3", "plain", np.array([[1.0, 2, 3], [4, 99, 6], [7, 8, 9]]), 3
            ),
        )
    ),
    hidden=lambda rng: [_forward_alone(case) for case in _windows(rng)],
    criteria=(
        value(2, "value: plain", on="plain"),
        value(1, "value: overlap and rest", on="overlap rest"),
        value(2, "value: padding", on="padding"),
        shape(0.5),
        purity(0.5),
    ),
    misconceptions=mistakes.MEDIAN_POOL,
)


WHY = Manual(
    "why-pool",
    3,
    "- 1 point: two of: smaller maps and less work in the layers behind; a larger receptive field; small "
    "shifts of the input change little.\n"
    "- 1 point: the maximum keeps a strong response at full height and sends the whole gradient to one "
    "pixel; the mean dilutes it by the size of the window and gives every pixel an equal share.\n"
    "- 1 point: the place within the window is lost, which hurts where every pixel gets an answer "
    "(segmentation) or a place is asked for (key points, detection of small things).",
)

ASSIGNMENT = Assignment(
    name="06-pooling",
    title="Pooling by hand",
    questions=(GLOBAL_AVG_POOL, AVG_POOL, MAX_POOL, MEDIAN_POOL),
    reading=(Reading(6, "Pooling and receptive fields"),),
    manual=(WHY,),
)
