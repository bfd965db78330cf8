"""Is the assignment on pooling fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import pooling
from tests.assignments.course import SEEDS, Course, constant, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("06-pooling")
QUESTIONS = COURSE.questions
PICTURES = 6  # that wait: five are drawn and one prints; a sixth is drawn from the start

# What is at stake only where pixels tie; the visible checks avoid ties, and the notebook shows one.
TIES_ALONE = ("max_pool2d", "every-tie-wins")


def test_the_points_are_forty():
    assert COURSE.assignment.points == 40


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


@pytest.mark.parametrize(("question", "mistake"), [m for m in COURSE.mistakes if m != TIES_ALONE])
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


def divided(divide):
    """Max pooling of windows side by side or not; ``divide`` says how a window's winners share, as 0 and 1 go in."""

    def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
        out, _ = pooling.max_pool2d_forward(x, kernel_size, stride=stride, padding=padding)
        kernel, steps, pads = (np.broadcast_to(v, 2) for v in (kernel_size, stride or kernel_size, padding))
        return out, (x, out, kernel, steps, pads)

    def max_pool2d_backward(dout, cache):
        x, out, (kh, kw), (sh, sw), (ph, pw) = cache
        padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=-np.inf)
        dx = np.zeros(padded.shape)
        for n, c, r, q in np.ndindex(out.shape):
            window = (n, c, slice(r * sh, r * sh + kh), slice(q * sw, q * sw + kw))
            dx[window] += dout[n, c, r, q] * divide((padded[window] == out[n, c, r, q]).astype(float))
        return dx[:, :, ph : ph + x.shape[2], pw : pw + x.shape[3]]

    return {"max_pool2d_forward": max_pool2d_forward, "max_pool2d_backward": max_pool2d_backward}


def uneven(winners):
    weights = winners * np.arange(1, winners.size + 1).reshape(winners.shape)
    return weights / weights.sum()


def first(winners):
    return np.eye(1, winners.size, winners.argmax()).reshape(winners.shape)


@pytest.mark.parametrize("divide", [first, lambda w: first(w[::-1, ::-1])[::-1, ::-1], lambda w: w / w.sum(), uneven])
def test_any_division_among_pixels_that_tie_is_right(divide):
    for seed in SEEDS[:3]:
        COURSE.assert_full_marks("max_pool2d", seed, divided(divide))


@pytest.mark.parametrize(
    "divide",
    [
        lambda w: w if w.sum() == 1 else 0 * w,  # no winner at a tie
        lambda w: w if w.sum() == 1 else 0.5 * w / w.sum(),  # a part of the gradient is lost
        lambda w: w if w.sum() == 1 else np.ones_like(w) / w.size,  # losers have a share
        lambda w: w if w.sum() == 1 else 3 * first(w) - 2 * w / w.sum(),  # a negative share
    ],
)
def test_an_unfair_division_of_a_tie_costs_the_ties_alone(divide):
    for seed in SEEDS[:3]:
        assert lost(COURSE.grade("max_pool2d", seed, divided(divide))) == {"gradient: ties"}


def test_every_tie_wins_costs_the_ties_alone():
    assert lost(COURSE.grade(TIES_ALONE[0], SEEDS[0], COURSE.mistaken(*TIES_ALONE))) == {"gradient: ties"}


def test_hidden_ties_are_ties_and_all_other_hidden_numbers_differ():
    for seed in SEEDS:
        for case in QUESTIONS["max_pool2d"].hidden(np.random.default_rng(seed)):
            x = case.script.values[0] if case.script else case.inputs[0]
            distinct = np.unique(x).size == x.size
            assert distinct == (case.script is None)
            if distinct and x.size > 1:
                assert np.diff(np.sort(x, axis=None)).min() > 0.05


@pytest.mark.parametrize(
    ("question", "mistake", "ability"),
    [
        ("max_pool2d", "padding-with-zeros", "padding"),
        ("avg_pool2d", "padding-not-counted", "padding"),
        ("median_pool2d", "padding-with-zeros", "padding"),
        ("max_pool2d", "rest-gets-a-window", "rest"),
    ],
)
def test_a_forward_without_one_ability_keeps_the_points_of_the_others(question, mistake, ability):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))
    values = {name for name in lost(result) if name.startswith("value")}
    assert f"value: {ability}" in values
    assert "value: plain" not in values
    assert not any(name.startswith("gradient") for name in lost(result))


@pytest.mark.parametrize(
    ("question", "convention"),
    [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention],
)
def test_a_textbooks_other_convention_keeps_half_of_what_its_values_lose(question, convention):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, convention))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    values = [c for c in result.criteria if not c.passed and c.name.startswith("value")]
    assert {c.points / c.max_points for c in values} == {0.5}


def test_a_mistake_forward_and_another_backward_are_both_named():
    for question, names in (
        ("max_pool2d", ("padding-with-zeros", "dx-overwritten")),
        ("avg_pool2d", ("stride-ignored", "dx-not-shared")),
        ("global_avg_pool2d", ("rows-alone", "dx-not-shared")),
    ):
        result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, *names))
        assert {d.name for d in result.diagnosis} == set(names)


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
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


def test_the_figures_in_the_text_are_right():
    buffalo = np.array([[12.0, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])[None, None]
    birzeit = np.array([[1.0, 1, 2, 5], [5, 7, 7, 8], [3, 1, 1, 0], [1, 2, 3, 4]])[None, None]
    text = (COURSE.folder / "notebook.md").read_text()

    def matrix(a):
        rows = r" \\ ".join(" & ".join(f"{v:g}" for v in row) for row in a[0, 0])
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"

    largest, cache = pooling.max_pool2d_forward(buffalo, 2)
    for figure in (
        largest,
        pooling.max_pool2d_backward(np.array([[[[1.0, 2], [3, 4]]]]), cache),
        pooling.max_pool2d_forward(birzeit, 2)[0],
        pooling.avg_pool2d_forward(birzeit, 2)[0],
        pooling.median_pool2d_forward(birzeit, 2)[0],
    ):
        assert matrix(figure) in text


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == PICTURES


@pytest.mark.parametrize("name", ["shifted_slices", "lists"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    printed = capsys.readouterr().out
    assert "Nothing to see yet" not in printed
    assert "the pixels received 4 in total" in printed


@pytest.mark.slow
@pytest.mark.parametrize("style", ["", "loops"])
def test_the_notebook_runs_in_a_real_kernel(bundle, style):
    notebook = build(COURSE.folder)
    if style:
        notebook = fill_from_file(notebook, COURSE.styles / f"{style}.py")
    done = run_in_kernel(notebook, bundle)
    said = json.dumps([cell.outputs for cell in done.cells if cell.cell_type == "code"])
    assert ("Nothing to see yet" in said) == (not style)
    assert "did not pass" not in said
    assert said.count("image/png") == (PICTURES if style else 1)
