"""Questions of the assignment on architecture: cases, criteria and points. The mistakes are in misconceptions.py.

A case's network is a list of layer descriptions, as `solutions.descriptions` defines them. The worked figures of the
lectures are visible cases; hidden networks are drawn so that no two sizes are alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.plans import Plan, Step
from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    consistency,
    count,
    design,
    gradient,
    purity,
    shape,
    value,
)
from solutions import architecture as reference
from solutions import written_assignments as written
from solutions.descriptions import ALEXNET, LENET5, LENET5_BATCH_NORM, VGG16, conv, linear

from . import misconceptions as mistakes
from .design import design_network, judge_design
from .own import OWN

Layers = list[dict[str, Any]]

# Convolution is linear in filters and biases, and the loss quadratic: a long step costs no accuracy.
STEP = 1e-3

RELU: dict[str, Any] = {"kind": "relu"}
FLATTEN: dict[str, Any] = {"kind": "flatten"}
GLOBAL: dict[str, Any] = {"kind": "global_avg_pool2d"}
NORM: dict[str, Any] = {"kind": "batch_norm2d"}
PRELU: dict[str, Any] = {"kind": "prelu"}


def pool(size: Any, *, mean: bool = False, **keys: Any) -> dict[str, Any]:
    """A pooling's description."""
    return {"kind": "avg_pool2d" if mean else "max_pool2d", "kernel_size": size, **keys}


# BZU's example: 32×32×3; 8 filters 3×3; 16 filters 5×5, stride 2; both "same"; 512 and 4 units.
BZU = [
    conv(8, 3, padding="same"),
    RELU,
    conv(16, 5, stride=2, padding="same"),
    RELU,
    FLATTEN,
    linear(512),
    RELU,
    linear(4),
]
SEVEN = [conv(16, 7, padding=3)]
THREE_THREES = [conv(16, 3, padding=1), RELU] * 3
STRIDED = [conv(1, 3, stride=2)]
SMALL = [conv(5, 3, padding=1), RELU, pool(2), conv(7, (2, 3)), RELU, FLATTEN, linear(6)]
NORMED = [conv(6, 3, bias=False), NORM, PRELU, pool((2, 3), mean=True), conv(4, 1), FLATTEN, linear(3)]


def _some(rng: np.random.Generator, low: int, high: int, number: int) -> list[int]:
    """Different numbers from low to high, high included."""
    return [int(v) for v in rng.choice(np.arange(low, high + 1), size=number, replace=False)]


