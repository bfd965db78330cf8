"""Numbers of a student's own: derived from the course's secret and the id, the same at release and at grading."""

import os
import shutil
import stat

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.errors import GraderError
from grader.folders import load_assignment
from grader.grading import Grading, Options
from grader.personal import for_student, make_secret, read_roster, read_secret, secret_path
from grader.release import release, release_roster
from tests.grader.course import NOTEBOOK, make_course

QUESTIONS = """
from functools import partial

import numpy as np

from grader.questions import Assignment, Case, Misconception, Question, count


def question(rng):
    a, b = (int(n) for n in rng.integers(1000, 10**6, size=2))

    def add():
        "Return the sum of your two numbers."
        return a + b

    return Question(
        name="sum",
        functions={"add": add},
        visible=(),
        hidden=lambda _: [Case("your numbers", tolerance=0.0)],
        criteria=(count(2),),
        misconceptions=(Misconception("difference", {"add": lambda: a - b}, hint="Is it a sum?"),),
        personal=question,
        text=f"Your numbers are {a} and {b}.",
    )


ASSIGNMENT = Assignment("01-arithmetic", "Sums", (question(np.random.default_rng(0)),))
"""
OWN = (
    NOTEBOOK.split("## Scaling")[0].replace("Write `add`.", "<!-- own: sum -->") + "\n```{code-cell} ipython3\n1\n```\n"
)


@pytest.fixture
def folder(tmp_path):
    return make_course(tmp_path / "course", questions=QUESTIONS, notebook=OWN)


def _numbers(notebook):
    words = notebook.read_text().split("Your numbers are ")[1].split(".")[0].split()
    return int(words[0]), int(words[2])


def _graded(folder, path, student, answer):
    path.write_text(f"def add():\n    return {answer}\n")
    with Grading(folder, Options(seed=1, sandbox="none")) as grading:
        return grading.grade(path, student=student)


def test_the_numbers_released_to_a_student_are_the_ones_graded_and_nobody_elses(folder, tmp_path):
    a, b = _numbers(release(folder, tmp_path / "ada", student="ada")[0])
    right = _graded(folder, tmp_path / "x.py", " Ada ", a + b)
    assert right.points == 2
    wrong = _graded(folder, tmp_path / "x.py", "ada", a - b)
    assert [d.name for d in wrong.questions[0].diagnosis] == ["difference"]
    assert _graded(folder, tmp_path / "x.py", "bob", a + b).points == 0


def test_without_a_secret_everybody_has_the_default_numbers_and_is_told(folder, tmp_path):
    notebook, *_ = release(folder, tmp_path / "bundle")
    assert "These are the default numbers, the same for everybody" in notebook.read_text()
    assert not secret_path(folder).exists()
    assert _graded(folder, tmp_path / "x.py", "anyone", sum(_numbers(notebook))).points == 2


def test_a_course_with_a_secret_releases_to_nobody_in_particular_no_more(folder, tmp_path):
    make_secret(folder)
    with pytest.raises(GraderError, match="use --student ID or --roster"):
        release(folder, tmp_path / "bundle")


def test_an_nbgrader_course_hands_out_no_numbers_that_nobody_is_graded_by(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder.parents[1])
    run = CliRunner().invoke
    assert run(app, ["course", str(tmp_path / "before")]).exit_code == 0
    first = run(app, ["release", "arithmetic", "--student", "ada", "--to", str(tmp_path / "ada")])
    assert "course.secret was drawn, keep a copy; from now on all are graded by numbers of their own" in first.stderr
    assert run(app, ["release", "arithmetic", "--student", "bob", "--to", str(tmp_path / "bob")]).stderr == ""
    refused = run(app, ["course", str(tmp_path / "after"), "arithmetic"])
    assert isinstance(refused.exception, GraderError)
    assert "grader release 01-arithmetic --roster" in str(refused.exception)
    other = folder.with_name("02-other")
    shutil.copytree(folder, other)
    text = QUESTIONS.replace("01-arithmetic", "02-other").replace("personal=question,", "")
    (other / "questions.py").write_text(text)
    (other / "notebook.md").write_text(OWN.replace("<!-- own: sum -->", "Write `add`."))
    rest = run(app, ["course", str(tmp_path / "after")])
    assert "left out: 01-arithmetic: each student has numbers of their own" in rest.stderr
    assert [p.name for p in (tmp_path / "after" / "source").iterdir()] == [other.name]


def test_the_secret_is_drawn_once_for_its_owner_alone_and_enters_no_bundle(folder, tmp_path):
    files = release_roster(folder, tmp_path / "all", ["ada", "bob"])
    secret = read_secret(folder)
    assert make_secret(folder) == secret
    if os.name == "posix":
        assert stat.S_IMODE(secret_path(folder).stat().st_mode) == 0o600
    assert len({_numbers(p) for p in files if p.suffix == ".ipynb"}) == 2
    for path in files:
        assert secret not in path.read_bytes()
        assert bytes.fromhex(secret.decode()) not in path.read_bytes()
    assert "for ada alone" in files[0].read_text()


def test_another_secret_gives_other_numbers(folder):
    assignment = load_assignment(folder)
    texts = {for_student(assignment, secret, "ada").questions[0].text for secret in (b"", b"a" * 32, b"b" * 32)}
    assert len(texts) == 3


def test_an_id_says_nothing_to_markdown(folder, tmp_path):
    notebook, *_ = release(folder, tmp_path / "bundle", student="a*b*<img src=x>")
    assert r"a\\*b\\*\\<img src\\=x\\>" in notebook.read_text()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("name,id\nAda,a1\nBob,b2\n", ["a1", "b2"]),
        ("a1\nb2\n\n", ["a1", "b2"]),
        ("\ufeffUsername;x\n", ["Username;x"]),
    ],
)
def test_a_roster_is_a_column_of_ids(tmp_path, text, ids):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    assert read_roster(path) == ids


@pytest.mark.parametrize(
    ("text", "pattern"), [("id,name\n", "names no student"), ("id\nAda\nada \n", "are the same student")]
)
def test_a_roster_that_is_none_is_refused(tmp_path, text, pattern):
    path = tmp_path / "roster.csv"
    path.write_text(text)
    with pytest.raises(GraderError, match=pattern):
        read_roster(path)


def test_an_id_that_leads_out_of_the_folder_is_refused(folder, tmp_path):
    for student in ("../x", "..", "a/b", "a\n"):
        with pytest.raises(GraderError, match="cannot be the name of a folder"):
            release_roster(folder, tmp_path / "all", ["ada", student])
    assert not (tmp_path / "all").exists()


def test_a_damaged_secret_is_one_line(folder):
    secret_path(folder).write_text("short")
    with pytest.raises(GraderError, match="too short for a secret"):
        read_secret(folder)


def test_the_command_writes_a_bundle_for_each_of_a_roster(folder, tmp_path):
    (tmp_path / "roster.csv").write_text("id\nada\nbob\n")
    arguments = ["release", str(folder), "--to", str(tmp_path / "all"), "--roster", str(tmp_path / "roster.csv")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert sorted(p.name for p in (tmp_path / "all").iterdir()) == ["ada", "bob"]
