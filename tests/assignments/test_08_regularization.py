"""Is the assignment on regularization fair? Right draws of any kind keep every point, each mistake is named alone."""

import dataclasses
import json

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import regularization
from tests.assignments.course import SEEDS, Course, constant, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("08-regularization")
QUESTIONS = COURSE.questions
DRAWN = ["dropout", "random_horizontal_flip", "random_shift", "random_rotation", "random_scale", "color_jitter"]


def test_the_points_are_fifty():
    assert COURSE.assignment.points == 50


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    COURSE.assert_full_marks(question, SEEDS[0], QUESTIONS[question].functions)


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
    COURSE.assert_full_marks(question, SEEDS[1], COURSE.style(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    functions = COURSE.style(name)
    for seed in (None, *SEEDS):
        COURSE.assert_full_marks(question, seed, functions)


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q != "early_stopping"])
def test_a_constant_of_the_right_shape_earns_nothing(question):
    functions = {name: constant(f) for name, f in QUESTIONS[question].functions.items()}
    assert COURSE.grade(question, SEEDS[0], functions).points == 0


def drawn_first(function):
    """The same function, after its generator has been used for something else: other draws, as right or as wrong."""

    def other(*args, rng, **options):
        if rng is not None:
            rng.random(17)
        return function(*args, rng=rng, **options)

    return other


@pytest.mark.parametrize("question", DRAWN)
def test_a_mistake_is_named_whatever_was_drawn(question):
    first = next(iter(QUESTIONS[question].functions))
    for mistake in QUESTIONS[question].misconceptions:
        functions = COURSE.mistaken(question, mistake.name)
        if first not in mistake.functions:
            continue
        functions[first] = drawn_first(functions[first])
        result = COURSE.grade(question, SEEDS[2], functions)
        assert [d.name for d in result.diagnosis] == [mistake.name]


@pytest.mark.parametrize(
    ("question", "convention"),
    [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention],
)
def test_a_textbooks_other_convention_keeps_half_of_what_it_loses(question, convention):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, convention))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    given = {c.name: c.points / c.max_points for c in result.criteria if not c.passed}
    assert set(given.values()) == {0.5}


def test_dropout_that_scales_at_test_time_keeps_equal_means_and_the_mask():
    convention = COURSE.grade("dropout", SEEDS[0], COURSE.mistaken("dropout", "scaled-at-test-time"))
    assert not lost(convention) & {"statistics: equal means", "statistics: the same mask"}
    mistake = COURSE.grade("dropout", SEEDS[0], COURSE.mistaken("dropout", "not-scaled"))
    assert "statistics: equal means" in lost(mistake)


def test_a_new_mask_on_the_way_back_costs_the_mask_alone():
    result = COURSE.grade("dropout", SEEDS[0], COURSE.mistaken("dropout", "new-mask-on-the-way-back"))
    assert lost(result) == {"statistics: the same mask"}


@pytest.mark.parametrize("at_zero", [-1.0, -0.3, 0.0, 1.0])
def test_any_subgradient_of_l1_at_zero_is_right(at_zero):
    def l1_penalty(w, *, strength):
        return strength * np.abs(w).sum(), strength * np.where(w == 0, at_zero, np.sign(w))

    for seed in (None, SEEDS[0]):
        COURSE.assert_full_marks("l1_penalty", seed, {"l1_penalty": l1_penalty})


def test_a_subgradient_beyond_the_limits_is_none():
    def l1_penalty(w, *, strength):
        return strength * np.abs(w).sum(), strength * np.where(w == 0, 1.1, np.sign(w))

    assert lost(COURSE.grade("l1_penalty", SEEDS[0], {"l1_penalty": l1_penalty})) == {"gradient at 0"}


def test_state_shared_by_all_watchers_is_found():
    seen = {}

    class Shared(regularization.EarlyStopping):
        def __init__(self, patience, min_delta=0.0):
            self.__dict__ = seen
            super().__init__(patience, min_delta)

    result = COURSE.grade("early_stopping", SEEDS[0], {"EarlyStopping": Shared})
    assert lost(result) == {"value: patience"}


@pytest.mark.parametrize("question", ["random_rotation", "random_scale", "color_jitter"])
def test_the_curves_are_close_enough_for_every_right_answer(question):
    """Halfway between two points of a curve, the distance to it stays far within the tolerance."""
    from grader.draws import _nearest

    for seed in SEEDS:
        for case in QUESTIONS[question].hidden(np.random.default_rng(seed)):
            if getattr(case.judge, "name", "") == "along":
                given = case.judge.parameters
                function = next(iter(QUESTIONS[question].functions.values()))
                exact = function(*case.inputs, **{**case.options, "rng": np.random.default_rng(seed)})
                _, distance = _nearest(exact, np.asarray(given["curve"], dtype=float), np.asarray(given["places"]))
                assert distance.max() < 0.012


def test_hidden_cases_differ_between_seeds_and_repeat_for_one():
    def inputs(question, seed):
        hidden = [t for t in prepare(QUESTIONS[question], seed).trials if not t.visible and t.kind == "call"]
        return [v.tobytes() for t in hidden for v in t.plan.values if isinstance(v, np.ndarray) and np.ptp(v)]

    for question in ("l2_penalty", "max_norm", "dropout", "random_scale"):
        assert inputs(question, 1) == inputs(question, 1)
        assert not set(inputs(question, 1)) & set(inputs(question, 2))


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert len(mistake.hint) < 120
            assert "?" in mistake.hint or mistake.hint == "Count the bad epochs."


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
    assert capsys.readouterr().out.count("Nothing to see yet.") == 8


@pytest.mark.slow
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / "whole_arrays.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


@pytest.mark.slow
def test_both_notebooks_run_in_a_real_kernel(bundle):
    run_in_kernel(build(COURSE.folder), bundle)
    executed = run_in_kernel(fill_from_file(build(COURSE.folder), COURSE.styles / "whole_arrays.py"), bundle)
    shown = [json.dumps(c.get("outputs", [])) for c in executed.cells]
    assert not any("Nothing to see yet" in outputs for outputs in shown)
    assert sum("image/png" in outputs for outputs in shown) == 8


def test_a_forward_alone_is_checked_by_its_draws(bundle):
    from grader.checker import Checker

    check = Checker("regularization", bundle)
    wrong = COURSE.mistaken("dropout", "keeps-with-p")["dropout_forward"]

    def dropout_forward(x, *, p, training, rng):
        return wrong(x, p=p, training=training, rng=rng)

    report = check(dropout_forward)
    assert not report.passed
    assert [d.name for d in report.result.diagnosis] == ["keeps-with-p"]
    assert check(regularization.dropout_forward).passed


def test_the_bundle_holds_no_hidden_case(bundle):
    checks = b"".join(p.read_bytes() for p in bundle.iterdir())
    for question in QUESTIONS.values():
        for case in question.hidden(np.random.default_rng(0)):
            if case.name not in {c.name for c in question.visible}:
                assert json.dumps(case.name).encode() not in checks
