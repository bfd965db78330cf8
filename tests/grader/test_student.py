"""What a student sees of a check: their own line and shapes, pictures, patience, explanations, progress."""

import linecache
import re
import signal
import threading

import numpy as np
import pytest

from grader import Checker, GraderError
from grader.compare import compare
from grader.freeze import freeze
from grader.questions import Assignment, Case, Question, stability, value
from grader.student import patience
from grader.student.heatmap import heatmap
from grader.student.patience import Stopped
from tests.grader.examples import AFFINE, DOUBLE, LOSS, RELU, affine_backward, affine_forward, double, grade

EXTREME = Question(
    name="extreme",
    functions={"extreme": lambda x: x + 1},
    visible=(Case("plain", (np.ones(3),), {}, {"plain"}),),
    hidden=lambda rng: [],
    criteria=(value(3, on="plain"), stability(1)),
    bonus=True,
)


@pytest.fixture
def check(tmp_path):
    (tmp_path / "tiny.checks").write_bytes(freeze(Assignment("01-tiny", "Tiny", (DOUBLE, AFFINE, RELU, LOSS, EXTREME))))
    return Checker("tiny", tmp_path)


def cell(source, **names):
    """Run a cell as IPython does: its text can be found again by the name of its code."""
    name = f"<ipython-input-{abs(hash(source))}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    namespace = {"np": np, **names}
    exec(compile(source, name, "exec"), namespace)
    return namespace


WRONG_SHAPES = """\
def affine_forward(x, w, b, *, scale=1.0):
    wide = np.concatenate([w, w])
    count = (3, 1)
    return wide @ x, count
"""


def test_an_error_is_shown_at_the_students_line_with_the_shapes_at_hand(check):
    report = check(cell(WRONG_SHAPES)["affine_forward"])
    text = repr(report)
    assert "ValueError: matmul" in text
    assert "in affine_forward, line 4: return wide @ x, count" in text
    assert "with wide (4, 3), x (2, 2), count = (3, 1), w (2, 3), b (3,)" in text
    caret = next(line for line in text.split("\n") if "^" in line)
    assert text.split("\n")[text.split("\n").index(caret) - 1][caret.index("^") : caret.rindex("^") + 1] == "wide @ x"
    assert "checker.py" not in text
    page = report._repr_html_()
    assert "wide @ x</span>" in page
    assert "wide (4, 3)" in page


def test_one_error_under_several_checks_is_said_once(check):
    assert repr(check(cell(WRONG_SHAPES)["affine_forward"])).count("matmul") == 1


def test_an_error_in_a_helper_is_shown_in_the_helper(check):
    names = cell("def half(y):\n    return y / missing\n\ndef double(x):\n    return 4 * half(x)\n")
    assert "in half, line 2: return y / missing" in repr(check(names["double"]))


def test_an_exception_that_fails_to_describe_itself_is_shown_by_its_name(check):
    source = (
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\n\ndef double(x):\n    raise Odd()\n"
    )
    assert "Odd" in repr(check(cell(source)["double"]))


def test_a_helper_that_is_still_a_stub_is_named_and_not_the_function_that_calls_it(check):
    names = cell("def helper(x):\n    raise NotImplementedError('write me')\n\ndef double(x):\n    return helper(x)\n")
    assert repr(check(names["double"])) == "double calls helper, which is not written yet."


def test_shapes_of_hidden_inputs_stay_out_of_results():
    def double(x):
        if x.shape != (3,):
            raise ValueError(x.shape)
        return 2 * x

    result = grade(DOUBLE, double=double)
    assert result.points < result.max_points
    assert not re.search(r"\(\d+, ?\d*\)", str(result))
    assert "with x" not in str(result)


def test_a_forward_that_forgets_its_cache_is_told_what_to_return(check):
    report = check(
        cell("def affine_forward(x, w, b, *, scale=1.0):\n    return scale * (x @ w + b)\n")["affine_forward"]
    )
    assert "affine_forward returns two things, the output and its cache: return out, cache" in repr(report)


