"""How Sphinx builds the lectures: executes them, and makes a site that needs no network."""

import re
import shutil
from pathlib import Path

from docutils import nodes

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


def hold_together(app, doctree):
    """Let no line break between a formula and the full stop behind it, where browsers allow one."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and (stop := re.match(r"[.,;:!?)]+", after.astext())):
            after.parent.replace(after, nodes.Text(after.astext()[stop.end() :]))
            held = nodes.inline(classes=["held-together"])
            formula.replace_self(held)
            held += [formula, nodes.Text(stop[0])]


def add_slides(app, pagename, templatename, context, doctree):
    """Let a lecture's page, and no other, turn into slides."""
    if re.fullmatch(r"\d\d-[\w-]+", pagename):
        app.add_js_file("slides.js", loading_method="defer")
        app.add_css_file("slides.css")


def setup(app):
    """Register the steps above."""
    app.connect("builder-inited", gather)
    app.connect("doctree-read", hold_together)
    app.connect("html-page-context", add_slides)
