"""Run a plan against a namespace of functions. The same text serves the worker, the student's own kernel and the
examiner's references; it knows no expected value.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import FrameType
from typing import Any

import numpy as np

from grader.plans import Answer, Failure, Foreign, Outcome, Output, Plan, Rng, Step, Tree, Value

MAX_ANSWER_BYTES = 64 << 20
MAX_INTEGER_BITS = 1024
MAX_DEPTH = 8
_CELL = "cell "
_KERNEL_CELLS = ("ipykernel_", "<ipython-input-", "xpython_", "<stdin>")


def fresh(plan: Plan) -> Plan:
    """Return the plan with copies of its arrays: a function that writes into its inputs must not spoil the next run."""
    steps = tuple(
        replace(s, args=tuple(map(_copy, s.args)), kwargs={name: _copy(a) for name, a in s.kwargs.items()})
        for s in plan.steps
    )
    return replace(plan, values=tuple(map(_copy, plan.values)), steps=steps)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def run_plan(
    plan: Plan,
    functions: Mapping[str, Any],
    *,
    catch: type[BaseException] = Exception,
    describe: Callable[[BaseException], Failure] | None = None,
) -> Answer:
    """Run every step of a plan, whatever the earlier ones did.

    Parameters
    ----------
    plan : Plan
    functions : mapping from str
        Where the functions are looked up: the student's namespace, or the references.
    catch : exception class
        What a call may raise without ending the plan. A worker passes BaseException: `sys.exit()` in a function is
        that function's failure.
    describe : function, optional
        Makes a failure of what was raised, in place of `describe_error`.
    """
    describe = describe or describe_error
    results: list[Any] = []
    outcomes: list[Outcome] = []
    for step in plan.steps:
        result: Any = _NOTHING
        lines = None
        try:
            missing = _unmet(step, results)
            if missing is None:
                result, lines = _call(step, plan, results, functions)
                outcome = _outcome(step, result, lines)
            else:
                outcome = Outcome(failure=missing)
        except _Absent as error:
            outcome = Outcome(failure=Failure("missing", str(error)))
        except catch as error:
            outcome = Outcome(failure=describe(error), lines=lines)
        # A result of the wrong form still feeds later steps: a cache may be right where an output is not.
        results.append(result)
        outcomes.append(outcome)
    return Answer(tuple(outcomes), tuple(_echo(v) for v in plan.values) if plan.echo else ())


_NOTHING = object()


class _Absent(Exception):
    """The namespace has no such function."""


def _unmet(step: Step, results: list[Any]) -> Failure | None:
    needed = [a for a in (*step.args, *step.kwargs.values(), step.on) if isinstance(a, Output)]
    for output in needed:
        result = results[output.step]
        if result is _NOTHING:
            return Failure("skipped", "an earlier call that this one needs failed")
        if output.index is not None and not (isinstance(result, tuple | list) and len(result) > output.index):
            return Failure("skipped", "an earlier call did not return the output that this one needs")
    return None


def _call(step: Step, plan: Plan, results: list[Any], functions: Mapping[str, Any]) -> tuple[Any, int | None]:
    args = [_resolve(a, plan, results) for a in step.args]
    kwargs = {name: _resolve(a, plan, results) for name, a in step.kwargs.items()}
    if step.on is not None:
        function = getattr(_resolve(step.on, plan, results), step.function)
        if not callable(function) and not args:  # an attribute: there is nothing to call
            return function, None
    elif not step.function:
        return args[0], None
    else:
        function = functions.get(step.function, _NOTHING)
        if function is _NOTHING:
            raise _Absent(f"there is no function named {step.function}")
        if not callable(function):
            raise _Absent(f"{step.function} is no function but of type {type(function).__name__}")
    if step.lines:
        return _count_lines(function, args, kwargs)
    return function(*args, **kwargs), None


def _resolve(argument: Any, plan: Plan, results: list[Any]) -> Any:
    match argument:
        case Value(index):
            return plan.values[index]
        case Output(step, None):
            return results[step]
        case Output(step, index):
            return results[step][index]
        case Rng(seed):
            return np.random.default_rng(seed)
    return argument


def _count_lines(function: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, int | None]:
    lines = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal lines
        # Calls count too: a loop hidden in map() or np.vectorize executes one line, but calls for each element.
        lines += event in ("line", "call")
        return trace

    evasions = _watch_tracing()
    before, before_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(trace)  # a loop in a thread is a loop
    sys.settrace(trace)
    evasions.clear()
    try:
        result = function(*args, **kwargs)
        counted = lines if sys.gettrace() is trace and not evasions else None
    finally:
        sys.settrace(before)
        threading.settrace(before_threads)
    return result, counted


@cache
def _watch_tracing() -> list[str]:
    """Return a list that grows when tracing is switched or (Python 3.12) a thread started past it; a hook stays."""
    seen: list[str] = []
    bootstrap = getattr(threading.Thread, "_bootstrap", None)
    # Where a new thread switches on the trace that `threading.settrace` asked for: no evasion.
    begin = getattr(getattr(threading.Thread, "_bootstrap_inner", None), "__code__", None)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        raw = event.startswith("_thread.start") and getattr(arguments[0], "__func__", None) is not bootstrap
        if raw or (event == "sys.settrace" and sys._getframe(1).f_code is not begin):
            seen.append(event)

    sys.addaudithook(hook)
    return seen


def _outcome(step: Step, result: Any, lines: int | None) -> Outcome:
    if step.outputs == 1:
        parts = [result]
    elif isinstance(result, tuple | list) and len(result) == step.outputs:
        parts = list(result)
    else:
        count = f"{len(result)} values" if isinstance(result, tuple | list) else f"one {_type_name(result)}"
        return Outcome(failure=Failure("outputs", f"returned {count}, expected {step.outputs}"), lines=lines)
    return Outcome(tuple(output_tree(parts[i]) for i in step.send), lines=lines)


def describe_error(error: BaseException) -> Failure:
    """Say what an exception of student code was and at which line of which cell."""
    kind = "raised"
    if isinstance(error, NotImplementedError):
        kind = "stub"
    elif isinstance(error, MemoryError):
        kind = "memory"
    where, traceback = "", error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        if name.startswith(_CELL):  # so the worker names them
            where = f"{name}, line {traceback.tb_lineno}"
        elif in_notebook(name):
            where = f"line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    try:
        message = f"{type(error).__name__}: {error}"[:500].rstrip(": ")
    except BaseException:  # a student's own exception class may fail to describe itself
        message = "an exception that cannot be shown"
    return Failure(kind, message, where)


def in_notebook(file: str) -> bool:
    """Whether code of that file name was typed into a kernel's cell or a terminal."""
    return any(mark in file for mark in _KERNEL_CELLS)


