"""What a worker may read: the interpreter's libraries and little else. Knows nothing of the checkout but its place."""

import os
import sys
from collections.abc import Iterable, Sequence

from grader.sandbox.layers import SandboxError

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/etc/fonts",
    "/etc/localtime",
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
)


def readable_paths(secret: Sequence[str] = ()) -> tuple[str, ...]:
    """Paths that student code needs: libraries of the interpreter, of the environment and of the system.

    An editable install's checkout is on ``sys.path`` too; only ``site-packages`` and ``dist-packages`` are taken from
    there.

    Parameters
    ----------
    secret : paths
        Must not be readable. A path that contains one is an error, not a thing to pass over in silence.

    Raises
    ------
    SandboxError
        If the environment is laid out so that a readable path contains a secret one.
    """
    libraries = [os.path.join(prefix, name) for prefix in (sys.prefix, sys.base_prefix) for name in ("lib", "lib64")]
    packages = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
    found = [os.path.abspath(p) for p in (*libraries, *packages, *_SYSTEM) if os.path.exists(p)]
    paths = outermost(found)
    for path in paths:
        for place in secret:
            if _within(os.path.realpath(place), os.path.realpath(path)):
                raise SandboxError(
                    f"student code must be able to read {path}, but {place} lies within it: "
                    "move the course elsewhere, or make the environment outside of it"
                )
    return paths


def outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Return those of `paths` that lie below no other of them, each once."""
    distinct = dict.fromkeys(paths)
    return tuple(p for p in distinct if not any(_within(p, other) for other in distinct if other != p))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
