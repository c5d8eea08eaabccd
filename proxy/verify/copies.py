"""Which records stand in the log more than once: equal digests, found in memory that does not grow with the log.

Digests are dealt to buckets by their low bits, so that the distinct ones of a bucket fit into a set; a small log is one
bucket. Only where a bucket holds a digest twice, positions are looked for: a pass over the column for so many of them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from .log import Log
from .store import Column, Spill

IN_BUCKET = 1 << 20
"""The digests of a bucket, about: some 90 MB while it is looked at."""

AT_A_TIME = 1 << 17
"""The records of so many different digests are gathered in one pass."""


class Selection:
    """Positions of a log, in ranges that come in order."""

    def __init__(self) -> None:
        self.starts, self.stops = array("q"), array("q")
        self.count = 0

    def add(self, start: int, stop: int) -> None:
        """The positions from `start` to before `stop`, which come after all that were added."""
        self.count += stop - start
        if self.stops and self.stops[-1] == start:
            self.stops[-1] = stop
        else:
            self.starts.append(start)
            self.stops.append(stop)

    def digests(self, log: Log) -> Iterator[tuple[int, array[int]]]:
        """(first position, digests from there on), in order."""
        for start, stop in zip(self.starts, self.stops, strict=True):
            while start < stop:
                shelf = log.shelf_of(start)
                end = min(stop, shelf.start + len(shelf))
                for numbers in shelf.digests.stretches(start - shelf.start, end - shelf.start):
                    yield start, numbers
                    start += len(numbers)


def copies(log: Log, selection: Selection) -> Iterator[Sequence[int]]:
    """The positions of each record that stands more than once in the selection, in order."""
    for wanted in _portions(log, selection):
        groups: dict[int, array[int]] = {}
        for start, numbers in selection.digests(log):
            for position, digest in enumerate(numbers, start):
                if digest in wanted:
                    group = groups.get(digest)
                    if group is None:
                        groups[digest] = array("q", (position,))
                    else:
                        group.append(position)
        yield from groups.values()


def _portions(log: Log, selection: Selection) -> Iterator[set[int]]:
    """The digests that come more than once, some at a time."""
    portion: set[int] = set()
    for bucket in _buckets(log, selection):
        for digest in _repeated(bucket):
            portion.add(digest)
            if len(portion) >= AT_A_TIME:
                yield portion
                portion = set()
    if portion:
        yield portion


def _repeated(bucket: array[int]) -> set[int]:
    if len(set(bucket)) == len(bucket):
        return set()
    seen: set[int] = set()
    twice: set[int] = set()
    for digest in bucket:
        (twice if digest in seen else seen).add(digest)
    return twice


def _buckets(log: Log, selection: Selection) -> Iterator[array[int]]:
    count = 1
    while count * IN_BUCKET < selection.count:
        count *= 2
    if count == 1:
        whole = array("Q")
        for _, numbers in selection.digests(log):
            whole.extend(numbers)
        yield whole
        return
    columns = _dealt(log, selection, count)
    while columns:
        column = columns.pop()
        whole = array("Q")
        for numbers in column.stretches(0, len(column)):
            whole.extend(numbers)
        yield whole


def _dealt(log: Log, selection: Selection, count: int) -> list[Column]:
    spill, last = Spill(), count - 1
    columns = [Column(spill, "Q") for _ in range(count)]
    for _, numbers in selection.digests(log):
        hands: list[list[int]] = [[] for _ in range(count)]
        for digest in numbers:
            hands[digest & last].append(digest)
        for column, hand in zip(columns, hands, strict=True):
            column.extend(hand)
    return columns
