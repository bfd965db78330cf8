"""Is every known mistake seen for what it is? The matrix says which are not, and as what they were taken."""

import dataclasses

from typer.testing import CliRunner

from grader.cli import app
from grader.confusion import confusion
from grader.questions import Assignment, Misconception
from tests.grader.examples import AFFINE, DOUBLE


def _with(*mistakes):
    return Assignment("01-tiny", "Tiny", (dataclasses.replace(DOUBLE, misconceptions=mistakes),))


def _mistake(name, function):
    return Misconception(name, {"double": function}, hint="What is twice three?")


def test_every_mistake_is_put_through_every_seed_and_named_alone():
    seen = list(confusion(Assignment("01-tiny", "Tiny", (DOUBLE, AFFINE)), [None, 3, 4]))
    names = [(q.name, m.name) for q in (DOUBLE, AFFINE) for m in q.misconceptions]
    assert {(s.question, s.misconception, s.seed) for s in seen} == {(*n, seed) for n in names for seed in (None, 3, 4)}
    assert all(s.alone for s in seen if s.seed is not None)


def test_two_mistakes_that_answer_alike_are_seen():
    twice = _with(_mistake("triples", lambda x: 3 * x), _mistake("adds-twice", lambda x: x + 2 * x))
    assert {s.words for s in confusion(twice, [5])} == {"not named"}


def test_a_mistake_that_costs_nothing_is_seen():
    (seen,) = confusion(_with(_mistake("adds-itself", lambda x: x + x)), [5])
    assert not seen.costs
    assert seen.words == "loses no point, not named"


def test_the_command_says_how_many_mistakes_are_named_alone():
    result = CliRunner().invoke(app, ["confusion", "02-losses", "--seeds", "1"])
    assert result.exit_code == 0
    assert "mse_loss" in result.stdout
    shown = CliRunner().invoke(app, ["confusion", "02-losses", "--visible"])
    assert shown.exit_code == 0
    assert "the visible checks alone name" in shown.stdout
