"""The filter's program, the table of numbers and the words, without starting anything."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from grader.sandbox import ForkGate, Layers, gate, processes, seccomp, syscalls
from grader.sandbox.readable import outermost
from grader.sandbox.removal import remove

ALLOW, NOTIFY, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x7FC00000, 0x50001, 0x50026, 0x80000000
THREAD = 0x3D0F00


def verdict(program: bytes, arch: int, number: int, *arguments: int) -> int:
    """Run a classic BPF program as the kernel would, on one system call."""
    data = struct.pack("=iIQ6Q", number - (1 << 32) * (number >= 1 << 31), arch, 0, *(*arguments, *[0] * 6)[:6])
    code = list(struct.iter_unpack("=HBBI", program))
    at = value = 0
    while True:
        operation, yes, no, k = code[at]
        at += 1
        match operation:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, k)
            case 0x54:
                value &= k
            case 0x15:
                at += yes if value == k else no
            case 0x35:
                at += yes if value >= k else no
            case 0x05:
                at += k
            case 0x06:
                return k
            case _:
                raise AssertionError(hex(operation))


@pytest.mark.parametrize("arch", syscalls.ARCHITECTURES)
def test_both_tables_allow_threads_ask_for_forks_and_refuse_the_rest(arch: str) -> None:
    program, numbers, code = (
        seccomp.program(arch, seccomp.Filter()),
        syscalls.numbers(arch),
        syscalls.ARCHITECTURES[arch],
    )

    def ask(name: str, *arguments: int) -> int:
        return verdict(program, code, numbers[name], *arguments)

    assert ask("clone", THREAD) == ALLOW
    assert ask("clone", 0x7D0F00) == ALLOW  # musl
    assert ask("clone", 0x1200011) == NOTIFY
    for namespace in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80):
        assert ask("clone", THREAD | namespace) == NOTIFY  # which the gate refuses
    assert ask("clone3") == ENOSYS
    assert {ask(name) for name in ("read", "mmap", "futex", "openat", "exit_group")} == {ALLOW}
    assert {ask(name) for name in ("socket", "execve", "ptrace", "kill", "mount", "unshare", "seccomp")} == {EPERM}
    assert ask("openat", 0, 0, 0o1000) == EPERM
    assert ask("openat", 0, 0, 0o1001) == ALLOW
    assert ask("socketpair", 1, 1 | 0o2000000) == ALLOW
    assert ask("socketpair", 1, 2) == ask("socketpair", 2, 1) == EPERM
    assert ask("sendto", 0, 0, 0, 0, 0) == ALLOW
    assert ask("sendto", 0, 0, 0, 0, 1 << 40) == EPERM
    assert ask("ioctl", 0, 0x5412) == EPERM
    assert ask("prctl", 1, 9) == ALLOW
    assert ask("prctl", 1, 0) == ask("prctl", 22, 2) == EPERM
    assert verdict(program, 0x40000003, numbers["read"]) == KILL
    assert verdict(program, code, 0x40000000 | numbers["read"]) == EPERM
    assert verdict(program, code, 0xFFFFFFFF) == EPERM


@pytest.mark.parametrize("arch", syscalls.ARCHITECTURES)
def test_what_the_filter_allows_is_what_it_names(arch: str) -> None:
    everything = seccomp.Filter(private_mounts=True, confined_signals=True)
    program, code = seccomp.program(arch, everything), syscalls.ARCHITECTURES[arch]
    known = set(syscalls.numbers(arch).values())
    assert all(verdict(program, code, number) == EPERM for number in range(600) if number not in known)


def test_without_a_gate_nobody_forks() -> None:
    program = seccomp.program("x86_64", seccomp.Filter(gate=False))
    numbers = syscalls.numbers("x86_64")
    for name in ("fork", "clone", "vfork"):
        assert verdict(program, syscalls.ARCHITECTURES["x86_64"], numbers[name], 17) == EPERM


def test_metadata_is_left_alone_among_mounts_that_others_share() -> None:
    program, numbers = seccomp.program("aarch64", seccomp.Filter()), syscalls.numbers("aarch64")
    says_yes_and_does_nothing = 0x50000
    code = syscalls.ARCHITECTURES["aarch64"]
    assert verdict(program, code, numbers["fchmodat"]) == says_yes_and_does_nothing
    assert verdict(program, code, numbers["truncate"]) == verdict(program, code, numbers["tgkill"]) == EPERM


HEADERS = {
    "x86_64": [Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm/unistd_64.h")],
    "aarch64": [Path("/usr/include/asm-generic/unistd.h")],
}


@pytest.mark.parametrize("arch", HEADERS)
def test_the_numbers_are_the_kernel_headers(arch: str) -> None:
    header = next((path for path in HEADERS[arch] if path.exists()), None)
    if header is None:
        pytest.skip("the kernel's headers are not installed")
    text = header.read_text()
    defined = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    # The generic header names some by their 32-bit twin: `#define __NR_fcntl __NR3264_fcntl`.
    wrong = {
        name: (number, defined.get(name))
        for name, number in syscalls.numbers(arch).items()
        if name in defined and int(defined[name]) != number
    }
    renamed = {"newfstatat": "fstatat"} if arch == "aarch64" else {}
    unknown = [n for n in syscalls.numbers(arch) if renamed.get(n, n) not in defined and n not in ("futex_waitv",)]
    assert not wrong
    assert not unknown


@pytest.mark.parametrize(
    ("number", "flags", "plain"),
    [("clone", 0x1200011, True), ("clone", 17, True), ("clone", 0x10000011, False), ("clone", 0x4111, False)],
)
def test_only_a_plain_fork_counts_as_one(number: str, flags: int, plain: bool) -> None:
    arch = syscalls.machine()
    if arch is None:
        pytest.skip("no table for this machine")
    code = syscalls.ARCHITECTURES[arch]
    assert gate._is_plain_fork(syscalls.numbers(arch)[number], code, flags) is plain
    other = next(c for c in syscalls.ARCHITECTURES.values() if c != code)
    assert not gate._is_plain_fork(syscalls.numbers(arch)[number], other, flags)


def test_a_closed_gate_can_be_closed_again() -> None:
    closed = ForkGate(-1)
    closed.close()
    assert closed.fileno() == -1


def test_paths_below_others_are_dropped_and_siblings_kept() -> None:
    assert outermost(["/usr/lib", "/usr/lib/python3", "/usr/lib64", "/usr/lib"]) == ("/usr/lib", "/usr/lib64")


def test_a_description_names_every_layer_and_missing_the_mend() -> None:
    assert Layers().missing()[0].startswith("Landlock is absent")
    assert not Layers(7, True, True, True, True).missing()
    assert "no /proc" in Layers(7, True, True, False).describe()
    assert "ABI 3" in Layers(3, True, True).missing()[0]


def test_a_process_that_ended_before_it_could_be_named_has_ended() -> None:
    assert processes.ended(-1, 0)


def test_importing_calls_no_c_library_and_needs_no_linux() -> None:
    code = (
        "import sys, ctypes, subprocess, tempfile; sys.platform = 'win32'\n"
        "for m in ('fcntl', 'resource'): sys.modules[m] = None\n"
        "def no(*a, **k): raise SystemExit('loaded')\nctypes.CDLL = no\n"
        "import grader.sandbox as s; print(s.probe().absent)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "not Linux" in run.stdout, run.stderr


def test_folders_deeper_than_paths_go_and_closed_ones_are_removed(tmp_path):
    place = tmp_path / "scratch"
    place.mkdir()
    (place / "link").symlink_to(tmp_path)
    (tmp_path / "kept").write_text("x")
    here = os.open(place, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", 0o700, dir_fd=here)
        deeper = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.mkdir("closed", 0, dir_fd=here)
    os.close(here)
    remove(str(place))
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    remove(str(tmp_path / "absent"))
