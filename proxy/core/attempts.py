"""Whose retry is this? The index of attempts whose success the client has not seen.

A retry is a second attempt for records whose first attempt's success had not been delivered to the client, the two not
outstanding at once on one connection. So only attempts without a delivered success have to be remembered, and most
leave the index with their ack. An attempt is known again by, in this order:

- its producer id, epoch, base sequence and record count, where it has a producer id (KIP-98);
- its CRC and record count: the same batch, byte for byte;
- its records, since clients put records into other batches when they retry without idempotence, and take a new epoch
  or producer id with it: the identity header where our own workload wrote it, else create time, key, value and headers.

A byte-equal batch whose first attempt is still outstanding elsewhere may be a retry or may be meant; without an
identity header it is marked ambiguous.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from .. import identity
from ..errors import WireError
from ..kafka.batches import iter_batches
from ..kafka.produce import BatchHeader
from ..kafka.records import Record, iter_records

Partition = tuple[str, int]
Key = tuple[Hashable, ...]


@dataclass(slots=True, eq=False)
class OpenAttempt:
    """An attempt whose success has not been delivered.

    `outstanding` while its answer may still reach the client. `raw` is its batch until then; once it is lost,
    `records` are those that no later attempt has taken over. `repeats` is the attempt that this one is a retry of.
    """

    number: int
    connection: int
    where: Partition
    batch: BatchHeader
    raw: bytes
    tries: int = 1
    outstanding: bool = True
    ambiguous: bool = False
    records: set[Hashable] = field(default_factory=set)
    repeats: OpenAttempt | None = None


class AttemptIndex:
    """Attempts without a delivered success, at most `limit` of them; `let_go` counts those forgotten for the limit."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._open: OrderedDict[int, OpenAttempt] = OrderedDict()
        self._by_batch: dict[Key, OpenAttempt] = {}
        self._by_record: dict[Partition, dict[Hashable, OpenAttempt]] = {}
        self.let_go = 0

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, number: int, connection: int, where: Partition, batch: BatchHeader, raw: bytes) -> OpenAttempt:
        """A new attempt passes: find what it repeats, and remember it."""
        attempt = OpenAttempt(number, connection, where, batch, raw)
        origin = self._origin(attempt)
        if origin is not None:
            attempt.repeats = origin
            attempt.tries = origin.tries + 1
            attempt.ambiguous = origin.outstanding and batch.producer_id < 0 and not _all_ours(raw)
        self._open[number] = attempt
        for key in _keys(attempt):
            self._by_batch[key] = attempt
        if len(self._open) > self._limit:
            self._forget(next(iter(self._open.values())))
            self.let_go += 1
        return attempt

    def lost(self, attempt: OpenAttempt) -> None:
        """The attempt's success will not be delivered: from now on its records are known again in any batch."""
        if not attempt.outstanding:
            return
        attempt.outstanding = False
        if attempt.number not in self._open:
            return
        attempt.records = set(record_identities(attempt.raw))
        attempt.raw = b""
        if not attempt.records:
            return
        table = self._by_record.setdefault(attempt.where, {})
        taken_over = [(record, table[record]) for record in attempt.records if record in table]
        table.update(dict.fromkeys(attempt.records, attempt))
        for record, earlier in taken_over:
            self._take(earlier, record)

    def delivered(self, attempt: OpenAttempt) -> None:
        """The client has seen success: neither this attempt nor those that it repeats can be retried any more."""
        attempt.outstanding = False
        if attempt.repeats is not None:
            self._settle_records(attempt)
            self._settle_batch(attempt)
        self._forget(attempt)

    def _settle_records(self, attempt: OpenAttempt) -> None:
        table = self._by_record.get(attempt.where, {})
        for record in record_identities(attempt.raw):
            earlier = table.pop(record, None)
            if earlier is not None:
                self._take(earlier, record)

    def _settle_batch(self, attempt: OpenAttempt) -> None:
        """Forget the attempts that were this very batch, whatever their records and though they be outstanding."""
        keys = set(_keys(attempt))
        earlier = attempt.repeats
        while earlier is not None:
            before = earlier.repeats
            if not keys.isdisjoint(_keys(earlier)):
                self._forget(earlier)
            earlier = before

    def _take(self, earlier: OpenAttempt, record: Hashable) -> None:
        """A later attempt stands for this record; one that stands for none any more is forgotten."""
        earlier.records.discard(record)
        if not earlier.records:
            self._forget(earlier)

    def _forget(self, attempt: OpenAttempt) -> None:
        self._open.pop(attempt.number, None)
        for key in _keys(attempt):
            if self._by_batch.get(key) is attempt:
                del self._by_batch[key]
        table = self._by_record.get(attempt.where, {})
        for record in attempt.records:
            if table.get(record) is attempt:
                del table[record]
        if not table:
            self._by_record.pop(attempt.where, None)
        attempt.raw, attempt.repeats = b"", None

    def _origin(self, attempt: OpenAttempt) -> OpenAttempt | None:
        found = next(filter(None, map(self._by_batch.get, _keys(attempt))), None)
        if found is not None:
            pipelined = found.outstanding and found.connection == attempt.connection
            return None if pipelined else found
        table = self._by_record.get(attempt.where)
        if not table:
            return None
        known = [table[record] for record in record_identities(attempt.raw) if record in table]
        return max(known, key=lambda lost: lost.number, default=None)


def _keys(attempt: OpenAttempt) -> Iterator[Key]:
    """What a batch is known by whole: its sequence first, then its bytes."""
    where, batch = attempt.where, attempt.batch
    if batch.producer_id >= 0:
        yield (*where, "sequence", batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.records)
    yield (*where, "bytes", batch.crc, batch.records, batch.length)


def _all_ours(raw: bytes) -> bool:
    """Whether every record of a batch tells by our own header which send it belongs to."""
    identities = record_identities(raw)
    return bool(identities) and all(isinstance(record, identity.Identity) for record in identities)


def record_identities(raw: bytes) -> list[Hashable]:
    """What each record of a batch is known by; empty where the batch cannot be read (its compression is broken)."""
    try:
        return [_identity(record) for batch in iter_batches(memoryview(raw)) for record in iter_records(batch)]
    except WireError:
        return []


def _identity(record: Record) -> Hashable:
    ours = identity.read(record.headers)
    return ours if ours is not None else (record.timestamp, record.key, record.value, record.headers)
