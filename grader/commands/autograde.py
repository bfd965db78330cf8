"""The command ``autograde``: a whole class, resumed where the last run ended, with a live display."""

import contextlib
import importlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from grader import intake, journal
from grader.commands.shared import NameArgument, SandboxOption, SeedOption, err, out
from grader.engine import Event, Run
from grader.errors import GraderError
from grader.examine import Times
from grader.files import MEBIBYTE, shown
from grader.folders import find_assignment, topic
from grader.grading import Options, fresh_seed, layers_for
from grader.pool import LocalPool, jobs_for
from grader.regrade import changes
from grader.sandbox import Limits
from grader.scratch import scratch_folder

STOPPED = 130
_LINE_SECONDS = 5.0


def autograde(
    name: NameArgument,
    source: Annotated[
        Path | None,
        typer.Argument(help="A folder of submissions, or a zip from Canvas or Moodle; the course's own if absent."),
    ] = None,
    course: Annotated[
        Path | None, typer.Option(help="An nbgrader course, with `submitted/STUDENT/ASSIGNMENT`.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="The journal; `results/NAME` in the course or beside you if absent.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core.")] = 0,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Grade again what is journalled; say what changed, keep the old.")
    ] = False,
    only: Annotated[list[str] | None, typer.Option(help="This student alone; may be repeated.")] = None,
    seed: SeedOption = None,
    sandbox: SandboxOption = "auto",
    time_factor: Annotated[float, typer.Option(min=0.01, help="Stretch or shrink every time limit.")] = 1.0,
    call_seconds: Annotated[float, typer.Option(min=0.01, help="Time of what is called on one case.")] = Times.call,
    question_seconds: Annotated[
        float, typer.Option(min=0.0, help="Time of all calls of a question; 0 for what `questions.py` says.")
    ] = Times.question,
    submission_seconds: Annotated[
        float, typer.Option(min=0.01, help="Time of a submission, cells and questions.")
    ] = Times.submission,
    memory: Annotated[int, typer.Option(min=256, help="Memory of a submission, in MiB.")] = Limits.memory // MEBIBYTE,
    output: Annotated[
        int, typer.Option(min=1, help="What a submission may answer to one question, in MiB.")
    ] = Limits.output // MEBIBYTE,
    due: Annotated[str, typer.Option(help="When it was due; else what the course's gradebook says.")] = "",
    cluster: Annotated[str, typer.Option(help="Address of a Dask scheduler whose workers grade.")] = "",
    json_lines: Annotated[bool, typer.Option("--json-lines", help="One JSON object for each event on stdout.")] = False,
) -> None:
    """Grade a class on all cores, or on a cluster. Run it again to go on where it stopped.

    Each result is written to the journal as it comes; a second run skips every submission whose bytes, assignment and
    options are the same. The hidden cases come from a seed that is drawn once and recorded there, one for the whole
    class. In an nbgrader course the gradebook and `autograded/` are written, too, and late hand-ins lose points by the
    rule in its `nbgrader_config.py` (LateSubmissionPlugin), counted from `timestamp.txt`.

    Examples: `grader autograde convolution --course .` &nbsp; `grader autograde convolution moodle.zip --to results`
    """
    folder = find_assignment(name)
    if source is None and course is None:
        course = Path()
    results = to or (course or Path()) / "results" / folder.name
    say = _JsonLines() if json_lines else _Terminal(folder.name)
    with journal.alone(results), scratch_folder() as unpacked:
        found = _find(source, course, folder, Path(unpacked))
        if only:
            found = _only(found, only)
        if not found.handed:
            raise GraderError(f"no submission of {folder.name} was found" + "".join(f"; {a}" for a in found.aside[:1]))
        if seed is not None and not fresh and journal.read_run(results).get("seed", seed) != seed:
            raise GraderError(f"{results} has another seed: add --fresh to grade all again, or name another with --to")
        times = Times(call=call_seconds, question=question_seconds, submission=submission_seconds).scaled(time_factor)
        limits = Limits(memory=memory * MEBIBYTE, output=output * MEBIBYTE)
        options = _options(results, folder.name, seed, sandbox, times, limits)
        jobs = jobs_for(jobs, len(found.handed))
        run = Run(folder, results, options, fresh=fresh, carry=bool(cluster), progress="" if cluster else unpacked)
        if course is not None:
            from grader.late import parse_due, rule

            run = replace(run, penalty=rule(course, folder.name, parse_due(due) if due else None))
        book = course is not None and source is None and _has_gradebook(course)
        if book:
            _import_meanwhile("grader.nbgrader.gradebook")
        start, ahead = _executor(cluster, jobs, Path(unpacked))
        counts = _follow(run(list(found.handed.values()), start, ahead=ahead), say, len(found.handed), Path(unpacked))
        for reason in found.aside:
            say.aside(reason)
        missing = _enter(course, results, folder.name, say) if course is not None and book else 0
        say.done(counts, results)
    raise typer.Exit(1 if counts["problem"] or missing else 0)


