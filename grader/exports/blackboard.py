"""Blackboard Learn: a column of its grade centre, worked on offline.

Format: "Work Offline with Grade Data" and "Uploading External Grade Center Items" (Blackboard Help for instructors): a
student is known by the column Username, a column by the id that Blackboard wrote behind its name
("Name [Total Pts: 50 Score] |12345"); a column without an id becomes a new column of text, so one is never added here.
Downloads are tab-delimited or comma-delimited, in UTF-16 or UTF-8; both are written back as they came.
"""

import re
from collections.abc import Sequence

from grader.errors import GraderError
from grader.exports.tables import Merged, Table, enter, find_rows, mark, most_points, same_worth
from grader.results import Result

_HEADING = re.compile(r"^(?P<title>.*?)(?: \[Total Pts: (?:up to )?(?P<most>[\d.,]+)[^\]]*\])?(?: \|\d+)?$")


def into_blackboard(table: Table, results: Sequence[Result], column: str = "") -> Merged:
    """Enter marks into a grade centre that was downloaded: see `grader.exports.canvas.into_canvas`."""
    if "Username" not in table.header:
        raise GraderError("this is no download of Blackboard's: it has no column Username")
    most = most_points(results)
    wanted = column or results[0].assignment
    titles = [(i, m) for i, h in enumerate(table.header) if (m := _HEADING.match(h)) and wanted in (h, m["title"])]
    if len(titles) != 1:
        raise GraderError(f"the download has {'several columns' if titles else 'no column'} {wanted}: see --column")
    place, heading = titles[0]
    same_worth(f"column {wanted}", heading["most"] or "", most)
    found, problems = find_rows((r.student for r in results), table, ("Username", "Student ID"))
    return Merged(
        enter(table, place, {found[r.student]: mark(r.total) for r in results if r.student in found}), problems
    )
