"""How Sphinx builds the lectures: executes them, and makes a site that needs no network."""

import re
import shutil
from pathlib import Path

from grader.build import build, dumps

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "Stencil"
author = "The Stencil authors"
copyright = "The Stencil authors"  # the name that Sphinx reads
language = "en"

# sphinx-mathjax-offline carries MathJax along, so formulas are set without a network.
extensions = ["myst_nb", "sphinx_design", "sphinx-mathjax-offline"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

nb_execution_mode = "force"
nb_execution_excludepatterns = ["notebooks/*"]  # their cells wait for a student
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_number_source_lines = False
nb_merge_streams = True
suppress_warnings = ["toc.glob"]  # there may be no docs/ yet

html_theme = "furo"
html_title = "Stencil: convolutional networks by hand"
html_static_path = ["_static"]
html_css_files = ["lectures.css"]
html_show_sphinx = False
html_copy_source = False


def lead_on(link):
    """Where a link from docs/ into the repository leads on this site: a notebook's page, a file's copy, nowhere."""
    text, path = link.groups()
    if notebook := re.fullmatch(r"assignments/(.+)/notebook\.md", path):
        return f"[{text}](../notebooks/{notebook[1]}.ipynb)"
    # Sphinx copies a file, not a folder; the text of a link to a folder is the folder's name.
    return f"{{download}}`{text.strip('`')} <../../{path}>`" if (ROOT / path).is_file() else text


def gather(app):
    """Put docs/*.md and the students' notebooks beside the lectures: Sphinx reads one folder only."""
    docs, notebooks = HERE / "docs", HERE / "notebooks"
    for place in (docs, notebooks):
        shutil.rmtree(place, ignore_errors=True)
    if (ROOT / "docs").is_dir():
        shutil.copytree(ROOT / "docs", docs)
    for page in docs.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(re.sub(r"\[([^\]]+)\]\(\.\./([^)]+)\)", lead_on, text), encoding="utf-8")
    notebooks.mkdir()
    for source in sorted((ROOT / "assignments").glob("*/notebook.md")):
        folder = source.parent
        (notebooks / f"{folder.name}.ipynb").write_text(dumps(build(folder)), encoding="utf-8")


def setup(app):
    """Register the step above."""
    app.connect("builder-inited", gather)
