"""The usual NumPy: probabilities clipped by 1e-12, entries picked by two index arrays."""

import numpy as np


def mse_loss(prediction, target):
    difference = prediction - target
    return np.mean(np.square(difference)), 2 * difference / difference.size


def binary_cross_entropy_loss(prediction, target):
    p = np.clip(prediction, 1e-12, 1 - 1e-12)
    value = -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))
    return value, (-(target / p) + (1 - target) / (1 - p)) / p.size


def one_hot(labels, num_classes, *, dtype=None):
    return np.eye(num_classes)[labels]


def cross_entropy_loss(scores, labels):
    n = scores.shape[0]
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_p)
    gradient[np.arange(n), labels] -= 1
    return -log_p[np.arange(n), labels].mean(), gradient / n
