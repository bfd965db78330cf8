"""The result of one submission: plain data, versioned, as JSON. Knows nothing of how it was reached."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from grader.errors import GraderError
from grader.plans import clean

SCHEMA = 1
_Record = TypeVar("_Record")
STATUSES = ("passed", "partial", "failed", "missing", "error", "timeout", "memory")


@dataclass(frozen=True)
class Panel:
    """A table of numbers to draw, None for what is not finite; ``where`` names the part of an array that it is."""

    title: str
    values: tuple[tuple[float | None, ...], ...]
    marked: tuple[tuple[int, int], ...] = ()
    where: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a visible case showed (`grader.evidence`).

    ``kind`` is "values" (expected, got, and what was read for it) or "slopes" (numerical, analytic).
    """

    kind: str
    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class CriterionResult:
    """The verdict on one criterion: ``message`` is empty where it passed without remark."""

    name: str
    points: float
    max_points: float
    passed: bool
    message: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A recognised mistake. ``kind`` is "misconception", or "convention" where another textbook calls it right."""

    name: str
    kind: str
    hint: str


@dataclass(frozen=True)
class QuestionResult:
    """All verdicts of one question; ``status`` is one of `STATUSES`."""

    name: str
    points: float
    max_points: float
    status: str
    criteria: tuple[CriterionResult, ...] = ()
    diagnosis: tuple[Diagnosis, ...] = ()
    seconds: float = 0.0
    bonus: bool = False

    @property
    def first_reason(self) -> str:
        """The first thing that a reader should know: the diagnosis' hint, else the first lost criterion's message."""
        if self.diagnosis:
            return f"{self.diagnosis[0].name}: {self.diagnosis[0].hint}"
        return next((c.message for c in self.criteria if not c.passed), "")


@dataclass(frozen=True)
class Penalty:
    """Points taken off for what has nothing to do with the answers: a late hand-in."""

    name: str
    points: float
    message: str


@dataclass(frozen=True)
class Result:
    """Everything known about one graded submission. ``points`` is what the questions earned; see `total`."""

    student: str
    assignment: str
    points: float
    max_points: float
    questions: tuple[QuestionResult, ...]
    notes: tuple[str, ...] = ()
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    sandbox: tuple[str, ...] = ()
    submission_sha256: str = ""
    seconds: float = 0.0
    penalties: tuple[Penalty, ...] = ()
    schema: int = SCHEMA

    @property
    def total(self) -> float:
        """The points after penalties, never below zero."""
        return max(0.0, round(self.points - sum(p.points for p in self.penalties), 6))

    @property
    def first_reason(self) -> str:
        """Why points are missing, in one line; empty where none is."""
        for question in self.questions:
            reason = question.first_reason
            if question.status != "passed" and reason:
                return reason if reason.startswith(question.name) else f"{question.name}: {reason}"
        return ""


def to_json(result: Result) -> str:
    """Write a result as JSON text in the documented order of keys."""
    data = asdict(result)
    for criterion in (c for q in data["questions"] for c in q["criteria"]):
        if criterion["evidence"] is None:
            del criterion["evidence"]
    ordered = {"schema": data.pop("schema"), **data}
    text = json.dumps(ordered, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    # Half of a surrogate pair, as in the name of a file that is not UTF-8, cannot be written but escaped.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def from_json(text: str, *, source: str = "the result") -> Result:
    """Read a result back.

    Raises
    ------
    GraderError
        If the text is no result of a schema that this version reads; ``source`` names it for the reader.
    """
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise GraderError(f"{source} has schema {data['schema']}, this version reads {SCHEMA}: grade it again")
        questions = tuple(
            _made(
                QuestionResult,
                {
                    **q,
                    "criteria": tuple(_criterion(c) for c in q["criteria"]),
                    "diagnosis": tuple(_made(Diagnosis, d) for d in q["diagnosis"]),
                },
            )
            for q in data["questions"]
        )
        lists: dict[str, Any] = {
            "notes": tuple(data["notes"]),
            "sandbox": tuple(data["sandbox"]),
            "penalties": tuple(_made(Penalty, p) for p in data.get("penalties", ())),
        }
        if not all(isinstance(word, str) for word in (*lists["notes"], *lists["sandbox"], *data["versions"].values())):
            raise ValueError("a note or a version is no text")
        return _made(Result, {**data, **lists, "questions": questions})
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        why = clean(str(error), 200)
        raise GraderError(f"{source} is no grading result: delete it and grade again ({why})") from error


def _criterion(data: Mapping[str, Any]) -> CriterionResult:
    evidence = data.get("evidence")
    if evidence is None:
        return _made(CriterionResult, data)
    panels = tuple(
        _made(
            Panel,
            {
                **p,
                "values": tuple(tuple(None if v is None else float(v) for v in row) for row in p["values"]),
                "marked": tuple((int(r), int(c)) for r, c in p["marked"]),
            },
        )
        for p in evidence["panels"]
    )
    return _made(CriterionResult, {**data, "evidence": _made(Evidence, {**evidence, "panels": panels})})


_PLAIN: dict[Any, Any] = {str: str, int: int, float: (int, float), bool: bool}


def _made(record: type[_Record], data: Mapping[str, Any]) -> _Record:
    """Make a record, and refuse values that are not of the types it declares: pages and sums rely on them."""
    made = record(**data)
    for declared in fields(made):  # type: ignore[arg-type]
        value, wanted = getattr(made, declared.name), declared.type
        fits = isinstance(value, _PLAIN.get(wanted, object)) and isinstance(value, bool) == (wanted is bool)
        if not fits or (wanted is float and not math.isfinite(value)):
            raise ValueError(f"{declared.name} cannot be {str(value)[:40]}")
    return made
