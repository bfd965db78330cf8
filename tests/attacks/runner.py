"""Tries attacks in one configuration of a machine, in a process of its own, and says of each what became of it.

``python -m tests.attacks.runner JSON`` with: without (layers taken away), user (become an ordinary user first; needs
root), names (of attacks; all where it is absent). Prints one JSON list for each: name, outcome, reasons.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from grader.errors import GraderError
from grader.examine import Times, examine
from grader.read import read_submission
from grader.results import Result
from grader.sandbox import Limits, SandboxError, namespaces, probe, require
from grader.session import Template, TemplateLostError
from tests.attacks import files, forging, harming, reaching
from tests.attacks.attack import Attack
from tests.attacks.files import FileAttack
from tests.grader.isolated import FULL, QUESTIONS, RIGHT, RIGHT_SCALE, SEED, WRONG_DOUBLE, points, submission
from tests.grader.sandbox_driver import become_ordinary

ATTACKS: dict[str, Attack | FileAttack] = {
    a.name: a for a in [*forging.ATTACKS, *reaching.ATTACKS, *harming.ATTACKS, *files.ATTACKS]
}
CONFIGURATIONS: dict[str, dict] = {
    "all layers": {},
    "no namespaces": {"without": ["namespaces"]},
    "no /proc": {"without": ["proc"]},
    "root stays root": {"without": ["unused_identity"]},
    "ordinary user": {"user": True},
    "ordinary user, no namespaces": {"user": True, "without": ["namespaces"]},
    "no Landlock": {"without": ["landlock"]},
    "no filter": {"without": ["seccomp"]},
}
HELD, REFUSED, FELL = "held", "refused", "fell"
_MARK = "left-by-a-submission"
_PLACES = [Path(p) for p in ("/tmp", "/dev/shm", "/var/tmp", "/run") if os.path.isdir(p)]


class Machine:
    """Hostile and honest submissions on one template, and what the machine is like around them."""

    def __init__(self, layers) -> None:
        self._layers = layers
        self._template = Template(layers, Limits(memory=2 << 30))
        self.honest = points(self.run(WRONG_DOUBLE, RIGHT_SCALE, patience=5.0))
        self._before = self._state()

    def _state(self) -> tuple[int, int, int]:
        mounts = Path("/proc/self/mounts").read_text().count("\n")
        return len(psutil.Process().children(recursive=True)), len(os.listdir("/proc/self/fd")), mounts

    def examine(self, handed, *, patience: float = 1.0) -> Result:
        times = Times(cell=patience, cells=10.0 * patience, question_factor=0.5 * patience)
        try:
            return examine(handed, "tiny", QUESTIONS, self._template, seed=SEED, times=times)
        except TemplateLostError:
            self.close()
            self._template = Template(self._layers, Limits(memory=2 << 30))
            raise

    def run(self, *sources: str, patience: float = 1.0) -> Result:
        return self.examine(submission(*map(textwrap.dedent, sources)), patience=patience)

    def traces(self) -> Iterator[str]:
        """Say what is not as it was before."""
        names = ("processes", "descriptors", "mounts")
        end = time.monotonic() + 3
        while (now := self._state()) != self._before and time.monotonic() < end:
            time.sleep(0.02)
        yield from (f"{n}: {b} before, {a} after" for n, b, a in zip(names, self._before, now, strict=True) if a != b)
        yield from (f"a file in {place}" for place in _PLACES if _MARK in os.listdir(place))

    def neighbour(self) -> Iterator[str]:
        """Say what the next submission lost."""
        result = self.run(*RIGHT, patience=10.0)
        if result.points != FULL:
            yield f"the next submission lost marks: {result.first_reason}"

    def close(self) -> None:
        self._template.close()


def attempt(machine: Machine, attack: Attack | FileAttack) -> list[str]:
    """Return the reasons why an attack was not held; none where it was."""
    try:
        reasons = list((_cell if isinstance(attack, Attack) else _file)(machine, attack))
        return [*reasons, *machine.neighbour(), *machine.traces()]
    except TemplateLostError:
        return ["it took the template along"]


def _cell(machine: Machine, attack: Attack) -> Iterator[str]:
    if not attack.right:
        yield from _forged(machine, attack)
    if not attack.harmless and not attack.says:
        return
    for patience in (1.0, 5.0):  # where the machine is busy, a first time may end too soon
        result = machine.run(*RIGHT, attack.source, patience=patience)
        words = [*result.notes, *(c.message for q in result.questions for c in q.criteria)]
        kept = result.points == FULL or not attack.harmless
        said = not attack.says or any(re.search(attack.says, w) for w in words)
        if kept and said:
            return
    if not kept:
        yield f"right answers lost marks: {result.first_reason}; {'; '.join(result.notes)}"
    if not said:
        yield f"nothing says {attack.says!r}: {words}"


def _forged(machine: Machine, attack: Attack) -> Iterator[str]:
    earned = points(machine.run(WRONG_DOUBLE, RIGHT_SCALE, attack.source))
    for question, honest in machine.honest.items():
        if earned[question] > honest:
            yield f"{question} earned {earned[question]:g} instead of {honest:g}"
    if attack.confined and earned["scale"] < machine.honest["scale"]:
        earned = points(machine.run(WRONG_DOUBLE, RIGHT_SCALE, attack.source, patience=5.0))
        if earned["scale"] < machine.honest["scale"]:
            yield f"the other question lost marks: {earned['scale']:g} of {machine.honest['scale']:g}"


def _file(machine: Machine, attack: FileAttack) -> Iterator[str]:
    content = attack.change(files.handed_in())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / attack.file
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        try:
            handed = read_submission(path, files.master())
        except GraderError as error:
            text = str(error)
            if not attack.refused or not re.search(attack.refused, text):
                yield f"refused: {text}"
            if len(text.splitlines()) != 1 or not text.isprintable() or len(text) > 600:
                yield f"refused in more than one plain line: {text[:600]!r}"
            return
    if attack.refused:
        yield "not refused"
    result = machine.examine(handed)
    if result.points != FULL:
        yield f"right answers lost marks: {result.first_reason}; {'; '.join(result.notes)}"
    if not all(w.isprintable() for w in (result.student, *result.notes)):
        yield "a name or a note that is no plain line"


def run(configuration: str, names: list[str] | None = None) -> Iterator[tuple[str, str, list[str]]]:
    """Try attacks in one of the `CONFIGURATIONS`; yield name, outcome and reasons."""
    plan = json.dumps({**CONFIGURATIONS[configuration], "names": names})
    with subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.runner", plan],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield tuple(json.loads(line))
    if process.returncode:
        raise RuntimeError(f"{configuration}: the trials ended with {process.returncode}")


def main(plan: dict) -> None:
    if plan.get("user") and os.getuid() == 0:
        become_ordinary(["-m", "tests.attacks.runner", json.dumps(plan)])
    with contextlib.suppress(OSError):  # only root may
        # What others mount meanwhile would count as left behind; what an attack mounted would still show here.
        namespaces.unshare(namespaces.NEW_MOUNTS)
        namespaces.make_mounts_private()
    names = list(ATTACKS) if plan.get("names") is None else plan["names"]
    layers = probe(plan.get("without", ()))
    try:
        require(layers)
    except SandboxError as error:
        for name in names:
            print(json.dumps([name, REFUSED, [str(error)]]), flush=True)
        return
    machine = Machine(layers)
    try:
        for name in names:
            reasons = attempt(machine, ATTACKS[name])
            print(json.dumps([name, FELL if reasons else HELD, reasons]), flush=True)
    finally:
        machine.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
