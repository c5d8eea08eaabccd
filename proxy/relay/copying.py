"""A connection of ackdrop's own to a broker, for one copy of a produce request: dial, send, read the answer, close."""

from __future__ import annotations

import socket
from collections.abc import Callable

import trio

from ..core.commands import Command
from ..core.copy_connection import CopyConnection
from .listeners import Address
from .peer import Peer

TIMEOUT = 30.0
"""Seconds from dialling to the answer. A broker that wants SASL first closes at once; nothing waits for longer."""
CONNECT_TIMEOUT = 10.0
_READ_SIZE = 64 * 1024


class CopySession:
    """Runs until the copy has its answer, or gets none. `perform` carries out commands of the core."""

    def __init__(self, copy: CopyConnection, perform: Callable[[list[Command]], None]) -> None:
        self._copy = copy
        self._perform = perform
        self._peer: Peer | None = None

    async def run(self, upstream: list[Address]) -> None:
        """Connect to the first address that answers, and let the core say what is sent."""
        reason = "the proxy ended"
        try:
            with trio.move_on_after(TIMEOUT):
                reason = await self._talk(upstream)
                return
            reason = f"no answer for {TIMEOUT:g} seconds"
        finally:
            self._perform(self._copy.ended(reason, trio.current_time()))
            if self._peer is not None:
                self._peer.close()

    async def _talk(self, upstream: list[Address]) -> str:
        """Why it ended, where the core did not end it."""
        sock = await connect(upstream)
        if sock is None:
            return "the broker cannot be reached"
        peer = self._peer = Peer(sock)
        self._perform(self._copy.connected(trio.current_time()))
        await peer.flush()
        buffer = memoryview(bytearray(_READ_SIZE))
        while not self._copy.done:
            count = await _read(peer, buffer)
            if not count:
                return "the broker closed the connection"
            self._perform(self._copy.received(buffer[:count], trio.current_time()))
        return ""

    # Commands.

    def send(self, data: bytes | memoryview) -> None:
        """Send to the broker; what the kernel does not take waits for `flush`."""
        if self._peer is not None:
            self._peer.send(data)

    def finish(self) -> None:
        """FIN, after what was sent."""
        if self._peer is not None:
            self._peer.finish()


async def connect(addresses: list[Address]) -> socket.socket | None:
    """A socket connected to the first address that answers; None where none does."""
    for host, port in list(addresses):
        with trio.move_on_after(CONNECT_TIMEOUT):
            try:
                stream = await trio.open_tcp_stream(host, port)
            except OSError:
                continue
            return socket.socket(fileno=stream.socket.detach())
    return None


async def _read(peer: Peer, buffer: memoryview) -> int:
    """Bytes read; 0 where nothing more comes."""
    while not peer.closed:
        try:
            await trio.lowlevel.wait_readable(peer.sock)
            return peer.sock.recv_into(buffer)
        except BlockingIOError:
            continue
        except (trio.ClosedResourceError, OSError):
            return 0
    return 0
