"""Saying who we are on a connection of our own, before what it is for is said."""

from __future__ import annotations

import trio

from ..direct.authentication import NotLetIn, authentication
from ..errors import UndecodableError
from ..security import Sasl
from .peer import Peer

_LONGEST = 1 << 20
_READ_SIZE = 16 * 1024


async def say_who(peer: Peer, sasl: Sasl, address: str) -> None:
    """Raises BrokerError where we are not let in, UndecodableError for an answer that is none."""
    frames = authentication(sasl, address)
    request = next(frames)
    while True:
        if peer.send(request):
            await peer.flush()
        answer = await _frame(peer, address)
        if answer[4:8] != request[8:12]:
            raise UndecodableError(f"{address}: an answer to SASL authentication carries another correlation id")
        try:
            request = frames.send(memoryview(answer))
        except StopIteration:
            return


async def _frame(peer: Peer, address: str) -> bytes:
    """The one answer that is on its way."""
    buffer, unread = memoryview(bytearray(_READ_SIZE)), b""
    while len(unread) < 4 or len(unread) < 4 + int.from_bytes(unread[:4], "big"):
        count = await peer.read(buffer)
        peer.heard(buffer, count, trio.current_time())
        if not count or count < 0:
            raise NotLetIn(f"{address}: the broker closed the connection in the middle of SASL authentication")
        unread += buffer[:count]
        if int.from_bytes(unread[:4].ljust(4, b"\0"), "big") > _LONGEST:
            raise UndecodableError(f"{address}: an answer to SASL authentication is too long")
    return unread
