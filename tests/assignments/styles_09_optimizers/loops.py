"""Every weight by itself, in plain loops; the state is a dict of lists."""

import math

import numpy as np


def each(w, dw, update):
    new = np.zeros(w.shape)
    for i, index in enumerate(np.ndindex(w.shape)):
        new[index] = update(i, float(w[index]), float(dw[index]))
    return new


def remembered(state, w, *names):
    if state is None:
        return {name: [0.0] * w.size for name in names}
    return {name: list(state[name]) for name in names}


def sgd_step(w, dw, state, *, lr):
    return each(w, dw, lambda i, a, g: a - lr * g), None


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    new = remembered(state, w, "v")

    def update(i, a, g):
        new["v"][i] = momentum * new["v"][i] + g
        return a - lr * new["v"][i]

    return each(w, dw, update), new


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    new = remembered(state, w, "v")

    def update(i, a, g):
        new["v"][i] = momentum * new["v"][i] + g
        return a - lr * (g + momentum * new["v"][i])

    return each(w, dw, update), new


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    new = remembered(state, w, "h")

    def update(i, a, g):
        new["h"][i] += g * g
        return a - lr * g / (math.sqrt(new["h"][i]) + eps)

    return each(w, dw, update), new


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    new = remembered(state, w, "h")

    def update(i, a, g):
        new["h"][i] = alpha * new["h"][i] + (1 - alpha) * g * g
        return a - lr * g / (math.sqrt(new["h"][i]) + eps)

    return each(w, dw, update), new


def shrinking_adam(w, dw, state, lr, betas, eps, weight_decay):
    new = remembered(state, w, "m", "v")
    new["t"] = 1 if state is None else state["t"] + 1

    def update(i, a, g):
        new["m"][i] = betas[0] * new["m"][i] + (1 - betas[0]) * g
        new["v"][i] = betas[1] * new["v"][i] + (1 - betas[1]) * g * g
        m = new["m"][i] / (1 - betas[0] ** new["t"])
        v = new["v"][i] / (1 - betas[1] ** new["t"])
        return a - lr * weight_decay * a - lr * m / (math.sqrt(v) + eps)

    return each(w, dw, update), new


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    return shrinking_adam(w, dw, state, lr, betas, eps, 0.0)


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return shrinking_adam(w, dw, state, lr, betas, eps, weight_decay)


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    for e in range(1, epoch + 1):
        if e % step_size == 0:
            lr *= gamma
    return lr


def exponential_decay(lr, epoch, *, gamma):
    for _ in range(epoch):
        lr *= gamma
    return lr


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    if epoch < warmup:
        rate = 0.0
        for _ in range(epoch + 1):
            rate += lr / (warmup + 1)
        return rate
    if epoch >= total:
        return minimum
    angle = math.pi * (epoch - warmup) / (total - warmup)
    return minimum + 0.5 * (lr - minimum) * (1 + math.cos(angle))
