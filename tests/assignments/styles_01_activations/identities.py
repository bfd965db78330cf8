"""Every function by another formula: hyperbolic tangents, absolute values, logarithms of sums."""

import numpy as np


def sigmoid_forward(x):
    return (1 + np.tanh(x / 2)) / 2, x


def sigmoid_backward(dout, x):
    return dout * (1 - np.tanh(x / 2) ** 2) / 4


def tanh_forward(x):
    tail = np.exp(-2 * np.abs(x))
    return np.sign(x) * (1 - tail) / (1 + tail), tail


def tanh_backward(dout, tail):
    return dout * 4 * tail / (1 + tail) ** 2


def relu_forward(x):
    return (x + np.abs(x)) / 2, np.sign(x)


def relu_backward(dout, sign):
    return dout * (1 + sign) / 2


def leaky_relu_forward(x, *, slope=0.01):
    gate = np.heaviside(x, 0.5)
    slopes = slope + (1 - slope) * gate
    return slopes * x, slopes


def leaky_relu_backward(dout, slopes):
    return slopes * dout


def prelu_forward(x, slope):
    last = np.moveaxis(x, 1, -1)
    out = (last + np.abs(last)) / 2 + slope * (last - np.abs(last)) / 2
    return np.moveaxis(out, -1, 1), (last, slope)


def prelu_backward(dout, cache):
    x, slope = cache
    d = np.moveaxis(dout, 1, -1)
    dx = np.where(x < 0, slope, 1.0) * d
    dslope = np.einsum("nc,nc->c", d.reshape(-1, len(slope)), np.minimum(x, 0).reshape(-1, len(slope)))
    return np.moveaxis(dx, -1, 1), dslope


def elu_forward(x, *, alpha=1.0):
    below = np.exp(np.minimum(x, 0))
    return np.maximum(x, 0) + alpha * (below - 1), (x, alpha * below)


def elu_backward(dout, cache):
    x, slope = cache
    return dout * np.select([x > 0, x < 0], [1.0, slope], 1.0)


def softplus_forward(x):
    return np.logaddexp(0, x), x


def softplus_backward(dout, x):
    return dout * np.exp(-np.logaddexp(0, -x))


def swish_forward(x, *, beta=1.0):
    out = x / 2 * (1 + np.tanh(beta * x / 2))
    return out, (x, out, beta)


def swish_backward(dout, cache):
    x, out, beta = cache
    s = (1 + np.tanh(beta * x / 2)) / 2
    return dout * (beta * out + s * (1 - beta * out))


def softmax_forward(x):
    log = x - np.logaddexp.reduce(x, axis=-1, keepdims=True)
    return np.exp(log), log


def softmax_backward(dout, log):
    p = np.exp(log)
    jacobian = p[..., :, None] * (np.eye(p.shape[-1]) - p[..., None, :])
    return np.squeeze(jacobian @ dout[..., None], axis=-1)
