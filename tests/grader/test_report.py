"""Pages of a class that a page must survive: what they say, what they never say, and that they are sound HTML."""

import base64
import hashlib
import re
import subprocess
import sys
import urllib.parse
from dataclasses import asdict, replace
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest

from grader.errors import GraderError
from grader.questions import Assignment, Case, Manual, Question, Reading, value
from grader.read import Cell
from grader.report import class_page as render_class
from grader.report import page_of, student_page, write_report
from grader.report.classroom import distribution, question_rows
from grader.report.pictures import figure
from grader.report.similarity import near_identical, shape
from grader.report.words import STATUS_WORDS, number, visible
from grader.results import STATUSES, CriterionResult, Evidence, Panel, Penalty
from tests.grader.classmates import (
    CELLS,
    LONG,
    MARKUP,
    OVERRIDE,
    PROBLEMS,
    RIGHT_TO_LEFT,
    SCRIPT,
    classmates,
    question,
    result,
    sources,
)

TITLE = "Convolution by hand"
PANELS = (
    Panel("expected", ((65.0, -0.5), (None, 2e-9)), ((0, 0),), "[0, 1, :, :]"),
    Panel("yours", ((-65.0, 1234.5), (0.0, 2.0)), ((0, 0),), "[0, 1, :, :]"),
    Panel("what it reads of x", ((1.0, 2.0, 3.0),), ((0, 0), (0, 1))),
)
SLOPES = (Panel("dx", ((24.0, -55.0),)), Panel(f"d{MARKUP}", ((None, 3.5),)))
PICTURED = replace(
    result("Ada"),
    questions=(
        replace(
            question("pad2d", {"value: zeros": "pad2d: wrong", "value: reflect": "pad2d: wrong as well"}),
            criteria=(
                CriterionResult("value", 0.0, 1.0, False, "off", Evidence("values", f"{MARKUP}, the output", PANELS)),
                CriterionResult("consistency", 0.0, 1.0, False, "no slope", Evidence("slopes", "pad2d", SLOPES)),
            ),
        ),
    ),
    penalties=(Penalty("late", 2.5, "two days late, 5 % a day"),),
    points=10.0,
)
INLINE = {"a", "b", "bdi", "code", "span", "strong", "wbr"}
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "col"}


