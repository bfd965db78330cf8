"""Plans: what a worker is asked to call, and what it answers. Plain data; knows no case, criterion or verdict.

A plan holds `values` (arrays and scalars that travel once) and `steps` (calls). An argument of a step is a literal, a
reference to one of the values, or a reference to the result of an earlier step: a student's cache stays in the worker
and is handed from the forward to the backward without ever being looked at.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# A tree is what may cross between processes: None, bool, int, float, str, arrays, Foreign, and lists, tuples and
# dicts (with str keys) of trees.
Tree: TypeAlias = Any


@dataclass(frozen=True)
class Foreign:
    """Something a student returned that is no plain array or number.

    ``kind`` names it for the reader ("list", "torch.Tensor", "masked array"); ``array`` is what it stands for, None
    where it stands for no array that could be accepted.
    """

    kind: str
    array: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Value:
    """An argument: ``plan.values[index]``, the same object wherever it is named."""

    index: int


@dataclass(frozen=True)
class Output:
    """An argument: output ``index`` of an earlier step (the whole result where index is None)."""

    step: int
    index: int | None = None


@dataclass(frozen=True)
class Rng:
    """An argument: a fresh ``numpy.random.default_rng(seed)``, made by the worker."""

    seed: int


@dataclass(frozen=True)
class Step:
    """One call.

    Attributes
    ----------
    function : str
        Name of the student's function; with `on`, of a method or an attribute; empty to read the first argument again.
    args, kwargs
        Literals, `Value`, `Output` or `Rng`.
    outputs : int
        How many outputs the function returns: 1 means that the result itself is the output.
    send : tuple of int
        Which outputs are answered; the others (a cache) stay with the worker.
    on : Output, optional
        The object whose method is called.
    lines : bool
        Count the Python lines that the call executes.
    """

    function: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    send: tuple[int, ...] = (0,)
    on: Output | None = None
    lines: bool = False


@dataclass(frozen=True)
class Plan:
    """Values and the calls on them; with `echo` the values are answered as they are after the last step."""

    values: tuple[Tree, ...]
    steps: tuple[Step, ...]
    echo: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a step has no value.

    ``kind``: "missing" (no such function), "stub" (NotImplementedError), "raised", "outputs" (wrong number of them),
    "skipped" (an earlier step that it needs failed), "timeout", "memory", "died" (the process ended), "protocol".
    ``where`` is the student's own line: "cell 7, line 12".
    """

    kind: str
    message: str
    where: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one step gave: `values` (one tree for each output sent) or a `failure`; `lines` where they were counted."""

    values: tuple[Tree, ...] = ()
    failure: Failure | None = None
    lines: int | None = None


@dataclass(frozen=True)
class Answer:
    """What one plan gave: an outcome for each step, and the values afterwards where the plan asked for them."""

    outcomes: tuple[Outcome, ...]
    echo: tuple[Tree, ...] = ()


def failed(plan: Plan, failure: Failure) -> Answer:
    """Answer for a plan of which nothing came back."""
    return Answer(tuple(Outcome(failure=failure) for _ in plan.steps))


# Entries of an array that is made of a list of arrays: no answer makes the examiner allocate without bound.
_MAX_STACKED = 1 << 24

_NUMERIC = (bool, int, float, np.ndarray, np.generic)

# ECMA-48: control sequences (colours, cursor), operating system commands (titles, links), two-character escapes.
_TERMINAL_CODE = re.compile(r"(\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?|\x1b.?", re.DOTALL)


def clean(text: str, limit: int) -> str:
    """Return text of a student's as one printable line: no control characters, no terminal codes, no half signs."""
    printable = "".join(c if c.isprintable() else " " for c in _TERMINAL_CODE.sub("", text[: 4 * limit]))
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _argument_to_tree(argument: Any) -> Tree:
    match argument:
        case Value(index):
            return ["value", index]
        case Output(step, index):
            return ["output", step, index]
        case Rng(seed):
            return ["rng", seed]
    return ["literal", argument]


def _argument_from_tree(tree: Tree) -> Any:
    match tree:
        case ["value", int(index)]:
            return Value(index)
        case ["output", int(step), int() | None as index]:
            return Output(step, index)
        case ["rng", int(seed)]:
            return Rng(seed)
        case ["literal", argument]:
            return argument
    raise ValueError("not an argument of a step")


