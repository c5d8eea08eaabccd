"""Copies of produce requests that ackdrop itself sends, as a fault asks: behind the original, or on their own.

A copy is the request's very bytes. On the same connection it goes behind the original, and its answer is matched in
order and goes to nobody. On a connection of ackdrop's own nothing goes but the copy: see `copy_connection`. A copy that
cannot be sent any more, for its connection is closed or too many wait, is recorded as an attempt that never went.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..faults.verdicts import Repeat
from .exchanges import Exchange, Exchanges
from .outlet import Outlet
from .produce import PRODUCE, InFlight, ProduceTraffic

if TYPE_CHECKING:
    from .wire import Wire


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A copy that goes out at `due` on the connection of its original."""

    due: float
    frame: bytes
    original: InFlight


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

    def repeat(self, frame: memoryview, in_flight: InFlight, repeat: Repeat, now: float) -> None:
        """Send copies of a request that has gone on."""
        copied = bytes(frame)
        for _ in range(repeat.times):
            if repeat.on == "same" and repeat.seconds <= 0:
                self._send(copied, in_flight, now)
            elif not self._wire.hold_copy(len(copied)):
                self._traffic.not_copied(in_flight, now)
            elif repeat.on == "new":
                self._wire.begin_copy(self._node, copied, in_flight, self._traffic, now + repeat.seconds, now)
            else:
                self._waiting.append(_Waiting(now + repeat.seconds, copied, in_flight))
                self._wire.wake_at(now + repeat.seconds, self._connection)

    def wake(self, now: float) -> None:
        """Send what is due."""
        due = [waiting for waiting in self._waiting if waiting.due <= now]
        self._waiting = [waiting for waiting in self._waiting if waiting.due > now]
        for waiting in due:
            self._wire.release_copy(len(waiting.frame))
            self._send(waiting.frame, waiting.original, now)

    def give_up(self, now: float) -> None:
        """The broker's side is closed: what waits is not sent any more."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._wire.release_copy(len(each.frame))
            self._traffic.not_copied(each.original, now)

    def _send(self, frame: bytes, original: InFlight, now: float) -> None:
        copy = self._traffic.copied(original, self._connection, now)
        if copy.acks != 0:
            self._exchanges.add(Exchange(copy.correlation_id, PRODUCE, copy.api_version, copy.client_id, copy))
        self._to_broker.put(frame, now, then=partial(self._went, copy))

    def _went(self, copy: InFlight, now: float, sent: bool) -> None:
        if sent:
            self._traffic.sent(copy, now)
        else:
            self._traffic.lost(copy, "none", now)
