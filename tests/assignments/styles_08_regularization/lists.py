"""One image after another, in lists; answers that are lists, plain floats and float32."""

from copy import deepcopy

import numpy as np


def l2_penalty(w, *, strength):
    return float(strength * (w**2).sum()), (2 * strength * w).tolist()


def l1_penalty(w, *, strength):
    return float(strength * np.abs(w).sum()), (strength * ((w > 0) * 1.0 - (w < 0) * 1.0)).tolist()


def elastic_penalty(w, *, l1_strength, l2_strength):
    value = float(sum(l1_strength * abs(v) + l2_strength * v**2 for v in w.flat))
    return value, (l1_strength * np.sign(w) + 2 * l2_strength * w).tolist()


def max_norm(w, *, limit):
    shrunk = []
    for unit in w:
        norm = np.sqrt((unit**2).sum())
        shrunk.append((unit if norm <= limit else unit / norm * limit).tolist())
    return shrunk


def dropout_forward(x, *, p, training, rng):
    if training:
        # Sorted by chance would fix the number of units: each is asked by itself.
        keep = [rng.uniform(0, 1) > p for _ in range(x.size)]
        scale = 0 if p == 1 else 1 / (1 - p)
        mask = np.array([scale if k else 0 for k in keep], dtype=np.float32).reshape(x.shape)
    else:
        mask = np.ones(x.shape, dtype=np.float32)
    return (x * mask).astype(np.float32), [mask]


def dropout_backward(dout, cache):
    return (dout * cache[0]).astype(np.float32)


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience = patience
        self.min_delta = min_delta
        self.left = patience
        self.best_loss = float("inf")
        self.best_weights = None

    def update(self, loss, weights):
        if self.best_loss - loss > self.min_delta:
            self.best_loss, self.best_weights, self.left = loss, deepcopy(weights), self.patience
        else:
            self.left -= 1
        return self.left <= 0


def random_horizontal_flip(x, *, p=0.5, rng):
    return np.array([np.flip(image, 2) if rng.random() < p else image for image in x])


def random_shift(x, *, limit, rng):
    high, wide = limit if hasattr(limit, "__len__") else (limit, limit)
    moved = []
    for image in x:
        down, right = rng.integers(-high, high + 1), rng.integers(-wide, wide + 1)
        rolled = np.roll(image, (down, right), axis=(1, 2))
        rows, columns = np.arange(image.shape[1]), np.arange(image.shape[2])
        rolled[:, (rows < down) | (rows >= image.shape[1] + down)] = 0
        rolled[:, :, (columns < right) | (columns >= image.shape[2] + right)] = 0
        moved.append(rolled)
    return np.array(moved)


def _hat(places, size):
    """(..., size): how much of each pixel a fractional place is made of; nothing of pixels that are far."""
    return np.maximum(0, 1 - np.abs(places[..., None] - np.arange(size)))


def _image_at(image, rows, columns):
    return np.einsum("krc,ijr,ijc->kij", image, _hat(rows, image.shape[1]), _hat(columns, image.shape[2]))


def _middle(image):
    return (image.shape[1] - 1) / 2, (image.shape[2] - 1) / 2


def random_rotation(x, *, degrees, rng):
    turned = []
    for image in x:
        # Complex numbers turn: the imaginary axis points up.
        r0, c0 = _middle(image)
        r, c = np.indices(image.shape[1:])
        from_where = ((c - c0) - 1j * (r - r0)) * np.exp(-1j * np.pi * rng.uniform(-degrees, degrees) / 180)
        turned.append(_image_at(image, r0 - from_where.imag, c0 + from_where.real))
    return np.array(turned)


def random_scale(x, *, limits, rng):
    scaled = []
    for image in x:
        r0, c0 = _middle(image)
        r, c = np.indices(image.shape[1:])
        factor = rng.uniform(*limits)
        scaled.append(_image_at(image, r0 + (r - r0) / factor, c0 + (c - c0) / factor))
    return np.array(scaled)


def color_jitter(x, *, brightness=0.0, contrast=0.0, saturation=0.0, rng):
    images = []
    for image in x:
        f, g, h = [1 + rng.uniform(-min(1, s), s) for s in (brightness, contrast, saturation)]
        image = np.minimum(f * image, 1)
        image = np.clip(g * image + (1 - g) * brightness_of(image).mean(), 0, 1)
        images.append(np.clip(h * image + (1 - h) * brightness_of(image), 0, 1))
    return np.array(images, dtype=np.float32)


def brightness_of(image):
    return image[0] if len(image) == 1 else 0.299 * image[0] + 0.587 * image[1] + 0.114 * image[2]
