"""The template process: has imported what submissions need, nothing secret, and is forked for each of them.

Started by `grader.session.Template` as ``python -s -P -m grader.template FD`` with an empty environment; talks to the
examiner over that socket alone.
"""

import os
import signal
import socket
import sys
from typing import Any

from grader import wire
from grader.plans import Tree
from grader.sandbox import Layers, Limits, Room, end_submission, enter_submission, enter_template, fork_submission
from grader.worker import Notebook, hide_grader, receive, serve


def main(descriptor: int) -> None:
    """Become a template, then fork submissions until the examiner closes the socket."""
    control = socket.socket(fileno=descriptor)
    control.setblocking(True)
    setup, _ = receive(control)
    notebook = Notebook()
    hide_grader()
    os.environ.clear()
    os.environ.update(LANG="C.UTF-8", **setup["environment"])
    layers = Layers(**{**setup["layers"], "absent": tuple(setup["layers"]["absent"])})
    room = enter_template(layers, setup["readable"], setup["scratch"])
    bounds = Limits(**setup["limits"])
    _reply(control, {"ready": room.layers.describe()})
    running: dict[int, int] = {}
    while True:
        request, descriptors = receive(control)
        if request["do"] == "submission":
            pid, pidfd = fork_submission(room)
            if pid == 0:
                _become_submission(room, bounds, descriptors[0], notebook)
            running[pid] = pidfd
            _reply(control, {"pid": pid}, pidfd)
        elif request["do"] == "end" and request["pid"] in running:
            _reply(control, {"ended": end_submission(room, request["pid"], running.pop(request["pid"]))})
        for received in descriptors:
            os.close(received)


def _become_submission(room: Room, bounds: Limits, descriptor: int, notebook: Notebook) -> None:
    try:
        inside = enter_submission(room, bounds, keep=[descriptor])
        # A cell that takes too long is interrupted by SIGINT, which a background job starts out ignoring.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sock = socket.socket(fileno=descriptor)
        _reply(sock, {"work": inside.work}, -1 if inside.listener is None else inside.listener)
        if inside.listener is not None:
            os.close(inside.listener)
        serve(sock, notebook)
    finally:
        os._exit(1)


def _reply(sock: socket.socket, tree: Tree, passed: int = -1) -> None:
    data: Any = wire.encode(tree)
    if passed >= 0:
        data = data[socket.send_fds(sock, [data], [passed]) :]
    sock.sendall(data)


if __name__ == "__main__":
    main(int(sys.argv[1]))
