"""Questions of the assignment on optimizers: cases, criteria and points. The mistakes are in misconceptions.py.

A step is judged by whole walks: a script calls it again and again and hands it its own state, whatever that is. Only
the weights are compared. What a walk holds that others do not (a zero gradient, a rate that changes, another walk at
the same time) is its tag, so that each ability has points of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from grader.plans import Output, Plan, Step, Value
from grader.questions import Assignment, Case, Criterion, Manual, Question, Reading, purity, shape, value
from solutions import optimizers as reference

from . import misconceptions as mistakes

Options = Mapping[str, Any]
# What a walk may leave to the defaults, and how small its gradients must then be for the default eps to show.
DRAWN: dict[str, Callable[[np.random.Generator], Options]] = {
    "sgd_step": lambda rng: {},
    "momentum_step": lambda rng: {"momentum": float(rng.uniform(0.6, 0.85))},
    "nesterov_step": lambda rng: {"momentum": float(rng.uniform(0.6, 0.85))},
    "adagrad_step": lambda rng: {"eps": float(rng.uniform(0.1, 0.3))},
    "rmsprop_step": lambda rng: {"alpha": float(rng.uniform(0.6, 0.8)), "eps": float(rng.uniform(0.1, 0.3))},
    "adam_step": lambda rng: {
        "betas": (float(rng.uniform(0.6, 0.75)), float(rng.uniform(0.8, 0.95))),
        "eps": float(rng.uniform(0.1, 0.3)),
    },
    "adamw_step": lambda rng: {
        "betas": (float(rng.uniform(0.6, 0.75)), float(rng.uniform(0.8, 0.95))),
        "eps": float(rng.uniform(0.1, 0.3)),
        "weight_decay": float(rng.uniform(0.2, 0.5)),
    },
}
TINY = {"adagrad_step": 1e-10, "rmsprop_step": 1e-8, "adam_step": 1e-8, "adamw_step": 1e-8}


def _walk(
    name: str,
    function: str,
    w: Any,
    gradients: Sequence[Any],
    options: Options,
    tag: str,
    *,
    rates: Sequence[float] = (),
) -> Case:
    """One step for each gradient, each from where the step before has led; ``rates`` where they change."""
    steps = []
    for i in range(len(gradients)):
        before = (Value(0), Value(i + 1), None) if i == 0 else (Output(i - 1, 0), Value(i + 1), Output(i - 1, 1))
        given = {**options, "lr": rates[i]} if rates else dict(options)
        steps.append(Step(function, before, given, outputs=2, send=(0,)))
    return Case(name, tags={tag}, script=Plan((w, *gradients), tuple(steps)))


def _two_walks(name: str, function: str, starts: Sequence[Any], gradients: Sequence[Any], options: Options) -> Case:
    """Two walks of which each takes a step in turn."""
    steps = []
    for i in range(len(gradients)):
        before = (Value(i), Value(i + 2), None) if i < 2 else (Output(i - 2, 0), Value(i + 2), Output(i - 2, 1))
        steps.append(Step(function, before, options, outputs=2, send=(0,)))
    return Case(name, tags={"two"}, script=Plan((*starts, *gradients), tuple(steps)))


def _two_ways_on(name: str, function: str, w: Any, gradients: Sequence[Any], options: Options) -> Case:
    """Two steps; from there twice a third and fourth, each time with the state that the second step returned."""
    came_from = (None, 0, 1, 2, 1, 4)
    steps = []
    for i, before in enumerate(came_from):
        given = (Value(0), Value(1), None) if before is None else (Output(before, 0), Value(i + 1), Output(before, 1))
        steps.append(Step(function, given, options, outputs=2, send=(0,)))
    return Case(name, tags={"two"}, script=Plan((w, *gradients), tuple(steps)))


def _signed(rng: np.random.Generator, steps: int, *size: int) -> list[Any]:
    """Gradients of which every entry changes its sign at least twice."""
    signs = rng.choice([-1.0, 1.0], size)
    pattern = np.resize([1.0, -1.0, -1.0, 1.0], steps)
    return [p * signs * rng.uniform(0.3, 1.5, size) for p in pattern]


def _weights(rng: np.random.Generator, *size: int) -> Any:
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 2.0, size)


def _walks(function: str) -> Callable[[np.random.Generator], list[Case]]:
    def hidden(rng: np.random.Generator) -> list[Case]:
        def options() -> Options:
            return {"lr": float(rng.uniform(0.1, 0.4)), **DRAWN[function](rng)}

        def walk(name: str, tag: str, gradients: Sequence[Any], given: Options | None = None, **more: Any) -> Case:
            w = _weights(rng, *gradients[0].shape)
            return _walk(name, function, w, gradients, options() if given is None else given, tag, **more)

        zeros = _signed(rng, 5, 6)
        for i, gradient in enumerate(zeros):
            gradient[0] = 0.0  # never a gradient
            gradient[1] *= i > 1  # none at first
            gradient[2] *= i < 2  # none later on
        kept = rng.choice([-1.0, 1.0], (2, 3))
        cases = [
            walk("one step", "first", _signed(rng, 1, 5)),
            walk("one step of a matrix", "first", _signed(rng, 1, 3, 4)),
            walk("gradients that change their sign", "steps", _signed(rng, 5, 3, 2)),
            walk("gradients that keep their sign", "steps", [kept * rng.uniform(0.3, 1.5, (2, 3)) for _ in range(4)]),
            walk("kernels of a convolution", "steps", _signed(rng, 4, 2, 3, 2, 2)),
            walk("a single weight", "steps", _signed(rng, 6, 1)),
            walk("large and small gradients", "steps", [g * np.geomspace(0.03, 30, 5) for g in _signed(rng, 4, 5)]),
            walk("some gradients are zero", "zero", zeros),
        ]
        if function != "sgd_step":
            rates = [float(v) for v in rng.permutation([0.1, 0.23, 0.31, 0.4])]
            cases += [
                walk("a learning rate that changes", "rate", _signed(rng, 4, 4), DRAWN[function](rng), rates=rates),
                _two_walks(
                    "two walks at a time",
                    function,
                    [_weights(rng, 4), _weights(rng, 4)],
                    [g for pair in zip(_signed(rng, 3, 4), _signed(rng, 3, 4), strict=True) for g in pair],
                    options(),
                ),
                _two_ways_on("one state, two ways on", function, _weights(rng, 3), _signed(rng, 6, 3), options()),
                walk("all by default", "default", _signed(rng, 4, 4), {"lr": 0.2}),
            ]
        if function in TINY:
            tiny = [TINY[function] * g for g in _signed(rng, 4, 4)]
            cases.append(walk("all by default, tiny gradients", "default", tiny, {"lr": 0.3}))
        return cases

    return hidden


W = np.array([1.0, -2.0, 0.5])
# Every entry changes its sign; figures that can be followed by hand.
G = [np.array(g) for g in ([2.0, -1.0, 0.5], [-1.0, 2.0, 0.5], [1.0, 1.0, -1.0], [2.0, -1.0, -2.0])]
SHOWN: dict[str, Options] = {
    "sgd_step": {"lr": 0.5},
    "momentum_step": {"lr": 0.1, "momentum": 0.5},
    "nesterov_step": {"lr": 0.1, "momentum": 0.5},
    "adagrad_step": {"lr": 0.1, "eps": 0.25},
    "rmsprop_step": {"lr": 0.1, "alpha": 0.75, "eps": 0.25},
    "adam_step": {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.25},
    "adamw_step": {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.25, "weight_decay": 0.5},
}


def _visible(function: str, *first: Case) -> tuple[Case, ...]:
    options = SHOWN[function]
    cases = [
        *first,
        _walk("three weights, four steps", function, W, G, options, "steps"),
        _walk(
            "a matrix, three steps",
            function,
            np.stack([W, -W]),
            [np.stack([g, 2 * g]) for g in G[:3]],
            options,
            "steps",
        ),
        _walk("a weight without gradient", function, W, [g * [1.0, 0.0, 1.0] for g in G], options, "zero"),
    ]
    if function != "sgd_step":
        without = {k: v for k, v in options.items() if k != "lr"}
        cases += [
            _walk("learning rates 0.1, 0.2, 0.05", function, W, G[:3], without, "rate", rates=(0.1, 0.2, 0.05)),
            _two_walks("two walks at a time", function, [W, -2 * W], [*G[:3], -G[3], G[0], G[2]], options),
            _two_ways_on("one state, two ways on", function, W, [*G, -G[2], G[1]], options),
            _walk("all by default", function, W, G, {"lr": 0.1}, "default"),
        ]
    if function in TINY:
        tiny = [TINY[function] * g for g in G]
        cases.append(_walk("all by default, tiny gradients", function, W, tiny, {"lr": 0.1}, "default"))
    return tuple(cases)


def _one(name: str, function: str, w: Sequence[float], gradients: Sequence[Sequence[float]], **options: Any) -> Case:
    """The walk that the text works out by hand."""
    tag = "first" if len(gradients) == 1 else "steps"
    return _walk(name, function, np.array(w, float), [np.array(g, float) for g in gradients], options, tag)


FIRST: dict[str, tuple[Case, ...]] = {
    "sgd_step": (_one("one step from (1, 2)", "sgd_step", [1, 2], [[1, -1]], lr=0.5),),
    "momentum_step": (
        _one("one step", "momentum_step", [1], [[2]], lr=0.1, momentum=0.5),
        _one("three steps by hand", "momentum_step", [1], [[2], [2], [-2]], lr=0.1, momentum=0.5),
    ),
    "nesterov_step": (
        _one("one step", "nesterov_step", [1], [[2]], lr=0.1, momentum=0.5),
        _one("three steps by hand", "nesterov_step", [1], [[2], [2], [-2]], lr=0.1, momentum=0.5),
    ),
    "adagrad_step": (
        _one("one step", "adagrad_step", [1, 1], [[3, -0.5]], lr=0.1),
        _one("two steps by hand", "adagrad_step", [1], [[3], [4]], lr=0.1),
    ),
    "rmsprop_step": (_one("one step by hand", "rmsprop_step", [1], [[2]], lr=0.1, alpha=0.75),),
    "adam_step": (
        _one("one step: gradients 0.003 and -40", "adam_step", [1, 1], [[0.003, -40]], lr=0.1),
        _one("one step, eps 0.25", "adam_step", [1, 1], [[0.5, -2]], lr=0.1, betas=(0.5, 0.75), eps=0.25),
    ),
    "adamw_step": (_one("one step by hand", "adamw_step", [1], [[5]], lr=0.1, weight_decay=0.5),),
}


def _optimizer(function: str, *criteria: Criterion) -> Question:
    return Question(
        name=function,
        functions={function: getattr(reference, function)},
        visible=_visible(function, *FIRST[function]),
        hidden=_walks(function),
        criteria=criteria,
        misconceptions=mistakes.STEPS[function],
    )


_STATE = (
    value(0.5, "value: zero gradients", on="zero"),
    value(0.5, "value: a rate that changes", on="rate"),
    value(0.5, "value: two walks at a time", on="two"),
    value(0.5, "value: defaults", on="default"),
    shape(0.5),
    purity(0.5),
)

SGD = _optimizer(
    "sgd_step",
    value(0.5, "value: one step", on="first"),
    value(0.5, "value: several steps", on="steps zero"),
    shape(0.5),
    purity(0.5),
)
MOMENTUM = _optimizer(
    "momentum_step", value(0.5, "value: one step", on="first"), value(1.5, "value: several steps", on="steps"), *_STATE
)
NESTEROV = _optimizer(
    "nesterov_step", value(0.5, "value: one step", on="first"), value(1.5, "value: several steps", on="steps"), *_STATE
)
ADAGRAD = _optimizer(
    "adagrad_step", value(0.5, "value: one step", on="first"), value(1.5, "value: several steps", on="steps"), *_STATE
)
RMSPROP = _optimizer(
    "rmsprop_step", value(0.5, "value: one step", on="first"), value(1.5, "value: several steps", on="steps"), *_STATE
)
ADAM = _optimizer(
    "adam_step", value(2, "value: one step", on="first"), value(3, "value: several steps", on="steps"), *_STATE
)
ADAMW = _optimizer(
    "adamw_step", value(1, "value: one step", on="first"), value(1, "value: several steps", on="steps"), *_STATE
)


def _epoch(name: str, lr: float, epoch: int, tag: str, **options: Any) -> Case:
    return Case(name, (lr, epoch), options, {tag})


def _rate(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.05, 0.9))


def _drops(rng: np.random.Generator) -> list[Case]:
    size, gamma = int(rng.integers(3, 7)), float(rng.uniform(0.3, 0.8))
    places = (
        ("the first epoch", 0),
        ("the last epoch before the first drop", size - 1),
        ("the epoch of the first drop", size),
        ("the epoch after the first drop", size + 1),
        ("the last epoch before the second drop", 2 * size - 1),
        ("the epoch of the third drop", 3 * size),
        ("an epoch in between", 4 * size + 1),
    )
    return [
        *(_epoch(name, _rate(rng), epoch, "epochs", step_size=size, gamma=gamma) for name, epoch in places),
        _epoch("a drop at every epoch", _rate(rng), 4, "epochs", step_size=1, gamma=gamma),
        _epoch("the usual factor", _rate(rng), 2 * size + 1, "default", step_size=size),
    ]


STEP_DECAY = Question(
    name="step_decay",
    functions={"step_decay": reference.step_decay},
    visible=(
        *(_epoch(f"epoch {e}, halved every two", 1.0, e, "epochs", step_size=2, gamma=0.5) for e in range(6)),
        _epoch("epoch 20, NYU's 0.9 after every seven", 0.001, 20, "epochs", step_size=7, gamma=0.9),
        _epoch("epoch 9, the usual factor after every four", 0.5, 9, "default", step_size=4),
    ),
    hidden=_drops,
    criteria=(value(1, "value: epochs", on="epochs"), value(0.5, "value: default", on="default"), shape(0.5)),
    misconceptions=mistakes.STEP_DECAY,
)


def _exponents(rng: np.random.Generator) -> list[Case]:
    places = (("the first epoch", 0), ("the second epoch", 1), ("a later epoch", int(rng.integers(3, 9))))
    return [
        *(_epoch(name, _rate(rng), epoch, "epochs", gamma=float(rng.uniform(0.4, 0.9))) for name, epoch in places),
        _epoch("a rate that stays", _rate(rng), 5, "epochs", gamma=1.0),
        _epoch("a strong decay", _rate(rng), 3, "epochs", gamma=float(rng.uniform(0.1, 0.3))),
    ]


EXPONENTIAL_DECAY = Question(
    name="exponential_decay",
    functions={"exponential_decay": reference.exponential_decay},
    visible=tuple(_epoch(f"epoch {e}, factor 0.8", 0.5, e, "epochs", gamma=0.8) for e in range(4)),
    hidden=_exponents,
    criteria=(value(1.5, "value", on="epochs"), shape(0.5)),
    misconceptions=mistakes.EXPONENTIAL_DECAY,
)


def _cosines(rng: np.random.Generator) -> list[Case]:
    warmup, length = int(rng.integers(3, 6)), int(rng.integers(7, 12))
    total = warmup + length

    def plain(name: str, epoch: int) -> Case:
        return _epoch(name, _rate(rng), epoch, "cosine", total=length)

    def warm(name: str, epoch: int) -> Case:
        return _epoch(name, _rate(rng), epoch, "warmup", total=total, warmup=warmup)

    def floor(name: str, epoch: int, warmup: int = 0) -> Case:
        lr = float(rng.uniform(0.5, 0.9))
        return _epoch(name, lr, epoch, "minimum", total=total, warmup=warmup, minimum=float(rng.uniform(0.1, 0.3)))

    return [
        plain("the first epoch", 0),
        plain("an early epoch", 2),
        plain("a late epoch", length - 1),
        plain("the last epoch", length),
        plain("after the end", length + 3),
        warm("the first epoch of the warm-up", 0),
        warm("within the warm-up", 1),
        warm("the last epoch of the warm-up", warmup - 1),
        warm("the epoch after the warm-up", warmup),
        warm("on the way down after a warm-up", warmup + 3),
        warm("the end after a warm-up", total),
        _epoch("a warm-up of one epoch", _rate(rng), 0, "warmup", total=total, warmup=1),
        floor("above a minimum", 3),
        floor("at the minimum", total),
        floor("long after the minimum is reached", total + 5),
        floor("warming up, with a minimum", 1, warmup),
        floor("on the way down to a minimum, after a warm-up", warmup + 2, warmup),
    ]


COSINE_DECAY = Question(
    name="cosine_decay",
    functions={"cosine_decay": reference.cosine_decay},
    visible=(
        *(_epoch(f"epoch {e} of 4", 1.0, e, "cosine", total=4) for e in (0, 1, 2, 4, 6)),
        *(
            _epoch(f"epoch {e} of 7, three of them to warm up", 1.0, e, "warmup", total=7, warmup=3)
            for e in (0, 2, 3, 5)
        ),
        *(_epoch(f"epoch {e} of 4, down to 0.2", 1.0, e, "minimum", total=4, minimum=0.2) for e in (1, 4, 5)),
        *(
            _epoch(f"epoch {e} of 7, three to warm up, down to 0.2", 1.0, e, "minimum", total=7, warmup=3, minimum=0.2)
            for e in (1, 4)
        ),
    ),
    hidden=_cosines,
    criteria=(
        value(1, "value: half a cosine", on="cosine"),
        value(1, "value: warm-up", on="warmup"),
        value(1, "value: minimum", on="minimum"),
        shape(1),
    ),
    misconceptions=mistakes.COSINE_DECAY,
)


WHY = Manual(
    "why-small-batches",
    3,
    "- 1 point: a batch gives an unbiased estimate at a fraction of the cost, so many more steps for the "
    "same work (the error falls only with the root of the batch); its noise may also carry the weights "
    "out of saddles and poor minima.\n"
    "- 1 point: across the ravine the slope is steep and changes sign at each step, along it it is small "
    "and steady; the average cancels the first and adds up the second.\n"
    "- 1 point: the averages begin at 0 and are too small at first: m by the factor 0.1, the root of v "
    "by about 0.032 (the root of 0.001). Without the correction the first step is therefore about 3.2 "
    "times too LARGE, not too small. Half a point for the bias without its effect on the step.",
)

ASSIGNMENT = Assignment(
    name="09-optimizers",
    title="Optimizers by hand",
    questions=(
        SGD,
        MOMENTUM,
        NESTEROV,
        ADAGRAD,
        RMSPROP,
        ADAM,
        ADAMW,
        STEP_DECAY,
        EXPONENTIAL_DECAY,
        COSINE_DECAY,
    ),
    reading=(Reading(7, "Optimizers"),),
    manual=(WHY,),
)
