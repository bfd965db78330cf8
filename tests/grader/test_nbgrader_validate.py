"""The student's Validate button, which nbgrader brings to Jupyter, on the notebook that a course releases."""

import json
import os
import shutil
import time
import urllib.request
from pathlib import Path

import pytest

from tests.grader.browser import MISSING, browser
from tests.grader.jupyter import server
from tests.grader.nbgrader_course import (
    HINT,
    RIGHT,
    SUMS,
    WRONG,
    make_assignments,
    make_nbgrader_course,
    nbgrader,
    write_answers,
)

pytestmark = pytest.mark.slow
ANSWERS = {"right": RIGHT, "wrong": WRONG}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A Jupyter server in a student's home, with the released folder twice: answered rightly and wrongly."""
    course = tmp_path_factory.mktemp("courses") / "tiny"
    make_nbgrader_course(make_assignments(tmp_path_factory.mktemp("checkout")), course)
    nbgrader(course, "generate_assignment", SUMS)
    home = tmp_path_factory.mktemp("home")
    for name, answers in ANSWERS.items():
        shutil.copytree(course / "release" / SUMS, home / name)
        write_answers(home / name / "arithmetic.ipynb", answers)
    with server(home, home) as address:
        yield address


def validated(url, path):
    """What the button asks of the server, and what it shows."""
    request = urllib.request.Request(f"{url}/assignments/validate", json.dumps({"path": path}).encode())
    request.add_header("Cookie", "_xsrf=of-this-test")
    request.add_header("X-XSRFToken", "of-this-test")
    with urllib.request.urlopen(request, timeout=120) as reply:
        answer = json.load(reply)
    assert answer["success"], answer["value"]
    return answer["value"]


def test_right_answers_validate(url):
    assert validated(url, "right/arithmetic.ipynb") == {}


def test_wrong_answers_are_told_in_the_words_of_the_checks(url):
    value = validated(url, "wrong/arithmetic.ipynb")
    add, scale = value.pop("failed")
    assert value == {}
    assert HINT in add["raw_error"]
    assert "scale is not written yet" in scale["raw_error"]
    for cell in (add, scale):
        assert "Traceback" not in cell["raw_error"]


@pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed")
@pytest.mark.parametrize(("name", "shown"), [("right", "Success!"), ("wrong", HINT)])
def test_the_button_in_jupyterlab_shows_it(url, tmp_path, name, shown):
    with browser(tmp_path) as page:
        page.open(f"{url}/lab/tree/{name}/arithmetic.ipynb?reset")
        panel = ".jp-NotebookPanel-toolbar"
        buttons = f"[...document.querySelectorAll('{panel} button, {panel} jp-button')]"
        _until(page, f"const b = {buttons}.find(b => b.textContent.includes('Validate')); b?.click(); return !!b")
        dialog = "const text = document.querySelector('.jp-Dialog')?.textContent"
        seen = _until(page, f"{dialog}; return text?.includes('Validation Results') && text")
        if folder := os.environ.get("SCREENSHOTS"):
            (Path(folder) / f"validate-{name}.png").write_bytes(page.picture())
    assert shown in seen


def _until(page, script):
    """Run a script until it returns something."""
    end = time.monotonic() + 120
    while not (found := page.run(script)):
        assert time.monotonic() < end, page.run("return document.body.innerText")[-2000:]
        time.sleep(0.2)
    return found
