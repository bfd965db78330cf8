"""The assignment on convolution, its submissions in many styles, beside what all assignments share."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest

from grader.folders import load_assignment
from grader.prepare import prepare

FOLDER = Path(__file__).parents[2] / "assignments" / "04-convolution"
# Right answers: the tests' own, and those that the demo hands in.
STYLES = {
    p.stem: p
    for place in (Path(__file__).parent / "styles_04_convolution", FOLDER / "examples")
    for p in place.glob("*.py")
}
ASSIGNMENT = load_assignment(FOLDER)
QUESTIONS = {q.name: q for q in ASSIGNMENT.questions}
FUNCTIONS = [name for q in ASSIGNMENT.questions for name in q.functions]

STYLE_NAMES = [pytest.param(name, marks=pytest.mark.oracle if "torch" in name else ()) for name in sorted(STYLES)]


@cache
def prepared(name, seed):
    return prepare(QUESTIONS[name], seed)


@cache
def style(name):
    """The functions of one submission."""
    if "torch" in name:
        pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location(f"style_{name}", STYLES[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)
