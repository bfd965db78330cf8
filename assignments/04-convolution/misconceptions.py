"""What goes wrong in convolutions: wrong variants of the reference, each with the question that a teacher would ask.

Each variant is wrong in one way and right in all others, so most of them change what goes into the reference or what
comes out of it. Knows no case and no points. The mistakes of conv2d are in conv2d_misconceptions.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import convolution as reference

from .conv2d_misconceptions import CONV2D

__all__ = ["CONV2D", "CONVOLVE", "CONVOLVE_1D", "CROSS_CORRELATE", "OUTPUT_SIZE", "PAD"]

Function = Callable[..., Any]


def _size(places: Function) -> Function:
    """Output size by ``places(n, k, s, p, d)`` for each direction."""

    def conv2d_output_size(
        input_size: Any, kernel_size: Any, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1
    ) -> Any:
        pairs = [v if isinstance(v, Sequence) else (v, v) for v in (input_size, kernel_size, stride, padding, dilation)]
        return tuple(places(*axis) for axis in zip(*pairs, strict=True))

    return conv2d_output_size


def _span(k: int, d: int) -> int:
    return d * (k - 1) + 1


def _sized(change: Function) -> Function:
    """The right output size, spoilt afterwards."""
    return lambda *args, **options: change(*reference.conv2d_output_size(*args, **options))


def _output_size(name: str, hint: str, function: Function) -> Misconception:
    return Misconception(name, {"conv2d_output_size": function}, hint)


OUTPUT_SIZE = (
    _output_size(
        "no-plus-one",
        "Count the placements of a kernel of 2 in a row of 3: how many steps lie between them?",
        _size(lambda n, k, s, p, d: (n + 2 * p - _span(k, d)) // s),
    ),
    _output_size(
        "padding-once",
        "How many borders does an image have in each direction?",
        _size(lambda n, k, s, p, d: (n + p - _span(k, d)) // s + 1),
    ),
    _output_size(
        "padding-ignored",
        "Which argument is unused?",
        _size(lambda n, k, s, p, d: (n - _span(k, d)) // s + 1),
    ),
    _output_size(
        "padding-after-the-division",
        "Is the padding there before the kernel takes its steps, or after?",
        _size(lambda n, k, s, p, d: (n - _span(k, d)) // s + 2 * p + 1),
    ),
    _output_size(
        "rounded-up",
        "Does a window that hangs over the edge count?",
        _size(lambda n, k, s, p, d: -(-(n + 2 * p - _span(k, d)) // s) + 1),
    ),
    _output_size(
        "rounded-to-nearest",
        "If three quarters of a step are left over, does one more window fit?",
        _size(lambda n, k, s, p, d: round((n + 2 * p - _span(k, d)) / s) + 1),
    ),
    _output_size(
        "fraction-of-a-window",
        "Can a kernel take half a place?",
        _size(lambda n, k, s, p, d: (n + 2 * p - _span(k, d)) / s + 1),
    ),
    _output_size(
        "stride-ignored",
        "How far apart are two neighbouring windows?",
        _size(lambda n, k, s, p, d: n + 2 * p - _span(k, d) + 1),
    ),
    _output_size(
        "dilation-ignored",
        "How many pixels lie from the first to the last tap of a dilated kernel?",
        _size(lambda n, k, s, p, d: (n + 2 * p - k) // s + 1),
    ),
    _output_size(
        "dilation-one-too-many",
        "Three taps: how many gaps lie between them?",
        _size(lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1),
    ),
    _output_size("width-before-height", "Which of the two comes first, rows or columns?", _sized(lambda h, w: (w, h))),
    _output_size("height-for-both", "Is every image square?", _sized(lambda h, w: (h, h))),
    _output_size("one-number", "How many numbers does the size of an image need?", _sized(lambda h, w: h)),
)


def _pad_plane(x: Any, rows: tuple[int, int], columns: tuple[int, int], mode: str = "constant") -> Any:
    return np.pad(x, (rows, columns), mode=mode)  # type: ignore[call-overload]


def _same(before: Callable[[int], int], border: str = "constant") -> Function:
    """Mode ``same`` with ``before(m)`` of the m - 1 rows on top, columns likewise."""

    def correlate(x: Any, k: Any, *, mode: str = "valid") -> Any:
        if mode != "same":
            return reference.cross_correlate2d(x, k, mode=mode)
        rows, columns = ((before(m), m - 1 - before(m)) for m in k.shape)
        return reference.cross_correlate2d(_pad_plane(x, rows, columns, border), k)

    return correlate


def _both_sides(mode: str, width: Callable[[int], int]) -> Function:
    """One mode with ``width(m)`` rows on both sides, columns likewise."""

    def correlate(x: Any, k: Any, **options: str) -> Any:
        if options.get("mode") != mode:
            return reference.cross_correlate2d(x, k, **options)
        rows, columns = ((width(m), width(m)) for m in k.shape)
        return reference.cross_correlate2d(_pad_plane(x, rows, columns), k)

    return correlate


def _modes(**exchanged: str) -> Function:
    """Some modes taken for others."""
    return lambda x, k, *, mode="valid": reference.cross_correlate2d(x, k, mode=exchanged.get(mode, mode))


def _border_left_zero(x: Any, k: Any, *, mode: str = "valid") -> Any:
    out = reference.cross_correlate2d(x, k, mode="valid" if mode == "same" else mode)
    if mode == "same":
        rows, columns = (((m - 1) // 2, m - 1 - (m - 1) // 2) for m in k.shape)
        out = _pad_plane(out, rows, columns)
    return out


# Wrong places of the window: the same for all three functions, as cross-correlations of planes.
_PLACES = (
    ("mode-ignored", "Which argument is unused?", _modes(same="valid", full="valid")),
    ("same-is-full", "How large is the answer in mode same?", _modes(same="full")),
    ("full-is-same", "In mode full, how much must the kernel overlap the image?", _modes(full="same")),
    (
        "same-wraps-around",
        "What lies beyond the border of the image in mode same?",
        _same(lambda m: (m - 1) // 2, "wrap"),
    ),
    ("same-repeats-the-border", "What lies beyond the border in mode same?", _same(lambda m: (m - 1) // 2, "edge")),
    ("border-left-zero", "Does a window that overlaps the image a little see nothing at all?", _border_left_zero),
    (
        "same-one-too-large",
        "Widen 5 pixels by 4 // 2 on both sides: how often does a kernel of 4 fit?",
        _both_sides("same", lambda m: m // 2),
    ),
    (
        "full-one-too-wide",
        "In the first place of mode full, does the kernel touch the image?",
        _both_sides("full", lambda m: m),
    ),
    (
        "averages",
        "Is the kernel's answer a sum or a mean?",
        lambda x, k, **o: reference.cross_correlate2d(x, k, **o) / k.size,
    ),
)

_ODD_ONE_FIRST = "An even kernel needs an odd number of rows more: where does the odd one go here?"
_SPLIT = "Where do the rows go that mode same adds?"
_SCIPY = "the mode same of SciPy's and NumPy's convolve"
_NYU = "mode same with all of its padding on the right and at the bottom, as in NYU's notes"
_CAUSAL = "the first part of the full convolution: a causal filter of signal processing"


def _planes(name: str, dress: Callable[[Function], Function], *, flipped: bool) -> tuple[Misconception, ...]:
    """The mistakes of place for one function; ``dress`` makes it of a cross-correlation of planes."""
    # A flipped kernel is anchored at its other end.
    at_the_end, at_the_start = (_same(lambda m: 0), _same(lambda m: m - 1))
    edge = (dress(at_the_start), _CAUSAL) if flipped else (dress(at_the_end), _NYU)
    return (
        *(Misconception(n, {name: dress(f)}, hint) for n, hint, f in _PLACES),
        Misconception("same-odd-one-first", {name: dress(_same(lambda m: m // 2))}, _ODD_ONE_FIRST, _SCIPY),
        Misconception("same-all-on-one-side", {name: edge[0]}, _SPLIT, edge[1]),
    )


def _transposed_kernel(x: Any, k: Any, **options: str) -> Any:
    if k.shape[0] != k.shape[1]:
        raise IndexError("k[b, a] does not exist")
    return reference.cross_correlate2d(x, k.T, **options)


CROSS_CORRELATE = (
    *_planes("cross_correlate2d", lambda f: f, flipped=False),
    Misconception(
        "flipped-kernel",
        {"cross_correlate2d": reference.convolve2d},
        "Trace the first product: which entry of the kernel meets the first pixel?",
    ),
    Misconception(
        "kernel-transposed",
        {"cross_correlate2d": _transposed_kernel},
        "Which index of the kernel counts its rows? Try a kernel of 3 × 2.",
    ),
    Misconception(
        "output-transposed",
        {"cross_correlate2d": lambda x, k, **o: reference.cross_correlate2d(x, k, **o).T},
        "Which index of the output counts its rows? Try an image of 5 × 7.",
    ),
    Misconception(
        "one-place-short",
        {"cross_correlate2d": lambda x, k, **o: reference.cross_correlate2d(x, k, **o)[:-1, :-1]},
        "Which is the last place where the kernel still fits?",
    ),
    Misconception(
        "image-flipped",
        {"cross_correlate2d": lambda x, k, **o: reference.cross_correlate2d(x[::-1, ::-1], k, **o)},
        "Where does the window start?",
    ),
)


def _turned(turn: Callable[[Any], Any]) -> Function:
    return lambda x, k, **options: reference.cross_correlate2d(x, turn(k), **options)


CONVOLVE = (
    *_planes("convolve2d", lambda f: lambda x, k, **options: f(x, k[::-1, ::-1], **options), flipped=True),
    Misconception(
        "not-flipped",
        {"convolve2d": reference.cross_correlate2d},
        "Convolve a single bright pixel: does the kernel come out as it is?",
    ),
    Misconception(
        "rows-flipped-alone", {"convolve2d": _turned(lambda k: k[::-1])}, "Turn a sheet of paper by 180°: what moves?"
    ),
    Misconception(
        "columns-flipped-alone",
        {"convolve2d": _turned(lambda k: k[:, ::-1])},
        "A half turn or a mirror: which corner does the first entry reach?",
    ),
    Misconception(
        "quarter-turn", {"convolve2d": _turned(np.rot90)}, "By what angle is the kernel turned? Try a kernel of 3 × 2."
    ),
    Misconception(
        "transposed-for-flipped",
        {"convolve2d": _turned(lambda k: k.T)},
        "Does a transpose move the first entry of the kernel?",
    ),
    Misconception(
        "image-flipped",
        {"convolve2d": lambda x, k, **o: reference.cross_correlate2d(x[::-1, ::-1], k, **o)},
        "Which of the two is turned? Where does a bright pixel end up?",
    ),
    Misconception(
        "one-place-short",
        {"convolve2d": lambda x, k, **o: reference.convolve2d(x, k, **o)[:-1, :-1]},
        "Which is the last place where the kernel still fits?",
    ),
)


CONVOLVE_1D = (
    *_planes("convolve1d", lambda f: lambda x, k, **options: f(x[None], k[None, ::-1], **options)[0], flipped=True),
    Misconception(
        "not-flipped",
        {"convolve1d": lambda x, k, **o: reference.convolve1d(x, k[::-1], **o)},
        "Multiply 1 + 2t by 3 + 4t: which products give the power t?",
    ),
    Misconception(
        "sequence-flipped",
        {"convolve1d": lambda x, k, **o: reference.convolve1d(x[::-1], k[::-1], **o)},
        "Which of the two is turned, and does the answer still run forwards?",
    ),
    Misconception(
        "one-place-short",
        {"convolve1d": lambda x, k, **o: reference.convolve1d(x, k, **o)[:-1]},
        "Which is the last place where the kernel still fits?",
    ),
)


_NUMPY = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def _pad(x: Any, rows: tuple[int, int], columns: tuple[int, int], mode: str) -> Any:
    return np.pad(x, ((0, 0), (0, 0), rows, columns), mode=mode)  # type: ignore[call-overload]


def _widened(widths: Function) -> Function:
    """The right mode with ``widths(height, width)`` -> rows and columns, (before, after) each."""

    def pad2d(x: Any, padding: Any, *, mode: str = "zeros") -> Any:
        rows, columns = widths(*_pair(padding))
        return _pad(x, rows, columns, _NUMPY[mode])

    return pad2d


def _pair(padding: Any) -> tuple[int, int]:
    return tuple(padding) if isinstance(padding, Sequence) else (padding, padding)  # type: ignore[return-value]


def _mode(**exchanged: str) -> Function:
    """Some modes filled as NumPy's mode of that name."""

    def pad2d(x: Any, padding: Any, *, mode: str = "zeros") -> Any:
        ph, pw = _pair(padding)
        return _pad(x, (ph, ph), (pw, pw), exchanged.get(mode, _NUMPY[mode]))

    return pad2d


