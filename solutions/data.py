"""Data before training: standardising, first weights, minibatches, splits. Knows no network and no file.

Everything random takes ``rng``, a ``numpy.random.Generator``; the same generator state gives the same answer.
(The data sets themselves are read in `solutions.datasets`.)
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from array_api_compat import device

from solutions.arrays import Array, check_shape, namespace


def standardize(train: Array, *others: Array) -> tuple[Array, ...]:
    """Shift and scale every feature to mean 0 and standard deviation 1, as measured on the training set alone.

    Parameters
    ----------
    train : (N, D) features or (N, C, H, W) images
        Axis 1 is kept: one mean and one deviation for each feature, or for each channel over all its pixels.
    others : validation and test sets of the same features
        Transformed by the numbers of ``train``: what they would say themselves may not be known before the exam.

    Returns
    -------
    (train, *others, mean, std)
        Every set, standardised, in the order given, then the two statistics with axes of size 1, so that
        ``(x - mean) / std`` treats a later image alike. A feature that never varies keeps ``std`` 1.

    Raises
    ------
    ValueError
        If ``train`` has fewer than two axes or no example, is not floating point, or a set has other features.

    Notes
    -----
    ``(x - mean) / std`` with the biased deviation, as scikit-learn's ``StandardScaler``. Source: NYU (data
    normalisation).

    Examples
    --------
    >>> import numpy as np
    >>> train, test, mean, std = standardize(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[4.0, 6.0]]))
    >>> train.tolist(), test.tolist(), mean.tolist(), std.tolist()
    ([[-1.0, 0.0], [1.0, 0.0]], [[2.0, 1.0]], [[2.0, 5.0]], [[1.0, 1.0]])
    """
    sets = {"train": train} | {f"others[{i}]": x for i, x in enumerate(others)}
    for name, x in sets.items():
        if getattr(x, "ndim", 0) < 2 or x.ndim != train.ndim or x.shape[1] != train.shape[1]:
            expected = "(N, D) or (N, C, H, W)" if name == "train" else f"(N, {train.shape[1]}, ...) as train"
            raise ValueError(
                f"{name} must be an array of shape {expected}, got {getattr(x, 'shape', type(x).__name__)}"
            )
        if not namespace(x).isdtype(x.dtype, "real floating"):
            raise ValueError(f"{name} must be floating point, got {x.dtype}")
    if math.prod(train.shape) == 0:
        raise ValueError(f"train must hold at least one example, got shape {tuple(train.shape)}")
    xp = namespace(train)
    axes = tuple(axis for axis in range(train.ndim) if axis != 1)
    mean = xp.mean(train, axis=axes, keepdims=True)
    std = xp.std(train, axis=axes, keepdims=True)
    # The mean of equal numbers can be off by a rounding, so a deviation of exactly 0 does not tell a constant.
    constant = xp.max(train, axis=axes, keepdims=True) == xp.min(train, axis=axes, keepdims=True)
    std = xp.where(constant, xp.ones_like(std), std)
    return (*((x - mean) / std for x in sets.values()), mean, std)


def _fans(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many numbers one output reads, and how many outputs one input feeds."""
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"shape must be (out, in) or (out, in, KH, KW), each at least 1, got {tuple(shape)}")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def xavier_uniform(
    shape: Sequence[int], *, rng: np.random.Generator, gain: float = 1.0, dtype: npt.DTypeLike = np.float64
) -> Array:
    """Draw weights that keep the variance of signals and gradients through a linear or tanh layer.

    Parameters
    ----------
    shape : (out, in) or (out, in / groups, KH, KW)
    rng : the source of randomness
    gain : factor for the activation that follows (1 for none, 5/3 for tanh)
    dtype : of the weights

    Returns
    -------
    Weights uniform in [-a, a] with ``a = gain * sqrt(6 / (fan_in + fan_out))``, where ``fan_in = in * KH * KW`` and
    ``fan_out = out * KH * KW``: PyTorch's ``xavier_uniform_`` (Glorot and Bengio, 2010).

    Raises
    ------
    ValueError
        If ``shape`` has fewer than two sizes or one below 1.

    Examples
    --------
    >>> import numpy as np
    >>> w = xavier_uniform((4, 2), rng=np.random.default_rng(0))
    >>> w.shape, bool(np.all(np.abs(w) <= 1.0))  # sqrt(6 / (2 + 4)) = 1
    ((4, 2), True)
    """
    fan_in, fan_out = _fans(shape)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, tuple(shape)).astype(dtype)


def he_normal(shape: Sequence[int], *, rng: np.random.Generator, dtype: npt.DTypeLike = np.float64) -> Array:
    """Draw weights that keep the variance of signals through layers followed by a ReLU.

    Parameters
    ----------
    shape : (out, in) or (out, in / groups, KH, KW)
    rng : the source of randomness
    dtype : of the weights

    Returns
    -------
    Normal weights with mean 0 and deviation ``sqrt(2 / fan_in)``, ``fan_in = in * KH * KW``: a ReLU drops half of the
    variance, the 2 restores it. PyTorch's ``kaiming_normal_(nonlinearity="relu")`` (He et al., 2015; named by NYU).

    Raises
    ------
    ValueError
        If ``shape`` has fewer than two sizes or one below 1.

    Examples
    --------
    >>> import numpy as np
    >>> w = he_normal((500, 200), rng=np.random.default_rng(0))
    >>> round(float(w.std()), 2)  # sqrt(2 / 200) = 0.1
    0.1
    """
    fan_in, _ = _fans(shape)
    return (rng.standard_normal(tuple(shape)) * math.sqrt(2 / fan_in)).astype(dtype)


