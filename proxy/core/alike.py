"""Is this attempt a retry of that one? The rule, case by case, without any memory.

A retry is a second attempt for records whose first attempt's success had not been delivered to the client, the two not
outstanding at once on one connection. What speaks for it, the strongest first:

- **the same numbers**: a client library gives a record one number of its producer id and epoch, and an application has
  no say in it (KIP-98). So a batch with the numbers of an earlier one, and the same in it, is the library's retry,
  whenever its records were made. Another payload under the same numbers is none: after an error that the client has
  seen, numbers are free again (Java moves later batches up);
- **our own header**, which numbers every `send()`;
- **the same records**, by name or by content, from the same client id. A library keeps the create time of a record
  that it sends again; equal records of another create time are the application's where both batches are numbered, and
  may be either where they are not (sarama and kafkajs stamp again). Records without a create time prove nothing.

The last is certain only once the client knows that its first attempt failed: it got an error, or its connection is
over. While it still waits on another connection, equal records may be meant; on the same connection they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from ..kafka.batches import is_transactional
from ..kafka.produce import BatchHeader
from .identities import Known

SEQUENCES = 1 << 31
"""Sequence numbers go from 2^31 - 1 to 0 (KIP-98)."""

Partition = tuple[str, int]


class Likeness(IntEnum):
    """Whether one attempt repeats another."""

    NO = 0
    MAYBE = 1
    SURE = 2


class State(Enum):
    """What is known of an attempt's answer."""

    OUTSTANDING = "it may still reach the client"
    LOST = "it will not reach the client, which knows that only once its connection is over"
    FAILED = "the client was told an error"
    DOUBTED = "a success was sent to the client, whose connection ended right after: it may not have read it"
    FORGOTTEN = "it may still reach the client, and the index had no room for the attempt"
    DONE = "the client was told a success, or a later attempt stands for this one"


@dataclass(slots=True, eq=False)
class Line:
    """One client's connection: whether its client is still there, and what it was told last."""

    number: int
    open: bool = True
    told: deque[OpenAttempt] = field(default_factory=lambda: deque(maxlen=8))


@dataclass(slots=True, eq=False)
class OpenAttempt:
    """An attempt whose success the client may not have seen.

    `at` is when it began, `repeats` the number of the attempt that this one is a retry of, the latest of `origins`;
    `told_at` is when the client was told a success. `raw` is its batch while the answer is open; once it is lost,
    `records` are the digests of its records, of whom `left` have not been seen again. `numbers` (None without a
    producer id) and `content` are what it is known by as a whole, when its bytes are gone too; `payload` stands for
    its records without their create times, where it is numbered and could be read.
    """

    number: int
    line: Line
    client_id: str
    where: Partition
    batch: BatchHeader
    raw: bytes
    at: float
    numbers: Hashable | None
    content: Hashable
    repeats: int | None = None
    tries: int = 1
    ambiguous: bool = False
    state: State = State.OUTSTANDING
    told_at: float = 0.0
    records: list[bytes] = field(default_factory=list)
    left: int = 0
    payload: bytes | None = None
    origins: tuple[int, ...] = ()


def by_sequence(new: OpenAttempt, earlier: OpenAttempt) -> Likeness:
    """Both have the same producer id, epoch, base sequence and number of records."""
    if _pipelined(new, earlier):
        return Likeness.NO
    if new.payload is None or earlier.payload is None:
        return Likeness.NO if earlier.state is State.FAILED else Likeness.SURE
    return Likeness.SURE if new.payload == earlier.payload else Likeness.NO


def by_bytes(new: OpenAttempt, earlier: OpenAttempt, *, ours: bool) -> Likeness:
    """Both are the same, byte for byte, create times and all; `ours`: every record has our own header."""
    if _pipelined(new, earlier):
        return Likeness.NO
    if ours:
        return Likeness.SURE
    if new.client_id != earlier.client_id or _waits(new, earlier):
        return Likeness.NO
    if earlier.state is State.DOUBTED or _unaware(earlier) or new.batch.base_timestamp < 0:
        return Likeness.MAYBE
    return Likeness.SURE


def by_record(new: OpenAttempt, earlier: OpenAttempt, known: Known, created: int) -> Likeness:
    """One record of the new attempt is known from the earlier one, where its create time was `created`."""
    if known.ours:
        return Likeness.SURE
    if new.client_id != earlier.client_id or _waits(new, earlier):
        return Likeness.NO
    if _in_another_transaction(new.batch, earlier.batch):
        return Likeness.NO
    if earlier.state is State.LOST and _numbered_anew(new.batch, earlier.batch):
        return Likeness.NO
    if known.created != created:
        numbered = new.batch.producer_id >= 0 and earlier.batch.producer_id >= 0
        return Likeness.NO if numbered else Likeness.MAYBE
    return Likeness.MAYBE if created < 0 or _unaware(earlier) else Likeness.SURE


def _pipelined(new: OpenAttempt, earlier: OpenAttempt) -> bool:
    """Both are outstanding at once on one connection."""
    return earlier.state is State.OUTSTANDING and earlier.line is new.line


def _unaware(earlier: OpenAttempt) -> bool:
    """The client has not been told of a failure yet: for all it knows, the answer may still come."""
    return earlier.line.open and earlier.state in (State.OUTSTANDING, State.LOST)


def _waits(new: OpenAttempt, earlier: OpenAttempt) -> bool:
    """The client still waits for the earlier one, on the connection on which it sends the new one."""
    return earlier.line is new.line and _unaware(earlier)


def _in_another_transaction(new: BatchHeader, earlier: BatchHeader) -> bool:
    """A library takes no record along from one transaction to the next; with an epoch a transaction has ended."""
    both = is_transactional(new.attributes) and is_transactional(earlier.attributes)
    return both and _producer(new) != _producer(earlier)


def _producer(batch: BatchHeader) -> tuple[int, int]:
    return batch.producer_id, batch.producer_epoch


def _numbered_anew(new: BatchHeader, earlier: BatchHeader) -> bool:
    """Both have numbers of one producer id and epoch, and not one in common; part of a batch keeps its part."""
    if earlier.producer_id < 0 or _producer(new) != _producer(earlier):
        return False
    ahead = (new.base_sequence - earlier.base_sequence) % SEQUENCES
    behind = (earlier.base_sequence - new.base_sequence) % SEQUENCES
    return ahead >= earlier.records and behind >= new.records
