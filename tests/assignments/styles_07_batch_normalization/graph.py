"""The computational graph, node by node: each step forward keeps its result, each step back multiplies by its slope."""

import numpy as np


def forward_graph(x, axes, eps):
    kept = {"axes": axes, "count": np.prod([x.shape[a] for a in axes])}
    mean = x.sum(axis=axes, keepdims=True) / kept["count"]
    kept["centred"] = x - mean
    squares = kept["centred"] ** 2
    kept["var"] = squares.sum(axis=axes, keepdims=True) / kept["count"]
    kept["root"] = np.sqrt(kept["var"] + eps)
    kept["inverse"] = 1.0 / kept["root"]
    return kept["centred"] * kept["inverse"], mean, kept


def backward_graph(dnormalised, kept):
    axes, count = kept["axes"], kept["count"]
    dinverse = (dnormalised * kept["centred"]).sum(axis=axes, keepdims=True)
    dcentred = dnormalised * kept["inverse"]
    droot = -dinverse / kept["root"] ** 2
    dvar = 0.5 * droot / kept["root"]
    dsquares = np.ones(dnormalised.shape) * dvar / count
    dcentred = dcentred + 2 * kept["centred"] * dsquares
    dmean = -dcentred.sum(axis=axes, keepdims=True)
    return dcentred + np.ones(dnormalised.shape) * dmean / count


class BatchCache:
    def __init__(self, training, gamma, normalised, kept, slope):
        self.training, self.gamma, self.normalised, self.kept, self.slope = training, gamma, normalised, kept, slope


def over(x, axes, gamma, beta, running_mean, running_var, training, momentum, eps):
    wide = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    kept, slope = None, None
    if training:
        normalised, mean, kept = forward_graph(x, axes, eps)
        n = kept["count"]
        running_mean = running_mean * (1 - momentum) + momentum * mean.ravel()
        running_var = running_var * (1 - momentum) + momentum * kept["var"].ravel() * n / (n - 1)
    else:
        slope = (running_var.reshape(wide) + eps) ** -0.5
        normalised = (x - running_mean.reshape(wide)) * slope
    out = gamma.reshape(wide) * normalised + beta.reshape(wide)
    return out, BatchCache(training, gamma.reshape(wide), normalised, kept, slope), running_mean, running_var


def back(dout, cache, axes):
    dnormalised = dout * cache.gamma
    dx = backward_graph(dnormalised, cache.kept) if cache.training else dnormalised * cache.slope
    return dx, (dout * cache.normalised).sum(axis=axes), dout.sum(axis=axes)


def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    return over(x, (0,), gamma, beta, running_mean, running_var, training, momentum, eps)


def batch_norm_backward(dout, cache):
    return back(dout, cache, (0,))


def batch_norm2d_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    return over(x, (0, 2, 3), gamma, beta, running_mean, running_var, training, momentum, eps)


def batch_norm2d_backward(dout, cache):
    return back(dout, cache, (0, 2, 3))


def layer_norm_forward(x, gamma, beta, *, eps=1e-5):
    normalised, _, kept = forward_graph(x, tuple(range(x.ndim - gamma.ndim, x.ndim)), eps)
    return normalised * gamma + beta, (normalised, kept, gamma)


def layer_norm_backward(dout, cache):
    normalised, kept, gamma = cache
    dgamma, dbeta = dout * normalised, dout
    while dgamma.ndim > gamma.ndim:
        dgamma, dbeta = dgamma.sum(axis=0), dbeta.sum(axis=0)
    return backward_graph(dout * gamma, kept), dgamma, dbeta


def group_norm_forward(x, gamma, beta, *, num_groups, eps=1e-5):
    parts = np.split(x, num_groups, axis=1)
    done = [forward_graph(part, (1, 2, 3), eps) for part in parts]
    normalised = np.concatenate([d[0] for d in done], axis=1)
    wide = (-1, 1, 1)
    return normalised * gamma.reshape(wide) + beta.reshape(wide), (normalised, [d[2] for d in done], gamma)


def group_norm_backward(dout, cache):
    normalised, kept, gamma = cache
    parts = np.split(dout * gamma.reshape(-1, 1, 1), len(kept), axis=1)
    dx = np.concatenate([backward_graph(part, k) for part, k in zip(parts, kept)], axis=1)
    return dx, (dout * normalised).sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))