def minibatches(
    x: Array, y: Array, *, batch_size: int, rng: np.random.Generator, drop_last: bool = False
) -> Iterator[tuple[Array, Array]]:
    """Go once through all examples in a fresh random order, a few at a time.

    Call it again for every epoch: each call draws a new order from ``rng``.

    Parameters
    ----------
    x, y : arrays whose first axis counts the same N examples
    batch_size : examples in a batch
    rng : the source of randomness
    drop_last : leave out the last batch where it is smaller (batch norm cannot train on a single value)

    Returns
    -------
    Iterator of (x_batch, y_batch): copies that together hold every example once.

    Raises
    ------
    ValueError
        If the lengths differ or ``batch_size`` is below 1 (at the call, not at the first batch).

    Notes
    -----
    Source: NYU ("It is critical to reshuffle in each epoch!").

    Examples
    --------
    >>> import numpy as np
    >>> x, rng = np.arange(5), np.random.default_rng(0)
    >>> epochs = [[batch.tolist() for batch, _ in minibatches(x, x, batch_size=2, rng=rng)] for _ in range(2)]
    >>> [[len(batch) for batch in epoch] for epoch in epochs], epochs[0] == epochs[1]
    ([[2, 2, 1], [2, 2, 1]], False)
    """
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"y must have one entry for each of the {x.shape[0]} examples of x, got {y.shape[0]}")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")
    count = x.shape[0]
    order = rng.permutation(count)
    stop = count - count % batch_size if drop_last else count
    chosen = (order[start : start + batch_size] for start in range(0, stop, batch_size))
    return ((_rows(x, rows), _rows(y, rows)) for rows in chosen)


def _rows(x: Array, rows: npt.NDArray[np.int64]) -> Array:
    xp = namespace(x)
    return xp.take(x, xp.asarray(rows, device=device(x)), axis=0)


def stratified_split(labels: Array, *, test_fraction: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Split examples in two at random, every class in the same proportion.

    Parameters
    ----------
    labels : (N,), the class of each example
    test_fraction : share of each class that is held out, between 0 and 1
    rng : the source of randomness

    Returns
    -------
    (train, test) : two ascending vectors of indices that together hold 0 ... N-1 once
        Of a class with n examples ``test`` has ``test_fraction * n`` rounded to the nearest (halves up), but at
        least 1 and at most n - 1, so both sides know every class.

    Raises
    ------
    ValueError
        If ``labels`` is no vector, ``test_fraction`` is not between 0 and 1, or a class has a single example.

    Notes
    -----
    Source: NYU (the sets "should contain the same percentages of different classes as the entire dataset").

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1])
    >>> train, test = stratified_split(labels, test_fraction=0.25, rng=np.random.default_rng(0))
    >>> labels[train].tolist(), labels[test].tolist()
    ([0, 0, 0, 1, 1, 1, 1, 1, 1], [0, 1, 1])
    """
    check_shape(labels, "labels", "(N,)", ndim=1)
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction must lie between 0 and 1, got {test_fraction!r}")
    xp = namespace(labels)
    held_out = xp.zeros_like(labels, dtype=xp.bool)
    for label in xp.unique_values(labels):
        (members,) = xp.nonzero(labels == label)
        count = members.shape[0]
        if count < 2:
            raise ValueError(f"labels must hold at least two examples of every class, class {label} has one")
        size = min(max(int(test_fraction * count + 0.5), 1), count - 1)
        chosen = _rows(members, rng.permutation(count)[:size])
        held_out = held_out | xp.isin(xp.arange(labels.shape[0], device=device(labels)), chosen)
    (train,), (test,) = xp.nonzero(~held_out), xp.nonzero(held_out)
    return train, test


def k_fold_indices(labels: Array, *, k: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Deal the examples into ``k`` folds; each fold validates once what the others train.

    Parameters
    ----------
    labels : (N,), the class of each example
    k : number of folds, from 2 to N
    rng : the source of randomness

    Returns
    -------
    List of ``k`` pairs (train, validation) of ascending index vectors. Every example validates exactly once; two
    folds differ by at most one example in size, and by at most one in every class.

    Raises
    ------
    ValueError
        If ``labels`` is no vector or ``k`` is not from 2 to N.

    Notes
    -----
    Source: NYU (cross validation; each fold "should contain the same percentages of different classes").

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 0, 0, 1, 1, 1])
    >>> folds = k_fold_indices(labels, k=3, rng=np.random.default_rng(0))
    >>> [labels[validation].tolist() for _, validation in folds]
    [[0, 1], [0, 1], [0, 1]]
    """
    check_shape(labels, "labels", "(N,)", ndim=1)
    count = labels.shape[0]
    if not 2 <= k <= count:
        raise ValueError(f"k must lie between 2 and the number of examples, {count}, got {k!r}")
    xp = namespace(labels)
    # Shuffled, then ordered by class: dealing them like cards spreads each class, and the total, evenly.
    shuffled = xp.asarray(rng.permutation(count), device=device(labels))
    by_class = xp.take(shuffled, xp.argsort(xp.take(labels, shuffled), stable=True))
    folds = [xp.sort(by_class[fold::k]) for fold in range(k)]
    return [(xp.sort(xp.concat(folds[:i] + folds[i + 1 :])), folds[i]) for i in range(k)]
