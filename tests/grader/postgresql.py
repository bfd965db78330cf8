"""A PostgreSQL server of a test's own, from Debian's package, without a port of the network."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a server in a temporary folder and yield an empty database's URL; skip the test where there is none."""
    pytest.importorskip("psycopg")
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    if programs is None:
        pytest.skip("Debian's package postgresql is not installed")
    # PostgreSQL refuses to run as root; its package brings a user for it.
    root = os.geteuid() == 0
    if root and not _exists("postgres"):
        pytest.skip("there is no user postgres to run the server as")
    # A socket's path is limited to about 100 characters, which pytest's folders exceed.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        if root:
            shutil.chown(folder, "postgres", "postgres")

        def run(program: str, *arguments: str) -> None:
            user = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}
            command = [str(programs.with_name(program)), *arguments]
            log = folder.with_suffix(".log")
            with log.open("ab") as file:
                done = subprocess.run(command, stdout=file, stderr=file, cwd=folder, check=False, timeout=120, **user)
            assert done.returncode == 0, log.read_text(errors="replace")

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "server.log"), "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        folder.with_suffix(".log").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
