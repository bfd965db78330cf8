"""Temporary folders: what a killed process left is removed, and nothing else."""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from grader.scratch import scratch_folder, sweep

HOLDING = """if True:
    from grader.scratch import scratch_folder
    with scratch_folder() as place:
        open(f"{place}/students-file", "w").close()
        print(place, flush=True)
        input()
"""


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    others = tmp_path / "grader-of-somebody"
    others.mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdin=-1, stdout=-1, text=True) as process:
        place = Path(process.stdout.readline().strip())
        with scratch_folder() as ours:
            sweep()
            assert (place / "students-file").exists()
            process.send_signal(signal.SIGKILL)
            process.wait()
            sweep()
            assert sorted(tmp_path.iterdir()) == sorted([others, Path(ours)])
