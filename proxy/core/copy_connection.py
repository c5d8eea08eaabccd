"""A connection of ackdrop's own to a broker, on which one copy of a request goes out.

Nothing else is said on it: a broker takes any request as the first of a connection, unless it wants to know who is
speaking (SASL): then it closes. It ends with the answer, or when the relay has waited for long enough.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from ..errors import UndecodableError, WireError
from ..kafka.apis import api_name
from ..observations import ConnectionClosed, ConnectionOpened, Undecoded
from .assembly import Assembly
from .commands import Close, Command, Dial, Send, Side

if TYPE_CHECKING:
    from .copied import Copy, Original
    from .wire import Wire

_ANSWER_HEAD = Struct(">ii")

PEER = "ackdrop"
"""The peer that is told of such a connection: no client has opened it."""


class CopyConnection:
    """Fed by the relay like a client's connection; `number` counts with those, `node` is the broker it goes to."""

    def __init__(self, wire: Wire, number: int, node: int, frame: bytes, original: Original) -> None:
        self.number = number
        self.node = node
        self.done = False
        """Whether all is recorded: nothing more is expected of the relay."""
        self._wire = wire
        self._frame = frame
        self._original = original
        self._now = 0.0
        self._copy: Copy | None = None
        self._answers = Assembly(
            head=lambda head: True,
            whole=self._answer,
            through=lambda data: None,
            least=4,
            limit=wire.settings.frame_limit,
        )

    def wake(self, now: float) -> None:
        """Its time has come: have the relay connect."""
        self._wire.observe(ConnectionOpened(now, self.number, self.node, PEER))
        self._copy = self._original.copy(self.number, now)
        self._wire.command(Dial(self.number, self.node))

    # What the relay calls.

    def connected(self, now: float) -> list[Command]:
        """The broker is there."""
        if self._copy is not None and not self.done:
            self._wire.command(Send(self.number, Side.BROKER, self._frame))
            self._copy.went(now, True)
            if not self._copy.answered:
                self._end(now, "")
        return self._wire.follow(now)

    def received(self, data: memoryview, now: float) -> list[Command]:
        """Bytes came from the broker."""
        self._now = now
        try:
            if not self.done:
                self._answers.feed(data)
        except WireError as error:
            of = self._original.exchange
            self._wire.observe(Undecoded(now, self.number, api_name(of.api_key), of.api_version, str(error), True))
            self._end(now, str(error))
        return self._wire.follow(now)

    def ended(self, reason: str, now: float) -> list[Command]:
        """There is no connection, or not any more."""
        self._end(now, reason)
        return self._wire.follow(now)

    def _answer(self, frame: memoryview) -> None:
        if self._copy is None or self.done:
            return
        _, correlation_id = _ANSWER_HEAD.unpack_from(frame)
        if correlation_id != self._copy.exchange.correlation_id:
            raise UndecodableError(f"an answer with correlation id {correlation_id}, which no request waits for")
        self._copy.read(frame, self._now)
        self._end(self._now, "")

    def _end(self, now: float, reason: str) -> None:
        if self.done:
            return
        self.done = True
        if self._copy is None:
            self._original.never(now)
        else:
            self._copy.went(now, False)
            self._wire.command(Close(self.number, Side.BROKER, "fin"))
            self._wire.observe(ConnectionClosed(now, self.number, "ackdrop", "fin", reason))
        self._wire.release_copy(len(self._frame))
        self._wire.forget(self.number)
