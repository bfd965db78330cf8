"""The journal: one JSON file for each graded submission, never half written. All that follows is rebuilt from it.

Beside the results lie what could not be graded, with the reason (``*.problem``), the run's own facts (``.run.json``:
the seed, where each submission came from) and, in ``.old/1``, ``.old/2``, ..., the results that later ones replaced.
"""

import contextlib
import hashlib
import json
import os
import shutil
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from grader.errors import GraderError
from grader.files import temporary_beside
from grader.results import Result, from_json, to_json

_SUFFIX = ".json"
_PROBLEM = ".problem"
_RUN = ".run.json"
_LOCK = ".lock"
_OLD = ".old"
_LONGEST = 160


def path_of(folder: Path, student: str, suffix: str = _SUFFIX) -> Path:
    """Return where a student's result lies. The name is quoted: any text is a safe and distinct file name."""
    quoted = urllib.parse.quote(student, safe=" @+", errors="surrogatepass").replace(".", "%2E") or "%"
    if len(quoted) > _LONGEST:
        quoted = f"{quoted[:100]}%~{hashlib.sha256(quoted.encode()).hexdigest()[:40]}"
    return folder / (quoted + suffix)


def write(folder: Path, result: Result) -> Path:
    """Write a result: to a temporary name, flushed, then renamed, so that a crash leaves the old file or the new."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GraderError(f"cannot make the folder {folder}: {error.strerror}") from error
    path = path_of(folder, result.student)
    write_atomically(path, to_json(result))
    path_of(folder, result.student, _PROBLEM).unlink(missing_ok=True)
    return path


def write_problem(folder: Path, student: str, problem: str) -> None:
    """Record why a submission has no result. An older result stays: nothing that was graded is lost."""
    text = json.dumps({"student": student, "problem": problem}) + "\n"
    write_atomically(path_of(folder, student, _PROBLEM), text)


def problems(folder: Path) -> dict[str, str]:
    """Return student to reason for all that could not be graded."""
    found = {}
    for path in sorted(folder.glob(f"[!.]*{_PROBLEM}")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            data = json.loads(path.read_text(encoding="utf-8"))
            found[str(data["student"])] = str(data["problem"])
    return found


def find(folder: Path, student: str) -> Result | None:
    """Return a student's result; None where there is none, or what is there cannot be read and must be made again."""
    return look(folder, student)[0]


def look(folder: Path, student: str) -> tuple[Result | None, str]:
    """Return a student's result, and why the file of one cannot be read; None and nothing where there is no file."""
    path = path_of(folder, student)
    try:
        return from_json(path.read_text(encoding="utf-8"), source=str(path)), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, UnicodeError) as error:
        return None, f"cannot read {path}: {error}"
    except GraderError as error:
        return None, str(error)


def read_run(folder: Path) -> dict[str, Any]:
    """Return the facts of the run that a journal belongs to, empty where it is new.

    Raises
    ------
    GraderError
        If they are there and damaged: without the seed, the class could not go on under the same hidden cases.
    """
    path = folder / _RUN
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        seed = run["seed"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise GraderError(f"cannot read {path} ({error}): restore it, or delete it to begin with a new seed") from error
    return {**run, "seed": int(seed)}


def write_run(folder: Path, run: Mapping[str, Any]) -> None:
    """Record the facts of a run."""
    write_atomically(folder / _RUN, json.dumps(run, indent=1) + "\n")


def begin_run(folder: Path, run: Mapping[str, Any]) -> dict[str, Any]:
    """Record the facts of a first run, and return those that hold: of two that begin at once, one is first for both.

    A link is made or refused in one step even where locks are absent.
    """
    temporary = temporary_beside(folder / _RUN)
    write_atomically(temporary, json.dumps(run, indent=1) + "\n")
    try:
        os.link(temporary, folder / _RUN)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        if not (folder / _RUN).exists():
            write_run(folder, run)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return read_run(folder)


def set_aside(folder: Path, student: str, number: int) -> None:
    """Keep a student's result in ``.old/NUMBER``, too: it stays where it is until another one is renamed over it."""
    path = path_of(folder, student)
    place = folder / _OLD / str(number)
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / path.name).unlink(missing_ok=True)
        try:
            os.link(path, place / path.name)
        except FileNotFoundError:
            return
        except OSError:  # a file system without links
            shutil.copyfile(path, place / path.name)
    except OSError as error:
        raise GraderError(f"cannot keep the old result {path}: {error.strerror}") from error


def next_old(folder: Path) -> int:
    """Return the number under which this run sets older results aside."""
    place = folder / _OLD
    numbers = [int(p.name) for p in place.iterdir() if p.name.isdecimal()] if place.is_dir() else []
    return max(numbers, default=0) + 1


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a journal for one run; the lock goes with the process, however that ends.

    Where the file system has no locks (some network storage) this does nothing, and two runs share safely: they use the
    recorded seed, reach the same results, and rename whole files.

    Raises
    ------
    GraderError
        If another run holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("a")
    except OSError as error:
        raise GraderError(f"cannot write into {folder}: {error.strerror}") from error
    with lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise GraderError(f"another run is grading into {folder}: wait for it, or stop it first") from error
            except OSError:
                pass
        yield


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a crash at any moment leaves the old file or the new one, whole."""
    temporary = temporary_beside(path)
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise GraderError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def read(folder: Path) -> Iterator[Result]:
    """Yield every result of a journal, ordered by student.

    Raises
    ------
    GraderError
        If the folder is missing or a file in it is no result.
    """
    if not folder.is_dir():
        raise GraderError(f"{folder} is no folder of results: grade something first")
    for path in sorted(folder.glob(f"[!.]*{_SUFFIX}")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise GraderError(f"cannot read {path}: {error}") from error
        yield from_json(text, source=str(path))
