"""What submissions try in the tests of the isolation: names to code. Each runs with os, sys, secret, outer, room."""

CALL = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *words):
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, words)) < 0:
        raise OSError(ctypes.get_errno(), "refused")
"""

FILES = {
    "reading outside": "open(secret)",
    "reading through a link": "os.symlink(secret, 'link'); open('link')",
    "listing outside": "os.listdir(os.path.dirname(secret))",
    "listing the root": "os.listdir('/')",
    "writing outside": "open(secret, 'a').write('x')",
    "emptying by a read": "os.open(secret, os.O_RDONLY | os.O_TRUNC)",
    "truncating outside": "os.truncate(secret, 0)",
    "making a file outside": "open(os.path.dirname(secret) + '/made', 'w')",
    "linking outside": "os.link(secret, 'mine'); open('mine')",
    "renaming from outside": "os.rename(secret, 'mine')",
    "removing outside": "os.remove(secret)",
    "changing a mode outside": "os.chmod(secret, 0)",
    "changing a time outside": "os.utime(secret, (0, 0))",
    "writing to the library": "open(os.__file__, 'a')",
    "adding to the library": "open(os.path.dirname(os.__file__) + '/sitecustomize.py', 'w')",
    "changing the library's mode": "os.chmod(os.__file__, 0)",
    "the list of users": "open('/etc/passwd')",
    "a device": "os.mknod('device', 0o600 | 0o020000, os.makedev(1, 1))",
    "a pipe with a name": "os.mkfifo('pipe')",
    "the memory of another": "open(f'/proc/{outer}/mem', 'rb')",
    "the arguments of another": "open(f'/proc/{outer}/cmdline')",
    "the environment of the parent": "open(f'/proc/{os.getppid() or 2}/environ')",
    "writing to /proc": "open('/proc/self/oom_score_adj', 'w')",
    "the kernel's settings": "open('/proc/sys/kernel/hostname')",
}

NETWORK = {
    "internet": "import socket; socket.socket()",
    "internet, version 6": "import socket; socket.socket(socket.AF_INET6)",
    "datagrams": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "local sockets": "import socket; socket.socket(socket.AF_UNIX)",
    "netlink": "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "pairs of local datagram sockets": "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
    "a download": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
}

PROCESSES = {
    "a fork": "os.fork()",
    "a program": "os.execv(sys.executable, [sys.executable, '-c', ''])",
    "a subprocess": "import subprocess; subprocess.run([sys.executable, '-c', ''])",
    "a spawn": "os.posix_spawn(sys.executable, [sys.executable, '-c', ''], {})",
    "a pool": "import multiprocessing as m; p = m.get_context('fork').Process(target=print); p.start()",
    "signalling the outside": "os.kill(outer, 0)",
    "signalling everybody": "os.kill(-1, 0)",
    "signalling a thread outside": "import signal; "
    + CALL.replace("\n", "\n", 1)
    + "call(room and 234, outer, outer, 0)",
    "limits of another": "import resource; resource.prlimit(outer, resource.RLIMIT_CPU, (1, 1))",
    "higher limits": "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "core files": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, 1 << 20))",
    "another user": "os.setuid(0)",
    "a new session": "os.setsid()",
    "priority": "os.nice(-5)",
    "another root": "os.chroot('.')",
}

# Numbers of x86-64; all must be refused before the kernel looks at the arguments.
KERNEL = {
    name: f"{CALL}call({number}, -1, -1, -1, -1, -1)"
    for name, number in {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_open": 434, "pidfd_getfd": 438,
        "pidfd_send_signal": 424, "rt_sigqueueinfo": 129, "tkill": 200, "mount": 165, "umount2": 166, "unshare": 272,
        "setns": 308, "pivot_root": 155, "open_tree": 428, "fsopen": 430, "bpf": 321, "keyctl": 250, "add_key": 248,
        "userfaultfd": 323, "perf_event_open": 298, "io_uring_setup": 425, "memfd_create": 319,
        "open_by_handle_at": 304, "shmget": 29, "msgget": 68, "mq_open": 240, "personality": 135, "init_module": 175,
        "kexec_load": 246, "seccomp": 317, "landlock_restrict_self": 446, "capset": 126, "quotactl": 179,
        "vmsplice": 278, "inotify_init1": 294, "fanotify_init": 300, "setxattr": 188, "chown": 92, "iopl": 172,
        "modify_ldt": 154, "x32 getpid": 0x40000000 | 39, "unknown": 9999,
    }.items()
}  # fmt: skip
# Flags: a user namespace; a thread with a user namespace; shared memory without being a thread; vfork.
KERNEL |= {
    f"clone with {flags:#x}": f"{CALL}call(56, {flags}, 0, 0, 0, 0)"
    for flags in (0x10000011, 0x10000000 | 0x3D0F00, 0x100 | 17, 0x4100 | 17, 0x20000011)
}
KERNEL |= {
    "typing for the user": "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
    "owning a descriptor's signals": "import fcntl; fcntl.fcntl(0, 8, 1)",
    "outliving the parent": CALL + "call(157, 1, 0, 0, 0, 0)",
    "new privileges": CALL + "call(157, 8, 1, 0, 0, 0)",
}

NEEDED = {
    "a thread": "import threading; t = threading.Thread(target=print); t.start(); t.join(); result = not t.is_alive()",
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "with P(8) as pool: result = sum(pool.map(abs, range(-9, 1))) == 45"
    ),
    "a product of matrices": "import numpy as np; a = np.ones((300, 300)); result = (a @ a).sum() == 300**3",
    "linear algebra": "import numpy as np; result = np.linalg.svd(np.eye(50))[1].sum() == 50",
    "fast Fourier transforms": "import numpy as np; result = abs(np.fft.fft(np.ones(8))[0]) == 8",
    "a file of one's own": (
        "import numpy as np, os; np.save('a.npy', np.arange(5)); os.mkdir('d'); os.rename('a.npy', 'd/a.npy')\n"
        "result = np.load('d/a.npy').sum() == 10"
    ),
    "a copied file": "import shutil; open('a', 'w').write('x'); result = shutil.copyfile('a', 'b') == 'b'",
    "a memory map": "import numpy as np; m = np.memmap('m', shape=(9,), mode='w+'); m[:] = 1; result = m.sum() == 9",
    "a temporary file": "import tempfile; f = tempfile.NamedTemporaryFile(); result = f.write(b'x') == 1",
    "a home": "result = os.path.expanduser('~') == os.getcwd() and os.listdir() == []",
    "a later import": "import colorsys, sqlite3, zoneinfo, ctypes.util; result = True",
    "time zones": "from zoneinfo import ZoneInfo; result = ZoneInfo('UTC') is not None",
    "randomness": "import secrets; result = len(secrets.token_bytes(9)) == 9",
    "an alarm": (
        "import signal, time\ndef stop(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, stop)\n"
        "signal.setitimer(signal.ITIMER_REAL, .05)\n"
        "try: time.sleep(5)\nexcept TimeoutError: result = True"
    ),
    "a callback from C": (
        "import ctypes; F = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int); result = F(lambda x: x + 1)(2) == 3"
    ),
    "no input": "result = sys.stdin.read() == '' or True\nimport os; result = os.read(0, 1) == b''",
    "an event loop": "import asyncio; result = asyncio.run(asyncio.sleep(0, 3)) == 3",
    "how many processors": "result = os.cpu_count() >= 1 and len(os.sched_getaffinity(0)) >= 1",
    "an uncommon dtype": "import numpy as np; result = np.longdouble(1) + 1 == 2",
}

PICTURE = (
    "import io, matplotlib.pyplot as p; p.plot([1, 2]); p.title('$x^2$'); f = io.BytesIO(); p.savefig(f)\n"
    "p.savefig('x.pdf'); p.close('all'); result = len(f.getvalue()) > 1000 and os.path.getsize('x.pdf') > 100"
)
SHELL = (
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "shell = InteractiveShell.instance(); r = shell.run_cell('import asyncio\\nx = await asyncio.sleep(0, 7)')\n"
    "result = r.success and shell.user_ns['x'] == 7 and shell.run_cell('%timeit -n1 -r1 x').success"
)
SCIPY = (
    "import numpy as np, scipy.signal as s, scipy.linalg as l\n"
    "result = s.correlate2d(np.ones((5, 5)), np.ones((3, 3)), 'valid').shape == (3, 3) and l.det(np.eye(3)) == 1"
)
TORCH = (
    "import torch; x = torch.ones(1, 1, 8, 8, requires_grad=True)\n"
    "torch.nn.functional.conv2d(x, torch.ones(1, 1, 3, 3)).sum().backward(); result = float(x.grad.sum()) == 324.0"
)
