"""Do the hidden cases see every small change of a right answer? ``python -m tests.benchmarks.mutation [NAME...]``.

The references of each question are handed in with one small change (`tests.benchmarks.mutants`), in the function
itself or in a helper from `solutions` that it runs, and judged as a student's. Printed for every question: how many
were made, killed (they lost points), killed elsewhere (by another question of the assignment), equivalent (no case
could see them: `tests.benchmarks.equivalents` says why) and survived; and each survivor, with whether any answer
differed at all. Lines that no case reaches are not changed.
"""

import argparse
import os
import random
import resource
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import numpy as np

from grader.compare import agree
from grader.errors import GraderError
from grader.execute import fresh, run_plan
from grader.folders import assignment_folders, find_assignment, load_assignment
from grader.judge import judge
from grader.plans import Answer
from grader.prepare import PreparedQuestion, prepare
from grader.questions import Question
from tests.benchmarks.equivalents import reason
from tests.benchmarks.mutants import Mutant, is_check, mutants

SEED = 2026
SECONDS = 20
MEMORY = 8 << 30
# Not the subject of any question: checks of arguments, the choice of an array library, of threads and of block sizes.
_LEFT_OUT = ("arrays", "blockwise", "threads", "datasets")
ENDS = ("killed", "elsewhere", "equivalent", "survived")
_CODES = {0: "killed", 1: "same", 2: "differs"}


@dataclass(frozen=True)
class Fate:
    """What became of one mutant, one of `ENDS`; ``same`` where no answer differed."""

    question: str
    mutant: Mutant
    end: str
    same: bool = False


def fates(question: Question, *, sample: int = 0, seed: int = SEED) -> Iterator[Fate]:
    """Judge the mutants of a question's references; ``sample`` of them where that is not 0."""
    prepared = prepare(replace(question, misconceptions=()), seed)
    functions, lines = _reached(prepared, question)
    made = [(f, m) for f in functions for m in mutants(f) if (f.__code__.co_filename, m.line) in lines]
    if sample and len(made) > sample:
        made = random.Random(seed).sample(made, sample)
    for function, mutant in made:
        end = _in_a_fork(partial(_end_of, prepared, question, function, mutant))
        if end == "killed":
            yield Fate(question.name, mutant, "killed")
        else:
            yield Fate(question.name, mutant, "equivalent" if reason(mutant) else "survived", end == "same")


def _reached(prepared: PreparedQuestion, question: Question) -> tuple[list[FunctionType], set[tuple[str, int]]]:
    """The functions of the course that the references run on the question's cases, and the lines of them."""
    codes: dict[CodeType, None] = {}
    lines: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not _is_ours(frame.f_code.co_filename):
            return None
        codes[frame.f_code] = None
        lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        answers(prepared, question)
    finally:
        sys.settrace(None)
    return [f for f in _functions() if f.__code__ in codes and not is_check(f.__name__)], lines


def _is_ours(file: str) -> bool:
    path = Path(file)
    return (path.parent.name == "solutions" and path.stem not in _LEFT_OUT) or "assignments" in path.parts[-3:-2]


def _functions() -> list[FunctionType]:
    """Every function and method of the loaded modules of the course; of a cached one, what it caches."""
    found: dict[CodeType, FunctionType] = {}
    for module in list(sys.modules.values()):
        if not _is_ours(getattr(module, "__file__", None) or ""):
            continue
        for thing in vars(module).values():
            things = vars(thing).values() if isinstance(thing, type) else [thing]
            for one in things:
                inner = getattr(one, "fget", None) or getattr(one, "func", None) or getattr(one, "__wrapped__", one)
                if isinstance(inner, FunctionType) and _can_change(inner):
                    found[inner.__code__] = inner
    return list(found.values())


def _can_change(function: FunctionType) -> bool:
    code = function.__code__
    # What a dataclass makes has no source.
    return _is_ours(code.co_filename) and not code.co_freevars and function.__name__ != "<lambda>"


