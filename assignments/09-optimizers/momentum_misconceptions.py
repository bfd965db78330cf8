"""What goes wrong in gradient descent and in its momenta. Each is wrong in one way. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import optimizers as reference

from .variants import Optimizer, memory

Function = Callable[..., Any]

_sgd = Optimizer("sgd_step", reference.sgd_step)


def _descent(title: str, hint: str, new: Function) -> Misconception:
    """``new(w, dw, lr)`` are the new weights."""
    return _sgd.wrong(title, hint, lambda w, dw, state, *, lr: (new(w, dw, lr), None))


SGD = (
    _descent("uphill", "Is the loss to rise or to fall?", lambda w, dw, lr: w + lr * dw),
    _descent("weights-forgotten", "From where does the step start?", lambda w, dw, lr: -lr * dw),
    _descent("rate-ignored", "Which argument is unused?", lambda w, dw, lr: w - dw),
    _descent("divided-by-the-rate", "Does a larger rate mean longer steps?", lambda w, dw, lr: w - dw / lr),
    _descent("sign-alone", "Is a steep slope to make a longer step?", lambda w, dw, lr: w - lr * np.sign(dw)),
    _descent(
        "length-of-one", "How long is the step where the gradient is small?", lambda w, dw, lr: w - lr * dw / _norm(dw)
    ),
    _descent("weights-shrink", "What becomes of w where dw is 0?", lambda w, dw, lr: (1 - lr) * (w - lr * dw)),
    _descent("multiplied", "How far does w = 0 move?", lambda w, dw, lr: w * (1 - lr * dw)),
    _sgd.spoilt("weights-changed", "Who else owns w?", lambda new, state, w: (np.copyto(w, new) or w, state)),
)


def _norm(dw: Any) -> Any:
    return np.linalg.norm(dw) + 1e-12


def _with_velocity(optimizer: Optimizer) -> Function:
    def make(title: str, hint: str, rule: Function, convention: str = "") -> Misconception:
        """``rule(v, dw, lr, momentum)`` is the next velocity and the step that is subtracted."""

        def step(w: Any, dw: Any, state: Any, *, lr: float, momentum: float = 0.9) -> Any:
            v, downhill = rule(memory(state, w), dw, lr, momentum)
            return w - downhill, v

        return optimizer.wrong(title, hint, step, convention)

    return make


def _state_changed(nesterov: bool) -> Function:
    def step(w: Any, dw: Any, state: Any, *, lr: float, momentum: float = 0.9) -> Any:
        v = memory(state, w)
        v *= momentum
        v += dw
        return w - lr * (dw + momentum * v if nesterov else v), v

    return step


_WHOSE = "Who else may still need the state that came in?"
_HISTORY = "Where is the history?"
_SUM = "Ten equal gradients in a row: how large does the velocity become?"
_SIGN = "Track the sign: what does one step with v = 0 do?"

_momentum = Optimizer("momentum_step", reference.momentum_step)
_m = _with_velocity(_momentum)

MOMENTUM = (
    *(m for m in _momentum.common() if m.name != "uphill"),
    _m(
        "velocity-holds-the-rate",
        "What happens to the velocity when the learning rate changes?",
        lambda v, g, lr, mu: ((new := mu * v + lr * g), new),
        "UB's form, in which the learning rate is inside the velocity",
    ),
    _m(
        "velocity-averaged",
        "Is the velocity a sum or an average here?",
        lambda v, g, lr, mu: ((new := mu * v + (1 - mu) * g), lr * new),
        "BZU's form, in which the velocity is an average",
    ),
    _m("velocity-not-stored", _HISTORY, lambda v, g, lr, mu: (np.zeros_like(v), lr * g)),
    _m("uphill", _SIGN, lambda v, g, lr, mu: ((new := mu * v + g), -lr * new)),
    _m("sign-lost", _SIGN, lambda v, g, lr, mu: ((new := mu * v - lr * g), new)),
    _m("history-subtracted", "Does old speed help or brake?", lambda v, g, lr, mu: ((new := g - mu * v), lr * new)),
    _m("no-friction", _SUM, lambda v, g, lr, mu: ((new := v + g), lr * new)),
    _m(
        "gradient-damped-too",
        "By what is the gradient multiplied before it joins the velocity?",
        lambda v, g, lr, mu: ((new := mu * (v + g)), lr * new),
    ),
    _m(
        "momentum-on-the-gradient",
        "Which of the two fades, the old speed or the new gradient?",
        lambda v, g, lr, mu: ((new := v + mu * g), lr * new),
    ),
    _m(
        "shares-exchanged",
        "With momentum near 1: does the velocity remember or forget?",
        lambda v, g, lr, mu: ((new := (1 - mu) * v + mu * g), lr * new),
    ),
    _m("moved-before-updating", "Does the first step move at all?", lambda v, g, lr, mu: (mu * v + g, lr * v)),
    _m(
        "rate-twice",
        "How often does the learning rate enter?",
        lambda v, g, lr, mu: ((new := mu * v + lr * g), lr * new),
    ),
    _m(
        "gradient-added-again",
        "Is the gradient in the velocity already?",
        lambda v, g, lr, mu: ((new := mu * v + g), lr * (new + g)),
    ),
    _m(
        "step-with-look-ahead",
        "Is this momentum, or Nesterov's?",
        lambda v, g, lr, mu: ((n := mu * v + g), lr * (g + mu * n)),
    ),
    _m("last-gradient-alone", "How far back does it remember?", lambda v, g, lr, mu: (g.copy(), lr * (mu * v + g))),
    _momentum.given("momentum-hard-coded", "Which argument is unused?", momentum=0.9),
    _momentum.wrong("state-changed", _WHOSE, _state_changed(False)),
)


def _cs231n(v: Any, g: Any, lr: float, mu: float) -> Any:
    new = mu * v - lr * g
    return new, mu * v - (1 + mu) * new


_nesterov = Optimizer("nesterov_step", reference.nesterov_step)
_n = _with_velocity(_nesterov)

NESTEROV = (
    *_nesterov.common(),
    _n(
        "velocity-holds-the-rate",
        "What happens to the velocity when the learning rate changes?",
        _cs231n,
        "the form of UB and CS231n, in which the learning rate is inside the velocity",
    ),
    _n(
        "velocity-averaged",
        "Is the velocity a sum or an average here?",
        lambda v, g, lr, mu: ((new := mu * v + (1 - mu) * g), lr * ((1 - mu) * g + mu * new)),
        "the form in which the velocity is an average, as BZU's momentum",
    ),
    _n("plain-momentum", "Where is the gradient taken?", lambda v, g, lr, mu: ((new := mu * v + g), lr * new)),
    _n("velocity-not-stored", _HISTORY, lambda v, g, lr, mu: (np.zeros_like(v), lr * (1 + mu) * g)),
    _n("plain-descent", _HISTORY, lambda v, g, lr, mu: (np.zeros_like(v), lr * g)),
    _n(
        "gradient-left-out",
        "Two things make the step: which are they?",
        lambda v, g, lr, mu: ((n := mu * v + g), lr * mu * n),
    ),
    _n(
        "velocity-whole",
        "How much of the new velocity is still to come when the gradient has been added?",
        lambda v, g, lr, mu: ((new := mu * v + g), lr * (g + new)),
    ),
    _n(
        "gradient-too-often",
        "How often is the gradient in the step?",
        lambda v, g, lr, mu: ((n := mu * v + g), lr * (1 + mu) * n),
    ),
    _n(
        "look-ahead-stored",
        "What is remembered: the velocity, or the step?",
        lambda v, g, lr, mu: ((new := g + mu * (mu * v + g)), lr * new),
    ),
    _n("no-friction", _SUM, lambda v, g, lr, mu: ((new := v + g), lr * (g + mu * new))),
    _n(
        "history-subtracted",
        "Does old speed help or brake?",
        lambda v, g, lr, mu: ((n := g - mu * v), lr * (g + mu * n)),
    ),
    _nesterov.given("momentum-hard-coded", "Which argument is unused?", momentum=0.9),
    _nesterov.wrong("state-changed", _WHOSE, _state_changed(True)),
)
