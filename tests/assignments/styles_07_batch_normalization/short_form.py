"""Vectorised; the gradient in its short form with N in front; maps and groups become columns by moving axes."""

import numpy as np


def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        mean, var = np.mean(x, axis=0), np.var(x, axis=0)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (np.var(x, axis=0, ddof=1) - running_var)
    else:
        mean, var = running_mean, running_var
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma, training), running_mean, running_var


def batch_norm_backward(dout, cache):
    x_hat, std, gamma, training = cache
    n = dout.shape[0]
    dgamma, dbeta = np.sum(dout * x_hat, axis=0), np.sum(dout, axis=0)
    if not training:
        return dout * gamma / std, dgamma, dbeta
    return gamma / (n * std) * (n * dout - dbeta - x_hat * dgamma), dgamma, dbeta


def batch_norm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    moved = np.moveaxis(x, 1, -1)
    flat, cache, *averages = batch_norm_forward(
        moved.reshape(-1, x.shape[1]),
        gamma,
        beta,
        running_mean,
        running_var,
        training=training,
        momentum=momentum,
        eps=eps,
    )
    return [np.moveaxis(flat.reshape(moved.shape), -1, 1), cache, *averages]


def batch_norm2d_backward(dout, cache):
    moved = np.moveaxis(dout, 1, -1)
    dx, dgamma, dbeta = batch_norm_backward(moved.reshape(-1, dout.shape[1]), cache)
    return np.moveaxis(dx.reshape(moved.shape), -1, 1), dgamma, dbeta


def layer_norm_forward(x, gamma, beta, *, eps=1e-5):
    rows = x.reshape(-1, gamma.size)
    std = np.sqrt(rows.var(axis=1) + eps)[:, None]
    x_hat = (rows - rows.mean(axis=1)[:, None]) / std
    return x_hat.reshape(x.shape) * gamma + beta, (x_hat, std, gamma)


def layer_norm_backward(dout, cache):
    x_hat, std, gamma = cache
    rows, d = dout.reshape(x_hat.shape), gamma.size
    g = rows * gamma.ravel()
    dx = (d * g - g.sum(axis=1, keepdims=True) - x_hat * (g * x_hat).sum(axis=1, keepdims=True)) / (d * std)
    dgamma, dbeta = (rows * x_hat).sum(axis=0), rows.sum(axis=0)
    return dx.reshape(dout.shape), dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def group_norm_forward(x, gamma, beta, *, num_groups, eps=1e-5):
    # A group of one example is a row without a scale of its own.
    rows = x.reshape(x.shape[0] * num_groups, -1)
    x_hat, cache = layer_norm_forward(rows, np.ones(rows.shape[1]), np.zeros(rows.shape[1]), eps=eps)
    x_hat = x_hat.reshape(x.shape)
    return x_hat * gamma[:, None, None] + beta[:, None, None], (x_hat, cache, gamma)


def group_norm_backward(dout, cache):
    x_hat, rows_cache, gamma = cache
    g = dout * gamma.reshape(1, -1, 1, 1)
    dx, _, _ = layer_norm_backward(g.reshape(rows_cache[0].shape), rows_cache)
    return dx.reshape(dout.shape), np.einsum("nchw,nchw->c", dout, x_hat), np.einsum("nchw->c", dout)
