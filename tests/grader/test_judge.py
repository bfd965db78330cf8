"""Right answers keep every point in whatever form they come; wrong ones lose them whatever they do besides."""

import re

import numpy as np
import pytest

from grader.judge import judge, notes
from grader.plans import Failure, Foreign, failed
from grader.prepare import prepare
from grader.questions import Case, Misconception, Question, shape, value
from tests.grader.examples import (
    AFFINE,
    BOUNDS,
    DOUBLE,
    LOSS,
    RELU,
    WINDOWS,
    affine_backward,
    affine_forward,
    answers,
    bounds,
    grade,
    lost,
    mean_bias,
    messages,
    no_bias,
    relu_backward,
    relu_forward,
    squared_loss,
    windows,
)

QUESTIONS = [DOUBLE, AFFINE, RELU, LOSS, BOUNDS, WINDOWS]
SEEDS = range(5)


class Labelled(np.ndarray):
    """A harmless subclass."""


def f32(a):
    return np.asarray(a, dtype=np.float32)


def f32_inside(function):
    """Compute in float32 from the inputs on."""

    def call(*args, **options):
        args = [f32(a) if isinstance(a, np.ndarray) else a for a in args]
        return function(*args, **options)

    return call


FORMS = {
    "float32": f32,
    "a list": lambda a: np.asarray(a).tolist(),
    "a list of rows": lambda a: list(a) if np.ndim(a) else a,
    "a tuple of rows": lambda a: tuple(a) if np.ndim(a) else a,
    "Fortran order": lambda a: np.asarray(a, order="F"),
    "a strided view": lambda a: np.repeat(np.asarray(a), 2, axis=-1)[..., ::2] if np.ndim(a) else a,
    "big-endian": lambda a: np.asarray(a).astype(">f8"),
    "a subclass": lambda a: np.asarray(a).view(Labelled),
    "read-only": lambda a: np.broadcast_to(np.asarray(a), np.shape(a)),
    "long double": lambda a: np.asarray(a).astype(np.longdouble),
    "0-d array or array": np.asarray,
}


def reformed(function, form):
    def call(*args, **options):
        result = function(*args, **options)
        return tuple(form(r) for r in result) if isinstance(result, tuple) else form(result)

    return call


def in_form(question, form):
    """All functions of a question, their outputs changed in form; a cache stays what it is."""
    if not question.is_layer:
        return {name: reformed(f, form) for name, f in question.functions.items()}
    forward, backward = question.functions.values()

    def forward_in_form(*args, **options):
        out, cache = forward(*args, **options)
        return form(out), cache

    def backward_in_form(dout, cache):
        return reformed(backward, form)(dout, cache)

    return dict(zip(question.functions, (forward_in_form, backward_in_form), strict=True))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_the_reference_keeps_every_point(question):
    for seed in range(20):
        result = grade(question, seed)
        assert (result.points, result.status) == (question.points, "passed"), messages(result)
        assert not messages(result).strip()
        assert result.diagnosis == ()


@pytest.mark.parametrize("question", [DOUBLE, AFFINE, RELU, LOSS, BOUNDS], ids=lambda q: q.name)
@pytest.mark.parametrize("form", FORMS)
def test_a_right_answer_keeps_every_point_in_any_form(question, form):
    functions = in_form(question, FORMS[form])
    if form == "float32" and question is DOUBLE:  # the extreme case is beyond float32
        functions = {"double": lambda x: f32(2 * x) if np.abs(x).max() < 1e30 else 2 * x}
    for seed in SEEDS:
        result = grade(question, seed, **functions)
        assert result.points == question.points, messages(result)


