"""One copy of a request, from its record to its end, on whatever connection it goes.

A copy is an exchange of its own whose answer goes to nobody. A copy of a produce request is an attempt too; one of any
other API is none: of it is told that it went, or never will.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dispatching import dispatched
from .exchanges import Exchange
from .produce import ProduceTraffic

if TYPE_CHECKING:
    from .wire import Wire


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that has been recorded, on the connection of that number."""

    wire: Wire
    traffic: ProduceTraffic
    connection: int
    exchange: Exchange

    @property
    def answered(self) -> bool:
        """Whether the broker is asked for an answer."""
        return self.exchange.produce is None or self.exchange.produce.acks != 0

    def went(self, now: float, sent: bool) -> None:
        """It went to the broker, or never will."""
        if self.exchange.produce is None:
            dispatched(self.wire, self.exchange, "copy", self.connection, now, sent)
        else:
            self.traffic.went(self.exchange.produce, now, sent)

    def read(self, frame: memoryview, now: float) -> None:
        """Its answer came. Raises UndecodableError where that cannot be read."""
        if self.exchange.produce is not None:
            self.traffic.answer(frame, self.exchange.produce, now)


@dataclass(frozen=True, slots=True)
class Original:
    """A request that is copied; `traffic` and `connection` are those on which it came."""

    wire: Wire
    traffic: ProduceTraffic
    connection: int
    exchange: Exchange

    def copy(self, connection: int, now: float) -> Copy:
        """Record a copy that goes out on that connection."""
        of = self.exchange
        produce = None if of.produce is None else self.traffic.copied(of.produce, connection, now)
        exchange = Exchange(
            of.correlation_id,
            of.api_key,
            of.api_version,
            of.client_id,
            produce,
            certain=of.certain,
            awaited=of.certain,
            unwanted=True,
        )
        return Copy(self.wire, self.traffic, connection, exchange)

    def never(self, now: float) -> None:
        """Record a copy that never goes."""
        self.copy(self.connection, now).went(now, False)
