"""Reading files that others wrote: regular ones, of bounded size, in UTF-8. Knows no notebook.

Nothing that another person prepared is followed, waited for or loaded whole before its size is known; every refusal
is a `GraderError` of one printable line.
"""

import errno
import os
import secrets
import stat
from pathlib import Path

from grader.errors import GraderError

MEBIBYTE = 1 << 20

_MAGIC = (
    (b"PK\x03\x04", "is a zip archive: unpack it first"),
    (b"\x1f\x8b", "is a gzip archive: unpack it first"),
    (b"%PDF", "is a PDF: hand in the notebook itself"),
    (b"\xff\xfe", "is encoded in UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "is encoded in UTF-16: save it as UTF-8"),
)


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path as it can be printed: on one line, without control characters or lone surrogates."""
    text = os.fspath(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def read_bytes(path: str | os.PathLike[str], limit: int = 64 * MEBIBYTE) -> bytes:
    """Return the bytes of a regular file.

    Raises
    ------
    GraderError
        If there is no such file, it is a folder, a link, a pipe or a device, it is empty, it cannot be read, or it is
        larger than ``limit`` bytes.
    """
    name = shown(path)
    # Without O_NONBLOCK a pipe would be waited for; O_NOFOLLOW refuses a link in the last step of the path.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if os.path.islink(path):
            raise OSError(errno.ELOOP, "a link")
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise GraderError(f"{name}: no such file") from error
    except (OSError, ValueError) as error:
        raise GraderError(_why_not_opened(name, path, error)) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            what = "a folder, not a file" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise GraderError(f"{name} is {what}: name a .ipynb or .py file")
        if status.st_size > limit:
            raise GraderError(_too_large(name, status.st_size, limit))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise GraderError(f"{name}: cannot be read ({error.strerror or error})") from error
    finally:
        os.close(descriptor)
    if len(data) > limit:  # it grew meanwhile
        raise GraderError(_too_large(name, len(data), limit))
    if not data.strip():
        raise GraderError(f"{name} is empty: save the notebook again and hand in the saved file")
    return data


def _why_not_opened(name: str, path: str | os.PathLike[str], error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return f"{name} is a symbolic link: hand in the file itself"
    if isinstance(error, IsADirectoryError) or (isinstance(error, OSError) and os.path.isdir(path)):
        return f"{name} is a folder, not a file: name a .ipynb or .py file"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{name}: cannot be opened ({reason})"


def _too_large(name: str, size: int, limit: int) -> str:
    return (
        f"{name} is larger than allowed ({size / MEBIBYTE:.0f} of {limit / MEBIBYTE:.0f} MiB): "
        "clear the outputs (Kernel > Restart and Clear Outputs) and save again"
    )


def decode(data: bytes, path: str | os.PathLike[str]) -> tuple[str, bool]:
    """Return the text of a file's bytes with its lines ended by newlines, and whether it began with a UTF-8 mark.

    Raises
    ------
    GraderError
        If the bytes are not UTF-8, hold NUL, or are a known other kind of file.
    """
    name = shown(path)
    for start, what in _MAGIC:
        if data.startswith(start):
            raise GraderError(f"{name} {what}")
    if b"\0" in data:
        raise GraderError(f"{name} holds NUL bytes, so it is no UTF-8 text: save it again as UTF-8")
    marked = data.startswith(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise GraderError(
            f"{name}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8: save the file as UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n"), marked


def read_text(path: str | os.PathLike[str], limit: int = 16 * MEBIBYTE) -> str:
    """Return the text of a UTF-8 file; the errors are those of `read_bytes` and `decode`."""
    return decode(read_bytes(path, limit), path)[0]


def write_text(path: Path, text: str) -> None:
    """Write a text file whose bytes are the same on every system: UTF-8, newlines as given."""
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise GraderError(f"{shown(path)}: cannot be written ({error.strerror or error})") from error


def temporary_beside(path: Path) -> Path:
    """Return a hidden name beside a file; machines that share a folder may share process numbers, too."""
    return path.with_name(f".{path.name.lstrip('.')[:100]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
