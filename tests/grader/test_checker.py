"""The student's own check: the same comparison from frozen data, honest words, and no harm to the kernel."""

import re
import types
import warnings

import numpy as np
import pytest

from grader import Checker, GraderError
from grader.freeze import freeze
from grader.plans import Plan, Step
from grader.questions import Assignment, Case, Question, design, stability, value
from tests.grader.examples import (
    AFFINE,
    BOUNDS,
    DOUBLE,
    RELU,
    affine_backward,
    affine_forward,
    double,
    mean_bias,
    no_bias,
    relu_forward,
)

MARKED = Question(
    name="marked",
    functions={"marked": lambda x: np.log(x)},
    visible=(Case("<b>bold</b> & more", (np.array([1.0, 2.0, 4.0, 8.0]),)),),
    hidden=lambda rng: [],
    criteria=(value(1),),
)
LIMITS = Question(
    name="limits",
    functions={"limits": lambda x: 1 / x},
    visible=(Case("zero", (np.array([0.0, 1.0, 2.0, 4.0]),)),),
    hidden=lambda rng: [],
    criteria=(value(1),),
)

BUILT = Question(
    name="built",
    functions={"built": lambda: 3},
    visible=(Case("the budget", script=Plan((), (Step("built"),)), judge=lambda answer: None),),
    hidden=lambda rng: [],
    criteria=(design(1),),
)


@pytest.fixture
def check(tmp_path):
    questions = (DOUBLE, AFFINE, RELU, BOUNDS, MARKED, LIMITS, BUILT)
    (tmp_path / "tiny.checks").write_bytes(freeze(Assignment("01-tiny", "Tiny", questions)))
    return Checker("tiny", tmp_path)


def named(name, function):
    function.__name__ = name
    return function


def notebook(source, **names):
    """Functions as a notebook's cells define them: with globals of their own."""
    namespace = {"np": np, **names}
    exec(compile(source, "<ipython-input-3-abc>", "exec"), namespace)
    return types.SimpleNamespace(**namespace)


def test_a_right_function_passes_in_words_that_promise_nothing(check):
    report = check(double)
    assert report.passed
    assert repr(report) == "double: the visible checks passed; hidden ones remain."
    assert "the visible checks passed; hidden ones remain." in report._repr_html_()


def test_a_criterion_that_no_visible_case_shows_is_not_said_to_pass(check):
    assert any(c.name == stability(1).name for c in DOUBLE.criteria)
    report = check(named("double", lambda x: x + 2))
    assert "stability" not in repr(report)
    assert "adds two" in repr(report)


def test_what_is_judged_at_grading_alone_is_not_said_to_pass(check):
    report = check(named("built", lambda: 3))
    assert not report.passed
    assert "no visible check" in repr(report)
    assert "passed" not in report._repr_html_()


def test_a_wrong_function_is_told_where_why_and_shown(check):
    report = check(named("marked", lambda x: np.log(x) + (x == 4)))
    assert not report.passed
    assert "marked: 1 of 1 visible checks did not pass." in repr(report)
    assert "1 of 4 entries are off, the worst at index (2,)" in repr(report)
    assert "there: expected 1.38629, yours 2.38629" in repr(report)
    assert report._repr_html_().count("<svg") == 3


def test_markup_in_names_and_messages_is_escaped(check):
    def marked(x):
        raise ValueError("<script>alert(1)</script> & 'quotes'")

    page = check(marked)._repr_html_()
    assert "<script" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in page


def test_terminal_codes_and_lines_of_an_exception_are_taken_out(check):
    def marked(x):
        raise ValueError("\x1b[31mred\x1b[0m\nsecond")

    assert "raised ValueError: red second" in repr(check(marked))


def test_limits_are_drawn_without_complaint(check, recwarn):
    with np.errstate(all="ignore"):
        report = check(named("limits", lambda x: np.where(x == 1, 7.0, 1 / x)))
        assert "<svg" in report._repr_html_()
        assert "a limit is wrong" in repr(check(named("limits", lambda x: np.where(x == 0, np.nan, 1 / x))))
    assert not [w for w in recwarn.list if issubclass(w.category, UserWarning)]


def test_a_forward_is_checked_while_its_backward_is_a_stub(check):
    cells = notebook(
        "def affine_forward(x, w, b, *, scale=1.0):\n    return scale * (x @ w + b), (x, w, scale)\n"
        "def affine_backward(dout, cache):\n    raise NotImplementedError\n"
    )
    assert check(cells.affine_forward).passed
    report = check(cells.affine_backward)
    assert not report.passed
    assert "affine_backward is not written yet" in repr(report)


