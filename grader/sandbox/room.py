"""From an ordinary process to one that may run student code: template, submission, question. Knows no examiner.

A template process calls `enter_template` once, before it takes anything from anybody; `fork_submission` for each
submission; the child calls `enter_submission` before any student code runs; a fork of that, `enter_question`.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from grader.sandbox import landlock, limits, namespaces, processes, seccomp, syscalls
from grader.sandbox.layers import Layers
from grader.sandbox.limits import Limits
from grader.sandbox.readable import DEVICES
from grader.sandbox.removal import remove

_FIRST_UNUSED, _UNUSED = 61184, 65520 - 61184
"""User ids that neither distributions nor systemd give to anybody (61184 to 65519)."""
WORK = "/submission"


@dataclass(frozen=True)
class Room:
    """A template's surroundings, as `enter_template` made them.

    Attributes
    ----------
    layers : Layers
        What is in force; ``proc`` turned off if no submission can have its own /proc.
    readable : tuple of str
        What submissions may read.
    scratch : str
        Where working directories are made when there are no namespaces.
    capabilities : int
        What submissions keep: nothing, or (root without namespaces, an interpreter that only root may read) the right
        to pass closed directories, which Landlock confines to `readable`.
    """

    layers: Layers
    readable: tuple[str, ...]
    scratch: str
    capabilities: int = 0


@dataclass(frozen=True)
class Inside:
    """A submission's place: its working directory, and the listener of its fork gate (None without a filter)."""

    work: str
    listener: int | None


def enter_template(layers: Layers, readable: Sequence[str], scratch: str) -> Room:
    """Turn this single-threaded process into a template: nothing in sight but `readable`, no privilege left.

    The caller's process becomes a mere stand-in that waits, and ends as the template ends, having ended all that the
    template leaves behind. The template is its child; with namespaces it is process 1 of a pid namespace. Import
    first what submissions need: the checkout cannot be read afterwards. SIGCHLD is ignored from here on (the kernel
    reaps).

    Parameters
    ----------
    layers : Layers
        From `probe`, perhaps masked.
    readable : sequence of str
        Absolute paths, as from `readable_paths`.
    scratch : str
        An empty directory that the caller made and will remove.

    Raises
    ------
    OSError
        If a layer that `layers` promises fails.
    """
    room = Room(layers, tuple(readable), scratch)
    if not layers.landlock and not layers.seccomp and not layers.namespaces:
        _ignore_ends_of_children()
        return room
    if (threads := len(os.listdir("/proc/self/task"))) != 1:
        raise RuntimeError(f"a template must have one thread, this process has {threads}: set OPENBLAS_NUM_THREADS=1")
    _prefer_us_when_memory_runs_out()
    if layers.namespaces:
        _enter_namespaces(room)
        proc = layers.proc and _try_proc()
        if not proc:
            namespaces.cover_proc()
        room = replace(room, layers=replace(layers, proc=proc))
    else:
        if layers.unused_identity:
            room = replace(room, capabilities=_leave_root(room))
        _leave_stand_in()
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    _ignore_ends_of_children()
    if layers.seccomp and (arch := syscalls.machine()):
        seccomp.program(arch, _filter(room.layers))  # kept: assembled once for all forks
    return room


def _enter_namespaces(room: Room) -> None:
    surroundings = namespaces.NEW_MOUNTS | namespaces.NEW_NET | namespaces.NEW_IPC | namespaces.NEW_UTS
    rest = namespaces.NEW_USER | namespaces.NEW_PIDS
    user, group = os.getuid(), os.getgid()
    if room.layers.unused_identity and _unshared(surroundings):
        # As root: mount first (paths below closed directories), then become nobody, and only then enter the user
        # namespace, where a mapped root would still own root's files.
        namespaces.make_mounts_private()
        namespaces.enter_new_root(room.readable, DEVICES, [WORK])
        user = group = _unused_identity()
        # The capabilities stay for one more step: a system that keeps ordinary users from namespaces lets us pass.
        _become(user, capabilities=-1)
        namespaces.unshare(rest | namespaces.NEW_MOUNTS)
        namespaces.map_own_identity(user, group)
    else:
        if room.layers.unused_identity:
            user = group = _unused_identity()
            _become(user, capabilities=0)
        namespaces.unshare(rest | surroundings)
        namespaces.map_own_identity(user, group)
        namespaces.make_mounts_private()
        namespaces.enter_new_root(room.readable, DEVICES, [WORK])
    _leave_stand_in()


def _unshared(kinds: int) -> bool:
    """Enter new namespaces; root of a container may not, but what an ordinary user may do there, it may."""
    try:
        namespaces.unshare(kinds)
    except PermissionError:
        return False
    return True


def _leave_stand_in() -> None:
    """Go on in a fork; the parent holds nothing, waits, and ends as the fork ends, after everything below it."""
    syscalls.prctl(syscalls.PR_SET_CHILD_SUBREAPER, 1)
    template = os.fork()
    if template == 0:
        return
    status = 1
    with suppress(BaseException):
        os.closerange(0, 65536)
        signal.signal(signal.SIGTERM, lambda *_: os.kill(template, signal.SIGKILL))
        status = os.waitstatus_to_exitcode(os.waitpid(template, 0)[1]) & 0xFF
        processes.kill_children(os.getpid())
    os._exit(status)


