"""Submissions whose code is nearly the same: a hint for a person to look, never a verdict.

Names, comments and layout are dropped from Pygments' tokens, and what is left is compared as sets of `SHINGLE` tokens
in a row (Broder 1997; MOSS and JPlag compare likewise), in one sparse product for the whole class.
Shingles that many share say nothing: the text handed out, the usual way to write a loop. (copydetect, which
implements winnowing, was left out: its fingerprints follow Python's hash of strings, which differs from run to run.)
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from pygments.token import Comment, Name, String, Text

from grader.read import Cell
from grader.report.code import tokens, with_newlines

SHINGLE = 8
# Two submissions are named if they share this part of all the rare shingles that either of them has,
ALIKE = 0.8
# if each has at least this many, and where a shingle is rare that at most this share of the class has (three at least).
FEWEST = 40
COMMON = 0.05
_MAX_CHARACTERS = 200_000


@dataclass(frozen=True)
class Pair:
    """Two students and the share of their rare shingles that both have."""

    one: str
    other: str
    share: float


Shape = tuple[tuple[str, ...], ...]


def shape(cells: Sequence[Cell]) -> Shape:
    """Return what is compared of a submission: the tokens of each cell that no renaming and no new layout changes."""
    return tuple(_lasting(with_newlines(cell.source[:_MAX_CHARACTERS])) for cell in cells)


def near_identical(shapes: Mapping[str, Shape]) -> list[Pair]:
    """Return pairs of submissions that are nearly the same, the most alike first."""
    students = sorted(shapes)
    if len(students) < 2:
        return []
    table = _table([shapes[s] for s in students])
    rare = table[:, table.sum(axis=0) <= max(3, COMMON * len(students))]
    sizes = rare.sum(axis=1)
    both = (rare @ rare.T).tocoo()
    pairs = []
    for i, j, shared in zip(both.row, both.col, both.data, strict=True):
        share = shared / (sizes[i] + sizes[j] - shared)
        if i < j and share >= ALIKE and min(sizes[i], sizes[j]) >= FEWEST:
            pairs.append(Pair(students[i], students[j], round(float(share), 4)))
    return sorted(pairs, key=lambda p: (-p.share, p.one, p.other))


def _table(shapes: Sequence[Shape]) -> Any:
    """Return which submission (row) has which shingle (column), as a sparse array of ones."""
    from scipy.sparse import csr_array

    columns: dict[str, int] = {}
    rows = [[columns.setdefault(s, len(columns)) for s in dict.fromkeys(_shingles(cells))] for cells in shapes]
    ends = np.cumsum([0, *map(len, rows)])
    found = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=ends[-1])
    return csr_array((np.ones_like(found), found, ends), shape=(len(rows), len(columns)))


def _shingles(cells: Shape) -> Iterator[str]:
    for cell in cells:
        yield from (" ".join(cell[i : i + SHINGLE]) for i in range(len(cell) - SHINGLE + 1))


def _lasting(source: str) -> tuple[str, ...]:
    kept = []
    for kind, text in tokens(source):
        stands_for = _stands_for(kind)
        if stands_for is not None and text.strip():
            kept.append(stands_for or re.sub(r"\s", "", text))
    return tuple(map(sys.intern, kept))


@cache
def _stands_for(kind: Any) -> str | None:
    """Return what a kind of token is compared as: None where it is left out, "" where its text counts."""
    if kind in Comment or kind in Text or kind in String.Doc:
        return None
    if kind in Name and kind not in Name.Builtin and kind not in Name.Exception:
        return "n"
    return "s" if kind in String else ""
