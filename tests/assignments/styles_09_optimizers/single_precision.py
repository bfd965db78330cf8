"""Everything in float32, as on a graphics card; the state is a list that no step writes into."""

import numpy as np

f32 = np.float32


def start(state, w, count):
    return [np.zeros(w.shape, f32) for _ in range(count)] if state is None else state


def sgd_step(w, dw, state, *, lr):
    return w.astype(f32) - f32(lr) * dw.astype(f32), None


def momentum_step(w, dw, state, *, lr, momentum=0.9):
    (v,) = start(state, w, 1)
    v = f32(momentum) * v + dw.astype(f32)
    return w.astype(f32) - f32(lr) * v, [v]


def nesterov_step(w, dw, state, *, lr, momentum=0.9):
    (v,) = start(state, w, 1)
    v = f32(momentum) * v + dw.astype(f32)
    return w.astype(f32) - f32(lr) * (dw.astype(f32) + f32(momentum) * v), [v]


def adagrad_step(w, dw, state, *, lr, eps=1e-10):
    (h,) = start(state, w, 1)
    dw = dw.astype(f32)
    h = h + dw**2
    return w.astype(f32) - f32(lr) * dw / (np.sqrt(h) + f32(eps)), [h]


def rmsprop_step(w, dw, state, *, lr, alpha=0.99, eps=1e-8):
    (h,) = start(state, w, 1)
    dw = dw.astype(f32)
    h = f32(alpha) * h + f32(1 - alpha) * dw**2
    return w.astype(f32) - f32(lr) * dw / (np.sqrt(h) + f32(eps)), [h]


def adam_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    m, v, t = [*start(None, w, 2), 0] if state is None else state
    dw, t = dw.astype(f32), t + 1
    m, v = f32(betas[0]) * m + f32(1 - betas[0]) * dw, f32(betas[1]) * v + f32(1 - betas[1]) * dw**2
    m_hat, v_hat = m / f32(1 - betas[0] ** t), v / f32(1 - betas[1] ** t)
    return w.astype(f32) - f32(lr) * m_hat / (np.sqrt(v_hat) + f32(eps)), [m, v, t]


def adamw_step(w, dw, state, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    return adam_step(w.astype(f32) * f32(1 - lr * weight_decay), dw, state, lr=lr, betas=betas, eps=eps)


def step_decay(lr, epoch, *, step_size, gamma=0.1):
    return f32(lr) * f32(gamma) ** f32(epoch // step_size)


def exponential_decay(lr, epoch, *, gamma):
    return f32(lr) * f32(gamma) ** f32(epoch)


def cosine_decay(lr, epoch, *, total, warmup=0, minimum=0.0):
    if epoch < warmup:
        return f32(lr) * f32(epoch + 1) / f32(warmup + 1)
    progress = f32(min(epoch, total) - warmup) / f32(total - warmup)
    return f32(minimum) + f32(lr - minimum) * (1 + np.cos(f32(np.pi) * progress)) / 2
