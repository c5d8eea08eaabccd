"""The result of a run, as every report shows it: the contract `ackdrop/report/1`.

The dataclasses mirror `report.json` field by field, in its order; `None` means "cannot be known", never 0.
`to_json` is the only way from here to JSON.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from .observations import Ack, Isolation

SCHEMA = "ackdrop/report/1"

Verdict = Literal["passed", "failed", "inconclusive", "error", "interrupted"]

EXIT_CODES: dict[Verdict, int] = {"passed": 0, "failed": 1, "inconclusive": 3, "error": 4, "interrupted": 130}


ExpectedFigure = Literal[
    "records",
    "distinct",
    "duplicates",
    "lost",
    "unacked_present",
    "out_of_order",
    "phantom",
    "offset_mismatch",
    "past_proxy",
    "aborted",
    "sent",
    "acked",
    "failed",
    "unknown",
    "retries",
]
"""What an expectation may speak of: the figures of `log` and `records`, and the wire's retries."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of `expect:`: the figure, the comparison and the number. `text` is how the author would say it."""

    figure: ExpectedFigure
    comparison: Literal["==", "!=", "<", "<=", ">", ">="]
    number: int

    @property
    def text(self) -> str:
        """`duplicates >= 1`; an equality reads `duplicates 0`."""
        sign = "" if self.comparison == "==" else f"{self.comparison} "
        return f"{self.figure} {sign}{self.number}"


@dataclass(frozen=True, slots=True)
class ScenarioInfo:
    title: str
    file: str | None
    seed: int
    sha256: str | None
    combination: dict[str, str] = field(default_factory=dict)


Source = Literal["given", "found", "docker", "embedded"]
"""Where a broker came from."""


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """The broker by what it answered. `version` is None where it does not tell."""

    kind: Literal["redpanda", "kafka", "unknown"]
    version: str | None
    source: Source
    bootstrap: str
    cluster_id: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a run did not pass. `code` is stable and meant for programs, `text` for people; `arm` None: the run."""

    code: str
    arm: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ProducerInfo:
    """`config` is what the neutral words became in the client's own terms; `not_applicable` names the rest."""

    client: str
    version: str | None
    config: dict[str, Any]
    not_applicable: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Records:
    """What the producer's futures said, counted by send; all None for a program that is not ours."""

    sent: int | None
    acked: int | None
    failed: int | None
    unknown: int | None


@dataclass(frozen=True, slots=True)
class FaultCount:
    name: str
    matched: int
    fired: int


@dataclass(frozen=True, slots=True)
class WireCounts:
    """`produce_requests`, `acks_*` count frames; `retries` counts attempts (one partition's batch in a request).

    All None where nobody watched the wire: a topic's log verified alone.
    """

    connections: int | None
    produce_requests: int | None
    retries: int | None
    acks_dropped: int | None
    acks_withheld: int | None
    acks_delayed: int | None
    undecoded: int | None
    faults: list[FaultCount]


@dataclass(frozen=True, slots=True)
class LogCounts:
    """The figures of the log, as a consumer of the arm's isolation level sees it.

    `aborted` counts the records of aborted transactions and of those without a marker, whatever the isolation level.
    """

    records: int | None
    distinct: int | None
    duplicates: int | None
    lost: int | None
    unacked_present: int | None
    out_of_order: int | None
    phantom: int | None
    offset_mismatch: int | None
    past_proxy: int | None
    aborted: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt in a finding's chain. `at`, `answered_at` (by the broker) and `acked_at` (when the answer's fate at
    the client was known) are in seconds since the arm's first produce request. `number` counts the arm's attempts.

    `base_offset` is what the broker answered, None without an answer. `error` is the name of the error that the client
    was told, or that the broker answered where the client was told nothing; None without one. An error beside a base
    offset that is not negative was written by a fault: the broker had appended. `fault` is the one that touched this
    attempt, None where none of ours did; `injected`: ackdrop itself sent it, a copy of `retry_of`.
    """

    at: float
    connection: int
    correlation_id: int
    topic: str
    partition: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    crc: int
    base_offset: int | None
    error: str | None
    ack: Ack
    number: int = 0
    acks: int = -1
    retry_of: int | None = None
    answered_at: float | None = None
    acked_at: float | None = None
    fault: str | None = None
    injected: bool = False


FindingKind = Literal[
    "duplicate", "deduplicated", "lost", "unacked_present", "out_of_order", "phantom", "offset_mismatch"
]
Cause = Literal[
    "retry-unprotected",
    "broker-did-not-deduplicate",
    "new-epoch",
    "new-producer-id",
    "application-resend",
    "injected",
    "ambiguous",
    "unexplained",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the log or the wire shows. `deduplicated` is the good one: a retry that left no second copy.

    `record` names the logical record, `fault` the fault that touched one of the attempts.
    """

    kind: FindingKind
    cause: Cause | None
    record: str
    places: list[Place]
    fault: str | None
    attempts: list[AttemptLine]


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    expect: str
    actual: int | None
    held: bool | None


