"""Kill a run at random moments, resume it, and compare its results with those of a run that nobody disturbed.

``python -m tests.benchmarks nothing_lost``; ``python -m tests.benchmarks.nothing_lost 20`` for so many moments each.
"""

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.classes import NAME, command, comparable, grade, notebooks, write_class

_STUDENTS = 12
_MOMENTS = 3
_KILLED = {"main": "", "worker": "multiprocessing.spawn", "template": "grader.template", "terminal": ""}


def main(moments: int = _MOMENTS) -> None:
    """Print for each thing that is killed how often the results were the same."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        write_class(course, notebooks(), _STUDENTS)
        undisturbed = grade(course, "--to", f"{place}/undisturbed").seconds
        expected = comparable(course / "undisturbed")
        for what in _KILLED:
            same = resumed = 0
            for _ in range(moments):
                results = course / "results" / NAME
                shutil.rmtree(results, ignore_errors=True)
                resumed += _disturbed(course, what, rng.uniform(0.1, 1.0) * undisturbed)
                grade(course)
                same += comparable(results) == expected
            print(
                f"{what:9s} killed at {moments} moments: {same} times the same results, {resumed} runs had ended early"
            )


def _disturbed(course: Path, what: str, after: float) -> bool:
    """Start a run and kill something of it after some seconds; return whether the run ended by that."""
    process = subprocess.Popen(command(course), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    below = []
    with contextlib.suppress(psutil.Error):
        below = psutil.Process(process.pid).children(recursive=True)
    if what in ("main", "terminal"):
        process.send_signal(signal.SIGKILL if what == "main" else signal.SIGHUP)
    else:
        for one in below:
            with contextlib.suppress(psutil.Error):
                if _KILLED[what] in " ".join(one.cmdline()):
                    one.kill()
                    break
    process.wait(timeout=600)
    _, alive = psutil.wait_procs(below, timeout=20)
    if alive:
        print(f"  left behind: {alive}")
    return process.returncode != 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else _MOMENTS)
