"""The command ``autograde``: a class graded once, whatever interrupts it, and the same whoever grades it."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from grader.build import write_build
from grader.cluster import connect
from grader.commands import autograde as commands
from grader.engine import Event
from grader.folders import assignment_version
from grader.grading import Options
from grader.tasks import Task, grade_task, note
from tests.benchmarks.classes import cluster
from tests.grader.course import ANSWERS, command_line, make_course

GRADER = str(Path(sys.executable).parent / "grader")
SLOW = "\nimport time\ntime.sleep(1.5)\n"
SLOW_ONES = {f"slow{i}": ANSWERS + SLOW for i in range(3)}
WRONG = ANSWERS.replace("return helper(x) + y", "return helper(x) - y")


def run(where, *arguments, expect=0):
    if arguments[0] == "autograde" and "--jobs" not in arguments and "--cluster" not in arguments:
        arguments = (*arguments, "--jobs", "1")  # each process costs its start
    done = subprocess.run([GRADER, *arguments], cwd=where, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == expect, f"exit {done.returncode}: {done.stderr}\n{done.stdout}"
    assert "Traceback" not in done.stderr
    return done


def hand_in(course, **texts):
    for student, text in texts.items():
        path = course / "submitted" / student / "01-arithmetic" / "arithmetic.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def comparable(folder):
    """The journal's results without what only the clock decides."""
    found = {}
    for path in sorted(folder.glob("[!.]*.json")):
        data = json.loads(path.read_text())
        data["seconds"] = 0
        for question in data["questions"]:
            question["seconds"] = 0
        found[path.name] = data
    return found


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """The student notebook, built once: each process would have to build it anew."""
    return write_build(make_course(tmp_path_factory.mktemp("built"))).read_text(encoding="utf-8")


@pytest.fixture
def course(tmp_path, notebook):
    return class_in(tmp_path, notebook)


def class_in(place, notebook):
    (make_course(place) / "arithmetic.ipynb").write_text(notebook, encoding="utf-8")
    hand_in(place, ada=ANSWERS, bob=WRONG, cut="def add(x, y:\n", eve=ANSWERS + "\nimport os\nos._exit(0)\n")
    return place


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, notebook):
    """The results, under seed 3, of a class with some slow ones, which nobody disturbed."""
    course = class_in(tmp_path_factory.mktemp("undisturbed"), notebook)
    hand_in(course, **SLOW_ONES)
    run(course, "autograde", "arithmetic", "--seed", "3", "--jobs", "2")
    return comparable(course / "results" / "01-arithmetic")


def test_a_second_run_skips_what_is_the_same_and_grades_what_is_not(course):
    run(course, "autograde", "arithmetic", "--jobs", "2")
    results = course / "results" / "01-arithmetic"
    first = {p.name: p.stat().st_mtime_ns for p in results.glob("[!.]*.json")}
    assert set(first) == {"ada.json", "bob.json", "cut.json", "eve.json"}
    assert "4 journalled before" in run(course, "autograde", "arithmetic").stdout
    hand_in(course, bob=ANSWERS)
    done = run(course, "autograde", "arithmetic")
    assert "1 graded, 3 journalled before" in done.stdout
    assert "bob: add" in done.stdout
    changed = {p.name for p in results.glob("[!.]*.json") if p.stat().st_mtime_ns != first[p.name]}
    assert changed == {"bob.json"}
    (course / "solutions" / "arithmetic.py").open("a").write("\n# another reference\n")
    assert "4 graded" in run(course, "autograde", "arithmetic").stdout


