"""The command ``grader``: which commands there are, and how they end.

Exit codes: 0 done; 1 graded, but something could not be; 2 unusable input, with one line on stderr.
"""

import errno
import sys
from typing import Annotated

import typer

from grader.commands.authoring import build_command, fill, reference, release
from grader.commands.autograde import autograde
from grader.commands.course import course, gradebook
from grader.commands.doctor import doctor
from grader.commands.exports import export
from grader.commands.grading import demo, grade
from grader.commands.new import new
from grader.commands.proving import confusion
from grader.commands.reports import report
from grader.errors import GraderError
from grader.files import shown

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Examine numeric code: build assignments, grade notebooks in isolation, say why points are missing.",
    epilog="Start with `grader demo`. Exit codes: 0 done; 1 graded, but something could not be; 2 unusable input.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # takes as long to import as all of this file

        typer.echo(f"grader {version('stencil-cnn')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Take what stands before a command."""


app.command()(demo)
app.command()(new)
app.command("build")(build_command)
app.command()(release)
app.command()(fill)
app.command()(grade)
app.command()(autograde)
app.command()(reference)
app.command()(confusion)
app.command()(report)
app.add_typer(export, name="export")
app.command()(course)
app.command()(gradebook)
app.command()(doctor)

# What a network file system answers when it is away, stale or full, and any when it may only be read.
_STORAGE = {
    getattr(errno, name, -1) for name in ("EACCES", "EDQUOT", "EIO", "ENOSPC", "EPERM", "EROFS", "ESTALE", "ETIMEDOUT")
}
_STOPPED = 130  # what shells expect after Ctrl-C


def main() -> None:
    """Run the command; whatever a user can cause is one line on stderr."""
    try:
        code = app(standalone_mode=False)
    except GraderError as error:
        _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped", code=_STOPPED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in _STORAGE or not error.filename:
            raise
        _fail(f"{shown(error.filename)}: {error.strerror}: is the folder there, readable and writable?")
    except Exception as error:
        # Typer's usage errors: some of its versions bring click's classes, some their own.
        if not hasattr(error, "format_message"):
            raise
        if not (message := error.format_message()):  # no command: the help has been shown
            sys.exit(2)
        _fail(f"{message} (see `grader --help`)")
    if code == _STOPPED:  # Typer catches Ctrl-C itself, and says nothing
        _fail("stopped", code=_STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, *, code: int = 2) -> None:
    sys.stderr.write(f"grader: {' '.join(message.split())}\n")
    sys.exit(code)
