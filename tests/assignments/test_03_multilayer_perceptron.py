"""Is the assignment on the multilayer perceptron fair? Right answers keep every point, known mistakes are named."""

import dataclasses
import re

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import multilayer_perceptron as reference
from solutions.losses import binary_cross_entropy_loss
from tests.assignments.course import SEEDS, Course, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("03-multilayer-perceptron")
QUESTIONS, MISTAKES, STYLE_NAMES = COURSE.questions, COURSE.mistakes, COURSE.style_names

per_question = pytest.mark.parametrize("question", QUESTIONS)
per_mistake = pytest.mark.parametrize(("question", "mistake"), MISTAKES)
per_style = pytest.mark.parametrize("name", STYLE_NAMES)


def test_the_points_are_thirty_five():
    assert COURSE.assignment.points == 35


@per_question
def test_the_reference_has_full_marks(question):
    for seed in SEEDS[:3]:
        COURSE.assert_full_marks(question, seed, QUESTIONS[question].functions)


@pytest.mark.slow
@per_question
def test_the_reference_has_full_marks_for_100_seeds(question):
    alone = dataclasses.replace(QUESTIONS[question], misconceptions=())
    for seed in range(100):
        assert (grade(prepare(alone, seed), alone.functions).points, seed) == (alone.points, seed)


@per_mistake
def test_a_mistake_costs_points_and_is_named_alone(question, mistake):
    COURSE.assert_named(question, SEEDS[0], mistake)


@pytest.mark.slow
@per_mistake
def test_a_mistake_costs_points_and_is_named_alone_for_20_seeds(question, mistake):
    for seed in SEEDS:
        COURSE.assert_named(question, seed, mistake)


@per_mistake
def test_the_visible_cases_already_name_a_mistake(question, mistake):
    COURSE.assert_named(question, None, mistake)


@per_style
@per_question
def test_a_right_answer_in_any_style_keeps_every_point(question, name):
    COURSE.assert_full_marks(question, SEEDS[0], COURSE.style(name))


@pytest.mark.slow
@per_style
@per_question
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    for seed in SEEDS:
        COURSE.assert_full_marks(question, seed, COURSE.style(name))


@per_style
def test_a_style_agrees_with_the_reference_on_other_inputs(name):
    rng = np.random.default_rng(7)
    x, w, b, dout = (rng.normal(size=s) for s in ((4, 3), (5, 3), 5, (4, 5)))
    v, c, dprobability = rng.normal(size=(2, 5)), rng.normal(size=2), rng.normal(size=(4, 2))
    style = COURSE.style(name)
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if name == "single_precision" else {"rtol": 1e-9, "atol": 1e-12}
    for layer, inputs, upstream in (("linear", (x, w, b), dout), ("two_layer", (x, w, b, v, c), dprobability)):
        out, cache = style[f"{layer}_forward"](*inputs)
        right, right_cache = getattr(reference, f"{layer}_forward")(*inputs)
        np.testing.assert_allclose(np.asarray(out), right, **tolerance)
        found = style[f"{layer}_backward"](upstream, cache)
        for gradient, target in zip(found, getattr(reference, f"{layer}_backward")(upstream, right_cache), strict=True):
            np.testing.assert_allclose(np.asarray(gradient), target, **tolerance)
    for found, target in zip(style["collapse_linear"](w, b, v, c), (v @ w, v @ b + c), strict=True):
        np.testing.assert_allclose(np.asarray(found), target, **tolerance)
    assert style["mlp_parameter_count"]((784, 128, 10)) == 101_770


def test_a_batch_mistake_keeps_the_points_of_one_sample():
    result = COURSE.grade("linear", SEEDS[0], COURSE.mistaken("linear", "db-averaged"))
    assert lost(result) == {"gradient: batches", "consistency"}


def test_weights_in_the_other_layout_are_a_convention():
    for mistake in ("weights-transposed", "samples-in-columns"):
        result = COURSE.grade("linear", SEEDS[0], COURSE.mistaken("linear", mistake))
        assert [d.kind for d in result.diagnosis] == ["convention"]
        given = {c.name: c.points / c.max_points for c in result.criteria}
        assert given["value: batches"] == 0.5


def test_a_right_backward_keeps_its_points_beside_a_wrong_forward():
    result = COURSE.grade("two_layer", SEEDS[0], COURSE.mistaken("two_layer", "hidden-bias-forgotten"))
    assert not any(name.startswith("gradient") for name in lost(result))


def test_a_mistake_forward_and_another_backward_are_both_named():
    functions = COURSE.mistaken("linear", "bias-forgotten", "db-averaged")
    result = COURSE.grade("linear", SEEDS[0], functions)
    assert {d.name for d in result.diagnosis} == {"bias-forgotten", "db-averaged"}


def test_hidden_sizes_differ_wherever_exchanging_them_would_go_unseen():
    for seed in SEEDS:
        for question, name in (("linear", "a batch"), ("two_layer", "a batch, several outputs")):
            (case,) = [c for c in QUESTIONS[question].hidden(np.random.default_rng(seed)) if c.name == name]
            x, w, *rest = case.inputs
            sizes = [*x.shape, len(w), *([len(rest[1])] if question == "two_layer" else [])]
            assert len(set(sizes)) == len(sizes)


def test_the_figures_in_the_text_are_those_of_the_code():
    text = (COURSE.folder / "notebook.md").read_text()
    x, target = np.array([[1.0, -1.0]]), np.array([[1.0]])
    parameters = np.zeros((3, 2)), np.zeros(3), np.ones((1, 3)), np.array([-1.5])
    out, cache = reference.two_layer_forward(x, *parameters)
    value, dout = binary_cross_entropy_loss(out, target)
    dx, dw_hidden, db_hidden, dw_output, db_output = reference.two_layer_backward(dout, cache)
    for number in (out, dout, db_output, dw_output, db_hidden, dw_hidden):
        assert f"{number.flat[0]:g}".replace("-", "") in text
    assert f"{value:.4f}" in text
    assert not dx.any()
    counted = re.findall(r"^\| \$?([\d, ]+)\$? \| ([\d,]+) \|$", text, re.M)
    assert len(counted) == 3
    for sizes, found in counted:
        layers = [int(v) for v in sizes.split(", ")]
        assert reference.mlp_parameter_count(layers) == int(found.replace(",", ""))


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert "Nothing to see yet." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["loops", "matrices"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, "loops"])
def test_a_kernel_runs_the_notebook_from_top_to_bottom(bundle, name):
    notebook = build(COURSE.folder)
    run_in_kernel(fill_from_file(notebook, COURSE.styles / f"{name}.py") if name else notebook, bundle)


def test_no_hint_gives_an_answer():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120
