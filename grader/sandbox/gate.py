"""The examiner's end of the fork quota: each new process of a submission waits here for a yes. Knows no question.

The filter (`grader.sandbox.seccomp`) stops every ``fork`` of student code and reports it to the holder of the
listener. What is asked is read from registers, which the asking thread cannot change meanwhile.
"""

import os
import select
import struct
from dataclasses import dataclass

from grader.sandbox import syscalls
from grader.sandbox.seccomp import CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, EPERM, SIGCHLD

_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV and _SEND
_NOTIFICATION = "=QIIiIQ6Q"  # id, pid, flags; then seccomp_data: nr, arch, instruction pointer, arguments
_RESPONSE = "=QqiI"  # id, value, error, flags
_CONTINUE = 1
_PLAIN_FORKS = (SIGCHLD, SIGCHLD | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)


@dataclass(frozen=True)
class ForkRequest:
    """One request to fork: the asking thread's number (0 if it lies outside our pid namespace), and the outcome."""

    thread: int
    plain: bool
    allowed: bool


class ForkGate:
    """Answers requests to fork. Poll `fileno` for reading, then call `answer` once.

    Parameters
    ----------
    listener : int
        The descriptor that `enter_submission` returned; the gate owns it from now on.
    """

    def __init__(self, listener: int) -> None:
        self._listener = listener

    def fileno(self) -> int:
        """Return the descriptor to poll; it hangs up (POLLHUP) once the submission and its forks are gone."""
        return self._listener

    def close(self) -> None:
        """Let the listener go; from then on every fork fails with ENOSYS."""
        if self._listener >= 0:
            os.close(self._listener)
            self._listener = -1

    def answer(self, allow: bool) -> ForkRequest | None:
        """Take one request and answer it: yes only if `allow` and it is what ``os.fork`` asks for, else EPERM.

        Returns
        -------
        ForkRequest or None
            None if there was none, or if its process died before the answer reached it.
        """
        import fcntl

        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        if not any(event & select.POLLIN for _, event in poll.poll(0)):
            return None
        buffer = bytearray(struct.calcsize(_NOTIFICATION))
        try:
            fcntl.ioctl(self._listener, _RECEIVE, buffer, True)
            identity, thread, _, number, arch, _, *arguments = struct.unpack(_NOTIFICATION, buffer)
            plain = _is_plain_fork(number, arch, arguments[0])
            allowed = allow and plain
            error, flags = (0, _CONTINUE) if allowed else (-EPERM, 0)
            fcntl.ioctl(self._listener, _SEND, bytearray(struct.pack(_RESPONSE, identity, 0, error, flags)), True)
        except FileNotFoundError:  # the process died between its request and our answer
            return None
        return ForkRequest(thread, plain, allowed)


def _is_plain_fork(number: int, arch: int, flags: int) -> bool:
    """Whether this is what ``os.fork`` does on this machine: no shared memory, no namespace, no tracing."""
    name = next((name for name, code in syscalls.ARCHITECTURES.items() if code == arch), None)
    if name is None or name != syscalls.machine():
        return False
    numbers = syscalls.numbers(name)
    return number == numbers.get("fork") or (number == numbers["clone"] and flags in _PLAIN_FORKS)
