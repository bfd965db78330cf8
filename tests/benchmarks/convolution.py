"""The convolution layer against PyTorch, other NumPy ways and its own matrix product; memory; growth with the size.

The ratio to PyTorch depends on the allocator, so it is printed twice, measured shape by shape in turn:

- *kept*: both keep the memory that they freed (`mallopt`), as every other benchmark here does. This compares the loops,
  and the limits are meant for it.
- *default*: glibc's own rules, which is what users have: it hands large arrays back to the system, and to fetch them
  anew costs a page fault for every 4 KB. A process of its own measures it, since `mallopt` cannot be undone.
"""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from solutions import im2col
from tests.benchmarks.conv_cases import CASES, DENSE, OTHERS, Case
from tests.benchmarks.conv_peers import index_thunks, numpy_ml_thunks
from tests.benchmarks.timing import Thunk, exponent, geometric_mean, interleaved, peak_extra_bytes, table, threads

ROUNDS = 11


def main() -> None:
    """Print every figure that the performance targets of the convolution speak of."""
    kernels = {str(library.get("architecture")) for library in threadpool_info() if library["user_api"] == "blas"}
    print(f"NumPy {np.__version__}; BLAS kernels for {', '.join(kernels)}")
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and "avx512f" in cpuinfo.read_text() and kernels & {"Haswell", "Zen"}:
        print(
            "This processor has AVX-512, which PyTorch uses, but OpenBLAS does not know it and uses AVX2 kernels: half"
        )
        print("the speed. OPENBLAS_CORETYPE=SkylakeX in the environment compares like with like.")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as default_process:
        for count in (1, 2):
            against_pytorch(count, default_process)
    with threads(1):
        against_numpy_peers()
        against_the_product()
        growth()
    memory()


def ours(case: Case) -> tuple[Thunk, Thunk]:
    x, w, b, dout = case.arrays
    _, cache = im2col.conv2d_forward(x, w, b, **case.hyper)
    return lambda: im2col.conv2d_forward(x, w, b, **case.hyper), lambda: im2col.conv2d_backward(dout, cache)


def pytorch(case: Case) -> tuple[Thunk, Thunk]:
    import torch

    x, w, b, dout = (torch.from_numpy(a) for a in case.arrays)
    settings = ([case.stride] * 2, [case.padding] * 2, [case.dilation] * 2)
    needed = [True, True, True]

    def backward() -> object:
        aten = torch.ops.aten
        return aten.convolution_backward(dout, x, w, [case.o], *settings, False, [0, 0], case.groups, needed)

    return lambda: torch.nn.functional.conv2d(x, w, b, *settings, case.groups), backward


def against_pytorch(count: int, default_process: Executor) -> None:
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: no comparison with it")
        return
    rows: dict[str, dict[str, float]] = {}
    for name in CASES | OTHERS:
        kept = seconds_against_pytorch(name, count, keep_freed=True)
        default = default_process.submit(seconds_against_pytorch, name, count, keep_freed=False).result()
        rows[name] = {}
        for direction in ("forward", "backward"):
            for memory_is, seconds in (("kept", kept), ("default", default)):
                rows[name][f"{direction} {memory_is}"] = seconds[direction] / seconds[f"PyTorch {direction}"]
        for direction in ("forward", "backward"):
            rows[name][f"PyTorch {direction} kept ms"] = 1e3 * kept[f"PyTorch {direction}"]
    ratios = [column for column in rows["A"] if not column.endswith("ms")]
    rows["geometric mean A–I"] = mean_of(rows, CASES, ratios)
    print(table(rows, head=f"ours / PyTorch {torch.__version__}, {count} thread(s)"), flush=True)


def seconds_against_pytorch(name: str, count: int, *, keep_freed: bool) -> dict[str, float]:
    case = (CASES | OTHERS)[name]
    names = ("forward", "backward", "PyTorch forward", "PyTorch backward")
    with threads(count):
        thunks = dict(zip(names, (*ours(case), *pytorch(case)), strict=True))
        return interleaved(thunks, ROUNDS, limit_seconds=6, keep_freed=keep_freed)


