"""What the feedback pages send a student to read exists."""

import re
from pathlib import Path

import pytest

from grader.folders import assignment_folders, load_assignment

FOLDERS = assignment_folders(Path(__file__).parents[2])
LECTURES = Path(__file__).parents[2] / "lectures"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_every_question_names_a_lecture_that_exists(folder):
    assignment = load_assignment(folder)
    for question in assignment.questions:
        assert [r for r in assignment.reading if not r.questions or question.name in r.questions], question.name
    if not list(LECTURES.glob("[0-9]*.md")):
        pytest.skip("the lectures are not written yet")
    for reading in assignment.reading:
        (lecture,) = LECTURES.glob(f"{reading.number:02}-*.md")
        headings = re.findall(r"^#+ (.+?)\s*$", lecture.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert not reading.section or reading.section in headings, f"{lecture.name} has no section {reading.section}"
