"""Runs snippets as submissions and prints what became of them; a script of its own, since a template must be one.

``python sandbox_driver.py JSON`` with: cases (name to code; the variable ``result`` is reported), without (masked
layers), user (become an ordinary user first; needs root), imports, forks (how many to allow), limits, seconds, and
repeat (run every case so often).
"""

import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path

from grader import sandbox
from grader.sandbox import namespaces, processes
from grader.sandbox.readable import DEVICES

ORDINARY = 60123


def become_ordinary(again: list[str]) -> None:
    """Lay the interpreter open (it may lie below a closed home directory) in mounts of our own, leave root, and start
    Python anew with the arguments ``again``.
    """
    checkout = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    namespaces.unshare(namespaces.NEW_MOUNTS)
    namespaces.make_mounts_private()
    shown = [*sandbox.readable_paths(), sys.prefix, sys.base_prefix, checkout, "/usr", "/etc"]
    namespaces.enter_new_root(shown, DEVICES, ["/home/ordinary"])
    namespaces.mount("tmpfs", "/home/ordinary", "tmpfs", 0, f"mode=0700,uid={ORDINARY},gid={ORDINARY}")
    os.setgroups([])
    os.setresgid(ORDINARY, ORDINARY, ORDINARY)
    os.setresuid(ORDINARY, ORDINARY, ORDINARY)
    os.environ.update(HOME="/home/ordinary", TMPDIR="/home/ordinary")
    os.chdir(checkout)
    os.execv(sys.executable, [sys.executable, *again])


def child(room: sandbox.Room, limits: sandbox.Limits, theirs: socket.socket, names: dict, code: str) -> None:
    try:
        inside = sandbox.enter_submission(room, limits, [theirs.fileno()])
        if inside.listener is not None:
            socket.send_fds(theirs, [b"-"], [inside.listener])
            os.close(inside.listener)
        try:
            exec(compile(code, "case", "exec"), names)
            outcome = ["result", names.get("result")]
        except BaseException as error:
            outcome = [type(error).__name__, str(error)]
        theirs.sendall(b"\n" + json.dumps(outcome, default=bool).encode() + b"\n")
    except BaseException as error:
        theirs.sendall(b"\n" + json.dumps(["isolation failed", repr(error)]).encode() + b"\n")
    finally:
        os._exit(0)


def run(room: sandbox.Room, plan: dict, names: dict, code: str) -> list:
    ours, theirs = socket.socketpair()
    pid, pidfd = sandbox.fork_submission(room)
    if pid == 0:
        ours.close()
        child(room, sandbox.Limits(**plan.get("limits", {})), theirs, dict(names), code)
    theirs.close()
    gate, text, allowed, end = None, b"", plan.get("forks", 0), time.monotonic() + plan.get("seconds", 20)
    outcome = ["no answer", None]
    while time.monotonic() < end:
        watched = [ours] + [gate] * (gate is not None)
        ready = select.select(watched, [], [], max(0, end - time.monotonic()))[0]
        if gate in ready:
            request = gate.answer(allowed > 0)
            if request is None and processes.ended(pidfd, 0):
                gate.close()
                gate = None
            allowed -= bool(request and request.allowed)
        if ours in ready:
            data, descriptors, _, _ = socket.recv_fds(ours, 1 << 16, 1)
            gate = sandbox.ForkGate(descriptors[0]) if descriptors else gate
            text += data
            if not data:
                outcome = ["died", None]
                break
            if text.endswith(b"]\n"):
                outcome = json.loads(text.split(b"\n")[-2])
                break
    started = time.monotonic()
    over = sandbox.end_submission(room, pid, pidfd)
    ours.close()
    if gate is not None:
        gate.close()
    return [*outcome, over and time.monotonic() - started < 2]


def main() -> None:
    plan = json.loads(sys.argv[1])
    if plan.get("user") and os.getuid() == 0:
        become_ordinary([__file__, *sys.argv[1:]])
    names = {name: importlib.import_module(name) for name in plan.get("imports", [])}
    layers = sandbox.probe(plan.get("without", []))
    scratch = tempfile.mkdtemp()
    place = tempfile.mkdtemp()
    os.chmod(place, 0o777)  # open to all, so that no file mode helps the layers
    with open(f"{place}/secret", "w") as file:
        file.write("secret")
    os.chmod(f"{place}/secret", 0o666)
    outer = os.getpid()
    if plan.get("say"):
        print(outer, flush=True)
    parent = os.fork()
    if parent:
        signal.signal(signal.SIGUSR1, lambda *_: os.kill(parent, signal.SIGKILL))
        signal.signal(signal.SIGUSR2, lambda *_: os.kill(processes.children(parent)[0], signal.SIGKILL))
        os.waitpid(parent, 0)
        with open(f"{place}/secret") as file:
            mode = os.stat(f"{place}/secret").st_mode & 0o777
            print(json.dumps([file.read(), mode, os.listdir(place), os.listdir(scratch)]))
        shutil.rmtree(place)
        shutil.rmtree(scratch)
        return
    try:
        room = sandbox.enter_template(layers, sandbox.readable_paths(), scratch)
        names |= {"os": os, "sys": sys, "outer": outer, "secret": place + "/secret", "room": room}
        before = {"descriptors": os.listdir("/proc/self/fd") if room.layers.proc or not layers.namespaces else []}
        mounts = len(Path("/proc/self/mounts").read_text().splitlines()) if before["descriptors"] else 0
        outcomes = {}
        for name, code in plan["cases"].items():
            for _ in range(plan.get("repeat", 1)):
                outcomes[name] = run(room, plan, names, code)
        left = {
            "descriptors": len(os.listdir("/proc/self/fd")) - len(before["descriptors"]) if mounts else 0,
            "mounts": len(Path("/proc/self/mounts").read_text().splitlines()) - mounts if mounts else 0,
            "children": processes.children(os.getpid()),
        }
        answer = {"layers": layers.describe(), "names": vars(layers), "outcomes": outcomes, "left": left}
        print(json.dumps(answer), flush=True)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