def mean_of(rows: dict[str, dict[str, float]], names: Iterable[str], columns: Iterable[str]) -> dict[str, float]:
    return {column: geometric_mean([rows[name][column] for name in names]) for column in columns}


def against_numpy_peers() -> None:
    rows: dict[str, dict[str, float]] = {}
    absent = ""
    for name, case in CASES.items():
        forwards, backwards = {}, {}
        forwards["ours"], backwards["ours"] = ours(case)
        forwards["index arrays"], backwards["index arrays"] = index_thunks(case)
        try:
            found = None if absent else numpy_ml_thunks(case)
        except ImportError as error:
            found, absent = None, str(error)
        if found:
            forwards["numpy-ml"], backwards["numpy-ml"] = found
        f = interleaved(forwards, 5, warmup=1, limit_seconds=4)
        b = interleaved(backwards, 3, warmup=1, limit_seconds=4)
        rows[name] = {f"{peer} forward": f[peer] / f["ours"] for peer in forwards if peer != "ours"}
        rows[name] |= {f"{peer} backward": b[peer] / b["ours"] for peer in backwards if peer != "ours"}
    print(table(rows, head="NumPy peer / ours, 1 thread", form="{:.1f}"))
    if absent:
        print(f"numpy-ml is left out: {absent} (pip install --no-deps numpy-ml)")


def against_the_product() -> None:
    """Compare with one product of the same sizes on columns that are there already."""
    rows = {}
    for name in ("B", "C", "I stride 2"):
        case = CASES[name]
        rng, taps = np.random.default_rng(0), case.c * case.k * case.k
        w = rng.standard_normal((case.o, taps), dtype=np.float32)
        columns = rng.standard_normal((taps, case.n * case.places), dtype=np.float32)
        out = np.empty((case.o, case.n * case.places), np.float32)

        def product(w: np.ndarray = w, columns: np.ndarray = columns, out: np.ndarray = out) -> object:
            return np.matmul(w, columns, out=out)

        seconds = interleaved({"ours": ours(case)[0], "product": product}, ROUNDS)
        rows[name] = {"forward": seconds["ours"] / seconds["product"]}
    print(table(rows, head="ours / one product, 1 thread"))


def growth() -> None:
    """Print the exponent of time over a decade of the batch, the pixels and the outputs."""
    base = DENSE.but(n=8, h=16)
    sweeps = {
        "N": {n: base.but(n=n) for n in (8, 20, 40, 80)},
        "H·W": {h * h: base.but(h=h) for h in (16, 24, 36, 52)},
        "C_out": {o: base.but(o=o) for o in (32, 80, 160, 320)},
    }
    rows = {}
    for name, cases in sweeps.items():
        forwards, backwards = {}, {}
        for size, case in cases.items():
            forwards[str(size)], backwards[str(size)] = ours(case)
        f, b = interleaved(forwards, ROUNDS), interleaved(backwards, ROUNDS)
        rows[name] = {
            "forward": exponent(list(cases), list(f.values())),
            "backward": exponent(list(cases), list(b.values())),
        }
    print(table(rows, head="exponent of time, 1 thread"))


def memory() -> None:
    rows: dict[str, dict[str, float]] = {}
    for name, case in CASES.items():
        for count in (1, 2):
            with threads(count):
                forward, backward = ours(case)
                rows.setdefault(name, {})[f"forward {count}"] = peak_extra_bytes(forward) / 1e6
                rows[name][f"backward {count}"] = peak_extra_bytes(backward) / 1e6
        forward, backward = plain(case)
        rows[name]["plain forward"] = peak_extra_bytes(forward) / 1e6
        rows[name]["plain backward"] = peak_extra_bytes(backward) / 1e6
    print(table(rows, head="MB beyond results, 1 and 2 threads", form="{:.1f}"))


def plain(case: Case) -> tuple[Thunk, Thunk]:
    x, w, b, dout = case.arrays
    _, cache = im2col.conv2d_forward_plain(x, w, b, **case.hyper)

    # The cache is dropped on return so that the columns it keeps count as extra.
    def forward() -> np.ndarray:
        return im2col.conv2d_forward_plain(x, w, b, **case.hyper)[0]

    return forward, lambda: im2col.conv2d_backward_plain(dout, cache)


if __name__ == "__main__":
    main()
