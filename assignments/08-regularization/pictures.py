"""Questions on augmentation. What is drawn is judged by what it may be and how often, never by one stored draw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grader.judges import Named
from grader.plans import Plan, Rng, Step, Value
from grader.questions import Case, Function, Misconception, Question, statistics, value
from solutions import augmentation as reference

from . import picture_mistakes as mistakes
from .sampling import brightened, contrasted, moved, repeated, saturated, scaled, turned

GRID = 121


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 10**6))


def _thin(curves: Mapping[str, Any]) -> dict[str, Any]:
    """Curves to compare with need no double precision."""
    return {name: np.asarray(curve, dtype=np.float32) for name, curve in curves.items()}


class _Maker:
    """Cases of one function: each draws from a seed of its own."""

    def __init__(self, name: str, rng: np.random.Generator, words: str = "") -> None:
        self.name, self.rng, self.words = name, rng, words

    def judged(self, case: str, tag: str, x: Any, options: Mapping[str, Any], judge: str, /, **given: Any) -> Case:
        """One call on ``x``; what comes out is up to a named judge."""
        drawn = {**options, "rng": Rng(_seed(self.rng))}
        return Case(f"{case}{self.words}", (x,), drawn, {tag}, judge=Named(judge, given))

    def sure(self, name: str, x: Any, options: Mapping[str, Any]) -> Case:
        """Settings that leave nothing to chance."""
        return Case(f"{name}{self.words}", (x,), {**options, "rng": Rng(_seed(self.rng))}, {"sure"})

    def common(self, image: Any, options: Mapping[str, Any], *, few: bool = False) -> list[Case]:
        """The same seed gives the same images, and nobody's batch is changed."""
        a, b = _seed(self.rng), _seed(self.rng)
        x = repeated(image, 300)
        calls = tuple(Step(self.name, (Value(0),), {**options, "rng": Rng(s)}) for s in (a, a, b))
        own = ["varied", {"axes": [0], "shape": list(x.shape)}]
        seeds = ["same_draws", {"pairs": [[0, 1]], "different": [[0, 2]]}]
        kept = ["equal", {"expected": x, "code": "changed", "message": "the batch was changed in place", "step": 1}]
        reads = (calls[0], Step("", (Value(0),)))
        return [
            Case(f"{name}{self.words}", script=Plan((x,), steps), tags={tag}, judge=Named("first_of", {"judges": js}))
            for name, tag, steps, js in (
                # Of few possibilities, one draw for the batch may be the same twice.
                ("the same rng, and another", "rng", calls, [own, seeds] if few else [seeds]),
                ("the originals", "kept", reads, [own, kept]),
            )
        ]


def _question(
    name: str,
    visible: Sequence[Case],
    hidden: Any,
    criteria: tuple[Any, ...],
    known: tuple[Misconception, ...],
) -> Question:
    function: Function = getattr(reference, name)
    last = (statistics(0.5, "statistics: rng", on="rng"), statistics(0.5, "originals kept", on="kept"))
    return Question(name, {name: function}, tuple(visible), hidden, (*criteria, *last), known)


COUNTING = np.arange(1.0, 25.0).reshape(2, 3, 4)


def _flips(rng: np.random.Generator, images: Any, p: float, words: str = "", *, stated: bool = True) -> list[Case]:
    make = _Maker("random_horizontal_flip", rng, words)
    options = {"p": p} if stated else {}
    names = ["as they were", "mirrored"]

    def known(x: Any) -> dict[str, Any]:
        return {
            "upside down": np.stack([x, x[:, :, ::-1]]),
            "half a turn": np.stack([x, x[:, :, ::-1, ::-1]]),
            "channels": np.stack([x, x[:, ::-1]]),
        }

    one, few = images[:1], images[:40]
    many = repeated(one[0], 400)
    return [
        make.judged(
            "one image, many times", "share", many, options, "among",
            candidates=np.stack([one, one[:, :, :, ::-1]]), names=names, shares=[1 - p, p], others=known(one),
        ),
        make.judged(
            "images that differ", "images", few, options, "among",
            candidates=np.stack([few, few[:, :, :, ::-1]]), names=names, others=known(few),
        ),
        *make.common(images[0], options, few=True),
    ]  # fmt: skip


