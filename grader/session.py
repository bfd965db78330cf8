"""The examiner's side of the worker: starts templates, runs a submission's cells, asks the plans of its questions.

Nothing that comes back is believed; everything has a deadline; whatever was started is ended.
"""

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from grader import wire
from grader.channel import Channel, ChannelClosedError, ChannelTimeoutError
from grader.errors import MachineError
from grader.plans import Answer, Failure, Plan, Tree, answer_from_tree, clean, failed, request
from grader.sandbox import ForkGate, Layers, Limits, readable_paths
from grader.sandbox.processes import children, ended, number_of
from grader.sandbox.removal import remove
from grader.scratch import scratch_prefix
from grader.wire import WireError

_START_SECONDS = 60.0
_REPLY_SECONDS = 10.0
_INTERRUPT_GRACE = 2.0
# Of a process that takes its questions along: they end before it has.
_LAST_BREATH = 0.1
# After these a process is gone, or has more to say than was read.
_SPOILS = {"timeout", "died", "protocol", "memory"}
# Where there are descriptors of processes, numbers are never used: a submission's is that of its own namespace.
_HAS_DESCRIPTORS = sys.platform == "linux"


class SubmissionDiedError(Exception):
    """The process of the submission has gone, or no longer answers."""


@dataclass(frozen=True)
class CellOutcome:
    """What running one cell gave. ``failure`` is None where it ran through; "timeout" and "died" end the session."""

    number: int
    failure: Failure | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One cell to run: its number as the student sees it, its text, and "all" or "definitions"."""

    number: int
    text: str
    mode: str = "all"


class Template:
    """A template process with its isolation, from which sessions are forked.

    Parameters
    ----------
    layers : Layers
        What the probes found, perhaps masked; empty layers are no isolation.
    limits : Limits
        For every process of a submission.
    secret : paths
        Must not be readable by submissions.

    Raises
    ------
    SandboxError
        If a secret path lies within what submissions must read.

    Notes
    -----
    The process imports what submissions need while its maker goes on; the first session waits for it.
    """

    def __init__(self, layers: Layers, limits: Limits, secret: Sequence[str] = ()) -> None:
        self._output = limits.output
        readable = readable_paths(secret)
        self._scratch = tempfile.mkdtemp(prefix=scratch_prefix())
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        ours, theirs = socket.socketpair()
        self._control = Channel(ours, descriptors=True)
        with theirs:
            self._process = subprocess.Popen(
                [*python(), "grader.template", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
            )
        setup = {
            "layers": {**asdict(layers), "absent": list(layers.absent)},
            "limits": asdict(limits),
            "readable": list(readable),
            "scratch": self._scratch,
            "environment": THREADS,
        }
        with contextlib.suppress(ChannelClosedError):  # `sandbox` will say why
            self._control.send(setup, deadline=time.monotonic() + _START_SECONDS)

    @cached_property
    def sandbox(self) -> tuple[str, ...]:
        """What is in force, in words; waits until the process has imported what submissions need.

        Raises
        ------
        MachineError
            If the process does not start.
        """
        try:
            words = tuple(self._control.receive(deadline=time.monotonic() + _START_SECONDS)["ready"])
        except (ChannelClosedError, ChannelTimeoutError) as error:
            self._end()
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise MachineError(f"the template process did not start: {lines[-1]}") from error
        finally:
            self._errors.close()
        return words

    @contextlib.contextmanager
    def session(self) -> "Iterator[Session]":
        """Fork a submission's process; it is ended, with all below it, when the context is left."""
        _ = self.sandbox  # waits until the process has started
        ours, theirs = socket.socketpair()
        channel = Channel(ours, descriptors=True)
        deadline = time.monotonic() + _REPLY_SECONDS
        try:
            with theirs:
                self._control.send({"do": "submission"}, deadline=deadline, descriptors=[theirs.fileno()])
                pid = self._control.receive(deadline=deadline)["pid"]
            pidfd = self._control.take_descriptor()
        except (ChannelClosedError, ChannelTimeoutError) as error:
            channel.close()
            raise TemplateLostError("the template process is gone or does not answer") from error
        session = Session(channel, pid, pidfd, self._output)
        try:
            session.start(deadline)
            yield session
        finally:
            session.close()
            try:
                deadline = time.monotonic() + _REPLY_SECONDS
                self._control.send({"do": "end", "pid": pid}, deadline=deadline)
                self._control.receive(deadline=deadline)
            except (ChannelClosedError, ChannelTimeoutError):
                self.close()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process and all that it forked, and remove its files."""
        self._end()
        self._errors.close()

    def _end(self) -> None:
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        remove(self._scratch)

    def __enter__(self) -> "Template":
        _ = self.sandbox
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class TemplateLostError(Exception):
    """The template must be started again; no submission is to blame."""


THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "MPLBACKEND": "Agg"}


def python() -> list[str]:
    """Return the beginning of a command that runs a module with `environment` alone, whatever lies in the folder."""
    return [sys.executable, "-s", "-P", "-m"]


def environment() -> dict[str, str]:
    """Only what finding Matplotlib's font cache needs, which takes seconds to make anew, and one order for all sets."""
    kept = {name: os.environ[name] for name in ("HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME") if name in os.environ}
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **THREADS, **kept}


