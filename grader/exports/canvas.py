"""Canvas: a column in its gradebook, as its importer reads it.

Format: "How do I import grades in the Gradebook?" (Canvas Instructor Guide) and the importer itself,
`lib/gradebook_importer.rb` of instructure/canvas-lms: the columns Student and ID, then SIS User ID and SIS Login ID,
then Section, then assignments, "Title (id)" for one that exists; a row whose first cell holds "Points Possible"; a
student is found by ID, SIS User ID, SIS Login ID or name, in this order.
"""

import re
from collections.abc import Sequence

from grader.errors import GraderError
from grader.exports.tables import Merged, Table, enter, find_rows, mark, most_points, plain, same_worth
from grader.results import Result

COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_NAMED = ("SIS Login ID", "SIS User ID", "Integration ID", "ID", "Student")
POINTS_POSSIBLE = "    Points Possible"


def canvas_table(results: Sequence[Result], column: str = "") -> Table:
    """Return a file of one new column for students whose names are their logins."""
    most = most_points(results)
    title = plain(column or results[0].assignment)
    rows = [(*COLUMNS, title), (POINTS_POSSIBLE, "", "", "", "", mark(most))]
    rows += [(plain(r.student), "", "", plain(r.student), "", mark(r.total)) for r in results]
    return Table(tuple(rows))


def into_canvas(table: Table, results: Sequence[Result], column: str = "") -> Merged:
    """Enter marks into a gradebook that was exported from Canvas.

    Parameters
    ----------
    table : Table
        The downloaded gradebook. Nothing but one column of it changes; students without a result keep what is there.
    results : sequence of Result
    column : str, optional
        The assignment's title in Canvas, with or without its id; our name for it otherwise. A column that is not there
        is added, from which Canvas makes a new assignment; one that was asked for must be there.
    """
    if table.header[0] not in ("Student", "LastName") or "ID" not in table.header or "Section" not in table.header:
        raise GraderError("this is no gradebook of Canvas: export it there anew (columns Student, ID, ..., Section)")
    most = most_points(results)
    wanted = column or results[0].assignment
    titles = [i for i, h in enumerate(table.header) if wanted in (h, re.sub(r" \(\d+\)$", "", h))]
    if len(titles) > 1:
        raise GraderError(f"the gradebook has several columns {wanted}: name one with its id")
    if not titles and column:
        raise GraderError(f"the gradebook has no column {column}")
    place = titles[0] if titles else len(table.header)
    possible = next((n for n, row in enumerate(table.rows) if row and "Points Possible" in row[0]), None)
    if titles and possible is not None:
        same_worth(f"column {wanted}", (*table.rows[possible], *[""] * place)[place], most)
    people = Table(tuple(row if n != possible else () for n, row in enumerate(table.rows)))
    found, problems = find_rows((r.student for r in results), people, _NAMED)
    marks = {found[r.student]: mark(r.total) for r in results if r.student in found}
    if not titles:
        # Every row must be of one length, and an assignment that is new needs its worth.
        marks = {n: "" for n in range(1, len(table.rows)) if table.rows[n]} | marks | {0: wanted}
        marks |= {possible: mark(most)} if possible is not None else {}
    return Merged(enter(table, place, marks), problems)
