"""Every layer, alone and together: the forbidden fails, the needed works, nothing stays behind."""

import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from grader.sandbox import Layers, SandboxError, probe, readable_paths, require
from tests.grader import sandbox_cases as cases

DRIVER = Path(__file__).with_name("sandbox_driver.py")
ENVIRONMENT = {
    "PATH": os.defpath,
    "HOME": os.environ.get("HOME", "/"),
    "MPLBACKEND": "Agg",
    "LANG": "C.UTF-8",
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}
KINDS = {
    "everything": {},
    "no namespaces": {"without": ["namespaces"]},
    "an ordinary user": {"user": True},
    "an ordinary user without namespaces": {"user": True, "without": ["namespaces"]},
}

pytestmark = pytest.mark.skipif(not probe().core, reason="; ".join(probe().missing()))
every_kind = pytest.mark.parametrize("kind", KINDS)


def command(plan: dict) -> list[str]:
    return [sys.executable, str(DRIVER), json.dumps(plan)]


def skip_unless_possible(kind: str) -> None:
    if KINDS[kind].get("user") and os.getuid() != 0:
        pytest.skip("the tests already run as an ordinary user")
    if kind.startswith("an ordinary") and not probe().namespaces:
        pytest.skip("laying the interpreter open to an ordinary user takes a mount namespace")


