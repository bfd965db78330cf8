"""Is the assignment on losses fair? Right answers keep every point, each known mistake costs some and is named."""

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
from solutions import losses
from tests.assignments.course import SEEDS, Course, grade, lost, run_cells

COURSE = Course("02-losses")
QUESTIONS = COURSE.questions
BCE = "binary_cross_entropy_loss"


def test_the_points_are_thirty_six():
    assert COURSE.assignment.points == 36


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
    def constant(*inputs):
        right = QUESTIONS[question].functions[question](*inputs)
        parts = [np.full_like(part, 0.5) for part in (right if isinstance(right, tuple) else (right,))]
        return tuple(parts) if len(parts) > 1 else parts[0]

    assert COURSE.grade(question, SEEDS[0], {question: constant}).points == 0


def clipped(hair):
    def loss(prediction, target):
        p = np.clip(prediction, hair, 1 - hair)
        value = -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))
        return value, (p - target) / (p * (1 - p)) / p.size

    return loss


def shifted(hair):
    def loss(prediction, target):
        p, q = prediction + hair, 1 - prediction + hair
        return -np.mean(target * np.log(p) + (1 - target) * np.log(q)), ((1 - target) / q - target / p) / p.size

    return loss


@pytest.mark.parametrize("way", [clipped, shifted])
@pytest.mark.parametrize("hair", [1e-7, 1e-8, 1e-12, 1e-15])
def test_every_usual_way_to_keep_a_logarithm_finite_is_right(way, hair):
    for seed in (None, *SEEDS[:3]):
        COURSE.assert_full_marks(BCE, seed, {BCE: way(hair)})


def test_a_bound_that_changes_ordinary_predictions_is_not_right():
    assert "value" in lost(COURSE.grade(BCE, SEEDS[0], {BCE: clipped(0.1)}))
    assert lost(COURSE.grade(BCE, SEEDS[0], {BCE: clipped(1e-3)})) == {"stability: predictions of 0 and 1"}


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_certain_mistake_that_costs_nothing_loses_the_stability(end):
    def forgiving(prediction, target):
        value, gradient = losses.binary_cross_entropy_loss(np.where(prediction == end, target, prediction), target)
        return value, gradient

    assert lost(COURSE.grade(BCE, SEEDS[0], {BCE: forgiving})) == {"stability: predictions of 0 and 1"}


@pytest.mark.parametrize(
    ("question", "mistake", "stability"),
    [
        (BCE, "raw-logarithms", "stability: predictions of 0 and 1"),
        (BCE, "one-logarithm-guarded", "stability: predictions of 0 and 1"),
        ("cross_entropy_loss", "no-shift", "stability"),
        ("cross_entropy_loss", "logarithm-of-zero", "stability"),
        ("cross_entropy_loss", "one-shift-for-all-rows", "stability"),
    ],
)
def test_what_is_not_finite_costs_the_stability_alone(question, mistake, stability):
    assert lost(COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))) == {stability}


def test_a_hair_inside_the_logarithm_of_softmax_costs_the_stability_alone():
    def loss(scores, labels):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        picked = p[np.arange(len(p)), labels]
        return -np.log(picked + 1e-12).mean(), losses.cross_entropy_loss(scores, labels)[1]

    result = COURSE.grade("cross_entropy_loss", SEEDS[0], {"cross_entropy_loss": loss})
    assert lost(result) == {"stability"}


@pytest.mark.parametrize(
    ("question", "convention"),
    [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention],
)
def test_a_textbooks_other_convention_is_consistent_and_keeps_half_of_what_it_loses(question, convention):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, convention))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert {"value", "gradient"} <= lost(result)
    assert "consistency" not in lost(result)
    assert {c.points / c.max_points for c in result.criteria if not c.passed} == {0.5}


@pytest.mark.parametrize("question", ["mse_loss", BCE, "cross_entropy_loss"])
def test_a_wrong_value_leaves_the_points_of_the_gradient_and_the_other_way_round(question):
    for mistake, kept in (("value-summed", "gradient"), ("gradient-negated", "value")):
        result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))
        assert {"value", "gradient"} - lost(result) == {kept}


