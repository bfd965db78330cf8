"""One throwaway submission that tries what is forbidden and what is needed, and reports. Knows no student code.

Run as ``python -I -m grader.sandbox.trial LAYERS SECRET SCRATCH`` by `grader.sandbox.probe`: LAYERS in JSON, SECRET a
file that anybody may read and a submission may not. Prints JSON.
"""

import ctypes
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from grader.sandbox import syscalls
from grader.sandbox.gate import ForkGate
from grader.sandbox.layers import Layers
from grader.sandbox.limits import Limits
from grader.sandbox.readable import readable_paths
from grader.sandbox.room import Inside, end_submission, enter_submission, enter_template, fork_submission

_SECONDS = 10.0
# Asked by number, with arguments that fail in some other way (EFAULT, EINVAL, EBADF) where the filter lets them pass.
_DANGEROUS = ("ptrace", "mount", "unshare", "setns", "open_tree", "seccomp", "pidfd_open", "kill", "socket")


def main(layers: Layers, secret: str, scratch: str) -> None:
    """Build every layer of `layers`, try them, print ``{"proc": ..., "failures": [...]}``."""
    room = enter_template(layers, readable_paths(), scratch)
    ours, theirs = socket.socketpair()
    pid, pidfd = fork_submission(room)
    if pid == 0:
        try:
            _submission(enter_submission(room, Limits(), [theirs.fileno()]), room.layers, secret, theirs)
        except BaseException as error:
            _tell(theirs, [f"{type(error).__name__}: {error}"])
        finally:
            os._exit(0)
    theirs.close()
    failures = _examine(ours)
    if not end_submission(room, pid, pidfd):
        failures.append("the submission could not be killed")
    print(json.dumps({"proc": room.layers.proc, "failures": failures}), flush=True)


def _examine(connection: socket.socket) -> list[str]:
    """Play the examiner: refuse the first fork, allow the second, receive the report."""
    gate, report, forks, end = None, b"", 0, time.monotonic() + _SECONDS
    while time.monotonic() < end:
        watched: list[socket.socket | ForkGate] = [connection] if gate is None else [connection, gate]
        ready = select.select(watched, [], [], max(0.0, end - time.monotonic()))[0]
        if gate is not None and gate in ready and gate.answer(forks == 1) is not None:
            forks += 1
        if connection in ready:
            data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 1)
            gate = ForkGate(descriptors[0]) if descriptors else gate
            report += data
            if not data:
                return list(json.loads(report.split(b"\n")[1])) if b"\n" in report else ["it ended without a report"]
    return ["it did not answer in time"]


def _tell(connection: socket.socket, failures: list[str]) -> None:
    connection.sendall(b"\n" + json.dumps(failures).encode())
    connection.shutdown(socket.SHUT_RDWR)


def _submission(inside: Inside, layers: Layers, secret: str, connection: socket.socket) -> None:
    if inside.listener is not None:
        socket.send_fds(connection, [b"-"], [inside.listener])
        os.close(inside.listener)
    failures = [f"{name} is possible" for name, deed in _forbidden(layers, secret).items() if _works(deed) is None]
    for name, deed in _needed(inside).items():
        if (error := _works(deed)) is not None:
            failures.append(f"{name} is not possible ({error})")
    _tell(connection, failures)


def _works(deed: Callable[[], Any]) -> str | None:
    try:
        deed()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _forbidden(layers: Layers, secret: str) -> dict[str, Callable[[], Any]]:
    deeds: dict[str, Callable[[], Any]] = {}
    if layers.landlock or layers.namespaces:
        deeds |= {
            "reading outside": lambda: open(secret).close(),
            "writing outside": lambda: open(secret, "a").close(),
            "listing outside": lambda: os.listdir(os.path.dirname(secret)),
            "making a file outside": lambda: open(os.path.dirname(secret) + "/made", "w").close(),
            "reading another process's command line": lambda: open(f"/proc/{os.getppid() or 2}/cmdline").close(),
        }
    if layers.seccomp:
        deeds |= {
            "an internet socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
            "a datagram socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "a local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
            "a fork without leave": _fork,
            "starting a program": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
            "signalling another process": lambda: os.kill(os.getppid(), 0),
            "a longer life": lambda: syscalls.prctl(syscalls.PR_SET_PDEATHSIG, 0),
        }
        deeds |= {f"the system call {name}": _refused(name) for name in _DANGEROUS}
    return deeds


def _refused(name: str) -> Callable[[], None]:
    def deed() -> None:
        try:
            syscalls.call(name, -1, -1, -1, -1, -1)
        except OSError as error:
            if error.errno == 1:
                raise

    return deed


def _needed(inside: Inside) -> dict[str, Callable[[], Any]]:
    deeds: dict[str, Callable[[], Any]] = {
        "a thread": _thread,
        "a file of one's own": _own_file,
        "a temporary file": lambda: tempfile.TemporaryFile().close(),
        "importing a library": lambda: (__import__("colorsys"), __import__("_zoneinfo")),
        "random bytes": lambda: open("/dev/urandom", "rb").close(),
        "an anonymous pair of sockets": socket.socketpair,
        "a foreign function": lambda: ctypes.CDLL(None).abs(-1),
        "an interval timer": lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    }
    if inside.listener is not None:
        deeds["a fork with leave"] = _fork
    return deeds


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 7:
        raise ChildProcessError("the fork was lost")


def _thread() -> None:
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(1))
    thread.start()
    thread.join()
    if not done:
        raise RuntimeError("it did not run")


def _own_file() -> None:
    with open("note", "w") as file:
        file.write("x")
    os.rename("note", "renamed")
    os.remove("renamed")


if __name__ == "__main__":
    fields = json.loads(sys.argv[1])
    main(Layers(**{**fields, "absent": tuple(fields["absent"])}), sys.argv[2], sys.argv[3])
