"""The log held against what our own producer said of each send: lost, phantom, out of order, out of place.

One pass over the columns, one byte for each send; where a send has to be told of, a second pass finds its copies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ..observations import Send
from ..sends import ACKED
from .book import IN_PLACE, SEEN, STANDS, Book
from .duplicates import LATER, PLACES
from .items import Items, Loss, Phantom, Standing
from .log import Log
from .shelf import Row, Shelf


class Entry(NamedTuple):
    """One record of ours, as its header names it."""

    row: Row
    position: int
    producer: int
    record: int
    send: int
    order: int


class SendCheck:
    """Holds one log against its sends."""

    def __init__(self, sends: Iterable[Send], log: Log) -> None:
        self._log = log
        self._book = Book(sends, log.producers.names)

    def was_sent(self, position: int) -> bool:
        """Whether what stands at this position is what its producer says that it sent."""
        shelf = self._log.shelf_of(position)
        if shelf.ours is None:
            return False
        here = position - shelf.start
        producer, record, send, order = (column[here] for column in shelf.ours)
        index = self._book.index(producer, order)
        return index >= 0 and self._book.is_(index, record, send)

    def items(self, marks: bytearray, limit: int) -> Items:
        """Everything that is found. `marks` are those of the duplicates, empty where there are none."""
        items = Items.up_to(limit)
        self._look(items, marks)
        self._judge(items)
        return items

    def _look(self, items: Items, marks: bytearray) -> None:
        """The pass over the log: every send that stands is marked, phantoms and overtaken records are found."""
        book, seen = self._book, self._log.seen
        found = book.found
        latest: dict[tuple[int, str, int], tuple[int, int]] = {}
        for entry in entries(self._log):
            row, position, producer, record, number, order = entry
            index = book.index(producer, order)
            if index < 0 or not book.is_(index, record, number):
                if row.state in seen:
                    items.phantom.add(Phantom(position, None if index < 0 else book.sends[index]))
                continue
            found[index] |= STANDS
            if self._in_place(index, row, position):
                found[index] |= IN_PLACE
            if row.state not in seen:
                continue
            found[index] |= SEEN
            if marks and marks[position] & LATER:
                continue
            lane = (producer, row.topic, row.partition)
            before = latest.get(lane)
            if before is not None and order < before[0]:
                items.out_of_order.add((position, before[1]))
            else:
                latest[lane] = order, position

    def _in_place(self, index: int, row: Row, position: int) -> bool:
        """It stands where it was acked; an offset that is not known, or that the broker did not give (-1), is no
        place."""
        sends = self._book.sends
        acked = sends.offsets[index]
        if acked < 0:
            return True
        offset = row.first + position - row.position if row.deltas < 0 else self._log.offset(position)
        return offset == acked and sends.partition(index) in (None, row.partition)

    def _judge(self, items: Items) -> None:
        present: list[int] = []
        elsewhere: list[int] = []
        for index, (outcome, found) in enumerate(zip(self._book.sends.outcomes, self._book.found, strict=True)):
            if outcome != ACKED:
                if found & SEEN:
                    present.append(index)
            elif not found & STANDS:
                send = self._book.sends[index]
                items.lost.add(Loss(1, None, send.partition, send.offset, send))
            elif not found & IN_PLACE:
                elsewhere.append(index)
        places = self._places({*present[: items.lost.limit], *elsewhere[: items.lost.limit]})
        for kind, indexes in ((items.unacked_present, present), (items.offset_mismatch, elsewhere)):
            for index in indexes:
                kind.add(Standing(self._book.sends[index], tuple(places.get(index, ()))))

    def _places(self, wanted: set[int]) -> dict[int, list[int]]:
        """The positions of the copies of these sends, the first few of each."""
        places: dict[int, list[int]] = {}
        for entry in entries(self._log) if wanted else ():
            index = self._book.index(entry.producer, entry.order)
            if index in wanted and self._book.is_(index, entry.record, entry.send):
                found = places.setdefault(index, [])
                if len(found) < PLACES:
                    found.append(entry.position)
        return places


def entries(log: Log) -> Iterator[Entry]:
    """The records of ours, by place."""
    for shelf in log.shelves:
        if shelf.ours is not None:
            yield from _entries(shelf, zip(*(column.between(0, len(shelf)) for column in shelf.ours), strict=True))


def _entries(shelf: Shelf, numbers: Iterator[tuple[int, ...]]) -> Iterator[Entry]:
    for row in shelf.rows():
        for position, (producer, record, send, order) in enumerate(islice(numbers, row.records), row.position):
            if producer >= 0:
                yield Entry(row, position, producer, record, send, order)
