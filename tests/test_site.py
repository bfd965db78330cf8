"""The lectures' site, built as `make lectures` builds it: every cell runs, every link leads somewhere, offline."""

import fcntl
import importlib.util
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.grader.browser import MISSING, browser

ROOT = Path(__file__).parents[1]
LECTURES = sorted(page.stem for page in (ROOT / "lectures").glob("[0-9][0-9]-*.md"))
NEEDED = ("sphinx", "myst_nb", "sphinx_design", "furo", "sphinx-mathjax-offline")
ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"needs the extra `lectures`: {', '.join(ABSENT)}"),
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
def site(tmp_path_factory, worker_id):
    """The folder of the built site. An assertion that fails in a lecture's cell, or a warning, fails here.

    A build writes `lectures/docs` and `lectures/notebooks`, so one at a time; the first of the run serves all workers.
    (A mark that keeps these tests on one worker would not do: pytest-xdist 3.8 loses its groups under pytest 9.2,
    https://github.com/pytest-dev/pytest-xdist/issues/1386.)
    """
    base = tmp_path_factory.getbasetemp()
    to = (base if worker_id == "master" else base.parent) / "site"
    built = to.with_suffix(".built")
    command = ["sphinx.cmd.build", "-q", "-E", "-W", "--keep-going", "-b", "html", "lectures", str(to)]
    lectures = os.open(ROOT / "lectures", os.O_RDONLY)
    try:
        fcntl.flock(lectures, fcntl.LOCK_EX)
        if not built.exists():
            done = subprocess.run(
                [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
            )
            assert done.returncode == 0, done.stderr[-4000:]
            built.touch()
    finally:
        os.close(lectures)
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


needs_browser = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
RIGHT, LEFT, HOME, END, ESCAPE = "\ue014", "\ue012", "\ue011", "\ue010", "\ue00c"
COUNT = "return document.body.matches('.packing') ? 0 : document.querySelectorAll('#deck section').length"
# What is wrong with a slide once its answers are unfolded: it overflows, or is too small to be read from the last row.
SPOILT = """
const found = [];
document.querySelectorAll('#deck section').forEach((slide, i) => {
  slide.style.display = 'flex';
  slide.querySelectorAll('details').forEach((answer) => (answer.open = true));
  const body = slide.querySelector('.body');
  if (!slide.matches('.title') && body.scrollHeight > body.clientHeight + 1) found.push(`${i + 1}: too high`);
  for (const e of [body, ...body.querySelectorAll('table, pre, mjx-container[display]')])
    if (e.scrollWidth > body.clientWidth + 1) found.push(`${i + 1}: too wide: ${e.tagName} ${e.scrollWidth}`);
  for (const e of slide.querySelectorAll('.body p, .body li, mjx-container'))
    if (parseFloat(getComputedStyle(e).fontSize) < 18) found.push(`${i + 1}: ${e.textContent}`);
  for (const e of slide.querySelectorAll('img')) {
    const high = e.getBoundingClientRect().height;
    if (!e.naturalWidth || high < 150) found.push(`${i + 1}: a figure ${high} high`);
  }
  slide.querySelectorAll('details').forEach((answer) => (answer.open = false));
  slide.style.display = '';
});
return found;
"""
FORMULAS_SET = "return [...document.querySelectorAll('.math')].every((e) => e.querySelector('mjx-container'))"
# What runs out of the screen without a way to scroll there; on a wide screen, every formula that has to scroll.
CUT_OFF = """
const scrolls = (e) => e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
const wide = (e) => e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement);
const formulas = innerWidth < 600 ? [] : [...document.querySelectorAll('article mjx-container[display]')];
return [
  ...[...document.querySelectorAll('article *')].filter(wide),
  ...formulas.filter((e) => e.scrollWidth > e.clientWidth + 1),
].map((e) => e.closest('section').id);
"""
GROUNDS = "return [...document.querySelectorAll('.cell_output img')].map((e) => getComputedStyle(e).backgroundColor)"
# What the page says and shows outside of its code, and the slides do not.
LEFT_OUT = r"""
const words = (element) => element.textContent.replace(/[\\s¶]/g, '');
const all = (selector) => [...document.querySelectorAll(selector)].map(words);
const said = all('#deck :is(h1, h2, h3)').join(' ') + all('#deck .body').join('');
const page = [...document.querySelectorAll('.content article :is(h1, h2, h3, p, li, td)')];
const pictures = (part) => document.querySelectorAll(part + ' img').length;
return [
  ...page.filter((e) => !e.matches('.to-slides, .cell *') && !said.includes(words(e))).map((e) => e.textContent),
  ...(pictures('.content article') === pictures('#deck') ? [] : ['a figure']),
];
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


def awaited(session, script):
    """What a script returns, once it is true; its last answer if it never is."""
    end = time.monotonic() + 20
    while not (answer := session.run(script)) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


def opened(session, page):
    """Open a lecture's slides; return how many they are."""
    session.open(page)
    session.run("location.hash = '#slides'")
    return awaited(session, COUNT)


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_fit_the_screen_and_figures_stay_on_white(session, site, width, scheme):
    for name in ["index", *LECTURES, "docs/teach-with-it", "docs/how-the-grader-thinks"]:
        page = site / f"{name}.html"
        session.open(page, width=width, scheme=scheme)
        session.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert awaited(session, FORMULAS_SET), page.name
        assert session.run("return document.documentElement.scrollWidth") <= width, page.name
        assert session.run(CUT_OFF) == [], page.name
        assert set(session.run(GROUNDS)) <= {"rgb(255, 255, 255)"}, page.name


@needs_browser
@pytest.mark.parametrize("lecture", LECTURES)
def test_a_lectures_slides_hold_all_of_it_at_reading_size(session, site, lecture):
    assert opened(session, site / f"{lecture}.html") >= 12
    assert session.run(SPOILT) == []
    assert session.run(LEFT_OUT) == []
    unset = (
        "return [...document.querySelectorAll('#deck .math')].filter((e) => !e.querySelector('mjx-container')).length"
    )
    assert session.run(unset) == 0
    assert session.complaints() == []  # nothing was asked of a network


@needs_browser
def test_the_keys_turn_the_slides_and_unfold_an_answer_first(session, site):
    count = opened(session, site / "06-pooling.html")
    place = "return document.querySelector('#deck output').value"
    assert session.run(place) == f"1 / {count}"
    session.press(RIGHT, RIGHT, LEFT)
    assert session.run(place) == f"2 / {count}"
    session.press(END)
    assert session.run(place) == f"{count} / {count}"
    quiz = "return [...document.querySelectorAll('#deck section')].findIndex((s) => s.querySelector('details')) + 1"
    number = session.run(quiz)
    session.press(HOME, *[RIGHT] * (number - 1))
    unfolded = "return document.querySelector('#deck .now details').open"
    assert session.run(unfolded) is False
    session.press(RIGHT)
    assert session.run(unfolded) is True
    assert session.run(place) == f"{number} / {count}"
    session.press(RIGHT)
    assert session.run(place) == f"{number + 1} / {count}"
    session.press(ESCAPE)
    assert session.run("return document.querySelector('#deck').checkVisibility()") is False


@needs_browser
def test_printed_slides_are_a_handout_of_one_slide_a_page(session, site):
    count = opened(session, site / "06-pooling.html")
    assert len(re.findall(rb"/Type /Page\b", session.printed())) == count
