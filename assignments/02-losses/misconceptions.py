"""What goes wrong in losses: wrong variants of the reference, each with the question that a teacher would ask.

Each variant is wrong in one way: where the value is wrong the gradient is right, and the other way round, unless both
come from one mistake. Knows no case and no points.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import activations
from solutions import losses as reference

__all__ = ["BINARY_CROSS_ENTROPY", "CROSS_ENTROPY", "MSE", "ONE_HOT"]

Function = Callable[..., Any]

_AVERAGED = "Averaged over what?"
_OWN_LOSS = "Differentiate your own loss: which factor does it have?"
_WHICH_WAY = "The prediction is too high: should the gradient be positive or negative?"
_MEAN_TOO = "The loss is a mean: what does that do to its gradient?"
_ENTRIES = "Is the loss averaged over rows, or over all entries?"


class _Loss:
    """One loss, to be spoilt: ``wrong(prediction, target)`` is made into a function of (value, gradient)."""

    def __init__(self, name: str) -> None:
        self.name, self.right = name, getattr(reference, name)

    def value(self, title: str, hint: str, wrong: Function) -> Misconception:
        return self.both(title, hint, lambda p, t: (wrong(p, t), self.right(p, t)[1]))

    def gradient(self, title: str, hint: str, wrong: Function) -> Misconception:
        return self.both(title, hint, lambda p, t: (self.right(p, t)[0], wrong(p, t)))

    def scaled_value(self, title: str, hint: str, factor: Function) -> Misconception:
        return self.value(title, hint, lambda p, t: self.right(p, t)[0] * factor(p))

    def scaled_gradient(self, title: str, hint: str, factor: Function) -> Misconception:
        return self.gradient(title, hint, lambda p, t: self.right(p, t)[1] * factor(p))

    def scaled(self, title: str, hint: str, factor: Function, convention: str = "") -> Misconception:
        """Make value and gradient both wrong by one factor: the two still fit each other."""

        def spoilt(p: Any, t: Any) -> Any:
            value, gradient = self.right(p, t)
            return value * factor(p), gradient * factor(p)

        return self.both(title, hint, spoilt, convention)

    def both(self, title: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
        return Misconception(title, {self.name: wrong}, hint, convention)


def _size(p: Any) -> float:
    return float(p.size)


def _rows(p: Any) -> float:
    return float(len(p))


_mse = _Loss("mse_loss")

MSE = (
    _mse.scaled_value("value-summed", _AVERAGED, _size),
    _mse.value("not-squared", "Do errors of +1 and -1 cancel?", lambda p, t: np.mean(p - t)),
    _mse.value("absolute-error", "How much does an error of 3 cost, 3 or 9?", lambda p, t: np.mean(np.abs(p - t))),
    _mse.value("root-taken", "What is the last step of your formula?", lambda p, t: np.sqrt(np.mean((p - t) ** 2))),
    _mse.value(
        "squared-after-the-mean", "Which comes first, the square or the mean?", lambda p, t: np.mean(p - t) ** 2
    ),
    _mse.value("squares-subtracted", "Is the square of a difference a difference?", lambda p, t: np.mean(p**2 - t**2)),
    _mse.scaled_gradient("factor-2-missing", _OWN_LOSS, lambda p: 0.5),
    _mse.scaled_gradient("gradient-negated", _WHICH_WAY, lambda p: -1.0),
    _mse.scaled_gradient("gradient-not-averaged", _MEAN_TOO, _size),
    _mse.scaled_gradient("gradient-averaged-over-rows", _ENTRIES, lambda p: _size(p) / _rows(p)),
    _mse.scaled_gradient("factor-2-and-mean-missing", _OWN_LOSS, lambda p: _size(p) / 2),
    _mse.gradient("gradient-of-the-absolute-error", _OWN_LOSS, lambda p, t: np.sign(p - t) / p.size),
    _mse.gradient("squared-in-the-gradient", "Differentiate the square.", lambda p, t: 2 * (p - t) ** 2 / p.size),
    _mse.gradient(
        "gradient-is-one-number", "How many predictions can be moved?", lambda p, t: np.mean(2 * (p - t) / p.size)
    ),
    _mse.scaled("summed", _AVERAGED, _size, "the sum of squares, as in BZU's and NYU's notes"),
    _mse.scaled("halved", "Is there a factor of one half in the text?", lambda p: 0.5, "half the mean of the squares"),
    _mse.scaled("summed-and-halved", _AVERAGED, lambda p: _size(p) / 2, "half the sum of the squares"),
    _mse.scaled(
        "averaged-over-rows",
        _ENTRIES,
        lambda p: _size(p) / _rows(p),
        "squares summed in each example, averaged over the examples",
    ),
)


_bce = _Loss("binary_cross_entropy_loss")


def _raw_logarithms(p: Any, t: Any) -> Any:
    return np.mean(-t * np.log(p) - (1 - t) * np.log(1 - p)), (p - t) / (p * (1 - p)) / p.size


def _surprise(p: Any) -> Any:
    return -np.log(np.clip(p, 1e-15, 1))


def _positives_alone(p: Any, t: Any) -> Any:
    return np.mean(t * _surprise(p)), -t / np.maximum(p, 1e-12) / p.size


def _sigmoid_inside(p: Any, t: Any) -> Any:
    q, _ = activations.sigmoid_forward(p)
    return np.mean(t * _surprise(q) + (1 - t) * _surprise(1 - q)), (q - t) / p.size


def _other_gradient(positive: float, negative: float) -> Function:
    def gradient(p: Any, t: Any) -> Any:
        q = np.clip(p, 1e-12, 1 - 1e-12)
        return (positive * -t / q + negative * (1 - t) / (1 - q)) / p.size

    return gradient


BINARY_CROSS_ENTROPY = (
    _bce.both("raw-logarithms", "Try a perfect prediction: what is 0 times the logarithm of 0?", _raw_logarithms),
    _bce.value(
        "one-logarithm-guarded",
        "Which of the two logarithms is infinite where the prediction is 1?",
        lambda p, t: np.mean(t * _surprise(p) - (1 - t) * np.log(1 - p)),
    ),
    _bce.both("negatives-cost-nothing", "What punishes a false positive?", _positives_alone),
    _bce.both("sigmoid-applied-again", "Are the predictions scores, or probabilities already?", _sigmoid_inside),
    _bce.both(
        "labels-exchanged",
        "The label is 1: should a prediction near 1 cost much or little?",
        lambda p, t: reference.binary_cross_entropy_loss(p, 1 - t),
    ),
    _bce.value(
        "squared-error-instead",
        "How much does a prediction cost that is certain and wrong?",
        lambda p, t: np.mean((p - t) ** 2),
    ),
    _bce.value(
        "negatives-without-complement",
        "The label is 0: the logarithm of what?",
        lambda p, t: np.mean(t * _surprise(p) + (1 - t) * _surprise(p)),
    ),
    _bce.value(
        "terms-subtracted",
        "Do the two terms add up?",
        lambda p, t: np.mean(t * _surprise(p) - (1 - t) * _surprise(1 - p)),
    ),
    _bce.value("value-of-positives-alone", "What punishes a false positive?", lambda p, t: np.mean(t * _surprise(p))),
    _bce.scaled_value("minus-forgotten", "Is the logarithm of a probability positive?", lambda p: -1.0),
    _bce.scaled_value("value-summed", _AVERAGED, _size),
    _bce.gradient(
        "gradient-of-the-scores",
        "Is p - t the gradient by the probability or by the score before the sigmoid?",
        lambda p, t: (p - t) / p.size,
    ),
    _bce.scaled_gradient("gradient-not-averaged", _MEAN_TOO, _size),
    _bce.scaled_gradient("gradient-negated", _WHICH_WAY, lambda p: -1.0),
    _bce.gradient(
        "second-term-not-differentiated", "How does the loss change with p where t = 0?", _other_gradient(1.0, 0.0)
    ),
    _bce.gradient("inner-derivative-missing", "What is the derivative of log(1 - p)?", _other_gradient(1.0, -1.0)),
    _bce.scaled("summed", _AVERAGED, _size, "the sum, as in BZU's and NYU's notes"),
    _bce.scaled("in-bits", "Which logarithm is meant?", lambda p: 1 / np.log(2), "logarithms to the base 2: bits"),
)


def _eye(title: str, hint: str, wrong: Function) -> Misconception:
    return Misconception(title, {"one_hot": wrong}, hint)


def _marked_rows(labels: Any, num_classes: int) -> Any:
    out = np.zeros((*labels.shape, num_classes))
    out[labels] = 1
    return out


ONE_HOT = (
    _eye("counted-from-one", "Which number has the first class?", lambda y, c: np.eye(c)[y - 1]),
    _eye("transposed", "Does each label have a row or a column?", lambda y, c: np.moveaxis(np.eye(c)[y], -1, 0)),
    _eye(
        "classes-counted-in-the-labels",
        "What if the last class does not occur in this batch?",
        lambda y, c: np.eye(int(y.max()) + 1)[y],
    ),
    _eye("whole-rows-marked", "How many ones does each row have?", _marked_rows),
    _eye(
        "every-label-in-every-row",
        "Which row belongs to which label?",
        lambda y, c: np.broadcast_to(np.eye(c)[y.ravel()].max(axis=0), (*y.shape, c)).copy(),
    ),
    _eye("complement", "Where is the 1: at the class, or everywhere else?", lambda y, c: 1 - np.eye(c)[y]),
    _eye("label-for-one", "What stands at the class: its number, or 1?", lambda y, c: np.eye(c)[y] * y[..., None]),
    _eye("shape-lost", "What if the labels are a table?", lambda y, c: np.eye(c)[y.ravel()]),
    _eye("classes-reversed", "Which column belongs to class 0?", lambda y, c: np.eye(c)[y][..., ::-1].copy()),
    _eye("ones-up-to-the-class", "How many ones does each row have?", lambda y, c: np.tri(c)[y]),
)


_ce = _Loss("cross_entropy_loss")


def _softmax(scores: Any, axis: int | None = -1) -> Any:
    e = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _hot(scores: Any, labels: Any) -> Any:
    return np.eye(scores.shape[1])[labels]


def _log_shares(scores: Any) -> Any:
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _picked(table: Any, labels: Any) -> Any:
    return table[np.arange(len(labels)), labels]


def _of_shares(shares: Function) -> Function:
    """The loss by other probabilities, and the gradient that their author would write."""

    def loss(scores: Any, labels: Any) -> Any:
        p = shares(scores)
        return -np.mean(np.log(_picked(p, labels))), (p - _hot(scores, labels)) / len(labels)

    return loss


def _no_shift(scores: Any) -> Any:
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)


def _one_shift(scores: Any) -> Any:
    e = np.exp(scores - scores.max())
    return e / e.sum(axis=-1, keepdims=True)


def _rows_reduced(scores: Any, labels: Any) -> Any:
    p = _softmax(scores)
    p[labels] -= 1
    return p / len(labels)


def _right_class_alone(scores: Any, labels: Any) -> Any:
    return (_softmax(scores) - 1) * _hot(scores, labels) / len(labels)


CROSS_ENTROPY = (
    _ce.both("no-shift", "Does adding a constant to a row of scores change its probabilities?", _of_shares(_no_shift)),
    _ce.value(
        "logarithm-of-zero",
        "A share of exp(-2000) is 0 in floating point: must the logarithm see it?",
        lambda s, y: -np.mean(np.log(_picked(_softmax(s), y))),
    ),
    _ce.both("one-shift-for-all-rows", "What happens to a row that lies 2000 below another?", _of_shares(_one_shift)),
    _ce.both("softmax-over-the-batch", "Which axis holds the classes?", _of_shares(lambda scores: _softmax(scores, 0))),
    _ce.both(
        "softmax-over-everything",
        "Should the whole batch sum to one, or each row?",
        _of_shares(lambda s: _softmax(s, None)),
    ),
    _ce.both(
        "softmax-twice", "Are the scores probabilities already?", _of_shares(lambda scores: _softmax(_softmax(scores)))
    ),
    _ce.value("softmax-missing", "Are the scores probabilities already?", lambda s, y: -np.mean(_picked(s, y))),
    _ce.value("logarithm-missing", "The logarithm of what?", lambda s, y: -np.mean(_picked(_softmax(s), y))),
    _ce.value(
        "every-label-for-every-row",
        "Which entry of each row is picked? What shape has p[:, labels]?",
        lambda s, y: -np.mean(_log_shares(s)[:, y]),
    ),
    _ce.value(
        "labels-from-one", "Which number has the first class?", lambda s, y: -np.mean(_picked(_log_shares(s), y - 1))
    ),
    _ce.value(
        "all-classes-summed", "Which classes' shares enter the loss?", lambda s, y: -np.mean(_log_shares(s).sum(1))
    ),
    _ce.scaled_value("minus-forgotten", "Is the logarithm of a probability positive?", lambda s: -1.0),
    _ce.scaled_value("value-summed", _AVERAGED, _rows),
    _ce.scaled_value("value-averaged-over-classes-too", "Average over what?", lambda s: 1.0 / s.shape[1]),
    _ce.scaled("averaged-over-classes-too", "Average over what?", lambda s: 1.0 / s.shape[1]),
    _ce.scaled_gradient("gradient-not-averaged", "Is the loss averaged?", _rows),
    _ce.scaled_gradient("gradient-negated", "The right score rises: does the loss rise?", lambda s: -1.0),
    _ce.gradient("whole-rows-reduced", "How many entries of each row does y[t] -= 1 change?", _rows_reduced),
    _ce.gradient("gradient-without-labels", "Which score should rise?", lambda s, y: _softmax(s) / len(y)),
    _ce.gradient("right-class-alone", "What should happen to the scores of the wrong classes?", _right_class_alone),
    _ce.gradient(
        "softmax-differentiated-again",
        "The derivative by the scores or by the probabilities?",
        lambda s, y: activations.softmax_backward((_softmax(s) - _hot(s, y)) / len(y), _softmax(s)),
    ),
    _ce.scaled("summed", _AVERAGED, _rows, "the sum over the examples, as in BZU's and NYU's notes"),
    _ce.scaled("in-bits", "Which logarithm is meant?", lambda s: 1 / np.log(2), "logarithms to the base 2: bits"),
)
