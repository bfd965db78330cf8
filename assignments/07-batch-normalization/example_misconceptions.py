"""What goes wrong in layer and group norm, which normalise each example alone. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import layer_normalization as reference

Function = Callable[..., Any]


def _by(x: Any, axes: tuple[int, ...] | None, eps: float, *, ddof: int = 0) -> Any:
    centred = x - x.mean(axis=axes, keepdims=True)
    return centred / np.sqrt(x.var(axis=axes, keepdims=True, ddof=ddof) + eps)


def _within(x: Any, gamma: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim - gamma.ndim, x.ndim))


def _means(g: Any, z: Any, axes: tuple[int, ...]) -> Any:
    return g - g.mean(axis=axes, keepdims=True), z * (g * z).mean(axis=axes, keepdims=True)


_ALONE = "Does one example's output change when you change another example?"
_UNUSED = "Which argument is unused?"
_SHAPE = "What shape is gamma?"
_EPS = "eps added to the deviation, outside of the root"


def _layer(name: str, hint: str, normalise: Function) -> Misconception:
    """``normalise(x, axes, eps)`` with the axes that belong to gamma."""

    def layer_norm_forward(x: Any, gamma: Any, beta: Any, *, eps: float = 1e-5) -> Any:
        _, cache = reference.layer_norm_forward(x, gamma, beta, eps=eps)
        return normalise(x, _within(x, gamma), eps) * gamma + beta, cache

    return Misconception(name, {"layer_norm_forward": layer_norm_forward}, hint)


def _layer_out(name: str, hint: str, out: Function) -> Misconception:
    """``out(normalized, gamma, beta)``."""

    def layer_norm_forward(x: Any, gamma: Any, beta: Any, *, eps: float = 1e-5) -> Any:
        _, cache = reference.layer_norm_forward(x, gamma, beta, eps=eps)
        return out(_by(x, _within(x, gamma), eps), gamma, beta), cache

    return Misconception(name, {"layer_norm_forward": layer_norm_forward}, hint)


def _layer_dx(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(dout, gamma, normalized, inverse_std, axes)``."""

    def layer_norm_backward(dout: Any, cache: Any) -> Any:
        z, s, gamma = cache
        _, *others = reference.layer_norm_backward(dout, cache)
        return wrong(dout, gamma, z, s, _within(dout, gamma)), *others

    return Misconception(name, {"layer_norm_backward": layer_norm_backward}, hint)


