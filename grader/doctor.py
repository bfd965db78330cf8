"""Whether a machine can hold what students hand in: its layers, and a short form of the attacks tried for real.

Each attempt is a cell that raises where it gets through. Knows no assignment and prints nothing.
"""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError
from grader.plans import Plan, Step
from grader.sandbox import Layers, Limits, probe
from grader.sandbox.processes import children
from grader.scratch import scratch_folder
from grader.session import Source, SubmissionDiedError, Template, TemplateLostError

OK, WEAKER, MISSING = "ok", "weaker", "missing"
_SECONDS = 2.0


@dataclass(frozen=True)
class Finding:
    """One line of the table: what was looked at, `OK`, `WEAKER` or `MISSING`, what was seen, and the mend if any."""

    check: str
    state: str
    seen: str
    mend: str = ""


@dataclass(frozen=True)
class Attempt:
    """What a submission tries. The source names SECRET and MARK; ``raises`` if it got through."""

    name: str
    source: str
    mend: str


_FILTER = "update Linux to 6.12 or newer, and report this"
_FILES = "keep the course out of the environment's folders, and report this"
ATTEMPTS = (
    Attempt("reading a file of the course", "open(SECRET)", _FILES),
    Attempt("listing a folder of the course", "import os; os.listdir(os.path.dirname(SECRET))", _FILES),
    Attempt("leaving a file behind", "open(MARK, 'w').write('x')", _FILES),
    Attempt(
        "changing a library", "import os; open(os.__file__, 'a')", "make the environment read-only, and report this"
    ),
    Attempt("opening a connection", "import socket; socket.socket()", _FILTER),
    Attempt("a local socket", "import socket; socket.socket(socket.AF_UNIX)", _FILTER),
    Attempt("starting a program", "import os, sys; os.posix_spawn(sys.executable, ['python', '-c', ''], {})", _FILTER),
    Attempt("starting a process", "import os; os.fork() or os._exit(0)", _FILTER),
    Attempt("signalling another process", "import os; os.kill(os.getppid() or 2, 0)", _FILTER),
    Attempt("reading another's environment", "import os; open(f'/proc/{os.getppid() or 2}/environ')", _FILTER),
    Attempt("raising its own limits", "import resource as r; r.setrlimit(r.RLIMIT_AS, (1 << 50, 1 << 50))", _FILTER),
    Attempt("taking all memory", "held = bytearray(1 << 40)", "set no overcommit that ignores limits"),
)
# These may end or stop their own process; what counts is that the grader and the next submission go on.
_TROUBLE = (
    ("a loop without end", "while True: pass"),
    ("ending the process", "import os; os._exit(0)"),
    ("killing everybody", "import os; os.kill(-1, 9)"),
    ("every descriptor closed", "import os; os.closerange(0, 256)"),
)


def examine_machine() -> Iterator[Finding]:
    """Look at the layers, then try the attempts; nothing is tried where grading would refuse."""
    layers = probe()
    yield from describe(layers)
    if layers.core:
        try:
            yield from try_attempts(layers)
        except (GraderError, TemplateLostError) as error:
            yield Finding("trying attacks", MISSING, str(error), "report this: the isolation cannot be used")


def describe(layers: Layers) -> Iterator[Finding]:
    """Say of each layer whether it is there, and of a missing one the mend."""
    yield Finding("system", OK, f"{platform.system()} {platform.release()}, Python {platform.python_version()}")
    mends = {words.split()[0]: words for words in layers.missing()}
    landlock = OK if layers.landlock >= 6 else WEAKER if layers.landlock else MISSING
    yield Finding("files (Landlock)", landlock, f"ABI {layers.landlock}", mends.get("Landlock", ""))
    state = OK if layers.seccomp else MISSING
    yield Finding("system calls, forks, network (seccomp)", state, "", mends.get("The", ""))
    state = OK if layers.namespaces else WEAKER
    yield Finding("namespaces, disk quota", state, "", mends.get("Namespaces", ""))
    if layers.namespaces:
        mend = (
            ""
            if layers.proc
            else "code that reads /proc fails: in a container, allow mounting it (nothing is less safe)"
        )
        yield Finding("a /proc of its own", OK if layers.proc else WEAKER, "", mend)
    if os.name == "posix" and os.geteuid() == 0:
        mend = (
            "" if layers.unused_identity else "let root change to user ids from 61184 on (a container may map too few)"
        )
        yield Finding("an unused user id", OK if layers.unused_identity else WEAKER, "", mend)
    for failure in layers.absent:
        yield Finding("tried and given up", WEAKER, failure)


def try_attempts(layers: Layers) -> Iterator[Finding]:
    """Run each attempt as a submission of its own; then see that an honest one works and that nothing is left."""
    if not layers.core:
        raise ValueError("some of the attempts would harm a machine that does not hold them")
    with scratch_folder() as place:
        os.chmod(place, 0o777)  # so that no file mode helps the layers
        secret, mark = Path(place) / "secret", Path(place) / "left"
        secret.write_text("secret")
        with Template(layers, Limits(memory=2 << 30)) as template:
            before = _state()
            for attempt in ATTEMPTS:
                source = f"SECRET, MARK = {str(secret)!r}, {str(mark)!r}\n{_raising(attempt.source)}"
                through = _through(template, source) or mark.exists()
                yield Finding(
                    attempt.name, MISSING if through else OK, "got through" if through else "held", attempt.mend
                )
                mark.unlink(missing_ok=True)
            for name, source in _TROUBLE:
                _through(template, source)
                state = OK if template.alive and _honest(template) else MISSING
                yield Finding(name, state, "the next submission was served" if state == OK else "the grader was lost")
            after = _state()
            state = OK if after == before else MISSING
            yield Finding("nothing left behind", state, f"processes {before[0]}, descriptors {before[1]}")


def _raising(source: str) -> str:
    lines = "\n".join(f"    {line}" for line in source.splitlines())
    return f"try:\n{lines}\nexcept Exception: pass\nelse: raise SystemError('got through')"


def _through(template: Template, source: str) -> bool:
    with template.session() as session:
        outcomes = list(session.run_cells([Source(1, source)], seconds=_SECONDS, total=_SECONDS))
    failure = outcomes[0].failure
    return failure is not None and "got through" in failure.message


def _honest(template: Template) -> bool:
    with template.session() as session:
        list(session.run_cells([Source(1, "def f(): return 7")], seconds=30, total=30))
        try:
            answers, _ = session.ask([Plan((), (Step("f"),))], seconds=30)
        except SubmissionDiedError:
            return False
    return answers[0].outcomes[0].values == (7,)


def _state() -> tuple[int, int]:
    return _below(os.getpid()), len(os.listdir("/proc/self/fd"))


def _below(pid: int) -> int:
    return sum(1 + _below(child) for child in children(pid))
