"""Hostile submissions: none raises its mark, changes another's result or outlives its grading (shared THREATS list)."""

import os
from pathlib import Path

import pytest

from tests.grader.isolated import FULL, RIGHT, RIGHT_SCALE, WRONG_DOUBLE, points, run, start_template


@pytest.fixture(scope="module")
def template():
    with start_template() as started:
        yield started


@pytest.fixture(scope="module")
def honest(template):
    """What the wrong answer is worth without any trick."""
    return points(run(template, WRONG_DOUBLE, RIGHT_SCALE))


# Each trick is a cell that runs after a wrong `double` and a right `scale`.
TRICKS = {
    "sys.exit in a cell": "import sys\nsys.exit(0)",
    "os._exit in a cell": "import os\nos._exit(0)",
    "a crash in compiled code": "import ctypes\nctypes.string_at(0)",
    "numpy's comparisons patched": """
        np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
        np.linalg.norm = lambda *a, **k: 0.0
        np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
    """,
    "equal to everything": """
        class Same:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __len__(self): return 2
        double = lambda x: Same()
    """,
    "an array only when looked at": """
        class Sly:
            calls = 0
            def __array__(self, *a, **k):
                Sly.calls += 1
                return np.zeros(2) if Sly.calls == 1 else np.full(2, np.nan)
        double = lambda x: Sly()
    """,
    "ufuncs overridden": """
        class Sly(np.ndarray):
            def __array_ufunc__(self, *a, **k): return np.float64(0)
            def __array_function__(self, *a, **k): return True
        wrong = double
        double = lambda x: wrong(x).view(Sly)
    """,
    "nan": "double = lambda x: np.full_like(x, np.nan)",
    "infinity": "double = lambda x: np.full_like(x, np.inf)",
    "a scalar that broadcasts": "double = lambda x: 0.0",
    "an empty array": "double = lambda x: np.zeros((0,) + x.shape)",
    "a shape that broadcasts": "double = lambda x: 2 * x[None]",
    "a verdict printed": """
        wrong = double
        def double(x):
            print('{"points": 100, "passed": true, "status": "passed"}', flush=True)
            return wrong(x)
    """,
    "results files written": """
        import os
        for name in ("results.json", "result.json", "ada.json", "/tmp/results.json", "../results.json"):
            try: open(name, "w").write('{"points": 100}')
            except OSError: pass
    """,
    "the grader's modules overwritten": """
        import sys, glob, site
        for folder in [*sys.path, *site.getsitepackages()]:
            for path in glob.glob(folder + "/grader/*.py") + glob.glob(folder + "/numpy/testing/*.py"):
                open(path, "w").write("raise SystemExit")
    """,
    "persistence in site-packages": """
        import site
        for folder in site.getsitepackages():
            open(folder + "/sitecustomize.py", "w").write("print('here')")
    """,
    "the worker's own functions replaced": """
        import gc, types
        for f in [o for o in gc.get_objects() if isinstance(o, types.FunctionType)]:
            if f.__name__ in ("run_plan", "_answer_tree", "output_tree", "encode", "relative_error", "compare"):
                f.__code__ = (lambda *a, **k: {"outcomes": [], "echo": [], "passed": True, "points": 100}).__code__
    """,
    "frames forged on every open descriptor": """
        import os, struct, json
        head = json.dumps({"tree": {"dict": [["points", 100], ["passed", True]]}, "arrays": []}).encode()
        frame = struct.pack(">IQ", len(head), 0) + head
        wrong = double
        def double(x):
            for fd in range(3, 64):
                try: os.write(fd, frame)
                except OSError: pass
            return wrong(x)
    """,
    "a huge frame announced": """
        import os, struct
        wrong = double
        def double(x):
            for fd in range(3, 64):
                try: os.write(fd, struct.pack(">IQ", 2**32 - 1, 2**62))
                except OSError: pass
            return wrong(x)
    """,
    "every descriptor closed": """
        import os
        wrong = double
        def double(x):
            os.closerange(0, 256)
            return wrong(x)
    """,
    "the parent killed": "import os, signal\nfor p in (os.getppid(), -1, 1):\n    os.kill(p, signal.SIGKILL)",
    "right on the first call only": """
        calls = []
        def double(x):
            calls.append(1)
            return 2 * x if len(calls) == 1 else x * x
    """,
    "a value that explodes when copied": "double = lambda x: np.broadcast_to(np.float64(1), (1 << 20, 1 << 20))",
    "a crashing buffer": """
        class Sly:
            __array_interface__ = {"shape": (1 << 30,), "typestr": "<f8", "data": (8, False), "version": 3}
        double = lambda x: Sly()
    """,
    "a list without end": """
        class Endless(list):
            def __iter__(self):
                while True: yield 0.0
            def __len__(self): return 3
        double = lambda x: Endless([1.0, 2.0, 3.0])
    """,
    "deep nesting": """
        deep = []
        for _ in range(100_000): deep = [deep]
        wrong = double
        double = lambda x: deep
    """,
    "memory": "def double(x):\n    return [bytearray(1 << 26) for _ in range(4096)]",
    "recursion": "def double(x):\n    return double(x)",
    "a loop without end": "def double(x):\n    while True: pass",
    "an interrupt swallowed": """
        def double(x):
            while True:
                try:
                    while True: pass
                except BaseException: pass
    """,
    "blocked in compiled code": """
        import threading
        def double(x):
            threading.Semaphore(0).acquire()
    """,
    "processes": "import os\nwhile True:\n    os.fork()",
    "processes in a function": """
        import os
        def double(x):
            while True:
                try: os.fork()
                except OSError: pass
    """,
    "threads": """
        import threading
        def double(x):
            while True:
                threading.Thread(target=threading.Event().wait).start()
    """,
    "a daemon": """
        import os
        def double(x):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    while True: pass
            return 2 * x
    """,
    "a full disk": "with open('big', 'wb') as f:\n    while True: f.write(bytes(1 << 24))",
    "a flood of output": "while True: print('x' * 1_000_000)",
    "a connection": "import socket\nsocket.create_connection(('127.0.0.1', 22), timeout=1)",
    "a listening socket": "import socket\nsocket.create_server(('127.0.0.1', 0))",
    "another program": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'echo hi'])",
    "time and signals patched": """
        import time, signal
        time.monotonic = time.time = time.perf_counter = lambda: 0.0
        signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.alarm(0)
    """,
    "object and masked arrays": "double = lambda x: np.ma.masked_array(2 * x, mask=True)",
    "another question's worker from a hook": """
        import os
        wrong = double
        os.register_at_fork(after_in_child=lambda: globals().update(double=lambda x: x * 0))
    """,
}


