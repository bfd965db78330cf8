"""PyTorch does the work: its own losses, autograd; tensors are handed back as they are."""

import torch
import torch.nn.functional as F


def _loss(function, prediction, target):
    p = torch.tensor(prediction, requires_grad=True)
    value = function(p, torch.tensor(target))
    (gradient,) = torch.autograd.grad(value, p)
    return value.detach(), gradient


def mse_loss(prediction, target):
    return _loss(F.mse_loss, prediction, target)


def binary_cross_entropy_loss(prediction, target):
    return _loss(F.binary_cross_entropy, prediction, target)


def one_hot(labels, num_classes, *, dtype=None):
    return F.one_hot(torch.tensor(labels), num_classes)


def cross_entropy_loss(scores, labels):
    return _loss(F.cross_entropy, scores, labels)
