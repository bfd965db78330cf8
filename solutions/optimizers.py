"""Optimizers: one update of one parameter array each, and the schedules of the learning rate. Knows no network.

Every step is ``step(w, dw, state, *, lr, ...) -> (new_w, new_state)``: ``state`` is None before the first step, then
what the step before returned. Nothing is modified in place, and ``new_w`` keeps the type of ``w``.

Conventions are PyTorch's. The sources disagree in three places: where the learning rate enters the velocity (UB puts it
inside, BZU averages), whether ``eps`` stands inside the root (UB, GT) or outside (BZU, NYU, the Adam paper, here), and
what AdaGrad's sum starts from (0 here).

A bad argument is a ``ValueError`` that names it: ``w`` and ``dw`` are floating-point arrays of one shape and type;
``lr`` and ``weight_decay`` at least 0, ``momentum`` and ``alpha`` in [0, 1], both ``betas`` in [0, 1), ``eps`` above 0.
"""

import math
from typing import Any

from solutions.arrays import Array, check_float, check_same_shape, count, namespace, number

State = Any


def sgd_step(w: Array, dw: Array, state: State, *, lr: float) -> tuple[Array, State]:
    """Walk downhill: ``w - lr * dw``. There is no state: it stays None.

    Notes
    -----
    Sources: UB, BZU, GT, NYU; ``torch.optim.SGD``.

    Examples
    --------
    >>> import numpy as np
    >>> sgd_step(np.array([1.0, 2.0]), np.array([1.0, -1.0]), None, lr=0.5)
    (array([0.5, 2.5]), None)
    """
    lr = _check(w, dw, lr)
    if state is not None:
        raise ValueError(f"state must be None, gradient descent has no memory, got {type(state).__name__}")
    return w - lr * dw, None


def momentum_step(w: Array, dw: Array, state: State, *, lr: float, momentum: float = 0.9) -> tuple[Array, State]:
    """Gather speed where the gradient keeps its direction: ``v = momentum * v + dw``, ``w - lr * v``.

    The state is the velocity ``v``, 0 at first.

    Notes
    -----
    Sources: GT, UB (there ``v = momentum * v + lr * dw``, the same while ``lr`` stays), BZU (there an average);
    ``torch.optim.SGD(momentum=...)``.

    Examples
    --------
    >>> import numpy as np
    >>> w, v = momentum_step(np.array([1.0]), np.array([2.0]), None, lr=0.1, momentum=0.5)
    >>> w, v = momentum_step(w, np.array([2.0]), v, lr=0.1, momentum=0.5)
    >>> w, v
    (array([0.5]), array([3.]))
    """
    lr = _check(w, dw, lr)
    momentum = number(momentum, "momentum", minimum=0, maximum=1)
    v = momentum * _memory(state, w) + dw
    return w - lr * v, v


def nesterov_step(w: Array, dw: Array, state: State, *, lr: float, momentum: float = 0.9) -> tuple[Array, State]:
    """Momentum that looks one step ahead: ``v = momentum * v + dw``, ``w - lr * (dw + momentum * v)``.

    The state is the velocity ``v``, 0 at first.

    Notes
    -----
    UB takes the gradient at ``w + momentum * v`` and moves ``w``; here ``w`` is already that look-ahead point, so that
    the gradient is taken where the weights are (the usual rewriting, Sutskever et al. 2013).
    Source: UB; ``torch.optim.SGD(nesterov=True)``.

    Examples
    --------
    >>> import numpy as np
    >>> w, v = nesterov_step(np.array([1.0]), np.array([2.0]), None, lr=0.1, momentum=0.5)
    >>> w, v
    (array([0.7]), array([2.]))
    """
    lr = _check(w, dw, lr)
    momentum = number(momentum, "momentum", minimum=0, maximum=1)
    v = momentum * _memory(state, w) + dw
    return w - lr * (dw + momentum * v), v


def adagrad_step(w: Array, dw: Array, state: State, *, lr: float, eps: float = 1e-10) -> tuple[Array, State]:
    """Divide by the root of all squares so far: ``h = h + dw**2``, ``w - lr * dw / (sqrt(h) + eps)``.

    The state is the sum ``h``, 0 at first.

    Notes
    -----
    Sources: UB, BZU; ``torch.optim.Adagrad``.

    Examples
    --------
    >>> import numpy as np
    >>> w, h = adagrad_step(np.array([1.0]), np.array([3.0]), None, lr=0.1)
    >>> w, h = adagrad_step(w, np.array([4.0]), h, lr=0.1)
    >>> w, h
    (array([0.82]), array([25.]))
    """
    lr = _check(w, dw, lr)
    eps = _positive(eps)
    h = _memory(state, w) + dw * dw
    return w - lr * dw / (namespace(w).sqrt(h) + eps), h


