"""The bundle as a site for the browser: what a student opens, and nothing of the instructor's."""

import importlib.util
import json

import pytest

from grader.errors import GraderError
from grader.lite import build_site
from grader.release import release
from tests.grader.course import make_course

needs_jupyterlite = pytest.mark.skipif(
    importlib.util.find_spec("jupyterlite_pyodide_kernel") is None, reason="needs the extra `lite`"
)


@pytest.mark.slow
@needs_jupyterlite
def test_the_site_holds_the_bundle_what_a_notebook_imports_and_one_kernel(tmp_path):
    files = release(make_course(tmp_path / "course"), tmp_path / "bundle")
    site = build_site(files, tmp_path / "bundle" / "site")
    shown = site / "files"
    assert {p.name for p in shown.iterdir()} == {p.name for p in files} | {"grader"}
    for file in files:
        assert (shown / file.name).read_bytes() == file.read_bytes()
    modules = {p.relative_to(shown).as_posix() for p in shown.rglob("*.py")}
    assert {"grader/checker.py", "grader/student/card.py"} <= modules
    assert not modules & {"grader/grading.py", "grader/release.py", "grader/cli.py"}
    configuration = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]
    assert [e["name"] for e in configuration["federated_extensions"]] == ["@jupyterlite/pyodide-kernel-extension"]
    for page in site.rglob("*.json"):
        assert str(tmp_path) not in page.read_text(encoding="utf-8", errors="replace")
    assert build_site(files, site) == site  # a site is replaced


@needs_jupyterlite
def test_a_folder_that_is_no_site_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(GraderError, match="holds something else than a site"):
        build_site([], tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@needs_jupyterlite
def test_a_folder_that_is_no_pyodide_is_refused_in_one_line(tmp_path):
    with pytest.raises(GraderError, match=r"is no Pyodide distribution: it holds no pyodide\.mjs"):
        build_site([], tmp_path / "site", pyodide=tmp_path)


def test_without_jupyterlite_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(GraderError, match=r"python -m pip install 'stencil-cnn\[lite\]'"):
        build_site([], tmp_path / "site")