def outcomes(submissions: dict[str, str], kind: str = "everything", **plan: object) -> dict:
    skip_unless_possible(kind)
    run = subprocess.run(
        command({"cases": submissions, **KINDS[kind], **plan}),
        env=ENVIRONMENT,
        cwd=DRIVER.parents[2],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == 2, run.stderr
    return {**lines[0], "outside": lines[1]}


@cache
def all_outcomes(kind: str) -> dict:
    forbidden = cases.FILES | cases.NETWORK | cases.PROCESSES
    if platform.machine() == "x86_64":
        forbidden |= cases.KERNEL
    return outcomes({**forbidden, **cases.NEEDED}, kind, imports=["numpy"], limits={"memory": 2 << 30})


@every_kind
def test_all_layers_that_were_asked_for_are_in_force(kind: str) -> None:
    layers = all_outcomes(kind)["names"]
    assert layers["landlock"] >= 1
    assert layers["seccomp"]
    if "namespaces" in KINDS[kind].get("without", ()):
        assert not layers["namespaces"]
    elif kind == "everything":
        assert layers["namespaces"] == probe().namespaces
    assert layers["unused_identity"] == (os.getuid() == 0 and not KINDS[kind].get("user", False))


@every_kind
@pytest.mark.parametrize("deed", [*cases.FILES, *cases.NETWORK, *cases.PROCESSES])
def test_a_forbidden_deed_fails(kind: str, deed: str) -> None:
    if deed == "signalling a thread outside" and platform.machine() != "x86_64":
        pytest.skip("by x86-64 number")
    found = all_outcomes(kind)
    if deed.startswith("changing") and not found["names"]["namespaces"]:
        pytest.skip("there the filter says yes and does nothing; what is outside is compared below")
    outcome, message, _ = found["outcomes"][deed]
    refusals = ("PermissionError", "FileNotFoundError", "ProcessLookupError", "OSError", "ValueError", "URLError")
    assert outcome in refusals, (outcome, message)


@every_kind
@pytest.mark.skipif(platform.machine() != "x86_64", reason="by x86-64 number")
def test_dangerous_system_calls_are_refused_by_the_filter(kind: str) -> None:
    found = all_outcomes(kind)["outcomes"]
    passed = {deed: found[deed] for deed in cases.KERNEL if found[deed][:2][0] != "PermissionError"}
    assert not passed


@every_kind
@pytest.mark.parametrize("deed", cases.NEEDED)
def test_a_needed_deed_works(kind: str, deed: str) -> None:
    assert all_outcomes(kind)["outcomes"][deed][:2] == ["result", True]


@every_kind
def test_what_is_outside_is_as_before(kind: str) -> None:
    found = all_outcomes(kind)
    assert found["outside"] == ["secret", 0o666, ["secret"], []]
    assert found["left"] == {"descriptors": 0, "mounts": 0, "children": []}


@every_kind
def test_plots_and_notebook_cells_run(kind: str) -> None:
    wanted = {"picture": cases.PICTURE, "shell": cases.SHELL}
    imports = ["matplotlib.pyplot", "IPython.core.interactiveshell"]
    if importlib.util.find_spec("IPython") is None:
        pytest.skip("IPython is absent")
    if importlib.util.find_spec("scipy") is not None:
        wanted["scipy"] = cases.SCIPY
    found = outcomes(wanted, kind, imports=imports)["outcomes"]
    assert all(found[name][:2] == ["result", True] for name in wanted), found


@pytest.mark.oracle
@every_kind
def test_pytorch_can_be_imported_and_differentiates(kind: str) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is absent")
    assert outcomes({"torch": cases.TORCH}, kind, seconds=60)["outcomes"]["torch"][:2] == ["result", True]


FORKS = """
import signal
statuses = []
for _ in range(4):
    try:
        pid = os.fork()
    except PermissionError:
        statuses.append("refused")
        continue
    if pid == 0:
        try:
            os.fork()
        except PermissionError:
            os._exit(7)
        os._exit(8)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
result = statuses
"""


@every_kind
def test_forks_pass_one_by_one_and_only_with_leave(kind: str) -> None:
    # Two were granted: one to the first child, whose own wish takes the second.
    assert outcomes({"forks": FORKS}, kind, forks=2)["outcomes"]["forks"][:2] == [
        "result",
        [8, "refused"] + ["refused"] * 2,
    ]
    assert outcomes({"forks": FORKS}, kind, forks=0)["outcomes"]["forks"][:2] == ["result", ["refused"] * 4]


@every_kind
def test_memory_files_threads_and_processor_time_are_bounded(kind: str) -> None:
    bombs = {
        "memory": "result = len(bytearray(3 << 30))",
        "one file": "open('big', 'wb').write(bytes(9 << 20))",
        "threads": (
            "import threading, time\nn = 0\ntry:\n"
            " while n < 3000: threading.Thread(target=time.sleep, args=(30,), daemon=True).start(); n += 1\n"
            "except RuntimeError: pass\nresult = n"
        ),
        "endless": "while True: pass",
    }
    limits = {"memory": 2 << 30, "file_size": 8 << 20, "cpu_seconds": 1}
    found = outcomes(bombs, kind, limits=limits)
    outcome = found["outcomes"]
    assert outcome["memory"][0] == "MemoryError"
    assert outcome["one file"][0] == "OSError"
    assert 8 < outcome["threads"][1] < 1000
    assert outcome["endless"][0] == "died"
    assert found["left"]["children"] == []


def test_the_working_directory_is_bounded_where_it_is_a_file_system_of_its_own() -> None:
    flood = "for n in range(99):\n with open(str(n), 'wb') as f: f.write(bytes(1 << 20))"
    many = "for n in range(10**5): open(str(n), 'w').close()"
    found = outcomes({"flood": flood, "many": many}, limits={"files": 8 << 20})
    if not found["names"]["namespaces"]:
        pytest.skip("no namespaces")
    assert found["outcomes"]["flood"][0] == found["outcomes"]["many"][0] == "OSError"


@every_kind
def test_a_sleeping_tree_is_killed_whole(kind: str) -> None:
    tree = "import time\nfor _ in range(3):\n if os.fork() == 0: time.sleep(600)\ntime.sleep(600)"
    found = outcomes({"tree": tree}, kind, forks=9, seconds=0.5)
    assert found["outcomes"]["tree"] == ["no answer", None, True]
    assert found["left"]["children"] == []


def test_two_submissions_share_nothing() -> None:
    found = outcomes(
        {
            "first": "open('left', 'w').write('x'); os.environ['LEFT'] = 'x'; import builtins; builtins.left = 1",
            "second": "import builtins; result = [os.listdir(), 'LEFT' in os.environ, hasattr(builtins, 'left')]",
        }
    )
    assert found["outcomes"]["second"][:2] == ["result", [[], False, False]]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the other table of calls is x86's")
def test_the_old_32_bit_door_ends_the_process() -> None:
    # mov eax, 20 (getpid in the old table); int 0x80; ret
    door = (
        "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7); m.write(bytes.fromhex('b814000000cd80c3'))\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(m)); result = ctypes.CFUNCTYPE(ctypes.c_int)(at)()"
    )
    assert outcomes({"door": door})["outcomes"]["door"][0] == "died"


@pytest.mark.slow
@every_kind
def test_two_hundred_submissions_leave_the_machine_as_it_was(kind: str) -> None:
    processes, mounts = len(list(Path("/proc").glob("[0-9]*"))), len(Path("/proc/mounts").read_text().splitlines())
    work = "open('x', 'w').write('x')\nif os.fork() == 0: os._exit(0)\nos.wait()"
    found = outcomes({"work": work}, kind, repeat=200, forks=1)
    assert found["outcomes"]["work"][0] == "result"
    assert found["left"] == {"descriptors": 0, "mounts": 0, "children": []}
    assert len(Path("/proc/mounts").read_text().splitlines()) == mounts
    # Other work on the machine comes and goes; ours would show as hundreds.
    assert len(list(Path("/proc").glob("[0-9]*"))) < processes + 100


@pytest.mark.parametrize("kind", ["everything", "no namespaces"])
@pytest.mark.parametrize("whom", ["the template", "its stand-in"])
def test_nothing_outlives_a_killed_template(kind: str, whom: str) -> None:
    mark = f"sleeper-{os.getpid()}-{time.monotonic_ns()}"
    # A fork that forgets to ask for its end with the submission's is caught by the stand-in.
    ask = "sys.modules['grader.sandbox'].enter_question()" if whom == "its stand-in" else "pass"
    code = f"'{mark}'; import time\nif os.fork() == 0: {ask}\ntime.sleep(600)"
    driver = subprocess.Popen(
        command({"cases": {"sleep": code}, "seconds": 60, "forks": 1, **KINDS[kind]}),
        env=ENVIRONMENT,
        cwd=DRIVER.parents[2],
        stdout=subprocess.DEVNULL,
    )
    try:
        # The driver, the stand-in, the template, the submission, its fork.
        assert wait_for(lambda: len(marked(mark)) == 5), marked(mark)
        time.sleep(0.1)
        driver.send_signal(signal.SIGUSR2 if whom == "the template" else signal.SIGUSR1)
        driver.wait(10)
        assert wait_for(lambda: not marked(mark)), marked(mark)
    finally:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)
        driver.wait(10)


