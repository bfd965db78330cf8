"""How good is a classifier: counts, precision, recall, F1, ROC and precision-recall curves. Knows no network.

Predictions come first and labels second, as in every loss of the course. Labels are 0 (negative) and 1 (positive).
"""

from array_api_compat import device

from solutions.arrays import Array, check_shape, namespace


def _check_binary(values: Array, name: str) -> Array:
    """Return 0/1 or Boolean values as int64, or say which argument holds something else."""
    check_shape(values, name, "(N,)", ndim=1)
    xp = namespace(values)
    if not bool(xp.all((values == 0) | (values == 1))):
        raise ValueError(f"{name} must hold only 0 and 1 (or False and True)")
    return xp.astype(values, xp.int64)


def _check_pair(predicted: Array, predicted_name: str, labels: Array) -> None:
    """Raise a ValueError unless both have one entry an example."""
    check_shape(predicted, predicted_name, "(N,)", ndim=1)
    check_shape(labels, "labels", "(N,)", ndim=1)
    if predicted.shape != labels.shape:
        raise ValueError(
            f"labels must have one entry for each of {predicted_name}: {labels.shape[0]} for {predicted.shape[0]}"
        )


def confusion_counts(predicted: Array, labels: Array) -> tuple[int, int, int, int]:
    """Count true positives, false positives, false negatives and true negatives.

    Parameters
    ----------
    predicted, labels : (N,), 0 or 1

    Returns
    -------
    (tp, fp, fn, tn) : four ints that add up to N

    Raises
    ------
    ValueError
        If an argument is not a vector of 0 and 1, or the lengths differ.

    Notes
    -----
    Source: GT (true and false positive rates). scikit-learn's ``confusion_matrix(...).ravel()`` has the same four in
    the order tn, fp, fn, tp.

    Examples
    --------
    >>> import numpy as np
    >>> confusion_counts(np.array([1, 1, 0, 0, 0]), np.array([1, 0, 1, 1, 0]))
    (1, 1, 2, 1)
    """
    _check_pair(predicted, "predicted", labels)
    guess, truth = _check_binary(predicted, "predicted"), _check_binary(labels, "labels")
    xp = namespace(guess, truth)
    tp, fp, fn = (int(xp.sum(hits)) for hits in (guess * truth, guess * (1 - truth), (1 - guess) * truth))
    return tp, fp, fn, labels.shape[0] - tp - fp - fn


def confusion_matrix(predicted: Array, labels: Array, *, classes: int) -> Array:
    """Count, for every pair of classes, how many examples of the one were taken for the other.

    Parameters
    ----------
    predicted, labels : (N,) ints in [0, classes)
    classes : number of classes K

    Returns
    -------
    (K, K) ints: entry [i, j] counts the examples of class i that were predicted as class j, as in scikit-learn.

    Raises
    ------
    ValueError
        If an entry is no class, the lengths differ, or ``classes`` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> confusion_matrix(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]), classes=3).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    """
    _check_pair(predicted, "predicted", labels)
    if classes < 1:
        raise ValueError(f"classes must be at least 1, got {classes!r}")
    xp = namespace(predicted, labels)
    for values, name in ((predicted, "predicted"), (labels, "labels")):
        if not xp.isdtype(values.dtype, "integral"):
            raise ValueError(f"{name} must be integers, got {values.dtype}")
        if not bool(xp.all((values >= 0) & (values < classes))):
            raise ValueError(f"{name} must lie between 0 and classes - 1 = {classes - 1}")
    # Comparing with every class gives one-hot rows; their product counts each pair.
    every_class = xp.arange(classes, device=device(labels))
    truth = xp.astype(labels[:, None] == every_class, xp.float64)
    guess = xp.astype(predicted[:, None] == every_class, xp.float64)
    return xp.astype(truth.T @ guess, xp.int64)


def _ratio(part: int, whole: int) -> float:
    """Return part / whole, and 0.0 for 0 / 0 (scikit-learn's default, with its warning left out)."""
    return part / whole if whole else 0.0


def precision(predicted: Array, labels: Array) -> float:
    """Of what was predicted positive, the share that is positive: tp / (tp + fp).

    ``predicted`` and ``labels`` are (N,) of 0 and 1. Nothing predicted positive gives 0.0, as scikit-learn does.
    Raises a ValueError as `confusion_counts` does. Source: GT.

    Examples
    --------
    >>> import numpy as np
    >>> precision(np.array([1, 1, 0, 0, 0]), np.array([1, 0, 1, 1, 0]))
    0.5
    """
    tp, fp, _, _ = confusion_counts(predicted, labels)
    return _ratio(tp, tp + fp)


def recall(predicted: Array, labels: Array) -> float:
    """Of what is positive, the share that was found: tp / (tp + fn).

    ``predicted`` and ``labels`` are (N,) of 0 and 1. No positive label gives 0.0, as scikit-learn does.
    Raises a ValueError as `confusion_counts` does. Source: GT.

    Examples
    --------
    >>> import numpy as np
    >>> round(recall(np.array([1, 1, 0, 0, 0]), np.array([1, 0, 1, 1, 0])), 4)
    0.3333
    """
    tp, _, fn, _ = confusion_counts(predicted, labels)
    return _ratio(tp, tp + fn)


