"""The command ``new``: a first assignment of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from grader.commands.shared import out
from grader.folders import topic


def new(
    name: Annotated[str, typer.Argument(help="`attention`, or `12-attention` to choose its number.")],
    course: Annotated[Path | None, typer.Option(help="The course; else the nearest one, or a new one here.")] = None,
) -> None:
    """Make an assignment folder with one example question, which builds and is graded: change it bit by bit."""
    from grader.scaffold import scaffold  # imports what builds notebooks: seconds that no other command needs

    files = scaffold(name, course or _nearest_course())
    for file in files:
        out.print(str(file), markup=False)
    out.print(f"Next: grader reference {topic(files[0].parent)}", markup=False)


def _nearest_course() -> Path:
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "assignments").is_dir()), here)
