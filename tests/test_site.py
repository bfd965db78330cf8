"""The lectures' site, built as `make lectures` builds it: every cell runs, every link leads somewhere, offline."""

import importlib.util
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
LECTURES = sorted(page.stem for page in (ROOT / "lectures").glob("[0-9][0-9]-*.md"))
NEEDED = ("sphinx", "myst_nb", "sphinx_design", "furo", "sphinx-mathjax-offline")
ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"needs the extra `lectures`: {', '.join(ABSENT)}"),
    pytest.mark.xdist_group("site"),  # one worker, so that the lectures are executed once
]


class Page(HTMLParser):
    """A built page: where its links lead, what it loads, which anchors and pictures it has."""

    def __init__(self, path):
        super().__init__()
        self.path, self.links, self.loads, self.anchors, self.pictures = path, [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif address := found.get("src") or (tag == "link" and found.get("href")):
            self.loads.append(address)
            if tag == "img":
                self.pictures.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site. An assertion that fails in a lecture's cell, or a warning, fails here."""
    to = tmp_path_factory.mktemp("site")
    command = ["sphinx.cmd.build", "-q", "-E", "-W", "--keep-going", "-b", "html", "lectures", str(to)]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return to


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


def test_every_link_and_anchor_within_the_site_leads_somewhere(site, pages):
    seen, dead = 0, []
    for page in pages.values():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            seen += 1
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            known = target.is_file() and target.is_relative_to(site.resolve())
            # Sphinx's "#" leads to the top of a page.
            if not known or (parts.fragment and unquote(parts.fragment) not in pages[target].anchors):
                dead.append(f"{page.path.relative_to(site)}: {link}")
    assert dead == []
    assert seen > 1000


def test_nothing_is_loaded_from_elsewhere(pages):
    elsewhere = {link for page in pages.values() for link in page.loads if urlsplit(link).scheme not in ("", "data")}
    assert elsewhere == set()


def test_every_lecture_draws_at_least_two_figures(site, pages):
    for lecture in LECTURES:
        assert len(set(pages[site / f"{lecture}.html"].pictures)) >= 2, lecture


def test_the_documents_lead_to_the_notebooks_pages_and_to_copies_of_files(site, pages):
    assert "../notebooks/04-convolution.html" in pages[site / "docs" / "teach-with-it.html"].links
    copies = [link for link in pages[site / "docs" / "contribute.html"].links if link.endswith("/examine.py")]
    assert len(copies) == 1
    copy = site / "docs" / copies[0]
    assert copy.read_bytes() == (ROOT / "grader" / "examine.py").read_bytes()
