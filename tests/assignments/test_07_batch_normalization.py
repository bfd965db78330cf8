"""Is the assignment on batch norm fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json

import nbclient
import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import batch_normalization, layer_normalization
from tests.assignments.course import SEEDS, Course, constant, grade, lost, run_cells

COURSE = Course("07-batch-normalization")
QUESTIONS = COURSE.questions
BATCH_NORMS = ("batch_norm", "batch_norm2d")
CONVENTIONS = [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention]
PICTURES = 8


def graded(question, *mistakes, seed=SEEDS[0]):
    return COURSE.grade(question, seed, COURSE.mistaken(question, *mistakes))


def test_the_points_are_36_and_the_bonus_is_beyond_them():
    assert COURSE.assignment.points == 36
    assert [q.name for q in QUESTIONS.values() if q.bonus] == ["layer_norm", "group_norm"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    for seed in (None, *SEEDS[:2]):
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
    for seed in (None, SEEDS[0]):
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


@pytest.mark.parametrize(
    ("mistake", "points_lost"),
    [
        ("test-uses-the-batch", {"value: testing", "value: running averages"}),
        ("averages-not-stored", {"value: running averages"}),
        ("test-updates-the-averages", {"value: running averages"}),
        ("momentum-hard-coded", {"value: running averages"}),
        ("variance-cancels", {"stability"}),
        ("averages-changed-in-place", {"purity"}),
        ("gamma-missing-in-dx", {"gradient: training", "gradient: testing"}),
        ("no-variance-path", {"gradient: training"}),
        ("test-differentiated-as-training", {"gradient: testing"}),
    ],
)
@pytest.mark.parametrize("question", BATCH_NORMS)
def test_a_mistake_costs_only_what_it_spoils(question, mistake, points_lost):
    # The last call of a row of batches is a test with the averages that the others have left.
    found = {name for name in lost(graded(question, mistake)) if not name.startswith("consistency")}
    assert found == points_lost


@pytest.mark.parametrize(("question", "convention"), CONVENTIONS)
def test_a_textbooks_other_convention_is_consistent_and_keeps_half_of_what_it_loses(question, convention):
    result = graded(question, convention)
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert not any(name.startswith("consistency") for name in lost(result))
    assert {c.points / c.max_points for c in result.criteria if not c.passed} == {0.5}


def test_every_convention_of_the_running_averages_has_a_name():
    for question in BATCH_NORMS:
        names = {name for q, name in CONVENTIONS if q == question}
        assert names == {
            "momentum-of-the-old-value",
            "running-variance-biased",
            "averages-of-keras",
            "eps-outside-the-root",
        }


def test_a_mistake_forward_and_another_backward_are_both_named():
    for question, names in (
        ("batch_norm", {"divides-by-the-variance", "no-variance-path"}),
        ("batch_norm2d", {"averages-not-stored", "parameters-averaged"}),
        ("group_norm", {"groups-ignored", "gamma-outside-the-means"}),
    ):
        assert {d.name for d in graded(question, *names).diagnosis} == names


def test_a_right_backward_keeps_its_points_beside_a_wrong_forward():
    for question in BATCH_NORMS:
        for mistake in ("gamma-and-beta-exchanged", "training-ignored"):
            assert not any(name.startswith("gradient") for name in lost(graded(question, mistake)))


def test_a_wrong_running_average_is_called_by_its_place_among_what_is_returned():
    result = graded("batch_norm", "running-variance-biased", seed=None)
    message = next(c.message for c in result.criteria if c.name == "value: running averages")
    assert "output 4: " in message


def test_running_averages_in_one_row_lose_their_shape():
    def forward(*args, **options):
        out, cache, mean, var = batch_normalization.batch_norm_forward(*args, **options)
        return out, cache, mean[None], var[None]

    result = COURSE.grade("batch_norm", SEEDS[0], COURSE.mistaken("batch_norm") | {"batch_norm_forward": forward})
    assert lost(result) >= {"shape and type", "value: running averages"}


def test_hidden_gradients_are_not_lost_in_rounding():
    for name, question in QUESTIONS.items():
        forward, backward = question.functions.values()
        for seed in SEEDS:
            rng = np.random.default_rng(seed)
            for case in question.hidden(rng):
                if case.script is not None:
                    continue
                out, cache, *_ = forward(*case.inputs, **case.options)
                dout = rng.normal(size=out.shape)
                dx = backward(dout, cache)[0]
                direct = dout * np.linalg.norm(case.inputs[1]) / np.ptp(case.inputs[0])
                assert np.linalg.norm(dx) > 1e-3 * np.linalg.norm(direct), (name, case.name)


def test_hidden_cases_show_what_is_exchanged():
    for seed in SEEDS:
        for name in BATCH_NORMS:
            for case in QUESTIONS[name].hidden(np.random.default_rng(seed)):
                if case.script is None:
                    x, gamma, _, mean, var = case.inputs
                    assert len(set(x.shape)) == x.ndim or 1 in x.shape
                    assert np.abs(gamma).min() > 1.2
                    assert not np.allclose(x.mean(axis=(0, *range(2, x.ndim))), mean, atol=0.01)
                    assert not np.isclose(var, 1).any()


def test_hidden_cases_differ_between_seeds_and_repeat_for_one():
    def inputs(question, seed):
        alone = dataclasses.replace(QUESTIONS[question], misconceptions=())
        hidden = [t for t in prepare(alone, seed).trials if not t.visible and t.kind == "call"]
        return [v.tobytes() for t in hidden for v in t.plan.values if isinstance(v, np.ndarray)]

    for question in QUESTIONS:
        assert inputs(question, 1) == inputs(question, 1)
        assert not set(inputs(question, 1)) & set(inputs(question, 2))


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


def test_the_figures_in_the_text_are_right():
    text = (COURSE.folder / "notebook.md").read_text()
    one = np.ones(1)

    def row(values):
        return " | ".join(f"{v:g}".replace("-", "−") for v in np.ravel(values)) + " |"

    x = np.array([[2.0], [2], [6], [6]])
    out, cache, mean, var = batch_normalization.batch_norm_forward(
        x, 3 * one, 10 * one, 0 * one, one, training=True, eps=1e-12
    )
    dx, dgamma, dbeta = batch_normalization.batch_norm_backward(np.array([[1.0], [2], [3], [4]]), cache)
    assert f"| $y = 3\\hat{{x}} + 10$ | {row(out)}" in text
    assert f"| $dx$ | {row(dx.round(9))}" in text
    assert f"= {dgamma[0]:.0f}$ and $d\\beta = {dbeta[0]:.0f}$" in text
    assert f"= {mean[0]:.1f}$ and $0.9 + 0.1 \\cdot 16/3 = 1.4\\overline{{3}}$" in text
    np.testing.assert_allclose(var, 1.4 + 0.1 / 3)
    maps = np.array([[[[1.0, 3]]], [[[5.0, 7]]]])
    *_, mean, var = batch_normalization.batch_norm2d_forward(maps, one, one, one, one, training=True, momentum=1.0)
    np.testing.assert_allclose((mean[0], var[0]), (4, 20 / 3))
    rows, _ = layer_normalization.layer_norm_forward(np.array([[1.0, 3], [20, 10]]), np.ones(2), np.zeros(2))
    np.testing.assert_allclose(rows, [[-1, 1], [1, -1]], atol=1e-4)
    channels = np.array([1.0, 3, 50, 30]).reshape(1, 4, 1, 1)
    out, _ = layer_normalization.group_norm_forward(channels, np.ones(4), np.zeros(4), num_groups=2)
    np.testing.assert_allclose(out.ravel(), [-1, 1, 1, -1], atol=1e-4)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == PICTURES - 1


@pytest.mark.parametrize("name", ["short_form", pytest.param("graph", marks=pytest.mark.slow)])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("style", ["", "loops"])
def test_the_notebook_runs_in_a_real_kernel(bundle, style):
    notebook = build(COURSE.folder)
    if style:
        notebook = fill_from_file(notebook, COURSE.styles / f"{style}.py")
    done = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(bundle)}}).execute()
    said = json.dumps([cell.outputs for cell in done.cells if cell.cell_type == "code"])
    assert ("Nothing to see yet" in said) == (not style)
    assert "did not pass" not in said
