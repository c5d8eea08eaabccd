"""One socket of a session: sends without blocking, keeps what the kernel does not take yet, and ends it well.

The data path works on plain non-blocking sockets and `trio.lowlevel`: a send that the kernel takes at once costs no
task switch, and what is read is handed on before anything else can overwrite the shared read buffer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import trio

from .road import Road
from .tap import Ear

if TYPE_CHECKING:
    from .kernel import Pipe

LINGER = 2.0
"""Seconds for which a side that was sent a FIN is still read from, so that closing sends no RST over unread bytes."""

_RESET = struct.pack("ii", 1, 0)


class Peer(Road):
    """A connected socket. `backlog` counts the bytes that wait for the kernel; `tls`: whether they are encrypted."""

    tls = False

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(plain=not self.tls)
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # some systems refuse it on a connection that was reset already
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # As clients and brokers do: a side that vanished without a word must not be kept for ever.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.sock = sock
        self.backlog = 0
        self.silent = trio.Event()
        """Set once nothing more will come from this side."""
        self.gone = trio.Event()
        """Set once the socket is closed."""
        self.unread = False
        """Whether bytes wait that were never read: they have to go before more are."""
        self._waiting: deque[memoryview | Pipe] = deque()
        self._emptied = trio.Event()
        self._finishing = False
        self.broken = False
        """Set once a send has found the connection reset; the read that follows then sees a mere end."""
        self.trouble = ""
        """Why nothing more can be read, where that is more than an end."""
        self.ear: Ear | None = None
        """Who is told of what passes."""
        self.closing: Callable[[], None] | None = None
        """Called right before the socket is closed."""

    @property
    def closed(self) -> bool:
        """Whether the socket is closed."""
        return self.gone.is_set()

    def send(self, data: bytes | memoryview) -> bool:
        """Send now what the kernel takes; True when the rest begins to wait, so that `flush` must run."""
        if self.closed or self._finishing or self.broken:
            return False
        idle = not self._waiting
        if idle:
            data = memoryview(data)[self._try(data) :]
            if not data:
                return False
        self._wait(memoryview(bytes(data)))
        return idle

    def hand_over(self, left: list[bytes | Pipe]) -> bool:
        """Let wait what the kernel had no room for, or found the connection broken over; the same as `send`."""
        if self.closed or self._finishing or self.broken:
            return False
        idle = not self._waiting
        for each in left:
            self._wait(memoryview(each) if isinstance(each, bytes) else each)
        self.unread = True
        return idle

    def _wait(self, data: memoryview | Pipe) -> None:
        if not self._waiting:
            self._emptied = trio.Event()
        self._waiting.append(data)
        self.backlog += len(data)
        self.plain = False

    def _try(self, data: bytes | memoryview | Pipe) -> int:
        """How much the kernel took. A broken connection takes all of it: the reading side will tell of the end."""
        try:
            if not isinstance(data, bytes | memoryview):
                return data.pour(self.sock.fileno())
            sent = self.sock.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.broken, self.plain = True, False
            return len(data)
        if self.ear is not None and not self.tls:
            self.ear.sent(data if sent == len(data) else memoryview(data)[:sent], trio.current_time())
        return sent

    def receive(self, buffer: memoryview) -> int | None:
        """Bytes read into the buffer; 0 at a FIN, -1 at a reset, None where nothing has come.

        Only of a socket that is not closed. Nothing else runs in between, so one buffer may serve many peers.
        """
        try:
            return self.sock.recv_into(buffer)
        except BlockingIOError:
            return None
        except OSError:
            return -1

    async def read(self, buffer: memoryview) -> int | None:
        """The same, and waits until something comes; None once the socket is closed on our side."""
        await trio.lowlevel.checkpoint()
        while not self.closed:
            count = self.receive(buffer)
            if count is not None:
                return count
            try:
                await trio.lowlevel.wait_readable(self.sock)
            except trio.ClosedResourceError:
                break
        return None

    def heard(self, buffer: memoryview, count: int | None, now: float) -> None:
        """What a read gave, for whoever listens."""
        if self.ear is None or count is None:
            return
        if count > 0:
            self.ear.received(buffer[:count], now)
        else:
            self.ear.ended(True, "reset" if count < 0 or self.broken else "fin", now)

    async def flush(self) -> None:
        """Send what waits, until nothing does or the socket is gone. At most one task may be at it."""
        while self._waiting:
            try:
                await trio.lowlevel.wait_writable(self.sock)
            except trio.ClosedResourceError:
                return
            self.pour()

    def pour(self) -> bool:
        """Send of what waits as much as the kernel takes; True once nothing waits any more."""
        while self._waiting:
            first, size = self._waiting[0], len(self._waiting[0])
            sent = self._try(first)
            self.backlog -= sent
            if sent < size:
                if isinstance(first, memoryview):
                    self._waiting[0] = first[sent:]
                return False
            self._waiting.popleft()
        self.unread = False
        self._emptied.set()
        self.plain = not (self.tls or self._finishing or self.broken or self.ear is not None)
        if self._finishing:
            self._shutdown()
        return True

    async def flushed(self) -> None:
        """Wait until nothing waits, or the socket is gone."""
        while self._waiting:
            await self._emptied.wait()

    def finish(self) -> bool:
        """FIN, after what waits; reading goes on. True where `flush` must run for it, as with `send`."""
        if not self._finishing and not self.closed:
            self._finishing, self.plain = True, False
            if not self._waiting:
                self._shutdown()
        return False

    async def turn_away(self, how: Literal["fin", "reset"]) -> None:
        """End a connection on which nothing was relayed: with a RST; or a FIN and a bounded wait for the other's."""
        if how == "fin":
            must_flush = self.finish()
            with trio.move_on_after(LINGER):
                if must_flush:
                    await self.flush()
                await self._silence()
        self.close(how)

    async def _silence(self) -> None:
        """Read on until nothing more comes: closing over unread bytes would send a RST."""
        buffer = memoryview(bytearray(4096))
        count: int | None = 1
        while count is not None and count > 0:
            count = await self.read(buffer)
            self.heard(buffer, count, trio.current_time())

    def _shutdown(self) -> None:
        with contextlib.suppress(OSError):  # the other side was faster
            self.sock.shutdown(socket.SHUT_WR)
            if self.ear is not None:
                self.ear.ended(False, "fin", trio.current_time())

    def close(self, how: Literal["fin", "reset"] = "fin") -> None:
        """Close the socket at once, what waits included: `reset` sends a RST."""
        if self.closed:
            return
        self._waiting.clear()
        self.backlog, self.plain, self.unread = 0, False, False
        if how == "reset":
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if self.closing is not None:
            self.closing()
        trio.lowlevel.notify_closing(self.sock)
        self.sock.close()
        if self.ear is not None:
            self.ear.ended(False, how, trio.current_time())
            self.ear.closed()
        for event in (self.gone, self.silent, self._emptied):
            event.set()
