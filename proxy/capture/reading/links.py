"""Connections of one capture that are two parts of one way: before and behind something that passes requests on.

In a capture of ackdrop's own the comments say which. In another one (`tcpdump -i any` beside a proxy), a produce
request is a second time the same if the very same bytes, correlation id and all, go to another address while
the first ones wait for their answer on a connection that is open. No client sends this: it
would be taken for a retry that it is not.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xxhash import xxh3_128_digest

from .events import Said, Where

if TYPE_CHECKING:
    from .exchange import Asked
    from .retries import Attempt

_PASSES_WITHIN = 10.0
"""Seconds that a request may take through whatever stands between."""
_MOST_OPEN = 10_000
_MOST_LINKS = 20_000


@dataclass(slots=True)
class _Passing:
    """A request, or an answer, as it was seen on one side of ackdrop."""

    digest: bytes
    attempts: list[Attempt]
    told: object = None


_Way = OrderedDict[int, _Passing]
"""What is known of a connection of ackdrop's: its requests by correlation id."""


class Links:
    """What belongs together."""

    def __init__(self) -> None:
        self._ways: OrderedDict[tuple[str, int, int], _Way] = OrderedDict()
        self._open: OrderedDict[bytes, tuple[Where, Asked]] = OrderedDict()
        self._of: dict[Where, set[bytes]] = {}
        self._brokers: dict[Where, object] = {}

    def opened(self, where: Where, broker: object) -> None:
        """A connection to that address."""
        if not where.hop:
            self._brokers[where] = broker

    def over(self, where: Where) -> None:
        """A connection is over."""
        for digest in self._of.pop(where, ()):
            self._open.pop(digest, None)
        self._brokers.pop(where, None)

    # Requests.

    def front(self, where: Where, asked: Asked, frame: bytes) -> list[Attempt] | None:
        """The attempts that this produce request is, where it was seen before on another part of its way."""
        if where.hop == "broker":
            passing = self._way(where).get(asked.correlation_id)
            return passing.attempts if passing else None
        if where.hop:
            return None
        digest = xxh3_128_digest(frame)
        known = self._open.get(digest)
        if known is not None and self._passes_on(*known, where, asked):
            for attempt in known[1].attempts:
                attempt.onward = where
            return known[1].attempts
        self._open[digest] = where, asked
        self._of.setdefault(where, set()).add(digest)
        if len(self._open) > _MOST_OPEN:
            gone, (of, _) = self._open.popitem(last=False)
            self._of.get(of, set()).discard(gone)
        asked.digest = digest
        return None

    def _passes_on(self, front: Where, first: Asked, where: Where, asked: Asked) -> bool:
        if front == where or asked.at - first.at > _PASSES_WITHIN:
            return False
        return self._brokers.get(front) != self._brokers.get(where)

    def request(self, where: Where, asked: Asked, data: bytes) -> bool:
        """A request was read. Whether it is the same as on the other side of ackdrop."""
        if not where.hop:
            return False
        asks = self._way(where)
        digest = xxh3_128_digest(data)
        known = asks.get(asked.correlation_id)
        if where.hop == "broker":
            return known is not None and known.digest == digest
        asks[asked.correlation_id] = _Passing(digest, asked.attempts)
        asks.move_to_end(asked.correlation_id)
        if len(asks) > _MOST_OPEN:
            asks.popitem(last=False)
        return False

    # Answers.

    def answer(self, where: Where, asked: Asked, said: Said) -> bool:
        """An answer was read. Whether the client was told what the broker has said."""
        if not where.hop:
            if asked.digest:
                self._open.pop(asked.digest, None)
                self._of.get(where, set()).discard(asked.digest)
            return False
        passing = self._way(where).get(asked.correlation_id)
        if passing is None:
            return False
        told = said.told or said.errors
        if where.hop == "broker":
            passing.told = told
            return False
        del self._way(where)[asked.correlation_id]
        return passing.told == told

    def is_brokers(self, attempt: Attempt, where: Where) -> bool:
        """Whether an answer there is the broker's own, and not that of something between."""
        return where.hop == "broker" if where.hop else where == (attempt.onward or attempt.where)

    def _way(self, where: Where) -> _Way:
        key = where.arm, where.connection, where.turn
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = OrderedDict()
            if len(self._ways) > _MOST_LINKS:
                self._ways.popitem(last=False)
        return way
