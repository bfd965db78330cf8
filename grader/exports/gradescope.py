"""Gradescope: an autograder as a zip, and results in its format.

Format: "Autograder Specifications", gradescope-autograders.readthedocs.io/en/latest/specs: ``setup.sh`` and
``run_autograder`` at the root of the zip; its content in ``/autograder/source``, the hand-in in
``/autograder/submission``, and ``/autograder/results/results.json`` as the outcome.

The zip holds the references and the seed of the hidden cases: it is for Gradescope alone. There, only root can read it,
and student code runs in the sandbox as everywhere else; where the container cannot isolate it, grading refuses.
"""

import importlib.metadata
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.folders import load_assignment, topic
from grader.report.words import number, status_words, visible
from grader.results import QuestionResult, Result

VISIBILITIES = ("hidden", "after_due_date", "after_published", "visible")
_LEFT_OUT = re.compile(r"__pycache__|\.py[cod]$|(^|/)\.|/examples/")
# What only courses of nbgrader need.
_NOT_NEEDED = ("nbgrader",)

_SETUP = """\
#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image.
set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
# uv takes the system's Python where it is new enough, and fetches one where it is not.
python3 -m venv /autograder/tools
/autograder/tools/bin/pip install --disable-pip-version-check --no-cache-dir uv
export UV_PYTHON_INSTALL_DIR=/opt/python
/autograder/tools/bin/uv venv --python '>=3.11,<3.14' /autograder/venv
/autograder/tools/bin/uv pip install --no-cache --python /autograder/venv/bin/python /autograder/source/stencil
# References and hidden cases are root's alone.
chown -R root:root /autograder/source
chmod -R go-rwx /autograder/source
"""

_RUN = """\
#!/usr/bin/env bash
# Runs for every hand-in. The argument is for trying it elsewhere than in /autograder.
set -euo pipefail
umask 077
prefix="${1:-/autograder}"
exec "$prefix/venv/bin/python" -m grader.exports.gradescope_run "$prefix"
"""


def autograder_zip(folder: Path, *, seed: int, sandbox: str, visibility: str) -> bytes:
    """Return the autograder of an assignment: the same bytes for the same course and seed.

    Parameters
    ----------
    folder : Path
        The assignment's.
    seed : int
        Of the hidden cases: one for the whole class, and for every time that somebody hands in.
    sandbox : str
        As for `grade`.
    visibility : str
        When students see questions and marks: one of `VISIBILITIES`.
    """
    if visibility not in VISIBILITIES:
        raise GraderError(f"Gradescope knows no visibility {visibility!r}: one of {', '.join(VISIBILITIES)}")
    from grader.build import build, dumps  # not needed in the container

    assignment = load_assignment(folder)
    course = folder.parent.parent
    config = {"assignment": folder.name, "seed": seed, "sandbox": sandbox, "visibility": visibility}
    files = {
        "setup.sh": _SETUP.encode(),
        "run_autograder": _RUN.encode(),
        "config.json": (json.dumps(config, indent=1) + "\n").encode(),
        "stencil/pyproject.toml": _project().encode(),
        "README.txt": f"Autograder of {assignment.title}. It holds references and hidden cases.\n".encode(),
    }
    package = Path(__file__).resolve().parent.parent
    files |= {f"stencil/grader/{name}": path.read_bytes() for name, path in _files(package)}
    for part in (folder, course / "solutions"):
        inside = part.relative_to(course).as_posix()
        files |= {f"course/{inside}/{name}": path.read_bytes() for name, path in _files(part)}
    handed_out = f"course/assignments/{folder.name}/{topic(folder)}.ipynb"
    if handed_out not in files:
        files[handed_out] = dumps(build(folder)).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o700 if name in ("setup.sh", "run_autograder") else 0o600) << 16
            archive.writestr(entry, files[name])
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not _LEFT_OUT.search(f"/{name}"):
            yield name, path


def _project() -> str:
    """Describe the package as it is installed here: what it needs to grade, in the versions that it asks for."""
    data = importlib.metadata.metadata("stencil-cnn")
    needed = []
    for requirement in importlib.metadata.requires("stencil-cnn") or ():
        text, _, marker = requirement.partition(";")
        extra = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
        if (extra is None or extra[1] == "instructor") and not text.startswith(_NOT_NEEDED):
            needed.append(text.strip())
    return (
        '[build-system]\nrequires = ["hatchling>=1.26"]\nbuild-backend = "hatchling.build"\n\n'
        f'[project]\nname = "stencil-cnn"\nversion = "{data["Version"]}"\n'
        f'requires-python = "{data["Requires-Python"]}"\ndependencies = {json.dumps(needed)}\n\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["grader"]\n'
    )


def results_json(result: Result, visibility: str) -> dict[str, Any]:
    """Return a result in Gradescope's format: a test for each question, with its own visibility."""
    tests = [
        {
            "name": visible(q.name) + (" (bonus)" if q.bonus else ""),
            "number": str(n),
            "score": q.points,
            "max_score": 0.0 if q.bonus else q.max_points,
            "status": "passed" if q.status == "passed" else "failed",
            "output": _words(q),
            "output_format": "text",
            "visibility": visibility,
        }
        for n, q in enumerate(result.questions, start=1)
    ]
    lines = [f"{number(result.total)} of {number(result.max_points)} points", *result.notes]
    lines += [f"−{number(p.points)} {p.name}: {p.message}" for p in result.penalties]
    return {
        "score": result.total,
        "execution_time": result.seconds,
        "output": visible("\n".join(lines)),
        "output_format": "text",
        "visibility": visibility,
        "stdout_visibility": "hidden",
        "tests": tests,
        "extra_data": {"seed": result.seed, "sandbox": list(result.sandbox), "sha256": result.submission_sha256},
    }


def refusal_json(reason: str) -> dict[str, Any]:
    """Return the outcome of a hand-in that cannot be read: nothing earned, and why, at once."""
    return {"score": 0.0, "output": visible(reason), "visibility": "visible", "stdout_visibility": "hidden"}


def _words(question: QuestionResult) -> str:
    lines = [status_words(question.status)]
    for d in question.diagnosis:
        leads = "This looks like" if d.kind == "misconception" else "Right under another convention:"
        lines.append(f"{leads} {d.name}. {d.hint}")
    for c in question.criteria:
        lines.append(f"{number(c.points)} of {number(c.max_points)}  {c.name}{': ' if c.message else ''}{c.message}")
    return visible("\n".join(lines))
