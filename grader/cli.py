"""The command ``grader``. Parses, calls, prints; decides nothing.

Exit codes: 0 done; 1 graded, but something could not be; 2 unusable input, with one line on stderr.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from grader import journal
from grader.errors import GraderError
from grader.examine import Times
from grader.files import read_text
from grader.folders import assignment_folders, find_assignment, load_assignment, topic
from grader.grading import Graded, Grading, Options, fresh_seed, grade_all, master_notebook
from grader.results import QuestionResult, Result, to_json
from grader.sandbox import probe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Examine numeric code: build assignments, grade notebooks in isolation, say why points are missing.",
    epilog="Start with `grader demo`. Exit codes: 0 done; 1 graded, but something could not be; 2 unusable input.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_STOPPED = 130  # what shells expect after Ctrl-C

NameArgument = Annotated[str, typer.Argument(help="Assignment: its folder, `04-convolution` or `convolution`.")]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of the hidden cases; drawn and recorded if absent.")]
SandboxOption = Annotated[
    str, typer.Option(help="`auto`: every layer this machine has. `none`: only for submissions that you trust.")
]


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
    except Exception as error:
        # Typer's usage errors: some of its versions bring click's classes, some their own.
        if not hasattr(error, "format_message"):
            raise
        _fail(f"{error.format_message()} (see `grader --help`)")
    if code == _STOPPED:  # Typer catches Ctrl-C itself, and says nothing
        _fail("stopped", code=_STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, *, code: int = 2) -> None:
    sys.stderr.write(f"grader: {' '.join(message.split())}\n")
    sys.exit(code)


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="An assignment that has a folder `examples`.")] = "04-convolution",
    to: Annotated[Path, typer.Option(help="Where notebooks, results and pages go.")] = Path("demo"),
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0 for one per core.")] = 0,
    seed: SeedOption = None,
) -> None:
    """Grade a made-up class of real notebooks end to end.

    Right answers in several styles, known mistakes, and students who make trouble: each notebook is graded in
    isolation, the reasons are printed, and pages are written.
    """
    from grader.demo import make_class

    folder = find_assignment(name)
    sandbox = "auto"
    layers = probe()
    if not layers.core:
        sandbox = "none"
        err.print("Notice: this machine cannot isolate student code. " + " ".join(layers.missing()))
        err.print("The demo's submissions are our own, so it goes on without; real grading would refuse.\n")
    submissions = make_class(folder, to / "submitted")
    options = Options(seed=fresh_seed() if seed is None else seed, sandbox=sandbox, times=Times(question_factor=0.25))
    graded = _grade_class(folder, submissions, options, jobs)
    _print_class(graded)
    index = _write_pages(folder, graded, to, submissions)
    out.print(f"\nNotebooks: {to / 'submitted'}   results: {to / 'results'}")
    out.print(f"Class page: {index.resolve()}")


@app.command("build")
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


@app.command()
def release(
    name: NameArgument,
    to: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
) -> None:
    """Write what students receive: notebook, frozen checks, requirements, a short README, and nothing else."""
    from grader.release import release as write_release

    for path in write_release(find_assignment(name), to, force=force):
        out.print(str(path), markup=False)


@app.command()
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


@app.command()
def grade(
    submission: Annotated[Path, typer.Argument(help="One .ipynb or .py.")],
    assignment: Annotated[str, typer.Option(help="Assignment; else what the notebook or its name says.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    seed: SeedOption = None,
    sandbox: SandboxOption = "auto",
) -> None:
    """Grade one submission and say why points are missing."""
    folder = find_assignment(assignment) if assignment else _guess(submission)
    options = Options(seed=fresh_seed() if seed is None else seed, sandbox=sandbox)
    with Grading(folder, options) as grading:
        result = grading.grade(submission)
    if as_json:
        sys.stdout.write(to_json(result))
    else:
        _print_result(result)


@app.command()
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
        with _progress() as bar:
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


@app.command()
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


def _guess(submission: Path) -> Path:
    """Find the assignment from the file's name, then from what the notebook says it is (which only saves typing)."""
    folders = assignment_folders()
    text = read_text(submission)
    for folder in folders:
        if submission.stem in (topic(folder), folder.name):
            return folder
    for folder in folders:
        if f'"assignment": "{folder.name}"' in text:
            return folder
    raise GraderError(f"{submission}: which assignment is this? Say it with --assignment NAME")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _grade_class(folder: Path, submissions: dict[str, Path], options: Options, jobs: int) -> list[Graded]:
    graded = []
    with _progress() as bar:
        task = bar.add_task("grading", total=len(submissions))
        for one in grade_all(folder, submissions, options, jobs=jobs):
            graded.append(one)
            bar.update(task, advance=1, description=f"graded {one.student}")
    return sorted(graded, key=lambda g: g.student)


def _write_pages(folder: Path, graded: list[Graded], to: Path, submissions: dict[str, Path]) -> Path:
    from grader.read import read_submission
    from grader.report import write_report

    results = [g.result for g in graded if g.result is not None]
    for result in results:
        journal.write(to / "results", result)
    master = master_notebook(folder)
    sources = {r.student: read_submission(submissions[r.student], master).cells for r in results}
    problems = {g.student: g.problem for g in graded if g.result is None}
    index: Path = write_report(
        results, to / "report", assignment=load_assignment(folder), sources=sources, problems=problems
    )
    return index


def _print_class(graded: list[Graded]) -> None:
    table = Table("student", "marks", "time", "first reason", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for one in graded:
        if one.result is None:
            table.add_row(one.student, "–", "", one.problem)
        else:
            marks = f"{one.result.points:g} / {one.result.max_points:g}"
            table.add_row(one.student, marks, f"{one.result.seconds:.2f} s", one.result.first_reason)
    out.print(table, markup=False)


def _print_result(result: Result) -> None:
    table = Table("question", "points", "", "why", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for question in result.questions:
        points = f"{question.points:g} / {question.max_points:g}"
        table.add_row(question.name, points, question.status, "")
        for d in question.diagnosis:
            table.add_row("", "", d.kind, f"{d.name}: {d.hint}")
        if question.status == "missing":
            table.add_row("", "", "", question.first_reason)
            continue
        for c in question.criteria:
            if not c.passed:
                table.add_row("", f"{c.points:g} / {c.max_points:g}", "", f"{c.name}: {c.message}")
    out.print(table, markup=False)
    for note in result.notes:
        out.print(f"note: {note}", markup=False)
    out.print(f"\n{result.points:g} of {result.max_points:g} points   (seed {result.seed}, {result.seconds:.2f} s)")
    if not any("seccomp" in s for s in result.sandbox):
        out.print("[red]Graded without isolation (--sandbox none).[/red]")
