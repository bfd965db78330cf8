"""nbgrader at home in this grader: courses, what its preprocessors are swapped for, the gradebook written in bulk."""

import os

from grader.errors import GraderError


def hidden_tests(question: str) -> None:
    """Stand where an nbgrader course has hidden tests.

    Raises
    ------
    GraderError
        Under an ``nbgrader autograde`` that does not use the course's configuration: it would give full marks.
    """
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        raise GraderError(f"{question} is graded with the course's nbgrader_config.py only: run nbgrader beside it")