def answers(prepared: PreparedQuestion, question: Question) -> list[Answer]:
    """What the question's references answer, as they are now."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [run_plan(fresh(t.plan), question.functions) for t in prepared.trials]


def _end_of(prepared: PreparedQuestion, question: Question, function: FunctionType, mutant: Mutant) -> int:
    """Put the mutant in the function's place (wherever it was imported to), ask, put it back, judge."""
    right = function.__code__, function.__defaults__, function.__kwdefaults__
    caches = [c for m in list(sys.modules.values()) if _is_ours(getattr(m, "__file__", None) or "") for c in _caches(m)]
    for cache in caches:
        cache.cache_clear()
    function.__code__, function.__defaults__ = mutant.code, mutant.defaults
    function.__kwdefaults__ = mutant.keyword_defaults
    found = answers(prepared, question)
    function.__code__, function.__defaults__, function.__kwdefaults__ = right
    for cache in caches:
        cache.cache_clear()
    if judge(prepared, found).status != "passed":
        return 0
    return 1 if all(map(_same, found, (t.expected for t in prepared.trials))) else 2


def _caches(module: Any) -> list[Any]:
    return [thing for thing in vars(module).values() if hasattr(thing, "cache_clear")]


def _same(answer: Answer, expected: Answer) -> bool:
    pairs = [(o.values, e.values) for o, e in zip(answer.outcomes, expected.outcomes, strict=True)]
    return all(repr(a) == repr(b) or agree(a, b) for left, right in pairs for a, b in zip(left, right, strict=False))


def _in_a_fork(work: Callable[[], int]) -> str:
    """Run in a child of its own, for a limited time: a mutant may loop for ever or eat all memory."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            # The processor's time, so that a busy machine kills no mutant; by the clock only what waits for ever.
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
            signal.alarm(20 * SECONDS)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            code = work()
        except BaseException:
            code = 0  # a mutant that breaks the very process is no right answer
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return _CODES.get(os.waitstatus_to_exitcode(status), "killed")


def run(names: Sequence[str], *, sample: int = 0, seed: int = SEED) -> int:
    """Print the fates for the assignments named (all if none is); return how many mutants survived."""
    folders = [find_assignment(n) for n in names] if names else assignment_folders()
    found: dict[str, list[Fate]] = {}
    for folder in folders:
        questions = load_assignment(folder).questions
        found[folder.name] = [fate for question in questions for fate in fates(question, sample=sample, seed=seed)]
        print(f"{folder.name}: tried", file=sys.stderr, flush=True)
    killed = {fate.mutant.key for own in found.values() for fate in own if fate.end == "killed"}
    survivors = 0
    for name, own in found.items():
        ends = settled(own, killed)
        survivors += sum(fate.end == "survived" for fate in ends)
        _print(name, ends)
    return survivors


def _print(name: str, found: Sequence[Fate]) -> None:
    print(f"{name}\n  {'question':32}" + "".join(f" {end:>10}" for end in ("made", *ENDS)))
    for question in dict.fromkeys(fate.question for fate in found):
        own = Counter(fate.end for fate in found if fate.question == question)
        print(f"  {question:32} {own.total():10}" + "".join(f" {own[end]:10}" for end in ENDS))
    for fate in found:
        if fate.end == "survived":
            seen = "no answer differs" if fate.same else "within what is allowed"
            print(f"    survived {fate.question} ({fate.mutant.operator}; {seen}) {fate.mutant.key}")
    killed = {f.mutant.key for f in found if f.end in ("killed", "elsewhere")}
    survived = {f.mutant.key for f in found if f.end == "survived"}
    different = len(killed) + len(survived)
    share = f"{len(killed) / different:.2%}" if different else "none made"
    print(f"  {name}: {len(killed)} of {different} different mutants are killed: {share}\n", flush=True)


def settled(found: Sequence[Fate], killed: Collection[str]) -> list[Fate]:
    """Call "elsewhere" what one question cannot show (a network that never pads) and another one kills."""
    return [replace(f, end="elsewhere") if f.end == "survived" and f.mutant.key in killed else f for f in found]


def main(arguments: Sequence[str] = ()) -> int:
    """Run the command; 1 where any mutant survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mutation", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="assignments; all of them if absent")
    parser.add_argument("--sample", type=int, default=0, help="mutants of each question; all of them if 0")
    parser.add_argument("--seed", type=int, default=SEED, help="of the hidden cases")
    options = parser.parse_args(arguments)
    try:
        return 1 if run(options.names, sample=options.sample, seed=options.seed) else 0
    except GraderError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
