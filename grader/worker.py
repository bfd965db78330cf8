"""The worker: runs a submission's cells, then plans of calls. It holds no reference, expected value or point.

Everything here shares its process with student code, so nothing that it says is believed: it is data to judge.
Requests come over a socket. ``cells`` are run one after another, each answered when it ends; ``fork`` makes a copy of
the process that runs the plans of questions on a socket of its own, so that a crash, a hang or a changed global costs
no question but its own. ``plans`` runs them in this process, where a system cannot fork.
"""

import ast
import os
import random
import socket
import struct
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from grader import wire
from grader.execute import describe_error, run_plan
from grader.plans import Answer, Failure, Outcome, Plan, Tree, answer_to_tree, plan_from_tree
from grader.sandbox import enter_question

# Magics that would start programs, open windows or ask questions. What they would do is noted and not done.
_SKIPPED_LINE_MAGICS = ("pip", "conda", "mamba", "micromamba", "uv", "system", "sx", "debug", "pdb", "gui", "pylab")
_SKIPPED_CELL_MAGICS = ("bash", "sh", "script", "system", "sx", "html", "javascript", "js", "svg", "latex", "cmd")


class _Shell(InteractiveShell):  # type: ignore[misc]
    """IPython without its terminal."""

    def enable_gui(self, gui: Any = None) -> None:
        """Open no window."""


class _SilentChecker:
    """Stands for the student's `Checker`, whose cells are skipped: a check in a cell of their own says nothing."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __call__(self, *_: Any, **__: Any) -> "_SilentChecker":
        return self

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Notebook:
    """The running state of one notebook: a shell and the notes that its cells caused."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        self.shell: Any = _Shell.instance(config=config)
        self.notes: list[str] = []
        self._name = "cell 0"
        self.shell.compile.get_code_name = lambda raw, transformed, number: self._name
        self.shell.system = self.shell.getoutput = self._skip_command
        for name in _SKIPPED_LINE_MAGICS:
            self.shell.register_magic_function(self._skip_magic(f"%{name}"), "line", name)
        for name in _SKIPPED_CELL_MAGICS:
            self.shell.register_magic_function(self._skip_magic(f"%%{name}"), "cell", name)
        self.shell.register_magic_function(lambda line: None, "line", "matplotlib")
        # The cell that makes the student's own is skipped; one that uses it need not fail for that.
        self.shell.user_ns["check"] = _SilentChecker()
        self.run(0, "pass", "all")  # what a shell makes for its first cell is made once for all forks

    def run(self, number: int, source: str, mode: str) -> Failure | None:
        """Run one cell; mode "definitions" keeps only its imports, functions and classes."""
        self._name = f"cell {number}"
        self.notes = []
        try:
            if mode == "definitions":
                code = compile(_definitions(self.shell.transform_cell(source)), self._name, "exec")
                exec(code, self.shell.user_ns)
                return None
            result = self.shell.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as caught:  # sys.exit(), an interrupt, a patched shell: the later cells still run
            error = caught
        finally:
            plt.close("all")
        return None if error is None else describe_error(error)

    def _skip_command(self, command: str, **_: Any) -> None:
        self.notes.append(f"the shell command `!{str(command)[:60]}` was skipped")

    def _skip_magic(self, name: str) -> Callable[..., None]:
        def skip(line: str = "", cell: str | None = None) -> None:
            self.notes.append(f"`{name} {str(line)[:50]}`".replace(" `", "`") + " was skipped")

        return skip


def _definitions(source: str) -> ast.Module:
    kept = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    module = ast.parse(source)
    module.body = [node for node in module.body if isinstance(node, kept)]
    return module


def hide_grader() -> None:
    """Leave of the package `grader` only a `Checker` that does nothing to what student code can import."""
    for name in [name for name in sys.modules if name == "grader" or name.startswith("grader.")]:
        del sys.modules[name]
    silent = types.ModuleType("grader")
    silent.Checker = _SilentChecker  # type: ignore[attr-defined]
    sys.modules["grader"] = silent


def serve(sock: socket.socket, notebook: Notebook) -> None:
    """Answer requests on a socket until it is closed."""
    sock.setblocking(True)
    while True:
        request, descriptors = receive(sock)
        if request["do"] == "cells":
            for number, source, mode in request["cells"]:
                failure = notebook.run(number, source, mode)
                error = None if failure is None else [failure.kind, failure.message, failure.where]
                _send(sock, {"cell": number, "error": error, "notes": notebook.notes[:5]})
        elif request["do"] == "plans":
            _run_plans(sock, request["plans"], notebook)
        elif request["do"] == "fork":
            pid = os.fork()
            if pid == 0:
                enter_question()
                sock.close()
                _serve_questions(socket.socket(fileno=descriptors[0]), notebook)
            _send(sock, {"pid": pid})
        for descriptor in descriptors:
            os.close(descriptor)


def _serve_questions(sock: socket.socket, notebook: Notebook) -> NoReturn:
    _send(sock, {"ready": True})
    while True:
        request, _ = receive(sock)
        _run_plans(sock, request["plans"], notebook)


def _run_plans(sock: socket.socket, plans: list[Tree], notebook: Notebook) -> None:
    # Every question starts from the same state, whatever was asked before it.
    random.seed(0)
    np.random.seed(0)
    for tree in plans:
        _send(sock, _answer_tree(plan_from_tree(tree), notebook.shell.user_ns))


def _answer_tree(plan: Plan, functions: dict[str, Any]) -> Tree:
    return answer_to_tree(run_plan(plan, functions, catch=BaseException))


def _send(sock: socket.socket, tree: Tree) -> None:
    try:
        data = wire.encode(tree)
    except (wire.WireError, MemoryError) as error:
        failure = Failure("protocol", str(error)[:200])
        outcomes = len(tree["outcomes"]) if isinstance(tree, dict) and "outcomes" in tree else 0
        data = wire.encode(answer_to_tree(Answer((Outcome(failure=failure),) * outcomes)))
    sock.sendall(data)


def receive(sock: socket.socket) -> tuple[Tree, list[int]]:
    """Receive one frame from the examiner, with its descriptors; end the process where there is no more."""
    descriptors: list[int] = []
    if hasattr(socket, "recv_fds"):
        first, descriptors, _, _ = socket.recv_fds(sock, 1, 4)
    else:
        first = sock.recv(1)
    if not first:
        os._exit(0)
    head = first + _exactly(sock, wire.PREFIX.size - 1)
    header, body = struct.unpack(wire.PREFIX.format, head)
    return wire.loads(head + _exactly(sock, header + body)), descriptors


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = sock.recv(min(size - len(data), 1 << 20))
        if not chunk:
            os._exit(0)
        data += chunk
    return bytes(data)
