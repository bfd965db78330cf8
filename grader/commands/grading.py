"""Commands that grade: ``demo``, ``grade``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from grader import journal
from grader.commands.reports import write_pages
from grader.commands.shared import SandboxOption, SeedOption, err, out, progress_bar
from grader.engine import Run
from grader.errors import GraderError
from grader.examine import Times
from grader.files import read_text
from grader.folders import assignment_folders, find_assignment, topic
from grader.grading import Grading, Options, fresh_seed
from grader.intake import Handed
from grader.pool import LocalPool, jobs_for
from grader.results import Result, to_json
from grader.sandbox import probe
from grader.tasks import Graded


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
    graded = _grade_class(folder, submissions, options, jobs, to / "results")
    _print_class(graded)
    index = _write_pages(graded, to, to / "submitted")
    out.print(f"\nNotebooks: {to / 'submitted'}   results: {to / 'results'}")
    out.print(f"Class page: {index.resolve()}")


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


def _grade_class(
    folder: Path, submissions: dict[str, Path], options: Options, jobs: int, results: Path
) -> list[Graded]:
    graded = []
    jobs = jobs_for(jobs, len(submissions))
    handed = [Handed(student, path) for student, path in submissions.items()]
    with progress_bar() as bar, journal.alone(results):
        task = bar.add_task("grading", total=len(submissions))
        for event in Run(folder, results, options, fresh=True)(handed, lambda: LocalPool(jobs), ahead=2 * jobs):
            if event.kind in ("graded", "problem"):
                graded.append(Graded(event.student, event.result, event.message))
                bar.update(task, advance=1, description=f"graded {event.student}")
    return sorted(graded, key=lambda g: g.student)


def _write_pages(graded: list[Graded], to: Path, submissions: Path) -> Path:
    results = [g.result for g in graded if g.result is not None]
    return write_pages(results, to / "results", to / "report", submissions)


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
