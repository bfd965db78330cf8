"""One submission to grade as plain data, and the function that grades it in whatever process it reaches.

The process keeps the assignment ready and its template running for the next task.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader.errors import GraderError, MachineError
from grader.folders import assignment_version
from grader.grading import Grading, Options
from grader.results import Result
from grader.scratch import scratch_folder


@dataclass(frozen=True)
class Task:
    """One submission to grade: all that a process somewhere else needs.

    Attributes
    ----------
    student, path, folder : str
        Whose, the file, and the assignment's folder.
    version : str
        The assignment's: another one on the machine that grades is refused.
    notes : tuple of str
        What was noticed as the file was found.
    progress : str
        A folder in which the process says what it is at; empty for nowhere.
    data : bytes, optional
        The file, where the process that grades does not see this machine's files.
    """

    student: str
    path: str
    folder: str
    options: Options
    version: str
    notes: tuple[str, ...] = ()
    progress: str = ""
    data: bytes | None = None


@dataclass(frozen=True)
class Graded:
    """One submission's end: a result, or the reason why there is none."""

    student: str
    result: Result | None
    problem: str = ""


_one_at_a_time = threading.Lock()  # a cluster may give a process several threads
_ready: tuple[tuple[str, Options, str], Grading] | None = None


def grade_task(task: Task, say: Callable[[str], None] | None = None) -> Graded:
    """Grade one submission.

    Parameters
    ----------
    task : Task
    say : function, optional
        Told what the submission is at, and nothing, an empty text, as it ends; by default the task's folder is.

    Raises
    ------
    MachineError
        If this machine failed, and not the submission: give the task to another process.
    """
    if say is None:
        say = partial(note, Path(task.progress), os.getpid(), task.student) if task.progress else lambda what: None
    say("its cells")
    with _one_at_a_time, _file(task) as path:
        try:
            grading = _grading(task)
            return Graded(task.student, grading.grade(path, student=task.student, progress=say))
        except MachineError:
            raise
        except GraderError as error:
            return Graded(task.student, None, str(error))
        finally:
            say("")


def note(folder: Path, process: int, student: str, what: str) -> None:
    """Note in a folder, for whoever shows it, what a process is at; with an empty text, that it is at nothing."""
    place = folder / str(process)
    with contextlib.suppress(OSError):
        if what:
            place.write_text(f"{student}\n{what}", encoding="utf-8", errors="surrogateescape")
        else:
            place.unlink()


def _grading(task: Task) -> Grading:
    """Return what the last task of this assignment left ready, else make it."""
    global _ready
    key = (task.folder, task.options, task.version)
    if _ready is None or _ready[0] != key:
        release()
        version = assignment_version(task.folder)[:16]
        if version != task.version:
            raise MachineError(f"{task.folder} is another version there ({version}, not {task.version})")
        try:
            _ready = (key, Grading(Path(task.folder), task.options))
        except GraderError as error:
            raise MachineError(str(error)) from error
    return _ready[1]


def release() -> None:
    """End this process's template."""
    global _ready
    if _ready is not None:
        _ready[1].close()
        _ready = None


@contextlib.contextmanager
def _file(task: Task) -> Iterator[Path]:
    if task.data is None:
        yield Path(task.path)
        return
    with scratch_folder() as folder:
        path = Path(folder) / Path(task.path).name
        path.write_bytes(task.data)
        yield path
