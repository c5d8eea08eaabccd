"""What becomes of one request: it goes on to the broker, now, later or with copies behind it, or it is lost.

`Requests` decides by the rules, and calls this. A request with its answer in its turn is an exchange; what is told of
it when it has gone depends on whether it is one to produce.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ..faults.verdicts import Detain, Repeat
from ..kafka.headers import RequestHeader
from ..kafka.produce import ProduceRequest
from ..observations import Released
from .dispatching import dispatched
from .exchanges import Exchange
from .outlet import Told
from .parts import Parts
from .produce import InFlight


@dataclass(slots=True)
class Request:
    """A request on its way. `request` is set where it is one to produce that could be read."""

    frame: bytes | memoryview
    header: RequestHeader
    exchange: Exchange
    request: ProduceRequest | None = None

    @property
    def in_flight(self) -> InFlight | None:
        return self.exchange.produce

    @property
    def answered(self) -> bool:
        """Whether its client waits for an answer."""
        return self.request is None or self.request.acks != 0


class Onward:
    """The way on to the broker of one connection's requests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._wire = parts.wire

    def forward(self, request: Request, now: float, *, due: float = 0.0, then: Told | None = None) -> None:
        """On to the broker, now or when it is due; `then` is told of it."""
        in_flight = request.in_flight
        if then is None and in_flight is not None:
            then = partial(self._parts.traffic.went, in_flight)
        if not self._parts.ends.takes_requests:
            if then is not None:
                then(now, False)
            return
        if request.answered:
            self._parts.exchanges.add(request.exchange)
        elif due > now and then is not None:
            then = self._unsettled(then)
        self._parts.to_broker.put(request.frame, now, due=due, then=then)

    def lost(self, request: Request, now: float) -> None:
        """The broker does not get this request, and its client no answer to it."""
        if request.in_flight is not None:
            self._parts.traffic.lost(request.in_flight, "none", now)

    def repeat(self, request: Request, verdict: Repeat, now: float) -> None:
        """On to the broker, and copies of it besides."""
        self.forward(request, now)
        self._parts.copies.repeat(request.frame, request.exchange, verdict, now)

    # Held back.

    def detain(self, request: Request, verdict: Detain, now: float) -> None:
        """On to the broker once what the verdict names has come."""
        in_flight = request.in_flight
        if in_flight is None:
            self._detain_other(request, verdict.seconds, now)
        elif verdict.until == "time":
            self.forward(request, now, due=now + verdict.seconds, then=partial(self._was_detained, in_flight, verdict))
        else:
            self._hold(request, in_flight, verdict, now)

    def _detain_other(self, request: Request, seconds: float, now: float) -> None:
        """One that is no attempt: nothing else than a time can be waited for."""
        exchange = request.exchange
        exchange.awaited = exchange.certain
        then = partial(dispatched, self._wire, exchange, "late", self._parts.number)
        self.forward(request, now, due=now + seconds, then=then)

    def _hold(self, request: Request, in_flight: InFlight, verdict: Detain, now: float) -> None:
        then: Told = partial(self._was_detained, in_flight, verdict)
        if request.answered:
            self._parts.exchanges.add(request.exchange)
        else:
            then = self._unsettled(then)
        item = self._parts.to_broker.hold(request.frame, then)

        def release(at: float) -> None:
            item.due = at
            self._wire.wake_at(at, self._parts.number)

        self._wire.detained.hold(in_flight, verdict, release)

    def _was_detained(self, in_flight: InFlight, verdict: Detain, now: float, sent: bool) -> None:
        if not sent:
            self._wire.detained.gone(in_flight)
        elif verdict.until == "time":
            for share in in_flight.shares:
                self._wire.observe(Released(now, share.number, "time"))
        self._parts.traffic.went(in_flight, now, sent)

    def _unsettled(self, then: Told) -> Told:
        """The arm does not end before this is told: a request that waits here, and that nobody waits for elsewhere."""
        self._wire.unsettled += 1

        def told(now: float, sent: bool) -> None:
            self._wire.unsettled -= 1
            then(now, sent)

        return told