class Page(HTMLParser):
    """A page as a browser would see it: its elements, its text, and whether its tags are balanced."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.raw: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in INLINE:
            self.words.append(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.raw if self.open and self.open[-1] in ("style", "script") else self.words).append(data)

    @property
    def text(self):
        return "".join(self.words)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, attribute):
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    to = tmp_path_factory.mktemp("report")
    write_report(classmates(), to, assignment=TITLE, sources=sources(), problems=PROBLEMS)
    return to


@pytest.fixture(scope="module")
def pages(folder):
    return {path: Page(path.read_text("utf-8")) for path in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="module")
def class_page(folder, pages):
    return pages[folder / "index.html"]


def of(student, **changes):
    found = next(r for r in classmates() if r.student == student)
    return Page(student_page(replace(found, **changes), TITLE, CELLS))


def without_space(text):
    return " ".join(text.split())


# What the pages say


def test_every_reason_hint_and_note_stands_on_the_students_page(folder, pages):
    for r in classmates():
        text = pages[page_of(folder, r.student)].text
        said = [c.message for q in r.questions for c in q.criteria]
        said += [d.hint for q in r.questions for d in q.diagnosis] + list(r.notes)
        for sentence in said:
            assert visible(sentence) in text


def test_every_criterion_stands_with_its_share(folder, pages):
    r = next(r for r in classmates() if r.student == "Sofja Kowalewskaja")
    text = without_space(pages[page_of(folder, r.student)].text)
    assert "value: same, even kernels right under another convention" in text
    assert "Right under another convention: same-padding-left-heavy" in text
    assert "0.5 of 1" in text
    assert f"{number(r.points)} of {number(r.max_points)} points" in text


def test_every_status_has_its_words():
    assert tuple(STATUS_WORDS) == STATUSES


def test_a_reason_that_all_criteria_share_is_said_once():
    assert of("Tim Owt").text.count("is there a loop that never ends?") == len(result("").questions)
    assert of("Emmy Noether").text.count("31 of 36 entries are off") == 1  # two criteria
    assert of("Nguyễn, Thị Minh Khai").text.count("conv2d_backward is not written yet") == 3  # of four reasons


def test_nothing_is_added_to_the_numbers_of_a_result():
    def numbers(text):
        return set(re.findall(r"\d+(?:\.\d+)?", text))

    def told(value):
        if isinstance(value, dict):
            return set().union(*(told(v) for v in value.values()), *(told(k) for k in value))
        if isinstance(value, list | tuple):
            return set().union(*map(told, value))
        if isinstance(value, str):
            return numbers(visible(value))
        return set() if value is None else numbers(number(value)) | numbers(figure(value))

    for r in [*classmates(), PICTURED]:
        page = Page(student_page(r, TITLE))
        assert numbers(page.text) <= told({**asdict(r), "total": r.total}) | {"256"}  # of "sha256"


def test_a_students_page_names_nobody_else_and_leads_nowhere(folder, pages):
    names = [visible(r.student) for r in classmates()] + list(PROBLEMS)
    for r in classmates():
        page = pages[page_of(folder, r.student)]
        assert all(link.startswith("#") for link in page.values("href"))
        assert {n for n in names if n in page.text} == {visible(r.student)}


def test_the_class_page_lists_every_student_with_a_link_that_leads_to_the_page(folder, class_page):
    for r in classmates():
        assert visible(r.student) in class_page.text
    assert PROBLEMS["Mia Truncated"] in class_page.text
    links = {urllib.parse.unquote(link) for link in class_page.values("href") if not link.startswith("#")}
    assert {(folder / link).resolve() for link in links} == {
        p.resolve() for p in folder.rglob("*.html") if p.name != "index.html"
    }


def test_who_needs_a_person_is_told_with_the_reason(class_page):
    text = without_space(class_page.text)
    section = text[text.index("Submissions that need a person") : text.index("At a glance")]
    assert f"Tim Owt {PROBLEMS['Tim Owt']}; not finished in time: every question" in section
    assert "Zhang Wei 张伟 ran out of memory: conv2d" in section
    assert "Ada" not in section


def test_mistakes_are_counted_once_a_student_and_the_commonest_comes_first(class_page):
    text = without_space(class_page.text)
    table = text[text.index("What the class misunderstood") : text.index("First reason")]
    assert "3 flipped-kernel in cross_correlate2d" in table
    assert "2 stride-ignored-in-dx in conv2d" in table
    assert table.index("flipped-kernel") < table.index("stride-ignored-in-dx") < table.index("same-padding")
    assert f"Who Emmy Noether {RIGHT_TO_LEFT} فاطمة" in table


def test_grading_without_isolation_is_told_in_red():
    assert {"class": "danger"} not in of("Ada Lovelace").all("p")
    for sandbox in ((), ("separate process", "resource limits")):
        page = of("Ada Lovelace", sandbox=sandbox)
        assert {"class": "danger"} in page.all("p")
        assert "Graded without isolation" in page.text
    assert "Graded without isolation" not in of("Ada Lovelace", sandbox=("container (podman 5.1)",)).text


def test_the_cell_and_the_line_that_a_verdict_names_are_marked():
    page = of("Nguyễn, Thị Minh Khai")
    figures = [f["class"] for f in page.all("figure")]
    # conv2d_output_size and pad2d are right; the forward and the backward both lost points; the imports are no answer.
    assert figures == ["code", "code", "code failing", "code failing", "code"]
    lines = [s["class"] for s in page.all("span") if s.get("class", "").startswith("line")]
    assert [i for i, name in enumerate(lines) if "marked" in name] == [2 + 2 + 8]


def test_only_the_function_that_lost_points_is_marked():
    page = of("Emmy Noether")  # stride ignored in the backward
    assert [f["class"] for f in page.all("figure")] == ["code", "code", "code", "code failing", "code"]


def test_a_function_belongs_to_the_question_that_has_it_whatever_it_is_called():
    layer = Question(
        "pool",
        {"avg_forward": np.mean, "avg_backward": np.mean},
        (Case("one", (np.ones(1),)),),
        lambda rng: [],
        (value(1),),
    )
    r = replace(result("Ada"), questions=(replace(question("pad2d"), name="pool"),))
    cells = (Cell(3, "a", "def avg_forward(x): ...", "avg_forward"), Cell(4, "b", "helper = 1"))
    page = Page(student_page(r, Assignment("05-pooling", "Pooling", (layer,)), cells))
    assert "Cell 3 · avg_forward" in without_space(page.text[: page.text.index("The rest of your code")])
    assert "helper = 1" in page.text[page.text.index("The rest of your code") :]


def test_code_is_shown_as_it_was_written():
    page = of("Ada Lovelace")
    for cell in CELLS:
        assert visible(cell.source.rstrip("\n")) in page.text


def test_an_endless_cell_is_cut_and_the_page_says_so():
    cells = (Cell(1, "a", "x = '" + "(" * 200_000, "pad2d"),)
    text = student_page(result("Ada"), TITLE, cells)
    assert len(text) < 100_000
    assert "longer than what is shown" in Page(text).text


def test_a_picture_shows_expected_and_got_and_says_in_words_what_the_eye_sees():
    page = Page(student_page(PICTURED, TITLE))
    pictures = [a for a in page.all("svg") if a.get("class") == "picture"]
    assert [a["role"] for a in pictures] == ["img", "img"]
    text = without_space(page.text)
    assert "expected: 65 at the marked entries; yours: −65 at the marked entries" in text
    assert "what it reads of x: 1, 2 at the marked entries" in text
    assert "dx: numerical 24, yours −55" in text
    assert "[0, 1, :, :]" in text
    assert MARKUP in page.text
    assert page.all("img") == []


def test_penalties_stand_as_lines_of_their_own_above_the_total():
    text = without_space(Page(student_page(PICTURED, TITLE)).text)
    assert f"7.5 of {number(PICTURED.max_points)} points" in text
    assert "Earned by the questions 10 late two days late, 5 % a day −2.5 Total 7.5 of" in text
    assert "Earned by the questions" not in of("Ada Lovelace").text


def test_questions_that_a_person_marks_stand_without_points_and_their_rubric_stays_secret():
    one = Question("pad2d", {"pad2d": np.pad}, (Case("one", (np.ones(1),)),), lambda rng: [], (value(1),))
    assignment = Assignment("04-convolution", TITLE, (one,), manual=(Manual("why_flip", 3.0, "names the integral"),))
    text = without_space(Page(student_page(result("Ada"), assignment)).text)
    assert "why_flip Marked by a person, not part of the sum above of 3" in text
    assert "integral" not in text


def test_what_to_read_is_named_beside_what_was_lost():
    one = Question("pad2d", {"pad2d": np.pad}, (Case("one", (np.ones(1),)),), lambda rng: [], (value(1),))
    other = replace(one, name="conv2d", functions={"conv2d": np.sum})
    reading = (Reading(4, "Convolution"), Reading(5, "Layers", "Padding <modes>", questions=("pad2d",)))
    assignment = Assignment("04-convolution", TITLE, (one, other), reading=reading)
    lost = result("Ada", question("pad2d", {"*": "wrong"}), question("conv2d", {"*": "wrong"}))
    text = without_space(Page(student_page(lost, assignment)).text)
    assert "Read again: Lecture 5, Layers, “Padding <modes>”." in text
    assert "Read again: Lecture 4, Convolution." in text
    assert "Read again" not in Page(student_page(result("Ada"), assignment)).text


def test_the_class_page_counts_points_after_penalties():
    text = without_space(Page(render_class([PICTURED], TITLE, links={}, problems={})).text)
    assert "7.5 mean" in text.replace("mean 7.5", "7.5 mean")
    assert "7.5 of 10" in text


def test_discrimination_is_the_correlation_with_the_other_questions():
    points = [(0, 8, 3), (4, 6, 8), (7, 1, 8), (8, 8, 6), (2, 0, 1)]
    names = ("conv2d", "pad2d", "cross_correlate2d")
    students = []
    for number_, row in enumerate(points):
        questions = [replace(question(n), points=float(p)) for n, p in zip(names, row, strict=True)]
        students.append(replace(result(str(number_)), questions=tuple(questions), points=float(sum(row))))
    table = np.array(points, dtype=float)
    for k, row in enumerate(question_rows(students)):
        rest = table.sum(axis=1) - table[:, k]
        assert row.discrimination == pytest.approx(np.corrcoef(table[:, k], rest)[0, 1], abs=1e-4)
    assert [r.discrimination for r in question_rows(students[:1])] == [None] * 3


def test_questions_that_nobody_or_everybody_solved_are_named():
    failed = question("pad2d", {"*": "wrong"})
    students = [result("Ada", failed), result("Emmy", failed, question("conv2d", {"consistency": "off"}))]
    text = without_space(Page(render_class(students, TITLE, links={}, problems={})).text)
    assert "pad2d nobody solved it" in text
    assert "conv2d_output_size everybody solved it" in text
    assert "conv2d nobody" not in text
    assert "conv2d everybody" not in text


def test_forbidden_attempts_are_brought_before_a_person():
    note = "the code tried to start processes of its own, which is not allowed: ignored"
    students = [replace(result("Ada"), notes=(note,)), result("Emmy"), result("Bo", sandbox=("separate process",))]
    text = without_space(Page(render_class(students, TITLE, links={}, problems={})).text)
    section = text[text.index("Submissions that need a person") : text.index("At a glance")]
    assert f"Ada {note}" in section
    assert "Bo graded without isolation" in section
    assert "Emmy" not in section


PLAIN = """
def pool(x, size, stride):
    rows = (x.shape[0] - size) // stride + 1
    columns = (x.shape[1] - size) // stride + 1
    out = [[0.0] * columns for _ in range(rows)]
    for i in range(rows):
        for j in range(columns):
            best = -1e30
            for a in range(size):
                for b in range(size):
                    best = max(best, x[i * stride + a, j * stride + b])
            out[i][j] = best
    return out
