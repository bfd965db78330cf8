"""Matrix products, with np.dot and transposes; the cache is a dict."""

import itertools

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def linear_forward(x, w, b):
    out = np.dot(x, w.T) + b.reshape(1, -1)
    cache = {"x": x, "w": w}
    return out, cache


def linear_backward(dout, cache):
    dx = np.dot(dout, cache["w"])
    dw = np.dot(cache["x"].T, dout).T
    db = np.sum(dout, axis=0)
    return dx, dw, db


def collapse_linear(w_first, b_first, w_second, b_second):
    return np.dot(w_second, w_first), np.dot(w_second, b_first) + b_second


def branch_backward(dfirst, dsecond):
    return np.add(dfirst, dsecond)


def two_layer_forward(x, w_hidden, b_hidden, w_output, b_output):
    u = sigmoid(np.dot(x, w_hidden.T) + b_hidden)
    out = sigmoid(np.dot(u, w_output.T) + b_output)
    return out, {"x": x, "u": u, "out": out, "w_hidden": w_hidden, "w_output": w_output}


def two_layer_backward(dout, cache):
    delta_output = dout * cache["out"] * (1 - cache["out"])
    delta_hidden = np.dot(delta_output, cache["w_output"]) * cache["u"] * (1 - cache["u"])
    return (
        np.dot(delta_hidden, cache["w_hidden"]),
        np.dot(delta_hidden.T, cache["x"]),
        delta_hidden.sum(0),
        np.dot(delta_output.T, cache["u"]),
        delta_output.sum(0),
    )


def mlp_parameter_count(layer_sizes):
    weights = sum(a * b for a, b in itertools.pairwise(layer_sizes))
    biases = sum(layer_sizes[1:])
    return weights + biases