def test_fresh_says_who_changed_and_why_and_keeps_the_old(course):
    run(course, "autograde", "arithmetic", "--only", "bob")
    results = course / "results" / "01-arithmetic"
    before = (results / "bob.json").read_text()
    questions = course / "assignments" / "01-arithmetic" / "questions.py"
    questions.write_text(questions.read_text().replace("value(3)", "value(5)"))
    done = run(course, "autograde", "arithmetic", "--only", "bob", "--fresh")
    assert "bob: add 1/4 -> 1/6 (value 0/5" in done.stdout
    assert (results / ".old" / "1" / "bob.json").read_text() == before
    assert json.loads((results / "bob.json").read_text())["seed"] == json.loads(before)["seed"]


OLD_RESULTS = Path(__file__).parent / "old_results"


@pytest.mark.slow
def test_a_journal_of_an_older_version_is_used_as_it_is_and_graded_again_without_losing_it(course):
    results = course / "results" / "01-arithmetic"
    for path in OLD_RESULTS.glob("*.json"):
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir(parents=True)
        shutil.copy(path, results / "bob.json")
        (results / ".run.json").write_text('{"schema": 1, "assignment": "01-arithmetic", "seed": 7}\n')
        run(course, "export", "csv", str(results))
        assert "bob,01-arithmetic,3.5,4," in (course / "marks.csv").read_text(encoding="utf-8")
        run(course, "report", str(results), "--to", "pages")
        done = run(course, "autograde", "arithmetic", "--only", "bob")
        assert "1 graded" in done.stdout
        assert (results / ".old" / "1" / "bob.json").read_bytes() == path.read_bytes()
        assert json.loads((results / "bob.json").read_text())["points"] == 3.5


def test_a_result_of_a_newer_version_is_graded_again_in_one_line_and_kept(course):
    run(course, "autograde", "arithmetic", "--only", "bob")
    results = course / "results" / "01-arithmetic"
    newer = (results / "bob.json").read_text().replace('"schema": 1', '"schema": 2, "unheard": []', 1)
    (results / "bob.json").write_text(newer)
    refused = run(course, "report", str(results), expect=2).stderr
    assert "bob.json has schema 2, this version reads 1: grade it again" in refused
    assert refused.count("\n") == 1
    done = run(course, "autograde", "arithmetic", "--only", "bob")
    assert "bob: graded again, the old file is in .old/1: " in done.stderr
    assert (results / ".old" / "1" / "bob.json").read_text() == newer
    assert json.loads((results / "bob.json").read_text())["schema"] == 1


def test_events_come_as_json_lines_and_results_do_not_depend_on_jobs_or_order(course):
    done = run(course, "autograde", "arithmetic", "--json-lines", "--seed", "7", "--to", "one", "--jobs", "1")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0] == {"event": "begin", "submissions": 4}
    assert {e["student"] for e in events if e["event"] == "graded"} == {"ada", "bob", "cut", "eve"}
    assert events[-1]["counts"] == {"graded": 4}
    run(course, "autograde", "arithmetic", "--seed", "7", "--to", "two", "--jobs", "2")
    assert comparable(course / "one") == comparable(course / "two")


def test_what_cannot_be_graded_has_a_reason_costs_exit_1_and_nobody_else(course):
    (course / "submitted" / "dora" / "01-arithmetic").mkdir(parents=True)
    (course / "submitted" / "dora" / "01-arithmetic" / "arithmetic.ipynb").write_text('{"cells": [')
    (course / "submitted" / "empty" / "01-arithmetic").mkdir(parents=True)
    done = run(course, "autograde", "arithmetic", expect=1)
    assert "dora: " in done.stderr
    assert "left aside" in done.stderr
    assert "4 graded, 1 could not be graded" in done.stdout
    hand_in(course, dora=ANSWERS)
    (course / "submitted" / "dora" / "01-arithmetic" / "arithmetic.ipynb").unlink()
    run(course, "autograde", "arithmetic")
    assert not list((course / "results" / "01-arithmetic").glob("*.problem"))


