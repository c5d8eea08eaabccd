"""What tests of faults on real sockets share: a plain TCP relay that notes what passes, in front and behind ackdrop.

It knows nothing of ackdrop and nothing of Kafka. Before a client it is a SOCKS5 proxy (RFC 1928), so that every
connection of the client comes through it, whatever addresses it is told.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import pytest

_RESET = struct.pack("ii", 1, 0)
DEADLINE = 30.0
How = Literal["fin", "reset"]
Address = tuple[str, int]


@dataclass(slots=True)
class Way:
    """One direction of a connection: the bytes as they came, with their times, and how it ended. `segments` counts what
    the kernel got them in, however late they were read."""

    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    segments: int = 0
    ended: tuple[float, How] | None = None

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    def arrived(self, count: int) -> float:
        """When so many bytes had come."""
        seen = 0
        for at, data in self.chunks:
            seen += len(data)
            if seen >= count:
                return at
        raise AssertionError(f"{seen} bytes came, and not {count}")


@dataclass(slots=True)
class Passed:
    """One connection that passed. `port` is the one from which the relay itself has gone on."""

    port: int
    opened: float
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)


class Pair:
    """The two sockets of a connection. One thread serves both: a RST shows in whatever is done next, and only once."""

    def __init__(self, near: socket.socket, far: socket.socket, passed: Passed) -> None:
        self._ways = {near: (far, passed.up), far: (near, passed.down)}
        self._broken: set[socket.socket] = set()

    def pump(self) -> None:
        while reading := [source for source, (_, way) in self._ways.items() if way.ended is None]:
            for source in select.select(reading, [], [])[0]:
                sink, way = self._ways[source]
                if way.ended is None:
                    self._pass(source, sink, way)

    def _pass(self, source: socket.socket, sink: socket.socket, way: Way) -> None:
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
            self._broken.add(source)
        at = time.monotonic()
        if data:
            way.chunks.append((at, data))
            way.segments = _segments(source)
            try:
                sink.sendall(data)
            except OSError:
                self._broken.add(sink)
        elif source in self._broken:
            way.ended = at, "reset"
            other = self._ways[sink][1]
            other.ended = other.ended or (at, _pending(sink))
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sink.close()
        else:
            way.ended = at, "fin"
            with contextlib.suppress(OSError):  # it is gone already; what it did shows in its own way
                sink.shutdown(socket.SHUT_WR)


def _segments(sock: socket.socket) -> int:
    """How many segments with data have come (`tcpi_data_segs_in` of Linux's `struct tcp_info`)."""
    count: int = struct.unpack_from("=I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 152)[0]
    return count


def _pending(sock: socket.socket) -> How:
    """How a connection has ended from its other side by now: `reset` where a RST is there, though bytes may be too."""
    try:
        while sock.recv(65536, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        return "fin"
    except OSError:
        return "reset"
    return "fin"


class Recorder:
    """The relay; `to` is where it leads (None: where each client says, as SOCKS5)."""

    def __init__(self, to: Address | None) -> None:
        self.passed: list[Passed] = []
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, near)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _serve(self, near: socket.socket) -> None:
        self._open.append(near)
        try:
            to = self._to or asked_for(near)
            far = socket.create_connection(to)
        except OSError:
            near.close()
            return
        self._open.append(far)
        if self._to is None:
            near.sendall(b"\5\0\0\1" + bytes(6))
        for sock in (near, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        passed = Passed(far.getsockname()[1], time.monotonic())
        self.passed.append(passed)
        Pair(near, far, passed).pump()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(DEADLINE)
        for sock in self._open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(DEADLINE)
        for sock in self._open:
            sock.close()


def asked_for(near: socket.socket) -> Address:
    """The address that a SOCKS5 client asks for."""
    _, methods = exactly(near, 2)
    exactly(near, methods)
    near.sendall(b"\5\0")
    kind = exactly(near, 4)[3]
    host = socket.inet_ntoa(exactly(near, 4)) if kind == 1 else exactly(near, exactly(near, 1)[0]).decode()
    return host, struct.unpack(">H", exactly(near, 2))[0]


def exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise OSError("ended early")
        data += more
    return data


@pytest.fixture(scope="module")
def recorders() -> Iterator[Callable[..., Recorder]]:
    """`recorders(to=None)` starts a relay."""
    made: list[Recorder] = []

    def start(to: Address | None = None) -> Recorder:
        made.append(Recorder(to))
        return made[-1]

    yield start
    for recorder in made:
        recorder.close()
