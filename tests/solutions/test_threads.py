"""Work split over threads: parts, errors, nesting, several callers, forks, limits."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from solutions.threads import split


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@given(length=st.integers(0, 20), worth=st.integers(0, 20), allowed=st.integers(1, 4))
def test_the_parts_make_up_the_whole_in_order_and_are_no_more_than_allowed(
    length: int, worth: int, allowed: int
) -> None:
    with threadpool_limits(allowed):
        parts = split(length, worth, lambda part: range(length)[part])
    assert [i for part in parts for i in part] == list(range(length))
    assert len(parts) == max(1, min(length, worth, allowed))


def test_each_part_has_a_thread_with_a_blas_of_one_and_the_limit_is_put_back() -> None:
    meeting = threading.Barrier(2, timeout=20)  # passed only if two parts run at the same time

    def share(_: slice) -> tuple[int, set[int]]:
        meeting.wait()
        return threading.get_ident(), blas_threads()

    with threadpool_limits(2):
        (one, inside), (other, inside_other) = split(2, 2, share)
        assert blas_threads() == {2}
    assert one != other
    assert inside == inside_other == {1}


@pytest.mark.parametrize("bad", [0, 1])
def test_an_error_in_any_part_is_raised_after_all_have_ended_and_the_limit_is_put_back(bad: int) -> None:
    ended = []

    def share(part: slice) -> None:
        try:
            if part.start == bad:
                raise MemoryError("no room for the columns")
        finally:
            ended.append(part.start)

    with threadpool_limits(2):
        with pytest.raises(MemoryError, match="no room"):
            split(2, 2, share)
        assert sorted(ended) == [0, 1]
        assert blas_threads() == {2}
        assert split(2, 2, lambda part: part.start) == [0, 1]


def test_a_split_within_a_split_is_one_part_and_the_next_one_is_two_again() -> None:
    with threadpool_limits(2):
        inner = split(4, 2, lambda part: split(part.stop - part.start, 2, lambda small: (small.start, small.stop)))
        assert inner == [[(0, 2)], [(0, 2)]]
        assert len(split(4, 2, lambda part: part)) == 2


def test_several_callers_at_once_all_get_their_own_results_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((7, 30, 20), dtype=np.float32) for _ in range(6)]

    def together(x: np.ndarray) -> list[np.ndarray]:
        return split(len(x), 8, lambda part: np.matmul(x[part], x[part].transpose(0, 2, 1)))

    with threadpool_limits(2), ThreadPoolExecutor(4) as callers:
        alone = [together(x) for x in arrays]
        jobs = [callers.submit(together, arrays[i % 6]) for i in range(200)]
        for i, job in enumerate(jobs):
            assert [part.tobytes() for part in job.result(timeout=20)] == [part.tobytes() for part in alone[i % 6]]
        assert blas_threads() == {2}


FORK = """
import os, threading, time
import numpy as np
from threadpoolctl import threadpool_limits
from solutions.threads import split

def both(i):
    return sum(split(8, 8, lambda part: int(np.arange(8)[part].sum()))) == 28 and i

with threadpool_limits(2):
    assert both(1)
    stop, inside = threading.Event(), threading.Event()

    def slow(part):  # holds the lock and the threads while the process forks
        inside.set()
        stop.wait(20)

    busy = threading.Thread(target=split, args=(2, 2, slow)) if WHEN == "during" else None
    if busy:
        busy.start()
        inside.wait(20)
    child = os.fork()
    if not child:
        # What another thread limited stays limited here: BLAS has one setting, and that thread is gone.
        with threadpool_limits(2):
            os._exit(0 if both(1) and len(split(2, 2, lambda part: part)) == 2 else 1)
    stop.set()
    if busy:
        busy.join()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert both(1) and len(split(2, 2, lambda part: part)) == 2
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("when", ["after", "during"])
def test_a_fork_after_or_during_use_works_in_parent_and_child(when: str) -> None:
    code = f"WHEN = {when!r}\n{FORK}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
