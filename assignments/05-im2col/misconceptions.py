"""What goes wrong in im2col and col2im: wrong variants, each with a teacher's question. Knows no case and no points.

Both are made of one thing: for every entry of the columns, the pixel that it shows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grader.questions import Misconception

Function = Callable[..., Any]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Settings:
    """What both functions are asked for, as pairs."""

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair


def pair(value: Any) -> Pair:
    return tuple(value) if isinstance(value, Sequence) else (value, value)  # type: ignore[return-value]


def _exchanged(value: Pair) -> Pair:
    return value[1], value[0]


def _places(image: Pair, s: Settings) -> Pair:
    oh, ow = (
        (image[a] + 2 * s.padding[a] - s.dilation[a] * (s.kernel[a] - 1) - 1) // s.stride[a] + 1 for a in range(2)
    )
    return oh, ow


def _pixels(s: Settings, places: Pair) -> tuple[Any, Any]:
    """Return the padded row and column of every entry, each broadcasting to (KH, KW, OH, OW)."""
    i, j, r, c = np.ogrid[: s.kernel[0], : s.kernel[1], : places[0], : places[1]]
    return r * s.stride[0] + i * s.dilation[0], c * s.stride[1] + j * s.dilation[1]


def _gather(x: Any, s: Settings, places: Pair | None = None) -> Any:
    """Return the entries, (N, C, KH, KW, OH, OW)."""
    (ph, pw), places = s.padding, places or _places(x.shape[2:], s)
    rows, columns = _pixels(s, places)
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))[:, :, rows, columns]


def _as_columns(entries: Any) -> Any:
    n, c, kh, kw, oh, ow = entries.shape
    return entries.reshape(n, c * kh * kw, oh * ow)


def _im2col(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(x, settings)`` returns the columns."""

    def im2col(x: Any, kernel_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1) -> Any:
        return wrong(x, Settings(pair(kernel_size), pair(stride), pair(padding), pair(dilation)))

    return Misconception(name, {"im2col": im2col}, hint, convention)


def _asked(change: Function) -> Function:
    return lambda x, s: _as_columns(_gather(x, change(s)))


def _ordered(*axes: int) -> Function:
    """The right entries in another order, in columns of the right shape."""

    def wrong(x: Any, s: Settings) -> Any:
        entries = _gather(x, s)
        return entries.transpose(axes).reshape(_as_columns(entries).shape)

    return wrong


def _in_the_window(x: Any, s: Settings) -> Any:
    return _as_columns(_gather(x, replace(s, stride=(1, 1)), _places(x.shape[2:], s)))


def _on_one_side(x: Any, s: Settings) -> Any:
    ph, pw = s.padding
    return _as_columns(_gather(np.pad(x, ((0, 0), (0, 0), (ph, 0), (pw, 0))), replace(s, padding=(0, 0))))


def _whole_batch(x: Any, s: Settings) -> Any:
    n, c, kh, kw, oh, ow = (entries := _gather(x, s)).shape
    return entries.transpose(1, 2, 3, 4, 5, 0).reshape(c * kh * kw, oh * ow * n)


_UNUSED = "Which argument is unused?"
_ORDER = "In a pair, which number belongs to the rows? Try an image of 5 × 7."
_DOWN = "Read the first column from the top: which pixels follow each other?"
_ACROSS = "Read the first row from the left: where does the second window lie?"

IM2COL = (
    _im2col(
        "one-row-per-window",
        "Does a window lie in a column or in a row?",
        lambda x, s: _as_columns(_gather(x, s)).swapaxes(1, 2),
    ),
    _im2col(
        "one-matrix-for-the-batch",
        "Where are the images kept apart?",
        _whole_batch,
        "the layout of Stanford's course CS231n, one matrix for the whole batch",
    ),
    _im2col(
        "windows-not-moved-to-the-end", "Before you reshape: in which order are the axes?", _ordered(0, 1, 4, 5, 2, 3)
    ),
    _im2col("channels-change-fastest", _DOWN, _ordered(0, 2, 3, 1, 4, 5)),
    _im2col("taps-column-by-column", _DOWN, _ordered(0, 1, 3, 2, 4, 5)),
    _im2col("places-column-by-column", _ACROSS, _ordered(0, 1, 2, 3, 5, 4)),
    _im2col("taps-backwards", _DOWN, lambda x, s: _as_columns(_gather(x, s)[:, :, ::-1, ::-1])),
    _im2col("stride-ignored", _UNUSED, _asked(lambda s: replace(s, stride=(1, 1)))),
    _im2col("stride-forgotten-in-the-window", "Where does the second window start?", _in_the_window),
    _im2col("stride-exchanged", _ORDER, _asked(lambda s: replace(s, stride=_exchanged(s.stride)))),
    _im2col("padding-ignored", _UNUSED, _asked(lambda s: replace(s, padding=(0, 0)))),
    _im2col("padding-exchanged", _ORDER, _asked(lambda s: replace(s, padding=_exchanged(s.padding)))),
    _im2col("padding-on-one-side", "How many borders does an image have in each direction?", _on_one_side),
    _im2col("dilation-ignored", _UNUSED, _asked(lambda s: replace(s, dilation=(1, 1)))),
    _im2col("dilation-exchanged", _ORDER, _asked(lambda s: replace(s, dilation=_exchanged(s.dilation)))),
    _im2col("kernel-exchanged", _ORDER, _asked(lambda s: replace(s, kernel=_exchanged(s.kernel)))),
    _im2col(
        "first-image-only",
        "Feed two different images: do their columns differ?",
        lambda x, s: _as_columns(_gather(x[:1].repeat(len(x), 0), s)),
    ),
    _im2col(
        "first-channel-only",
        "How deep is a window? Try an image with one bright channel at a time.",
        lambda x, s: _as_columns(_gather(x[:, :1].repeat(x.shape[1], 1), s)),
    ),
)


