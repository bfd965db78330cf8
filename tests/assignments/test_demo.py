"""The demo as a newcomer runs it: right styles keep all marks, mistakes are named, trouble gains nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RIGHT = ("loops", "einsum-taps", "stride-tricks", "lists", "single-precision", "floods-its-output", "moved-the-checks")
NAMED = {
    "flipped-kernel": "true-convolution",
    "not-flipped": "not-flipped",
    "bias-forgotten": "bias-forgotten",
    "gradient-overwritten": "dx-overwritten-by-filters",
}
TROUBLE = ("runs-for-ever", "ends-the-process", "patches-numpy")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    to = tmp_path_factory.mktemp("demo")
    command = [str(Path(sys.executable).parent / "grader"), "demo", "--to", str(to)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    results = {p.stem: json.loads(p.read_text()) for p in (to / "results").glob("*.json")}
    return to, done, results


@pytest.mark.slow
def test_the_demo_marks_its_class_as_it_deserves(demo):
    _, _, results = demo
    full = results["loops"]["max_points"]
    assert {name: results[name]["points"] for name in RIGHT} == dict.fromkeys(RIGHT, full)
    for name, mistake in NAMED.items():
        assert results[name]["points"] < full
        assert [d["name"] for q in results[name]["questions"] for d in q["diagnosis"]] == [mistake]
    last = results["loops"]["questions"][-1]["max_points"]
    assert {name: results[name]["points"] for name in TROUBLE} == dict.fromkeys(TROUBLE, full - last)
    assert results["blank"]["points"] == 0


@pytest.mark.slow
def test_the_demo_says_where_everything_is_and_what_could_not_be_graded(demo):
    to, done, results = demo
    assert "cut-off" not in results
    assert "cut off" in " ".join(done.stdout.split())
    assert (to / "report" / "index.html").is_file()
    assert {p.stem for p in (to / "report" / "students").glob("*.html")} == set(results)
    assert done.stderr == ""
