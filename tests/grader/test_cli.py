"""The command line: what a user types, sees and gets as exit code."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import psutil
import pytest

from tests.grader.course import ANSWERS, command_line, make_course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    folder = make_course(root)
    (folder / "examples").mkdir()
    (folder / "examples" / "loops.py").write_text(ANSWERS)
    (folder / "examples" / "mistakes").mkdir()
    (folder / "examples" / "mistakes" / "adds_twice.py").write_text("def add(x, y):\n    return helper(x) + 2 * y\n")
    (root / "answers.py").write_text(ANSWERS)
    return root


def grader(course, *arguments, expect=0):
    """Run the command in the course's folder."""
    done = subprocess.run(
        [str(Path(sys.executable).parent / "grader"), *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "100"},
        check=False,
    )
    assert done.returncode == expect, f"exit {done.returncode}: {done.stderr}\n{done.stdout}"
    assert "Traceback" not in done.stderr
    return done


def filled(course, name="submission.ipynb"):
    grader(course, "fill", "arithmetic", "--from", "answers.py", "--to", name)
    return course / name


def test_help_names_every_command(course):
    text = grader(course, "--help").stdout
    commands = "demo new build release fill grade autograde reference confusion report course gradebook doctor export"
    for command in commands.split():
        assert command in text


def test_without_a_command_the_help_is_shown_and_nothing_else(course):
    shown = grader(course, expect=2)
    assert shown.stdout.rstrip() == grader(course, "--help").stdout.rstrip()
    assert shown.stderr == ""


def test_the_version_is_that_of_the_package(course):
    stated = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["version"]
    assert grader(course, "--version").stdout == f"grader {stated}\n"


def test_a_new_assignment_goes_where_one_stands_and_a_bad_name_is_one_line(course, tmp_path):
    said = grader(tmp_path, "new", "attention").stdout
    assert (tmp_path / "assignments" / "01-attention" / "attention.ipynb").is_file()
    assert "Next: grader reference attention" in said
    assert grader(tmp_path, "new", "../x", expect=2).stderr.count("\n") == 1


def test_a_submission_goes_from_fill_to_marks(course):
    filled(course)
    text = grader(course, "grade", "submission.ipynb", "--assignment", "arithmetic").stdout
    assert "6.5 of 4 points" in text  # 2.5 of them are a bonus


def test_the_json_is_the_documented_result(course):
    filled(course)
    done = grader(course, "grade", "submission.ipynb", "--json", "--seed", "5")
    result = json.loads(done.stdout)
    keys = "schema student assignment points max_points questions notes seed versions sandbox"
    keys += " submission_sha256 seconds penalties"
    assert list(result) == keys.split()
    assert (result["schema"], result["seed"], result["assignment"]) == (1, 5, "01-arithmetic")
    question = result["questions"][0]
    assert question["name"] == "add"
    assert question["criteria"][0] == {"name": "value", "points": 3.0, "max_points": 3.0, "passed": True, "message": ""}


def test_a_script_is_graded_as_a_notebook_is(course):
    result = json.loads(grader(course, "grade", "answers.py", "--assignment", "arithmetic", "--json").stdout)
    assert result["points"] == 6.5


def test_build_check_tells_a_stale_notebook_from_a_fresh_one(course):
    grader(course, "build")
    grader(course, "build", "--check")
    notebook = course / "assignments" / "01-arithmetic" / "arithmetic.ipynb"
    notebook.write_text(notebook.read_text().replace("# Adding", "# Subtracting"))
    assert "stale" in grader(course, "build", "--check", expect=1).stderr


def test_the_reference_earns_full_marks_or_the_exit_code_says_so(course, tmp_path):
    grader(course, "reference", "--seeds", "3")
    make_course(
        tmp_path,
        solutions="def add(x, y):\n    x += y\n    return x\n\n\ndef scale(x, factor):\n    return factor * x\n",
    )
    text = (tmp_path / "assignments" / "01-arithmetic" / "questions.py").read_text()
    path = tmp_path / "assignments" / "01-arithmetic" / "questions.py"
    path.write_text(text.replace("shape, value", "purity, shape, value").replace("shape(1)", "purity(1)"))
    assert "add" in grader(tmp_path, "reference", "--seeds", "1", expect=1).stderr


def test_demo_grades_a_class_and_writes_pages(course):
    done = grader(course, "demo", "arithmetic", "--to", "demo", "--seed", "1")
    for student in ("loops", "adds-twice", "blank", "runs-for-ever", "patches-numpy", "cut-off"):
        assert student in done.stdout
    assert (course / "demo" / "report" / "index.html").is_file()
    results = {p.stem: json.loads(p.read_text()) for p in (course / "demo" / "results").glob("*.json")}
    assert results["loops"]["points"] == 6.5
    assert results["adds-twice"]["questions"][0]["diagnosis"][0]["name"] == "adds-twice"
    assert results["blank"]["points"] == 0
    assert results["moved-the-checks"]["points"] == results["floods-its-output"]["points"] == 6.5
    # Those that break the last question have the marks of the first, and no more.
    for student in ("runs-for-ever", "ends-the-process", "patches-numpy"):
        assert results[student]["points"] == 4
    assert "cut-off" not in results
    grader(course, "report", "demo/results", "--to", "again")
    assert (course / "again" / "index.html").is_file()


