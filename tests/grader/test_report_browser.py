"""The pages in a real browser: they open at once, sort by keyboard, fit a phone, keep their contrast, print whole."""

import shutil
import subprocess
from dataclasses import replace

import pytest

from grader.report import page_of, write_report
from tests.grader.browser import MISSING, browser
from tests.grader.classmates import PROBLEMS, classmates, sources
from tests.grader.test_report import PICTURED, TITLE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
ENTER, TAB = "\ue007", "\ue004"
STUDENT = "Nguyễn, Thị Minh Khai"
# The contrast of every piece of text with what lies behind it (WCAG 2.2, "Contrast (Minimum)"), the worst first.
CONTRASTS = """
const channels = (text) => text.match(/[\\d.]+/g).map(Number);
const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
function ground(element) {
  for (let e = element; e; e = e.parentElement) {
    const colour = channels(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
}
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest("svg, script, .aside") || !element.checkVisibility()) continue;
  const pair = [luminance(channels(getComputedStyle(element).color)), luminance(ground(element))].sort((a, b) => b - a);
  found.push([(pair[0] + 0.05) / (pair[1] + 0.05), walker.currentNode.data.trim().slice(0, 40)]);
}
return found.sort((a, b) => a[0] - b[0]).slice(0, 3);
"""
NAMES = "return [...document.querySelector('table.students').tBodies[0].rows].map(r => r.cells[0].textContent.trim())"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    to = tmp_path_factory.mktemp("pages")
    write_report([*classmates(), PICTURED], to, assignment=TITLE, sources=sources(), problems=PROBLEMS)
    return to


def test_tables_are_sorted_by_keyboard_and_say_so(session, folder):
    session.open(folder / "index.html")
    before = session.run(NAMES)
    session.run("document.querySelector('table.students th[data-sort=number] button').focus()")
    session.press(ENTER)
    after = session.run(NAMES)
    assert sorted(after) == sorted(before)
    assert after != before
    values = "return [...document.querySelector('table.students').tBodies[0].rows].map(r => +r.cells[1].dataset.value)"
    assert session.run(values) == sorted(session.run(values), reverse=True)
    session.press(ENTER)
    assert session.run(values) == sorted(session.run(values))
    state = "return document.activeElement.closest('th').getAttribute('aria-sort')"
    assert session.run(state) == "ascending"
    session.press(TAB)
    assert session.run("return document.activeElement.tagName") == "BUTTON"
    assert session.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_the_screen_and_text_stands_out(session, folder, width, scheme):
    for page in (folder / "index.html", page_of(folder, STUDENT), page_of(folder, "Ada")):
        session.open(page, width=width, scheme=scheme)
        assert session.run("return document.documentElement.scrollWidth") <= width, page.name
        worst = session.run(CONTRASTS)
        assert worst[0][0] >= 4.5, (page.name, worst)
        assert session.complaints() == []


def test_the_code_stands_beside_the_verdicts_where_there_is_room(session, folder):
    place = "const b = document.querySelector('.beside .{}').getBoundingClientRect(); return [b.left, b.right, b.top]"
    session.open(page_of(folder, STUDENT), width=1440)
    verdicts, code = (session.run(place.replace("{}", name)) for name in ("criteria", "source"))
    assert verdicts[1] <= code[0]
    session.open(page_of(folder, STUDENT), width=390)
    verdicts, code = (session.run(place.replace("{}", name)) for name in ("criteria", "source"))
    assert verdicts[2] < code[2]


def test_what_is_folded_in_code_is_printed_and_who_made_a_mistake_is_not(session, folder, tmp_path):
    if shutil.which("pdftotext") is None:
        pytest.skip("not installed: pdftotext")

    def text(page):
        session.open(page)
        (tmp_path / "page.pdf").write_bytes(session.printed())
        done = subprocess.run(["pdftotext", tmp_path / "page.pdf", "-"], check=True, capture_output=True, text=True)
        return done.stdout

    assert "def pad2d" in text(page_of(folder, STUDENT))  # right, and so folded on the screen
    printed = text(folder / "index.html")
    mistakes = printed[printed.index("What the class misunderstood") :]
    assert "Emmy Noether" not in mistakes[: mistakes.index("First reason")]


def test_the_page_of_500_students_opens_in_under_a_second(session, tmp_path):
    mates = classmates()
    many = [replace(mates[n % len(mates)], student=f"{mates[n % len(mates)].student} {n}") for n in range(500)]
    index = write_report(many, tmp_path, assignment=TITLE)
    took = []
    for _ in range(5):
        session.open(index)
        took.append(session.run("return performance.getEntriesByType('navigation')[0].loadEventEnd"))
    assert min(took) < 1000, took