def _filled(wanted: str, strips: Function) -> Function:
    """A border of one mode put together, direction by direction, from ``strips(x, p)`` -> (before, after) on axis 2."""

    def pad2d(x: Any, padding: Any, *, mode: str = "zeros") -> Any:
        if mode != wanted:
            return reference.pad2d(x, padding, mode=mode)
        for axis, p in zip((2, 3), _pair(padding), strict=True):
            turned = np.moveaxis(x, axis, 2)
            before, after = strips(turned, p)
            x = np.moveaxis(np.concatenate([before, turned, after], axis=2), 2, axis)
        return x

    return pad2d


def _corners_left_zero(x: Any, padding: Any, *, mode: str = "zeros") -> Any:
    out = reference.pad2d(x, padding, mode=mode).copy()
    (ph, pw), (h, w) = _pair(padding), x.shape[2:]
    for rows in (slice(0, ph), slice(ph + h, None)):
        for columns in (slice(0, pw), slice(pw + w, None)):
            out[:, :, rows, columns] = 0
    return out


def _padding(name: str, hint: str, function: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"pad2d": function}, hint, convention)


PAD = (
    _padding(
        "mode-ignored",
        "Which argument is unused?",
        _mode(reflect="constant", replicate="constant", circular="constant"),
    ),
    _padding(
        "reflect-repeats-the-border",
        "Is the border row itself in the mirror, or the mirror's edge?",
        _mode(reflect="symmetric"),
        "the mode symmetric of NumPy, which SciPy's ndimage calls reflect",
    ),
    _padding("reflect-as-replicate", "In a mirror, what stands two steps behind the glass?", _mode(reflect="edge")),
    _padding("replicate-as-reflect", "Which pixel is repeated, and how often?", _mode(replicate="reflect")),
    _padding("replicate-mirrors", "Which pixel stands two steps beyond the border?", _mode(replicate="symmetric")),
    _padding("circular-as-replicate", "Leave the image on the right: where do you come back?", _mode(circular="edge")),
    _padding(
        "reflect-and-replicate-exchanged",
        "Which of the two shows more than one row?",
        _mode(reflect="edge", replicate="reflect"),
    ),
    _padding(
        "reflect-not-reversed",
        "Walk away from the mirror: in which order do the rows appear?",
        _filled("reflect", lambda x, p: (x[:, :, 1 : p + 1], x[:, :, x.shape[2] - p - 1 : -1])),
    ),
    _padding(
        "circular-on-the-wrong-side",
        "What comes before the first row on a ring: the second row or the last?",
        _filled("circular", lambda x, p: (x[:, :, :p], x[:, :, x.shape[2] - p :])),
    ),
    _padding(
        "circular-mirrors",
        "On a ring, do you walk on or turn round?",
        _filled("circular", lambda x, p: (x[:, :, x.shape[2] - p :][:, :, ::-1], x[:, :, :p][:, :, ::-1])),
    ),
    _padding("corners-left-zero", "Which pixels have both a row and a column from outside?", _corners_left_zero),
    _padding(
        "before-only", "How many borders does an image have in each direction?", _widened(lambda h, w: ((h, 0), (w, 0)))
    ),
    _padding("after-only", "Is the first pixel still at the border?", _widened(lambda h, w: ((0, h), (0, w)))),
    _padding(
        "half-on-each-side",
        "Is padding the width of each border, or of both together?",
        _widened(lambda h, w: ((h // 2, h - h // 2), (w // 2, w - w // 2))),
    ),
    _padding(
        "height-and-width-exchanged",
        "Which of the two numbers belongs to the rows?",
        _widened(lambda h, w: ((w, w), (h, h))),
    ),
    _padding("height-for-both", "Are both directions always widened alike?", _widened(lambda h, w: ((h, h), (h, h)))),
    _padding(
        "every-axis-padded",
        "Which of the four axes are rows and columns?",
        lambda x, padding, *, mode="zeros": np.pad(
            x, ((_pair(padding)[0],) * 2,) * 2 + tuple((p, p) for p in _pair(padding)), mode=_NUMPY[mode]
        ),
    ),
)
