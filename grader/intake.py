"""Find the submissions of a class: in an nbgrader course, in a folder, in an archive that a learning system made.

Whose a submission is comes from where it lies, never from what is in it. Knows no grading.
"""

import re
import stat
import unicodedata
import zipfile
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

# Canvas: lovelaceada_LATE_1234_56789_convolution-2.ipynb (the counter tells resubmissions apart).
_CANVAS = re.compile(r"^(?P<who>[^_/]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<number>\d+)_(?P<name>.+)$")
# Moodle: "Ada Lovelace_12345_assignsubmission_file_/convolution.ipynb", older ones without the last underscore.
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
                elif where.suffix.lower() in SUFFIXES and not where.name.startswith("."):
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
    if "__MACOSX" in path.parts:
        return PurePosixPath("skipped")
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


def _sorted_out(entries: Iterable[tuple[PurePosixPath, Path]], names: Sequence[str]) -> Intake:
    """Group files by student, by the way in which their places are named."""
    found, groups = Intake(), dict[str, list[tuple[int, str, Path]]]()
    entries = list(entries)
    many: dict[PurePosixPath, int] = {}
    for where, _ in entries:
        many[where.parent] = many.get(where.parent, 0) + (where.suffix.lower() in SUFFIXES)
    for where, path in entries:
        if where.suffix.lower() not in SUFFIXES:
            if path.is_symlink() or path.name not in ("timestamp.txt",):
                found.aside.append(f"{shown(str(where))}: neither .ipynb nor .py")
            continue
        student, order, name = _whose(where, names, alone=many[where.parent] == 1)
        groups.setdefault(student, []).append((order, name, path))
    for student, files in sorted(groups.items()):
        newest = max(order for order, _, _ in files)
        latest = sorted((name, path) for order, name, path in files if order == newest)
        older = [f"{name} (handed in before)" for order, name, _ in files if order != newest]
        _choose(found, student, [p for _, p in latest], names, student, [n for n, _ in latest])
        if older and student in found.handed:
            kept = found.handed[student]
            note = f"handed in {len(older) + 1} times: the last one counts"
            found.handed[student] = Handed(student, kept.path, (*kept.notes, note))
    return found


def _whose(where: PurePosixPath, names: Sequence[str], *, alone: bool) -> tuple[str, int, str]:
    """Return student, order among hand-ins, and the file's own name, from a path alone."""
    for folder in where.parts[:-1]:
        if match := _MOODLE.match(folder):
            return _name(match["who"]), int(match["number"]), where.name
    if match := _CANVAS.match(where.name):
        again = re.search(r"-(\d+)\.[^.]+$", match["name"])
        return _name(f"{match['who']}_{match['user']}"), int(again[1]) if again else 0, match["name"]
    if len(where.parts) > 1 and (alone or where.stem in names):
        folder = where.parts[-2] if where.parts[-2] not in names else where.parts[max(0, len(where.parts) - 3)]
        return _name(folder), 0, where.name
    if len(where.parts) > 2:
        return _name(where.parts[-2]), 0, where.name
    return _name(where.stem), 0, where.name


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
