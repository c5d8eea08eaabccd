"""What a probe has seen: cases of steps, each with what was sent, what came back, and what the log held then.

It is the contract `ackdrop/probe/1`, too: `store.py` writes these values as JSON and reads them again. Offsets count
from 0 in a partition that nobody else writes to, so the answers of two probes can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..result import BrokerInfo

SCHEMA = "ackdrop/probe/1"

How = Literal["answered", "not-asked", "closed", "silent", "unreadable"]
State = Literal["measured", "inconclusive", "absent", "left-out"]
Marker = Literal["commit", "abort"]
Of = Literal["kafka", "redpanda"]


TITLES = {
    "produce": "Produce",
    "init_producer_id": "InitProducerId",
    "find_coordinator": "FindCoordinator",
    "add_partitions_to_txn": "AddPartitionsToTxn",
    "end_txn": "EndTxn",
    "api_versions": "ApiVersions",
}
"""The APIs that are spoken, as the protocol guide has their names."""


ELSEWHERE = frozenset(
    {"NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"}
)
"""Errors of whoever was asked and does not lead the partition, or not yet."""
BUSY = frozenset(
    {"COORDINATOR_LOAD_IN_PROGRESS", "COORDINATOR_NOT_AVAILABLE", "NOT_COORDINATOR", "CONCURRENT_TRANSACTIONS"}
)
"""Errors of a coordinator that say: ask again in a moment."""
SAYS_NOTHING = (
    ELSEWHERE
    | BUSY
    | {"REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", "KAFKA_STORAGE_ERROR"}
)
"""Errors that tell of the broker's state, and not of what it makes of a batch."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it was sent. `payload` names what its records hold: two batches with one name are equal in them.
    `timestamp` is that of all its records, in milliseconds since the epoch."""

    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    payload: str
    timestamp: int
    transactional: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `how` is `not-asked` with acks=0, `closed` and `silent` where the broker gave none, and `unreadable` where it was
    no answer of this API. `error` is the protocol's name, NONE for success; `base_offset` is -1 where none was told.
    `text` is what the broker says of the error, or why there is no answer.
    """

    how: How
    error: str | None = None
    base_offset: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back. `connection` counts the connections of a case from 1. `tries`: how often it was
    sent, where the broker answered that it does not lead the partition now, or that a coordinator is busy."""

    api: str
    version: int
    connection: int
    answer: Answer
    partition: int | None = None
    acks: int | None = None
    batch: Batch | None = None
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A batch as it stands in the log; `marker` for one of a transaction's end, which holds no records of a client."""

    partition: int
    base_offset: int
    last_offset: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int
    marker: Marker | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One move of a case. `name` is its own within the case, and stays from version to version; `what` says it.

    Several exchanges belong together: sent at once, or one after the other without a look at the log in between.
    `wrote` is what the log held afterwards and not before. `effect` is all of that in a few words, see `effects.py`.
    """

    name: str
    what: str
    exchanges: tuple[Exchange, ...]
    wrote: tuple[Written, ...]
    effect: str

    @property
    def answered(self) -> bool:
        """Whether every answer came that was asked for, could be read, and says what the broker makes of it."""
        answers = [exchange.answer for exchange in self.exchanges]
        return all(each.how in ("answered", "not-asked") and each.error not in SAYS_NOTHING for each in answers)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a broker's documents or sources say about a case: which effects are promised for which steps.

    Each of `steps` is (the step's name, the effects that would be as promised). `releases` says for which it holds.
    """

    of: Of
    says: str
    source: str
    releases: str
    steps: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise held against what was measured. `kept` is None where that cannot be said; `differs` holds sentences."""

    promise: Promise
    kept: bool | None
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What one case gave. `reason` says why it is not `measured`: `absent` is what this broker does not have,
    `left-out` what ackdrop may not do to it, `inconclusive` what did not come about."""

    name: str
    title: str
    state: State
    steps: tuple[Step, ...] = ()
    reason: str | None = None
    promises: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A whole probe. `at` is UTC in ISO 8601, `versions` the newest version of each API that was spoken, `summary` what
    was measured, in sentences. `interrupted`: not all cases came to their turn. `notes` are about the surroundings."""

    at: str
    ackdrop: str
    broker: BrokerInfo
    topic: str
    versions: dict[str, int]
    summary: tuple[str, ...]
    cases: tuple[CaseResult, ...]
    interrupted: bool = False
    notes: tuple[str, ...] = ()

    @property
    def inconclusive(self) -> tuple[CaseResult, ...]:
        """The cases that should have been measured, and were not."""
        return tuple(case for case in self.cases if case.state == "inconclusive")
