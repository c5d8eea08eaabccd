"""From record batches to LogRecords: one partition's log, as it is read from a start offset to a high watermark.

No sockets and no clock: batches go in, in the order of the log; records come out, and what should be there and is not.

Offsets that hold no record are normal where the broker keeps its own marks: control batches (KIP-98), and on Redpanda
one mark ahead of every transaction, which a fetch does not show at all (seen on Redpanda 22.3). Any other hole is a
part of the log that is gone: compacted, deleted or cut off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from struct import Struct

from ..errors import UndecodableError
from ..identity import Identity, read
from ..kafka.batches import Batch, is_control, is_transactional, log_append_time
from ..kafka.produce import BatchHeader
from ..kafka.records import Record, iter_records
from ..observations import LogRecord

_SEQUENCES = 0x7FFFFFFF
_LENGTH = Struct(">i")
_TIME = Struct(">q")


class PartitionLog:
    """What one partition's log holds from `start` (included) to `end` (excluded), both offsets.

    `position` is the offset to read next, `records` what was found, `batches` and `control_batches` how many batches
    that took, `missing` how many offsets between batches, or inside of them, hold nothing that is accounted for.
    """

    def __init__(self, topic: str, partition: int, start: int, end: int, run_id: str | None) -> None:
        self.topic, self.partition, self.start, self.end = topic, partition, start, end
        self.position = start
        self.records: list[LogRecord] = []
        self.batches = self.control_batches = self.missing = 0
        self._run = run_id
        self._notes: list[str] = []
        self._holes: tuple[int, int] | None = None
        self._transactional = False

    @property
    def name(self) -> str:
        """`topic/partition`."""
        return f"{self.topic}/{self.partition}"

    @property
    def done(self) -> bool:
        """Whether everything up to `end` was seen, or is known to be gone."""
        return self.position >= self.end

    @property
    def gone(self) -> list[str]:
        """A sentence for each part of the log that is missing."""
        if self._holes is None:
            return list(self._notes)
        first, last = self._holes
        holes = f"{_records(self.missing)} gone between offsets {first} and {last} of {self.name} (compacted?)"
        return [*self._notes, holes]

    def begins_at(self, log_start: int) -> None:
        """The log starts here: what was before it is gone."""
        if log_start > self.position:
            lost = min(log_start, self.end) - self.position
            self._notes.append(f"the log of {self.name} starts at {log_start}: {_records(lost)} gone")
            self.position = log_start

    def ends_before(self, high_watermark: int) -> None:
        """The log ends here, before the end that it had: it was cut off."""
        lost = self.end - max(high_watermark, self.position)
        self._notes.append(
            f"the log of {self.name} ends at {high_watermark}, and went on to {self.end} before: {_records(lost)} gone"
        )
        self.position = self.end

    def shows_no_more(self) -> None:
        """The broker has nothing to show between `position` and `end`: a mark of a transaction, or a hole."""
        if not self._transactional:
            self._miss(self.position, self.end - 1, self.end - self.position)
        self.position = self.end

    def unreadable(self, why: UndecodableError) -> None:
        """Nothing from `position` on can be told apart."""
        lost = _records(self.end - self.position)
        self._notes.append(f"the log of {self.name} cannot be read from offset {self.position} on, {lost} gone: {why}")
        self.position = self.end

    def take(self, batch: Batch) -> None:
        """The next batch of the log. One that lies before `position` or after the end adds nothing."""
        header = batch.header
        first, last = header.base_offset, header.base_offset + header.last_offset_delta
        if last < self.position or self.done:
            return
        transactional = is_transactional(header.attributes)
        self._transactional = self._transactional or transactional
        if header.magic == 2:
            self._see_gap(first, transactional)
        if first < self.end:
            self._hold(batch, last)
        self.position = max(self.position, last + 1)

    def _see_gap(self, first: int, transactional: bool) -> None:
        """What lies between `position` and the first offset of the next batch."""
        gap = min(first, self.end) - self.position
        if gap > 0:
            if not (gap == 1 and transactional):
                self._miss(self.position, self.position + gap - 1, gap)
            self.position += gap

    def _hold(self, batch: Batch, last: int) -> None:
        self.batches += 1
        if is_control(batch.header.attributes):
            self.control_batches += 1
            return
        before, wanted = len(self.records), min(last + 1, self.end) - self.position
        try:
            self.records += self._log_records(batch)
        except UndecodableError as why:
            del self.records[before:]
            self._notes.append(
                f"the batch at offset {batch.header.base_offset} of {self.name} cannot be read, "
                f"{_records(wanted)} gone: {why}"
            )
            return
        missing = wanted - (len(self.records) - before)
        if missing > 0 and batch.header.magic == 2:
            self._miss(self.position, min(last, self.end - 1), missing)

    def _miss(self, first: int, last: int, count: int) -> None:
        self.missing += count
        self._holes = (first if self._holes is None else self._holes[0], last)

    def _log_records(self, batch: Batch) -> Iterator[LogRecord]:
        """The batch's records between `position` and the end. The hot path: what a batch shares is read once."""
        header = batch.header
        base, producer_id, crc = header.base_offset, header.producer_id, header.crc
        lowest, highest = self.position - base, self.end - base
        first_sequence = header.base_sequence if producer_id >= 0 else -1
        foreign = _Foreign(self.topic, self.partition, header)
        for record in iter_records(batch):
            delta = record.offset_delta
            if not lowest <= delta < highest:
                continue
            ours = self._own(record) if record.headers else None
            yield LogRecord(
                self.topic,
                self.partition,
                base + delta,
                foreign.identity(record) if ours is None else f"{ours.producer}/{ours.record}",
                None if ours is None else ours.send,
                None if ours is None else ours.order,
                None if ours is None else ours.producer,
                ours is not None,
                producer_id,
                header.producer_epoch,
                -1 if first_sequence < 0 else (first_sequence + delta) & _SEQUENCES,
                base,
                crc,
                record.timestamp,
            )

    def _own(self, record: Record) -> Identity | None:
        """The identity that this run wrote into the record, None where another run did, or nobody."""
        identity = read(record.headers) if self._run is not None else None
        return identity if identity is not None and identity.run == self._run else None


