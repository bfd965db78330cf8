"""Builds the wrong variants of a layer from what is wrong about it. Knows no mistake, no case and no points."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from grader.questions import Misconception

Function = Callable[..., Any]


class Layer:
    """The two functions of one layer, each to be spoilt alone: a wrong forward keeps the right cache."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self.forward_name, self.backward_name = f"{name}_forward", f"{name}_backward"
        self.right_forward: Function = getattr(module, self.forward_name)
        self.right_backward: Function = getattr(module, self.backward_name)

    def forward(self, title: str, hint: str, wrong: Function) -> Misconception:
        """``wrong(*inputs, **options)`` returns what comes out."""

        def spoilt(*inputs: Any, **options: Any) -> Any:
            _, cache = self.right_forward(*inputs, **options)
            return wrong(*inputs, **options), cache

        return Misconception(title, {self.forward_name: spoilt}, hint)

    def backward(self, title: str, hint: str, wrong: Function) -> Misconception:
        """``wrong(dout, cache)`` returns the gradients; the cache is the reference's."""
        return Misconception(title, {self.backward_name: wrong}, hint)

    def both(
        self, title: str, hint: str, forward: Function, backward: Function | None = None, convention: str = ""
    ) -> Misconception:
        """Make a mistake that both functions share, or another textbook's layer: ``forward`` returns (out, cache)."""
        functions = {self.forward_name: forward, self.backward_name: backward or self.right_backward}
        return Misconception(title, functions, hint, convention)
