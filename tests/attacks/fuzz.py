"""Damaged input for every reader of untrusted bytes: frames of workers, notebooks, recorded results, zip archives.

A valid specimen is damaged a few times at random places and read. A reader returns, or raises the one exception that it
documents, with one plain line; anything else (a crash, a second's wait, a line break, memory) is a finding.
"""

import io
import json
import random
import resource
import signal
import struct
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader import wire
from grader.errors import GraderError
from grader.intake import from_archive
from grader.plans import Foreign
from grader.read import read_submission
from grader.results import from_json, to_json
from tests.attacks.files import handed_in, master
from tests.grader.classmates import classmates

SECONDS = 5
MEMORY = 1 << 30
_INTERESTING = (
    b"\x00",
    b"\xff",
    b"\xff" * 8,
    b"[" * 64,
    b'{"array": 0}',
    b"-1",
    b"1e999",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
)
_WORDS = (b'"', b",", b":", b"\\u0000", b"\\ud800", b"99999999999999999999", b"<f8", b"|O", b"tuple", b"dict", b"float")


class Finding(Exception):
    """What a reader must not do."""


@dataclass(frozen=True)
class Target:
    """A reader, valid specimens of what it reads, and the exception that it documents."""

    specimens: Callable[[], Sequence[bytes]]
    read: Callable[[bytes], object]
    refusal: type[Exception]


def damaged(specimen: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Return a copy with one to five pieces flipped, cut, doubled, moved, or taken from another specimen."""
    data = bytearray(specimen)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data) + 1)
        size = min(len(data) - at, rng.choice((1, 1, 2, 4, 8, 64)))
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = rng.choice(_INTERESTING)
            case 3:
                data[at : at + size] = rng.choice(_WORDS)
            case 4:
                data[at:at] = data[at : at + size] * rng.choice((1, 2, 50))
            case 5:
                other = rng.choice(others)
                start = rng.randrange(len(other) + 1)
                data[at : at + size] = other[start : start + size]
            case _ if at < len(data):
                data[at] = rng.randrange(256)
    return bytes(data)


def frames() -> list[bytes]:
    trees = [
        {"outcomes": [[np.arange(6.0).reshape(2, 3), 1.5, None, True]], "echo": [np.zeros((0, 3), np.int8)]},
        [1, -(2**60), float("nan"), "text", ("a", {"b": [Foreign("list", np.ones(2, np.float32)), Foreign("object")]})],
        {"cell": 3, "error": ["raised", "ValueError: x", "cell 3, line 1"], "notes": ["a"]},
        np.ones((1, 2, 1, 2), ">u2").astype("<u2"),
        [[[[[[[[]]]]]]]],
    ]
    return [wire.encode(tree) for tree in trees]


def damaged_frame(specimen: bytes, rng: random.Random, others: Sequence[bytes]) -> bytes:
    """Damage header and body apart, and mostly give them right lengths: else few frames get past the prefix."""
    if rng.random() < 0.1:
        return damaged(specimen, rng, others)
    length, _ = wire.PREFIX.unpack(specimen[: wire.PREFIX.size])
    header = specimen[wire.PREFIX.size : wire.PREFIX.size + length]
    body = specimen[wire.PREFIX.size + length :]
    headers = [o[wire.PREFIX.size :] for o in others]
    header = damaged(header, rng, headers)
    if rng.random() < 0.2:
        body = damaged(body, rng, others)
    return struct.pack(">IQ", len(header), len(body)) + header + body


def _read_frame(data: bytes) -> object:
    tree = wire.loads(data)
    wire.encode(tree)  # what can be read can be sent
    return tree


def notebooks() -> list[bytes]:
    notebook = handed_in()
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1\n"], "outputs": []}]}]}
    return [json.dumps(n).encode() for n in (notebook, master(), old)]


def _read_notebook(data: bytes) -> object:
    path = _place() / "fuzzed.ipynb"
    path.write_bytes(data)
    return read_submission(path, master())


def results() -> list[bytes]:
    return [to_json(r).encode() for r in classmates()[:4]]


def archives() -> list[bytes]:
    made = []
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", kind) as packed:
            for name in (
                "lovelaceada_1234_56789_x.ipynb",
                "Ada_1_assignsubmission_file_/x.ipynb",
                "../x.py",
                "bob/x.py",
            ):
                packed.writestr(name, b"print(1)\n" * 20)
        made.append(file.getvalue())
    return made


def _read_archive(data: bytes) -> object:
    with tempfile.TemporaryDirectory(dir=_place()) as folder:
        path, to = Path(folder) / "fuzzed.zip", Path(folder) / "out"
        path.write_bytes(data)
        found = from_archive(path, to, ["x"])
        if outside := [p for p in Path(folder).rglob("*") if p != path and p != to and to not in p.parents]:
            raise Finding(f"wrote outside of its folder: {outside}")
        return found


_PLACE: list[tempfile.TemporaryDirectory] = []


def _place() -> Path:
    if not _PLACE:
        shared = "/dev/shm"
        _PLACE.append(tempfile.TemporaryDirectory(dir=shared if Path(shared).is_dir() else None))
    return Path(_PLACE[0].name)


TARGETS = {
    "frames": Target(frames, _read_frame, wire.WireError),
    "notebooks": Target(notebooks, _read_notebook, GraderError),
    "results": Target(results, lambda data: from_json(data.decode(errors="replace"), source="x.json"), GraderError),
    "archives": Target(archives, _read_archive, GraderError),
}


def attempt(target: Target, data: bytes) -> bool:
    """Read one input; return whether it was accepted.

    Raises
    ------
    Finding
        If the reader does something that it does not document.
    """
    try:
        target.read(data)
    except target.refusal as error:
        words = str(error)
        if not words or len(words) > 1000 or not words.isprintable():
            raise Finding(f"refused, but not in one plain line: {words[:300]!r}") from error
        return False
    except Finding:
        raise
    except BaseException as error:
        raise Finding(f"{type(error).__name__}: {str(error)[:300]}") from error
    return True


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"no answer within {SECONDS} s")


def main(what: str, inputs: int, seed: int) -> int:
    """Read that many damaged inputs; print the figures and the first findings."""
    target = TARGETS[what]
    specimens = target.specimens()
    damage = damaged_frame if what == "frames" else damaged
    resource.setrlimit(resource.RLIMIT_AS, (_memory_now() + MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, _too_slow)
    rng, accepted, findings, slowest = random.Random(seed), 0, dict[str, bytes](), 0.0
    started = time.monotonic()
    for n in range(inputs):
        data = damage(rng.choice(specimens), rng, specimens)
        begin = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            accepted += attempt(target, data)
        except Finding as finding:
            findings.setdefault(str(finding)[:120], data)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, time.perf_counter() - begin)
        if n % 100_000 == 99_999:
            print(f"{n + 1} inputs, {len(findings)} kinds of findings, {time.monotonic() - started:.0f} s", flush=True)
    print(
        f"{what}: {inputs} inputs, {accepted} accepted, {inputs - accepted} refused or found, {len(findings)} kinds of "
        f"findings; the slowest took {slowest * 1000:.1f} ms; {time.monotonic() - started:.0f} s in all; at most "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB of memory"
    )
    for kind, data in list(findings.items())[:20]:
        print(f"  {kind}: {data[:400]!r}")
    return 1 if findings else 0


def _memory_now() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
