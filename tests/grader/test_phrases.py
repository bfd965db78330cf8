"""Every failure has its sentence; of a hidden case it repeats nothing that student code can make up."""

from dataclasses import replace

import pytest

from grader.phrases import failure_words, output_name
from grader.plans import Failure
from grader.prepare import prepare
from tests.grader.examples import AFFINE, BOUNDS

TRIALS = prepare(AFFINE, 0).trials
VISIBLE = next(t for t in TRIALS if t.visible)
HIDDEN = next(t for t in TRIALS if not t.visible)
KINDS = ("missing", "stub", "raised", "outputs", "skipped", "timeout", "memory", "died", "protocol", "of another kind")


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_failure_repeats_neither_message_nor_place(kind):
    words = failure_words("f", Failure(kind, "E0.123: 0.456", "cell 7, line 89"), HIDDEN)
    for secret in ("0.123", "0.456", "E0", "7", "89", "line"):
        assert secret not in words
    assert words.startswith(("f", "there is no function f"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_is_one_printable_sentence(kind):
    for trial in (VISIBLE, HIDDEN):
        words = failure_words("f", Failure(kind, "a\n\x1b[31mb" * 200, "line 1\nline 2"), trial)
        assert words.isprintable()
        assert len(words) < 420


@pytest.mark.parametrize("name", ["ValueError", "KeyboardInterrupt", "AxisError", "LinAlgError"])
def test_a_hidden_failure_names_well_known_exceptions(name):
    assert failure_words("f", Failure("raised", f"{name}: 0.456"), HIDDEN).endswith(f"raised {name}")


@pytest.mark.parametrize("name", ["Secret0123", "int", "print", "", "__name__", "__debug__", "ValueError 0.1"])
def test_a_hidden_failure_names_no_other(name):
    assert failure_words("f", Failure("raised", name), HIDDEN).endswith("raised an exception")


def test_a_visible_failure_is_explained_and_located():
    words = failure_words("f", Failure("raised", "ValueError: no", "cell 7, line 89"), VISIBLE)
    assert words == "f, visible case “two rows”: raised ValueError: no at cell 7, line 89"


@pytest.mark.parametrize("where", ["cell x", "line 1; rm", "cell 7, line 89 and more", "/etc/passwd, line 3"])
def test_a_place_that_is_none_of_ours_is_left_out(where):
    assert where not in failure_words("f", Failure("raised", "ValueError: no", where), VISIBLE)


def test_gradients_are_named_after_their_inputs():
    prepared = prepare(AFFINE, None)
    forward, backward = prepared.trials[0].plan.steps
    assert [output_name(prepared, backward, k) for k in range(4)] == ["dx: ", "dw: ", "db: ", "dscale: "]
    assert output_name(prepared, forward, 0) == ""


def test_several_outputs_are_numbered():
    prepared = prepare(BOUNDS, None)
    assert output_name(prepared, prepared.trials[0].plan.steps[0], 1) == "output 2: "


def test_an_output_is_numbered_as_it_was_returned_though_others_stayed_behind():
    prepared = prepare(BOUNDS, None)
    step = replace(prepared.trials[0].plan.steps[0], outputs=4, send=(2, 3))
    assert [output_name(prepared, step, k) for k in range(2)] == ["output 3: ", "output 4: "]