def rmsprop_step(
    w: Array, dw: Array, state: State, *, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> tuple[Array, State]:
    """Divide by the root of a fading mean of squares.

    ``h = alpha * h + (1 - alpha) * dw**2``, ``w - lr * dw / (sqrt(h) + eps)``. The state is the mean ``h``, 0 at first.

    Notes
    -----
    Sources: UB and BZU (there ``alpha = 0.9``); ``torch.optim.RMSprop``.

    Examples
    --------
    >>> import numpy as np
    >>> w, h = rmsprop_step(np.array([1.0]), np.array([2.0]), None, lr=0.1, alpha=0.75)
    >>> w.round(6), h
    (array([0.8]), array([1.]))
    """
    lr = _check(w, dw, lr)
    alpha = number(alpha, "alpha", minimum=0, maximum=1)
    eps = _positive(eps)
    h = alpha * _memory(state, w) + (1.0 - alpha) * dw * dw
    return w - lr * dw / (namespace(w).sqrt(h) + eps), h


def adam_step(
    w: Array,
    dw: Array,
    state: State,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> tuple[Array, State]:
    """Momentum and RMSProp together, both corrected for their start from zero.

    ``m = beta1 * m + (1 - beta1) * dw``, ``v = beta2 * v + (1 - beta2) * dw**2``, after ``t`` steps, counted from 1,
    ``w - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps)``. The state is ``(m, v, t)``.

    Notes
    -----
    The correction is UB's homework: after one step ``m = (1 - beta1) * dw``, too small by ``1 - beta1``; after ``t``
    steps of a constant gradient by ``1 - beta1**t``. Sources: Kingma and Ba (in NYU), UB, BZU; ``torch.optim.Adam``.

    Examples
    --------
    The first step is ``lr`` long, whatever the gradient.

    >>> import numpy as np
    >>> w, state = adam_step(np.array([1.0, 1.0]), np.array([0.003, -40.0]), None, lr=0.1)
    >>> w.round(5)
    array([0.9, 1.1])
    """
    lr = _check(w, dw, lr)
    beta1, beta2 = _betas(betas)
    eps = _positive(eps)
    m, v, t = _adam_memory(state, w)
    t += 1
    m = beta1 * m + (1.0 - beta1) * dw
    v = beta2 * v + (1.0 - beta2) * dw * dw
    m_corrected = m / (1.0 - beta1**t)
    v_corrected = v / (1.0 - beta2**t)
    return w - lr * m_corrected / (namespace(w).sqrt(v_corrected) + eps), (m, v, t)


def adamw_step(
    w: Array,
    dw: Array,
    state: State,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Array, State]:
    """Adam whose weights shrink beside the gradient, not through it: a step from ``(1 - lr * weight_decay) * w``.

    The state is that of ``adam_step``.

    Notes
    -----
    An L2 penalty in ``dw`` would be divided by the root like any gradient, so that large gradients would hardly decay.
    Source: Loshchilov and Hutter 2019; ``torch.optim.AdamW``.

    Examples
    --------
    >>> import numpy as np
    >>> w, state = adamw_step(np.array([1.0]), np.array([5.0]), None, lr=0.1, weight_decay=0.5)
    >>> w.round(5)
    array([0.85])
    """
    lr = _check(w, dw, lr)
    weight_decay = number(weight_decay, "weight_decay", minimum=0)
    return adam_step((1.0 - lr * weight_decay) * w, dw, state, lr=lr, betas=betas, eps=eps)


def step_decay(lr: float, epoch: int, *, step_size: int, gamma: float = 0.1) -> float:
    """Drop the learning rate every ``step_size`` epochs: ``lr * gamma**(epoch // step_size)``.

    Parameters
    ----------
    lr : the rate of epoch 0, at least 0.
    epoch : counted from 0.
    step_size : epochs between two drops, at least 1.
    gamma : the factor of a drop, at least 0.

    Notes
    -----
    Sources: BZU, NYU; ``torch.optim.lr_scheduler.StepLR``.

    Examples
    --------
    >>> [step_decay(1.0, epoch, step_size=2, gamma=0.5) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    lr, epoch = _check_rate(lr, epoch)
    step_size = count(step_size, "step_size", minimum=1)
    return lr * number(gamma, "gamma", minimum=0) ** (epoch // step_size)


def exponential_decay(lr: float, epoch: int, *, gamma: float) -> float:
    """Lower the learning rate by the same factor every epoch: ``lr * gamma**epoch``.

    Parameters
    ----------
    lr : the rate of epoch 0, at least 0.
    epoch : counted from 0.
    gamma : the factor of an epoch, at least 0.

    Notes
    -----
    Sources: BZU; ``torch.optim.lr_scheduler.ExponentialLR``.

    Examples
    --------
    >>> [exponential_decay(1.0, epoch, gamma=0.5) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    lr, epoch = _check_rate(lr, epoch)
    return lr * number(gamma, "gamma", minimum=0) ** epoch


def cosine_decay(lr: float, epoch: int, *, total: int, warmup: int = 0, minimum: float = 0.0) -> float:
    """Rise in equal steps while warming up, then fall along half a cosine.

    ``lr * (epoch + 1) / (warmup + 1)`` while ``epoch < warmup``, so the first epoch already learns and ``lr`` is
    reached at ``epoch = warmup``; then ``minimum + (lr - minimum) * (1 + cos(pi * progress)) / 2`` with
    ``progress = (epoch - warmup) / (total - warmup)``; ``minimum`` from ``epoch = total`` on.

    Parameters
    ----------
    lr : the highest rate, at least 0.
    epoch : counted from 0.
    total : the epoch at which ``minimum`` is reached, more than ``warmup``.
    warmup : epochs below ``lr`` at the start.
    minimum : the rate at the end, in [0, ``lr``].

    Notes
    -----
    PyTorch: ``LinearLR(start_factor=1 / (warmup + 1), total_iters=warmup)``, then
    ``CosineAnnealingLR(T_max=total - warmup, eta_min=minimum)``, which would rise again after ``total``.
    Source: Loshchilov and Hutter 2017.

    Examples
    --------
    >>> [round(cosine_decay(1.0, epoch, total=7, warmup=3), 2) for epoch in range(9)]
    [0.25, 0.5, 0.75, 1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
    """
    lr, epoch = _check_rate(lr, epoch)
    warmup = count(warmup, "warmup", minimum=0)
    total = count(total, "total", minimum=warmup + 1)
    minimum = number(minimum, "minimum", minimum=0, maximum=lr)
    if epoch < warmup:
        return lr * (epoch + 1) / (warmup + 1)
    progress = min(1.0, (epoch - warmup) / (total - warmup))
    return minimum + (lr - minimum) * (1.0 + math.cos(math.pi * progress)) / 2.0


def _check_rate(lr: float, epoch: int) -> tuple[float, int]:
    return number(lr, "lr", minimum=0), count(epoch, "epoch", minimum=0)


def _check(w: Array, dw: Array, lr: float) -> float:
    check_float(w, "w")
    check_float(dw, "dw")
    check_same_shape(dw, "dw", w, "w")
    if dw.dtype != w.dtype:
        raise ValueError(f"dw must have the type of w, {w.dtype}, got {dw.dtype}")
    return number(lr, "lr", minimum=0)


def _positive(eps: float) -> float:
    eps = number(eps, "eps", minimum=0)
    if eps == 0:
        raise ValueError("eps must be positive: a gradient of zero would be divided by zero")
    return eps


def _betas(betas: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise ValueError(f"betas must be two numbers, got {betas!r}")
    return _below_one(betas[0], "betas[0]"), _below_one(betas[1], "betas[1]")


def _below_one(beta: float, name: str) -> float:
    beta = number(beta, name, minimum=0, maximum=1)
    if beta == 1:
        raise ValueError(f"{name} must be below 1: a mean with no weight for the new value stays zero")
    return beta


def _memory(state: State, w: Array) -> Array:
    if state is None:
        return namespace(w).zeros_like(w)
    check_same_shape(state, "state", w, "w")
    return state


def _adam_memory(state: State, w: Array) -> tuple[Array, Array, int]:
    if state is None:
        return _memory(None, w), _memory(None, w), 0
    if not isinstance(state, tuple) or len(state) != 3:
        raise ValueError(f"state must be None or the (m, v, t) of the step before, got {type(state).__name__}")
    m, v, t = state
    return _memory(m, w), _memory(v, w), count(t, "state[2]", minimum=0)