def _networks(rng: np.random.Generator) -> dict[str, tuple[str, Layers, tuple[int, ...]]]:
    """Networks by name: (tags, layers, input shape). Maps, kernels and sizes all differ; rows differ from columns."""
    c, f, g, m = _some(rng, 2, 9, 4)
    h, w = _some(rng, 25, 40, 2)
    a, b = _some(rng, 2, 4, 2)
    p, q = _some(rng, 2, 3, 2)
    group = int(rng.integers(2, 4))
    units = int(rng.integers(11, 30))
    image = (c, h, w)
    return {
        "one convolution": ("conv", [conv(f, (a, b))], image),
        "one convolution of one channel, one filter": ("conv", [conv(1, 3)], (1, h, w)),
        "a kernel of one pixel": ("conv", [conv(f, 1)], image),
        "a kernel as large as the image": ("conv", [conv(f, (h, w))], image),
        "two convolutions without biases": ("conv", [conv(f, a, bias=False), RELU, conv(g, b, bias=False)], image),
        "three convolutions, one without biases": (
            "conv",
            [conv(f, (a, b)), RELU, conv(g, 3, bias=False), RELU, conv(m, (b, a))],
            image,
        ),
        "strides that leave a rest": ("stride", [conv(f, a, stride=(p, q)), RELU, conv(g, b, stride=2)], image),
        "two strides, then a window": (
            "stride",
            [conv(f, 3, stride=(q, p)), conv(g, (a, b), stride=(p, 3)), conv(m, (2, 3))],
            (c, h + 20, w + 20),
        ),
        "a stride longer than the kernel": ("stride", [conv(f, 2, stride=(3, 4)), conv(g, (2, 3))], image),
        "padding, other for rows than for columns": (
            "padding",
            [conv(f, (3, 5), padding=(p, q)), conv(g, a, stride=3, padding=1)],
            image,
        ),
        "padding same, with strides": (
            "padding",
            [conv(f, (a, 5), padding="same"), conv(g, 3, stride=(2, 3), padding="same"), conv(m, 2, padding="same")],
            image,
        ),
        "dilated kernels": (
            "dilation",
            [conv(f, (3, 2), dilation=(p, q)), conv(g, 3, stride=2, dilation=2), conv(m, 2, dilation=(1, 2))],
            image,
        ),
        "groups": (
            "groups",
            [conv(group * f, a, groups=group), RELU, conv(group * g, (b, 2), groups=group)],
            (group * c, h, w),
        ),
        "each channel by itself": ("groups", [conv(2 * c, 3, groups=c, padding=1)], image),
        "pooling with windows that touch": ("pool", [conv(f, a), pool((p, q)), conv(g, b), pool(2, mean=True)], image),
        "pooling with windows that overlap": (
            "pool",
            [conv(f, 2), pool(3, stride=2), conv(g, (a, 2)), pool((3, 2), stride=(1, 2), padding=1), conv(m, (2, 3))],
            image,
        ),
        "pooling first": ("pool", [pool((q, p)), conv(f, (a, b)), pool(2, stride=1), conv(g, (3, 2))], image),
        "a row of features through linear layers": ("linear", [linear(units), RELU, linear(m)], (f * g,)),
        "linear layers, one without biases": (
            "linear",
            [linear(units), {"kind": "linear", "out_features": g, "bias": False}, {"kind": "softmax"}],
            (f + g,),
        ),
        "a convolution, then linear layers": (
            "linear",
            [conv(f, (a, b), stride=2), RELU, pool(2), FLATTEN, linear(units), {"kind": "dropout"}, linear(m)],
            image,
        ),
        "a mean over each map, then scores": ("linear", [conv(f, a), NORM, RELU, GLOBAL, linear(units)], image),
        "batch norm and PReLU": (
            "learned",
            [conv(f, a, bias=False), NORM, PRELU, conv(g, b), NORM, RELU, pool(2), FLATTEN, linear(m)],
            image,
        ),
        "batch norm of features": (
            "learned",
            [linear(units), {"kind": "batch_norm"}, PRELU, linear(g), {"kind": "batch_norm"}],
            (f * c,),
        ),
        "everything at once": (
            "together",
            [
                conv(2 * f, (5, 3), stride=(2, 1), padding=(1, 2), dilation=(1, 2)),
                NORM,
                PRELU,
                pool((2, 3), stride=(1, 2), padding=1),
                conv(2 * g, (a, b), groups=2, stride=2, padding="same", bias=False),
                {"kind": "leaky_relu"},
                pool(2, mean=True),
                FLATTEN,
                linear(units),
                {"kind": "batch_norm"},
                {"kind": "tanh"},
                linear(m),
            ],
            (c, h + 9, w + 9),
        ),
    }


def _copied(layers: Sequence[Any]) -> Layers:
    """Fresh dicts: a student who writes into one spoils no other case."""
    return [dict(layer) for layer in layers]


def _case(name: str, tags: str, layers: Sequence[Any], image: tuple[int, ...] | None = None, **options: Any) -> Case:
    inputs = (_copied(layers),) if image is None else (_copied(layers), image)
    return Case(name, inputs, options, set(tags.split()), tolerance=0.0)


def _drawn(*kept: str, without: Sequence[str] = ()) -> Any:
    """Hidden cases: the networks with one of these tags."""

    def cases(rng: np.random.Generator) -> list[Case]:
        return [
            _case(name, tags, layers, image)
            for name, (tags, layers, image) in _networks(rng).items()
            if tags in kept and name not in without
        ]

    return cases


