"""The requests of one connection that wait for their answers, in order.

The broker answers the requests of a connection in their order (the protocol guide, "Network"), so an answer belongs to
the first request that still waits, and its correlation id has to agree. A request stays here until its answer is whole:
a connection that ends in the middle of an answer still owes it. An answer that ackdrop makes itself has its turn here
like those of the broker.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

from ..errors import WireError
from ..kafka.produce import ProduceEntry
from .produce import InFlight, ProduceTraffic

if TYPE_CHECKING:
    from .wire import Wire


@dataclass(slots=True, eq=False)
class Exchange:
    """A request that waits for its answer. `certain` is False where the broker may not answer it at all.

    `merge` are the client's partitions, those that were taken out, and the error that is answered for them.
    `ours` is an answer of ackdrop's own: the broker never had the request. `unwanted` marks one whose answer goes to
    nobody: its client asked for none, or it is a copy of ours. `foreign` is one whose answer carries a correlation id
    that its client does not know. `awaited` marks one that the arm waits for though it is none to produce; `went` says
    whether such a one went to the broker, None while that is open. `after` is the exchange whose answer the client has
    to get first, `kept` what waits until then. `place` says how many requests of its connection had gone the short way
    before it.
    """

    correlation_id: int
    api_key: int
    api_version: int
    client_id: str = ""
    produce: InFlight | None = None
    certain: bool = True
    merge: tuple[tuple[ProduceEntry, ...], tuple[ProduceEntry, ...], int] | None = None
    ours: bytes | None = None
    unwanted: bool = False
    foreign: bool = False
    awaited: bool = False
    went: bool | None = None
    after: Exchange | None = None
    followers: list[Exchange] = field(default_factory=list)
    kept: bytes | None = None
    done: bool = False
    place: int = 0

    @property
    def counted(self) -> bool:
        """Whether the arm waits for its answer."""
        return self.produce is not None or self.awaited

    @property
    def never_went(self) -> bool:
        """Whether it was to go to the broker, and never will."""
        if self.produce is None:
            return self.went is False
        return self.produce.settled and (self.produce.injected or not self.unwanted)


class ShortWay(Protocol):
    """Requests that wait among those in the queue, each behind all that have its place or a lower one, and are not in
    it until they have to be (`quick`)."""

    @property
    def waiting(self) -> bool:
        """Whether there are any."""

    @property
    def place(self) -> int:
        """The place of the first of them."""

    @property
    def next_place(self) -> int:
        """The place of what comes next."""

    def stop(self, place: int | None) -> None:
        """Answers to those with this place, and to later ones, come behind one that is for the queue."""

    def restored(self) -> Exchange:
        """The first of them, which is one for the queue from now on."""


class Exchanges:
    """The queue of one connection; keeps `Wire.unsettled`, the run's count of requests whose answer it waits for.

    What goes the short way stays there, though others wait before and behind it; a place says where it belongs."""

    def __init__(self, wire: Wire, traffic: ProduceTraffic) -> None:
        self._wire = wire
        self._traffic = traffic
        self._waiting: deque[Exchange] = deque()
        self._counted = 0
        self.short: ShortWay | None = None

    def __bool__(self) -> bool:
        """Whether a request waits for its answer."""
        return bool(self._waiting) or (self.short is not None and self.short.waiting)

    @property
    def owes(self) -> bool:
        """Whether an answer that the arm waits for is still to come."""
        return self._counted > 0 or (self.short is not None and self.short.waiting)

    def add(self, exchange: Exchange) -> None:
        """A request goes on to the broker, or is answered by ackdrop in its turn."""
        if exchange.ours is not None:  # whose turn nobody sees who goes the short way
            self.restore()
        if self.short is not None:
            exchange.place = self.short.next_place
        self._put(exchange)

    def restore(self) -> None:
        """Let all requests be in the queue itself."""
        while self.short is not None and self.short.waiting:
            self._put(self.short.restored())

    def _put(self, exchange: Exchange) -> None:
        at = bisect_right(self._waiting, exchange.place, key=attrgetter("place"))
        self._waiting.insert(at, exchange)
        if exchange.counted:
            self._count(1)
        self._moved()

    def _moved(self) -> None:
        """Another one may be the first now."""
        if self.short is not None:
            self.short.stop(self._waiting[0].place if self._waiting else None)

    def _first(self) -> Exchange | None:
        short = self.short
        if short is not None and short.waiting and not (self._waiting and self._waiting[0].place <= short.place):
            self._put(short.restored())
        return self._waiting[0] if self._waiting else None

    def _all(self) -> deque[Exchange]:
        self.restore()
        return self._waiting

    def passed_over(self, correlation_id: int) -> list[Exchange]:
        """The requests that get no answer, since this one comes now and they were not certain of theirs."""
        gone: list[Exchange] = []
        while self._may_have_no_answer(correlation_id):
            gone.append(self.pop())
        return gone

    def answered_by(self, correlation_id: int) -> Exchange:
        """The request that this answer is for; it stays in the queue. Raises WireError where there is none."""
        first = self._first()
        if first is None:
            raise WireError(f"an answer with correlation id {correlation_id}, which no request waits for")
        if first.correlation_id != correlation_id:
            raise WireError(
                f"an answer with correlation id {correlation_id} where {first.correlation_id} was to come next"
            )
        return first

    def _may_have_no_answer(self, correlation_id: int) -> bool:
        first = self._first()
        return first is not None and not first.certain and first.correlation_id != correlation_id

    def pop(self) -> Exchange:
        """The first request has its answer."""
        exchange = self._waiting.popleft()
        if exchange.counted:
            self._count(-1)
        self._moved()
        return exchange

    def ours(self) -> Exchange | None:
        """The first request, where its answer is ackdrop's own and its turn has come; it leaves the queue."""
        if self._waiting and self._waiting[0].ours is not None:
            return self.pop()
        return None

    def abandoned(self, now: float) -> None:
        """The client is gone: whatever it sends again from now on is a retry, though answers may still come in."""
        for exchange in self._all():
            if exchange.produce is not None:
                self._traffic.abandoned(exchange.produce, now)
        self._traffic.client_gone(now)

    def clear(self, now: float) -> None:
        """The broker is gone: what has no answer gets none any more."""
        while self._all():
            self._never_answered(self.pop(), now)

    def forget_unsent(self, now: float) -> None:
        """Requests that were to go to the broker, and never did, get no answer."""
        for exchange in [each for each in self._all() if each.never_went]:
            self._waiting.remove(exchange)
            if exchange.counted:
                self._count(-1)
            self._moved()
            self._never_answered(exchange, now)

    def _never_answered(self, exchange: Exchange, now: float) -> None:
        """No answer comes, and those that waited behind it go nowhere: there is no client any more."""
        exchange.done = True
        for each in (exchange, *(follower for follower in exchange.followers if follower.kept is not None)):
            if each.produce is not None:
                self._traffic.lost(each.produce, "none", now)

    def _count(self, by: int) -> None:
        self._counted += by
        self._wire.unsettled += by
