"""Questions on what comes before training: scaling, first weights, batches and splits. Knows no network.

False alarms. Which examples came where, and whether classes keep their proportion, is judged exactly and accuses no
right answer. A random order is doubted only where a right one has it less than once in 10^17 draws (`grader.splits`).
Weights: a question tests at most ten means, ten variances and ten shares, each of which accuses a right answer less
than once in 10^8 times. Together that is below one in a million for every question.
"""

from collections.abc import Mapping, Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from grader.judges import Named
from grader.plans import Output, Plan, Rng, Step, Value
from grader.questions import Case, Question, purity, shape, statistics, value

from . import data_misconceptions as mistakes
from . import reference


def _seeds(rng: np.random.Generator, many: int = 2) -> list[int]:
    return [int(s) for s in rng.choice(10**6, size=many, replace=False)]


def _sets(name: str, train: Any, test: Any, tags: str = "plain") -> Case:
    return Case(name, (np.array(train, dtype=float), np.array(test, dtype=float)), {}, {tags})


def _scales(rng: np.random.Generator) -> list[Case]:
    def case(name: str, n: int, m: int, *size: int, scale: float = 1.0) -> Case:
        shift = rng.uniform(-3, 3, size=(1, size[0], *(1 for _ in size[1:])))
        width = rng.uniform(0.3, 4, size=shift.shape)
        draw = [scale * (shift + width * rng.normal(size=(k, *size))) for k in (n, m)]
        return _sets(name, draw[0], draw[1] + scale)

    n, d = (int(v) for v in rng.permutation([4, 6]))
    train, test = rng.normal(size=(n + 3, 3)), rng.normal(size=(d, 3))
    train[:, int(rng.integers(3))] = 0.75
    return [
        case("features", n + 5, n, d),
        case("as many examples as features", d, d + 2, d),
        case("one example to test", n + 2, 1, 3),
        case("one feature", d + 1, n, 1),
        case("images with channels", n, d, 3, 5, 2),
        case("large numbers", n + 1, d, 2, scale=1000.0),
        _sets("a feature that never varies", train, test, "constant"),
        _sets("one example to learn from", rng.normal(size=(1, 4)), rng.normal(size=(3, 4)), "constant"),
    ]


STANDARDIZE = Question(
    name="standardize",
    functions={"standardize": reference.standardize},
    visible=(
        _sets("two examples of one feature", [[1.0], [3.0]], [[4.0]]),
        _sets("three features", [[1.0, 5.0, 0.0], [3.0, 1.0, 0.5], [2.0, 0.0, -2.5]], [[4.0, 6.0, 1.0]]),
        _sets("two images of one channel", [[[[0.0, 1.0]]], [[[2.0, 5.0]]]], [[[[2.0, 4.0]]]]),
        _sets("a feature that never varies", [[1.0, 5.0], [3.0, 5.0]], [[4.0, 6.0]], "constant"),
    ),
    hidden=_scales,
    criteria=(
        value(2, on="plain"),
        value(0.5, "value: a feature that never varies", on="constant"),
        shape(0.5, on="plain"),
        purity(1, on="plain"),
    ),
    outputs={"standardize": 4},
    misconceptions=mistakes.STANDARDIZE,
)


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    return prod(shape[1:]), shape[0] * prod(shape[2:])


def _drawn(
    function: str, name: str, shape: tuple[int, ...], seeds: Sequence[int], tag: str, **options: float
) -> list[Case]:
    """Weights of one shape: their distribution, and whether the rng decides them."""
    inside, outside = _fans(shape)
    gain = options.get("gain", 1.0)
    window = prod(shape[2:])
    if function == "he_normal":
        family, deviation = "normal", sqrt(2 / inside)
        others = {
            "fan-out": sqrt(2 / outside),
            "no-root": 2 / inside,
            "one-for-two": sqrt(1 / inside),
            "both-fans": sqrt(2 / (inside + outside)),
            "window": sqrt(2 / shape[1]),
        }
    else:
        family, deviation = "uniform", gain * sqrt(2 / (inside + outside))
        others = {
            "fan-in": gain * sqrt(2 / inside),
            "bound-as-deviation": gain * sqrt(6 / (inside + outside)),
            "two-for-six": gain * sqrt(2 / (inside + outside) / 3),
            "gain": sqrt(2 / (inside + outside)),
            "window": gain * sqrt(2 * window / (inside + outside)),
        }
    others = {known: other for known, other in others.items() if abs(other / deviation - 1) > 0.15}
    given: Mapping[str, Any] = {"shape": list(shape), "family": family, "deviation": deviation, "others": others}
    steps = [Step(function, (shape,), {**options, "rng": Rng(seed)}) for seed in (seeds[0], seeds[0], seeds[1])]
    again = Named("seeded", {"pairs": [[0, 1]], "different": [[0, 2]]})
    return [
        Case(name, script=Plan((), (steps[0],)), tags={tag}, judge=Named("weights", given)),
        Case(f"{name}, drawn again", script=Plan((), tuple(steps)), tags={"rng"}, judge=again),
    ]


