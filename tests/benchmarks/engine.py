"""What grading a class costs beside the students' own code, how that grows, and what trouble adds.

``python -m tests.benchmarks engine`` takes some minutes; ``python -m tests.benchmarks.engine growth 100 300 1000 3000``
measures one thing with other sizes.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot  # noqa: F401 - what the template has imported is no cost of a student's
import numpy as np

from grader.execute import fresh, run_plan
from grader.folders import find_assignment, load_assignment
from grader.judge import judge
from grader.pool import cores
from grader.prepare import PreparedQuestion, prepare
from grader.sandbox import Limits, probe
from grader.session import Source, Template
from tests.benchmarks.classes import NAME, ROOT, cluster, comparable, grade, notebooks, troublemakers, write_class

_CLASS = 200
_SIZES = (50, 150, 450)


def main() -> None:
    """Print every figure."""
    overhead(_CLASS)
    workers(_CLASS // 2)
    dask(_CLASS // 2)
    growth(*_SIZES)
    trouble(_CLASS // 2)


def overhead(count: int) -> None:
    """Print wall time × cores less the students' own CPU time, and where the rest goes."""
    texts = notebooks()
    questions = [prepare(q, 1) for q in load_assignment(find_assignment(NAME, root=ROOT)).questions]
    costs = {name: _costs(text, questions) for name, text in texts.items()}
    names = sorted(texts)
    own = sum(costs[names[i % len(names)]][0] for i in range(count))
    judging = sum(costs[names[i % len(names)]][1] for i in range(count))
    with tempfile.TemporaryDirectory() as place:
        course = Path(place) / "course"
        write_class(course, texts, count)
        start = _start(Path(place), texts)
        empty = _empty()
        whole = grade(course).seconds
    spent = whole * cores()
    print(
        f"{count} submissions, {cores()} cores: {whole:.1f} s of wall time, {1e3 * spent / count:.0f} ms of cores each"
    )
    print(f"  the students' own code    {1e3 * own / count:7.1f} ms")
    print(f"  beside it                 {1e3 * (spent - own) / count:7.1f} ms, of which")
    rest = spent - own - judging - start * cores() - empty * count
    print(f"    an empty notebook       {1e3 * empty:7.1f} ms (a process with every layer, a fork for questions)")
    print(f"    judging the answers     {1e3 * judging / count:7.1f} ms")
    print(f"    starting, once a class  {1e3 * start * cores() / count:7.1f} ms (a class of two takes {start:.1f} s)")
    print(f"    encoding, faults, files {1e3 * rest / count:7.1f} ms")


def _empty() -> float:
    """Seconds for a submission that does nothing and is asked nothing, the fastest tenth: isolation alone."""
    times = []
    with Template(probe(), Limits()) as template:
        for _ in range(50):
            started = time.perf_counter()
            with template.session() as session:
                list(session.run_cells([Source(1, "pass", "all")], seconds=60, total=60))
                session.ask([], seconds=60)
            times.append(time.perf_counter() - started)
    return sorted(times)[5]


def _costs(text: str, questions: list[PreparedQuestion]) -> tuple[float, float]:
    """CPU seconds of a student's own code (the fastest of three), and of judging what it answers."""
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    code = ["".join(c["source"]) for c in cells if not {"check", "demo"} & set(c["metadata"].get("tags", ()))]
    own = min(_own(code, questions) for _ in range(3))
    names = _ran(code)
    with _silence():
        answers = [[run_plan(fresh(t.plan), names) for t in q.trials] for q in questions]
    started = time.process_time()
    for question, given in zip(questions, answers, strict=True):
        judge(question, given)
    return own, time.process_time() - started


def _own(code: list[str], questions: list[PreparedQuestion]) -> float:
    """CPU seconds of cells and calls alone, in a fork that has imported what the template has, and no more."""
    receiver, sender = os.pipe()
    if os.fork() == 0:
        try:
            started = time.process_time()
            names = _ran(code)
            spent = [time.process_time() - started]
            timed = {name: _timed(value, spent) if callable(value) else value for name, value in names.items()}
            with _silence():
                for trial in (t for q in questions for t in q.trials):
                    steps = tuple(replace(s, lines=False) for s in trial.plan.steps)  # counting lines is ours
                    run_plan(fresh(replace(trial.plan, steps=steps)), timed)
            os.write(sender, repr(sum(spent)).encode())
        finally:
            os._exit(0)
    os.close(sender)
    with open(receiver, encoding="ascii") as file:
        return float(file.read())


