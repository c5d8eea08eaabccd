"""Copies of requests that ackdrop itself sends, as a fault asks: behind the original, or on their own.

A copy is the request's very bytes. On the same connection it goes behind the original, and its answer is matched in
order and goes to nobody. On a connection of ackdrop's own nothing goes but the copy: see `copy_connection`. A copy that
cannot be sent any more, for its connection is closed or too many wait, is recorded as one that never went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..faults.verdicts import Repeat
from .copied import Original
from .exchanges import Exchange, Exchanges
from .outlet import Outlet
from .produce import ProduceTraffic

if TYPE_CHECKING:
    from .wire import Wire


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A copy that goes out at `due` on the connection of its original."""

    due: float
    frame: bytes
    original: Original


class Copies:
    """The copies of one connection's requests. `node` is the broker that the connection leads to."""

    def __init__(
        self,
        wire: Wire,
        connection: int,
        node: int,
        exchanges: Exchanges,
        traffic: ProduceTraffic,
        to_broker: Outlet,
    ) -> None:
        self._wire = wire
        self._to_broker = to_broker
        self._connection = connection
        self._node = node
        self._exchanges = exchanges
        self._traffic = traffic
        self._waiting: list[_Waiting] = []
        self._over = False

    def repeat(self, frame: bytes | memoryview, exchange: Exchange, repeat: Repeat, now: float) -> None:
        """Send copies of a request that has gone on."""
        copied = bytes(frame)
        original = Original(self._wire, self._traffic, self._connection, exchange)
        for _ in range(repeat.times):
            if repeat.on == "same" and self._over:
                original.never(now)
            elif repeat.on == "same" and repeat.seconds <= 0:
                self._send(copied, original, now)
            elif not self._wire.hold_copy(len(copied)):
                original.never(now)
            elif repeat.on == "new":
                self._wire.begin_copy(self._node, copied, original, now + repeat.seconds, now)
            else:
                self._waiting.append(_Waiting(now + repeat.seconds, copied, original))
                self._wire.wake_at(now + repeat.seconds, self._connection)

    def wake(self, now: float) -> None:
        """Send what is due."""
        due = [waiting for waiting in self._waiting if waiting.due <= now]
        self._waiting = [waiting for waiting in self._waiting if waiting.due > now]
        for waiting in due:
            self._wire.release_copy(len(waiting.frame))
            self._send(waiting.frame, waiting.original, now)

    def due(self, now: float) -> bool:
        """Whether any is."""
        return any(waiting.due <= now for waiting in self._waiting)

    def give_up(self, now: float) -> None:
        """The broker's side is closed: what waits is not sent any more."""
        self._over = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._wire.release_copy(len(each.frame))
            each.original.never(now)

    def _send(self, frame: bytes, original: Original, now: float) -> None:
        copy = original.copy(self._connection, now)
        if copy.answered:
            self._exchanges.add(copy.exchange)
        self._to_broker.put(frame, now, then=copy.went)
