"""Neither worker nor template ever holds a reference, an expected value, a point, or anything of the examiner's."""

import os
import re
import secrets
import struct
import textwrap

import numpy as np
import pytest

from grader.examine import Times
from grader.grading import Grading, Options
from grader.plans import Foreign, Plan, Step, Value
from grader.sandbox import probe
from grader.session import Source
from tests.grader.course import NOTEBOOK, make_course

MARK = "STENCIL-SECRET-"
POINTS_MARK = "PTS-"

# What is searched for is spelt as patterns: the search must not find itself.
SEARCH = r"""
import gc, glob, inspect, os, re, sys
import numpy as np

PATTERN = re.compile(rb"STENCIL-SECRET-[0-9a-f]{32}|PTS-[0-9a-f]{4}")
LIMIT = 4 << 20

def objects():
    for thing in gc.get_objects():
        try:
            if isinstance(thing, dict):
                for k, v in list(thing.items()):
                    for x in (k, v):
                        if isinstance(x, str): yield x.encode("utf-8", "ignore")
                        elif isinstance(x, (bytes, bytearray)): yield bytes(x)
                        elif isinstance(x, np.ndarray): yield x.tobytes()
                        elif isinstance(x, float): yield np.float64(x).tobytes()
            elif isinstance(thing, (list, tuple)):
                for x in thing:
                    if isinstance(x, str): yield x.encode("utf-8", "ignore")
                    elif isinstance(x, (bytes, bytearray)): yield bytes(x)
                    elif isinstance(x, np.ndarray): yield x.tobytes()
        except Exception:
            pass

def frames():
    frame = inspect.currentframe()
    while frame:
        yield repr(list(frame.f_locals.items())).encode("utf-8", "ignore")
        frame = frame.f_back

def modules():
    for name, module in list(sys.modules.items()):
        yield (name + repr(getattr(module, "__dict__", {}).keys())).encode("utf-8", "ignore")

def environment():
    yield repr(dict(os.environ)).encode()
    yield repr(sys.argv).encode()

def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(LIMIT)
    except OSError:
        return b""

def proc():
    for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline") + glob.glob("/proc/*/cwd/*"):
        yield read(path)

def memory():
    try:
        maps = open("/proc/self/maps").read().splitlines()
        mem = open("/proc/self/mem", "rb", 0)
    except OSError:
        return
    for line in maps:
        span, access = line.split()[:2]
        start, end = (int(x, 16) for x in span.split("-"))
        if "r" not in access or "[v" in line: continue
        for at in range(start, end, LIMIT):
            try:
                mem.seek(max(at - 64, start))
                yield mem.read(min(LIMIT + 64, end - at + 64))
            except (OSError, ValueError, OverflowError):
                break

def descriptors():
    for fd in range(64):
        try:
            yield os.pread(fd, LIMIT, 0)
            yield os.readlink(f"/proc/self/fd/{fd}").encode()
        except OSError:
            pass

def files():
    for start in ("/", "/tmp", "/work", "/root", "/home", "/var/tmp", "/dev/shm", "/etc", os.getcwd(), ".."):
        for folder, names, found in os.walk(start):
            names[:] = [n for n in names if n not in ("site-packages", "proc", "sys", "lib", "lib64")]
            for name in found:
                path = os.path.join(folder, name)
                if os.path.isfile(path): yield read(path)

def search(*planted):
    found = set()
    for where in (objects, frames, modules, environment, proc, memory, descriptors, files):
        for data in where():
            for match in PATTERN.findall(data):
                found.add(f"{where.__name__}: {match.decode()}")
    return np.frombuffer("\n".join(sorted(found)).encode() + b".", dtype=np.uint8)
"""

QUESTIONS = """
import numpy as np

from grader.questions import Assignment, Case, Misconception, Question, value
from solutions.arithmetic import EXPECTED, add, scale

HINT = {hint!r}
POINTS = np.frombuffer({points!r}, dtype=np.float64).item()

ASSIGNMENT = Assignment(
    name="01-arithmetic",
    title={hint!r},
    questions=(
        Question(
            name="add",
            functions={{"add": add}},
            visible=(Case("two numbers", (np.array([1.0]), np.array([3.0]))),),
            hidden=lambda rng: [Case({hint!r}, (rng.normal(size=5), rng.normal(size=5)))],
            criteria=(value(POINTS, {hint!r}),),
            misconceptions=(Misconception({hint!r}, {{"add": lambda x, y: x}}, hint=HINT),),
        ),
        Question("scale", {{"scale": scale}}, (Case("one", (np.ones(1), 2.0)),), lambda rng: [], (value(1),)),
    ),
)
"""

