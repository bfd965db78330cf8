"""Whatever a student hands in is graded, by the whole of the grader: nothing written, and nonsense of every form."""

import random

import nbformat
import pytest

from grader.build import build
from grader.folders import assignment_folders, load_assignment
from grader.grading import Grading, Options

FOLDERS = {folder.name: folder for folder in assignment_folders()}
SEEDS = range(8)

pytestmark = pytest.mark.slow

# Runs in the notebook: a value of some form, often one that has to do with the arguments.
ANYTHING = """
import numpy as np

def _anything(seed, args, depth=0):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(0, 4, size=int(rng.integers(0, 5))))
    arrays = [a for a in args if isinstance(a, np.ndarray)] or [np.ones(shape)]
    given = arrays[int(rng.integers(len(arrays)))]
    forms = [
        lambda: None,
        lambda: float(rng.normal()),
        lambda: int(rng.integers(-5, 50)),
        lambda: 10**400,
        lambda: "text",
        lambda: object(),
        lambda: np.float64(np.inf),
        lambda: [float("inf"), -1.0],
        lambda: [[1, 2], [3]],
        lambda: {"kind": "conv2d", "sizes": [1, 2]},
        lambda: rng.normal(size=shape),
        lambda: np.full(shape, np.nan),
        lambda: rng.random(shape) < 0.5,
        lambda: np.array(["a", "b"]),
        lambda: np.array([1 + 2j]),
        lambda: np.array([None, 3], dtype=object),
        lambda: given,
        lambda: -given.ravel(),
        lambda: given[None],
        lambda: given.astype(np.int32) if given.dtype.kind == "f" and np.isfinite(given).all() else given,
        lambda: 1 / 0,
        lambda: {}["key"],
    ]
    several = 3 if depth < 2 else 0
    form = int(rng.integers(len(forms) + several))
    if form < len(forms):
        return forms[form]()
    return tuple(_anything(seed * 7 + i + 1, args, depth + 1) for i in range(int(rng.integers(0, 5))))
"""


@pytest.fixture(scope="module", params=FOLDERS)
def graded(request, tmp_path_factory):
    """What grades the source of one more cell at the end of an assignment's unwritten notebook."""
    folder, path = FOLDERS[request.param], tmp_path_factory.mktemp("any") / "notebook.ipynb"
    names = [n for q in load_assignment(folder).questions for n in q.functions if n.isidentifier()]
    unwritten = build(folder)
    with Grading(folder, Options(seed=1)) as grading:

        def grade(source):
            notebook = nbformat.from_dict(unwritten)
            notebook.cells = [*unwritten.cells, nbformat.v4.new_code_cell(source)]
            nbformat.write(notebook, path)
            return grading.grade(path, student="somebody")

        yield grade, names


def test_a_notebook_in_which_nothing_is_written_has_no_point_and_a_reason_for_each(graded):
    grade, _ = graded
    result = grade("")
    assert result.points == 0
    assert all(c.message for q in result.questions for c in q.criteria)


def test_one_answer_for_everything_has_no_point(graded):
    grade, names = graded
    for value in ("None", "'x'", "object()", "[]", "(1, 2)", "[[[{'a': [None]}]]]", "0", "1.5"):
        result = grade("".join(f"def {name}(*args, **kwargs):\n    return {value}\n" for name in names))
        earned = {q.name: q.points for q in result.questions if q.points}
        assert earned == {}, value


@pytest.mark.parametrize("seed", SEEDS)
def test_answers_of_any_form_are_graded(graded, seed):
    grade, names = graded
    some = random.Random(seed)
    stubs = []
    for name in names:
        start, step = some.randrange(1 << 30), some.choice((0, 1))  # the same each time, or another
        call = f"_anything(next(_count_{name}), args)" if some.random() < 0.9 else "NotImplemented.missing"
        stubs.append(
            f"_count_{name} = itertools.count({start}, {step})\ndef {name}(*args, **kwargs):\n    return {call}"
        )
    result = grade("\n".join([ANYTHING, "import itertools", *stubs]))
    assert result.points <= result.max_points / 2
    lost = [c for q in result.questions for c in q.criteria if not c.passed]
    assert all(c.message for c in lost)


def test_the_forms_are_many():
    """So that what the tests above try is not one form again and again."""
    space = {}
    exec(ANYTHING, space)
    kinds = set()
    for seed in range(300):
        try:
            kinds.add(type(space["_anything"](seed, ())).__name__)
        except (ZeroDivisionError, KeyError) as error:
            kinds.add(type(error).__name__)
    assert kinds > {"NoneType", "ndarray", "tuple", "list", "dict", "object", "ZeroDivisionError", "KeyError"}
