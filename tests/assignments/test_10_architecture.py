"""Is the assignment on architecture fair? Right answers keep every point, known mistakes are named."""

import dataclasses
import re

import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.personal import for_student
from grader.plans import Answer, Foreign, Outcome
from grader.prepare import prepare
from grader.release import release
from solutions import architecture as reference
from solutions import written_assignments as written
from solutions.descriptions import KEYS, LENET5, conv
from tests.assignments.course import SEEDS, Course, grade, lost, run_cells
from tests.assignments.kernel import run_in_kernel

COURSE = Course("10-architecture")
QUESTIONS, MISTAKES = COURSE.questions, COURSE.mistakes
# A check of these would give the answer away: they are judged when handed in.
UNCHECKED = {"design_network"} | {q.name for q in QUESTIONS.values() if q.personal}
SHOWN = [(q, m) for q, m in MISTAKES if q not in UNCHECKED]
CHECKED = [f for f in COURSE.functions if f not in UNCHECKED]
DESIGN = next(iter(QUESTIONS["design_network"].visible)).judge


def test_the_points_are_53():
    assert COURSE.assignment.points == 53


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    for seed in SEEDS[:2]:
        COURSE.assert_full_marks(question, seed, QUESTIONS[question].functions)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks_for_100_seeds(question):
    alone = dataclasses.replace(QUESTIONS[question], misconceptions=())
    for seed in range(100):
        assert (grade(prepare(alone, seed), alone.functions).points, seed) == (alone.points, seed)


@pytest.mark.parametrize(("question", "mistake"), MISTAKES)
def test_a_mistake_costs_points_and_is_named_alone(question, mistake):
    COURSE.assert_named(question, SEEDS[0], mistake)


@pytest.mark.slow
@pytest.mark.parametrize(("question", "mistake"), MISTAKES)
def test_a_mistake_costs_points_and_is_named_alone_for_20_seeds(question, mistake):
    for seed in SEEDS:
        COURSE.assert_named(question, seed, mistake)


@pytest.mark.parametrize(("question", "mistake"), SHOWN)
def test_the_visible_cases_already_name_a_mistake(question, mistake):
    COURSE.assert_named(question, None, mistake)


