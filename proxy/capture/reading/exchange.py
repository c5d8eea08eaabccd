"""Requests of one connection that wait for their answers, and answers that wait to be acknowledged.

Answers come in the order of their requests. What becomes of them is told to the judge, for the attempts of this
connection's own client alone: those that only come by, on their way from another connection, have theirs there.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ...core.attempts import Line
from ...kafka.apis import api_name
from .events import Fault, How, Way, Where
from .retries import Attempt, Judge

MOST_PENDING = 20_000
"""Requests of one connection that wait for an answer."""
_MOST_NAMED = 100

Named = tuple[tuple[str, int], ...]


class Marked(NamedTuple):
    """A fault that ackdrop has written beside a packet: which frame it is about."""

    correlation_id: int
    way: Way
    fault: Fault


@dataclass(slots=True, eq=False)
class Asked:
    """A request. `errors` are those that its answer tells, by attempt; `digest` stands for its bytes where something
    may pass it on; `order` counts the requests of its connection."""

    at: float
    api_key: int
    version: int
    correlation_id: int
    client_id: str
    order: int = 0
    digest: bytes = b""
    attempts: list[Attempt] = field(default_factory=list)
    errors: dict[int, int] = field(default_factory=dict)


class Exchanges:
    """The requests of one connection, from when they are read until their answers are delivered, or lost."""

    def __init__(self, where: Where, judge: Judge) -> None:
        self._where = where
        self._judge = judge
        self._line = Line(where.connection)
        self._pending: OrderedDict[int, Asked] = OrderedDict()
        self._unacknowledged: deque[tuple[int, Asked]] = deque()
        self._counted = 0

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, correlation_id: object) -> bool:
        return correlation_id in self._pending

    @property
    def line(self) -> Line:
        """What the index of attempts knows of the connection."""
        return self._line

    def get(self, correlation_id: int) -> Asked | None:
        """The request that waits under this number."""
        return self._pending.get(correlation_id)

    def add(self, asked: Asked) -> None:
        """A request waits for its answer."""
        self._counted += 1
        asked.order = self._counted
        if (earlier := self._pending.pop(asked.correlation_id, None)) is not None:
            self.unknown(earlier)
        self._pending[asked.correlation_id] = asked
        if len(self._pending) > MOST_PENDING:
            self.unknown(self._pending.popitem(last=False)[1])

    def answered(self, correlation_id: int, now: float) -> Asked | None:
        """Its answer is there. Requests before it that are still awaited are never answered."""
        asked = self._pending.pop(correlation_id, None)
        while asked is not None and self._pending:
            first = next(iter(self._pending.values()))
            if first.order > asked.order:
                break
            del self._pending[first.correlation_id]
            self._lost(first, now, "passed")
        return asked

    def told(self, asked: Asked, end: int) -> None:
        """Its answer ends at this offset of the stream; the client is yet to acknowledge it."""
        self._unacknowledged.append((end, asked))

    def acknowledged(self, offset: int, now: float) -> None:
        """The client's TCP has the answers up to this offset."""
        while self._unacknowledged and self._unacknowledged[0][0] <= offset:
            _, asked = self._unacknowledged.popleft()
            for attempt in self._own(asked):
                self._judge.acknowledged(attempt, asked.errors.get(attempt.number), now)

    def side_ended(self, side: Literal["client", "broker", ""], how: How, now: float) -> None:
        """That side says that it sends nothing more. A client that does so is gone; a broker answers nothing more."""
        waiting = list(self._pending.values())
        if side == "client":
            waiting += [asked for _, asked in self._unacknowledged]
        for asked in waiting:
            self._lost(asked, now, how)
        if side == "client":
            self._judge.ended(self._line, now)

    def over(self, how: How, now: float) -> tuple[Named, Named]:
        """Nothing more comes: the requests without an answer, and those whose answer was never acknowledged."""
        waiting = list(self._pending.values())
        unacknowledged = [asked for _, asked in self._unacknowledged]
        for asked in (*waiting, *unacknowledged):
            self._lost(asked, now, how)
        if how in ("fin", "reset", "port"):
            self._judge.ended(self._line, now)
        return _named(waiting), _named(unacknowledged) if how != "capture" else ()

    def missed(self) -> None:
        """The capture lacks a part of the answers: those that are awaited may be in it."""
        for asked in self._pending.values():
            self.unknown(asked)

    def unknown(self, asked: Asked) -> None:
        """What its answer says is not known."""
        for attempt in self._own(asked):
            self._judge.missed(attempt)

    def _lost(self, asked: Asked, now: float, how: How) -> None:
        for attempt in self._own(asked):
            self._judge.lost(attempt, now, how)

    def _own(self, asked: Asked) -> Iterator[Attempt]:
        return (attempt for attempt in asked.attempts if attempt.where == self._where)


def _named(asked: list[Asked]) -> Named:
    return tuple((api_name(each.api_key), each.correlation_id) for each in asked[:_MOST_NAMED])
