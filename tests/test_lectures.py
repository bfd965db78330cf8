"""The sources of the lectures: clean code, links that lead somewhere. `test_site.py` executes them."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).parents[1]
LECTURES = sorted((ROOT / "lectures").glob("[0-9][0-9]-*.md"))
PAGES = [ROOT / "lectures" / "index.md", *LECTURES]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def _names(paths):
    return [path.stem for path in paths]


@pytest.mark.parametrize("page", PAGES, ids=_names(PAGES))
def test_the_links_within_the_site_lead_to_pages_that_exist(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert links
    for link in links:
        path = link.split("#")[0]
        notebook = re.fullmatch(r"notebooks/(.+)\.ipynb", path)
        # The site's builder makes the notebooks from the assignments' folders.
        target = ROOT / "assignments" / notebook[1] / "notebook.md" if notebook else page.parent / path
        assert target.is_file(), f"{page.name} links to {link}"


def test_the_index_lists_every_lecture():
    index = (ROOT / "lectures" / "index.md").read_text(encoding="utf-8")
    assert all(f"({lecture.name})" in index for lecture in LECTURES)


def test_the_code_of_the_lectures_is_as_clean_as_the_rest(tmp_path):
    for page in LECTURES:
        jupytext.write(jupytext.read(page), tmp_path / f"{page.stem}.ipynb")
    house = ["--no-cache", "--config", str(ROOT / "pyproject.toml"), "--config", f"src = ['{ROOT}']"]
    notebooks = sorted(map(str, tmp_path.iterdir()))
    # What draws a figure needs no docstring: its caption follows.
    for command in (["check", "--extend-ignore", "D103", "--output-format", "concise"], ["format", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *house, *notebooks], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
