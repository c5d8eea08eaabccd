"""The snapshot, kept up to date by the batches of observations that go to the ledger.

Nothing here is called for a frame: what a batch holds is counted when it is handed over, and bytes, frames, faults and
the ledger's lag are asked for when a snapshot is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..kafka.codes import error_name
from ..observations import (
    Acked,
    Acted,
    Answered,
    Attempt,
    Changed,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Flow,
    Forwarded,
    LetPass,
    Observation,
    Passed,
    Undecoded,
)
from .retries import Retries
from .snapshot import (
    Acks,
    FaultState,
    Happened,
    Histogram,
    LedgerState,
    ListenerState,
    OpenConnection,
    Rates,
    RetrySeen,
    Snapshot,
    Traffic,
)

BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: the bounds of what was added to requests and answers."""
MOST_RECENT = 100
MOST_CONNECTIONS = 1_000
"""Connections that a snapshot tells one by one."""
OVER = 5.0
"""Seconds over which rates are taken."""
_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Sources:
    """What is asked for when a snapshot is taken."""

    clock: Callable[[], float]
    traffic: Callable[[], Traffic] = Traffic
    faults: Callable[[], tuple[FaultState, ...]] = tuple
    listeners: Callable[[], tuple[ListenerState, ...]] = tuple
    ledger: Callable[[], LedgerState] = LedgerState


