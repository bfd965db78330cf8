"""Whatever bytes a reader of untrusted files and frames gets, it returns or refuses in one plain line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attacks.fuzz import TARGETS, attempt, damaged, damaged_frame


@pytest.mark.parametrize("what", TARGETS)
def test_damaged_input_is_read_or_refused_in_one_plain_line(what):
    target = TARGETS[what]
    specimens = target.specimens()
    assert all(attempt(target, s) for s in specimens)

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.randoms(use_true_random=False), st.sampled_from(specimens))
    def reads(rng, specimen):
        attempt(
            target, damaged_frame(specimen, rng, specimens) if what == "frames" else damaged(specimen, rng, specimens)
        )

    reads()


@pytest.mark.parametrize("what", TARGETS)
@settings(max_examples=100, deadline=None, database=None)
@given(data=st.binary(max_size=400))
def test_noise_is_refused_in_one_plain_line(what, data):
    attempt(TARGETS[what], data)