@pytest.mark.parametrize("question", [AFFINE, RELU, LOSS], ids=lambda q: q.name)
def test_a_right_answer_computed_in_float32_keeps_every_point_through_finite_differences(question):
    for seed in range(20):
        result = grade(question, seed, **{name: f32_inside(f) for name, f in question.functions.items()})
        assert result.points == question.points, messages(result)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_normalisation_in_float32_is_consistent_whatever_the_size(size):
    """Inputs far from zero round more coarsely than the outputs."""

    def center_forward(x):
        return x - x.mean(axis=0), None

    def center_backward(dout, cache):
        return dout - dout.mean(axis=0)

    from grader.questions import consistency, gradient

    question = Question(
        name="center",
        functions={"center_forward": center_forward, "center_backward": center_backward},
        visible=(Case("two", (np.array([[1.0, 2.0], [3.0, 5.0]]),)),),
        hidden=lambda rng: [Case(f"{n}", (100 + rng.normal(size=(n, size)),)) for n in (2, 5, 9)],
        criteria=(gradient(1), consistency(1)),
    )
    for seed in SEEDS:
        assert grade(question, seed, center_forward=f32_inside(center_forward)).points == 2


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.0, 0.5])
def test_a_scaled_gradient_is_inconsistent_in_float32_too(factor):
    def wrong(dout, cache):
        return tuple(f32(factor * g) for g in affine_backward(dout, cache))

    for seed in SEEDS:
        result = grade(AFFINE, seed, affine_forward=f32_inside(affine_forward), affine_backward=wrong)
        assert {"gradient", "consistency"} <= lost(result)


@pytest.mark.oracle
def test_torch_tensors_keep_every_point():
    torch = pytest.importorskip("torch")

    def forward(x, w, b, *, scale=1.0):
        leaves = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
        out = scale * (leaves[0] @ leaves[1] + leaves[2])
        return out, (out, leaves)

    def backward(dout, cache):
        out, leaves = cache
        return torch.autograd.grad(out, leaves, torch.as_tensor(dout), retain_graph=True)

    result = grade(AFFINE, affine_forward=forward, affine_backward=backward)
    assert result.points == AFFINE.points, messages(result)
    prepared = prepare(AFFINE, 0)
    said = notes(prepared, answers(prepared, {"affine_forward": forward, "affine_backward": backward}))
    assert said == [
        "affine_backward returned a tensor where an array is meant: accepted",
        "affine_forward returned a tensor where an array is meant: accepted",
    ]


@pytest.mark.parametrize("form", [tuple, list, np.array, lambda pair: np.array(pair, dtype=float), f32])
def test_whole_numbers_may_come_as_any_sequence(form):
    assert grade(WINDOWS, windows=lambda *a: form(windows(*a))).points == WINDOWS.points


@pytest.mark.parametrize("off", [1, -1, 0.5, 1e-9])
def test_a_count_is_exact(off):
    result = grade(WINDOWS, windows=lambda *a: (windows(*a)[0] + off, windows(*a)[1]))
    assert "count" in lost(result)


def test_a_list_is_noted_and_an_expected_one_is_not():
    prepared = prepare(DOUBLE, 0)
    assert notes(prepared, answers(prepared, {"double": lambda x: (2 * x).tolist()})) == [
        "double returned a list where an array is meant: accepted"
    ]
    assert notes(prepared, answers(prepared, {"double": lambda x: list(2 * x)})) == [
        "double returned a list where an array is meant: accepted"
    ]
    prepared = prepare(WINDOWS, 0)
    assert notes(prepared, answers(prepared, {"windows": windows})) == []


