"""One client's connection: its socket, the one to the broker, and a pump for each direction.

What a pump reads goes to the core; the commands that come back may concern any session, so the proxy performs them.
Reading pauses while too much waits towards the other side.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal

import trio

from ..core.commands import Command, Side
from ..core.connection import Connection
from .peer import Peer

LINGER = 2.0
"""Seconds for which a side that was sent a FIN is still read from, so that closing sends no RST over unread bytes."""


class Session:
    """Runs until both sides are closed. `perform` carries out commands of the core, on whatever session."""

    def __init__(
        self,
        connection: Connection,
        client: socket.socket,
        broker: socket.socket,
        *,
        buffer: memoryview,
        backlog: int,
        perform: Callable[[list[Command]], None],
    ) -> None:
        self.connection = connection
        self._peers = {Side.CLIENT: Peer(client), Side.BROKER: Peer(broker)}
        self._buffer = buffer
        self._backlog = backlog
        self._perform = perform
        self._room = trio.lowlevel.ParkingLot()
        self._nursery: trio.Nursery | None = None

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
        while (count := await self._read(peer)) is not None:
            if count <= 0:
                how: Literal["fin", "reset"] = "fin" if count == 0 and not peer.broken else "reset"
                self._perform(connection.ended(side, how, trio.current_time()))
                break
            self._perform(connection.received(side, self._buffer[:count], trio.current_time()))
            while self._full(side):
                await self._room.park()
        peer.silent.set()

    async def _read(self, peer: Peer) -> int | None:
        """Bytes read into the buffer; 0 at a FIN, -1 at a reset, None once the socket is closed on our side."""
        while not peer.closed:
            try:
                await trio.lowlevel.wait_readable(peer.sock)
                return peer.sock.recv_into(self._buffer)
            except BlockingIOError:
                continue
            except trio.ClosedResourceError:
                break
            except OSError:
                return None if peer.closed else -1
        return None

    def _full(self, side: Side) -> bool:
        """Whether reading from this side has to pause."""
        peer, other = self._peers[side], self._peers[side.other]
        if peer.closed:
            return False
        return other.backlog > self._backlog or not self.connection.may_read(side)

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
        self._peers[to].finish()

    def close(self, to: Side, how: Literal["fin", "reset"]) -> None:
        """End that side: a RST at once; or a FIN after what waits, and a bounded wait for its own end."""
        peer = self._peers[to]
        if how == "reset" or peer.closed or self._nursery is None:
            peer.close(how)
        else:
            peer.finish()
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


async def turn_away(client: socket.socket, how: Literal["fin", "reset"]) -> None:
    """End a client's connection that never became a session: with a RST; or a FIN and a bounded wait for its own."""
    if client.fileno() < 0:
        return
    peer = Peer(client)
    if how == "fin":
        peer.finish()
        with trio.move_on_after(LINGER):
            await _silence(peer)
    peer.close(how)


async def _silence(peer: Peer) -> None:
    """Read on until nothing more comes: closing over unread bytes would send a RST."""
    while True:
        try:
            await trio.lowlevel.wait_readable(peer.sock)
            if not peer.sock.recv(4096):
                return
        except BlockingIOError:
            continue
        except OSError:
            return
