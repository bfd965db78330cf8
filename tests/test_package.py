"""What is shipped: the wheel that students install, and the rules between the rooms of the house."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from hatchling.build import build_wheel, build_sdist; print({}(sys.argv[1]))"


def built(function, to):
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(function), str(to)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return to / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with zipfile.ZipFile(built("build_wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


def test_the_wheel_holds_the_grader_alone(wheel):
    names = wheel.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"grader"}
    assert "grader/checker.py" in names
    assert any(name.startswith("grader/report/templates/") for name in names)


def test_no_reference_question_or_case_is_in_any_file_of_the_wheel(wheel):
    texts = [wheel.read(name).decode("utf-8", "replace") for name in wheel.namelist()]
    for path in [*(ROOT / "solutions").glob("*.py"), *(ROOT / "assignments").glob("*/*.py")]:
        lines = [line.strip() for line in path.read_text().splitlines()]
        telling = next((line for line in lines if line.startswith("def ") and line.count(",") >= 2), None)
        assert telling is None or not any(telling in text for text in texts), f"{path.name}: {telling}"


def test_students_need_numpy_and_matplotlib_alone(wheel):
    metadata = next(wheel.read(n).decode() for n in wheel.namelist() if n.endswith("METADATA"))
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert sorted(line.split()[1].split(">")[0] for line in required) == ["matplotlib", "numpy"]


def test_the_source_archive_holds_neither_solutions_nor_assignments(tmp_path):
    with tarfile.open(built("build_sdist", tmp_path)) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert folders <= {"grader", "README.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}


@pytest.mark.slow
def test_a_student_can_check_from_the_wheel_alone(tmp_path):
    """A fresh environment with the wheel and what it requires; no checkout in sight."""
    path = built("build_wheel", tmp_path)
    bundle = tmp_path / "bundle"
    python = str(Path(sys.executable))
    subprocess.run(
        [str(Path(python).parent / "grader"), "release", "04-convolution", "--to", str(bundle)], cwd=ROOT, check=True
    )
    target = tmp_path / "site"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(target)
    code = (
        "import grader, numpy as np\n"
        f"assert grader.__file__.startswith({str(target)!r}), grader.__file__\n"
        "check = grader.Checker('convolution')\n"
        "def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):\n"
        "    return (0, 0)\n"
        "print(check(conv2d_output_size))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [python, "-c", code], cwd=bundle, env=environment, capture_output=True, text=True, check=False
    )
    assert "did not pass" in done.stdout, done.stderr
