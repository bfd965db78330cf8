"""The system calls student code may make: an allow-list compiled to a BPF program. Knows no process and no path.

Default EPERM. ``clone3`` answers ENOSYS so that the C library falls back to ``clone``, whose flags a filter can see.
New threads pass; a new process is reported to whoever holds the listener (`grader.sandbox.gate`) and waits for leave.
"""

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from grader.sandbox import syscalls

_FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 creat close close_range
stat fstat lstat newfstatat statx lseek access faccessat faccessat2 readlink readlinkat getdents getdents64 getcwd
chdir fchdir statfs fstatfs umask rename renameat renameat2 mkdir mkdirat rmdir unlink unlinkat symlink symlinkat
ftruncate fallocate fadvise64 fsync fdatasync flock copy_file_range sendfile"""
_MEMORY = "mmap munmap mprotect mremap madvise msync mincore brk membarrier"
_SIGNALS = """rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigsuspend rt_sigtimedwait sigaltstack
restart_syscall pause"""
# Messages travel over what was inherited or over a socketpair; nothing can be connected or bound.
_WAITING = """pipe pipe2 dup dup2 dup3 select pselect6 poll ppoll epoll_create epoll_create1 epoll_ctl epoll_wait
epoll_pwait epoll_pwait2 eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime recvfrom sendmsg recvmsg
shutdown getsockname getpeername getsockopt"""
_PROCESS = """exit exit_group wait4 waitid futex futex_waitv set_robust_list get_robust_list set_tid_address arch_prctl
rseq sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler sched_get_priority_max
sched_get_priority_min getcpu getpriority getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid
getgroups getpgid getpgrp getsid capget getrlimit getrusage sysinfo times uname getrandom"""
_TIME = """time gettimeofday clock_gettime clock_getres clock_nanosleep nanosleep alarm getitimer setitimer
timer_create timer_settime timer_gettime timer_getoverrun timer_delete"""
# Landlock lets these reach any file that belongs to the user; they are safe among read-only mounts only. Elsewhere they
# do nothing and say yes: `shutil.copy` and IPython set modes of their own new files, and nothing depends on it.
_METADATA = "chmod fchmod fchmodat utime utimes utimensat futimesat"

EPERM, ENOSYS = 1, 38
_ALLOW, _KILL, _NOTIFY, _ERRNO = 0x7FFF0000, 0x80000000, 0x7FC00000, 0x00050000

CLONE_VM, CLONE_SIGHAND, CLONE_THREAD = 0x100, 0x800, 0x10000
CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, SIGCHLD = 0x200000, 0x1000000, 17
_THREAD = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD
# What a C library passes for a thread: also FS, FILES, DETACHED, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_SETTID/CLEARTID.
_THREAD_FLAGS = _THREAD | 0x200 | 0x400 | 0x400000 | 0x40000 | 0x80000 | 0x100000 | 0x200000 | 0x1000000
_ANY = 0xFFFFFFFF

_FLAG_NEW_LISTENER, _FLAG_WAIT_KILLABLE_RECV = 1 << 3, 1 << 5


@dataclass(frozen=True)
class Filter:
    """What varies between machines: whether mounts are read-only, signals are confined, forks can be asked for."""

    private_mounts: bool = False
    confined_signals: bool = False
    gate: bool = True


# A test is (argument, word, mask, value): word 0 is the low half of the 64-bit argument, 1 the high half.
_Test = tuple[int, int, int, int]
_Rule = Sequence[Sequence[_Test]]


def _one_of(argument: int, values: Sequence[int]) -> _Rule:
    return [[(argument, 0, _ANY, value)] for value in values]


def _opening(flags: int) -> _Rule:
    # O_RDONLY|O_TRUNC empties a file for which Landlock saw no wish to write (before its ABI 3).
    return [[(flags, 0, 3, 1)], [(flags, 0, 3, 2)], [(flags, 0, 3 | 0o1000, 0)]]


_RULES: dict[str, _Rule] = {
    "open": _opening(1),
    "openat": _opening(2),
    # Duplicate, close-on-exec, status, locks, pipe size. Not owners and signals of descriptors.
    "fcntl": _one_of(1, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)),
    # TCGETS, TCGETS2, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX. Not TIOCSTI, which types for the user.
    "ioctl": _one_of(1, (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # AF_UNIX streams, for asyncio; a datagram socket could still be aimed at a path.
    "socketpair": [[(0, 0, _ANY, 1), (1, 0, 0xF, 1)]],
    "sendto": [[(4, 0, _ANY, 0), (4, 1, _ANY, 0)]],
    # To read limits, not to lower them: a cell could starve the process of all questions without being noticed.
    "prlimit64": [[(0, 0, _ANY, 0), (2, 0, _ANY, 0), (2, 1, _ANY, 0)]],
    # PR_SET_PDEATHSIG with SIGKILL; GET_DUMPABLE, SET_NAME, GET_NAME, CAPBSET_READ, PR_SET_VMA (names for mappings).
    "prctl": [[(0, 0, _ANY, 1), (1, 0, _ANY, 9)], *_one_of(0, (3, 15, 16, 23, 0x53564D41))],
    "clone": [[(0, 0, _THREAD, _THREAD), (0, 0, ~_THREAD_FLAGS & _ANY, 0)]],
}


def _instruction(code: int, k: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, jump_true, jump_false, k)


def _give(action: int) -> bytes:
    return _instruction(0x06, action)


def _load(offset: int) -> bytes:
    return _instruction(0x20, offset)


def _checked(rule: _Rule, otherwise: int) -> bytes:
    """Allow when every test of one alternative holds, else `otherwise`."""
    code = b""
    for alternative in rule:
        length = 3 * len(alternative) + 1
        for done, (argument, word, mask, value) in enumerate(alternative):
            code += _load(16 + 8 * argument + 4 * word) + _instruction(0x54, mask)
            code += _instruction(0x15, value, 0, length - 3 * (done + 1))
        code += _give(_ALLOW)
    return code + _give(otherwise)


def _search(leaves: Sequence[tuple[int, bytes]]) -> bytes:
    """Binary search by the loaded number; leaf n answers for numbers from its own up to the next leaf's."""
    if len(leaves) == 1:
        return leaves[0][1]
    middle = len(leaves) // 2
    low, high = _search(leaves[:middle]), _search(leaves[middle:])
    # A conditional jump reaches 255 instructions; go over an unconditional one.
    return _instruction(0x35, leaves[middle][0], 0, 1) + _instruction(0x05, len(low) // 8) + low + high


@cache
def program(arch: str, choice: Filter) -> bytes:
    """BPF program for `arch` (``"x86_64"`` or ``"aarch64"``): 8 bytes an instruction."""
    numbers = syscalls.numbers(arch)
    refuse = _give(_ERRNO | EPERM)
    answers = dict.fromkeys(" ".join((_FILES, _MEMORY, _SIGNALS, _WAITING, _PROCESS, _TIME)).split(), _give(_ALLOW))
    answers |= dict.fromkeys(_METADATA.split(), _give(_ALLOW if choice.private_mounts else _ERRNO))
    if choice.private_mounts:
        answers["truncate"] = _give(_ALLOW)
    if choice.confined_signals:
        answers["tgkill"] = _give(_ALLOW)
    answers |= {name: _checked(rule, _ERRNO | EPERM) for name, rule in _RULES.items()}
    if choice.gate:
        answers["clone"] = _checked(_RULES["clone"], _NOTIFY)
        answers["fork"] = _give(_NOTIFY)
    answers["clone3"] = _give(_ERRNO | ENOSYS)

    leaves: list[tuple[int, bytes]] = [(0, refuse)]
    for number, answer in sorted((numbers[name], answer) for name, answer in answers.items() if name in numbers):
        if leaves[-1][0] == number:
            leaves.pop()
        if not leaves or leaves[-1][1] != answer:
            leaves.append((number, answer))
        leaves.append((number + 1, refuse))
    start = _load(4) + _instruction(0x15, syscalls.ARCHITECTURES[arch], 1, 0) + _give(_KILL) + _load(0)
    return start + _search(leaves)


def install(choice: Filter) -> int | None:
    """Confine this thread, and all it starts, for good. Needs no_new_privs.

    Returns
    -------
    int or None
        With ``choice.gate`` the listener's descriptor, on which requests to fork arrive.
    """
    arch = syscalls.machine()
    if arch is None:
        raise OSError(ENOSYS, "seccomp: no table for this machine")
    code = program(arch, choice)
    text = ctypes.create_string_buffer(code, len(code))
    descriptor = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(text)))
    if not choice.gate:
        syscalls.call("seccomp", 1, 0, descriptor)
        return None
    try:
        return syscalls.call("seccomp", 1, _FLAG_NEW_LISTENER | _FLAG_WAIT_KILLABLE_RECV, descriptor)
    except OSError as error:
        if error.errno != 22:  # EINVAL: a kernel before 5.19
            raise
        return syscalls.call("seccomp", 1, _FLAG_NEW_LISTENER, descriptor)
