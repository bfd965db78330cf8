"""Losses: ``loss(prediction, target) -> (value, dprediction)``, averaged over the batch. Knows no layer.

The average is PyTorch's default ``reduction="mean"``: over all elements for ``mse_loss`` and
``binary_cross_entropy_loss``, over the N rows for ``cross_entropy_loss``. (Lectures often sum, or halve the square; the
gradient then has another factor too.) ``value`` is an array of no dimensions in the type of the prediction. A wrong
type, shape or range is a ``ValueError`` that names the argument, and so is an empty batch, which has no mean.
"""

import math
from typing import Any

from array_api_compat import device

from solutions.arrays import Array, check_float, check_same_shape, check_shape, count, namespace

# PyTorch's bound on -log(p) and on p * (1 - p): a certain and wrong prediction costs much, not infinitely much.
_LARGEST_SURPRISE = 100.0
_SMALLEST_VARIANCE = 1e-12


def mse_loss(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Mean squared error: ``value = mean((prediction - target)**2)``.

    Parameters
    ----------
    prediction : any shape, at least one element.
    target : the shape of ``prediction`` (no broadcasting: (N, 1) against (N,) is a mistake).

    Returns
    -------
    value : no dimensions; the mean over all elements.
    dprediction : the shape of ``prediction``, ``2 * (prediction - target) / size``.

    Notes
    -----
    Sources: BZU (a normal likelihood, summed), NYU; ``torch.nn.MSELoss()``.

    Examples
    --------
    >>> import numpy as np
    >>> value, dprediction = mse_loss(np.array([1.0, 4.0]), np.array([2.0, 2.0]))
    >>> print(value, dprediction)
    2.5 [-1.  2.]
    """
    target = _check(prediction, target)
    error = prediction - target
    return namespace(error).mean(error * error), (2.0 / _size(error)) * error


def binary_cross_entropy_loss(prediction: Array, target: Array) -> tuple[Array, Array]:
    """Binary cross entropy of probabilities: ``value = mean(-t * log(p) - (1 - t) * log(1 - p))``.

    Parameters
    ----------
    prediction : any shape, at least one element; probabilities in [0, 1].
    target : the shape of ``prediction``; 0, 1 or a probability in between.

    Returns
    -------
    value : no dimensions; the mean over all elements.
    dprediction : the shape of ``prediction``, ``(p - t) / (p * (1 - p)) / size``.

    Notes
    -----
    Finite everywhere, and exactly 0 where a prediction of 0 or 1 is right, by PyTorch's two bounds: ``-log`` is at most
    100, ``p * (1 - p)`` at least 1e-12. Sources: BZU (a Bernoulli likelihood, summed), NYU; ``torch.nn.BCELoss()``.

    Examples
    --------
    >>> import numpy as np
    >>> value, dprediction = binary_cross_entropy_loss(np.array([0.5, 0.2]), np.array([1.0, 0.0]))
    >>> print(value.round(4), dprediction)
    0.4581 [-1.     0.625]
    >>> print(binary_cross_entropy_loss(np.array([1.0, 0.0]), np.array([1.0, 0.0]))[0])
    0.0
    >>> print(binary_cross_entropy_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0]))[0])
    100.0
    """
    target = _check(prediction, target)
    _check_probabilities(prediction, "prediction")
    _check_probabilities(target, "target")
    xp = namespace(prediction)
    p, t = prediction, target
    # Where the logarithm would be infinite it is taken of 1 instead, and the bound stands in for it.
    surprise_of_one = -xp.log(xp.where(p > 0.0, p, 1.0))
    surprise_of_one = xp.minimum(xp.where(p > 0.0, surprise_of_one, _LARGEST_SURPRISE), _LARGEST_SURPRISE)
    surprise_of_zero = -xp.log1p(-xp.where(p < 1.0, p, 0.0))
    surprise_of_zero = xp.where(p < 1.0, surprise_of_zero, _LARGEST_SURPRISE)
    value = xp.mean(t * surprise_of_one + (1.0 - t) * surprise_of_zero)
    return value, (p - t) / xp.maximum(p * (1.0 - p), _SMALLEST_VARIANCE) / _size(p)


def cross_entropy_loss(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Softmax and negative log likelihood in one: ``value = mean(log(sum(exp(s))) - s[label])``, rows of scores ``s``.

    Parameters
    ----------
    scores : (N, C), any real numbers (logits), N and C at least 1.
    labels : (N,), integers in [0, C), the right class of each row.

    Returns
    -------
    value : no dimensions; the mean over the N rows.
    dscores : (N, C), ``(softmax(scores) - one_hot(labels)) / N``.

    Notes
    -----
    The row's largest score is subtracted first, so nothing overflows at any finite score. Sources: BZU, NYU, GT
    (``-log P(Y = y | x)``); ``torch.nn.CrossEntropyLoss()``.

    Examples
    --------
    >>> import numpy as np
    >>> value, dscores = cross_entropy_loss(np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([1, 0]))
    >>> print(value.round(4))
    0.3466
    >>> print(dscores)
    [[ 0.25 -0.25]
     [ 0.    0.  ]]
    """
    check_shape(scores, "scores", "(N, C)", ndim=2)
    check_float(scores, "scores")
    n, classes = scores.shape
    if min(n, classes) == 0:
        raise ValueError(f"scores must hold at least one row and one class, got shape {tuple(scores.shape)}")
    check_shape(labels, "labels", "(N,)", ndim=1)
    if labels.shape[0] != n:
        raise ValueError(f"labels must have one entry a row of scores, {n}, got {labels.shape[0]}")
    right = one_hot(labels, classes, dtype=scores.dtype)
    xp = namespace(scores, labels)
    shifted = scores - xp.max(scores, axis=-1, keepdims=True)
    exponentials = xp.exp(shifted)
    total = xp.sum(exponentials, axis=-1, keepdims=True)
    shifted_of_right = xp.take_along_axis(shifted, xp.astype(labels, xp.int64)[:, None], axis=-1)
    value = xp.mean(xp.log(total) - shifted_of_right)
    return value, (exponentials / total - right) / n


