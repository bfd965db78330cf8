"""What goes wrong in the convolution layer, forward and backward. Knows no case and no points.

A wrong forward returns the right cache and a wrong backward takes it: each variant is wrong in one way.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import convolution as reference

Function = Callable[..., Any]


def _conv(x: Any, w: Any, b: Any, **options: Any) -> Any:
    return reference.conv2d_forward(x, w, b, **options)[0]


def _pair(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, Sequence) else (value, value)  # type: ignore[return-value]


def _like(out: Any, right: Any) -> Any:
    return out[:, :, : right.shape[2], : right.shape[3]]


def _forward(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(right, x, w, b, **options)`` returns what comes out; ``right`` is what should."""

    def conv2d_forward(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
        right, cache = reference.conv2d_forward(x, w, b, **options)
        return wrong(right, x, w, b, **options), cache

    return Misconception(name, {"conv2d_forward": conv2d_forward}, hint, convention)


def _changed(**settings: Function) -> Function:
    """The right forward with other settings: each is made of the pair that was asked for."""

    def wrong(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
        usual = {"stride": 1, "padding": 0, "dilation": 1}
        changed = {k: f(_pair(options.get(k, usual[k]))) for k, f in settings.items()}
        return _conv(x, w, b, **{**options, **changed})

    return wrong


def _cut(wrong: Function) -> Function:
    """The windows of another setting in an output of the right size."""
    return lambda right, *args, **options: _like(wrong(right, *args, **options), right)


def _on_padded(change: Function) -> Function:
    """The right convolution of a wrongly widened image: ``change(x, ph, pw, mode)``."""

    def wrong(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
        ph, pw = _pair(options.pop("padding", 0))
        padded = change(x, ph, pw, options.pop("padding_mode", "zeros"))
        return _conv(padded, w, b, **options)

    return wrong


def _one_border(x: Any, ph: int, pw: int, mode: str) -> Any:
    return reference.pad2d(x, (ph, pw), mode=mode)[:, :, : x.shape[2] + ph, : x.shape[3] + pw]


def _mirror_with_edge(x: Any, ph: int, pw: int, mode: str) -> Any:
    if mode != "reflect":
        return reference.pad2d(x, (ph, pw), mode=mode)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), mode="symmetric")


def _partial_windows(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    sh, sw = _pair(options.get("stride", 1))
    padded = reference.pad2d(x, options.pop("padding", 0), mode=options.pop("padding_mode", "zeros"))
    return _conv(np.pad(padded, ((0, 0), (0, 0), (0, sh - 1), (0, sw - 1))), w, b, **options)


def _padded_afterwards(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    padding, mode = options.pop("padding", 0), options.pop("padding_mode", "zeros")
    return reference.pad2d(_conv(x, w, b, **options), padding, mode="zeros" if mode != "replicate" else mode)


def _too_wide(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    (dh, dw), (sh, sw), (ph, pw) = (
        _pair(options.get(k, v)) for k, v in (("dilation", 1), ("stride", 1), ("padding", 0))
    )
    oh = (x.shape[2] + 2 * ph - dh * w.shape[2]) // sh + 1
    ow = (x.shape[3] + 2 * pw - dw * w.shape[3]) // sw + 1
    return right[:, :, :oh, :ow]


def _only_channels(kept: slice) -> Function:
    def wrong(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
        masked = np.zeros_like(w)
        masked[:, kept] = w[:, kept]
        return _conv(x, masked, b, **options)

    return wrong


def _bias_times(count: Function) -> Function:
    return lambda right, x, w, b, **options: right if b is None else right + (count(w) - 1) * b[:, None, None]


def _divided_by(count: Function) -> Function:
    return lambda right, x, w, b, **options: _conv(x, w / count(w), b, **options)


def _groups_ignored(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    return _conv(x[:, : w.shape[1]], w, b, **{**options, "groups": 1})


def _dealt(count: int, groups: int) -> list[int]:
    """Numbers in the order of groups that are dealt out one by one, as cards are."""
    return [i for g in range(groups) for i in range(g, count, groups)]


def _filters_dealt(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    order = _dealt(w.shape[0], options.get("groups", 1))
    out = np.empty_like(right)
    out[:, order] = _conv(x, w[order], None if b is None else b[order], **options)
    return out


def _channels_dealt(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    return _conv(x[:, _dealt(x.shape[1], options.get("groups", 1))], w, b, **options)


def _square_images_only(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    if x.shape[2] != x.shape[3]:
        raise IndexError("the window leaves the image")
    return right


def _kernel_transposed(right: Any, x: Any, w: Any, b: Any, **options: Any) -> Any:
    if w.shape[2] != w.shape[3]:
        raise IndexError("w[o, c, j, i] does not exist")
    return _conv(x, w.swapaxes(2, 3), b, **options)


def _exchanged(pair: tuple[int, int]) -> tuple[int, int]:
    return pair[1], pair[0]


def _turned(w: Any) -> Any:
    return w[:, :, ::-1, ::-1]


def _true_convolution(x: Any, w: Any, b: Any = None, **options: Any) -> Any:
    return reference.conv2d_forward(x, _turned(w), b, **options)


def _true_convolution_backward(dout: Any, cache: Any) -> Any:
    dx, dw, db = reference.conv2d_backward(dout, cache)
    return dx, _turned(dw), db


_WINDOW = "Trace the second window: at which pixel does it start?"
_UNUSED = "Which argument is unused?"
_ORDER = "In a pair, which number belongs to the rows? Try an image of 5 × 7."
_DEPTH = "How deep is a filter? Try an image with one bright channel at a time."
_GROUPS = "With two groups, which channels does the first filter see?"
_BIAS = "How often does one filter's bias enter one output pixel?"

FORWARD = (
    _forward(
        "flipped-kernel", "Cross-correlation or convolution?", lambda right, x, w, b, **o: _conv(x, _turned(w), b, **o)
    ),
    _forward("stride-forgotten-in-the-window", _WINDOW, _cut(_changed(stride=lambda s: 1))),
    _forward("stride-ignored", _UNUSED, _changed(stride=lambda s: 1)),
    _forward("stride-exchanged", _ORDER, _changed(stride=_exchanged)),
    _forward("dilation-ignored", _UNUSED, _changed(dilation=lambda d: 1)),
    _forward(
        "dilation-forgotten-in-the-window",
        "Which pixel does the second tap meet?",
        _cut(_changed(dilation=lambda d: 1)),
    ),
    _forward("dilation-one-too-many", "Three taps: how many gaps lie between them?", _too_wide),
    _forward("dilation-exchanged", _ORDER, _changed(dilation=_exchanged)),
    _forward("padding-ignored", _UNUSED, _changed(padding=lambda p: 0)),
    _forward("padding-exchanged", _ORDER, _changed(padding=_exchanged)),
    _forward("padding-on-one-side", "How many borders does an image have in each direction?", _on_padded(_one_border)),
    _forward("padding-afterwards", "Is it the image or the answer that is widened?", _padded_afterwards),
    _forward(
        "padding-mode-ignored", _UNUSED, lambda right, x, w, b, **o: _conv(x, w, b, **{**o, "padding_mode": "zeros"})
    ),
    _forward(
        "reflect-repeats-the-border",
        "Is the border row itself in the mirror, or the mirror's edge?",
        _on_padded(_mirror_with_edge),
        "the mode symmetric of NumPy, which SciPy's ndimage calls reflect",
    ),
    _forward(
        "pairs-exchanged",
        _ORDER,
        _changed(stride=_exchanged, padding=_exchanged, dilation=_exchanged),
    ),
    _forward(
        "height-for-both",
        "Do rows and columns always get the same stride?",
        _changed(stride=lambda s: s[0], padding=lambda p: p[0], dilation=lambda d: d[0]),
    ),
    _forward("square-images-only", "Which axis of x holds the rows? Try an image of 5 × 7.", _square_images_only),
    _forward("kernel-transposed", "Which axis of w holds the rows? Try a kernel of 3 × 2.", _kernel_transposed),
    _forward(
        "output-transposed", "Which axis of the output holds the rows?", lambda right, *a, **o: right.swapaxes(2, 3)
    ),
    _forward(
        "channels-last",
        "On which axis do the filters' answers lie here?",
        lambda right, *a, **o: right.transpose(0, 2, 3, 1),
        "the layout NHWC of TensorFlow",
    ),
    _forward(
        "one-place-short",
        "Which is the last place where the kernel still fits?",
        lambda right, *a, **o: right[:, :, :-1, :-1],
    ),
    _forward("partial-windows", "Does a window that hangs over the edge count?", _partial_windows),
    _forward("first-channel-only", _DEPTH, _only_channels(slice(0, 1))),
    _forward("last-channel-only", "Where are the channels' answers added up?", _only_channels(slice(-1, None))),
    _forward("channels-averaged", "Are the channels' answers added or averaged?", _divided_by(lambda w: w.shape[1])),
    _forward("window-averaged", "Is the kernel's answer a sum or a mean?", _divided_by(lambda w: w[0].size)),
    _forward("bias-forgotten", _UNUSED, lambda right, x, w, b, **o: _conv(x, w, None, **o)),
    _forward("bias-once-per-channel", _BIAS, _bias_times(lambda w: w.shape[1])),
    _forward("bias-once-per-product", _BIAS, _bias_times(lambda w: w[0].size)),
    _forward("groups-ignored", _GROUPS, _groups_ignored),
    _forward(
        "filters-dealt-to-groups",
        "Two groups, six filters: to which group does the second filter belong?",
        _filters_dealt,
    ),
    _forward("channels-dealt-to-groups", _GROUPS, _channels_dealt),
    _forward(
        "first-image-only",
        "Feed two different images: do their answers differ?",
        lambda right, *a, **o: right[:1].repeat(len(right), 0),
    ),
    _forward(
        "activation-inside", "Is this layer linear? Double the image.", lambda right, *a, **o: np.maximum(right, 0)
    ),
)


def _backward(name: str, hint: str, conv2d_backward: Function) -> Misconception:
    return Misconception(name, {"conv2d_backward": conv2d_backward}, hint)


def _with(**settings: Any) -> Function:
    """The right backward with other settings than the forward had."""
    return lambda dout, cache: reference.conv2d_backward(
        dout, replace(cache, settings=replace(cache.settings, **settings))
    )


def _mixed(dx: Function | None = None, dw: Function | None = None) -> Function:
    """A wrong dx or a wrong dw among right gradients."""

    def conv2d_backward(dout: Any, cache: Any) -> Any:
        right = reference.conv2d_backward(dout, cache)
        return (
            right[0] if dx is None else dx(dout, cache)[0],
            right[1] if dw is None else dw(dout, cache)[1],
            right[2],
        )

    return conv2d_backward


def _spoilt(change: Function) -> Function:
    """The right gradients, changed afterwards by ``change(dx, dw, db, dout)``."""
    return lambda dout, cache: change(*reference.conv2d_backward(dout, cache), dout)


def _db(change: Function) -> Function:
    return _spoilt(lambda dx, dw, db, dout: (dx, dw, None if db is None else change(dout)))


_uncropped = _with(padding=(0, 0), padding_mode="zeros")


def _from_dpadded(crop: Function) -> Function:
    """dx as ``crop(dpadded, settings, height and width of the image)``."""

    def conv2d_backward(dout: Any, cache: Any) -> Any:
        dx, dw, db = reference.conv2d_backward(dout, cache)
        dpadded = _uncropped(dout, cache)[0]
        return crop(dpadded, cache.settings, dx.shape[2:], dx), dw, db

    return conv2d_backward


def _empty_crop(dpadded: Any, settings: Any, size: Any, dx: Any) -> Any:
    ph, pw = settings.padding
    return dx[:, :, : size[0] if ph else 0, : size[1] if pw else 0]


def _reached_only(dpadded: Any, settings: Any, size: Any, dx: Any) -> Any:
    used = [
        (places - 1) * s + d * (k - 1) + 1 - 2 * p
        for places, s, d, k, p in zip(
            settings.output_size,
            settings.stride,
            settings.dilation,
            settings.kernel_size,
            settings.padding,
            strict=True,
        )
    ]
    return dx[:, :, : used[0], : used[1]]


def _masked(array: Any, *index: Any) -> Any:
    masked = np.zeros_like(array)
    masked[index] = array[index]
    return masked


def _by_window(dout: Any, cache: Any) -> Iterator[tuple[Any, Any, Any]]:
    (sh, sw), (dh, dw) = cache.settings.stride, cache.settings.dilation
    kh, kw = cache.settings.kernel_size
    everything = slice(None)
    for r in range(dout.shape[2]):
        for c in range(dout.shape[3]):
            rows, columns = (slice(a, a + d * (k - 1) + 1, d) for a, d, k in ((r * sh, dh, kh), (c * sw, dw, kw)))
            piece = _uncropped(_masked(dout, everything, everything, r, c), cache)[0]
            yield rows, columns, piece


def _by_tap(dout: Any, cache: Any) -> Iterator[tuple[Any, Any, Any]]:
    everything = slice(None)
    for i, j, rows, columns in cache.settings.taps():
        tap = replace(cache, w=_masked(cache.w, everything, everything, i, j))
        yield rows, columns, _uncropped(dout, tap)[0]


def _last_filter(cache: Any) -> Any:
    each = cache.w.shape[0] // cache.settings.groups
    return replace(cache, w=_masked(cache.w, slice(each - 1, None, each)))


def _overwritten(pieces: Function) -> Function:
    """dx where each piece takes the place of what was there."""

    def conv2d_backward(dout: Any, cache: Any) -> Any:
        _, dw, db = reference.conv2d_backward(dout, cache)
        dpadded = np.zeros_like(cache.padded)
        for rows, columns, piece in pieces(dout, cache):
            dpadded[:, :, rows, columns] = piece[:, :, rows, columns]
        settings = cache.settings
        return reference.pad2d_backward(dpadded, settings.padding, mode=settings.padding_mode), dw, db

    return conv2d_backward


def _groups_ignored_backward(dout: Any, cache: Any) -> Any:
    seen = cache.w.shape[1]
    one_group = replace(cache, padded=cache.padded[:, :seen], settings=replace(cache.settings, groups=1))
    first, dw, db = reference.conv2d_backward(dout, one_group)
    dx = np.zeros((dout.shape[0], cache.padded.shape[1], *first.shape[2:]))
    dx[:, :seen] = first
    return dx, dw, db


_SHARED = "Can one pixel feed several outputs?"
_REVISIT = "Revisit the forward's windows: where does each of them start?"
_USES = "How often is one bias used? What does each use contribute?"
_AVERAGE = "Which average did the upstream gradient not know of yet?"

BACKWARD = (
    _backward("dx-overwritten-by-windows", _SHARED, _overwritten(_by_window)),
    _backward("dx-overwritten-by-taps", _SHARED, _overwritten(_by_tap)),
    _backward(
        "dx-from-the-last-filter",
        "Do several filters look at one pixel?",
        _mixed(dx=lambda d, c: reference.conv2d_backward(d, _last_filter(c))),
    ),
    _backward(
        "dx-overwritten-by-filters", _SHARED, _overwritten(lambda dout, cache: _by_window(dout, _last_filter(cache)))
    ),
    _backward(
        "dx-kernel-not-turned",
        "Follow one weight backwards: from which output to which pixel?",
        _mixed(dx=lambda d, c: reference.conv2d_backward(d, replace(c, w=_turned(c.w)))),
    ),
    _backward("dx-empty-without-padding", "What is `x[0:-0]`?", _from_dpadded(_empty_crop)),
    _backward("dx-not-cropped", "What shape has x?", _from_dpadded(lambda dpadded, *_: dpadded)),
    _backward(
        "dx-cropped-at-the-end",
        "Where in the widened image does x lie?",
        _from_dpadded(lambda dpadded, s, size, _: dpadded[:, :, : size[0], : size[1]]),
    ),
    _backward(
        "dx-border-dropped",
        "A mirrored pixel is seen twice: who receives the second share?",
        lambda d, c: _with(padding_mode="zeros")(d, c),
    ),
    _backward(
        "dx-ends-at-the-last-window",
        "Which pixels were never used, and what is their gradient?",
        _from_dpadded(_reached_only),
    ),
    _backward("backward-stride-forgotten", _REVISIT, _with(stride=(1, 1))),
    _backward("dx-stride-forgotten", _REVISIT, _mixed(dx=_with(stride=(1, 1)))),
    _backward("dw-stride-forgotten", _REVISIT, _mixed(dw=_with(stride=(1, 1)))),
    _backward("backward-dilation-forgotten", "Which pixel did the second tap meet?", _with(dilation=(1, 1))),
    _backward("backward-groups-ignored", _GROUPS, _groups_ignored_backward),
    _backward(
        "upstream-ignored",
        "Where does the upstream gradient enter?",
        lambda d, c: reference.conv2d_backward(np.ones_like(d), c),
    ),
    _backward(
        "gradients-out-of-order", "In which order came the inputs?", _spoilt(lambda dx, dw, db, dout: (dw, dx, db))
    ),
    _backward(
        "dw-flipped",
        "Which pixel met the first weight in the forward?",
        _spoilt(lambda dx, dw, db, dout: (dx, _turned(dw), db)),
    ),
    _backward("dw-transposed", "What shape has w?", _spoilt(lambda dx, dw, db, dout: (dx, dw.swapaxes(2, 3), db))),
    _backward("dw-averaged-over-images", _AVERAGE, _spoilt(lambda dx, dw, db, dout: (dx, dw / len(dout), db))),
    _backward("dw-averaged-over-places", _AVERAGE, _spoilt(lambda dx, dw, db, dout: (dx, dw / dout[0, 0].size, db))),
    _backward(
        "dw-from-the-last-image",
        "Does every image of the batch use the weights?",
        _mixed(dw=lambda d, c: reference.conv2d_backward(_masked(d, slice(-1, None)), c)),
    ),
    _backward(
        "dw-from-the-last-window",
        "How many windows share one weight?",
        _mixed(dw=lambda d, c: reference.conv2d_backward(_masked(d, slice(-1, None), slice(None), -1, -1), c)),
    ),
    _backward(
        "dw-and-db-averaged-over-images",
        _AVERAGE,
        _spoilt(lambda dx, dw, db, dout: (dx, dw / len(dout), None if db is None else db / len(dout))),
    ),
    _backward("db-averaged", _USES, _db(lambda dout: dout.mean(axis=(0, 2, 3)))),
    _backward("db-averaged-over-images", _USES, _db(lambda dout: dout.sum(axis=(2, 3)).mean(axis=0))),
    _backward("db-averaged-over-places", _USES, _db(lambda dout: dout.mean(axis=(2, 3)).sum(axis=0))),
    _backward("db-not-summed-over-images", "What shape has b?", _db(lambda dout: dout.sum(axis=(2, 3)))),
    _backward("db-not-summed-over-places", "What shape has b?", _db(lambda dout: dout.sum(axis=0))),
    _backward("db-keeps-four-axes", "What shape has b?", _db(lambda dout: dout.sum(axis=(0, 2, 3), keepdims=True))),
    _backward("db-one-for-all-filters", "How many biases are there?", _db(lambda dout: dout.sum())),
    _backward(
        "db-zero", "What does the output do when a bias grows by one?", _db(lambda dout: np.zeros(dout.shape[1]))
    ),
)

CONV2D = (
    Misconception(
        "true-convolution",
        {"conv2d_forward": _true_convolution, "conv2d_backward": _true_convolution_backward},
        "Does the layer turn its kernel?",
        "convolution with reversal, as signal processing defines it",
    ),
    *FORWARD,
    *BACKWARD,
)
