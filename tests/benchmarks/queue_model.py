"""What 10, 100 and 1,000 workers would do with 100,000 submissions: a queue fed with costs that are measured here.

A worker has one submission to grade and one waiting (as `Run` hands them out); the main process takes results one after
another, journals each, and hands out the next. Nothing is simulated but waiting.
"""

import heapq
import random
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from grader import journal
from grader.engine import Run
from grader.grading import Options
from grader.results import Result
from grader.tasks import Graded, Task
from tests.benchmarks.classes import NAME, ROOT, cluster, grade, notebooks, write_class

SUBMISSIONS = 100_000
WORKERS = (2, 10, 100, 1000)
_MEASURED = 40
_SMALL_TASKS = 1000


def main() -> None:
    """Print the costs, and what they lead to."""
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        write_class(course, notebooks(), _MEASURED)
        grade(course, "--jobs", "1", "--to", f"{place}/measured")
        results = list(journal.read(course / "measured"))
        grading = [r.seconds for r in results]
        recording = _recording(course, results)
        with cluster(course, workers=2) as dask:
            passing = _passing(dask.address)
        few = course / "few"
        write_class(few, {"one": next(iter(notebooks().values()))}, 1)
        start = grade(few).seconds
    print(f"a submission: {1e3 * sum(grading) / len(grading):.0f} ms of a worker; the first one {start:.1f} s")
    print(f"a result: {1e3 * recording:.2f} ms of the main process; Dask's own share {1e3 * passing:.2f} ms")
    print(f"{SUBMISSIONS} submissions: workers, minutes, share of their time that workers grade, that main is at work")
    for count in WORKERS:
        seconds = simulated(grading, recording + passing, count, SUBMISSIONS)
        graded = SUBMISSIONS * sum(grading) / len(grading) / seconds / count
        busy = SUBMISSIONS * (recording + passing) / seconds
        print(f"  {count:5d} {(start + seconds) / 60:8.1f} {graded:8.0%} {busy:8.0%}")


def _recording(course: Path, results: Sequence[Result]) -> float:
    """Seconds of the main process for one result: a file is read to be sent along, the result written and synced."""
    run = Run(ROOT / "assignments" / NAME, course / "recorded", Options(seed=1), carry=True)
    path = str(next(course.rglob("*.ipynb")))
    started = time.perf_counter()
    for result in results:
        run._complete(Task(result.student, path, str(run.folder), run.options, ""))
        run._record(Task(result.student, path, str(run.folder), run.options, ""), Graded(result.student, result), 1)
    return (time.perf_counter() - started) / len(results)


def _passing(address: str) -> float:
    """Seconds that Dask takes to hand one small task out and its answer back."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        executor = client.get_executor(pure=False)
        started = time.perf_counter()
        list(executor.map(int, range(_SMALL_TASKS)))
        return (time.perf_counter() - started) / _SMALL_TASKS


def simulated(grading: Sequence[float], recording: float, workers: int, submissions: int) -> float:
    """Return the seconds until all is journalled.

    Examples
    --------
    >>> simulated([1.0], 0.0, workers=2, submissions=10)
    5.0
    >>> simulated([1.0], 1.0, workers=100, submissions=10)  # what waits for the main process waits in line
    11.0
    """
    rng = random.Random(0)
    sent = min(submissions, 2 * workers)
    arrivals = [deque([0.0] * len(range(w, sent, workers))) for w in range(workers)]
    ends = [(arrivals[w].popleft() + rng.choice(grading), w) for w in range(min(workers, sent))]
    heapq.heapify(ends)
    main_free = 0.0
    while ends:
        now, worker = heapq.heappop(ends)
        main_free = max(main_free, now) + recording
        if sent < submissions:
            sent += 1
            arrivals[worker].append(main_free)
        if arrivals[worker]:
            begins = max(now, arrivals[worker].popleft())
            heapq.heappush(ends, (begins + rng.choice(grading), worker))
    return main_free


if __name__ == "__main__":
    main()