WRONG = {
    "masked": lambda x: np.ma.masked_array(2 * x, mask=np.zeros(x.shape)),
    "object": lambda x: (2 * x).astype(object),
    "complex": lambda x: (2 * x).astype(complex),
    "strings": lambda x: (2 * x).astype(str),
    "dates": lambda x: (2 * x).astype("datetime64[s]"),
    "structured": lambda x: np.zeros(x.shape, [("a", float)]),
    "None": lambda x: None,
    "a string": lambda x: "2x",
    "bytes": lambda x: (2 * x).tobytes(),
    "a dict": lambda x: {"out": 2 * x},
    "a set": lambda x: {1.0},
    "a generator": lambda x: (v for v in 2 * x),
    "the function itself": lambda x: double_again,
    "the class ndarray": lambda x: np.ndarray,
    "an object with __array__ of objects": lambda x: type("A", (), {"__array__": lambda *a, **k: np.array([None])})(),
    "an object that equals all": lambda x: type("A", (), {"__eq__": lambda *a: True})(),
    "one more axis": lambda x: (2 * x)[None],
    "an empty array": lambda x: np.zeros(0),
    "a scalar": lambda x: 2.0,
    "a broadcastable row": lambda x: (2 * x).ravel()[:1],
    "nan": lambda x: np.full(x.shape, np.nan),
    "one nan": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 0, np.nan, 2 * x),
    "inf": lambda x: 2 * x + np.inf,
    "zeros": lambda x: np.zeros_like(x),
    "a constant": lambda x: np.full_like(x, 2 * x.mean()),
    "the input": lambda x: x,
    "off by 1e-5": lambda x: 2 * x * (1 + 1e-5),
    "one entry off": lambda x: 2 * x + (np.arange(x.size).reshape(x.shape) == x.size - 1) * 1e-3 * np.abs(x).max(),
    "whole numbers": lambda x: (2 * x).astype(int),
    "permuted": lambda x: (2 * x).ravel()[::-1].reshape(x.shape),
    "a pair": lambda x: (2 * x, x),
    "a list of itself": lambda x: itself(),
    "a huge whole number": lambda x: 7**5000,
    "a deep list": lambda x: nested(200),
    "a ragged list": lambda x: [[1.0], [2.0, 3.0]],
    "terabytes": lambda x: np.broadcast_to(2.0, (10**6, 10**7)),
}


def double_again(x):
    return 2 * x


def itself():
    found = []
    found.append(found)
    return found


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_loses_the_value_and_no_other_question(name):
    result = grade(DOUBLE, double=WRONG[name])
    assert {"value"} <= lost(result)
    assert result.points < DOUBLE.points / 2
    assert result.status in ("failed", "partial", "error")
    assert all(c.message for c in result.criteria if not c.passed)


@pytest.mark.parametrize(
    "name", [n for n in WRONG if n not in ("off by 1e-5", "one entry off", "the input", "permuted")]
)
def test_what_is_no_answer_at_all_earns_nothing_but_its_shape(name):
    result = grade(DOUBLE, double=WRONG[name])
    assert result.points <= (1 if name in ("nan", "one nan", "inf", "whole numbers") else 0), messages(result)


@pytest.mark.parametrize("constant", [0.0, 1.0, -7.5, 1e15, 1e300])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_constant_output_earns_nothing_at_all(constant, dtype):
    with np.errstate(over="ignore"):
        forward = lambda x, w, b, **_: (np.full((len(x), len(b)), constant, dtype), (x, w, b))  # noqa: E731
        for backward in (
            lambda dout, cache: tuple(np.zeros_like(a) for a in cache),
            lambda dout, cache: tuple(np.full_like(a, 1e-3) for a in cache),
            lambda dout, cache: tuple(1e-2 * a for a in cache),
            lambda dout, cache: tuple(np.full(a.shape, 1e200) for a in cache),
        ):
            result = grade(AFFINE, affine_forward=forward, affine_backward=backward)
            assert result.points == 0, messages(result)
            assert result.status == "failed"


def test_a_constant_loss_earns_nothing_at_all():
    result = grade(LOSS, squared_loss=lambda p, t: (0.0, np.zeros_like(p)))
    assert result.points == 0, messages(result)


@pytest.mark.parametrize("huge", [1e155, 1e200, 1e308])
def test_overflowing_norms_are_no_consistency(huge):
    """Norms of such numbers are infinite, and everything is within an infinite tolerance."""
    garbage = lambda dout, cache: tuple(np.full(a.shape, huge) for a in affine_backward(dout, cache))  # noqa: E731
    assert "consistency" in lost(grade(AFFINE, affine_backward=garbage))
    large = lambda *a, **k: (affine_forward(*a, **k)[0] * huge, affine_forward(*a, **k)[1])  # noqa: E731
    assert "consistency" in lost(grade(AFFINE, affine_forward=large))
    offset = lambda *a, **k: (affine_forward(*a, **k)[0] + 1e14, affine_forward(*a, **k)[1])  # noqa: E731
    assert "consistency" in lost(grade(AFFINE, affine_forward=offset, affine_backward=garbage))


