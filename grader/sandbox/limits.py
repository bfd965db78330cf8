"""Resource limits of one process of a submission. Knows no layer but whether the user id is ours alone."""

import sys
from dataclasses import dataclass

if sys.platform != "win32":
    import resource  # here, and so once for all forks


@dataclass(frozen=True)
class Limits:
    """Bytes, seconds and counts; memory, time and stack are per process.

    A question that failed in a process that had answered others has one for itself when it is asked again.
    `processes` counts threads too, of all submissions of one template; it binds where the template has a user id, or
    a user namespace, for itself. `files` bounds the working directory where it is a tmpfs of its own. `output` bounds
    the answers to one question together: the examiner holds them all at once. What is printed is dropped.
    """

    memory: int = 4 << 30
    cpu_seconds: int = 120
    processes: int = 128
    open_files: int = 256
    file_size: int = 64 << 20
    stack: int = 8 << 20
    files: int = 64 << 20
    output: int = 512 << 20


def apply(limits: Limits, *, own_identity: bool) -> None:
    """Lower this process's limits, hard and soft, so that it cannot raise them again."""
    if sys.platform == "win32":
        return

    def lower(which: int, value: int, slack: int = 0) -> None:
        _, hard = resource.getrlimit(which)
        ceiling = value + slack
        if hard != resource.RLIM_INFINITY:
            value, ceiling = min(value, hard), min(ceiling, hard)
        resource.setrlimit(which, (value, ceiling))

    lower(resource.RLIMIT_AS, limits.memory)
    # At the soft limit SIGXCPU, which the first process of a namespace never sees; a second later the kernel kills.
    lower(resource.RLIMIT_CPU, limits.cpu_seconds, slack=1)
    lower(resource.RLIMIT_NOFILE, limits.open_files)
    lower(resource.RLIMIT_FSIZE, limits.file_size)
    lower(resource.RLIMIT_STACK, limits.stack)
    lower(resource.RLIMIT_CORE, 0)
    if own_identity:
        lower(resource.RLIMIT_NPROC, limits.processes)
