"""Moodle: its offline grading worksheet, and feedback files for all students in one zip.

Format: MoodleDocs, "Using Assignment: offline grading worksheet, multiple feedback files", and Moodle's own readers
`mod/assign/feedback/offline/importgradeslib.php` (columns Identifier, Grade and Last modified (grade), the number of a
participant at the end of the identifier) and `mod/assign/feedback/file/importziplib.php` (folders
``fullname_number_assignsubmission_file_``, split at underscores). Moodle skips a mark above the maximum.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence

from grader.errors import GraderError
from grader.exports.tables import Merged, Table, enter, find_rows, mark, most_points, same_worth
from grader.results import Result

_NAMED = ("Username", "ID number", "Email address", "Full name", "Identifier")
_FOLDER = re.compile(r"^.*_(\d+)_assignsubmission_[a-z]+_?$", re.DOTALL)


def into_moodle(table: Table, results: Sequence[Result], column: str = "Grade") -> Merged:
    """Enter marks into a worksheet that was downloaded from Moodle.

    Nothing but the column of grades changes: "Last modified (grade)" must stay, Moodle compares it.
    """
    place = table.column(column)
    if place is None or not _participants(table):
        raise GraderError(f"this is no grading worksheet of Moodle's: it needs the columns Identifier and {column}")
    most = most_points(results)
    limit = table.column("Maximum Grade")
    if limit is not None and len(table.rows) > 1:
        same_worth("Moodle's assignment", table.rows[1][limit], most)
    found, problems = _rows(table, results)
    above = [f"{r.student}: {mark(r.total)} points, entered as {mark(most)}: Moodle takes no more" for r in results
             if r.total > most]  # fmt: skip
    marks = {found[r.student]: mark(min(r.total, most)) for r in results if r.student in found}
    return Merged(enter(table, place, marks), (*problems, *above))


def feedback_zip(table: Table, results: Sequence[Result], pages: Mapping[str, bytes], name: str) -> bytes:
    """Return the zip for "Upload multiple feedback files in a zip": one page for each student of the worksheet.

    Parameters
    ----------
    table : Table
        The worksheet, which knows each participant's number.
    results : sequence of Result
    pages : mapping of str to bytes
        Each student's page.
    name : str
        Of the file that a student sees.
    """
    numbers = _participants(table)
    full = table.column("Full name")
    files = {}
    for student, row in _rows(table, results)[0].items():
        who = _part(table.rows[row][full]) if full is not None and full < len(table.rows[row]) else ""
        files[f"{who or 'Participant'}_{numbers[row]}_assignsubmission_file_/{name}"] = pages[student]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            # A date of its own would make every run's file another one.
            entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[path])
    return buffer.getvalue()


def _participants(table: Table) -> dict[int, str]:
    """Return each row's participant number: what Moodle itself reads, the digits that end the identifier."""
    found = {n: re.search(r"(\d+)\s*$", row[0]) for n, row in enumerate(table.rows) if n and row}
    return {n: match[1] for n, match in found.items() if match}


def _rows(table: Table, results: Sequence[Result]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Find rows by name, or by the number in the name of a folder that Moodle made."""
    by_number = {number: row for row, number in _participants(table).items()}
    folders = {r.student: m[1] for r in results if (m := _FOLDER.match(r.student))}
    aliases = {student: by_number[number] for student, number in folders.items() if number in by_number}
    return find_rows((r.student for r in results), table, _NAMED, aliases)


def _part(text: str) -> str:
    """Return a name for a folder: no underscore, at which Moodle splits, and nothing that a path could take wrongly."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f_/\\:*?\"<>|]", " ", text).split()).strip(".")