def plan_to_tree(plan: Plan) -> Tree:
    """Turn a plan into a tree that can travel."""
    steps = [
        {
            "function": s.function,
            "args": [_argument_to_tree(a) for a in s.args],
            "kwargs": {name: _argument_to_tree(a) for name, a in s.kwargs.items()},
            "outputs": s.outputs,
            "send": list(s.send),
            "on": None if s.on is None else _argument_to_tree(s.on),
            "lines": s.lines,
        }
        for s in plan.steps
    ]
    return {"values": list(plan.values), "steps": steps, "echo": plan.echo}


def plan_from_tree(tree: Tree) -> Plan:
    """Rebuild a plan: the worker trusts the examiner, so a malformed tree is a programming error."""
    steps = tuple(
        Step(
            function=s["function"],
            args=tuple(_argument_from_tree(a) for a in s["args"]),
            kwargs={name: _argument_from_tree(a) for name, a in s["kwargs"].items()},
            outputs=s["outputs"],
            send=tuple(s["send"]),
            on=None if s["on"] is None else _argument_from_tree(s["on"]),
            lines=s["lines"],
        )
        for s in tree["steps"]
    )
    return Plan(tuple(tree["values"]), steps, tree["echo"])


def request(plans: Iterable[Plan]) -> Tree:
    """Return what asks a worker to run plans."""
    return {"do": "plans", "plans": [plan_to_tree(p) for p in plans]}


def answer_to_tree(answer: Answer) -> Tree:
    """Turn an answer into a tree that can travel."""
    outcomes = [
        {
            "values": list(o.values),
            "failure": None if o.failure is None else [o.failure.kind, o.failure.message, o.failure.where],
            "lines": o.lines,
        }
        for o in answer.outcomes
    ]
    return {"outcomes": outcomes, "echo": list(answer.echo)}


def answer_from_tree(tree: Tree, plan: Plan) -> Answer:
    """Rebuild an answer to ``plan``. It comes from student code: whatever does not fit is a ValueError."""
    match tree:
        case {"outcomes": list(outcomes), "echo": list(echo)}:
            pass
        case _:
            raise ValueError("not an answer")
    if len(outcomes) != len(plan.steps) or (plan.echo and len(echo) != len(plan.values)):
        raise ValueError("the answer does not fit its plan")
    return Answer(tuple(_outcome_from_tree(o, s) for o, s in zip(outcomes, plan.steps, strict=True)), tuple(echo))


def _outcome_from_tree(tree: Tree, step: Step) -> Outcome:
    match tree:
        case {"values": list(), "failure": [str(kind), str(message), str(where)], "lines": lines} if _counted(lines):
            failure = Failure(clean(kind, 20), clean(message, 500), clean(where, 60))
            return Outcome(failure=failure, lines=lines)
        case {"values": list(values), "failure": None, "lines": lines} if _counted(lines):
            if len(values) == len(step.send):
                return Outcome(tuple(values), lines=lines)
    raise ValueError("an outcome does not fit its step")


def _counted(lines: Tree) -> bool:
    return lines is None or (type(lines) is int and 0 <= lines < 2**40)


def as_array(tree: Tree) -> npt.NDArray[Any] | None:
    """Return the numeric array a tree stands for, None where it stands for none.

    A list of arrays of one shape stands for the array whose rows they are.
    """
    if type(tree) is np.ndarray:  # nearly all there is to judge
        return tree if tree.dtype.kind in "biuf" else None
    if isinstance(tree, Foreign):
        return tree.array
    if isinstance(tree, _NUMERIC):
        try:
            array = np.asarray(tree)
        except OverflowError:
            return None
        return array if array.dtype.kind in "biuf" else None
    if isinstance(tree, list | tuple) and tree:
        return _stacked([as_array(item) for item in tree])
    return None


def _stacked(rows: list[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    arrays = [row for row in rows if row is not None]
    alike = len(arrays) == len(rows) and len({array.shape for array in arrays}) == 1
    return np.stack(arrays) if alike and len(arrays) * arrays[0].size <= _MAX_STACKED else None
