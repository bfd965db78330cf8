"""The result format is what other tools rely on: these keys, in this order, of these types."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.results import STATUSES, CriterionResult, Diagnosis, Penalty, QuestionResult, Result, from_json, to_json
from tests.grader.examples import AFFINE, DOUBLE, grade, no_bias

RESULT = Result(
    student="ada",
    assignment="01-tiny",
    points=5.5,
    max_points=16.0,
    questions=(grade(AFFINE, affine_forward=no_bias), grade(DOUBLE)),
    notes=("a note",),
    seed=123,
    versions={"python": "3.11"},
    sandbox=("process",),
    submission_sha256="0" * 64,
    seconds=0.2,
)

# Written by this repository's older versions, of one submission (`return helper(x) - y`) of the course in course.py.
OLD = sorted((Path(__file__).parent / "old_results").glob("*.json"))


def test_keys_come_in_the_documented_order_and_type():
    data = json.loads(to_json(RESULT))
    assert list(data) == [
        "schema", "student", "assignment", "points", "max_points", "questions",
        "notes", "seed", "versions", "sandbox", "submission_sha256", "seconds", "penalties",
    ]  # fmt: skip
    question = data["questions"][0]
    assert list(question)[:7] == ["name", "points", "max_points", "status", "criteria", "diagnosis", "seconds"]
    lost, *others = question["criteria"]
    assert list(lost) == ["name", "points", "max_points", "passed", "message", "evidence"]
    assert list(lost["evidence"]) == ["kind", "caption", "panels"]
    assert list(lost["evidence"]["panels"][0]) == ["title", "values", "marked", "where"]
    assert list(next(c for c in others if c["passed"])) == ["name", "points", "max_points", "passed", "message"]
    assert list(question["diagnosis"][0]) == ["name", "kind", "hint"]
    assert data["schema"] == 1
    assert type(data["points"]) is type(data["max_points"]) is type(data["seconds"]) is float
    assert type(data["seed"]) is int
    assert data["notes"] == ["a note"]
    assert data["sandbox"] == ["process"]
    assert data["versions"] == {"python": "3.11"}
    for q in data["questions"]:
        assert q["status"] in STATUSES
        assert type(q["points"]) is type(q["max_points"]) is type(q["seconds"]) is float
        for c in q["criteria"]:
            assert type(c["points"]) is type(c["max_points"]) is float
            assert type(c["passed"]) is bool
            assert type(c["message"]) is str


def test_a_result_comes_back_the_same():
    assert from_json(to_json(RESULT)) == RESULT


@pytest.mark.parametrize("text", ["é 名 👩‍🎓", "\ud800", "a\udce9b", "\\ud800", "\x00\x1b", '"quoted"\n', "</script>"])
def test_any_text_can_be_written_as_utf8_and_comes_back(text):
    written = to_json(Result(text, "x", 0.0, 0.0, (), notes=(text,)))
    again = from_json(written.encode("utf-8").decode("utf-8"))
    assert (again.student, again.notes) == (text, (text,))


@pytest.mark.parametrize("points", [float("nan"), float("inf")])
def test_points_that_are_no_number_are_never_written(points):
    with pytest.raises(ValueError):
        to_json(Result("ada", "x", points, 1.0, ()))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("student"),
        lambda d: d.pop("notes"),
        lambda d: d.update(extra=1),
        lambda d: d.update(questions=None),
        lambda d: d.update(questions=[1]),
        lambda d: d["questions"][0].pop("criteria"),
        lambda d: d["questions"][0]["criteria"][0].update(extra=1),
        lambda d: d["questions"][0].update(diagnosis=[[]]),
    ],
)
def test_what_is_no_result_is_refused_with_its_source(change):
    data = json.loads(to_json(RESULT))
    change(data)
    with pytest.raises(GraderError, match=r"the\.json is no grading result"):
        from_json(json.dumps(data), source="the.json")


def test_every_truncation_is_refused():
    text = to_json(Result("ada", "x", 0.0, 0.0, ())).rstrip()
    for end in range(len(text)):
        with pytest.raises(GraderError):
            from_json(text[:end])


def test_another_schema_is_refused_with_what_to_do():
    data = json.loads(to_json(RESULT)) | {"schema": 2}
    with pytest.raises(GraderError, match="schema 2, this version reads 1: grade it again"):
        from_json(json.dumps(data))


def test_the_first_reason_is_the_diagnosis_then_the_first_lost_criterion():
    lost = CriterionResult("value", 0.0, 1.0, False, "it is wrong")
    kept = CriterionResult("shape", 1.0, 1.0, True)
    plain = QuestionResult("q", 1.0, 2.0, "partial", (kept, lost))
    assert plain.first_reason == "it is wrong"
    known = QuestionResult("q", 1.0, 2.0, "partial", (kept, lost), (Diagnosis("flip", "misconception", "Look."),))
    assert known.first_reason == "flip: Look."
    fine = QuestionResult("p", 1.0, 1.0, "passed", (kept,))
    assert Result("a", "x", 2.0, 3.0, (fine, known)).first_reason == "q: flip: Look."
    assert Result("a", "x", 1.0, 1.0, (fine,)).first_reason == ""


def test_penalties_come_back_and_leave_no_total_below_zero():
    late = replace(RESULT, penalties=(Penalty("late", 2.0, "handed in 3 h late"),))
    assert from_json(to_json(late)) == late
    assert late.total == RESULT.points - 2
    assert replace(late, points=1.0).total == 0


def test_a_result_of_before_there_were_penalties_is_still_read():
    data = json.loads(to_json(RESULT))
    del data["penalties"]
    assert from_json(json.dumps(data)) == RESULT


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_what_an_older_version_wrote_is_read_and_nothing_of_it_is_lost(path):
    text = path.read_text(encoding="utf-8")
    result = from_json(text, source=path.name)
    assert (result.student, result.points, result.first_reason[:10]) == ("bob", 3.5, "add, visib")
    assert _within(json.loads(text), json.loads(to_json(result)))


def _within(old, new):
    """Whether all that `old` says is said by `new`, which may know more keys."""
    if isinstance(old, dict):
        return all(key in new and _within(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_within, old, new))
    return type(old) is type(new) and old == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"points": 5.5', '"points": "many"'),
        ('"points": 5.5', '"points": true'),
        ('"points": 5.5', '"points": NaN'),
        ('"points": 5.5', '"points": 1e999'),
        ('"notes": [', '"notes": [7, '),
        ('"student": "', '"\\u001b[2J": 1, "student": "'),
    ],
)
def test_a_record_with_a_value_of_another_kind_is_refused_in_one_plain_line(old, new):
    text = to_json(RESULT)
    assert old in text
    with pytest.raises(GraderError) as caught:
        from_json(text.replace(old, new, 1), source="ada.json")
    assert str(caught.value).isprintable()
