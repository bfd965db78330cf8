"""A course from `grader course` to feedback and export by nbgrader's own commands: three students, two assignments."""

import csv
import json
import os
import shutil
from contextlib import ExitStack

import pytest

from grader import journal
from grader.nbgrader.gradebook import write
from grader.sandbox import probe
from tests.grader.nbgrader_course import (
    ESSAY,
    HINT,
    RIGHT,
    SUMS,
    WRONG,
    command,
    grades,
    make_assignments,
    nbgrader,
    read,
    stored,
    write_answers,
)
from tests.grader.postgresql import server

pytestmark = pytest.mark.slow
NOTEBOOKS = {SUMS: "arithmetic", ESSAY: "essay"}
STUDENTS = {"ada": RIGHT, "bob": WRONG, "zoë": {}}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def course(request, tmp_path_factory):
    """A course with every assignment released, fetched, answered, handed in and collected. Returns folder and URL."""
    if not probe().core:
        pytest.skip("this machine cannot isolate student code")
    root = make_assignments(tmp_path_factory.mktemp("checkout"))
    with ExitStack() as stack:
        url = stack.enter_context(server()) if request.param == "postgresql" else ""
        folder = tmp_path_factory.mktemp("courses") / "tiny"
        command(root, "grader", "course", str(folder), *NOTEBOOKS, "--course-id", "tiny", "--db-url", url)
        exchange = folder.parent / "exchange"
        exchange.mkdir()
        exchange.chmod(0o777)
        settings = f"c.Exchange.root = {str(exchange)!r}\nc.Exchange.cache = {str(folder.parent / 'cache')!r}\n"
        settings += "c.ExchangeSubmit.add_random_string = False\nc.LateSubmissionPlugin.penalty_method = 'zero'\n"
        with (folder / "nbgrader_config.py").open("a") as config:
            config.write(settings)
        for assignment in NOTEBOOKS:
            nbgrader(folder, "generate_assignment", assignment)
            nbgrader(folder, "release_assignment", assignment)
        for student, answers in STUDENTS.items():
            _take_part(folder, student, answers)
        yield folder, url


def _take_part(course, student, answers):
    """Fetch, answer and submit at home, as the student: the exchange asks who that is, so the name is given to it."""
    home = course.parent / f"home-{student}"
    home.mkdir()
    settings = (
        (course / "nbgrader_config.py")
        .read_text()
        .replace("os.path.dirname(os.path.abspath(__file__))", repr(str(home)))
    )
    (home / "nbgrader_config.py").write_text(settings)
    for assignment, notebook in NOTEBOOKS.items():
        nbgrader(home, "fetch_assignment", assignment)
        assert (home / assignment / f"{notebook}.checks").is_file()
        write_answers(home / assignment / f"{notebook}.ipynb", answers, essay="Because." if answers else "")
        submitted = course / "submitted" / student / assignment
        nbgrader(home, "submit", assignment)
        nbgrader(course, "collect", assignment, "--update")
        # One machine has one user; what was collected as that one's belongs to this student.
        collected = course / "submitted" / os.environ.get("USER", "root") / assignment
        submitted.parent.mkdir(exist_ok=True)
        shutil.move(collected, submitted)


def test_the_whole_workflow(course):
    folder, url = course
    assert SUMS in nbgrader(folder, "list", "--inbound")
    _validate(folder)
    for assignment in NOTEBOOKS:
        nbgrader(folder, "autograde", assignment)
    _the_marks_are_those_of_the_questions(folder, url)
    _bulk_writing_changes_nothing(folder, url)
    _damaged_ones_stop_nobody(folder, url)
    nbgrader(folder, "generate_feedback", SUMS)
    page = (folder / "feedback" / "bob" / SUMS / "arithmetic.html").read_text()
    assert HINT in page
    assert nbgrader(folder, "db", "student", "list").count("bob") == 1
    nbgrader(folder, "export", "--to", "grades.csv")
    with (folder / "grades.csv").open() as file:
        rows = {(r["assignment"], r["student_id"]): r for r in csv.DictReader(file)}
    assert float(rows[SUMS, "ada"]["score"]) == 6.5
    assert float(rows[SUMS, "zoë"]["score"]) == 0


def _validate(folder):
    """By the command line itself, once with a mistake and once without."""
    home = folder.parent / "home-bob"
    printed = command(home / SUMS, "nbgrader", "validate", "arithmetic.ipynb")
    assert "VALIDATION FAILED ON 2 CELL(S)" in printed
    assert HINT in printed
    assert "scale is not written yet" in printed
    home = folder.parent / "home-ada"
    assert "Success!" in command(home / SUMS, "nbgrader", "validate", "arithmetic.ipynb")


def _the_marks_are_those_of_the_questions(folder, url):
    for assignment in NOTEBOOKS:
        for student in STUDENTS:
            result = journal.from_json(journal.path_of(folder / "results" / assignment, student).read_text())
            found = grades(folder, assignment, student, url)
            for question in result.questions:
                assert found[f"check-{question.name}"] == (question.points, None, None, False)
            assert any("seccomp" in layer for layer in result.sandbox)
    assert grades(folder, SUMS, "ada", url)["check-add"][0] == 4
    assert 0 < grades(folder, SUMS, "bob", url)["check-add"][0] < 4
    assert grades(folder, ESSAY, "ada", url)["answer-why"] == (None, None, None, True)
    assert grades(folder, ESSAY, "zoë", url)["answer-why"] == (0, None, None, False)
    comments = {row[1:3]: row[3] for row in stored(folder, url)["comments"] if row[0] == SUMS}
    assert HINT in comments["bob", "stub-add"]
    assert comments["ada", "stub-add"] is None


def _bulk_writing_changes_nothing(folder, url):
    """Nor does nbgrader's own command after it, and the gradebook can be made anew from the journal."""
    before = stored(folder, url)
    shutil.rmtree(folder / "autograded")
    for assignment in NOTEBOOKS:
        results = list(journal.read(folder / "results" / assignment))
        assert write(folder, results, assignment=assignment).problems == ()
    assert stored(folder, url) == before
    nbgrader(folder, "autograde", SUMS, "--force")
    assert stored(folder, url) == before
    command(folder, "grader", "gradebook", str(_assignments(folder) / SUMS), "--course", str(folder))
    assert stored(folder, url) == before


def _assignments(folder):
    text = (folder / "nbgrader_config.py").read_text()
    return type(folder)(text.split("c.Examine.assignments = '")[1].split("'")[0])


def _damaged_ones_stop_nobody(folder, url):
    """One twice over, one with nothing left, one cut off: nbgrader says which failed and grades the others."""
    whole = folder / "submitted" / "ada" / SUMS / "arithmetic.ipynb"
    notebook = read(whole)
    texts = {
        "a-doubled": notebook | {"cells": [*notebook["cells"], *notebook["cells"]]},
        "b-deleted": notebook | {"cells": [c for c in notebook["cells"] if c["id"].startswith(("stub", "code"))]},
    }
    for student, content in texts.items():
        _hand_in(folder, student, json.dumps(content))
    _hand_in(folder, "c-cut-off", whole.read_text()[:500])
    printed = command(folder, "nbgrader", "autograde", SUMS, expect=1)
    assert "for student 'c-cut-off'" in printed
    assert "ends early" in printed
    assert "for student 'a-doubled'" not in printed
    for student in texts:
        found = grades(folder, SUMS, student, url)
        assert (found["check-add"][0], found["check-scale"][0]) == (4, 2.5)


def _hand_in(folder, student, text):
    path = folder / "submitted" / student / SUMS / "arithmetic.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text)
