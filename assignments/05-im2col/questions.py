"""Questions of the assignment on im2col: cases, criteria and points. The mistakes are in misconceptions.py."""

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
    value,
    vectorised,
)
from solutions import im2col as reference

from . import layer
from . import layer_misconceptions as layer_mistakes
from . import misconceptions as mistakes

# All of it is linear: a long step of the differences costs no accuracy.
STEP = 1e-3

SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
PATCH = np.array([[200.0, 150.0, 150.0], [100.0, 50.0, 100.0], [25.0, 25.0, 10.0]])


def _digits(*size: int) -> Any:
    """Small whole numbers without a pattern, to be checked by hand."""
    return np.arange(1.0, np.prod(size) + 1).reshape(size) * 7 % 11 - 4


def _tags(text: str) -> set[str]:
    return set(text.split())


def _numbers(seed: int, *size: int) -> Any:
    return np.random.default_rng(seed).normal(size=size)


def _windows(rng: np.random.Generator) -> list[tuple[str, str, tuple[int, ...], Any, dict[str, Any]]]:
    """Name, tags, image, kernel and settings: images, channels, rows and columns differ in number."""
    n, c = (int(v) for v in rng.permutation([2, 3]))
    flip = bool(rng.integers(2))

    def either(a: int, b: int) -> tuple[int, int]:
        return (b, a) if flip else (a, b)

    return [
        ("several images and channels", "plain", (n, c, 4, 5), either(2, 3), {}),
        ("one number for both directions", "plain", (c, n, 6, 4), 2, {}),
        ("windows of one pixel", "plain", (n, c, 3, 2), 1, {}),
        ("one window for the whole image", "plain", (n, c, 3, 4), (3, 4), {}),
        ("one image, one channel", "plain", (1, 1, 4, 3), 2, {}),
        ("an image of one row", "plain", (n, c, 1, 6), (1, 3), {}),
        ("windows side by side", "stride", (n, c, 4, 6), 2, {"stride": 2}),
        ("a stride that leaves a rest", "stride", (c, n, *either(6, 8)), 3, {"stride": 2}),
        ("another stride for rows than for columns", "stride", (n, c, 8, 7), (3, 2), {"stride": either(1, 3)}),
        ("a stride longer than the window", "stride", (n, c, 9, 7), either(2, 1), {"stride": either(3, 4)}),
        ("padding as one number", "padding", (n, c, 3, 4), either(3, 2), {"padding": 1}),
        ("padding of rows or columns alone", "padding", (c, n, 4, 3), 2, {"padding": either(0, 2)}),
        ("dilated windows", "dilation", (n, c, 7, 6), (3, 2), {"dilation": 2}),
        ("another dilation for rows than for columns", "dilation", (n, c, 7, 9), (2, 3), {"dilation": either(3, 2)}),
        (
            "everything together",
            "stride padding dilation",
            (n, c, 9, 8),
            (2, 3),
            {"stride": (3, 2), "padding": (2, 1), "dilation": (2, 3)},
        ),
    ]


_FIGURES: list[tuple[str, str, tuple[int, ...], Any, dict[str, Any]]] = [
    ("a 3 × 3 image, windows of 2 × 2", "plain", (1, 1, 3, 3), 2, {}),
    ("two images, three channels, windows of 3 × 2", "plain", (2, 3, 4, 5), (3, 2), {}),
    ("windows side by side", "stride", (1, 2, 4, 6), 2, {"stride": 2}),
    ("stride (1, 3)", "stride", (2, 1, 6, 8), (3, 2), {"stride": (1, 3)}),
    ("stride 2 leaves a rest", "stride", (2, 1, 6, 8), 3, {"stride": 2}),
    ("padding 1", "padding", (1, 2, 3, 4), (3, 2), {"padding": 1}),
    ("padding of columns alone", "padding", (2, 1, 4, 3), 2, {"padding": (0, 2)}),
    ("dilation 2", "dilation", (2, 1, 6, 5), (2, 3), {"dilation": 2}),
    ("dilation (3, 1)", "dilation", (2, 1, 7, 5), (2, 3), {"dilation": (3, 1)}),
    (
        "stride (2, 1), padding (1, 2), dilation (1, 2)",
        "stride padding dilation",
        (2, 3, 6, 5),
        (2, 3),
        {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2)},
    ),
]


def _to_columns(made: Any, entry: Any) -> Case:
    name, tags, size, kernel, options = entry
    return Case(name, (made(*size), kernel), options, _tags(tags))


def _to_images(made: Any, entry: Any) -> Case:
    name, tags, size, kernel, options = entry
    cols = made(*reference.im2col(np.zeros(size), kernel, **options).shape)
    return Case(name, (cols, size[2:], kernel), options, _tags(tags))


_SETTINGS = {"stride": (2, 1), "padding": 1}