SHAPES = Question(
    name="output_shapes",
    functions={"output_shapes": reference.output_shapes},
    visible=(
        _case("LeNet's first layer", "conv", LENET5[:1], (1, 32, 32)),
        _case("two kernels that are not square", "conv", [conv(5, (3, 2)), RELU, conv(7, (2, 4))], (2, 9, 8)),
        _case("three 3 × 3 with stride 2", "stride", STRIDED * 3, (1, 31, 33)),
        _case("strides that leave a rest", "stride", [conv(4, (2, 3), stride=(3, 2))], (2, 9, 10)),
        _case("7 × 7 with padding 3", "padding", SEVEN, (16, 256, 256)),
        _case("padding (1, 2)", "padding", [conv(4, (3, 2), padding=(1, 2))], (2, 6, 5)),
        _case("BZU's network: padding same", "padding", BZU, (3, 32, 32)),
        _case(
            "padding same, sizes that stride does not divide",
            "padding",
            [conv(2, 3, stride=3, padding="same")],
            (4, 7, 11),
        ),
        _case("dilation (2, 3)", "dilation", [conv(3, 3, dilation=(2, 3))], (2, 9, 12)),
        _case("three poolings", "pool", [pool(2), pool((1, 3), mean=True), pool(3, stride=2)], (4, 17, 38)),
        _case("down to scores", "linear", SMALL, (3, 10, 12)),
        _case("a mean over each map", "linear", [conv(4, 3), GLOBAL, linear(7)], (2, 5, 6)),
        _case("LeNet-5", "together", LENET5, (1, 32, 32)),
        _case("AlexNet", "together", ALEXNET, (3, 227, 227)),
    ),
    hidden=_drawn("conv", "stride", "padding", "dilation", "groups", "pool", "linear", "together"),
    criteria=(
        count(1, "count: kernels", on="conv groups"),
        count(1, "count: stride", on="stride"),
        count(1, "count: padding", on="padding"),
        count(0.5, "count: dilation", on="dilation"),
        count(1, "count: pooling", on="pool"),
        count(1, "count: rows of features", on="linear"),
        count(0.5, "count: everything together", on="together"),
    ),
    misconceptions=mistakes.SHAPES,
)


def _parameter_cases(rng: np.random.Generator) -> list[Case]:
    drawn = _networks(rng)
    kept = ("conv", "stride", "padding", "groups", "pool", "linear", "learned", "together")
    cases = [
        _case(name, "conv" if tags in ("stride", "padding", "pool") else tags, layers, image)
        for name, (tags, layers, image) in drawn.items()
        if tags in kept
    ]
    for name in ("batch norm and PReLU", "batch norm of features", "one convolution"):
        _, layers, image = drawn[name]
        cases.append(_case(f"{name}, stored numbers too", "stored", layers, image, stored=True))
    return cases


