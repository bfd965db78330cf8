"""Courses, mended submissions and gradebooks of nbgrader's, without running any submission."""

import json
import shutil
from datetime import datetime

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import CheckCellMetadata, DeduplicateIds
from nbgrader.utils import determine_grade

from grader.build import build
from grader.errors import GraderError
from grader.folders import find_assignment, load_assignment
from grader.nbgrader import hidden_tests
from grader.nbgrader.autograded import dumps
from grader.nbgrader.configuration import gradebook_url
from grader.nbgrader.course import write_course
from grader.nbgrader.gradebook import write
from grader.nbgrader.marks import comments, show
from grader.nbgrader.master import master_of, mended
from grader.nbgrader.solution import solution_source
from tests.grader.nbgrader_course import (
    ESSAY,
    HINT,
    RIGHT,
    RUBRIC,
    SUMS,
    grades,
    make_assignments,
    make_nbgrader_course,
    nbgrader,
    read,
    released,
    result,
    stored,
    write_answers,
)


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A course with both assignments generated, which no test changes."""
    root = make_assignments(tmp_path_factory.mktemp("checkout"))
    course = make_nbgrader_course(root, tmp_path_factory.mktemp("courses") / "tiny")
    for assignment in (SUMS, ESSAY):
        nbgrader(course, "generate_assignment", assignment)
    return root, course


@pytest.fixture
def course(generated, tmp_path):
    return shutil.copytree(generated[1], tmp_path / "course")


@pytest.fixture(scope="module")
def master(generated):
    return master_in(generated[1])


def master_in(course, assignment=SUMS, notebook="arithmetic"):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        source = course / "source" / assignment / f"{notebook}.ipynb"
        return master_of(gradebook.find_notebook(notebook, assignment), source)


def submission(course, assignment=SUMS, **options):
    """The text of a notebook in which a student wrote right answers."""
    path = course.parent / "written.ipynb"
    shutil.copy(released(course, assignment), path)
    write_answers(path, RIGHT, **options)
    return path.read_text()


def changed(text, change):
    notebook = json.loads(text)
    notebook["cells"] = change(notebook["cells"])
    return json.dumps(notebook)


def test_what_is_released_is_the_student_notebook_and_nothing_of_the_instructors(generated):
    root, course = generated
    for assignment in (SUMS, ESSAY):
        text = released(course, assignment).read_text()
        for secret in ("planted-solution-constant", "SECRET", "HIDDEN", "BEGIN SOLUTION", "hidden_tests", RUBRIC):
            assert secret not in text
        built = {c["id"]: c["source"].rstrip() for c in build(find_assignment(assignment, root=root))["cells"]}
        given = {c["id"]: c["source"].rstrip() for c in read(released(course, assignment))["cells"]}
        assert {k: v for k, v in given.items() if not k.startswith("answer-")} == {
            k: v for k, v in built.items() if not k.startswith("answer-")
        }


def test_hidden_tests_in_the_source_hold_no_case_and_no_expected_value(generated):
    text = (generated[1] / "source" / SUMS / "arithmetic.ipynb").read_text()
    assert text.count("BEGIN HIDDEN TESTS") == 2
    assert "hidden-case-name" not in text


def test_an_autograde_without_our_configuration_gives_no_marks_away(monkeypatch):
    hidden_tests("add")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(GraderError, match=r"nbgrader_config\.py"):
        hidden_tests("add")


def test_every_solution_of_the_course_defines_its_function_when_run_alone(generated):
    assignment = load_assignment(find_assignment(SUMS, root=generated[0]))
    for question in assignment.questions:
        for name, reference in question.functions.items():
            text = solution_source(name, reference)
            assert '"""' not in text
            assert "SECRET" in text or name == "scale"


def test_a_notebook_in_which_somebody_worked_is_not_overwritten(generated, course):
    root, _ = generated
    path = course / "source" / SUMS / "arithmetic.ipynb"
    path.write_text(path.read_text().replace("Arithmetic", "My own words"))
    with pytest.raises(GraderError, match="--force"):
        write_course(course, [find_assignment(SUMS, root=root)])
    write_course(course, [find_assignment(SUMS, root=root)], force=True)
    assert "My own words" not in path.read_text()


