"""Questions of the assignment on regularization: cases, criteria and points. Mistakes are in misconceptions.py.

False alarms. What is drawn is judged by named judges: a count of draws accuses a right answer at most twice in 10^9
times (exact binomial tails), a share of zeros or a mean less than once in 10^7. A question tests at most 150 counts
and 4 shares and means, visible and hidden, so a right answer in any style loses points by chance less than once in a
million gradings. Everything else (which values occur, what the mask does on the way back) allows rounding alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.judges import Named
from grader.plans import Output, Plan, Rng, Step, Value
from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    consistency,
    gradient,
    purity,
    shape,
    stability,
    statistics,
    value,
)
from solutions import regularization as reference

from . import misconceptions as mistakes
from . import pictures


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1, 10**6))


def _forward(x: int, p: float, rng: Any, *, training: bool = True, send: tuple[int, ...] = (0,)) -> Step:
    return Step("dropout_forward", (Value(x),), {"p": p, "training": training, "rng": rng}, 2, send)


def _backward(dout: int, forward: int) -> Step:
    return Step("dropout_backward", (Value(dout), Output(forward, 1)))


def _away(rng: np.random.Generator, *size: int) -> Any:
    """Numbers of both signs, none near 0, where a dropped unit could not be told from a kept one."""
    return rng.choice([-1.0, 1.0], size=size) * rng.uniform(0.2, 3, size=size)


def _changed(name: str, before: Any, step: int) -> dict[str, Any]:
    """What judges an array that is read again after the calls."""
    return {"expected": before, "code": f"{name} changed", "message": f"{name} was changed in place", "step": step}


def _draws(rng: np.random.Generator, p: float, words: str) -> list[Case]:
    """What dropping with probability p must be like, whatever is drawn."""
    ones, x, dout = np.ones((96, 100)), _away(rng, 40, 30), _away(rng, 96, 100)
    a, b = _seed(rng), _seed(rng)

    def case(name: str, tag: str, values: tuple[Any, ...], steps: Sequence[Step], judge: str, **given: Any) -> Case:
        script, named = Plan(values, tuple(steps)), Named(judge, given)
        return Case(f"{name}{words}", script=script, tags={tag}, judge=named)

    drawn = _forward(0, p, Rng(a))
    one_by_one = ["varied", {"axes": [0, 1]}]
    share = ["two_values", {"kept": 1 / (1 - p), "share": p}]
    # Wide enough for the convention that keeps with p, whose means agree as well.
    spread = max(p / (1 - p), (1 - p) / p) ** 0.5
    mean = ["same_mean", {"first": 0, "second": 1, "deviation": spread}]
    either = {"candidates": np.stack([0 * x, x / (1 - p)]), "names": ["off", "scaled up"], "items": 2}
    known = {"divided by p": np.stack([0 * x, x / p]), "as it was": np.stack([0 * x, x])}
    own = {"factor": dout, "first": [0, 0], "second": [1, 0], "what": "dx"}
    at_test = _forward(0, p, None, training=False)
    again = [_forward(0, p, Rng(s), send=(0,)) for s in (a, a, b)]
    backwards = (ones, dout), (drawn, _backward(1, 0), Step("", (Value(1),)))
    return [
        case("units of a layer of ones", "share", (ones,), [drawn], "first_of", judges=[one_by_one, share]),
        case("units of both signs", "share", (x,), [drawn], "among", **either, others=known),
        case("the means of both modes", "mean", (ones,), [drawn, at_test], "first_of", judges=[one_by_one, mean]),
        case("the same rng, and another", "rng", (ones,), again, "same_draws", pairs=[[0, 1]], different=[[0, 2]]),
        case("back through the mask", "mask", *backwards, "multiple", **own),
        case(
            "the input of a training step",
            "kept",
            (ones,),
            [drawn, Step("", (Value(0),))],
            "first_of",
            judges=[one_by_one, share, ["equal", _changed("x", ones, 1)]],
        ),
        case(
            "the gradient that comes in",
            "kept",
            *backwards,
            "first_of",
            judges=[one_by_one, share, ["equal", _changed("dout", dout, 2)]],
        ),
        case(
            "test time, with an rng at hand",
            "idle",
            (x,),
            [_forward(0, p, Rng(a), training=False)],
            "equal",
            expected=x,
            code="not passed through",
            message="at test time every unit goes through as it is",
        ),
    ]


def _sure(x: Any, dout: Any, p: float, seed: int, name: str, tag: str) -> list[Case]:
    """Nothing left to chance: the forward alone, and both ways."""
    there = _forward(0, p, Rng(seed))
    return [
        Case(name, script=Plan((x,), (there,)), tags={tag}),
        Case(f"{name}, and back", script=Plan((x, dout), (there, _backward(1, 0))), tags={tag}),
    ]


def _resting(x: Any, p: float, name: str) -> Case:
    return Case(name, (x,), {"p": p, "training": False, "rng": None}, {"test"})


def _drops(rng: np.random.Generator) -> list[Case]:
    low, high = float(rng.uniform(0.2, 0.3)), float(rng.uniform(0.65, 0.8))
    n, d = (int(v) for v in rng.permutation([3, 5]))
    return [
        *_draws(rng, low, ", few dropped"),
        *_draws(rng, high, ", most dropped"),
        _resting(_away(rng, n, d), low, "test time, a batch"),
        _resting(_away(rng, 2, 3, n, d), high, "test time, images"),
        _resting(1000 * _away(rng, 1, 1), low, "test time, one large number"),
        *_sure(_away(rng, n, d), _away(rng, n, d), 0.0, _seed(rng), "p = 0", "nothing"),
        *_sure(_away(rng, 2, 3, d, n), _away(rng, 2, 3, d, n), 0.0, _seed(rng), "p = 0, images", "nothing"),
        *_sure(_away(rng, d, n), _away(rng, d, n), 1.0, _seed(rng), "p = 1", "extreme"),
    ]


SMALL = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])

DROPOUT = Question(
    name="dropout",
    functions={"dropout_forward": reference.dropout_forward, "dropout_backward": reference.dropout_backward},
    visible=(
        *_draws(np.random.default_rng(8), 0.2, ", p = 0.2"),
        _resting(SMALL, 0.2, "two rows at test time"),
        *_sure(SMALL, SMALL[::-1].copy(), 0.0, 1, "two rows, p = 0", "nothing"),
        *_sure(SMALL, SMALL[::-1].copy(), 1.0, 1, "two rows, p = 1", "extreme"),
    ),
    hidden=_drops,
    criteria=(
        statistics(2.5, "statistics: who is dropped", on="share"),
        statistics(1, "statistics: equal means", on="mean"),
        statistics(0.5, "statistics: rng", on="rng"),
        statistics(2, "statistics: the same mask", on="mask"),
        value(1, "value: test time", on="test"),
        gradient(0.5, "gradient: test time", on="test"),
        statistics(0.5, "statistics: test time", on="idle"),
        value(0.5, "value: p = 0", on="nothing"),
        stability(0.5, "stability: p = 1"),
        statistics(0.5, "statistics: inputs kept", on="kept"),
        purity(0.5, on="test"),
    ),
    misconceptions=mistakes.DROPOUT,
)


def _penalty(name: str, cases: Callable[[np.random.Generator, Callable[..., dict[str, float]]], list[Case]]) -> Any:
    settings = ("l1_strength", "l2_strength") if name == "elastic_penalty" else ("strength",)

    def hidden(rng: np.random.Generator) -> list[Case]:
        def strengths() -> dict[str, float]:
            return {s: float(rng.uniform(0.05, 0.4) + 0.5 * i) for i, s in enumerate(settings)}

        return cases(rng, strengths)

    return hidden


def _weights(rng: np.random.Generator, strengths: Callable[[], dict[str, float]]) -> list[Case]:
    n, d = (int(v) for v in rng.permutation([3, 5]))
    return [
        Case("a matrix of weights", (_away(rng, n, d),), strengths(), {"plain"}),
        Case("the weights of a convolution", (_away(rng, n, 2, d, 4),), strengths(), {"plain"}),
        Case("a row of weights", (_away(rng, 7),), strengths(), {"plain"}),
        Case("a single negative weight", (-np.abs(_away(rng, 1, 1)),), strengths(), {"plain"}),
        Case("large weights", (1000 * _away(rng, d, n),), strengths(), {"plain"}),
        Case("no penalty", (_away(rng, n, d),), dict.fromkeys(strengths(), 0.0), {"plain"}),
    ]


PAIR = np.array([3.0, -4.0])
TABLE = np.array([[1.0, -2.0, 0.5], [-0.25, 4.0, 3.0]])

L2 = Question(
    name="l2_penalty",
    functions={"l2_penalty": reference.l2_penalty},
    visible=(
        Case("the weights 3 and -4, λ = 0.5", (PAIR,), {"strength": 0.5}, {"plain"}),
        Case("two rows of three weights, λ = 0.1", (TABLE,), {"strength": 0.1}, {"plain"}),
    ),
    hidden=_penalty("l2_penalty", _weights),
    criteria=(value(1), gradient(1), consistency(0.5), purity(0.5)),
    outputs={"l2_penalty": 2},
    misconceptions=mistakes.L2,
)


def _at_zero(w: Any, strength: float, name: str) -> Case:
    """Where a weight is 0, every slope from -λ to λ is a subgradient."""
    signs = np.sign(w) * strength
    limits = {"low": np.where(w == 0, -strength, signs), "high": np.where(w == 0, strength, signs)}
    return Case(name, (w,), {"strength": strength}, {"zero"}, judge=Named("within", {**limits, "output": 1}))


def _sparse(rng: np.random.Generator, strengths: Callable[[], dict[str, float]]) -> list[Case]:
    w = _away(rng, 4, 3)
    w[rng.permutation(4)[:2], rng.integers(3, size=2)] = 0
    return [*_weights(rng, strengths), _at_zero(w, strengths()["strength"], "some weights at 0")]


L1 = Question(
    name="l1_penalty",
    functions={"l1_penalty": reference.l1_penalty},
    visible=(
        Case("the weights 3 and -4, λ = 0.5", (PAIR,), {"strength": 0.5}, {"plain"}),
        Case("two rows of three weights, λ = 0.1", (TABLE,), {"strength": 0.1}, {"plain"}),
        _at_zero(np.array([3.0, 0.0, -4.0]), 0.5, "the weights 3, 0 and -4, λ = 0.5"),
    ),
    hidden=_penalty("l1_penalty", _sparse),
    criteria=(
        value(1, on="plain"),
        gradient(0.75, on="plain"),
        statistics(0.5, "gradient at 0", on="zero"),
        consistency(0.5, on="plain"),
        purity(0.25, on="plain"),
    ),
    outputs={"l1_penalty": 2},
    misconceptions=mistakes.L1,
)

ELASTIC = Question(
    name="elastic_penalty",
    functions={"elastic_penalty": reference.elastic_penalty},
    visible=(
        Case("the weights 3 and -4, λ₁ = 1, λ₂ = 0.5", (PAIR,), {"l1_strength": 1.0, "l2_strength": 0.5}, {"plain"}),
        Case("two rows, λ₁ = 0.1, λ₂ = 0.3", (TABLE,), {"l1_strength": 0.1, "l2_strength": 0.3}, {"plain"}),
    ),
    hidden=_penalty("elastic_penalty", _weights),
    criteria=(value(0.75), gradient(0.75), consistency(0.25), purity(0.25)),
    outputs={"elastic_penalty": 2},
    misconceptions=mistakes.ELASTIC,
)


def _norms(rng: np.random.Generator) -> list[Case]:
    def units(*size: int, norms: Sequence[float]) -> Any:
        w = _away(rng, *size)
        flat = w.reshape(len(w), -1)
        lengths = rng.permutation(np.resize(norms, len(w)))[:, None]
        return (flat / np.linalg.norm(flat, axis=1, keepdims=True) * lengths).reshape(w.shape)

    limit = float(rng.uniform(0.6, 2.5))
    both = (0.3 * limit, 1.7 * limit, 2.5 * limit, 0.8 * limit)
    still = units(3, 4, norms=both)
    still[int(rng.integers(3))] = 0
    return [
        Case("some units within, some beyond", (units(5, 3, norms=both),), {"limit": limit}, {"dense"}),
        Case("all units within", (units(3, 4, norms=(0.2 * limit, 0.9 * limit)),), {"limit": limit}, {"dense"}),
        Case("all units beyond", (units(4, 6, norms=(1.2 * limit, 90 * limit)),), {"limit": limit}, {"dense"}),
        Case("one unit of one weight", (np.array([[-3.0 * limit]]),), {"limit": limit}, {"dense"}),
        Case("a unit whose weights are all 0", (still,), {"limit": limit}, {"dense"}),
        Case("filters of a convolution", (units(4, 3, 2, 5, norms=both),), {"limit": limit}, {"filters"}),
        Case("filters of one channel", (units(6, 1, 3, 2, norms=both),), {"limit": limit}, {"filters"}),
    ]


MAX_NORM = Question(
    name="max_norm",
    functions={"max_norm": reference.max_norm},
    visible=(
        Case("two units of two weights, limit 1", (np.array([[3.0, 4.0], [0.3, 0.4]]),), {"limit": 1.0}, {"dense"}),
        Case(
            "three units, one of zeros, limit 2",
            (np.array([[1.0, -2.0, 2.0], [0.0, 0.0, 0.0], [1.0, 0.5, -1.0]]),),
            {"limit": 2.0},
            {"dense"},
        ),
        Case("two filters, limit 4", (np.arange(-7.0, 9.0).reshape(2, 2, 2, 2) / 3,), {"limit": 4.0}, {"filters"}),
    ),
    hidden=_norms,
    criteria=(value(2, "value: dense", on="dense"), value(1, "value: filters", on="filters"), shape(0.5), purity(0.5)),
    misconceptions=mistakes.MAX_NORM,
)


def _watch(
    name: str,
    tag: str,
    losses: Sequence[float],
    *,
    weights: Sequence[Any] = (),
    best: bool = False,
    positional: bool = False,
    **options: float,
) -> Case:
    """One object, told one loss after another; judged are its decisions, or with ``best`` what it kept."""
    arrays = tuple(weights) or tuple(np.full(2, float(epoch)) for epoch in range(len(losses)))
    args = tuple(options.values()) if positional else ()
    steps = [Step("EarlyStopping", args, {} if positional else options, send=())]
    for epoch, loss in enumerate(losses):
        steps.append(Step("update", (float(loss), Value(epoch)), on=Output(0), send=() if best else (0,)))
    if best:
        steps += [Step(kept, on=Output(0)) for kept in ("best_loss", "best_weights")]
    return Case(name, script=Plan(arrays, tuple(steps)), tags={tag})


def _trained_on(name: str, losses: Sequence[float], start: Any, *, layers: bool) -> Case:
    """The weights change in place after every update, as training does; what was kept must not."""
    # Dividing with rest makes two arrays of one in the worker: the weights of two layers.
    made = Step("__divmod__", (1.0,), on=Output(1), send=()) if layers else Step("", (Output(1),), send=())
    steps = [Step("EarlyStopping", (), {"patience": 3}, send=()), Step("", (Value(0),), send=()), made]
    arrays = (Output(2, 0), Output(2, 1)) if layers else (Output(2),)
    for epoch, loss in enumerate(losses):
        steps.append(Step("update", (float(loss), Output(2)), on=Output(0), send=()))
        steps += [Step("fill", (float(-epoch - k),), on=array, send=()) for k, array in enumerate(arrays)]
    steps.append(Step("best_weights", on=Output(0)))
    return Case(name, script=Plan((start,), tuple(steps)), tags={"layers" if layers else "copy"})


def _hills(rng: np.random.Generator, patience: int, top: float) -> list[float]:
    """Progress, then one epoch too few of none; again; then enough. Within a hill the loss falls, above the best."""
    best, losses = top, []
    for bad in (patience - 1, 1, patience - 1, patience):
        best -= float(rng.uniform(0.02, 0.2) * top)
        losses += [best, *(best + np.sort(rng.uniform(0.1, 0.6, size=bad) * top)[::-1])]
    return [float(v) for v in losses]


def _small_steps(rng: np.random.Generator, delta: float, patience: int) -> list[float]:
    """Steps too small one by one that make progress together; then a rise below delta, and small steps alone."""
    best = 10 * delta + float(rng.uniform(0, delta))
    second = best - delta * float(rng.uniform(1.2, 1.3))
    third = second - delta * float(rng.uniform(1.5, 2))
    first = [best, best - 0.4 * delta, best - 0.8 * delta, second, second + 0.5 * delta, third]
    return [*first, *(third - delta * np.linspace(0.2, 0.9, patience))]


def _courses(rng: np.random.Generator) -> list[Case]:
    patience, delta = int(rng.integers(3, 6)), float(rng.uniform(0.5, 2))
    losses = _hills(rng, patience, float(rng.uniform(2, 900)))
    slow = _small_steps(rng, delta, 3)
    tie = float(rng.uniform(0.5, 2))
    weights = [rng.normal(size=(2, 3)) for _ in losses]
    return [
        _watch("hills and valleys", "patience", losses, patience=patience),
        _watch("patience 1", "patience", _hills(rng, 1, 5.0), patience=1),
        _watch("patience given by place", "patience", _hills(rng, 2, 7.0), patience=2, positional=True),
        _watch("a loss that only repeats", "patience", [3 * tie, tie, tie, tie], patience=2),
        _watch("steps smaller than min_delta", "delta", slow, patience=3, min_delta=delta),
        _watch(
            "a rise smaller than min_delta",
            "delta",
            [tie, *(tie + delta * np.array([0.3, 0.5, 0.7]))],
            patience=3,
            min_delta=delta,
        ),
        _watch("both given by place", "delta", slow, patience=3, min_delta=delta, positional=True),
        _watch("what is kept", "best", losses, weights=weights, best=True, patience=patience),
        _watch("what is kept, with min_delta", "best", slow, best=True, patience=3, min_delta=delta),
        _trained_on("weights that training changes", [3, tie, 2.5, 2.2], rng.normal(size=(3, 2)), layers=False),
        _trained_on("weights of two layers", [3, tie, 2.5], rng.normal(size=(2, 2)), layers=True),
        _watch("a loss that is not a number", "nan", [2 * tie, tie, np.nan, 5.0, np.nan], patience=3),
    ]


def _two_watchers(losses: Sequence[float], others: Sequence[float]) -> Case:
    steps = [Step("EarlyStopping", (), {"patience": 2}, send=()) for _ in range(2)]
    for pair in zip(losses, others, strict=True):
        steps += [Step("update", (float(loss), Value(0)), on=Output(k)) for k, loss in enumerate(pair)]
    return Case("two objects side by side", script=Plan((np.ones(2),), tuple(steps)), tags={"patience"})


EARLY_STOPPING = Question(
    name="early_stopping",
    functions={"EarlyStopping": reference.EarlyStopping},
    visible=(
        _watch("losses 3, 1, 2, 1, patience 2", "patience", [3, 1, 2, 1], patience=2),
        _watch("two hills, patience 3", "patience", [9, 7, 8, 7.5, 6, 9, 8, 5, 7, 6, 5.5], patience=3),
        _watch("losses 5, 6, patience 1", "patience", [5, 6], patience=1),
        _watch(
            "small steps, patience 3, min_delta 1",
            "delta",
            [10, 9.6, 9.2, 8.75, 9.25, 7, 6.75, 6.5, 6.25],
            patience=3,
            min_delta=1.0,
        ),
        _watch("losses 5, 5.5, 5.75, min_delta 1", "delta", [5, 5.5, 5.75], patience=2, min_delta=1.0),
        _watch("what is kept of 4, 2, 3, 2.5", "best", [4, 2, 3, 2.5], best=True, patience=3),
        _watch("what is kept, min_delta 1", "best", [10, 8, 7.5, 7.25], best=True, patience=3, min_delta=1.0),
        _trained_on("weights that training changes", [3, 1, 2, 2.5], np.array([[1.0, 2.0], [3.0, 4.0]]), layers=False),
        _trained_on("weights of two layers", [3, 1, 2], np.array([[1.5, 2.25], [3.5, 4.75]]), layers=True),
        _watch("losses 2, 1, nan, 5, nan, patience 3", "nan", [2, 1, np.nan, 5, np.nan], patience=3),
    ),
    hidden=lambda rng: [*_courses(rng), _two_watchers([4, 3, 2, 1, 0.5], [1, 0.5, 2, 0.25, 1])],
    criteria=(
        value(2.5, "value: patience", on="patience"),
        value(1.5, "value: min_delta", on="delta"),
        value(1.5, "value: what is kept", on="best"),
        value(0.5, "value: a copy", on="copy"),
        value(0.5, "value: a copy of every layer", on="layers"),
        value(0.5, "value: not a number", on="nan"),
    ),
    misconceptions=mistakes.EARLY_STOPPING,
)

WHY = Manual(
    "why-dropout",
    3,
    "- 1 point: no unit can rely on particular others, so features must be useful on their own; or: an "
    "average over very many thinned networks that share weights.\n"
    "- 1 point: the factor keeps the expected value of each input to the next layer; without it, all "
    "inputs are larger by 1/(1-p) at test time than they were in training, so the layers behind see what "
    "they were not trained for.\n"
    "- 1 point: augmentation may only do what leaves the label right: a mirrored cat is a cat, a "
    "mirrored b is a d. It tells the network an invariance, so the invariance must be true.",
)

ASSIGNMENT = Assignment(
    name="08-regularization",
    title="Regularization",
    questions=(L2, L1, ELASTIC, MAX_NORM, DROPOUT, EARLY_STOPPING, *pictures.QUESTIONS),
    reading=(Reading(8, "Normalisation and regularisation"),),
    manual=(WHY,),
)