@dataclass
class Session:
    """One submission's process. Use `Template.session`, which starts and ends it."""

    channel: Channel
    pid: int
    pidfd: int
    output: int = Limits.output
    gate: ForkGate | None = None
    forks_denied: int = 0
    _may_fork: bool = field(default=False, repr=False)
    _question: Channel | None = field(default=None, repr=False)
    _pid_said: int = field(default=0, repr=False)

    def start(self, deadline: float) -> None:
        """Wait until the process is isolated, and take over its fork gate."""
        try:
            self.channel.receive(deadline=deadline)
        except (ChannelClosedError, ChannelTimeoutError, WireError) as error:
            raise TemplateLostError("the isolation of a submission's process failed") from error
        listener = self.channel.take_descriptor()
        if listener >= 0:
            self.gate = ForkGate(listener)
            self.channel.watch = (listener, self._answer_fork)

    def _answer_fork(self) -> None:
        assert self.gate is not None
        request = self.gate.answer(self._may_fork)
        if request is not None and request.allowed:
            self._may_fork = False
        elif request is not None:
            self.forks_denied += 1

    def run_cells(self, cells: Sequence[Source], *, seconds: float, total: float) -> Iterator[CellOutcome]:
        """Run cells one after another; see `run_cells`."""
        return run_cells(self.channel, cells, seconds=seconds, total=total, interrupt=self._interrupt)

    def _interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd >= 0:
                signal.pidfd_send_signal(self.pidfd, signal.SIGINT)
            elif not _HAS_DESCRIPTORS:
                os.kill(self.pid, signal.SIGINT)

    @property
    def shared(self) -> bool:
        """Whether the next question goes to a process that has answered another."""
        return self._question is not None

    def ask(
        self, plans: Sequence[Plan], frame: bytes = b"", *, seconds: float, call: float = math.inf
    ) -> tuple[list[Answer], float]:
        """Run plans in a fork of the submission's process, the one that answered last if there is one; see `ask`.

        Returns
        -------
        answers : list of Answer
            One for each plan; those that never came say why.
        seconds : float

        Raises
        ------
        SubmissionDiedError
            If the process to fork from is gone.
        """
        started = time.monotonic()
        if self._question is None:
            self._question = self._fork()
        answers = ask(self._question, plans, frame, seconds=seconds, call=call, most=self.output)
        failures = {o.failure.kind for a in answers for o in a.outcomes if o.failure is not None}
        if failures & _SPOILS:
            self.renew()
        if "died" in failures and self.pidfd >= 0 and ended(self.pidfd, _LAST_BREATH):
            raise SubmissionDiedError  # what ended was the notebook's process, which took the question with it
        return answers, time.monotonic() - started

    def renew(self) -> None:
        """End the process that answers, with whatever it started; the next question has a new one."""
        if self._question is None:
            return
        self._question.close()
        self._question = None
        below = children(number_of(self.pidfd))  # as the system knows them, and not as the process says
        if not _HAS_DESCRIPTORS and self._pid_said > 1:
            below = [self._pid_said]  # a system without descriptors of processes, and so without isolation
        for process in below:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)

    def _fork(self) -> Channel:
        ours, theirs = socket.socketpair()
        channel = Channel(ours)
        deadline = time.monotonic() + _REPLY_SECONDS
        try:
            with theirs:
                self._may_fork = True
                self.channel.send({"do": "fork"}, deadline=deadline, descriptors=[theirs.fileno()])
            reply = self.channel.receive(deadline=deadline)
            channel.watch = self.channel.watch
            channel.receive(deadline=deadline)
        except (ChannelClosedError, ChannelTimeoutError, WireError) as error:
            channel.close()
            raise SubmissionDiedError from error
        finally:
            self._may_fork = False
        said = reply.get("pid") if isinstance(reply, dict) else None
        self._pid_said = said if isinstance(said, int) else 0
        return channel

    def close(self) -> None:
        """Let go of the process; the template ends it."""
        self.renew()
        self.channel.close()
        if self.gate is not None:
            self.gate.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
        elif not _HAS_DESCRIPTORS:  # a system where the template cannot end it for certain
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)


