"""What goes wrong in AdaGrad and RMSProp. Each variant is wrong in one way. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import optimizers as reference

from .variants import Optimizer, memory

Function = Callable[..., Any]

_WHOSE = "Who else may still need the state that came in?"
_UNUSED = "Which argument is unused?"
_MEMORY = "Does h remember?"
_ROOT = "If all gradients were ten times as large, how long should the step be?"
_INSIDE = "Does eps stand inside the root or beside it here?"
_EACH = "Has each weight a memory of its own?"
_ZERO = "What if a weight has had no gradient yet?"
_OLD = "Does the first step know the first gradient?"


def _divided(g: Any, h: Any, eps: float) -> Any:
    return g / (np.sqrt(h) + eps)


def _inside(g: Any, h: Any, eps: float) -> Any:
    return g / np.sqrt(h + eps)


_adagrad = Optimizer("adagrad_step", reference.adagrad_step)


def _sum(
    title: str,
    hint: str,
    *,
    grow: Function = lambda h, g: h + g * g,
    step: Function = _divided,
    begin: float = 0.0,
    convention: str = "",
) -> Misconception:
    """Another memory ``grow(h, dw)``, another direction ``step(dw, h, eps)``, another beginning."""

    def adagrad_step(w: Any, dw: Any, state: Any, *, lr: float, eps: float = 1e-10) -> Any:
        h = grow(np.full_like(w, begin) if state is None else state, dw)
        return w - lr * step(dw, h, eps), h

    return _adagrad.wrong(title, hint, adagrad_step, convention)


def _adagrad_old(w: Any, dw: Any, state: Any, *, lr: float, eps: float = 1e-10) -> Any:
    h = memory(state, w)
    return w - lr * _divided(dw, h, eps), h + dw * dw


def _adagrad_state_changed(w: Any, dw: Any, state: Any, *, lr: float, eps: float = 1e-10) -> Any:
    h = memory(state, w)
    h += dw * dw
    return w - lr * _divided(dw, h, eps), h


def _adagrad_mean(w: Any, dw: Any, state: Any, *, lr: float, eps: float = 1e-10) -> Any:
    h, t = (np.zeros_like(w), 0) if state is None else state
    h, t = h + dw * dw, t + 1
    return w - lr * _divided(dw, h / t, eps), (h, t)


ADAGRAD = (
    *_adagrad.common(),
    _sum("eps-inside-the-root", _INSIDE, step=_inside, convention="UB's form, with eps inside the root"),
    _sum(
        "starts-at-a-tenth",
        "From which number does the sum start here?",
        begin=0.1,
        convention="TensorFlow's form, whose sum starts at 0.1",
    ),
    _sum("no-memory", _MEMORY, grow=lambda h, g: g * g),
    _sum("not-squared", "Two opposite gradients: what do they add up to?", grow=lambda h, g: h + g),
    _sum("magnitudes-added", _ROOT, grow=lambda h, g: h + np.abs(g)),
    _sum("root-forgotten", _ROOT, step=lambda g, h, eps: g / (h + eps)),
    _sum(
        "multiplied",
        "A weight that has moved much: is it to move more, or less?",
        step=lambda g, h, eps: g * (np.sqrt(h) + eps),
    ),
    _sum(
        "gradient-squared-above",
        "Which way does the step go where dw is negative?",
        step=lambda g, h, eps: g * g / (np.sqrt(h) + eps),
    ),
    _sum("one-rate-for-all", _EACH, grow=lambda h, g: h + (g * g).sum()),
    _sum("fading-memory", "Does AdaGrad ever forget?", grow=lambda h, g: 0.9 * h + 0.1 * g * g),
    _sum("eps-forgotten", _ZERO, step=lambda g, h, eps: g / np.sqrt(h)),
    _sum("eps-subtracted", _ZERO, step=lambda g, h, eps: g / (np.sqrt(h) - eps)),
    _adagrad.wrong("old-sum-divides", _OLD, _adagrad_old),
    _adagrad.wrong("mean-of-squares", "Sum or mean: does the step shrink when the gradient stays?", _adagrad_mean),
    _adagrad.wrong("state-changed", _WHOSE, _adagrad_state_changed),
    _adagrad.given("eps-hard-coded", _UNUSED, eps=1e-10),
)


_rmsprop = Optimizer("rmsprop_step", reference.rmsprop_step)


def _fading(
    title: str,
    hint: str,
    *,
    fade: Function = lambda h, g, alpha: alpha * h + (1 - alpha) * g * g,
    step: Function = _divided,
    alpha: float = 0.99,
    convention: str = "",
) -> Misconception:
    """Another memory ``fade(h, dw, alpha)``, another direction ``step(dw, h, eps)``, another default."""
    usual = alpha

    def rmsprop_step(w: Any, dw: Any, state: Any, *, lr: float, alpha: float = usual, eps: float = 1e-8) -> Any:
        h = fade(memory(state, w), dw, alpha)
        return w - lr * step(dw, h, eps), h

    return _rmsprop.wrong(title, hint, rmsprop_step, convention)


def _rmsprop_state_changed(w: Any, dw: Any, state: Any, *, lr: float, alpha: float = 0.99, eps: float = 1e-8) -> Any:
    h = memory(state, w)
    h *= alpha
    h += (1 - alpha) * dw * dw
    return w - lr * _divided(dw, h, eps), h


def _rmsprop_old(w: Any, dw: Any, state: Any, *, lr: float, alpha: float = 0.99, eps: float = 1e-8) -> Any:
    h = memory(state, w)
    return w - lr * _divided(dw, h, eps), alpha * h + (1 - alpha) * dw * dw


def _rmsprop_corrected(w: Any, dw: Any, state: Any, *, lr: float, alpha: float = 0.99, eps: float = 1e-8) -> Any:
    h, t = (np.zeros_like(w), 0) if state is None else state
    h, t = alpha * h + (1 - alpha) * dw * dw, t + 1
    return w - lr * _divided(dw, h / (1 - alpha**t), eps), (h, t)


def _rmsprop_centred(w: Any, dw: Any, state: Any, *, lr: float, alpha: float = 0.99, eps: float = 1e-8) -> Any:
    h, mean = (np.zeros_like(w), np.zeros_like(w)) if state is None else state
    h, mean = alpha * h + (1 - alpha) * dw * dw, alpha * mean + (1 - alpha) * dw
    return w - lr * _divided(dw, h - mean * mean, eps), (h, mean)


RMSPROP = (
    *_rmsprop.common(),
    _fading("eps-inside-the-root", _INSIDE, step=_inside, convention="UB's form, with eps inside the root"),
    _rmsprop.left_out(
        "memory-of-nine-tenths",
        "What does alpha have to be when nobody says?",
        "the default 0.9 of UB, BZU and Keras",
        alpha=0.9,
    ),
    _rmsprop.wrong(
        "centred",
        "Squares of the gradient, or of its distance from a mean?",
        _rmsprop_centred,
        "the centred form of Graves",
    ),
    _fading("shares-exchanged", "Which term is the memory?", fade=lambda h, g, a: (1 - a) * h + a * g * g),
    _fading("share-of-the-new-missing", "Do the weights sum to one?", fade=lambda h, g, a: a * h + g * g),
    _fading("never-forgets", "What does RMSProp mend about AdaGrad?", fade=lambda h, g, a: h + g * g),
    _fading("old-not-faded", "Do the weights sum to one?", fade=lambda h, g, a: h + (1 - a) * g * g),
    _fading("no-memory", _MEMORY, fade=lambda h, g, a: (1 - a) * g * g),
    _fading("not-squared", "Two opposite gradients: what is their mean?", fade=lambda h, g, a: a * h + (1 - a) * g),
    _fading("magnitudes", _ROOT, fade=lambda h, g, a: a * h + (1 - a) * np.abs(g)),
    _fading(
        "share-squared-too",
        "What is squared: the gradient, or its share?",
        fade=lambda h, g, a: a * h + ((1 - a) * g) ** 2,
    ),
    _fading("root-forgotten", _ROOT, step=lambda g, h, eps: g / (h + eps)),
    _fading("one-rate-for-all", _EACH, fade=lambda h, g, a: a * h + (1 - a) * (g * g).sum()),
    _fading("eps-forgotten", _ZERO, step=lambda g, h, eps: g / np.sqrt(h)),
    _rmsprop.wrong("bias-corrected", "Whose correction is that: RMSProp's, or Adam's?", _rmsprop_corrected),
    _rmsprop.wrong("old-mean-divides", _OLD, _rmsprop_old),
    _rmsprop.wrong("state-changed", _WHOSE, _rmsprop_state_changed),
    _rmsprop.given("alpha-hard-coded", _UNUSED, alpha=0.99),
    _rmsprop.given("eps-hard-coded", _UNUSED, eps=1e-8),
)
