"""The frozen facts that rooms hand to each other: what was seen on the wire, in the client and in the log.

Times (`at`) are seconds on the run's monotonic clock; the ledger turns them into seconds since the arm's first
produce request when it is read. A *wire* fact was seen by the proxy, a *send* was reported by the producer under
test, a *log* fact was read back from the broker.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Literal

from .series import PackedAttempts, Quiet, packed

Ack = Literal["delivered", "dropped", "withheld", "delayed", "none"]
"""What became of a produce answer: it reached the client; a fault dropped it; it was stuck behind a dropped one; it
was delivered late by a fault; it never reached the client for any other reason (or acks=0 asked for none)."""


@dataclass(frozen=True, slots=True)
class ConnectionOpened:
    """A client connected to the proxy. `node` is the broker id it stands for, -1 for the bootstrap listener."""

    at: float
    connection: int
    node: int
    peer: str


@dataclass(frozen=True, slots=True)
class ConnectionClosed:
    """A connection ended. `by` is who ended it, `how` the way it ended."""

    at: float
    connection: int
    by: Literal["client", "broker", "ackdrop"]
    how: Literal["fin", "reset"]
    reason: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One produce attempt: one partition's batch in one produce request (KIP-98 names the last fields).

    `producer_id` is -1 where the batch carries none. `records` is the batch's record count. `crc` is the batch's
    CRC-32C as the client wrote it. `retry_of` is the number of the attempt that this one repeats, `tries` counts from
    1. `ambiguous` marks an attempt that may be a retry but cannot be told from an application's resend. `injected`
    marks a copy that ackdrop itself sent, as a fault asks; `retry_of` is then the attempt that was copied.
    """

    number: int
    at: float
    connection: int
    correlation_id: int
    client_id: str
    software: str
    api_version: int
    acks: int
    transactional_id: str | None
    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    crc: int
    size: int
    retry_of: int | None
    tries: int
    ambiguous: bool
    injected: bool = False


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The request of this attempt went on to the broker."""

    at: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The broker answered this attempt. `error` is the protocol's code (0: appended, or taken for a duplicate)."""

    at: float
    attempt: int
    error: int
    base_offset: int


@dataclass(frozen=True, slots=True)
class Acked:
    """What the client got for this attempt. `error` is the code that the client saw, None when it saw nothing."""

    at: float
    attempt: int
    ack: Ack
    error: int | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A rule looked at an entry that it matches, and decided.

    `n` counts the rule's matches for this (client, topic, partition). `verdict` is `pass`, or the fault's own word
    (`drop`, `delay`, `error`). `hit` is True for an entry that a fired rule named, False for one that merely shared
    the frame with it. Two runs with one seed agree on everything here but `at`, `connection` and `correlation_id`.
    """

    at: float
    fault: str
    connection: int
    correlation_id: int
    client_id: str
    topic: str
    partition: int
    n: int
    fired: bool
    verdict: str
    hit: bool
    attempt: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """What the attempts of one producer, on one connection and to one partition, have in common: see `Attempt`."""

    connection: int
    client_id: str
    software: str
    api_version: int
    acks: int
    transactional_id: str | None
    topic: str
    partition: int
    producer_id: int
    producer_epoch: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What rules know of a flow besides: the node and the encryption of its connection, as in `Reached`, and the time
    of the arm's first produce request."""

    node: int
    tls: bool
    zero: float


@dataclass(frozen=True, slots=True)
class Passed:
    """Attempts by which nothing happened: each was the first try, went to the broker as it came, was answered with
    success and an offset, and its client was told so at once. No rule fired on them. Those of one request to several
    partitions have its correlation id in common.

    They come flow by flow: of each of `flows` so many series of `attempts` as stands in `counts`. Of one flow their
    numbers grow, with gaps where others have theirs. A later `Attempt` may be a retry of one of them: a success that
    was sent right before the end of its connection may be unread.

    `asked` is there, for each flow, where rules were armed, and each attempt was the only one of its request. Then it
    stands for the `Reached` of each request at its time and of each answer at its own, too; see `LetPass` for what the
    rules said. All of them are so many `requests`.
    """

    flows: Sequence[Flow]
    asked: Sequence[Asked] | None
    counts: Sequence[int]
    attempts: PackedAttempts
    requests: int

    @classmethod
    def of(cls, flow: Flow, attempts: Sequence[Quiet], asked: Asked | None = None) -> Passed:
        """Those of one flow, where each is the only one of its request."""
        of_it = packed(attempts)
        return cls((flow,), None if asked is None else (asked,), (of_it.series,), of_it, len(of_it))

    def by_flow(self) -> Iterator[tuple[Flow, Asked | None, PackedAttempts]]:
        """Each flow, and its attempts."""
        asked = repeat(None, len(self.flows)) if self.asked is None else self.asked
        return zip(self.flows, asked, self.attempts.parts(self.counts), strict=True)

    def of_each(self) -> Sequence[int]:
        """How many attempts each flow has."""
        if not self.attempts.more:
            return self.counts
        each = iter(self.attempts.lengths())
        return [sum(islice(each, count)) for count in self.counts]


