"""A class on a dask.distributed cluster that somebody else has started. Scheduling, transport and retries are Dask's.

Each Dask worker keeps a template and a sandbox of its own, probed where it runs. Workers need this package with the
extra `cluster`, and the course's checkout at the same path; one that has another version of the assignment is refused.
"""

import contextlib
import secrets
import zlib
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.tasks import Graded, Task, note

_CONNECT_SECONDS = 10
_RETRIES = 3
# A scheduler that dies is one line of ours; whose connections broke when is a page of tracebacks from these.
_QUIET = dict.fromkeys(("distributed", "distributed.client", "tornado.application", "asyncio"), "critical")


def connect(address: str, progress: Path) -> tuple[Callable[[], Executor], int]:
    """Return what starts an executor on a cluster, and how many submissions to give it at once.

    Parameters
    ----------
    address : str
        Of the Dask scheduler: ``tcp://host:8786``.
    progress : path
        A folder in which is noted what each worker is at.

    Raises
    ------
    GraderError
        If Dask is not installed, nobody answers there, or the cluster has no worker.
    """
    client = _client(address)
    workers = _count(client)
    if not workers:
        raise GraderError(f"the cluster at {address} has no worker: start one with `dask worker {address}`")
    clients = [client]

    def start() -> Executor:
        try:
            return _ClusterExecutor(clients.pop() if clients else _client(address), progress)
        except GraderError as error:
            raise GraderError(f"{error}; what is graded is in the journal, the same command goes on") from error

    return start, 2 * workers


class _ClusterExecutor(Executor):
    """A client's executor that is broken once its scheduler is gone. Dask's own lets wait for ever what it is given."""

    def __init__(self, client: Any, progress: Path) -> None:
        self._client = client
        self._topic = f"grader-{secrets.token_hex(8)}"  # of this run alone
        client.subscribe_topic(self._topic, partial(_note, progress))
        self._executor = client.get_executor(pure=False, retries=_RETRIES)

    @property
    def gone(self) -> bool:
        return bool(self._client.status != "running")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        try:
            future: Future[Any] = self._executor.submit(_on_worker, self._topic, fn, *args, **kwargs)
        except Exception as error:
            if self.gone:
                raise BrokenExecutor("the scheduler is gone") from error
            raise
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with contextlib.suppress(Exception):  # nobody is there to be told
            self._executor.shutdown(wait)


def _on_worker(topic: str, grade: Callable[[Task, Callable[[str], None]], Graded], task: Task) -> Graded:
    from distributed import get_worker

    worker = get_worker()
    return grade(task, lambda what: worker.log_event(topic, [worker.address, task.student, what]))


def _note(progress: Path, event: tuple[float, tuple[str, str, str]]) -> None:
    address, student, what = event[1]
    note(progress, zlib.crc32(address.encode()), student, what)


def _client(address: str) -> Any:
    try:
        import dask.config

        dask.config.update_defaults({"logging": _QUIET})  # read when distributed is imported; a user's own come first
        from distributed import Client
    except ImportError as error:
        raise GraderError("--cluster needs Dask: pip install 'stencil-cnn[cluster]'") from error
    try:
        return Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:  # no answer, no such protocol
        raise GraderError(f"no Dask scheduler answers at {address}: start one with `dask scheduler`") from error


def _count(client: Any) -> int:
    return len(client.scheduler_info(n_workers=-1)["workers"])
