"""What goes wrong in pooling: wrong variants of the reference, each with a teacher's question.

Each variant is wrong in one way and right in all others: a wrong forward returns the right cache, a wrong backward
takes it. Knows no case and no points. What goes wrong on the way back is in backward_misconceptions.py.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import pooling as reference

from .backward_misconceptions import AVG_BACKWARD, GLOBAL_BACKWARD, MAX_BACKWARD
from .windows import Settings, pair, settings, view

__all__ = ["AVG_POOL", "GLOBAL_AVG_POOL", "MAX_POOL", "MEDIAN_POOL"]

Function = Callable[..., Any]


def _forward(kind: str, name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(right, x, kernel_size, stride, padding)`` returns what comes out."""
    function = f"{kind}_pool2d_forward"
    forward = getattr(reference, function)

    def pool(x: Any, kernel_size: Any, *, stride: Any = None, padding: Any = 0) -> Any:
        out, cache = forward(x, kernel_size, stride=stride, padding=padding)
        return wrong(out, x, kernel_size, stride, padding), cache

    return Misconception(name, {function: pool}, hint, convention)


_REDUCE: dict[str, Function] = {"max": np.nanmax, "avg": np.mean, "median": np.nanmedian}


def _pool(kind: str, x: Any, s: Settings, *, more: tuple[int, int] = (0, 0), fill: float = np.nan) -> Any:
    fill = 0.0 if kind == "avg" else fill
    return _REDUCE[kind](view(x, s, fill=fill, more=more), axis=(-2, -1))


def _exchanged(value: tuple[int, int]) -> tuple[int, int]:
    return value[1], value[0]


def _shared(kind: str) -> tuple[Misconception, ...]:
    """Mistakes of windows, the same for every kind of pooling."""

    def asked(change: Function) -> Function:
        """The right pooling with other settings."""
        return lambda right, x, k, s, p: _pool(kind, x, change(settings(k, s, p)))

    def ignored(right: Any, x: Any, k: Any, s: Any, p: Any) -> Any:
        return _pool(kind, x, settings(k, None, p))

    def one_by_default(right: Any, x: Any, k: Any, s: Any, p: Any) -> Any:
        return _pool(kind, x, settings(k, 1 if s is None else s, p))

    def in_the_window(right: Any, x: Any, k: Any, s: Any, p: Any) -> Any:
        every = _pool(kind, x, replace(settings(k, s, p), stride=(1, 1)))
        return every[:, :, : right.shape[2], : right.shape[3]]

    def rounded_up(right: Any, x: Any, k: Any, s: Any, p: Any) -> Any:
        chosen, more = settings(k, s, p), [0, 0]
        for axis in range(2):
            size, stride, pad = x.shape[2 + axis], chosen.stride[axis], chosen.padding[axis]
            rest = (size + 2 * pad - chosen.kernel[axis]) % stride
            last = size + 2 * pad - chosen.kernel[axis] - rest + stride
            # A window that would begin beyond the image is left out.
            more[axis] = stride - rest if rest and last < size + pad else 0
        if kind != "avg":
            return _pool(kind, x, chosen, more=(more[0], more[1]))
        # Only what lies on the padded image is divided by.
        sums, ones = (view(a, chosen, fill=f, more=(0, 0)) for a, f in ((x, 0.0), (np.ones_like(x), 1.0)))
        if any(more):
            ph, pw = chosen.padding
            flat = replace(chosen, padding=(0, 0))
            padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
            sums = view(padded, flat, fill=0.0, more=(more[0], more[1]))
            ones = view(np.ones_like(padded), flat, fill=0.0, more=(more[0], more[1]))
        return sums.sum(axis=(-2, -1)) / ones.sum(axis=(-2, -1))

    def one_side(right: Any, x: Any, k: Any, s: Any, p: Any) -> Any:
        ph, pw = pair(p)
        fill = 0.0 if kind == "avg" else np.nan
        padded = np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0)), constant_values=fill)
        return _pool(kind, padded, settings(k, s))

    window = "Trace the second window: at which pixel does it start?"
    unused = "Which argument is unused?"
    order = "In a pair, which number belongs to the rows? Try an image of 5 × 7."
    table: list[tuple[Any, ...]] = [
        ("stride-ignored", unused, ignored),
        ("stride-1-by-default", "Where does the second window start when no stride is named?", one_by_default),
        ("stride-forgotten-in-the-window", window, in_the_window),
        ("stride-exchanged", order, asked(lambda s: replace(s, stride=_exchanged(s.stride)))),
        ("padding-ignored", unused, asked(lambda s: replace(s, padding=(0, 0)))),
        ("padding-exchanged", order, asked(lambda s: replace(s, padding=_exchanged(s.padding)))),
        ("padding-on-one-side", "How many borders does an image have in each direction?", one_side),
        (
            "pairs-exchanged",
            order,
            asked(lambda s: Settings(_exchanged(s.kernel), _exchanged(s.stride), _exchanged(s.padding))),
        ),
        (
            "height-for-both",
            "Is every window a square?",
            asked(lambda s: Settings((s.kernel[0],) * 2, (s.stride[0],) * 2, (s.padding[0],) * 2)),
        ),
        (
            "rest-gets-a-window",
            "Does a window that hangs over the edge count?",
            rounded_up,
            "the option ceil_mode of PyTorch, which Caffe always uses",
        ),
        ("one-place-short", "Which is the last place where a window fits?", lambda right, *a: right[:, :, :-1, :-1]),
        ("output-transposed", "Which axis of the output holds the rows?", lambda right, *a: right.swapaxes(2, 3)),
        (
            "channels-last",
            "On which axis do the channels lie here?",
            lambda right, *a: right.transpose(0, 2, 3, 1),
            "the layout NHWC of TensorFlow",
        ),
        (
            "first-image-only",
            "Feed two different images: do their answers differ?",
            lambda right, *a: right[:1].repeat(len(right), 0),
        ),
    ]
    return tuple(_forward(kind, *row) for row in table)


