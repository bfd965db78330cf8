"""Two runs with one seed say the same of everybody: on one worker or two, in whatever order the class comes."""

import random

import pytest

from grader.build import write_build
from tests.grader.course import ANSWERS, make_course
from tests.grader.test_autograde import comparable, hand_in, run

ADD = "return helper(x) + y"


def _add(body):
    return ANSWERS.replace(ADD, body)


CLASS = {
    "right": ANSWERS,
    "right, lists": _add("return [a + b for a, b in zip(x.tolist(), y.tolist())]"),
    "right, single precision": _add("return (helper(x) + y).astype(np.float32)"),
    "another sign": _add("return helper(x) - y"),
    "twice": _add("return helper(x) + 2 * y"),
    "half a shape": _add("return (helper(x) + y)[:1]"),
    "no number": _add("return helper(x) / 0 * 0"),
    "nothing": _add("pass"),
    "raises": _add("raise ValueError(x.sum())"),
    "no Python": "def add(x, y:\n",
    "no functions": "x = 1\n",
    "changes its input": _add("x += y; return x"),
    "keeps state": _add("helper.calls = getattr(helper, 'calls', 0) + 1; return x + y + helper.calls"),
    "draws numbers": _add("return helper(x) + y + np.random.normal(size=np.shape(x))"),
    "draws numbers at random": _add("import random; return helper(x) + y + random.random()"),
    "depends on the order of a set": _add("return helper(x) + y + [*{'a', 'b', 'c', 'd', 'e', 'f'}].index('a')"),
    "ends the process": ANSWERS + "\nimport os\nos._exit(0)\n",
    "ends it in a call": _add("import os; os._exit(0)"),
    "crashes": _add("import ctypes; ctypes.string_at(0)"),
    "never ends": _add("\n    while True: pass"),
    "takes all memory": _add("return [bytearray(1 << 26) for _ in range(4096)]"),
    "forks": _add("import os; os.fork(); return helper(x) - y"),
    "equal to everything": _add("class A(np.ndarray):\n        __eq__ = lambda *_: True\n    return (x - y).view(A)"),
    "patches NumPy": ANSWERS.replace(ADD, "return x - y") + "\nnp.allclose = np.array_equal = lambda *a, **k: True\n",
    "floods": _add("print('x' * (1 << 20)); return helper(x) + y"),
    "opens everything": _add("import os; [open(os.devnull) for _ in range(9999)]; return x + y"),
    "kills everybody": _add("import os; os.kill(-1, 9); return x + y"),
}


def _graded(place, order, jobs):
    """Grade the class, each under a name that comes at another place; return what each submission got."""
    names = {f"s{n:02}": what for n, what in enumerate(order)}
    write_build(make_course(place))
    hand_in(place, **{name: CLASS[what] for name, what in names.items()})
    run(
        place,
        "autograde",
        "arithmetic",
        "--seed",
        "11",
        "--jobs",
        str(jobs),
        "--time-factor",
        "0.2",
        "--memory",
        "1024",
    )
    found = comparable(place / "results" / "01-arithmetic")
    assert len(found) == len(CLASS)
    return {names[file.removesuffix(".json")]: {**data, "student": ""} for file, data in found.items()}


@pytest.mark.slow
def test_a_mixed_class_gets_the_same_results_on_one_worker_or_two_and_in_any_order(tmp_path):
    order = list(CLASS)
    shuffled = random.Random(3).sample(order, len(order))
    first = _graded(tmp_path / "one", order, jobs=1)
    assert len({data["points"] for data in first.values()}) > 3
    others = {
        "two workers": _graded(tmp_path / "two", order, jobs=2),
        "reversed": _graded(tmp_path / "reversed", order[::-1], jobs=1),
        "shuffled, two workers": _graded(tmp_path / "shuffled", shuffled, jobs=2),
    }
    for how, other in others.items():
        assert {what: other[what] for what in order if other[what] != first[what]} == {}, how
