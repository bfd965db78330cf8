"""Isolation of student code in layers that are tried before they are trusted. Knows no notebook and no question.

The order of use: the examiner calls `probe` and `require`; a template process `enter_template`, then for each
submission `fork_submission`, whose child calls `enter_submission` before any student code runs; a fork of that for
each question, allowed one by one through the examiner's `ForkGate`, calls `enter_question`.
"""

from grader.sandbox.gate import ForkGate, ForkRequest
from grader.sandbox.layers import Layers, SandboxError, require
from grader.sandbox.limits import Limits
from grader.sandbox.probe import found, probe, remember
from grader.sandbox.processes import kill, kill_tree
from grader.sandbox.readable import readable_paths
from grader.sandbox.room import (
    Inside,
    Room,
    end_submission,
    enter_question,
    enter_submission,
    enter_template,
    fork_submission,
)

__all__ = [
    "ForkGate",
    "ForkRequest",
    "Inside",
    "Layers",
    "Limits",
    "Room",
    "SandboxError",
    "end_submission",
    "enter_question",
    "enter_submission",
    "enter_template",
    "fork_submission",
    "found",
    "kill",
    "kill_tree",
    "probe",
    "readable_paths",
    "remember",
    "require",
]
