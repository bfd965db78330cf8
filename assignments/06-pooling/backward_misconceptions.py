"""What goes wrong in the gradients of pooling: wrong variants of the reference. Knows no case and no points."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import pooling as reference

from .windows import Settings, crop, settings, spread, view

Function = Callable[..., Any]


def _settings_of(windows: Any) -> Settings:
    """Read the settings off the corners of the windows."""

    def axis(corners: Any) -> tuple[int, int]:
        return (corners[1] - corners[0] if len(corners) > 1 else 1), -corners[0]

    (sh, ph), (sw, pw) = axis(windows.row_corners), axis(windows.column_corners)
    return Settings((len(windows.row_taps), len(windows.column_taps)), (sh, sw), (ph, pw))


def _winners(sources: Any, windows: Any) -> Any:
    """Return 1 at each window's winner, (N, C, OH, OW, KH, KW)."""
    s, (_, _, h, w) = _settings_of(windows), windows.image
    place = sources % (h * w)
    row = place // w - np.array(windows.row_corners)[:, None]
    column = place % w - np.array(windows.column_corners)
    tap = np.arange(s.kernel[0] * s.kernel[1]).reshape(s.kernel)
    return (tap == (row * s.kernel[1] + column)[..., None, None]).astype(float)


def _from_shares(kind: str, name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(shares, settings, image, dout)``: shares are what each pixel of each window should receive."""
    function = f"{kind}_pool2d_backward"

    def backward(dout: Any, cache: Any) -> Any:
        *sources, windows = cache
        s = _settings_of(windows)
        part = _winners(*sources, windows) if sources else np.ones((*dout.shape, *s.kernel)) / windows.size
        return wrong(part * dout[..., None, None], s, windows.image, dout)

    return Misconception(name, {function: backward}, hint)


def _changed(change: Function) -> Function:
    """The right way back for wrong shares, ``change(shares, dout)``."""
    return lambda shares, s, image, dout: crop(spread(change(shares, dout), image, s), image, s)


def _overwritten(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    return crop(spread(shares, image, s, overwrite=True), image, s)


def _at_the_corner(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    padded = np.zeros_like(spread(shares, image, s))
    for r, q in np.ndindex(*shares.shape[2:4]):
        padded[:, :, : s.kernel[0], : s.kernel[1]] += shares[:, :, r, q]
    return crop(padded, image, s)


def _stride_one(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    padded = np.zeros_like(spread(shares, image, s))
    for r, q in np.ndindex(*shares.shape[2:4]):
        padded[:, :, r : r + s.kernel[0], q : q + s.kernel[1]] += shares[:, :, r, q]
    return crop(padded, image, s)


def _not_cropped(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    return spread(shares, image, s)


def _upper_left(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    return spread(shares, image, s)[:, :, : image[2], : image[3]]


def _empty_crop(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    ph, pw = s.padding
    return spread(shares, image, s)[:, :, ph:-ph, pw:-pw]


def _rest_missing(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    seen = [(o - 1) * t + k - p for o, t, k, p in zip(dout.shape[2:], s.stride, s.kernel, s.padding, strict=True)]
    return crop(spread(shares, image, s), image, s)[:, :, : seen[0], : seen[1]]


def _divided_by_uses(shares: Any, s: Settings, image: Any, dout: Any) -> Any:
    uses = crop(spread(np.ones_like(shares), image, s), image, s)
    return crop(spread(shares, image, s), image, s) / np.maximum(uses, 1)


def _shared(kind: str) -> tuple[Misconception, ...]:
    which = "Can one pixel win twice?" if kind == "max" else "Can a pixel serve two windows?"
    table: list[tuple[str, str, Function]] = [
        ("dx-overwritten", which, _overwritten),
        (
            "dx-divided-by-uses",
            "A pixel that serves two windows: do its gradients add up or average?",
            _divided_by_uses,
        ),
        ("dx-at-the-corner", "Where on the image does this window lie?", _at_the_corner),
        ("dx-stride-forgotten", "Revisit the forward's windows: where does each of them start?", _stride_one),
        ("dx-not-cropped", "Which shape has dx?", _not_cropped),
        ("dx-cropped-at-the-end", "Where in the widened image does the image lie?", _upper_left),
        ("dx-cropped-to-nothing", "What is x[0:-0]?", _empty_crop),
        ("dx-without-the-rest", "Pixels that no window sees: are they in dx?", _rest_missing),
        ("dx-dout-ignored", "Which argument is unused?", _changed(lambda v, dout: v / dout[..., None, None])),
        (
            "dx-averaged-over-the-batch",
            "Is dout already what the loss says about each output?",
            _changed(lambda v, dout: v / len(dout)),
        ),
    ]
    return tuple(_from_shares(kind, *row) for row in table)


def _with_x(name: str, hint: str, wrong: Function) -> Misconception:
    """For what a backward makes of the image itself: ``wrong(dout, windows, largest, settings, image)``."""

    def max_pool2d_forward(x: Any, kernel_size: Any, *, stride: Any = None, padding: Any = 0) -> Any:
        out, _ = reference.max_pool2d_forward(x, kernel_size, stride=stride, padding=padding)
        s = settings(kernel_size, stride, padding)
        return out, (view(x, s).copy(), out, s, x.shape)

    def max_pool2d_backward(dout: Any, cache: Any) -> Any:
        return wrong(dout, *cache)

    return Misconception(
        name, {"max_pool2d_forward": max_pool2d_forward, "max_pool2d_backward": max_pool2d_backward}, hint
    )


def _every_tie(dout: Any, windows: Any, largest: Any, s: Settings, image: Any) -> Any:
    shares = (windows == largest[..., None, None]) * dout[..., None, None]
    return crop(spread(shares, image, s), image, s)


def _times_the_maximum(dout: Any, windows: Any, largest: Any, s: Settings, image: Any) -> Any:
    return _every_tie(dout * largest, windows, largest, s, image)


MAX_BACKWARD = (
    *_shared("max"),
    _with_x("every-tie-wins", "How many winners does a window have when all its pixels are equal?", _every_tie),
    _with_x("dx-times-the-maximum", "The winner grows by 1: by how much does the maximum grow?", _times_the_maximum),
    _from_shares(
        "max",
        "dx-to-the-whole-window",
        "If a pixel that has not won moves a little, does the maximum move?",
        _changed(lambda v, dout: np.ones_like(v) * dout[..., None, None]),
    ),
    _from_shares(
        "max",
        "dx-shared-by-the-window",
        "Does a pixel that has not won have a share in the maximum?",
        _changed(lambda v, dout: np.ones_like(v) * dout[..., None, None] / v[0, 0, 0, 0].size),
    ),
    _from_shares(
        "max",
        "dx-at-the-first-pixel",
        "Which pixel of the window has won?",
        _changed(
            lambda v, dout: np.pad(dout[..., None, None], ((0, 0),) * 4 + ((0, v.shape[4] - 1), (0, v.shape[5] - 1)))
        ),
    ),
    _from_shares(
        "max",
        "dx-mirrored-in-the-window",
        "In which order did you number the pixels of a window?",
        _changed(lambda v, dout: v[..., ::-1, ::-1]),
    ),
)

AVG_BACKWARD = (
    *_shared("avg"),
    _from_shares(
        "avg", "dx-not-shared", "Is the total of the gradient kept?", _changed(lambda v, dout: v * v[0, 0, 0, 0].size)
    ),
    _from_shares(
        "avg",
        "dx-divided-by-the-height",
        "Among how many pixels is a window's gradient shared?",
        _changed(lambda v, dout: v * v.shape[-1]),
    ),
    _from_shares(
        "avg",
        "dx-divided-by-the-width",
        "Among how many pixels is the gradient of a 3 × 2 window shared?",
        _changed(lambda v, dout: v * v.shape[-2]),
    ),
    _from_shares(
        "avg",
        "dx-divided-by-the-places",
        "Is it the window's pixels or the number of windows that divides?",
        _changed(lambda v, dout: v * v[0, 0, 0, 0].size / dout[0, 0].size),
    ),
)


def _global(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(right, dout)`` returns dx."""

    def global_avg_pool2d_backward(dout: Any, cache: Any) -> Any:
        return wrong(reference.global_avg_pool2d_backward(dout, cache), dout)

    return Misconception(name, {"global_avg_pool2d_backward": global_avg_pool2d_backward}, hint)


GLOBAL_BACKWARD = (
    _global("dx-not-shared", "Is the total of the gradient kept?", lambda dx, dout: dx * dx[0, 0].size),
    _global(
        "dx-divided-by-the-height",
        "Among how many pixels is a map's gradient shared?",
        lambda dx, dout: dx * dx.shape[3],
    ),
    _global(
        "dx-averaged-over-the-batch",
        "Is dout already what the loss says about each output?",
        lambda dx, dout: dx / len(dx),
    ),
    _global("dx-divided-by-channels-too", "How many pixels share one number?", lambda dx, dout: dx / dx.shape[1]),
    _global("dx-one-pixel-a-map", "Which shape has dx?", lambda dx, dout: dx[:, :, :1, :1]),
    _global(
        "dx-at-the-first-pixel",
        "Which pixels of a map move its mean?",
        lambda dx, dout: dx * dx[0, 0].size * np.eye(1, dx[0, 0].size).reshape(dx.shape[2:]),
    ),
    _global("dx-dout-ignored", "Which argument is unused?", lambda dx, dout: dx / dout[:, :, None, None]),
)
