"""Put every reference through its own questions: it must earn full marks, on whatever arrays it computes with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.errors import GraderError
from grader.execute import fresh, run_plan
from grader.judge import judge
from grader.prepare import prepare
from grader.questions import Assignment
from grader.results import QuestionResult

BACKENDS = ("numpy", "cupy")


@dataclass(frozen=True)
class ReferenceRun:
    """One question under one seed."""

    question: str
    seed: int
    result: QuestionResult


def reference_runs(assignment: Assignment, seeds: Sequence[int], *, backend: str = "numpy") -> Iterator[ReferenceRun]:
    """Judge the references of an assignment as if a student had written them.

    Raises
    ------
    GraderError
        If the backend is unknown or not usable here.
    """
    convert = _converter(backend)
    for question in assignment.questions:
        functions = {name: convert(f) for name, f in question.functions.items()}
        for seed in seeds:
            prepared = prepare(replace(question, misconceptions=()), seed)  # a right answer needs no diagnosis
            answers = [run_plan(fresh(t.plan), functions) for t in prepared.trials]
            yield ReferenceRun(question.name, seed, judge(prepared, answers))


def _converter(backend: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if backend == "numpy":
        return lambda function: function
    if backend != "cupy":
        raise GraderError(f"unknown backend {backend!r}: use one of {', '.join(BACKENDS)}")
    try:
        import cupy

        cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise GraderError(
            f"the backend cupy is not usable here ({type(error).__name__}): it needs a CUDA device and the extra `gpu`"
        ) from error
    return lambda function: _on_device(function, cupy)


def _on_device(function: Callable[..., Any], cupy: Any) -> Callable[..., Any]:
    """Call with arrays on the device; outputs come back, a cache stays there."""

    def there(value: Any) -> Any:
        return cupy.asarray(value) if isinstance(value, np.ndarray) else value

    def back(value: Any) -> Any:
        return cupy.asnumpy(value) if isinstance(value, cupy.ndarray) else value

    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*map(there, args), **{k: there(v) for k, v in kwargs.items()})
        return tuple(map(back, result)) if isinstance(result, tuple) else back(result)

    return call