def _certain(rng: np.random.Generator, image: Any, p: float, words: str) -> Case:
    """Nothing is left to chance: each of so many copies of an image is mirrored, or none."""
    make = _Maker("random_horizontal_flip", rng, words)
    both, names = np.stack([image[None], image[None, :, :, ::-1]]), ["as they were", "mirrored"]
    x = repeated(image, 60)
    return make.judged(f"p = {p:g}", "sure", x, {"p": p}, "among", candidates=both, names=names, shares=[1 - p, p])


def _hidden_flips(rng: np.random.Generator) -> list[Case]:
    images = rng.normal(size=(40, 2, 3, 4))
    return [
        *_flips(rng, images, float(rng.uniform(0.15, 0.25)), ", few mirrored"),
        *_flips(rng, rng.normal(size=(40, 3, 4, 5)), float(rng.uniform(0.75, 0.85)), ", most mirrored"),
        *_flips(rng, images[:, :, ::-1], 0.5, ", p left out", stated=False)[:1],
        _certain(rng, images[1], 1.0, ""),
        _certain(rng, images[2, :1], 1.0, ", one channel"),
        _certain(rng, images[3, :, :1], 1.0, ", one row"),
        _certain(rng, images[4], 0.0, ""),
    ]


def _different(images: int, *size: int) -> Any:
    """Images to be told apart, without a pattern."""
    return np.random.default_rng(88).permutation(images * int(np.prod(size))).reshape(images, *size) + 1.0


FLIP = _question(
    "random_horizontal_flip",
    (
        _certain(np.random.default_rng(1), COUNTING, 1.0, ", two channels"),
        _certain(np.random.default_rng(2), COUNTING, 0.0, ", two channels"),
        *_flips(np.random.default_rng(3), _different(40, 2, 3, 4), 0.2, ", p = 0.2"),
    ),
    _hidden_flips,
    (
        statistics(1.5, "statistics: how often", on="share"),
        statistics(0.5, "statistics: each image its own", on="images"),
        statistics(1, "statistics: p = 0 and p = 1", on="sure"),
    ),
    mistakes.FLIP,
)


def _shifts(rng: np.random.Generator, images: Any, limit: Any, tag: str, words: str) -> list[Case]:
    make = _Maker("random_shift", rng, words)
    high, wide = limit if isinstance(limit, tuple) else (limit, limit)
    ways = [(down, right) for down in range(-high, high + 1) for right in range(-wide, wide + 1)]
    names = [f"moved by {down} rows and {right} columns" for down, right in ways]

    def every(x: Any, border: str = "zeros") -> Any:
        return np.stack([moved(x, down, right, border) for down, right in ways])

    one, few = images[:1], images[:40]
    far = max(high, wide)
    exchanged = [(a, b) for a in range(-far, far + 1) for b in range(-far, far + 1)]
    known = {
        "wrapped": every(one, "wrap"),
        "border repeated": every(one, "edge"),
        "too far": np.stack([moved(one, *way) for way in exchanged]),
    }
    return [
        make.judged(
            "one image, many times", tag, repeated(one[0], 60 * len(ways)), {"limit": limit}, "among",
            candidates=every(one), names=names, shares=[1 / len(ways)] * len(ways), others=known,
        ),
        make.judged(
            "images that differ", "images", few, {"limit": limit}, "among",
            candidates=every(few), names=names,
            others={"wrapped": every(few, "wrap"), "border repeated": every(few, "edge")},
        ),
        *make.common(images[0], {"limit": limit}, few=True),
    ]  # fmt: skip