def scatter(cols: Any, image: Pair, s: Settings, *, how: str = "add", at: Settings | None = None) -> Any:
    """Lay the entries of columns on the padded image; ``at`` are other settings for where they go."""
    (kh, kw), (ph, pw), (oh, ow) = s.kernel, s.padding, _places(image, s)
    entries = cols.reshape(len(cols), -1, kh, kw, oh, ow)
    padded = np.zeros((*entries.shape[:2], image[0] + 2 * ph, image[1] + 2 * pw))
    rows, columns = _pixels(at or s, (oh, ow))
    if how == "add":
        np.add.at(padded, (slice(None), slice(None), rows, columns), entries)
    elif how == "by taps":
        for i, j in np.ndindex(kh, kw):
            padded[:, :, rows[i, 0], columns[0, j]] = entries[:, :, i, j]
    else:
        for r, c in np.ndindex(oh, ow):
            padded[:, :, rows[:, 0, r], columns[0, :, 0, c]] = entries[:, :, :, :, r, c]
    return padded


def cropped(padded: Any, image: Pair, s: Settings) -> Any:
    """Return the image without its border."""
    ph, pw = s.padding
    return padded[:, :, ph : ph + image[0], pw : pw + image[1]]


def _col2im(name: str, hint: str, wrong: Function) -> Misconception:
    """``wrong(cols, image, settings)`` returns the images."""

    def col2im(
        cols: Any, output_size: Any, kernel_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
    ) -> Any:
        s = Settings(pair(kernel_size), pair(stride), pair(padding), pair(dilation))
        return wrong(cols, pair(output_size), s)

    return Misconception(name, {"col2im": col2im}, hint)


def _averaged(cols: Any, image: Pair, s: Settings) -> Any:
    counts = scatter(np.ones_like(cols), image, s)
    return cropped(scatter(cols, image, s) / np.maximum(counts, 1), image, s)


def _reordered(*axes: int) -> Function:
    """The entries read in another order than `im2col` wrote them."""

    def wrong(cols: Any, image: Pair, s: Settings) -> Any:
        sizes = (len(cols), cols.shape[1] // (s.kernel[0] * s.kernel[1]), *s.kernel, *_places(image, s))
        entries = cols.reshape([sizes[a] for a in axes]).transpose(np.argsort(axes))
        return cropped(scatter(entries.reshape(cols.shape), image, s), image, s)

    return wrong


def _elsewhere(**changes: Pair) -> Function:
    return lambda cols, image, s: cropped(scatter(cols, image, s, at=replace(s, **changes)), image, s)


def _empty_crop(cols: Any, image: Pair, s: Settings) -> Any:
    ph, pw = s.padding
    return scatter(cols, image, s)[:, :, ph:-ph, pw:-pw]


_SHARED = "Feed columns of ones: does the answer count the windows that see each pixel?"

COL2IM = (
    _col2im("overwritten-by-taps", _SHARED, lambda c, i, s: cropped(scatter(c, i, s, how="by taps"), i, s)),
    _col2im("overwritten-by-windows", _SHARED, lambda c, i, s: cropped(scatter(c, i, s, how="by windows"), i, s)),
    _col2im("averaged", "The adjoint or the inverse? Feed columns of ones.", _averaged),
    _col2im("not-cropped", "Which shape had the image before it was padded?", scatter),
    _col2im(
        "cropped-at-the-end",
        "Where in the widened image does the image lie?",
        lambda c, i, s: scatter(c, i, s)[:, :, : i[0], : i[1]],
    ),
    _col2im("cropped-to-nothing", "What is x[0:-0]?", _empty_crop),
    _col2im("stride-forgotten", "Where did `im2col` take the second window from?", _elsewhere(stride=(1, 1))),
    _col2im("dilation-forgotten", "Which pixel did the second tap meet?", _elsewhere(dilation=(1, 1))),
    _col2im("windows-before-taps", "In which order did `im2col` write the entries?", _reordered(0, 1, 4, 5, 2, 3)),
    _col2im("channels-change-fastest", _DOWN, _reordered(0, 2, 3, 1, 4, 5)),
    _col2im("taps-column-by-column", _DOWN, _reordered(0, 1, 3, 2, 4, 5)),
    _col2im("places-column-by-column", _ACROSS, _reordered(0, 1, 2, 3, 5, 4)),
    _col2im(
        "output-transposed",
        "Which axis of the image holds the rows?",
        lambda c, i, s: cropped(scatter(c, i, s), i, s).swapaxes(2, 3),
    ),
    _col2im(
        "first-image-only",
        "Feed the columns of two different images: do the answers differ?",
        lambda c, i, s: cropped(scatter(c[:1].repeat(len(c), 0), i, s), i, s),
    ),
)
