"""A connection of ackdrop's own to a broker, for one copy of a request: dial, say who we are where somebody is named,
send, read the answer, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from ..core.commands import Command, Side
from ..core.copy_connection import CopyConnection
from ..direct.authentication import OPTIONS
from ..errors import BrokerError, WireError
from ..security import Sasl
from .authenticating import say_who
from .dialing import Dialler, Upstream
from .peer import Peer
from .tap import Tap, listen

TIMEOUT = 30.0
"""Seconds from dialling to the answer; nothing waits for longer."""
CLOSED = "the broker closed the connection"
_READ_SIZE = 64 * 1024


class CopySession:
    """Runs until the copy has its answer, or gets none. `perform` carries out commands of the core, `tap` is told of
    what passes."""

    def __init__(
        self,
        copy: CopyConnection,
        dialler: Dialler,
        sasl: Sasl | None,
        perform: Callable[[list[Command]], None],
        tap: Tap | None = None,
    ) -> None:
        self._copy = copy
        self._dialler = dialler
        self._sasl = sasl
        self._perform = perform
        self._tap = tap
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
            listen(self._tap, peer, self._copy.number, Side.BROKER, self._copy.node, own=True)
            if self._sasl is not None:
                await say_who(peer, self._sasl, str(upstream[0]))
        except (BrokerError, WireError) as error:
            return error.message
        self._perform(self._copy.connected(trio.current_time()))
        await peer.flush()
        buffer = memoryview(bytearray(_READ_SIZE))
        while not self._copy.done:
            count = await peer.read(buffer)
            now = trio.current_time()
            peer.heard(buffer, count, now)
            if not count or count < 0:
                return CLOSED if self._sasl else f"{CLOSED}; where it wants to know who is speaking, say {OPTIONS}"
            self._perform(self._copy.received(buffer[:count], now))
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
