"""Ending processes for certain, by descriptors that cannot name a stranger. Knows no layer."""

import os
import select
import signal
import sys
from contextlib import suppress


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`, as /proc knows them; empty if it is gone or there is no /proc."""
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def number_of(pidfd: int) -> int:
    """Return the number here of the process behind `pidfd`; 0 if it has ended or lives outside our pid namespace."""
    with suppress(OSError, ValueError), open(f"/proc/self/fdinfo/{pidfd}") as file:
        return max(0, next((int(line.split()[1]) for line in file if line.startswith("Pid:")), 0))
    return 0


def descendants(pid: int) -> list[int]:
    """Processes below `pid`, deepest last."""
    found, waiting = [], [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def kill(pidfd: int) -> None:
    """SIGKILL the process behind `pidfd`; no error if it is gone."""
    if sys.platform == "linux":
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def kill_tree(pid: int, pidfd: int, *, seconds: float = 5.0) -> bool:
    """End the process behind `pidfd`, whose number here is `pid`, with all below it, and wait for its end.

    In a pid namespace the kernel does it: with process 1 the others go. Elsewhere the tree cannot grow meanwhile,
    since each fork needs the examiner's leave, so it is enough to list it once before the parent dies.

    Returns
    -------
    bool
        Whether it ended within `seconds` (a process in an uninterruptible wait may not).
    """
    for process in reversed(descendants(pid)) if not ended(pidfd, 0) else ():
        with suppress(OSError):
            below = os.pidfd_open(process) if sys.platform == "linux" else -1
            try:
                kill(below)
            finally:
                os.close(below)
    kill(pidfd)
    return ended(pidfd, seconds)


def ended(pidfd: int, seconds: float) -> bool:
    """Wait up to `seconds` for the process behind `pidfd` to end."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