def _has_gradebook(course: Path) -> bool:
    from grader.nbgrader.configuration import gradebook_url

    return bool(gradebook_url(course))


def _import_meanwhile(module: str) -> None:
    """Import what the end of a run needs in its beginning, while others grade: it takes seconds."""

    def load() -> None:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)

    threading.Thread(target=load, daemon=True).start()


def _enter(course: Path, results: Path, assignment: str, say: Any) -> int:
    """Write all that is journalled into the course's gradebook; return how much could not be."""
    from grader.nbgrader.gradebook import write

    try:
        problems = write(course, journal.read(results), assignment=assignment).problems
    except GraderError as error:
        problems = (f"not in the gradebook: {error}",)
    for problem in problems:
        say.aside(problem)
    return len(problems)


def _executor(cluster: str, jobs: int, progress: Path) -> tuple[Callable[[], Executor], int]:
    if not cluster:
        return (lambda: LocalPool(jobs)), 2 * jobs
    from grader.cluster import connect

    return connect(cluster, progress)


def _find(source: Path | None, course: Path | None, folder: Path, unpacked: Path) -> intake.Intake:
    names = (topic(folder), folder.name)
    if source is None:
        assert course is not None
        return intake.from_course(course, folder.name, names)
    if source.is_dir():
        return intake.from_folder(source, names)
    if not source.exists():
        raise GraderError(f"{shown(source)}: no such folder or zip archive of submissions")
    return intake.from_archive(source, unpacked / "archive", names)


def _only(found: intake.Intake, students: Sequence[str]) -> intake.Intake:
    missing = [s for s in students if s not in found.handed]
    if missing:
        raise GraderError(f"no submission of {', '.join(map(repr, missing))} among {len(found.handed)} students")
    return intake.Intake({s: found.handed[s] for s in students})


def _options(results: Path, assignment: str, seed: int | None, sandbox: str, times: Times, limits: Limits) -> Options:
    """Go on with the seed of this journal, or begin one with a new seed."""
    from grader.calibrate import slowness

    layers_for(sandbox)  # refuse here, in one line, before any process is started
    run = journal.read_run(results)
    if run.get("assignment", assignment) != assignment:
        raise GraderError(f"{results} holds results of {run['assignment']}: name another folder with --to")
    slow = slowness()
    if not run:
        first = {"schema": 1, "assignment": assignment, "seed": fresh_seed() if seed is None else seed}
        run = journal.begin_run(results, {**first, "slowness": slow})
    chosen = run["seed"] if seed is None else seed
    journal.write_run(results, {"schema": 1, "assignment": assignment, "seed": chosen, "slowness": slow})
    return Options(seed=chosen, sandbox=sandbox, limits=limits, times=times, slowness=slow)


def _follow(events: Iterator[Event], say: Any, total: int, progress: Path) -> Counter[str]:
    """Pass every event on to the display; stop cleanly, and say how to go on, at Ctrl-C."""
    counts: Counter[str] = Counter()
    try:
        with contextlib.closing(events), say.showing(total, progress):  # type: ignore[type-var]
            for event in events:
                if event.kind != "tick":
                    counts[event.kind] += 1
                say.event(event, counts)
    except KeyboardInterrupt:  # the display has gone by now, and would have taken the words along
        done = counts["graded"] + counts["skipped"]
        say.stopped(f"stopped: {done} of {total} are in the journal; the same command goes on from there")
        raise SystemExit(STOPPED) from None
    return counts


