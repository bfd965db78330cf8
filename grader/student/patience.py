"""While a student's function runs long: say so, with the time so far, and make an interrupt one calm line."""

import contextvars
import sys
import threading
import time
from types import TracebackType
from typing import Any

from grader.student.markup import WAITING, box, escape

_FIRST, _EVERY = 2.0, 1.0


class Stopped(KeyboardInterrupt):
    """A check that the student interrupted. It is still an interrupt: the cells that wait for their turn do not run."""

    def _render_traceback_(self) -> list[str]:
        """Show one line in IPython and Jupyter."""
        return [str(self)]


class Patience:
    """While it is entered, what takes longer than two seconds is announced and the time counted up."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._case = ""
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._notice: Any = None
        self._started = self._said = 0.0

    def __enter__(self) -> "Patience":
        self._started = time.perf_counter()
        # The copy carries which cell is running: what the thread shows appears below that one.
        thread = threading.Thread(target=contextvars.copy_context().run, args=(self._watch,), daemon=True)
        try:
            thread.start()
            self._thread = thread
        except RuntimeError:  # no threads in the browser: `at` speaks between two calls
            self._thread = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        if self._notice is not None:
            self._notice.update(_html(""))

    @property
    def seconds(self) -> float:
        """The time so far."""
        return time.perf_counter() - self._started

    @property
    def case(self) -> str:
        """What is being tried."""
        return self._case

    def at(self, case: str) -> None:
        """Note which case comes next."""
        self._case = case
        if self._thread is None and self.seconds > (self._said + _EVERY if self._said else _FIRST):
            self._say()

    def _watch(self) -> None:
        pause = _FIRST
        while not self._done.wait(pause):
            self._say()
            # A line that replaces itself may count every second; lines that stay should be few.
            pause = _EVERY if self._notice is not None else max(_EVERY, self.seconds)

    def _say(self) -> None:
        self._said = self.seconds
        words = f"{self._function} has been running for {self._said:.0f} s (case “{self._case}”)"
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        if getattr(shell, "kernel", None) is None:
            sys.stderr.write(f"{words}; Ctrl-C stops it\n")
            return
        from IPython.display import display

        page = _html(box(WAITING, [escape(f"{words}. To stop it: ■ above, or Kernel > Interrupt.")]))
        if self._notice is None:
            self._notice = display(page, display_id=True)
        else:
            self._notice.update(page)


def _html(text: str) -> Any:
    from IPython.display import HTML

    return HTML(text)
