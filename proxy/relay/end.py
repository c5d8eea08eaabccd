"""One side of a session, as the poller sees it: what is done for each event, and so for most frames.

This module is compiled by Cython where a C compiler is there when ackdrop is installed (`end.pxd` has the types), and
is the same uncompiled where none is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from ..core.commands import Command, Side
from ..core.large import Large
from .peer import Peer
from .poller import IN, OUT, Poller
from .straight import receive, send

if TYPE_CHECKING:
    from .session import Session
    from .straight import Pipes

_HEAD, _FEW, _MANY = 4096, 64 * 1024, 256 * 1024
"""Bytes that are read at once: where the beginning of a large request is expected, at first, and where that many have
come."""
_WORTH_IT = 32 * 1024
"""So many bytes of a request are moved without being read, and more; of fewer, that costs more than it brings."""
_TURNS = 16
"""How often one side is read in a row, where more has come; then the others have their turn."""


class Surroundings(Protocol):
    """What a session has of the proxy it belongs to."""

    poller: Poller
    buffer: memoryview
    """Read into by all: what is in it is good until the next one reads."""

    def perform(self, commands: list[Command]) -> None:
        """Carry out commands of the core, on whatever session."""

    pipes: Pipes | None
    """By which bytes go on without being read; None where there are none."""

    paused: set[Session]
    """Those that wait until the core has let go on what it keeps: no socket tells of that."""

    settling: int
    """How many wait until every request is answered, and have to be told of what has `passed`."""

    def passed(self) -> None:
        """Bytes have gone on without a command."""

    def spawn(self, task: Callable[[Peer], Awaitable[None]], peer: Peer) -> None:
        """Run a task beside the session."""


class End:
    """One side of a session, as the poller sees it.

    Between two plain sockets what the core lets through goes from the one to the other right here; all else is the
    session's.
    """

    def __init__(self, session: Session, side: Side, peer: Peer, other: Peer, around: Surroundings) -> None:
        self.session = session
        self.side = side
        self.peer = peer
        self._from, self._onto = peer, other
        self._around = around
        self._poller = around.poller
        self._fd = peer.sock.fileno()
        self._events = 0
        self.heard = self._poller.now()
        """When something came last from this side."""
        self.taken = 0
        """How many bytes have come from it."""
        self._to = other.sock.fileno()
        self._recv, self._send, self._pipes = receive, send, around.pipes
        self._most, self._likely = _FEW, 0
        self._through = session.connection.through(side)
        self._large: Large | None = None
        if side is Side.CLIENT and around.pipes is not None:
            self._large = session.connection.large
        self.reads = True
        """Whether more is to come from this side, and wanted now or later."""
        self.draining = False
        """Whether the session reads no more requests."""

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
        if events == IN and self._from.plain and self._onto.plain:
            self._pass_on()
            return
        if self._events & OUT and events != IN and self.peer.pour():
            self.want(self.reading)
            self.session.make_room()
        if self._events & IN and events != OUT:
            self.read()

    def _pass_on(self) -> None:
        """Read what has come from a plain socket, and send to another one what goes straight through."""
        if self._large is None:
            self._once()
            return
        for _ in range(_TURNS):  # a large request comes in two pieces: its head is read, its body is not
            if self._large.opaque() >= _WORTH_IT and self._move(b""):
                if not self._goes_on() or self._large.opaque():  # what is to come of it has not come yet
                    return
            elif not self._once() or self._most != _HEAD or self._large.opaque():
                return

    def _once(self) -> bool:
        """Read once; whether all of it has gone on, and more may."""
        most = self._most
        try:
            data = self._recv(self._fd, most, self._likely)
        except OSError:
            self.took(-1)
            return False
        if data is None:
            return False
        count = self._likely = len(data)
        if not count:
            self.took(0)
            return False
        if self._most == _HEAD:
            self._most = _FEW
        else:
            self._most = _MANY if count == most else _FEW if count < _FEW else most
        session = self.session
        now = self.came(count)
        done = self._through(data, now)
        if done == count:
            if self._large is not None and self._large.opaque() >= _WORTH_IT and self._move(data):
                return self._goes_on()
            try:
                sent = self._send(self._to, data)
            except OSError:  # broken: the usual way knows what to do
                sent = 0
            if sent == count:
                return self._goes_on()
            session.sent_on(self.side, data[sent:])
        else:
            session.received(self.side, data, done, now)
        self.pause()
        return False

    def _goes_on(self) -> bool:
        """Bytes have gone on without a command; whether more may."""
        if self._around.settling:
            self._around.passed()
        if not self.draining and self._from.plain and self._onto.plain:
            return True
        self.pause()
        return False

    def _move(self, head: bytes) -> bool:
        """Let bytes of a large request go on behind its `head` without reading them; False where nothing was done."""
        large, pipes, session = self._large, self._pipes, self.session
        if large is None or pipes is None:
            return False
        most = large.opaque()
        count = pipes.move(self._fd, self._to, most, head, large.pieces, large.size - large.got > most)
        if not count:
            return False
        self._most = _HEAD
        now = self.came(count)
        large.came(count)
        left = pipes.take_left()
        if left:
            session.left_over(self.side, left)
        if large.complete and not large.end(now):
            session.came_whole(now)
        return True

    def came(self, count: int) -> float:
        """So many bytes have come from this side: the time."""
        self.heard = self._poller.now()
        self.taken += count
        return self.heard

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
            self.session.pause()

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
