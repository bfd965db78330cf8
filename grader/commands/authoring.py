"""Commands for authors of assignments: ``build``, ``release``, ``fill``, ``reference``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from grader.commands.shared import NameArgument, err, out, progress_bar
from grader.errors import GraderError
from grader.files import shown
from grader.folders import assignment_folders, find_assignment, load_assignment
from grader.results import QuestionResult


def build_command(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments; all of them if absent.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is stale.")] = False,
) -> None:
    """Make the student notebooks from `notebook.md`, `questions.py` and the references' docstrings."""
    from grader.build import staleness, write_build

    folders = [find_assignment(n) for n in names] if names else assignment_folders()
    if not folders:
        raise GraderError("there are no assignments here: run this in the course's checkout")
    stale = 0
    for folder in folders:
        if not check:
            out.print(str(write_build(folder)), markup=False)
        elif difference := staleness(folder):
            stale += 1
            err.print(f"{folder.name}: stale, run `grader build {folder.name}`\n{difference}", markup=False)
    raise typer.Exit(1 if stale else 0)


def release(
    name: NameArgument,
    to: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
    student: Annotated[str, typer.Option(help="For one student, by the id that is handed in under.")] = "",
    roster: Annotated[Path | None, typer.Option(help="CSV of ids: a bundle for each, in a folder of the id.")] = None,
    lite: Annotated[bool, typer.Option("--lite", help="Build DIR/site too, which runs in the browser.")] = False,
    pyodide: Annotated[Path | None, typer.Option(help="Folder of a Pyodide for DIR/site; its CDN if absent.")] = None,
) -> None:
    """Write what students receive: notebook, frozen checks, requirements, a short README, and nothing else.

    With `--student` or `--roster`, questions on numbers get each student's own: the course's secret and the id decide.
    With `--lite` also a static site of JupyterLite, for any web server: nothing is installed.
    """
    from grader.personal import read_roster, read_secret, secret_path
    from grader.release import release as write_release
    from grader.release import release_roster

    if roster and (student or lite):
        raise GraderError("--roster makes many bundles: --student and --lite make one")
    folder = find_assignment(name)
    known = bool(read_secret(folder))
    if roster:
        files = release_roster(folder, to, read_roster(roster), force=force)
    else:
        files = write_release(folder, to, force=force, student=student)
    for path in files:
        out.print(str(path), markup=False)
    if not known and read_secret(folder):
        words = "from now on all are graded by numbers of their own: hand nobody a notebook made before, or for all"
        err.print(f"{shown(secret_path(folder))} was drawn, keep a copy; {words}", markup=False)
    if lite:
        from grader.lite import build_site

        site = build_site(files, to / "site", pyodide=pyodide)
        out.print(f"{site} (students open lab/index.html?path={files[0].name} of it)", markup=False)
        out.print(f"To look at it: python -m http.server --directory {site}", markup=False)


def fill(
    name: NameArgument,
    source: Annotated[Path, typer.Option("--from", help="Python file that defines functions of the assignment.")],
    to: Annotated[Path | None, typer.Option(help="The notebook to write; FILE.ipynb beside you if absent.")] = None,
) -> None:
    """Make a submission: put the functions of a Python file into the notebook's stubs."""
    from grader.build import build, dumps
    from grader.fill import fill_from_file

    notebook = fill_from_file(build(find_assignment(name)), source)
    target = to or Path(source.with_suffix(".ipynb").name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dumps(notebook), encoding="utf-8")
    except OSError as error:
        raise GraderError(f"cannot write {target}: {error.strerror}") from error
    out.print(str(target), markup=False)


def reference(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments; all of them if absent.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many different draws of hidden cases.")] = 20,
    backend: Annotated[str, typer.Option(help="Arrays to compute with: numpy or cupy.")] = "numpy",
) -> None:
    """Put every reference through every question: full marks, or exit 1."""
    from grader.reference import reference_runs

    folders = [find_assignment(n) for n in names] if names else assignment_folders()
    lost = 0
    for folder in folders:
        assignment = load_assignment(folder)
        table = Table("question", "points", "seeds", "full marks", title=assignment.name, title_justify="left")
        counts: dict[str, list[QuestionResult]] = {}
        with progress_bar() as bar:
            task = bar.add_task(assignment.name, total=seeds * len(assignment.questions))
            for run in reference_runs(assignment, range(seeds), backend=backend):
                counts.setdefault(run.question, []).append(run.result)
                bar.advance(task)
        for question, results in counts.items():
            full = sum(r.status == "passed" for r in results)
            lost += len(results) - full
            table.add_row(question, f"{results[0].max_points:g}", str(len(results)), str(full))
            for result in [r for r in results if r.status != "passed"][:3]:
                err.print(f"{question}: {result.first_reason}", markup=False)
        out.print(table)
    raise typer.Exit(1 if lost else 0)