def _demo_with_templates(course, place):
    """Start a demo; return it, and the processes below it once templates are among them."""
    command = [str(Path(sys.executable).parent / "grader"), "demo", "arithmetic", "--to", place]
    started = subprocess.Popen(
        command,
        cwd=course,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background ignore Ctrl-C, and so would the demo.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(600):
        below = psutil.Process(started.pid).children(recursive=True)
        if any("grader.template" in command_line(p) for p in below):
            return started, below
        time.sleep(0.1)
    raise AssertionError("no template came up")


def test_an_interrupt_stops_the_demo_with_one_line_and_leaves_no_process(course):
    started, below = _demo_with_templates(course, "interrupted")
    started.send_signal(signal.SIGINT)
    _, words = started.communicate(timeout=60)
    assert (started.returncode, words) == (130, "grader: stopped\n")
    assert not psutil.wait_procs(below, timeout=20)[1]


def test_a_killed_demo_leaves_no_process(course):
    started, below = _demo_with_templates(course, "killed")
    started.kill()
    assert not psutil.wait_procs(below, timeout=30)[1]
    started.communicate(timeout=30)


BAD = {
    "a missing file": (["grade", "nowhere.ipynb", "--assignment", "arithmetic"], "nowhere.ipynb"),
    "not a notebook": (["grade", "text.ipynb", "--assignment", "arithmetic"], "text.ipynb"),
    "another suffix": (["grade", "text.txt", "--assignment", "arithmetic"], "text.txt"),
    "an empty file": (["grade", "empty.ipynb", "--assignment", "arithmetic"], "empty"),
    "a directory": (["grade", "assignments", "--assignment", "arithmetic"], "assignments"),
    "another encoding": (["grade", "latin.ipynb", "--assignment", "arithmetic"], "latin.ipynb"),
    "a file cut off": (["grade", "cut.ipynb", "--assignment", "arithmetic"], "cut off"),
    "an unknown assignment": (["grade", "answers.py", "--assignment", "arithmetik"], "arithmetic"),
    "no assignment to guess": (["grade", "answers.py"], "--assignment"),
    "no such function": (["fill", "arithmetic", "--from", "other.py"], "add"),
    "a syntax error": (["fill", "arithmetic", "--from", "broken.py"], "line 1"),
    "a missing source": (["fill", "arithmetic", "--from", "nowhere.py"], "nowhere.py"),
    "an unknown backend": (["reference", "--backend", "abacus"], "abacus"),
    "a sandbox that does not exist": (
        ["grade", "answers.py", "--assignment", "arithmetic", "--sandbox", "x"],
        "sandbox",
    ),
    "a negative seed": (["grade", "answers.py", "--assignment", "arithmetic", "--seed", "-5"], "--seed"),
    "a demo into a file": (["demo", "arithmetic", "--to", "answers.py"], "answers.py"),
    "no results": (["report", "nowhere"], "nowhere"),
    "damaged results": (["report", "damaged"], "x.json"),
    "an unknown option": (["grade", "--frobnicate"], "frobnicate"),
    "an unknown command": (["frobnicate"], "frobnicate"),
    "a release over something else": (["release", "arithmetic", "--to", "taken"], "taken"),
    "an unwritable place": (
        ["fill", "arithmetic", "--from", "answers.py", "--to", "empty.ipynb/x.ipynb"],
        "empty.ipynb",
    ),
}


@pytest.mark.parametrize("what", BAD, ids=str)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(course, what):
    (course / "text.ipynb").write_text("no notebook")
    (course / "text.txt").write_text("no notebook")
    (course / "empty.ipynb").write_text("")
    (course / "latin.ipynb").write_bytes('{"cells": "ü"}'.encode("latin-1"))
    (course / "cut.ipynb").write_text('{"cells": [{"cell_type": "co')
    (course / "other.py").write_text("def subtract(x, y):\n    return x - y\n")
    (course / "broken.py").write_text("def add(x, y:\n")
    (course / "damaged").mkdir(exist_ok=True)
    (course / "damaged" / "x.json").write_text('{"schema": 1')
    (course / "taken").mkdir(exist_ok=True)
    (course / "taken" / "arithmetic.ipynb").write_text("mine")
    arguments, named = BAD[what]
    done = grader(course, *arguments, expect=2)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
