"""PyTorch does the work: its own layers forward, autograd backward; tensors are handed back as they are."""

import torch
import torch.nn.functional as F

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def _pair(v):
    return (v, v) if isinstance(v, int) else (v[0], v[1])


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    image, kernel = torch.zeros(1, 1, *_pair(input_size)), torch.zeros(1, 1, *_pair(kernel_size))
    out = F.conv2d(image, kernel, stride=_pair(stride), padding=_pair(padding), dilation=_pair(dilation))
    return tuple(out.shape[2:])


def cross_correlate2d(x, k, *, mode="valid"):
    kh, kw = k.shape
    image, kernel = torch.tensor(x)[None, None], torch.tensor(k)[None, None]
    if mode == "full":
        return F.conv2d(image, kernel, padding=(kh - 1, kw - 1))[0, 0]
    return F.conv2d(image, kernel, padding=mode)[0, 0]


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, k[::-1, ::-1].copy(), mode=mode)


def convolve1d(x, k, *, mode="valid"):
    padding = len(k) - 1 if mode == "full" else mode
    line, kernel = torch.tensor(x)[None, None], torch.tensor(k).flip(0)[None, None]
    return F.conv1d(line, kernel, padding=padding).numpy().ravel()


def _padded(x, padding, mode):
    ph, pw = _pair(padding)
    return F.pad(x, (pw, pw, ph, ph), mode=MODES[mode])


def pad2d(x, padding, *, mode="zeros"):
    return _padded(torch.tensor(x), padding, mode)


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    inputs = [None if a is None else torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    padded = _padded(inputs[0], padding, padding_mode)
    out = F.conv2d(padded, inputs[1], inputs[2], stride=_pair(stride), dilation=_pair(dilation), groups=groups)
    return out.detach(), (inputs, out)


def conv2d_backward(dout, cache):
    inputs, out = cache
    wanted = [t for t in inputs if t is not None]
    gradients = torch.autograd.grad(out, wanted, torch.tensor(dout), retain_graph=True)
    return (*gradients, None) if inputs[2] is None else gradients
