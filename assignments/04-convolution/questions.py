"""Questions of the assignment on convolution: cases, criteria and points. The mistakes are in misconceptions.py."""

from collections.abc import Sequence
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
    value,
)
from solutions import convolution as reference

from . import misconceptions as mistakes

# Convolution is linear in the image and in the kernel: a long step of the differences costs no accuracy.
STEP = 1e-3

# GT's worked example: a patch of an image under the Sobel kernel gives 65.
SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
PATCH = np.array([[200.0, 150.0, 150.0], [100.0, 50.0, 100.0], [25.0, 25.0, 10.0]])
COUNTING = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
DOT = np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
STEPS = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])


def _digits(*size: int) -> Any:
    """Small whole numbers without a pattern, to be checked by hand."""
    return np.arange(1.0, np.prod(size) + 1).reshape(size) * 7 % 11 - 4


def _two(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    """Two different numbers from low to high, high included."""
    a, b = rng.choice(np.arange(low, high + 1), size=2, replace=False)
    return int(a), int(b)


def _sizes(rng: np.random.Generator) -> list[Case]:
    def case(
        name: str,
        tags: str,
        kernel: Sequence[int],
        stride: Sequence[int] = (1, 1),
        padding: Sequence[int] = (0, 0),
        dilation: Sequence[int] = (1, 1),
        left_over: Sequence[int] = (0, 0),
    ) -> Case:
        # Built backwards, from the answer, so that the rest left over is known.
        places = _two(rng, 5, 12)
        size = tuple(
            (places[i] - 1) * stride[i] + left_over[i] + dilation[i] * (kernel[i] - 1) + 1 - 2 * padding[i]
            for i in range(2)
        )
        chosen = {"stride": stride, "padding": padding, "dilation": dilation}
        usual = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        options = {k: tuple(v) for k, v in chosen.items() if tuple(v) != usual[k]}
        return Case(name, (size, tuple(kernel)), options, set(tags.split()), tolerance=0.0)

    side, kernel, pad = (int(v) for v in (rng.integers(20, 60), rng.integers(3, 8), rng.integers(1, 4)))
    stride, (long, longer) = int(rng.integers(3, 6)), _two(rng, 3, 5)
    return [
        Case("one number stands for both directions", (side, kernel), {}, {"plain"}),
        case("a rectangular image and kernel", "plain", _two(rng, 2, 6)),
        case("a kernel of one pixel", "plain", (1, 1)),
        Case("an image no larger than the kernel", ((kernel, kernel + 2), (kernel, kernel + 2)), {}, {"plain"}),
        case("a stride that fits exactly", "stride", _two(rng, 2, 4), _two(rng, 2, 4)),
        case("a stride that leaves a little over", "stride", (3, 2), (stride, stride), left_over=(1, 1)),
        case("strides that leave much over", "stride", (2, 4), (long, longer), left_over=(long - 1, longer - 1)),
        case("a stride longer than the kernel", "stride", (2, 1), (4, 3), left_over=(2, 1)),
        Case("padding as one number", (side, kernel), {"padding": pad}, {"padding"}),
        case("another padding for rows than for columns", "padding", _two(rng, 3, 6), padding=_two(rng, 1, 3)),
        case("padding and stride", "padding stride", _two(rng, 3, 6), (3, 4), (2, 1), left_over=(2, 1)),
        case("a dilated kernel", "dilation", _two(rng, 2, 5), dilation=_two(rng, 2, 4)),
        case("everything at once", "dilation", (3, 5), (3, 2), (1, 4), (4, 2), left_over=(1, 1)),
    ]


OUTPUT_SIZE = Question(
    name="conv2d_output_size",
    functions={"conv2d_output_size": reference.conv2d_output_size},
    visible=(
        Case("224 × 224 under 7 × 7", (224, 7), {}, {"plain"}),
        Case("a 5 × 7 image under a 3 × 2 kernel", ((5, 7), (3, 2)), {}, {"plain"}),
        Case("5 × 5 under 3 × 3, padding 1, stride 1", (5, 3), {"padding": 1, "stride": 1}, {"padding"}),
        Case("10 × 10 under 2 × 2, stride 2", (10, 2), {"stride": 2}, {"stride"}),
        Case("5 × 5 under 2 × 2, stride 3", (5, 2), {"stride": 3}, {"stride"}),
        Case("8 × 9 under 3 × 3, stride 2", ((8, 9), 3), {"stride": 2}, {"stride"}),
        Case("7 × 7 under 3 × 3, padding 1, stride 2", (7, 3), {"padding": 1, "stride": 2}, {"padding", "stride"}),
        Case(
            "pairs: 12 × 9 under 3 × 2, stride (4, 2), padding (1, 2)",
            ((12, 9), (3, 2)),
            {"stride": (4, 2), "padding": (1, 2)},
            {"padding", "stride"},
        ),
        Case("9 × 9 under 3 × 3, dilation 2", (9, 3), {"dilation": 2}, {"dilation"}),
    ),
    hidden=_sizes,
    criteria=(
        count(1, "count: kernel", on="plain"),
        count(1, "count: stride", on="stride"),
        count(1, "count: padding", on="padding"),
        count(1, "count: dilation", on="dilation"),
    ),
    misconceptions=mistakes.OUTPUT_SIZE,
)


def _planes(rng: np.random.Generator) -> list[Case]:
    def case(name: str, mode: str, image: tuple[int, int], kernel: tuple[int, int], tags: str = "") -> Case:
        return Case(
            name, (rng.normal(size=image), rng.normal(size=kernel)), {"mode": mode}, set((tags or mode).split())
        )

    h, w = _two(rng, 5, 9)
    return [
        case("valid, a tall kernel", "valid", (h, w), (3, 2)),
        case("valid, a wide kernel", "valid", (h, w), (2, 4)),
        case("valid, a square kernel", "valid", (w, h), (3, 3)),
        case("valid, a kernel of one pixel", "valid", (h, w), (1, 1)),
        case("valid, a kernel as large as the image", "valid", (3, 4), (3, 4)),
        case("valid, an image of one row", "valid", (1, h), (1, 3)),
        Case("valid, which needs no mention", (rng.normal(size=(6, 7)), rng.normal(size=(2, 3))), {}, {"valid"}),
        case("same, a square kernel", "same", (h, w), (3, 3)),
        case("same, a wide kernel", "same", (h, w), (3, 5)),
        case("same, even height", "same", (h, w), (4, 3), "even"),
        case("same, even width", "same", (h, w), (1, 2), "even"),
        case("same, both even", "same", (w, h), (2, 4), "even"),
        case("full, a tall kernel", "full", (h, w), (3, 2)),
        case("full, a square kernel", "full", (w, h), (3, 3)),
        case("full, a kernel taller than the image", "full", (2, w), (4, 3)),
    ]


CROSS_CORRELATE = Question(
    name="cross_correlate2d",
    functions={"cross_correlate2d": reference.cross_correlate2d},
    visible=(
        Case("the Sobel kernel on one patch", (PATCH, SOBEL), {}, {"valid"}),
        Case("a 4 × 5 image under a 3 × 2 kernel", (_digits(4, 5), _digits(3, 2)), {"mode": "valid"}, {"valid"}),
        Case("one bright pixel, same", (DOT, COUNTING), {"mode": "same"}, {"same"}),
        Case("a 3 × 4 image, same", (_digits(3, 4), COUNTING), {"mode": "same"}, {"same"}),
        Case("a 3 × 4 image, same, an even kernel", (_digits(3, 4), STEPS), {"mode": "same"}, {"even"}),
        Case("a 3 × 4 image, full", (_digits(3, 4), STEPS), {"mode": "full"}, {"full"}),
    ),
    hidden=_planes,
    criteria=(
        value(3, "value: valid", on="valid"),
        value(1, "value: same", on="same"),
        value(1, "value: same, even kernels", on="even"),
        value(1, "value: full", on="full"),
        shape(1),
        purity(1),
    ),
    misconceptions=mistakes.CROSS_CORRELATE,
)

CONVOLVE = Question(
    name="convolve2d",
    functions={"convolve2d": reference.convolve2d},
    visible=(
        Case("one bright pixel, same", (DOT, COUNTING), {"mode": "same"}, {"same"}),
        Case("a 4 × 5 image under a 3 × 2 kernel", (_digits(4, 5), _digits(3, 2)), {"mode": "valid"}, {"valid"}),
        Case("the Sobel kernel on one patch", (PATCH, SOBEL), {}, {"valid"}),
        Case("a 3 × 4 image, same, an even kernel", (_digits(3, 4), STEPS), {"mode": "same"}, {"even"}),
        Case("a 3 × 4 image, full", (_digits(3, 4), STEPS), {"mode": "full"}, {"full"}),
    ),
    hidden=_planes,
    criteria=(
        value(2, "value: valid", on="valid"),
        value(1, "value: same", on="same"),
        value(0.5, "value: same, even kernels", on="even"),
        value(1.5, "value: full", on="full"),
        shape(0.5),
        purity(0.5),
    ),
    misconceptions=mistakes.CONVOLVE,
)


def _sequences(rng: np.random.Generator) -> list[Case]:
    def case(name: str, mode: str, n: int, m: int, tag: str = "") -> Case:
        return Case(name, (rng.normal(size=n), rng.normal(size=m)), {"mode": mode}, {tag or mode})

    n = int(rng.integers(8, 15))
    return [
        case("valid, a kernel of three", "valid", n, 3),
        case("valid, a kernel of four", "valid", n + 1, 4),
        case("valid, a kernel of one", "valid", n, 1),
        case("valid, a kernel as long as the sequence", "valid", 5, 5),
        Case("valid, which needs no mention", (rng.normal(size=n), rng.normal(size=2)), {}, {"valid"}),
        case("same, a kernel of three", "same", n, 3),
        case("same, a kernel of five", "same", n, 5),
        case("same, a kernel of two", "same", n, 2, "even"),
        case("same, a kernel of four", "same", n, 4, "even"),
        case("full, a kernel of three", "full", n, 3),
        case("full, a kernel of four", "full", n, 4),
        case("full, a kernel longer than the sequence", "full", 3, 5),
    ]


CONVOLVE_1D = Question(
    name="convolve1d",
    functions={"convolve1d": reference.convolve1d},
    visible=(
        Case(
            "the product of two polynomials", (np.array([1.0, 2, 3]), np.array([1.0, 10])), {"mode": "full"}, {"full"}
        ),
        Case("five numbers, valid", (np.array([1.0, 4, 2, 0, 3]), np.array([1.0, 2, 4])), {}, {"valid"}),
        Case("five numbers, same", (np.array([1.0, 4, 2, 0, 3]), np.array([1.0, 2, 4])), {"mode": "same"}, {"same"}),
        Case("same, an even kernel", (np.array([1.0, 4, 2, 0, 3]), np.array([1.0, 10])), {"mode": "same"}, {"even"}),
    ),
    hidden=_sequences,
    criteria=(
        value(1, "value: valid", on="valid"),
        value(0.5, "value: same", on="same"),
        value(0.5, "value: same, even kernels", on="even"),
        value(1, "value: full", on="full"),
        shape(0.5),
        purity(0.5),
    ),
    misconceptions=mistakes.CONVOLVE_1D,
)


def _borders(rng: np.random.Generator) -> list[Case]:
    def case(name: str, mode: str, padding: Any, n: int, c: int) -> Case:
        return Case(name, (rng.normal(size=(n, c, *_two(rng, 5, 8))), padding), {"mode": mode}, {mode})

    n, c = _two(rng, 2, 4)
    cases = [
        Case("zeros, which need no mention", (rng.normal(size=(n, c, 5, 6)), 1), {}, {"zeros"}),
        Case("nothing to add", (rng.normal(size=(c, n, 6, 5)), 0), {}, {"zeros"}),
        Case("zeros around one pixel", (rng.normal(size=(1, 1, 1, 1)), (2, 1)), {}, {"zeros"}),
        case("zeros, more rows than columns", "zeros", (3, 1), n, c),
    ]
    for mode in ("reflect", "replicate", "circular"):
        cases += [
            case(f"{mode}, one number", mode, 2, n, c),
            case(f"{mode}, more columns than rows", mode, (1, 3), c, n),
            case(f"{mode}, rows alone", mode, (3, 0), n, c),
            case(f"{mode}, one image of one channel", mode, _two(rng, 2, 4), 1, 1),
        ]
    return cases


ROWS = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])

