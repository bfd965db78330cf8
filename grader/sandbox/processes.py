"""Ending processes for certain, by descriptors that cannot name a stranger. Knows no layer."""

import os
import select
import signal
import sys
import time
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


def kill(pidfd: int) -> None:
    """SIGKILL the process behind `pidfd`; no error if it is gone."""
    if sys.platform == "linux":
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def kill_tree(pid: int, pidfd: int, *, seconds: float = 5.0) -> bool:
    """End the submission behind `pidfd`, whose number here is `pid`, with all its forks, and wait for its end.

    In a pid namespace the forks go with process 1. Elsewhere the process group holds them all, since the filter lets
    nobody leave it, and no fork slips through while a group is signalled.

    Returns
    -------
    bool
        Whether it ended within `seconds` (a process in an uninterruptible wait may not).
    """
    if sys.platform == "win32":
        return True
    with suppress(OSError):
        # A dead one's number may have a new owner by now; a process that leads no group is not yet a submission.
        if not ended(pidfd, 0) and os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
    kill(pidfd)
    end = time.monotonic() + seconds
    over = ended(pidfd, seconds)
    # Forks of the dead are a subreaper's children until the kernel has taken them away.
    while over and (orphans := _children_in_group(pid)):
        for orphan in orphans:
            with suppress(OSError):
                os.kill(orphan, signal.SIGKILL)
        over = time.monotonic() < end
        time.sleep(0.001)
    return over


def _children_in_group(group: int) -> list[int]:
    found = []
    for child in children(os.getpid()) if sys.platform != "win32" else ():
        with suppress(OSError):
            if child != group and os.getpgid(child) == group:
                found.append(child)
    return found


def kill_children(pid: int) -> None:
    """SIGKILL this process's own children, and those that they leave behind to it, until there are none."""
    for _ in range(1000):
        if sys.platform == "win32" or not (below := children(pid)):
            return
        for process in below:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def ended(pidfd: int, seconds: float) -> bool:
    """Wait up to `seconds` for the process behind `pidfd` to end; -1 stands for one that ended before it was asked."""
    if pidfd < 0:
        return True
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
