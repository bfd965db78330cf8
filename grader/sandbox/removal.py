"""Removal of what a submission left in its folder: deeper than any path may be, or closed to everybody."""

import os
import tempfile
from contextlib import suppress


def remove(folder: str) -> None:
    """Remove a folder with all below it, as far as the system lets us; nobody else may be writing there.

    Folders found inside are first moved to the top, so that no path is longer than two names more than `folder`.
    """
    with suppress(OSError):
        top = tempfile.mkdtemp(dir=folder)
        moved, pending = 0, list[str]()
        for entry in os.scandir(folder):
            if entry.path != top:
                moved += _take(entry, f"{top}/{moved}", pending)
        while pending:
            current = pending.pop()
            for entry in os.scandir(current):
                moved += _take(entry, f"{top}/{moved}", pending)
            with suppress(OSError):
                os.rmdir(current)
        os.rmdir(top)
        os.rmdir(folder)


def _take(entry: "os.DirEntry[str]", to: str, pending: list[str]) -> bool:
    """Remove a file, or move a folder where it can be emptied; return whether it was one."""
    with suppress(OSError):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
            return False
        os.chmod(entry.path, 0o700)  # made under a umask that lets nobody in
        os.rename(entry.path, to)
        pending.append(to)
        return True
    return False