def test_a_picture_waits_until_no_exception_is_left(check):
    source = "def double(x):\n    if x.shape == (3,) and x[0] == 1:\n        return 3 * x\n    raise ValueError('no')\n"
    report = check(cell(source)["double"])
    assert report.spot is not None
    assert "<svg" not in report._repr_html_()


def test_an_overflow_in_a_case_of_extreme_inputs_raises_no_alarm(check, recwarn):
    check(cell("def double(x):\n    np.exp(1e9 * np.abs(x))\n    return 2 * x\n")["double"])
    assert not recwarn.list


def test_a_name_in_quotes_or_a_result_is_answered_with_what_to_write(check):
    with pytest.raises(GraderError, match=r"without quotes: check\(double\)"):
        check("double")
    with pytest.raises(GraderError, match=r"Give the function itself, not what it returns"):
        check(double(np.ones(3)))


def test_progress_says_which_functions_are_not_written(check):
    check(cell("def double(x):\n    raise NotImplementedError\n")["double"])
    assert "double is not written yet" in repr(check.progress())


def test_prints_are_seen_where_they_help_and_not_where_calls_repeat(check, capsys):
    check(cell("def double(x):\n    print('here')\n    return 2 * x\n")["double"])
    assert capsys.readouterr().out.count("here") == 1


def test_a_slow_function_is_said_to_be_slow_with_the_time_so_far(check, capsys, monkeypatch):
    monkeypatch.setattr(patience, "_FIRST", 0.05)
    check(cell("import time\ndef double(x):\n    time.sleep(0.1)\n    return 2 * x\n")["double"])
    said = capsys.readouterr().err
    assert re.search(r"double has been running for \d+ s \(case “three numbers”\); Ctrl-C stops it\n", said)