class _JsonLines:
    """One JSON object a line on stdout."""

    @contextlib.contextmanager
    def showing(self, total: int, progress: Path) -> Iterator[None]:
        self._write(event="begin", submissions=total)
        yield

    def event(self, event: Event, counts: Counter[str]) -> None:
        if event.kind == "tick":
            return
        data: dict[str, Any] = {"event": event.kind, "student": event.student}
        if event.result is not None:
            r = event.result
            data |= {"points": r.points, "total": r.total, "max_points": r.max_points, "seconds": r.seconds}
            data["questions"] = {q.name: q.status for q in r.questions}
        if event.message:
            data["message"] = event.message
        self._write(**data)

    def aside(self, reason: str) -> None:
        self._write(event="aside", message=reason)

    def stopped(self, message: str) -> None:
        self._write(event="stopped", message=message)

    def done(self, counts: Counter[str], results: Path) -> None:
        self._write(event="done", counts=dict(counts), results=str(results))

    def _write(self, **data: Any) -> None:
        sys.stdout.write(json.dumps(data) + "\n")
        sys.stdout.flush()


class _Terminal:
    """A live display on a terminal, plain lines elsewhere."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._live: Live | None = None

    @contextlib.contextmanager
    def showing(self, total: int, progress: Path) -> Iterator[None]:
        self._total, self._progress, self._fresh = total, progress, 0
        self._started = self._printed = time.monotonic()
        if not err.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[rate]}"),
        )  # fmt: skip
        self._bar = Progress(*columns, console=err)
        self._task = self._bar.add_task(self._title, total=total, rate="")
        with Live(self._bar, console=err, refresh_per_second=5, transient=True) as self._live:
            yield
        self._live = None

    def event(self, event: Event, counts: Counter[str]) -> None:
        done = counts["graded"] + counts["skipped"] + counts["problem"]
        self._fresh += event.kind in ("graded", "problem")
        if event.kind == "graded" and event.before is not None and event.result is not None:
            for line in changes(event.before, event.result):
                out.print(line, markup=False)
        if event.kind == "problem" or (event.kind == "graded" and event.message):
            err.print(f"{event.student}: {event.message}", markup=False)
        if event.kind == "again":
            err.print(f"{event.student}: {event.message}: trying again", markup=False)
        if self._live is not None and event.kind == "skipped":
            self._bar.reset(self._task, completed=done, rate="")  # took no time: the time left is that of the others
        elif self._live is not None:
            if event.kind != "tick":
                self._forget(event.student)
            rate = self._fresh / max(time.monotonic() - self._started, 1e-9)
            self._bar.update(self._task, completed=done, rate=f"{rate:.1f}/s")
            self._live.update(Group(self._bar, *self._workers(), Text(_in_words(counts), style="dim")))
        elif done == self._total or time.monotonic() - self._printed > _LINE_SECONDS:
            self._printed = time.monotonic()
            err.print(f"{done} of {self._total}: {_in_words(counts)}", markup=False)

    def _workers(self) -> list[Text]:
        return [Text(f"  {shown(student)}: {question}", style="cyan") for _, student, question in self._at_work()]

    def _forget(self, student: str) -> None:
        """Take away what a worker that was killed over a submission says to be at: it can no longer do so itself."""
        for place, of, _ in self._at_work():
            if of == student:
                place.unlink(missing_ok=True)

    def _at_work(self) -> Iterator[tuple[Path, str, str]]:
        for place in sorted(p for p in self._progress.iterdir() if p.name.isdecimal()):
            with contextlib.suppress(OSError):
                student, _, question = place.read_text(encoding="utf-8", errors="surrogateescape").partition("\n")
                yield place, student, question

    def aside(self, reason: str) -> None:
        err.print(f"left aside: {reason}", markup=False)

    def stopped(self, message: str) -> None:
        sys.stderr.write(f"grader: {message}\n")

    def done(self, counts: Counter[str], results: Path) -> None:
        seconds = time.monotonic() - self._started
        out.print(f"{_in_words(counts)} in {seconds:.1f} s; journal: {results}", markup=False)


def _in_words(counts: Counter[str]) -> str:
    names = {
        "graded": "graded",
        "skipped": "journalled before",
        "problem": "could not be graded",
        "again": "tried again",
    }
    return ", ".join(f"{counts[k]} {words}" for k, words in names.items() if counts[k]) or "nothing yet"
