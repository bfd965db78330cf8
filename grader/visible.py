"""Run the visible checks of a notebook from a shell: ``python -m grader.visible NOTEBOOK``. A convenience, no grading.

It runs the notebook's code where it stands, so it is for one's own work or for a machine that may be thrown away, and
needs what students install. Exit codes: 0 all visible checks passed; 1 some did not; 2 unusable input.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from grader.checker import Checker
from grader.errors import GraderError
from grader.student.card import Report


def check_notebook(path: Path) -> list[Report]:
    """Run a notebook's cells, then check every question of its assignment.

    Raises
    ------
    GraderError
        If the notebook cannot be read or its file of checks is not beside it.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [c["source"] for c in cells if c["cell_type"] == "code" and not _is_check(c)]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise GraderError(f"{path}: cannot be read as a notebook ({error})") from error
    check = Checker(path.stem, path.resolve().parent)
    return check.all(_run(["".join(s) for s in sources], path.resolve().parent))


def _is_check(cell: Any) -> bool:
    return "check" in cell.get("metadata", {}).get("tags", ())


def _run(sources: list[str], folder: Path) -> dict[str, Any]:
    """Run cells as grading does: magics work, shell commands are skipped, and after one that raises come the later."""
    from grader.worker import Notebook  # needs IPython, which students have with Jupyter

    os.chdir(folder)
    notebook = Notebook()
    for number, source in enumerate(sources, start=1):
        notebook.run(number, source, "all")
    names: dict[str, Any] = notebook.shell.user_ns
    return names


def _summary(reports: list[Report]) -> str:
    passed = sum(r.passed or not r.result.criteria for r in reports)
    lines = [f"### {passed} of {len(reports)} questions passed their visible checks", "", "```text"]
    return "\n".join([*lines, *(repr(r).replace("```", "'''") for r in reports), "```", ""])


def main(arguments: list[str]) -> int:
    """Check the notebook that is named; the summary also goes where GitHub Actions shows it."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m grader.visible NOTEBOOK\n")
        return 2
    try:
        reports = check_notebook(Path(arguments[0]))
    except GraderError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    text = _summary(reports)
    print(text)
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(target, "a", encoding="utf-8") as file:
            file.write(text)
    return 0 if all(r.passed or not r.result.criteria for r in reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
