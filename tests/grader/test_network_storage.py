"""A course on network storage: no locks, no links, hidden left-overs, listings that fail, folders only to be read."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grader import cli, journal
from grader.build import write_build
from grader.errors import GraderError
from tests.grader.course import ANSWERS, make_course
from tests.grader.preloaded import environment_with
from tests.grader.test_autograde import GRADER, SLOW, WRONG, comparable, hand_in, run

# Preloaded, it answers as a network file system without a lock service does, and one without hard links.
NO_LOCKS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

int flock(int file, int what) { errno = ENOLCK; return -1; }
int link(const char *old, const char *new) { errno = EPERM; return -1; }
int linkat(int a, const char *old, int b, const char *new, int c) { errno = EPERM; return -1; }

static int answer(const char *name, int file, int what, void *argument) {
    int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);
    if (what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW) {
        errno = ENOLCK;
        return -1;
    }
    return real(file, what, argument);
}

int fcntl(int file, int what, ...) {
    va_list all; va_start(all, what); void *argument = va_arg(all, void *); va_end(all);
    return answer("fcntl", file, what, argument);
}

int fcntl64(int file, int what, ...) {
    va_list all; va_start(all, what); void *argument = va_arg(all, void *); va_end(all);
    return answer("fcntl64", file, what, argument);
}
"""


@pytest.fixture(scope="module")
def without_locks(tmp_path_factory):
    place = tmp_path_factory.mktemp("locks")
    environment = environment_with(place, NO_LOCKS)
    tried = "import fcntl\ntry: fcntl.flock(open('locked', 'w'), 2)\nexcept OSError as e: print(e.errno)"
    told = subprocess.check_output([sys.executable, "-c", tried], env=environment, cwd=place, text=True)
    assert int(told) == errno.ENOLCK
    return environment


def course_in(place):
    write_build(make_course(place))
    hand_in(place, ada=ANSWERS, bob=WRONG, cut="def add(x, y:\n", **{f"slow{i}": ANSWERS + SLOW for i in range(3)})
    return place


@pytest.mark.slow
def test_two_graders_without_locks_share_one_seed_and_reach_what_one_would(tmp_path, without_locks):
    course = course_in(tmp_path)
    command = [GRADER, "autograde", "arithmetic", "--jobs", "1"]
    started = [
        subprocess.Popen(
            command, cwd=course, env=without_locks, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(2)
    ]
    words = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], words
    results = course / "results" / "01-arithmetic"
    seed = json.loads((results / ".run.json").read_text())["seed"]
    run(course, "autograde", "arithmetic", "--seed", str(seed), "--to", "alone")
    assert comparable(results) == comparable(course / "alone")
    assert not list(results.glob(".*.tmp"))


@pytest.mark.slow
def test_a_journal_that_cannot_be_locked_or_linked_resumes_and_keeps_what_it_replaces(tmp_path, without_locks):
    course = course_in(tmp_path)
    command = [GRADER, "autograde", "arithmetic", "--jobs", "1", "--seed", "3", "--only", "bob"]
    options = {"cwd": course, "env": without_locks, "capture_output": True, "text": True, "timeout": 120}
    assert "1 graded" in subprocess.run(command, check=True, **options).stdout
    before = (course / "results" / "01-arithmetic" / "bob.json").read_text()
    assert "1 journalled before" in subprocess.run(command, check=True, **options).stdout
    hand_in(course, bob=ANSWERS)
    assert "1 graded" in subprocess.run(command, check=True, **options).stdout
    assert (course / "results" / "01-arithmetic" / ".old" / "1" / "bob.json").read_text() == before


@pytest.mark.parametrize("links", [True, False])
def test_of_two_runs_that_begin_at_once_the_first_ones_seed_holds_for_both(tmp_path, monkeypatch, links):
    if not links:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links")))
    assert journal.read_run(tmp_path) == {}  # both have seen this before either writes
    assert journal.begin_run(tmp_path, {"seed": 1})["seed"] == 1
    assert journal.begin_run(tmp_path, {"seed": 2})["seed"] == 1
    assert os.listdir(tmp_path) == [".run.json"]


