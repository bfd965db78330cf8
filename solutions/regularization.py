"""Against overfitting: dropout, penalties on the weights, the norm constraint, early stopping. Knows no network.

(Augmentation of images is in `solutions.augmentation`.)
"""

import copy
import math
from typing import Any

import numpy as np
from array_api_compat import device

from solutions.arrays import Array, namespace


def dropout_forward(
    x: Array, *, p: float, training: bool, rng: np.random.Generator | None
) -> tuple[Array, Array | None]:
    """Switch every unit off with probability p, and scale up the others so that the mean stays.

    Parameters
    ----------
    x : any shape
    p : probability to drop (PyTorch's meaning; BZU and GT call p the probability to keep)
    training : drop at random, or pass x through
    rng : the source of randomness; not asked (and may be None) where ``training`` is false

    Returns
    -------
    out : like x; in training ``x mask`` with ``mask = (u >= p) / (1 - p)``, u uniform in [0, 1), else x itself
    cache : the mask, for the backward pass

    Raises
    ------
    ValueError
        If ``p`` is not in [0, 1] or ``rng`` is missing in training.

    Notes
    -----
    "Inverted" dropout: scaling by 1/(1-p) while training leaves nothing to do at test time. BZU and NYU describe the
    original form, which scales at test time instead. Sources: all four (Srivastava et al., 2014).

    Examples
    --------
    >>> import numpy as np
    >>> out, _ = dropout_forward(np.ones((2, 4)), p=0.2, training=True, rng=np.random.default_rng(0))
    >>> out.tolist()
    [[1.25, 1.25, 0.0, 0.0], [1.25, 1.25, 1.25, 1.25]]
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must be a probability in [0, 1], got {p!r}")
    if not training:
        return x, None
    if rng is None:
        raise ValueError("rng must be a random generator in training, got None")
    xp = namespace(x)
    kept = xp.asarray(rng.random(tuple(x.shape)) >= p, device=device(x))
    mask = xp.astype(kept, x.dtype) * (1 / (1 - p) if p < 1 else 0.0)
    return x * mask, mask


def dropout_backward(dout: Array, cache: Array | None) -> Array:
    """Let the gradient through where the forward pass let the unit through, scaled alike.

    ``dout`` and the result have the shape of x; ``cache`` is the mask, None where nothing was dropped.
    Raises a ValueError if ``dout`` has another shape than the mask.

    Examples
    --------
    >>> import numpy as np
    >>> dropout_backward(np.array([3.0, 3.0]), np.array([0.0, 2.0])).tolist()
    [0.0, 6.0]
    """
    if cache is None:
        return dout
    if dout.shape != cache.shape:
        raise ValueError(f"dout must have the shape of the output, {tuple(cache.shape)}, got {tuple(dout.shape)}")
    return dout * cache


def _check_strength(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} must be a finite number that is not negative, got {value!r}")


def l2_penalty(w: Array, *, strength: float) -> tuple[Array, Array]:
    """Return the ridge penalty of a weight array and its gradient.

    Parameters
    ----------
    w : any shape
    strength : λ

    Returns
    -------
    value : ``λ Σ w²``
    gradient : ``2 λ w``, like w

    Raises
    ------
    ValueError
        If ``strength`` is negative or not finite.

    Notes
    -----
    Source: NYU, ``R = ‖w‖²`` and ``L + λ R``, without the ½ that others put before it. PyTorch's ``weight_decay``
    adds ``weight_decay * w`` to the gradient: it is ``2 λ``.

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = l2_penalty(np.array([3.0, -4.0]), strength=0.5)
    >>> float(value), gradient.tolist()
    (12.5, [3.0, -4.0])
    """
    _check_strength("strength", strength)
    return strength * namespace(w).sum(w * w), (2 * strength) * w


def l1_penalty(w: Array, *, strength: float) -> tuple[Array, Array]:
    """Return the penalty that prefers sparse weights, and its gradient.

    Parameters
    ----------
    w : any shape
    strength : λ

    Returns
    -------
    value : ``λ Σ |w|``
    gradient : ``λ sign(w)``, like w; 0 at 0, where every number from -λ to λ is a subgradient

    Raises
    ------
    ValueError
        If ``strength`` is negative or not finite.

    Notes
    -----
    Sources: NYU ("prefer sparse set of weights"), BZU.

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = l1_penalty(np.array([3.0, -4.0, 0.0]), strength=0.5)
    >>> float(value), gradient.tolist()
    (3.5, [0.5, -0.5, 0.0])
    """
    _check_strength("strength", strength)
    xp = namespace(w)
    return strength * xp.sum(xp.abs(w)), strength * xp.sign(w)


def elastic_penalty(w: Array, *, l1_strength: float, l2_strength: float) -> tuple[Array, Array]:
    """Return the sum of both penalties, ``λ₁ Σ |w| + λ₂ Σ w²``, and of both gradients (NYU's "L1-L2").

    Raises a ValueError if a strength is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> value, gradient = elastic_penalty(np.array([3.0, -4.0]), l1_strength=1.0, l2_strength=0.5)
    >>> float(value), gradient.tolist()
    (19.5, [4.0, -5.0])
    """
    _check_strength("l1_strength", l1_strength)
    _check_strength("l2_strength", l2_strength)
    l1, l2 = l1_penalty(w, strength=l1_strength), l2_penalty(w, strength=l2_strength)
    return l1[0] + l2[0], l1[1] + l2[1]


def max_norm(w: Array, *, limit: float) -> Array:
    """Shrink the weights of every output unit whose norm exceeds the limit, to exactly the limit.

    Parameters
    ----------
    w : (out, in) or (out, in / groups, KH, KW)
    limit : largest Euclidean norm of the weights that lead to one output

    Returns
    -------
    A new array like w. Units within the limit keep their weights; directions never change.

    Raises
    ------
    ValueError
        If ``w`` has fewer than two axes or ``limit`` is not positive.

    Notes
    -----
    Applied after an optimizer's step. Source: NYU ("norm constraint"). PyTorch: ``torch.renorm(w, 2, 0, limit)``.

    Examples
    --------
    >>> import numpy as np
    >>> max_norm(np.array([[3.0, 4.0], [0.3, 0.4]]), limit=1.0).round(3).tolist()
    [[0.6, 0.8], [0.3, 0.4]]
    """
    if getattr(w, "ndim", 0) < 2:
        raise ValueError(f"w must have the shape (out, in, ...), got {getattr(w, 'shape', type(w).__name__)}")
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit!r}")
    xp = namespace(w)
    norms = xp.sqrt(xp.sum(w * w, axis=tuple(range(1, w.ndim)), keepdims=True))
    return w * (limit / xp.maximum(norms, xp.full_like(norms, limit)))


class EarlyStopping:
    """Watches the validation loss and keeps the best weights seen.

    Parameters
    ----------
    patience : epochs in a row without progress after which to stop, at least 1
    min_delta : how far the loss must fall below the best one to count as progress, not negative

    Attributes
    ----------
    best_loss : the loss of the last epoch that made progress; inf before the first
    best_weights : a copy of that epoch's weights; None before the first

    Raises
    ------
    ValueError
        If ``patience`` is below 1 or ``min_delta`` negative.

    Notes
    -----
    Source: BZU ("patience is defined as the number of epochs to wait before early stop if no progress on the
    validation set").

    Examples
    --------
    >>> stopping = EarlyStopping(patience=2)
    >>> [stopping.update(loss, [epoch]) for epoch, loss in enumerate([3.0, 1.0, 2.0, 1.0])]
    [False, False, False, True]
    >>> stopping.best_loss, stopping.best_weights
    (1.0, [1])
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience!r}")
        if not min_delta >= 0:
            raise ValueError(f"min_delta must not be negative, got {min_delta!r}")
        self.patience = patience
        self.min_delta = min_delta
        self.best_loss = math.inf
        self.best_weights: Any = None
        self._epochs_without_progress = 0

    def update(self, loss: float, weights: Any) -> bool:
        """Record one epoch's validation loss and weights; return whether to stop now.

        ``weights`` may be an array or any nest of lists and dicts of arrays: it is copied, since training goes on to
        change it. A loss that is not a number is no progress.
        """
        if loss < self.best_loss - self.min_delta:
            self.best_loss = float(loss)
            self.best_weights = copy.deepcopy(weights)
            self._epochs_without_progress = 0
        else:
            self._epochs_without_progress += 1
        return self._epochs_without_progress >= self.patience
