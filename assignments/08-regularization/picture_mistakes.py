"""Known mistakes of augmentation: each draws as it should except for what its name says."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception

from .sampling import brightened, contrasted, grey, moved, saturated, scaled, turned

Function = Callable[..., Any]
_RNG = "Call it twice with generators of the same seed: what differs?"
_SEED = "Does the second epoch see other images than the first?"
_ONE = "Is it decided for each image, or for the batch?"
_KEPT = "The next epoch draws anew: from which images?"


def _known(name: str, title: str, hint: str, function: Function, convention: str = "") -> Misconception:
    return Misconception(title, {name: function}, hint, convention)


def _of_any(name: str, right: Function) -> tuple[Misconception, ...]:
    """The mistakes that can be made with every function; ``right(x, rng, **options)`` is a right one."""

    def ignored(x: Any, *, rng: Any, **options: Any) -> Any:
        return right(x, np.random.default_rng(), **options)

    def seeded(x: Any, *, rng: Any, **options: Any) -> Any:
        return right(x, np.random.default_rng(0), **options)

    def changes(x: Any, *, rng: Any, **options: Any) -> Any:
        x[...] = right(x, rng, **options)
        return x

    return (
        _known(name, "rng-ignored", _RNG, ignored),
        _known(name, "seeded-inside", _SEED, seeded),
        _known(name, "originals-changed", _KEPT, changes),
    )


def _where(chosen: Any, a: Any, b: Any) -> Any:
    return np.where(np.reshape(chosen, (-1,) + (1,) * (a.ndim - 1)), a, b)


def _flip(title: str, hint: str, function: Function) -> Misconception:
    return _known("random_horizontal_flip", title, hint, lambda x, *, p=0.5, rng: function(x, p, rng))


FLIP = (
    _flip(
        "upside-down",
        "Which axis runs from left to right?",
        lambda x, p, rng: _where(rng.random(len(x)) < p, x[:, :, ::-1], x),
    ),
    _flip(
        "half-a-turn",
        "How many axes does a mirror reverse?",
        lambda x, p, rng: _where(rng.random(len(x)) < p, x[:, :, ::-1, ::-1], x),
    ),
    _flip(
        "channels-reversed",
        "Which axis runs from left to right?",
        lambda x, p, rng: _where(rng.random(len(x)) < p, x[:, ::-1], x),
    ),
    _flip("one-draw-for-the-batch", _ONE, lambda x, p, rng: x[..., ::-1].copy() if rng.random() < p else x.copy()),
    _flip(
        "p-to-keep", "What is p the probability of?", lambda x, p, rng: _where(rng.random(len(x)) < p, x, x[..., ::-1])
    ),
    _flip(
        "p-ignored", "Which argument is unused?", lambda x, p, rng: _where(rng.random(len(x)) < 0.5, x[..., ::-1], x)
    ),
    _flip("always-mirrored", "Is every image mirrored?", lambda x, p, rng: x[..., ::-1].copy()),
    _flip("never-mirrored", "What comes out at p = 1?", lambda x, p, rng: x.copy()),
    _flip(
        "each-channel-by-itself",
        "May the red part of an image be mirrored alone?",
        lambda x, p, rng: np.where(rng.random((*x.shape[:2], 1, 1)) < p, x[..., ::-1], x),
    ),
    *_of_any("random_horizontal_flip", lambda x, rng, p=0.5: _where(rng.random(len(x)) < p, x[..., ::-1], x)),
)


def _two(limit: Any) -> tuple[int, int]:
    return tuple(limit) if isinstance(limit, list | tuple) else (limit, limit)  # type: ignore[return-value]


def _move(title: str, hint: str, ways: Function, border: str = "zeros") -> Misconception:
    """``ways(rng, n, high, wide)`` -> by how many rows and columns."""

    def random_shift(x: Any, *, limit: Any, rng: Any) -> Any:
        return moved(x, *ways(rng, len(x), *_two(limit)), border=border)

    return _known("random_shift", title, hint, random_shift)


def _ways(rng: Any, n: int, high: int, wide: int) -> Any:
    return rng.integers(-high, high + 1, n), rng.integers(-wide, wide + 1, n)


def _same_both_ways(rng: Any, n: int, high: int, wide: int) -> Any:
    u = rng.random(n)
    return np.floor(u * (2 * high + 1)).astype(int) - high, np.floor(u * (2 * wide + 1)).astype(int) - wide


def _half_open(most: int) -> int:
    return max(most, 1 - most)


SHIFT = (
    _move("wraps-around", "Who leaves on the right: does he come back on the left?", _ways, "wrap"),
    _move("border-repeated", "What lies beyond the border?", _ways, "edge"),
    _move(
        "upper-limit-left-out",
        "How often is an image moved by the full limit downwards?",
        lambda rng, n, high, wide: (rng.integers(-high, _half_open(high), n), rng.integers(-wide, _half_open(wide), n)),
    ),
    _move(
        "only-forwards",
        "Is an image ever moved to the left?",
        lambda rng, n, high, wide: (rng.integers(0, high + 1, n), rng.integers(0, wide + 1, n)),
    ),
    _move(
        "one-draw-for-the-batch", _ONE, lambda rng, n, high, wide: [np.full(n, v) for v in _ways(rng, 1, high, wide)]
    ),
    _move(
        "rows-and-columns-exchanged",
        "Which of the two limits belongs to the rows?",
        lambda rng, n, high, wide: _ways(rng, n, wide, high),
    ),
    _move("both-ways-alike", "May an image move down and not to the side?", _same_both_ways),
    _move(
        "full-limit-or-nothing",
        "May an image move by less than the limit?",
        lambda rng, n, high, wide: (high * rng.integers(-1, 2, n), wide * rng.integers(-1, 2, n)),
    ),
    _move(
        "limit-always",
        "Does every image move as far as it may?",
        lambda rng, n, high, wide: (high * rng.choice([-1, 1], n), wide * rng.choice([-1, 1], n)),
    ),
    _move(
        "columns-alone",
        "In how many directions does an image move?",
        lambda rng, n, high, wide: (np.zeros(n, int), _ways(rng, n, high, wide)[1]),
    ),
    _move(
        "rows-alone",
        "In how many directions does an image move?",
        lambda rng, n, high, wide: (_ways(rng, n, high, wide)[0], np.zeros(n, int)),
    ),
    *_of_any("random_shift", lambda x, rng, limit: moved(x, *_ways(rng, len(x), *_two(limit)))),
)


def _turn(title: str, hint: str, angles: Function, **how: Any) -> Misconception:
    """``angles(rng, n, degrees)``."""

    def random_rotation(x: Any, *, degrees: float, rng: Any) -> Any:
        return turned(x, angles(rng, len(x), degrees), **how)

    return _known("random_rotation", title, hint, random_rotation)


def _angles(rng: Any, n: int, degrees: float) -> Any:
    return rng.uniform(-degrees, degrees, n)


ROTATION = (
    _turn(
        "degrees-taken-for-radians",
        "How large is the angle 1 for a sine?",
        lambda rng, n, d: np.rad2deg(_angles(rng, n, d)),
    ),
    _turn("one-way-only", "Is an image ever turned clockwise?", lambda rng, n, d: rng.uniform(0, d, n)),
    _turn(
        "half-the-angles",
        "How far may an image be turned to each side?",
        lambda rng, n, d: rng.uniform(-d / 2, d / 2, n),
    ),
    _turn("full-angle-always", "Are small angles drawn too?", lambda rng, n, d: d * rng.choice([-1.0, 1.0], n)),
    _turn("one-draw-for-the-batch", _ONE, lambda rng, n, d: np.full(n, _angles(rng, 1, d)[0])),
    _turn("nearest-pixel", "What lies between two pixels?", _angles, nearest=True),
    _turn("turned-about-the-corner", "Which point stays where it is?", _angles, corner=1.0),
    _turn("border-repeated", "What lies beyond the border?", _angles, border="edge"),
    _turn("wraps-around", "What lies beyond the border?", _angles, border="wrap"),
    _turn("half-a-pixel-off", "Where is the middle of four pixels, counted from 0?", _angles, off=0.5),
    *_of_any("random_rotation", lambda x, rng, degrees: turned(x, _angles(rng, len(x), degrees))),
)


def _enlarge(title: str, hint: str, factors: Function, convention: str = "", **how: Any) -> Misconception:
    def random_scale(x: Any, *, limits: Any, rng: Any) -> Any:
        return scaled(x, factors(rng, len(x), *limits), **how)

    return _known("random_scale", title, hint, random_scale, convention)


def _factors(rng: Any, n: int, low: float, high: float) -> Any:
    return rng.uniform(low, high, n)


def _two_factors(x: Any, *, limits: Any, rng: Any) -> Any:
    return scaled(x, _factors(rng, len(x), *limits), across=_factors(rng, len(x), *limits))


SCALE = (
    _enlarge(
        "inverse-factor",
        "Factor 2: is the image larger afterwards, or smaller?",
        lambda rng, n, low, high: 1 / _factors(rng, n, low, high),
        "the zoom of Keras, where a factor above 1 makes the image smaller",
    ),
    _enlarge("one-draw-for-the-batch", _ONE, lambda rng, n, low, high: np.full(n, rng.uniform(low, high))),
    _enlarge("always-the-largest", "Are factors between the limits drawn?", lambda rng, n, low, high: np.full(n, high)),
    _enlarge(
        "one-limit-or-the-other",
        "Are factors between the limits drawn?",
        lambda rng, n, low, high: rng.choice([low, high], n),
    ),
    _enlarge("nearest-pixel", "What lies between two pixels?", _factors, nearest=True),
    _enlarge("from-the-corner", "Which point stays where it is?", _factors, corner=1.0),
    _enlarge("border-repeated", "What surrounds an image that has become smaller?", _factors, border="edge"),
    _known(
        "random_scale", "another-factor-for-the-columns", "May a face become broader than it is high?", _two_factors
    ),
    *_of_any("random_scale", lambda x, rng, limits: scaled(x, _factors(rng, len(x), *limits))),
)


def _jitter(title: str, hint: str, convention: str = "", **steps: Function) -> Misconception:
    return _known("color_jitter", title, hint, _jittered(**steps), convention)


def _drawn(rng: Any, n: int, s: float) -> Any:
    return rng.uniform(max(0.0, 1 - s), 1 + s, n)[:, None, None, None]


def _three(rng: Any, n: int, strengths: Any) -> Any:
    return [_drawn(rng, n, s) for s in strengths]


def _jittered(
    bright: Function = brightened,
    contrasting: Function = contrasted,
    colour: Function = saturated,
    draw: Function = _three,
) -> Function:
    def color_jitter(
        x: Any, *, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, rng: Any
    ) -> Any:
        b, c, s = draw(rng, len(x), (brightness, contrast, saturation))
        return colour(contrasting(bright(x, b), c), s)

    return color_jitter


def _right_jitter(x: Any, rng: Any, **options: float) -> Any:
    return _jittered()(x, rng=rng, **options)


def _one_for_all_three(rng: Any, n: int, strengths: Any) -> Any:
    u = rng.uniform(-1, 1, n)[:, None, None, None]
    return [np.maximum(0.0, 1 + s * u) if s <= 1 else _drawn(rng, n, s) for s in strengths]


def _mean_before(x: Any, *, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, rng: Any) -> Any:
    b, c, s = _three(rng, len(x), (brightness, contrast, saturation))
    middle = grey(x).mean(axis=(1, 2, 3), keepdims=True)
    return saturated(contrasted(brightened(x, b), c, middle), s)


JITTER = (
    _jitter(
        "brightness-added",
        "Is a factor added or multiplied?",
        "brightness as TensorFlow's adjust_brightness has it, added to every pixel",
        bright=lambda x, f: np.clip(x + f - 1, 0, 1),
    ),
    _jitter(
        "contrast-of-each-channel",
        "Whose mean is it: that of the grey picture, or of each colour?",
        "contrast as TensorFlow's adjust_contrast has it, about the mean of each channel",
        contrasting=lambda x, f: contrasted(x, f, x.mean(axis=(2, 3), keepdims=True)),
    ),
    _jitter(
        "grey-is-the-plain-mean",
        "Are red, green and blue equally bright to the eye?",
        "grey as the plain mean of the channels",
        contrasting=lambda x, f: contrasted(x, f, x.mean(axis=(1, 2, 3), keepdims=True)),
        colour=lambda x, f: saturated(x, f, x.mean(axis=1, keepdims=True)),
    ),
    _jitter(
        "contrast-about-a-half",
        "Does a dark picture stay dark when its contrast falls?",
        contrasting=lambda x, f: contrasted(x, f, 0.5),
    ),
    _jitter("contrast-about-black", "What does contrast leave alone: black, or the mean?", contrasting=brightened),
    _jitter("saturation-towards-the-mean", "Without any saturation, what is left of a picture?", colour=contrasted),
    _jitter(
        "not-clipped",
        "How bright can a pixel be?",
        bright=lambda x, f: f * x,
        contrasting=lambda x, f: f * x + (1 - f) * grey(x).mean(axis=(1, 2, 3), keepdims=True),
        colour=lambda x, f: f * x + (1 - f) * grey(x),
    ),
    _jitter(
        "one-draw-for-the-batch",
        _ONE,
        draw=lambda rng, n, strengths: [_drawn(rng, 1, s) + np.zeros((n, 1, 1, 1)) for s in strengths],
    ),
    _jitter("one-factor-for-all-three", "How many factors are drawn for an image?", draw=_one_for_all_three),
    _jitter(
        "never-darker",
        "Is a picture ever darker than before?",
        draw=lambda rng, n, strengths: [rng.uniform(1, 1 + s, n)[:, None, None, None] for s in strengths],
    ),
    _jitter("saturation-forgotten", "Which argument is unused?", colour=lambda x, f: x),
    _jitter("contrast-forgotten", "Which argument is unused?", contrasting=lambda x, f: x),
    _known(
        "color_jitter",
        "mean-of-the-original",
        "Which picture's contrast is it, after its brightness has changed?",
        _mean_before,
    ),
    *_of_any("color_jitter", _right_jitter),
)
