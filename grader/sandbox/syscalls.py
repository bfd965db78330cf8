"""System calls by number, through ctypes: what the isolation layers need and Python 3.11 has no name for.

Must not know what the layers are for. Importable everywhere; the C library is loaded on the first call, so that a
student's laptop without Linux can import the package.
"""

import ctypes
import os
import platform
import sys
from functools import cache
from typing import Any

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of the machines whose numbers are tabled below."""

# name:x86-64:arm64, from the kernel's asm/unistd_64.h and asm-generic/unistd.h (a test compares them where installed).
_TABLE = """
access:21:- alarm:37:- arch_prctl:158:- brk:12:214 capget:125:90 capset:126:91 chdir:80:49 chmod:90:-
clock_getres:229:114 clock_gettime:228:113 clock_nanosleep:230:115 clone:56:220 clone3:435:435 close:3:57
close_range:436:436 copy_file_range:326:285 creat:85:- dup:32:23 dup2:33:- dup3:292:24 epoll_create:213:-
epoll_create1:291:20 epoll_ctl:233:21 epoll_pwait:281:22 epoll_pwait2:441:441 epoll_wait:232:- eventfd:284:-
eventfd2:290:19 execve:59:221 exit:60:93 exit_group:231:94 faccessat:269:48 faccessat2:439:439 fadvise64:221:223
fallocate:285:47 fchdir:81:50 fchmod:91:52 fchmodat:268:53 fcntl:72:25 fdatasync:75:83 flock:73:32 fork:57:-
fstat:5:80 fstatfs:138:44 fsync:74:82 ftruncate:77:46 futex:202:98 futex_waitv:449:449 futimesat:261:-
get_robust_list:274:100 getcpu:309:168 getcwd:79:17 getdents:78:- getdents64:217:61 getegid:108:177
geteuid:107:175 getgid:104:176 getgroups:115:158 getitimer:36:102 getpeername:52:205 getpgid:121:155
getpgrp:111:- getpid:39:172 getppid:110:173 getpriority:140:141 getrandom:318:278 getresgid:120:150
getresuid:118:148 getrlimit:97:163 getrusage:98:165 getsid:124:156 getsockname:51:204 getsockopt:55:209
gettid:186:178 gettimeofday:96:169 getuid:102:174 ioctl:16:29 kill:62:129 landlock_add_rule:445:445
landlock_create_ruleset:444:444 landlock_restrict_self:446:446 lseek:8:62 lstat:6:- madvise:28:233
membarrier:324:283 mincore:27:232 mkdir:83:- mkdirat:258:34 mmap:9:222 mount:165:40 mount_setattr:442:442
move_mount:429:429 mprotect:10:226 mremap:25:216 msync:26:227 munmap:11:215 nanosleep:35:101 newfstatat:262:79
open:2:- open_tree:428:428 openat:257:56 pause:34:- pidfd_open:434:434 pidfd_send_signal:424:424 pipe:22:-
pipe2:293:59 pivot_root:155:41 poll:7:- ppoll:271:73 prctl:157:167 pread64:17:67 preadv:295:69 preadv2:327:286
prlimit64:302:261 pselect6:270:72 ptrace:101:117 pwrite64:18:68 pwritev:296:70 pwritev2:328:287 read:0:63
readlink:89:- readlinkat:267:78 readv:19:65 recvfrom:45:207 recvmsg:47:212 rename:82:- renameat:264:38
renameat2:316:276 restart_syscall:219:128 rmdir:84:- rseq:334:293 rt_sigaction:13:134 rt_sigpending:127:136
rt_sigprocmask:14:135 rt_sigreturn:15:139 rt_sigsuspend:130:133 rt_sigtimedwait:128:137
sched_get_priority_max:146:125 sched_get_priority_min:147:126 sched_getaffinity:204:123 sched_getparam:143:121
sched_getscheduler:145:120 sched_setaffinity:203:122 sched_yield:24:124 seccomp:317:277 select:23:-
sendfile:40:71 sendmsg:46:211 sendto:44:206 set_robust_list:273:99 set_tid_address:218:96 setitimer:38:103
setns:308:268 setrlimit:160:164 shutdown:48:210 sigaltstack:131:132 socket:41:198 socketpair:53:199 stat:4:-
statfs:137:43 statx:332:291 symlink:88:- symlinkat:266:36 sysinfo:99:179 tgkill:234:131 time:201:-
timer_create:222:107 timer_delete:226:111 timer_getoverrun:225:109 timer_gettime:224:108 timer_settime:223:110
timerfd_create:283:85 timerfd_gettime:287:87 timerfd_settime:286:86 times:100:153 truncate:76:45 umask:95:166
umount2:166:39 uname:63:160 unlink:87:- unlinkat:263:35 unshare:272:97 utime:132:- utimensat:280:88 utimes:235:-
vfork:58:- wait4:61:260 waitid:247:95 write:1:64 writev:20:66
"""

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


def machine() -> str | None:
    """Name of this machine's table, ``"x86_64"`` or ``"aarch64"``; None where there is none (no Linux, 32 bits)."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    name = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    return name if name in ARCHITECTURES else None


@cache
def numbers(arch: str) -> dict[str, int]:
    """System call numbers of `arch` by name; a call which that machine does not have is absent."""
    column = 1 + list(ARCHITECTURES).index(arch)
    rows = (row.split(":") for row in _TABLE.split())
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"}


@cache
def _libc() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def call(name: str, *arguments: int | bytes | ctypes.Array[Any] | None) -> int:
    """Make the system call `name`; integers are passed as machine words, the rest as pointers.

    Raises
    ------
    OSError
        With the kernel's errno; ENOSYS where this machine has no such call.
    """
    arch = machine()
    number = numbers(arch).get(name) if arch else None
    if number is None:
        raise OSError(38, f"{name}: no such system call on this machine")
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *words)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return result


def prctl(option: int, *arguments: int) -> int:
    """``prctl(2)`` with the unused arguments zero, as some options demand."""
    return call("prctl", option, *(*arguments, 0, 0, 0, 0)[:4])


def set_capabilities(mask: int) -> None:
    """Make `mask` (bit n for capability n) this thread's permitted and effective set; inherit none."""
    header = ctypes.create_string_buffer(_CAPABILITY_VERSION_3.to_bytes(4, sys.byteorder) + bytes(4), 8)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    words = (low, low, 0, high, high, 0)
    data = ctypes.create_string_buffer(b"".join(w.to_bytes(4, sys.byteorder) for w in words), 24)
    call("capset", header, data)


def drop_capabilities(keep: int = 0) -> None:
    """Give up every capability outside `keep`, and with them the chance to have one again.

    Where the bounding set cannot be lowered (an ordinary user) it is worth nothing either: nothing can be executed.
    """
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break
    set_capabilities(keep)