PARAMETERS = Question(
    name="parameter_count",
    functions={"parameter_count": reference.parameter_count},
    visible=(
        _case("GT's layer: four filters of 3 × 3 over three channels", "conv", [conv(4, 3)], (3, 32, 32)),
        _case("LeNet's first layer", "conv", LENET5[:1], (1, 32, 32)),
        _case("one 7 × 7, 16 to 16 channels", "conv", SEVEN, (16, 256, 256)),
        _case("three 3 × 3, 16 to 16 channels", "conv", THREE_THREES, (16, 256, 256)),
        _case("3 × 3, from 128 to 256 channels", "conv", [conv(256, 3)], (128, 14, 14)),
        _case("a kernel of 2 × 5 without biases", "conv", [conv(3, (2, 5), bias=False), pool(2)], (4, 9, 12)),
        _case("three groups", "groups", [conv(9, (2, 3), groups=3)], (6, 8, 9)),
        _case(
            "two linear layers", "linear", [linear(7), RELU, {"kind": "linear", "out_features": 4, "bias": False}], (5,)
        ),
        _case("BZU's network", "linear", BZU, (3, 32, 32)),
        _case("batch norm and PReLU", "learned", NORMED, (2, 8, 10)),
        _case("batch norm and PReLU, stored numbers too", "stored", NORMED, (2, 8, 10), stored=True),
        _case("LeNet-5", "together", LENET5, (1, 32, 32)),
        _case("LeNet-5 with batch norm", "together", LENET5_BATCH_NORM, (1, 28, 28)),
        _case("AlexNet", "together", ALEXNET, (3, 227, 227)),
        _case("VGG-16", "together", VGG16, (3, 224, 224)),
    ),
    hidden=_parameter_cases,
    criteria=(
        count(2.5, "count: convolutions", on="conv"),
        count(1, "count: groups", on="groups"),
        count(1.5, "count: linear layers", on="linear"),
        count(1, "count: batch norm and PReLU", on="learned"),
        count(1, "count: stored numbers", on="stored"),
        count(1, "count: whole networks", on="together"),
    ),
    misconceptions=mistakes.PARAMETERS,
)

PRODUCTS = Question(
    name="multiplication_count",
    functions={"multiplication_count": reference.multiplication_count},
    visible=(
        _case("LeNet's first layer", "conv", LENET5[:1], (1, 32, 32)),
        _case("one 7 × 7 on 256 × 256", "conv", SEVEN, (16, 256, 256)),
        _case("three 3 × 3 on 256 × 256", "conv", THREE_THREES, (16, 256, 256)),
        _case("a kernel of 2 × 5", "conv", [conv(3, (2, 5))], (4, 9, 12)),
        _case("stride (2, 3) on 9 × 12", "stride", [conv(3, 2, stride=(2, 3))], (4, 9, 12)),
        _case("two groups", "groups", [conv(6, 3, groups=2)], (4, 7, 8)),
        _case("two linear layers", "linear", [linear(7), RELU, linear(4)], (5,)),
        _case("down to scores", "linear", SMALL, (3, 10, 12)),
        _case("LeNet-5", "together", LENET5, (1, 32, 32)),
        _case("AlexNet", "together", ALEXNET, (3, 227, 227)),
    ),
    hidden=_drawn("conv", "stride", "groups", "linear", "together"),
    criteria=(
        count(2, "count: convolutions", on="conv"),
        count(1, "count: stride", on="stride"),
        count(0.5, "count: groups", on="groups"),
        count(1, "count: linear layers", on="linear"),
        count(0.5, "count: whole networks", on="together"),
    ),
    misconceptions=mistakes.PRODUCTS,
)


def _field_cases(rng: np.random.Generator) -> list[Case]:
    kept = ("conv", "stride", "padding", "dilation", "pool", "together")
    drawn = [(n, t, layers) for n, (t, layers, _) in _networks(rng).items() if t in kept]
    cases = [_case(name, "conv" if tags == "padding" else tags, layers) for name, tags, layers in drawn]
    a, b = _some(rng, 3, 6, 2)
    scores = [conv(3, (a, b), stride=2), GLOBAL, linear(5)]
    return [*cases, _case("what lies before the scores", "together", scores), _case("no window at all", "conv", [RELU])]


