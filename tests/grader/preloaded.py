"""C code that answers in place of the C library's functions, for processes that are started with it."""

import os
import shutil
import subprocess
import sys

import pytest


def environment_with(place, text):
    """Compile text in a folder and return an environment whose processes load it first; skip where that cannot be."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    source, library = place / "preloaded.c", str(place / "preloaded.so")
    source.write_text(text)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, str(source), "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": library}
