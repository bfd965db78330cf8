"""Which layers hold on this machine, found by trying them in a throwaway process. Knows no submission."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict, replace

from grader.sandbox import landlock, syscalls
from grader.sandbox.layers import Layers
from grader.scratch import scratch_folder

_SECONDS = 30
# A template must be single-threaded, and importing NumPy starts OpenBLAS's threads unless told otherwise.
_THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", **_THREADS}
_found: dict[frozenset[str], Layers] = {}


def probe(without: Collection[str] = ()) -> Layers:
    """Try the strongest set of layers, then weaker ones, and return the first that holds. About 0.2 s, then cached.

    A set holds if a process inside it can do what student code needs and nothing of what it must not: a system that
    lets a call pass and denies its effect counts as lacking the layer.

    Parameters
    ----------
    without : collection of {"landlock", "seccomp", "namespaces", "proc", "unused_identity"}
        Layers not to try, as if the machine lacked them.
    """
    asked = frozenset(without)
    if asked not in _found:
        _found[asked] = _probe(asked)
    return _found[asked]


def found() -> Layers | None:
    """Return what `probe` has found, or nothing as yet: for another process of this machine to `remember`."""
    return _found.get(frozenset())


def remember(layers: Layers) -> None:
    """Let `probe` return what another process of this machine found."""
    _found[frozenset()] = layers


def _probe(without: frozenset[str]) -> Layers:
    if sys.platform != "linux":
        return Layers(absent=(f"this is {sys.platform}, not Linux",))
    wish = Layers(
        landlock=0 if "landlock" in without else landlock.abi(),
        seccomp=syscalls.machine() is not None and "seccomp" not in without,
        namespaces=syscalls.machine() is not None and "namespaces" not in without,
        proc="proc" not in without,
        unused_identity=os.geteuid() == 0 and "unused_identity" not in without,
    )
    absent: list[str] = []
    for layers in _weaker_and_weaker(wish):
        if not (layers.landlock or layers.seccomp or layers.namespaces):
            continue
        proc, failures = _try(layers)
        if not failures:
            return replace(layers, proc=proc, absent=tuple(absent))
        absent.append(f"Tried {_names(layers)}: {'; '.join(failures)}.")
    return Layers(absent=tuple(absent))


def _weaker_and_weaker(wish: Layers) -> Iterator[Layers]:
    cores = [wish]
    if wish.landlock and wish.seccomp:
        cores += [replace(wish, landlock=0, namespaces=False), replace(wish, seccomp=False, namespaces=False)]
    for core in cores:
        for namespaces in (True, False)[not core.namespaces :]:
            for identity in (True, False)[not core.unused_identity :]:
                yield replace(core, namespaces=namespaces, proc=namespaces and core.proc, unused_identity=identity)


def _names(layers: Layers) -> str:
    return ", ".join(name for name in ("landlock", "seccomp", "namespaces", "unused_identity") if getattr(layers, name))


def _try(layers: Layers) -> tuple[bool, list[str]]:
    with scratch_folder() as place:
        # Open to all, so that only the layers, and not the file's mode, can keep the submission out.
        os.chmod(place, 0o777)
        secret, scratch = os.path.join(place, "secret"), os.path.join(place, "scratch")
        with open(secret, "w") as file:
            file.write("secret")
        os.chmod(secret, 0o666)
        os.mkdir(scratch)
        command = [sys.executable, "-I", "-m", "grader.sandbox.trial", json.dumps(asdict(layers)), secret, scratch]
        try:
            answer = subprocess.run(
                command,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
            report = json.loads(answer.stdout)
        except subprocess.TimeoutExpired:
            return False, [f"no answer within {_SECONDS} s"]
        except ValueError:
            lines = answer.stderr.decode(errors="replace").strip().splitlines()
            return False, [lines[-1] if lines else f"the process ended with {answer.returncode}"]
    return bool(report["proc"]), [str(failure) for failure in report["failures"]]