def f1_score(predicted: Array, labels: Array) -> float:
    """Harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn).

    ``predicted`` and ``labels`` are (N,) of 0 and 1. Without any positive, predicted or true, it is 0.0.
    Raises a ValueError as `confusion_counts` does.

    Examples
    --------
    >>> import numpy as np
    >>> f1_score(np.array([1, 1, 0, 0, 0]), np.array([1, 0, 1, 1, 0]))
    0.4
    """
    tp, fp, fn, _ = confusion_counts(predicted, labels)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _counts_by_threshold(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return (tp, fp, threshold) for every distinct score, from the highest down: positive means score >= threshold."""
    _check_pair(scores, "scores", labels)
    truth = _check_binary(labels, "labels")
    xp = namespace(scores, truth)
    if not xp.isdtype(scores.dtype, "real floating"):
        scores = xp.astype(scores, xp.float64)
    if not bool(xp.all(xp.isfinite(scores))):
        raise ValueError("scores must be finite numbers")
    order = xp.argsort(scores, descending=True)
    scores, truth = xp.take(scores, order, axis=0), xp.take(truth, order, axis=0)
    # Examples with equal scores cross the threshold together, so only the last one of each run counts.
    changes = scores[1:] != scores[:-1]
    last = xp.concat([changes, xp.ones_like(truth[:1], dtype=xp.bool)])
    true_positives = xp.cumulative_sum(truth)
    predicted_positives = xp.cumulative_sum(xp.ones_like(truth))
    return true_positives[last], (predicted_positives - true_positives)[last], scores[last]


def roc_curve(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Trace the true positive rate against the false positive rate while the threshold falls.

    Parameters
    ----------
    scores : (N,) finite numbers, higher for what the classifier takes for positive
    labels : (N,), 0 or 1, both present

    Returns
    -------
    (false_positive_rate, true_positive_rate, thresholds)
        Three vectors of one length: the first entry is the corner (0, 0) with threshold inf, then one for every
        distinct score, highest first. An example counts as positive where score >= threshold.

    Raises
    ------
    ValueError
        If the lengths differ, a score is not finite, or one class is missing (its rate would be 0 / 0).

    Notes
    -----
    The same as scikit-learn's ``roc_curve(labels, scores, drop_intermediate=False)``. Source: GT.

    Examples
    --------
    >>> import numpy as np
    >>> fpr, tpr, thresholds = roc_curve(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 1, 0, 0]))
    >>> fpr.tolist(), tpr.tolist(), thresholds.tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0], [inf, 0.9, 0.8, 0.1])
    """
    tp, fp, thresholds = _counts_by_threshold(scores, labels)
    if tp.shape[0] == 0 or int(tp[-1]) == 0 or int(fp[-1]) == 0:
        raise ValueError("labels must contain both classes, 0 and 1: one of the rates would be 0 / 0")
    xp = namespace(tp)
    corner = xp.zeros_like(tp[:1], dtype=xp.float64)
    true_positive_rate = xp.concat([corner, xp.astype(tp, xp.float64) / int(tp[-1])])
    false_positive_rate = xp.concat([corner, xp.astype(fp, xp.float64) / int(fp[-1])])
    above_all = xp.full_like(thresholds[:1], xp.inf)
    return false_positive_rate, true_positive_rate, xp.concat([above_all, thresholds])


def roc_auc(scores: Array, labels: Array) -> float:
    """Area under the ROC curve, by trapezoids.

    It is the probability that a random positive example scores higher than a random negative one, a tie counting
    half: 0.5 for guessing, 1.0 for a perfect order. Arguments and errors as for `roc_curve`; scores, not decisions.

    Examples
    --------
    >>> import numpy as np
    >>> roc_auc(np.array([0.9, 0.8, 0.8, 0.1]), np.array([1, 1, 0, 0]))
    0.875
    """
    false_positive_rate, true_positive_rate, _ = roc_curve(scores, labels)
    xp = namespace(false_positive_rate)
    widths = false_positive_rate[1:] - false_positive_rate[:-1]
    return float(xp.sum(widths * (true_positive_rate[1:] + true_positive_rate[:-1])) / 2)


def precision_recall_curve(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Trace precision against recall while the threshold rises.

    Parameters
    ----------
    scores : (N,) finite numbers, higher for what the classifier takes for positive
    labels : (N,), 0 or 1, with at least one 1

    Returns
    -------
    (precision, recall, thresholds)
        One entry for every distinct score, lowest first; precision and recall end with one more, (1, 0), for a
        threshold above every score.

    Raises
    ------
    ValueError
        If the lengths differ, a score is not finite, or no label is positive (recall would be 0 / 0).

    Notes
    -----
    The same as scikit-learn's ``precision_recall_curve(labels, scores)``. Source: GT.

    Examples
    --------
    >>> import numpy as np
    >>> p, r, thresholds = precision_recall_curve(np.array([0.9, 0.8, 0.7, 0.1]), np.array([1, 0, 1, 0]))
    >>> p.round(3).tolist(), r.tolist(), thresholds.tolist()
    ([0.5, 0.667, 0.5, 1.0, 1.0], [1.0, 1.0, 0.5, 0.5, 0.0], [0.1, 0.7, 0.8, 0.9])
    """
    tp, fp, thresholds = _counts_by_threshold(scores, labels)
    if tp.shape[0] == 0 or int(tp[-1]) == 0:
        raise ValueError("labels must contain at least one 1: recall would be 0 / 0")
    xp = namespace(tp)
    true_positives = xp.astype(tp, xp.float64)
    end = xp.ones_like(true_positives[:1])
    rising_precision = xp.flip(true_positives / xp.astype(tp + fp, xp.float64))
    falling_recall = xp.flip(true_positives / int(tp[-1]))
    return xp.concat([rising_precision, end]), xp.concat([falling_recall, 0 * end]), xp.flip(thresholds)
