"""A process's own view of the machine: mounts, network, users, processes. Knows no submission and no policy.

Every step raises OSError where the system refuses it; half-built namespaces are the caller's to give up on.
"""

import os
import struct
import sys
from collections.abc import Sequence

from grader.sandbox import syscalls
from grader.sandbox.readable import outermost

NEW_MOUNTS, NEW_UTS, NEW_IPC, NEW_USER, NEW_PIDS, NEW_NET = (
    0x20000,
    0x4000000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC, _RECURSIVE, _PRIVATE = 1, 2, 4, 8, 1 << 14, 1 << 18
_DETACH = 2
_EMPTY_PATH, _AT_RECURSIVE, _HERE = 0x1000, 0x8000, -100


def unshare(flags: int) -> None:
    """Enter new namespaces of the kinds in `flags`."""
    syscalls.call("unshare", flags)


def map_own_identity(user: int, group: int) -> None:
    """In a user namespace just entered: be the same user and group inside as outside, and nobody else."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """``mount(2)``."""
    words = [source.encode(), target.encode(), kind.encode() if kind else None, flags, options.encode()]
    syscalls.call("mount", *words)


def make_mounts_private() -> None:
    """Let no mount made here show elsewhere, nor the other way round."""
    mount("none", "/", None, _RECURSIVE | _PRIVATE)


def mount_small_tmpfs(target: str, size: int) -> None:
    """Mount an empty file system of at most `size` bytes and 4096 files at `target`, ours alone."""
    options = f"mode=0700,size={size},nr_inodes=4096"
    mount("tmpfs", target, "tmpfs", _NO_SUID | _NO_DEVICES | _NO_EXEC, options)


def mount_proc(options: str = "") -> None:
    """Mount a read-only /proc that shows this pid namespace over whatever is there (``subset=pid``: nothing else)."""
    mount("proc", "/proc", "proc", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_EXEC, options)


def cover_proc() -> None:
    """Cover /proc with an empty read-only file system."""
    mount("tmpfs", "/proc", "tmpfs", _READ_ONLY | _NO_SUID | _NO_DEVICES | _NO_EXEC, "size=4k,mode=0555")


def enter_new_root(readable: Sequence[str], devices: Sequence[str], folders: Sequence[str]) -> None:
    """Make a root of nothing but `readable` (read-only), `devices`, empty `folders` and the present /proc.

    Everything keeps its absolute path; parents are made with mode 0755, so that an interpreter below a closed home
    directory can be read by an unused user id. Symbolic links on the way are made anew.
    """
    real = outermost(map(os.path.realpath, readable))
    trees = {path: _clone_tree(path, _READ_ONLY | _NO_SUID | _NO_DEVICES) for path in real}
    trees |= {path: _clone_tree(path, _NO_SUID | _NO_EXEC) for path in devices if os.path.exists(path)}
    trees["/proc"] = _clone_tree("/proc", 0)
    links = {link: target for path in readable for link, target in _links(path)}
    directories = {path: os.path.isdir(path) for path in trees}

    # Any directory serves as the mount point: the sources are held by descriptor, so nothing they need gets hidden.
    mask = os.umask(0o022)
    mount("tmpfs", "/proc", "tmpfs", _NO_SUID | _NO_DEVICES, "mode=0755,size=1m")
    os.chdir("/proc")
    for path in sorted(trees):
        _make(path, directory=directories[path])
        syscalls.call("move_mount", trees[path], b"", _HERE, f".{path}".encode(), 4)
        os.close(trees[path])
    for link, target in sorted(links.items()):
        _link(link, target)
    for path in folders:
        os.makedirs(f".{path}", exist_ok=True)
    if not os.path.lexists("./tmp"):
        os.symlink(folders[0], "./tmp")
    os.umask(mask)
    syscalls.call("pivot_root", b".", b".")
    syscalls.call("umount2", b".", _DETACH)
    os.chdir("/")
    _set_attributes(_HERE, b"/", _READ_ONLY | _NO_SUID | _NO_DEVICES, 0)


def _clone_tree(path: str, attributes: int) -> int:
    # OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC
    tree = syscalls.call("open_tree", _HERE, path.encode(), 1 | getattr(os, "O_CLOEXEC", 0) | _AT_RECURSIVE)
    if attributes:
        _set_attributes(tree, b"", attributes, _EMPTY_PATH | _AT_RECURSIVE)
    return tree


def _set_attributes(place: int, path: bytes, attributes: int, flags: int) -> None:
    structure = struct.pack("=QQQQ", attributes, 0, 0, 0)
    syscalls.call("mount_setattr", place, path, flags, structure, len(structure))


def _make(path: str, *, directory: bool) -> None:
    os.makedirs(f".{path if directory else os.path.dirname(path)}", exist_ok=True)
    if not directory:
        os.close(os.open(f".{path}", os.O_CREAT | os.O_WRONLY, 0o644))


def _links(path: str) -> list[tuple[str, str]]:
    """Symbolic links among `path` and its parents, outermost first, with the absolute places they stand for."""
    links, place = [], ""
    for part in path.strip("/").split("/"):
        place = f"{place}/{part}"
        if os.path.islink(place):
            target = os.path.realpath(place)
            links.append((place, target))
            place = target
    return links


def _link(link: str, target: str) -> None:
    if not os.path.lexists(f".{link}"):
        os.makedirs(f".{os.path.dirname(link)}", exist_ok=True)
        os.symlink(target, f".{link}")


def fork_in_new_pids() -> int:
    """Fork a child that is process 1 of a pid namespace of its own; later children are ours again.

    Needs CAP_SYS_ADMIN over this process's own pid namespace. Returns as ``os.fork`` does.
    """
    if sys.platform != "linux":
        raise OSError(38, "namespaces are Linux's")
    home = os.pidfd_open(os.getpid())
    unshare(NEW_PIDS)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            syscalls.call("setns", home, NEW_PIDS)
        os.close(home)
    return pid
