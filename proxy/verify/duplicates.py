"""The records that stand more than once: their extra copies counted by cause, the first of them kept as findings."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..observations import AttemptStory
from ..result import Cause
from .causes import GRAVEST_FIRST, NO_SEND, PROTECTED, Copy, Extra, extras
from .listed import LIMIT
from .shelf import Row
from .trail import Trail

AT_ONCE = 50_000
"""So many copies of one record are held against each other at once, each with the one before; a record with more of
them is looked at in portions."""

PLACES = 100
"""So many places of one record are listed in a finding."""

_REMEMBERED = 4096

LATER, TWIN = 1, 2
"""Marks of a record in the log: another copy of it stands before it in this partition; another copy of the same send
stands somewhere."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One logical record that stands more than once: where, the first `PLACES` of `copies` copies, and why."""

    positions: tuple[int, ...]
    copies: int
    cause: Cause


class Duplicates:
    """`found` records stand more than once, `causes` counts their extra copies. `listed` are the first of them by
    place. `sent_again` holds the numbers of the attempts whose records a retry put into the log once more.

    `unsure` counts extra copies that may be no copies at all: equal bytes that nobody named, and nobody can tell why
    they are there. `may_be_protected` counts those of the ambiguous that an idempotent producer wrote.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.found = 0
        self.causes: Counter[Cause] = Counter()
        self.sent_again: set[int] = set()
        self.unsure = self.may_be_protected = 0
        self.marks = bytearray()
        self._first: list[tuple[int, int, Duplicate]] = []

    @property
    def count(self) -> int:
        """All extra copies."""
        return self.causes.total()

    @property
    def protected(self) -> int:
        """Extra copies that came from retries of an idempotent producer."""
        return sum(self.causes[cause] for cause in PROTECTED)

    @property
    def listed(self) -> list[Duplicate]:
        return [duplicate for _, _, duplicate in sorted(self._first, key=lambda kept: -kept[0])]

    def keep(self, group: Sequence[int], causes: Iterable[Cause]) -> None:
        """One more record, the positions of its copies and why they are there; listed where fewer than `limit` stand
        before it."""
        self.found += 1
        full = len(self._first) >= self.limit
        if full and (not self.limit or -self._first[0][0] < group[0]):
            return
        duplicate = Duplicate(tuple(group[:PLACES]), len(group), min(causes, key=GRAVEST_FIRST.index))
        (heapq.heappushpop if full else heapq.heappush)(self._first, (-group[0], self.found, duplicate))

    def count_in(self, extra: Extra, sure: bool) -> None:
        """One more extra copy; `sure` that it is one."""
        self.causes[extra.cause] += 1
        again = extra.sent_again
        if again is not None:
            self.sent_again.add(again)
        if extra.cause == "ambiguous":
            self.unsure += not sure
            self.may_be_protected += extra.may_be_protected


def duplicates(
    groups: Iterable[Sequence[int]],
    trail: Trail,
    limit: int = LIMIT,
    sent: Callable[[int], bool] = lambda _: True,
    *,
    named: bool = False,
) -> Duplicates:
    """All of one arm. `groups` are the positions of the copies of each record, `sent` says of a position whether what
    stands there was sent at all: a phantom is a copy, but stands before nothing. `named`: the user has named what
    records are known by."""
    found, view = Duplicates(limit), _View(trail, named or trail.log.naming is not None)
    for group in groups:
        if not found.marks:
            found.marks = bytearray(trail.log.size)
        causes: set[Cause] = set()
        overlap: list[Copy] = []
        partitions: set[tuple[str, int]] = set()
        for start in range(0, len(group), AT_ONCE):
            portion = [view.copy(position) for position in group[start : start + AT_ONCE]]
            sure = view.named(portion[0])
            for extra in extras(overlap + portion, trail):
                causes.add(extra.cause)
                found.count_in(extra, sure)
            _mark(found.marks, portion, partitions, sent)
            overlap = portion[-1:]
        found.keep(group, causes)
    return found


def _mark(marks: bytearray, copies: list[Copy], partitions: set[tuple[str, int]], sent: Callable[[int], bool]) -> None:
    """`partitions` are those in which a copy of the record was seen before."""
    sends: set[int] = set()
    several: set[int] = set()
    for copy in copies:
        (several if copy.send in sends else sends).add(copy.send)
    for copy in copies:
        position, row = copy.position, copy.row
        if copy.send in several:
            marks[position] |= TWIN
        if sent(position):
            where = row.topic, row.partition
            if where in partitions:
                marks[position] |= LATER
            partitions.add(where)


class _View:
    """Makes copies out of positions; who wrote a batch is remembered for those that were asked for last."""

    def __init__(self, trail: Trail, named: bool) -> None:
        self._trail, self._log, self._named = trail, trail.log, named
        self._writers: dict[int, AttemptStory | None] = {}

    def copy(self, position: int) -> Copy:
        log = self._log
        shelf = log.shelf_of(position)
        here = position - shelf.start
        row = log.row(shelf.first_number + shelf.number_at(here))
        send, sequence = NO_SEND, -1
        if row.ours and shelf.ours is not None:
            send = shelf.ours[2][here]
        if row.producer_id >= 0:
            sequence = shelf.sequence(row, shelf.offset(row, position))
        writer = self._writer(row) if self._trail.stories else None
        return Copy(position, row, sequence, send, writer)

    def _writer(self, row: Row) -> AttemptStory | None:
        if row.number not in self._writers:
            if len(self._writers) >= _REMEMBERED:
                self._writers.clear()
            self._writers[row.number] = self._trail.writer(row)
        return self._writers[row.number]

    def named(self, copy: Copy) -> bool:
        """What is said to be copies has a name, ours or the user's: it is not the bytes alone that are equal."""
        if copy.ours:
            return True
        shelf = self._log.shelf_of(copy.position)
        return self._named and shelf.name(copy.position - shelf.start) is not None