def test_float16_cannot_hide_a_wrong_gradient():
    forward = lambda *a, **k: (affine_forward(*a, **k)[0].astype(np.float16), affine_forward(*a, **k)[1])  # noqa: E731
    wrong = lambda dout, cache: tuple(3 * g for g in affine_backward(dout, cache))  # noqa: E731
    result = grade(AFFINE, affine_forward=forward, affine_backward=wrong)
    assert {"gradient", "consistency"} <= lost(result)
    assert "float16 is too coarse" in messages(result)


def test_a_right_backward_of_a_wrong_forward_keeps_consistency():
    def forward(x, w, b, *, scale=1.0):
        return 3 * scale * (x @ w) + b, (x, w, scale)

    def backward(dout, cache):
        x, w, scale = cache
        return 3 * scale * dout @ w.T, 3 * scale * x.T @ dout, dout.sum(axis=0)

    assert lost(grade(AFFINE, affine_forward=forward, affine_backward=backward)) == {"value", "gradient", "purity"}


def test_a_right_backward_that_is_not_that_of_its_forward_loses_consistency_alone_besides_the_value():
    result = grade(AFFINE, affine_forward=lambda *a, **k: no_bias(*a, **k))
    assert lost(result) == {"value", "consistency"}
    assert "does not react to b" in messages(result)


def test_a_transposed_gradient_loses_the_marks():
    def backward(dout, cache):
        dx, dw, db = affine_backward(dout, cache)
        return dx, dw.T, db

    result = grade(AFFINE, affine_backward=backward)
    assert {"gradient", "consistency"} <= lost(result)
    assert "dw: " in messages(result)


# Purity


def test_an_input_changed_in_place_is_found_and_named():
    def relu(x):
        cache = x.copy()
        x[x < 0] = 0
        return x, cache

    result = grade(RELU, relu_forward=relu)
    assert lost(result) == {"purity"}
    assert "the input x was changed in place" in messages(result)


def test_an_upstream_gradient_changed_in_place_is_found_and_named():
    def backward(dout, cache):
        dout[cache <= 0] = 0
        return dout

    result = grade(RELU, relu_backward=backward)
    assert lost(result) == {"purity"}
    assert "the input dout was changed in place" in messages(result)


def test_one_buffer_returned_every_time_is_found():
    buffers = {}

    def relu(x):
        out = buffers.setdefault(x.shape, np.empty(x.shape))
        return np.maximum(x, 0, out=out), x

    result = grade(RELU, relu_forward=relu)
    assert lost(result) == {"purity"}
    assert "overwrote the array that an earlier call had returned" in messages(result)


def test_a_view_of_the_input_is_a_fine_answer():
    identity = Question(
        name="first",
        functions={"first": lambda x: x[:1].copy()},
        visible=(),
        hidden=DOUBLE.hidden,
        criteria=DOUBLE.criteria,
    )
    assert grade(identity, first=lambda x: x[:1]).status == "passed"


def test_state_between_calls_is_found():
    calls = []

    def relu(x):
        calls.append(x)
        return np.maximum(x, 0) + 1e-3 * len(calls), x

    result = grade(RELU, relu_forward=relu)
    assert "another answer the second time" in messages(result) or "counts only once" in messages(result)
    assert {"value", "purity"} <= lost(result)


def test_a_function_right_on_its_first_call_only_loses():
    """Every question is asked in a process of its own, where the first call is the first visible case."""
    calls = []

    def first_only(x):
        calls.append(1)
        return (np.maximum(x, 0), x) if len(calls) == 1 else (x, x)

    result = grade(RELU, relu_forward=first_only)
    assert {"value"} <= lost(result)


def test_a_function_right_on_the_first_call_of_each_shape_loses_purity():
    seen = set()

    def sulky(x):
        again = (x.shape, x.tobytes()) in seen
        seen.add((x.shape, x.tobytes()))
        return np.maximum(x, 0) * (0.5 if again else 1), x

    assert "purity" in lost(grade(RELU, relu_forward=sulky))


def test_a_cache_that_another_call_overwrites_is_found():
    cache = {}

    def relu(x):
        cache["x"] = x
        return np.maximum(x, 0), None

    result = grade(RELU, relu_forward=relu, relu_backward=lambda dout, _: dout * (cache["x"] > 0))
    # Consistency calls the forward again before nothing: the one global cache is right there, as in a notebook.
    assert result.points == RELU.points