def run_cells(
    channel: Channel, cells: Sequence[Source], *, seconds: float, total: float, interrupt: Callable[[], None]
) -> Iterator[CellOutcome]:
    """Run cells one after another over a channel.

    A cell that takes longer than ``seconds`` is interrupted, as by Jupyter's stop button. If it does not give up its
    outcome is "timeout", if it ended the process "died"; both are the last ones of this session.
    """
    end = time.monotonic() + total
    for cell in cells:
        limit = min(seconds, max(end - time.monotonic(), 0.1))
        deadline = time.monotonic() + limit
        interrupted = False
        try:
            channel.send({"do": "cells", "cells": [[cell.number, cell.text, cell.mode]]}, deadline=deadline)
            try:
                reply = channel.receive(deadline=deadline)
            except ChannelTimeoutError:
                interrupted = True
                interrupt()
                reply = channel.receive(deadline=time.monotonic() + _INTERRUPT_GRACE)
            outcome = _cell_outcome(cell.number, reply)
        except ChannelTimeoutError:
            yield CellOutcome(cell.number, Failure("timeout", f"still running after {limit:.0f} s"))
            return
        except (ChannelClosedError, WireError, ValueError):
            yield CellOutcome(cell.number, Failure("died", "it ended the Python process"))
            return
        if interrupted:
            outcome = CellOutcome(cell.number, Failure("interrupted", f"stopped after {limit:.0f} s"), outcome.notes)
        yield outcome


def ask(
    channel: Channel,
    plans: Sequence[Plan],
    frame: bytes = b"",
    *,
    seconds: float,
    call: float = math.inf,
    most: int = Limits.output,
) -> list[Answer]:
    """Send plans over a channel and collect their answers; those that never came say why.

    ``frame`` is the request for these plans where it is encoded already. All of them have ``seconds``, each has
    ``call``, and together they may answer ``most`` bytes.
    """
    answers: list[Answer] = []
    deadline, before = time.monotonic() + seconds, channel.received
    try:
        channel.send_frame(frame or wire.encode(request(plans)), deadline=deadline)
        for plan in plans:
            tree = channel.receive(deadline=min(deadline, time.monotonic() + call))
            if channel.received - before > most:
                return answers + [failed(plan, Failure("memory", "")) for plan in plans[len(answers) :]]
            answers.append(_answer(tree, plan))
        return answers
    except ChannelTimeoutError:
        failure = Failure("timeout", "")
    except ChannelClosedError:
        failure = Failure("died", "")
    except WireError:
        failure = Failure("protocol", "")
    return answers + [failed(plan, failure) for plan in plans[len(answers) :]]


def _answer(tree: Tree, plan: Plan) -> Answer:
    try:
        return answer_from_tree(tree, plan)
    except ValueError:
        return failed(plan, Failure("protocol", ""))


def _cell_outcome(number: int, reply: Tree) -> CellOutcome:
    match reply:
        case {"cell": int(answered), "error": error, "notes": list(notes)} if answered == number:
            kept = tuple(clean(n, 160) for n in notes[:5] if isinstance(n, str))
            match error:
                case None:
                    return CellOutcome(number, None, kept)
                case [str(kind), str(message), str(where)]:
                    return CellOutcome(number, Failure(clean(kind, 20), clean(message, 300), clean(where, 40)), kept)
    raise ValueError("not the outcome of this cell")