def test_points_come_from_the_questions_and_the_rubric_is_for_instructors(generated):
    cells = {c["id"]: c for c in read(generated[1] / "source" / ESSAY / "essay.ipynb")["cells"]}
    points = {n: c["metadata"]["nbgrader"].get("points") for n, c in cells.items() if "nbgrader" in c["metadata"]}
    # A bonus is beyond full marks, as in a result.
    assert points == {"stub-add": None, "check-add": 4, "stub-scale": None, "check-scale": 0, "answer-why": 4}
    assert RUBRIC in cells["answer-why"]["source"]


CASES = {
    "as it was released": lambda cells: cells,
    "every cell twice": lambda cells: cells + cells,
    "no cell at all": lambda cells: [],
    "no check": lambda cells: [c for c in cells if not c["id"].startswith("check")],
    "no metadata": lambda cells: [{**c, "metadata": {}} for c in cells],
    "no ids": lambda cells: [{k: v for k, v in c.items() if k != "id"} for c in cells],
    "odd metadata": lambda cells: [{**c, "metadata": {"nbgrader": [7]}} for c in cells],
    "old metadata": lambda cells: [{**c, "metadata": {"nbgrader": {"grade_id": "check-add"}}} for c in cells],
    "other kinds": lambda cells: [{**c, "cell_type": "markdown"} for c in cells],
    "edited checks": lambda cells: [
        {**c, "source": "0" if c["id"].startswith("check") else c["source"]} for c in cells
    ],
    "backwards": lambda cells: cells[::-1],
}


@pytest.mark.parametrize("change", CASES.values(), ids=CASES)
def test_any_rearrangement_is_mended_into_what_nbgrader_accepts(generated, master, change):
    text = changed(submission(generated[1]), change)
    notebook = mended(text, "losses.ipynb", master)
    MetadataValidator().validate_nb(notebook)
    CheckCellMetadata().preprocess(notebook, {})
    names = [c["metadata"]["nbgrader"]["grade_id"] for c in notebook["cells"] if "nbgrader" in c["metadata"]]
    assert sorted(names) == sorted(c.name for c in master.cells)
    assert len({c["id"] for c in notebook["cells"]}) == len(notebook["cells"])
    again = mended(json.dumps(notebook), "losses.ipynb", master)
    assert json.dumps(again) == json.dumps(notebook)


def test_of_two_cells_that_claim_to_be_one_the_last_that_was_written_in_counts(generated, master):
    def twice(cells):
        stub = next(c for c in cells if c["id"] == "stub-add")
        blank = {**stub, "source": next(c.source for c in master.cells if c.name == "stub-add")}
        return [*cells, {**stub, "source": stub["source"] + "  # the last"}, blank]

    notebook = mended(changed(submission(generated[1]), twice), "a.ipynb", master)
    ours = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "stub-add"]
    assert [c["source"][-10:] for c in ours] == ["# the last"]


def test_a_deleted_check_is_put_back_below_its_stub(generated, master):
    text = changed(submission(generated[1]), CASES["no check"])
    ids = [c["id"] for c in mended(text, "a.ipynb", master)["cells"]]
    assert ids.index("check-add") == ids.index("stub-add") + 1


def test_a_picture_pasted_into_an_answer_stays_for_the_person_who_marks_it(generated):
    def paste(cells):
        picture = {"sketch.png": {"image/png": "iVBORw0KGgo="}, "page.html": {"text/html": "<script>"}}
        return [{**c, "attachments": picture} if c["id"] == "answer-why" else c for c in cells]

    text = changed(submission(generated[1], ESSAY, essay="Because."), paste)
    cell = mended(text, "a.ipynb", master_in(generated[1], ESSAY, "essay"))["cells"][-1]
    assert cell["attachments"] == {"sketch.png": {"image/png": "iVBORw0KGgo="}}


