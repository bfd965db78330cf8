"""Commands on what was graded: ``report``."""

from pathlib import Path
from typing import Annotated

import typer

from grader import journal
from grader.commands.shared import out
from grader.errors import GraderError
from grader.results import Result
from grader.scratch import scratch_folder


def report(
    results: Annotated[Path, typer.Argument(help="Folder of results, as `grader demo` writes it.")],
    to: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("report"),
    submissions: Annotated[
        Path | None, typer.Option(help="Folder or archive of hand-ins; `submitted` beside the results if absent.")
    ] = None,
) -> None:
    """Write one page for each student and one for the class, from recorded results and submitted files alone."""
    found = list(journal.read(results))
    if not found:
        raise GraderError(f"{results} holds no results: grade something first")
    names = sorted({r.assignment for r in found})
    if len(names) > 1:
        raise GraderError(f"{results} holds results of {', '.join(names)}: one page is about one assignment")
    out.print(str(write_pages(found, results, to, submissions).resolve()), markup=False)


def write_pages(results: list[Result], folder: Path, to: Path, submissions: Path | None = None) -> Path:
    """Write the pages of one assignment, with what its folder and the hand-ins add where they are found."""
    from grader.folders import find_assignment, load_assignment
    from grader.grading import master_notebook
    from grader.report import write_report
    from grader.report.submitted import Submitted, folder_beside, hand_ins, read_submitted

    name = results[0].assignment
    problems = journal.problems(folder)
    try:
        home = find_assignment(name)
    except GraderError:  # results can be read where the course is not
        return write_report(results, to, assignment=name, problems=problems)
    place = submissions or folder_beside(folder)
    handed = Submitted({}, problems)
    if place is not None:
        with scratch_folder() as unpacked:
            files = hand_ins(place, home, Path(unpacked))
            handed = read_submitted(files, results, master_notebook(home), problems)
    return write_report(
        results,
        to,
        assignment=load_assignment(home),
        sources=handed.sources,
        problems=handed.problems,
    )
