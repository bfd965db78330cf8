"""What grading a class costs beside the students' own code, how that grows, and what trouble adds.

``python -m tests.benchmarks engine`` takes some minutes; ``python -m tests.benchmarks.engine 100 300 1000 3000`` grades
classes of these sizes instead.
"""

import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np

from grader.execute import fresh, run_plan
from grader.folders import find_assignment, load_assignment
from grader.judge import judge
from grader.pool import cores
from grader.prepare import PreparedQuestion, prepare
from tests.benchmarks.classes import NAME, ROOT, comparable, grade, notebooks, troublemakers, write_class

_CLASS = 200
_SIZES = (50, 150, 450)


def main() -> None:
    """Print every figure."""
    overhead(_CLASS)
    workers(_CLASS // 4)
    growth(_SIZES)
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
        few = Path(place) / "few"
        write_class(few, {name: texts[name] for name in names[:1]}, 2)
        start = min(grade(few).seconds for _ in range(2))
        whole = grade(course).seconds
    spent = whole * cores()
    print(
        f"{count} submissions, {cores()} cores: {whole:.1f} s of wall time, {1e3 * spent / count:.0f} ms of cores each"
    )
    print(f"  the students' own code    {1e3 * own / count:7.1f} ms")
    print(f"  beside it                 {1e3 * (spent - own) / count:7.1f} ms, of which")
    print(f"    judging the answers     {1e3 * judging / count:7.1f} ms")
    print(f"    starting, once a class  {1e3 * start * cores() / count:7.1f} ms (a class of two takes {start:.1f} s)")
    print(f"    forks, encoding, files  {1e3 * (spent - own - judging - start * cores()) / count:7.1f} ms")


def _costs(text: str, questions: list[PreparedQuestion]) -> tuple[float, float]:
    """CPU seconds of a student's own code, and of judging what it answers, each the median of three."""
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    code = ["".join(c["source"]) for c in cells if not {"check", "demo"} & set(c["metadata"].get("tags", ()))]
    own, judging = [], []
    for _ in range(3):
        started, names = time.process_time(), {"__name__": "__main__"}
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for source in code:
                with contextlib.suppress(Exception):  # magics, which grading understands
                    exec(source, names)
            answers = [[run_plan(fresh(t.plan), names) for t in q.trials] for q in questions]
        own.append(time.process_time() - started)
        started = time.process_time()
        for question, given in zip(questions, answers, strict=True):
            judge(question, given)
        judging.append(time.process_time() - started)
    return median(own), median(judging)


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


def growth(sizes: tuple[int, ...]) -> None:
    """Print time a submission and the main process's memory as a class grows."""
    texts = notebooks()
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            write_class(Path(place), texts, size)
            timed = grade(Path(place))
        print(f"{size:6d} submissions: {1e3 * timed.seconds / size:6.0f} ms each, main process {timed.memory:.0f} MiB")


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
        quick = ("--time-factor", "0.2")
        plain = grade(calm, *quick)
        worse = grade(troubled, *quick)
        one, other = (comparable(c / "results" / NAME) for c in (calm, troubled))
    same = sum(other.get(name) == result for name, result in one.items())
    print(
        f"{count} submissions and {count // 9} hostile or broken ones: {same} of {count} results as without them,",
        end=" ",
    )
    print(f"{worse.seconds:.0f} s for {plain.seconds:.0f} s")


if __name__ == "__main__":
    growth(tuple(map(int, sys.argv[1:])) or _SIZES)
