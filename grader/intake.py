"""Find the submissions of a class: in an nbgrader course, in a folder, in an archive that a learning system made.

Whose a submission is comes from where it lies, never from what is in it. Knows no grading.
"""

import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from grader.errors import GraderError
from grader.files import MEBIBYTE, shown
from grader.plans import clean

SUFFIXES = (".ipynb", ".py")
MAX_FILE = 64 * MEBIBYTE
MAX_ALL = 20 * 1024 * MEBIBYTE
MAX_MEMBERS = 100_000
_BLOCK = 1 << 20

# Canvas: lovelaceada_LATE_1234_56789_convolution-2.ipynb. The counter tells hand-ins of one file apart.
_CANVAS = re.compile(r"^(?P<who>.+?)_(?P<late>LATE_)?(?P<user>\d+)_(?P<number>\d+)_(?P<name>.+)$")
_COUNTER = re.compile(r"^(?P<stem>.+)-(?P<number>\d+)(?P<suffix>\.[^.]+)$")
# Moodle: "Ada Lovelace_12345_assignsubmission_file_/convolution.ipynb", older ones without the last underscore. The
# number is the participant's.
_MOODLE = re.compile(r"^(?P<who>.+)_(?P<number>\d+)_assignsubmission_file(_.*)?$")


@dataclass(frozen=True)
class Handed:
    """One student's file. Where a ``timestamp.txt`` lies beside it, that says when it was handed in."""

    student: str
    path: Path
    notes: tuple[str, ...] = ()


@dataclass
class Intake:
    """What was found: one file a student, and for each file left aside the reason."""

    handed: dict[str, Handed] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)