def _layer_parameters(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(dout, normalized, gamma)`` returns (dgamma, dbeta)."""

    def layer_norm_backward(dout: Any, cache: Any) -> Any:
        dx, *_ = reference.layer_norm_backward(dout, cache)
        return dx, *wrong(dout, cache[0], cache[2])

    return Misconception(name, {"layer_norm_backward": layer_norm_backward}, hint)


def _gamma_outside(dout: Any, gamma: Any, z: Any, s: Any, axes: tuple[int, ...]) -> Any:
    mean_out, variance = _means(dout, z, axes)
    return gamma * s * (mean_out - variance)


def _summed(array: Any, gamma: Any) -> Any:
    return array.sum(axis=tuple(range(array.ndim - gamma.ndim)))


LAYER_NORM = (
    _layer("normalised-over-the-batch", _ALONE, lambda x, axes, eps: _by(x, (0,), eps)),
    _layer("one-mean-for-all", _ALONE, lambda x, axes, eps: _by(x, None, eps)),
    _layer(
        "last-axis-alone",
        "With a gamma for each entry of an image, over which axes is the mean?",
        lambda x, axes, eps: _by(x, (-1,), eps),
    ),
    _layer(
        "all-but-the-batch",
        "With one gamma for each of D features, over which axes is the mean?",
        lambda x, axes, eps: _by(x, tuple(range(1, x.ndim)), eps),
    ),
    _layer(
        "normalises-with-the-unbiased-variance",
        "Divided by D or by D - 1: which variance makes the spread 1?",
        lambda x, axes, eps: _by(x, axes, eps, ddof=1),
    ),
    _layer(
        "divides-by-the-variance",
        "Which units does a variance have?",
        lambda x, axes, eps: (x - x.mean(axis=axes, keepdims=True)) / (x.var(axis=axes, keepdims=True) + eps),
    ),
    _layer("eps-hard-coded", _UNUSED, lambda x, axes, eps: _by(x, axes, 1e-5)),
    _layer_out("gamma-forgotten", _UNUSED, lambda z, gamma, beta: z + beta),
    _layer_out("beta-forgotten", _UNUSED, lambda z, gamma, beta: z * gamma),
    _layer_dx(
        "gamma-outside-the-means",
        "Does gamma differ among the entries that share a mean?",
        _gamma_outside,
    ),
    _layer_dx(
        "statistics-as-constants",
        "Do the mean and the variance depend on x?",
        lambda dout, gamma, z, s, axes: dout * gamma * s,
    ),
    _layer_dx(
        "no-variance-path",
        "Which branch is missing?",
        lambda dout, gamma, z, s, axes: s * _means(dout * gamma, z, axes)[0],
    ),
    _layer_dx(
        "no-mean-path",
        "Which branch is missing?",
        lambda dout, gamma, z, s, axes: s * (dout * gamma - _means(dout * gamma, z, axes)[1]),
    ),
    _layer_dx(
        "gamma-missing-in-dx",
        "What becomes of dx when gamma doubles?",
        lambda dout, gamma, z, s, axes: s * (_means(dout, z, axes)[0] - _means(dout, z, axes)[1]),
    ),
    _layer_parameters("parameters-not-summed", _SHAPE, lambda dout, z, gamma: (dout * z, dout)),
    _layer_parameters(
        "summed-over-the-batch-alone", _SHAPE, lambda dout, z, gamma: ((dout * z).sum(axis=0), dout.sum(axis=0))
    ),
    _layer_parameters(
        "parameters-averaged",
        "Sum or mean over the uses of gamma and beta?",
        lambda dout, z, gamma: tuple(_summed(v, gamma) * gamma.size / dout.size for v in (dout * z, dout)),
    ),
    _layer_parameters(
        "dgamma-without-the-normalised-x",
        "With what was gamma multiplied?",
        lambda dout, z, gamma: (_summed(dout, gamma), _summed(dout, gamma)),
    ),
)


def _split(x: Any, groups: int) -> Any:
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:])


def _along(vector: Any) -> Any:
    return vector[:, None, None]


def _group(name: str, hint: str, normalise: Function) -> Misconception:
    """``normalise(x, num_groups, eps)``."""

    def group_norm_forward(x: Any, gamma: Any, beta: Any, *, num_groups: int, eps: float = 1e-5) -> Any:
        _, cache = reference.group_norm_forward(x, gamma, beta, num_groups=num_groups, eps=eps)
        return normalise(x, num_groups, eps) * _along(gamma) + _along(beta), cache

    return Misconception(name, {"group_norm_forward": group_norm_forward}, hint)


def _group_dx(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(dout, gamma, normalized, inverse_std)``, the last two with a group axis."""

    def group_norm_backward(dout: Any, cache: Any) -> Any:
        z, s, gamma = cache
        _, *others = reference.group_norm_backward(dout, cache)
        return wrong(dout, _along(gamma), z, s).reshape(dout.shape), *others

    return Misconception(name, {"group_norm_backward": group_norm_backward}, hint)


def _group_parameters(name: str, hint: str, wrong: Function) -> Misconception:
    def group_norm_backward(dout: Any, cache: Any) -> Any:
        dx, *_ = reference.group_norm_backward(dout, cache)
        return dx, *wrong(dout, cache[0].reshape(dout.shape))

    return Misconception(name, {"group_norm_backward": group_norm_backward}, hint)


def _grouped(axes: tuple[int, ...], *, ddof: int = 0) -> Function:
    return lambda x, groups, eps: _by(_split(x, groups), axes, eps, ddof=ddof).reshape(x.shape)


def _dealt(x: Any, groups: int, eps: float) -> Any:
    split = x.reshape(x.shape[0], -1, groups, *x.shape[2:])
    return _by(split, (1, 3, 4), eps).reshape(x.shape)


_ALL = (2, 3, 4)

GROUP_NORM = (
    _group("groups-ignored", _UNUSED, lambda x, groups, eps: _by(x, (1, 2, 3), eps)),
    _group(
        "each-channel-alone",
        "How many channels does a group of 6 / 2 have?",
        lambda x, groups, eps: _by(x, (2, 3), eps),
    ),
    _group(
        "number-taken-for-size",
        "Six channels, num_groups=2: how many channels are in a group?",
        lambda x, groups, eps: _grouped(_ALL)(x, x.shape[1] // groups, eps),
    ),
    _group("channels-dealt-out", "With two groups of six channels, which ones are in the first?", _dealt),
    _group("normalised-over-the-batch", _ALONE, _grouped((0, 2, 3, 4))),
    _group("pixels-normalised-apart", "Over how many values is a group's mean?", _grouped((2,))),
    _group(
        "normalises-with-the-unbiased-variance",
        "Which of the two variances makes the spread of the group itself 1?",
        _grouped(_ALL, ddof=1),
    ),
    _group("eps-hard-coded", _UNUSED, lambda x, groups, eps: _grouped(_ALL)(x, groups, 1e-5)),
    _group_dx(
        "gamma-outside-the-means",
        "Does gamma differ among the channels that share a mean?",
        lambda dout, gamma, z, s: gamma * _whole(dout, z, s).reshape(dout.shape),
    ),
    _group_dx(
        "statistics-as-constants",
        "Do the mean and the variance depend on x?",
        lambda dout, gamma, z, s: (dout * gamma).reshape(z.shape) * s,
    ),
    _group_dx(
        "no-variance-path",
        "Which branch is missing?",
        lambda dout, gamma, z, s: s * _means((dout * gamma).reshape(z.shape), z, _ALL)[0],
    ),
    _group_dx(
        "no-mean-path",
        "Which branch is missing?",
        lambda dout, gamma, z, s: (
            s * ((dout * gamma).reshape(z.shape) - _means((dout * gamma).reshape(z.shape), z, _ALL)[1])
        ),
    ),
    _group_dx(
        "gamma-missing-in-dx", "What becomes of dx when gamma doubles?", lambda dout, gamma, z, s: _whole(dout, z, s)
    ),
    _group_parameters(
        "summed-over-the-batch-alone", _SHAPE, lambda dout, z: ((dout * z).sum(axis=0), dout.sum(axis=0))
    ),
    _group_parameters(
        "parameters-averaged",
        "Sum or mean over the uses of gamma and beta?",
        lambda dout, z: ((dout * z).mean(axis=(0, 2, 3)), dout.mean(axis=(0, 2, 3))),
    ),
    _group_parameters(
        "dgamma-without-the-normalised-x",
        "With what was gamma multiplied?",
        lambda dout, z: (dout.sum(axis=(0, 2, 3)), dout.sum(axis=(0, 2, 3))),
    ),
)


def _whole(dout: Any, z: Any, s: Any) -> Any:
    centred, variance = _means(dout.reshape(z.shape), z, _ALL)
    return s * (centred - variance)
