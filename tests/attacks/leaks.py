"""Searches all that a student sees for what is hidden: inputs and expected values, numbers to four digits, and shapes.

Answers of many kinds of wrongness are judged as grading does, and every word that results (messages, the recorded
JSON, the feedback page) is searched for numbers of hidden cases that no visible case and no text holds.
"""

import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grader import wire
from grader.evidence import gradients
from grader.execute import fresh, run_plan
from grader.folders import assignment_folders, load_assignment
from grader.judge import judge, notes
from grader.plans import Answer, Foreign, answer_from_tree, answer_to_tree
from grader.prepare import PreparedQuestion, prepare
from grader.questions import Question
from grader.report import student_page
from grader.results import QuestionResult, Result, to_json
from grader.vouch import vouched

ROOT = Path(__file__).parents[2]
SEED = 20_261_127
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SHAPE = re.compile(r"(index )?\(\d+(?:, \d+)*,?\)")
_STYLE = re.compile(r"<style.*?</style>|<script.*?</script>|<svg.*?</svg>", re.DOTALL)
Functions = Mapping[str, Callable[..., Any]]


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for item in tree:
            yield from _leaves(item)
    else:
        yield tree


def numbers_in(tree: Any) -> Iterator[float]:
    """Yield every number of an answer's or a plan's values."""
    for leaf in _leaves(tree):
        if isinstance(leaf, Foreign):
            leaf = leaf.array
        if isinstance(leaf, np.ndarray | np.generic) and np.asarray(leaf).dtype.kind in "iuf":
            yield from np.asarray(leaf, dtype=float).ravel()[:100_000].tolist()
        elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
            yield float(leaf)


def _key(number: float) -> str:
    return f"{abs(number):.3e}"


def spoken(text: str) -> set[str]:
    """Return every number of a text that is told to four digits or more."""
    found = set()
    for match in _NUMBER.findall(text):
        digits = re.sub(r"[eE].*|[.,]", "", match).lstrip("0")
        if len(digits) >= 4:
            found.add(_key(float(match.replace(",", ""))))
    return found


def shapes(message: str) -> list[str]:
    """Return what a message on a hidden case says in the way of a shape; where an entry lies may be said."""
    if "visible case" in message:
        return []
    return [m[0] for m in _SHAPE.finditer(message) if not m[1]]


def secrets(question: PreparedQuestion) -> tuple[set[str], set[str]]:
    """Return the numbers of hidden and of visible cases, each to four digits."""
    told: tuple[set[str], set[str]] = (set(), set())
    for trial in question.trials:
        values = [trial.plan.values, [o.values for o in trial.expected.outcomes]]
        values += [[s.args, s.kwargs] for s in trial.plan.steps]
        told[trial.visible].update(map(_key, (n for n in numbers_in(values) if np.isfinite(n))))
    return told[False], told[True]


