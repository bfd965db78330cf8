"""Builds wrong optimizers from what is wrong about them. Knows no mistake, no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception

Function = Callable[..., Any]


def memory(state: Any, w: Any) -> Any:
    """What an optimizer with one array remembers: nothing yet before the first step."""
    return np.zeros_like(w) if state is None else state


def moments(state: Any, w: Any) -> tuple[Any, Any, int]:
    """What Adam remembers."""
    return (np.zeros_like(w), np.zeros_like(w), 0) if state is None else state


class Optimizer:
    """The mistakes of one step function, whose right text is known as well."""

    def __init__(self, name: str, right: Function) -> None:
        self.name, self.right = name, right

    def wrong(self, title: str, hint: str, step: Function, convention: str = "") -> Misconception:
        """``step(w, dw, state, *, lr, ...)``, with defaults of its own."""
        return Misconception(title, {self.name: step}, hint, convention)

    def spoilt(self, title: str, hint: str, change: Function) -> Misconception:
        """The right step, changed afterwards by ``change(new_w, new_state, w)``."""

        def step(w: Any, dw: Any, state: Any, **options: Any) -> Any:
            return change(*self.right(w, dw, state, **options), w)

        return Misconception(title, {self.name: step}, hint)

    def given(self, title: str, hint: str, **settings: Any) -> Misconception:
        """The right step with settings of its own, whatever was asked for."""
        return Misconception(title, {self.name: lambda *a, **o: self.right(*a, **{**o, **settings})}, hint)

    def left_out(self, title: str, hint: str, convention: str, **defaults: Any) -> Misconception:
        """The right step with other defaults."""
        return Misconception(title, {self.name: lambda *a, **o: self.right(*a, **{**defaults, **o})}, hint, convention)

    def common(self) -> tuple[Misconception, ...]:
        """What can go wrong in any step that remembers."""
        return (
            self.spoilt("uphill", "Is the loss to rise or to fall?", lambda new, state, w: (2 * w - new, state)),
            self.spoilt("weights-forgotten", "From where does the step start?", lambda new, state, w: (new - w, state)),
            Misconception("rate-ignored", {self.name: self._rate_ignored}, "Which argument is unused?"),
            Misconception("weights-changed", {self.name: self._in_place}, "Who else owns w?"),
            Misconception(
                "one-state-for-all",
                {self.name: self._one_state()},
                "Two walks at a time: does each of them remember only its own way?",
            ),
        )

    def _rate_ignored(self, w: Any, dw: Any, state: Any, *, lr: float, **options: Any) -> Any:
        return self.right(w, dw, state, lr=1.0, **options)

    def _in_place(self, w: Any, dw: Any, state: Any, **options: Any) -> Any:
        new, state = self.right(w, dw, state, **options)
        w[...] = new
        return w, state

    def _one_state(self) -> Function:
        """The state lies in one place that all walks share; it begins again where a walk begins."""
        kept: list[Any] = [None]

        def step(w: Any, dw: Any, state: Any, **options: Any) -> Any:
            new, kept[0] = self.right(w, dw, None if state is None else kept[0], **options)
            return new, "kept elsewhere"

        return step
