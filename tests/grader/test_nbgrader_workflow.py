"""A course from `grader course` to feedback and export by nbgrader's own commands: three students, two assignments."""

import csv
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat

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


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    if not probe().core:
        pytest.skip("this machine cannot isolate student code")
    return make_assignments(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def exchange(checkout, tmp_path_factory):
    """The exchange's folder with every assignment released, and each student's home, in which it was handed in.

    It knows no database, so this is done once.
    """
    folder = tmp_path_factory.mktemp("exchange")
    folder.chmod(0o777)
    course = make(checkout, folder.parent / "releasing", folder)
    for assignment in NOTEBOOKS:
        nbgrader(course, "release_assignment", assignment)
    homes = {student: tmp_path_factory.mktemp(f"home-of-{student}") for student in STUDENTS}
    with ThreadPoolExecutor() as together:
        list(together.map(_take_part, homes.values(), STUDENTS, repeat(folder)))
    return folder, homes


def make(checkout, course, exchange, url=""):
    """Make a course with both assignments generated."""
    command(checkout, "grader", "course", str(course), *NOTEBOOKS, "--course-id", "tiny", "--db-url", url)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Exchange.root = {str(exchange)!r}\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    for assignment in NOTEBOOKS:
        nbgrader(course, "generate_assignment", assignment)
    return course


def _take_part(home, student, exchange):
    """Fetch, answer and hand in, as the student. One machine has one user, so each says who they are."""
    (home / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"
        f"c.Exchange.root = {str(exchange)!r}\nc.Exchange.cache = {str(home / 'cache')!r}\n"
    )
    nbgrader(home, "fetch_assignment", *NOTEBOOKS)
    answers = STUDENTS[student]
    for assignment, notebook in NOTEBOOKS.items():
        assert (home / assignment / f"{notebook}.checks").is_file()
        write_answers(home / assignment / f"{notebook}.ipynb", answers, essay="Because." if answers else "")
        nbgrader(home, "submit", assignment, "--student", student)


@pytest.fixture(params=["sqlite", "postgresql"])
def course(request, checkout, exchange, tmp_path):
    """A course with what was handed in collected, one of it late. Returns its folder and its gradebook's URL."""
    with ExitStack() as stack:
        url = stack.enter_context(server()) if request.param == "postgresql" else ""
        folder = make(checkout, tmp_path / "tiny", exchange[0], url)
        for assignment in NOTEBOOKS:
            nbgrader(folder, "collect", assignment)
        nbgrader(folder, "db", "assignment", "add", SUMS, "--duedate", "2099-01-01 12:00:00 UTC")
        (folder / "submitted" / "bob" / SUMS / "timestamp.txt").write_text("2099-01-01 12:00:01 UTC")
        yield folder, url


def test_validate_speaks_in_the_words_of_the_checks(exchange):
    _, homes = exchange
    printed = nbgrader(homes["bob"] / SUMS, "validate", "arithmetic.ipynb")
    assert "VALIDATION FAILED ON 2 CELL(S)" in printed
    assert HINT in printed
    assert "scale is not written yet" in printed
    assert "Success!" in nbgrader(homes["ada"] / SUMS, "validate", "arithmetic.ipynb")


def test_the_whole_workflow(course):
    folder, url = course
    assert nbgrader(folder, "list", "--inbound").count(SUMS) == len(STUDENTS)
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
    assert (float(rows[SUMS, "ada"]["score"]), float(rows[SUMS, "ada"]["max_score"])) == (6.5, 4)  # with the bonus
    assert float(rows[SUMS, "bob"]["raw_score"]) == float(rows[SUMS, "bob"]["late_submission_penalty"]) > 0
    assert float(rows[SUMS, "bob"]["score"]) == float(rows[SUMS, "zoë"]["score"]) == 0


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
    penalties = {row[1]: row[3] for row in stored(folder, url)["submissions"] if row[0] == SUMS}
    assert penalties == {"ada": None, "bob": grades(folder, SUMS, "bob", url)["check-add"][0], "zoë": None}
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
    shutil.rmtree(folder / "autograded")
    for assignment in NOTEBOOKS:
        command(folder, "grader", "autograde", str(_assignments(folder) / assignment), "--course", str(folder))
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