# Lines


LOOPS = {
    "for": lambda x: looped(x),
    "while": lambda x: while_looped(x),
    "a comprehension": lambda x: np.array([max(v, 0.0) for v in x.ravel()]).reshape(x.shape),
    "nested comprehensions": lambda x: np.array([[max(v, 0.0) for v in row] for row in x]),
    "a generator": lambda x: np.fromiter((max(v, 0.0) for v in x.ravel()), float).reshape(x.shape),
    "map": lambda x: np.array(list(map(plus, x.ravel()))).reshape(x.shape),
    "np.vectorize": lambda x: np.vectorize(lambda v: max(v, 0.0))(x),
    "apply_along_axis": lambda x: np.apply_along_axis(lambda row: np.maximum(row, 0), 1, x),
    "a nested function": lambda x: nested_function(x),
    "recursion": lambda x: np.array(recursive(list(x.ravel()))).reshape(x.shape),
    "one line": lambda x: one_line(x),
    "a thread": lambda x: in_a_thread(x),
}


def plus(v):
    return max(v, 0.0)


def looped(x):
    out = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        out[index] = max(x[index], 0.0)
    return out


def while_looped(x):
    out, k = x.ravel().copy(), 0
    while k < out.size:
        out[k] = max(out[k], 0.0)
        k += 1
    return out.reshape(x.shape)


def nested_function(x):
    def row(values):
        return np.maximum(values, 0)

    out = np.zeros_like(x)
    for k, values in enumerate(x):
        out[k] = row(values)
    return out


def one_line(x):
    out = x.copy()
    for index in np.ndindex(x.shape):
        out[index] = max(out[index], 0.0)
    return out


def recursive(values):
    middle = len(values) // 2
    return recursive(values[:middle]) + recursive(values[middle:]) if middle else [max(values[0], 0.0)]


def in_a_thread(x):
    import threading

    found = []
    thread = threading.Thread(target=lambda: found.append(looped(x)))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_over_the_data_is_found(name):
    loop = LOOPS[name]
    result = grade(RELU, relu_forward=lambda x: (loop(x), x))
    assert lost(result) == {"vectorised"}
    assert "a loop over the data is left" in messages(result)


def test_switching_the_count_off_is_no_way_to_hide_a_loop():
    import sys

    def hidden(x):
        sys.settrace(None)
        return looped(x), x

    result = grade(RELU, relu_forward=hidden)
    assert lost(result) == {"vectorised"}
    assert "tracing was switched off" in messages(result)


VECTORISED = {
    "maximum": lambda x: np.maximum(x, 0),
    "slices": lambda x: np.concatenate([np.where(x[:1] > 0, x[:1], 0), np.clip(x[1:], 0, None)]),
    "masks": lambda x: np.where(x > 0, x, 0.0),
    "einsum": lambda x: np.einsum("ij,ij->ij", x, (x > 0).astype(float)),
    "a loop over something fixed": lambda x: sum((np.maximum(x, 0) / 10 for _ in range(10)), start=0 * x),
    "pad": lambda x: np.pad(np.maximum(x, 0), 2)[2:-2, 2:-2],
}


@pytest.mark.parametrize("name", VECTORISED)
def test_code_without_loops_over_the_data_passes(name):
    result = grade(RELU, relu_forward=lambda x: (VECTORISED[name](x), x))
    assert result.points == RELU.points, messages(result)


# Statuses


def stub(*_, **__):
    raise NotImplementedError("relu_forward: write me")


def test_a_stub_is_missing():
    result = grade(RELU, relu_forward=stub, relu_backward=stub)
    assert (result.status, result.points) == ("missing", 0)
    assert "relu_forward is not written yet" in messages(result)


def test_a_deleted_function_is_missing():
    result = grade(RELU, relu_forward=None)
    assert (result.status, result.points) == ("missing", 0)
    assert "there is no function relu_forward in the notebook: was it renamed or deleted?" in messages(result)


def test_a_name_that_is_no_function_is_missing():
    assert grade(RELU, relu_forward=3).status == "missing"


