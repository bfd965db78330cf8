"""Hostile submissions: none raises its mark, changes another's result or outlives its grading."""

import os
import random

import pytest

from grader.sandbox import probe
from tests.attacks.runner import ATTACKS, CONFIGURATIONS, HELD, REFUSED, Machine, attempt, run

pytestmark = pytest.mark.skipif(not probe().core, reason="; ".join(probe().missing()))

# A quarter of those that end at once; those that wait for a limit are slow. `python -m tests.attacks` tries all.
_SLOW = ("escaping limits", "harming the grader")
QUICK = [n for i, (n, a) in enumerate(ATTACKS.items()) if a.row not in _SLOW and i % 4 == 0]
QUICK += ["limits lowered to nothing", "an alarm that ends the process later", "every descriptor taken", "a daemon"]


@pytest.fixture(scope="module")
def machine():
    started = Machine(probe())
    yield started
    started.close()


@pytest.mark.parametrize("name", QUICK)
def test_an_attack_gains_nothing_spoils_nothing_and_leaves_nothing(machine, name):
    assert attempt(machine, ATTACKS[name]) == []


def test_there_are_a_hundred_attacks_and_every_kind_of_threat_has_some():
    assert len(ATTACKS) >= 100
    assert len({a.row for a in ATTACKS.values()}) == 10


def _outcomes(configuration, names):
    if CONFIGURATIONS[configuration].get("user") and (os.getuid() != 0 or not probe().namespaces):
        pytest.skip("only root can become an ordinary user with the interpreter laid open")
    return {name: (outcome, reasons) for name, outcome, reasons in run(configuration, names)}


@pytest.mark.parametrize("configuration", ["no Landlock", "no filter"])
def test_without_the_core_nothing_is_run(configuration):
    outcomes = _outcomes(configuration, list(ATTACKS))
    assert {outcome for outcome, _ in outcomes.values()} == {REFUSED}


@pytest.mark.slow
def test_every_attack_is_held_by_all_layers():
    outcomes = _outcomes("all layers", list(ATTACKS))
    assert len(outcomes) == len(ATTACKS)
    assert {n: o for n, o in outcomes.items() if o[0] != HELD} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "configuration", ["no namespaces", "ordinary user", "ordinary user, no namespaces", "no /proc"]
)
def test_fewer_layers_hold_a_sample_of_attacks(configuration):
    names = random.Random(configuration).sample(list(ATTACKS), 30)
    outcomes = _outcomes(configuration, names)
    assert len(outcomes) == len(names)
    assert {n: o for n, o in outcomes.items() if o[0] != HELD} == {}