IM2COL = Question(
    name="im2col",
    functions={"im2col": reference.im2col},
    visible=tuple(_to_columns(_digits, f) for f in _FIGURES),
    hidden=lambda rng: [_to_columns(lambda *s: rng.normal(size=s), w) for w in _windows(rng)],
    criteria=(
        value(2, "value: plain", on="plain"),
        value(1, "value: stride", on="stride"),
        value(1, "value: padding", on="padding"),
        value(1, "value: dilation", on="dilation"),
        shape(1),
        vectorised(
            3,
            small=Case("a small batch", (_numbers(1, 2, 3, 5, 6), (3, 2)), _SETTINGS),
            large=Case("a large batch of large images", (_numbers(2, 9, 3, 24, 21), (3, 2)), _SETTINGS),
        ),
        purity(1),
    ),
    misconceptions=mistakes.IM2COL,
)

COL2IM = Question(
    name="col2im",
    functions={"col2im": reference.col2im},
    visible=(
        Case("columns of ones count the windows", (np.ones((1, 4, 4)), 3, 2), {}, {"plain"}),
        *(_to_images(_digits, f) for f in _FIGURES),
    ),
    hidden=lambda rng: [_to_images(lambda *s: rng.normal(size=s), w) for w in _windows(rng)],
    criteria=(
        value(3, "value: plain", on="plain"),
        value(1, "value: stride", on="stride"),
        value(1.5, "value: padding", on="padding"),
        value(1, "value: dilation", on="dilation"),
        shape(1),
        vectorised(
            3.5,
            small=Case("a small batch", (_numbers(3, 2, 18, 15), (5, 4), (3, 2)), {"stride": (2, 1), "padding": 1}),
            large=Case("a large batch of large images", (_numbers(4, 9, 18, 12 * 22), (24, 21), (3, 2)), _SETTINGS),
        ),
        purity(1),
    ),
    misconceptions=mistakes.COL2IM,
)


def _layer(made: Any, filters: int, entry: Any, *, bias: bool = False, tags: str = "") -> Case:
    name, old, size, kernel, options = entry
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    w, b = made(filters, size[1], *kernel), made(filters) if bias else None
    return Case(name, (made(*size), w, b), options, _tags(tags or old), step=STEP)


def _layers(rng: np.random.Generator) -> list[Case]:
    def made(*size: int) -> Any:
        return rng.normal(size=size)

    first, *_, last = entries = _windows(rng)
    return [
        *(_layer(made, 4, e) for e in entries if e[0] != "one image, one channel"),
        _layer(made, 1, ("one image, one channel, one filter", "plain", (1, 1, 4, 3), 2, {})),
        _layer(made, 4, ("a bias for each filter", *first[1:]), bias=True, tags="bias"),
        _layer(made, 5, ("everything together, with a bias", *last[1:]), bias=True, tags="bias"),
    ]


CONV2D = Question(
    name="conv2d",
    functions={"conv2d_forward": layer.conv2d_forward, "conv2d_backward": layer.conv2d_backward},
    visible=(
        Case("the Sobel patch", (PATCH[None, None], SOBEL[None, None], None), {}, {"plain"}, step=STEP),
        *(_layer(_digits, 4, f) for f in _FIGURES),
        _layer(
            _digits, 3, ("two images, three filters, a bias for each", "", (2, 2, 3, 4), 2, {}), bias=True, tags="bias"
        ),
    ),
    hidden=_layers,
    criteria=(
        value(3, "value: plain", on="plain"),
        value(1, "value: bias", on="bias"),
        value(2, "value: stride, padding, dilation", on="stride padding dilation"),
        shape(1),
        gradient(3, "gradient: plain", on="plain"),
        gradient(1, "gradient: bias", on="bias"),
        gradient(2, "gradient: stride, padding, dilation", on="stride padding dilation"),
        consistency(1),
        vectorised(
            3,
            small=Case("a small batch", (_numbers(5, 2, 3, 5, 6), _numbers(6, 4, 3, 3, 2), _numbers(7, 4)), _SETTINGS),
            large=Case(
                "a large batch of large images",
                (_numbers(8, 9, 3, 24, 21), _numbers(6, 4, 3, 3, 2), _numbers(7, 4)),
                _SETTINGS,
            ),
        ),
        purity(1),
    ),
    misconceptions=layer_mistakes.CONV2D,
)

WHY = Manual(
    "why-copy-pixels",
    3,
    "- 1 point: one large matrix product runs in a library that uses cache, vector instructions and "
    "cores; the loops pay for Python or for short, scattered reads at each window.\n"
    "- 1 point: memory, KH · KW times the input for stride 1; bad for large images, large kernels or "
    "little memory (then: in blocks, or by the taps of the kernel); a 1 × 1 kernel needs no copy.\n"
    "- 1 point: col2im is the adjoint: a pixel that was copied to several columns acts on the loss "
    "through all of them, so its gradient is their sum.",
)

ASSIGNMENT = Assignment(
    name="05-im2col",
    title="Convolution as one matrix product",
    questions=(IM2COL, COL2IM, CONV2D),
    manual=(WHY,),
    reading=(Reading(5, "Convolution layers, im2col and their gradients"),),
)
