"""What tests of running submissions share: two small questions, a template of this machine, submissions from text."""

import textwrap

import numpy as np
import pytest

from grader.examine import Times, examine
from grader.prepare import prepare
from grader.questions import Case, Misconception, Question, consistency, gradient, purity, shape, value
from grader.read import Cell, Submission
from grader.results import Result
from grader.sandbox import Limits, probe
from grader.session import Template

SEED = 20_261_120
SECONDS = 2.0


def _double(x):
    return 2 * x


def _scale_forward(x, factor):
    return factor * x, (x, factor)


def _scale_backward(dout, cache):
    x, factor = cache
    return factor * dout, np.sum(dout * x)


DOUBLE = Question(
    name="double",
    functions={"double": _double},
    visible=(Case("two numbers", (np.array([1.0, 3.0]),)),),
    hidden=lambda rng: [Case("a matrix", (rng.normal(size=(4, 3)),)), Case("a vector", (rng.normal(size=6),))],
    criteria=(value(4), shape(1), purity(1)),
    misconceptions=(Misconception("squares", {"double": lambda x: x**2}, hint="What is twice three?"),),
    seconds=SECONDS,
)
SCALE = Question(
    name="scale",
    functions={"scale_forward": _scale_forward, "scale_backward": _scale_backward},
    visible=(Case("two numbers", (np.array([1.0, 3.0]), np.array(2.0))),),
    hidden=lambda rng: [Case("a matrix", (rng.normal(size=(4, 3)), rng.normal(size=())))],
    criteria=(value(2), gradient(2), consistency(1)),
    seconds=SECONDS,
)
QUESTIONS = tuple(prepare(q, SEED) for q in (DOUBLE, SCALE))
FULL = sum(q.max_points for q in QUESTIONS)

RIGHT_DOUBLE = """
import numpy as np

def double(x):
    return x + x
"""
WRONG_DOUBLE = """
import numpy as np

def double(x):
    return x * x
"""
RIGHT_SCALE = """
import numpy as np

def scale_forward(x, factor):
    return x * factor, [x, factor]

def scale_backward(dout, cache):
    return dout * cache[1], (dout * cache[0]).sum()
"""
RIGHT = (RIGHT_DOUBLE, RIGHT_SCALE)


def start_template() -> Template:
    layers = probe()
    if not layers.core:
        pytest.skip("this machine cannot isolate student code: " + " ".join(layers.missing()))
    return Template(layers, Limits(memory=2 << 30))


def submission(*sources: str, student: str = "ada") -> Submission:
    cells = tuple(Cell(i, f"cell-{i}", textwrap.dedent(source).strip()) for i, source in enumerate(sources, 1))
    return Submission(student, cells, (), "0" * 64)


def run(template: Template, *sources: str, cell_seconds: float = SECONDS) -> Result:
    times = Times(cell=cell_seconds, cells=20.0)
    return examine(submission(*sources), "tiny", QUESTIONS, template, seed=SEED, times=times)


def points(result: Result) -> dict[str, float]:
    return {q.name: q.points for q in result.questions}