def test_an_input_that_is_changed_loses_purity_alone():
    def loss(scores, labels):
        answer = losses.cross_entropy_loss(scores.copy(), labels)
        scores -= scores.max(axis=1, keepdims=True)
        return answer

    assert lost(COURSE.grade("cross_entropy_loss", SEEDS[0], {"cross_entropy_loss": loss})) == {"purity"}


def test_hidden_cases_differ_between_seeds_and_repeat_for_one():
    def inputs(question, seed):
        hidden = [t for t in prepare(QUESTIONS[question], seed).trials if not t.visible and t.kind == "call"]
        return [v.tobytes() for t in hidden for v in t.plan.values if isinstance(v, np.ndarray)]

    for question in QUESTIONS:
        assert inputs(question, 1) == inputs(question, 1)
        assert inputs(question, 1) != inputs(question, 2)


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert len(mistake.hint) < 120
            assert "?" in mistake.hint or mistake.hint == "Differentiate the square."


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


def test_the_figures_in_the_text_are_right():
    text = (COURSE.folder / "notebook.md").read_text()
    for p, t, cost in re.findall(r"^\| ([\d.]+) \| ([01]) \| \$.* = ([\d.]+)\$ \|$", text, re.M):
        value, _ = losses.binary_cross_entropy_loss(np.array([float(p)]), np.array([float(t)]))
        assert f"{value:.4f}" == cost
    value, gradient = losses.cross_entropy_loss(np.array([[1.0, 2.0, 3.0]]), np.array([2]))
    assert f"= {value:.4f}$. For four equal scores" in text
    assert r"({:.4f},\, {:.4f},\, {:.4f})$. The scores".format(*gradient[0]) in text
    rows = re.findall(r"^\| [AB], (\w+) \| \$\(([\d.]+),.* \| ([\d.]+) \| \w+ \|$", text, re.M)
    assert len(rows) == 4
    means = {"before": [], "after": []}
    for when, p, cost in rows:
        means[when].append(losses.cross_entropy_loss(np.log([[float(p), 1 - float(p)]]), np.array([0]))[0])
        assert f"{means[when][-1]:.3f}" == cost
    assert f"from {np.mean(means['before']):.3f} to {np.mean(means['after']):.3f}" in text


def test_the_demonstration_shows_a_flat_loss_while_the_accuracy_rises():
    (cell,) = [c for c in build(COURSE.folder).cells if "def tug_of_war" in c.source]
    namespace = {"np": np, "picture": lambda draw: None}
    exec(cell.source, namespace)
    values, shares = [], []
    for moment in np.linspace(0, 1, 11):
        scores, _ = namespace["tug_of_war"](moment)
        values.append(losses.cross_entropy_loss(scores, np.zeros(len(scores), dtype=int))[0])
        shares.append(np.mean(scores.argmax(axis=1) == 0))
    assert max(values) - min(values) < 0.02 * min(values)
    assert values[-1] >= values[0]
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(0.7)
    assert np.all(np.diff(shares) >= 0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == 6


@pytest.mark.parametrize("name", ["clipped", "lists"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


def test_the_students_own_check_sees_a_logarithm_that_is_infinite(bundle, monkeypatch):
    notebook = build(COURSE.folder)
    for cell in notebook.cells:
        if cell.source.startswith(f"def {BCE}"):
            cell.source = (
                f"def {BCE}(p, t):\n"
                "    value = np.mean(-t * np.log(p) - (1 - t) * np.log(1 - p))\n"
                "    return value, (p - t) / (p * (1 - p)) / p.size"
            )
    with np.errstate(all="ignore"):
        said = {r.function: r for r in run_cells(notebook, bundle, monkeypatch)}
    assert lost(said[BCE].result) == {"stability: predictions of 0 and 1"}
    assert [d.name for d in said[BCE].result.diagnosis] == ["raw-logarithms"]


@pytest.mark.slow
@pytest.mark.parametrize("style", ["", "dot_products"])
def test_the_notebook_runs_in_a_real_kernel(bundle, style):
    notebook = build(COURSE.folder)
    if style:
        notebook = fill_from_file(notebook, COURSE.styles / f"{style}.py")
    done = nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(bundle)}}).execute()
    said = json.dumps([cell.outputs for cell in done.cells if cell.cell_type == "code"])
    assert ("Nothing to see yet" in said) == (not style)
    assert "did not pass" not in said
    assert said.count("image/png") == (5 if style else 0)
