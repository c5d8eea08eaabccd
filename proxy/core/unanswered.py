"""The produce requests of one connection that are in flight on the short way: numbers in arrays that go round.

Nothing is allocated for a frame. Compiled as `scan` is (`unanswered.pxd` has the types), whose loops put in and take
out what is here.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any, Protocol, SupportsBytes

from ..series import BEHIND, CELLS
from .lane import Lane, Shared

_TOLD = 8
"""How many of the last attempts that have passed are kept."""
_N = CELLS
PLACES = 8
"""Numbers of a series that is open, or was told: attempt, correlation id and base sequence of its first request,
records, requests, size of a batch; where the first batch begins, and bytes from there to the next one. Of one that was
told the seventh is the place of its first request among all that came."""
_O = PLACES
_FEWEST = 8
_FAR = 1 << 62
_BEHIND = BEHIND


WhatItCameIn = bytes | Sequence[SupportsBytes]
"""What a request came in: bytes that it is in, or parts that it is."""


class Together(Protocol):
    """A request for several partitions that is open, or has passed: see `batches.Batches`."""

    count: int
    size: int
    at: float
    correlation_id: int
    apart: bool

    def told(self) -> list[tuple[list[int], float, float, Lane]]:
        """What `Unanswered.told` says of it; none where it has not passed."""

    def taken(self, shared: Shared) -> list[tuple[int, Lane, bytes]]:
        """Of each of its batches the number of its attempt, its lane and itself; it is open no more."""


class Unanswered:
    """The requests of one connection whose answer is open, the oldest first; and the last ones that have passed.

    `first` and `last` count all that came: those from `first` on are open, up to the one before `last`. The answer to
    another request comes before that of the one that `stop` counts. So many answers (`answered`) have come this way.
    `restore` makes all of them requests of the long way. A request for several partitions has no lane here, and stands
    in place of its frame.

    They are kept as series, those from `_begin` on up to the one before `_end`; each has a place in `_cells`, `_times`
    (when they came), `_lanes` and `_frames` (what they came in). `_crcs` has a place for each request. All of these go
    round. No series goes across `stop`. The last ones that have passed are in `_told_cells` and so on, with both times.
    """

    def __init__(self, shared: Shared, restore: Callable[[], None]) -> None:
        self.first = self.last = self.answered = 0
        self.stop = _FAR
        self.restore = restore
        self._shared = shared
        self._begin = self._end = 0
        self._mask = _FEWEST - 1
        self._cells = array("q", bytes(8 * _O * _FEWEST))
        self._times = array("d", bytes(8 * _FEWEST))
        self._lanes: list[Lane | None] = [None] * _FEWEST
        self._frames: list[Any] = [None] * _FEWEST
        self._crc_mask = 2 * _TOLD - 1
        self._crcs = array("I", bytes(8 * _TOLD))
        self._told = self._told_before = 0
        self._told_cells = array("q", bytes(8 * _O * _TOLD))
        self._told_times = array("d", bytes(16 * _TOLD))
        self._told_lanes: list[Lane | Together | None] = [None] * _TOLD

    def _place(self) -> int:
        """The place of the next series."""
        if self._end - self._begin > self._mask:
            self._grow()
        return self._end & self._mask

    def _keep(self, crc: int) -> None:
        """An attempt of this check sum came."""
        if self.last - self.first + _TOLD > self._crc_mask:
            self._grow_crcs()
        self._crcs[self.last & self._crc_mask] = crc
        self.last += 1

    def _pass(self, lane: Lane, slot: int, count: int, now: float, base_offset: int) -> None:
        """So many requests of the oldest series have passed: put them into the rows."""
        cell = _O * slot
        rows = self._shared.unasked if lane.armed is None else self._shared.asked
        series = rows.begin(lane, count - 1)
        row, place = _N * series, self._told & (_TOLD - 1)
        told = _O * place
        for i in range(6):  # what else stands there comes below
            rows.cells[row + i] = self._told_cells[told + i] = self._cells[cell + i]
        rows.cells[row + 4] = (count - 1) << _BEHIND | self._crcs[self.first & self._crc_mask]
        rows.cells[row + 6] = self._told_cells[told + 7] = base_offset
        self._told_cells[told + 4] = count
        self._told_cells[told + 6] = self.first
        rows.times[2 * series] = self._told_times[2 * place] = self._times[slot]
        rows.times[2 * series + 1] = self._told_times[2 * place + 1] = now
        for i in range(1, count):
            rows.more[rows.behind] = self._crcs[(self.first + i) & self._crc_mask]
            rows.behind += 1
        rows.requests += count
        self._told_lanes[place] = lane
        self._told += 1
        self._leave(lane, slot, count)

    def _leave(self, lane: Lane, slot: int, count: int) -> None:
        """So many requests of the oldest series, which has that place, are open no more."""
        shared = self._shared
        cell = _O * slot
        if lane.producer_id < 0:
            for i in range(count):
                del shared.checksums[self._crcs[(self.first + i) & self._crc_mask]]
        shared.bytes -= count * self._cells[cell + 5]
        shared.open -= count
        shared.unsettled -= count
        self.first += count
        self._cells[cell] += count
        self._cells[cell + 1] += count
        if self._cells[cell + 2] >= 0:
            self._cells[cell + 2] += count * self._cells[cell + 3]
        self._cells[cell + 4] -= count
        self._cells[cell + 6] += count * self._cells[cell + 7]
        if not self._cells[cell + 4]:
            self._lanes[slot] = self._frames[slot] = None
            self._begin += 1

    def add(self, request: Together) -> None:
        """A request for several partitions is open."""
        slot = self._place()
        self._cells[_O * slot + 1] = request.correlation_id
        self._lanes[slot] = None
        self._frames[slot] = request
        self._end += 1
        self._keep(0)
        self._shared.open += request.count
        self._shared.bytes += request.size
        self._shared.unsettled += 1

    def oldest_together(self) -> Together | None:
        """The oldest that is open, where it is a request for several partitions."""
        slot = self._begin & self._mask
        request: Together | None = self._frames[slot]
        return request if self._begin < self._end and self._lanes[slot] is None else None

    def take_together(self, passed: bool) -> None:
        """That one is not open any more: it has `passed`, or goes the long way."""
        slot = self._begin & self._mask
        request, self._frames[slot] = self._frames[slot], None
        self._shared.open -= request.count
        self._shared.bytes -= request.size
        self._shared.unsettled -= 1
        if passed:
            place = self._told & (_TOLD - 1)
            self._told_cells[_O * place + 6] = self.first
            self._told_lanes[place] = request
            self._told += 1
            self.answered += 1
        self._begin += 1
        self.first += 1

    def oldest(self) -> tuple[list[int], float, Lane, WhatItCameIn]:
        """Take out the oldest that is open, which is one that the loop has taken in: its number, correlation id, base
        sequence, records, check sum, size, and where its batch begins; its time, its lane, and what its batch is in."""
        slot = self._begin & self._mask
        lane, frames, time = self._lanes[slot], self._frames[slot], self._times[slot]
        assert lane is not None
        cells = list(self._cells[_O * slot : _O * slot + _N])
        cells[4] = self._crcs[self.first & self._crc_mask]
        self._leave(lane, slot, 1)
        return cells, time, lane, frames

    def told(self) -> list[tuple[list[int], float, float, Lane]]:
        """The last ones that have passed, once: the same numbers of them, but with their offsets in the last place;
        both times, and their lanes."""
        found: list[tuple[list[int], float, float, Lane]] = []
        for index in range(max(self._told_before, self._told - _TOLD), self._told):
            place = index & (_TOLD - 1)
            lane, self._told_lanes[place] = self._told_lanes[place], None
            if not isinstance(lane, Lane):
                assert lane is not None
                found += lane.told() if self._told_cells[_O * place + 6] >= self.first - _TOLD else []
                continue
            at, told_at = self._told_times[2 * place], self._told_times[2 * place + 1]
            series = list(self._told_cells[_O * place : _O * (place + 1)])
            number, correlation_id, sequence, records, count, size, first, base_offset = series
            for i in range(max(0, self.first - _TOLD - first), count):
                crc, follows = self._crcs[(first + i) & self._crc_mask], i * records if sequence >= 0 else 0
                cells = [number + i, correlation_id + i, sequence + follows, records, crc, size]
                found.append(([*cells, base_offset + i * records], at, told_at, lane))
        self._told_before = self._told
        return found

    def _grow(self) -> None:
        """Make room for as many series again; those that are there get the places that their numbers have then."""
        before = self._mask
        cells, times, lanes, frames = self._cells, self._times, self._lanes, self._frames
        room = 2 * (before + 1)
        self._mask = room - 1
        self._cells, self._times = array("q", bytes(8 * _O * room)), array("d", bytes(8 * room))
        self._lanes, self._frames = [None] * room, [None] * room
        for index in range(self._begin, self._end):
            old, new = index & before, index & self._mask
            for i in range(_O):
                self._cells[_O * new + i] = cells[_O * old + i]
            self._times[new] = times[old]
            self._lanes[new], self._frames[new] = lanes[old], frames[old]

    def _grow_crcs(self) -> None:
        """Make room for as many check sums again."""
        before, crcs = self._crc_mask, self._crcs
        room = 2 * (before + 1)
        self._crc_mask = room - 1
        self._crcs = array("I", bytes(4 * room))
        for index in range(max(0, self.first - _TOLD), self.last):
            self._crcs[index & self._crc_mask] = crcs[index & before]
