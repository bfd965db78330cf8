"""How every benchmark here measures: interleaved rounds, medians, ratios. Knows no layer.

A shared or throttled machine drifts, so functions that are to be compared run in turn within each round and only
ratios of their medians are worth quoting.
"""

import contextlib
import ctypes
import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

from threadpoolctl import ThreadpoolController

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h

Thunk = Callable[[], object]


def interleaved(
    functions: dict[str, Thunk],
    rounds: int = 15,
    *,
    warmup: int = 2,
    sample_seconds: float = 0.01,
    settle_seconds: float = 0.01,
    limit_seconds: float = 20.0,
    keep_freed: bool = True,
) -> dict[str, float]:
    """Return the median seconds of one call of each function, all measured side by side.

    In each round every function gets one sample, in an order that rotates from round to round; a quick function is
    called several times a sample (about ``sample_seconds``). Before a sample it runs untimed for ``settle_seconds``:
    the idle threads of the library before it (OpenMP's) go on spinning for some milliseconds. Rounds stop early,
    though never before the third, once ``limit_seconds`` have passed.

    Freed memory is kept by the process for good (see below) unless ``keep_freed`` is False: then the allocator is left
    as it is, in a fresh process glibc's default.
    """
    if keep_freed:
        _keep_freed_memory()
    repeats = {}
    for name, function in functions.items():
        for _ in range(warmup):
            function()
        repeats[name] = max(1, round(sample_seconds / max(_seconds(function, 1), 1e-7)))
    samples: dict[str, list[float]] = {name: [] for name in functions}
    names = list(functions)
    start = time.perf_counter()
    for i in range(rounds):
        if i >= 3 and time.perf_counter() - start > limit_seconds:
            break
        for j in range(len(names)):
            name = names[(i + j) % len(names)]
            settled = time.perf_counter() + settle_seconds
            while time.perf_counter() < settled:
                functions[name]()
            samples[name].append(_seconds(functions[name], repeats[name]))
    return {name: statistics.median(values) for name, values in samples.items()}


def _keep_freed_memory() -> None:
    """Ask glibc to keep what is freed: page faults of large fresh arrays else outweigh what is measured."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        mallopt(_M_TRIM_THRESHOLD, (1 << 31) - 1)


def _seconds(function: Thunk, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - start) / repeats


def ratios(medians: dict[str, float], base: str) -> dict[str, float]:
    """Return every median divided by that of ``base``."""
    return {name: value / medians[base] for name, value in medians.items()}


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean, the fair mean of ratios."""
    return math.exp(statistics.fmean(math.log(v) for v in values))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the slope of log(seconds) over log(size): 1 where time grows linearly."""
    slope, _ = statistics.linear_regression([math.log(s) for s in sizes], [math.log(t) for t in seconds])
    return slope


def peak_extra_bytes(function: Thunk) -> int:
    """Return the most memory that NumPy and Python held at once during a call, less what its result still holds."""
    function()
    tracemalloc.start()
    try:
        result = function()
        held, peak = tracemalloc.get_traced_memory()
        del result
    finally:
        tracemalloc.stop()
    return peak - held


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Hold BLAS, and PyTorch where it is installed, to ``count`` threads."""
    try:
        import torch
    except ImportError:
        torch = None
    before = torch.get_num_threads() if torch else 0
    with ThreadpoolController().limit(limits=count):
        if torch:
            torch.set_num_threads(count)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def table(rows: dict[str, dict[str, float]], *, head: str, form: str = "{:.2f}") -> str:
    """Return rows of figures under their column names as aligned text; a figure a row lacks is shown as –."""
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    lines = [[head, *columns]]
    lines += [[name, *(form.format(row[c]) if c in row else "–" for c in columns)] for name, row in rows.items()]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns) + 1)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]) for line in lines
    )
