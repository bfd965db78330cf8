"""PyTorch does the work: its own layers forward, autograd backward; tensors are handed back as they are."""

import torch
import torch.nn.functional as F


def _forward(layer, x):
    leaf = torch.tensor(x, requires_grad=True)
    out = layer(leaf)
    return out.detach(), (leaf, out)


def _backward(dout, cache):
    leaf, out = cache
    return torch.autograd.grad(out, leaf, torch.tensor(dout), retain_graph=True)[0]


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    return _forward(lambda t: F.max_pool2d(t, kernel_size, stride, padding), x)


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    return _forward(lambda t: F.avg_pool2d(t, kernel_size, stride, padding), x)


def global_avg_pool2d_forward(x):
    return _forward(lambda t: F.adaptive_avg_pool2d(t, 1).flatten(1), x)


max_pool2d_backward = avg_pool2d_backward = global_avg_pool2d_backward = _backward


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (ph, pw) = ((v, v) if isinstance(v, int) else v for v in (kernel_size, padding))
    sh, sw = (kh, kw) if stride is None else (stride, stride) if isinstance(stride, int) else stride
    padded = F.pad(torch.tensor(x), (pw, pw, ph, ph), value=float("nan"))
    windows = padded.unfold(2, kh, sh).unfold(3, kw, sw).flatten(4)
    return windows.nanquantile(0.5, dim=-1), None
