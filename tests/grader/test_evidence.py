"""What pictures are drawn from: visible cases alone, small, and true to what was answered."""

import re
from dataclasses import replace

import numpy as np
import pytest

from grader import evidence
from grader.compare import Difference
from grader.examine import Times, _ask, _Running
from grader.folders import find_assignment, load_assignment
from grader.judge import judge
from grader.plans import Answer, Foreign, as_array
from grader.prepare import prepare
from grader.questions import Case, Question, gradient, value
from grader.report import class_page, student_page
from grader.results import Result, from_json, to_json
from tests.grader.examples import AFFINE, LOSS, RELU, affine_backward, affine_forward, answers, mean_bias, no_bias


def graded(question, seed=1, **functions):
    prepared = prepare(question, seed)
    return judge(prepared, answers(prepared, {**question.functions, **functions}))


def shown(question_result):
    return {c.name: c.evidence for c in question_result.criteria if c.evidence is not None}


def test_a_wrong_value_of_a_visible_case_is_recorded_beside_the_expected_one():
    found = shown(graded(AFFINE, affine_forward=no_bias))["value"]
    assert found.kind == "values"
    assert found.caption == "affine_forward, visible case “two rows”, the output"
    expected, got, reads = found.panels
    assert expected.values == ((2, 4, 3), (4, 6, 5))
    assert got.values == ((1, 2, 0), (3, 4, 2))
    assert expected.marked == got.marked == ((0, 2),)
    assert reads.values == ((1, 2), (3, 4))
    assert reads.marked == ((0, 0), (0, 1))  # the row that the entry is made of


def test_the_marked_window_is_the_one_that_the_reference_reads():
    question = next(q for q in load_assignment(find_assignment("04-convolution")).questions if q.name == "conv2d")
    skips = Case("a stride", (np.arange(25.0).reshape(1, 1, 5, 5), np.ones((1, 1, 2, 2))), {"stride": 3})
    question = replace(question, visible=(skips,), hidden=lambda rng: [skips], criteria=(value(1),), misconceptions=())
    forward = question.functions["conv2d_forward"]

    def wrong_at_the_end(x, w, b=None, **options):
        out, cache = forward(x, w, b, **options)
        out[0, 0, 1, 1] += 1
        return out, cache

    *_, reads = shown(graded(question, conv2d_forward=wrong_at_the_end))["value"].panels
    assert reads.marked == ((3, 3), (3, 4), (4, 3), (4, 4))
    assert reads.where == "[0, 0, :, :]"


def test_a_backward_is_held_against_differences_of_its_own_forward():
    found = shown(graded(AFFINE, affine_backward=mean_bias))["consistency"]
    assert found.kind == "slopes"
    assert [p.title for p in found.panels] == ["dx", "dw", "db"]
    slopes = {p.title: p.values[0] for p in found.panels}
    assert slopes["dx"][0] == pytest.approx(slopes["dx"][1], rel=1e-3)
    assert slopes["db"][0] == pytest.approx(2 * slopes["db"][1], rel=1e-3)  # of two rows, mean for sum


