"""Whole arrays at once; tuples of arrays as the state."""

import numpy as np


def sgd_step(w, dw, state, *, lr):
    return w - lr * dw, state


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    v = dw.copy() if state is None else momentum * state + dw
    return w - lr * v, v


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    v = dw.copy() if state is None else momentum * state + dw
    return w - lr * dw - lr * momentum * v, v


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    h = (0 if state is None else state) + np.square(dw)
    return w - lr / (np.sqrt(h) + eps) * dw, h


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    old = np.zeros(w.shape) if state is None else state
    h = old + (1 - alpha) * (dw**2 - old)
    return w - lr * dw / (np.sqrt(h) + eps), h


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    m, v, t = (0.0, 0.0, 0) if state is None else state
    m, v, t = betas[0] * m + (1 - betas[0]) * dw, betas[1] * v + (1 - betas[1]) * dw**2, t + 1
    size = np.sqrt(v / (1 - betas[1] ** t)) + eps
    return w - lr * (m / (1 - betas[0] ** t)) / size, (m, v, t)


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    new, state = adam_step(w, dw, state, lr=lr, betas=betas, eps=eps)
    return new - lr * weight_decay * w, state


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    return lr * np.power(gamma, np.floor(epoch / step_size))


def exponential_decay(lr, epoch, *, gamma):
    return lr * np.exp(epoch * np.log(gamma))


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    rising = np.linspace(0, lr, warmup + 2)[1:-1]
    falling = minimum + (lr - minimum) * np.cos(np.linspace(0, np.pi / 2, total - warmup + 1)) ** 2
    return np.concatenate([rising, falling])[min(epoch, total)]
