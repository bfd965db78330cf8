"""Autograders for other systems, run as those would run them: in Gradescope's folders, in a student's repository."""

import io
import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from grader.build import build, dumps
from grader.errors import GraderError
from grader.exports import gradescope_run
from grader.exports.github import WORKFLOW, workflow
from grader.exports.gradescope import VISIBILITIES, autograder_zip, results_json
from grader.fill import fill_from_file
from grader.release import release
from grader.results import Penalty
from grader.sandbox import probe
from tests.grader.classmates import classmates
from tests.grader.course import ANSWERS, make_course

WRONG = ANSWERS.replace("return helper(x) + y  # plain", "return x + y + y")
ATTACK = ANSWERS + (
    "\nimport glob\nfound = [open(p).read() for p in glob.glob('/autograder/source/**', recursive=True)]\n"
    "open('/autograder/results/results.json', 'w').write('{\"score\": 1000}')\n"
)
KEYS = {  # of the specification: every key that it knows
    "score", "execution_time", "output", "output_format", "test_output_format", "test_name_format", "visibility",
    "stdout_visibility", "extra_data", "tests", "leaderboard",
}  # fmt: skip
TEST_KEYS = {
    "score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags", "visibility",
    "extra_data",
}  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


def pack(folder, **options):
    sandbox = "auto" if probe().core else "none"
    return autograder_zip(folder, **{"seed": 5, "sandbox": sandbox, "visibility": "after_due_date", **options})


@pytest.fixture
def container(course, tmp_path):
    """The folders of Gradescope's container after its image was built; Python is the one that runs this test."""
    prefix = tmp_path / "autograder"
    source = prefix / "source"
    with zipfile.ZipFile(io.BytesIO(pack(course))) as archive:
        archive.extractall(source)
        for entry in archive.infolist():
            (source / entry.filename).chmod(entry.external_attr >> 16)
    shutil.copy(source / "run_autograder", prefix / "run_autograder")
    python = prefix / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (prefix / "submission").mkdir()
    return prefix


def hand_in(container, course, text, name="arithmetic.ipynb"):
    answers = container / "answers.py"
    answers.write_text(text)
    (container / "submission" / name).write_text(dumps(fill_from_file(build(course), answers)), encoding="utf-8")


def run(container):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [container / "run_autograder", container], cwd=container, capture_output=True, text=True, timeout=120,
        env=environment, check=False,
    )  # fmt: skip
    target = container / "results" / "results.json"
    return done, json.loads(target.read_text("utf-8")) if target.exists() else None


def test_a_wrong_and_a_right_answer_are_graded_through_the_entry_point(container, course):
    hand_in(container, course, WRONG, "renamed.ipynb")  # any name will do where it is the only one
    done, outcome = run(container)
    assert done.returncode == 0, done.stderr
    assert outcome["score"] == 2.5 + 1  # the bonus, and the shape
    add, scale = outcome["tests"]
    assert (add["name"], add["score"], add["max_score"], add["status"]) == ("add", 1.0, 4.0, "failed")
    assert (scale["name"], scale["score"], scale["max_score"], scale["status"]) == ("scale (bonus)", 2.5, 0.0, "passed")
    assert "adds-twice. How often is y added?" in add["output"]
    assert outcome["extra_data"]["seed"] == 5
    assert {t["visibility"] for t in outcome["tests"]} == {outcome["visibility"]} == {"after_due_date"}
    assert set(outcome) <= KEYS
    assert all(set(t) <= TEST_KEYS for t in outcome["tests"])


@pytest.mark.slow
def test_a_submission_cannot_write_its_own_result(container, course):
    if not probe().core:
        pytest.skip("this machine cannot isolate student code")
    attack = ATTACK.replace("/autograder", str(container))
    hand_in(container, course, attack)
    _, outcome = run(container)
    assert outcome["score"] == 6.5
    assert outcome["tests"][0]["score"] == 4.0


def test_what_cannot_be_read_is_told_to_the_student_at_once(container):
    target = container / "results" / "results.json"
    (container / "submission" / "arithmetic.ipynb").write_text('{"cells": [')
    assert gradescope_run.main([str(container)]) == 0
    outcome = json.loads(target.read_text("utf-8"))
    assert outcome["score"] == 0
    assert outcome["visibility"] == "visible"
    assert "ends early" in outcome["output"]
    assert str(container) not in outcome["output"]
    (container / "submission" / "arithmetic.ipynb").rename(container / "submission" / "notes.txt")
    assert gradescope_run.main([str(container)]) == 0
    assert json.loads(target.read_text("utf-8"))["output"] == "hand in arithmetic.ipynb: found no notebook"