class _Added:
    """A histogram that grows."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def told(self) -> Histogram:
        return Histogram(BOUNDS, tuple(self.counts), self.total)


class _Open:
    """A connection that is open."""

    __slots__ = ("attempts", "client_id", "fact", "software")

    def __init__(self, fact: ConnectionOpened) -> None:
        self.fact = fact
        self.client_id = self.software = ""
        self.attempts = 0

    def told(self) -> OpenConnection:
        fact = self.fact
        return OpenConnection(
            fact.connection, fact.node, fact.peer, fact.at, self.client_id, self.software, self.attempts
        )


class Gathering:
    """Give it every batch with `take`; `snapshot` says how things stand. `recent` facts become text only then.

    `happened` gets each of them as it is taken: those that `told` has words for."""

    def __init__(self, sources: Sources, *, happened: Callable[[Observation], None] = lambda fact: None) -> None:
        self._sources = sources
        self._happened = happened
        self._began = sources.clock()
        self._zero: float | None = None
        self._open: dict[int, _Open] = {}
        self._connections = self._requests = self._attempts = self._records = 0
        self._injected = self._errors = self._undecoded = 0
        self._acks: Counter[str] = Counter()
        self._retries = Retries()
        self._to_requests, self._to_answers = _Added(), _Added()
        self._recent: deque[Observation] = deque(maxlen=MOST_RECENT)
        self._totals: dict[str, list[int]] = {}
        self._frame: tuple[int, int, float] | None = None
        self._decided: tuple[str, int, int, float] | None = None
        self._hit = False
        self._acked: tuple[int, int, float, str] | None = None
        self._samples: deque[tuple[float, Traffic, int]] = deque()
        self._sample(self._began, sources.traffic())

    def take(self, batch: Sequence[Observation]) -> None:
        """Count what is in a batch."""
        for fact in batch:
            handler = _HANDLERS.get(type(fact))
            if handler is not None:
                handler(self, fact)
        now = self._sources.clock()
        if now - self._samples[-1][0] >= _EVERY:
            self._sample(now, self._sources.traffic())

    def totals(self, fault: str) -> tuple[int, int]:
        """How many frames a fault of this name has matched, and fired on, since the beginning."""
        matched, fired = self._totals.get(fault, (0, 0))
        return matched, fired

    def retries(self, most: int) -> list[RetrySeen]:
        """The last retries, the newest last."""
        return self._retries.last(most)

    def snapshot(self) -> Snapshot:
        """How things stand now."""
        sources = self._sources
        now, traffic = sources.clock(), sources.traffic()
        return Snapshot(
            now=now,
            began=self._began,
            zero=self._zero,
            connections_open=len(self._open),
            connections_total=self._connections,
            connections=tuple(
                each.told() for each, _ in zip(self._open.values(), range(MOST_CONNECTIONS), strict=False)
            ),
            listeners=sources.listeners(),
            traffic=traffic,
            rates=self._rates(now, traffic),
            produce_requests=self._requests,
            attempts=self._attempts,
            records=self._records,
            injected=self._injected,
            retries=self._retries.counts(),
            acks=Acks(self._acks["dropped"], self._acks["withheld"], self._acks["delayed"]),
            errors=self._errors,
            undecoded=self._undecoded,
            added_to_requests=self._to_requests.told(),
            added_to_answers=self._to_answers.told(),
            faults=sources.faults(),
            ledger=sources.ledger(),
            recent=tuple(map(told, self._recent)),
        )

    # Rates.

    def _sample(self, now: float, traffic: Traffic) -> None:
        self._samples.append((now, traffic, self._requests))
        while len(self._samples) > 2 and self._samples[1][0] <= now - OVER:
            self._samples.popleft()

    def _rates(self, now: float, traffic: Traffic) -> Rates:
        since, before, requests = self._samples[0]
        seconds = now - since
        if seconds <= 0:
            return Rates()
        return Rates(
            seconds=seconds,
            requests=(traffic.client_frames - before.client_frames) / seconds,
            answers=(traffic.broker_frames - before.broker_frames) / seconds,
            produce=(self._requests - requests) / seconds,
            client_bytes=(traffic.client_bytes - before.client_bytes) / seconds,
            broker_bytes=(traffic.broker_bytes - before.broker_bytes) / seconds,
        )

    # Observations.

    def _opened(self, fact: ConnectionOpened) -> None:
        self._connections += 1
        self._open[fact.connection] = _Open(fact)
        self._tell(fact)

    def _closed(self, fact: ConnectionClosed) -> None:
        self._open.pop(fact.connection, None)
        self._tell(fact)

    def _attempt(self, fact: Attempt) -> None:
        self._attempts += 1
        if self._zero is None or fact.at < self._zero:
            self._zero = fact.at
        if fact.injected:
            self._injected += 1
            self._retries.attempt(fact)
            return
        self._records += fact.records
        frame = (fact.connection, fact.correlation_id, fact.at)
        if frame != self._frame:
            self._frame = frame
            self._requests += 1
        connection = self._open.get(fact.connection)
        if connection is not None:
            connection.attempts += 1
            connection.client_id, connection.software = fact.client_id, fact.software
        self._retries.attempt(fact)
        if fact.retry_of is not None:
            self._tell(fact)

    def _forwarded(self, fact: Forwarded) -> None:
        story = self._retries.story(fact.attempt)
        if story is not None and not story.attempt.injected:
            self._to_requests.add(fact.at - story.attempt.at)

    def _answered(self, fact: Answered) -> None:
        self._retries.answered(fact)
        if fact.error:
            self._errors += 1
            self._tell(fact)

    def _ack(self, fact: Acked) -> None:
        story = self._retries.acked(fact)
        if story is None:
            self._acks[fact.ack] += 1
            return
        if fact.ack in ("delivered", "delayed") and story.answered_at is not None:
            self._to_answers.add(fact.at - story.answered_at)
        frame = (story.attempt.connection, story.attempt.correlation_id, story.attempt.at, fact.ack)
        if frame != self._acked:
            self._acked = frame
            self._acks[fact.ack] += 1

    def _passed(self, fact: Passed) -> None:
        """Each went on at once, as its answer did."""
        count = len(fact.attempts)
        self._attempts += count
        self._requests += fact.requests
        self._records += fact.attempts.records
        _, _, at = fact.attempts.summary()
        if self._zero is None or at < self._zero:
            self._zero = at
        for number, (flow, attempts) in _by_connection(fact).items():
            connection = self._open.get(number)
            if connection is not None:
                connection.attempts += attempts
                connection.client_id, connection.software = flow.client_id, flow.software
        self._to_requests.counts[0] += count
        self._to_answers.counts[0] += count
        self._acks["delivered"] += fact.requests
        self._retries.passed(fact, count)

    def _decision(self, fact: Decided) -> None:
        """A rule's decisions about the entries of one frame come one behind the other."""
        total = self._totals.setdefault(fact.fault, [0, 0])
        frame = (fact.fault, fact.connection, fact.correlation_id, fact.at)
        if frame != self._decided:
            self._decided, self._hit = frame, False
            total[0] += 1
        if not (fact.fired and fact.hit):
            return
        if fact.attempt is not None:
            self._retries.fired(fact.attempt, fact.fault)
        if not self._hit:
            self._hit = True
            total[1] += 1
            self._tell(fact)

    def _let_pass(self, fact: LetPass) -> None:
        self._totals.setdefault(fact.fault, [0, 0])[0] += fact.frames

    def _unread(self, fact: Undecoded) -> None:
        self._undecoded += 1
        self._tell(fact)

    def _done(self, fact: Acted | Changed) -> None:
        self._tell(fact)

    def _tell(self, fact: Observation) -> None:
        self._recent.append(fact)
        self._happened(fact)


