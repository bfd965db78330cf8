"""PyTorch does the work: its own layers forward, autograd backward; tensors are handed back as they are."""

import torch
import torch.nn.functional as F


def _leaves(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    inputs = _leaves(x, gamma, beta)
    mean, var = (torch.as_tensor(v).clone() for v in (running_mean, running_var))
    out = F.batch_norm(inputs[0], mean, var, inputs[1], inputs[2], training, momentum, eps)
    return out.detach(), (inputs, out), mean, var


def backward(dout, cache):
    inputs, out = cache
    return torch.autograd.grad(out, inputs, torch.tensor(dout), retain_graph=True)


batch_norm2d_forward = batch_norm_forward
batch_norm_backward = batch_norm2d_backward = layer_norm_backward = group_norm_backward = backward


def layer_norm_forward(x, gamma, beta, *, eps=1e-5):
    inputs = _leaves(x, gamma, beta)
    out = F.layer_norm(inputs[0], gamma.shape, inputs[1], inputs[2], eps)
    return out.detach(), (inputs, out)


def group_norm_forward(x, gamma, beta, *, num_groups, eps=1e-5):
    inputs = _leaves(x, gamma, beta)
    out = F.group_norm(inputs[0], num_groups, inputs[1], inputs[2], eps)
    return out.detach(), (inputs, out)