def _hidden_shifts(rng: np.random.Generator) -> list[Case]:
    make = _Maker("random_shift", rng)
    images = rng.uniform(0.2, 1, size=(40, 2, 4, 5))
    return [
        *_shifts(rng, images, 1, "share", ", limit 1"),
        *_shifts(rng, images[:, :, ::-1], (1, 2), "pair", ", more to the side")[:3],
        *_shifts(rng, images[:, ::-1], (2, 0), "pair", ", up and down alone")[:1],
        *_shifts(rng, images[:, :1], (0, 2), "pair", ", sideways alone")[:1],
        make.sure("limit 0", images[:3], {"limit": 0}),
        make.sure("limit (0, 0)", images[:1, :1], {"limit": (0, 0)}),
    ]


SHIFT = _question(
    "random_shift",
    (
        _Maker("", np.random.default_rng(4)).sure("two channels, limit 0", COUNTING[None], {"limit": 0}),
        *_shifts(np.random.default_rng(5), _different(40, 1, 3, 4), 1, "share", ", limit 1"),
        *_shifts(np.random.default_rng(6), _different(1, 1, 3, 4), (1, 2), "pair", ", limit (1, 2)")[:1],
    ),
    _hidden_shifts,
    (
        statistics(1.5, "statistics: one limit", on="share"),
        statistics(1.5, "statistics: two limits", on="pair"),
        statistics(0.5, "statistics: each image its own", on="images"),
        value(0.5, "value: limit 0", on="sure"),
    ),
    mistakes.SHIFT,
)


def _turns(rng: np.random.Generator, image: Any, degrees: float, words: str) -> list[Case]:
    make = _Maker("random_rotation", rng, words)
    # Half a degree from point to point: a straight line between two pictures is then right to a third of the tolerance.
    angles = np.linspace(-degrees, degrees, 4 * round(degrees) + 1)
    line, around = repeated(image, len(angles)), np.linspace(-180, 180, 361)
    circle = repeated(image, 361)
    many = repeated(image, 300)
    return [
        make.judged(
            "one image, many times", "angle", many, {"degrees": degrees}, "along",
            curve=turned(line, angles).astype(np.float32), places=angles, low=-degrees, high=degrees, name="angle",
            others=_thin({
                "any angle": turned(circle, around),
                "nearest": turned(line, angles, nearest=True),
                "corner": turned(line, angles, corner=1.0),
                "half a pixel": turned(line, angles, off=0.5),
                "border repeated": turned(line, angles, border="edge"),
                "wrapped": turned(line, angles, border="wrap"),
            }),
        ),
        *make.common(image, {"degrees": degrees}),
    ]  # fmt: skip


def _hidden_turns(rng: np.random.Generator) -> list[Case]:
    make = _Maker("random_rotation", rng)
    return [
        *_turns(rng, rng.uniform(0.2, 1, size=(2, 5, 4)), float(rng.uniform(20, 40)), ", small angles"),
        *_turns(rng, rng.uniform(0.2, 1, size=(1, 4, 6)), float(rng.uniform(70, 100)), ", large angles")[:1],
        make.sure("degrees 0", rng.normal(size=(3, 2, 4, 5)), {"degrees": 0.0}),
    ]


PATCH = np.array([[[1.0, 5.0, 2.0, 8.0], [3.0, 9.0, 4.0, 1.0], [7.0, 2.0, 6.0, 5.0], [4.0, 8.0, 1.0, 3.0]]]) / 10
SLOPE = np.concatenate([PATCH, PATCH[:, ::-1, [2, 0, 3, 1]]], axis=1)[:, :5]

ROTATION = _question(
    "random_rotation",
    (
        _Maker("", np.random.default_rng(7)).sure("two channels, degrees 0", COUNTING[None], {"degrees": 0.0}),
        *_turns(np.random.default_rng(9), SLOPE, 30.0, ", degrees 30"),
    ),
    _hidden_turns,
    (statistics(3.5, "statistics: angles", on="angle"), value(0.5, "value: degrees 0", on="sure")),
    mistakes.ROTATION,
)


