"""The state is an object of the student's own class, a new one at each step."""

import math
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Memory:
    steps: int = 0
    slots: dict = field(default_factory=dict)

    def get(self, name, like):
        return self.slots.get(name, np.zeros_like(like))

    def then(self, **slots):
        return replace(self, steps=self.steps + 1, slots=slots)


def sgd_step(w, dw, state, *, lr):
    return w + (-lr) * dw, None


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    state = state or Memory()
    v = state.get("v", w) * momentum + dw
    return w - v * lr, state.then(v=v)


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    state = state or Memory()
    old = state.get("v", w)
    return w - lr * ((1 + momentum) * dw + momentum**2 * old), state.then(v=momentum * old + dw)


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    state = state or Memory()
    root = np.hypot(state.get("root", w), dw)
    return w - lr * dw / (root + eps), state.then(root=root)


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    state = state or Memory()
    root = np.hypot(math.sqrt(alpha) * state.get("root", w), math.sqrt(1 - alpha) * dw)
    return w - lr * dw / (root + eps), state.then(root=root)


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    state = state or Memory()
    b1, b2 = betas
    t = state.steps + 1
    m, v = b1 * state.get("m", w) + (1 - b1) * dw, b2 * state.get("v", w) + (1 - b2) * dw * dw
    # Kingma and Ba's shorter order, with eps scaled so that it stands where it stands in the longer one.
    rate = lr * math.sqrt(1 - b2**t) / (1 - b1**t)
    return w - rate * m / (np.sqrt(v) + eps * math.sqrt(1 - b2**t)), state.then(m=m, v=v)


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    moved, state = adam_step(w, dw, state, lr=lr, betas=betas, eps=eps)
    return moved - w * (lr * weight_decay), state


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    return lr * gamma ** math.floor(epoch / step_size)


def exponential_decay(lr, epoch, *, gamma):
    return lr * math.pow(gamma, epoch)


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    if epoch < warmup:
        return lr * (epoch + 1) / (warmup + 1)
    half = math.pi / 2 * min(epoch - warmup, total - warmup) / (total - warmup)
    return lr * math.cos(half) ** 2 + minimum * math.sin(half) ** 2
