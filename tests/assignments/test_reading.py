"""What the feedback pages send a student to read exists."""

import re
from pathlib import Path

import pytest

from grader.folders import assignment_folders, load_assignment

FOLDERS = assignment_folders(Path(__file__).parents[2])
LECTURES = Path(__file__).parents[2] / "lectures"
WHOLE = 10  # lectures that the course has


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_every_question_names_a_lecture_that_exists(folder):
    assignment = load_assignment(folder)
    for question in assignment.questions:
        assert [r for r in assignment.reading if not r.questions or question.name in r.questions], question.name
    for reading in assignment.reading:
        found = list(LECTURES.glob(f"{reading.number:02}-*.md"))
        if not found and len(list(LECTURES.glob("[0-9]*.md"))) < WHOLE:
            pytest.skip(f"lecture {reading.number} is not written yet")
        (lecture,) = found
        headings = re.findall(r"^#+ (.+?)\s*$", lecture.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert headings[0].endswith(reading.title), f"{lecture.name} is called {headings[0]}"
        assert not reading.section or reading.section in headings, f"{lecture.name} has no section {reading.section}"
