"""Classes to grade in benchmarks: real notebooks of 04-convolution in mixed styles, and what grades them."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from grader.build import build, dumps
from grader.demo import make_class
from grader.fill import fill_from_file
from grader.folders import find_assignment

ROOT = Path(__file__).resolve().parents[2]
NAME = "04-convolution"


def sources() -> dict[str, Path]:
    """Return the right solutions in different styles that need nothing but NumPy, by name."""
    folders = [ROOT / "assignments" / NAME / "examples", ROOT / "tests" / "assignments" / "styles_04_convolution"]
    found = {p.stem: p for folder in folders for p in sorted(folder.glob("*.py")) if not p.stem.startswith("_")}
    return {name: path for name, path in found.items() if "torch" not in path.read_text()}


def notebooks() -> dict[str, str]:
    """Return the styles as filled notebooks."""
    blank = build(find_assignment(NAME, root=ROOT))
    return {name: dumps(fill_from_file(blank, path)) for name, path in sources().items()}


def write_class(to: Path, texts: dict[str, str], count: int) -> None:
    """Write an nbgrader-like course of ``count`` students who hand in the texts in turn."""
    names = sorted(texts)
    for number in range(count):
        hand_in(to, f"s{number:05d}", texts[names[number % len(names)]])


def hand_in(to: Path, student: str, text: str) -> None:
    """Write one submission into a course."""
    path = to / "submitted" / student / NAME / "convolution.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def troublemakers(to: Path) -> dict[str, str]:
    """Return the demo's hostile and broken notebooks."""
    made = make_class(find_assignment(NAME, root=ROOT), to)
    wanted = ("runs-for-ever", "ends-the-process", "floods-its-output", "patches-numpy", "cut-off", "moved-the-checks")
    return {name: made[name].read_text(encoding="utf-8") for name in wanted}


@dataclass(frozen=True)
class Timed:
    """One run of the command: wall seconds, and the main process's peak memory in MiB."""

    seconds: float
    memory: float


def command(course: Path, *arguments: str) -> list[str]:
    """Return the command line that grades a course with a fixed seed."""
    grader = [str(Path(sys.executable).parent / "grader"), "autograde", str(ROOT / "assignments" / NAME)]
    return [*grader, "--course", str(course), "--seed", "1", *arguments]


def grade(course: Path, *arguments: str) -> Timed:
    """Grade a course and watch the main process."""
    started, peak = time.perf_counter(), 0
    process = subprocess.Popen(command(course, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            peak = max(peak, watched.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.05)
    if process.wait() not in (0, 1):
        raise RuntimeError(f"grading ended with {process.returncode}")
    return Timed(time.perf_counter() - started, peak / 2**20)


def comparable(results: Path) -> dict[str, object]:
    """Return a journal's results without what only the clock decides."""
    found = {}
    for path in results.glob("[!.]*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        data["seconds"] = 0
        for question in data["questions"]:
            question["seconds"] = 0
        found[path.name] = data
    return found


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster of processes of this machine."""

    address: str
    scheduler: psutil.Process
    workers: list[psutil.Process]


@contextlib.contextmanager
def cluster(place: Path, workers: int) -> Iterator[Cluster]:
    """Start a scheduler and workers as somebody would by hand, and end what is left of them."""
    from distributed import Client

    file, processes = place / "scheduler.json", list[psutil.Process]()
    dask = str(Path(sys.executable).parent / "dask")
    here = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]

    def start(*arguments: str) -> psutil.Process:
        process = psutil.Popen([dask, *arguments, *here], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        processes.append(process)
        return process

    file.unlink(missing_ok=True)
    scheduler = start("scheduler", "--port", "0")
    started = [start("worker", "--nthreads", "1") for _ in range(workers)]
    try:
        while not file.exists() or not file.read_text():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield Cluster(address, scheduler, started)
    finally:
        for process in reversed(processes):
            with contextlib.suppress(psutil.Error):
                process.terminate()
        _, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            process.kill()
