"""A whole probe: a topic of our own, one case after the other, what is promised of them, and the topic is gone."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import trio

from .. import __version__
from ..direct.cluster import Cluster
from ..errors import AckdropError
from ..result import BrokerInfo
from .bench import Bench
from .cases import CASES, Case
from .ground import Ground, NotMeasured, Restart
from .model import CaseResult, ProbeResult, State
from .promises import judged
from .summary import summary

REMOVED_WITHIN = 15.0
"""Seconds that the removal of the topic may take, which nothing interrupts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for. `at_most` maps APIs to the newest version that shall be spoken, `seconds` is how long an
    answer may take, `keep` leaves the topic there, `replication` is how many replicas it gets."""

    at_most: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 10.0
    keep: bool = False
    replication: int = 1
    cases: Sequence[Case] = CASES


@dataclass(slots=True)
class Probe:
    """A probe at work: what was seen stands in it at any time, also where it was cut short."""

    cluster: Cluster
    broker: BrokerInfo
    wish: Wish
    restart: Restart | None = None
    began: Callable[[int, Case], None] = lambda number, case: None
    topic: str = field(default_factory=lambda: f"ackdrop-probe-{secrets.token_hex(6)}")
    notes: list[str] = field(default_factory=list)
    _at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _results: list[CaseResult] = field(default_factory=list)
    _versions: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Measures. Raises BrokerError where there can be no topic; what happens in a case stays in its result."""
        async with self._topic() as ground:
            self._versions = ground.spoken
            first = 0
            for number, case in enumerate(self.wish.cases):
                self.began(number, case)
                partitions = range(first, first + case.partitions)
                first += case.partitions
                await self._play(case, Bench(ground, partitions))

    async def _play(self, case: Case, bench: Bench) -> None:
        state: State = "measured"
        reason: str | None = None
        finished = False
        try:
            await case.play(bench)
            finished = True
            if unanswered := [step.what for step in bench.steps if not step.answered]:
                state, reason = "inconclusive", f"no answer that can be read came to: {'; '.join(unanswered)}"
        except NotMeasured as error:
            state, reason, finished = error.state, error.message, True
        except AckdropError as error:
            state, reason, finished = "inconclusive", error.message, True
        finally:
            bench.close()
            if not finished:
                state, reason = "inconclusive", "interrupted"
            result = CaseResult(case.name, case.title, state, tuple(bench.steps), reason)
            self._results.append(judged(result, self.broker))

    @asynccontextmanager
    async def _topic(self) -> AsyncIterator[Ground]:
        """Our own topic, which is removed at the end, however that comes."""
        count = sum(case.partitions for case in self.wish.cases)
        try:
            await self.cluster.create_topic(self.topic, count, self.wish.replication)
            topic_id = await self.cluster.topic_id(self.topic)
            wish = self.wish
            yield Ground(self.cluster, self.topic, topic_id, wish.at_most, wish.seconds, wish.replication, self.restart)
        finally:
            if not self.wish.keep:
                await self._remove()

    async def _remove(self) -> None:
        with trio.move_on_after(REMOVED_WITHIN, shield=True) as limit:
            try:
                await self.cluster.delete_topic(self.topic)
            except AckdropError as error:
                self.notes.append(f"The topic {self.topic} is left: {error.message}")
        if limit.cancelled_caught:
            self.notes.append(f"The topic {self.topic} is left: the broker did not remove it in time.")

    def result(self) -> ProbeResult:
        """What was seen until now."""
        cases = tuple(self._results)
        return ProbeResult(
            at=self._at.isoformat(timespec="seconds"),
            ackdrop=__version__,
            broker=self.broker,
            topic=self.topic,
            versions=dict(sorted(self._versions.items())),
            summary=summary(cases),
            cases=cases,
            interrupted=len(cases) < len(self.wish.cases) or any(case.reason == "interrupted" for case in cases),
            notes=tuple(self.notes),
        )
