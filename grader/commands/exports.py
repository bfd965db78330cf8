"""Commands that hand marks and checks to other systems: ``export FORMAT``."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from grader import journal
from grader.commands.shared import NameArgument, SandboxOption, SeedOption, err, out
from grader.errors import GraderError
from grader.exports.tables import Merged, Table, read_table, table_bytes, write_bytes
from grader.results import Result

export = typer.Typer(
    no_args_is_help=True,
    help="Marks and checks for other systems. Exit code 1: some students could not be entered, they are named.",
)

ResultsArgument = Annotated[Path, typer.Argument(help="Folder of one assignment's results.")]
ManyResults = Annotated[list[Path], typer.Argument(help="Folders of results.")]
ColumnOption = Annotated[str, typer.Option(help="The assignment's title there; the name of ours if absent.")]


def _read(folder: Path) -> list[Result]:
    found = list(journal.read(folder))
    if not found:
        raise GraderError(f"{folder} holds no results: grade something first")
    return found


def _write(merged: Merged, to: Path) -> None:
    out.print(str(write_bytes(to, table_bytes(merged.table))), markup=False)
    for problem in merged.problems:
        err.print(problem, markup=False)
    raise typer.Exit(1 if merged.problems else 0)


def _table(results: Sequence[Path], make: Callable[[Sequence[Result]], Table], to: Path) -> None:
    _write(Merged(make([r for folder in results for r in _read(folder)]), ()), to)


@export.command("csv")
def export_csv(results: ManyResults, to: Annotated[Path, typer.Option(help="The file.")] = Path("marks.csv")) -> None:
    """Marks of every question as CSV, safe to open in a spreadsheet."""
    from grader.exports.plain import marks_table

    _table(results, marks_table, to)


@export.command("nbgrader")
def export_nbgrader(
    results: ManyResults, to: Annotated[Path, typer.Option(help="The file.")] = Path("grades.csv")
) -> None:
    """The columns that `nbgrader export` writes; for marks entered by hand use that command."""
    from grader.exports.plain import nbgrader_table

    _table(results, nbgrader_table, to)


@export.command("canvas")
def export_canvas(
    results: ResultsArgument,
    into: Annotated[Path | None, typer.Option(help="Gradebook exported from Canvas, which has its ids.")] = None,
    to: Annotated[Path, typer.Option(help="The file to import.")] = Path("canvas.csv"),
    column: ColumnOption = "",
) -> None:
    """A column for Canvas's gradebook."""
    from grader.exports.canvas import canvas_table, into_canvas

    found = _read(results)
    if into is None:
        _write(Merged(canvas_table(found, column), ()), to)
    else:
        _write(into_canvas(read_table(into), found, column), to)


@export.command("blackboard")
def export_blackboard(
    results: ResultsArgument,
    into: Annotated[Path, typer.Option(help="Grade centre downloaded from Blackboard (Work Offline).")],
    to: Annotated[Path, typer.Option(help="The file to upload.")] = Path("blackboard.csv"),
    column: ColumnOption = "",
) -> None:
    """A column of Blackboard's grade centre."""
    from grader.exports.blackboard import into_blackboard

    _write(into_blackboard(read_table(into), _read(results), column), to)


@export.command("moodle")
def export_moodle(
    results: ResultsArgument,
    into: Annotated[Path, typer.Option(help="Grading worksheet downloaded from Moodle.")],
    to: Annotated[Path, typer.Option(help="The worksheet to upload.")] = Path("moodle.csv"),
    column: Annotated[str, typer.Option(help="Its column of grades, in Moodle's language.")] = "Grade",
    pages: Annotated[Path | None, typer.Option(help="Folder of `grader report`: its pages go into a zip.")] = None,
    feedback: Annotated[Path, typer.Option(help="The zip of feedback files.")] = Path("moodle-feedback.zip"),
) -> None:
    """Moodle's grading worksheet, and with `--pages` the zip of feedback files."""
    from grader.exports.moodle import feedback_zip, into_moodle
    from grader.folders import topic
    from grader.report import page_of

    found, table = _read(results), read_table(into)
    merged = into_moodle(table, found, column)
    if pages is not None:
        try:
            texts = {r.student: page_of(pages, r.student).read_bytes() for r in found}
        except OSError as error:
            raise GraderError(f"{pages}: holds no page of everyone ({error.filename}): run `grader report`") from error
        name = f"{topic(found[0].assignment)}-feedback.html"
        out.print(str(write_bytes(feedback, feedback_zip(table, found, texts, name))), markup=False)
    _write(merged, to)


@export.command("gradescope")
def export_gradescope(
    name: NameArgument,
    to: Annotated[Path, typer.Option(help="The zip to upload as the assignment's autograder.")] = Path(
        "autograder.zip"
    ),
    seed: SeedOption = None,
    sandbox: SandboxOption = "auto",
    visibility: Annotated[
        str, typer.Option(help="When students see marks: hidden, after_due_date, after_published, visible.")
    ] = "after_published",
) -> None:
    """An autograder for Gradescope: grades every hand-in there, in isolation."""
    from grader.exports.gradescope import autograder_zip
    from grader.folders import find_assignment
    from grader.grading import fresh_seed

    chosen = fresh_seed() if seed is None else seed
    data = autograder_zip(find_assignment(name), seed=chosen, sandbox=sandbox, visibility=visibility)
    out.print(f"{write_bytes(to, data)}   seed {chosen}", markup=False)


@export.command("github")
def export_github(
    name: NameArgument,
    to: Annotated[Path, typer.Option(help="Template repository, where `grader release` wrote the bundle.")],
) -> None:
    """A workflow for GitHub Classroom that runs the visible checks at every push."""
    from grader.exports.github import WORKFLOW, workflow
    from grader.folders import find_assignment, topic

    notebook = f"{topic(find_assignment(name))}.ipynb"
    if not (to / notebook).is_file():
        raise GraderError(f"{to / notebook} is not there: `grader release {name} --to {to}` first")
    out.print(str(write_bytes(to / WORKFLOW, workflow(notebook).encode())), markup=False)
