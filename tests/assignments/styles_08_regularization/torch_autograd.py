"""PyTorch does the work: autograd for the gradients, its own renorm, affine_grid and grid_sample for the images."""

import copy

import numpy as np
import torch
import torch.nn.functional as F


def _with_gradient(w, price):
    w = torch.tensor(w, requires_grad=True)
    value = price(w)
    value.backward()
    return value.detach(), w.grad


def l2_penalty(w, *, strength):
    return _with_gradient(w, lambda w: strength * w.pow(2).sum())


def l1_penalty(w, *, strength):
    return _with_gradient(w, lambda w: strength * w.abs().sum())


def elastic_penalty(w, *, l1_strength, l2_strength):
    return _with_gradient(w, lambda w: l1_strength * w.norm(1) + l2_strength * w.norm(2) ** 2)


def max_norm(w, *, limit):
    # renorm divides by the norm + 1e-7: done in two steps, exactly.
    w = torch.tensor(w)
    norms = w.flatten(1).norm(dim=1).clamp(min=limit)
    return w * (limit / norms).reshape(-1, *[1] * (w.ndim - 1))


def _generator(rng):
    return torch.Generator().manual_seed(int(rng.integers(2**31)))


def dropout_forward(x, *, p, training, rng):
    x = torch.tensor(x, requires_grad=True)
    if not training:
        out = x * 1
    else:
        kept = torch.rand(x.shape, generator=_generator(rng), dtype=x.dtype) >= p
        out = torch.where(kept, x / max(1 - p, 1e-300), 0.0)
    return out.detach(), (x, out)


def dropout_backward(dout, cache):
    x, out = cache
    return torch.autograd.grad(out, x, torch.tensor(dout), retain_graph=True)[0]


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0):
        self.patience, self.min_delta, self.wait = patience, min_delta, 0
        self.best_loss = torch.tensor(float("inf"), dtype=torch.float64)

    def update(self, loss, weights):
        if torch.lt(torch.tensor(loss, dtype=torch.float64), self.best_loss - self.min_delta):
            self.best_loss = torch.tensor(loss, dtype=torch.float64)
            self.best_weights = copy.deepcopy(weights)
            self.wait = 0
        else:
            self.wait += 1
        return np.bool_(self.wait >= self.patience)


def random_horizontal_flip(x, *, p=0.5, rng):
    x = torch.tensor(x)
    chosen = torch.bernoulli(torch.full((len(x), 1, 1, 1), float(p)), generator=_generator(rng)).bool()
    return torch.where(chosen, x.flip(3), x)


def random_shift(x, *, limit, rng):
    high, wide = (limit, limit) if isinstance(limit, int) else limit
    g, x = _generator(rng), torch.tensor(x)
    downs = torch.randint(-high, high + 1, (len(x),), generator=g).tolist()
    rights = torch.randint(-wide, wide + 1, (len(x),), generator=g).tolist()
    # Negative padding cuts off.
    return torch.stack([F.pad(image, (b, -b, a, -a)) for image, a, b in zip(x, downs, rights)])


def _affine(x, a, b, c, d):
    """New pixel (column, row) from (a column + b row, c column + d row), in pixels from the middle."""
    x = torch.tensor(x)
    h, w = x.shape[2:]
    column, row = max(w - 1, 1) / 2, max(h - 1, 1) / 2
    zero = torch.zeros(len(x), dtype=x.dtype)
    theta = torch.stack([a, b * row / column, zero, c * column / row, d, zero], 1).reshape(-1, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=True)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def random_rotation(x, *, degrees, rng):
    t = torch.deg2rad(torch.tensor(rng.uniform(-degrees, degrees, len(x))))
    return _affine(x, t.cos(), -t.sin(), t.sin(), t.cos())


def random_scale(x, *, limits, rng):
    f = 1 / torch.tensor(rng.uniform(*limits, len(x)))
    return _affine(x, f, 0 * f, 0 * f, f)


def color_jitter(x, *, brightness=0.0, contrast=0.0, saturation=0.0, rng):
    x, g = torch.tensor(x), _generator(rng)

    def factor(s):
        low = max(0.0, 1 - s)
        return low + (1 + s - low) * torch.rand(len(x), 1, 1, 1, generator=g, dtype=x.dtype)

    def grey(x):
        weights = torch.tensor([[0.299, 0.587, 0.114]] if x.shape[1] == 3 else [[1.0]], dtype=x.dtype)
        return F.conv2d(x, weights[:, :, None, None])

    x = (factor(brightness) * x).clamp(0, 1)
    x = torch.lerp(grey(x).mean((1, 2, 3), keepdim=True).expand_as(x), x, factor(contrast).expand_as(x)).clamp(0, 1)
    return torch.lerp(grey(x).expand_as(x), x, factor(saturation).expand_as(x)).clamp(0, 1)