def test_a_forward_without_its_backward_is_partial():
    result = grade(RELU, relu_backward=stub)
    assert result.status == "partial"
    assert result.points == 2 + 0  # the value; shapes, gradients and the rest need both
    assert "relu_backward is not written yet" in messages(result)


def test_code_that_always_raises_is_an_error():
    def broken(x):
        return x + undefined  # noqa: F821

    result = grade(RELU, relu_forward=broken)
    assert (result.status, result.points) == ("error", 0)
    assert "raised NameError: name 'undefined' is not defined" in messages(result)


@pytest.mark.parametrize(
    ("error", "text"), [(SystemExit, "SystemExit"), (KeyboardInterrupt, "KeyboardInterrupt"), (RecursionError, "Recur")]
)
def test_leaving_is_raising(error, text):
    def leaves(x):
        raise error

    result = grade(RELU, relu_forward=leaves)
    assert (result.status, result.points) == ("error", 0)
    assert text in messages(result)


def test_memory_that_is_not_there_is_said():
    def hungry(x):
        return np.zeros((2**20, 2**20, 2**10)), x

    result = grade(RELU, relu_forward=hungry)
    assert (result.status, result.points) == ("memory", 0)


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("timeout", "timeout", "not finished when the time was up"),
        ("memory", "memory", "more memory than there is"),
        ("died", "error", "ended the Python process"),
        ("protocol", "error", "could not be read"),
    ],
)
def test_answers_that_never_came_say_why(kind, status, words):
    prepared = prepare(RELU, 0)
    result = judge(prepared, [failed(t.plan, Failure(kind, "")) for t in prepared.trials])
    assert (result.status, result.points) == (status, 0)
    assert words in messages(result)


def test_what_came_before_the_time_was_up_counts():
    prepared = prepare(DOUBLE, 0)
    given = answers(prepared, DOUBLE.functions)
    late = failed(prepared.trials[-1].plan, Failure("timeout", ""))
    result = judge(prepared, [*given[:-1], late])
    assert result.status == "timeout"
    assert 0 < result.points < DOUBLE.points


def test_points_are_the_sum_over_the_criteria():
    for functions in ({}, {"affine_backward": mean_bias}, {"affine_forward": no_bias}, {"affine_forward": stub}):
        result = grade(AFFINE, **functions)
        assert result.points == pytest.approx(sum(c.points for c in result.criteria))
        assert result.max_points == AFFINE.points == sum(c.max_points for c in result.criteria)
        assert all(0 <= c.points <= c.max_points for c in result.criteria)


# Conventions


def test_a_convention_keeps_half_of_what_it_would_lose_and_says_so():
    result = grade(DOUBLE, double=lambda x: x / 2)
    assert [d.kind for d in result.diagnosis] == ["convention"]
    assert result.points == pytest.approx(0.5 * 3 + 1 + 1 + 0.5)  # value and stability halved, shape and purity kept
    assert "right under another convention (halves), which keeps 50% of these points" in messages(result)
    assert result.status == "partial"


def test_a_convention_of_a_loss_keeps_half():
    result = grade(LOSS, squared_loss=lambda p, t: (np.sum((p - t) ** 2), 2 * (p - t)))
    assert [d.name for d in result.diagnosis] == ["sum"]
    assert result.points == pytest.approx(1 + 1 + 1 + 1 + 1)


def test_a_convention_in_the_forward_does_not_pay_for_a_wrong_backward():
    question = Question(
        name="affine",
        functions=AFFINE.functions,
        visible=AFFINE.visible,
        hidden=AFFINE.hidden,
        criteria=AFFINE.criteria,
        misconceptions=(Misconception("no-bias", {"affine_forward": no_bias}, "?", convention="layers without bias"),),
    )
    garbage = lambda dout, cache: tuple(7 * g + 1 for g in affine_backward(dout, cache))  # noqa: E731
    result = grade(question, affine_forward=no_bias, affine_backward=garbage)
    points = {c.name: c.points for c in result.criteria}
    assert (points["value"], points["gradient"]) == (1.5, 0)


# Words


