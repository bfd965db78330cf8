"""Grades many submissions on one machine, a third of them hostile, and compares the machine before and after.

Of each seed the order and the mix are the same, so two runs can be compared: every honest result must be what it was
the first time.
"""

import os
import random
import resource
import tempfile
import time
from pathlib import Path

import psutil

from grader.sandbox import probe, require
from tests.attacks.attack import Attack
from tests.attacks.runner import ATTACKS, Machine
from tests.grader.isolated import FULL, RIGHT, RIGHT_SCALE, WRONG_DOUBLE, points

# Those that wait for a limit would make hours of it; each of their kinds is tried by the table.
_SECONDS = 0.3
HONEST = {"right": RIGHT, "wrong": (WRONG_DOUBLE, RIGHT_SCALE), "half": (WRONG_DOUBLE,)}


def _figures() -> dict[str, int]:
    me = psutil.Process()
    below = me.children(recursive=True)
    return {
        "processes": len(below),
        "descriptors": me.num_fds() + sum(p.num_fds() for p in below),
        "mounts": Path("/proc/self/mounts").read_text().count("\n"),
        "temporary files": sum(len(files) + len(folders) for _, folders, files in os.walk(tempfile.gettempdir())),
        "memory (MiB)": sum(p.memory_info().rss for p in [me, *below]) >> 20,
    }


def main(submissions: int, seed: int) -> int:
    """Grade them; print the figures as they come, and what differs at the end."""
    with tempfile.TemporaryDirectory(prefix="grader-soak-") as place:
        tempfile.tempdir = place  # others on the machine have files in the usual one
        return _soak(submissions, seed)


def _soak(submissions: int, seed: int) -> int:
    layers = probe()
    require(layers)
    rng = random.Random(seed)
    hostile = [a for a in ATTACKS.values() if isinstance(a, Attack)]
    machine = Machine(layers)
    first: dict[str, dict[str, float]] = {}
    wrong: list[str] = []
    attacks, started = 0, time.monotonic()
    before = _figures()
    print(f"before: {before}", flush=True)
    try:
        for n in range(1, submissions + 1):
            if rng.random() < 1 / 3:
                attacks += 1
                attack = rng.choice(hostile)
                earned = points(machine.run(WRONG_DOUBLE, RIGHT_SCALE, attack.source, patience=_SECONDS))
                if not attack.right and any(earned[q] > machine.honest[q] for q in earned):
                    wrong.append(f"{attack.name} earned {earned}")
            else:
                name = rng.choice(list(HONEST))
                earned = points(machine.run(*HONEST[name], patience=10.0))
                if earned != first.setdefault(name, earned) or (name == "right" and sum(earned.values()) != FULL):
                    wrong.append(f"submission {n} ({name}) earned {earned}")
            if n % max(1, submissions // 10) == 0:
                print(f"{n} ({attacks} hostile), {time.monotonic() - started:.0f} s: {_figures()}", flush=True)
        after = _figures()
    finally:
        machine.close()
    grown = [k for k in before if after[k] > before[k] + (50 if k.startswith("memory") else 0)]
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{submissions} submissions, {attacks} hostile, {seconds:.0f} s ({submissions / seconds:.1f} a second)")
    print(f"after: {after}; the grader's own peak {peak} MiB; grown: {grown or 'nothing'}")
    print(f"results that were not as they must be: {len(wrong)}\n" + "\n".join(wrong[:20]))
    return 1 if wrong or grown else 0