def _unused_identity() -> int:
    return _FIRST_UNUSED + os.getpid() % _UNUSED


def _become(user: int, capabilities: int) -> None:
    """Change from root to `user` in every respect, keeping `capabilities` (-1: those we have)."""
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if capabilities == -1:
        with open("/proc/self/status") as file:
            capabilities = next(int(line.split()[1], 16) for line in file if line.startswith("CapPrm"))
    syscalls.set_capabilities(capabilities)
    syscalls.prctl(syscalls.PR_SET_KEEPCAPS, 0)
    # A change of user makes a process undumpable, and its own /proc/self/uid_map root's.
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)


def _leave_root(room: Room) -> int:
    user = _unused_identity()
    os.chown(room.scratch, user, user)
    kept = 0 if all(_open_to_all(path) for path in room.readable) else 1 << syscalls.CAP_DAC_READ_SEARCH
    _become(user, kept)
    return kept


def _open_to_all(path: str) -> bool:
    path = os.path.realpath(path)
    while path != "/":
        if not os.stat(path).st_mode & 0o001 and os.path.isdir(path):
            return False
        path = os.path.dirname(path)
    return True


def _try_proc() -> bool:
    try:
        namespaces.mount_proc()
    except OSError:
        return False
    return True


def _prefer_us_when_memory_runs_out() -> None:
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


def _ignore_ends_of_children() -> None:
    if sys.platform != "win32":
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def fork_submission(room: Room) -> tuple[int, int]:
    """Fork the process of one submission from the template.

    Returns
    -------
    pid, pidfd : int
        In the template: the child's number there, and a descriptor that stays valid wherever it is sent (``kill`` it
        through that; -1 where the system has none). In the child: (0, -1); it calls `enter_submission` next.
    """
    pid = namespaces.fork_in_new_pids() if room.layers.namespaces else os.fork()
    if pid == 0:
        return 0, -1
    if sys.platform != "linux":
        return pid, -1
    try:
        return pid, os.pidfd_open(pid)
    except ProcessLookupError:  # it has ended, and was reaped by the kernel
        return pid, -1


def enter_submission(room: Room, bounds: Limits, keep: Sequence[int] = ()) -> Inside:
    """Close the last doors on this process, before any student code runs in it. There is no way back.

    All descriptors but `keep` are closed; standard input, output and error become /dev/null unless kept. The working
    directory is private, empty, and HOME and TMPDIR too. Send the listener to the examiner (``socket.send_fds`` on a
    kept stream socket works) and close it: whoever holds it decides on forks.

    Raises
    ------
    OSError
        If a promised layer fails; student code must not run then.
    """
    layers = room.layers
    _close_all_but(keep)
    if sys.platform != "win32":
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # the template ignores it; this process waits for its questions
    if sys.platform == "linux":
        os.setsid()  # a process group that the filter lets nobody leave, and by which all can be killed
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)
    work = _own_directory(room, bounds)
    os.chdir(work)
    os.environ.update(HOME=work, TMPDIR=work, IPYTHONDIR=work, USER="student", LOGNAME="student")
    tempfile.tempdir = None
    limits.apply(bounds, own_identity=layers.namespaces or layers.unused_identity)
    if not layers.landlock and not layers.seccomp:
        return Inside(work, None)
    syscalls.drop_capabilities(room.capabilities)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    if layers.landlock:
        shown = ("/proc",) if layers.namespaces and layers.proc else ()
        landlock.restrict(layers.landlock, readable=(*room.readable, *shown), own=(work,), devices=DEVICES)
    if not layers.seccomp:
        return Inside(work, None)
    return Inside(work, seccomp.install(_filter(layers)))


def _filter(layers: Layers) -> seccomp.Filter:
    return seccomp.Filter(layers.namespaces, layers.namespaces or layers.landlock >= 6, gate=True)


def enter_question() -> None:
    """In a fresh fork of a submission: end when the submission ends (in a pid namespace it would anyway)."""
    if sys.platform == "linux":
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, signal.SIGKILL)


def _close_all_but(keep: Sequence[int]) -> None:
    empty = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        if standard not in keep:
            os.dup2(empty, standard)
    start = 3
    for descriptor in sorted({d for d in keep if d > 2}):
        os.closerange(start, descriptor)
        start = descriptor + 1
    os.closerange(start, 1 << 20)


def _own_directory(room: Room, bounds: Limits) -> str:
    if room.layers.namespaces:
        namespaces.unshare(namespaces.NEW_MOUNTS)
        namespaces.mount_small_tmpfs(WORK, bounds.files)
        if room.layers.proc:
            namespaces.mount_proc("subset=pid")
        return WORK
    work = os.path.join(room.scratch, str(os.getpid()))
    os.mkdir(work, 0o700)
    return work


def end_submission(room: Room, pid: int, pidfd: int) -> bool:
    """In the template: end a submission with all below it, and remove its files. Returns whether it ended."""
    over = True
    if pidfd >= 0:
        over = processes.kill_tree(pid, pidfd)
        os.close(pidfd)
    with suppress(ChildProcessError):  # only where SIGCHLD is not ignored
        os.waitpid(pid, os.WNOHANG)
    if not room.layers.namespaces:
        remove(os.path.join(room.scratch, str(pid)))
    return over