def one_hot(labels: Array, num_classes: int, *, dtype: Any = None) -> Array:
    """Return a row for every label with 1 at its class and 0 elsewhere.

    Parameters
    ----------
    labels : any shape, integers in [0, num_classes).
    num_classes : how many classes there are, at least 1.
    dtype : the type of the result; float64 unless given, so that it can be a loss's target as it is
        (PyTorch's ``one_hot`` returns int64).

    Returns
    -------
    (..., num_classes)

    Notes
    -----
    Source: NYU ("3 classes, class 2: [0, 1, 0]", counted from 1; ours count from 0).

    Examples
    --------
    >>> import numpy as np
    >>> one_hot(np.array([1, 0]), 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    num_classes = count(num_classes, "num_classes", minimum=1)
    if not hasattr(labels, "dtype") or not namespace(labels).isdtype(labels.dtype, "integral"):
        found = f"dtype {labels.dtype}" if hasattr(labels, "dtype") else type(labels).__name__
        raise ValueError(f"labels must be an array of integers, got {found}")
    xp = namespace(labels)
    labels = xp.astype(labels, xp.int64)
    if not bool(xp.all((labels >= 0) & (labels < num_classes))):
        raise ValueError(f"labels must lie in [0, {num_classes}), the number of classes")
    classes = xp.arange(num_classes, dtype=xp.int64, device=device(labels))
    return xp.astype(labels[..., None] == classes, xp.float64 if dtype is None else dtype)


def _check(prediction: Array, target: Array) -> Array:
    check_float(prediction, "prediction")
    check_same_shape(target, "target", prediction, "prediction")
    if _size(prediction) == 0:
        raise ValueError(f"prediction must hold at least one element, got shape {tuple(prediction.shape)}")
    xp = namespace(prediction, target)
    return xp.astype(target, prediction.dtype)


def _check_probabilities(array: Array, name: str) -> None:
    if not bool(namespace(array).all((array >= 0.0) & (array <= 1.0))):
        raise ValueError(f"{name} must hold probabilities, all in [0, 1]")


def _size(array: Array) -> int:
    return math.prod(array.shape)
