"""A check answers at once: every function of every assignment, at the reference's own speed."""

import time
import types

import pytest

from grader import Checker
from grader.folders import assignment_folders, load_assignment, topic
from grader.freeze import freeze

LIMIT = 0.2  # seconds, what still feels like an answer
ATTEMPTS = 3  # other programs run on the machine too


def in_one_notebook(functions):
    """Functions as a notebook holds them: each finds the others by name."""
    names = dict(functions)
    for name, function in functions.items():
        if isinstance(function, types.FunctionType):

            def call(*args, _function=function, **options):
                return _function(*args, **options)

            names[name] = types.FunctionType(call.__code__, names, name, None, call.__closure__)
            names[name].__kwdefaults__ = call.__kwdefaults__
    return names


@pytest.mark.slow
@pytest.mark.parametrize("folder", assignment_folders(), ids=lambda f: f.name)
def test_every_check_answers_within_a_fifth_of_a_second(folder, tmp_path):
    assignment = load_assignment(folder)
    (tmp_path / f"{topic(folder)}.checks").write_bytes(freeze(assignment))
    slow = {}
    for question in assignment.questions:
        names = in_one_notebook(question.functions)
        for name in question.functions:
            best = float("inf")
            for _ in range(ATTEMPTS):
                check = Checker(topic(folder), tmp_path)  # each time as after a restart, when nothing is thawed
                started = time.perf_counter()
                report = check(names[name])
                report._repr_html_()
                best = min(best, time.perf_counter() - started)
            assert report.result.status == "passed", repr(report)
            if best > LIMIT:
                slow[name] = f"{best:.3f} s"
    assert not slow
