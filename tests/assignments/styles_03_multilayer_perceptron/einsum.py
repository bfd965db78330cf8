"""Einstein sums that spell out every index; the sigmoid as a shifted tanh, its slope from z."""

import itertools

import numpy as np


def linear_forward(x, w, b):
    return np.einsum("nd,md->nm", x, w) + b, [x.copy(), w.copy()]


def linear_backward(dout, cache):
    x, w = cache
    return [np.einsum("nm,md->nd", dout, w), np.einsum("nm,nd->md", dout, x), np.einsum("nm->m", dout)]


def collapse_linear(w_first, b_first, w_second, b_second):
    return np.einsum("km,md->kd", w_second, w_first), b_second + np.einsum("km,m->k", w_second, b_first)


def branch_backward(dfirst, dsecond):
    return np.sum([dfirst, dsecond], axis=0)


def sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


def slope(z):
    return 0.25 / np.cosh(np.clip(z / 2, -300, 300)) ** 2


def two_layer_forward(x, w_hidden, b_hidden, w_output, b_output):
    z_hidden, first = linear_forward(x, w_hidden, b_hidden)
    z_output, second = linear_forward(sigmoid(z_hidden), w_output, b_output)
    return sigmoid(z_output), [first, second, z_hidden, z_output]


def two_layer_backward(dout, cache):
    first, second, z_hidden, z_output = cache
    du, *output = linear_backward(dout * slope(z_output), second)
    return (*linear_backward(du * slope(z_hidden), first), *output)


def mlp_parameter_count(layer_sizes):
    return sum(w.size + len(w) for w in (np.empty(s[::-1]) for s in itertools.pairwise(layer_sizes)))
