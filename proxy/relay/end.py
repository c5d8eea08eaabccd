"""One side of a session, as the poller sees it: what is done for each event, and so for most frames.

This module is compiled by Cython where a C compiler is there when ackdrop is installed (`end.pxd` has the types), and
is the same uncompiled where none is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

import trio

from ..core.commands import Command, Side
from .peer import Peer
from .poller import IN, OUT, Poller

if TYPE_CHECKING:
    from .session import Session

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
        self._other = other
        self._around = around
        self._poller = around.poller
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
                if self._around.settling:
                    self._around.passed()
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
