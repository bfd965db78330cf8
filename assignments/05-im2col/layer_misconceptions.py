"""What goes wrong in the layer made of columns: wrong variants of the reference. Knows no case and no points.

A wrong forward returns the right cache and a wrong backward takes it: each variant is wrong in one way.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions.im2col import im2col

from . import layer
from .misconceptions import Settings, cropped, pair, scatter

Function = Callable[..., Any]


def _forward(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(right, x, w, b, options)`` returns what comes out."""

    def conv2d_forward(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        right, cache = layer.conv2d_forward(x, w, b, **options)
        return wrong(right, x, w, b, options), cache

    return Misconception(name, {"conv2d_forward": conv2d_forward}, hint, convention)


def _conv(x: Any, w: Any, b: Any, options: Mapping[str, Any]) -> Any:
    return layer.conv2d_forward(x, w, b, **options)[0]


def _without(setting: str, usual: int) -> Function:
    return lambda right, x, w, b, options: _conv(x, w, b, {**options, setting: usual})


def _biased(out: Any, b: Any) -> Any:
    return out if b is None else out + b[:, None, None]


def _kernel_scrambled(right: Any, x: Any, w: Any, b: Any, options: Mapping[str, Any]) -> Any:
    columns = im2col(x, w.shape[2:], **options)
    return _biased((w.reshape(-1, len(w)).T @ columns).reshape(right.shape), b)


def _output_scrambled(right: Any, x: Any, w: Any, b: Any, options: Mapping[str, Any]) -> Any:
    return right.transpose(0, 2, 3, 1).reshape(right.shape)


def _batch_scrambled(right: Any, x: Any, w: Any, b: Any, options: Mapping[str, Any]) -> Any:
    return right.swapaxes(0, 1).reshape(right.shape)


def _turned(w: Any) -> Any:
    return w[:, :, ::-1, ::-1]


def _true_forward(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    return layer.conv2d_forward(x, np.ascontiguousarray(_turned(w)), b, **options)


def _true_backward(dout: Any, cache: Any) -> Any:
    dx, dw, db = layer.conv2d_backward(dout, cache)
    return dx, _turned(dw), db


def _backward(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(dx, dw, db, dout, cache)`` returns the three gradients, of which it gets the right ones."""

    def conv2d_backward(dout: Any, cache: Any) -> Any:
        return wrong(*layer.conv2d_backward(dout, cache), dout, cache)

    return Misconception(name, {"conv2d_backward": conv2d_backward}, hint)


def _dcolumns(dout: Any, cache: Any, w: Any = None) -> tuple[Any, Any, Settings]:
    """Return the gradient of the columns, the size of the image and the settings."""
    x, kept, _, options, _ = cache
    w = kept if w is None else w
    s = Settings(w.shape[2:], *(pair(options[k]) for k in ("stride", "padding", "dilation")))
    return w.reshape(len(w), -1).T @ dout.reshape(*dout.shape[:2], -1), x.shape[2:], s


def _dx(make: Function) -> Function:
    return lambda dx, dw, db, dout, cache: (make(dout, cache), dw, db)


def _overwritten(how: str) -> Function:
    def make(dout: Any, cache: Any) -> Any:
        dcolumns, image, s = _dcolumns(dout, cache)
        return cropped(scatter(dcolumns, image, s, how=how), image, s)

    return _dx(make)


def _dx_of(change: Function) -> Function:
    def make(dout: Any, cache: Any) -> Any:
        dcolumns, image, s = _dcolumns(dout, cache, np.ascontiguousarray(change(cache[1])))
        return cropped(scatter(dcolumns, image, s), image, s)

    return _dx(make)


def _not_cropped(dout: Any, cache: Any) -> Any:
    return scatter(*_dcolumns(dout, cache))


def _dw(make: Function) -> Function:
    return lambda dx, dw, db, dout, cache: (dx, make(dw, dout, cache), db)


def _last_image(dw: Any, dout: Any, cache: Any) -> Any:
    x, w, _, options, _ = cache
    columns = im2col(x[-1:], w.shape[2:], **options)[0]
    return (dout[-1].reshape(len(w), -1) @ columns.T).reshape(w.shape)


def _db(make: Function) -> Function:
    return lambda dx, dw, db, dout, cache: (dx, dw, None if db is None else make(dout))


_USES = "How often is one bias used? What does each use contribute?"
_SHARED = "Can one pixel lie in several columns?"

CONV2D = (
    Misconception(
        "true-convolution",
        {"conv2d_forward": _true_forward, "conv2d_backward": _true_backward},
        "Does the layer turn its kernel?",
        "convolution with reversal, as signal processing defines it",
    ),
    _forward(
        "flipped-kernel",
        "Cross-correlation or convolution?",
        lambda right, x, w, b, options: _conv(x, np.ascontiguousarray(_turned(w)), b, options),
    ),
    _forward("kernels-scrambled", "Does each row of W hold one filter?", _kernel_scrambled),
    _forward("output-scrambled", "Before you reshape: on which axis lie the filters?", _output_scrambled),
    _forward("batch-scrambled", "Before you reshape: on which axis lie the images?", _batch_scrambled),
    _forward(
        "channels-last",
        "On which axis do the filters' answers lie here?",
        lambda right, *a: right.transpose(0, 2, 3, 1),
        "the layout NHWC of TensorFlow",
    ),
    _forward(
        "output-not-reshaped", "How many axes has an image?", lambda right, *a: right.reshape(*right.shape[:2], -1)
    ),
    _forward("stride-ignored", "Which argument is unused?", _without("stride", 1)),
    _forward("padding-ignored", "Which argument is unused?", _without("padding", 0)),
    _forward("dilation-ignored", "Which argument is unused?", _without("dilation", 1)),
    _forward("bias-forgotten", "Which argument is unused?", lambda right, x, w, b, options: _conv(x, w, None, options)),
    _forward(
        "first-image-only",
        "Feed two different images: do their answers differ?",
        lambda right, *a: right[:1].repeat(len(right), 0),
    ),
    _backward("dx-overwritten-by-taps", _SHARED, _overwritten("by taps")),
    _backward("dx-overwritten-by-windows", _SHARED, _overwritten("by windows")),
    _backward("dx-kernel-turned", "Which entry of W met this entry of the columns?", _dx_of(_turned)),
    _backward("dx-not-cropped", "What shape has x?", _dx(_not_cropped)),
    _backward(
        "dw-averaged-over-images",
        "Which average did the upstream gradient not know of yet?",
        _dw(lambda dw, dout, cache: dw / len(dout)),
    ),
    _backward("dw-from-the-last-image", "Does every image of the batch use the weights?", _dw(_last_image)),
    _backward("dw-not-reshaped", "What shape has w?", _dw(lambda dw, dout, cache: dw.reshape(len(dw), -1))),
    _backward(
        "dw-scrambled",
        "Does each row of dW belong to one filter?",
        _dw(lambda dw, dout, cache: dw.reshape(len(dw), -1).T.reshape(dw.shape)),
    ),
    _backward("db-averaged", _USES, _db(lambda dout: dout.mean(axis=(0, 2, 3)))),
    _backward("db-averaged-over-images", _USES, _db(lambda dout: dout.sum(axis=(2, 3)).mean(axis=0))),
    _backward("db-not-summed-over-images", "What shape has b?", _db(lambda dout: dout.sum(axis=(2, 3)))),
    _backward(
        "gradients-out-of-order",
        "In which order came the inputs?",
        lambda dx, dw, db, dout, cache: (dw, dx, db),
    ),
    _backward(
        "upstream-ignored",
        "Where does the upstream gradient enter?",
        lambda dx, dw, db, dout, cache: layer.conv2d_backward(np.ones_like(dout), cache),
    ),
)