def marked(mark: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return found


def wait_for(claim, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not claim() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(claim())


def test_a_machine_without_the_core_is_refused_in_one_paragraph_with_both_ways_on() -> None:
    with pytest.raises(SandboxError) as caught:
        require(probe(["landlock"]))
    text = str(caught.value)
    assert "Landlock is absent" in text
    assert "Linux machine" in text
    assert "--sandbox none" in text
    assert "\n" not in text
    require(Layers(), "none")
    require(probe(["namespaces"]))
    with pytest.raises(SandboxError):
        require(probe(), "nonsense")


def test_a_masked_layer_is_absent_and_the_others_stay() -> None:
    assert not probe(["seccomp"]).seccomp
    assert probe(["seccomp"]).landlock
    assert not probe(["namespaces"]).namespaces
    assert probe(["namespaces"]).core
    assert "own /proc" not in probe(["proc"]).describe()


def test_a_secret_under_a_readable_path_is_an_error(tmp_path: Path) -> None:
    assert not any(Path(p) in tmp_path.parents for p in readable_paths([str(tmp_path)]))
    inside = os.path.dirname(os.__file__)
    with pytest.raises(SandboxError, match="lies within"):
        readable_paths([inside])


def test_the_checkout_is_not_readable() -> None:
    assert readable_paths([str(DRIVER)])