PAD = Question(
    name="pad2d",
    functions={"pad2d": reference.pad2d},
    visible=(
        Case("zeros around a 2 × 3 image", (ROWS, 1), {}, {"zeros"}),
        Case("two images of two channels, rows and columns apart", (_digits(2, 2, 3, 4), (2, 1)), {}, {"zeros"}),
        *(
            Case(f"a row of three, {mode}", (ROWS[:, :, :1], (0, 2)), {"mode": mode}, {mode})
            for mode in ("reflect", "replicate", "circular")
        ),
        *(
            Case(f"a 4 × 3 image, {mode}", (_digits(1, 2, 4, 3), (3, 2)), {"mode": mode}, {mode})
            for mode in ("reflect", "replicate", "circular")
        ),
    ),
    hidden=_borders,
    criteria=(
        value(2, "value: zeros", on="zeros"),
        value(2, "value: reflect", on="reflect"),
        value(1, "value: replicate", on="replicate"),
        value(1, "value: circular", on="circular"),
        shape(1),
        purity(1),
    ),
    misconceptions=mistakes.PAD,
)


def _layers(rng: np.random.Generator) -> list[Case]:
    def case(
        name: str,
        tags: str,
        kernel: tuple[int, int],
        image: tuple[int, int] | None = None,
        *,
        sizes: Sequence[int] | None = None,
        bias: bool = False,
        **options: Any,
    ) -> Case:
        # Images, channels and filters differ in number, and rows from columns: nothing exchanged goes unseen.
        n, c, o = sizes or (int(v) for v in rng.permutation([2, 3, 4]))
        x = rng.normal(size=(n, c, *(image or _two(rng, 5, 7))))
        w = rng.normal(size=(o, c // options.get("groups", 1), *kernel))
        return Case(name, (x, w, rng.normal(size=o) if bias else None), options, set(tags.split()), step=STEP)

    flip = bool(rng.integers(2))

    def either(a: Any, b: Any) -> tuple[Any, Any]:
        return (b, a) if flip else (a, b)

    return [
        case("a bias for each filter", "bias", either(3, 2), bias=True),
        case("several images, channels and filters", "plain", either(2, 3)),
        case("a kernel of one pixel", "plain", (1, 1)),
        case("a kernel as large as the image", "plain", (3, 4), (3, 4)),
        case("one image, one channel, one filter", "plain", (3, 2), sizes=(1, 1, 1)),
        case("one image, one filter, its bias", "bias", (2, 2), sizes=(1, 3, 1), bias=True),
        case("a stride that leaves a rest", "stride", (3, 3), either(6, 8), stride=2),
        case("a stride longer than the kernel", "stride", either(2, 1), (9, 7), stride=either(3, 4)),
        case("another stride for rows than for columns", "stride", (3, 2), (8, 7), stride=either(1, 3)),
        case("padding as one number", "padding", either(3, 2), padding=1),
        case("padding of rows or columns alone", "padding", (3, 3), padding=either(0, 2)),
        case("padding reflect", "modes", (3, 2), (4, 6), padding=(2, 1), padding_mode="reflect"),
        case("padding replicate", "modes", (2, 3), (5, 4), padding=either(1, 2), padding_mode="replicate"),
        case("padding circular", "modes", (3, 3), (4, 5), padding=either(1, 2), padding_mode="circular"),
        case("a dilated kernel", "dilation", (3, 2), (7, 6), dilation=2),
        case("another dilation for rows than for columns", "dilation", (2, 3), (7, 9), dilation=either(3, 2)),
        case("two groups", "groups", (2, 3), (4, 5), sizes=(3, 4, 6), groups=2),
        case("each channel by itself, twice", "groups", (3, 2), (5, 4), sizes=(2, 3, 6), groups=3),
        case("stride, padding, a rest and a bias", "together", (3, 3), either(6, 8), bias=True, stride=2, padding=1),
        case(
            "everything at once",
            "together",
            (2, 3),
            (9, 8),
            sizes=(2, 4, 6),
            stride=either(3, 2),
            padding=either(2, 1),
            dilation=either(2, 1),
            groups=2,
            padding_mode=str(rng.choice(["reflect", "replicate", "circular"])),
        ),
    ]


def _figure(name: str, tags: str, x: Any, w: Any, b: Any = None, **options: Any) -> Case:
    return Case(name, (x, w, None if b is None else np.array(b)), options, set(tags.split()), step=STEP)


CONV2D = Question(
    name="conv2d",
    functions={"conv2d_forward": reference.conv2d_forward, "conv2d_backward": reference.conv2d_backward},
    visible=(
        _figure("the Sobel patch", "plain", PATCH[None, None], SOBEL[None, None]),
        _figure("two images, three channels, four filters", "plain", _digits(2, 3, 5, 4), _digits(4, 3, 2, 3)),
        _figure("one by one: three channels become one", "plain", _digits(2, 3, 2, 4), _digits(1, 3, 1, 1)),
        _figure("the Sobel patch and a bias", "bias", PATCH[None, None], SOBEL[None, None], [5.0]),
        _figure("two filters, each with its bias", "bias", _digits(3, 2, 3, 4), _digits(2, 2, 2, 3), [1.0, -1.0]),
        _figure(
            "a 5 × 5 image, stride 3: pixels are skipped", "stride", _digits(1, 2, 5, 5), _digits(3, 2, 2, 2), stride=3
        ),
        _figure("stride 2 leaves a rest", "stride", _digits(1, 2, 6, 8), _digits(3, 2, 3, 3), stride=2),
        _figure("a 5 × 5 image, padding 1", "padding", _digits(1, 3, 5, 5), _digits(2, 3, 3, 3), padding=1),
        _figure("padding of columns alone", "padding", _digits(2, 1, 4, 3), _digits(3, 1, 2, 2), padding=(0, 2)),
        _figure("reflect", "modes", _digits(1, 2, 4, 3), _digits(3, 2, 3, 2), padding=(2, 1), padding_mode="reflect"),
        _figure("dilation 2", "dilation", _digits(2, 1, 6, 5), _digits(3, 1, 2, 3), dilation=2),
        _figure("two groups", "groups", _digits(1, 4, 3, 4), _digits(6, 2, 2, 3), groups=2),
        _figure(
            "stride (2, 1), padding (1, 2), dilation (1, 2)",
            "together",
            _digits(2, 3, 6, 5),
            _digits(4, 3, 2, 3),
            [1.0, 2, 3, 4],
            stride=(2, 1),
            padding=(1, 2),
            dilation=(1, 2),
        ),
    ),
    hidden=_layers,
    criteria=(
        value(1.5, "value: plain", on="plain"),
        value(0.5, "value: bias", on="bias"),
        value(1, "value: stride", on="stride"),
        value(1.5, "value: padding", on="padding"),
        value(1, "value: padding modes", on="modes"),
        value(1, "value: dilation", on="dilation"),
        value(1, "value: groups", on="groups"),
        value(0.5, "value: everything together", on="together"),
        shape(1),
        gradient(1.5, "gradient: plain", on="plain"),
        gradient(0.5, "gradient: bias", on="bias"),
        gradient(1, "gradient: stride", on="stride"),
        gradient(1, "gradient: padding", on="padding"),
        gradient(1, "gradient: padding modes", on="modes"),
        gradient(1, "gradient: dilation", on="dilation"),
        gradient(0.5, "gradient: groups", on="groups"),
        gradient(0.5, "gradient: everything together", on="together"),
        consistency(1, "consistency: kernel and stride", on="plain bias stride"),
        consistency(1, "consistency: the other settings", on="padding modes dilation groups together"),
        purity(2),
    ),
    misconceptions=mistakes.CONV2D,
    seconds=30.0,
)


WHY = Manual(
    "why-convolution",
    3,
    "- 1 point: local connections: few weights for each output; it assumes that what belongs together "
    "lies close together.\n"
    "- 1 point: shared weights: one filter for all places, far fewer parameters, and a shifted image "
    "gives a shifted map; it assumes that a pattern means the same wherever it stands.\n"
    "- 1 point: a counterexample that fits: passport photographs or board games (the place matters), "
    "tables whose columns have no order, spectra with far couplings. A counterexample without a reason "
    "earns half.",
)

ASSIGNMENT = Assignment(
    name="04-convolution",
    title="Convolution by hand",
    questions=(OUTPUT_SIZE, CROSS_CORRELATE, CONVOLVE, CONVOLVE_1D, PAD, CONV2D),
    reading=(
        Reading(4, "Convolution and its arithmetic"),
        Reading(5, "Convolution layers, im2col and their gradients", questions=("conv2d",)),
    ),
    manual=(WHY,),
)
