"""After a run no process, file, mount or descriptor is left, whatever the submissions did."""

import os
import tempfile
from pathlib import Path

import psutil
import pytest

from grader.session import TemplateLostError
from tests.grader.isolated import RIGHT, run, start_template

HOSTILE = [
    "import os\nwhile True: os.fork()",
    "import os\nos._exit(0)",
    "open('left', 'w').write('x' * 1000)\nopen('/tmp/left-by-a-submission', 'w').write('x')",
    "import threading, time\nfor _ in range(20): threading.Thread(target=time.sleep, args=(60,)).start()",
    "def double(x):\n    while True: pass",
    "def double(x):\n    import os; os.kill(os.getpid(), 9)",
    "import os, signal\nfor s in range(1, 32):\n    try: signal.signal(s, signal.SIG_IGN)\n    except OSError: pass",
    "import multiprocessing as m\np = m.Process(target=print); p.start()",
]


def _state():
    below = psutil.Process().children(recursive=True)  # zombies among them, too
    processes = {p.pid for p in below}
    every = Path("/proc/mounts").read_text().splitlines()
    mounts = [line for line in every if "/pytest-of-" not in line]  # tests that run beside this one mount small disks
    descriptors = len(os.listdir("/proc/self/fd"))
    files = {n for n in os.listdir(tempfile.gettempdir()) if n.startswith(("grader-", "left-"))}
    return processes, mounts, descriptors, files


@pytest.mark.skipif(not Path("/proc/mounts").exists(), reason="looks into Linux's /proc")
def test_nothing_is_left_after_a_run():
    with start_template():  # what is opened once and for all (probes, caches) is opened here
        pass
    before = _state()
    with start_template() as template:
        during = _state()
        for source in HOSTILE:
            run(template, *RIGHT, source, cell_seconds=0.5)
            # The template's own processes stay; nothing of a submission does, not even a zombie.
            ours = [p for p in psutil.Process().children(recursive=True) if p.pid not in during[0]]
            assert not psutil.wait_procs(ours, timeout=1)[1], f"a process after {source!r}"
            assert _state()[1:3] == during[1:3], f"a mount or descriptor after {source!r}"
    after = _state()
    assert after[:3] == before[:3]
    assert "left-by-a-submission" not in after[3]


def test_a_template_that_is_killed_takes_its_submissions_along():
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    template = start_template()
    with template.session():
        ours = [p for p in psutil.Process().children(recursive=True) if p.pid not in before]
        assert len(ours) >= 2  # the template and its submission
        template._process.kill()
        template._process.wait()
        with pytest.raises(TemplateLostError):
            run(template, *RIGHT)
    template.close()
    assert not psutil.wait_procs(ours, timeout=5)[1]