def _by_connection(fact: Passed) -> dict[int, tuple[Flow, int]]:
    """One of the flows of each connection, of which it may have very many, and all its attempts."""
    attempts: dict[int, int] = {}
    for flow, of_it in zip(fact.flows, fact.of_each(), strict=True):
        attempts[flow.connection] = attempts.get(flow.connection, 0) + of_it
    flows = {flow.connection: flow for flow in fact.flows}
    return {number: (flows[number], count) for number, count in attempts.items()}


_HANDLERS: dict[type, Callable[..., None]] = {
    ConnectionOpened: Gathering._opened,
    ConnectionClosed: Gathering._closed,
    Attempt: Gathering._attempt,
    Forwarded: Gathering._forwarded,
    Answered: Gathering._answered,
    Acked: Gathering._ack,
    Passed: Gathering._passed,
    Decided: Gathering._decision,
    LetPass: Gathering._let_pass,
    Undecoded: Gathering._unread,
    Acted: Gathering._done,
    Changed: Gathering._done,
}

_WHO = {
    "control": "the control API",
    "file": "a change of the scenario's file",
    "keys": "hand",
    "program": "the program",
}


def told(fact: Observation) -> Happened:
    """One thing that happened, as a line."""
    match fact:
        case ConnectionOpened(at, connection, node, peer):
            where = "the bootstrap address" if node < 0 else f"broker {node}"
            return Happened(at, "connected", f"connection {connection}: {peer} to {where}")
        case ConnectionClosed(at, connection, by, how, reason):
            ended = "reset" if how == "reset" else "closed"
            return Happened(at, "closed", f"connection {connection}: {ended} by {by}{f', {reason}' if reason else ''}")
        case Attempt():
            kind = "protected" if fact.producer_id >= 0 else "unprotected"
            maybe = ", or the program's own" if fact.ambiguous else ""
            text = f"connection {fact.connection}: try {fact.tries} of {fact.topic} [{fact.partition}], {kind}{maybe}"
            return Happened(fact.at, "retry", text)
        case Answered(at, attempt, error, _):
            return Happened(at, "error", f"the broker answered attempt {attempt} with {error_name(error)}")
        case Decided():
            where = f" {fact.topic} [{fact.partition}]" if fact.topic else ""
            text = f"connection {fact.connection}: {fact.verdict}{where}"
            return Happened(fact.at, "fault", text, fact.fault)
        case Acted(at, fault, place, act, ok, reason, _):
            text = f"{act} at {place}: {'done' if ok else f'not done, {reason}'}"
            return Happened(at, "acted", text, fault)
        case Changed(at, fault, change, who):
            return Happened(at, "change", f"{change} by {_WHO[who]}", fault)
        case Undecoded(at, connection, api, version, reason, _):
            return Happened(at, "undecoded", f"connection {connection}: {api} version {version}: {reason}")
    raise TypeError(f"{type(fact).__name__} is told nowhere")
