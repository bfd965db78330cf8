"""Reaching out of the sandbox: to what is hidden, to others, to the network, to the next submission."""

from tests.attacks.attack import Attack

READING, OTHERS, NETWORK = "reading what is hidden", "other students", "the network"
PERSISTING, ESCAPING = "persisting", "escaping limits"

ATTACKS = [
    Attack(
        "the parent killed",
        OTHERS,
        """
            import os, signal
            for p in (os.getppid(), -1, 1):
                os.kill(p, signal.SIGKILL)
        """,
    ),
    Attack(
        "a connection",
        NETWORK,
        """
            import socket
            socket.create_connection(('127.0.0.1', 22), timeout=1)
        """,
        harmless=True,
        says="cell 3: PermissionError",
    ),
    Attack(
        "a listening socket",
        NETWORK,
        """
            import socket
            socket.create_server(('127.0.0.1', 0))
        """,
        harmless=True,
        says="cell 3: PermissionError",
    ),
    Attack(
        "persistence in site-packages",
        PERSISTING,
        """
            import site
            for folder in site.getsitepackages():
                open(folder + "/sitecustomize.py", "w").write("print('here')")
        """,
        harmless=True,
    ),
    Attack(
        "files all over the machine",
        READING,
        """
        import os
        found = []
        for top in ("/root", "/home", "/etc", "/work", "/var", "/tmp", "/mnt", "/opt", ".."):
            for folder, _, names in os.walk(top):
                for name in names:
                    if name.endswith((".py", ".json", ".ipynb")) and "site-packages" not in folder:
                        try: found.append(open(os.path.join(folder, name)).read())
                        except OSError: pass
        assert not any("_double" in text for text in found)
        print(found)
        """,
        harmless=True,
    ),
    Attack(
        "/proc of everybody",
        READING,
        """
        import os, glob
        wrong = double
        for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
            try: open(path, "rb").read()
            except OSError: pass
        def double(x):
            for pid in (1, os.getppid()):
                try:
                    with open(f"/proc/{pid}/mem", "rb+", 0) as memory: memory.seek(4096); memory.read(1)
                except OSError: pass
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "its own memory overwritten",
        READING,
        """
        wrong = double
        def double(x):
            try:
                with open("/proc/self/mem", "rb+", 0) as memory:
                    for line in open("/proc/self/maps").read().splitlines():
                        if " rw" in line and "heap" in line:
                            memory.seek(int(line.split("-")[0], 16)); memory.write(bytes(1 << 16))
            except OSError: pass
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "an array like the input among all objects",
        READING,
        """
        import gc
        wrong = double
        def double(x):
            for o in gc.get_objects():
                for a in (o if isinstance(o, (list, tuple)) else [o]):
                    if isinstance(a, np.ndarray) and a.shape == x.shape and not np.array_equal(a, x): return a
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "the variables of all callers",
        READING,
        """
        import sys
        wrong = double
        def double(x):
            frame = sys._getframe()
            while frame:
                for v in list(frame.f_locals.values()):
                    expected = getattr(v, "expected", None)
                    if expected is not None: return expected.outcomes[0].values[0]
                frame = frame.f_back
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "inherited descriptors",
        READING,
        """
        import os
        wrong = double
        def double(x):
            for fd in range(3, 256):
                try: os.pread(fd, 1 << 16, 0); os.fchmod(fd, 0o777)
                except OSError: pass
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "the next questions read ahead",
        READING,
        """
        import os, socket
        wrong = double
        def double(x):
            for fd in range(3, 16):
                try:
                    s = socket.socket(fileno=os.dup(fd)); s.setblocking(False); s.recv(1 << 20, socket.MSG_PEEK)
                except OSError: pass
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "the environment",
        READING,
        "import os\nassert not [k for k in os.environ if 'TOKEN' in k or 'KEY' in k]",
        harmless=True,
    ),
    Attack(
        "system calls that reach others",
        READING,
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        # ptrace, process_vm_readv, process_vm_writev, pidfd_open, pidfd_getfd, kcmp, userfaultfd, perf_event_open, bpf
        passed = []
        for number in (101, 310, 311, 434, 438, 312, 323, 298, 321):
            if libc.syscall(number, os.getppid(), 0, 0, 0, 0, 0) >= 0: passed.append(number)
        assert not passed, passed
        """,
        harmless=True,
    ),
    Attack(
        "system calls that keep things in the kernel",
        PERSISTING,
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        # memfd_create, add_key, keyctl, shmget, msgget, semget, mq_open, inotify_init1, io_uring_setup, fanotify_init
        passed = []
        for number in (319, 248, 250, 29, 68, 64, 240, 294, 425, 300):
            if libc.syscall(number, b"x", 0, 0, 0, 0, 0) >= 0: passed.append(number)
        assert not passed, passed
        """,
        harmless=True,
    ),
    Attack(
        "a change of itself by prctl",
        ESCAPING,
        """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        # PDEATHSIG 0, DUMPABLE 0, SECCOMP, CHILD_SUBREAPER, NO_NEW_PRIVS, PTRACER, MDWE
        wishes = ((1, 0), (4, 0), (22, 1), (36, 1), (38, 1), (0x59616D61, -1), (65, 1))
        passed = [wish for wish in wishes if libc.prctl(*wish, 0, 0, 0) >= 0]
        assert not passed, passed
        """,
        harmless=True,
    ),
    Attack(
        "another user's shared memory",
        OTHERS,
        """
        import os, glob
        for path in glob.glob("/dev/shm/*") + glob.glob("/run/**/*.sock", recursive=True): open(path, "r+b").write(b"x")
        from multiprocessing import shared_memory
        shared_memory.SharedMemory(name="left-by-a-submission", create=True, size=16)
        """,
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "other students' submissions",
        OTHERS,
        """
        import glob
        for pattern in ("/**/submitted/**", "../**", "../../**", "/tmp/**", "/submission/../**/*.ipynb"):
            for path in glob.iglob(pattern, recursive=True):
                if "/proc/" in path or "/sys/" in path or "/lib" in path: continue
                try: open(path, "a").write("x")
                except OSError: pass
                break
        """,
        harmless=True,
    ),
    Attack(
        "all processes signalled",
        OTHERS,
        "import os\nfor s in (9, 15, 19): os.kill(-1, s)",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "the process group signalled", OTHERS, "import os\nos.killpg(os.getpgrp(), 9)", harmless=True, says="cell 3"
    ),
    Attack(
        "a thread of another process signalled",
        OTHERS,
        "import ctypes\nfor t in range(1, 400): ctypes.CDLL(None).syscall(234, t, t, 0)",
    ),
    Attack(
        "an abstract socket",
        NETWORK,
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind('\\0grader')",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "a datagram",
        NETWORK,
        "import socket\nsocket.socket(2, 2).sendto(b'x', ('8.8.8.8', 53))",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "a name looked up",
        NETWORK,
        "import socket\nsocket.getaddrinfo('example.org', 80)",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "a pair of datagram sockets",
        NETWORK,
        "import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "netlink, packets, Bluetooth",
        NETWORK,
        """
        import socket
        for family in (16, 17, 31, 40, 38):
            try: socket.socket(family, 3)
            except PermissionError: continue
            raise RuntimeError(family)
        """,
        harmless=True,
    ),
    Attack(
        "a download",
        NETWORK,
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "start-up files",
        PERSISTING,
        """
        import os, site, sys
        home = os.path.expanduser("~")
        packages = site.getsitepackages()[0]
        for path in (
            home + "/.ipython/profile_default/startup/x.py", home + "/.config/matplotlib/matplotlibrc",
            home + "/.bashrc", "/etc/cron.d/x", "/var/spool/cron/root", sys.prefix + "/x.pth", packages + "/x.pth",
            packages + "/numpy/__pycache__/__init__.cpython-311.pyc",
        ):
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                open(path, "w").write("raise SystemExit")
            except OSError: pass
        """,
        harmless=True,
    ),
    Attack(
        "files left in the usual places",
        PERSISTING,
        """
        import os
        for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run", "/dev/mqueue", os.path.expanduser("~")):
            try: open(folder + "/left-by-a-submission", "w").write("x")
            except OSError: pass
        """,
        harmless=True,
    ),
    Attack(
        "a lock left held",
        PERSISTING,
        """
        import fcntl, os, numpy
        file = open(numpy.__file__)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        """,
    ),
    Attack(
        "an open file of a deleted folder",
        PERSISTING,
        "import os\nos.mkdir('d'); f = open('d/f', 'w'); os.remove('d/f'); os.rmdir('d'); f.write('x'); os.chdir('/')",
        harmless=True,
    ),
]
