"""torch.optim takes the steps, torch.optim.lr_scheduler the rates; the state is PyTorch's own state dict."""

import copy

import torch

torch.set_num_threads(1)


def stepped(make, w, dw, state, lr):
    parameter = torch.nn.Parameter(torch.tensor(w))
    optimizer = make([parameter])
    if state is not None:
        # PyTorch writes into its state: the one that came in is somebody else's.
        optimizer.load_state_dict(copy.deepcopy(state))
    for group in optimizer.param_groups:
        group["lr"] = lr
    parameter.grad = torch.tensor(dw)
    optimizer.step()
    return parameter.detach(), optimizer.state_dict()


def sgd_step(w, dw, state, *, lr):
    return stepped(lambda p: torch.optim.SGD(p, lr), _array(w), dw, state, lr)


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    return stepped(lambda p: torch.optim.SGD(p, lr, momentum), _array(w), dw, state, lr)


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    return stepped(lambda p: torch.optim.SGD(p, lr, momentum, nesterov=True), _array(w), dw, state, lr)


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    return stepped(lambda p: torch.optim.Adagrad(p, lr, eps=eps), _array(w), dw, state, lr)


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    return stepped(lambda p: torch.optim.RMSprop(p, lr, alpha, eps), _array(w), dw, state, lr)


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    return stepped(lambda p: torch.optim.Adam(p, lr, betas, eps), _array(w), dw, state, lr)


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return stepped(lambda p: torch.optim.AdamW(p, lr, betas, eps, weight_decay), _array(w), dw, state, lr)


def _array(w):
    # What a step returned is a tensor, and comes back as one.
    return w.numpy() if isinstance(w, torch.Tensor) else w


def _rate(lr, epoch, make):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr)
    schedule = make(optimizer)
    for _ in range(epoch):
        optimizer.step()
        schedule.step()
    return optimizer.param_groups[0]["lr"]


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    return _rate(lr, epoch, lambda o: torch.optim.lr_scheduler.StepLR(o, step_size, gamma))


def exponential_decay(lr, epoch, *, gamma):
    return _rate(lr, epoch, lambda o: torch.optim.lr_scheduler.ExponentialLR(o, gamma))


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    schedules = torch.optim.lr_scheduler
    if epoch < warmup:
        return _rate(lr, epoch, lambda o: schedules.LinearLR(o, 1 / (warmup + 1), total_iters=warmup))
    down = total - warmup
    return _rate(lr, min(epoch - warmup, down), lambda o: schedules.CosineAnnealingLR(o, down, minimum))