@dataclass(frozen=True, slots=True)
class LetPass:
    """A rule has matched so many frames more, of such as are told as `Passed`, and fired on none of them: each would
    have been a `Decided` with the verdict `pass`."""

    fault: str
    frames: int


ReachedEntry = tuple[str, int, int, int, int | None, int, int]
"""Topic, partition, producer id, tries, attempt, records and size of one partition's share of a frame."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A frame, or a connection, came to the place at which rules are asked; told only where the arm has rules.

    `place` is `produce.response` and the like, `connection` for one that is opened, `connection.known` when its
    client has said its id, `connection.closed` at its end; `connection.open` tells of one when frames are told again.
    The rest is what rules know of it; topics have their full names. `elapsed` is in seconds since the arm's first
    produce request. It comes before the `Decided` that belong to it.
    """

    at: float
    place: str
    api: str
    version: int
    side: Literal["request", "response", "event"]
    client_id: str
    connection: int
    node: int
    tls: bool
    correlation_id: int
    acks: int | None
    transactional_id: str | None
    entries: tuple[ReachedEntry, ...]
    elapsed: float


@dataclass(frozen=True, slots=True)
class Undecoded:
    """A frame that could not be read although it mattered. `closed` says that its connection was closed for it."""

    at: float
    connection: int
    api: str
    version: int
    reason: str
    closed: bool


Why = Literal["retried", "acked_batches", "time", "end"]
"""Why a request that was held back went on: its retry was acked, newer batches were, its time had come; or the arm was
over, and what it waited for had never come."""


@dataclass(frozen=True, slots=True)
class Released:
    """A request that a fault held back may go on to the broker, and with it this attempt."""

    at: float
    attempt: int
    why: Why


Sent = Literal["copy", "late"]
"""What a fault made of a request: a copy of it, which ackdrop itself sends; or one that it held back."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A request of another API than produce, which is no attempt, that a fault sends: again as a copy, or late.

    `sent` says that it went to the broker at that time; else it never will. `connection` is the one that it goes on,
    which for a copy may be one of ackdrop's own. The rest is what its header says.
    """

    at: float
    connection: int
    api: str
    version: int
    correlation_id: int
    client_id: str
    kind: Sent
    sent: bool


@dataclass(frozen=True, slots=True)
class TopicSeen:
    """A topic that a produce request named, with the offset at which a partition began for this run."""

    at: float
    topic: str
    partition: int
    start_offset: int


@dataclass(frozen=True, slots=True)
class IndexLetGo:
    """The index of open attempts forgot `count` more of them for its limit: a retry of theirs is not known any more."""

    at: float
    count: int


@dataclass(frozen=True, slots=True)
class Acted:
    """What a rule at `broker` or `workload` asked for was done, or could not be.

    `act` is the fault's word. `at` is when the rule fired, `seconds` how long it took from then until the process went
    on as before (a broker that answers again, a producer that sends again). `reason` says why it could not be done,
    None where it was.
    """

    at: float
    fault: str
    place: Literal["broker", "workload"]
    act: str
    ok: bool
    reason: str | None
    seconds: float


How = Literal["added", "removed", "armed", "disarmed", "reset"]
"""What became of a fault while it ran; one that was changed was removed, and added in its new form."""

Who = Literal["control", "file", "keys", "program"]
"""Who changed it: somebody by the control API, by the scenario's file, or in the live view."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A fault was changed while the proxy ran. It comes before all that follows from it.

    `entry` is the fault as JSON where it was added, as it stands in a scenario's `faults`; else None.
    `elapsed` is in seconds since the arm's first produce request.
    """

    at: float
    fault: str
    change: How
    who: Who
    entry: str | None
    elapsed: float


Observation = (
    ConnectionOpened
    | ConnectionClosed
    | Attempt
    | Forwarded
    | Answered
    | Acked
    | Passed
    | LetPass
    | Decided
    | Reached
    | Undecoded
    | Released
    | Dispatched
    | TopicSeen
    | IndexLetGo
    | Acted
    | Changed
)


