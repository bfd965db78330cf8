"""Is the assignment on im2col fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json
import re

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.prepare import prepare
from grader.release import release
from solutions import im2col
from tests.assignments.course import SEEDS, Course, constant, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("05-im2col")
QUESTIONS = COURSE.questions
PICTURES = 4  # drawn, where the functions are written; a fifth demo prints


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


def by_loops(x, kernel_size, *, stride=1, padding=0, dilation=1):
    """Columns made place by place."""
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = (np.broadcast_to(v, 2) for v in (kernel_size, stride, padding, dilation))
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    columns = []
    for r in range(0, padded.shape[2] - dh * (kh - 1), sh):
        for c in range(0, padded.shape[3] - dw * (kw - 1), sw):
            window = padded[:, :, r : r + dh * (kh - 1) + 1 : dh, c : c + dw * (kw - 1) + 1 : dw]
            columns.append(window.reshape(len(x), -1))
    return np.stack(columns, axis=2)


def image_by_image(x, kernel_size, **settings):
    """Vectorised over the places, not over the batch."""
    columns = []
    for image in x:
        columns.append(im2col.im2col(image[None], kernel_size, **settings)[0])
    return np.stack(columns)


@pytest.mark.parametrize("looping", [by_loops, image_by_image])
def test_a_loop_over_places_or_images_costs_nothing_but_the_points_for_being_vectorised(looping):
    assert lost(COURSE.grade("im2col", SEEDS[0], {"im2col": looping})) == {"vectorised"}


def test_columns_added_back_one_by_one_cost_nothing_but_the_points_for_being_vectorised():
    def col2im(cols, output_size, kernel_size, **settings):
        total = im2col.col2im(np.zeros_like(cols), output_size, kernel_size, **settings)
        for place in range(cols.shape[2]):
            one = np.zeros_like(cols)
            one[:, :, place] = cols[:, :, place]
            total = total + im2col.col2im(one, output_size, kernel_size, **settings)
        return total

    assert lost(COURSE.grade("col2im", SEEDS[0], {"col2im": col2im})) == {"vectorised"}


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
        ("conv2d", ("kernels-scrambled", "dx-overwritten-by-taps")),
        ("conv2d", ("stride-ignored", "db-averaged")),
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
    text = (COURSE.folder / "notebook.md").read_text()

    def matrix(a):
        rows = r" \\ ".join(" & ".join(f"{v:g}" for v in row) for row in a)
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"

    assert matrix(im2col.im2col(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0]) in text
    assert matrix(im2col.col2im(np.ones((1, 4, 4)), 3, 2)[0, 0]) in text
    out, cache = im2col.conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]))
    dx, dw, _ = im2col.conv2d_backward(np.array([[[[1.0, 2]]]]), cache)
    assert matrix(out[0, 0]) in text
    assert matrix(dw[0, 0]) in text
    assert "({:g}, {:g}, {:g})".format(*dx[0, 0, 0]) in text


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == PICTURES + 1


@pytest.mark.parametrize("name", ["shifted_slices", "index_arrays"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    printed = capsys.readouterr().out
    assert "Nothing to see yet" not in printed
    first, second = re.findall(r"= (-?[0-9.]+)$", printed, re.M)
    assert float(first) == pytest.approx(float(second), abs=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["", "sliding_windows"])
def test_the_notebook_runs_in_a_real_kernel(bundle, style):
    notebook = build(COURSE.folder)
    if style:
        notebook = fill_from_file(notebook, COURSE.styles / f"{style}.py")
    done = run_in_kernel(notebook, bundle)
    said = json.dumps([cell.outputs for cell in done.cells if cell.cell_type == "code"])
    assert ("Nothing to see yet" in said) == (not style)
    assert "did not pass" not in said
    assert said.count("image/png") == (PICTURES if style else 0)