def _initialiser(name: str, misconceptions: Any) -> Question:
    gains = [{}, {"gain": 5 / 3}] if name == "xavier_uniform" else [{}, {}]

    def hidden(rng: np.random.Generator) -> list[Case]:
        n = int(rng.integers(40, 50))
        return [
            *_drawn(name, "a wide layer", (n, 3 * n), _seeds(rng), "linear", **gains[0]),
            *_drawn(name, "a narrow layer", (4 * n, n), _seeds(rng), "linear", **gains[1]),
            *_drawn(name, "the weights of a convolution", (n, n // 3, 3, 5), _seeds(rng), "window", **gains[1]),
        ]

    return Question(
        name=name,
        functions={name: getattr(reference, name)},
        visible=(
            *_drawn(name, "30 outputs of 120 inputs", (30, 120), (1, 2), "linear", **gains[0]),
            *_drawn(name, "160 outputs of 25 inputs", (160, 25), (3, 4), "linear", **gains[1]),
            *_drawn(name, "32 filters, 8 channels, windows of 3 × 5", (32, 8, 3, 5), (5, 6), "window", **gains[0]),
        ),
        hidden=hidden,
        criteria=(
            statistics(1.5, "statistics: linear layers", on="linear"),
            statistics(0.5, "statistics: convolutions", on="window"),
            statistics(0.5, "statistics: rng", on="rng"),
        ),
        misconceptions=misconceptions,
    )


XAVIER = _initialiser("xavier_uniform", mistakes.XAVIER)
HE = _initialiser("he_normal", mistakes.HE)


def _epochs(
    rng: np.random.Generator, name: str, count: int, batch_size: int, *, drop_last: bool = False, width: int = 3
) -> list[Case]:
    """Two epochs with one rng; where the order is worth it, also two of the same seed; and what became of x."""
    x = rng.permutation(count)[:, None] + rng.uniform(0, 0.5, size=(count, width))
    y = rng.integers(0, 4, size=count)
    a, b = _seeds(rng)

    # Left out where it is not wanted: then its default must hold.
    dropping = {"drop_last": True} if drop_last else {}

    def step(source: Any) -> Step:
        return Step("minibatches", (Value(0), Value(1)), {"batch_size": batch_size, **dropping, "rng": source})

    def case(suffix: str, tag: str, calls: Sequence[Step], judge: str, **given: Any) -> Case:
        return Case(name + suffix, script=Plan((x, y), tuple(calls)), tags={tag}, judge=Named(judge, given))

    # The rng itself is the answer of the second step: so two epochs draw from one.
    one_rng = [step(Rng(a)), Step("", (Rng(b),), send=()), step(Output(1)), step(Output(1))]
    asked = {"x": x, "y": y, "batch_size": batch_size, "drop_last": drop_last}
    whole = [case("", "epoch", [step(Rng(a))], "batches", **asked)]
    if count < 20:
        return whole
    seeded = {"pairs": [[0, 1]], "different": [[0, 2]]}
    kept = {"expected": x, "code": "changed", "message": "the array x was changed in place", "step": 1}
    both = [["batches", asked], ["equal", kept]]
    return [
        *whole,
        case(", two epochs", "order", one_rng, "batches", **asked, steps=[0, 2, 3]),
        case(", drawn again", "rng", [step(Rng(s)) for s in (a, a, b)], "seeded", **seeded),
        case(", x afterwards", "kept", [step(Rng(b)), Step("", (Value(0),))], "first_of", judges=both),
    ]


def _passes(rng: np.random.Generator) -> list[Case]:
    n = int(rng.integers(12, 20))
    return [
        *_epochs(rng, "a rest at the end", 5 * n + 3, n),
        *_epochs(rng, "a rest to leave out", 6 * n + 2, n, drop_last=True, width=1),
        *_epochs(rng, "no rest", 7 * n, n, drop_last=True),
        *_epochs(rng, "one batch larger than all", n - 5, n),
        *_epochs(rng, "batches of one", 7, 1),
    ]


_RNG = np.random.default_rng(11)

MINIBATCHES = Question(
    name="minibatches",
    functions={"minibatches": reference.minibatches},
    visible=(
        *_epochs(_RNG, "five examples, two at a time", 5, 2),
        *_epochs(_RNG, "100 examples, 32 at a time", 100, 32),
        *_epochs(_RNG, "70 examples, 16 at a time, the rest left out", 70, 16, drop_last=True),
    ),
    hidden=_passes,
    criteria=(
        statistics(2, "statistics: an epoch", on="epoch"),
        statistics(1, "statistics: the order", on="order"),
        statistics(0.5, "statistics: rng", on="rng"),
        statistics(0.5, "statistics: inputs kept", on="kept"),
    ),
    misconceptions=mistakes.MINIBATCHES,
)


def _labels(rng: np.random.Generator, *sizes: int) -> Any:
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes))