@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point(question, name):
    COURSE.assert_full_marks(question, SEEDS[0], COURSE.style(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    for seed in SEEDS:
        COURSE.assert_full_marks(question, seed, COURSE.style(name))


def _found(layers):
    return DESIGN(Answer((Outcome((layers,)),)))


def _design(*maps, size=3, end=({"kind": "global_avg_pool2d"}, {"kind": "linear", "out_features": 10})):
    pool = {"kind": "max_pool2d", "kernel_size": 2}
    layers = [layer for n in maps for layer in (conv(n, size, padding=size // 2), pool)]
    return [*layers, *end]


def test_a_broken_limit_is_named_with_its_distance():
    flat = ({"kind": "flatten"}, {"kind": "linear", "out_features": 10})
    # Side² · maps · weights a filter, for the four convolutions, and the scores.
    products = 64**2 * 27 * 27 + 32**2 * 16 * 243 + 16**2 * 8 * 144 + 8**2 * 16 * 72 + 160
    for layers, words in (
        (_design(8, 16, 16), "its receptive field is 22 × 22, 18 short of 40 × 40"),
        (_design(8, 16, 16, 16, end=flat), "it learns 8,602 parameters, 602 too many"),
        (_design(8, 16, 16, 16, end=()), "the last output has shape (16, 4, 4), expected (10,)"),
        (_design(8, 16, 16, 12), "it ends with 12 feature maps, 4 too few"),
        (_design(8, 16, 16, 16, size=5), "a window is 5 wide, 2 more than 3"),
        (_design(27, 16, 8, 16), f"it needs {products:,} multiplications, {products - 4_000_000:,} too many"),
    ):
        assert words in _found(layers).message
    dilated = [conv(16, 3, stride=2, dilation=20, padding=20), *_design()]
    assert "a kernel is dilated" in _found(dilated).message
    assert _found(_design(8, 16, 16, 16)) is None


@pytest.mark.parametrize(
    "answer",
    [
        None,
        3,
        "conv2d",
        [],
        {},
        [[]],
        [{"kind": []}],
        [{"kind": "conv3d"}],
        [{"kind": "conv2d"}],
        [{"kind": "conv2d", "out_channels": 2.5, "kernel_size": 3}],
        [{"kind": "conv2d", "out_channels": float("nan"), "kernel_size": 3}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": 3, "stride": 0}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": [3, 3, 3]}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": [3, [3]]}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": {"a": 1}}],
        [{"kind": "conv2d", "out_channels": 10**400, "kernel_size": 3}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": 3, "padding": "same" * 1000}],
        [{"kind": "conv2d", "out_channels": 8, "kernel_size": 99}],
        [{"kind": "conv2d", "out_channels": Foreign("Trap"), "kernel_size": 3}],
        [{"kind": "linear", "out_features": 10}],
        [{"kind": "relu"}] * 10**5,
        np.ones(7),
        Foreign("Trap"),
    ],
)
def test_what_is_no_network_is_a_finding_and_never_a_crash(answer):
    finding = _found(answer)
    assert finding.code == "unreadable"
    assert len(finding.message) < 300


def test_whole_networks_have_the_sizes_that_their_authors_published():
    text = (COURSE.folder / "notebook.md").read_text()
    visible = {(q, c.name): c for q, question in QUESTIONS.items() for c in question.visible}

    def count(function, name):
        return getattr(reference, function)(*visible[function, name].inputs)

    assert round(count("parameter_count", "AlexNet"), -5) == 61_000_000
    assert count("parameter_count", "VGG-16") == 138_357_544
    assert count("parameter_count", "LeNet-5") == 61_706
    bzu = (8 * 3 * 3 * 3 + 8) + (16 * 5 * 5 * 8 + 16) + (16 * 16 * 16 * 512 + 512) + (512 * 4 + 4)
    assert count("parameter_count", "BZU's network") == bzu
    assert count("parameter_count", "GT's layer: four filters of 3 × 3 over three channels") == 112
    assert count("parameter_count", "LeNet's first layer") == 156
    assert count("parameter_count", "3 × 3, from 128 to 256 channels") == 295_168
    sevens, threes = "one 7 × 7, 16 to 16 channels", "three 3 × 3, 16 to 16 channels"
    assert (count("parameter_count", sevens), count("parameter_count", threes)) == (12_560, 6_960)
    products = [count("multiplication_count", f"{n} on 256 × 256") for n in ("one 7 × 7", "three 3 × 3")]
    assert [p // 10**6 for p in products] == [822, 452]
    strided = [count("receptive_field", f"3 × 3 with stride 2, {n} deep") for n in (1, 2, 3)]
    assert strided == [(3, 3), (7, 7), (15, 15)]
    assert "4,821,600" in text
    assert 6 * 28 * 28 * (32 * 32 + 1) == 4_821_600


def test_the_figures_worked_by_hand_in_the_text_are_right():
    text = (COURSE.folder / "notebook.md").read_text()
    h, b, z = np.array([[[[1.0, 2, 4]]]]), np.array([10.0]), np.array([[[[1.0, 2, 3]]]])
    value, dh, db = written.denoising_loss(h, b, z, np.array([[[[17.0, 27, 15]]]]))
    for numbers in (written.denoise(h, b, z), dh):
        assert f"= ({', '.join(f'{v:g}' for v in numbers.ravel())})" in text
    assert f"L = 18/3 = {value:g}" in text
    assert f"db = 2 + 2 = {db[0]:g}" in text
    parameters, fields = written.denoising_counts(3, (16, 8), (5, 3, 3))
    rows = re.findall(r"^\| [123] \| .* \| (\d+) \| (\d+) \|$", text, re.M)
    assert rows == [(str(p), str(r)) for p, r in zip(parameters, fields, strict=True)]
    found = written.conv_pool_linear_counts(28, 28, filters=4, kernel_size=5, pool_size=2, outputs=10)
    assert found == (5874, 6)
    assert "together 5874" in text


def test_the_table_of_the_text_knows_every_kind_of_layer_and_every_key():
    text = (COURSE.folder / "notebook.md").read_text()
    rows = [line for line in text.split("\n") if line.startswith("| `")]
    for kind, keys in KEYS.items():
        (row,) = [line for line in rows if f"`{kind}`" in line]
        for key, default in keys.items():
            assert (f"`{key}`" if default == "required" else f"`{key}={default!r}`") in row


def test_a_count_that_knows_no_groups_keeps_the_points_of_all_the_rest():
    result = COURSE.grade("parameter_count", SEEDS[0], COURSE.mistaken("parameter_count", "groups-ignored"))
    assert lost(result) == {"count: groups", "count: whole networks"}


def test_conventions_keep_half_of_what_they_lose():
    for question, mistake in (
        ("parameter_count", "batch-norm-always-four"),
        ("receptive_field", "pooling-multiplies"),
        ("denoising_loss", "summed"),
    ):
        result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))
        assert [d.kind for d in result.diagnosis] == ["convention"]
        assert {c.points / c.max_points for c in result.criteria if not c.passed} == {0.5}


def test_hidden_networks_are_legal_and_differ_between_seeds():
    def inputs(seed):
        return [c.inputs for c in QUESTIONS["parameter_count"].hidden(np.random.default_rng(seed))]

    for seed in SEEDS:
        for layers, image in inputs(seed):
            assert all(min(shape) >= 1 for shape in reference.output_shapes(layers, image))
    assert inputs(1) == inputs(1) != inputs(2)


def test_a_description_that_is_written_into_spoils_no_other_case():
    before = [dict(layer) for layer in LENET5]
    for question in QUESTIONS.values():
        for case in question.visible:
            if case.inputs and isinstance(case.inputs[0], list):
                for layer in case.inputs[0]:
                    assert not any(layer is known for known in LENET5)
    assert before == LENET5


def test_every_student_has_numbers_of_their_own_and_mistakes_with_them_are_named():
    numbers = set()
    for n in range(40):
        own = for_student(COURSE.assignment, b"s" * 32, f"student{n}")
        answers = []
        for question in [q for q in own.questions if q.personal]:
            prepared = prepare(question, 1)
            assert len(question.misconceptions) >= 5
            assert grade(prepared, question.functions).status == "passed"
            for mistake in question.misconceptions:
                result = grade(prepared, mistake.functions)
                assert (result.points < 1, [d.name for d in result.diagnosis]) == (True, [mistake.name])
            answers.append(str(next(iter(question.functions.values()))()))
        numbers.add(tuple(answers))
    assert len(numbers) == 40


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert "?" in mistake.hint
            assert len(mistake.hint) < 120


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == CHECKED
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == 7


@pytest.mark.parametrize("name", ["recursion", "intervals"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == CHECKED
    assert all(r.passed for r in said)
    printed = capsys.readouterr().out
    assert "Nothing to see yet" not in printed
    assert printed.count("\nok ") == 8
    assert "NOT" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("name", [None, "loops"])
def test_a_kernel_runs_the_notebook_from_top_to_bottom(bundle, name):
    notebook = build(COURSE.folder)
    run_in_kernel(fill_from_file(notebook, COURSE.styles / f"{name}.py") if name else notebook, bundle)
