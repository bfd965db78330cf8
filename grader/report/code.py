"""A student's cells as highlighted lines of HTML, with those marked that a verdict speaks of. Runs nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from pygments import format as formatted
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from grader.questions import Assignment
from grader.read import Cell
from grader.report.words import visible
from grader.results import QuestionResult, Result

# What is beyond this is not shown: a page stays readable, and the highlighter's time bounded.
MAX_CHARACTERS = 20_000
MAX_LINE = 1_000
# Without stripping, so that line numbers stay those of the cell; the formatter closes its tags on every line.
_LEXER = PythonLexer(stripnl=False, ensurenl=False)
_FORMATTER = HtmlFormatter(nowrap=True)
# Of texts kept: a student's cells are highlighted and compared one after the other, the class shares what it was given.
_KEPT = 256
_PLACE = re.compile(r"\bcell (\d{1,4}), line (\d{1,6})\b")


@dataclass(frozen=True)
class Line:
    """One line of code, escaped and highlighted; ``marked`` where a verdict names it."""

    html: Markup
    marked: bool


@dataclass(frozen=True)
class Listing:
    """One cell as it is shown: ``failing`` where a lost criterion names its function, ``cut`` where it is longer."""

    number: int
    function: str
    lines: tuple[Line, ...]
    failing: bool
    cut: bool


@dataclass(frozen=True)
class Listings:
    """A student's cells: those of each question, and the others."""

    questions: Mapping[str, tuple[Listing, ...]]
    others: tuple[Listing, ...]


def listings(result: Result, cells: Sequence[Cell], assignment: Assignment | str) -> Listings:
    """Sort a student's cells under the questions whose functions they define, and mark what lost points."""
    functions = sorted({c.function for c in cells if c.function})
    owners = {f: _owner(f, result, assignment) for f in functions}
    by_question = {}
    for question in result.questions:
        own = [c for c in cells if c.function and owners[c.function] == question.name]
        failing = _failing(question, [c.function for c in own if c.function])
        places = _places(question)
        by_question[question.name] = tuple(_listing(c, c.function in failing, places) for c in own)
    places = {place for question in result.questions for place in _places(question)}
    others = tuple(_listing(c, False, places) for c in cells if not c.function or not owners[c.function])
    return Listings(by_question, others)


def _owner(function: str, result: Result, assignment: Assignment | str) -> str:
    """Return the question that a function belongs to, "" where there is none."""
    names = [q.name for q in result.questions]
    if isinstance(assignment, Assignment):
        return next((q.name for q in assignment.questions if function in q.functions and q.name in names), "")
    found = [n for n in names if function == n or function.startswith(n + "_")]
    return max(found, key=len, default="")


def _failing(question: QuestionResult, functions: Sequence[str]) -> set[str]:
    """Return the functions that lost criteria speak of; all of them where points are lost and none is named."""
    if question.status == "passed":
        return set()
    named = {_first_named(c.message, functions) for c in question.criteria if not c.passed} - {""}
    return named or set(functions)


def _first_named(message: str, functions: Sequence[str]) -> str:
    """Return the function that a message names first: that one is to blame, a later one may be what it is held to."""
    found = [(m.start(), f) for f in functions if (m := re.search(rf"(?<!\w){re.escape(f)}(?!\w)", message))]
    return min(found, default=(0, ""))[1]


def _places(question: QuestionResult) -> set[tuple[int, int]]:
    found = [_PLACE.findall(c.message) for c in question.criteria if not c.passed]
    return {(int(cell), int(line)) for places in found for cell, line in places}


def _listing(cell: Cell, failing: bool, places: set[tuple[int, int]]) -> Listing:
    source = with_newlines(cell.source)
    kept = "\n".join(line[:MAX_LINE] for line in source[:MAX_CHARACTERS].split("\n"))
    lines = tuple(Line(Markup(text), (cell.number, n) in places) for n, text in enumerate(_highlighted(kept), start=1))
    return Listing(cell.number, cell.function or "", lines, failing, kept != source)


def with_newlines(source: str) -> str:
    """Return a cell's text with one kind of line ends and none behind its last line."""
    return source.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


@lru_cache(maxsize=_KEPT)
def tokens(source: str) -> tuple[tuple[Any, str], ...]:
    """Return Pygments' tokens of Python text, each with its kind. Finding them is most of what a report takes."""
    return tuple(_LEXER.get_tokens(source))


@lru_cache(maxsize=_KEPT)
def _highlighted(source: str) -> list[str]:
    text: str = formatted(tokens(visible(source)), _FORMATTER)
    return text.removesuffix("\n").split("\n")
