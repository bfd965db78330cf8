"""What ``run_autograder`` starts in Gradescope's container: ``python -m grader.exports.gradescope_run DIR``.

It reads DIR/source and DIR/submission and writes DIR/results/results.json. What the student caused (a file that cannot
be read) is a result with its reason; what the machine lacks ends without one, so that Gradescope reports a failed run
and no student gets a zero for it.
"""

import json
import sys
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.exports.gradescope import refusal_json, results_json
from grader.folders import topic
from grader.grading import Grading, Options, master_notebook
from grader.journal import write_atomically
from grader.read import read_submission


def run(prefix: Path) -> Path:
    """Grade what lies in ``prefix/submission`` and write the outcome."""
    config = json.loads((prefix / "source" / "config.json").read_text(encoding="utf-8"))
    folder = prefix / "source" / "course" / "assignments" / config["assignment"]
    outcome: dict[str, Any]
    try:
        path = _submission(prefix / "submission", f"{topic(folder)}.ipynb")
        read_submission(path, master_notebook(folder))
    except GraderError as error:
        outcome = refusal_json(str(error).replace(f"{prefix / 'submission'}/", ""))
    else:
        with Grading(folder, Options(seed=config["seed"], sandbox=config["sandbox"])) as grading:
            outcome = results_json(grading.grade(path, student="submission"), config["visibility"])
    target = prefix / "results" / "results.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, json.dumps(outcome, indent=1, ensure_ascii=False) + "\n")
    return target


def _submission(folder: Path, name: str) -> Path:
    """Choose the file to grade: the one named as it was handed out, else the only one that can be meant."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".ipynb", ".py") and p.is_file())
    files = [p for p in files if not any(part.startswith((".", "__MACOSX")) for part in p.relative_to(folder).parts)]
    exact = [p for p in files if p.name == name]
    chosen = exact or [p for p in files if p.suffix.lower() == ".ipynb"] or files
    if len(chosen) != 1:
        found = ", ".join(p.relative_to(folder).as_posix() for p in chosen) or "no notebook"
        raise GraderError(f"hand in {name}: found {found}")
    return chosen[0]


def main(arguments: list[str]) -> int:
    """Run; what the machine lacks is one line on stderr, which instructors see."""
    try:
        run(Path(arguments[0]))
    except (GraderError, OSError, LookupError, ValueError) as error:
        sys.stderr.write(f"grader: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
