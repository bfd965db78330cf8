"""Kill a run at random moments, resume it, and compare its results with those of a run that nobody disturbed.

``python -m tests.benchmarks nothing_lost``; ``python -m tests.benchmarks.nothing_lost 20 main worker`` for so many
moments of these alone. A full disk needs root, who may mount a small one.
"""

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from tests.benchmarks.classes import Cluster, cluster, command, comparable, grade, notebooks, write_class

_STUDENTS = 12
_MOMENTS = 3
_PATIENCE = 120
_BELOW = {"worker": "multiprocessing.spawn", "template": "grader.template"}
_DASK = ("dask worker", "dask scheduler")
EVERYTHING = ("main", "terminal", *_BELOW, "full disk", *_DASK)


def main(moments: int = _MOMENTS, *killed: str) -> None:
    """Print for each thing that is killed how often the results were the same."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        write_class(course, notebooks(), _STUDENTS)
        grade(course, "--to", f"{place}/undisturbed")
        expected = comparable(course / "undisturbed")
        for what in killed or EVERYTHING:
            whole = _undisturbed(course, what)
            same = hit = tries = 0
            kept = list[int]()
            while hit < moments and tries < 4 * moments:
                tries += 1
                with _journal(course, what) as results:
                    if results is None:
                        break
                    done, code = _disturbed(course, results, what, rng.uniform(0.1, 1.0) * whole)
                    whole *= 1.0 if done else 0.95  # it ended before its moment came: the machine is quicker now
                    hit += done
                    kept += [len(comparable(results))] if code else []
                    grade(course, "--to", str(results))
                    same += comparable(results) == expected
            early = f"{len(kept)} ended early" + (f", with {min(kept)} to {max(kept)} results" if kept else "")
            print(f"{what:14s} at {hit} moments of {tries} runs: {same} times the same results; {early}", flush=True)


def _undisturbed(course: Path, what: str) -> float:
    """Return how long a run takes that is left alone, on a new cluster where that is what will be disturbed."""
    with tempfile.TemporaryDirectory() as results:
        if what not in _DASK:
            return grade(course, "--to", results).seconds
        with cluster(course, workers=2) as dask:
            return grade(course, "--to", results, "--cluster", dask.address).seconds


@contextlib.contextmanager
def _journal(course: Path, what: str) -> Iterator[Path | None]:
    """Make an empty journal, for "full disk" on a small one."""
    results = course / "journal"
    results.mkdir()
    small = what == "full disk"
    if small and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", results], check=False).returncode:
        print("  no small disk can be mounted here")
        results.rmdir()
        yield None
        return
    try:
        yield results
    finally:
        if small:
            subprocess.run(["umount", results], check=True)
        shutil.rmtree(results)


def _disturbed(course: Path, results: Path, what: str, after: float) -> tuple[bool, int]:
    """Start a run and end something of it after some seconds; return whether it was there, and the run's exit code."""
    if what in _DASK:
        with cluster(course, workers=2) as dask:
            return _run(course, results, ("--cluster", dask.address), after, lambda run: _kill_dask(dask, what))
    return _run(course, results, (), after, lambda run: _kill(run, what, results))


def _run(
    course: Path, results: Path, more: tuple[str, ...], after: float, kill: Callable[[psutil.Process], bool]
) -> tuple[bool, int]:
    process = subprocess.Popen(
        command(course, "--to", str(results), *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    run, hit = psutil.Process(process.pid), False
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(after)
    below = []
    while process.poll() is None and not hit:
        with contextlib.suppress(psutil.Error):
            below = run.children(recursive=True)
        with contextlib.suppress(psutil.Error):
            hit = kill(run)
        time.sleep(0.01)
    process.wait(timeout=_PATIENCE)
    _, alive = psutil.wait_procs(below, timeout=20)
    if alive:
        print(f"  left behind: {alive}")
    (results / "filler").unlink(missing_ok=True)
    return hit, process.returncode


def _kill(run: psutil.Process, what: str, results: Path) -> bool:
    if what in ("main", "terminal"):
        run.send_signal(signal.SIGKILL if what == "main" else signal.SIGHUP)
        return True
    if what == "full disk":
        with contextlib.suppress(OSError), open(results / "filler", "wb", buffering=0) as file:
            while file.write(b"0" * 4096):
                pass
        return True
    for process in run.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # submissions come and go
            if _BELOW[what] in " ".join(process.cmdline()):
                process.kill()
                return True
    return False


def _kill_dask(dask: Cluster, what: str) -> bool:
    """Kill the scheduler, or a worker's process: its nanny starts another."""
    victim = dask.scheduler if what == "dask scheduler" else next(iter(dask.workers[0].children()), None)
    if victim is None:
        return False
    victim.kill()
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else _MOMENTS, *sys.argv[2:])
