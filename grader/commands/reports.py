"""Commands on what was graded: ``report``."""

from pathlib import Path
from typing import Annotated

import typer

from grader import journal
from grader.commands.shared import out
from grader.errors import GraderError


def report(
    results: Annotated[Path, typer.Argument(help="Folder of results, as `grader demo` writes it.")],
    to: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("report"),
) -> None:
    """Write one page for each student and one for the class, from recorded results alone."""
    from grader.report import write_report

    found = list(journal.read(results))
    if not found:
        raise GraderError(f"{results} holds no results: grade something first")
    out.print(str(write_report(found, to, assignment=found[0].assignment).resolve()), markup=False)