def test_each_limit_of_a_run_can_be_set(course):
    greedy = {
        "slow": "import time; time.sleep(0.5)",
        "loud": "return np.zeros(1 << 18)",
        "hungry": "np.empty(1 << 28)",
    }
    hand_in(
        course, **{who: f"{ANSWERS}\n\ndef add(x, y):\n    {what}\n    return x + y\n" for who, what in greedy.items()}
    )

    def statuses(*limits):
        arguments = [a for who in greedy for a in ("--only", who)]
        run(course, "autograde", "arithmetic", "--fresh", *arguments, *limits)
        results = comparable(course / "results" / "01-arithmetic")
        return [results[f"{who}.json"]["questions"][0]["status"] for who in greedy]

    assert statuses() == ["passed", "failed", "passed"]
    assert statuses("--call-seconds", "0.3", "--output", "1") == ["timeout", "memory", "passed"]
    assert statuses("--question-seconds", "0.3", "--memory", "1024") == ["timeout", "failed", "memory"]
    assert statuses("--submission-seconds", "0.4")[0] == "timeout"


def test_an_archive_is_graded_as_it_was_downloaded(course):
    with zipfile.ZipFile(course / "canvas.zip", "w") as packed:
        packed.writestr("lovelaceada_1_2_arithmetic.py", ANSWERS)
        packed.writestr("turingalan_LATE_3_4_arithmetic-1.py", WRONG)
    run(course, "autograde", "arithmetic", "canvas.zip", "--to", "out")
    assert {p.name for p in (course / "out").glob("[!.]*.json")} == {"lovelaceada_1.json", "turingalan_3.json"}


