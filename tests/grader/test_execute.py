"""A plan runs whatever a function does; outputs are copies of what they were at the time, or are named."""

import sys
import threading

import numpy as np
import pytest

from grader.execute import MAX_ANSWER_BYTES, describe_error, fresh, output_tree, run_plan
from grader.plans import Foreign, Output, Plan, Rng, Step, Value


def run(function, *args, catch=Exception, **step):
    plan = Plan(args, (Step("f", tuple(Value(i) for i in range(len(args))), **step),))
    return run_plan(plan, {"f": function}, catch=catch).outcomes[0]


def test_a_cache_goes_from_step_to_step_unseen():
    class Opaque:
        """Anything at all."""

    seen = []
    cache = Opaque()
    plan = Plan((1,), (Step("f", (Value(0),), outputs=2), Step("g", (Output(0, 1),))))
    answer = run_plan(plan, {"f": lambda x: (x, cache), "g": lambda c: seen.append(c) or 5})
    assert [o.values for o in answer.outcomes] == [(1,), (5,)]
    assert seen == [cache]


def test_a_step_that_needs_a_failed_one_is_skipped_and_the_others_run():
    plan = Plan((), (Step("f"), Step("g", (Output(0),)), Step("h"), Step("g", (Output(2, 4),))))
    answer = run_plan(plan, {"f": lambda: 1 / 0, "g": lambda x: x, "h": lambda: (1, 2)})
    assert [o.failure and o.failure.kind for o in answer.outcomes] == ["raised", "skipped", None, "skipped"]


def test_methods_of_returned_objects_are_called():
    class Counter:
        def __init__(self):
            self.n = 0

        def add(self, k):
            self.n += k
            return self.n

    plan = Plan(
        (), (Step("f"), Step("add", (2,), on=Output(0)), Step("add", (3,), on=Output(0)), Step("no", on=Output(0)))
    )
    answer = run_plan(plan, {"f": Counter})
    assert [o.values for o in answer.outcomes[1:3]] == [(2,), (5,)]
    assert answer.outcomes[3].failure.kind == "raised"


def test_every_generator_is_a_fresh_one_of_its_seed():
    plan = Plan((), (Step("f", (Rng(3),)), Step("f", (Rng(3),)), Step("f", (Rng(4),))))
    values = [o.values[0] for o in run_plan(plan, {"f": lambda rng: rng.normal()}).outcomes]
    assert values[0] == values[1] != values[2]


def test_an_output_is_copied_when_it_is_returned():
    buffer = np.zeros(2)

    def count():
        buffer[:] += 1
        return buffer

    plan = Plan((), (Step("f"), Step("f"), Step("", (Output(0),))))
    values = [o.values[0].tolist() for o in run_plan(plan, {"f": count}).outcomes]
    assert values == [[1, 1], [2, 2], [2, 2]]


def test_values_are_echoed_as_they_are_afterwards():
    def spoil(x):
        x[0] = 9
        return x

    answer = run_plan(Plan((np.zeros(2), 3), (Step("f", (Value(0),)),), echo=True), {"f": spoil})
    assert answer.echo[0].tolist() == [9, 0]
    assert answer.echo[1] is None


def test_a_fresh_plan_shares_no_array():
    plan = Plan((np.zeros(2), 3), (Step("f", (Value(0), np.ones(2)), {"b": np.ones(1)}),))
    copy = fresh(plan)
    copy.values[0][0] = copy.steps[0].args[1][0] = copy.steps[0].kwargs["b"][0] = 7
    assert plan.values[0].tolist() == [0, 0]
    assert plan.steps[0].args[1].tolist() == [1, 1]
    assert plan.steps[0].kwargs["b"].tolist() == [1]


def test_an_interrupt_ends_a_student_s_own_run_and_is_an_outcome_in_a_worker():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(interrupted)
    assert run(interrupted, catch=BaseException).failure.message == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("no\nway"), "raised", "ValueError: no\nway"),
        (ValueError(), "raised", "ValueError"),
        (NotImplementedError("f: write me"), "stub", "NotImplementedError: f: write me"),
        (MemoryError(), "memory", "MemoryError"),
        (np.linalg.LinAlgError("singular"), "raised", "LinAlgError: singular"),
        (RecursionError("deep"), "raised", "RecursionError: deep"),
        (ExceptionGroup("two", [ValueError(), TypeError()]), "raised", "ExceptionGroup: two (2 sub-exceptions)"),
    ],
)
def test_errors_are_told_apart(error, kind, message):
    failure = describe_error(error)
    assert (failure.kind, failure.message) == (kind, message)


def test_an_error_that_cannot_be_described_is_an_error():
    class Angry(Exception):
        def __str__(self):
            raise SystemExit

    assert describe_error(Angry()).message == "an exception that cannot be shown"