@pytest.mark.parametrize("trick", TRICKS, ids=str)
def test_a_trick_does_not_raise_the_mark(template, honest, trick):
    result = run(template, WRONG_DOUBLE, RIGHT_SCALE, TRICKS[trick], cell_seconds=1.0)
    earned = points(result)
    assert earned["double"] <= honest["double"]
    assert earned["scale"] <= honest["scale"]
    neighbour = run(template, *RIGHT)
    assert neighbour.points == FULL, neighbour
    assert template.alive


# What happens within one question must leave the other question's marks alone.
CONFINED = [name for name, source in TRICKS.items() if "double" in source and "os.register" not in source]


@pytest.mark.parametrize("trick", CONFINED, ids=str)
def test_a_trick_in_one_function_leaves_the_other_question_its_marks(template, honest, trick):
    result = run(template, WRONG_DOUBLE, RIGHT_SCALE, TRICKS[trick])
    assert points(result)["scale"] == honest["scale"]


@pytest.mark.parametrize(
    "trick", ["sys.exit in a cell", "os._exit in a cell", "processes", "a full disk", "a flood of output"]
)
def test_a_trick_in_a_cell_is_named_with_its_cell_and_costs_no_right_answer(template, trick):
    result = run(template, *RIGHT, TRICKS[trick], cell_seconds=1.0)
    assert result.points == FULL
    assert any(n.startswith("cell 3") for n in result.notes) or trick == "sys.exit in a cell"


def test_an_attempt_to_start_processes_is_noted(template):
    result = run(template, *RIGHT, "import os\nos.fork()")
    assert any("tried to start processes" in n for n in result.notes)


def test_nothing_is_left_on_disk_by_a_submission(template):
    watched = [Path(p) for p in ("/tmp", "/dev/shm", "/var/tmp") if os.path.isdir(p)]
    before = {p: set(os.listdir(p)) for p in watched}
    run(
        template,
        *RIGHT,
        """
        import os
        for folder in ("/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
            try: open(folder + "/left-by-a-submission", "w").write("x")
            except OSError: pass
        from multiprocessing import shared_memory
        shared_memory.SharedMemory(name="left-by-a-submission", create=True, size=16)
        """,
    )
    for place, names in before.items():
        assert "left-by-a-submission" not in set(os.listdir(place)) - names
