"""What goes wrong in batch norm of feature maps beyond what goes wrong of vectors. Knows no case and no points."""

from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import batch_normalization as reference

from .steps import Batch, BatchNorm

_LAYER = BatchNorm(reference, "batch_norm2d")
_HOW_MANY = "How many gammas per channel? Then how many means?"


def _in_training(out: Any, axes: tuple[int, ...]) -> Any:
    return lambda b: b.scaled(out(b, axes) if b.training else b.by(*b.own))


def _over(b: Batch, axes: tuple[int, ...]) -> Any:
    return b.over(axes)


def _updated(wrong: Any) -> Any:
    return lambda b: wrong(b) if b.training else (b.running_mean, b.running_var)


def _for_each_pixel(b: Batch) -> Any:
    return b.mixed(b.x.mean(axis=0), b.x.var(axis=0))


def _images_counted(b: Batch) -> Any:
    n = b.x.shape[0]
    return b.mixed(b.mean, b.var * n / (n - 1))


def _mean_of_variances(b: Batch) -> Any:
    return b.x.var(axis=(2, 3)).mean(axis=0)


def _rows_of_channels(x: Any) -> Any:
    return x.reshape(-1, x.shape[1])


def _reshaped_forward(x: Any, *others: Any, **options: Any) -> Any:
    out, cache, *kept = reference.batch_norm_forward(_rows_of_channels(x), *others, **options)
    return out.reshape(x.shape), cache, *kept


def _reshaped_backward(dout: Any, cache: Any) -> Any:
    dx, *others = reference.batch_norm_backward(_rows_of_channels(dout), cache)
    return dx.reshape(dout.shape), *others


def _over_images(g: Any, z: Any, s: Any, axes: tuple[int, ...]) -> Any:
    return s * (g - g.mean(axis=0, keepdims=True) - z * (g * z).mean(axis=0, keepdims=True))


def _divided_by_images(g: Any, z: Any, s: Any, axes: tuple[int, ...]) -> Any:
    n = g.shape[0]
    return s * (g - g.sum(axis=axes, keepdims=True) / n - z * (g * z).sum(axis=axes, keepdims=True) / n)


def _right_shape(function: Any) -> Any:
    """Keep the right values as far as the shape allows: what is summed over the images alone."""
    return lambda right, dout, cache: (right[0], *(v.sum(axis=function) for v in (dout * cache[0], dout)))


MAPS = (
    _LAYER.forward("pixels-normalised-apart", _HOW_MANY, _in_training(_over, (0,))),
    _LAYER.forward("averages-for-each-pixel", _HOW_MANY, _in_training(_over, (0,)), _updated(_for_each_pixel)),
    _LAYER.forward(
        "each-image-alone",
        "Does one image's mean depend on the other images of the batch?",
        _in_training(_over, (2, 3)),
    ),
    _LAYER.forward(
        "each-example-normalised", "Per channel or per example? Whose mean is taken?", _in_training(_over, (1, 2, 3))
    ),
    _LAYER.forward(
        "variance-averaged-over-images",
        "Two images, one dark and one bright, each of one colour: what is the variance?",
        _in_training(lambda b, _: b.by(b.mean, _mean_of_variances(b)), ()),
    ),
    _LAYER.forward(
        "images-counted-for-pixels",
        "How many values does the mean of one channel have?",
        None,
        _updated(_images_counted),
    ),
    Misconception(
        "channels-mixed-by-reshape",
        {"batch_norm2d_forward": _reshaped_forward, "batch_norm2d_backward": _reshaped_backward},
        "Reshape does not move a number: which pixels stand in your first column?",
    ),
    _LAYER.dx("dx-averaged-over-images-alone", "Over which axes was the mean taken on the way forward?", _over_images),
    _LAYER.dx("dx-divided-by-images-alone", "How many values does the mean of one channel have?", _divided_by_images),
    _LAYER.backward("parameters-for-each-pixel", "What shape is gamma?", _right_shape(0)),
    _LAYER.backward("parameters-for-each-image", "What shape is gamma?", _right_shape((2, 3))),
    _LAYER.backward(
        "dout-reshaped-without-moving-channels",
        "Reshape does not move a number: which pixels stand in your first column?",
        lambda right, dout, cache: (right[0], *_mixed_parameters(dout, cache[0])),
    ),
)


def _mixed_parameters(dout: Any, normalized: Any) -> tuple[Any, Any]:
    rows, z = _rows_of_channels(dout), _rows_of_channels(np.asarray(normalized))
    return (rows * z).sum(axis=0), rows.sum(axis=0)
