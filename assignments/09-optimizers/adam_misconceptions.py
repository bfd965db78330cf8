"""What goes wrong in Adam and AdamW. Each variant is wrong in one way. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import optimizers as reference

from .variants import Optimizer, moments

Function = Callable[..., Any]
Betas = tuple[float, float]
USUAL: Betas = (0.9, 0.999)

_WHOSE = "Who else may still need the state that came in?"
_UNUSED = "Which argument is unused?"
_FIRST = "How large should step one be?"
_COUNT = "Count the corrections: how often does each mean need one?"
_INSIDE = "Does eps stand inside the root or beside it here?"
_ZERO = "What if a weight has had no gradient yet?"


def _mean(old: Any, new: Any, beta: float) -> Any:
    return beta * old + (1 - beta) * new


def _corrected(mean: Any, beta: float, t: int) -> Any:
    return mean / (1 - beta**t)


def _as_it_is(mean: Any, beta: float, t: int) -> Any:
    return mean


def _divided(m: Any, v: Any, eps: float) -> Any:
    return m / (np.sqrt(v) + eps)


def _rule(
    *,
    first: Function = _mean,
    second: Function = lambda v, g, beta: _mean(v, g * g, beta),
    correct: Function = _corrected,
    correct_first: Function | None = None,
    correct_second: Function | None = None,
    step: Function = _divided,
    swap: bool = False,
    begin: int = 0,
    count: int = 1,
    keep_corrected: bool = False,
) -> Function:
    """Adam with another mean, correction, direction, or count of the steps."""

    def adam_step(w: Any, dw: Any, state: Any, *, lr: float, betas: Betas = USUAL, eps: float = 1e-8) -> Any:
        beta1, beta2 = betas[::-1] if swap else betas
        m, v, t = moments(state, w)
        if state is None:
            t = begin
        t += count
        m, v = first(m, dw, beta1), second(v, dw, beta2)
        m_hat = (correct_first or correct)(m, beta1, t)
        v_hat = (correct_second or correct)(v, beta2, t)
        return w - lr * step(m_hat, v_hat, eps), (m_hat, v_hat, t) if keep_corrected else (m, v, t)

    return adam_step


def _early_eps(w: Any, dw: Any, state: Any, *, lr: float, betas: Betas = USUAL, eps: float = 1e-8) -> Any:
    m, v, t = moments(state, w)
    m, v, t = _mean(m, dw, betas[0]), _mean(v, dw * dw, betas[1]), t + 1
    rate = lr * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
    return w - rate * m / (np.sqrt(v) + eps), (m, v, t)


def _state_changed(w: Any, dw: Any, state: Any, *, lr: float, betas: Betas = USUAL, eps: float = 1e-8) -> Any:
    if state is None:
        state = {"m": np.zeros_like(w), "v": np.zeros_like(w), "t": 0}
    state["t"] += 1
    state["m"], state["v"] = _mean(state["m"], dw, betas[0]), _mean(state["v"], dw * dw, betas[1])
    m, v = _corrected(state["m"], betas[0], state["t"]), _corrected(state["v"], betas[1], state["t"])
    return w - lr * _divided(m, v, eps), state


_adam = Optimizer("adam_step", reference.adam_step)


def _a(title: str, hint: str, convention: str = "", **changes: Any) -> Misconception:
    return _adam.wrong(title, hint, _rule(**changes), convention)


ADAM = (
    *_adam.common(),
    _a(
        "eps-inside-the-root",
        _INSIDE,
        "GT's form, with eps inside the corrected root",
        step=lambda m, v, eps: m / np.sqrt(v + eps),
    ),
    _adam.wrong(
        "eps-before-the-correction",
        "Is eps added to the corrected root, or to the root as it was?",
        _early_eps,
        "the short form of Kingma and Ba that TensorFlow uses",
    ),
    _a("no-correction", _FIRST, correct=_as_it_is),
    _a("first-mean-alone-corrected", _FIRST, correct_second=_as_it_is),
    _a("second-mean-alone-corrected", _FIRST, correct_first=_as_it_is),
    _a("steps-counted-from-zero", "What is t at step one?", begin=-1),
    _a("steps-counted-from-two", "What is t at step one?", begin=1),
    _a("steps-not-counted", "What is t at step two?", begin=1, count=0),
    _a(
        "correction-multiplied",
        "Is m to be enlarged or to be shrunk?",
        correct=lambda mean, beta, t: mean * (1 - beta**t),
    ),
    _a("corrected-twice", _COUNT, correct=lambda mean, beta, t: mean / (1 - beta**t) ** 2),
    _a("correction-remembered", "What is remembered: m, or the corrected m?", keep_corrected=True),
    _a(
        "beta-times-t",
        "Power or product: by how much has the start faded after t steps?",
        correct=lambda mean, beta, t: mean / (1 - beta * t),
    ),
    _a("betas-exchanged", "Alternate the signs of g: which mean reaches further back?", swap=True),
    _a("shares-exchanged-in-m", "Which term is the memory?", first=lambda m, g, b: (1 - b) * m + b * g),
    _a("shares-exchanged-in-v", "Which term is the memory?", second=lambda v, g, b: (1 - b) * v + b * g * g),
    _a(
        "shares-missing",
        "Do the weights sum to one?",
        first=lambda m, g, b: b * m + g,
        second=lambda v, g, b: b * v + g * g,
    ),
    _a("no-momentum", "Which of the two means is missing?", first=lambda m, g, b: g, correct_first=_as_it_is),
    _a("v-without-memory", "Does v remember?", second=lambda v, g, b: (1 - b) * g * g),
    _a("v-not-squared", "Two opposite gradients: what is their mean?", second=_mean),
    _a(
        "root-forgotten",
        "If all gradients were ten times as large, how long should the step be?",
        step=lambda m, v, eps: m / (v + eps),
    ),
    _a(
        "gradient-for-the-mean",
        "Which direction does the step take: today's, or the mean's?",
        first=lambda m, g, b: g * (1 - b),
    ),
    _a("eps-forgotten", _ZERO, step=lambda m, v, eps: m / np.sqrt(v)),
    _a("one-rate-for-all", "Has each weight a memory of its own?", second=lambda v, g, b: _mean(v, (g * g).sum(), b)),
    _adam.wrong("state-changed", _WHOSE, _state_changed),
    _adam.given("betas-hard-coded", _UNUSED, betas=USUAL),
    _adam.given("eps-hard-coded", _UNUSED, eps=1e-8),
)


_adamw = Optimizer("adamw_step", reference.adamw_step)


def _w(
    title: str,
    hint: str,
    *,
    decayed: Function = lambda w, lr, decay: (1 - lr * decay) * w,
    after: Function = lambda new, w, lr, decay: new,
    gradient: Function = lambda dw, w, decay: dw,
    adam: Function = reference.adam_step,
    convention: str = "",
) -> Misconception:
    """Weights that shrink otherwise, before the step or after it, or through the gradient."""

    def adamw_step(
        w: Any,
        dw: Any,
        state: Any,
        *,
        lr: float,
        betas: Betas = USUAL,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> Any:
        start = decayed(w, lr, weight_decay)
        new, state = adam(start, gradient(dw, w, weight_decay), state, lr=lr, betas=betas, eps=eps)
        return after(new, w, lr, weight_decay), state

    return _adamw.wrong(title, hint, adamw_step, convention)


def _whole(w: Any, lr: float, decay: float) -> Any:
    return w


ADAMW = (
    *_adamw.common(),
    _w(
        "decay-in-the-gradient",
        "Is the decay divided by the root as well?",
        decayed=_whole,
        gradient=lambda dw, w, decay: dw + decay * w,
        convention="L2 in the gradient, PyTorch's Adam with weight_decay",
    ),
    _w(
        "decay-without-the-rate",
        "Does a smaller learning rate make the weights shrink less?",
        decayed=lambda w, lr, decay: (1 - decay) * w,
        convention="Loshchilov and Hutter's formula, in which the rate does not scale the decay",
    ),
    _w(
        "decay-as-half-a-square",
        "The penalty's gradient: with a factor of 2, or without?",
        decayed=lambda w, lr, decay: (1 - 2 * lr * decay) * w,
        convention="the decay of a penalty without the factor 1/2",
    ),
    _w("decay-forgotten", _UNUSED, decayed=_whole),
    _w("weights-grow", "Do the weights shrink or grow?", decayed=lambda w, lr, decay: (1 + lr * decay) * w),
    _w(
        "decay-of-the-new-weights",
        "Which weights shrink: those before the step, or after it?",
        decayed=_whole,
        after=lambda new, w, lr, decay: (1 - lr * decay) * new,
    ),
    _w(
        "decay-twice",
        "In how many places does the decay enter?",
        gradient=lambda dw, w, decay: dw + decay * w,
    ),
    _w(
        "sign-of-the-weights",
        "Do large weights shrink by more than small ones?",
        decayed=lambda w, lr, decay: w - lr * decay * np.sign(w),
    ),
    _w("shrunk-to-the-decay", "What is left of w where the decay is 0?", decayed=lambda w, lr, decay: lr * decay * w),
    _w(
        "eps-inside-the-root",
        _INSIDE,
        adam=_rule(step=lambda m, v, eps: m / np.sqrt(v + eps)),
        convention="GT's form, with eps inside the corrected root",
    ),
    _w("no-correction", _FIRST, adam=_rule(correct=_as_it_is)),
    _w("steps-counted-from-zero", "What is t at step one?", adam=_rule(begin=-1)),
    _w("betas-exchanged", "Alternate the signs of g: which mean reaches further back?", adam=_rule(swap=True)),
    _w("state-changed", _WHOSE, adam=_state_changed),
    _adamw.given("decay-hard-coded", _UNUSED, weight_decay=0.01),
    _adamw.given("betas-hard-coded", _UNUSED, betas=USUAL),
    _adamw.given("eps-hard-coded", _UNUSED, eps=1e-8),
)
