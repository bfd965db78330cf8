"""One strided slice of the widened image for each pixel of a window; ties divide the gradient evenly."""

import numpy as np


def _pair(v):
    return (v, v) if np.isscalar(v) else tuple(v)


class Plan:
    def __init__(self, shape, kernel_size, stride, padding):
        self.shape, self.kernel = shape, _pair(kernel_size)
        self.stride = self.kernel if stride is None else _pair(stride)
        self.padding = _pair(padding)
        self.size = [s + 2 * p for s, p in zip(shape[2:], self.padding)]
        self.places = [(s - k) // t + 1 for s, k, t in zip(self.size, self.kernel, self.stride)]

    def pad(self, x, fill):
        padded = np.full((*self.shape[:2], *self.size), fill)
        self.inside(padded)[...] = x
        return padded

    def inside(self, padded):
        (ph, pw), (h, w) = self.padding, self.shape[2:]
        return padded[:, :, ph : ph + h, pw : pw + w]

    def slices(self, padded):
        (oh, ow), (sh, sw) = self.places, self.stride
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield padded[:, :, i : i + (oh - 1) * sh + 1 : sh, j : j + (ow - 1) * sw + 1 : sw]


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    plan = Plan(x.shape, kernel_size, stride, padding)
    padded = plan.pad(x, -np.inf)
    out = np.maximum.reduce(list(plan.slices(padded)))
    return out, (plan, padded, out.copy())


def max_pool2d_backward(dout, cache):
    plan, padded, out = cache
    winners = sum(part == out for part in plan.slices(padded))
    dpadded = np.zeros_like(padded)
    for part, gradient in zip(plan.slices(padded), plan.slices(dpadded)):
        gradient += (part == out) * dout / winners
    return plan.inside(dpadded).copy()


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    plan = Plan(x.shape, kernel_size, stride, padding)
    return sum(plan.slices(plan.pad(x, 0.0))) / (plan.kernel[0] * plan.kernel[1]), plan


def avg_pool2d_backward(dout, plan):
    dpadded = plan.pad(0.0, 0.0)
    for gradient in plan.slices(dpadded):
        gradient += dout / (plan.kernel[0] * plan.kernel[1])
    return plan.inside(dpadded).copy()


def global_avg_pool2d_forward(x):
    return np.einsum("nchw->nc", x) / (x.shape[2] * x.shape[3]), x.shape


def global_avg_pool2d_backward(dout, shape):
    return np.einsum("nc,hw->nchw", dout, np.full(shape[2:], 1 / (shape[2] * shape[3])))


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    plan = Plan(x.shape, kernel_size, stride, padding)
    stack = np.sort(list(plan.slices(plan.pad(x, np.inf))), axis=0)
    count = np.isfinite(stack).sum(axis=0)[None]
    middle = [np.take_along_axis(stack, at, axis=0)[0] for at in ((count - 1) // 2, count // 2)]
    return (middle[0] + middle[1]) / 2, "nothing to keep"
