"""A rule: one fault, what it applies to and when. Made from one entry of a scenario's `faults`."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from .blackhole import Blackhole
from .disconnect import Disconnect
from .latency import Latency
from .refuse import RefuseConnection
from .reset import Reset
from .slice import Slice
from .spans import Span
from .throttle import Throttle
from .verdicts import Fault

Side = Literal["request", "response", "event"]
"""`event` where a rule is not about frames: at `connection`, `broker` and `workload`."""

Per = Literal["run", "connection", "partition", "producer"]
ANY_API = "*"
PROCESSES = ("broker", "workload")
"""Where what is done is done to a process."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One partition's share of a produce frame, as a rule sees it. `tries` is 1 for a first attempt.

    `size` is in bytes. A frame of any other API, and a connection, is one entry without topic and attempt.
    """

    topic: str
    partition: int
    idempotent: bool
    tries: int
    attempt: int | None
    producer_id: int = -1
    records: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """The facts that rules are asked about: of one frame, or of one connection (`api` is `connection` then).

    `node` is the broker id that the connection's listener stands for, -1 for the bootstrap listener. `acks` and
    `transactional_id` are those of a produce request, also at its answer.
    """

    api: str
    side: Side
    client_id: str
    connection: int
    correlation_id: int
    entries: tuple[Entry, ...]
    version: int = 0
    node: int = -1
    tls: bool = False
    acks: int | None = None
    transactional_id: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What a rule applies to. Topics, client ids and transactional ids are shell globs, one of which must fit; None
    fits everything."""

    topic: tuple[str, ...] = ("*",)
    partition: tuple[int, ...] | None = None
    client_id: tuple[str, ...] = ("*",)
    idempotent: bool | None = None
    attempt: Literal["any", "first", "retry"] | int = "any"
    api: tuple[str, ...] = ("*",)
    version: Span | None = None
    node: tuple[int, ...] | None = None
    connection: Span | None = None
    tls: bool | None = None
    transactional_id: tuple[str, ...] | None = None
    producer_id: tuple[int, ...] | None = None
    acks: int | None = None
    records: Span | None = None
    size: Span | None = None

    def entries(self, frame: Frame) -> list[Entry]:
        """The entries of the frame that fit."""
        if not self._fits_frame(frame):
            return []
        return [entry for entry in frame.entries if self._fits(entry)]

    def reaches(self, api: str, client_id: str, topic: str, partition: int) -> bool:
        """Whether any frame of this API could fit, of this client and with an entry of this topic and partition."""
        return (
            _globs(self.client_id, client_id)
            and _globs(self.api, api)
            and _globs(self.topic, topic)
            and (self.partition is None or partition in self.partition)
        )

    def _fits_frame(self, frame: Frame) -> bool:
        return (
            _globs(self.client_id, frame.client_id)
            and _globs(self.api, frame.api)
            and (self.version is None or frame.version in self.version)
            and (self.node is None or frame.node in self.node)
            and (self.connection is None or frame.connection in self.connection)
            and (self.tls is None or frame.tls == self.tls)
            and (self.acks is None or frame.acks == self.acks)
            and (self.transactional_id is None or _globs_text(self.transactional_id, frame.transactional_id))
        )

    def _fits(self, entry: Entry) -> bool:
        return (
            (self.partition is None or entry.partition in self.partition)
            and (self.idempotent is None or self.idempotent == entry.idempotent)
            and self._attempt_fits(entry.tries)
            and _globs(self.topic, entry.topic)
            and (self.producer_id is None or entry.producer_id in self.producer_id)
            and (self.records is None or entry.records in self.records)
            and (self.size is None or entry.size in self.size)
        )

    def _attempt_fits(self, tries: int) -> bool:
        if self.attempt == "any":
            return True
        if self.attempt == "retry":
            return tries > 1
        return tries == (1 if self.attempt == "first" else self.attempt)


@dataclass(frozen=True, slots=True)
class When:
    """When a match fires. At most one of nth, first, every and probability is set; none means always.

    `after` and `until` are seconds since the arm's first produce request. `following` names the fault that must have
    fired before; what came earlier is not counted. `times` limits how often the rule fires. `per` says what is counted
    by itself: the whole run, a connection, a partition, or a producer (client id and producer id).
    """

    nth: tuple[int, ...] = ()
    first: int | None = None
    every: int | None = None
    probability: float | None = None
    after: float | None = None
    until: float | None = None
    times: int | None = None
    per: Per = "run"
    following: str | None = None

    @property
    def counted(self) -> bool:
        """Whether it depends on a count, or on chance."""
        return bool(self.nth) or not (self.first is self.every is self.probability is None)

    @property
    def has_moment(self) -> bool:
        """Whether it begins at a moment: a time, or another fault's firing."""
        return self.after is not None or self.following is not None

    def open_at(self, elapsed: float) -> bool:
        """Whether the time window is open, `elapsed` seconds after the first produce request."""
        return (self.after is None or elapsed >= self.after) and (self.until is None or elapsed < self.until)

    def counts(self, count: int) -> bool:
        """Whether the `count`-th match (from 1) is one to fire on, probability aside."""
        if self.nth:
            return count in self.nth
        if self.first is not None:
            return count <= self.first
        if self.every is not None:
            return count % self.every == 0
        return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a scenario's `faults`.

    `api` is the API's Kafka name in snake case, such as `produce`, or `*` for every API; and `connection`, `broker` or
    `workload` where `side` is `event`.
    """

    name: str
    api: str
    side: Side
    match: Match
    when: When
    fault: Fault

    @property
    def place(self) -> str:
        """Where on the path it sits, as a scenario names it."""
        return self.api if self.side == "event" else f"{self.api}.{self.side}"

    @property
    def at_moment_alone(self) -> bool:
        """Whether it acts at the moment at which it begins, and not on what comes later: the end of connections, and
        what is done to a process without counting the requests that pass."""
        if not self.when.has_moment:
            return False
        return isinstance(self.fault, Disconnect | Reset) or (self.api in PROCESSES and not self.when.counted)

    @property
    def has_own_moment(self) -> bool:
        """Whether all that it does begins at one moment, and not each time that a count is reached."""
        return self.when.has_moment and not self.when.counted

    @property
    def lies(self) -> bool:
        """Whether what it does lies on a connection from then on, and ends with the rule."""
        return isinstance(self.fault, Blackhole | Throttle | Latency | Slice)

    @property
    def names_client(self) -> bool:
        """Whether it can be asked only once the client has said its id."""
        return "*" not in self.match.client_id

    @property
    def lasts(self) -> float | None:
        """For how many seconds connections that are opened later fare as the first one; None where they do not."""
        return self.fault.seconds if isinstance(self.fault, Disconnect | Reset | RefuseConnection) else None

    @property
    def is_over_after(self) -> float | None:
        """How many seconds after its own moment nothing is left of it; None where that never comes."""
        return self.fault.seconds if isinstance(self.fault, Blackhole | RefuseConnection) else None

    @property
    def times(self) -> int | None:
        """How often it may fire: what happens to a process happens once, unless counts or `times` say otherwise."""
        if self.when.times is None and self.api in PROCESSES and not self.when.counted:
            return 1
        return self.when.times


def _globs(patterns: tuple[str, ...], text: str) -> bool:
    return any(pattern == "*" or fnmatchcase(text, pattern) for pattern in patterns)


def _globs_text(patterns: tuple[str, ...], text: str | None) -> bool:
    return text is not None and _globs(patterns, text)
