"""A benchmark that compares with a wrong peer, or measures wrongly, says nothing: its parts are tested here."""

import time

import numpy as np
import pytest

from tests.benchmarks import timing
from tests.benchmarks.__main__ import modules_with_main
from tests.benchmarks.conv_cases import CASES
from tests.benchmarks.conv_peers import index_thunks
from tests.benchmarks.convolution import ours, plain
from tests.benchmarks.queue_model import simulated
from tests.benchmarks.timing import exponent, geometric_mean, interleaved, peak_extra_bytes, table


@pytest.mark.parametrize("name", CASES)
def test_the_gather_by_index_arrays_computes_what_ours_does(name: str) -> None:
    case = CASES[name].but(n=2)
    forward, backward = ours(case)
    peer_forward, peer_backward = index_thunks(case)
    expected, found = [forward()[0], *backward()], [peer_forward()[0], *peer_backward()]
    for f, e in zip(found, expected, strict=True):
        assert f.shape == e.shape
        assert np.linalg.norm(f - e) < 1e-5 * np.linalg.norm(e)


def test_the_command_finds_the_modules_that_measure() -> None:
    found = modules_with_main()
    assert "convolution" in found
    assert "timing" not in found


@pytest.mark.parametrize(
    ("grading", "recording", "workers", "submissions", "seconds"),
    [
        ([1.0], 0.0, 2, 10, 5.0),  # as fast as the workers
        ([1.0], 1.0, 100, 10, 11.0),  # as slow as the main process
        ([1.0], 0.25, 1, 4, 4.25),  # recording while the next one is graded
    ],
)
def test_a_queue_is_as_fast_as_the_slower_of_workers_and_main(grading, recording, workers, submissions, seconds):
    assert simulated(grading, recording, workers, submissions) == seconds


def test_a_function_that_takes_longer_measures_longer() -> None:
    seconds = interleaved({"short": lambda: time.sleep(0.001), "long": lambda: time.sleep(0.01)}, 3, settle_seconds=0)
    assert seconds["long"] > 3 * seconds["short"]


def test_the_extra_memory_is_the_peak_without_the_result() -> None:
    kept = np.ones(1000)
    assert 1_900_000 < peak_extra_bytes(lambda: np.ones(250_000).sum() + kept) < 2_100_000
    assert peak_extra_bytes(lambda: np.ones(250_000)) < 100_000


def test_the_block_form_needs_a_fraction_of_the_plain_forms_memory() -> None:
    case = CASES["C"].but(n=8)
    for ours_does, plain_does in zip(ours(case), plain(case), strict=True):
        assert peak_extra_bytes(ours_does) < peak_extra_bytes(plain_does) / 3


def test_figures_are_summed_up_as_they_should_be() -> None:
    assert geometric_mean([1, 4]) == pytest.approx(2)
    assert exponent([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert table({"a": {"x": 1.0}, "b": {"y": 2.5}}, head="h").splitlines()[-1].split() == ["b", "–", "2.50"]


def test_freed_memory_is_left_to_the_allocator_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(timing, "_keep_freed_memory", lambda: kept.append(True))
    interleaved({"nothing": lambda: None}, 3, settle_seconds=0, sample_seconds=0, keep_freed=False)
    assert kept == []
    interleaved({"nothing": lambda: None}, 3, settle_seconds=0, sample_seconds=0)
    assert kept == [True]