@dataclass(frozen=True, slots=True)
class DiskFailure:
    """What is kept of a run could not be written: `reason` says why, in a clause. `over`: it can be again."""

    reason: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """One `send()` of the producer under test, and what its future said.

    `record` is the logical record's number, `send` counts the application's own sends of it from 0. `outcome` is
    `acked` (success with an offset), `failed` (the client reported an error) or `unknown` (acks=0, or the producer
    ended before the future did). `order` counts the sends of one producer in the order in which they were called.
    """

    producer: str
    record: int
    send: int
    order: int
    outcome: Literal["acked", "failed", "unknown"]
    partition: int | None
    offset: int | None
    error: str | None


Transaction = Literal["none", "committed", "aborted", "open"]
"""What became of the transaction that a batch belongs to (KIP-98): it belongs to none; its marker says committed or
aborted; no marker stands in the part of the log that was read. A `read_committed` consumer sees `none` and `committed`.
"""

Isolation = Literal["read_uncommitted", "read_committed"]
"""Which records a consumer sees: all, or those of no transaction and of committed ones (KIP-98)."""


@dataclass(frozen=True, slots=True)
class LogBatch:
    """One batch of records as it stands in the log. Control batches, which hold none, are not among these.

    `records` is how many it holds in the part that was read, `size` its bytes. `base_sequence` is -1 without a producer
    id. `codec` is `none`, `gzip`, `snappy`, `lz4` or `zstd`. A message of magic 0 or 1 is a batch of its own.
    """

    topic: str
    partition: int
    base_offset: int
    last_offset: int
    records: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    crc: int
    size: int
    codec: str
    timestamp: int
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record as it stands in the log, with what its batch's header says.

    `identity` names the logical record, `send` the application's send of it; `ours` says that the identity came from
    our own workload's header, and not from key, value, headers and create time. `order` is the position in which the
    producer sent it, where that is known.
    """

    topic: str
    partition: int
    offset: int
    identity: str
    send: int | None
    order: int | None
    producer: str | None
    ours: bool
    producer_id: int
    producer_epoch: int
    sequence: int
    batch_base_offset: int
    batch_crc: int
    timestamp: int
    transaction: Transaction = "none"


@dataclass(frozen=True, slots=True)
class AttemptStory:
    """An attempt with all that became of it: the merged view of its observations, as verification reads it.

    `error` and `base_offset` are the broker's answer, None without one. `seen_error` is what the client saw, None when
    it saw nothing; `acked_at` is when its fate at the client was known; `released` is why it went on, where a fault
    had held it back. `settled` is True once nothing more can happen: answered, acks=0, or its connection is dead.
    `faults` names the rules that fired on it.
    """

    attempt: Attempt
    forwarded: bool
    answered_at: float | None
    error: int | None
    base_offset: int | None
    ack: Ack
    seen_error: int | None
    settled: bool
    faults: tuple[str, ...]
    acked_at: float | None = None
    released: Why | None = None


@dataclass(frozen=True, slots=True)
class AckedRange:
    """Offsets that the broker gave to attempts of whom nothing else is worth telling: answered with success, the
    success delivered, first and only attempts. The ledger folds the oldest of such attempts into ranges when it is
    full. `first` and `last` are offsets, both included; ranges of a partition may overlap, and have no holes."""

    topic: str
    partition: int
    first: int
    last: int
    attempts: int


@dataclass(frozen=True, slots=True)
class FaultTally:
    """How often a rule matched an entry's frame, and how often it fired."""

    name: str
    matched: int
    fired: int


@dataclass(frozen=True, slots=True)
class ArmWire:
    """All that was seen on the wire in one arm. `zero` is the clock at its first produce request, None without one.

    `produce_requests`, `acks_*` count frames; `starts` maps (topic, partition) to the offset at which it began.
    `let_go` counts what a limit made the ledger or the index of open attempts drop: a story may lack a part. `ranges`
    are attempts that are known by their offsets alone, which no verdict suffers from; the counts include them.
    `changes` are what became of faults while it ran, in order.
    """

    arm: str
    zero: float | None
    connections: int
    produce_requests: int
    acks_dropped: int
    acks_withheld: int
    acks_delayed: int
    attempts: tuple[AttemptStory, ...]
    faults: tuple[FaultTally, ...]
    undecoded: tuple[Undecoded, ...]
    starts: dict[tuple[str, int], int]
    let_go: int
    ranges: tuple[AckedRange, ...] = ()
    acted: tuple[Acted, ...] = ()
    changes: tuple[Changed, ...] = ()