@pytest.mark.parametrize("points", [0.0, 1 / 3, 2.675, 4.0])
def test_nbgrader_reads_the_very_points_from_a_cells_value(generated, master, points):
    notebook = mended(submission(generated[1]), "a.ipynb", master)
    show(notebook, master, result("ada", add=points))
    cell = next(c for c in notebook["cells"] if c["id"] == "check-add")
    assert determine_grade(cell) == (points, 4.0)


def test_reasons_are_comments_on_the_solution_and_rightness_needs_none(master):
    found = comments(master, result("ada", add=1.0))
    assert HINT in found["stub-add"]
    assert "1 of 4 points" in found["stub-add"]
    assert found["stub-scale"] is None


def test_a_notebook_is_written_byte_for_byte_as_nbformat_does(generated, master):
    notebook = mended(submission(generated[1]).replace("def add", "# ü “x” \\u2028 \\u001b 🎉\\ndef add"), "a", master)
    show(notebook, master, result("ada", add=0.5, notes=("cell 3: mended",)))
    expected = nbformat.writes(notebook, version=4) + "\n"
    assert dumps(notebook) == expected


def hand_in(course, student, assignment=SUMS, timestamp="2026-11-27 12:00:00 UTC", **options):
    folder = course / "submitted" / student / assignment
    folder.mkdir(parents=True)
    name = released(course, assignment).name
    (folder / name).write_text(submission(course, assignment, **options))
    (folder / "timestamp.txt").write_text(timestamp)
    return folder


def test_writing_results_again_changes_nothing(course):
    for student in ("ada", "zoë q"):
        hand_in(course, student)
    results = [result("ada", add=1.0, notes=("cell 2: mended",)), result("zoë q")]
    assert write(course, results, assignment=SUMS).students == 2
    before = stored(course)
    assert write(course, results[::-1], assignment=SUMS).problems == ()
    assert stored(course) == before
    assert grades(course, SUMS, "ada")["check-add"] == (1.0, None, None, False)
    assert "autograded/zoë q/01-arithmetic/arithmetic.ipynb" in before["files"]


def test_a_bonus_counts_as_it_does_with_us(course):
    hand_in(course, "ada")
    found = result("ada")
    write(course, [found], assignment=SUMS)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        submission = gradebook.find_submission(SUMS, "ada")
        assert (submission.score, submission.max_score) == (found.points, found.max_points) == (6.5, 4.0)
    cells = read(course / "autograded" / "ada" / SUMS / "arithmetic.ipynb")["cells"]
    bonus = next(c for c in cells if c["id"] == "check-scale")
    assert determine_grade(bonus) == (0.0, 0.0)
    assert "scale: 2.5 of 2.5 points" in bonus["outputs"][0]["text"]


def test_what_a_person_entered_is_never_overwritten(course):
    hand_in(course, "ada", ESSAY, essay="Because.")
    write(course, [result("ada", ESSAY)], assignment=ESSAY)
    assert grades(course, ESSAY, "ada")["answer-why"] == (None, None, None, True)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        for cell, score in (("answer-why", 3.5), ("check-add", 2.0)):
            grade = gradebook.find_grade(cell, "essay", ESSAY, "ada")
            grade.manual_score, grade.extra_credit = score, 0.5
        gradebook.find_comment("stub-add", "essay", ESSAY, "ada").manual_comment = "Well argued."
        gradebook.db.commit()
    write(course, [result("ada", ESSAY, add=0.0)], assignment=ESSAY)
    assert grades(course, ESSAY, "ada")["answer-why"][:3] == (None, 3.5, 0.5)
    assert grades(course, ESSAY, "ada")["check-add"][:3] == (0.0, 2.0, 0.5)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        assert gradebook.find_comment("stub-add", "essay", ESSAY, "ada").comment == "Well argued."
        assert gradebook.find_submission(ESSAY, "ada").score == 3.5 + 0.5 + 2.0 + 0.5 + 2.5


