"""Is the assignment on optimizers fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import math
import re

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import optimizers as reference
from tests.assignments.course import SEEDS, Course, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("09-optimizers")
QUESTIONS, MISTAKES, STYLE_NAMES = COURSE.questions, COURSE.mistakes, COURSE.style_names
STEPS = [name for name in QUESTIONS if name.endswith("_step")]
WITH_STATE = [name for name in STEPS if name != "sgd_step"]

per_question = pytest.mark.parametrize("question", QUESTIONS)
per_mistake = pytest.mark.parametrize(("question", "mistake"), MISTAKES)
per_style = pytest.mark.parametrize("name", STYLE_NAMES)


def test_the_points_are_forty_three():
    assert COURSE.assignment.points == 43


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
@pytest.mark.parametrize("function", STEPS)
def test_a_style_walks_as_the_reference_does(name, function):
    rng = np.random.default_rng(11)
    w, state = rng.normal(size=(2, 3)), None
    right, right_state = w, None
    for _ in range(30):
        dw = rng.normal(size=(2, 3))
        w, state = COURSE.style(name)[function](w, dw, state, lr=0.05)
        right, right_state = getattr(reference, function)(right, dw, right_state, lr=0.05)
    np.testing.assert_allclose(np.asarray(w), right, rtol=1e-3 if name == "single_precision" else 1e-9)


@pytest.mark.parametrize("question", WITH_STATE)
def test_a_state_written_into_keeps_all_but_two_ways_on(question):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, "state-changed"))
    assert lost(result) == {"value: two walks at a time"}


@pytest.mark.parametrize("question", WITH_STATE)
def test_a_state_shared_by_all_walks_keeps_single_walks(question):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, "one-state-for-all"))
    assert "value: two walks at a time" in lost(result)
    assert not {"value: one step", "value: several steps"} & lost(result)


@pytest.mark.parametrize("question", STEPS)
def test_weights_changed_in_place_lose_purity_and_hardly_more(question):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, "weights-changed"))
    assert "purity" in lost(result)
    assert lost(result) <= {"purity", "value: two walks at a time"}
    (message,) = [c.message for c in result.criteria if c.name == "purity"]
    assert "the input w was changed in place" in message


@pytest.mark.parametrize("question", WITH_STATE)
def test_a_gradient_changed_in_place_loses_purity_alone(question):
    right = QUESTIONS[question].functions[question]

    def step(w, dw, state, **options):
        result = right(w, dw, state, **options)
        dw *= 0
        return result

    result = COURSE.grade(question, SEEDS[0], {question: step})
    assert lost(result) == {"purity"}


@pytest.mark.parametrize("question", WITH_STATE)
def test_memory_in_a_global_variable_loses_purity_and_the_second_walk(question):
    right = QUESTIONS[question].functions[question]
    kept = [None]

    def step(w, dw, state, **options):
        new, kept[0] = right(w, dw, kept[0] if np.shape(w) == _shape(kept[0]) else None, **options)
        return new, None

    assert {"purity", "value: two walks at a time"} <= lost(COURSE.grade(question, SEEDS[0], {question: step}))


def _shape(state):
    return None if state is None else np.shape(state[0] if isinstance(state, tuple) else state)


CONVENTIONS = [
    ("momentum_step", "velocity-holds-the-rate", {"value: a rate that changes"}),
    ("adagrad_step", "starts-at-a-tenth", None),
    ("rmsprop_step", "memory-of-nine-tenths", {"value: defaults"}),
    ("adam_step", "eps-inside-the-root", None),
    ("adamw_step", "decay-in-the-gradient", None),
    ("step_decay", "counted-from-one", None),
]


@pytest.mark.parametrize(("question", "mistake", "expected"), CONVENTIONS)
def test_another_textbooks_form_keeps_half_of_what_it_would_lose(question, mistake, expected):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert expected is None or lost(result) == expected
    given = {c.name: c.points / c.max_points for c in result.criteria}
    assert {given[name] for name in lost(result)} == {0.5}


def test_hidden_walks_change_every_sign_and_leave_gradients_zero():
    for seed in SEEDS:
        cases = {c.name: c for c in QUESTIONS["adam_step"].hidden(np.random.default_rng(seed))}
        _, *gradients = cases["gradients that change their sign"].script.values
        signs = np.sign(gradients)
        assert len(gradients) >= 3
        assert (np.abs(np.diff(signs, axis=0)).sum(axis=0) >= 2).all()
        _, *gradients = cases["some gradients are zero"].script.values
        assert not np.any([g[0] for g in gradients])
        assert not gradients[0][1]
        assert gradients[-1][1]


def test_every_hidden_walk_hands_the_students_own_state_on():
    for question in WITH_STATE:
        for case in QUESTIONS[question].hidden(np.random.default_rng(0)):
            steps = case.script.steps
            assert all(s.send == (0,) for s in steps)
            assert "first" in case.tags or len(steps) >= 3


def table(text, header):
    """The rows of the table that begins with ``header``, as lists of cells."""
    rows = text[text.index(header) :].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_figures_in_the_text_are_those_of_the_code():
    text = (COURSE.folder / "notebook.md").read_text()
    for header, step in (
        ("| step | $dw$ | $v$ | $w$ |", reference.momentum_step),
        ("| step | $dw$ | $v$ | $dw + \\mu v$ | $w$ |", reference.nesterov_step),
    ):
        w, state = np.array([1.0]), None
        for row in table(text, header):
            w, state = step(w, np.array([float(row[1])]), state, lr=0.1, momentum=0.5)
            (velocity,) = re.findall(r"(-?[\d.]+)\$?$", row[2])
            assert float(velocity) == pytest.approx(state[0])
            assert float(row[-1]) == pytest.approx(w[0])
    (rates,) = re.findall(r"^\| rate \| (1 \| .*) \|$", text, re.M)
    assert [float(r) for r in rates.split("|")] == [
        reference.step_decay(1.0, e, step_size=2, gamma=0.5) for e in range(6)
    ]
    (rates,) = re.findall(r"^\| rate \| (0\.25 \| .*) \|$", text, re.M)
    assert [float(r) for r in rates.split("|")] == [
        round(reference.cosine_decay(1.0, e, total=7, warmup=3), 2) for e in range(9)
    ]
    assert f"{0.1 / math.sqrt(0.001):.2f}" in text


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loops", "objects"])
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
    executed = run_in_kernel(fill_from_file(notebook, COURSE.styles / f"{name}.py") if name else notebook, bundle)
    films = [
        html
        for cell in executed.cells
        for output in cell.get("outputs", ())
        if "Animation" in (html := output.get("data", {}).get("text/html", ""))
    ]
    assert len(films) == (name is not None)
    assert all(len(film) < 1_000_000 for film in films)


def test_no_hint_gives_an_answer():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120
