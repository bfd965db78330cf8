"""Sessions on a system that cannot fork (Windows): a new process for each submission, without isolation.

Only for submissions that are trusted: the demo's own, or with ``--sandbox none``. Looks like `session.Template`.
"""

import contextlib
import math
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grader.channel import Channel
from grader.plans import Answer, Plan
from grader.sandbox import Limits
from grader.session import (
    CellOutcome,
    Source,
    SubmissionDiedError,
    TemplateLostError,
    ask,
    environment,
    python,
    run_cells,
)

_START_SECONDS = 60.0


class SpawnTemplate:
    """Starts a process of its own for each session.

    Parameters
    ----------
    output : int
        How many bytes a submission may answer to one question.
    """

    sandbox = ("separate process",)
    alive = True

    def __init__(self, output: int = Limits.output) -> None:
        self._output = output

    @contextlib.contextmanager
    def session(self) -> "Iterator[SpawnedSession]":
        """Start a submission's process; it is ended when the context is left."""
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(_START_SECONDS)
            process = subprocess.Popen(
                [*python(), "grader.spawn", str(server.getsockname()[1]), token],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                connection, _ = server.accept()
            except TimeoutError as error:
                process.kill()
                raise TemplateLostError("the process of a submission did not start") from error
        session = SpawnedSession(Channel(connection), process, self._output)
        try:
            if session.channel.receive(deadline=time.monotonic() + _START_SECONDS) != {"token": token}:
                raise TemplateLostError("a stranger answered in place of the submission's process")
            yield session
        finally:
            session.close()

    def close(self) -> None:
        """Nothing is kept between sessions."""


@dataclass
class SpawnedSession:
    """One submission's process, which runs cells and plans alike."""

    channel: Channel
    process: subprocess.Popen[bytes]
    output: int = Limits.output
    forks_denied: int = 0
    shared = False
    """All questions share the one process there is; none could be asked elsewhere."""

    def run_cells(self, cells: Sequence[Source], *, seconds: float, total: float) -> Iterator[CellOutcome]:
        """Run cells one after another; see `grader.session.run_cells`."""
        return run_cells(self.channel, cells, seconds=seconds, total=total, interrupt=lambda: None)

    def ask(
        self, plans: Sequence[Plan], frame: bytes = b"", *, seconds: float, call: float = math.inf
    ) -> tuple[list[Answer], float]:
        """Run plans in the submission's process; if it hangs it is ended, and the next question needs a new one."""
        if self.process.poll() is not None:
            raise SubmissionDiedError
        started, before = time.monotonic(), self.channel.received
        answers = ask(self.channel, plans, frame, seconds=seconds, call=call, most=self.output)
        kinds = {o.failure.kind for a in answers for o in a.outcomes if o.failure}
        unread = self.channel.received - before > self.output  # what is left would answer the next question
        if unread or kinds & {"timeout", "died", "protocol"}:
            self.close()
        return answers, time.monotonic() - started

    def renew(self) -> None:
        """There is no other process to ask."""

    def close(self) -> None:
        """End the process."""
        self.channel.close()
        self.process.kill()
        self.process.wait()


def _become_worker(port: int, token: str) -> None:
    from grader import wire
    from grader.worker import Notebook, hide_grader, serve

    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(wire.encode({"token": token}))
    notebook = Notebook()
    hide_grader()
    serve(sock, notebook)


if __name__ == "__main__":
    _become_worker(int(sys.argv[1]), sys.argv[2])
