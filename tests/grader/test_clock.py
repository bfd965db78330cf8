"""The clock on the wall may jump by hours in the middle of a run: nothing ends too early, nothing is graded twice."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.build import write_build
from tests.grader.course import ANSWERS, make_course
from tests.grader.preloaded import environment_with
from tests.grader.test_autograde import GRADER, SLOW, WRONG, comparable, hand_in, run

ROOT = Path(__file__).resolve().parents[2]
WALL = {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "now", "utcnow", "today", "st_mtime", "getmtime"}

# Preloaded, it moves a process's wall clock as an administrator's `date` would; the steady clock goes on.
JUMPING = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const long HOURS[] = {7, -9, 9600, -3};

int clock_gettime(clockid_t clock, struct timespec *now) {
    struct timespec steady;
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &steady);
        now->tv_sec += 3600 * HOURS[(steady.tv_sec * 5 + steady.tv_nsec / 200000000) % 4];
    }
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""


def test_the_grader_never_asks_what_time_it_is():
    """Deadlines are of `time.monotonic`; due dates and time stamps come from files that name them."""
    asked = []
    for path in (ROOT / "grader").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in WALL:
                asked.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                asked += [f"{path.relative_to(ROOT)}:{node.lineno}" for a in node.names if a.name in WALL]
    assert asked == []


@pytest.fixture(scope="module")
def jumping(tmp_path_factory):
    """An environment in which the wall clock jumps forth and back by hours, five times a second."""
    environment = environment_with(tmp_path_factory.mktemp("clock"), JUMPING)
    told = [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"]
    wall, steady = map(float, subprocess.check_output(told, env=environment, text=True).split())
    assert abs(wall - time.time()) > 3600
    assert abs(steady - time.monotonic()) < 60
    return environment


@pytest.fixture
def course(tmp_path):
    write_build(make_course(tmp_path))
    hand_in(tmp_path, ada=ANSWERS, bob=WRONG, **{f"slow{i}": ANSWERS + SLOW for i in range(3)})
    hand_in(tmp_path, eve=ANSWERS + "\nimport os\nos._exit(0)\n", endless=ANSWERS + "\nwhile True:\n    pass\n")
    for student, stamp in {"ada": "2026-11-02 12:00:00 UTC", "bob": "2026-11-01 11:59:00 UTC"}.items():
        (tmp_path / "submitted" / student / "01-arithmetic" / "timestamp.txt").write_text(stamp)
    (tmp_path / "nbgrader_config.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n\n\n"
        "class Halves(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return score / 2\n\n\n"
        "c = get_config()\nc.AssignLatePenalties.plugin_class = Halves\n"
    )
    return tmp_path


GRADE = ["autograde", "arithmetic", "--seed", "3", "--due", "2026-11-01T12:00", "--time-factor", "0.2"]


def faked(course, environment, *arguments):
    done = subprocess.run(
        [GRADER, *arguments], cwd=course, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_clock_that_jumps_by_hours_changes_no_result_and_makes_none_stale(course, jumping):
    run(course, *GRADE, "--to", "undisturbed")
    run(course, "export", "csv", "undisturbed", "--to", "undisturbed.csv")
    assert "7 graded in" in faked(course, jumping, *GRADE, "--to", "jumped", "--jobs", "2")
    assert comparable(course / "jumped") == comparable(course / "undisturbed")
    assert comparable(course / "jumped")["ada.json"]["penalties"]
    written = {p.name: p.stat().st_mtime_ns for p in (course / "jumped").glob("[!.]*.json")}
    assert "7 journalled before" in faked(course, jumping, *GRADE, "--to", "jumped", "--jobs", "2")
    assert written == {p.name: p.stat().st_mtime_ns for p in (course / "jumped").glob("[!.]*.json")}
    faked(course, jumping, "export", "csv", "jumped", "--to", "jumped.csv")
    assert (course / "jumped.csv").read_text() == (course / "undisturbed.csv").read_text()
    faked(course, jumping, "report", "jumped", "--to", "pages")
    assert len(list((course / "pages").rglob("*.html"))) == 8
