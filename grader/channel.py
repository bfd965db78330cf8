"""Frames over a socket, with a deadline for every read and write. Trusts nothing that it reads."""

import os
import select
import socket
import time
from collections.abc import Callable, Sequence

from grader import wire
from grader.plans import Tree

_READ_AHEAD = 1 << 16  # answers are many and small: several come with one call of the system


class ChannelClosedError(Exception):
    """The other side has gone."""


class ChannelTimeoutError(Exception):
    """The deadline passed before the frame was whole."""


class Channel:
    """One end of a stream socket that carries `wire` frames.

    Parameters
    ----------
    sock : socket
        Owned by the channel from now on.
    descriptors : bool
        Whether descriptors that come along are taken (`take_descriptor`); the kernel drops them otherwise.

    Attributes
    ----------
    received : int
        How many bytes of frames were read.
    watch : (file descriptor, function) or None
        The function is called whenever that descriptor becomes readable while a read waits.
    """

    def __init__(self, sock: socket.socket, *, caps: wire.Caps | None = None, descriptors: bool = False) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._caps = caps
        self._takes_descriptors = descriptors
        self._descriptors: list[int] = []
        self._read_ahead = bytearray()
        self.received = 0
        self.watch: tuple[int, Callable[[], None]] | None = None

    def send(self, tree: Tree, *, deadline: float, descriptors: Sequence[int] = ()) -> None:
        """Send one frame; ``descriptors`` travel with its first bytes. ``deadline`` is of `time.monotonic`."""
        self.send_frame(wire.encode(tree), deadline=deadline, descriptors=descriptors)

    def send_frame(self, frame: bytes, *, deadline: float, descriptors: Sequence[int] = ()) -> None:
        """Send a frame that is encoded already."""
        data, sent = memoryview(frame), 0
        while sent < len(data):
            self._wait(writing=True, deadline=deadline)
            try:
                if descriptors and not sent:
                    sent += socket.send_fds(self._sock, [data[:1]], list(descriptors))
                else:
                    sent += self._sock.send(data[sent : sent + (1 << 20)])
            except BlockingIOError:
                continue
            except OSError as error:
                raise ChannelClosedError(str(error)) from error

    def receive(self, *, deadline: float) -> Tree:
        """Receive one frame.

        Raises
        ------
        ChannelClosedError, ChannelTimeoutError, WireError
        """
        return wire.read_frame(lambda size: self._read(size, deadline), self._caps)

    def take_descriptor(self) -> int:
        """Return the oldest descriptor that came with the frames read so far; -1 if there is none."""
        return self._descriptors.pop(0) if self._descriptors else -1

    def close(self) -> None:
        """Close the socket and what came over it unasked."""
        self._sock.close()
        self._keep_descriptors(0)

    def _keep_descriptors(self, most: int) -> None:
        while len(self._descriptors) > most:
            os.close(self._descriptors.pop())

    def _read(self, size: int, deadline: float) -> bytes:
        data = self._read_ahead  # grows as bytes arrive: a claimed length alone allocates nothing
        while len(data) < size:
            if time.monotonic() >= deadline:  # there may always be more to read
                raise ChannelTimeoutError
            try:
                chunk = self._receive(min(max(size - len(data), _READ_AHEAD), 1 << 20))
            except BlockingIOError:
                self._wait(writing=False, deadline=deadline)
                continue
            except OSError as error:
                raise ChannelClosedError(str(error)) from error
            if not chunk:
                raise ChannelClosedError("end of file")
            data += chunk
        read = bytes(data[:size])
        del data[:size]
        self.received += size
        return read

    def _receive(self, size: int) -> bytes:
        if not self._takes_descriptors:
            return self._sock.recv(size)
        chunk, descriptors, _, _ = socket.recv_fds(self._sock, size, 2)
        self._descriptors += descriptors
        self._keep_descriptors(4)
        return chunk

    def _wait(self, *, writing: bool, deadline: float) -> None:
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ChannelTimeoutError
            ready, asked, hung_up = _poll(self._sock, writing, self.watch[0] if self.watch else -1, left)
            if self.watch and asked:
                self.watch[1]()
            elif hung_up:  # nobody is left who could ask
                self.watch = None
            if ready:
                return


def _poll(sock: socket.socket, writing: bool, watched: int, seconds: float) -> tuple[bool, bool, bool]:
    """Wait; return whether the socket is ready, whether the watched descriptor is readable, whether it hung up."""
    if not hasattr(select, "poll"):  # Windows, where nothing is watched
        read, write, _ = select.select([] if writing else [sock], [sock] if writing else [], [], seconds)
        return bool(read or write), False, False
    poll = select.poll()
    poll.register(sock, select.POLLOUT if writing else select.POLLIN)
    if watched >= 0:
        poll.register(watched, select.POLLIN)
    events = dict(poll.poll(seconds * 1000))
    other = events.get(watched, 0)
    return sock.fileno() in events, bool(other & select.POLLIN), bool(other and not other & select.POLLIN)
