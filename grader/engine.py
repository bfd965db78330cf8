"""A class from its submissions to its journal: what is due, tried again where we failed, recorded as it comes.

Grading is a pure function of (submission, assignment, options), so a class is a map over any
`concurrent.futures.Executor`: processes of this machine (`grader.pool`) or a cluster's workers. Knows no gradebook and
no page; prints nothing.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from grader import journal
from grader.errors import GraderError
from grader.files import read_bytes
from grader.folders import assignment_version
from grader.grading import Options
from grader.intake import Handed
from grader.results import Penalty, Result
from grader.tasks import Graded, Task, grade_task

_TRIES = 3
_TRIES_OF_POOLS = 10  # what ran beside the one that took a pool down is counted, too
_TICK = 0.2


@dataclass(frozen=True)
class Event:
    """What happened: "skipped" (journalled before), "graded", "problem", "again" (our failure), "tick" (nothing)."""

    kind: str
    student: str = ""
    result: Result | None = None
    before: Result | None = None
    message: str = ""


@dataclass(frozen=True)
class Run:
    """One run over a class.

    Attributes
    ----------
    folder : path
        The assignment's.
    results : path
        The journal's folder.
    options : Options
    fresh : bool
        Grade again what is journalled; the results replaced are kept beside.
    penalty : function
        Points off for when a file was handed in, from the file and its result; not part of the examination.
    carry : bool
        Send the submissions' bytes along, for executors on other machines.
    progress : path, optional
        A folder in which each process says what it is at.
    """

    folder: Path
    results: Path
    options: Options
    fresh: bool = False
    penalty: Callable[[Path, Result], Penalty | None] = lambda path, result: None
    carry: bool = False
    progress: str = ""

    def __call__(self, handed: Sequence[Handed], start: Callable[[], Executor], *, ahead: int) -> Iterator[Event]:
        """Grade a class and journal each result as it comes.

        Parameters
        ----------
        handed : sequence of Handed
        start : function
            Starts an executor; called again when the processes of the last one are lost.
        ahead : int
            How many submissions the executor is given at once: some more than it has processes.

        Yields
        ------
        Event
            For each submission one of "skipped", "graded", "problem"; "tick" in between so that a display can move.
        """
        version = assignment_version(self.folder)[:16]
        number = journal.next_old(self.results)
        due = deque[tuple[Task, int]]()
        for one in handed:
            task = Task(one.student, str(one.path), str(self.folder), self.options, version, one.notes, self.progress)
            before = journal.find(self.results, one.student)
            if before is not None and not self.fresh and _current(before, task):
                yield Event("skipped", one.student, self._penalised(task, before))
            else:
                due.append((task, 1))
        executor, running = None, dict[Future[Graded], tuple[Task, int]]()
        try:
            while due or running:
                lost = False
                executor = executor or start()
                while due and len(running) < ahead:
                    task, tries = due.popleft()
                    try:
                        running[executor.submit(grade_task, self._complete(task))] = (task, tries)
                    except GraderError as error:
                        yield self._problem(task, str(error))
                    except BrokenExecutor:
                        due.appendleft((task, tries))
                        lost = True
                        break
                done, _ = wait(running, timeout=_TICK, return_when=FIRST_COMPLETED)
                lost = lost or getattr(executor, "gone", False)  # a cluster's, whose futures may never end then
                if not done and not lost:
                    yield Event("tick")
                for future in done:
                    task, tries = running.pop(future)
                    try:
                        graded = future.result()
                    except Exception as error:
                        broken = isinstance(error, BrokenExecutor | CancelledError)
                        lost = lost or broken
                        what = f"{type(error).__name__}: {error}".rstrip(": ")
                        if tries < (_TRIES_OF_POOLS if broken else _TRIES):
                            due.append((task, tries + 1))
                            yield Event("again", task.student, message=what)
                        else:
                            yield self._problem(task, f"grading failed {tries} times on our side ({what}): grade again")
                        continue
                    yield self._record(task, graded, number)
                if lost and executor is not None:
                    # What ran beside comes back broken, too, or never: all of it goes to the next pool.
                    due.extend((task, tries + 1) for task, tries in running.values())
                    running.clear()
                    executor.shutdown(wait=False)
                    executor = None
        finally:
            if executor is not None:
                executor.shutdown(wait=False)

    def _complete(self, task: Task) -> Task:
        return replace(task, data=read_bytes(task.path)) if self.carry else task

    def _record(self, task: Task, graded: Graded, number: int) -> Event:
        if graded.result is None:
            return self._problem(task, graded.problem)
        before, unreadable = journal.look(self.results, task.student)
        result = replace(graded.result, notes=(*task.notes, *graded.result.notes))
        penalty = self.penalty(Path(task.path), result)
        result = replace(result, penalties=() if penalty is None else (penalty,))
        if before is not None or unreadable:
            journal.set_aside(self.results, task.student, number)
        journal.write(self.results, result)
        message = f"graded again, the old file is in .old/{number}: {unreadable}" if unreadable else ""
        return Event("graded", task.student, result, before, message)

    def _penalised(self, task: Task, before: Result) -> Result:
        """A result journalled before, with what the rule for late hand-ins says of it now."""
        penalty = self.penalty(Path(task.path), before)
        after = replace(before, penalties=() if penalty is None else (penalty,))
        if after != before:
            journal.write(self.results, after)
        return after

    def _problem(self, task: Task, message: str) -> Event:
        journal.write_problem(self.results, task.student, message)
        return Event("problem", task.student, message=message)


def _current(before: Result, task: Task) -> bool:
    """Whether a journalled result is what grading would reach again."""
    asked = (task.version, task.options.key, task.options.seed)
    if (before.versions.get("assignment"), before.versions.get("options"), before.seed) != asked:
        return False
    try:
        return hashlib.sha256(read_bytes(task.path)).hexdigest() == before.submission_sha256
    except GraderError:
        return False
