"""Assignment folders: finding one by its name, loading its questions. Knows no notebook and no question's content.

A folder ``assignments/04-convolution`` lies in a course root, beside the `solutions` that it imports. Courses can lie
anywhere and there may be several in one process, so nothing here is imported under a name that two could share.
"""

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
import types
from collections.abc import Iterator
from pathlib import Path

from grader.errors import GraderError
from grader.files import shown
from grader.personal import secret_path
from grader.questions import Assignment

QUESTIONS = "questions.py"
NOTEBOOK = "notebook.md"


def topic(folder: str | Path) -> str:
    """Return the topic of an assignment folder: ``04-convolution`` is about ``convolution``."""
    name = Path(folder).name
    return re.sub(r"^\d+[-_]", "", name) or name


def assignment_folders(root: str | Path | None = None) -> list[Path]:
    """Return every assignment folder of the course, in order.

    Parameters
    ----------
    root : path, optional
        A course root or its ``assignments`` folder. Without it, the nearest course counts: ``assignments`` in the
        working directory or the closest of its parents, else in the checkout that this package is installed from.
    """
    if root is not None:
        shelves = [Path(root) / "assignments", Path(root)]
    else:
        here = Path.cwd()
        shelves = [parent / "assignments" for parent in (here, *here.parents)]
        shelves.append(Path(__file__).resolve().parent.parent / "assignments")
    for shelf in shelves:
        folders = sorted(folder for folder in shelf.iterdir() if _is_assignment(folder)) if shelf.is_dir() else []
        if folders:
            return folders
    return []


def find_assignment(name: str | Path, *, root: str | Path | None = None) -> Path:
    """Return the folder of an assignment.

    Parameters
    ----------
    name : str or path
        The folder itself, its name (``04-convolution``) or its topic (``convolution``).
    root : path, optional
        As for `assignment_folders`.

    Raises
    ------
    GraderError
        If there is none of that name, or several; the message lists the known names.
    """
    try:
        if _is_assignment(Path(name)):
            return Path(name).resolve()
        if Path(name).is_dir() and len(Path(name).parts) > 1:
            raise GraderError(f"{shown(name)}: this folder is no assignment, it holds no {QUESTIONS}")
    except (OSError, ValueError) as error:
        raise GraderError(f"{shown(name)}: no assignment can be found under such a name") from error
    folders = assignment_folders(root)
    wanted = str(name)
    matches = [f for f in folders if f.name == wanted] or [f for f in folders if topic(f) == wanted]
    if len(matches) == 1:
        return matches[0].resolve()
    if matches:
        raise GraderError(f"assignment {wanted!r} can be any of {', '.join(f.name for f in matches)}: name one in full")
    known = [f.name for f in folders]
    if not known:
        raise GraderError(f"no assignment {wanted!r}: there is no folder 'assignments' with assignments in it")
    by_word = {word: f.name for f in folders for word in (topic(f), f.name)}
    close = difflib.get_close_matches(wanted, by_word, n=1)
    guess = f" (did you mean {by_word[close[0]]}?)" if close else ""
    raise GraderError(f"no assignment {wanted!r}{guess}; known: {', '.join(known)}")


def _is_assignment(folder: Path) -> bool:
    return (folder / QUESTIONS).is_file()


def load_assignment(path: str | Path) -> Assignment:
    """Import a folder's ``questions.py`` and return its ``ASSIGNMENT``.

    The folder is imported as a package of a name of its own, so ``from .misconceptions import ...`` works in it and two
    assignments never meet. Each call reads the files anew.

    Raises
    ------
    GraderError
        If the folder is no assignment, or whatever its code raises; the message names file and line.
    """
    folder = Path(path).resolve()
    if not _is_assignment(folder):
        raise GraderError(f"{shown(path)}: this folder is no assignment, it holds no {QUESTIONS}")
    course = folder.parent.parent
    package = (
        f"_assignment_{re.sub(r'[^0-9A-Za-z]', '_', folder.name)}_{hashlib.sha256(bytes(folder)).hexdigest()[:12]}"
    )
    for loaded in [m for m in sys.modules if m == package or m.startswith(package + ".")]:
        del sys.modules[loaded]
    module = types.ModuleType(package)
    module.__path__ = [str(folder)]
    sys.modules[package] = module
    with _course_first(course):
        importlib.invalidate_caches()
        try:
            questions = importlib.import_module(f"{package}.questions")
        except Exception as error:
            raise GraderError(_located(error, course, folder)) from error
    assignment = getattr(questions, "ASSIGNMENT", None)
    if not isinstance(assignment, Assignment):
        raise GraderError(f"{_relative(folder / QUESTIONS, course)}: defines no ASSIGNMENT = Assignment(...)")
    return assignment


@contextlib.contextmanager
def _course_first(course: Path) -> Iterator[None]:
    """Let imports find this course's modules first, its own `solutions` even where another course's are loaded."""
    entry = str(course)
    aside = {} if _lies_in(sys.modules.get("solutions"), course) else _solutions()
    for name in aside:
        del sys.modules[name]
    bytecode = sys.dont_write_bytecode
    # Compiled files are chosen by a time stamp in whole seconds: a folder edited twice in one second would not change.
    sys.dont_write_bytecode = True
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        sys.path.remove(entry)
        if entry not in sys.path:  # what is imported later, inside functions, must be found as well
            sys.path.append(entry)
        if aside:
            for name in _solutions():
                del sys.modules[name]
            sys.modules.update(aside)


def _solutions() -> dict[str, types.ModuleType]:
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "solutions"}


def _lies_in(module: types.ModuleType | None, course: Path) -> bool:
    places = [*getattr(module, "__path__", ()), getattr(module, "__file__", None) or ""]
    return any(Path(p).resolve().is_relative_to(course) for p in places if p)


def _located(error: Exception, course: Path, folder: Path) -> str:
    """Say where in the course's own files an error arose: the innermost of its lines there."""
    text = " ".join(str(error).split()) or type(error).__name__
    what = text if isinstance(error, GraderError) else f"{type(error).__name__}: {text}"
    if isinstance(error, SyntaxError) and error.filename:
        what = f"SyntaxError: {error.msg}"
        return f"{_relative(Path(error.filename), course)}, line {error.lineno}: {what}"
    frames = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    # The environment and this package often lie in the course's root; the mistake does not lie in them.
    own = [
        (file, line)
        for file, line in frames
        if file.is_relative_to(course) and file.parent != Path(__file__).parent and "site-packages" not in file.parts
    ]
    if not own:
        return f"{_relative(folder / QUESTIONS, course)}: {what}"
    return f"{_relative(own[-1][0], course)}, line {own[-1][1]}: {what}"


def _relative(path: Path, course: Path) -> str:
    return shown(path.relative_to(course)) if path.is_relative_to(course) else shown(path)


def assignment_version(path: str | Path) -> str:
    """Return the SHA-256 over an assignment's sources: its modules, its notebook's text, the course's references.

    All of ``solutions`` counts, since what a reference calls cannot be told without running it; and the secret from
    which students' own numbers come.
    """
    digest = hashlib.sha256()
    folder = Path(path).resolve()
    references = (folder.parent.parent / "solutions").rglob("*.py")
    secret = [path for path in [secret_path(folder)] if path.is_file()]
    for file in [*sorted([*folder.glob("*.py"), *folder.glob(NOTEBOOK)]), *sorted(references), *secret]:
        data = file.read_bytes()
        name = file.relative_to(folder.parent.parent) if file.parent != folder else file.name
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return digest.hexdigest()
