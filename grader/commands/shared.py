"""What all commands share: consoles, options, progress bars, the exit code of a stop."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

NameArgument = Annotated[str, typer.Argument(help="Assignment: its folder, `04-convolution` or `convolution`.")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of the hidden cases; drawn and recorded if absent.")]
SandboxOption = Annotated[
    str, typer.Option(help="`auto`: every layer this machine has. `none`: only for submissions that you trust.")
]


def progress_bar() -> Progress:
    """A bar on stderr, silent where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
