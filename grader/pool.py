"""The processes of this machine that grade a class: as many as cores, each with a template of its own.

They are ended from outside, whatever they are at: by the main process, or by its end.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from grader import tasks
from grader.sandbox import Layers, found, remember
from grader.scratch import sweep

_MOST = 64
_END_SECONDS = 5.0


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def jobs_for(asked: int, submissions: int) -> int:
    """Return how many processes to use: those asked for (0 for one per core), and no more than there is work for."""
    return max(1, min(asked or cores(), submissions, _MOST))


class LocalPool(ProcessPoolExecutor):
    """Processes that Ctrl-C does not reach and that end with the main process.

    Parameters
    ----------
    jobs : int
    """

    def __init__(self, jobs: int) -> None:
        sweep()
        super().__init__(jobs, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(found(),))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Schedule a call; a process that this starts is born deaf to Ctrl-C, even while it still imports."""
        with _deaf():
            return super().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the pool; without ``wait`` at once, whatever its processes are at."""
        if wait:
            super().shutdown(wait, cancel_futures=cancel_futures)
            return
        super().shutdown(wait, cancel_futures=True)
        below = multiprocessing.active_children()
        for process in below:
            process.terminate()
        for process in below:
            process.join(_END_SECONDS)
            if process.is_alive():
                process.kill()
        sweep()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(layers: Layers | None) -> None:
    """In a new process of the pool."""
    if layers is not None:
        remember(layers)
    signal.signal(signal.SIGTERM, lambda *_: _end())
    multiprocessing.util.Finalize(None, tasks.release, exitpriority=1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process, and its template, once the main process is gone: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        _end()


def _end() -> None:
    try:
        tasks.release()
    finally:
        os._exit(1)