def _parted(function: str, name: str, labels: Any, seeds: Sequence[int], option: str, amount: float) -> list[Case]:
    judge = {"test_fraction": "split", "k": "folds"}[option]
    outputs = {"outputs": 2, "send": (0, 1)} if judge == "split" else {}
    steps = [
        Step(function, (Value(0),), {option: amount, "rng": Rng(seed)}, **outputs)
        for seed in (seeds[0], seeds[0], seeds[1])
    ]
    exact = Named(judge, {"labels": labels, option: amount})
    cases = [Case(name, script=Plan((labels,), tuple(steps[:1])), tags={"parts"}, judge=exact)]
    if len(labels) < 40:
        return cases
    again = Named("seeded", {"pairs": [[0, 1]], "different": [[0, 2]]})
    return [*cases, Case(f"{name}, drawn again", script=Plan((labels,), tuple(steps)), tags={"rng"}, judge=again)]


def _rare(rng: np.random.Generator, fraction: float, name: str) -> list[Case]:
    """A class of two, of which rounding would hold out none or both."""
    labels = _labels(rng, 2, 9, int(rng.integers(12, 20)))
    return _parted("stratified_split", name, labels, _seeds(rng), "test_fraction", fraction)


def _parts(function: str, option: str, few: float, many: float, misconceptions: Any) -> Question:
    def hidden(rng: np.random.Generator) -> list[Case]:
        n = int(rng.integers(20, 30))
        sizes = [int(s) for s in rng.integers(11, 50, size=8)]
        return [
            *_parted(function, "one rare class", _labels(rng, 6 * n, n, 7), _seeds(rng), option, many),
            *_parted(function, "ten classes", _labels(rng, *sizes, n, n), _seeds(rng), option, few),
            *_parted(function, "labels in order", np.sort(_labels(rng, n, 2 * n, n + 3)), _seeds(rng), option, many),
            *_parted(function, "few examples", _labels(rng, 6, 9, 7), _seeds(rng), option, few),
            *(_rare(rng, 0.1, "little held out of a class of two") if option == "test_fraction" else []),
            *(_rare(rng, 0.85, "much held out of a class of two") if option == "test_fraction" else []),
        ]

    rng = np.random.default_rng(12)
    return Question(
        name=function,
        functions={function: getattr(reference.data, function)},
        visible=(
            *_parted(function, "twelve examples", np.array([0] * 4 + [1] * 8), (1, 2), option, few),
            *_parted(function, "a rare class among 200", _labels(rng, 150, 38, 12), (3, 4), option, many),
            *_parted(
                function, "labels in order", np.repeat(np.arange(6), [20, 30, 11, 24, 36, 19]), (5, 6), option, few
            ),
            *(_rare(rng, 0.1, "a tenth held out, of a class of two as well") if option == "test_fraction" else []),
        ),
        hidden=hidden,
        criteria=(
            statistics(3, "statistics: the parts", on="parts"),
            statistics(1, "statistics: rng", on="rng"),
        ),
        misconceptions=misconceptions,
    )


SPLIT = _parts("stratified_split", "test_fraction", 0.25, 0.35, mistakes.SPLIT)
FOLDS = _parts("k_fold_indices", "k", 4, 5, mistakes.FOLDS)

QUESTIONS = (STANDARDIZE, XAVIER, HE, MINIBATCHES, SPLIT, FOLDS)
