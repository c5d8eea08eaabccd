"""Which events of a capture are told. All conditions that are given have to hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .events import Ended, Event, Frame, Hole, Noted, Opened
from .retries import Attempt, Chain


@dataclass(frozen=True, slots=True)
class Filter:
    """None, or empty: anything. `topic` and `client_id` may have `*` and `?`. `since` and `until` are seconds since the
    first packet."""

    connections: frozenset[int] = frozenset()
    apis: frozenset[str] = frozenset()
    topic: str | None = None
    partition: int | None = None
    client_id: str | None = None
    producer_id: int | None = None
    errors: bool = False
    faults: bool = False
    since: float | None = None
    until: float | None = None

    @property
    def of_frames(self) -> bool:
        """Whether frames are chosen by what they say."""
        return bool(self.apis or self.errors or self.faults) or any(
            value is not None for value in (self.topic, self.partition, self.client_id, self.producer_id)
        )

    def within(self, told: Event) -> bool:
        """Whether its connection and its time are asked for."""
        if self.connections and told.where.connection not in self.connections:
            return False
        if isinstance(told, Opened):
            return True
        return not (
            (self.since is not None and told.at < self.since) or (self.until is not None and told.at > self.until)
        )

    def takes(self) -> Callable[[Event], bool]:
        """Whether an event is told. A produce answer says nothing of producers: it goes by its request."""
        requests: dict[tuple[str, int, int, int], None] = {}

        def take(told: Event) -> bool:
            if not self.within(told):
                return False
            if isinstance(told, Opened):
                return True
            if isinstance(told, Noted):
                return self.faults or not self.of_frames
            if isinstance(told, Hole | Ended):
                return not self.of_frames
            return self._frame(told, requests)

        return take

    def _frame(self, told: Frame, requests: dict[tuple[str, int, int, int], None]) -> bool:
        said = told.said
        if self.apis and told.api not in self.apis:
            return False
        if (self.errors and not said.errors) or (self.faults and not told.faults):
            return False
        if self.client_id is not None and not fnmatchcase(told.client_id, self.client_id):
            return False
        placed = self.topic is not None or self.partition is not None
        if placed and not any(self._place(*place) for place in said.topics):
            return False
        if self.producer_id is None:
            return True
        where = told.where
        key = where.arm, where.connection, where.turn, told.correlation_id
        if told.way == "answer":
            return requests.pop(key, self) is None or ("producer_id", self.producer_id) in said.facts
        by_fact = ("producer_id", self.producer_id) in said.facts
        if by_fact or any(share.producer_id == self.producer_id for share in said.sent):
            requests[key] = None
            if len(requests) > 10_000:
                del requests[next(iter(requests))]
            return True
        return False

    def of_chain(self, chain: Chain) -> bool:
        """Whether the story of these attempts is asked for: one of them, at least, is."""
        return any(map(self._attempt, chain.attempts))

    def _attempt(self, attempt: Attempt) -> bool:
        return not (
            (self.connections and attempt.where.connection not in self.connections)
            or (self.client_id is not None and not fnmatchcase(attempt.client_id, self.client_id))
            or (self.producer_id is not None and attempt.producer_id != self.producer_id)
            or (self.errors and not attempt.error)
            or (self.faults and not attempt.faults)
            or (self.since is not None and attempt.at < self.since)
            or (self.until is not None and attempt.at > self.until)
            or not self._place(attempt.topic, attempt.partition)
        )

    def _place(self, topic: str, partition: int) -> bool:
        if self.topic is not None and not fnmatchcase(topic, self.topic):
            return False
        return self.partition is None or partition == self.partition
