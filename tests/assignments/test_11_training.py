"""Is the assignment on training fair? Right answers keep every point, each known mistake costs some and is named."""

import dataclasses
import json
import re
import sys

import nbclient
import numpy as np
import pytest

from grader.build import build, staleness
from grader.fill import fill_from_file
from grader.plans import plan_to_tree
from grader.prepare import prepare
from grader.release import release
from tests.assignments.course import SEEDS, Course, grade, lost, run_cells

COURSE = Course("11-training")
QUESTIONS = COURSE.questions
LONG = ("train", "train_classifier")
RANDOM = ("xavier_uniform", "he_normal", "minibatches", "stratified_split", "k_fold_indices")
# Preparing a question runs all of its mistakes, each a training of its own.
QUICK = [q for q in QUESTIONS if q not in LONG]
QUICK_MISTAKES = [pair for pair in COURSE.mistakes if pair[0] not in LONG]


def alone(question, seed):
    """A question prepared without its mistakes."""
    return prepare(dataclasses.replace(QUESTIONS[question], misconceptions=()), seed)


def test_the_points_are_fifty_one_and_a_half_and_four_of_bonus():
    assert COURSE.assignment.points == 51.5
    assert [q.name for q in QUESTIONS.values() if q.bonus] == ["precision_recall_curve"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks(question):
    for seed in SEEDS[:2]:
        result = grade(alone(question, seed), QUESTIONS[question].functions)
        assert (result.points, lost(result)) == (QUESTIONS[question].points, set())


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_reference_has_full_marks_for_100_seeds(question):
    for seed in range(100):
        assert (grade(alone(question, seed), QUESTIONS[question].functions).points, seed) == (
            QUESTIONS[question].points,
            seed,
        )


@pytest.mark.parametrize(("question", "mistake"), QUICK_MISTAKES)
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
@pytest.mark.parametrize("question", QUICK)
def test_a_right_answer_in_any_style_keeps_every_point(question, name):
    functions = COURSE.style(name)
    for seed in (None, *SEEDS[:2]):
        COURSE.assert_full_marks(question, seed, functions)


@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", LONG)
def test_a_training_in_any_style_passes_the_visible_checks(question, name):
    COURSE.assert_full_marks(question, None, COURSE.style(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", COURSE.style_names)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_right_answer_in_any_style_keeps_every_point_for_20_seeds(question, name):
    functions = COURSE.style(name)
    for seed in SEEDS:
        assert grade(alone(question, seed), functions).points == QUESTIONS[question].points


@pytest.mark.parametrize("question", RANDOM)
def test_any_seed_of_a_right_draw_passes(question):
    # The steps of the plan ask for other seeds, as another student's generator would give other numbers.
    prepared = alone(question, SEEDS[0])
    reference = QUESTIONS[question].functions[question]
    for shift in range(5):

        def drawn(*inputs, rng, shift=shift, **options):
            state = np.random.default_rng([int(rng.integers(2**32)), shift])
            return reference(*inputs, rng=state, **options)

        assert lost(grade(prepared, {question: drawn})) == set()


def test_held_out_labels_never_travel_to_the_worker():
    for seed in (None, SEEDS[0]):
        for trial in alone("train_classifier", seed).trials:
            hidden = trial.judge.parameters["labels"]
            sent = [v for v in plan_to_tree(trial.plan)["values"] if isinstance(v, np.ndarray)]
            assert [v.shape[0] for v in sent][2] == len(hidden)
            assert sum(v.ndim == 1 for v in sent) == 1
            assert not any(v.shape == hidden.shape for v in sent)
            assert trial.judge(trial.expected) is None


def test_a_classifier_earns_points_for_what_it_recognises():
    def sometimes(share):
        def train_classifier(x_train, y_train, x_test, *, rng):
            right = QUESTIONS["train_classifier"].functions["train_classifier"](x_train, y_train, x_test, rng=rng)
            return np.where(rng.random(len(right)) < share, right, (right + 1) % 10)

        return {"train_classifier": train_classifier}

    prepared = alone("train_classifier", SEEDS[0])
    assert [grade(prepared, sometimes(share)).points for share in (0.3, 0.78, 0.91, 1.0)] == [0, 2, 5, 8]


@pytest.mark.parametrize("question", QUICK)
def test_a_constant_earns_no_value(question):
    def constant(*inputs, **options):
        options.pop("rng", None)
        return 0.5

    assert COURSE.grade(question, SEEDS[0], {question: constant}).points == 0


@pytest.mark.parametrize(
    ("question", "convention"),
    [(q.name, m.name) for q in QUESTIONS.values() for m in q.misconceptions if m.convention],
)
def test_a_textbooks_other_convention_keeps_half_of_what_it_loses(question, convention):
    result = COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, convention))
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert {c.points / c.max_points for c in result.criteria if not c.passed} == {0.5}


@pytest.mark.parametrize(
    ("question", "mistake", "costs"),
    [
        ("standardize", "constant-divided-by-zero", {"value: a feature that never varies"}),
        ("xavier_uniform", "own-rng", {"statistics: rng"}),
        ("he_normal", "window-forgotten", {"statistics: convolutions"}),
        ("stratified_split", "first-of-each-class", {"statistics: rng"}),
        ("precision", "zero-by-zero-is-nan", {"value: nothing predicted positive"}),
        ("recall", "zero-by-zero-raises", {"value: nothing is positive"}),
    ],
)
def test_one_slip_costs_what_it_spoils_alone(question, mistake, costs):
    assert lost(COURSE.grade(question, SEEDS[0], COURSE.mistaken(question, mistake))) == costs


def test_changed_inputs_lose_purity_alone():
    def sorting(scores, labels):
        answer = QUESTIONS["roc_curve"].functions["roc_curve"](scores.copy(), labels.copy())
        scores.sort()
        return answer

    assert lost(COURSE.grade("roc_curve", SEEDS[0], {"roc_curve": sorting})) == {"purity"}


@pytest.mark.parametrize("question", QUICK)
def test_hidden_cases_differ_between_seeds_and_repeat_for_one(question):
    def steps(seed):
        return repr([t.plan for t in alone(question, seed).trials if not t.visible])

    assert steps(1) == steps(1)
    assert steps(1) != steps(2)


def test_no_hint_gives_an_answer_away():
    for question in QUESTIONS.values():
        for mistake in question.misconceptions:
            assert len(mistake.hint) < 120
            assert "?" in mistake.hint or mistake.hint == "Count the bad epochs."


def test_the_notebook_is_fresh():
    assert staleness(COURSE.folder) == ""


def test_the_worked_examples_of_the_stubs_are_right():
    """Every example of the notebook, run with the reference and compared as text."""
    functions = {n: f for q in QUESTIONS.values() for n, f in q.functions.items()}
    text = (COURSE.folder / "notebook.md").read_text()
    examples = re.findall(r"^Examples\n-+\n(.*?)^```", text, re.M | re.S)
    assert len(examples) == len(COURSE.functions) - 1
    for example in examples:
        namespace, said = {"np": np, **functions}, []
        namespace["print"] = lambda *words, said=said: said.append(" ".join(str(w) for w in words))
        code = "\n".join(line[4:] for line in example.splitlines() if line.startswith((">>> ", "... ")))
        exec(code, namespace)
        assert said == [line for line in example.splitlines() if line and not line.startswith((">>> ", "... "))]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    release(COURSE.folder, folder)
    return folder


def test_the_unwritten_notebook_runs_to_its_end(bundle, monkeypatch, capsys):
    said = run_cells(build(COURSE.folder), bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert {r.result.status for r in said} == {"missing"}
    assert capsys.readouterr().out.count("Nothing to see yet.") == 5


@pytest.mark.parametrize("name", ["arrays", "other_formulas"])
def test_the_written_notebook_shows_every_picture_and_passes_every_check(bundle, monkeypatch, capsys, name):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / f"{name}.py")
    said = run_cells(notebook, bundle, monkeypatch)
    assert [r.function for r in said] == COURSE.functions
    assert all(r.passed for r in said)
    assert "Nothing to see yet" not in capsys.readouterr().out


def test_without_scikit_learn_the_pictures_say_so_and_go_on(bundle, monkeypatch, capsys):
    notebook = fill_from_file(build(COURSE.folder), COURSE.styles / "arrays.py")
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    said = run_cells(notebook, bundle, monkeypatch)
    assert all(r.passed for r in said)
    assert "scikit-learn is not installed" in capsys.readouterr().out


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
    assert said.count("image/png") == (6 if style else 0)
