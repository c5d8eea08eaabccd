"""One connection on which hand-made frames are sent, ahead of their answers where a case wants that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..direct.connection import Connection, ConnectionLost, NoAnswer
from ..direct.link import Link
from ..errors import BrokerError
from .model import How


@dataclass(frozen=True, slots=True)
class Silence:
    """Why there is no answer."""

    how: How
    text: str


class Line:
    """A connection of our own to the broker behind `link`. After a Silence it is closed, and of no use any more."""

    def __init__(self, connection: Connection, link: Link, seconds: float) -> None:
        self.link = link
        self.usable = True
        self._connection = connection
        self._seconds = seconds
        self._count = 0

    @classmethod
    async def dial(cls, link: Link, seconds: float) -> Line:
        """Raises BrokerError."""
        await link.connect()
        return cls(await link.dial(), link, seconds)

    def next_id(self) -> int:
        """A correlation id that was not used on this connection before."""
        self._count += 1
        return self._count

    async def ask(self, frame: bytes, doing: str) -> memoryview | Silence:
        """Sends a request and gives the frame that answers it."""
        sent = await self.send([frame], doing)
        return sent if isinstance(sent, Silence) else await self.receive(frame, doing)

    async def send(self, frames: Sequence[bytes], doing: str) -> Silence | None:
        """Sends requests in one write."""
        try:
            await self._connection.send(b"".join(frames), doing, self._seconds)
        except BrokerError as error:
            return self._lost(error)
        return None

    async def receive(self, frame: bytes, doing: str) -> memoryview | Silence:
        """The answer to this request, which has to be the next one."""
        if not self.usable:
            return Silence("closed", "the connection had ended before")
        try:
            return await self._connection.receive(frame, doing, self._seconds)
        except BrokerError as error:
            return self._lost(error)

    def _lost(self, error: BrokerError) -> Silence:
        self.close()
        if isinstance(error, ConnectionLost):
            return Silence("closed", error.message)
        return Silence("silent" if isinstance(error, NoAnswer) else "unreadable", error.message)

    def close(self) -> None:
        """Never waits."""
        self.usable = False
        self._connection.close()
