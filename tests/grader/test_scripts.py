"""Purity of functions that only scripts call: what a script repeats, and what it finds."""

import numpy as np
import pytest

from grader import scripts
from grader.execute import fresh, run_plan
from grader.judge import judge
from grader.plans import Output, Plan, Step, Value
from grader.prepare import prepare
from grader.questions import Case, Misconception, Question, purity, value


def walk_step(w, dw, state, *, lr):
    v = (0 if state is None else state) + dw
    return w - lr * v, v


def case(name, w, *gradients):
    steps = []
    for i in range(len(gradients)):
        before = (Value(0), Value(i + 1), None) if i == 0 else (Output(i - 1, 0), Value(i + 1), Output(i - 1, 1))
        steps.append(Step("walk_step", before, {"lr": 0.5}, outputs=2, send=(0,)))
    return Case(name, script=Plan((w, *gradients), tuple(steps)))


def question(*misconceptions):
    def hidden(rng):
        return [case(f"walk {i}", *rng.normal(size=(4, 3))) for i in range(2)]

    return Question(
        "walk_step", {"walk_step": walk_step}, (), hidden, (value(2), purity(1)), misconceptions=misconceptions
    )


def graded(step, *misconceptions):
    prepared = prepare(question(*misconceptions), 3)
    return judge(prepared, [run_plan(fresh(t.plan), {"walk_step": step}) for t in prepared.trials])


def message(result, name="purity"):
    return {c.name: c.message for c in result.criteria}[name]


def in_place(w, dw, state, *, lr):
    v = (0 if state is None else state) + dw
    w -= lr * v
    return w, v


def gradient_changed(w, dw, state, *, lr):
    if state is not None:
        dw += state
    return w - lr * dw, dw.copy()


def buffered():
    buffer = np.empty(3)

    def step(w, dw, state, *, lr):
        new, v = walk_step(w, dw, state, lr=lr)
        buffer[...] = new
        return buffer, v

    return step


def global_state():
    kept = [0.0]

    def step(w, dw, state, *, lr):
        kept[0] = kept[0] + dw
        return w - lr * kept[0], None

    return step


def test_a_step_that_leaves_its_inputs_alone_keeps_every_point():
    assert graded(walk_step).points == 3


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (in_place, "the input w was changed in place"),
        (gradient_changed, "the input dw was changed in place"),
        (buffered(), "a later call overwrote the array"),
        (global_state(), "the same inputs give another answer the second time"),
    ],
)
def test_a_step_that_leaves_traces_loses_purity_and_is_told_which(step, words):
    result = graded(step)
    assert words in message(result)


def test_only_purity_is_lost_where_the_walk_itself_is_right():
    assert message(graded(gradient_changed), "value") == ""
    assert message(graded(in_place), "value") == ""


def test_a_mistake_of_purity_alone_is_named():
    result = graded(in_place, Misconception("in-place", {"walk_step": in_place}, "Who owns w?"))
    assert [d.name for d in result.diagnosis] == ["in-place"]


def test_a_wrong_call_is_numbered():
    def forgets(w, dw, state, *, lr):
        return w - lr * dw, None

    assert "call 2: the relative error is" in message(graded(forgets), "value")


def test_a_moved_script_reads_its_own_values_and_steps():
    step = Step("f", (Value(1), Output(0, 1), 7), {"k": Value(0)}, on=Output(2))
    (moved,) = scripts.moved((step,), 10, 20)
    assert (moved.args, moved.kwargs, moved.on) == ((Value(11), Output(20, 1), 7), {"k": Value(10)}, Output(22))


def test_values_are_named_after_the_parameters_that_first_take_them():
    script = case("walk", *np.zeros((3, 2))).script
    assert scripts.names(script, {"walk_step": walk_step}) == ["w", "dw", "dw"]


def test_plain_cases_are_repeated_before_scripts():
    plain = Question(
        "double",
        {"double": lambda x: 2 * x},
        (Case("plain", (np.arange(3.0),)), Case("script", script=Plan((np.ones(2),), (Step("double", (Value(0),)),)))),
        lambda rng: [],
        (value(1), purity(1)),
    )
    assert [t.case for t in prepare(plain, 1).trials if t.kind == "purity"] == ["plain"]
