"""The lines that a driver says (see driving.py), gathered into what the run needs to know."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Any, Literal

from ..observations import Send
from ..sends import OUTCOMES, Sends
from .outcome import Progress
from .plan import ProducerPlan

LINE_LIMIT = 1 << 20
"""Bytes without an end of line after which what came is taken for noise."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """What the client said of itself."""

    version: str | None
    config: dict[str, Any]
    not_applicable: list[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the client could not be started: no such module, one that cannot be imported, its settings, or anything else
    (`start`: no broker)."""

    kind: Literal["missing", "broken", "refused", "start"]
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The driver came to its end; `why` says what cut it short, None when nothing did. `waiting` sends had failed and
    were to be sent again."""

    begun: int
    why: Literal["deadline", "terminated"] | None
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Again:
    """A send of a record whose send with the number `of` had failed."""

    record: int
    send: int
    of: int


@dataclass(slots=True)
class Talk:
    """All that was said so far. Lines that are none of ours are passed over: a driver may be anybody's interpreter.

    `sends` are those whose outcome was told, in the order in which it was.
    """

    plan: ProducerPlan
    greeted: bool = False
    introduced: Introduced | None = None
    ready: bool = False
    refused: Refused | None = None
    done: Done | None = None
    sends: Sends = field(default_factory=Sends)
    again: dict[int, Again] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    _places: array[int] = field(default_factory=lambda: array("q"))
    """By order, counted from the plan's first: one more than where it stands in `sends`, 0 where it does not."""
    _rest: bytes = b""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the driver's stdout, wherever they were cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_LIMIT:
            self._rest = b""
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except ValueError:
            return
        if isinstance(said, dict):
            self._take(said)

    def _take(self, said: dict[str, Any]) -> None:
        match said:
            case {"outcome": outcome} if outcome in OUTCOMES:
                self._outcome(said)
            case {"hello": "ackdrop"}:
                self.greeted = True
            case {"client": _, "version": version, "config": config, "not_applicable": missing}:
                self.introduced = Introduced(version, config, missing)
            case {"ready": True}:
                self.ready = True
            case {"error": {"kind": kind, "text": text}}:
                self.refused = Refused(kind, text)
            case {"again": {"order": order, "record": record, "send": send, "of": of}}:
                self.again[order] = Again(record, send, of)
            case {"done": {"begun": begun, "waiting": waiting, "why": why}}:
                self.done = Done(begun, why, waiting)

    def _outcome(self, said: dict[str, Any]) -> None:
        order, outcome = said["order"], said["outcome"]
        place = order - self.plan.first
        if not 0 <= place < self.plan.most or self._place(order):
            return
        if place >= len(self._places):
            self._places.extend([0] * (place + 1 - len(self._places)))
        self.counts[outcome] += 1
        self.sends.add(
            self.plan.producer,
            said["record"],
            said["send"],
            order,
            outcome,
            said["partition"],
            said["offset"],
            said["error"],
        )
        self._places[place] = len(self.sends)

    def heard(self, order: int) -> bool:
        """Whether the outcome of this send was told."""
        return self._place(order) > 0

    def _place(self, order: int) -> int:
        place = order - self.plan.first
        return self._places[place] if 0 <= place < len(self._places) else 0

    def begun(self, counted: int) -> int:
        """How many sends have begun: by the shared counter, and at least what was told."""
        return max(counted, len(self._places), self.done.begun if self.done else 0)

    def again_of(self, begun: int) -> dict[int, Again]:
        """What was sent again among the first `begun` sends, by its order: one that was said may not have begun."""
        return {order: again for order, again in self.again.items() if order < self.plan.first + begun}

    def progress(self, counted: int) -> Progress:
        """The counts so far; `counted` is the shared counter. What is sent again counts once."""
        begun = max(counted, len(self.sends))
        again = len(self.again_of(begun))
        counts = {**self.counts, "failed": self.counts["failed"] - again}
        return Progress(self.plan.planned, begun - again, **counts)

    def all_sends(self, counted: int) -> Sends:
        """Every send that began, in order; `unknown` where there was no answer."""
        first, begun = self.plan.first, self.begun(counted)
        again = sorted(self.again_of(begun))
        unheard = [order for order in range(first, first + begun) if not self.heard(order)]
        if not unheard:
            return self.sends.taken(place - 1 for place in self._places)
        every = self.sends.taken(range(len(self.sends)))
        places = self._places[:] + array("q", bytes(8 * (begun - len(self._places))))
        for order in unheard:
            every.append(self._unanswered(order, again))
            places[order - first] = len(every)
        return every.taken(place - 1 for place in places)

    def _unanswered(self, order: int, again: list[int]) -> Send:
        """`again` are the orders of what was sent again: the others have the plan's own order."""
        if order in self.again:
            record, send = self.again[order].record, self.again[order].send
            partition = record % self.plan.partitions
        else:
            record, send, partition = self.plan.place(order - bisect_left(again, order))
        return Send(self.plan.producer, record, send, order, "unknown", partition, None, None)
