"""Commands on nbgrader courses: ``course``, ``gradebook``."""

from pathlib import Path
from typing import Annotated

import typer

from grader import journal
from grader.commands.shared import NameArgument, err, out
from grader.errors import GraderError
from grader.folders import assignment_folders, find_assignment, load_assignment


def course(
    to: Annotated[Path, typer.Argument(metavar="DIR", help="The course's folder; made if it is missing.")],
    names: Annotated[list[str] | None, typer.Argument(help="Assignments; all of them if absent.")] = None,
    course_id: Annotated[str, typer.Option(help="What the exchange calls it; the folder's name if absent.")] = "",
    db_url: Annotated[str, typer.Option(help="The gradebook's database; a SQLite file in DIR if absent.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace notebooks that differ.")] = False,
) -> None:
    """Make an nbgrader course: every `nbgrader` command works in it, and code is graded by us, in isolation."""
    from grader.nbgrader.course import write_course
    from grader.personal import has_personal, read_secret

    folders = [find_assignment(n) for n in names] if names else assignment_folders()
    if not folders:
        raise GraderError("there are no assignments here: run this in the course's checkout")
    # nbgrader hands the same notebook to all: its default numbers are not the ones that these are graded by.
    own = [f for f in folders if read_secret(f) and has_personal(load_assignment(f))]
    folders = [f for f in folders if f not in own]
    instead = "each student has numbers of their own in this course: use `grader release {} --roster FILE.csv`"
    why = [f"{f.name}: {instead.format(f.name)}" for f in own]
    if own and (names or not folders):
        raise GraderError(why[0])
    for path in write_course(to, folders, course_id=course_id, db_url=db_url, force=force):
        out.print(str(path), markup=False)
    for line in why:
        err.print(f"left out: {line}", markup=False)
    out.print(f"\nNext: cd {to} && nbgrader generate_assignment {folders[0].name}", markup=False)


def gradebook(
    name: NameArgument,
    directory: Annotated[Path, typer.Option("--course", help="The nbgrader course's folder.")],
    results: Annotated[
        Path | None, typer.Option(help="Folder of results; those of `nbgrader autograde` in the course if absent.")
    ] = None,
) -> None:
    """Write recorded results into an nbgrader gradebook: what `nbgrader autograde` would store, without grading."""
    from grader.nbgrader.gradebook import write
    from grader.nbgrader.marks import journal_of

    assignment = find_assignment(name).name
    found = list(journal.read(results or journal_of(directory, assignment)))
    written = write(directory, found, assignment=assignment)
    out.print(f"{written.students} students in {written.db_url}", markup=False)
    for problem in written.problems:
        err.print(problem, markup=False)
    raise typer.Exit(1 if written.problems else 0)
