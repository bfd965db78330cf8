"""The journal: one JSON file for each graded submission, never half written. All that follows is rebuilt from it."""

import contextlib
import hashlib
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from grader.errors import GraderError
from grader.results import Result, from_json, to_json

_SUFFIX = ".json"
_LONGEST = 160


def path_of(folder: Path, student: str) -> Path:
    """Return where a student's result lies. The name is quoted: any text is a safe and distinct file name."""
    quoted = urllib.parse.quote(student, safe=" @+", errors="surrogatepass").replace(".", "%2E") or "%"
    if len(quoted) > _LONGEST:
        quoted = f"{quoted[:100]}%~{hashlib.sha256(quoted.encode()).hexdigest()[:40]}"
    return folder / (quoted + _SUFFIX)


def write(folder: Path, result: Result) -> Path:
    """Write a result: to a temporary name, flushed, then renamed, so that a crash leaves the old file or the new."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GraderError(f"cannot make the folder {folder}: {error.strerror}") from error
    path = path_of(folder, result.student)
    write_atomically(path, to_json(result))
    return path


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a crash at any moment leaves the old file or the new one, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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
