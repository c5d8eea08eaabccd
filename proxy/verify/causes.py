"""Why a record stands in the log more than once.

Two copies are looked at in the order in which they were written. With our own workload's identity the *send* decides
who repeated the record: another send is the application's, the same send the client library's. Without it the wire
decides, by the rule of a retry: a second attempt for records whose first attempt's success had not been delivered, the
two not outstanding at once on one connection. A copy that an injected attempt wrote is ours: it says nothing of either.

A client that repeats a batch under the producer id, epoch and sequence of the first asks the broker to drop it
(KIP-98); a batch that carries no producer id asks for nothing; one under another epoch or id looks new to the broker.

Where nobody watched the wire, the log's own numbering is all there is: the same numbers twice are the broker's doing,
other sequences of one numbering are several sends, and the rest cannot be decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ..observations import AttemptStory
from ..result import Cause
from .attempts import told
from .shelf import Row
from .trail import Trail

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

NO_SEND = -1
"""In place of a send: the record has no header of ours."""


class Copy(NamedTuple):
    """One copy of a record: where it stands, and who wrote it. `sequence` is -1 without a producer id."""

    position: int
    row: Row
    sequence: int
    send: int
    writer: AttemptStory | None

    @property
    def ours(self) -> bool:
        return self.send != NO_SEND

    @property
    def order(self) -> tuple[float, int]:
        """The order in which copies were written, as far as it is known."""
        return (float("inf") if self.writer is None else self.writer.attempt.number), self.position

    @property
    def injected(self) -> bool:
        return self.writer is not None and self.writer.attempt.injected

    @property
    def numbered(self) -> object:
        """Equal for two copies only where a partition holds one producer id, epoch and sequence twice."""
        row = self.row
        if row.producer_id < 0:
            return self.position
        return row.topic, row.partition, row.producer_id, row.producer_epoch, self.sequence


class Extra(NamedTuple):
    """Why one extra copy is there: after `earlier` came `later`. Both are None for another send of the application."""

    cause: Cause
    earlier: Copy | None = None
    later: Copy | None = None

    @property
    def sent_again(self) -> int | None:
        """The number of the attempt whose record a retry put into the log once more."""
        if self.cause not in RETRIED or self.earlier is None or self.later is None or self.earlier.writer is None:
            return None
        return None if self.earlier.writer is self.later.writer else self.earlier.writer.attempt.number

    @property
    def may_be_protected(self) -> bool:
        """It cannot be decided, and may be a retry of an idempotent producer that left a second copy."""
        if self.cause != "ambiguous" or self.earlier is None or self.later is None:
            return False
        return self.earlier.row.producer_id >= 0 and self.later.row.producer_id >= 0


def extras(copies: Sequence[Copy], trail: Trail) -> list[Extra]:
    """One for each copy of a record but one."""
    if len(copies) == 2 and copies[0].send == copies[1].send:
        one, other = copies
        return _of_one([one, other] if one.order < other.order else [other, one], trail)
    written = sorted(copies, key=lambda copy: copy.order)
    sends = [list(same) for _, same in groupby(sorted(written, key=lambda copy: copy.send), key=lambda c: c.send)]
    found = [Extra("application-resend")] * (len(sends) - 1)
    for same in sends:
        found += _of_one(same, trail)
    return found


def _of_one(same: list[Copy], trail: Trail) -> list[Extra]:
    """The copies of one send, or of a record that is not ours; those that we injected stand beside the others."""
    natural, injected = same, [copy for copy in same if copy.injected]
    if injected:
        natural = [copy for copy in same if not copy.injected]
    first = (natural or injected)[0]
    found = [Extra("injected", first, copy) for copy in injected if copy is not first]
    numbers = {first.numbered}
    for earlier, later in pairwise(natural):
        number = later.numbered
        cause = "broker-did-not-deduplicate" if number in numbers else _between(earlier, later, trail)
        found.append(Extra(cause, earlier, later))
        numbers.add(number)
    return found


def _between(earlier: Copy, later: Copy, trail: Trail) -> Cause:
    first, second = earlier.writer, later.writer
    if later.ours:
        return _of_one_send(earlier, later, trail)
    if not trail.watched:
        return "application-resend" if _same_numbering(earlier.row, later.row) else "ambiguous"
    if first is None or second is None:
        return _folded(earlier, later, trail)
    if second.attempt.ambiguous:
        return "ambiguous"
    if first is not second and trail.families.related(first, second):
        return "ambiguous" if _two_producers(first, second, trail) else _retry(earlier.row, later.row)
    return _unlinked(earlier.row, later.row, _heard(first, trail) or first, second)


def _two_producers(first: AttemptStory, second: AttemptStory, trail: Trail) -> bool:
    """A client that takes a new producer id never uses the old one again: here both are used, so there are two."""
    old, new = first.attempt.producer_id, second.attempt.producer_id
    return old >= 0 and old != new and trail.last_of[old] > second.attempt.number


def _of_one_send(earlier: Copy, later: Copy, trail: Trail) -> Cause:
    """The application sent it once, so whatever came again came from the client library, or from beyond it."""
    cause = _retry(earlier.row, later.row)
    if cause != "retry-unprotected" or not trail.watched or _repeats(earlier.writer, later.writer):
        return cause
    return "unexplained"


def _repeats(first: AttemptStory | None, second: AttemptStory | None) -> bool:
    """The second was seen on the wire as a retry, or follows one whose success did not reach the client in time."""
    if second is None or second is first:
        return False
    if second.attempt.retry_of is not None:
        return True
    return first is not None and (not told(first) or first.ack == "delayed")


def _retry(earlier: Row, later: Row) -> Cause:
    """The client library sent the record again: what the batch's numbers said to the broker."""
    if earlier.producer_id < 0 and later.producer_id < 0:
        return "retry-unprotected"
    if earlier.producer_id < 0 or later.producer_id < 0:
        return "unexplained"
    if earlier.producer_id != later.producer_id:
        return "new-producer-id"
    return "new-epoch" if earlier.producer_epoch != later.producer_epoch else "unexplained"


