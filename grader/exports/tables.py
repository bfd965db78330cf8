"""Tables that other systems read and write: comma, semicolon or tab, with or without a mark of their encoding.

A table that is read is written back as it was, but for the cells that were set.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError
from grader.files import read_bytes, shown
from grader.results import Result

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# What makes a spreadsheet take text for a formula (OWASP, "CSV Injection"), full-width forms included.
_FORMULA = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")


@dataclass(frozen=True)
class Table:
    """Rows of text, the first of which is the heading, and how they were written down."""

    rows: tuple[tuple[str, ...], ...]
    delimiter: str = ","
    encoding: str = "utf-8"
    newline: str = "\r\n"

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.rows[0]

    def column(self, name: str) -> int | None:
        """Return the place of a column, None where there is none of that name."""
        return self.header.index(name) if name in self.header else None


@dataclass(frozen=True)
class Merged:
    """A table with marks in it, and in one line each what could not be entered."""

    table: Table
    problems: tuple[str, ...]


def read_table(path: Path) -> Table:
    """Read a table.

    Raises
    ------
    GraderError
        If the file cannot be read, is no text or no table.
    """
    data = read_bytes(path, 64 << 20)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise GraderError(f"{shown(path)}: is not UTF-8: download it again, or save it as CSV UTF-8") from error
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = tuple(tuple(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise GraderError(f"{shown(path)}: is no table: {error}") from error
    if not rows or len(rows[0]) < 2:
        raise GraderError(f"{shown(path)}: has no heading with columns: is it the file that was downloaded?")
    return Table(rows, delimiter, encoding, "\r\n" if "\r\n" in text else "\n")


def table_bytes(table: Table) -> bytes:
    """Write a table as it was read, each cell quoted where it must be."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=table.delimiter, lineterminator=table.newline).writerows(table.rows)
    # Half of a surrogate pair, as in the name of a file that is not UTF-8, cannot be written.
    return buffer.getvalue().encode("utf-8", "replace").decode("utf-8").encode(table.encoding)


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file that was asked for."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise GraderError(f"cannot write {shown(path)}: {error.strerror or error}") from error
    return path


def plain(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe stands before what looks like one.

    >>> plain("=1+1"), plain("Zoë, the 2nd")
    ("'=1+1", 'Zoë, the 2nd')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def mark(points: float) -> str:
    """Return points without an exponent and without noise.

    >>> mark(41.0), mark(1 / 3)
    ('41', '0.3333')
    """
    return f"{points:.4f}".rstrip("0").rstrip(".")


def find_rows(
    students: Iterable[str], table: Table, columns: Sequence[str], aliases: Mapping[str, int] | None = None
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Find each student's row.

    Parameters
    ----------
    students : iterable of str
    table : Table
    columns : sequence of str
        Which may hold a student's name, the surest first; a row is found where one alone has it.
    aliases : mapping of str to int, optional
        Rows that are known otherwise.

    Returns
    -------
    found : dict
        Student to the number of the row in `table`.
    problems : tuple of str
        Students without a row, or with several.
    """
    places = [table.header.index(c) for c in columns if c in table.header]
    index: list[dict[str, list[int]]] = []
    for place in places:
        values: dict[str, list[int]] = {}
        for number, row in enumerate(table.rows[1:], start=1):
            if place < len(row) and row[place].strip():
                values.setdefault(_folded(row[place]), []).append(number)
        index.append(values)
    found: dict[str, int] = dict(aliases or {})
    problems = []
    for student in students:
        if student in found:
            continue
        hits = next((v[_folded(student)] for v in index if _folded(student) in v), [])
        if len(hits) == 1:
            found[student] = hits[0]
        else:
            why = "several rows have this name" if hits else f"no row has this in {', '.join(columns)}"
            problems.append(f"{student or '(no name)'}: {why}")
    rows = list(found.values())
    for student in [s for s, row in found.items() if rows.count(row) > 1]:
        problems.append(f"{student}: another result has the same row")
        del found[student]
    return found, tuple(problems)


def enter(table: Table, column: int, marks: Mapping[int, str]) -> Table:
    """Return a table with cells of one column set, whose rows are as long as they must be."""
    rows = [list(row) for row in table.rows]
    for number, text in marks.items():
        rows[number] += [""] * (column + 1 - len(rows[number]))
        rows[number][column] = text
    return Table(tuple(map(tuple, rows)), table.delimiter, table.encoding, table.newline)


def most_points(results: Sequence[Result]) -> float:
    """Return the points that an assignment is worth.

    Raises
    ------
    GraderError
        If the results are of several assignments, or of one that changed its worth.
    """
    names = sorted({r.assignment for r in results})
    if len(names) != 1:
        raise GraderError(f"the results are of {', '.join(names)}: a column is about one assignment")
    worth = {r.max_points for r in results}
    if len(worth) != 1:
        raise GraderError(f"{names[0]}: results are out of {', '.join(map(mark, sorted(worth)))}: grade all anew")
    return worth.pop()


def same_worth(where: str, text: str, most: float) -> None:
    """Refuse to enter marks out of another number of points than the column's."""
    try:
        there = float(text.strip().replace(",", "."))
    except ValueError:
        return
    if abs(there - most) > 1e-6:
        raise GraderError(
            f"{where} is out of {mark(there)} points, the results are out of {mark(most)}: change it there first"
        )


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip().casefold()
