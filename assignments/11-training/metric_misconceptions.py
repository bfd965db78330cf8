"""What goes wrong in metrics: counts, ratios and curves. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import metrics as reference

__all__ = ["AUC", "CONFUSION", "PRECISION_RECALL", "RATIOS", "ROC"]

Function = Callable[..., Any]


def _counts(name: str, hint: str, order: Function, convention: str = "") -> Misconception:
    """The four right counts, put together by ``order(tp, fp, fn, tn)``."""
    wrong = {"confusion_counts": lambda predicted, labels: order(*reference.confusion_counts(predicted, labels))}
    return Misconception(name, wrong, hint, convention)


CONFUSION = (
    _counts("fp-fn-exchanged", "False: is that the prediction or the truth?", lambda tp, fp, fn, tn: (tp, fn, fp, tn)),
    _counts(
        "other-order",
        "In which order are the four returned?",
        lambda tp, fp, fn, tn: (tn, fp, fn, tp),
        "scikit-learn's order tn, fp, fn, tp",
    ),
    _counts("shares", "Counts or shares?", lambda *n: tuple(c / max(sum(n), 1) for c in n)),
    _counts("all-negatives", "Is every negative a true negative?", lambda tp, fp, fn, tn: (tp, fp, fn, tn + fp)),
    _counts(
        "predicted-for-true", "Which of these predictions are right?", lambda tp, fp, fn, tn: (tp + fp, fp, fn, tn + fn)
    ),
    _counts(
        "true-positives-and-negatives-exchanged", "What is positive here?", lambda tp, fp, fn, tn: (tn, fn, fp, tp)
    ),
)


def _divided(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _nan(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _one(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _raising(part: float, whole: float) -> float:
    return part / whole


def _ratio(
    function: str, name: str, hint: str, form: Function, divide: Function = _divided, convention: str = ""
) -> Misconception:
    """``form(tp, fp, fn, tn)`` gives what is divided."""

    def wrong(predicted: Any, labels: Any) -> float:
        return float(divide(*form(*reference.confusion_counts(predicted, labels))))

    return Misconception(name, {function: wrong}, hint, convention)


def _precision(tp: int, fp: int, fn: int, tn: int) -> tuple[float, float]:
    return tp, tp + fp


def _recall(tp: int, fp: int, fn: int, tn: int) -> tuple[float, float]:
    return tp, tp + fn


def _f1(tp: int, fp: int, fn: int, tn: int) -> tuple[float, float]:
    return 2 * tp, 2 * tp + fp + fn


def _accuracy(tp: int, fp: int, fn: int, tn: int) -> tuple[float, float]:
    return tp + tn, tp + fp + fn + tn


def _edges(function: str, form: Function, hint: str) -> tuple[Misconception, ...]:
    return (
        _ratio(function, "zero-by-zero-is-nan", hint, form, _nan),
        _ratio(function, "zero-by-zero-raises", hint, form, _raising),
        _ratio(function, "zero-by-zero-is-one", hint, form, _one, "1 for 0/0, which scikit-learn offers as an option"),
    )


RATIOS = {
    "precision": (
        _ratio("precision", "recall-instead", "Out of the predicted or of the actual?", _recall),
        _ratio("precision", "accuracy-instead", "Do true negatives occur in your formula?", _accuracy),
        _ratio("precision", "out-of-all", "Out of which examples?", lambda tp, fp, fn, tn: (tp, tp + fp + fn + tn)),
        _ratio(
            "precision", "false-positives-counted", "Which share is the good one?", lambda tp, fp, fn, tn: (fp, tp + fp)
        ),
        _ratio("precision", "negative-class", "What is positive here?", lambda tp, fp, fn, tn: (tn, tn + fn)),
        *_edges("precision", _precision, "What if nothing is predicted positive?"),
    ),
    "recall": (
        _ratio("recall", "precision-instead", "Out of the predicted or of the actual?", _precision),
        _ratio("recall", "accuracy-instead", "Do true negatives occur in your formula?", _accuracy),
        _ratio("recall", "specificity-instead", "Which class is to be found?", lambda tp, fp, fn, tn: (tn, tn + fp)),
        _ratio(
            "recall", "missed-instead-of-found", "Which share is the good one?", lambda tp, fp, fn, tn: (fn, tp + fn)
        ),
        *_edges("recall", _recall, "What if nothing is positive?"),
    ),
    "f1_score": (
        _ratio(
            "f1_score",
            "arithmetic-mean",
            "Everything is called positive: how good is that?",
            lambda tp, fp, fn, tn: (_divided(tp, tp + fp) + _divided(tp, tp + fn), 2),
        ),
        _ratio("f1_score", "accuracy-instead", "Do true negatives occur in your formula?", _accuracy),
        _ratio(
            "f1_score",
            "factor-2-missing",
            "Precision 1 and recall 1: what comes out?",
            lambda tp, fp, fn, tn: (tp, 2 * tp + fp + fn),
        ),
        _ratio(
            "f1_score",
            "jaccard-index",
            "How often do the true positives count?",
            lambda tp, fp, fn, tn: (tp, tp + fp + fn),
        ),
        _ratio(
            "f1_score",
            "geometric-mean",
            "Which mean is meant?",
            lambda tp, fp, fn, tn: (np.sqrt(_divided(tp, tp + fp) * _divided(tp, tp + fn)), 1),
        ),
        *_edges("f1_score", _f1, "What if there is no positive at all?"),
    ),
}


def _curve(function: str, name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {function: wrong}, hint, convention)


def _of_roc(change: Function) -> Function:
    return lambda scores, labels: change(*reference.roc_curve(scores, labels))


def _one_by_one(scores: Any, labels: Any) -> Any:
    order = np.argsort(-scores, kind="stable")
    positive = labels[order]
    tp, fp = np.append(0, np.cumsum(positive)), np.append(0, np.cumsum(1 - positive))
    return fp / fp[-1], tp / tp[-1], np.append(np.inf, scores[order])


def _strictly(fpr: Any, tpr: Any, thresholds: Any) -> Any:
    return fpr, tpr, np.append(thresholds[1:], -np.inf)


def _over_all(scores: Any, labels: Any) -> Any:
    fpr, tpr, thresholds = reference.roc_curve(scores, labels)
    positives = labels.sum()
    return fpr * (len(labels) - positives) / len(labels), tpr * positives / len(labels), thresholds


ROC = (
    _curve("roc_curve", "rates-exchanged", "Which rate is on the horizontal axis?", _of_roc(lambda f, t, s: (t, f, s))),
    _curve("roc_curve", "ties-one-by-one", "Two scores are equal: can a threshold part them?", _one_by_one),
    _curve(
        "roc_curve", "corner-missing", "Where does the curve begin?", _of_roc(lambda f, t, s: (f[1:], t[1:], s[1:]))
    ),
    _curve(
        "roc_curve",
        "rising-thresholds",
        "In which order do the thresholds come?",
        _of_roc(lambda f, t, s: (f[::-1], t[::-1], s[::-1])),
    ),
    _curve("roc_curve", "out-of-all-examples", "A rate of what: out of which examples?", _over_all),
    _curve(
        "roc_curve",
        "larger-than-threshold",
        "Is a score equal to the threshold positive?",
        _of_roc(_strictly),
        "positive where score > threshold",
    ),
    _curve(
        "roc_curve",
        "low-scores-positive",
        "Does a high score mean positive?",
        lambda scores, labels: reference.roc_curve(-scores, labels),
    ),
    _curve(
        "roc_curve",
        "finite-first-threshold",
        "Which threshold is above every score?",
        _of_roc(lambda f, t, s: (f, t, np.append(s[1] + 1, s[1:]))),
        "a first threshold of max + 1, as scikit-learn had before version 1.3",
    ),
)


def _wins(ties: float) -> Function:
    """Share of pairs in which the positive one scores higher; a tie counts ``ties``."""

    def roc_auc(scores: Any, labels: Any) -> float:
        gaps = scores[labels == 1][:, None] - scores[labels == 0]
        return float(np.mean(gaps > 0) + ties * np.mean(gaps == 0))

    return roc_auc


def _hard(scores: Any, labels: Any) -> float:
    return reference.roc_auc((scores >= 0.5).astype(float), labels)


def _of_precision(scores: Any, labels: Any) -> float:
    precision, recall, _ = reference.precision_recall_curve(scores, labels)
    return float(np.sum((recall[:-1] - recall[1:]) * (precision[:-1] + precision[1:])) / 2)


AUC = (
    _curve("roc_auc", "from-hard-labels", "Where did the scores go?", _hard),
    _curve("roc_auc", "ties-lost", "Two scores are equal: who wins?", _wins(0.0)),
    _curve("roc_auc", "ties-won", "Two scores are equal: who wins?", _wins(1.0)),
    _curve("roc_auc", "other-side", "Is a perfect order 1 or 0?", lambda s, y: 1 - reference.roc_auc(s, y)),
    _curve(
        "roc_auc",
        "never-below-one-half",
        "May an order be worse than chance?",
        lambda s, y: max(_wins(0.5)(s, y), 1 - _wins(0.5)(s, y)),
    ),
    _curve("roc_auc", "negated", "Do the widths have the right sign?", lambda s, y: -reference.roc_auc(s, y)),
    _curve(
        "roc_auc",
        "two-areas",
        "A trapezoid: is its height the sum of the sides or their mean?",
        lambda s, y: 2 * reference.roc_auc(s, y),
    ),
    _curve("roc_auc", "under-precision-recall", "Which two rates span the plane?", _of_precision),
)


def _of_pr(change: Function) -> Function:
    return lambda scores, labels: change(*reference.precision_recall_curve(scores, labels))


def _pr_one_by_one(scores: Any, labels: Any) -> Any:
    order = np.argsort(-scores, kind="stable")
    tp = np.cumsum(labels[order])
    precision, recall = tp / np.arange(1, len(tp) + 1), tp / tp[-1]
    return np.append(precision[::-1], 1.0), np.append(recall[::-1], 0.0), scores[order][::-1]


PRECISION_RECALL = (
    _curve(
        "precision_recall_curve",
        "exchanged",
        "Out of the predicted or of the actual?",
        _of_pr(lambda p, r, s: (r, p, s)),
    ),
    _curve(
        "precision_recall_curve",
        "falling-thresholds",
        "In which order do the thresholds come?",
        _of_pr(lambda p, r, s: (p[::-1], r[::-1], s[::-1])),
    ),
    _curve(
        "precision_recall_curve",
        "end-missing",
        "Where does the curve end?",
        _of_pr(lambda p, r, s: (p[:-1], r[:-1], s)),
    ),
    _curve("precision_recall_curve", "ties-one-by-one", "Can a threshold part two equal scores?", _pr_one_by_one),
    _curve(
        "precision_recall_curve",
        "end-at-zero",
        "What is the precision where nothing is predicted?",
        _of_pr(lambda p, r, s: (np.append(p[:-1], 0.0), r, s)),
    ),
    _curve(
        "precision_recall_curve",
        "larger-than-threshold",
        "Is a score equal to the threshold positive?",
        _of_pr(lambda p, r, s: (p, r, np.append(-np.inf, s[:-1]))),
        "positive where score > threshold",
    ),
    _curve(
        "precision_recall_curve",
        "low-scores-positive",
        "Does a high score mean positive?",
        lambda scores, labels: reference.precision_recall_curve(-scores, labels),
    ),
)
