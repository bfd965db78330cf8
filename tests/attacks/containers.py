"""The attacks inside a container, as an instructor's CI runs the grader: root or an ordinary user, no extra rights.

The image is this machine's own file system below an overlay, so nothing is downloaded and nothing here is changed.
Needs root and podman. Docker's filter of system calls is made from podman's: it also refuses what makes namespaces.
"""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.attacks.runner import ATTACKS, HELD

KINDS = {
    "podman, root": ("podman", ""),
    "podman, ordinary user": ("podman", "60123"),
    "Docker's filter, root": ("docker", ""),
    "Docker's filter, ordinary user": ("docker", "60123"),
}
CHECKOUT = Path(__file__).parents[2]
_PROFILE = Path("/usr/share/containers/seccomp.json")
_NAMESPACES = {
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "clone", "clone3",
    "open_tree", "move_mount", "mount_setattr", "fsopen", "fsmount", "fsconfig", "fspick",
}  # fmt: skip
_FLAGS_OF_NAMESPACES = 0x7E020000


@cache
def podman() -> tuple[str, ...]:
    """Return the beginning of a command that runs a container here; empty where none works."""
    if os.getuid() != 0 or not shutil.which("podman"):
        return ()
    runtimes = [[], *(["--runtime", name] for name in ("crun", "runc") if shutil.which(name))]
    for runtime in runtimes:
        begin = ["podman", *runtime, "run", "--rm", "--network", "none"]
        # Else podman asks for more than a machine that is a container itself may give.
        begin += ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
        tried = subprocess.run([*begin, "--rootfs", "/:O", "true"], capture_output=True, timeout=60, check=False)
        if tried.returncode == 0:
            return tuple(begin)
    return ()


def dockers_filter() -> str:
    """Return podman's filter without namespaces, which Docker's leaves to containers with CAP_SYS_ADMIN."""
    profile = json.loads(_PROFILE.read_text())
    for rule in profile["syscalls"]:
        rule["names"] = [name for name in rule["names"] if name not in _NAMESPACES]
    profile["syscalls"] = [rule for rule in profile["syscalls"] if rule["names"]]
    none_of_them = {"index": 0, "value": _FLAGS_OF_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    profile["syscalls"] += [
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [none_of_them]},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    ]
    return json.dumps({**profile, "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1})


@contextlib.contextmanager
def container(kind: str) -> Iterator[list[str]]:
    """Yield the beginning of a command line that runs the interpreter in a container of one of the `KINDS`."""
    named, user = KINDS[kind]
    needed = [CHECKOUT, Path(sys.prefix), Path(sys.base_prefix)]
    elsewhere = [p for p in needed if p.stat().st_dev != os.stat("/").st_dev]
    # An image's interpreter can be read by everybody; ours may lie below a closed home directory.
    closed = {str(p) for place in needed for p in place.parents if not p.stat().st_mode & 0o001}
    inside = "".join(f"chmod o+x {p}; " for p in sorted(closed))
    if user:
        inside += f"mkdir -p /tmp/home; chown {user} /tmp/home; export HOME=/tmp/home; "
        inside += f"exec setpriv --reuid={user} --regid={user} --clear-groups "
    else:
        inside += "exec "
    with tempfile.NamedTemporaryFile("w", suffix=".json") as profile:
        profile.write(dockers_filter() if named == "docker" else _PROFILE.read_text())
        profile.flush()
        yield [
            *podman(), "--security-opt", f"seccomp={profile.name}", "--workdir", str(CHECKOUT),
            *(f"--volume={p}:{p}:ro" for p in elsewhere), "--env", "OPENBLAS_NUM_THREADS=1",
            "--rootfs", "/:O", "sh", "-c", inside + '"$@"', "sh", sys.executable,
        ]  # fmt: skip


def doctor(kind: str) -> dict[str, str]:
    """Return what ``grader doctor`` says in a container: check to state."""
    code = "import sys; from grader.cli import main; sys.argv = ['grader', 'doctor', '--json']; main()"
    with container(kind) as begin:
        done = subprocess.run([*begin, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    return {f["check"]: f["state"] for f in json.loads(done.stdout)["findings"]}


def attacks(kind: str, names: list[str]) -> dict[str, tuple[str, list[str]]]:
    """Try attacks in a container; return name to outcome and reasons."""
    with container(kind) as begin:
        command = [*begin, "-m", "tests.attacks.runner", json.dumps({"names": names})]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise RuntimeError(f"{kind}: the trials ended with {done.returncode}: {done.stderr[-300:]}")
    return {name: (outcome, reasons) for name, outcome, reasons in map(json.loads, done.stdout.splitlines())}


def sample(count: int, seed: str) -> list[str]:
    """Return names of that many attacks, the same for each seed."""
    return random.Random(seed).sample(list(ATTACKS), min(count, len(ATTACKS)))


def main(count: int) -> int:
    """Print, for each kind of container, what the doctor says of its layers and what became of the attacks."""
    if not podman():
        print("needs root and a podman that runs containers here")
        return 2
    fallen = 0
    for kind in KINDS:
        states = {check: state for check, state in doctor(kind).items() if check != "tried and given up"}
        outcomes = attacks(kind, sample(count, "containers"))
        print(
            f"{kind}: doctor {dict(Counter(states.values()))}, attacks {dict(Counter(o for o, _ in outcomes.values()))}"
        )
        print("  weaker: " + ", ".join(check for check, state in states.items() if state != "ok"), flush=True)
        for name, (outcome, reasons) in outcomes.items():
            if outcome != HELD:
                print(f"  {outcome}: {name}: {'; '.join(reasons)}")
                fallen += 1
    return 1 if fallen else 0
