"""A connection of ackdrop's own to a broker, for one copy of a produce request: dial, send, read the answer, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from ..core.commands import Command
from ..core.copy_connection import CopyConnection
from ..errors import BrokerError
from .dialing import Dialler, Upstream
from .peer import Peer

TIMEOUT = 30.0
"""Seconds from dialling to the answer. A broker that wants SASL first closes at once; nothing waits for longer."""
_READ_SIZE = 64 * 1024


class CopySession:
    """Runs until the copy has its answer, or gets none. `perform` carries out commands of the core."""

    def __init__(self, copy: CopyConnection, dialler: Dialler, perform: Callable[[list[Command]], None]) -> None:
        self._copy = copy
        self._dialler = dialler
        self._perform = perform
        self._peer: Peer | None = None

    async def run(self, upstream: Sequence[Upstream]) -> None:
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

    async def _talk(self, upstream: Sequence[Upstream]) -> str:
        """Why it ended, where the core did not end it."""
        try:
            peer = self._peer = await self._dialler.dial(upstream)
        except BrokerError as error:
            return error.message
        self._perform(self._copy.connected(trio.current_time()))
        await peer.flush()
        buffer = memoryview(bytearray(_READ_SIZE))
        while not self._copy.done:
            count = await peer.read(buffer)
            if not count or count < 0:
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
