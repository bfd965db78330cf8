"""Optimizers against `torch.optim` over 50 steps, schedules against `torch.optim.lr_scheduler`.

Where PyTorch's defaults or conventions differ from ours, the difference is written out in the table below.
"""

import numpy as np
import pytest

from solutions import optimizers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

# name: (our hyperparameters, PyTorch's optimizer, its hyperparameters)
SAME = {
    "sgd": ({}, torch.optim.SGD, {}),
    # PyTorch's default is no momentum; its first velocity is the gradient itself, ours 0 * momentum + dw: the same.
    "momentum": ({"momentum": 0.85}, torch.optim.SGD, {"momentum": 0.85}),
    "momentum by default": ({}, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": ({"momentum": 0.85}, torch.optim.SGD, {"momentum": 0.85, "nesterov": True}),
    "adagrad": ({}, torch.optim.Adagrad, {}),
    "adagrad with eps": ({"eps": 0.1}, torch.optim.Adagrad, {"eps": 0.1}),
    "rmsprop": ({}, torch.optim.RMSprop, {}),
    "rmsprop with alpha and eps": ({"alpha": 0.8, "eps": 0.1}, torch.optim.RMSprop, {"alpha": 0.8, "eps": 0.1}),
    "adam": ({}, torch.optim.Adam, {}),
    "adam with betas and eps": (
        {"betas": (0.7, 0.95), "eps": 0.1},
        torch.optim.Adam,
        {"betas": (0.7, 0.95), "eps": 0.1},
    ),
    "adamw": ({}, torch.optim.AdamW, {}),
    "adamw with decay": ({"weight_decay": 0.3}, torch.optim.AdamW, {"weight_decay": 0.3}),
}


def torch_walk(optimizer, w, gradients, **hyperparameters):
    parameter = torch.nn.Parameter(torch.tensor(w))
    stepper = optimizer([parameter], **hyperparameters)
    path = []
    for dw in gradients:
        parameter.grad = torch.tensor(dw)
        stepper.step()
        path.append(parameter.detach().numpy().copy())
    return path


def walk(step, w, gradients, **hyperparameters):
    state, path = None, []
    for dw in gradients:
        w, state = step(w, dw, state, **hyperparameters)
        path.append(w)
    return path


def sample(dtype=np.float64, steps=50):
    rng = np.random.default_rng(0)
    gradients = rng.standard_normal((steps, 4, 3)) * np.geomspace(1, 1e-3, steps)[:, None, None]
    return rng.standard_normal((4, 3)).astype(dtype), gradients.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SAME)
def test_fifty_steps_are_pytorchs(name, dtype):
    ours, optimizer, theirs = SAME[name]
    w, gradients = sample(dtype)
    step = getattr(optimizers, f"{name.split()[0]}_step")
    tolerance = 1e-11 if dtype == np.float64 else 2e-5
    np.testing.assert_allclose(
        walk(step, w, gradients, lr=0.05, **ours),
        torch_walk(optimizer, w, gradients, lr=0.05, **theirs),
        rtol=tolerance,
        atol=tolerance,
    )


def test_an_l2_penalty_through_adam_is_another_walk_than_adamws_decay():
    w, gradients = sample()
    coupled = torch_walk(torch.optim.Adam, w, gradients, lr=0.05, weight_decay=0.3)
    assert np.abs(walk(optimizers.adamw_step, w, gradients, lr=0.05, weight_decay=0.3)[-1] - coupled[-1]).max() > 0.05


def torch_rates(make, epochs, lr=0.4):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


schedulers = torch.optim.lr_scheduler


def test_step_and_exponential_decay_are_pytorchs():
    ours = [optimizers.step_decay(0.4, e, step_size=4, gamma=0.3) for e in range(20)]
    np.testing.assert_allclose(ours, torch_rates(lambda o: schedulers.StepLR(o, 4, 0.3), 20), rtol=1e-12)
    ours = [optimizers.exponential_decay(0.4, e, gamma=0.9) for e in range(20)]
    np.testing.assert_allclose(ours, torch_rates(lambda o: schedulers.ExponentialLR(o, 0.9), 20), rtol=1e-12)


def test_cosine_decay_is_pytorchs_until_the_end():
    ours = [optimizers.cosine_decay(0.4, e, total=12, minimum=0.05) for e in range(13)]
    expected = torch_rates(lambda o: schedulers.CosineAnnealingLR(o, 12, eta_min=0.05), 13)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("warmup", [1, 3, 5])
def test_warm_up_is_pytorchs_linear_rise_before_its_cosine(warmup):
    def make(optimizer):
        rise = schedulers.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
        fall = schedulers.CosineAnnealingLR(optimizer, 12 - warmup, eta_min=0.05)
        return schedulers.SequentialLR(optimizer, [rise, fall], [warmup])

    ours = [optimizers.cosine_decay(0.4, e, total=12, warmup=warmup, minimum=0.05) for e in range(13)]
    np.testing.assert_allclose(ours, torch_rates(make, 13), rtol=1e-12)
