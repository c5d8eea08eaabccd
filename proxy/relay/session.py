"""One client's connection: the peer that it is, the broker's, and an end of the session for each.

What an end reads goes to the core; the commands that come back may concern any session, so the proxy performs them.
Reading pauses while too much waits towards the other side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import trio

from ..core.commands import Side
from ..core.connection import Connection
from .end import End, Surroundings
from .peer import LINGER, Peer

if TYPE_CHECKING:
    from .kernel import Pipe


class Session:
    """Runs until both sides are closed."""

    def __init__(
        self, connection: Connection, client: Peer, broker: Peer, *, backlog: int, surroundings: Surroundings
    ) -> None:
        self.connection = connection
        self._peers = {Side.CLIENT: client, Side.BROKER: broker}
        self.buffer = surroundings.buffer
        self._around = surroundings
        self._backlog = backlog
        self._ends = {
            side: End(self, side, peer, self._peers[side.other], surroundings) for side, peer in self._peers.items()
        }
        self._token = trio.lowlevel.current_trio_token()
        self._running = False
        self.draining = False

    async def run(self) -> None:
        """Relay both ways until the core has ended both sides; a side that only says its end may still be sent to."""
        self._running = True
        try:
            for end in self._ends.values():
                end.peer.closing = end.closing
                end.want(not self.full(end.side))
                self.read_on(end)
            self.pause()
            for peer in self._peers.values():
                await peer.gone.wait()
        finally:
            self._running = False
            self._around.paused.discard(self)
            for peer in self._peers.values():
                peer.close()

    def read(self, side: Side, peer: Peer, count: int) -> None:
        """So many bytes came into the buffer from that side."""
        now = self._ends[side].came(count)
        peer.heard(self.buffer, count, now)
        data = bytes(self.buffer[:count])
        done = self.connection.through(side)(data, now)
        if done == count:
            self.sent_on(side, data)
        else:
            self.received(side, data, done, now)

    def received(self, side: Side, data: bytes, done: int, now: float) -> None:
        """These bytes came from that side; the first ones, as many as are `done`, go straight through."""
        if done:
            self.sent_on(side, data[:done])
        self._around.perform(self.connection.received(side, memoryview(data)[done:], now))

    def sent_on(self, side: Side, data: bytes) -> None:
        """Bytes from that side go straight through to the other."""
        self.send(side.other, data)
        if self._around.settling:
            self._around.passed()

    def left_over(self, side: Side, left: list[bytes | Pipe]) -> None:
        """For what has come from that side, and went unread, the other has no room."""
        if self._peers[side.other].hand_over(left):
            end = self._ends[side.other]
            end.want(end.reading)

    def came_whole(self, now: float) -> None:
        """A large request, of which bytes went unread, has come to its end, and goes the long way."""
        self._around.perform(self.connection.came_whole(now))

    def ended(self, side: Side, peer: Peer, count: int) -> None:
        """That side has ended: 0 and -1 as `Peer.receive` has it."""
        now = trio.current_time()
        peer.heard(self.buffer, count, now)
        if peer.trouble:
            self._around.perform(self.connection.shut(f"no TLS with the {side.value}: {peer.trouble}", now))
        else:
            self._around.perform(self.connection.ended(side, "reset" if count < 0 or peer.broken else "fin", now))

    def full(self, side: Side) -> bool:
        """Whether reading from this side has to pause."""
        if self.draining and side is Side.CLIENT:
            return True
        other = self._peers[side.other]
        return other.unread or other.backlog > self._backlog or not self.connection.may_read(side)

    def pause(self) -> None:
        """A side is not read any more: to be told when the core has room again, where it has none."""
        if not all(map(self.connection.may_read, self._peers)):
            self._around.paused.add(self)

    @property
    def heard(self) -> float:
        """When something came last, from either side."""
        return max(end.heard for end in self._ends.values())

    @property
    def taken(self) -> int:
        """How many bytes have come from both."""
        return sum(end.taken for end in self._ends.values())

    @property
    def pauses(self) -> bool:
        """Whether reading pauses on any side, so that what does not come may be our doing."""
        return any(self.full(side) for side, peer in self._peers.items() if not peer.closed)

    def drain(self) -> None:
        """Read no more requests once what comes next was read; what was read goes on, and so do answers."""
        self.draining = True
        for end in self._ends.values():
            end.draining = True

    # Commands.

    def send(self, to: Side, data: bytes | memoryview) -> None:
        """Send bytes to that side; what the kernel does not take waits for it."""
        if self._peers[to].send(data):
            end = self._ends[to]
            end.want(end.reading)

    def finish(self, to: Side) -> None:
        """FIN to that side; reading from it goes on."""
        if self._peers[to].finish():
            end = self._ends[to]
            end.want(end.reading)

    def close(self, to: Side, how: Literal["fin", "reset"]) -> None:
        """End that side: a RST at once; or a FIN after what waits, and a bounded wait for its own end."""
        peer = self._peers[to]
        if how == "reset" or peer.closed or not self._running:
            peer.close(how)
        else:
            self.finish(to)
            self._around.spawn(self._linger, peer)
        self.make_room()

    async def _linger(self, peer: Peer) -> None:
        await peer.flushed()
        with trio.move_on_after(LINGER):
            await peer.silent.wait()
        peer.close()
        self.make_room()

    def make_room(self) -> None:
        """Something has gone out, or ended: let sides that paused be read again."""
        self._around.paused.discard(self)
        if self._running:
            self.pause()
            for side, end in self._ends.items():
                if end.reads and not end.reading and not self.full(side):
                    end.want(True)
                    self.read_on(end)

    def read_on(self, end: End) -> None:
        """Have a side be read again that may have more than its socket tells of; soon, since somebody may be at it."""
        if end.peer.tls:
            self._token.run_sync_soon(self._read_on, end)

    def _read_on(self, end: End) -> None:
        if end.reading and not end.peer.closed:
            end.read()
