"""NYU's way: samples are columns, and a bias is the weight of an input that is always 1."""

import numpy as np


def with_one(columns):
    return np.vstack([columns, np.ones(columns.shape[1])])


def joined(w, b):
    return np.hstack([w, b[:, np.newaxis]])


def linear_forward(x, w, b):
    columns = with_one(x.T)
    return (joined(w, b) @ columns).T, (columns, joined(w, b))


def linear_backward(dout, cache):
    columns, weights = cache
    dweights = dout.T @ columns.T
    return (weights.T @ dout.T)[:-1].T, dweights[:, :-1], dweights[:, -1]


def collapse_linear(w_first, b_first, w_second, b_second):
    last_row = np.zeros((1, w_first.shape[1] + 1))
    last_row[0, -1] = 1
    product = joined(w_second, b_second) @ np.vstack([joined(w_first, b_first), last_row])
    return product[:, :-1], product[:, -1]


def branch_backward(dfirst, dsecond):
    # x goes into both paths: the Jacobian is two unit matrices, one upon the other.
    return (np.ones((1, 2)) @ np.stack([dfirst.ravel(), dsecond.ravel()])).reshape(dfirst.shape)


def sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, e) / (1 + e)


def two_layer_forward(x, w_hidden, b_hidden, w_output, b_output):
    z, first = linear_forward(x, w_hidden, b_hidden)
    u = sigmoid(z)
    z, second = linear_forward(u, w_output, b_output)
    out = sigmoid(z)
    return out, (first, u, second, out)


def two_layer_backward(dout, cache):
    first, u, second, out = cache
    du, dw_output, db_output = linear_backward(dout * (out - out**2), second)
    dx, dw_hidden, db_hidden = linear_backward(du * (u - u**2), first)
    return dx, dw_hidden, db_hidden, dw_output, db_output


def mlp_parameter_count(layer_sizes):
    before, *after = layer_sizes
    return after[0] * (before + 1) + (mlp_parameter_count(after) if len(after) > 1 else 0)
