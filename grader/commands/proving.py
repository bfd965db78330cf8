"""Commands that prove assignments fair: ``confusion``."""

from typing import Annotated

import typer
from rich.table import Table

from grader.commands.shared import err, out, progress_bar
from grader.confusion import Seen
from grader.folders import assignment_folders, find_assignment, load_assignment


def confusion(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments; all of them if absent.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many different draws of hidden cases.")] = 20,
    visible: Annotated[
        bool, typer.Option("--visible", help="Only what students see: the share that it names.")
    ] = False,
) -> None:
    """Hand in every known mistake: each must lose points and be named, and no other with it; else exit 1.

    With `--visible` the visible checks alone judge; what they leave to the hidden cases is listed, and is no fault.
    """
    from grader.confusion import confusion as all_seen

    folders = [find_assignment(n) for n in names] if names else assignment_folders()
    wrong = 0
    for folder in folders:
        assignment = load_assignment(folder)
        draws: list[int | None] = [None] if visible else list(range(seeds))
        found: dict[str, list[Seen]] = {}
        total = sum(len(q.misconceptions) for q in assignment.questions) * len(draws)
        with progress_bar() as bar:
            task = bar.add_task(assignment.name, total=total)
            for seen in all_seen(assignment, draws):
                found.setdefault(seen.question, []).append(seen)
                bar.advance(task)
        out.print(_table(assignment.name, found, draws))
        confused = [s for rows in found.values() for s in rows if not s.alone]
        for s in confused:
            where = "" if s.seed is None else f", seed {s.seed}"
            (out if visible else err).print(f"{s.question}: {s.misconception}{where}: {s.words}", markup=False)
        if visible:
            share = 1 - len(confused) / max(total, 1)
            out.print(f"{assignment.name}: the visible checks alone name {share:.1%} of {total} mistakes", markup=False)
        wrong += len(confused)
    raise typer.Exit(1 if wrong and not visible else 0)


def _table(title: str, found: dict[str, list[Seen]], draws: list[int | None]) -> Table:
    """One row a question: how many of its misconceptions hold for all seeds."""
    table = Table("question", "mistakes", "seeds", "lose points", "named alone", title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for question, rows in found.items():
        mistakes = dict.fromkeys(s.misconception for s in rows)
        costly = mistakes.keys() - {s.misconception for s in rows if not s.costs}
        alone = mistakes.keys() - {s.misconception for s in rows if not s.alone}
        seeds = "visible" if draws == [None] else str(len(draws))
        table.add_row(question, str(len(mistakes)), seeds, str(len(costly)), str(len(alone)))
    return table
