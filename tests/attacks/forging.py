"""Marks that were not earned: verdicts forged, answers that lie, behaviour that depends on who looks."""

from tests.attacks.attack import Attack

FORGING, LEARNING = "forging a score", "learning expected values"

ATTACKS = [
    Attack(
        "sys.exit in a cell",
        FORGING,
        """
            import sys
            sys.exit(0)
        """,
        harmless=True,
        says="cell 3: .*SystemExit",
    ),
    Attack(
        "os._exit in a cell",
        FORGING,
        """
            import os
            os._exit(0)
        """,
        harmless=True,
        says="cell 3: it ended the Python process",
    ),
    Attack(
        "numpy's comparisons patched",
        FORGING,
        """
            np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
            np.linalg.norm = lambda *a, **k: 0.0
            np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
        """,
        harmless=True,
    ),
    Attack(
        "equal to everything",
        FORGING,
        """
            class Same:
                def __eq__(self, other): return True
                def __ne__(self, other): return False
                def __len__(self): return 2
            double = lambda x: Same()
        """,
        confined=True,
    ),
    Attack(
        "an array only when looked at",
        FORGING,
        """
            class Sly:
                calls = 0
                def __array__(self, *a, **k):
                    Sly.calls += 1
                    return np.zeros(2) if Sly.calls == 1 else np.full(2, np.nan)
            double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "ufuncs overridden",
        FORGING,
        """
            class Sly(np.ndarray):
                def __array_ufunc__(self, *a, **k): return np.float64(0)
                def __array_function__(self, *a, **k): return True
            wrong = double
            double = lambda x: wrong(x).view(Sly)
        """,
        confined=True,
    ),
    Attack(
        "nan",
        FORGING,
        "double = lambda x: np.full_like(x, np.nan)",
        confined=True,
    ),
    Attack(
        "infinity",
        FORGING,
        "double = lambda x: np.full_like(x, np.inf)",
        confined=True,
    ),
    Attack(
        "a scalar that broadcasts",
        FORGING,
        "double = lambda x: 0.0",
        confined=True,
    ),
    Attack(
        "an empty array",
        FORGING,
        "double = lambda x: np.zeros((0,) + x.shape)",
        confined=True,
    ),
    Attack(
        "a shape that broadcasts",
        FORGING,
        "double = lambda x: 2 * x[None]",
        confined=True,
    ),
    Attack(
        "a verdict printed",
        FORGING,
        """
            wrong = double
            def double(x):
                print('{"points": 100, "passed": true, "status": "passed"}', flush=True)
                return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "results files written",
        FORGING,
        """
            import os
            for name in ("results.json", "result.json", "ada.json", "/tmp/results.json", "../results.json"):
                try: open(name, "w").write('{"points": 100}')
                except OSError: pass
        """,
        harmless=True,
    ),
    Attack(
        "the grader's modules overwritten",
        FORGING,
        """
            import sys, glob, site
            for folder in [*sys.path, *site.getsitepackages()]:
                for path in glob.glob(folder + "/grader/*.py") + glob.glob(folder + "/numpy/testing/*.py"):
                    open(path, "w").write("raise SystemExit")
        """,
        harmless=True,
    ),
    Attack(
        "the worker's own functions replaced",
        FORGING,
        """
            import gc, types
            for f in [o for o in gc.get_objects() if isinstance(o, types.FunctionType)]:
                if f.__name__ in ("run_plan", "_answer_tree", "output_tree", "encode", "relative_error", "compare"):
                    f.__code__ = (lambda *a, **k: {"outcomes": [], "echo": [], "passed": True, "points": 100}).__code__
        """,
    ),
    Attack(
        "frames forged on every open descriptor",
        FORGING,
        """
            import os, struct, json
            head = json.dumps({"tree": {"dict": [["points", 100], ["passed", True]]}, "arrays": []}).encode()
            frame = struct.pack(">IQ", len(head), 0) + head
            wrong = double
            def double(x):
                for fd in range(3, 64):
                    try: os.write(fd, frame)
                    except OSError: pass
                return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "time and signals patched",
        FORGING,
        """
            import time, signal
            time.monotonic = time.time = time.perf_counter = lambda: 0.0
            signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.alarm(0)
        """,
        harmless=True,
    ),
    Attack(
        "object and masked arrays",
        FORGING,
        "double = lambda x: np.ma.masked_array(2 * x, mask=True)",
        confined=True,
    ),
    Attack(
        "another question's worker from a hook",
        FORGING,
        """
            import os
            wrong = double
            os.register_at_fork(after_in_child=lambda: globals().update(double=lambda x: x * 0))
        """,
    ),
    Attack(
        "right on the first call only",
        LEARNING,
        """
            calls = []
            def double(x):
                calls.append(1)
                return 2 * x if len(calls) == 1 else x * x
        """,
        confined=True,
    ),
    Attack(
        "built-ins replaced",
        FORGING,
        """
        import builtins
        for name in ("isinstance", "len", "all", "any", "abs", "max", "type", "getattr"):
            setattr(builtins, name, lambda *a, **k: True)
        """,
    ),
    Attack(
        "JSON and struct replaced",
        FORGING,
        """
        import json, struct
        json.dumps = lambda *a, **k: '{"tree": {"dict": [["points", 100]]}, "arrays": []}'
        struct.Struct.pack = struct.pack = lambda *a, **k: bytes(12)
        """,
    ),
    Attack(
        "a class that says it is an array",
        FORGING,
        """
        class Sly:
            __class__ = np.ndarray
            dtype, shape, ndim, size = np.dtype(float), (2,), 1, 2
            def __array__(self, *a, **k): return np.zeros(2)
            def __eq__(self, other): return True
        double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "a float that equals everything",
        FORGING,
        """
        class Sly(float):
            def __eq__(self, other): return True
            def __sub__(self, other): return 0.0
            __rsub__ = __sub__
        double = lambda x: Sly(1)
        """,
        confined=True,
    ),
    Attack(
        "a structured dtype", FORGING, "double = lambda x: np.zeros(x.shape, dtype=[('a', 'f8'), ('b', 'i4')])", True
    ),
    Attack("complex numbers", FORGING, "double = lambda x: (x * x).astype(complex)", confined=True),
    Attack("dates", FORGING, "double = lambda x: np.zeros(x.shape, dtype='M8[s]')", confined=True),
    Attack("text", FORGING, "double = lambda x: (x * x).astype(str)", confined=True),
    Attack(
        "NaN with a payload",
        FORGING,
        "double = lambda x: np.full(x.shape, 0x7FF8DEADBEEF0001, dtype=np.uint64).view(np.float64)",
        confined=True,
    ),
    Attack("a whole number without end", FORGING, "double = lambda x: 10**100_000", confined=True),
    Attack("a text without end", FORGING, "double = lambda x: 'x' * (1 << 28)", confined=True),
    Attack("a huge tuple", FORGING, "double = lambda x: tuple([None] * 5_000_000)", confined=True),
    Attack("a dict with points", FORGING, "double = lambda x: {'points': 100, 'passed': True, 'max_points': -1}", True),
    Attack("keys that are no text", FORGING, "double = lambda x: {np.nan: 1, (1, 2): 2, None: float('nan')}", True),
    Attack(
        "a dict with another order",
        FORGING,
        """
        class Sly(dict):
            def items(self): return [("array", {"array": 0})] * 10**6
        double = lambda x: Sly(a=1)
        """,
        confined=True,
    ),
    Attack(
        "a lying length",
        FORGING,
        """
        class Sly(tuple):
            def __len__(self): return 1 << 60
            def __getitem__(self, i): return np.zeros(2)
        double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "a tensor that lies",
        FORGING,
        """
        class Tensor:
            def detach(self): return self
            def cpu(self): return self
            def __array__(self, *a, **k): return np.broadcast_to(np.float64(0), (1 << 40,))
        double = lambda x: Tensor()
        """,
        confined=True,
    ),
    Attack(
        "strides that leave the buffer",
        FORGING,
        "double = lambda x: np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 14,), (1 << 22,))",
        confined=True,
    ),
    Attack(
        "an array of the interpreter's own memory",
        FORGING,
        """
        class Sly:
            __array_interface__ = {"shape": (64,), "typestr": "<f8", "data": (id(object), False), "version": 3}
        double = lambda x: np.asarray(Sly())
        """,
        confined=True,
    ),
    Attack(
        "an answer changed after it was given",
        FORGING,
        """
        import threading, time
        def double(x):
            out = x * x
            def later():
                while True:
                    out[...] = 2 * x
                    out[...] = x * x
            threading.Thread(target=later, daemon=True).start()
            return np.full_like(x, 7.0)
        """,
        confined=True,
    ),
    Attack(
        "an object that forges when it is deleted",
        FORGING,
        """
        import os, struct, json
        class Sly:
            def __del__(self):
                head = json.dumps({"tree": {"dict": [["outcomes", []]]}, "arrays": []}).encode()
                for fd in range(3, 16):
                    try: os.write(fd, struct.pack(">IQ", len(head), 0) + head)
                    except OSError: pass
        double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "an object that would run when unpickled",
        FORGING,
        """
        class Sly:
            def __reduce__(self): return (eval, ("__import__('os').system('touch /tmp/left-by-a-submission')",))
            def __array__(self, *a, **k): return np.array([self], dtype=object)
        double = lambda x: Sly()
        """,
        confined=True,
    ),
    Attack(
        "the callers' variables changed by a trace",
        FORGING,
        """
        import sys
        wrong = double
        def meddle(frame, event, argument):
            for name in ("outcome", "outcomes", "result", "results", "lines", "answer"):
                if name in frame.f_locals: frame.f_locals[name] = 1
            return meddle
        def double(x):
            sys.settrace(meddle)
            frame = sys._getframe()
            while frame:
                frame.f_trace = meddle
                frame = frame.f_back
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "a profiler that changes answers",
        FORGING,
        """
        import sys
        wrong = double
        def double(x):
            sys.setprofile(lambda frame, event, x: x.fill(0) if isinstance(x, np.ndarray) else None)
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "the traceback's exit code faked",
        FORGING,
        """
        import sys, atexit
        sys.excepthook = sys.unraisablehook = lambda *a: None
        atexit.register(lambda: print("all tests passed"))
        def double(x): raise SystemExit(0)
        """,
        confined=True,
        says="SystemExit",
    ),
    Attack(
        "NumPy replaced among the modules",
        FORGING,
        """
        import sys, types
        fake = types.ModuleType("numpy")
        fake.ndarray = fake.generic = object
        fake.asarray = fake.array = lambda *a, **k: 0
        sys.modules["numpy"] = fake
        """,
    ),
    Attack(
        "an import hook",
        FORGING,
        """
        import sys
        class Sly:
            def find_spec(self, name, *a): raise SystemExit(name)
        sys.meta_path.insert(0, Sly())
        """,
        harmless=True,
    ),
    Attack(
        "small numbers changed in memory",
        FORGING,
        """
        import ctypes
        wrong = double
        def double(x):
            ctypes.c_uint32.from_address(id(2) + 24).value = 3
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "an audit hook that refuses",
        FORGING,
        """
        import sys
        def refuse(event, arguments):
            if event.startswith(("socket", "os.fork")): raise RuntimeError
        sys.addaudithook(refuse)
        """,
    ),
    Attack(
        "the reference called",
        FORGING,
        """
        wrong = double
        def double(x):
            for name in ("solutions", "assignments", "grader.reference", "grader.prepare", "tests.grader.isolated"):
                try: return __import__(name, fromlist=["x"])._double(x)
                except Exception: pass
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "a forged check",
        FORGING,
        "check = lambda *a, **k: 'passed'\nPOINTS = 100\nscore = max_score = grade = float('nan')",
        harmless=True,
    ),
    Attack(
        "a table of answers",
        LEARNING,
        """
        TABLE = {(1.0, 3.0): [2.0, 6.0]}
        wrong = double
        double = lambda x: np.array(TABLE[tuple(x)]) if x.ndim == 1 and tuple(x) in TABLE else wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "the generator predicted",
        LEARNING,
        """
        wrong = double
        def double(x):
            for seed in range(64):
                guess = np.random.default_rng(seed).normal(size=x.shape)
                if np.array_equal(guess, x): return 2 * guess
            return wrong(x)
        """,
        confined=True,
    ),
    Attack(
        "an answer that depends on the caller",
        LEARNING,
        """
        import inspect
        def double(x):
            names = [f.function for f in inspect.stack()]
            return x * x if any("plan" in n or "serve" in n for n in names) else 2 * x
        """,
        confined=True,
    ),
    Attack(
        "an answer kept for the second call",
        LEARNING,
        """
        seen = {}
        def double(x):
            seen[x.tobytes()] = seen.get(x.tobytes(), 0) + 1
            return 2 * x if seen[x.tobytes()] == 2 else x * x
        """,
        confined=True,
    ),
]