FIELD = Question(
    name="receptive_field",
    functions={"receptive_field": reference.receptive_field},
    visible=(
        _case("one 3 × 3", "conv", [conv(1, 3)]),
        _case("three 3 × 3: as far as 7 × 7", "conv", THREE_THREES),
        _case("one 7 × 7", "conv", SEVEN),
        _case("kernels that are not square", "conv", [conv(2, (3, 1)), conv(2, (2, 4))]),
        *(_case(f"3 × 3 with stride 2, {n} deep", "stride", STRIDED * n) for n in (1, 2, 3)),
        _case(
            "stride (3, 2), then (2, 1), then 1",
            "stride",
            [conv(2, 3, stride=(3, 2)), conv(2, 2, stride=(2, 1)), conv(2, 3)],
        ),
        _case("3 × 3 with dilation 2, twice", "dilation", [conv(2, 3, dilation=2)] * 2),
        _case("a convolution and a pooling", "pool", [conv(4, 5), RELU, pool(2)]),
        _case("pooling between convolutions", "pool", [conv(4, 3), pool(2), conv(4, 3), pool(2), conv(4, 3)]),
        _case("pooling windows that overlap", "pool", [conv(4, 3), pool(3, stride=2), conv(4, (3, 5))]),
        _case("LeNet-5", "together", LENET5),
        _case("AlexNet", "together", ALEXNET),
        _case("VGG-16", "together", VGG16),
    ),
    hidden=_field_cases,
    criteria=(
        count(2, "count: kernels", on="conv"),
        count(2, "count: stride", on="stride"),
        count(0.5, "count: dilation", on="dilation"),
        count(1.5, "count: pooling", on="pool"),
        count(1, "count: whole networks", on="together"),
    ),
    misconceptions=mistakes.FIELD,
)


def _classifier(name: str, h: int, w: int, f: int, k: int, p: int, o: int) -> Case:
    options = {"filters": f, "kernel_size": k, "pool_size": p, "outputs": o}
    return Case(name, (h, w), options, tolerance=0.0)


def _classifiers(rng: np.random.Generator) -> list[Case]:
    h, w = _some(rng, 20, 40, 2)
    f, k, o = _some(rng, 4, 11, 3)
    p = int(rng.integers(2, 4))
    return [
        _classifier("any sizes", h, w, f, k, p, o),
        _classifier("a rest below the last window", 7 + k, 9 + k, f, k, 3, o),
        _classifier("one filter, one unit", h, w, 1, k, 2, 1),
        _classifier("a tall image", w + 30, h, o, k, p, f),
    ]


CLASSIFIER = Question(
    name="conv_pool_linear_counts",
    functions={"conv_pool_linear_counts": written.conv_pool_linear_counts},
    visible=(
        _classifier("28 × 28, four filters of 5 × 5", 28, 28, 4, 5, 2, 10),
        _classifier("12 × 17, three filters of 3 × 3, pooled by 4", 12, 17, 3, 3, 4, 2),
    ),
    hidden=_classifiers,
    criteria=(count(3),),
    misconceptions=mistakes.CLASSIFIER,
    outputs={"conv_pool_linear_counts": 2},
)


def _denoiser(name: str, channels: int, widths: tuple[int, ...], kernels: tuple[int, ...]) -> Case:
    return Case(name, (channels, widths, kernels), tolerance=0.0)


def _denoisers(rng: np.random.Generator) -> list[Case]:
    a, b, c = _some(rng, 4, 30, 3)
    p, q, r = (2 * v + 1 for v in _some(rng, 1, 5, 3))
    return [
        _denoiser("in colour", 3, (a, b), (p, q, r)),
        _denoiser("in grey", 1, (b, c), (r, p, q)),
        _denoiser("two channels, kernels of one pixel at the end", 2, (c, a), (q, r, 1)),
    ]


DENOISING_COUNTS = Question(
    name="denoising_counts",
    functions={"denoising_counts": written.denoising_counts},
    visible=(
        _denoiser("in colour, 16 and 8 maps", 3, (16, 8), (5, 3, 3)),
        _denoiser("in grey, 4 and 6 maps", 1, (4, 6), (3, 7, 5)),
    ),
    hidden=_denoisers,
    criteria=(count(4),),
    misconceptions=mistakes.DENOISING_COUNTS,
    outputs={"denoising_counts": 2},
)


ROW = np.array([[[[1.0, 2.0, 3.0]]]])
TAPS = np.array([[[[1.0, 2.0, 4.0]]]])
CLEAN = np.array([[[[17.0, 27.0, 15.0]]]])