class _Foreign:
    """The identities of one batch's foreign records: 16 hexadecimal digits over topic, partition and `digest`.

    Two equal records of one batch were both meant, so the second one has an identity of its own; it has the same one
    again when the batch is written twice.
    """

    def __init__(self, topic: str, partition: int, header: BatchHeader) -> None:
        self._state = hashlib.blake2b(f"{topic}\0{partition}".encode(), digest_size=8)
        self._header = header
        self._seen: dict[str, int] = {}

    def identity(self, record: Record) -> str:
        """The next record's identity."""
        state = self._state.copy()
        digest(state, self._header, record)
        first = state.hexdigest()
        count = self._seen[first] = self._seen.get(first, 0) + 1
        if count == 1:
            return first
        state.update(_LENGTH.pack(count))
        return state.hexdigest()


def digest(state: hashlib.blake2b, header: BatchHeader, record: Record) -> None:
    """Feed what a foreign record is known by into a hash: key, value, headers and create time.

    A client's retry repeats all four. Where the broker's clock sets the time, it differs between copies, and is left
    out. 64 bits: among ten million records the chance of two that differ and meet is one in 400,000.
    """
    _feed(state, record.key)
    _feed(state, record.value)
    for name, value in record.headers:
        _feed(state, name.encode())
        _feed(state, value)
    if not log_append_time(header.attributes):
        state.update(_TIME.pack(record.timestamp))


def _feed(state: hashlib.blake2b, part: bytes | None) -> None:
    state.update(_LENGTH.pack(-1 if part is None else len(part)))
    if part:
        state.update(part)


def _records(count: int) -> str:
    return "1 record is" if count == 1 else f"{count} records are"
