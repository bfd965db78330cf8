"""Questions whose numbers differ per student: derived from a secret of the course and the student's id, never stored.

Knows no question's content. The secret is a file beside the assignments, which no bundle holds; whoever has it derives
a student's questions again at grading. Without a secret everybody has the default numbers.
"""

import csv
import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from grader.errors import GraderError
from grader.files import read_bytes, read_text, shown
from grader.questions import Assignment, Question

# Beside the assignments: where the checkout is, which no submission can read.
SECRET = "course.secret"
_LENGTH = 32


def secret_path(folder: Path) -> Path:
    """Return where the secret of the course lies to which an assignment's folder belongs."""
    return Path(folder).resolve().parent / SECRET


def read_secret(folder: Path) -> bytes:
    """Return the course's secret, empty where it has none.

    Raises
    ------
    GraderError
        If the file cannot be read or is too short to be one.
    """
    path = secret_path(folder)
    if not path.exists() and not path.is_symlink():
        return b""
    secret = read_bytes(path, limit=4096).strip()
    if len(secret) < _LENGTH:
        raise GraderError(f"{shown(path)}: too short for a secret: restore it, or delete it for a new one")
    return secret


def make_secret(folder: Path) -> bytes:
    """Return the course's secret; draw it at first use, readable by its owner alone."""
    if secret := read_secret(folder):
        return secret
    path = secret_path(folder)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_LENGTH) + "\n")
    except OSError as error:
        raise GraderError(f"{shown(path)}: the course's secret cannot be written ({error.strerror})") from error
    return read_secret(folder)


def for_student(assignment: Assignment, secret: bytes, student: str) -> Assignment:
    """Return the assignment with the student's own numbers; as it is where there is no secret.

    All questions of an assignment begin with the same generator, so several can ask about one thing drawn.

    Raises
    ------
    GraderError
        If a question's `personal` makes a question of another name, other functions or other points.
    """
    if not secret or not has_personal(assignment):
        return assignment
    message = f"{normal(student)}|{assignment.name}".encode()
    seed = int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest(), "big")
    return replace(assignment, questions=tuple(_own(q, seed) for q in assignment.questions))


def has_personal(assignment: Assignment) -> bool:
    """Whether any of its questions can have numbers of a student's own."""
    return any(q.personal is not None for q in assignment.questions)


def normal(student: str) -> str:
    """Return an id as it counts: blanks around it and the case of its letters are no part of it."""
    return unicodedata.normalize("NFC", student.strip()).casefold()


def _own(question: Question, seed: int) -> Question:
    if question.personal is None:
        return question
    own = question.personal(np.random.default_rng(seed))
    if (own.name, list(own.functions), own.points) != (question.name, list(question.functions), question.points):
        raise GraderError(f"question {question.name}: a student's own must keep its name, its functions and its points")
    return own


def read_roster(path: Path) -> list[str]:
    """Return the ids of a roster: the column ``id``, ``student`` or ``username`` of a CSV file, else its first one.

    Raises
    ------
    GraderError
        If the file cannot be read, names nobody, or names two whose ids count as the same.
    """
    rows = [row for row in csv.reader(read_text(path).lstrip("\ufeff").splitlines()) if any(map(str.strip, row))]
    heads = [cell.strip().casefold() for cell in rows[0]] if rows else []
    column = next((heads.index(h) for h in ("id", "student", "username") if h in heads), None)
    if column is not None:
        rows = rows[1:]
    ids = [row[column or 0].strip() for row in rows if len(row) > (column or 0) and row[column or 0].strip()]
    if not ids:
        raise GraderError(f"{shown(path)}: names no student: one id in each line is needed, or a column 'id'")
    _refuse_twice(ids, path)
    return ids


def _refuse_twice(ids: Sequence[str], path: Path) -> None:
    seen: dict[str, str] = {}
    for student in ids:
        if normal(student) in seen:
            raise GraderError(f"{shown(path)}: {student!r} and {seen[normal(student)]!r} are the same student")
        seen[normal(student)] = student
