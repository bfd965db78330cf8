"""Marks for other systems: every name survives, nothing but the marks changes, and who is left out is told."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from grader import journal
from grader.cli import main
from grader.errors import GraderError
from grader.exports.blackboard import into_blackboard
from grader.exports.canvas import canvas_table, into_canvas
from grader.exports.moodle import feedback_zip, into_moodle
from grader.exports.plain import NBGRADER, marks_table, nbgrader_table
from grader.exports.tables import Table, mark, read_table, table_bytes
from grader.results import CriterionResult, Penalty, QuestionResult, Result

NAMES = (
    "Nguyễn, Thị Minh Khai",
    'Bobby "Tables" O\'Neil',
    "Zoë Müller-Öztürk",
    "👩🏽‍💻 Ada",
    "נועה בן־דוד",
    "فاطمة الفهرية",
    "line\nbreak",
    "semi;colon\tand tab",
)
HOSTILE = ("=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "＝1+1", "\t=1")


def result(student, points=31.5, most=50.0, assignment="04-convolution", penalties=()):
    criterion = CriterionResult("value", points, most, points == most, "" if points == most else "=wrong, “very”")
    question = QuestionResult("conv2d", points, most, "partial", (criterion,))
    return Result(student, assignment, points, most, (question,), penalties=penalties)


def parsed(table):
    text = table_bytes(table).decode(table.encoding)
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=table.delimiter))


RESULTS = [result(name, points=float(n)) for n, name in enumerate(NAMES)]


@pytest.mark.parametrize(
    ("make", "column"), [(marks_table, 0), (nbgrader_table, 3), (canvas_table, 0)], ids=["csv", "nbgrader", "canvas"]
)
def test_every_name_survives_and_no_name_is_a_formula(make, column):
    rows = parsed(make([*RESULTS, *map(result, HOSTILE)]))
    assert len({len(row) for row in rows}) == 1
    names = [row[column] for row in rows]
    assert set(NAMES) <= set(names)
    assert {f"'{name}" for name in HOSTILE} <= set(names)
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(tuple("=+-@＝"))]


def test_the_plain_table_holds_total_penalties_questions_and_the_first_reason():
    late = result("Ada", penalties=(Penalty("late", 1.5, "one day"),))
    header, row = parsed(marks_table([late]))
    assert dict(zip(header, row, strict=True)) == {
        "student": "Ada", "assignment": "04-convolution", "total": "30", "max_points": "50", "earned": "31.5",
        "penalties": "1.5", "conv2d": "31.5", "reason": "conv2d: =wrong, “very”",
    }  # fmt: skip


def test_nbgraders_columns_are_those_of_its_own_exporter():
    source = pytest.importorskip("nbgrader.plugins.export").__file__
    with open(source, encoding="utf-8") as file:
        text = file.read()
    listed = text[text.index("keys = [") : text.index("]", text.index("keys = ["))]
    assert [part.strip().strip('"') for part in listed.split("[")[1].split(",")] == list(NBGRADER)


# Canvas

CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Convolution (77),04-convolution (78),Final Score\r\n"
    "    Points Possible,,,,,10,50,(read only)\r\n"
    '"Lovelace, Ada",11,s1,ada,"A, B",3,1,12.5\r\n'
    "נועה בן־דוד,12,s2,noa,A,4,,9\r\n"
    '"O\'Neil, ""Bob"" 👩🏽‍💻",13,s3,bob,A,5,2,0\r\n'
)


@pytest.fixture
def canvas(tmp_path):
    path = tmp_path / "canvas.csv"
    path.write_bytes(b"\xef\xbb\xbf" + CANVAS.encode())
    return read_table(path)


def test_only_the_marks_of_graded_students_change_in_a_gradebook_of_canvas(canvas):
    merged = into_canvas(canvas, [result("ada"), result("נועה בן־דוד", 7.25)])
    assert merged.problems == ()
    expected = CANVAS.replace(",3,1,12.5", ",3,31.5,12.5").replace(",4,,9", ",4,7.25,9")
    assert table_bytes(merged.table) == b"\xef\xbb\xbf" + expected.encode()


def test_a_new_column_comes_with_its_worth_and_rows_of_one_length(canvas):
    merged = into_canvas(canvas, [result("s3", assignment="05-im2col")])
    rows = parsed(merged.table)
    assert [row[-1] for row in rows] == ["05-im2col", "50", "", "", "31.5"]
    assert len({len(row) for row in rows}) == 1


def test_who_is_not_in_the_gradebook_is_told(canvas):
    merged = into_canvas(canvas, [result("ada"), result("nobody")])
    assert merged.problems == ("nobody: no row has this in SIS Login ID, SIS User ID, Integration ID, ID, Student",)


def test_a_column_of_another_worth_or_another_name_is_refused(canvas):
    with pytest.raises(GraderError, match="is out of 10 points, the results are out of 50"):
        into_canvas(canvas, [result("ada")], "Convolution")
    with pytest.raises(GraderError, match="has no column Pooling"):
        into_canvas(canvas, [result("ada")], "Pooling")
    with pytest.raises(GraderError, match="no gradebook of Canvas"):
        into_canvas(Table((("a", "b"), ("c", "d"))), [result("ada")])


def test_two_results_never_share_a_row_and_two_rows_never_one_result(canvas):
    assert [p.split(":")[0] for p in into_canvas(canvas, [result("ada"), result("s1")]).problems] == ["ada", "s1"]
    twice = Table((*canvas.rows, ("Doe, J", "14", "", "ada", "A", "", "", "")), encoding="utf-8-sig")
    assert into_canvas(twice, [result("ada")]).problems == ("ada: several rows have this name",)


def test_a_file_that_canvas_can_import_is_made_without_one_of_its_own():
    rows = parsed(canvas_table(RESULTS))
    assert rows[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "04-convolution"]
    assert "Points Possible" in rows[1][0]
    assert rows[1][-1] == "50"
    assert [row[3] for row in rows[2:]] == list(NAMES)


# Moodle

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,Last modified (grade)\n"
    'Participant 501,"Ada_Lovelace, Countess",ada@x.org,Submitted,,50.00,Yes,-\n'
    "Participant 502,נועה בן־דוד 👩🏽‍💻,noa@x.org,Submitted,12.00,50.00,Yes,-\n"
    'Participant 503,"Bo ""../"" Derek",bo@x.org,Submitted,,50.00,Yes,-\n'
)


@pytest.fixture
def moodle(tmp_path):
    path = tmp_path / "moodle.csv"
    path.write_bytes(MOODLE.encode())
    return read_table(path)


def test_a_worksheet_of_moodle_changes_in_its_marks_alone(moodle):
    handed = [
        result("ada@x.org"),
        result("נועה בן־דוד 👩🏽‍💻_502_assignsubmission_file_", 7.0),
        result("Participant 503", 0.0),
    ]
    merged = into_moodle(moodle, handed)
    assert merged.problems == ()
    expected = MOODLE.replace("Submitted,,50.00,Yes,-\nParticipant 502", "Submitted,31.5,50.00,Yes,-\nParticipant 502")
    expected = expected.replace("12.00", "7").replace("bo@x.org,Submitted,,", "bo@x.org,Submitted,0,")
    assert table_bytes(merged.table).decode() == expected


def test_the_feedback_zip_has_the_folders_that_moodle_reads(moodle):
    handed = [result("ada@x.org"), result("noa@x.org"), result("bo@x.org"), result("nobody")]
    pages = {r.student: r.student.encode() for r in handed}
    data = feedback_zip(moodle, handed, pages, "convolution-feedback.html")
    assert data == feedback_zip(moodle, handed[::-1], pages, "convolution-feedback.html")
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    by_number = {}
    for name in archive.namelist():
        folder, file = name.split("/")  # one folder, whatever a name holds
        assert file == "convolution-feedback.html"
        who, number, plugin, kind, rest = folder.split("_", 4)  # as importziplib.php does
        assert (plugin, kind, rest) == ("assignsubmission", "file", "")
        by_number[number] = who, archive.read(name).decode()
    assert by_number == {
        "501": ("Ada Lovelace, Countess", "ada@x.org"),
        "502": ("נועה בן־דוד 👩🏽‍💻", "noa@x.org"),
        "503": ("Bo .. Derek", "bo@x.org"),
    }


def test_what_moodle_would_skip_is_told(moodle):
    merged = into_moodle(moodle, [result("ada@x.org", 53.0)])
    assert parsed(merged.table)[1][4] == "50"
    assert merged.problems == ("ada@x.org: 53 points, entered as 50: Moodle takes no more",)
    with pytest.raises(GraderError, match="out of 50 points, the results are out of 20"):
        into_moodle(moodle, [result("ada@x.org", 5.0, 20.0)])
    with pytest.raises(GraderError, match="no grading worksheet"):
        into_moodle(moodle, [result("ada@x.org")], "Bewertung")


# Blackboard


def test_blackboards_tabs_and_utf_16_come_back_as_they_were(tmp_path):
    text = (
        '"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"04-convolution [Total Pts: 50 Score] |901"'
        '\t"Other |902"\n'
        '"נועה"\t"בן, דוד"\t"noa"\t"7"\t""\t"1"\n"Doe"\t"J ""D"" 👩🏽‍💻"\t"jd"\t"8"\t"3"\t"2"\n'
    )
    path = tmp_path / "gc.xls"
    path.write_bytes(text.encode("utf-16"))
    table = read_table(path)
    merged = into_blackboard(table, [result("noa")])
    rows = parsed(merged.table)
    assert rows[1] == ["נועה", "בן, דוד", "noa", "7", "31.5", "1"]
    assert rows[2] == ["Doe", 'J "D" 👩🏽‍💻', "jd", "8", "3", "2"]
    assert table_bytes(merged.table)[:2] == path.read_bytes()[:2]
    with pytest.raises(GraderError, match="no column Pooling"):
        into_blackboard(table, [result("noa")], "Pooling")


# The files themselves


@pytest.mark.parametrize("data", [b"", b"one column\n", b"a,b\n\xff\xfe\xfd", b'a,b\n"never closed'])
def test_what_is_no_table_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(GraderError, match=r"x\.csv") as stop:
        read_table(path)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("points", "text"), [(0.0, "0"), (41.0, "41"), (1e6, "1000000"), (2 / 3, "0.6667"), (100.0, "100")]
)
def test_marks_are_plain_numbers(points, text):
    assert mark(points) == text


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["grader", "export", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code


def test_the_commands_write_files_and_exit_1_where_somebody_is_left_out(tmp_path, monkeypatch, capsys):
    for one in (result("ada"), result("nobody")):
        journal.write(tmp_path / "results", one)
    (tmp_path / "canvas.csv").write_text(CANVAS, encoding="utf-8")
    assert run(monkeypatch, "csv", tmp_path / "results", "--to", tmp_path / "marks.csv") == 0
    assert run(monkeypatch, "nbgrader", tmp_path / "results", "--to", tmp_path / "grades.csv") == 0
    into = ("canvas", tmp_path / "results", "--into", tmp_path / "canvas.csv", "--to", tmp_path / "out.csv")
    assert run(monkeypatch, *into) == 1
    assert ",31.5," in (tmp_path / "out.csv").read_text("utf-8")
    assert capsys.readouterr().err.startswith("nobody: no row has this")
    assert run(monkeypatch, "csv", tmp_path / "nowhere") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_moodles_zip_is_made_of_the_pages_of_the_report(tmp_path, monkeypatch, capsys):
    journal.write(tmp_path / "results", result("ada@x.org"))
    (tmp_path / "moodle.csv").write_text(MOODLE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    into = ("moodle", "results", "--into", "moodle.csv", "--to", "out.csv", "--pages", "pages", "--feedback", "f.zip")
    assert run(monkeypatch, *into) == 2
    assert "run `grader report`" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["grader", "report", "results", "--to", "pages"])
    with pytest.raises(SystemExit):
        main()
    assert run(monkeypatch, *into) == 0
    with zipfile.ZipFile("f.zip") as archive:
        (name,) = archive.namelist()
        assert b"ada@x.org" in archive.read(name)
    again = {"out.csv": "again.csv", "f.zip": "again.zip"}
    assert run(monkeypatch, *(again.get(word, word) for word in into)) == 0
    assert all(Path(one).read_bytes() == Path(other).read_bytes() for one, other in again.items())