def test_every_message_is_one_sentence():
    for functions in (
        {"affine_forward": stub},
        {"affine_forward": no_bias},
        {"affine_backward": mean_bias},
        {"affine_forward": lambda *a, **k: 1 / 0},
        {"affine_forward": lambda *a, **k: None},
        {"affine_backward": lambda *a: None},
        {"affine_forward": lambda x, w, b, **k: (x[:1, :1], None)},
    ):
        for criterion in grade(AFFINE, **functions).criteria:
            assert "\n" not in criterion.message
            assert not re.search(r"[.!?] [A-Z]", criterion.message), criterion.message
            assert len(criterion.message) < 400


def secrets_of(prepared):
    """What must not be read in any message: each number of the hidden inputs and answers, as text."""
    found = set()
    for trial in prepared.trials:
        if trial.visible or trial.kind == "vectorised":
            continue
        arrays = [v for v in trial.plan.values if isinstance(v, np.ndarray)]
        arrays += [v for o in trial.expected.outcomes for v in o.values if isinstance(v, np.ndarray)]
        found |= {f"{number:.4g}".lstrip("-") for a in arrays for number in a.ravel()}
    return {s for s in found if len(s) > 3}


def leak_by_exception(x, *_, **__):
    raise ValueError(repr(x.tolist()))


def leak_by_own_exception(x, *_, **__):
    raise type(f"E{x.ravel()[0]}", (Exception,), {})(repr(x.tolist()))


def leak_by_line(x, *_, **__):
    line = int(abs(x.ravel()[0]) * 10000)
    exec(compile("\n" * line + "raise ValueError", f"cell {line % 1000}", "exec"))


def leak_by_class(x, *_, **__):
    return type(repr(x.tolist()), (), {})()


def leak_by_array_class(x, *_, **__):
    return type(repr(x.tolist()), (), {"__array__": lambda *a, **k: np.array([None])})()


def leak_by_list_class(x, *_, **__):
    return type(repr(x.tolist()), (list,), {})([None, "a"])


def leak_by_field(x, *_, **__):
    return np.zeros(3, [(repr(x.ravel()[0]), float)])


def leak_by_string(x, *_, **__):
    return repr(x.tolist())


def leak_by_count(x, *_, **__):
    return [repr(v) for v in x.ravel()]


def leak_by_key(x, *_, **__):
    return {repr(v): 1 for v in x.ravel()}


def leak_by_unprintable(x, *_, **__):
    class Angry(Exception):
        def __str__(self):
            raise ValueError(repr(x.tolist()))

    raise Angry


LEAKS = [f for name, f in sorted(globals().items()) if name.startswith("leak_by_")]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("question", [DOUBLE, AFFINE, BOUNDS], ids=lambda q: q.name)
def test_nothing_of_a_hidden_case_appears_in_a_message(question, leak):
    name = next(iter(question.functions))
    reference = question.functions[name]
    shown = [c.inputs[0] for c in question.visible]

    def cunning(x, *args, **options):
        """Right on the visible cases, so that the hidden ones speak."""
        if any(x.shape == s.shape and np.allclose(x, s) for s in shown):
            return reference(x, *args, **options)
        return leak(x, *args, **options)

    prepared = prepare(question, 3)
    for function in (cunning, leak):
        result = judge(prepared, answers(prepared, {**question.functions, name: function}))
        text = messages(result)
        assert "value" in lost(result)
        hidden_text = "\n".join(line for line in text.splitlines() if "visible case" not in line)
        for secret in secrets_of(prepared):
            assert secret not in hidden_text
        assert not re.search(r"line \d|cell \d", hidden_text)


def test_a_visible_failure_is_explained_on_one_clean_line():
    def colourful(x):
        raise ValueError("\x1b[31mred\x1b[0m\nand\tmore \x1b]0;title\x07<b>\u202e")

    result = grade(DOUBLE, double=colourful)
    assert "visible case “three numbers”: raised ValueError: red and more <b>" in result.criteria[0].message
    assert all(c.isprintable() for criterion in result.criteria for c in criterion.message)


def test_a_visible_failure_is_located():
    namespace = {"np": np}
    exec(compile("def double(x):\n    y = 2 * x\n    return y.nonsense\n", "cell 7", "exec"), namespace)
    result = grade(DOUBLE, double=namespace["double"])
    assert "raised AttributeError" in result.criteria[0].message
    assert "at cell 7, line 3" in result.criteria[0].message


