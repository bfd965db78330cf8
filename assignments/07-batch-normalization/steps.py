"""Batch norm taken apart, so that one step of it can be done wrong. Knows no mistake, no case and no points."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from grader.questions import Misconception

Function = Callable[..., Any]


@dataclass(frozen=True)
class Batch:
    """What one forward call is given, and what it measures; (C,) vectors unless the name says otherwise."""

    x: Any
    gamma: Any
    beta: Any
    running_mean: Any
    running_var: Any
    training: bool
    momentum: float = 0.1
    eps: float = 1e-5

    @property
    def axes(self) -> tuple[int, ...]:
        """All but the channels'."""
        return (0, *range(2, self.x.ndim))

    @property
    def count(self) -> int:
        """How many values each mean is taken over."""
        return int(self.x.size // self.x.shape[1])

    @property
    def mean(self) -> Any:
        """The batch's."""
        return self.x.mean(axis=self.axes)

    @property
    def var(self) -> Any:
        """The batch's, biased."""
        return self.x.var(axis=self.axes)

    @property
    def unbiased(self) -> Any:
        """The batch's variance as the running average takes it; nan for a single value."""
        return self.var * self.count / np.float64(self.count - 1)

    def along(self, vector: Any) -> Any:
        """Give a (C,) vector the axes of x."""
        return np.reshape(vector, (1, -1, *[1] * (self.x.ndim - 2)))

    def by(self, mean: Any, var: Any) -> Any:
        """Normalise with a (C,) mean and variance."""
        return (self.x - self.along(mean)) / np.sqrt(self.along(var) + self.eps)

    def over(self, axes: tuple[int, ...] | None) -> Any:
        """Normalise over other axes than those of batch norm."""
        mean, var = self.x.mean(axis=axes, keepdims=True), self.x.var(axis=axes, keepdims=True)
        return (self.x - mean) / np.sqrt(var + self.eps)

    def scaled(self, normalized: Any) -> Any:
        """Scale by gamma and shift by beta."""
        return self.along(self.gamma) * normalized + self.along(self.beta)

    @property
    def own(self) -> tuple[Any, Any]:
        """The statistics that the call should normalise with."""
        return (self.mean, self.var) if self.training else (self.running_mean, self.running_var)

    def mixed(self, mean: Any, var: Any, momentum: float | None = None) -> tuple[Any, Any]:
        """Return the running averages once ``mean`` and ``var`` have entered them."""
        m = self.momentum if momentum is None else momentum
        return (1 - m) * self.running_mean + m * mean, (1 - m) * self.running_var + m * var


class BatchNorm:
    """The two functions of one layer, each to be spoilt alone: a wrong forward keeps the right cache."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.forward_name, self.backward_name = f"{name}_forward", f"{name}_backward"
        self.right_forward: Function = getattr(module, self.forward_name)
        self.right_backward: Function = getattr(module, self.backward_name)

    def spoilt(self, out: Function | None, averages: Function | None) -> Function:
        """Make a forward of which ``out(batch)`` or ``averages(batch)`` replaces what is right."""

        def forward(
            x: Any,
            gamma: Any,
            beta: Any,
            running_mean: Any,
            running_var: Any,
            *,
            training: bool,
            momentum: float = 0.1,
            eps: float = 1e-5,
        ) -> Any:
            batch = Batch(x, gamma, beta, running_mean, running_var, training, momentum, eps)
            right, cache, *kept = self.right_forward(
                x, gamma, beta, running_mean, running_var, training=training, momentum=momentum, eps=eps
            )
            if averages is not None:
                kept = averages(batch)
            return (right if out is None else out(batch)), cache, *kept

        return forward

    def forward(
        self, name: str, hint: str, out: Function | None = None, averages: Function | None = None, convention: str = ""
    ) -> Misconception:
        """Make a mistake of the forward alone; each of ``out`` and ``averages`` takes the `Batch`."""
        return Misconception(name, {self.forward_name: self.spoilt(out, averages)}, hint, convention)

    def dx(self, name: str, hint: str, wrong: Function, *, testing: bool = False) -> Misconception:
        """Make a mistake of dx: ``wrong(g, normalized, inverse_std, axes)`` in training (or, if so, in testing)."""

        def backward(dout: Any, cache: Any) -> Any:
            normalized, inverse_std, gamma, training = cache
            right, *others = self.right_backward(dout, cache)
            if training == testing:
                return right, *others
            axes = (0, *range(2, dout.ndim))
            g = dout * np.reshape(gamma, (1, -1, *[1] * (dout.ndim - 2)))
            return wrong(g, normalized, inverse_std, axes), *others

        return Misconception(name, {self.backward_name: backward}, hint)

    def backward(self, name: str, hint: str, wrong: Function) -> Misconception:
        """Make a mistake of the backward: ``wrong(gradients, dout, cache)``."""

        def backward(dout: Any, cache: Any) -> Any:
            return wrong(self.right_backward(dout, cache), dout, cache)

        return Misconception(name, {self.backward_name: backward}, hint)
