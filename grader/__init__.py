"""The examination of numeric code. Knows no convolution, no assignment.

Students use `Checker`; instructors the command ``grader``; authors of assignments `grader.questions`.
"""

from grader.checker import Checker
from grader.errors import GraderError

__all__ = ["Checker", "GraderError"]