def test_a_type_is_named_for_visible_cases():
    result = grade(DOUBLE, double=lambda x: (2 * x).astype(complex))
    assert "expected a numeric array, got a array of dtype complex128" in messages(result).replace(" an ", " a ")


def test_where_an_error_is_only_the_position_is_told():
    result = grade(DOUBLE, double=lambda x: np.where(x == x.max(), 2 * x + 1, 2 * x) if x.ndim == 2 else 2 * x)
    value_message = result.criteria[0].message
    assert re.search(r"relative error is [\d.e+-]+, the worst entry is at index \(\d, \d\)", value_message)


def test_a_case_without_reference_values_is_not_judged():
    """A gradient that is None (no bias) may be anything."""
    question = Question(
        name="pair",
        functions={"pair": lambda x: (x, None)},
        visible=(),
        hidden=DOUBLE.hidden,
        criteria=(value(1), shape(1)),
        outputs={"pair": 2},
    )
    for other in (None, 3, "x", np.zeros(7)):
        assert grade(question, pair=lambda x, other=other: (x, other)).points == 2


def test_booleans_are_judged():
    question = Question(
        name="positive",
        functions={"positive": lambda x: x > 0},
        visible=(Case("some", (np.array([1.0, -1.0]),)),),
        hidden=lambda rng: [Case("secret", (rng.normal(size=30),))],
        criteria=(value(1), shape(1)),
    )
    assert grade(question).points == 2
    assert grade(question, positive=lambda x: (x > 0).astype(float)).points == 2
    assert grade(question, positive=lambda x: x < 0).points == 1
    assert grade(question, positive=lambda x: np.zeros(x.shape, bool)).points == 0


def test_dicts_and_lists_of_arrays_are_judged_item_by_item():
    def reference(x):
        return {"large": 1e6 * x, "small": x, "parts": [x, x[:1]]}

    def spoilt(x):
        return {**reference(x), "small": x + 1e-4}

    question = Question(
        name="parts",
        functions={"parts": reference},
        visible=(),
        hidden=lambda rng: [Case("secret", (rng.normal(size=4),))],
        criteria=(value(1),),
        misconceptions=(Misconception("spoilt", {"parts": spoilt}, "Exactly?"),),
    )
    assert grade(question).points == 1
    assert grade(question, parts=lambda x: {**reference(x), "parts": (x, x[:1])}).points == 1
    result = grade(question, parts=spoilt)
    assert (result.points, [d.name for d in result.diagnosis]) == (0, ["spoilt"])
    assert "under “small”" in messages(result)
    for wrong in (
        lambda x: x,
        lambda x: {"large": x},
        lambda x: {**reference(x), "more": 1},
        lambda x: {**reference(x), "parts": Foreign("list")},
        lambda x: {**reference(x), "parts": np.float64(1)},
        lambda x: {**reference(x), "parts": [x]},
    ):
        result = grade(question, parts=wrong)
        assert (result.points, result.diagnosis) == (0, ())


def test_a_wrong_number_of_outputs_is_said():
    result = grade(BOUNDS, bounds=lambda x: (x.min(axis=1),))
    assert "returned 1 values, expected 2" in messages(result)
    assert result.points == 0
    result = grade(AFFINE, affine_forward=lambda *a, **k: affine_forward(*a, **k)[0])
    assert "expected 2" in messages(result)
    assert result.points == 0


def test_a_backward_alone_is_graded_through_a_forward_of_the_wrong_length():
    result = grade(RELU, relu_forward=lambda x: (*relu_forward(x), "more"), relu_backward=relu_backward)
    assert "gradient" not in lost(result)


def test_a_loss_off_by_a_factor_in_its_gradient_loses_gradient_and_consistency():
    def halved(p, t):
        loss, d = squared_loss(p, t)
        return loss, d / 2

    result = grade(LOSS, squared_loss=halved)
    assert lost(result) == {"gradient", "consistency"}
    assert "0.5 times the true slope" in messages(result)


def test_swapped_outputs_lose():
    assert "value" in lost(grade(BOUNDS, bounds=lambda x: bounds(x)[::-1]))