def test_a_slow_function_is_said_to_be_slow_even_where_there_are_no_threads(check, capsys, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(patience, "_FIRST", 0.05)
    assert check(cell("import time\ndef double(x):\n    time.sleep(0.1)\n    return 2 * x\n")["double"]).passed
    assert "double has been running for 0 s" in capsys.readouterr().err


@pytest.fixture
def interruptible():
    """As in a kernel; what a shell starts in the background begins deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_ends_the_check_in_one_calm_line(check):
    names = cell("def double(x):\n    while True:\n        x = x + 0\n")
    threads = threading.active_count()
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(Stopped) as caught:
        check(names["double"])
    assert isinstance(caught.value, KeyboardInterrupt)  # the cells that wait do not run
    (line,) = caught.value._render_traceback_()
    assert re.fullmatch(r"double was stopped after 0\.\d s, in case “three numbers”, at line [23] of double: .*", line)
    assert check(double).passed
    timer.join()
    assert threading.active_count() == threads


def test_a_mistake_of_the_reader_is_one_line_in_a_notebook(check):
    with pytest.raises(GraderError) as caught:
        check(3)
    assert caught.value._render_traceback_() == [f"GraderError: {caught.value}"]


def test_both_gradients_stand_side_by_side(check):
    names = {"affine_forward": affine_forward, "original": affine_backward}
    source = "def affine_backward(dout, cache):\n    dx, dw, db = original(dout, cache)\n    return dx, 2 * dw, db\n"
    report = check(cell(source, **names)["affine_backward"])
    by = {d.name: d for d in report.derivatives}
    assert by["x"].fits
    assert by["b"].fits
    assert not by["w"].fits
    assert by["w"].analytic == pytest.approx(2 * by["w"].numerical, rel=1e-5)
    assert "dw says" in repr(report)
    assert "✗ differ" in report._repr_html_()


def test_a_backward_that_fits_a_wrong_forward_is_told_so(check):
    source = (
        "def affine_forward(x, w, b, *, scale=1.0):\n    return 3 * scale * (x @ w + b), (x, w, scale)\n"
        "def affine_backward(dout, cache):\n    x, w, scale = cache\n"
        "    return 3 * scale * dout @ w.T, 3 * scale * x.T @ dout, 3 * scale * dout.sum(axis=0)\n"
    )
    report = check(cell(source)["affine_backward"])
    assert "Your backward is the derivative of your own forward: mend the forward first." in repr(report)


def test_a_picture_of_a_large_array_shows_the_surroundings_of_the_worst_entry():
    want = np.zeros((2, 100, 80))
    got = want.copy()
    got[1, 90, 3] = 7
    picture = heatmap(got, want, compare(got, want, tolerance=1e-7, reveal=True))
    assert "entry (1, 90, 3), expected 0, yours 7" in picture
    assert "slice [1, :, :]. Of it, rows 68 to 99, columns 0 to 31." in picture
    assert len(picture) < 20_000


@pytest.mark.parametrize("entry", [np.nan, np.inf, -np.inf])
def test_a_picture_of_what_is_no_number_is_drawn_and_says_so(entry):
    want = np.arange(6.0).reshape(2, 3)
    got = want.copy()
    got[0, 1] = entry
    picture = heatmap(got, want, compare(got, want, tolerance=1e-7, reveal=True))
    assert f"expected 1, yours {entry:g}".replace("-", "−") in picture


def test_cards_take_ink_and_ground_from_the_page(check):
    check(cell(WRONG_SHAPES)["affine_forward"])
    cards = [check(double), check(cell("def double(x):\n    return x\n")["double"]), check.explain(), check.progress()]
    for card in cards:
        page = card._repr_html_()
        assert not re.search(r"(?<!-)color:(?!inherit)", page)
        assert not re.search(r"background:(?!none|rgba|repeating|#2e9e5b)", page)
        for tag in ("div", "ul", "li", "p", "em", "strong", "table", "tr", "td", "pre", "details", "svg", "span"):
            assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_explain_shows_each_visible_case_with_inputs_tolerance_and_the_worst_entry(check):
    check(cell("def double(x):\n    return 2 * x + (x > 2)\n")["double"])
    text = repr(check.explain())
    assert "NOT case “three numbers”" in text
    assert "double(x=[1, -3, 2.5])" in text
    assert "allowed are 1e-07; there: expected 5, yours 6" in text
    check(affine_backward)
    text = repr(check.explain())
    assert "affine_backward(dout=[[" in text
    assert "output 2 of affine_forward" in text
    assert "dw: shape (2, 3), as expected (relative error 0, allowed 1e-07)" in text
    assert "✓ consistency: the backward is the derivative of your own forward" in text


def test_explain_before_any_check_says_what_to_do(check):
    with pytest.raises(GraderError, match="nothing has been checked yet: run a cell that says check"):
        check.explain()


def test_progress_counts_visible_checks_and_promises_nothing(check):
    text = repr(check.progress())
    assert text.startswith("Tiny: visible checks worth 0 of 31 points passed; hidden ones decide the marks.")
    assert "check(relu_backward)" in text
    check(double)
    check(affine_forward)
    text = repr(check.progress())
    assert "visible checks worth 9 of 31 points passed" in text
    assert re.search(r"double +█+\?+  5 / 6", text)  # its stability is seen by hidden cases alone
    assert re.search(r"affine +█+·+  4 / 10  check\(affine_backward\)", text)
    check(affine_backward)
    assert re.search(r"affine +█{20}  10 / 10", repr(check.progress()))


def test_progress_does_not_count_a_bonus_among_full_marks(check):
    check(cell("def extreme(x):\n    return x + 1\n")["extreme"])
    text = repr(check.progress())
    assert "worth 0 of 31 points" in text
    assert "3 / 4 (bonus)" in text


def test_progress_says_what_has_changed_since_its_check(check):
    names = cell("def double(x):\n    return 2 * x\n")
    check(names["double"])
    assert "changed" not in repr(check.progress())
    exec("def double(x):\n    return 3 * x\n", names)
    assert "check(double) again, it has changed" in repr(check.progress())


def test_points_that_a_check_took_back_are_taken_back(check):
    check(double)
    check(cell("def double(x):\n    return x\n")["double"])
    assert re.search(r"double +█*·+\?+  1 / 6", repr(check.progress()))


def test_a_checker_says_what_it_can_do(check):
    assert "check.explain()" in repr(check)