def _scales(rng: np.random.Generator, image: Any, low: float, high: float, words: str) -> list[Case]:
    make = _Maker("random_scale", rng, words)
    factors = np.linspace(low, high, GRID)
    line, many = repeated(image, GRID), repeated(image, 300)
    return [
        make.judged(
            "one image, many times", "factor", many, {"limits": (low, high)}, "along",
            curve=scaled(line, factors).astype(np.float32), places=factors, low=low, high=high, name="factor",
            others=_thin({
                "inverse": scaled(line, 1 / factors),
                "nearest": scaled(line, factors, nearest=True),
                "corner": scaled(line, factors, corner=1.0),
                "border repeated": scaled(line, factors, border="edge"),
            }),
        ),
        *make.common(image, {"limits": (low, high)}),
    ]  # fmt: skip


def _hidden_scales(rng: np.random.Generator) -> list[Case]:
    make = _Maker("random_scale", rng)
    images = rng.uniform(0.2, 1, size=(3, 2, 5, 4))
    small, large = float(rng.uniform(0.5, 0.7)), float(rng.uniform(1.3, 1.9))
    return [
        make.sure("one factor above 1", images, {"limits": (large, large)}),
        make.sure("one factor below 1", images.transpose(0, 1, 3, 2)[:, :, ::-1], {"limits": (small, small)}),
        make.sure("a factor of 1", images[:1], {"limits": (1.0, 1.0)}),
        make.sure("a factor of 2, one row", images[:1, :1, :1], {"limits": (2.0, 2.0)}),
        *_scales(rng, images[0], 1.15, large + 0.1, ", enlarged"),
        *_scales(rng, images[1], small, 0.9, ", made smaller")[:1],
    ]


SCALE = _question(
    "random_scale",
    (
        _Maker("", np.random.default_rng(10)).sure(
            "a row of five, factor 2", np.arange(5.0).reshape(1, 1, 1, 5), {"limits": (2.0, 2.0)}
        ),
        _Maker("", np.random.default_rng(11)).sure("5 × 4, factor 0.5", SLOPE[None], {"limits": (0.5, 0.5)}),
        _Maker("", np.random.default_rng(12)).sure("5 × 4, factor 1.25", SLOPE[None], {"limits": (1.25, 1.25)}),
        *_scales(np.random.default_rng(13), SLOPE, 1.2, 1.8, ", limits (1.2, 1.8)"),
    ),
    _hidden_scales,
    (value(1.5, "value: a known factor", on="sure"), statistics(0.5, "statistics: factors", on="factor")),
    mistakes.SCALE,
)