def output_tree(value: Any, depth: int = MAX_DEPTH) -> Tree:
    """Turn one output into what may travel: a copy, taken now, of its array."""
    if type(value) is int and value.bit_length() > MAX_INTEGER_BITS:
        return Foreign(f"whole number of {value.bit_length()} bits")
    if value is None or type(value) in (bool, int, float, str):
        return value[:10_000] if isinstance(value, str) else value
    if isinstance(value, np.ma.MaskedArray):
        return Foreign("masked array")
    if isinstance(value, np.ndarray | np.generic):
        return _array_tree(np.asarray(value))
    name = _type_name(value)
    if isinstance(value, list | tuple | dict) and not depth:
        return Foreign(f"deeply nested {name}")
    if isinstance(value, list | tuple):
        return _sequence_tree(value, depth)
    if isinstance(value, dict):
        return {str(k)[:100]: output_tree(v, depth - 1) for k, v in list(value.items())[:1000]}
    # Tensors of other libraries: detached from their graph first, then through NumPy's own protocol.
    detach = getattr(value, "detach", None)
    if callable(detach):
        value = detach().cpu()
    if not hasattr(value, "__array__"):
        return Foreign(name)
    tree = _array_tree(np.asarray(value))
    return Foreign(name, tree) if isinstance(tree, np.ndarray) else tree


def _array_tree(array: np.ndarray[Any, Any]) -> Tree:
    if array.dtype.kind not in "biuf":
        return Foreign(f"array of dtype {array.dtype}")
    if array.size * array.itemsize > MAX_ANSWER_BYTES:
        return Foreign(f"array of shape {array.shape}, larger than {MAX_ANSWER_BYTES >> 20} MB")
    if array.dtype.itemsize > 8:  # long double has no common layout
        array = array.astype(np.float64)
    return np.array(array, order="C", copy=True)


def _sequence_tree(value: list[Any] | tuple[Any, ...], depth: int) -> Tree:
    """A list of numbers stands for an array; other sequences (of arrays, of shapes) travel item by item."""
    kind = type(value).__name__
    if not any(isinstance(item, np.ndarray) for item in value):
        try:
            array = np.asarray(value)
        except (ValueError, TypeError, OverflowError):
            array = None
        if array is not None and array.dtype.kind in "biuf":
            tree = _array_tree(array)
            return Foreign(kind, tree) if isinstance(tree, np.ndarray) else tree
    items = [output_tree(item, depth - 1) for item in value[:10_000]]
    return tuple(items) if isinstance(value, tuple) else items


def _echo(value: Tree) -> Tree:
    return output_tree(value) if isinstance(value, np.ndarray) else None


def _type_name(value: Any) -> str:
    cls = type(value)
    return (
        cls.__name__ if cls.__module__ in ("builtins", "__main__") else f"{cls.__module__.split('.')[0]}.{cls.__name__}"
    )
