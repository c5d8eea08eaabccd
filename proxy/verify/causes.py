"""Why a record stands in the log more than once.

Two copies are looked at in the order in which they were written. With our own workload's identity the *send* decides
who repeated the record: another send is the application's, the same send the client library's. Without it the wire
decides, by the rule of a retry: a second attempt for records whose first attempt's success had not been delivered, the
two not outstanding at once on one connection.

A client that repeats a batch under the producer id, epoch and sequence of the first asks the broker to drop it
(KIP-98); a batch that carries no producer id asks for nothing; one under another epoch or id looks new to the broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from ..observations import AttemptStory, LogRecord
from ..result import Cause
from .attempts import told
from .trail import Trail, place

GRAVEST_FIRST: tuple[Cause, ...] = (
    "broker-did-not-deduplicate",
    "unexplained",
    "new-epoch",
    "new-producer-id",
    "retry-unprotected",
    "ambiguous",
    "injected",
    "application-resend",
)
"""Where the extra copies of one record have several causes, the finding names the first of these."""

PROTECTED: frozenset[Cause] = frozenset({"broker-did-not-deduplicate", "new-epoch", "new-producer-id"})
"""The causes of a duplicate that came from a retry although the producer was idempotent."""

RETRIED: frozenset[Cause] = PROTECTED | {"retry-unprotected"}
"""The causes that say that the client library sent the record again."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One logical record that stands more than once. `copies` by place, `causes` one for each extra copy.

    `sent_again` holds the numbers of the attempts whose records a retry put into the log once more.
    """

    copies: tuple[LogRecord, ...]
    causes: tuple[Cause, ...]
    sent_again: frozenset[int]

    @property
    def cause(self) -> Cause:
        return min(self.causes, key=GRAVEST_FIRST.index)


@dataclass(frozen=True, slots=True)
class _Copy:
    record: LogRecord
    writer: AttemptStory | None


def duplicates(groups: Iterable[Sequence[LogRecord]], trail: Trail) -> list[Duplicate]:
    """Those of the groups (each the copies of one logical record) that have extra copies, by place."""
    return [_duplicate(group, trail) for group in groups if len(group) > 1]


def _duplicate(group: Sequence[LogRecord], trail: Trail) -> Duplicate:
    copies = sorted((_Copy(record, trail.writer(record)) for record in group), key=_written)
    sends = [list(same) for _, same in groupby(sorted(copies, key=_send), key=_send)]
    causes: list[Cause] = ["application-resend"] * (len(sends) - 1)
    again: set[int] = set()
    for same in sends:
        numbers = {_numbered(same[0].record)}
        for earlier, later in pairwise(same):
            number = _numbered(later.record)
            causes.append("broker-did-not-deduplicate" if number in numbers else _between(earlier, later, trail))
            if causes[-1] in RETRIED and earlier.writer is not None and earlier.writer is not later.writer:
                again.add(earlier.writer.attempt.number)
            numbers.add(number)
    return Duplicate(tuple(group), tuple(causes), frozenset(again))


def _written(copy: _Copy) -> tuple[float, tuple[str, int, int]]:
    return (float("inf") if copy.writer is None else copy.writer.attempt.number), place(copy.record)


def _send(copy: _Copy) -> int:
    return -1 if copy.record.send is None else copy.record.send


def _numbered(record: LogRecord) -> tuple[object, ...]:
    """Equal for two copies only where a partition holds one producer id, epoch and sequence twice."""
    if record.producer_id < 0:
        return place(record)
    return record.topic, record.partition, record.producer_id, record.producer_epoch, record.sequence


def _between(earlier: _Copy, later: _Copy, trail: Trail) -> Cause:
    if later.record.ours:
        return _of_one_send(earlier, later)
    if earlier.writer is None or later.writer is None:
        return "unexplained"
    if later.writer.attempt.ambiguous:
        return "ambiguous"
    if earlier.writer is not later.writer and trail.families.related(earlier.writer, later.writer):
        return _retry(earlier.record, later.record)
    return _unlinked(earlier.record, later.record, earlier.writer, later.writer)


def _of_one_send(earlier: _Copy, later: _Copy) -> Cause:
    """The application sent it once, so whatever came again came from the client library, or from beyond it."""
    cause = _retry(earlier.record, later.record)
    return cause if cause != "retry-unprotected" or _repeats(earlier.writer, later.writer) else "unexplained"


def _repeats(first: AttemptStory | None, second: AttemptStory | None) -> bool:
    """The second was seen on the wire as a retry, or follows one whose success did not reach the client in time."""
    if second is None or second is first:
        return False
    if second.attempt.retry_of is not None:
        return True
    return first is not None and (not told(first) or first.ack == "delayed")


def _retry(earlier: LogRecord, later: LogRecord) -> Cause:
    """The client library sent the record again: what the batch's numbers said to the broker."""
    if earlier.producer_id < 0 and later.producer_id < 0:
        return "retry-unprotected"
    if earlier.producer_id < 0 or later.producer_id < 0:
        return "unexplained"
    if earlier.producer_id != later.producer_id:
        return "new-producer-id"
    return "new-epoch" if earlier.producer_epoch != later.producer_epoch else "unexplained"


def _unlinked(earlier: LogRecord, later: LogRecord, first: AttemptStory, second: AttemptStory) -> Cause:
    """Equal records of a program that is not ours, in attempts that the wire did not link.

    One numbering gives a record one number: a second one, or a second place in the same batch, is a second `send()`.
    """
    same_numbering = (earlier.producer_id, earlier.producer_epoch) == (later.producer_id, later.producer_epoch)
    if first is second or (same_numbering and earlier.producer_id >= 0):
        return "application-resend"
    together = first.attempt.connection == second.attempt.connection
    if told(first) and first.ack == "delivered":
        after = first.answered_at is None or second.attempt.at >= first.answered_at
        return "application-resend" if after or together else "ambiguous"
    unseen = first.seen_error is None
    if first.attempt.acks == 0 or first.ack == "delayed" or (together and unseen):
        return "ambiguous"
    return _retry(earlier, later)