@dataclass(frozen=True, slots=True)
class ArmResult:
    name: str
    idempotence: bool | None
    verdict: Verdict
    producer: ProducerInfo
    records: Records
    wire: WireCounts
    log: LogCounts
    findings: list[Finding]
    expectations: list[ExpectationResult]
    isolation: Isolation = "read_uncommitted"


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure: in this arm, expectations about `figure` did not hold because there was more or fewer of it
    than expected (`other`: it was the one number that it must not be), for this `cause`.

    `known`: the baseline failed in the same way; None where none was given.
    """

    arm: str
    figure: str
    how: Literal["more", "fewer", "other"]
    cause: Cause | None
    known: bool | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs; None in all three where no run knew it."""

    min: float | None
    median: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class HeldTally:
    """An expectation over several runs: `held` in so many `of` them, `unknown` in so many."""

    expect: str
    held: int
    of: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ArmRepeat:
    """One arm over several runs. `figures` by name: those of `ExpectedFigure`, and `acks_dropped`, `acks_withheld`,
    `acks_delayed`. `verdicts` counts runs by the arm's verdict."""

    name: str
    figures: dict[str, Spread]
    expectations: list[HeldTally]
    verdicts: dict[str, int]


Agreement = Literal["steady", "flaky", "broken"]
"""What several runs of one scenario say together: all came to one verdict that is not `failed`; they disagree; all
failed."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """A scenario that was run several times. `runs` were made of `asked`; `verdicts` counts them by verdict.

    The result around it shows one of them in full: `shown` (from 1), the first of those with the worst verdict.
    `folders` are the runs' own, relative to the folder of all. `agreement` is None where fewer than two of them came to
    a verdict of their own.
    """

    asked: int
    runs: int
    shown: int
    verdicts: dict[str, int]
    arms: list[ArmRepeat]
    folders: list[str]
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class ShardInfo:
    """Which part of a run that was divided (`--shard 2/5`) a result is of: shard `number` of so many.

    Its scenario stands at `position` (from 1) among the `total` of all shards; `size` of them are in this shard. `plan`
    is the same in all shards of one division, and in no other.
    """

    number: int
    of: int
    size: int
    position: int
    total: int
    plan: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which run it was. `started` is UTC in ISO 8601, `seconds` how long it took (None: it never came to its end).

    `command` is what runs it again, beginning with `ackdrop`; `versions` are of ackdrop, Python and the system.
    """

    id: str | None
    started: str
    seconds: float | None
    command: list[str]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run. `notes` are sentences that belong to it and change nothing."""

    scenario: ScenarioInfo
    broker: BrokerInfo | None
    verdict: Verdict
    reasons: list[Reason]
    exit_code: int
    arms: list[ArmResult]
    notes: list[str] = field(default_factory=list)
    run: RunInfo | None = None
    repeat: Repetition | None = None
    failures: list[Failure] = field(default_factory=list)
    shard: ShardInfo | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract, as plain JSON values in the contract's order."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}