"""
OTHER = """
def pool(x, size, stride):
    import numpy as np
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size))
    return views[::stride, ::stride].max(axis=(-2, -1)) if x.ndim == 2 else np.stack([pool(p, size, stride) for p in x])
"""


def _renamed(source):
    for old, new in (("rows", "h_out"), ("columns", "w_out"), ("best", "m"), (" i ", " r "), ("out", "result")):
        source = source.replace(old, new)
    return "# my own work\n" + source.replace("    ", "  ")


def test_renamed_and_commented_copies_are_found_and_other_solutions_are_not():
    cells = {
        "Ada": (Cell(1, "a", PLAIN, "pool"),),
        "Bo": (Cell(1, "a", _renamed(PLAIN), "pool"),),
        "Emmy": (Cell(1, "a", OTHER, "pool"),),
    }
    found = near_identical({s: shape(c) for s, c in cells.items()})
    assert [(p.one, p.other) for p in found] == [("Ada", "Bo")]
    assert found[0].share > 0.9
    page = Page(render_class([result(n) for n in cells], TITLE, links={}, problems={}, alike=found))
    assert "hint and not a verdict" in page.text
    assert "Ada code nearly the same as that of Bo" in without_space(page.text)


def test_what_many_share_is_nothing_to_report():
    cells = {f"student {n}": (Cell(1, "a", PLAIN, "pool"),) for n in range(30)}
    assert near_identical({s: shape(c) for s, c in cells.items()}) == []
    assert near_identical({"Ada": (), "Bo": ()}) == []
    assert near_identical(dict.fromkeys(("Ada", "Bo"), shape((Cell(1, "a", "x = 1"),)))) == []


# What the pages never do


def test_nothing_of_a_students_becomes_an_element(pages, class_page):
    for page in pages.values():
        assert page.all("img") == []
        assert len(page.all("script")) == (page is class_page)
        assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert MARKUP in class_page.text
    assert SCRIPT in class_page.text


def test_text_that_reorders_or_controls_is_shown_as_its_escape(pages):
    assert any("eve\\u202egnp.exe\\x1b[31m" in page.text for page in pages.values())
    for page in pages.values():
        assert not set("\u202e\x1b") & set(page.text)
    assert "\\ud800" in Page(student_page(replace(result("Ada"), notes=("half \ud800",)), TITLE)).text


def test_letters_and_emoji_are_left_as_they_are():
    for name in (RIGHT_TO_LEFT, "👩🏽‍💻", "Nguyễn, Thị", "tab\there"):
        assert visible(name) == name


def test_pages_need_nothing_from_anywhere(folder, pages):
    for path, page in pages.items():
        assert not page.all("link")
        assert page.values("src") == []
        assert all(v.startswith(("#", "students/")) for v in page.values("href"))
        assert not re.search(r"@import|url\((?!#)|https?://", "".join(page.raw))
        assert "http://" not in path.read_text("utf-8")


def test_the_policy_allows_our_script_and_no_other(class_page, pages):
    policy = next(m["content"] for m in class_page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    script = class_page.raw[-1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{digest}'" in policy
    for page in pages.values():
        others = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
        assert page is class_page or "script-src" not in others[0]


def test_no_name_leaves_the_folder(tmp_path):
    names = ["../x", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "C:x", "index", "a\x00b", "a.html", "%2E"]
    write_report([result(name) for name in names], tmp_path / "out", assignment=TITLE)
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    found = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(found) == len(names) + 1
    assert {p.parent.relative_to(tmp_path).as_posix() for p in found} == {"out", "out/students"}


def test_two_results_of_one_student_are_refused(tmp_path):
    with pytest.raises(GraderError, match="two results are of the student Ada"):
        write_report([result("Ada"), result("Ada")], tmp_path, assignment=TITLE)


def test_a_folder_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(GraderError, match="cannot write the report to"):
        write_report([], tmp_path / "file", assignment=TITLE)


# The same results, the same bytes


def test_a_report_depends_on_nothing_but_its_results(folder, tmp_path):
    program = (
        "import sys, pathlib, grader.report as r; from tests.grader.classmates import *; "
        f"r.write_report(classmates()[::-1], pathlib.Path(sys.argv[1]), assignment={TITLE!r}, "
        "sources=sources(), problems=PROBLEMS)"
    )
    environment = {
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
        "PATH": "",
        "PYTHONPATH": ":".join(filter(None, sys.path)),
    }
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env=environment)
    first, second = ({p.relative_to(root): p.read_bytes() for p in root.rglob("*.html")} for root in (folder, tmp_path))
    assert first == second


# Sound HTML


def test_ids_are_unique_and_everything_that_refers_to_one_finds_it(pages):
    for page in pages.values():
        ids = page.values("id")
        assert len(set(ids)) == len(ids)
        wanted = [i for v in page.values("aria-labelledby") for i in v.split()]
        wanted += [v[1:] for v in page.values("href") if v.startswith("#")]
        wanted += re.findall(r"url\(#([^)]+)\)", " ".join(page.values("clip-path") + page.values("style")))
        assert set(wanted) <= set(ids)


def test_headings_descend_one_by_one_from_a_single_first(pages):
    for page in pages.values():
        levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(levels))


def test_tables_are_named_and_their_headings_say_what_they_head(pages):
    for page in pages.values():
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(th.get("scope") in ("row", "col") for th in page.all("th"))
        assert page.all("html") == [{"lang": "en"}]
        assert len(page.all("main")) == 1


def test_pictures_are_told_in_words(class_page):
    figures = [a for a in class_page.all("svg") if a.get("role") == "img"]
    assert len(figures) == 2
    assert "conv2d: 6 all, 4 some, 3 none" in class_page.text
    assert all(a.get("aria-hidden") == "true" for a in class_page.all("svg") if a not in figures)


def test_an_empty_class_and_an_empty_result_have_pages(tmp_path):
    index = write_report([], tmp_path, assignment=TITLE)
    assert "Nobody has handed anything in yet" in Page(index.read_text("utf-8")).text
    empty = replace(result("Ada"), questions=(), points=0.0, max_points=0.0)
    write_report([empty], tmp_path, assignment=TITLE)


@pytest.mark.parametrize(("points", "most"), [((0, 33, 16.5), 33), ((50, 49.99, 0), 50), ((7, 0.3, 5), 5), ((0,), 0)])
def test_every_student_is_in_one_bin(points, most):
    found = distribution([replace(result(str(p)), points=float(p), max_points=float(most)) for p in points])
    assert sum(found.counts) == len(points)
    assert len(found.edges) == len(found.counts) + 1
    assert found.edges[-1] >= most


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(scheme):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 at least."""
    style = resources.files("grader.report").joinpath("templates/style.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0] if scheme == "light" else blocks[1]))

    def luminance(colour):
        channels = np.array([int(colours[colour][i : i + 2], 16) / 255 for i in (1, 3, 5)])
        return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    pairs = [(text, ground) for text in ("ink", "soft", "right", "part", "lost", "red") for ground in ("paper", "card")]
    pairs += [("ink", "hint"), ("ink", "other")]
    pairs += [(f"on-{kind}", f"{kind}-fill") for kind in ("right", "part", "lost")]
    pairs += [(c, "tint") for c in ("ink", "soft", "keyword", "string", "name", "constant")]
    pairs += [(c, "mark") for c in ("ink", "soft", "keyword", "string", "name", "constant")]
    for text, ground in pairs:
        low, high = sorted((luminance(text), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (text, ground)


def test_a_name_of_any_length_is_a_file_of_its_own(tmp_path):
    assert page_of(tmp_path, LONG).parent == tmp_path / "students"
    write_report([result("x" * 300), result("x" * 301)], tmp_path, assignment=TITLE)
    assert len(list((tmp_path / "students").glob("*.html"))) == 2
    assert page_of(tmp_path, OVERRIDE).name.isascii()
