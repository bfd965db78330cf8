"""Is the assignment on activations fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json
import re

import nbclient
import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import activations
from tests.assignments.course import SEEDS, Course, constant, grade, lost, run_cells

COURSE = Course("01-activations")
QUESTIONS = COURSE.questions


def test_the_points_are_fifty():
    assert COURSE.assignment.points == 50


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    for seed in SEEDS[:3]:
        COURSE.assert_full_marks(question, seed, QUESTIONS[question].functions)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks_for_100_seeds(question):
    # Without the mistakes, which the preparation would run as well.
    alone = dataclasses.replace(QUESTIONS[question], misconceptions=())
    for seed in range(100):
        assert (grade(prepare(alone, seed), alone.functions).points, seed) == (alone.points, seed)


@pytest.mark.parametrize(("question", "mistake"), COURSE.mistakes)
def test_a_mistake_costs_points_and_is_named_alone(question, mistake):
    COURSE.assert_named(question, SEEDS[0], mistake)


@pytest.mark.slow
@pytest.mark.parametrize(("question", "mistake"), COURSE.mistakes)
def test_a_mistake_costs_points_and_is_named_alone_for_20_seeds(question, mistake):
    for seed in SEEDS:
        COURSE.assert_named(question, seed, mistake)


@pytest.mark.parametrize(("question", "mistake"), COURSE.mistakes)
def test_the_visible_cases_already_name_a_mistake(question, mistake):
    COURSE.assert_named(question, None, mistake)


@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point(question, name):
    functions = COURSE.style(name)
    for seed in (None, *SEEDS[:2]):
        COURSE.assert_full_marks(question, seed, functions)


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    functions = COURSE.style(name)
    for seed in SEEDS:
        COURSE.assert_full_marks(question, seed, functions)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_constant_of_the_right_shape_earns_nothing(question):
    functions = {name: constant(f) for name, f in QUESTIONS[question].functions.items()}
    assert COURSE.grade(question, SEEDS[0], functions).points == 0


@pytest.mark.parametrize(("question", "mistake"), [("relu", "input-changed"), ("relu", "dout-changed")])
def test_what_changes_an_array_of_the_caller_loses_purity_alone(question, mistake):
    assert lost(COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))) == {"purity"}


@pytest.mark.parametrize("at_the_kink", [0.0, 0.5, 1.0])
def test_any_slope_of_relu_at_zero_is_right(at_the_kink):
    def backward(dout, x):
        return dout * np.where(x == 0, at_the_kink, x > 0)

    for seed in (None, *SEEDS[:3]):
        COURSE.assert_full_marks("relu", seed, COURSE.mistaken("relu") | {"relu_backward": backward})


@pytest.mark.parametrize(("question", "mistake"), [(q, m) for q, m in COURSE.mistakes if m.startswith("raw-exp")])
def test_an_overflow_costs_the_stability_and_nothing_of_ordinary_numbers(question, mistake):
    assert lost(COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))) == {"stability"}


def test_a_naive_sigmoid_that_overflows_to_the_right_value_is_right():
    def forward(x):
        out = 1 / (1 + np.exp(-x))
        return out, out

    COURSE.assert_full_marks("sigmoid", SEEDS[0], COURSE.mistaken("sigmoid") | {"sigmoid_forward": forward})


@pytest.mark.parametrize(
    ("question", "convention"),
    [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention],
)
def test_a_textbooks_other_convention_is_consistent_and_keeps_half_of_what_it_loses(question, convention):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, convention))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert "consistency" not in lost(result)
    assert {c.points / c.max_points for c in result.criteria if not c.passed} == {0.5}


def test_another_default_slope_costs_a_quarter_of_a_point():
    result = COURSE.grade("leaky_relu", SEEDS[0], COURSE.mistaken("leaky_relu", "slope-0.02-by-default"))
    assert lost(result) == {"value: usual slope"}
    assert result.points == result.max_points - 0.25


def test_a_right_backward_keeps_its_points_beside_a_wrong_forward():
    for question, mistake in (("elu", "jumps-at-zero"), ("prelu", "no-leak"), ("swish", "x-added")):
        result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))
        assert {name.split(":")[0] for name in lost(result)} & {"value", "gradient"} == {"value"}


def test_a_mistake_forward_and_another_backward_are_both_named():
    for question, names in (
        ("prelu", ("larger-of-the-two", "dslope-not-summed")),
        ("softmax", ("no-shift", "diagonal-alone")),
        ("leaky_relu", ("slope-hard-coded", "slope-hard-coded-backward")),
    ):
        result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, *names))
        assert {d.name for d in result.diagnosis} == set(names)


def test_hidden_inputs_keep_away_from_the_kink_and_hold_both_signs():
    for question in ("relu", "leaky_relu", "prelu", "elu"):
        for seed in SEEDS:
            inputs = [c.inputs[0] for c in QUESTIONS[question].hidden(np.random.default_rng(seed))]
            assert min(np.abs(x).min() for x in inputs) > 0.1
            assert sum(bool((x > 0).any() and (x < 0).any()) for x in inputs) >= 4


def test_hidden_cases_differ_between_seeds_and_repeat_for_one():
    def inputs(question, seed):
        hidden = [t for t in prepare(QUESTIONS[question], seed).trials if not t.visible and t.kind == "call"]
        return [v.tobytes() for t in hidden for v in t.plan.values if isinstance(v, np.ndarray)]

    for question in QUESTIONS:
        assert inputs(question, 1) == inputs(question, 1)
        assert not set(inputs(question, 1)) & set(inputs(question, 2))


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert len(mistake.hint) < 120
            assert "?" in mistake.hint or mistake.hint.startswith(("Differentiate", "It is near"))


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


def test_the_figures_in_the_text_are_right():
    text = (COURSE.folder / "notebook.md").read_text()
    at = np.array([-2.0, -1, 0, 1, 2])
    out, cache = activations.sigmoid_forward(at)
    for name, expected in (
        (r"\$\\sigma\(x\)\$", out),
        (r"\$\\sigma'\(x\)\$", activations.sigmoid_backward(at**0, cache)),
    ):
        row = re.search(rf"^\| {name} \| (.*) \|$", text, re.M)
        np.testing.assert_allclose([float(v) for v in row[1].split("|")], expected, atol=5e-5)
    shares, cache = activations.softmax_forward(np.array([[1.0, 2.0, 3.0]]))
    moved = activations.softmax_backward(np.array([[1.0, 0.0, 0.0]]), cache)
    assert r"({:.4f},\, {:.4f},\, {:.4f})$.".format(*shares[0]) in text
    assert r"({:.4f},\, {:.4f},\, {:.4f})$.".format(*moved[0]) in text
    swish, cache = activations.swish_forward(np.array([2.0]))
    assert f"{swish[0]:.4f}$ and the slope" in text
    assert f"= {activations.swish_backward(np.ones(1), cache)[0]:.4f}$. It is steeper" in text


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == 7


@pytest.mark.parametrize("name", ["masks", "lists"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("style", ["", "identities"])
def test_the_notebook_runs_in_a_real_kernel(bundle, style):
    notebook = build(COURSE.folder)
    if style:
        notebook = fill_from_file(notebook, COURSE.styles / f"{style}.py")
    done = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(bundle)}}).execute()
    said = json.dumps([cell.outputs for cell in done.cells if cell.cell_type == "code"])
    assert ("Nothing to see yet" in said) == (not style)
    assert "did not pass" not in said
    assert said.count("image/png") == (7 if style else 0)
