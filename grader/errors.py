"""The one family of errors that a user can cause."""


class GraderError(Exception):
    """Its message is one line for the reader: what is wrong, where, and how to mend it."""


class MachineError(GraderError):
    """The machine or the grader failed, not the submission: it can be graded again, and loses nothing."""
