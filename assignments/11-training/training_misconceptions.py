"""What goes wrong in training: the loop, its rates and its end; the classifier. Knows no case and no points."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import data
from solutions.losses import cross_entropy_loss

from . import reference

__all__ = ["CLASSIFIER", "TRAIN"]

Function = Callable[..., Any]


@dataclass(frozen=True)
class _Loop:
    """The training loop with one thing at a time done wrong; as it stands it is right."""

    rate: Function = lambda lr, decay, epoch: lr * decay**epoch
    batch: Function = lambda size, count: size
    drop_last: bool = False
    scale: Function = lambda size: 1.0
    bias: bool = True
    last: bool = False
    late: int = 0
    never_stops: bool = False
    stops_by_training: bool = False
    records_training: bool = False
    rng: Function = lambda rng: rng
    before: bool = False

    def __call__(self, x: Any, labels: Any, x_validation: Any, labels_validation: Any, **given: Any) -> Any:
        w, b = np.zeros((given["classes"], x.shape[1])), np.zeros(given["classes"])
        best, lowest, losses, waiting, rng = (w, b), np.inf, list[float](), 0, self.rng(given["rng"])
        size = self.batch(given["batch_size"], len(x))
        for epoch in range(given["epochs"]):
            early = cross_entropy_loss(x_validation @ w.T + b, labels_validation)[0]
            rate = self.rate(given["lr"], given["decay"], epoch)
            for xb, yb in data.minibatches(x, labels, batch_size=size, rng=rng, drop_last=self.drop_last):
                _, d = cross_entropy_loss(xb @ w.T + b, yb)
                d = d * self.scale(len(xb))
                w, b = w - rate * d.T @ xb, b - rate * d.sum(axis=0) * self.bias
            trained = float(cross_entropy_loss(x @ w.T + b, labels)[0])
            validated = float(cross_entropy_loss(x_validation @ w.T + b, labels_validation)[0])
            losses.append(trained if self.records_training else float(early) if self.before else validated)
            seen = trained if self.stops_by_training else validated
            if seen < lowest:
                best, lowest, waiting = (w, b), seen, 0
            else:
                waiting += 1
            if waiting >= given["patience"] + self.late and not self.never_stops:
                break
        return *((w, b) if self.last else best), np.array(losses)


def _train(name: str, hint: str, **wrong: Any) -> Misconception:
    return Misconception(name, {"train": _Loop(**wrong)}, hint)


def _with_validation(x: Any, labels: Any, x_validation: Any, labels_validation: Any, **given: Any) -> Any:
    more, classes = np.concatenate([x, x_validation]), np.concatenate([labels, labels_validation])
    return reference.train(more, classes, x_validation, labels_validation, **given)


TRAIN = (
    _train("last-weights", "Whose weights are returned: the best epoch's or the last one's?", last=True),
    _train("never-stops", "How many epochs may pass without progress?", never_stops=True),
    _train("one-epoch-late", "Count the bad epochs.", late=1),
    _train("stops-by-training-loss", "Which loss rises when a network overfits?", stops_by_training=True),
    _train("training-loss-recorded", "Which examples does your loss of an epoch see?", records_training=True),
    _train("loss-before-the-epoch", "Is the loss of an epoch taken before or after its steps?", before=True),
    _train("rate-never-falls", "Which argument did you not use?", rate=lambda lr, decay, epoch: lr),
    _train("epochs-from-one", "Which epoch is the first?", rate=lambda lr, decay, epoch: lr * decay ** (epoch + 1)),
    _train(
        "rate-falls-linearly",
        "Is the rate multiplied each epoch?",
        rate=lambda lr, decay, e: lr * decay * e + lr * (e == 0),
    ),
    _train("uphill", "Uphill or downhill?", rate=lambda lr, decay, epoch: -lr * decay**epoch),
    _train("gradient-summed", "Averaged over what?", scale=float),
    _train("bias-not-learned", "Which parameter never changes?", bias=False),
    _train("one-step-an-epoch", "How many steps has an epoch of ten examples, three at a time?", batch=lambda s, n: n),
    _train("rest-left-out", "Do your batches hold every example?", batch=lambda s, n: min(s, n), drop_last=True),
    Misconception("trained-on-validation", {"train": _with_validation}, "What may you know before the exam?"),
    _train("own-rng", "Where do your random numbers come from?", rng=lambda rng: np.random.default_rng()),
    _train("seed-fixed", "What does the rng decide?", rng=lambda rng: np.random.default_rng(0)),
)


def _labels_of_others(x_train: Any, y_train: Any, x_test: Any, *, rng: Any) -> Any:
    return reference.train_classifier(x_train[rng.permutation(len(x_train))], y_train, x_test, rng=rng)


def _scores(x_train: Any, y_train: Any, x_test: Any, *, rng: Any) -> Any:
    labels = reference.train_classifier(x_train, y_train, x_test, rng=rng)
    return np.eye(int(y_train.max()) + 1)[labels]


CLASSIFIER = (
    Misconception(
        "trained-on-wrong-labels", {"train_classifier": _labels_of_others}, "Which label belongs to which image?"
    ),
    Misconception("scores-for-labels", {"train_classifier": _scores}, "One number for each image: which one?"),
    Misconception(
        "labels-of-the-training-set",
        {"train_classifier": lambda x_train, y_train, x_test, *, rng: y_train.copy()},
        "Which images are you asked about?",
    ),
)