def test_a_backward_is_checked_with_the_forward_of_its_own_notebook(check):
    source = (
        "def affine_forward(x, w, b, *, scale=1.0):\n    return 2 * scale * (x @ w + b), ('mine', x, w, scale)\n"
        "def affine_backward(dout, cache):\n    mine, x, w, scale = cache\n"
        "    return 2 * scale * dout @ w.T, 2 * scale * x.T @ dout, 2 * scale * dout.sum(axis=0)\n"
    )
    report = check(notebook(source).affine_backward)
    lost = {c.name for c in report.result.criteria if not c.passed}
    assert "consistency" not in lost
    assert {"value", "gradient"} <= lost


def test_a_backward_without_its_forward_says_so(check):
    cells = notebook("def affine_backward(dout, cache):\n    return dout")
    assert repr(check(cells.affine_backward)).startswith("there is no function affine_forward in the notebook")


def test_a_function_from_another_namespace_is_checked_by_its_own(check):
    other = notebook(
        "def affine_forward(x, w, b, *, scale=1.0):\n    return scale * (x @ w + b), (x, w, scale)\n"
        "def affine_backward(dout, cache):\n    x, w, scale = cache\n"
        "    return scale * dout @ w.T, scale * x.T @ dout, scale * dout.sum(axis=0)\n"
    )
    assert check(other.affine_backward).passed
    assert check(affine_forward).passed
    assert check(affine_backward).passed


def test_a_closure_or_a_lambda_goes_by_the_name_that_the_notebook_gave_it(check):
    cells = notebook("def times(k):\n    def f(x):\n        return k * x\n    return f\ndouble = times(2)")
    assert check(cells.double).passed
    assert check(notebook("double = lambda x: x + x").double).passed
    assert not check(notebook("double = lambda x: x").double).passed


def test_the_same_mistakes_are_recognised_as_in_grading(check):
    def backward(dout, cache):
        return mean_bias(dout, cache)

    functions = {**affine_backward.__globals__, "no_bias": no_bias, "mean_bias": mean_bias}
    wrong = types.FunctionType(backward.__code__, functions, "affine_backward", None, backward.__closure__)
    assert "This looks like mean-bias: Sum or mean?" in repr(check(wrong))
    assert "This looks like no-bias" in repr(check(named("affine_forward", lambda *a, **k: no_bias(*a, **k))))


def test_a_convention_is_called_one(check):
    assert "Right under another convention, halves: Up or down?" in repr(check(named("double", lambda x: x / 2)))


def test_a_stub_is_not_written_yet(check):
    def double(x):
        raise NotImplementedError("double: write me")

    report = check(double)
    assert repr(report) == "double is not written yet."
    assert "<ul" not in report._repr_html_()


def test_a_function_that_spoils_its_inputs_does_not_spoil_the_next_check(check):
    def spoiling(x):
        x *= 2
        return x

    report = check(named("double", spoiling))
    assert [c.name for c in report.result.criteria if not c.passed] == ["purity"]
    assert check(double).passed


@pytest.mark.parametrize(
    "thing", [None, 3, "doubles", np.zeros(1000), print, lambda x: x, type("Big", (), {})], ids=lambda t: str(type(t))
)
def test_what_is_no_function_of_the_assignment_is_refused_in_one_line(check, thing):
    with pytest.raises(GraderError, match=r"is no function of 01-tiny; these are: double, affine_forward") as caught:
        check(thing)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(GraderError, match=r"tiny\.checks is not in .*: it comes with the notebook") as caught:
        Checker("tiny", tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_said(tmp_path):
    (tmp_path / "tiny.checks").write_bytes(b"<html>not found</html>")
    with pytest.raises(GraderError, match="damaged: download it again"):
        Checker("tiny", tmp_path)


def test_an_interrupt_goes_through(check):
    def relu_forward(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(relu_forward)


def test_open_figures_stay_as_they_are(check):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    check(named("marked", lambda x: x))._repr_html_()
    assert pyplot.get_fignums() == before


def test_nothing_of_html_is_unclosed(check):
    page = check(named("marked", lambda x: x))._repr_html_()
    for tag in ("div", "ul", "li", "p", "em", "strong"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>")
    assert check(relu_forward).passed


def test_nbgraders_validation_hears_of_a_wrong_answer_in_our_words_and_a_notebook_does_not(check, monkeypatch, capsys):
    check(named("double", lambda x: x**2))
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    check(named("double", lambda x: x**2))
    heard = capsys.readouterr().err
    assert "visible checks did not pass" in heard
    assert "What is twice three?" in heard
    assert max(map(len, heard.splitlines())) <= 80  # nbgrader cuts off at 87


def test_nbgraders_validation_takes_no_warning_of_numpys_for_a_failure(check, monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert check(named("limits", lambda x: 1 / x)).passed
    assert capsys.readouterr().err == ""