def _of(kind: str, change: Function, *, fill: float = np.nan) -> Function:
    """Another reduction of the right windows, (..., KH, KW) to a number."""
    return lambda right, x, k, s, p: change(view(x, settings(k, s, p), fill=fill))


def _over_channels(reduce: Function) -> Function:
    return lambda right, *a: np.broadcast_to(reduce(right, axis=1, keepdims=True), right.shape).copy()


def _flat(windows: Any) -> Any:
    return windows.reshape(*windows.shape[:-2], -1)


def _of_medians(windows: Any) -> Any:
    return np.nanmedian(np.nanmedian(windows, axis=-1), axis=-1)


def _middle(offset: int) -> Function:
    def take(windows: Any) -> Any:
        values = np.sort(_flat(windows), axis=-1)  # nan comes last
        count = np.sum(~np.isnan(values), axis=-1, keepdims=True)
        return np.take_along_axis(values, (count - 1 + offset) // 2, axis=-1)[..., 0]

    return take


_CHANNELS = "Are channels independent? Pool an image with one bright channel."
_AXES = (-2, -1)

MAX_POOL = (
    *_shared("max"),
    _forward(
        "max",
        "padding-with-zeros",
        "Can a pixel that is not there be the largest? Try an image of negative numbers.",
        _of("max", lambda v: v.max(axis=_AXES), fill=0.0),
    ),
    _forward(
        "max",
        "negatives-become-zero",
        "With which number does your search for the largest begin?",
        lambda right, *a: np.maximum(right, 0),
    ),
    _forward("max", "max-over-channels", _CHANNELS, _over_channels(np.max)),
    _forward(
        "max", "largest-without-sign", "Which is larger, -9 or 2?", _of("max", lambda v: np.nanmax(abs(v), axis=_AXES))
    ),
    _forward("max", "smallest", "Largest or smallest?", _of("max", lambda v: np.nanmin(v, axis=_AXES))),
    _forward("max", "mean-instead", "One pixel or all of them?", _of("max", lambda v: np.nanmean(v, axis=_AXES))),
    _forward(
        "max",
        "first-row-of-the-window",
        "Over how many axes of a window do you search?",
        _of("max", lambda v: np.where(np.isnan(m := v[..., 0, :]).all(-1), -np.inf, np.nanmax(m, axis=-1))),
    ),
    *MAX_BACKWARD,
)

AVG_POOL = (
    *_shared("avg"),
    _forward(
        "avg",
        "sum-instead",
        "Pool an image of ones: what should come out?",
        _of("avg", lambda v: v.sum(axis=_AXES), fill=0.0),
    ),
    _forward(
        "avg",
        "divided-by-the-height",
        "How many pixels does a window hold?",
        _of("avg", lambda v: v.sum(axis=_AXES) / v.shape[-2], fill=0.0),
    ),
    _forward(
        "avg",
        "divided-by-the-width",
        "How many pixels does a window of 3 × 2 hold?",
        _of("avg", lambda v: v.sum(axis=_AXES) / v.shape[-1], fill=0.0),
    ),
    _forward("avg", "channels-averaged", "Which axes are averaged?", _over_channels(np.mean)),
    _forward("avg", "max-instead", "One pixel or all of them?", _of("avg", lambda v: v.max(axis=_AXES), fill=0.0)),
    _forward(
        "avg",
        "padding-not-counted",
        "Do the zeros of the padding count as pixels here?",
        _of("avg", lambda v: np.nanmean(v, axis=_AXES)),
        "the option count_include_pad=False of PyTorch, as TensorFlow averages at a border",
    ),
    *AVG_BACKWARD,
)


def _global(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    def global_avg_pool2d_forward(x: Any) -> Any:
        return wrong(x), reference.global_avg_pool2d_forward(x)[1]

    return Misconception(name, {"global_avg_pool2d_forward": global_avg_pool2d_forward}, hint, convention)


_WHICH = "Which axes of (N, C, H, W) go away?"
GLOBAL_AVG_POOL = (
    _global(
        "axes-kept",
        "How many axes does the answer have?",
        lambda x: x.mean(axis=(2, 3), keepdims=True),
        "the layer AdaptiveAvgPool2d(1) of PyTorch, which keeps two axes of one",
    ),
    _global("sum-instead", "Pool an image of ones: what should come out?", lambda x: x.sum(axis=(2, 3))),
    _global("largest-instead", "One pixel or all of them?", lambda x: x.max(axis=(2, 3))),
    _global("rows-alone", _WHICH, lambda x: x.mean(axis=2)),
    _global("columns-alone", _WHICH, lambda x: x.mean(axis=3)),
    _global("channels-averaged-too", "How many numbers does each image keep?", lambda x: x.mean(axis=(1, 2, 3))),
    _global("over-the-batch", _WHICH, lambda x: x.mean(axis=(0, 1))),
    _global("channels-last", _WHICH, lambda x: x.mean(axis=(1, 2)), "the layout NHWC of TensorFlow"),
    _global("divided-by-the-height", "How many pixels does a map hold?", lambda x: x.sum(axis=(2, 3)) / x.shape[2]),
    _global(
        "divided-by-everything",
        "How many pixels does one map hold?",
        lambda x: x.sum(axis=(2, 3)) / (x.shape[1] * x.shape[2] * x.shape[3]),
    ),
    *GLOBAL_BACKWARD,
)

MEDIAN_POOL = (
    *_shared("median"),
    _forward(
        "median",
        "padding-with-zeros",
        "Are the pixels of the padding on the image? Try an image of negative numbers.",
        _of("median", lambda v: np.median(v, axis=_AXES), fill=0.0),
    ),
    _forward("median", "mean-instead", "Sorted or added?", _of("median", lambda v: np.nanmean(v, axis=_AXES))),
    _forward("median", "largest-instead", "The middle or the end?", _of("median", lambda v: np.nanmax(v, axis=_AXES))),
    _forward(
        "median",
        "lower-of-two",
        "Four numbers: which is the middle one?",
        _of("median", _middle(0)),
        "the function torch.median, which takes the lower of two",
    ),
    _forward("median", "upper-of-two", "Four numbers: which is the middle one?", _of("median", _middle(1))),
    _forward(
        "median",
        "not-sorted",
        "In which order are the numbers of a window when you take the middle one?",
        _of(
            "median",
            lambda v: (_flat(v)[..., (v[0, 0, 0, 0].size - 1) // 2] + _flat(v)[..., v[0, 0, 0, 0].size // 2]) / 2,
        ),
    ),
    _forward(
        "median", "median-of-medians", "Is the median of the rows' medians the median?", _of("median", _of_medians)
    ),
    _forward("median", "median-over-channels", _CHANNELS, _over_channels(np.median)),
)
