"""nbgrader's formgrader in a real browser: the gradebook's table, a submission opened, an answer marked, the total."""

import json
import os
import shutil
import urllib.request
from pathlib import Path

import pytest

from grader.nbgrader.gradebook import write
from tests.grader.jupyter import server
from tests.grader.nbgrader_course import (
    ESSAY,
    HINT,
    RIGHT,
    grades,
    make_assignments,
    make_nbgrader_course,
    nbgrader,
    released,
    result,
    write_answers,
)

pytestmark = pytest.mark.slow
ANSWER = "Because both sums are one."
# A script in an answer must not act on the page of the person who marks it.
SCRIPT = "<script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course whose second assignment was handed in by two students and graded."""
    folder = tmp_path_factory.mktemp("courses") / "tiny"
    make_nbgrader_course(make_assignments(tmp_path_factory.mktemp("checkout")), folder)
    nbgrader(folder, "generate_assignment", ESSAY)
    for student, essay in (("ada", f"{ANSWER}\n\n{SCRIPT}"), ("bob", "")):
        path = folder / "submitted" / student / ESSAY / "essay.ipynb"
        path.parent.mkdir(parents=True)
        shutil.copy(released(folder, ESSAY), path)
        write_answers(path, RIGHT, essay=essay)
    results = [result("ada", ESSAY, add=1.5), result("bob", ESSAY, scale=0.0, notes=("cell 3: mended",))]
    assert write(folder, results, assignment=ESSAY).problems == ()
    return folder


@pytest.fixture(scope="module")
def url(course, tmp_path_factory):
    """A Jupyter server in the course's folder, as an instructor starts one."""
    with server(course, tmp_path_factory.mktemp("home")) as address:
        yield address


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1200,1400",
        f"--user-data-dir={tmp_path_factory.mktemp('profile')}",
    ):  # fmt: skip
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    driver.implicitly_wait(20)
    yield driver
    driver.quit()


def test_an_answer_is_marked_in_formgrader_and_the_total_is_right(course, url, browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.wait import WebDriverWait

    def rows(page):
        browser.get(f"{url}/formgrader/{page}")
        # The table is filled by a request of its own; until then it has one row that says so.
        waiting = WebDriverWait(browser, 30)
        waiting.until(lambda b: len(b.find_elements(By.CSS_SELECTOR, "tbody tr td a")) > 0)
        return [row.text for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")]

    def picture(name):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            browser.save_screenshot(str(Path(folder) / f"formgrader-{name}.png"))

    assert any(ESSAY in row for row in rows("gradebook"))
    picture("gradebook")
    students = rows(f"gradebook/{ESSAY}/essay")
    assert len(students) == 2
    picture("class")

    browser.get(f"{url}/formgrader/submissions/{_submission(url, 'ada')}")
    page = browser.find_element(By.TAG_NAME, "body").text
    assert ANSWER in page
    assert "add: 1.5 of 4 points" in page
    assert HINT in page
    assert browser.title != "owned"
    picture("submission")
    WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".score[placeholder='1.5']"))
    needing = browser.find_elements(By.CSS_SELECTOR, ".score.needs_manual_grade")
    assert len(needing) == 1
    needing[0].send_keys("3.5", Keys.TAB)
    comment = browser.find_elements(By.CSS_SELECTOR, "textarea.comment")[-1]
    comment.send_keys("One reason, well put.", Keys.TAB)
    WebDriverWait(browser, 30).until(lambda b: grades(course, ESSAY, "ada")["answer-why"][1] == 3.5)
    picture("marked")
    browser.get(f"{url}/formgrader/manage_students/ada")
    WebDriverWait(browser, 30).until(lambda b: "7.5" in b.find_element(By.TAG_NAME, "tbody").text)
    picture("total")

    again = [result("ada", ESSAY, add=1.5), result("bob", ESSAY)]
    assert write(course, again, assignment=ESSAY).problems == ()
    assert grades(course, ESSAY, "ada")["answer-why"][:2] == (None, 3.5)


def _submission(url, student):
    """The id of a student's notebook, as formgrader's own pages ask for it."""
    with urllib.request.urlopen(f"{url}/formgrader/api/submitted_notebooks/{ESSAY}/essay", timeout=30) as answer:
        return next(row["id"] for row in json.load(answer) if row["student"] == student)
