"""What holds on a machine holds in a container on it, too, and the doctor says which layers are left."""

import pytest

from tests.attacks.containers import KINDS, attacks, doctor, podman, sample
from tests.attacks.runner import HELD

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def needs_podman():
    if not podman():
        pytest.skip("needs root and a podman that works here")


@pytest.mark.parametrize("kind", ["podman, root", "Docker's filter, ordinary user"])
def test_a_container_holds_a_sample_of_attacks(kind):
    outcomes = attacks(kind, sample(4, kind))
    assert len(outcomes) == 4
    assert {name: o for name, o in outcomes.items() if o[0] != HELD} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_doctor_says_which_layers_a_container_leaves(kind):
    states = doctor(kind)
    assert {check for check, state in states.items() if state == "missing"} == set()
    assert states["namespaces, disk quota"] == ("ok" if kind.startswith("podman") else "weaker")
    assert states.get("an unused user id", "ok") == "ok"  # an ordinary user has none to choose
    assert ("an unused user id" in states) == kind.endswith("root")
