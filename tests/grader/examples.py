"""Made-up questions for tests of the judge: small, of every kind, and none of a real course."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from grader import wire
from grader.execute import run_plan
from grader.freeze import thaw
from grader.judge import judge
from grader.plans import Answer, answer_from_tree, answer_to_tree, plan_from_tree, plan_to_tree
from grader.prepare import PreparedQuestion, Trial, prepare
from grader.questions import (
    Case,
    Misconception,
    Question,
    consistency,
    count,
    gradient,
    purity,
    shape,
    stability,
    value,
    vectorised,
)
from grader.results import QuestionResult

Functions = Mapping[str, Callable[..., Any]]


def double(x):
    return 2 * x


DOUBLE = Question(
    name="double",
    functions={"double": double},
    visible=(Case("three numbers", (np.array([1.0, -3.0, 2.5]),), {}, {"plain"}),),
    hidden=lambda rng: [
        Case("secret: a column", (rng.normal(size=(4, 1)),), {}, {"plain"}),
        Case("secret: a table", (rng.normal(size=(2, 3)),), {}, {"plain"}),
        Case("secret: huge", (rng.normal(size=3) * 1e200,), {}, {"extreme"}),
    ],
    criteria=(value(3, on="plain"), shape(1), purity(1, on="plain"), stability(1)),
    misconceptions=(
        Misconception("squares", {"double": lambda x: x**2}, "What is twice three?"),
        Misconception("adds two", {"double": lambda x: x + 2}, "What is twice zero?"),
        Misconception("halves", {"double": lambda x: x / 2}, "Up or down?", convention="the inverse scaling"),
    ),
)


def affine_forward(x, w, b, *, scale=1.0):
    return scale * (x @ w + b), (x, w, scale)


def affine_backward(dout, cache):
    x, w, scale = cache
    return scale * dout @ w.T, scale * x.T @ dout, scale * dout.sum(axis=0)


def no_bias(x, w, b, *, scale=1.0):
    return scale * (x @ w), (x, w, scale)


def _negated(x, w, b, *, scale=1.0):
    out, cache = affine_forward(x, w, b, scale=scale)
    return -out, cache


def mean_bias(dout, cache):
    dx, dw, db = affine_backward(dout, cache)
    return dx, dw, db / len(dout)


def _affine_cases(rng):
    def case(name, n, d, m, **options):
        inputs = (rng.normal(size=(n, d)), rng.normal(size=(d, m)), rng.normal(size=m))
        return Case(name, inputs, options, {"plain"}, step=1e-3)

    return [case("secret: tall", 5, 2, 3), case("secret: wide", 2, 6, 4), case("secret: scaled", 3, 4, 2, scale=2.5)]


AFFINE = Question(
    name="affine",
    functions={"affine_forward": affine_forward, "affine_backward": affine_backward},
    visible=(
        Case("two rows", (np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, 2], [0, 1, -1]]), np.array([1.0, 2, 3]))),
    ),
    hidden=_affine_cases,
    criteria=(value(3), shape(1), gradient(3), consistency(2), purity(1)),
    misconceptions=(
        Misconception("no-bias", {"affine_forward": no_bias}, "Which input is unused?"),
        Misconception("mean-bias", {"affine_backward": mean_bias}, "Sum or mean?"),
        Misconception(
            "negated",
            {
                "affine_forward": _negated,
                "affine_backward": lambda dout, cache: tuple(-g for g in affine_backward(dout, cache)),
            },
            "Which sign?",
            convention="the sign of physicists",
        ),
    ),
)


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def _away_from_zero(rng, *size):
    return rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.1, 2, size=size)


RELU = Question(
    name="relu",
    functions={"relu_forward": relu_forward, "relu_backward": relu_backward},
    visible=(Case("four numbers", (np.array([[1.0, -2.0], [-0.5, 3.0]]),)),),
    hidden=lambda rng: [
        Case(f"secret: {n}", (_away_from_zero(rng, n, 4),)) for n in (2, 3, 5)
    ],  # every case on either side of the kink
    criteria=(
        value(2),
        shape(1),
        gradient(2),
        consistency(1),
        purity(1),
        vectorised(
            1,
            small=Case("small", (np.linspace(-1, 1.1, 6).reshape(2, 3),)),
            large=Case("large", (np.linspace(-1, 1.1, 600).reshape(20, 30),)),
        ),
    ),
    misconceptions=(
        Misconception("gates-on-dout", {"relu_backward": lambda dout, cache: dout * (dout > 0)}, "Which gate?"),
    ),
)


def squared_loss(prediction, target):
    difference = prediction - target
    return np.mean(difference**2), 2 * difference / difference.size


LOSS = Question(
    name="loss",
    functions={"squared_loss": squared_loss},
    visible=(Case("two", (np.array([1.0, 2.0]), np.array([0.0, 4.0]))),),
    hidden=lambda rng: [Case(f"secret: {n}", (rng.normal(size=(n, 3)), rng.normal(size=(n, 3)))) for n in (2, 4)],
    criteria=(value(2), shape(1), gradient(2), consistency(1), purity(1)),
    misconceptions=(
        Misconception(
            "sum", {"squared_loss": lambda p, t: (np.sum((p - t) ** 2), 2 * (p - t))}, "Over what?", "summed losses"
        ),
    ),
    outputs={"squared_loss": 2},
)


def bounds(x):
    return x.min(axis=1), x.max(axis=1)


BOUNDS = Question(
    name="bounds",
    functions={"bounds": bounds},
    visible=(Case("two rows", (np.array([[1.0, 2.0], [4.0, 3.0]]),)),),
    hidden=lambda rng: [Case("secret", (rng.normal(size=(4, 3)),))],
    criteria=(value(2), shape(1)),
    outputs={"bounds": 2},
)


def windows(size, width):
    return size - width + 1, width


WINDOWS = Question(
    name="windows",
    functions={"windows": windows},
    visible=(Case("five by two", (5, 2)),),
    hidden=lambda rng: [Case("secret", (int(rng.integers(10, 20)), int(rng.integers(2, 5))))],
    criteria=(count(2), shape(1)),
)


def answer(trial: Trial, functions: Functions) -> Answer:
    """Ask as the examiner does, there and back through the encoding."""
    plan = plan_from_tree(wire.loads(wire.encode(plan_to_tree(trial.plan))))
    with np.errstate(all="ignore"):
        answered = run_plan(plan, functions, catch=BaseException)
    return answer_from_tree(wire.loads(wire.encode(answer_to_tree(answered))), trial.plan)


def answers(prepared: PreparedQuestion, functions: Functions) -> list[Answer]:
    return [answer(trial, functions) for trial in prepared.trials]


def grade(question: Question, seed: int = 1, **functions: Callable[..., Any]) -> QuestionResult:
    """Grade functions; those that are not given are the reference's, those that are None do not exist."""
    prepared = prepare(question, seed)
    given = {k: f for k, f in {**question.functions, **functions}.items() if f is not None}
    return judge(prepared, answers(prepared, given))


def thawed_questions(data: bytes) -> list[PreparedQuestion]:
    """Thaw every question whole, as a check does where something is wrong."""
    pairs = [(q, q.prepared()) for q in thaw(data).questions]
    return [replace(question, variants=frozen.variants(question)) for frozen, question in pairs]


def lost(result: QuestionResult) -> set[str]:
    """Name the criteria that did not pass."""
    return {c.name for c in result.criteria if not c.passed}


def messages(result: QuestionResult) -> str:
    """Return all that a student reads."""
    return "\n".join([c.message for c in result.criteria] + [f"{d.name} {d.hint}" for d in result.diagnosis])
