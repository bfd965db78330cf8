"""Split work over as many threads as BLAS has leave to use. Knows no layer.

NumPy's loops have one thread, and BLAS starts its own only within one product, so a layer made of many small blocks
leaves processors idle. Here each thread of Python takes a part of the batch, with its copies and products; NumPy lets
go of the interpreter while it computes.

- BLAS is held to one thread each meanwhile: threads that start threads get in each other's way.
- The threads are kept: to start one takes as long as a small convolution, to wake one a fifth of that. They wait at
  a queue; an executor of `concurrent.futures` wakes more often on the way and takes half as long again.
- Threads wait for each other's turn at the interpreter between any two calls of NumPy: where those take less than
  some 50 µs, a second thread costs more than it saves. So a caller says how many parts are worth it.
- A process that forks (a DataLoader, a sandbox) gets the memory but not the threads: the child starts afresh.
"""

import os
import threading
from collections.abc import Callable
from functools import cache, partial
from queue import SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

Part = TypeVar("Part")

# BLAS has one setting for the whole process, so only one call at a time may change it and put it back.
_one_at_a_time = threading.Lock()
_within = threading.local()


def split(length: int, worth: int, share: Callable[[slice], Part]) -> list[Part]:
    """Return ``share(part)`` for every part of ``range(length)``, in order; each part has a thread of its own.

    Parameters
    ----------
    length : how many images, or whatever is shared out
    worth : the most parts that are large enough to be worth a thread
    share : called with slices that make up ``range(length)``; with one slice where one thread is best or allowed, and
        within another share. An error in it is raised once all parts have ended.

    Notes
    -----
    The threads are those of BLAS: `threadpoolctl` and ``OPENBLAS_NUM_THREADS`` limit both. The same limit gives the
    same parts, and so the same sums to the last bit.

    Examples
    --------
    >>> sum(split(10, 4, lambda part: part.stop - part.start))
    10
    """
    if min(length, worth) < 2 or getattr(_within, "share", False):
        return [share(slice(0, length))]
    with _one_at_a_time:
        threads = max((library.num_threads for library in _controller().lib_controllers), default=1)
        parts = min(threads, length, worth)
        if parts > 1:
            slices = [slice(length * i // parts, length * (i + 1) // parts) for i in range(parts)]
            with _controller().limit(limits=1):
                return _run(share, slices)
    return [share(slice(0, length))]


def _run(share: Callable[[slice], Part], slices: list[slice]) -> list[Part]:
    results: dict[int, Part] = {}
    errors: dict[int, BaseException] = {}
    ended: SimpleQueue[int] = SimpleQueue()

    def job(i: int) -> None:
        _within.share = True  # a split within waits for no thread: those that it would wait for may wait for it
        try:
            results[i] = share(slices[i])
        except BaseException as error:
            errors[i] = error
        finally:
            _within.share = False
            ended.put(i)

    jobs = _helpers(len(slices) - 1)
    for i in range(1, len(slices)):
        jobs.put(partial(job, i))
    job(0)
    for _ in slices:
        ended.get()
    if errors:
        raise errors[min(errors)]
    return [results[i] for i in range(len(slices))]


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


@cache
def _helpers(count: int) -> SimpleQueue[Callable[[], Any]]:
    """Return the queue at which ``count`` threads wait for jobs."""
    jobs: SimpleQueue[Callable[[], Any]] = SimpleQueue()

    def serve() -> None:
        while True:
            jobs.get()()  # keeps no job, and so none of its arrays, while it waits for the next

    for i in range(count):
        threading.Thread(target=serve, name=f"split_{i}", daemon=True).start()
    return jobs


def _start_afresh() -> None:
    global _one_at_a_time
    _one_at_a_time = threading.Lock()
    _helpers.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
