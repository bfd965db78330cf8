"""What the tests of every assignment share: its questions prepared, its submissions in many styles, a way to grade.

`Course("01-activations")` finds the folder and the styles that belong to it; the `assert_` methods say what is fair.
"""

import importlib.util
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grader.execute import fresh, run_plan
from grader.folders import load_assignment
from grader.judge import judge
from grader.prepare import prepare

# Twenty seeds that no notebook's author has tuned anything for.
SEEDS = range(1000, 1020)


def lost(result):
    return {c.name for c in result.criteria if not c.passed}


def grade(question, functions):
    """Grade a namespace of functions as the worker would run it, without a sandbox."""
    with np.errstate(all="ignore"):
        answers = [run_plan(fresh(trial.plan), functions) for trial in question.trials]
    return judge(question, answers)


def constant(function):
    """One number everywhere, in the right shape; what is no number stays right."""

    def answer(*args, **options):
        right = function(*args, **options)
        if isinstance(right, tuple):
            return (_flat(right[0]), *(p if isinstance(p, tuple) else _flat(p) for p in right[1:]))
        return _flat(right)

    return answer


def _flat(part):
    return np.full_like(part, 0.5) if isinstance(part, np.ndarray | np.floating) else part


def run_cells(notebook, folder, monkeypatch):
    """Run every code cell, ours included, as a student does; return what the checks said."""
    monkeypatch.chdir(folder)
    plt.switch_backend("Agg")
    monkeypatch.setattr(plt, "show", lambda: None)
    namespace, said = {"__name__": "__main__"}, []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            *body, last = cell.source.split("\n")
            if last.startswith("check("):
                exec("\n".join(body), namespace)
                said.append(eval(last, namespace))
            else:
                exec(compile(cell.source, cell.id, "exec"), namespace)
    plt.close("all")
    return said


class Course:
    """One assignment with the submissions that its grading is tested with."""

    def __init__(self, name):
        here = Path(__file__).parent
        self.folder = here.parents[1] / "assignments" / name
        self.styles = here / f"styles_{name.replace('-', '_')}"
        self.assignment = load_assignment(self.folder)
        self.questions = {q.name: q for q in self.assignment.questions}
        self.functions = [f for q in self.assignment.questions for f in q.functions]
        self.mistakes = [(q, m.name) for q, question in self.questions.items() for m in question.misconceptions]
        self.style_names = [
            pytest.param(path.stem, marks=pytest.mark.oracle if "torch" in path.stem else ())
            for path in sorted(self.styles.glob("*.py"))
        ]
        self.prepared = cache(lambda question, seed: prepare(self.questions[question], seed))

    def style(self, name):
        """The functions of one submission."""
        if "torch" in name:
            pytest.importorskip("torch")
        spec = importlib.util.spec_from_file_location(f"{self.styles.name}_{name}", self.styles / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return vars(module)

    def mistaken(self, question, *names):
        """The reference's functions with those of some misconceptions in their place."""
        known = {m.name: m for m in self.questions[question].misconceptions}
        functions = dict(self.questions[question].functions)
        for name in names:
            functions.update(known[name].functions)
        return functions

    def grade(self, question, seed, functions):
        return grade(self.prepared(question, seed), functions)

    def assert_full_marks(self, question, seed, functions):
        result = self.grade(question, seed, functions)
        assert (result.points, lost(result), result.diagnosis) == (self.questions[question].points, set(), ())

    def assert_named(self, question, seed, mistake):
        result = self.grade(question, seed, self.mistaken(question, mistake))
        assert result.points < self.questions[question].points
        assert [d.name for d in result.diagnosis] == [mistake]