def test_a_machine_that_cannot_isolate_gives_no_zero(container, course, capsys):
    hand_in(container, course, ANSWERS)
    config = container / "source" / "config.json"
    config.write_text(config.read_text().replace('"auto"', '"nonsense"').replace('"none"', '"nonsense"'))
    assert gradescope_run.main([str(container)]) == 1
    assert not (container / "results").exists()
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_zip_has_what_the_specification_asks_for_and_only_root_reads_it(course):
    data = pack(course)
    assert data == pack(course)
    archive = zipfile.ZipFile(io.BytesIO(data))
    modes = {e.filename: e.external_attr >> 16 for e in archive.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o700
    assert not any(stat.S_IMODE(mode) & 0o077 for mode in modes.values())
    assert {"course/assignments/01-arithmetic/questions.py", "course/solutions/arithmetic.py"} <= set(modes)
    assert not [name for name in modes if "__pycache__" in name or name.startswith("/") or ".." in name]
    for script in ("setup.sh", "run_autograder"):
        text = archive.read(script).decode()
        assert text.startswith("#!/usr/bin/env bash\n")
        subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert "chmod -R go-rwx /autograder/source" in archive.read("setup.sh").decode()


@pytest.mark.slow
def test_the_package_in_the_zip_installs_as_one_that_has_all_its_files(course, tmp_path):
    with zipfile.ZipFile(io.BytesIO(pack(course))) as archive:
        archive.extractall(tmp_path)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path / "w"]
    subprocess.run([*pip, tmp_path / "stencil"], check=True, capture_output=True)
    (wheel,) = (tmp_path / "w").glob("stencil_cnn-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"grader/template.py", "grader/exports/gradescope_run.py", "grader/report/templates/style.css"} <= names
    assert not [n for n in names if n.startswith(("solutions", "assignments", "course"))]


def test_an_unknown_visibility_is_refused(course):
    with pytest.raises(GraderError, match="after_published"):
        pack(course, visibility="never")


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_every_result_has_a_form_that_gradescope_knows(visibility):
    for result in classmates():
        outcome = results_json(result, visibility)
        text = json.dumps(outcome, ensure_ascii=False)
        text.encode("utf-8")
        assert set(outcome) <= KEYS
        assert {t["status"] for t in outcome["tests"]} <= {"passed", "failed"}
        assert outcome["score"] == pytest.approx(sum(t["score"] for t in outcome["tests"]))
        assert not set("\u202e\x1b") & set(json.loads(text)["output"])


def test_penalties_are_taken_off_the_score():
    late = classmates()[0]
    late = late.__class__(**{**late.__dict__, "penalties": (Penalty("late", 2.0, "a day"),)})
    outcome = results_json(late, "visible")
    assert outcome["score"] == late.points - 2
    assert "−2 late: a day" in outcome["output"]


# GitHub Classroom


def test_the_workflow_may_only_read_and_runs_nothing_hidden():
    text = workflow("convolution.ipynb")
    plan = yaml.safe_load(text)
    assert plan["permissions"] == {"contents": "read"}
    (job,) = plan["jobs"].values()
    assert "permissions" not in job
    assert job["runs-on"] == "ubuntu-latest"
    assert [s["uses"].split("@")[0] for s in job["steps"] if "uses" in s] == [
        "actions/checkout",
        "actions/setup-python",
    ]
    assert job["steps"][0]["with"] == {"persist-credentials": False}
    assert [s["run"] for s in job["steps"] if "run" in s][-1] == "python -m grader.visible convolution.ipynb"
    assert "secrets." not in text


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (WRONG, 1, "adds-twice: How often is y added?"),
        (ANSWERS.replace("def add(", "def plus("), 1, "there is no function add in the notebook"),
        (
            "!false\n%matplotlib inline\n# %%\nraise RuntimeError('stop')\n# %%\n" + ANSWERS,
            0,
            "2 of 2 questions passed their visible checks",
        ),
    ],
    ids=["wrong", "missing", "right, after a cell that raises"],
)
def test_the_command_of_the_workflow_runs_in_a_repository(course, tmp_path, text, code, said):
    repository = tmp_path / "repository"
    release(course, repository)
    path = repository / "arithmetic.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    blank = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    stubs = [c for c in notebook["cells"] if "NotImplementedError" in "".join(c["source"])]
    own = [{**blank, "source": source} for source in text.split("# %%")]
    notebook["cells"] = [c for c in notebook["cells"] if c not in stubs] + own
    path.write_text(json.dumps(notebook), encoding="utf-8")
    summary = tmp_path / "summary.md"
    job = next(iter(yaml.safe_load(workflow(path.name))["jobs"].values()))
    command = [s["run"] for s in job["steps"] if "run" in s][-1].replace("python", sys.executable, 1)
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(
        command, shell=True, cwd=repository, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert said in summary.read_text("utf-8")


def test_without_its_file_of_checks_the_command_says_so(tmp_path):
    (tmp_path / "x.ipynb").write_text('{"cells": []}')
    done = subprocess.run(
        [sys.executable, "-m", "grader.visible", "x.ipynb"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "x.checks is not in" in done.stderr
    assert WORKFLOW.startswith(".github/")
    assert Path(WORKFLOW).suffix == ".yml"