def _digits(*size: int) -> Any:
    """Small whole numbers without a pattern."""
    return np.arange(1.0, np.prod(size) + 1).reshape(size) * 7 % 11 - 4


def _images(name: str, h: Any, b: Any, z: Any, *more: Any) -> Case:
    return Case(name, (h, b, z, *more), step=STEP)


def _denoised(rng: np.random.Generator, *, target: bool) -> list[Case]:
    def case(name: str, n: int, j: int, k: int, kernel: tuple[int, int], size: tuple[int, int]) -> Case:
        h, b, z = rng.normal(size=(k, j, *kernel)), rng.normal(size=k) + 0.5, rng.normal(size=(n, j, *size))
        return _images(name, h, b, z, *([rng.normal(size=(n, k, *size))] if target else []))

    n, j, k = (int(v) for v in rng.permutation([2, 3, 4]))
    return [
        case("several images, maps and colours", n, j, k, (3, 5), (6, 7)),
        case("a tall filter", k, n, j, (5, 1), (4, 8)),
        case("one image, one map, one colour", 1, 1, 1, (3, 3), (5, 4)),
        case("a filter larger than the image", 2, 3, 4, (7, 5), (3, 2)),
        case("filters of one pixel", j, k, n, (1, 1), (3, 5)),
    ]


DENOISE = Question(
    name="denoise",
    functions={"denoise": written.denoise},
    visible=(
        _images("one row, by hand", TAPS, np.array([10.0]), ROW),
        _images("two maps, three colours", _digits(3, 2, 3, 5), np.array([1.0, -2, 3]), _digits(2, 2, 4, 6)),
    ),
    hidden=lambda rng: _denoised(rng, target=False),
    criteria=(value(3), shape(0.5), purity(0.5)),
    misconceptions=mistakes.DENOISE,
)

DENOISING_LOSS = Question(
    name="denoising_loss",
    functions={"denoising_loss": written.denoising_loss},
    visible=(
        _images("one row, by hand", TAPS, np.array([10.0]), ROW, CLEAN),
        _images(
            "three images, two maps, four colours",
            _digits(4, 2, 3, 5) / 4,
            np.array([1.0, -2, 3, 2]),
            _digits(3, 2, 4, 6) / 2,
            _digits(4, 3, 6, 4).transpose(1, 0, 3, 2).copy(),
        ),
    ),
    hidden=lambda rng: _denoised(rng, target=True),
    criteria=(value(1.5), gradient(3), consistency(1), shape(0.5), purity(1)),
    misconceptions=mistakes.DENOISING_LOSS,
    outputs={"denoising_loss": 3},
)

DESIGN = Question(
    name="design_network",
    functions={"design_network": design_network},
    visible=(Case("the task", script=Plan((), (Step("design_network"),)), judge=judge_design),),
    hidden=lambda rng: [],
    criteria=(design(5),),
    misconceptions=mistakes.DESIGN,
)


WHY = Manual(
    "why-small-kernels",
    3,
    "- 1 point: 27 C² against 49 C² weights (plus 3 C and C biases), fewer products by the same ratio, "
    "and activations between the layers: more flexible with less.\n"
    "- 1 point: an output can only depend on what it sees: large things, and small things in their "
    "context, need a large field.\n"
    "- 1 point: two of: stride or pooling (loses resolution), dilation (skips pixels, may leave a grid), "
    "larger kernels (parameters grow with the square), more layers (harder to train, more memory). Both "
    "need their price.",
)

ASSIGNMENT = Assignment(
    name="10-architecture",
    title="Networks counted before they are built",
    questions=(
        SHAPES,
        PARAMETERS,
        PRODUCTS,
        FIELD,
        *OWN,
        CLASSIFIER,
        DENOISING_COUNTS,
        DENOISE,
        DENOISING_LOSS,
        DESIGN,
    ),
    reading=(Reading(10, "Architectures: LeNet, AlexNet, VGG, and what lies beyond"),),
    manual=(WHY,),
)
