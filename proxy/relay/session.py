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

_FEW, _MANY = 64 * 1024, 256 * 1024
"""Bytes that are read at once, at first and where that many have come."""
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
    """One side of a session, as the poller sees it.

    Between two plain sockets what the core lets through goes from the one to the other right here; all else is the
    session's.
    """

    __slots__ = (
        "_clock", "_events", "_fd", "_most", "_other", "_poller", "_recv", "_send", "_through", "peer", "reads",
        "session", "side",
    )  # fmt: skip

    def __init__(self, session: Session, side: Side, peer: Peer, other: Peer, poller: Poller) -> None:
        self.session = session
        self.side = side
        self.peer = peer
        self._other = other
        self._poller = poller
        self._fd = peer.sock.fileno()
        self._events = 0
        self._clock = trio.lowlevel.current_clock().current_time
        self._recv, self._send = peer.sock.recv, other.sock.send
        self._most = _FEW
        self._through = session.connection.through(side)
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
        if events == IN and self.peer.plain and self._other.plain:
            self._pass_on()
            return
        if self._events & OUT and events != IN and self.peer.pour():
            self.want(self.reading)
            self.session.make_room()
        if self._events & IN and events != OUT:
            self.read()

    def _pass_on(self) -> None:
        """Read what has come from a plain socket, and send to another one what goes straight through."""
        most = self._most
        try:
            data = self._recv(most)
        except BlockingIOError:
            return
        except OSError:
            self.took(-1)
            return
        count = len(data)
        if not count:
            self.took(0)
            return
        self._most = _MANY if count == most else _FEW if count < _FEW else most
        session = self.session
        now = self._clock()
        session.heard = now
        session.taken += count
        done = self._through(data, now)
        if done == count:
            try:
                sent = self._send(data)
            except OSError:  # no room, or broken: the usual way knows which
                sent = 0
            if sent < count:
                session.sent_on(self.side, data[sent:])
            else:
                session.passed()
                if not session.draining:
                    return
        else:
            session.received(self.side, data, done, now)
        self.pause()

    def took(self, count: int) -> None:
        """An end was read."""
        self.session.ended(self.side, self.peer, count)
        self.reads = False
        self.want(False)
        self.peer.silent.set()

    def pause(self) -> None:
        """Read no more for the while, where too much waits."""
        if not self.peer.closed and self.session.full(self.side):
            self.want(False)

    def read(self) -> None:
        """Read what has come, and do what follows from it."""
        peer, session = self.peer, self.session
        for _ in range(_TURNS):
            count = peer.receive(session.buffer)
            if count is None:
                return
            if count <= 0:
                self.took(count)
                return
            session.read(self.side, peer, count)
            self.pause()
            if peer.closed or not self._events & IN:
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
        self._ends = {
            side: _End(self, side, peer, self._peers[side.other], surroundings.poller)
            for side, peer in self._peers.items()
        }
        self._token = trio.lowlevel.current_trio_token()
        self._running = False
        self.draining = False
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
        """So many bytes came into the buffer from that side."""
        now = trio.current_time()
        peer.heard(self.buffer, count, now)
        self.taken += count
        self.heard = now
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
        self._around.passed()

    def passed(self) -> None:
        """Bytes have gone straight through, and none of them wait."""
        self._around.passed()

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
        return self._peers[side.other].backlog > self._backlog or not self.connection.may_read(side)

    @property
    def pauses(self) -> bool:
        """Whether reading pauses on any side, so that what does not come may be our doing."""
        return any(self.full(side) for side, peer in self._peers.items() if not peer.closed)

    def drain(self) -> None:
        """Read no more requests once what comes next was read; what was read goes on, and so do answers."""
        self.draining = True

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
