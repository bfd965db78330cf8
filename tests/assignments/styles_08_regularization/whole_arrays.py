"""One expression on whole arrays, with other draws than the reference's: choice, binomial, integers."""

import copy

import numpy as np


def l2_penalty(w, *, strength):
    return strength * np.linalg.norm(w) ** 2, np.multiply(2 * strength, w)


def l1_penalty(w, *, strength):
    return strength * np.abs(w).sum(), np.where(w > 0, strength, -strength)


def elastic_penalty(w, *, l1_strength, l2_strength):
    (a, da), (b, db) = l1_penalty(w, strength=l1_strength), l2_penalty(w, strength=l2_strength)
    return a + b, da + db


def max_norm(w, *, limit):
    rows = w.reshape(len(w), -1)
    norms = np.linalg.norm(rows, axis=1)
    factor = np.ones_like(norms)
    factor[norms > limit] = limit / norms[norms > limit]
    return (rows * factor[:, None]).reshape(w.shape)


def dropout_forward(x, *, p, training, rng):
    if not training or p == 0:
        return x.copy(), {"on": 1.0}
    if p == 1:
        return np.zeros_like(x), {"on": 0.0}
    on = rng.choice([0.0, 1 / (1 - p)], size=x.shape, p=[p, 1 - p])
    return x * on, {"on": on}


def dropout_backward(dout, cache):
    return dout * cache["on"]


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta, self.history, self.best_loss = patience, min_delta, [], np.inf

    def update(self, loss, weights):
        progress = bool(loss < self.best_loss - self.min_delta)
        self.history.append(progress)
        if progress:
            self.best_loss, self.best_weights = loss, copy.deepcopy(weights)
        return len(self.history) >= self.patience and not any(self.history[-self.patience :])


def random_horizontal_flip(x, *, p=0.5, rng):
    out = x.copy()
    chosen = rng.binomial(1, p, size=len(x)).astype(bool)
    out[chosen] = out[chosen][..., ::-1]
    return out


def random_shift(x, *, limit, rng):
    high, wide = np.broadcast_to(limit, 2)
    n, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (high, high), (wide, wide)))
    tops, lefts = rng.integers(0, 2 * high, n, endpoint=True), rng.integers(0, 2 * wide, n, endpoint=True)
    return np.stack([padded[i, :, t : t + height, k : k + width] for i, (t, k) in enumerate(zip(tops, lefts))])


def _sampled(x, rows, columns):
    """Linear interpolation by a frame of zeros around every image."""
    n, _, height, width = x.shape
    framed = np.pad(x, ((0, 0), (0, 0), (1, 2), (1, 2)))
    rows, columns = np.clip(rows + 1, 0, height + 1), np.clip(columns + 1, 0, width + 1)
    t, k = rows.astype(int), columns.astype(int)
    a, b = (rows - t)[:, None], (columns - k)[:, None]
    i = np.arange(n)[:, None, None]

    def at(r, q):
        return framed[i, :, r, q].transpose(0, 3, 1, 2)

    top = (1 - b) * at(t, k) + b * at(t, k + 1)
    below = (1 - b) * at(t + 1, k) + b * at(t + 1, k + 1)
    return (1 - a) * top + a * below


def _centred(x):
    height, width = x.shape[2:]
    return np.meshgrid(np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2, indexing="ij")


def _through(x, matrices):
    """Each new pixel from where its image's 2 × 2 matrix sends it."""
    where = np.einsum("nij,jrc->inrc", matrices, np.stack(_centred(x)))
    return _sampled(x, where[0] + (x.shape[2] - 1) / 2, where[1] + (x.shape[3] - 1) / 2)


def random_rotation(x, *, degrees, rng):
    t = np.radians(degrees * (2 * rng.random(len(x)) - 1))
    return _through(x, np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]]).transpose(2, 0, 1))


def random_scale(x, *, limits, rng):
    low, high = limits
    factors = low + (high - low) * rng.random(len(x))
    return _through(x, np.eye(2) / factors[:, None, None])


def color_jitter(x, *, brightness=0.0, contrast=0.0, saturation=0.0, rng):
    weights = np.array([0.299, 0.587, 0.114]) if x.shape[1] == 3 else np.ones(1)

    def mix(image, other, s):
        f = rng.uniform(max(0, 1 - s), 1 + s, size=(len(x), 1, 1, 1))
        return np.clip(other + f * (image - other), 0, 1)

    def grey(image):
        return np.einsum("nchw,c->nhw", image, weights)[:, None]

    x = mix(x, 0.0, brightness)
    x = mix(x, grey(x).mean((1, 2, 3), keepdims=True), contrast)
    return mix(x, grey(x), saturation)