def _timed(function: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        started = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            spent.append(time.process_time() - started)

    return call


def _ran(code: list[str]) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "__main__"}
    with _silence():
        for source in code:
            with contextlib.suppress(Exception):  # magics, which grading understands
                exec(source, names)
    return names


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def workers(count: int) -> None:
    """Print what the second process gains."""
    with tempfile.TemporaryDirectory() as place:
        write_class(Path(place), notebooks(), count)
        times = {
            jobs: [grade(Path(place), "--jobs", str(jobs), "--to", f"{place}/{jobs}{i}").seconds for i in range(2)]
            for jobs in (1, 2)
        }
    print(f"{count} submissions: one process {min(times[1]):.1f} s, two {min(times[2]):.1f} s,", end=" ")
    print(f"gain {min(times[1]) / min(times[2]):.2f}")


def dask(count: int) -> None:
    """Print the rate of two Dask workers beside that of two processes, and whether the results are the same."""
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        write_class(course, notebooks(), count)
        with cluster(course, workers=2) as started:
            runs = {"local": ("--jobs", "2"), "dask": ("--cluster", started.address)}
            times = dict.fromkeys(runs, float("inf"))
            for number in range(3):  # in turn, and the first of Dask's starts templates that the later ones find
                for name, arguments in runs.items():
                    timed = grade(course, *arguments, "--to", f"{place}/{name}{number}")
                    times[name] = min(times[name], timed.seconds)
        same = comparable(course / "local0") == comparable(course / "dask0") == comparable(course / "dask2")
    print(
        f"{count} submissions: two processes {times['local']:.1f} s, two Dask workers {times['dask']:.1f} s,", end=" "
    )
    print(f"the same results: {same}")


def growth(*sizes: int) -> None:
    """Print time a submission and the main process's memory as a class grows."""
    texts = notebooks()
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            start = _start(Path(place), texts)  # anew each time: the machine drifts
            write_class(Path(place), texts, size)
            timed = grade(Path(place))
        each = 1e3 * (timed.seconds - start) / size
        print(
            f"{size:6d} submissions: {timed.seconds:6.1f} s, {start:.1f} s of it to start, {each:4.0f} ms each,",
            end=" ",
        )
        print(f"main process {timed.memory:.0f} MiB", flush=True)


def _start(place: Path, texts: dict[str, str]) -> float:
    """Return the seconds that a class of as many as there are cores takes, none of which imports what takes long."""
    few, name = place / "few", min(texts)
    write_class(few, {name: texts[name]}, cores())
    return min(grade(few, "--to", f"{place}/{i}").seconds for i in range(3))


def trouble(count: int) -> None:
    """Print whether a tenth of hostile and broken submissions changes others' results, and what it costs."""
    texts = notebooks()
    with tempfile.TemporaryDirectory() as place:
        calm, troubled = Path(place) / "calm", Path(place) / "troubled"
        write_class(calm, texts, count)
        write_class(troubled, texts, count)
        bad = troublemakers(Path(place) / "made")
        write_class(troubled / "bad", bad, count // 9)
        for folder in (troubled / "bad" / "submitted").iterdir():
            folder.rename(troubled / "submitted" / f"bad-{folder.name}")
        quick = ("--time-factor", "0.1")
        plain = grade(calm, *quick)
        worse = grade(troubled, *quick)
        one, other = (comparable(c / "results" / NAME) for c in (calm, troubled))
        journalled = [json.loads(p.read_text()) for p in (troubled / "results" / NAME).glob("bad-*.json")]
    same = sum(other.get(name) == result for name, result in one.items())
    used, more = sum(r["seconds"] for r in journalled) / cores(), worse.seconds - plain.seconds
    limits = sum(q["seconds"] for r in journalled for q in r["questions"] if q["status"] == "timeout") / cores()
    print(f"{count} submissions and {count // 9} hostile or broken ones: {same} of {count} results as without them")
    print(f"  {worse.seconds:.0f} s for {plain.seconds:.0f} s: {more:.0f} s longer; of each core's time", end=" ")
    print(f"{used:.0f} s went into the troublesome ones, {limits:.0f} s of it until a limit ended them")
    print(f"  longer by {more / used:.2f} of what they took", end="")
    print(f", by {more / limits:.2f} of those limits" if limits else "")


if __name__ == "__main__":
    {"overhead": overhead, "workers": workers, "dask": dask, "trouble": trouble, "growth": growth}[sys.argv[1]](
        *map(int, sys.argv[2:])
    )
