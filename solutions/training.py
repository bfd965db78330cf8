"""Train a network: minibatches, schedule, dropout, batch normalisation, early stopping with the best weights kept.

``python -m solutions.training`` trains on scikit-learn's digits and draws what was learned (training_cli.py). The
loop itself knows no file, no picture and no progress bar: it calls back after every epoch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from solutions.arrays import Array, count, namespace
from solutions.data import minibatches
from solutions.losses import cross_entropy_loss
from solutions.networks import Network
from solutions.optimizers import adamw_step, cosine_decay
from solutions.regularization import EarlyStopping

Step: TypeAlias = Callable[..., tuple[Array, Any]]
Augmentation: TypeAlias = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Epoch:
    """What one pass over the training set gave; its training figures were taken while the weights changed."""

    number: int
    lr: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class History:
    """Every epoch, the number of the one whose weights were kept (0: none), and what ended it.

    ``ended`` is ``epochs`` (all done), ``early`` (no progress) or ``interrupted``.
    """

    epochs: tuple[Epoch, ...]
    best: int
    ended: str


def train(
    network: Network,
    x: Array,
    labels: Array,
    x_validation: Array,
    labels_validation: Array,
    *,
    rng: np.random.Generator,
    epochs: int = 30,
    batch_size: int = 32,
    lr: float = 3e-3,
    schedule: Callable[[float, int], float] | None = None,
    step: Step = adamw_step,
    patience: int = 10,
    augment: Augmentation | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> History:
    r"""Fit the network to labelled images and leave it with the weights of its best epoch.

    An epoch goes once through all examples in a new order; a last batch that is not full is left for another epoch.
    Then the validation loss decides: the weights of the lowest are kept, and ``patience`` epochs in a row without a
    lower one end the training. A keyboard interrupt ends it too, and the best weights so far are kept.

    Parameters
    ----------
    network : changed in place
    x, x_validation : (N, \*network.input_shape), standardised, of the type of the network's parameters
    labels, labels_validation : (N,) integers, the class of each example
    rng : draws the order, the dropout and what ``augment`` draws: the same state trains the same network
    epochs, batch_size, patience : at least 1
    lr : the learning rate that ``schedule`` starts from
    schedule : (lr, epoch counted from 0) to that epoch's rate; None is a cosine to zero after two epochs of warm-up
    step : an optimizer of `solutions.optimizers`
    augment : changes a batch at random before it is learned
    on_epoch : called with each `Epoch` as it ends

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a setting is out of range or the arrays do not fit.

    Notes
    -----
    Sources: NYU (training, validation and testing), GT (schedules), BZU (minibatches, early stopping).

    Examples
    --------
    Two points on a line, told apart by one linear layer:

    >>> network = Network.create([{"kind": "linear", "out_features": 2}], (1,), rng=np.random.default_rng(0))
    >>> x, labels = np.array([[-1.0], [1.0]], dtype=np.float32), np.array([0, 1])
    >>> history = train(network, x, labels, x, labels, rng=np.random.default_rng(0), epochs=50, lr=0.1)
    >>> history.epochs[-1].validation_accuracy, history.best
    (1.0, 50)
    """
    epochs, batch_size = count(epochs, "epochs", minimum=1), count(batch_size, "batch_size", minimum=1)
    if x.shape[0] == 0:
        raise ValueError("x must hold at least one example")
    if schedule is None:
        schedule = partial(cosine_decay, total=epochs, warmup=min(2, epochs - 1))
    stopping = EarlyStopping(patience=patience)
    untrained = network.snapshot()
    states: dict[str, Any] = {}
    past: list[Epoch] = []
    ended = "epochs"
    try:
        for epoch in range(epochs):
            rate = schedule(lr, epoch)
            results = [
                _learn(network, images, classes, states, partial(step, lr=rate), rng, augment)
                for images, classes in minibatches(
                    x, labels, batch_size=batch_size, rng=rng, drop_last=x.shape[0] >= batch_size
                )
            ]
            train_loss, train_accuracy = (float(np.mean(column)) for column in zip(*results, strict=True))
            loss, accuracy = evaluate(network, x_validation, labels_validation)
            past.append(Epoch(epoch + 1, rate, train_loss, train_accuracy, loss, accuracy))
            stop = stopping.update(loss, network.arrays())
            if on_epoch is not None:
                on_epoch(past[-1])
            if stop:
                ended = "early"
                break
    except KeyboardInterrupt:
        ended = "interrupted"
    if stopping.best_weights is None:
        network.restore(untrained)
        return History(tuple(past), 0, ended)
    network.restore(stopping.best_weights)
    best = next(epoch.number for epoch in past if epoch.validation_loss == stopping.best_loss)
    return History(tuple(past), best, ended)


def evaluate(network: Network, x: Array, labels: Array) -> tuple[float, float]:
    """Return (mean cross-entropy, share of right answers) of the network outside training."""
    scores = predict(network, x)
    return float(cross_entropy_loss(scores, labels)[0]), _share_right(scores, labels)


def predict(network: Network, x: Array, *, batch_size: int = 256) -> Array:
    """Return the scores (N, classes) of the network outside training, computed a batch at a time."""
    if x.shape[0] == 0:
        raise ValueError("x must hold at least one example")
    n = x.shape[0]
    bounds = [(start, min(start + batch_size, n)) for start in range(0, n, batch_size)]
    return namespace(x).concat([network.forward(x[start:stop, ...]) for start, stop in bounds])


def _learn(
    network: Network,
    x: Array,
    labels: Array,
    states: dict[str, Any],
    step: Step,
    rng: np.random.Generator,
    augment: Augmentation | None,
) -> tuple[float, float]:
    """Take one step downhill on one batch; return its loss and share of right answers before the step."""
    scores = network.forward(x if augment is None else augment(x, rng), training=True, rng=rng)
    loss, dscores = cross_entropy_loss(scores, labels)
    network.backward(dscores)
    for name, gradient in network.gradients.items():
        network.parameters[name], states[name] = step(network.parameters[name], gradient, states.get(name))
    return float(loss), _share_right(scores, labels)


def _share_right(scores: Array, labels: Array) -> float:
    xp = namespace(scores)
    return float(xp.mean(xp.astype(xp.argmax(scores, axis=1) == labels, xp.float32)))


if __name__ == "__main__":
    import sys

    from solutions.training_cli import main

    sys.exit(main())
