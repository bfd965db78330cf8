"""Everything by plain loops over single numbers, as on a blackboard."""

import math

import numpy as np


def sigmoid(z):
    if z < 0:
        e = math.exp(z)
        return e / (1 + e)
    return 1 / (1 + math.exp(-z))


def linear_forward(x, w, b):
    N, D = x.shape
    M = len(b)
    out = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            total = b[m]
            for d in range(D):
                total += w[m, d] * x[n, d]
            out[n, m] = total
    return out, (x, w)


def linear_backward(dout, cache):
    x, w = cache
    N, D = x.shape
    M = len(w)
    dx, dw, db = np.zeros((N, D)), np.zeros((M, D)), np.zeros(M)
    for n in range(N):
        for m in range(M):
            db[m] += dout[n, m]
            for d in range(D):
                dx[n, d] += dout[n, m] * w[m, d]
                dw[m, d] += dout[n, m] * x[n, d]
    return dx, dw, db


def collapse_linear(w_first, b_first, w_second, b_second):
    M, D = w_first.shape
    K = len(b_second)
    w, b = np.zeros((K, D)), np.zeros(K)
    for k in range(K):
        b[k] = b_second[k]
        for m in range(M):
            b[k] += w_second[k, m] * b_first[m]
            for d in range(D):
                w[k, d] += w_second[k, m] * w_first[m, d]
    return w, b


def branch_backward(dfirst, dsecond):
    dx = np.zeros(dfirst.shape)
    for index in np.ndindex(dfirst.shape):
        dx[index] = dfirst[index] + dsecond[index]
    return dx


def activate(z):
    u = np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        u[index] = sigmoid(z[index])
    return u


def two_layer_forward(x, w_hidden, b_hidden, w_output, b_output):
    z_hidden, hidden_cache = linear_forward(x, w_hidden, b_hidden)
    u = activate(z_hidden)
    z_output, output_cache = linear_forward(u, w_output, b_output)
    out = activate(z_output)
    return out, (hidden_cache, u, output_cache, out)


def two_layer_backward(dout, cache):
    hidden_cache, u, output_cache, out = cache
    dz_output = np.zeros(out.shape)
    for index in np.ndindex(out.shape):
        dz_output[index] = dout[index] * out[index] * (1 - out[index])
    du, dw_output, db_output = linear_backward(dz_output, output_cache)
    dz_hidden = np.zeros(u.shape)
    for index in np.ndindex(u.shape):
        dz_hidden[index] = du[index] * u[index] * (1 - u[index])
    dx, dw_hidden, db_hidden = linear_backward(dz_hidden, hidden_cache)
    return dx, dw_hidden, db_hidden, dw_output, db_output


def mlp_parameter_count(layer_sizes):
    total = 0
    for i in range(1, len(layer_sizes)):
        for _unit in range(layer_sizes[i]):
            total += layer_sizes[i - 1]
            total += 1
    return total