SOLUTIONS = '''
import numpy as np

EXPECTED = np.frombuffer({secret!r}, dtype=np.uint8)


def add(x, y):
    """Add."""
    return EXPECTED


def scale(x, factor):
    """Scale."""
    return factor * x
'''


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """An assignment of which every secret is marked, graded once; the marks also lie about the examiner."""
    if not probe().core:
        pytest.skip("this machine cannot isolate student code")
    secret = (MARK + secrets.token_hex(16)).encode()
    points = (POINTS_MARK + secrets.token_hex(2)).encode()
    hint = MARK + secrets.token_hex(16)
    monkeypatch.setenv("STENCIL_SECRET", hint)
    (tmp_path / "secret.txt").write_text(hint)
    folder = make_course(
        tmp_path,
        questions=QUESTIONS.format(hint=hint, points=points),
        solutions=SOLUTIONS.format(secret=secret),
        notebook=NOTEBOOK,
    )
    monkeypatch.chdir(tmp_path)
    with Grading(folder, Options(seed=1, times=Times())) as grading:
        submission = tmp_path / "arithmetic.py"
        submission.write_text("def add(x, y):\n    return x + y\n")
        result = grading.grade(submission)
        assert result.max_points == struct.unpack("<d", points)[0] + 1
        yield grading


def _report(grading, *arguments):
    template = grading._ready_template()
    with template.session() as session:
        cells = [Source(1, textwrap.dedent(SEARCH))]
        outcomes = list(session.run_cells(cells, seconds=60, total=60))
        assert outcomes[0].failure is None, outcomes
        plan = Plan(tuple(arguments), (Step("search", tuple(Value(i) for i in range(len(arguments)))),))
        (answer,), _ = session.ask([plan], seconds=120)
    outcome = answer.outcomes[0]
    assert outcome.failure is None, outcome.failure
    value = outcome.values[0]
    array = value.array if isinstance(value, Foreign) else value
    return array.tobytes().decode().rstrip(".")


def test_no_secret_of_the_examiner_is_in_reach_of_a_submission(planted):
    assert _report(planted) == ""


def test_the_search_would_find_a_secret_that_is_in_reach(planted):
    """The control: the same search, with a secret handed to it."""
    found = _report(planted, np.frombuffer((MARK + "0" * 32).encode(), dtype=np.uint8).copy())
    assert re.search(r"(objects|memory|frames): STENCIL-SECRET-0{32}", found)


def test_the_modules_of_grading_are_not_in_the_worker(planted):
    source = """
    import sys
    import numpy as np
    def names():
        names = [n for n in sys.modules if n.split(".")[0] in ("grader", "solutions", "assignments")]
        try:
            import grader.judge
            names.append("imported")
        except ImportError:
            pass
        return np.array([len(names)] + [n == "grader" for n in names])
    """
    with planted._ready_template().session() as session:
        list(session.run_cells([Source(1, textwrap.dedent(source))], seconds=60, total=60))
        (answer,), _ = session.ask([Plan((), (Step("names"),))], seconds=60)
    assert answer.outcomes[0].values[0].tolist() == [1, 1]


def test_the_environment_of_a_submission_names_nothing_of_ours(planted):
    source = (
        "import os, numpy as np\ndef dump():\n    return np.frombuffer(repr(dict(os.environ)).encode(), dtype=np.uint8)"
    )
    with planted._ready_template().session() as session:
        list(session.run_cells([Source(1, source)], seconds=60, total=60))
        (answer,), _ = session.ask([Plan((), (Step("dump"),))], seconds=60)
    text = answer.outcomes[0].values[0].tobytes().decode()
    assert os.getcwd() not in text
    assert "STENCIL" not in text
