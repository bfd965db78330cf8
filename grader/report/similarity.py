"""Submissions whose code is nearly the same: a hint for a person to look, never a verdict.

Names, comments and layout are dropped from Pygments' tokens, and what is left is compared as sets of `SHINGLE` tokens
in a row (Broder 1997; MOSS and JPlag compare likewise) by scikit-learn, in one sparse product for the whole class.
Shingles that many share say nothing: the text handed out, the usual way to write a loop. (copydetect, which
implements winnowing, was left out: its fingerprints follow Python's hash of strings, which differs from run to run.)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Name, Number, String, Text

from grader.read import Cell

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


def near_identical(sources: Mapping[str, Sequence[Cell]]) -> list[Pair]:
    """Return pairs of submissions that are nearly the same, the most alike first."""
    students = sorted(sources)
    if len(students) < 2:
        return []
    from sklearn.feature_extraction.text import CountVectorizer  # takes half a second to import

    counts = CountVectorizer(analyzer=_shingles, binary=True, dtype="int32")
    try:
        table = counts.fit_transform([sources[s] for s in students])
    except ValueError:  # no shingle at all
        return []
    rare = table[:, _flat(table.sum(axis=0)) <= max(3, COMMON * len(students))]
    sizes = _flat(rare.sum(axis=1))
    both = (rare @ rare.T).tocoo()
    pairs = []
    for i, j, shared in zip(both.row, both.col, both.data, strict=True):
        share = shared / (sizes[i] + sizes[j] - shared)
        if i < j and share >= ALIKE and min(sizes[i], sizes[j]) >= FEWEST:
            pairs.append(Pair(students[i], students[j], round(float(share), 4)))
    return sorted(pairs, key=lambda p: (-p.share, p.one, p.other))


def _flat(matrix: Any) -> Any:
    return matrix.A1 if hasattr(matrix, "A1") else matrix.ravel()


def _shingles(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in cells:
        tokens = _tokens(cell.source[:_MAX_CHARACTERS])
        yield from (" ".join(tokens[i : i + SHINGLE]) for i in range(len(tokens) - SHINGLE + 1))


def _tokens(source: str) -> list[str]:
    """Return the tokens that stay when a program is renamed, commented and laid out anew."""
    kept = []
    for kind, text in PythonLexer().get_tokens(source):
        if kind in Comment or kind in Text or kind in String.Doc or not text.strip():
            continue
        if kind in Name.Builtin or kind in Name.Exception:
            kept.append(text)
        elif kind in Name:
            kept.append("n")
        elif kind in Number:
            kept.append(re.sub(r"\s", "", text))
        elif kind in String:
            kept.append("s")
        else:
            kept.append(text.strip())
    return kept