def _jitters(rng: np.random.Generator, image: Any, s: float, words: str) -> list[Case]:
    make = _Maker("color_jitter", rng, words)
    low, high = max(0.0, 1 - s), 1 + s
    factors = np.linspace(low, high, GRID)
    f, line, many = factors[:, None, None, None], repeated(image, GRID), repeated(image, 300)
    channel = line.mean(axis=(2, 3), keepdims=True)

    def case(name: str, curve: Any, others: Mapping[str, Any]) -> Case:
        return make.judged(
            name, name, many, {name: s}, "along",
            curve=curve.astype(np.float32), places=factors, low=low, high=high, name="factor", others=_thin(others),
        )  # fmt: skip

    flat = np.full((3, 2, 2), 0.4)
    flats, lots = repeated(flat, GRID), repeated(flat, 300)
    wide = np.linspace(0, 1, GRID)[:, None, None, None] + 0 * flats
    mild = np.clip(image, 0.35, 0.6)
    factor = np.linspace(0.6, 1.4, GRID)[:, None, None, None]
    mild_line = repeated(mild, GRID)
    every = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4}
    return [
        case("brightness", brightened(line, f), {"added": brightened(1.0, line + f - 1), "not clipped": f * line}),
        case(
            "contrast",
            contrasted(line, f),
            {
                "each channel": contrasted(line, f, channel),
                "about a half": contrasted(line, f, 0.5),
                "not clipped": f * line + (1 - f) * np.tensordot(line.mean(axis=(2, 3)), [0.299, 0.587, 0.114], 1)[
                    :, None, None, None
                ],
                "of all colours": contrasted(line, f, line.mean(axis=(1, 2, 3), keepdims=True)),
                "about black": brightened(line, f),
            },
        ),
        case(
            "saturation",
            saturated(line, f),
            {
                "plain mean": saturated(line, f, line.mean(axis=1, keepdims=True)),
                "its mean": contrasted(line, f),
            },
        ),
        make.judged(
            "a grey wall, all three", "together", lots, every, "along",
            curve=(factor * flats).astype(np.float32), places=factor.ravel(), low=0.6, high=1.4, name="brightness",
            others=_thin({"any": wide}),
        ),
        make.judged(
            "brightness and contrast", "together", repeated(mild, 300), {"brightness": 0.4, "contrast": 0.4},
            "first_of",
            judges=[
                ["varied", {"axes": [0]}],
                [
                    "scattered",
                    {
                        "curve": contrasted(brightened(mild_line, factor), factor).astype(np.float32),
                        "message": "brightness and contrast have the same factor",
                    },
                ],
            ],
        ),
        *make.common(image, {"brightness": s, "contrast": s, "saturation": s}),
    ]  # fmt: skip


def _greys(rng: np.random.Generator, s: float, words: str) -> list[Case]:
    """Images of one channel, and a strength above 1, where no factor is negative."""
    make = _Maker("color_jitter", rng, words)
    low, high = max(0.0, 1 - s), 1 + s
    factors = np.linspace(low, high, GRID)
    image = rng.uniform(0.05, 0.3, size=(1, 2, 3))
    line, f = repeated(image, GRID), factors[:, None, None, None]
    return [
        make.judged(
            name, name, repeated(image, 300), {name: s}, "along",
            curve=curve.astype(np.float32), places=factors, low=low, high=high, name="factor",
        )
        for name, curve in (("brightness", brightened(line, f)), ("contrast", contrasted(line, f)))
    ]  # fmt: skip


def _colours(rng: np.random.Generator) -> Any:
    """From dark to bright, so that bright pixels are clipped, in no grey."""
    image = rng.uniform(0.1, 0.6, size=(3, 2, 3))
    image[:, 0, 0] = [0.92, 0.7, 0.45]
    image[:, 1, 2] = [0.02, 0.1, 0.5]  # more saturated, its red falls below 0
    return image


def _hidden_jitters(rng: np.random.Generator) -> list[Case]:
    make = _Maker("color_jitter", rng)
    images = rng.uniform(0, 1, size=(3, 3, 2, 4))
    return [
        *_jitters(rng, _colours(rng), float(rng.uniform(0.5, 0.9)), ", colours"),
        *_greys(rng, 2.0, ", grey, strength 2"),
        make.sure("no strength", images, {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}),
        make.sure("no strength, one grey image", images[:1, :1], {}),
    ]


JITTER = _question(
    "color_jitter",
    (
        _Maker("", np.random.default_rng(14)).sure("no strength", COUNTING[None, :1] / 100, {}),
        *_jitters(np.random.default_rng(15), _colours(np.random.default_rng(16)), 0.6, ", strength 0.6"),
    ),
    _hidden_jitters,
    (
        statistics(1, "statistics: brightness", on="brightness"),
        statistics(0.5, "statistics: contrast", on="contrast"),
        statistics(0.5, "statistics: saturation", on="saturation"),
        statistics(0.5, "statistics: together", on="together"),
        value(0.5, "value: no strength", on="sure"),
    ),
    mistakes.JITTER,
)

QUESTIONS = (FLIP, SHIFT, ROTATION, SCALE, JITTER)
