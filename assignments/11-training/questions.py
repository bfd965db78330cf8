"""Questions of the assignment on training: metrics and the whole. Those on data are in data_questions.py.

The training question sends images and training labels to the student's function; the held-out labels stay with the
judge, on the examiner's side, and only predictions come back. Classes are renamed in every hidden split, so that no
table of the digits' labels fits. A plain softmax classifier reaches 96.2 % on such splits with a deviation of 0.8
(measured on 60): the highest threshold, 92 %, lies more than five deviations below.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from grader.judges import Named
from grader.plans import Plan, Rng, Step, Value
from grader.questions import (
    Assignment,
    Case,
    Manual,
    Question,
    Reading,
    count,
    purity,
    shape,
    statistics,
    training,
    value,
)
from solutions import data, datasets, metrics

from . import data_questions, reference
from . import metric_misconceptions as wrong
from . import training_misconceptions as mistakes


def _binary(name: str, predicted: Any, labels: Any, tags: str = "plain") -> Case:
    return Case(name, (np.array(predicted), np.array(labels)), {}, set(tags.split()))


def _decisions(rng: np.random.Generator) -> list[Case]:
    def case(name: str, tp: int, fp: int, fn: int, tn: int, tags: str = "plain") -> Case:
        order = rng.permutation(tp + fp + fn + tn)
        predicted = np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])[order]
        return _binary(name, predicted, np.repeat([1, 0, 1, 0], [tp, fp, fn, tn])[order], tags)

    a, b, c, d = (int(n) for n in rng.permutation([3, 5, 8, 13]))
    return [
        case("some of each kind", a, b, c, d),
        case("more of each kind", 2 * b + 1, 3 * c, a, d),
        case("rare positives", 2, 3, 5, 60 + a),
        case("everything predicted positive", a, b, 0, 0),
        case("all right", a, 0, 0, b),
        case("all wrong", 0, a, b, 0),
        case("one example", 1, 0, 0, 0),
        case("nothing predicted positive", 0, 0, a, b, "nothing-predicted"),
        case("nothing is positive", 0, a, 0, b, "nothing-positive"),
        case("neither", 0, 0, 0, c, "nothing-predicted nothing-positive neither"),
    ]


_FIVE = _binary("five decisions", [1, 1, 0, 0, 0], [1, 0, 1, 1, 0])
_NONE = _binary("nothing predicted positive", [0, 0, 0], [1, 0, 1], "nothing-predicted")
_ABSENT = _binary("nothing is positive", [0, 1, 1], [0, 0, 0], "nothing-positive")
_NEITHER = _binary("neither", [0, 0], [0, 0], "nothing-predicted nothing-positive neither")
_NINE = _binary("nine decisions", [1, 1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 0, 1, 1, 0, 0, 0, 0])
_DECISIONS = (_FIVE, _NINE, _NONE, _ABSENT, _NEITHER)

CONFUSION = Question(
    name="confusion_counts",
    functions={"confusion_counts": metrics.confusion_counts},
    visible=_DECISIONS,
    hidden=_decisions,
    criteria=(count(1.5), purity(0.5)),
    outputs={"confusion_counts": 4},
    misconceptions=wrong.CONFUSION,
)


def _ratio(name: str, points: float, edge: str, words: str) -> Question:
    def tagged(cases: Sequence[Case]) -> tuple[Case, ...]:
        # One ordinary case is asked beside the edges: a function that always returns 0 knows nothing of them.
        beside = next(c.name for c in cases if edge not in c.tags)
        tags = [{edge} if edge in c.tags else {"plain", edge} if c.name == beside else {"plain"} for c in cases]
        return tuple(Case(c.name, c.inputs, {}, t) for c, t in zip(cases, tags, strict=True))

    return Question(
        name=name,
        functions={name: getattr(metrics, name)},
        visible=tagged(_DECISIONS),
        hidden=lambda rng: tagged(_decisions(rng)),
        criteria=(value(points, on="plain"), value(0.5, f"value: {words}", on=edge)),
        misconceptions=wrong.RATIOS[name],
    )


PRECISION = _ratio("precision", 1.5, "nothing-predicted", "nothing predicted positive")
RECALL = _ratio("recall", 1.5, "nothing-positive", "nothing is positive")
F1 = _ratio("f1_score", 1.0, "neither", "no positive anywhere")


def _ranked(name: str, scores: Any, labels: Any) -> Case:
    return Case(name, (np.array(scores, dtype=float), np.array(labels)), {}, {"plain"})


def _rankings(rng: np.random.Generator) -> list[Case]:
    def case(name: str, positive: int, negative: int, *, ties: bool = False, scale: float = 1.0) -> Case:
        labels = rng.permutation(np.repeat([1, 0], [positive, negative]))
        scores = rng.normal(size=len(labels)) + labels
        if ties:
            scores = np.round(2 * scores) / 2
        return _ranked(name, scale * scores, labels)

    n, m = (int(v) for v in rng.permutation([7, 11]))
    low = rng.uniform(0, 0.4, size=n + m)
    tied = rng.permutation(np.repeat([0, 1], [n, m]))
    return [
        case("no two scores alike", n, m),
        case("many ties", m + 4, n + 9, ties=True),
        case("rare positives", 2, 20 + n),
        case("rare negatives", 20 + m, 3, ties=True),
        case("two examples", 1, 1),
        case("scores of a thousand", n, m, scale=1000.0),
        _ranked("probabilities, all below one half", low, rng.permutation(tied)),
        _ranked("all scores the same", np.full(n + m, 0.3), tied),
        _ranked("a perfect order", tied + 0.5 * low, tied),
        _ranked("a perfectly wrong order", 1 - tied + 0.5 * low, tied),
    ]


_FOUR = _ranked("four scores, two of them alike", [0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])
_SIX = _ranked("six scores, not in order", [0.2, 0.3, 0.4, 0.35, 0.1, 0.6], [1, 1, 0, 0, 0, 0])
_TIED = _ranked("ties among both classes", [2.0, 1.0, 2.0, 1.0, 0.0, 2.0, -1.0], [1, 0, 1, 1, 0, 0, 0])

ROC = Question(
    name="roc_curve",
    functions={"roc_curve": metrics.roc_curve},
    visible=(_FOUR, _SIX, _TIED),
    hidden=_rankings,
    criteria=(value(3), shape(0.5), purity(0.5)),
    outputs={"roc_curve": 3},
    misconceptions=wrong.ROC,
)

AUC = Question(
    name="roc_auc",
    functions={"roc_auc": metrics.roc_auc},
    visible=(_FOUR, _SIX, _TIED),
    hidden=_rankings,
    criteria=(value(2.5), purity(0.5)),
    misconceptions=wrong.AUC,
)

PRECISION_RECALL = Question(
    name="precision_recall_curve",
    functions={"precision_recall_curve": metrics.precision_recall_curve},
    visible=(_FOUR, _SIX, _TIED),
    hidden=_rankings,
    criteria=(value(3), shape(0.5), purity(0.5)),
    outputs={"precision_recall_curve": 3},
    misconceptions=wrong.PRECISION_RECALL,
    bonus=True,
)


@cache
def _digits() -> tuple[Any, Any]:
    images, labels = datasets.load_digits()
    return images.astype(np.float64), labels


def _unseen(name: str, tag: str, least: float, seed: int, *, examples: int = 1797, rename: bool = True) -> Case:
    """Train on two thirds of the digits, predict the rest: the labels of the rest go to the judge alone."""
    rng = np.random.default_rng(seed)
    images, labels = _digits()
    if rename:
        labels = rng.permutation(10)[labels]
    train, test = data.stratified_split(labels, test_fraction=1 / 3, rng=rng)
    train, test = rng.permutation(train)[: 2 * examples // 3], rng.permutation(test)[: examples // 3]
    step = Step("train_classifier", (Value(0), Value(1), Value(2)), {"rng": Rng(int(rng.integers(10**6)))})
    plan = Plan((images[train], labels[train], images[test]), (step,))
    return Case(name, script=plan, tags={tag}, judge=Named("right", {"labels": labels[test], "least": least}))


def _splits(rng: np.random.Generator) -> list[Case]:
    seeds = [int(s) for s in rng.integers(1, 10**9, size=3)]
    return [
        _unseen("a first split of the digits", "some", 0.6, seeds[0]),
        _unseen("a second split of the digits", "most", 0.85, seeds[1]),
        _unseen("a third split of the digits", "nearly-all", 0.92, seeds[2]),
    ]


CLASSIFIER = Question(
    name="train_classifier",
    functions={"train_classifier": reference.train_classifier},
    visible=(_unseen("400 digits, of which 133 are new", "some", 0.6, 11, examples=400, rename=False),),
    hidden=_splits,
    criteria=(
        training(2, "training: 60 % of new digits", on="some"),
        training(3, "training: 85 % of new digits", on="most"),
        training(3, "training: 92 % of new digits", on="nearly-all"),
    ),
    misconceptions=mistakes.CLASSIFIER,
    seconds=60.0,
)


def _fit(name: str, sets: tuple[Any, ...], tags: str = "plain", **options: Any) -> Case:
    """A training whose every right form ends alike: one batch holds all, or all examples are copies of one."""
    given = {"classes": 3, "lr": 0.5, "decay": 1.0, "epochs": 6, "batch_size": 50, "patience": 6, **options}
    step = Step("train", tuple(Value(i) for i in range(4)), {**given, "rng": Rng(5)}, 3, (0, 1, 2))
    return Case(name, script=Plan(sets, (step,)), tags=set(tags.split()), tolerance=1e-6)


def _clouds(rng: np.random.Generator, n: int, m: int, d: int, classes: int = 3, spread: float = 0.8) -> Any:
    """Training and validation points around a centre for each class."""
    centres = 1.5 * rng.normal(size=(classes, d))

    def draw(size: int) -> tuple[Any, Any]:
        labels = rng.permutation(np.resize(np.arange(classes), size))
        return centres[labels] + spread * rng.normal(size=(size, d)), labels

    (x, y), (xv, yv) = draw(n), draw(m)
    return x, y, xv, yv


_OVERFIT = {"classes": 3, "lr": 0.3, "decay": 1.0, "epochs": 40, "batch_size": 50}


def _overfitting(rng: np.random.Generator, d: int) -> Any:
    """Training points and validation points that disagree more and more: the loss of these falls, then rises.

    Drawn again until the lowest loss lies well inside the epochs and clear of its neighbours: rounding decides nothing.
    """
    while True:
        x, y, _, _ = _clouds(rng, 9, 3, d, spread=0.3)
        sets = x, y, np.concatenate([x, x[:2]]), np.concatenate([y, (y[:2] + 1) % 3])
        _, _, losses = reference.train(*sets, **_OVERFIT, patience=3, rng=rng)
        best = int(np.argmin(losses))
        if 2 <= best <= 25 and len(losses) == best + 4 and np.abs(np.diff(losses)).min() > 1e-6:
            return sets


def _copies(rng: np.random.Generator, size: int, d: int) -> Any:
    point = rng.normal(size=(1, d))
    return (
        np.repeat(point, size, axis=0),
        np.ones(size, dtype=np.int64),
        rng.normal(size=(4, d)),
        np.array([0, 1, 2, 1]),
    )


def _drawn(rng: np.random.Generator) -> Case:
    """Small batches: the same rng gives the same weights, another one others."""
    sets = _clouds(rng, 24, 6, 3)
    options = {"classes": 3, "lr": 0.3, "decay": 0.9, "epochs": 3, "batch_size": 5, "patience": 3}
    args = tuple(Value(i) for i in range(4))
    steps = tuple(Step("train", args, {**options, "rng": Rng(seed)}, 3, (0,)) for seed in (3, 3, 8))
    judge = Named("seeded", {"pairs": [[0, 1]], "different": [[0, 2]]})
    return Case("batches of five, drawn", script=Plan(sets, steps), tags={"drawn"}, judge=judge)


def _trainings(rng: np.random.Generator) -> list[Case]:
    return [
        _fit("two epochs, all in one batch", _clouds(rng, 11, 7, 4), epochs=2),
        _fit("a rate that falls", _clouds(rng, 13, 5, 2), lr=0.8, decay=0.6),
        _fit("two classes, many epochs", _clouds(rng, 8, 6, 3, 2), classes=2, epochs=15, patience=15),
        _fit("one epoch", _clouds(rng, 7, 4, 5), epochs=1),
        _fit("a class that no example has", _clouds(rng, 9, 4, 2), classes=5),
        _fit("copies, in batches that leave a rest", _copies(rng, 10, 3), "batches", batch_size=3, epochs=3),
        _fit("copies, in batches that leave none", _copies(rng, 8, 4), "batches", batch_size=4, decay=0.7, epochs=3),
        _fit("overfitting, patience 1", _overfitting(rng, 4), "stop", **_OVERFIT, patience=1),
        _fit("overfitting, patience 3", _overfitting(rng, 3), "stop", **_OVERFIT, patience=3),
        _fit("overfitting to the last epoch", _overfitting(rng, 5), "stop", **_OVERFIT, patience=40),
        _drawn(rng),
    ]


_RNG = np.random.default_rng(20)

TRAIN = Question(
    name="train",
    functions={"train": reference.train},
    visible=(
        _fit("one epoch, all in one batch", _clouds(_RNG, 6, 4, 2), epochs=1),
        _fit("four epochs with a falling rate", _clouds(_RNG, 7, 5, 3), epochs=4, decay=0.5),
        _fit("ten copies of one example, batches of three", _copies(_RNG, 10, 2), "batches", batch_size=3, epochs=2),
        _fit("overfitting, patience 2", _overfitting(_RNG, 3), "stop", **_OVERFIT, patience=2),
        _drawn(_RNG),
    ),
    hidden=_trainings,
    criteria=(
        value(3, "value: epochs and rates", on="plain"),
        value(1.5, "value: batches", on="batches"),
        value(2.5, "value: early stopping", on="stop"),
        statistics(0.5, "statistics: rng", on="drawn"),
        purity(0.5, on="plain"),
    ),
    outputs={"train": 3},
    misconceptions=mistakes.TRAIN,
)

WHY = Manual(
    "why-three-sets",
    3,
    "- 1 point: the weights are fitted to the training set and the choices (epochs, rates, layers) to "
    "the validation set, so both flatter; only data that decided nothing estimate the error on new data, "
    "and only as long as they decide nothing.\n"
    "- 1 point: statistics that include the test set carry knowledge of it into the training; new data "
    "would not be there, so the estimate would be too good.\n"
    '- 1 point: with one positive in a hundred, "never" is 99 % right; recall is then 0 (precision '
    "undefined or 0), and the area under the ROC or the precision-recall curve shows it.",
)

ASSIGNMENT = Assignment(
    name="11-training",
    title="Training: from data to a number that you can trust",
    questions=(
        *data_questions.QUESTIONS,
        CONFUSION,
        PRECISION,
        RECALL,
        F1,
        ROC,
        AUC,
        PRECISION_RECALL,
        TRAIN,
        CLASSIFIER,
    ),
    reading=(Reading(9, "Training, validation, metrics"),),
    manual=(WHY,),
)
