"""How results are put into words and figures on a page. Adds no number that a result does not hold."""

import re
import unicodedata
from collections.abc import Sequence

from grader.results import QuestionResult

STATUS_WORDS = {
    "passed": "Right",
    "partial": "Partly right",
    "failed": "Not right yet",
    "missing": "Not written yet",
    "error": "Stopped by an error",
    "timeout": "Not finished in time",
    "memory": "Ran out of memory",
}
# Statuses that a person should look at: the code was not judged as far as it could have been.
TROUBLED = ("error", "timeout", "memory")

# Embeddings and overrides let text show in another order than it has; letters' own direction needs none of them.
_REORDERING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def visible(text: str) -> str:
    """Return text in which nothing hides: controls, half characters and reordering marks become escapes."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(c if _shows(c) else c.encode("unicode_escape").decode() for c in text)


def _shows(character: str) -> bool:
    if character in "\n\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs") and ord(character) not in _REORDERING


def number(value: float) -> str:
    """Return points as people write them: 41, 6.5, 0.33.

    >>> number(41.0), number(6.5), number(1 / 3)
    ('41', '6.5', '0.33')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """Return a share in whole percent."""
    return f"{share:.0%}"


def status_words(status: str) -> str:
    """Return a status in words for the student."""
    return STATUS_WORDS.get(status, status)


def common_reason(question: QuestionResult) -> str:
    """Return the message that every lost criterion of a question repeats, "" where they differ or one alone is lost."""
    messages = [c.message for c in question.criteria if not c.passed]
    return messages[0] if len(messages) > 1 and len(set(messages)) == 1 else ""


def unprotected(sandbox: Sequence[str]) -> bool:
    """Tell whether a result's record names no layer that holds student code: graded with ``--sandbox none``."""
    return not any(re.search(r"\b(landlock|seccomp|container)\b", layer) for layer in sandbox)


def sort_key(student: str) -> tuple[str, str]:
    """Order names as a reader looks for them, and the same every time."""
    return unicodedata.normalize("NFKD", student).casefold(), student
