"""The state is the list of all gradients so far; every mean is worked out anew from it, as a weighted sum."""

import numpy as np


def faded(history, share):
    """The sum of all gradients, the oldest faded most."""
    weights = share ** np.arange(len(history))[::-1]
    return np.tensordot(weights, np.stack(history), axes=1)


def longer(state, dw):
    return [*(state or []), dw.copy()]


def sgd_step(w, dw, state, *, lr):
    return np.subtract(w, np.multiply(lr, dw)), None


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    history = longer(state, dw)
    return w - lr * faded(history, momentum), history


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    history = longer(state, dw)
    # The velocity of a step to come whose gradient is today's once more, without what is twice in it.
    return w - lr * faded([*history, dw], momentum), history


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    history = longer(state, dw)
    return w - lr * dw / (np.linalg.norm(np.stack(history), axis=0) + eps), history


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    history = longer(state, dw)
    mean = (1 - alpha) * faded([g**2 for g in history], alpha)
    return w - lr * dw / (mean**0.5 + eps), history


def shrinking_adam(w, dw, state, lr, betas, eps, weight_decay):
    history = longer(state, dw)
    ages = np.arange(len(history))[::-1]
    # Shares that add up to one by themselves need no correction.
    shares = [beta**ages / (beta**ages).sum() for beta in betas]
    m = np.tensordot(shares[0], np.stack(history), axes=1)
    v = np.tensordot(shares[1], np.stack(history) ** 2, axes=1)
    return w - lr * (weight_decay * w + m / (np.sqrt(v) + eps)), history


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    return shrinking_adam(w, dw, state, lr, betas, eps, 0.0)


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return shrinking_adam(w, dw, state, lr, betas, eps, weight_decay)


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    return lr if epoch < step_size else gamma * step_decay(lr, epoch - step_size, step_size=step_size, gamma=gamma)


def exponential_decay(lr, epoch, *, gamma):
    return np.prod([lr] + [gamma] * epoch)


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    epochs = np.arange(total + 1)
    down = np.clip((epochs - warmup) / (total - warmup), 0, 1)
    rates = minimum + (lr - minimum) * 0.5 * (1 + np.cos(np.pi * down))
    rates = np.where(epochs < warmup, lr * (epochs + 1) / (warmup + 1), rates)
    return rates[np.minimum(epoch, total)]
