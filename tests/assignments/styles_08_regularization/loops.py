"""Plain loops over single numbers, as on a blackboard."""

import math

import numpy as np


def _flat(w):
    return [float(v) for v in np.asarray(w).ravel()]


def l2_penalty(w, *, strength):
    total = 0.0
    gradient = np.zeros(w.shape)
    for index in np.ndindex(*w.shape):
        total += strength * w[index] ** 2
        gradient[index] = strength * 2 * w[index]
    return total, gradient


def l1_penalty(w, *, strength):
    total = 0.0
    gradient = np.zeros(w.shape)
    for index in np.ndindex(*w.shape):
        if w[index] >= 0:
            total += strength * w[index]
            gradient[index] = strength  # the right slope at 0
        else:
            total -= strength * w[index]
            gradient[index] = -strength
    return total, gradient


def elastic_penalty(w, *, l1_strength, l2_strength):
    total = sum(l1_strength * abs(v) + l2_strength * v * v for v in _flat(w))
    slopes = [l1_strength * math.copysign(1, v) + 2 * l2_strength * v for v in _flat(w)]
    return total, np.array(slopes).reshape(w.shape)


def max_norm(w, *, limit):
    out = np.array(w, dtype=float)
    for unit in range(len(w)):
        norm = math.sqrt(sum(v * v for v in _flat(w[unit])))
        if norm > limit:
            for index in np.ndindex(*w.shape[1:]):
                out[(unit, *index)] = w[(unit, *index)] * limit / norm
    return out


def dropout_forward(x, *, p, training, rng):
    mask = np.ones(x.shape)
    if training:
        for index in np.ndindex(*x.shape):
            mask[index] = 0.0 if rng.random() < p else 1 / (1 - p)
    out = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        out[index] = x[index] * mask[index]
    return out, mask


def dropout_backward(dout, cache):
    dx = np.zeros(dout.shape)
    for index in np.ndindex(*dout.shape):
        dx[index] = dout[index] * cache[index]
    return dx


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = None
        self.best_weights = None
        self.bad = 0

    def update(self, loss, weights):
        if self.best_loss is None or self.best_loss - loss > self.min_delta:
            self.best_loss = loss
            self.best_weights = self._copy(weights)
            self.bad = 0
            return False
        self.bad = self.bad + 1
        return self.bad >= self.patience

    def _copy(self, weights):
        if isinstance(weights, (list, tuple)):
            return [self._copy(w) for w in weights]
        return np.array(weights)


def random_horizontal_flip(x, *, p=0.5, rng):
    out = np.zeros(x.shape)
    n, _, _, width = x.shape
    for i in range(n):
        mirrored = rng.random() < p
        for column in range(width):
            out[i, :, :, column] = x[i, :, :, width - 1 - column] if mirrored else x[i, :, :, column]
    return out


def random_shift(x, *, limit, rng):
    high, wide = (limit, limit) if isinstance(limit, int) else limit
    out = np.zeros(x.shape)
    n, _, height, width = x.shape
    for i in range(n):
        down, right = int(rng.integers(-high, high + 1)), int(rng.integers(-wide, wide + 1))
        for r in range(height):
            for c in range(width):
                if 0 <= r - down < height and 0 <= c - right < width:
                    out[i, :, r, c] = x[i, :, r - down, c - right]
    return out


def _read(image, row, column):
    """One place of one (C, H, W) image."""
    _, height, width = image.shape
    t, left = math.floor(row), math.floor(column)
    a, b = row - t, column - left
    found = np.zeros(len(image))
    for r, c, weight in (
        (t, left, (1 - a) * (1 - b)),
        (t, left + 1, (1 - a) * b),
        (t + 1, left, a * (1 - b)),
        (t + 1, left + 1, a * b),
    ):
        if 0 <= r < height and 0 <= c < width:
            found += weight * image[:, r, c]
    return found


def random_rotation(x, *, degrees, rng):
    out = np.zeros(x.shape)
    n, _, height, width = x.shape
    for i in range(n):
        angle = math.radians(rng.uniform(-degrees, degrees))
        for r in range(height):
            for c in range(width):
                y, z = r - (height - 1) / 2, c - (width - 1) / 2
                row = y * math.cos(angle) + z * math.sin(angle) + (height - 1) / 2
                column = z * math.cos(angle) - y * math.sin(angle) + (width - 1) / 2
                out[i, :, r, c] = _read(x[i], row, column)
    return out


def random_scale(x, *, limits, rng):
    out = np.zeros(x.shape)
    n, _, height, width = x.shape
    for i in range(n):
        factor = rng.uniform(limits[0], limits[1])
        for r in range(height):
            for c in range(width):
                row = (r - (height - 1) / 2) / factor + (height - 1) / 2
                column = (c - (width - 1) / 2) / factor + (width - 1) / 2
                out[i, :, r, c] = _read(x[i], row, column)
    return out


def _clip(v):
    return min(1.0, max(0.0, v))


def _grey(pixel):
    return pixel[0] if len(pixel) == 1 else 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def color_jitter(x, *, brightness=0.0, contrast=0.0, saturation=0.0, rng):
    out = np.array(x, dtype=float)
    for image in out:
        b, k, s = (rng.uniform(max(0, 1 - v), 1 + v) for v in (brightness, contrast, saturation))
        for index in np.ndindex(*image.shape):
            image[index] = _clip(b * image[index])
        places = list(np.ndindex(*image.shape[1:]))
        mean = sum(_grey(image[(slice(None), *place)]) for place in places) / len(places)
        for index in np.ndindex(*image.shape):
            image[index] = _clip(k * image[index] + (1 - k) * mean)
        for r, c in places:
            grey = _grey(image[:, r, c])
            for channel in range(len(image)):
                image[channel, r, c] = _clip(s * image[channel, r, c] + (1 - s) * grey)
    return out