def _same_numbering(earlier: Row, later: Row) -> bool:
    """One numbering gives a record one number: a second one, or a second place in the same batch, is a second send."""
    if earlier.number == later.number:
        return True
    same = (earlier.producer_id, earlier.producer_epoch) == (later.producer_id, later.producer_epoch)
    return same and earlier.producer_id >= 0


def _folded(earlier: Copy, later: Copy, trail: Trail) -> Cause:
    """At least one of the two was written by no attempt that is known one by one.

    An attempt that the ledger folded was told its success at once, repeated nothing and was not repeated: what stands
    there beside such a copy was sent by the application. Anything else did not pass the proxy.
    """
    known = all(copy.writer is not None or trail.was_folded(copy.row) for copy in (earlier, later))
    if not known:
        return "unexplained"
    second = later.writer
    return "ambiguous" if second is not None and second.attempt.ambiguous else "application-resend"


def _unlinked(earlier: Row, later: Row, first: AttemptStory, second: AttemptStory) -> Cause:
    """Equal records of a program that is not ours, in attempts that the wire did not link."""
    if first is second or _same_numbering(earlier, later):
        return "application-resend"
    together = first.attempt.connection == second.attempt.connection
    if told(first) and first.ack == "delivered":
        after = first.answered_at is None or second.attempt.at >= first.answered_at
        return "application-resend" if after or together else "ambiguous"
    unseen = first.seen_error is None
    if first.attempt.acks == 0 or first.ack == "delayed" or (together and unseen):
        return "ambiguous"
    return _retry(earlier, later)


def _heard(first: AttemptStory, trail: Trail) -> AttemptStory | None:
    """The attempt by which the client heard of this batch's success: itself, or a retry of the very same batch."""
    same = _batch(first)
    members = (story for story in trail.families.of(first) if _batch(story) == same)
    return next((story for story in members if told(story) and story.ack == "delivered"), None)


def _batch(story: AttemptStory) -> tuple[int, ...]:
    """What a whole batch is known by: its numbers where it has a producer id, else its bytes."""
    attempt = story.attempt
    if attempt.producer_id >= 0:
        return attempt.producer_id, attempt.producer_epoch, attempt.base_sequence, attempt.records
    return attempt.crc, attempt.records
