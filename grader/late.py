"""Points off for late hand-ins, by the rule of an nbgrader course: its plugin, its due dates, its time stamps."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.nbgrader.configuration import configuration, gradebook_url
from grader.results import Penalty, Result

STAMP = "timestamp.txt"


def rule(course: Path, assignment: str, due: datetime | None = None) -> Callable[[Path, Result], Penalty | None]:
    """Return the course's rule as a function of a file and its result.

    The rule is nbgrader's ``LateSubmissionPlugin`` or whatever ``AssignLatePenalties.plugin_class`` names in the
    course's ``nbgrader_config.py``; the due date is ``due``, else the one in the course's gradebook. Without a due date
    nothing is late.

    Raises
    ------
    GraderError
        If the course's configuration cannot be used.
    """
    config = configuration(course)
    due = due or _due(course, assignment)
    if due is None:
        return lambda path, result: None
    plugin = _plugin(config)

    def penalty(path: Path, result: Result) -> Penalty | None:
        handed_in = when(path)
        seconds = 0.0 if handed_in is None else (handed_in - due).total_seconds()
        if seconds <= 0:
            return None
        points = plugin.late_submission_penalty(result.student, result.points, seconds)
        if not points:
            return None
        points = min(max(0.0, float(points)), result.points)
        return Penalty("late", round(points, 6), f"handed in {_in_words(seconds)} after the due date")

    return penalty


def when(path: Path) -> datetime | None:
    """Return when a file was handed in, as the time stamp beside it says; None without one."""
    from nbgrader.utils import parse_utc

    try:
        stamp = (path.parent / STAMP).read_text(encoding="utf-8").strip()
        return _aware(parse_utc(stamp)) if stamp else None
    except (OSError, UnicodeError):
        return None
    except Exception as error:
        raise GraderError(f"{path.parent / STAMP}: no time stamp ({error})") from error


def parse_due(text: str) -> datetime:
    """Read a due date: ISO 8601, or what nbgrader takes; UTC where no zone is named.

    Raises
    ------
    GraderError
        If it is none.
    """
    from nbgrader.utils import parse_utc

    try:
        return _aware(parse_utc(text))
    except Exception as error:
        raise GraderError(f"--due {text!r} is no date: write 2026-11-30T23:59+01:00") from error


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _plugin(config: Any) -> Any:
    from nbgrader.preprocessors import AssignLatePenalties

    try:
        assign = AssignLatePenalties(config=config)
        assign.init_plugin()
    except Exception as error:
        raise GraderError(f"the course's rule for late hand-ins cannot be used: {error}") from error
    return assign.plugin_inst


def _due(course: Path, assignment: str) -> datetime | None:
    """Return the due date in the course's gradebook, if there are both."""
    url = gradebook_url(course)
    if not url:
        return None
    from nbgrader.api import Gradebook, MissingEntry  # takes seconds to import

    try:
        with Gradebook(url) as gradebook:
            due = gradebook.find_assignment(assignment).duedate
    except MissingEntry:
        return None
    except Exception as error:
        raise GraderError(f"the course's gradebook cannot be read: {error}") from error
    return None if due is None else _aware(due)


def _in_words(seconds: float) -> str:
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"