def answers_of(question: PreparedQuestion, functions: Functions) -> list[Answer]:
    """Ask as the examiner does, there and back through the encoding."""
    found: dict[int, Answer] = {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in question.order:
            trial = question.trials[number]
            answer = run_plan(fresh(trial.plan), functions, catch=BaseException)
            try:
                tree = wire.loads(wire.encode(answer_to_tree(answer)))
            except wire.WireError:
                return []
            found[number] = answer_from_tree(tree, trial.plan)
    return [found[number] for number in range(len(question.trials))]


def shapes_in(tree: Any) -> Iterator[str]:
    """Yield the shape of every array of an answer's or a plan's values, as a message tells it."""
    yield from (str(leaf.shape) for leaf in _leaves(tree) if isinstance(leaf, np.ndarray))


def told_by_visible_cases(question: PreparedQuestion, functions: Functions) -> set[str]:
    """What may be said of visible cases: all that functions answer and raise that have seen nothing hidden."""
    found = set[str]()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for trial in question.trials:
            if not trial.visible:
                continue
            answer = run_plan(fresh(trial.plan), functions, catch=BaseException)
            found |= {*shapes_in(trial.plan.values), *shapes_in([o.values for o in trial.expected.outcomes])}
            for outcome in answer.outcomes:
                found |= set(shapes_in(outcome.values))
                found |= spoken(str(outcome.failure))
                found |= {_key(n) for n in numbers_in(outcome.values) if np.isfinite(n)}
            if trial.kind == "consistency" and not any(o.failure for o in answer.outcomes):
                found |= spoken(repr(gradients(question, trial, answer)))
    return found


def wrong_ways(question: Question) -> Iterator[tuple[str, Functions]]:
    """Yield misconceptions, and ways to be wrong that no question foresees: names to functions."""
    right = dict(question.functions)
    for misconception in question.misconceptions:
        yield misconception.name, {**right, **misconception.functions}
    for name, function in right.items():
        yield f"{name} is absent", {k: f for k, f in right.items() if k != name}
        for way, change in _CHANGES.items():
            yield f"{name} {way}", {**right, name: change(function)}


def _telling(function: Callable[..., Any]) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        with np.printoptions(precision=8, threshold=sys.maxsize):
            raise ValueError(f"{args} {kwargs}")

    return told


def _remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    seen: list[str] = []

    def told(*args: Any, **kwargs: Any) -> Any:
        seen.append(f"{args}")
        if len(seen) > 1:
            raise ValueError(" ".join(reversed(seen)))
        return function(*args, **kwargs)

    return told


def _named(function: Callable[..., Any]) -> Callable[..., Any]:
    def told(*args: Any, **kwargs: Any) -> Any:
        first = next(numbers_in(args), 0.0)
        return type(f"x{first:.8f}".replace(".", "_"), (), {})()

    return told


def _mapped(change: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def of(function: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            out = function(*args, **kwargs)
            return (change(out[0]), *out[1:]) if isinstance(out, tuple) else change(out)

        return told

    return of


_CHANGES: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "raises what it was given": _telling,
    "raises all that it ever saw": _remembering,
    "answers with a telling name": _named,
    "is a little off": _mapped(lambda x: np.asarray(x, dtype=float) * 1.01),
    "has another shape": _mapped(lambda x: np.asarray(x)[None]),
    "answers NaN": _mapped(lambda x: np.asarray(x, dtype=float) * np.nan),
    "answers text": _mapped(str),
}


def leaks(question: Question, prepared: PreparedQuestion, title: str) -> Iterator[str]:
    """Yield each hidden number or shape that a student would read, with the answer that brings it out."""
    hidden, visible = secrets(prepared)
    public = visible | spoken(" ".join([title, *(t.case for t in prepared.trials)]))
    public |= spoken(" ".join(m.hint for m in question.misconceptions))
    results: list[QuestionResult] = []
    remarks: list[str] = []
    own = set[str]()
    for way, functions in wrong_ways(question):
        own |= told_by_visible_cases(prepared, functions)
        answers = answers_of(prepared, functions)
        if not answers:
            continue
        shown = vouched(prepared, answers)
        results.append(judge(shown, answers))
        remarks += notes(shown, answers)
        messages = [c.message for c in results[-1].criteria]
        for message in messages:
            for number in sorted(spoken(message) & hidden - public - own):
                yield f"{prepared.name}, {way}: {number} in {message!r}"
            for found in sorted({*shapes(message)} - own):
                yield f"{prepared.name}, {way}: a shape {found} in {message!r}"
    record = Result("ada", "searched", 0.0, 1.0, tuple(results), tuple(remarks))
    for where, text in (("JSON", to_json(record)), ("page", _page(record, title))):
        for number in sorted(spoken(text) & hidden - public - own):
            yield f"{prepared.name}: the {where} say {number}"


def _page(record: Result, title: str) -> str:
    return re.sub(r"<[^>]*>", " ", _STYLE.sub(" ", student_page(record, title)))


def search(folder: Path, seed: int = SEED) -> tuple[int, list[str]]:
    """Search one assignment; return how many wrong answers were judged, and what leaks."""
    assignment = load_assignment(folder)
    found: list[str] = []
    tried = 0
    for question in assignment.questions:
        prepared = prepare(question, seed)
        tried += sum(1 for _ in wrong_ways(question))
        found += leaks(question, prepared, assignment.title)
    return tried, found


def main(names: list[str]) -> int:
    """Search the named assignments, or all; print what leaks."""
    total = 0
    for folder in assignment_folders(ROOT):
        if names and folder.name not in names:
            continue
        started = time.monotonic()
        tried, found = search(folder)
        total += len(found)
        print(
            f"{folder.name}: {tried} wrong answers, {len(found)} leaks, {time.monotonic() - started:.0f} s", flush=True
        )
        print("".join(f"  {leak}\n" for leak in found[:30]), end="")
    return 1 if total else 0
