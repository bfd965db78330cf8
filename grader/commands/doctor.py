"""The command ``doctor``: can this machine hold what students hand in?"""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from grader.commands.shared import out

_COLOURS = {"ok": "green", "weaker": "yellow", "missing": "red"}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False) -> int:
    """Try this machine's isolation with real attacks, and say how to mend what is missing.

    Nothing is installed or changed. Exit code 1 where grading would refuse, or where an attack got through.
    """
    from grader.doctor import MISSING, examine_machine

    findings = list(examine_machine())
    safe = all(f.state != MISSING for f in findings)
    if as_json:
        sys.stdout.write(json.dumps({"safe": safe, "findings": [asdict(f) for f in findings]}, indent=1) + "\n")
        return 0 if safe else 1
    table = Table("check", "", Column("seen", overflow="fold"), box=None, pad_edge=False)  # a command is shown whole
    for finding in findings:
        colour = _COLOURS[finding.state]
        table.add_row(finding.check, f"[{colour}]{finding.state}[/{colour}]", escape(finding.seen))
        if finding.mend and finding.state != "ok":
            table.add_row("", "", f"→ {escape(finding.mend)}")
    out.print(table)
    out.print(
        "\nThis machine can grade." if safe else "\n[red]This machine should not grade what others hand in.[/red]"
    )
    return 0 if safe else 1
