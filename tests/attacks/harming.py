"""Limits escaped, the grader harmed, and what students do by accident."""

from tests.attacks.attack import Attack

ESCAPING, HARMING, ACCIDENTS, PERSISTING = "escaping limits", "harming the grader", "accidents", "persisting"

ATTACKS = [
    Attack(
        "a value that explodes when copied",
        ESCAPING,
        "double = lambda x: np.broadcast_to(np.float64(1), (1 << 20, 1 << 20))",
        confined=True,
    ),
    Attack(
        "memory",
        ESCAPING,
        """
            def double(x):
                return [bytearray(1 << 26) for _ in range(4096)]
        """,
        confined=True,
        says="asked for more memory|not finished",
    ),
    Attack(
        "an interrupt swallowed",
        ESCAPING,
        """
            def double(x):
                while True:
                    try:
                        while True: pass
                    except BaseException: pass
        """,
        confined=True,
        says="a loop that never ends",
    ),
    Attack(
        "blocked in compiled code",
        ESCAPING,
        """
            import threading
            def double(x):
                threading.Semaphore(0).acquire()
        """,
        confined=True,
        says="not finished",
    ),
    Attack(
        "a daemon",
        ESCAPING,
        """
            import os
            def double(x):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        while True: pass
                return 2 * x
        """,
        confined=True,
    ),
    Attack(
        "a crash in compiled code",
        HARMING,
        """
            import ctypes
            ctypes.string_at(0)
        """,
        harmless=True,
        says="cell 3: it ended the Python process",
    ),
    Attack(
        "a huge frame announced",
        HARMING,
        """
            import os, struct
            wrong = double
            def double(x):
                for fd in range(3, 64):
                    try: os.write(fd, struct.pack(">IQ", 2**32 - 1, 2**62))
                    except OSError: pass
                return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "every descriptor closed",
        HARMING,
        """
            import os
            wrong = double
            def double(x):
                os.closerange(0, 256)
                return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "a crashing buffer",
        HARMING,
        """
            class Sly:
                __array_interface__ = {"shape": (1 << 30,), "typestr": "<f8", "data": (8, False), "version": 3}
            double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "a list without end",
        HARMING,
        """
            class Endless(list):
                def __iter__(self):
                    while True: yield 0.0
                def __len__(self): return 3
            double = lambda x: Endless([1.0, 2.0, 3.0])
        """,
        confined=True,
    ),
    Attack(
        "deep nesting",
        HARMING,
        """
            deep = []
            for _ in range(100_000): deep = [deep]
            wrong = double
            double = lambda x: deep
        """,
        confined=True,
    ),
    Attack(
        "processes",
        HARMING,
        """
            import os
            while True:
                os.fork()
        """,
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "processes in a function",
        HARMING,
        """
            import os
            def double(x):
                while True:
                    try: os.fork()
                    except OSError: pass
        """,
        confined=True,
    ),
    Attack(
        "threads",
        HARMING,
        """
            import threading
            def double(x):
                while True:
                    threading.Thread(target=threading.Event().wait).start()
        """,
        confined=True,
    ),
    Attack(
        "a full disk",
        HARMING,
        """
            with open('big', 'wb') as f:
                while True: f.write(bytes(1 << 24))
        """,
        harmless=True,
        says="cell 3: .*(space|too large)",
    ),
    Attack(
        "a flood of output",
        HARMING,
        "while True: print('x' * 1_000_000)",
        harmless=True,
        says="cell 3: stopped after",
    ),
    Attack(
        "another program",
        HARMING,
        """
            import subprocess
            subprocess.run(['/bin/sh', '-c', 'echo hi'])
        """,
        harmless=True,
        says="cell 3: PermissionError",
    ),
    Attack(
        "recursion",
        ACCIDENTS,
        """
            def double(x):
                return double(x)
        """,
        confined=True,
        says="RecursionError",
    ),
    Attack(
        "a loop without end",
        ACCIDENTS,
        """
            def double(x):
                while True: pass
        """,
        confined=True,
        says="a loop that never ends",
    ),
    Attack(
        "every signal ignored",
        ESCAPING,
        """
        import signal
        for s in range(1, 65):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        def double(x):
            while True: pass
        """,
        confined=True,
        says="a loop that never ends",
    ),
    Attack(
        "signals blocked",
        ESCAPING,
        """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        while True: pass
        """,
        harmless=True,
        says="cell 3: still running",
    ),
    Attack(
        "an alarm that ends the process later",
        ESCAPING,
        "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_DFL)\nsignal.setitimer(signal.ITIMER_REAL, 1e-3)",
        harmless=True,
    ),
    Attack(
        "a thread that ends the process later",
        ESCAPING,
        "import threading, os\nthreading.Timer(1e-3, lambda: os._exit(0)).start()",
        harmless=True,
    ),
    Attack(
        "a thread that goes on after the cell",
        ESCAPING,
        """
        import threading
        def spin():
            while True: pass
        for _ in range(4): threading.Thread(target=spin, daemon=True).start()
        """,
    ),
    Attack(
        "a thread of compiled code that never yields",
        ESCAPING,
        """
        import _thread, re
        _thread.start_new_thread(re.match, ("(a+)+$", "a" * 40 + "b"))
        """,
    ),
    Attack(
        "a regular expression that never ends",
        ESCAPING,
        "import re\ndouble = lambda x: re.match('(a+)+$', 'a' * 40 + 'b')",
        confined=True,
        says="not finished",
    ),
    Attack(
        "a power that never ends", ESCAPING, "double = lambda x: 7 ** (7 ** 12)", confined=True, says="not finished"
    ),
    Attack(
        "limits lowered to nothing",
        ESCAPING,
        """
        import resource
        for name in dir(resource):
            if name.startswith("RLIMIT_"):
                try: resource.setrlimit(getattr(resource, name), (0, 0))
                except (OSError, ValueError): pass
        """,
        harmless=True,
    ),
    Attack(
        "a limit lowered in plain sight",
        ESCAPING,
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (0, 0))",
        harmless=True,
        says="cell 3: (ValueError|PermissionError)",
    ),
    Attack(
        "every descriptor taken",
        ESCAPING,
        """
        import os
        held = []
        try:
            while True: held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError: pass
        """,
        harmless=True,
    ),
    Attack(
        "threads started in a cell",
        HARMING,
        """
        import threading
        while True: threading.Thread(target=threading.Event().wait, daemon=True).start()
        """,
        harmless=True,
        says="cell 3",
    ),
    Attack("memory taken in a cell", HARMING, "held = bytearray(1 << 42)", harmless=True, says="cell 3: MemoryError"),
    Attack(
        "recursion in compiled code",
        HARMING,
        "import sys\nsys.setrecursionlimit(10**9)\nf = lambda: f()\nf()",
        harmless=True,
        says="cell 3",
    ),
    Attack(
        "the recursion limit lowered",
        HARMING,
        "import sys\nsys.setrecursionlimit(60)",
        harmless=True,
    ),
    Attack("the grader's socket closed", HARMING, "import os\nos.closerange(0, 256)", harmless=True, says="cell 3"),
    Attack(
        "the grader's socket replaced",
        HARMING,
        """
        import os
        a, b = os.pipe()
        for fd in range(3, 16):
            if fd not in (a, b): os.dup2(b, fd)
        """,
        harmless=True,
        says="cell 3",
    ),
    Attack("a file without end", HARMING, "open('x', 'w').truncate(1 << 50)"),
    Attack("files without number", HARMING, "for n in range(10**6): open(str(n), 'w').close()", says=""),
    Attack(
        "folders that nobody may enter",
        HARMING,
        """
        import os
        os.umask(0o777)
        for name in ("a", "b"):
            os.mkdir(name); open(name + ".txt", "w").close()
        """,
        harmless=True,
    ),
    Attack(
        "folders without end",
        HARMING,
        """
        import os
        for _ in range(5000):
            os.mkdir("d"); os.chdir("d")
        """,
    ),
    Attack(
        "a module that shadows the standard library",
        PERSISTING,
        """
        for name in ("json", "struct", "socket", "numpy", "random", "colorsys"):
            open(name + ".py", "w").write("raise SystemExit('shadowed')")
        """,
        harmless=True,
    ),
    Attack(
        "terminal codes and markup in a message",
        HARMING,
        r"""
        def double(x):
            raise ValueError("\x1b]0;owned\x07\x1b[2J<script>alert(1)</script>\u202e\x00\r\nPASSED")
        """,
        confined=True,
        says="ValueError",
    ),
    Attack(
        "half of a surrogate pair in a message",
        HARMING,
        r"def double(x): raise ValueError('\udc80\ud800' * 50)",
        confined=True,
        says="ValueError",
    ),
    Attack(
        "an exception that cannot be shown",
        HARMING,
        """
        class Sly(Exception):
            def __str__(self): raise Sly
            __repr__ = __str__
        def double(x): raise Sly
        """,
        confined=True,
        says="cannot be shown",
    ),
    Attack(
        "an exception whose description never ends",
        HARMING,
        """
        class Sly(Exception):
            def __str__(self):
                while True: pass
        def double(x): raise Sly
        """,
        confined=True,
        says="a loop that never ends",
    ),
    Attack(
        "an exception without end",
        HARMING,
        "def double(x): raise ValueError('x' * (1 << 26))",
        confined=True,
        says="ValueError: xxx",
    ),
    Attack(
        "a chain of exceptions",
        HARMING,
        """
        def double(x):
            error = ValueError()
            for _ in range(10**5):
                new = ValueError(); new.__cause__ = error; error = new
            raise error
        """,
        confined=True,
        says="ValueError",
    ),
    Attack(
        "a group of exceptions",
        HARMING,
        "def double(x): raise BaseExceptionGroup('x', [KeyboardInterrupt(), SystemExit(0)])",
        confined=True,
        says="ExceptionGroup",
    ),
    Attack(
        "a generator that holds on",
        HARMING,
        """
        def holding():
            while True:
                try: yield
                except BaseException: pass
        double = lambda x: holding()
        """,
        confined=True,
    ),
    Attack(
        "a crash on the way out",
        HARMING,
        "import atexit, ctypes, faulthandler\nfaulthandler.enable()\natexit.register(ctypes.string_at, 0)",
        harmless=True,
    ),
    Attack(
        "an aborted process",
        HARMING,
        "import os\ndef double(x): os.abort()",
        confined=True,
        says="ended the Python process",
    ),
    Attack(
        "stopped by a signal", HARMING, "import os, signal\ndef double(x): os.kill(os.getpid(), signal.SIGSTOP)", True
    ),
    Attack(
        "time from a broken clock",
        HARMING,
        """
        import time
        for name in ("time", "monotonic", "perf_counter", "process_time"):
            setattr(time, name, lambda: float("nan"))
        time.sleep = lambda s: None
        """,
        harmless=True,
    ),
    Attack(
        "collection of garbage switched off and poked",
        HARMING,
        """
        import gc
        gc.disable()
        for o in gc.get_objects():
            if isinstance(o, list): o.clear()
        """,
    ),
    Attack("input asked for", ACCIDENTS, "input('your name? ')", harmless=True, says="cell 3: (EOFError|StdinNotImpl)"),
    Attack("a debugger", ACCIDENTS, "breakpoint()", harmless=True, says="cell 3"),
    Attack("magics of a shell", ACCIDENTS, "!rm -rf /\n%pip install evil", harmless=True, says="cell 3: .*was skipped"),
    Attack("a cell of another language", ACCIDENTS, "%%bash\nrm -rf /", harmless=True, says="cell 3: .*was skipped"),
    Attack("no Python at all", ACCIDENTS, "def :", harmless=True, says="cell 3: SyntaxError"),
    Attack("parentheses without end", ACCIDENTS, "(" * 5000 + ")" * 5000, harmless=True, says="cell 3"),
    Attack(
        "a window", ACCIDENTS, "import matplotlib.pyplot as plt\nplt.plot([1]); plt.show(block=True)", harmless=True
    ),
    Attack("a huge print", ACCIDENTS, "print('x' * 10**8)", harmless=True),
    Attack(
        "warnings as errors",
        ACCIDENTS,
        "import warnings\nwarnings.simplefilter('error')\nnp.seterr(all='raise')",
        harmless=True,
    ),
    Attack("warnings on stderr", ACCIDENTS, "import sys\nsys.stderr.write('warning: x\\n' * 10**5)", harmless=True),
    Attack("names that shadow built-ins", ACCIDENTS, "list = dict = str = len = sum = max = 3", harmless=True),
    Attack("float32", ACCIDENTS, "double = lambda x: (2 * x).astype(np.float32)", harmless=True, right=True),
    Attack("bytes in another order", ACCIDENTS, "double = lambda x: (2 * x).astype('>f8')", harmless=True, right=True),
    Attack("columns before rows", ACCIDENTS, "double = lambda x: np.asfortranarray(2 * x)", harmless=True, right=True),
    Attack(
        "a view with negative strides",
        ACCIDENTS,
        "double = lambda x: (2 * x)[::-1].copy()[::-1]",
        harmless=True,
        right=True,
    ),
    Attack("a matrix class", ACCIDENTS, "double = lambda x: (2 * x).view(np.recarray)", harmless=True, right=True),
    Attack("long doubles", ACCIDENTS, "double = lambda x: (2 * x).astype(np.longdouble)", harmless=True, right=True),
    Attack(
        "a read-only answer",
        ACCIDENTS,
        "def double(x):\n    y = 2 * x\n    y.flags.writeable = False\n    return y",
        harmless=True,
        right=True,
    ),
    Attack("nested lists", ACCIDENTS, "double = lambda x: (2 * x).tolist()", harmless=True, right=True),
    Attack("nothing returned", ACCIDENTS, "def double(x): 2 * x", confined=True, says="None"),
    Attack("a tuple of the wrong length", ACCIDENTS, "double = lambda x: (2 * x, x)", confined=True),
    Attack(
        "the input changed in place",
        ACCIDENTS,
        "def double(x):\n    x *= 2\n    return x",
        right=True,
        says="changed in place",
    ),
    Attack(
        "one buffer every time",
        ACCIDENTS,
        """
        buffer = {}
        def double(x):
            out = buffer.setdefault(x.shape, np.empty_like(x))
            out[...] = 2 * x
            return out
        """,
        right=True,
        says="overwrote the array",
    ),
    Attack(
        "a default that keeps state",
        ACCIDENTS,
        "def double(x, seen=[]):\n    seen.append(1)\n    return 2 * x + len(seen)",
        confined=True,
    ),
]
