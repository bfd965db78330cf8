"""The one family of errors that a user can cause."""


class GraderError(Exception):
    """Its message is one line for the reader: what is wrong, where, and how to mend it."""

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython and Jupyter: the lines that led here are none of the reader's."""
        return [f"{type(self).__name__}: {self}"]


class MachineError(GraderError):
    """The machine or the grader failed, not the submission: it can be graded again, and loses nothing."""