def test_the_case_that_is_only_shown_costs_nothing():
    def right_but_on_visible_rows(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return (dx, dw, -db) if dout.shape == (2, 3) else (dx, dw, db)

    result = graded(AFFINE, affine_backward=right_but_on_visible_rows)
    consistent = next(c for c in result.criteria if c.name == "consistency")
    assert consistent.passed
    assert consistent.evidence is None


def test_right_answers_and_hidden_mistakes_leave_no_evidence():
    assert shown(graded(AFFINE)) == {}

    def wrong_on_others(x, w, b, *, scale=1.0):
        out, cache = affine_forward(x, w, b, scale=scale)
        return (out if x.shape == (2, 2) else out + 1), cache

    result = graded(AFFINE, affine_forward=wrong_on_others)
    assert result.status == "partial"
    assert shown(result) == {}


def test_a_hidden_trial_is_refused_whoever_asks():
    prepared = prepare(AFFINE, 1)
    given = answers(prepared, {**AFFINE.functions, "affine_forward": no_bias})
    for trial, answer in zip(prepared.trials, given, strict=True):
        if not trial.visible:
            difference = Difference("value", "", (0, 0))
            assert evidence.values(prepared, trial, answer, 0, 0, difference) is None
            assert evidence.gradients(prepared, trial, answer) is None


def test_however_large_an_answer_is_its_record_stays_small():
    big = Case("big", (np.arange(40_000.0).reshape(200, 200) * np.pi,))
    question = Question("double", {"double": lambda x: 2 * x}, (big,), lambda rng: [big], (value(1), gradient(1)))

    def off(x):
        y = 2 * x
        y[150, 7] = 1e300
        return y

    result = graded(question, double=off)
    (found,) = shown(result).values()
    assert {(len(p.values), len(p.values[0])) for p in found.panels} == {(8, 8)}
    row, column = found.panels[1].marked[0]
    assert found.panels[1].values[row][column] == 1e300
    assert found.panels[1].where == "[146:154, 3:11]"
    whole = Result("Ada", "x", 0.0, 2.0, (result,))
    assert len(to_json(whole)) < 10_000


def test_what_is_not_finite_is_told_and_the_record_is_sound_json():
    whole = Result("Ada", "x", 0.0, 2.0, (graded(RELU, relu_forward=lambda x: (x / 0 * 0, x)),))
    assert "NaN" not in to_json(whole)
    back = from_json(to_json(whole))
    assert back == whole
    assert None in shown(back.questions[0])["value"].panels[1].values[0]
    assert "nan" in student_page(whole, "x")


def test_results_written_before_there_was_evidence_are_read():
    whole = Result("Ada", "x", 0.0, 2.0, (graded(AFFINE),))
    assert "evidence" not in to_json(whole)
    assert from_json(to_json(whole)) == whole


def test_visible_cases_are_asked_first_and_every_answer_comes_back_to_its_trial():
    prepared = prepare(AFFINE, 1)
    asked = []

    class Session:
        shared = False

        def ask(self, plans, frame, *, seconds, call):
            asked.extend(plans)
            trials = {id(t.plan): t for t in prepared.trials}
            return [trials[id(p)].expected for p in plans], 0.0

    running = _Running()
    assert _ask(Session(), [prepared], [], running, Times(), lambda name: None)
    visible = [next(t.visible for t in prepared.trials if t.plan is p) for p in asked]
    assert visible == sorted(visible, reverse=True)
    assert len(asked) == len(prepared.trials)
    assert True in visible
    assert False in visible
    answers = running.answered["affine"].answers
    assert all(a is t.expected for a, t in zip(answers, prepared.trials, strict=True))


# Nothing hidden on any page


def _numbers(tree):
    """Every number of arguments and answers that has digits enough to be known again."""
    if isinstance(tree, Answer):
        return [n for o in tree.outcomes for v in o.values for n in _numbers(v)]
    if isinstance(tree, dict):
        return [n for v in tree.values() for n in _numbers(v)]
    array = as_array(tree)
    if array is None:
        return [n for v in tree for n in _numbers(v)] if isinstance(tree, list | tuple) else []
    return [float(v) for v in np.ravel(array) if np.isfinite(v)]


def _four_digits(number):
    return re.sub(r"\.?0+(e|$)", r"\1", f"{abs(number):.4g}".replace("e+0", "e").replace("e-0", "e-"))


def _hidden(prepared, given):
    """Hidden inputs and values to four digits, without those that a visible case has as well."""
    secret, public = set(), set()
    for trial, answer in zip(prepared.trials, given, strict=True):
        numbers = [n for v in (*trial.plan.values, trial.expected, answer) for n in _numbers(v)]
        (public if trial.visible else secret).update(_four_digits(n) for n in numbers)
    return {n for n in secret - public if len(n.replace(".", "").lstrip("0")) >= 4}


def _told(text):
    return {_four_digits(float(n)) for n in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)}


@pytest.mark.parametrize("question", [AFFINE, LOSS, RELU], ids=lambda q: q.name)
def test_no_hidden_number_is_on_a_page_or_in_a_record(question):
    for mistake in question.misconceptions:
        prepared = prepare(question, 20)
        given = answers(prepared, {**question.functions, **mistake.functions})
        result = judge(prepared, given)
        assert result.status != "passed"
        whole = Result("Ada", "x", 0.0, 2.0, (result,))
        hidden = _hidden(prepared, given)
        assert len(hidden) > 20
        for text in (
            student_page(whole, "x"),
            class_page([whole], "x", links={}, problems={}),
            to_json(whole),
        ):
            # Coordinates of the drawing and the style are the same whatever the case.
            assert not hidden & _told(
                re.sub(r"<style>.*?</style>|<svg class=\"figure\".*?</svg>", "", text, flags=re.S)
            )


@pytest.mark.slow
def test_no_hidden_number_of_the_convolution_assignment_is_on_a_page():
    assignment = load_assignment(find_assignment("04-convolution"))
    pictures = 0
    for question in assignment.questions:
        prepared = prepare(question, 11)
        for mistake in question.misconceptions[:12]:
            given = answers(prepared, {**question.functions, **mistake.functions})
            result = judge(prepared, given)
            pictures += len(shown(result))
            page = student_page(Result("Ada", assignment.name, 0.0, 2.0, (result,)), assignment)
            leaked = _hidden(prepared, given) & _told(re.sub(r"<style>.*?</style>", "", page, flags=re.S))
            assert not leaked, f"{question.name}, {mistake.name}: {leaked}"
    assert pictures > 20


def test_an_object_in_place_of_an_array_is_no_picture():
    prepared = prepare(AFFINE, 1)
    trial = next(t for t in prepared.trials if t.visible)
    odd = replace(trial.expected, outcomes=(replace(trial.expected.outcomes[0], values=(Foreign("x", None),)),))
    assert evidence.values(prepared, trial, odd, 0, 0, Difference("value", "", (0, 0))) is None
