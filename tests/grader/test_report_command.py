"""`grader report`: pages from the journal and the hand-ins alone, the same every time; no file that changed."""

import shutil

import pytest

from grader import journal
from grader.build import build, dumps
from grader.cli import main
from grader.fill import fill_from_file
from grader.grading import master_notebook
from grader.read import read_submission
from grader.results import CriterionResult, QuestionResult, Result
from tests.grader.course import make_course

WRONG = "def add(x, y):\n    wrong_on_purpose = x - y\n    return wrong_on_purpose\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course with two graded hand-ins, one that is cut off and one that nobody has graded."""
    folder = make_course(tmp_path)
    monkeypatch.chdir(folder.parent.parent)
    master = master_notebook(folder)
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    notebook = dumps(fill_from_file(build(folder), tmp_path / "wrong.py"))
    for student in ("Ada", "Zoë ☃", "cut", "late"):
        path = tmp_path / "submitted" / student / "arithmetic.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(notebook[: len(notebook) // 2] if student == "cut" else notebook, encoding="utf-8")
    for student in ("Ada", "Zoë ☃"):
        submission = read_submission(tmp_path / "submitted" / student / "arithmetic.ipynb", master, student=student)
        criterion = CriterionResult("value", 0.0, 3.0, False, "add: the relative error is 2")
        question = QuestionResult("add", 0.0, 4.0, "failed", (criterion,))
        journal.write(
            tmp_path / "results",
            Result(student, "01-arithmetic", 0.0, 4.0, (question,), submission_sha256=submission.sha256),
        )
    return tmp_path


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["grader", "report", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def pages(folder):
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*.html")}


def test_rebuilding_from_the_journal_gives_identical_files(course, monkeypatch):
    assert run(monkeypatch, course / "results", "--to", course / "one") == 0
    assert run(monkeypatch, course / "results", "--to", course / "two") == 0
    first = pages(course / "one")
    assert first == pages(course / "two")
    assert len(first) == 3
    assert "Arithmetic by hand" in first["index.html"]
    assert "wrong_on_purpose" in first["students/Ada.html"]


def test_what_was_handed_in_without_a_result_is_brought_before_a_person(course, monkeypatch):
    journal.write_problem(course / "results", "lost", "the template process was lost 3 times")
    run(monkeypatch, course / "results", "--to", course / "out")
    text = pages(course / "out")["index.html"]
    assert "the template process was lost 3 times" in text
    assert "ends early" in text
    assert "handed in, but not graded yet" in text
    assert str(course) not in text


def test_code_that_changed_since_it_was_graded_is_not_shown(course, monkeypatch):
    path = course / "submitted" / "Ada" / "arithmetic.ipynb"
    path.write_text(path.read_text("utf-8").replace("wrong_on_purpose", "mended"), encoding="utf-8")
    run(monkeypatch, course / "results", "--to", course / "out")
    found = pages(course / "out")
    assert "mended" not in found["students/Ada.html"]
    assert "wrong_on_purpose" in found["students/Zo%C3%AB %E2%98%83.html"]
    assert "has changed since it was graded" in found["index.html"]


def test_nbgraders_folders_are_read_as_well(course, monkeypatch):
    for student in list((course / "submitted").iterdir()):
        inner = student / "01-arithmetic"
        inner.mkdir()
        shutil.move(student / "arithmetic.ipynb", inner / "arithmetic.ipynb")
    run(monkeypatch, course / "results", "--to", course / "out", "--submissions", course / "submitted")
    assert "wrong_on_purpose" in pages(course / "out")["students/Ada.html"]


def test_an_archive_of_hand_ins_will_do(course, monkeypatch):
    shutil.make_archive(course / "all", "zip", course / "submitted")
    shutil.rmtree(course / "submitted")
    run(monkeypatch, course / "results", "--to", course / "out", "--submissions", course / "all.zip")
    assert "wrong_on_purpose" in pages(course / "out")["students/Ada.html"]


def test_results_can_be_read_where_the_course_is_not(course, monkeypatch):
    shutil.rmtree(course / "assignments")
    monkeypatch.setattr("grader.folders.assignment_folders", lambda root=None: [])
    assert run(monkeypatch, course / "results", "--to", course / "out") == 0
    assert "01-arithmetic" in pages(course / "out")["index.html"]


def test_unusable_input_is_one_line(course, monkeypatch, capsys):
    assert run(monkeypatch, course / "nowhere") == 2
    assert run(monkeypatch, course / "results", "--submissions", course / "nowhere") == 2
    journal.write(course / "results", Result("Bo", "02-losses", 0.0, 1.0, ()))
    assert run(monkeypatch, course / "results") == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "one page is about one assignment" in lines[2]
