"""One client's connection: the peer that it is, the broker's, and a pump for each direction.

What a pump reads goes to the core; the commands that come back may concern any session, so the proxy performs them.
Reading pauses while too much waits towards the other side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import trio

from ..core.commands import Command, Side
from ..core.connection import Connection
from .peer import LINGER, Peer


class Session:
    """Runs until both sides are closed. `perform` carries out commands of the core, on whatever session."""

    def __init__(
        self,
        connection: Connection,
        client: Peer,
        broker: Peer,
        *,
        buffer: memoryview,
        backlog: int,
        perform: Callable[[list[Command]], None],
    ) -> None:
        self.connection = connection
        self._peers = {Side.CLIENT: client, Side.BROKER: broker}
        self._buffer = buffer
        self._backlog = backlog
        self._perform = perform
        self._room = trio.lowlevel.ParkingLot()
        self._nursery: trio.Nursery | None = None
        self._draining = False
        self.heard = trio.current_time()
        """When something came last, from either side."""
        self.taken = 0
        """How many bytes have come from both."""

    async def run(self) -> None:
        """Pump both ways until the core has ended both sides; a side that only says its end may still be sent to."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._pump, Side.CLIENT)
                nursery.start_soon(self._pump, Side.BROKER)
                for peer in self._peers.values():
                    await peer.gone.wait()
        finally:
            self._nursery = None
            for peer in self._peers.values():
                peer.close()

    async def _pump(self, side: Side) -> None:
        peer, connection = self._peers[side], self.connection
        while (count := await peer.read(self._buffer)) is not None:
            if count <= 0:
                peer.heard(self._buffer, count, trio.current_time())
                self._perform(self._ended(side, peer, count))
                break
            self.taken += count
            self.heard = now = trio.current_time()
            if peer.ear is not None:
                peer.heard(self._buffer, count, now)
            self._perform(connection.received(side, self._buffer[:count], now))
            while self._full(side):
                await self._room.park()
        peer.silent.set()

    def _ended(self, side: Side, peer: Peer, count: int) -> list[Command]:
        """What follows from the end of that side: of a read that gave no bytes."""
        now = trio.current_time()
        if peer.trouble:
            return self.connection.shut(f"no TLS with the {side.value}: {peer.trouble}", now)
        return self.connection.ended(side, "fin" if count == 0 and not peer.broken else "reset", now)

    def _full(self, side: Side) -> bool:
        """Whether reading from this side has to pause."""
        peer, other = self._peers[side], self._peers[side.other]
        if peer.closed:
            return False
        if self._draining and side is Side.CLIENT:
            return True
        return other.backlog > self._backlog or not self.connection.may_read(side)

    @property
    def pauses(self) -> bool:
        """Whether reading pauses on any side, so that what does not come may be our doing."""
        return any(map(self._full, Side))

    def drain(self) -> None:
        """Read no more requests; what was read goes on, and so do answers."""
        self._draining = True

    # Commands.

    def send(self, to: Side, data: bytes | memoryview) -> None:
        """Send bytes to that side, in the background where the kernel does not take all of them."""
        peer = self._peers[to]
        if peer.send(data) and self._nursery is not None:
            self._nursery.start_soon(self._flush, peer)
        self.make_room()

    async def _flush(self, peer: Peer) -> None:
        await peer.flush()
        self.make_room()

    def finish(self, to: Side) -> None:
        """FIN to that side; reading from it goes on."""
        self._finish(self._peers[to])

    def _finish(self, peer: Peer) -> None:
        if peer.finish() and self._nursery is not None:
            self._nursery.start_soon(self._flush, peer)

    def close(self, to: Side, how: Literal["fin", "reset"]) -> None:
        """End that side: a RST at once; or a FIN after what waits, and a bounded wait for its own end."""
        peer = self._peers[to]
        if how == "reset" or peer.closed or self._nursery is None:
            peer.close(how)
        else:
            self._finish(peer)
            self._nursery.start_soon(self._linger, peer)
        self.make_room()

    async def _linger(self, peer: Peer) -> None:
        await peer.flushed()
        with trio.move_on_after(LINGER):
            await peer.silent.wait()
        peer.close()
        self.make_room()

    def make_room(self) -> None:
        """Something has gone out, or ended: let pumps that paused look again."""
        self._room.unpark_all()
