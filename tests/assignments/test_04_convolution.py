"""Is the assignment on convolution fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json
import re
import zlib

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.folders import load_assignment
from grader.prepare import prepare
from grader.release import release
from solutions import convolution
from tests.assignments.course import SEEDS, grade, lost, run_cells
from tests.assignments.course_04 import (
    ASSIGNMENT,
    FOLDER,
    FUNCTIONS,
    QUESTIONS,
    STYLE_NAMES,
    STYLES,
    prepared,
    style,
)

MISTAKES = [(name, m.name) for name, q in QUESTIONS.items() for m in q.misconceptions]


def mistaken(question, *names):
    known = {m.name: m for m in QUESTIONS[question].misconceptions}
    functions = dict(QUESTIONS[question].functions)
    for name in names:
        functions.update(known[name].functions)
    return functions


def assert_full_marks(question, seed, functions):
    result = grade(prepared(question, seed), functions)
    assert (result.points, lost(result), result.diagnosis) == (QUESTIONS[question].points, set(), ())


def assert_named(question, seed, mistake):
    result = grade(prepared(question, seed), mistaken(question, mistake))
    assert result.points < QUESTIONS[question].points
    assert [d.name for d in result.diagnosis] == [mistake]


def test_the_points_are_fifty():
    assert ASSIGNMENT.points == 50
    assert all(q.points == sum(c.points for c in q.criteria) for q in ASSIGNMENT.questions)


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    for seed in SEEDS[:2]:
        assert_full_marks(question, seed, QUESTIONS[question].functions)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks_for_200_seeds(question):
    # Without the mistakes, which the preparation would run as well.
    alone = dataclasses.replace(QUESTIONS[question], misconceptions=())
    for seed in range(200):
        result = grade(prepare(alone, seed), alone.functions)
        assert (result.points, seed) == (alone.points, seed)


@pytest.mark.parametrize(("question", "mistake"), MISTAKES)
def test_a_mistake_costs_points_and_is_named_alone(question, mistake):
    assert_named(question, SEEDS[0], mistake)


@pytest.mark.slow
@pytest.mark.parametrize(("question", "mistake"), MISTAKES)
def test_a_mistake_costs_points_and_is_named_alone_for_20_seeds(question, mistake):
    for seed in SEEDS:
        assert_named(question, seed, mistake)


@pytest.mark.parametrize(("question", "mistake"), MISTAKES)
def test_the_visible_cases_already_name_a_mistake(question, mistake):
    assert_named(question, None, mistake)


@pytest.mark.parametrize("name", STYLE_NAMES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point(question, name):
    for seed in SEEDS[:1]:
        assert_full_marks(question, seed, style(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", STYLE_NAMES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    for seed in SEEDS:
        assert_full_marks(question, seed, style(name))


@pytest.mark.parametrize(
    ("mistake", "ability"),
    [
        ("bias-forgotten", "bias"),
        ("stride-ignored", "stride"),
        ("padding-ignored", "padding"),
        ("padding-mode-ignored", "padding modes"),
        ("dilation-ignored", "dilation"),
        ("groups-ignored", "groups"),
    ],
)
def test_a_forward_without_one_ability_keeps_the_points_of_the_others(mistake, ability):
    result = grade(prepared("conv2d", SEEDS[0]), mistaken("conv2d", mistake))
    values = {name for name in lost(result) if name.startswith("value")}
    # To pad in some mode one has to pad.
    expected = {f"value: {ability}", "value: everything together"} | (
        {"value: padding modes"} if ability == "padding" else set()
    )
    assert values == expected
    assert not any(name.startswith("gradient") for name in lost(result))


def test_a_wrong_gradient_of_the_bias_costs_little_more_than_that():
    result = grade(prepared("conv2d", SEEDS[0]), mistaken("conv2d", "db-averaged"))
    assert {n for n in lost(result) if n.startswith("gradient")} == {"gradient: bias", "gradient: everything together"}
    assert result.points >= 18


def test_a_right_backward_keeps_its_points_beside_a_flipped_forward():
    result = grade(prepared("conv2d", SEEDS[0]), mistaken("conv2d", "flipped-kernel"))
    assert not any(name.startswith("gradient") for name in lost(result))
    assert {name for name in lost(result) if name.startswith("value")}


def test_a_true_convolution_is_a_convention_that_keeps_half_and_is_consistent():
    result = grade(prepared("conv2d", SEEDS[0]), mistaken("conv2d", "true-convolution"))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert not any(name.startswith("consistency") for name in lost(result))
    given = {c.name: c.points / c.max_points for c in result.criteria}
    assert {given[name] for name in lost(result)} == {0.5}


def test_a_mistake_forward_and_another_backward_are_both_named():
    functions = mistaken("conv2d", "stride-exchanged", "dx-kernel-not-turned")
    result = grade(prepared("conv2d", SEEDS[0]), functions)
    assert {d.name for d in result.diagnosis} == {"stride-exchanged", "dx-kernel-not-turned"}


def test_an_unasked_db_is_no_mistake_and_hides_none():
    wrong = mistaken("conv2d", "dx-kernel-not-turned")["conv2d_backward"]
    for backward, names in ((convolution.conv2d_backward, []), (wrong, ["dx-kernel-not-turned"])):

        def eager(dout, cache, backward=backward):
            return (*backward(dout, cache)[:2], dout.sum(axis=(0, 2, 3)))

        result = grade(prepared("conv2d", SEEDS[0]), mistaken("conv2d") | {"conv2d_backward": eager})
        assert [d.name for d in result.diagnosis] == names
        assert (result.points == result.max_points) == (not names)


def constant(function):
    """One number everywhere, in the right shape."""

    def answer(*args, **options):
        right = function(*args, **options)
        parts = right if isinstance(right, tuple) and not isinstance(right[0], int) else (right,)
        flat = [np.full_like(p, 0.5) if isinstance(p, np.ndarray) else p for p in parts]
        return tuple(flat) if len(parts) > 1 else flat[0]

    return answer


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q != "conv2d_output_size"])
def test_a_constant_of_the_right_shape_earns_nothing(question):
    functions = {name: constant(f) for name, f in QUESTIONS[question].functions.items()}
    assert grade(prepared(question, SEEDS[0]), functions).points == 0


def test_an_input_padded_in_place_loses_purity():
    def writes(x, padding, *, mode="zeros"):
        out = convolution.pad2d(x, padding, mode=mode)
        x[...] = 0
        return out

    assert lost(grade(prepared("pad2d", SEEDS[0]), {"pad2d": writes})) == {"purity"}


def test_one_output_buffer_for_all_calls_loses_purity():
    buffer = np.empty(10_000)

    def reuses(*args, **options):
        out, cache = convolution.conv2d_forward(*args, **options)
        reused = buffer[: out.size].reshape(out.shape)
        reused[...] = out
        return reused, cache

    functions = mistaken("conv2d") | {"conv2d_forward": reuses}
    assert lost(grade(prepared("conv2d", SEEDS[0]), functions)) == {"purity"}


def test_hidden_cases_differ_between_seeds_and_repeat_for_one():
    def inputs(question, seed):
        hidden = [t for t in prepare(QUESTIONS[question], seed).trials if not t.visible and t.kind == "call"]
        return [v.tobytes() for t in hidden for v in t.plan.values if isinstance(v, np.ndarray)]

    for question in ("cross_correlate2d", "convolve1d", "pad2d"):
        assert inputs(question, 1) == inputs(question, 1)
        assert not set(inputs(question, 1)) & set(inputs(question, 2))


def test_hidden_layers_show_what_is_exchanged_or_left_over():
    for seed in SEEDS:
        cases = QUESTIONS["conv2d"].hidden(np.random.default_rng(seed))
        strided = [c for c in cases if "stride" in c.tags]
        rests, longer, shorter = [], [], []
        for case in cases:
            x, w, _ = case.inputs
            assert x.shape[2] != x.shape[3]
            assert x.size == 1 or "one image" in case.name or len({*x.shape[:2], w.shape[0]}) == 3
        for case in strided:
            x, w, _ = case.inputs
            strides = np.broadcast_to(case.options["stride"], 2)
            room = np.array(x.shape[2:]) - w.shape[2:]
            rests.append(bool(np.any(room % strides)))
            longer.append(bool(np.all(strides > w.shape[2:])))
            shorter.append(bool(np.all(strides < w.shape[2:])))
        assert any(rests)
        assert any(longer)
        assert any(shorter)


def test_plain_loops_need_little_time():
    result = prepared("conv2d", SEEDS[0])
    forwards = [t.plan.values[:2] for t in result.trials if t.kind == "call" and not t.visible]
    products = sum(x.shape[0] * w.size * x.shape[2] * x.shape[3] for x, w in forwards)
    assert products < 200_000  # about half a microsecond each


def test_the_notebook_is_fresh():
    assert staleness(FOLDER) == ""


def test_the_table_of_sizes_in_the_text_is_right():
    text = (FOLDER / "notebook.md").read_text()
    rows = re.findall(r"^\|\s*(\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.M)
    assert len(rows) == 5
    for row in rows:
        n, k, stride, padding, dilation, places = map(int, row)
        found = convolution.conv2d_output_size(n, k, stride=stride, padding=padding, dilation=dilation)
        assert found == (places, places)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(FOLDER, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(FOLDER), bundle, monkeypatch)
    assert [r.function for r in said] == FUNCTIONS
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == 8


@pytest.mark.parametrize("name", ["windows", "lists"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(FOLDER), STYLES[name])
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == FUNCTIONS
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


def test_no_hint_gives_an_answer_or_repeats_another_questions_name():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120


def test_the_bundle_holds_no_hidden_case(bundle):
    checks = b"".join(
        zlib.decompress(p.read_bytes()) if p.suffix == ".checks" else p.read_bytes() for p in bundle.iterdir()
    )
    for question in QUESTIONS.values():
        for case in question.hidden(np.random.default_rng(0)):
            # Names of hidden cases are told in feedback, never in advance.
            if case.name not in {c.name for c in question.visible}:
                assert json.dumps(case.name).encode() not in checks


def test_the_assignment_loads_the_same_twice():
    assert [q.name for q in load_assignment(FOLDER).questions] == list(QUESTIONS)
