"""Grade submissions of one assignment: one, or a class on all cores. Knows no gradebook and no page."""

import json
import multiprocessing
import multiprocessing.connection
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.examine import Times, examine
from grader.files import read_text
from grader.folders import assignment_version, load_assignment, topic
from grader.personal import for_student, read_secret
from grader.prepare import PreparedQuestion, prepare
from grader.read import read_submission
from grader.results import Result
from grader.sandbox import Layers, Limits, probe, require
from grader.session import Template, TemplateLostError
from grader.spawn import SpawnTemplate

_TEMPLATE_TRIES = 3


@dataclass(frozen=True)
class Options:
    """What a grading run is told besides the assignment; recorded results depend on nothing else.

    ``sandbox`` is "auto" (every layer that this machine has, refusing without the Linux core) or "none".
    """

    seed: int
    sandbox: str = "auto"
    limits: Limits = field(default_factory=Limits)
    times: Times = field(default_factory=Times)


@dataclass(frozen=True)
class Graded:
    """One submission's end: a result, or the reason why there is none."""

    student: str
    result: Result | None
    problem: str = ""


def fresh_seed() -> int:
    """Draw a seed that nobody can predict."""
    return secrets.randbits(48)


class Grading:
    """One assignment made ready, with a template process of its own. A context manager.

    Parameters
    ----------
    folder : path
        The assignment's.
    options : Options

    Raises
    ------
    GraderError
        If the assignment is faulty, or the machine cannot isolate student code as asked.
    """

    def __init__(self, folder: Path, options: Options) -> None:
        assignment = load_assignment(folder)
        self._folder = folder
        self._name = assignment.name
        self._options = options
        self._layers = layers_for(options.sandbox)
        self._master = master_notebook(folder)
        self._assignment, self._secret = assignment, read_secret(folder)
        self._questions = [prepare(q, options.seed) for q in assignment.questions]
        self._versions = {"assignment": assignment_version(folder)[:16]}
        self._template: Template | SpawnTemplate | None = None

    def grade(
        self, path: Path, *, student: str | None = None, progress: Callable[[str], None] = lambda question: None
    ) -> Result:
        """Grade one file.

        Raises
        ------
        GraderError
            If the file cannot be read as a submission, or no template process stays alive.
        """
        submission = read_submission(path, self._master, student=student)
        questions = self._questions_of(submission.student)
        for _ in range(_TEMPLATE_TRIES):
            try:
                return examine(
                    submission,
                    self._name,
                    questions,
                    self._ready_template(),
                    seed=self._options.seed,
                    times=self._options.times,
                    versions=self._versions,
                    progress=progress,
                )
            except TemplateLostError:
                self.close()
        raise GraderError(
            f"{path}: the template process was lost {_TEMPLATE_TRIES} times: is the machine out of memory?"
        )

    def _questions_of(self, student: str) -> list[PreparedQuestion]:
        """The prepared questions, those on a student's own numbers made anew."""
        own = for_student(self._assignment, self._secret, student).questions
        return [
            ready if q.personal is None or not self._secret else prepare(q, self._options.seed)
            for q, ready in zip(own, self._questions, strict=True)
        ]

    def _ready_template(self) -> Template | SpawnTemplate:
        if not hasattr(os, "fork"):
            return SpawnTemplate()
        if self._template is None or not self._template.alive:
            secret = [str(self._folder.parent), str(self._folder.parent.parent / "solutions")]
            self._template = Template(self._layers, self._options.limits, secret)
        return self._template

    def close(self) -> None:
        """End the template process."""
        if self._template is not None:
            self._template.close()
            self._template = None

    def __enter__(self) -> "Grading":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def master_notebook(folder: Path) -> Mapping[str, Any]:
    """Return the student notebook as it was handed out: the one that lies in the folder, else a new one."""
    path = folder / f"{topic(folder)}.ipynb"
    if path.is_file():
        notebook: dict[str, Any] = json.loads(read_text(path))
        return notebook
    from grader.build import build  # takes a second to import

    return build(folder)  # type: ignore[no-any-return]


def layers_for(sandbox: str) -> Layers:
    """Return the isolation to use, refusing where the machine lacks what was asked for."""
    layers = Layers() if sandbox == "none" else probe()
    require(layers, sandbox)
    return layers


def grade_all(folder: Path, submissions: Mapping[str, Path], options: Options, *, jobs: int = 0) -> Iterator[Graded]:
    """Grade a class, in the order in which submissions are done.

    Parameters
    ----------
    folder : path
        The assignment's.
    submissions : mapping from str
        Student to file.
    options : Options
    jobs : int
        Processes, each with a template of its own; 0 for one per core.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = min(jobs or cores, 64)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        max(1, min(jobs, len(submissions))), context, initializer=_start, initargs=(folder, options)
    ) as pool:
        running: dict[Future[Graded], str] = {
            pool.submit(_grade_one, student, path): student for student, path in submissions.items()
        }
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                student = running.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    yield Graded(student, None, "a grading process ended unexpectedly: grade again")


_grading: Grading | None = None


def _start(folder: Path, options: Options) -> None:
    """In a new process of the pool: make the assignment ready once."""
    global _grading
    _grading = Grading(folder, options)
    multiprocessing.util.Finalize(None, _grading.close, exitpriority=1)
    threading.Thread(target=_end_with_parent, args=(_grading,), daemon=True).start()


def _end_with_parent(grading: Grading) -> None:
    """End this process of the pool, and its template, once the main process is gone: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        try:
            grading.close()
        finally:
            os._exit(1)


def _grade_one(student: str, path: Path) -> Graded:
    assert _grading is not None
    try:
        return Graded(student, _grading.grade(path, student=student))
    except GraderError as error:
        return Graded(student, None, str(error))
