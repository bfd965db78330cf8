"""A reference is graded as a student is; one that is not right by its own rules is seen."""

import numpy as np
import pytest

from grader.errors import GraderError
from grader.questions import Assignment, Question
from grader.reference import reference_runs
from tests.grader.examples import AFFINE, BOUNDS, DOUBLE, LOSS, RELU, WINDOWS


def test_every_reference_earns_full_marks_for_every_seed():
    assignment = Assignment("01-tiny", "Tiny", (DOUBLE, AFFINE, RELU, LOSS, BOUNDS, WINDOWS))
    runs = list(reference_runs(assignment, range(10)))
    assert len(runs) == 60
    assert {(r.question, r.seed) for r in runs} == {(q.name, s) for q in assignment.questions for s in range(10)}
    assert all(r.result.points == r.result.max_points for r in runs)


def changed(**functions):
    name = next(iter(functions))
    question = next(q for q in (DOUBLE, AFFINE, RELU) if name in q.functions)
    wrong = Question(
        question.name,
        {**question.functions, **functions},
        question.visible,
        question.hidden,
        question.criteria,
    )
    return next(reference_runs(Assignment("01-tiny", "Tiny", (wrong,)), [0])).result


def test_a_reference_that_changes_its_inputs_is_seen():
    def in_place(x):
        x *= 2
        return x

    assert [c.name for c in changed(double=in_place).criteria if not c.passed] == ["purity"]
    assert DOUBLE.visible[0].inputs[0].tolist() == [1.0, -3.0, 2.5]


def test_a_reference_with_a_wrong_gradient_is_seen():
    result = changed(relu_backward=lambda dout, cache: dout * (cache > 0) * 1.01)
    assert [c.name for c in result.criteria if not c.passed] == ["consistency"]


def test_a_reference_that_loops_is_seen():
    def relu_forward(x):
        out = x.copy()
        for index in np.ndindex(x.shape):
            out[index] = max(x[index], 0.0)
        return out, x

    assert [c.name for c in changed(relu_forward=relu_forward).criteria if not c.passed] == ["vectorised"]


@pytest.mark.parametrize("backend", ["tpu", ""])
def test_an_unknown_backend_is_refused(backend):
    with pytest.raises(GraderError, match="use one of numpy, cupy"):
        next(reference_runs(Assignment("x", "x", (DOUBLE,)), [0], backend=backend))


def test_a_backend_that_is_not_here_is_said_in_one_line():
    pytest.importorskip("numpy")
    try:
        import cupy

        if cupy.cuda.runtime.getDeviceCount():
            pytest.skip("there is a device here")
    except Exception:
        pass
    with pytest.raises(GraderError, match="the backend cupy is not usable here") as caught:
        next(reference_runs(Assignment("x", "x", (DOUBLE,)), [0], backend="cupy"))
    assert "\n" not in str(caught.value)
