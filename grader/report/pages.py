"""Pages as text: templates filled with results. Escaping is the templates' default, for every value."""

import base64
import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from grader.questions import Assignment, Reading
from grader.read import Cell
from grader.report import classroom, figures, similarity, words
from grader.report.code import listings
from grader.report.pictures import picture
from grader.report.similarity import Pair
from grader.results import Result


def student_page(result: Result, assignment: Assignment | str, cells: Sequence[Cell] | None = None) -> str:
    """Return one student's page: what was judged, why, and their own code. It names nobody else and links nowhere."""
    shown = listings(result, cells, assignment) if cells else None
    reading = {q.name: _reading(q.name, assignment) for q in result.questions}
    manual = assignment.manual if isinstance(assignment, Assignment) else ()
    return _render(
        "student.html", result=result, title=_title(assignment), listings=shown, reading=reading, manual=manual
    )


def _reading(question: str, assignment: Assignment | str) -> list[Reading]:
    """Return what to read for a question: what is named for it alone, else what is for all."""
    found = assignment.reading if isinstance(assignment, Assignment) else ()
    return [r for r in found if question in r.questions] or [r for r in found if not r.questions]


def class_page(
    results: Sequence[Result],
    assignment: Assignment | str,
    *,
    links: Mapping[str, str],
    problems: Mapping[str, str],
    alike: Sequence[Pair] | None = None,
) -> str:
    """Return the page of the class.

    Parameters
    ----------
    results : sequence of Result
        In the order of names.
    assignment : Assignment or str
    links : mapping of str to str
        Each student's page, as a path relative to this page; not yet quoted as a URL.
    problems : mapping of str to str
        Why a submission could not be graded.
    alike : sequence of Pair, optional
        Submissions whose code is nearly the same; None where their code was not compared.
    """
    urls = {student: urllib.parse.quote(link) for student, link in links.items()}
    table = classroom.rows(results, urls, problems)
    questions = classroom.question_rows(results)
    return _render(
        "class.html",
        title=_title(assignment),
        results=results,
        rows=table,
        people=classroom.needing_a_person(table, problems, alike or ()),
        compared=similarity if alike else None,
        few=classroom.FEW,
        questions=questions,
        mistakes=classroom.mistakes(results, urls),
        spread=classroom.distribution(results) if results else None,
        figures=_figures(results, questions),
        unprotected=[r.student for r in results if words.unprotected(r.sandbox)],
        script=_script(),
        script_hash=base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode(),
    )


def _figures(results: Sequence[Result], questions: Sequence[classroom.QuestionRow]) -> list[tuple[Markup, str]]:
    if not results:
        return []
    spread = classroom.distribution(results)
    points = figures.histogram(
        spread.counts, spread.edges, spread.median, "How many students have how many points", classroom.in_words(spread)
    )
    told = "; ".join(f"{q.name}: {q.full} all, {q.some} some, {q.none} none" for q in questions)
    bars = figures.outcomes(
        [words.visible(q.name) for q in questions],
        [(q.full, q.some, q.none) for q in questions],
        "How many students have all, some and none of a question's points",
        told,
    )
    return [(points, "points"), (bars, "outcomes")]


def _title(assignment: Assignment | str) -> str:
    return assignment.title if isinstance(assignment, Assignment) else assignment


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(style=Markup(_text("style.css")), **values)


def _finalize(value: object) -> object:
    # Every value that a template prints passes here, so that none can be forgotten.
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(name: str) -> Markup:
    """Let a function's name be broken after its underscores."""
    return escape(words.visible(name)).replace("_", Markup("_<wbr>"))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grader.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": words.number,
        "percent": words.percent,
        "status": words.status_words,
        "breakable": _breakable,
        "common": words.common_reason,
        "picture": picture,
    }
    environment.tests["unprotected"] = words.unprotected
    return environment


@cache
def _text(name: str) -> str:
    """A file that goes into a page as it is: styles and script are ours, not templates."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()


def _script() -> Markup:
    return Markup(_text("sort.js"))
