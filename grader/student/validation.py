"""What ``nbgrader validate``, or its button in Jupyter, shows of a check: what is on stderr is a failure to it."""

import contextlib
import io
import os
import sys
import textwrap

from grader.student.card import Report

_WIDTH = 80


def validating() -> bool:
    """Whether nbgrader validates the notebook that runs."""
    return os.environ.get("NBGRADER_EXECUTION") == "validate"


def kept_quiet() -> contextlib.AbstractContextManager[object]:
    """Keep a student's own words, such as NumPy's warnings, off stderr while nbgrader validates."""
    return contextlib.redirect_stderr(io.StringIO()) if validating() else contextlib.nullcontext()


def tell(report: Report) -> None:
    """Say on stderr, in short lines, what did not pass, if nbgrader validates."""
    if validating() and report.result.criteria and not report.passed:
        lines = [textwrap.fill(line, _WIDTH, subsequent_indent="      ") for line in repr(report).split("\n")]
        sys.stderr.write("\n".join(lines) + "\n")