def test_an_answer_that_nobody_wrote_needs_nobody_to_mark_it(course):
    hand_in(course, "bob", ESSAY)
    write(course, [result("bob", ESSAY)], assignment=ESSAY)
    assert grades(course, ESSAY, "bob")["answer-why"] == (0.0, None, None, False)


def test_lateness_costs_what_the_courses_plugin_says(course):
    for student, time in (("early", "2026-11-01 11:59:00 UTC"), ("late", "2026-11-01 14:00:00 +0100")):
        hand_in(course, student, timestamp=time)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        gradebook.update_or_create_assignment(SUMS, duedate=datetime(2026, 11, 1, 12, 0))
    write(course, [result("early"), result("late")], assignment=SUMS)
    penalties = {row[1]: row[3] for row in stored(course)["submissions"]}
    assert penalties == {"early": None, "late": 6.5}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "tiny") as gradebook:
        gradebook.grant_extension(SUMS, "late", hours=2)
    write(course, [result("early"), result("late")], assignment=SUMS)
    assert {row[3] for row in stored(course)["submissions"]} == {None}


def test_what_concerns_one_student_does_not_keep_the_others_marks(course):
    folder = hand_in(course, "cut-off")
    (folder / "arithmetic.ipynb").write_text("{")
    (hand_in(course, "timeless") / "timestamp.txt").write_text("yesterday")
    hand_in(course, "ada")
    odd = [result(n) for n in ("../../etc/passwd", "", "no folder", "cut-off", "timeless", "half \ud800")]
    written = write(course, [*odd, result("bob", ESSAY), result("ada")], assignment=SUMS)
    assert written.students == 2
    assert len(written.problems) == 7
    assert grades(course, SUMS, "ada")["check-add"] == (4.0, None, None, False)
    assert grades(course, SUMS, "no folder")["check-add"] == (4.0, None, None, False)
    assert not (course / "autograded" / "cut-off").exists()


def test_a_result_of_other_points_is_refused(course):
    other = result("ada")
    questions = (*other.questions[:1],)
    written = write(course, [type(other)(**{**vars(other), "questions": questions})], assignment=SUMS)
    assert written.students == 0
    assert "scale" in written.problems[0]


def test_links_that_a_student_hands_in_are_not_followed(course, tmp_path):
    (tmp_path / "secret").write_text("planted")
    (hand_in(course, "eve") / "data.txt").symlink_to(tmp_path / "secret")
    write(course, [result("eve")], assignment=SUMS)
    assert not [p for p in stored(course)["files"] if p.endswith("data.txt")]


def test_a_course_that_is_none_or_not_generated_is_one_clear_line(generated, tmp_path):
    root, _ = generated
    with pytest.raises(GraderError, match="run grader course"):
        write(tmp_path, [], assignment=SUMS)
    write_course(tmp_path / "new", [find_assignment(SUMS, root=root)], db_url="sqlite:////nowhere/at/all.db")
    with pytest.raises(GraderError, match="cannot be used"):
        write(tmp_path / "new", [], assignment=SUMS)


@pytest.mark.parametrize("text", [None, "c = get_config()\nc.CourseDirectory.course_id = 'tiny'\n"])
def test_a_course_s_own_folder_is_its_root_wherever_the_command_runs(course, tmp_path, monkeypatch, text):
    (course / "nbgrader_config.py").unlink()
    if text is not None:
        (course / "nbgrader_config.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert gradebook_url(course) == f"sqlite:///{course / 'gradebook.db'}"
    hand_in(course, "ada")
    write(course, [result("ada")], assignment=SUMS)
    assert grades(course, SUMS, "ada")["check-add"] == (4.0, None, None, False)
    assert not list(tmp_path.glob("gradebook.db"))


@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
def test_stock_nbgrader_still_stumbles_over_what_is_mended(generated):
    """Should a newer version not, then mending that can go."""
    text = changed(submission(generated[1]), CASES["every cell twice"])
    notebook, _ = DeduplicateIds().preprocess(nbformat.reads(text, as_version=4), {})
    with pytest.raises(Exception, match="schema"):
        CheckCellMetadata().preprocess(notebook, {})
