"""Copies, filled where a condition holds; the inputs go into the cache."""

import numpy as np


def sigmoid_forward(x):
    out = np.zeros(x.shape)
    right = x >= 0
    out[right] = 1 / (1 + np.exp(-x[right]))
    small = np.exp(x[~right])
    out[~right] = small / (1 + small)
    return out, x


def sigmoid_backward(dout, x):
    s, _ = sigmoid_forward(x)
    return dout * s * (1 - s)


def tanh_forward(x):
    return np.tanh(x), x


def tanh_backward(dout, x):
    return dout * (1 - np.tanh(x) ** 2)


def relu_forward(x):
    out = x.copy()
    out[out < 0] = 0
    return out, x


def relu_backward(dout, x):
    dx = np.zeros_like(dout)
    dx[x > 0] = dout[x > 0]
    return dx


def leaky_relu_forward(x, *, slope=0.01):
    out = x.copy()
    out[x < 0] *= slope
    return out, (x, slope)


def leaky_relu_backward(dout, cache):
    x, slope = cache
    dx = np.array(dout)
    dx[x < 0] *= slope
    return dx


def prelu_forward(x, slope):
    out = x.copy()
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[n, c] = np.where(x[n, c] > 0, x[n, c], slope[c] * x[n, c])
    return out, (x, slope)


def prelu_backward(dout, cache):
    x, slope = cache
    dx, dslope = dout.copy(), np.zeros(slope.shape)
    for c in range(len(slope)):
        shut = x[:, c] < 0
        dx[:, c][shut] *= slope[c]
        dslope[c] = np.sum(dout[:, c][shut] * x[:, c][shut])
    return dx, dslope


def elu_forward(x, *, alpha=1.0):
    out = x.copy()
    out[x < 0] = alpha * (np.exp(x[x < 0]) - 1)
    return out, (x, alpha)


def elu_backward(dout, cache):
    x, alpha = cache
    dx = dout.copy()
    dx[x < 0] *= alpha * np.exp(x[x < 0])
    return dx


def softplus_forward(x):
    out = x.copy()
    out[x < 30] = np.log(1 + np.exp(x[x < 30]))
    return out, x


def softplus_backward(dout, x):
    return dout * sigmoid_forward(x)[0]


def swish_forward(x, *, beta=1.0):
    return x * sigmoid_forward(beta * x)[0], (x, beta)


def swish_backward(dout, cache):
    x, beta = cache
    s, _ = sigmoid_forward(beta * x)
    return dout * s + dout * x * beta * s * (1 - s)


def softmax_forward(x):
    flat = x.reshape(-1, x.shape[-1])
    out = np.empty_like(flat)
    for i, row in enumerate(flat):
        e = np.exp(row - row.max())
        out[i] = e / e.sum()
    return out.reshape(x.shape), out


def softmax_backward(dout, p):
    flat = dout.reshape(p.shape)
    dx = np.empty_like(p)
    for i in range(len(p)):
        dx[i] = (np.diag(p[i]) - np.outer(p[i], p[i])) @ flat[i]
    return dx.reshape(dout.shape)
