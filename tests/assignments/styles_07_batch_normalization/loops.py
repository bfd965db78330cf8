"""Plain loops over features, groups and entries; sums by hand, lists and dicts for the cache."""

import math

import numpy as np


def mean_and_variance(values):
    mean = sum(values) / len(values)
    return mean, sum((v - mean) ** 2 for v in values) / len(values)


def normalise(values, mean, variance, eps):
    return [(v - mean) / math.sqrt(variance + eps) for v in values]


def gradient(upstream, normalised, deviation):
    """Of the values that share one mean and one variance."""
    n = len(upstream)
    total = sum(upstream)
    along = sum(u * z for u, z in zip(upstream, normalised))
    return [(u - total / n - z * along / n) / deviation for u, z in zip(upstream, normalised)]


def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    out, z = np.zeros(x.shape), np.zeros(x.shape)
    new_mean, new_var, deviations = list(running_mean), list(running_var), []
    for j in range(x.shape[1]):
        column = [float(v) for v in x[:, j]]
        mean, variance = float(running_mean[j]), float(running_var[j])
        if training:
            mean, variance = mean_and_variance(column)
            new_mean[j] = (1 - momentum) * running_mean[j] + momentum * mean
            new_var[j] = (1 - momentum) * running_var[j] + momentum * variance * len(column) / (len(column) - 1)
        z[:, j] = normalise(column, mean, variance, eps)
        deviations.append(math.sqrt(variance + eps))
        for i in range(x.shape[0]):
            out[i, j] = gamma[j] * z[i, j] + beta[j]
    cache = {"z": z, "gamma": gamma.copy(), "deviations": deviations, "training": training}
    return out, cache, np.array(new_mean), np.array(new_var)


def batch_norm_backward(dout, cache):
    z, gamma = cache["z"], cache["gamma"]
    dx, dgamma, dbeta = np.zeros(dout.shape), np.zeros(len(gamma)), np.zeros(len(gamma))
    for j, deviation in enumerate(cache["deviations"]):
        upstream = [gamma[j] * d for d in dout[:, j]]
        if cache["training"]:
            dx[:, j] = gradient(upstream, z[:, j], deviation)
        else:
            dx[:, j] = [u / deviation for u in upstream]
        for i in range(dout.shape[0]):
            dgamma[j] += dout[i, j] * z[i, j]
            dbeta[j] += dout[i, j]
    return dx, dgamma, dbeta


def columns(images):
    """One row for each pixel of each image, one column for each channel."""
    n, c, h, w = images.shape
    rows = [[images[i, q, r, s] for q in range(c)] for i in range(n) for r in range(h) for s in range(w)]
    return np.array(rows)


def images_of(rows, shape):
    _, c, h, w = shape
    images = np.zeros(shape)
    for k, row in enumerate(rows):
        i, r, s = k // (h * w), k // w % h, k % w
        for q in range(c):
            images[i, q, r, s] = row[q]
    return images


def batch_norm2d_forward(x, gamma, beta, running_mean, running_var, **options):
    out, cache, mean, var = batch_norm_forward(columns(x), gamma, beta, running_mean, running_var, **options)
    return images_of(out, x.shape), cache, mean, var


def batch_norm2d_backward(dout, cache):
    dx, dgamma, dbeta = batch_norm_backward(columns(dout), cache)
    return images_of(dx, dout.shape), dgamma, dbeta


def layer_norm_forward(x, gamma, beta, *, eps=1e-5):
    rows = x.reshape(-1, gamma.size)
    out, z, deviations = [], [], []
    for row in rows:
        mean, variance = mean_and_variance([float(v) for v in row])
        z.append(normalise(row, mean, variance, eps))
        deviations.append(math.sqrt(variance + eps))
        out.append([g * v + b for g, v, b in zip(gamma.ravel(), z[-1], beta.ravel())])
    return np.array(out).reshape(x.shape), [z, deviations, gamma]


def layer_norm_backward(dout, cache):
    z, deviations, gamma = cache
    upstream = dout.reshape(-1, gamma.size)
    dx, dgamma, dbeta = [], [0.0] * gamma.size, [0.0] * gamma.size
    for row, normalised, deviation in zip(upstream, z, deviations):
        dx.append(gradient([d * g for d, g in zip(row, gamma.ravel())], normalised, deviation))
        for k, (d, v) in enumerate(zip(row, normalised)):
            dgamma[k] += d * v
            dbeta[k] += d
    return np.array(dx).reshape(dout.shape), np.array(dgamma).reshape(gamma.shape), np.array(dbeta).reshape(gamma.shape)


def group_norm_forward(x, gamma, beta, *, num_groups, eps=1e-5):
    each = x.shape[1] // num_groups
    out, z, deviations = np.zeros(x.shape), np.zeros(x.shape), {}
    for i in range(x.shape[0]):
        for g in range(num_groups):
            block = x[i, g * each : (g + 1) * each]
            mean, variance = mean_and_variance([float(v) for v in block.ravel()])
            z[i, g * each : (g + 1) * each] = np.reshape(normalise(block.ravel(), mean, variance, eps), block.shape)
            deviations[i, g] = math.sqrt(variance + eps)
        for q in range(x.shape[1]):
            out[i, q] = gamma[q] * z[i, q] + beta[q]
    return out, (z, deviations, gamma, each)


def group_norm_backward(dout, cache):
    z, deviations, gamma, each = cache
    dx, dgamma, dbeta = np.zeros(dout.shape), np.zeros(gamma.shape), np.zeros(gamma.shape)
    for (i, g), deviation in deviations.items():
        block = list(range(g * each, (g + 1) * each))
        upstream = np.array([gamma[q] * dout[i, q] for q in block])
        dx[i, block] = np.reshape(gradient(upstream.ravel(), z[i, block].ravel(), deviation), upstream.shape)
        for q in block:
            dgamma[q] += np.sum(dout[i, q] * z[i, q])
            dbeta[q] += np.sum(dout[i, q])
    return dx, dgamma, dbeta
