"""One client's connection: the peer that it is, the broker's, and an end of the session for each.

What an end reads goes to the core; the commands that come back may concern any session, so the proxy performs them.
Reading pauses while too much waits towards the other side.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import trio

from ..core.commands import Command, Side
from ..core.connection import Connection
from .peer import LINGER, Peer
from .poller import IN, OUT, Poller

_TURNS = 16
"""How often one side is read in a row, where more has come; then the others have their turn."""


class Surroundings(Protocol):
    """What a session has of the proxy it belongs to."""

    poller: Poller
    buffer: memoryview
    """Read into by all: what is in it is good until the next one reads."""

    def perform(self, commands: list[Command]) -> None:
        """Carry out commands of the core, on whatever session."""

    def passed(self) -> None:
        """Bytes have gone on without a command."""

    def spawn(self, task: Callable[[Peer], Awaitable[None]], peer: Peer) -> None:
        """Run a task beside the session."""


class _End:
    """One side of a session, as the poller sees it."""

    __slots__ = ("_events", "_fd", "_poller", "peer", "reads", "session", "side")

    def __init__(self, session: Session, side: Side, peer: Peer, poller: Poller) -> None:
        self.session = session
        self.side = side
        self.peer = peer
        self._poller = poller
        self._fd = peer.sock.fileno()
        self._events = 0
        self.reads = True
        """Whether more is to come from this side, and wanted now or later."""

    def want(self, reading: bool) -> None:
        """Be told of what comes, or not; and of room to send while something waits."""
        peer = self.peer
        if peer.closed:
            return
        events = (IN if reading and self.reads else 0) | (OUT if peer.backlog else 0)
        before, self._events = self._events, events
        if events == before:
            return
        if not before:
            self._poller.watch(self._fd, events, self._ready)
        elif events:
            self._poller.change(self._fd, events)
        else:  # and not watched for nothing: an end is always told
            self._poller.forget(self._fd)

    def closing(self) -> None:
        """The socket is about to be closed."""
        if self._events:
            self._events = 0
            self._poller.forget(self._fd)

    @property
    def reading(self) -> bool:
        return bool(self._events & IN)

    def _ready(self, events: int) -> None:
        peer = self.peer
        if self._events & OUT and events != IN and peer.pour():
            self.want(self.reading)
            self.session.make_room()
        if self._events & IN and events != OUT:
            self.read()

    def read(self) -> None:
        """Read what has come, and do what follows from it."""
        peer, session = self.peer, self.session
        for _ in range(_TURNS):
            count = peer.receive(session.buffer)
            if count is None:
                return
            session.read(self.side, peer, count)
            if peer.closed:
                return
            if count <= 0:
                self.reads = False
                self.want(False)
                peer.silent.set()
                return
            if session.full(self.side):
                self.want(False)
                return
            if not peer.tls:  # the poller tells of more
                return
        session.read_on(self)


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
        self._ends = {side: _End(self, side, peer, surroundings.poller) for side, peer in self._peers.items()}
        self._token = trio.lowlevel.current_trio_token()
        self._running = False
        self._draining = False
        self.heard = trio.current_time()
        """When something came last, from either side."""
        self.taken = 0
        """How many bytes have come from both."""

    async def run(self) -> None:
        """Relay both ways until the core has ended both sides; a side that only says its end may still be sent to."""
        self._running = True
        try:
            for end in self._ends.values():
                end.peer.closing = end.closing
                end.want(not self.full(end.side))
                self.read_on(end)
            for peer in self._peers.values():
                await peer.gone.wait()
        finally:
            self._running = False
            for peer in self._peers.values():
                peer.close()

    def read(self, side: Side, peer: Peer, count: int) -> None:
        """So many bytes came into the buffer from that side; 0 and -1 as `Peer.receive` has it."""
        now = trio.current_time()
        if peer.ear is not None:
            peer.heard(self.buffer, count, now)
        if count > 0:
            self.taken += count
            self.heard = now
            data = self.buffer[:count]
            done = self.connection.through(side, data, now)
            if done:
                self.send(side.other, data if done == count else data[:done])
                self._around.passed()
            if done < count:
                self._around.perform(self.connection.received(side, data[done:], now))
        elif peer.trouble:
            self._around.perform(self.connection.shut(f"no TLS with the {side.value}: {peer.trouble}", now))
        else:
            self._around.perform(self.connection.ended(side, "reset" if count < 0 or peer.broken else "fin", now))

    def full(self, side: Side) -> bool:
        """Whether reading from this side has to pause."""
        if self._draining and side is Side.CLIENT:
            return True
        return self._peers[side.other].backlog > self._backlog or not self.connection.may_read(side)

    @property
    def pauses(self) -> bool:
        """Whether reading pauses on any side, so that what does not come may be our doing."""
        return any(self.full(side) for side, peer in self._peers.items() if not peer.closed)

    def drain(self) -> None:
        """Read no more requests once what comes next was read; what was read goes on, and so do answers."""
        self._draining = True

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
        if self._running:
            for side, end in self._ends.items():
                if end.reads and not end.reading and not self.full(side):
                    end.want(True)
                    self.read_on(end)

    def read_on(self, end: _End) -> None:
        """Have a side be read again that may have more than its socket tells of; soon, since somebody may be at it."""
        if end.peer.tls:
            self._token.run_sync_soon(self._read_on, end)

    def _read_on(self, end: _End) -> None:
        if end.reading and not end.peer.closed:
            end.read()