def test_machines_with_the_same_process_number_never_write_into_one_file(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(os, "getpid", lambda: 7)
    monkeypatch.setattr(os, "fsync", lambda _: written.append(set(os.listdir(tmp_path))))
    for text in ("one", "other"):
        journal.write_atomically(tmp_path / "ada.json", text)
    first, second = ({name for name in names if name.endswith(".tmp")} for names in written)
    assert not first & second


@pytest.mark.parametrize("call", ["scandir", "listdir"])
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EACCES])
def test_a_listing_that_fails_is_one_line(tmp_path, monkeypatch, capsys, call, number):
    course = course_in(tmp_path)
    real = getattr(os, call)

    def fails(path="."):
        if str(path).endswith("submitted"):
            raise OSError(number, os.strerror(number), str(path))
        return real(path)

    monkeypatch.chdir(course)
    monkeypatch.setattr(os, call, fails)
    monkeypatch.setattr(
        Path,
        "iterdir",
        lambda self: (
            (self / p.name for p in os.scandir(self))
            if call == "scandir"
            else (self / name for name in os.listdir(self))
        ),
    )
    monkeypatch.setattr(sys, "argv", ["grader", "autograde", "arithmetic", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    words = capsys.readouterr().err
    assert ended.value.code == 2
    assert words.count("\n") == 1
    assert os.strerror(number) in words
    assert "submitted" in words


def test_hidden_left_overs_of_a_network_file_system_are_no_submission_and_no_result(tmp_path):
    course = course_in(tmp_path)
    results = course / "results" / "01-arithmetic"
    results.mkdir(parents=True)
    for folder in (results, course / "submitted" / "ada" / "01-arithmetic", course / "submitted"):
        (folder / ".nfs000000000004a01e00000012").write_text("left over")
        (folder / ".nfs000000000004a01e00000013.json").write_text("left over")
    done = run(course, "autograde", "arithmetic", "--only", "ada")
    assert "1 graded" in done.stdout
    assert "nfs" not in done.stderr
    run(course, "report", str(results), "--to", "pages")
    assert [r.student for r in journal.read(results)] == ["ada"]


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("bindfs"), reason="needs root and bindfs")
def test_a_course_on_a_file_system_in_user_space_is_graded_and_a_second_grader_refused(tmp_path):
    behind, course = tmp_path / "behind", tmp_path / "mounted"
    behind.mkdir()
    course.mkdir()
    if subprocess.run(["bindfs", str(behind), str(course)], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        course_in(course)
        with journal.alone(course / "results" / "01-arithmetic"):
            refused = run(course, "autograde", "arithmetic", expect=2).stderr
            assert "another run is grading" in refused
            assert refused.count("\n") == 1
        run(course, "autograde", "arithmetic", "--seed", "3", "--jobs", "2")
        assert "6 journalled before" in run(course, "autograde", "arithmetic", "--seed", "3").stdout
        run(course, "autograde", "arithmetic", "--seed", "3", "--to", str(tmp_path / "local"))
        assert comparable(course / "results" / "01-arithmetic") == comparable(tmp_path / "local")
    finally:
        subprocess.run(["umount", "-l", str(course)], check=True)


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="mounts a file system")
def test_a_course_that_may_only_be_read_is_graded_elsewhere_or_refused_in_one_line(tmp_path):
    place = tmp_path / "course"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        course_in(place)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        refused = run(place, "autograde", "arithmetic", "--only", "ada", expect=2).stderr
        assert "results" in refused
        assert "Read-only file system" in refused
        assert refused.count("\n") == 1
        done = run(place, "autograde", "arithmetic", "--only", "ada", "--to", str(tmp_path / "elsewhere"))
        assert "1 graded" in done.stdout
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_lock_that_is_refused_for_another_reason_than_a_second_run_stops_nobody(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def refuses(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    with journal.alone(tmp_path), pytest.raises(GraderError, match="another run"), journal.alone(tmp_path):
        pass
    monkeypatch.setattr(fcntl, "flock", refuses)
    with journal.alone(tmp_path), journal.alone(tmp_path):
        pass
