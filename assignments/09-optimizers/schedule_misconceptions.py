"""What goes wrong in schedules of the learning rate. Each variant is wrong in one way. Knows no case and no points."""

import math
from collections.abc import Callable
from typing import Any

from grader.questions import Misconception

Function = Callable[..., Any]

_WHICH = "Which epoch is the first, 0 or 1?"
_UNUSED = "Which argument is unused?"
_BASE = "Twice the starting rate: does every later rate double?"
_ONES = "textbooks whose first epoch is number 1"


def _drop(title: str, hint: str, rate: Function, convention: str = "", usual: float = 0.1) -> Misconception:
    """``rate(lr, epoch, size, gamma)``."""

    def step_decay(lr: Any, epoch: Any, *, step_size: Any, gamma: float = usual) -> Any:
        return rate(lr, epoch, step_size, gamma)

    return Misconception(title, {"step_decay": step_decay}, hint, convention)


STEP_DECAY = (
    _drop("counted-from-one", _WHICH, lambda lr, e, s, g: lr * g ** ((e - 1) // s), _ONES),
    _drop("drops-early", _WHICH, lambda lr, e, s, g: lr * g ** ((e + 1) // s)),
    _drop(
        "drops-late",
        "Does the epoch number step_size itself still have the old rate?",
        lambda lr, e, s, g: lr * g ** (max(e - 1, 0) // s),
    ),
    _drop("no-steps", "Does the rate stay between two drops?", lambda lr, e, s, g: lr * g ** (e / s)),
    _drop("every-epoch", _UNUSED, lambda lr, e, s, g: lr * g**e),
    _drop("drops-once", "What happens at the second drop?", lambda lr, e, s, g: lr * g if e >= s else lr),
    _drop(
        "multiplied-by-the-drops",
        "After three drops: three factors, or one factor times three?",
        lambda lr, e, s, g: lr * g * (e // s) if e >= s else lr,
    ),
    _drop("rounded-up", "Does the rate drop in the very first epochs?", lambda lr, e, s, g: lr * g ** -(-e // s)),
    _drop("remainder", "What is the rate just after a drop?", lambda lr, e, s, g: lr * g ** (e % s)),
    _drop(
        "only-at-the-drop",
        "What is the rate one epoch after a drop?",
        lambda lr, e, s, g: lr * g if e and e % s == 0 else lr,
    ),
    _drop("rate-grows", "Does the rate fall or rise?", lambda lr, e, s, g: lr / g ** (e // s)),
    _drop(
        "share-taken-away",
        "Halved or reduced by a half: what does a gamma of 0.9 leave?",
        lambda lr, e, s, g: lr * (1 - g) ** (e // s),
        usual=0.1,
    ),
    _drop("factor-alone", _BASE, lambda lr, e, s, g: g ** (e // s)),
    _drop(
        "halved-by-default", "What is the factor when nobody says?", lambda lr, e, s, g: lr * g ** (e // s), usual=0.5
    ),
    _drop("factor-hard-coded", _UNUSED, lambda lr, e, s, g: lr * 0.1 ** (e // s)),
)


def _exponential(title: str, hint: str, rate: Function, convention: str = "") -> Misconception:
    return Misconception(
        title, {"exponential_decay": lambda lr, epoch, *, gamma: rate(lr, epoch, gamma)}, hint, convention
    )


EXPONENTIAL_DECAY = (
    _exponential("counted-from-one", _WHICH, lambda lr, e, g: lr * g ** (e - 1), _ONES),
    _exponential(
        "natural-exponential",
        "Which number is raised to a power here?",
        lambda lr, e, g: lr * math.exp(-g * e),
        "the form exp(-k t) of CS231n",
    ),
    _exponential(
        "divided-by-time",
        "Does the same factor come again in every epoch?",
        lambda lr, e, g: lr / (1 + g * e),
        "the decay 1/(1 + k t), by time",
    ),
    _exponential("one-epoch-ahead", _WHICH, lambda lr, e, g: lr * g ** (e + 1)),
    _exponential(
        "multiplied-by-the-epoch", "After three epochs: three factors, or one times three?", lambda lr, e, g: lr * g * e
    ),
    _exponential("straight-line", "Does a rate of this kind ever reach 0?", lambda lr, e, g: lr * (1 - (1 - g) * e)),
    _exponential("base-and-exponent-exchanged", "Which of the two is the exponent?", lambda lr, e, g: lr * e**g),
    _exponential("one-factor", "What happens in the second epoch?", lambda lr, e, g: lr * g if e else lr),
    _exponential("rate-grows", "Does the rate fall or rise?", lambda lr, e, g: lr / g**e),
    _exponential(
        "share-taken-away", "What does a gamma of 0.9 leave, and what does it take?", lambda lr, e, g: lr * (1 - g) ** e
    ),
    _exponential("factor-alone", _BASE, lambda lr, e, g: g**e),
    _exponential("rate-in-the-power", "What is raised to the power: lr, or gamma?", lambda lr, e, g: (lr * g) ** e),
)


def _half_cosine(progress: float) -> float:
    return (1 + math.cos(math.pi * progress)) / 2


def _progress(epoch: int, total: int, warmup: int) -> float:
    return min(1.0, (epoch - warmup) / (total - warmup))


def _cosine(
    title: str,
    hint: str,
    *,
    rise: Function = lambda lr, e, warmup, least: lr * (e + 1) / (warmup + 1),
    progress: Function = _progress,
    curve: Function = _half_cosine,
    scale: Function = lambda lr, least, share: least + (lr - least) * share,
    warm: Function = lambda e, warmup: e < warmup,
    convention: str = "",
) -> Misconception:
    """Another warm-up, another progress, another curve from 1 to 0, or another way to use it."""

    def cosine_decay(lr: Any, epoch: Any, *, total: int, warmup: int = 0, minimum: float = 0.0) -> Any:
        if warm(epoch, warmup):
            return rise(lr, epoch, warmup, minimum)
        return scale(lr, minimum, curve(progress(epoch, total, warmup)))

    return Misconception(title, {"cosine_decay": cosine_decay}, hint, convention)


COSINE_DECAY = (
    _cosine(
        "rises-again",
        "What is the rate after the end?",
        progress=lambda e, total, warmup: (e - warmup) / (total - warmup),
        convention="PyTorch's CosineAnnealingLR, which rises again after the end",
    ),
    _cosine(
        "warms-up-from-zero",
        "Does the very first epoch learn anything?",
        rise=lambda lr, e, warmup, least: lr * e / warmup,
        convention="a warm-up that starts at 0, as in the library transformers",
    ),
    _cosine(
        "warm-up-ends-early",
        "Which is the first epoch with the full rate?",
        rise=lambda lr, e, warmup, least: lr * (e + 1) / warmup,
        convention="a warm-up whose last epoch has the full rate already",
    ),
    _cosine(
        "last-epoch-is-the-end",
        "In which epoch is the minimum reached: total, or the one before?",
        progress=lambda e, total, warmup: min(1.0, (e - warmup) / max(total - warmup - 1, 1)),
        convention="a schedule whose minimum comes at the epoch total - 1",
    ),
    _cosine(
        "warm-up-ignored", _UNUSED, warm=lambda e, warmup: False, progress=lambda e, total, warmup: min(1.0, e / total)
    ),
    _cosine(
        "warm-up-counted-as-progress",
        "After the warm-up, where on the cosine does the way down begin?",
        progress=lambda e, total, warmup: min(1.0, e / total),
    ),
    _cosine(
        "warm-up-beyond-the-total",
        "How many epochs are left for the way down after the warm-up?",
        progress=lambda e, total, warmup: min(1.0, (e - warmup) / total),
    ),
    _cosine(
        "full-rate-while-warming-up",
        "Do the first epochs differ from each other?",
        rise=lambda lr, e, warmup, least: lr,
    ),
    _cosine(
        "no-rate-while-warming-up", "Does the very first epoch learn anything?", rise=lambda lr, e, warmup, least: 0.0
    ),
    _cosine(
        "warms-up-from-the-minimum",
        "Has the minimum a say in the warm-up?",
        rise=lambda lr, e, warmup, least: least + (lr - least) * (e + 1) / (warmup + 1),
    ),
    _cosine(
        "one-epoch-too-long",
        "Which is the first epoch of the way down?",
        warm=lambda e, warmup: e <= warmup and warmup > 0,
        rise=lambda lr, e, warmup, least: lr * (e + 1) / (warmup + 1) if e < warmup else lr * (e + 1) / (warmup + 2),
    ),
    _cosine("minimum-ignored", _UNUSED, scale=lambda lr, least, share: lr * share),
    _cosine(
        "minimum-added", "How high is the rate at the very start?", scale=lambda lr, least, share: least + lr * share
    ),
    _cosine(
        "minimum-as-a-stop",
        "Does the curve bend before it reaches the minimum, or is it cut off?",
        scale=lambda lr, least, share: max(least, lr * share),
    ),
    _cosine("no-pi", "Where does half a cosine end?", curve=lambda p: (1 + math.cos(p)) / 2),
    _cosine(
        "whole-period", "How much of a period is half a cosine?", curve=lambda p: (1 + math.cos(2 * math.pi * p)) / 2
    ),
    _cosine("quarter-period", "How flat is the curve at its end?", curve=lambda p: math.cos(math.pi * p / 2)),
    _cosine("sine", "Where does the curve start, high or low?", curve=lambda p: (1 + math.sin(math.pi * p)) / 2),
    _cosine("not-raised", "Can a rate be negative?", curve=lambda p: math.cos(math.pi * p)),
    _cosine("not-halved", "How high is the rate at the very start?", curve=lambda p: 1 + math.cos(math.pi * p)),
    _cosine("straight-line", "Where is the curve steepest?", curve=lambda p: 1 - p),
    _cosine("upside-down", "Does the rate fall or rise?", curve=lambda p: 1 - _half_cosine(p)),
    _cosine("one-epoch-ahead", _WHICH, progress=lambda e, total, warmup: _progress(e + 1, total, warmup)),
)
