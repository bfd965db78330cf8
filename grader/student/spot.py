"""Where in a student's own code an exception arose: the line, and the arrays that were at hand.

For the student's own kernel alone, where every input is visible. Grading never uses it: the shape of a hidden input
must not reach a result.
"""

import linecache
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from grader.execute import in_notebook
from grader.plans import clean

_MOST_NAMES = 8
_MOST_ITEMS = 4


@dataclass(frozen=True)
class Spot:
    """The innermost line of the student's that an exception went through.

    Attributes
    ----------
    error : str
        "ValueError: shapes (2,3) and (2,3) not aligned".
    function : str
        The function that the line is in.
    line : int
        Within its cell or file.
    source : str
        The line's text without its indent, empty where it is not known.
    mark : tuple of int
        From where to where in `source` the failing expression stands; equal where that is not known.
    names : tuple of str
        What was at hand: "x (2, 3)", "stride = 2".
    """

    error: str
    function: str
    line: int
    source: str
    mark: tuple[int, int]
    names: tuple[str, ...]


def spot_of(error: BaseException, names: Mapping[str, Any]) -> Spot | None:
    """Return where in the code of a notebook an exception arose; None where it went through none of its lines.

    Parameters
    ----------
    error : exception
    names : mapping
        The notebook's own namespace: a frame is the student's where it looks its names up there.
    """
    own = [t for t in _tracebacks(error.__traceback__) if _is_own(t.tb_frame, names)]
    if not own:
        return None
    traceback, frame = own[-1], own[-1].tb_frame
    file = frame.f_code.co_filename
    if not in_notebook(file):  # a file may have been edited; a cell keeps the text that ran
        linecache.checkcache(file)
    whole = linecache.getline(file, traceback.tb_lineno, frame.f_globals).rstrip()
    source = whole.lstrip()
    return Spot(
        error=_words(error),
        function="" if frame.f_code.co_name.startswith("<") else frame.f_code.co_name,
        line=traceback.tb_lineno,
        source=clean(source, 300),
        mark=_mark(traceback, whole, len(whole) - len(source)),
        names=tuple(islice(_at_hand(frame, source), _MOST_NAMES)),
    )


def _tracebacks(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_own(frame: FrameType, names: Mapping[str, Any]) -> bool:
    return frame.f_globals is names or in_notebook(frame.f_code.co_filename)


def _words(error: BaseException) -> str:
    try:
        return clean(f"{type(error).__name__}: {error}".rstrip(": "), 400)
    except Exception:  # a class of the student's that fails to describe itself
        return type(error).__name__


def _mark(traceback: TracebackType, whole: str, indent: int) -> tuple[int, int]:
    positions = islice(traceback.tb_frame.f_code.co_positions(), traceback.tb_lasti // 2, None)
    first, last, start, end = next(positions, (None, None, None, None))
    if first != traceback.tb_lineno or first != last or start is None or end is None or not whole.isascii():
        return 0, 0
    return max(0, start - indent), max(0, end - indent)


def _at_hand(frame: FrameType, source: str) -> Iterator[str]:
    """Describe the local arrays, those that the line names first, and the small values that it names."""
    words = set(_identifiers(source))
    locals_ = {name: value for name, value in frame.f_locals.items() if not name.startswith("_")}
    named = [name for name in _identifiers(source) if name in locals_]
    for name in dict.fromkeys([*named, *locals_]):
        value = locals_[name]
        if isinstance(value, np.ndarray):
            kind = "" if value.dtype == np.float64 else f" {value.dtype}"
            yield f"{name} {value.shape}{kind}"
        elif name in words and (value is None or type(value) in (bool, int, float, str)):
            yield f"{name} = {clean(repr(value), 40)}"
        elif name in words and type(value) in (list, tuple, dict):
            short = len(value) <= _MOST_ITEMS and all(type(item) in (int, float, str) for item in value)
            yield f"{name} = {clean(repr(value), 60)}" if short else f"{name}: {type(value).__name__} of {len(value)}"


def _identifiers(source: str) -> list[str]:
    spaced = "".join(c if c.isidentifier() or c.isdigit() else " " for c in source)
    return spaced.split()
