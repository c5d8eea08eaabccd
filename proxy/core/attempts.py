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
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from .. import identity
from ..errors import WireError
from ..kafka.batches import iter_batches
from ..kafka.produce import BatchHeader
from ..kafka.records import Record, iter_records

Partition = tuple[str, int]


@dataclass(slots=True, eq=False)
class OpenAttempt:
    """An attempt whose success has not been delivered. `raw` is its batch; `records` are filled in once it is lost."""

    number: int
    connection: int
    where: Partition
    batch: BatchHeader
    raw: bytes
    tries: int
    outstanding: bool = True
    records: set[Hashable] = field(default_factory=set)
    repeats: OpenAttempt | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The attempt that a new one repeats."""

    attempt: OpenAttempt
    ambiguous: bool


class AttemptIndex:
    """Attempts without a delivered success, at most `limit` of them; `let_go` counts those forgotten for the limit."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._open: OrderedDict[int, OpenAttempt] = OrderedDict()
        self._by_sequence: dict[tuple[Hashable, ...], OpenAttempt] = {}
        self._by_crc: dict[tuple[Hashable, ...], OpenAttempt] = {}
        self._by_record: dict[Partition, dict[Hashable, OpenAttempt]] = {}
        self.let_go = 0

    def __len__(self) -> int:
        return len(self._open)

    def begin(self, number: int, connection: int, where: Partition, batch: BatchHeader, raw: bytes) -> OpenAttempt:
        """A new attempt passes: find what it repeats, and remember it."""
        origin = self._origin(connection, where, batch, raw)
        attempt = OpenAttempt(number, connection, where, batch, raw, 1 if origin is None else origin.attempt.tries + 1)
        attempt.repeats = None if origin is None else origin.attempt
        self._open[number] = attempt
        for table, key in self._keys(attempt):
            table[key] = attempt
        if len(self._open) > self._limit:
            self._forget(next(iter(self._open.values())))
            self.let_go += 1
        return attempt

    def is_ambiguous(self, attempt: OpenAttempt) -> bool:
        """Whether an attempt that repeats another may as well be meant by the application."""
        first = attempt.repeats
        if first is None or not first.outstanding or attempt.batch.producer_id >= 0:
            return False
        return not all(isinstance(record, identity.Identity) for record in record_identities(attempt.raw))

    def lost(self, attempt: OpenAttempt) -> None:
        """The attempt's success will not be delivered: from now on its records are known again in any batch."""
        if not attempt.outstanding:
            return
        attempt.outstanding = False
        if attempt.number not in self._open:
            return
        attempt.records = set(record_identities(attempt.raw))
        table = self._by_record.setdefault(attempt.where, {})
        for record in attempt.records:
            table[record] = attempt

    def delivered(self, attempt: OpenAttempt) -> None:
        """The client has seen success: neither this attempt nor those that it repeats can be retried any more."""
        attempt.outstanding = False
        earlier = attempt.repeats
        if earlier is not None:
            self._settle_records(attempt)
            if earlier.outstanding:  # its connection is dead, though we have not been told yet
                self._forget(earlier)
        self._forget(attempt)

    def _settle_records(self, attempt: OpenAttempt) -> None:
        table = self._by_record.get(attempt.where, {})
        for record in record_identities(attempt.raw):
            earlier = table.pop(record, None)
            if earlier is not None:
                earlier.records.discard(record)
                if not earlier.records:
                    self._forget(earlier)

    def _forget(self, attempt: OpenAttempt) -> None:
        self._open.pop(attempt.number, None)
        for table, key in self._keys(attempt):
            if table.get(key) is attempt:
                del table[key]
        records = self._by_record.get(attempt.where, {})
        for record in attempt.records:
            if records.get(record) is attempt:
                del records[record]
        if not records:
            self._by_record.pop(attempt.where, None)
        attempt.raw, attempt.repeats = b"", None

    def _keys(
        self, attempt: OpenAttempt
    ) -> Iterable[tuple[dict[tuple[Hashable, ...], OpenAttempt], tuple[Hashable, ...]]]:
        if attempt.batch.producer_id >= 0:
            yield self._by_sequence, _sequence_key(attempt.where, attempt.batch)
        yield self._by_crc, _crc_key(attempt.where, attempt.batch)

    def _origin(self, connection: int, where: Partition, batch: BatchHeader, raw: bytes) -> Origin | None:
        found = self._by_sequence.get(_sequence_key(where, batch)) if batch.producer_id >= 0 else None
        found = found or self._by_crc.get(_crc_key(where, batch))
        if found is not None:
            pipelined = found.outstanding and found.connection == connection
            return None if pipelined else Origin(found, found.outstanding)
        table = self._by_record.get(where)
        if not table:
            return None
        known = [table[record] for record in record_identities(raw) if record in table]
        return Origin(max(known, key=lambda attempt: attempt.number), False) if known else None


def record_identities(raw: bytes) -> list[Hashable]:
    """What each record of a batch is known by; empty where the batch cannot be read (its compression is broken)."""
    try:
        return [_identity(record) for batch in iter_batches(memoryview(raw)) for record in iter_records(batch)]
    except WireError:
        return []


def _identity(record: Record) -> Hashable:
    ours = identity.read(record.headers)
    return ours if ours is not None else (record.timestamp, record.key, record.value, record.headers)


def _sequence_key(where: Partition, batch: BatchHeader) -> tuple[Hashable, ...]:
    return (*where, batch.producer_id, batch.producer_epoch, batch.base_sequence, batch.records)


def _crc_key(where: Partition, batch: BatchHeader) -> tuple[Hashable, ...]:
    return (*where, batch.crc, batch.records, batch.length)
