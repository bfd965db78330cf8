"""One feature at a time with matrices: a centring matrix forward, the whole Jacobian of the feature backward."""

import numpy as np


def _centring(n):
    return np.eye(n) - np.full((n, n), 1 / n)


def _unit(values, eps):
    """Normalise one vector; return it with the Jacobian of the normalisation."""
    n = len(values)
    c = _centring(n)
    centred = c @ (values - values[0])  # the constant would only cost digits
    root = np.sqrt(centred @ centred / n + eps)
    z = centred / root
    return z, (c - np.outer(z, z) / n) / root


def _columns(x):
    return np.stack([np.take(x, q, axis=1).ravel() for q in range(x.shape[1])], axis=1)


def _uncolumns(flat, shape):
    others = (shape[0], *shape[2:])
    return np.stack([flat[:, q].reshape(others) for q in range(shape[1])], axis=1)


def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    flat = _columns(x)
    z, jacobians = np.empty_like(flat), []
    for q in range(flat.shape[1]):
        if training:
            z[:, q], jacobian = _unit(flat[:, q], eps)
        else:
            jacobian = np.eye(len(flat)) / np.sqrt(running_var[q] + eps)
            z[:, q] = jacobian @ (flat[:, q] - running_mean[q])
        jacobians.append(gamma[q] * jacobian)
    if training:
        spread = np.atleast_1d(np.cov(flat, rowvar=False).diagonal() if flat.shape[1] > 1 else np.cov(flat.ravel()))
        running_mean = np.average([running_mean, flat.mean(0)], axis=0, weights=[1 - momentum, momentum])
        running_var = np.average([running_var, spread], axis=0, weights=[1 - momentum, momentum])
    return _uncolumns(z * gamma + beta, x.shape), (z, jacobians), running_mean.copy(), running_var.copy()


def batch_norm_backward(dout, cache):
    z, jacobians = cache
    flat = _columns(dout)
    dx = np.stack([j.T @ d for j, d in zip(jacobians, flat.T)], axis=1)
    return _uncolumns(dx, dout.shape), np.diag(flat.T @ z).copy(), flat.T @ np.ones(len(flat))


batch_norm2d_forward, batch_norm2d_backward = batch_norm_forward, batch_norm_backward


def _each(rows, eps):
    pairs = [_unit(row, eps) for row in rows]
    return np.array([z for z, _ in pairs]), [j for _, j in pairs]


def layer_norm_forward(x, gamma, beta, *, eps=1e-5):
    z, jacobians = _each(x.reshape(-1, gamma.size), eps)
    return (z * gamma.ravel() + beta.ravel()).reshape(x.shape), (z, jacobians, gamma)


def layer_norm_backward(dout, cache):
    z, jacobians, gamma = cache
    rows = dout.reshape(z.shape)
    dx = np.array([(gamma.ravel() * row) @ j for row, j in zip(rows, jacobians)])
    dgamma, dbeta = np.einsum("nd,nd->d", rows, z), np.einsum("nd->d", rows)
    return dx.reshape(dout.shape), dgamma.reshape(gamma.shape), dbeta.reshape(gamma.shape)


def group_norm_forward(x, gamma, beta, *, num_groups, eps=1e-5):
    z, jacobians = _each(x.reshape(x.shape[0] * num_groups, -1), eps)
    z = z.reshape(x.shape)
    return np.einsum("nchw,c->nchw", z, gamma) + beta.reshape(1, -1, 1, 1), (z, jacobians, gamma)


def group_norm_backward(dout, cache):
    z, jacobians, gamma = cache
    rows = np.einsum("nchw,c->nchw", dout, gamma).reshape(len(jacobians), -1)
    dx = np.array([row @ j for row, j in zip(rows, jacobians)]).reshape(dout.shape)
    return dx, np.einsum("nchw,nchw->c", dout, z), dout.swapaxes(0, 1).reshape(len(gamma), -1).sum(axis=1)
