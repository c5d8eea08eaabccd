"""The log of an arm, flat in memory: columns in the order of topic, partition and offset, objects only when asked for.

A record is named by its position, counted over all records that were read, aborted ones included; a batch by its
number. Both isolation levels come from one reading: what a consumer of `isolation` sees is `visible`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from ..observations import Isolation, LogBatch, LogRecord
from .parse import Producers
from .shelf import ABORTED, COMMITTED, NONE, OPEN, STATES, Row, Shelf

_NAME_SHOWN = 100
_ROWS_KEPT = 4096

VISIBLE: dict[Isolation, frozenset[int]] = {
    "read_uncommitted": frozenset({NONE, OPEN, COMMITTED, ABORTED}),
    "read_committed": frozenset({NONE, COMMITTED}),
}


class Log:
    """Everything that was read. `shelves` come by topic and partition, and are sealed; `naming` is what the user named
    records by, in words (`header:order-id`), None where nobody did."""

    def __init__(
        self,
        shelves: Iterable[Shelf] = (),
        producers: Producers | None = None,
        isolation: Isolation = "read_uncommitted",
        naming: str | None = None,
    ) -> None:
        self.shelves = list(shelves)
        self.isolation: Isolation = isolation
        self.naming = naming
        self.producers = producers or Producers()
        self.seen = VISIBLE[isolation]
        self.size = self.batch_count = 0
        for shelf in self.shelves:
            shelf.start, shelf.first_number = self.size, self.batch_count
            self.size += len(shelf)
            self.batch_count += shelf.batches
        self._starts = [shelf.start for shelf in self.shelves]
        self._numbers = [shelf.first_number for shelf in self.shelves]
        self._by_name = {(shelf.topic, shelf.partition): shelf for shelf in self.shelves}
        self._label = _label(naming)
        self._rows: dict[int, Row] = {}

    @classmethod
    def of(
        cls, records: Iterable[LogRecord], isolation: Isolation = "read_uncommitted", naming: str | None = None
    ) -> Log:
        """A log that holds these records, in whatever order they come; `naming` says what their identities name."""
        from .of_records import shelves

        producers = Producers()
        return cls(shelves(records, producers), producers, isolation, naming)

    def __len__(self) -> int:
        """The records that a consumer of this isolation level sees."""
        return sum(shelf.counts[state] for shelf in self.shelves for state in self.seen)

    @property
    def aborted(self) -> int:
        """The records of aborted transactions, and of those without a marker."""
        return sum(shelf.counts[ABORTED] + shelf.counts[OPEN] for shelf in self.shelves)

    def batches(self) -> Iterator[LogBatch]:
        """Every batch, by place, whatever became of its transaction."""
        return (row.batch() for row in self.rows())

    def records(self) -> Iterator[LogRecord]:
        """The records that a consumer of this isolation level sees, by place."""
        for row in self.rows():
            if row.state in self.seen:
                for position in range(row.position, row.position + row.records):
                    yield self._record(row, position)

    def rows(self) -> Iterator[Row]:
        """Every batch as a row, by place."""
        for shelf in self.shelves:
            yield from shelf.rows()

    def row_of(self, position: int) -> Row:
        """The batch that holds the record at this position."""
        shelf = self.shelf_of(position)
        return self.row(shelf.first_number + shelf.number_at(position - shelf.start))

    def row(self, number: int) -> Row:
        """The batch of this number. Those that were asked for last are remembered."""
        found = self._rows.get(number)
        if found is None:
            if len(self._rows) >= _ROWS_KEPT:
                self._rows.clear()
            shelf = self.shelves[bisect_right(self._numbers, number) - 1]
            found = self._rows[number] = shelf.row(number - shelf.first_number)
        return found

    def shelf_of(self, position: int) -> Shelf:
        return self.shelves[bisect_right(self._starts, position) - 1]

    def shelf(self, topic: str, partition: int) -> Shelf | None:
        """The partition's part of the log, None where nothing of it was to be read."""
        return self._by_name.get((topic, partition))

    def record(self, position: int) -> LogRecord:
        """The record at this position."""
        return self._record(self.row_of(position), position)

    def offset(self, position: int) -> int:
        """The offset of the record at this position."""
        return self.shelf_of(position).offset(self.row_of(position), position)

    def around(self, topic: str, partition: int, first: int, last: int) -> Iterator[Row]:
        """The batches of a partition that hold an offset from `first` to `last`, by place."""
        shelf = self.shelf(topic, partition)
        if shelf is None or not shelf.batches:
            return
        for row in shelf.rows(max(shelf.number_before(first), 0)):
            if min(row.base_offset, row.first) > last:
                return
            if max(row.last_offset, row.first) >= first:
                yield row

    def _record(self, row: Row, position: int) -> LogRecord:
        shelf = self.shelf_of(position)
        here = position - shelf.start
        offset = shelf.offset(row, position)
        producer = send = order = None
        if shelf.ours is not None and row.ours and (number := shelf.ours[0][here]) >= 0:
            producer = self.producers.names[number]
            identity = f"{producer}/{shelf.ours[1][here]}"
            send, order = shelf.ours[2][here], shelf.ours[3][here]
        else:
            name = shelf.name(here)
            identity = f"{shelf.digests[here]:016x}" if name is None else self._label + _shown(name)
        return LogRecord(
            row.topic,
            row.partition,
            offset,
            identity,
            send,
            order,
            producer,
            producer is not None,
            row.producer_id,
            row.producer_epoch,
            shelf.sequence(row, offset),
            row.base_offset,
            row.crc,
            shelf.timestamps[here],
            STATES[row.state],
        )


def _label(naming: str | None) -> str:
    """What stands before a name: `order-id=` for `header:order-id`, `$.id=` for `json:$.id`, `key=`."""
    return "" if naming is None else naming.partition(":")[2] + "=" if ":" in naming else f"{naming}="


def _shown(name: bytes) -> str:
    text = name.decode("utf-8", "backslashreplace")
    return text if len(text) <= _NAME_SHOWN else text[: _NAME_SHOWN - 1] + "…"
