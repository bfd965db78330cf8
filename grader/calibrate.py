"""How slow this machine is, so that time limits are as fair on it as where they were chosen. Never below 1."""

import time

import numpy as np

_TYPICAL = 0.025  # seconds on two virtual cores of 2025, where the limits were tried
_ROUNDS = 5


def slowness() -> float:
    """Return how many times longer a fixed piece of work takes here than on a usual machine.

    A tenth of a second of loops and array arithmetic (no product: its threads would compete). The best of a few rounds
    counts, so that a busy moment does not.
    """
    return max(1.0, round(min(_seconds() for _ in range(_ROUNDS)) / _TYPICAL, 1))


def _seconds() -> float:
    array = np.linspace(-1, 1, 50_000)
    started = time.perf_counter()
    total = 0
    for i in range(200_000):
        total += i & 7
    for _ in range(20):
        np.exp(array).sum()
    return time.perf_counter() - started
