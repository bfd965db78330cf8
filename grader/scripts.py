"""Scripts moved and repeated: a case's own calls as a part of a longer plan. Knows no trial and no criterion."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader.plans import Output, Plan, Step, Value


def moved(steps: tuple[Step, ...], values: int, earlier: int) -> list[Step]:
    """Return the steps as they must read behind ``values`` other values and ``earlier`` other steps."""

    def argument(a: Any) -> Any:
        if isinstance(a, Value):
            return Value(a.index + values)
        return Output(a.step + earlier, a.index) if isinstance(a, Output) else a

    return [
        replace(
            s,
            args=tuple(argument(a) for a in s.args),
            kwargs={name: argument(a) for name, a in s.kwargs.items()},
            on=argument(s.on),
        )
        for s in steps
    ]


def turned(script: Plan) -> Plan:
    """Return the same calls on the numbers of each float array in reverse."""
    return replace(script, values=tuple(_reversed(v) for v in script.values))


def _reversed(value: Any) -> Any:
    float_array = isinstance(value, np.ndarray) and value.dtype.kind == "f"
    return value.ravel()[::-1].reshape(value.shape) if float_array else value


def names(script: Plan, functions: Mapping[str, Callable[..., Any]]) -> list[str]:
    """Name each value after the parameter that it is first given to, for messages."""
    found = ["" for _ in script.values]
    for step in script.steps:
        if step.on is not None or step.function not in functions:
            continue
        given = zip(inspect.signature(functions[step.function]).parameters, step.args, strict=False)
        for name, argument in (*given, *step.kwargs.items()):
            if isinstance(argument, Value):
                found[argument.index] = found[argument.index] or name
    return found


def repeatable(script: Plan | None) -> bool:
    """Whether every step calls something: a script that reads outputs again has its own view of what may change."""
    return script is not None and all(step.function for step in script.steps)