def from_course(course: Path, assignment: str, names: Sequence[str]) -> Intake:
    """Read ``submitted/STUDENT/ASSIGNMENT`` of an nbgrader course.

    Parameters
    ----------
    course : path
    assignment : str
        The assignment's folder name there.
    names : sequence of str
        What the notebook may be called, without suffix, likeliest first.

    Raises
    ------
    GraderError
        If the course has no folder ``submitted``.
    """
    submitted = course / "submitted"
    if not submitted.is_dir():
        raise GraderError(f"{shown(course)} has no folder 'submitted': is it an nbgrader course?")
    found = Intake()
    for folder in sorted(p for p in submitted.iterdir() if p.is_dir()):
        place = next((folder / a for a in dict.fromkeys((assignment, *names)) if (folder / a).is_dir()), None)
        if place is None:
            continue
        files = [p for p in sorted(place.iterdir()) if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
        _choose(found, folder.name, files, names, shown(place))
    return found


def from_folder(folder: Path, names: Sequence[str]) -> Intake:
    """Read a folder: a file for each student, a folder for each student, or an unpacked archive of a learning system.

    Raises
    ------
    GraderError
        If the folder is missing.
    """
    if not folder.is_dir():
        raise GraderError(f"{shown(folder)}: no such folder of submissions")
    members = sorted(p for p in folder.rglob("*") if not any(part.startswith(".") for part in _below(folder, p)))
    files = [p for p in members if not p.is_dir()]
    return _sorted_out([(PurePosixPath(*_below(folder, p)), p) for p in files], names)


def from_archive(archive: Path, to: Path, names: Sequence[str]) -> Intake:
    """Unpack the submissions of a zip archive into a folder and read that.

    Only notebooks and Python files of bounded size are taken out; names never leave the folder, links are refused, and
    a member that holds more than it says is refused too.

    Raises
    ------
    GraderError
        If the file is no zip archive, or holds too much.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            members = [m for m in packed.infolist() if not m.is_dir()]
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_ALL:
                raise GraderError(f"{shown(archive)} holds more than {MAX_MEMBERS} files or 20 GiB: unpack it yourself")
            aside, entries = [], []
            for number, member in enumerate(members):
                where = _safe(member.filename)
                if where is None or stat.S_ISLNK(member.external_attr >> 16) or member.flag_bits & 0x1:
                    aside.append(f"{shown(member.filename)[:200]}: a link, encrypted, or a name that leaves the folder")
                elif where.name.startswith(".") or "__MACOSX" in where.parts:
                    continue
                elif where.suffix.lower() not in SUFFIXES:
                    entries.append((where, Path(where.name)))  # not taken out: to be named
                else:
                    target = to / f"{number:06d}{where.suffix.lower()}"
                    problem = _take_out(packed, member, target)
                    if problem:
                        aside.append(f"{shown(member.filename)[:200]}: {problem}")
                    else:
                        entries.append((where, target))
            found = _sorted_out(entries, names)
            found.aside = [*aside, *found.aside]
            return found
    except GraderError:
        raise
    except Exception as error:  # damaged directories of archives fail in many ways, an empty name with IndexError
        why = clean(str(error), 200) or type(error).__name__
        raise GraderError(f"{shown(archive)} cannot be read as a zip archive ({why})") from error


def _below(folder: Path, path: Path) -> tuple[str, ...]:
    return path.relative_to(folder).parts


def _safe(name: str) -> PurePosixPath | None:
    """Return a member's path, or None for one that is absolute, climbs, or cannot be a path."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name or ":" in path.parts[0]:
        return None
    return path


def _take_out(packed: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> str:
    """Write one member; return why not. What a header claims is not believed: the bytes that come are counted."""
    if member.file_size > MAX_FILE:
        return f"larger than {MAX_FILE // MEBIBYTE} MiB"
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    try:
        with packed.open(member) as source, open(target, "wb") as file:
            while block := source.read(_BLOCK):
                size += len(block)
                if size > MAX_FILE:
                    target.unlink()
                    return f"larger than {MAX_FILE // MEBIBYTE} MiB"
                file.write(block)
    except Exception as error:  # damaged data fails in as many ways as there are compressions
        target.unlink(missing_ok=True)
        return f"damaged ({type(error).__name__})"
    return ""


@dataclass(frozen=True)
class _Placed:
    """One file by its place alone: whose, told apart by a system's number, what it is called, which hand-in of it."""

    student: str
    number: str
    name: str
    counter: int
    late: bool
    path: Path


def _sorted_out(entries: Iterable[tuple[PurePosixPath, Path]], names: Sequence[str]) -> Intake:
    """Group files by student, by the way in which their places are named."""
    found, placed = Intake(), list[_Placed]()
    entries = list(entries)
    many = Counter(where.parent for where, _ in entries if where.suffix.lower() in SUFFIXES)
    for where, path in entries:
        if where.suffix.lower() in SUFFIXES:
            placed.append(_place(where, path, names, alone=many[where.parent] == 1))
        elif path.name != "timestamp.txt":
            found.aside.append(f"{shown(str(where))[:200]}: neither .ipynb nor .py")
    numbers = dict[str, set[str]]()
    for one in placed:
        numbers.setdefault(one.student, set()).add(one.number)
    groups = dict[str, dict[str, list[_Placed]]]()
    for one in placed:  # two people can have one name: then the system's number is part of it
        student = one.student if len(numbers[one.student]) == 1 else f"{one.student}_{one.number}"
        groups.setdefault(student, {}).setdefault(one.name, []).append(one)
    for student, files in sorted(groups.items()):
        latest = [max(several, key=lambda one: one.counter) for _, several in sorted(files.items())]
        _choose(found, student, [one.path for one in latest], names, student, [one.name for one in latest])
        if student in found.handed:
            kept = found.handed[student]
            chosen = next(one for one in latest if one.path == kept.path)
            notes = [*kept.notes]
            if (times := len(files[chosen.name])) > 1:
                notes.append(f"handed in {times} times: the last one counts")
            if chosen.late:
                notes.append("Canvas marks it as handed in late")
            found.handed[student] = Handed(student, kept.path, tuple(notes))
    return found


def _place(where: PurePosixPath, path: Path, names: Sequence[str], *, alone: bool) -> _Placed:
    for folder in where.parts[:-1]:
        if match := _MOODLE.match(folder):
            return _Placed(_name(match["who"]), match["number"], where.name, 0, False, path)
    if match := _CANVAS.match(where.name):
        name, counter = match["name"], 0
        if again := _COUNTER.match(name):
            name, counter = again["stem"] + again["suffix"], int(again["number"])
        return _Placed(_name(f"{match['who']}_{match['user']}"), "", name, counter, bool(match["late"]), path)
    student = where.stem
    if len(where.parts) > 1 and (alone or where.stem in names):
        student = where.parts[-2] if where.parts[-2] not in names else where.parts[max(0, len(where.parts) - 3)]
    elif len(where.parts) > 2:
        student = where.parts[-2]
    return _Placed(_name(student), "", where.name, 0, False, path)


def _name(text: str) -> str:
    """One spelling for each name: systems differ in how they compose accents."""
    return unicodedata.normalize("NFC", text).strip() or "unnamed"


def _choose(
    found: Intake, student: str, files: Sequence[Path], names: Sequence[str], where: str, called: Sequence[str] = ()
) -> None:
    """Take one of a student's files: the one called as the notebook was, else the only one."""
    called = called or [p.name for p in files]
    stems = {Path(n).stem: p for n, p in zip(called, files, strict=True)}
    chosen = next((stems[n] for n in names if n in stems), None)
    notebooks = [p for p in files if p.suffix.lower() == ".ipynb"]
    if chosen is None and len(files) == 1:
        chosen = files[0]
    if chosen is None and len(notebooks) == 1:
        chosen = notebooks[0]
    if chosen is None:
        what = ", ".join(shown(n) for n in called) or "no .ipynb or .py"
        found.aside.append(f"{shown(where)}: which file counts? ({what}; expected {names[0]}.ipynb)")
        return
    notes = (f"of {len(files)} files handed in, {shown(chosen.name)} was graded",) if len(files) > 1 else ()
    found.handed[student] = Handed(student, chosen, notes)
