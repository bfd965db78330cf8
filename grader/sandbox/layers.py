"""Which layers of isolation a machine has, in data and in words. Tries nothing itself."""

from dataclasses import dataclass

from grader.errors import GraderError


class SandboxError(GraderError):
    """Student code cannot be held here as asked; the message says what is absent and what to do."""


@dataclass(frozen=True)
class Layers:
    """What holds on this machine; mask one with ``dataclasses.replace``.

    Attributes
    ----------
    landlock : int
        ABI level, 0 for none.
    seccomp : bool
        The filter with its fork gate.
    namespaces : bool
        User, process, mount, network, ipc and host-name namespaces, all or none.
    proc : bool
        Each submission has a /proc of its own processes; without it, none at all (given namespaces).
    unused_identity : bool
        Started by root, so a user id that nobody uses is taken.
    absent : tuple of str
        For each layer that was tried and failed: what happened.
    """

    landlock: int = 0
    seccomp: bool = False
    namespaces: bool = False
    proc: bool = False
    unused_identity: bool = False
    absent: tuple[str, ...] = ()

    @property
    def core(self) -> bool:
        """Whether the Linux core holds, without which grading refuses."""
        return self.landlock > 0 and self.seccomp

    def describe(self) -> list[str]:
        """Return the layers in force, in the words of a result's ``sandbox`` field."""
        words = ["separate process", "resource limits"]
        if self.landlock:
            words.append(f"landlock (ABI {self.landlock})")
        if self.seccomp:
            words += ["seccomp allow-list", "fork quota"]
        if self.namespaces:
            words.append("user, pid, mount, network, ipc and uts namespaces")
            words.append("own /proc" if self.proc else "no /proc")
        if self.unused_identity:
            words.append("unused user id")
        return words

    def missing(self) -> list[str]:
        """Return, for each absent layer, what that means and the mend."""
        words = []
        if not self.landlock:
            words.append(
                "Landlock is absent (files outside the sandbox could be read): Linux 5.13 or newer has it, booted with "
                "`landlock` among its security modules (`lsm=`)."
            )
        elif self.landlock < 6:
            words.append(
                f"Landlock here is ABI {self.landlock}: Linux 6.12 or newer also confines signals and abstract sockets."
            )
        if not self.seccomp:
            words.append(
                "The system call filter is absent (network and processes would be open): it needs Linux 5.5 or newer "
                "on x86-64 or arm64."
            )
        if not self.namespaces:
            words.append(
                "Namespaces are absent (no second wall behind the filter, no disk quota): start as root, or let "
                "ordinary users create them (Ubuntu: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`; a "
                "container: a seccomp profile that lets `unshare` and `mount` pass, as podman's does)."
            )
        return [*words, *self.absent]


def require(layers: Layers, sandbox: str = "auto") -> None:
    """Refuse to grade where the Linux core is missing and nobody chose otherwise.

    Parameters
    ----------
    layers : Layers
        From `grader.sandbox.probe`.
    sandbox : {"auto", "none"}
        What the user asked for: with ``"none"`` nothing holds student code.

    Raises
    ------
    SandboxError
        With one paragraph: what is absent, and the two ways on.
    """
    if sandbox not in ("auto", "none"):
        raise SandboxError(f"sandbox is auto or none, not {sandbox!r}")
    if sandbox == "auto" and not layers.core:
        absent = " ".join(layers.missing())
        raise SandboxError(
            f"Student code cannot be isolated on this machine, so nothing was graded. {absent} Grade on a Linux "
            "machine that has it (a virtual machine or container on this one will do), or, only if you trust every "
            "submission, with `--sandbox none`."
        )