def test_an_error_is_located_at_the_student_s_own_line():
    namespace = {"np": np}
    exec(compile("def f(x):\n    return np.reshape(x, 7)\n", "cell 4", "exec"), namespace)
    assert run(namespace["f"], np.zeros(3)).failure.where == "cell 4, line 2"


def test_a_long_message_is_cut():
    def verbose():
        raise ValueError("x" * 10**6)

    assert len(run(verbose).failure.message) <= 500


class Sub(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0).reshape(2, 6)[:, ::2],
        np.broadcast_to(1.0, (2, 3)),
        np.arange(6.0).reshape(2, 3).view(Sub),
        np.eye(2)[1:],
        np.array(3.0),
        np.float32(3),
        np.bool_(True),
        np.zeros((0, 3)),
        np.arange(3).astype(">i4"),
        np.zeros(2, np.longdouble),
    ],
    ids=lambda v: f"{type(v).__name__}-{v.dtype}",
)
def test_arrays_of_any_layout_become_plain_copies(value):
    tree = output_tree(value)
    assert type(tree) is np.ndarray
    assert tree.flags.c_contiguous
    assert tree.flags.owndata
    assert np.array_equal(tree, value)
    assert tree.shape == np.shape(value)


@pytest.mark.parametrize("value", [None, True, 3, 2.5, "text"])
def test_plain_values_stay_what_they_are(value):
    assert output_tree(value) is value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.ma.masked_array([1.0, 2.0], [0, 1]), "masked array"),
        (np.ma.masked, "masked array"),
        (np.array([None, 1]), "array of dtype object"),
        (np.array([1j]), "array of dtype complex128"),
        (np.array(["a"]), "array of dtype <U1"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (range(3), "range"),
        (1j, "complex"),
        (len, "builtin_function_or_method"),
        (7**5000, "whole number of 14037 bits"),
    ],
    ids=lambda v: str(v)[:20],
)
def test_what_is_no_array_is_named(value, kind):
    assert output_tree(value) == Foreign(kind)


def test_an_array_too_large_to_travel_is_named_and_not_copied():
    tree = output_tree(np.broadcast_to(1.0, (MAX_ANSWER_BYTES, 1000)))
    assert tree.array is None
    assert "larger than 64 MB" in tree.kind


def test_lists_of_numbers_stand_for_arrays_and_others_travel_item_by_item():
    tree = output_tree([[1, 2], [3, 4]])
    assert tree.kind == "list"
    assert tree.array.tolist() == [[1, 2], [3, 4]]
    assert output_tree((np.zeros(1), "a")) == (np.zeros(1), "a")
    ragged = output_tree([[1], [2, 3]])
    assert [item.array.tolist() for item in ragged] == [[1], [2, 3]]
    assert output_tree([np.ma.masked_array([1.0]), np.zeros(1)])[0] == Foreign("masked array")


def test_what_contains_itself_ends():
    loop, table = [], {}
    loop.append(loop)
    table["me"] = table
    for value in (loop, table):
        text = repr(output_tree(value))
        assert "deeply nested" in text
        assert len(text) < 1000


def test_an_object_that_stands_for_an_array_is_taken_with_its_name():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return np.arange(3.0)

    tree = output_tree(Tensor())
    assert tree.kind.endswith("Tensor")
    assert tree.array.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["__array__", "detach", "__len__"])
def test_an_object_that_fails_while_it_is_read_is_the_function_s_failure(name):
    def fail(*_, **__):
        raise RuntimeError("boo")

    kind = type("Odd", (list,) if name == "__len__" else (), {name: fail})
    assert run(kind, outputs=2 if name == "__len__" else 1).failure is not None


def test_counting_lines_leaves_tracing_as_it_was():
    def tracer(*_):
        return None

    threads = threading.gettrace()
    sys.settrace(tracer)
    try:
        assert run(lambda: 1 + 1, lines=True).lines >= 1
        run(lambda: 1 / 0, lines=True)
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(None)
    assert threading.gettrace() is threads


def test_a_loop_hidden_by_switching_tracing_off_and_on_is_not_counted_as_none():
    def hiding():
        tracer = sys.gettrace()
        sys.settrace(None)
        total = sum(i for i in range(100))
        sys.settrace(tracer)
        return total

    assert run(hiding, lines=True).lines is None
    assert run(lambda: 1 + 1, lines=True).lines is not None


def test_lines_grow_with_a_loop_and_not_with_an_array():
    def loop(x):
        total = 0
        for v in x:
            total += v
        return total

    few, many = (run(loop, np.zeros(n), lines=True).lines for n in (10, 100))
    assert many - few == 2 * 90
    few, many = (run(np.sum, np.zeros(n), lines=True).lines for n in (10, 100))
    assert few == many
    assert run(loop, np.zeros(3)).lines is None


@pytest.mark.parametrize("name", ["missing", "number"])
def test_what_is_not_there_is_missing(name):
    outcome = run_plan(Plan((), (Step(name),)), {"number": 3}).outcomes[0]
    assert outcome.failure.kind == "missing"