def test_late_hand_ins_lose_what_the_courses_rule_says_on_a_line_of_its_own(course):
    (course / "nbgrader_config.py").write_text(
        "from nbgrader.plugins import LateSubmissionPlugin\n\n\n"
        "class Halves(LateSubmissionPlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return score / 2\n\n\n"
        "c = get_config()\nc.AssignLatePenalties.plugin_class = Halves\n"
    )
    for student, stamp in {"ada": "2026-11-02 12:00:00 UTC", "bob": "2026-11-01 11:59:00 UTC"}.items():
        (course / "submitted" / student / "01-arithmetic" / "timestamp.txt").write_text(stamp)
    run(course, "autograde", "arithmetic", "--due", "2026-11-01T12:00")
    results = comparable(course / "results" / "01-arithmetic")
    penalty = {"name": "late", "points": 3.25, "message": "handed in 1 day after the due date"}
    assert results["ada.json"]["penalties"] == [penalty]
    assert results["ada.json"]["points"] == 6.5
    assert results["bob.json"]["penalties"] == results["eve.json"]["penalties"] == []


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["arithmetic", "nowhere.zip"], "nowhere.zip"),
        (["arithmetic", "questions.zip"], "questions.zip"),
        (["arithmetic", "--course", "nowhere"], "nowhere"),
        (["arithmetic", "--only", "nobody"], "nobody"),
        (["arithmetic", "--due", "tomorrow-ish"], "tomorrow-ish"),
        (["arithmetic", "--to", "questions.zip"], "questions.zip"),
        (["arithmetic", "--cluster", "tcp://127.0.0.1:9"], "127.0.0.1:9"),
        (["arithmetic", "--to", "others"], "02-other"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_exit_2(course, arguments, named):
    if "--cluster" in arguments:
        pytest.importorskip("distributed")
    (course / "questions.zip").write_text("no archive")
    (course / "others").mkdir()
    (course / "others" / ".run.json").write_text('{"seed": 3, "assignment": "02-other"}')
    done = run(course, "autograde", *arguments, expect=2)
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


def begin(course, *arguments):
    return subprocess.Popen(
        [GRADER, "autograde", "arithmetic", "--seed", "3", *arguments],
        cwd=course,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def until_graded(course, started, count):
    """Wait until so many results are journalled; return the processes below."""
    for _ in range(600):
        below = psutil.Process(started.pid).children(recursive=True)
        if len(list((course / "results").rglob("[!.]*.json"))) >= count:
            return below
        time.sleep(0.05)
    raise AssertionError("nothing was graded")


def test_ctrl_c_stops_within_seconds_says_how_to_go_on_and_nothing_is_lost(course, undisturbed):
    hand_in(course, **SLOW_ONES)
    started = begin(course)
    below = until_graded(course, started, 3)
    stopped = time.monotonic()
    started.send_signal(signal.SIGINT)
    _, words = started.communicate(timeout=30)
    assert time.monotonic() - stopped < 5
    assert started.returncode == 130
    assert "the same command goes on from there" in words
    assert words.count("stopped") == 1
    assert not psutil.wait_procs(below, timeout=10)[1]
    run(course, "autograde", "arithmetic", "--seed", "3")
    assert comparable(course / "results" / "01-arithmetic") == undisturbed


@pytest.mark.parametrize("what", ["worker", "template", "terminal", pytest.param("main", marks=pytest.mark.slow)])
def test_whatever_is_killed_nothing_is_lost(course, undisturbed, what):
    hand_in(course, **SLOW_ONES)
    started = begin(course)
    below = until_graded(course, started, 1)
    if what in ("main", "terminal"):
        started.send_signal(signal.SIGKILL if what == "main" else signal.SIGHUP)
    else:
        named = {"worker": "multiprocessing.spawn", "template": "grader.template"}[what]
        next(p for p in below if named in " ".join(command_line(p))).kill()
    started.communicate(timeout=60)
    assert (started.returncode == 0) == (what in ("worker", "template"))
    assert not psutil.wait_procs(below, timeout=20)[1]
    run(course, "autograde", "arithmetic", "--seed", "3")
    assert comparable(course / "results" / "01-arithmetic") == undisturbed
    assert not list(Path(tempfile.gettempdir()).glob(f"grader-{started.pid}-*"))  # students' files among them


def test_a_second_grader_on_the_same_journal_is_refused(course):
    hand_in(course, slow=ANSWERS + SLOW + SLOW.replace("1.5", "8"))
    started = begin(course)
    try:
        until_graded(course, started, 1)
        assert "another run" in run(course, "autograde", "arithmetic", expect=2).stderr
    finally:
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=30)


@pytest.mark.skipif(os.getuid() != 0, reason="mounts a small file system")
def test_a_full_disk_is_one_line_and_nothing_journalled_is_lost(course, tmp_path_factory):
    small = tmp_path_factory.mktemp("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(small)], check=False).returncode:
        pytest.skip("cannot mount here")
    try:
        hand_in(course, **{f"more{i}": ANSWERS for i in range(12)})
        done = run(course, "autograde", "arithmetic", "--seed", "3", "--to", str(small), expect=2)
        assert "No space left" in done.stderr
        assert done.stderr.strip().splitlines()[-1].startswith("grader: cannot write")
        kept = comparable(small)
        assert kept
        shutil.copytree(small, course / "rescued")
        run(course, "autograde", "arithmetic", "--seed", "3", "--to", "rescued")
        run(course, "autograde", "arithmetic", "--seed", "3", "--to", "undisturbed")
        assert comparable(course / "rescued") == comparable(course / "undisturbed")
        assert kept.items() <= comparable(course / "undisturbed").items()
    finally:
        subprocess.run(["umount", str(small)], check=True)


@pytest.mark.slow
def test_a_cluster_of_two_workers_reaches_the_same_results(course):
    pytest.importorskip("distributed")
    hand_in(course, **{f"more{i}": ANSWERS for i in range(6)})
    with cluster(course, workers=2) as dask:
        run(course, "autograde", "arithmetic", "--seed", "3", "--to", "cluster", "--cluster", dask.address)
    run(course, "autograde", "arithmetic", "--seed", "3", "--to", "local")
    assert comparable(course / "cluster") == comparable(course / "local")


@pytest.mark.slow
def test_what_each_worker_of_a_cluster_is_at_is_noted_here(course, tmp_path):
    pytest.importorskip("distributed")
    hand_in(course, slow=ANSWERS + SLOW)
    folder, noted = course / "assignments" / "01-arithmetic", tmp_path / "noted"
    path = course / "submitted" / "slow" / "01-arithmetic" / "arithmetic.py"
    task = Task("slow", str(path), str(folder), Options(seed=3), assignment_version(folder)[:16])
    noted.mkdir()

    def words():
        return {place.read_text() for place in noted.iterdir()}

    with cluster(course, workers=1) as dask, connect(dask.address, noted)[0]() as executor:
        graded = executor.submit(grade_task, task)
        seen = set()
        while not graded.done():
            seen |= words()
            time.sleep(0.05)
        assert graded.result().result.points > 0
        assert "slow\nits cells" in seen
        until = time.monotonic() + 10
        while words() and time.monotonic() < until:
            time.sleep(0.05)
        assert words() == set()


@pytest.mark.slow
def test_what_the_client_of_a_cluster_logs_of_lost_connections_is_not_shown(tmp_path):
    """Which of them is lost first, when a scheduler dies, is a race: all that may complain of it do so here."""
    pytest.importorskip("distributed")
    code = """if True:
        import logging, pathlib
        from grader.cluster import connect
        from grader.errors import GraderError
        try:
            connect("tcp://127.0.0.1:9", pathlib.Path())
        except GraderError as error:
            print(error)
        for name in ("distributed.core", "distributed.client", "tornado.application", "asyncio"):
            try:
                raise OSError("connection reset by peer")
            except OSError:
                logging.getLogger(name).exception("lost")
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("no Dask scheduler answers at tcp://127.0.0.1:9")
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("results", [0, 1])
def test_a_cluster_whose_scheduler_dies_is_one_line_and_nothing_is_lost(course, undisturbed, results):
    """Before anything is graded, and in the midst of it."""
    pytest.importorskip("distributed")
    hand_in(course, **SLOW_ONES)
    with cluster(course, workers=2) as dask:
        started = begin(course, "--cluster", dask.address)
        while not (course / "results" / "01-arithmetic" / ".run.json").exists():
            time.sleep(0.05)
        until_graded(course, started, results)
        dask.scheduler.kill()
        _, words = started.communicate(timeout=60)
    assert started.returncode == 2
    assert words.splitlines()[-1].startswith(f"grader: no Dask scheduler answers at {dask.address}")
    assert "the same command goes on" in words or not results
    assert "Traceback" not in words
    run(course, "autograde", "arithmetic", "--seed", "3")
    assert comparable(course / "results" / "01-arithmetic") == undisturbed


def test_the_time_left_is_that_of_what_is_left_to_grade(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "err", Console(file=io.StringIO(), force_terminal=True))
    display, counts = commands._Terminal("class"), Counter()
    with display.showing(1000, tmp_path):
        for kind in ["skipped"] * 900 + ["graded"] * 4:
            if kind == "graded":
                time.sleep(0.05)
            counts[kind] += 1
            display.event(Event(kind, "one"), counts)
        assert display._bar.tasks[0].completed == 904
        assert display._bar.tasks[0].time_remaining >= 96 * 0.05


def test_a_killed_workers_line_goes_once_its_submission_is_graded_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "err", Console(file=io.StringIO(), force_terminal=True))
    display = commands._Terminal("class")
    note(tmp_path, 1, "one", "add")  # killed, so that nothing takes it back
    note(tmp_path, 2, "two", "add")
    note(tmp_path, 3, "one", "scale")
    with display.showing(2, tmp_path):
        assert [str(line) for line in display._workers()] == ["  one: add", "  two: add", "  one: scale"]
        display.event(Event("graded", "one"), Counter(graded=1))
        assert [str(line) for line in display._workers()] == ["  two: add"]
