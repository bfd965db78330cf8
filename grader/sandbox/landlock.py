"""File, TCP, abstract-socket and signal rights by Landlock. Knows only paths and the kernel's ABI level."""

import os
import struct
import sys
from collections.abc import Iterable

from grader.sandbox import syscalls

_RULESET_VERSION = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << n for n in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SYM, _REFER, _TRUNCATE = 1 << 7, 1 << 8, 1 << 12, 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
_OWN = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15


def abi() -> int:
    """Landlock's ABI level here; 0 where there is none."""
    try:
        return syscalls.call("landlock_create_ruleset", None, 0, _RULESET_VERSION)
    except OSError:
        return 0


def _handled(level: int) -> int:
    # 1: thirteen rights; 2 adds REFER, 3 TRUNCATE, 5 IOCTL_DEV.
    return (1 << (13 + (level >= 2) + (level >= 3))) - 1 | (1 << 15 if level >= 5 else 0)


def restrict(level: int, *, readable: Iterable[str], own: Iterable[str] = (), devices: Iterable[str] = ()) -> None:
    """Leave this thread, and all it starts, these files and nothing else. Needs no_new_privs.

    Parameters
    ----------
    level : int
        The ABI to use, from `abi`: 4 adds TCP, 6 abstract sockets and signals.
    readable, own, devices : paths
        May be read; may be read, written and filled, though not with devices, sockets or programs; may be read and
        written but not configured. A path that does not exist is passed over.
    """
    files = _handled(level)
    # struct landlock_ruleset_attr: file rights, TCP rights (bind, connect), scopes (abstract sockets, signals).
    attributes = struct.pack("=QQQ", files, 0b11, 0b11)[: 24 if level >= 6 else 16 if level >= 4 else 8]
    ruleset = syscalls.call("landlock_create_ruleset", attributes, len(attributes), 0)
    try:
        for paths, rights in ((readable, _READ), (own, _OWN), (devices, _READ_FILE | _WRITE_FILE)):
            for path in paths:
                _permit(ruleset, path, rights & files)
        syscalls.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _permit(ruleset: int, path: str, rights: int) -> None:
    if sys.platform != "linux":
        raise OSError(38, "Landlock is Linux's")
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        syscalls.call("landlock_add_rule", ruleset, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)
