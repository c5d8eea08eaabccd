"""One partition's part of the log: its batches as rows, its records as columns, in the order of their offsets."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from ..kafka.batches import codec
from ..kafka.produce import BatchHeader
from ..observations import LogBatch, Transaction
from .parse import Contents
from .store import BLOCK, Blocks, Column, Spill

STATES: tuple[Transaction, ...] = ("none", "open", "committed", "aborted")
NONE, OPEN, COMMITTED, ABORTED = range(4)

_ROW = Struct(">qqqqqiiIiIiqiq")
_SEQUENCES = 0x7FFFFFFF
_NAME_KEPT = 400
"""So many bytes of a name are kept, to be shown."""


class Row(NamedTuple):
    """One batch. Its records stand at the positions from `position` to before `position + records` of the log.

    `first` is the offset of the first of its records that was read, and the others follow without a hole where
    `deltas` is -1; else their offset deltas stand in the shelf's column from there on. `ours` counts those with our
    own header, `state` is an index into STATES, `number` counts the batches of the log.
    """

    number: int
    topic: str
    partition: int
    position: int
    base_offset: int
    last_offset: int
    first: int
    records: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    crc: int
    size: int
    attributes: int
    timestamp: int
    ours: int
    deltas: int
    state: int

    @property
    def place(self) -> tuple[str, int, int]:
        """Topic, partition, base offset: no other batch has it."""
        return self.topic, self.partition, self.base_offset

    def batch(self) -> LogBatch:
        """The batch, as other rooms see it."""
        return LogBatch(
            topic=self.topic,
            partition=self.partition,
            base_offset=self.base_offset,
            last_offset=self.last_offset,
            records=self.records,
            producer_id=self.producer_id,
            producer_epoch=self.producer_epoch,
            base_sequence=self.base_sequence if self.producer_id >= 0 else -1,
            crc=self.crc,
            size=self.size,
            codec=codec(self.attributes),
            timestamp=self.timestamp,
            transaction=STATES[self.state],
        )


class Shelf:
    """Filled batch by batch, then sealed. Positions and numbers here count from 0; `start` and `first_number` are where
    the log that it belongs to puts it."""

    def __init__(self, topic: str, partition: int, spill: Spill, *, ours: bool, named: bool) -> None:
        self.topic, self.partition = topic, partition
        self.start = self.first_number = 0
        self.states = bytearray()
        self.counts = [0] * len(STATES)
        self.digests, self.timestamps = Column(spill, "Q"), Column(spill, "q")
        self.ours = tuple(Column(spill, "q") for _ in range(4)) if ours else None
        self.deltas = Column(spill, "q")
        self.name_ends = Column(spill, "q") if named else None
        self._names = Blocks(spill, 1)
        self._rows = Blocks(spill, _ROW.size)
        self._starts = array("q")

    def __len__(self) -> int:
        return len(self.digests)

    @property
    def batches(self) -> int:
        return len(self.states)

    def add(self, header: BatchHeader, found: Contents, state: int) -> int:
        """One batch and its records, at least one, as far as they are wanted. Gives the row's number here."""
        position = len(self.digests)
        count = len(found.digests)
        deltas = -1
        first = header.base_offset
        if found.deltas is not None:
            first += found.deltas[0]
            if found.deltas[-1] - found.deltas[0] != count - 1:
                deltas = len(self.deltas)
                self.deltas.extend(found.deltas)
        ours = 0
        self.digests.extend(found.digests)
        self.timestamps.extend(found.timestamps)
        if self.ours is not None:
            if found.ours is None:
                for column in self.ours:
                    column.fill(-1, count)
            else:
                ours = count - found.ours.producers.count(-1)
                for column, numbers in zip(self.ours, found.ours, strict=True):
                    column.extend(numbers)
        if self.name_ends is not None:
            self._name(found.names or [None] * count)
        self._rows.add(
            _ROW.pack(
                position,
                header.base_offset,
                header.base_offset + header.last_offset_delta,
                first,
                header.producer_id,
                count,
                header.producer_epoch,
                header.crc,
                header.base_sequence,
                header.length + 12,
                header.attributes,
                header.base_timestamp,
                ours,
                deltas,
            )
        )
        self._starts.append(position)
        self.states.append(state)
        self.counts[state] += count
        return len(self.states) - 1

    def resolve(self, number: int, state: int) -> None:
        """What became of the transaction of an open batch is known now."""
        count = self._count(number)
        self.counts[self.states[number]] -= count
        self.counts[state] += count
        self.states[number] = state

    def seal(self) -> None:
        """Nothing more comes."""
        columns = [self.digests, self.timestamps, self.deltas, self._rows, self._names, *(self.ours or ())]
        for blocks in [*columns, *([] if self.name_ends is None else [self.name_ends])]:
            blocks.seal()

    def row(self, number: int) -> Row:
        """The batch of this number."""
        block, at = divmod(number, BLOCK)
        return self._row(number, _ROW.unpack_from(self._rows.block(block), at * _ROW.size))

    def rows(self, start: int = 0) -> Iterator[Row]:
        """All batches from this number on."""
        number = start
        for part in self._rows.parts(start, len(self.states)):
            for fields in _ROW.iter_unpack(part):
                yield self._row(number, fields)
                number += 1

    def number_at(self, position: int) -> int:
        """The number of the batch that holds the record at this position."""
        return bisect_right(self._starts, position) - 1

    def number_before(self, offset: int) -> int:
        """The number of the last batch that begins at or before this offset, -1 where there is none."""
        low, high = 0, len(self.states)
        while low < high:
            middle = (low + high) // 2
            if self.row(middle).base_offset <= offset:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def offset(self, row: Row, position: int) -> int:
        """The offset of the record at this position, which is one of the row's."""
        if row.deltas < 0:
            return row.first + position - row.position
        return row.base_offset + self.deltas[row.deltas + position - row.position]

    def sequence(self, row: Row, offset: int) -> int:
        """The record's sequence number, -1 without a producer id; it wraps to 0 after the largest int32 (KIP-98)."""
        if row.producer_id < 0 or row.base_sequence < 0:
            return -1
        return (row.base_sequence + offset - row.base_offset) & _SEQUENCES

    def name(self, position: int) -> bytes | None:
        """What the record at this position here is named, None where it has no name."""
        if self.name_ends is None or (end := self.name_ends[position]) < 0:
            return None
        start = 0 if not position else self.name_ends[position - 1]
        return b"".join(bytes(part) for part in self._names.parts(start if start >= 0 else ~start, end))

    def _name(self, names: list[bytes | None]) -> None:
        """An end for each name; the end of a missing one is inverted."""
        assert self.name_ends is not None
        end = len(self._names)
        ends = []
        kept = [name and name[:_NAME_KEPT] for name in names]
        for name in kept:
            end += len(name or b"")
            ends.append(~end if name is None else end)
        self._names.add(b"".join(filter(None, kept)))
        self.name_ends.extend(ends)

    def _count(self, number: int) -> int:
        after = self._starts[number + 1] if number + 1 < len(self._starts) else len(self)
        return after - self._starts[number]

    def _row(self, number: int, fields: tuple[int, ...]) -> Row:
        position, base, last, first, pid, records, epoch, crc, sequence, size, attributes, timestamp, ours, deltas = (
            fields
        )
        return Row(
            self.first_number + number,
            self.topic,
            self.partition,
            self.start + position,
            base,
            last,
            first,
            records,
            pid,
            epoch,
            sequence,
            crc,
            size,
            attributes,
            timestamp,
            ours,
            deltas,
            self.states[number],
        )
