"""Attempts by which nothing happened as bytes: series of such as follow from each other.

Requests that came in one piece mostly differ in little more than their check sums, and so do their answers. Such
attempts are a *series*: they came at one time and were answered at one time, are alike in records and size, and each
has the next number and correlation id, and the base sequence and offset behind the records of the one before. What is
kept of it is its first attempt, and of the others the check sum: 72 bytes for the one, 4 for each other.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import add, mul, rshift
from struct import Struct, pack
from typing import overload

Quiet = tuple[int, float, int, int, int, int, int, float, int]
"""Number, time, correlation id, base sequence, records, check sum, size, time of the answer, base offset."""

AT_ONCE = 4_000
"""So many attempts stay together where they are handed on, and more only where one series alone has more."""

CELLS, TIMES = 7, 2
"""Numbers and times of a series."""
NUMBER, CORRELATION_ID, SEQUENCE, RECORDS, CRC, SIZE, OFFSET = range(CELLS)
"""The places of its numbers."""
BEHIND = 32
"""The bits of the check sum; what stands above them is how many attempts are behind the first one."""
_LOW = (1 << BEHIND) - 1

_CELLS, _TIMES = Struct(f"={CELLS}q"), Struct(f"={TIMES}d")
_OF_CELLS, _OF_TIMES = _CELLS.size, _TIMES.size
_AT = Struct("=d").unpack_from
_FIRST = Struct(f"=q{8 * (CRC - 1)}xq").unpack_from


@dataclass(frozen=True, slots=True)
class PackedAttempts(Sequence[Quiet]):
    """Attempts as bytes, in the order of this machine.

    `cells` has seven int64 a series: number, correlation id, base sequence, records, check sum, size and base offset of
    its first attempt, where the check sum's upper half is how many attempts are behind that; `times` two doubles: when
    all of them came, and their answers. `more` has an uint32 for each attempt that is not the first of a series: its
    check sum.
    """

    cells: bytes
    times: bytes
    more: bytes

    def __len__(self) -> int:
        return len(self.times) // _OF_TIMES + len(self.more) // 4

    @property
    def series(self) -> int:
        """How many series they are."""
        return len(self.times) // _OF_TIMES

    @property
    def size(self) -> int:
        """How many bytes they take."""
        return len(self.cells) + len(self.times) + len(self.more)

    @property
    def records(self) -> int:
        """How many records all of them have."""
        records = memoryview(self.cells).cast("q")[RECORDS::CELLS]
        return sum(map(mul, records, self.lengths())) if self.more else sum(records)

    def summary(self) -> tuple[int, int, float]:
        """The lowest and the highest number of an attempt, and when the first one came. There has to be one."""
        if len(self.cells) == _OF_CELLS:
            first, crc = _FIRST(self.cells)
            return first, first + (crc >> BEHIND), _AT(self.times)[0]
        cells, times = memoryview(self.cells).cast("q"), memoryview(self.times).cast("d")
        firsts, crcs = cells[NUMBER::CELLS], cells[CRC::CELLS]
        lasts = map(add, firsts, map(rshift, crcs, repeat(BEHIND))) if self.more else firsts
        return min(firsts), max(lasts), min(times[::TIMES])

    def lengths(self) -> list[int]:
        """How many attempts each series has."""
        return lengths(memoryview(self.cells).cast("q")[CRC::CELLS])

    def parts(self, counts: Iterable[int]) -> Iterator[PackedAttempts]:
        """So many series one after the other, for each count."""
        each = iter(self.lengths()) if self.more else repeat(1)
        begin = behind = 0
        for count in counts:
            end, behind_end = begin + count, behind + sum(islice(each, count)) - count
            cells = self.cells[_OF_CELLS * begin : _OF_CELLS * end]
            times = self.times[_OF_TIMES * begin : _OF_TIMES * end]
            yield PackedAttempts(cells, times, self.more[4 * behind : 4 * behind_end])
            begin, behind = end, behind_end

    def __iter__(self) -> Iterator[Quiet]:
        more = iter(array("I", self.more))
        for cells, (at, told_at) in zip(_CELLS.iter_unpack(self.cells), _TIMES.iter_unpack(self.times), strict=True):
            number, correlation_id, sequence, records, crc, size, offset = cells
            behind, step = crc >> BEHIND, _step(sequence, records)
            yield number, at, correlation_id, sequence, records, crc & _LOW, size, told_at, offset
            for crc in islice(more, behind):
                number += 1
                correlation_id += 1
                sequence += step
                offset += records
                yield number, at, correlation_id, sequence, records, crc, size, told_at, offset

    @overload
    def __getitem__(self, index: int) -> Quiet: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Quiet]: ...

    def __getitem__(self, index: int | slice) -> Quiet | Sequence[Quiet]:
        return list(self)[index]


def packed(attempts: Sequence[Quiet]) -> PackedAttempts:
    """The same attempts as bytes. Raises `struct.error` or OverflowError for a number that does not fit."""
    if isinstance(attempts, PackedAttempts):
        return attempts
    cells: list[int] = []
    times: list[float] = []
    more = array("I")
    before: Quiet | None = None
    for each in attempts:
        if before is not None and each == _following(before, each[5]):
            cells[CRC - CELLS] += 1 << BEHIND
            more.append(each[5])
        else:
            number, at, correlation_id, sequence, records, crc, size, told_at, offset = each
            cells += number, correlation_id, sequence, records, crc, size, offset
            times += at, told_at
        before = each
    return PackedAttempts(pack(f"={len(cells)}q", *cells), pack(f"={len(times)}d", *times), more.tobytes())


def joined(parts: Sequence[PackedAttempts]) -> PackedAttempts:
    """All of these, one behind the other."""
    cells, times, more = (b"".join(getattr(part, name) for part in parts) for name in ("cells", "times", "more"))
    return PackedAttempts(cells, times, more)


def _following(attempt: Quiet, crc: int) -> Quiet:
    """The next one of its series."""
    number, at, correlation_id, sequence, records, _, size, told_at, offset = attempt
    following = sequence + _step(sequence, records)
    return number + 1, at, correlation_id + 1, following, records, crc, size, told_at, offset + records


def _step(sequence: int, records: int) -> int:
    """How far the base sequence goes on: batches without a producer id have -1."""
    return records if sequence >= 0 else 0


def lengths(cells: Iterable[int]) -> list[int]:
    """How many attempts each series has. `cells` are the numbers in its check sum's place."""
    return [1 + (crc >> BEHIND) for crc in cells]


def singly(cells: array[int], times: array[float], more: array[int]) -> tuple[array[int], array[float]]:
    """The numbers and the times of each attempt by itself, as if nothing followed from anything."""
    if not more:
        return cells, times
    all_cells, all_times = array("q"), array("d")
    begin = 0
    for place, count in enumerate(lengths(cells[CRC::CELLS])):
        number, correlation_id, sequence, records, crc, _, offset = first = cells[CELLS * place : CELLS * (place + 1)]
        each = first * count
        each[NUMBER::CELLS] = array("q", range(number, number + count))
        each[CORRELATION_ID::CELLS] = array("q", range(correlation_id, correlation_id + count))
        each[CRC::CELLS] = array("q", [crc & _LOW, *more[begin : begin + count - 1]])
        if records:
            each[OFFSET::CELLS] = array("q", range(offset, offset + count * records, records))
        if _step(sequence, records):
            each[SEQUENCE::CELLS] = array("q", range(sequence, sequence + count * records, records))
        all_cells += each
        all_times += times[TIMES * place : TIMES * (place + 1)] * count
        begin += count - 1
    return all_cells, all_times


def has(attempts: PackedAttempts, number: int) -> bool:
    """Whether the attempt of this number is among them."""
    cells = memoryview(attempts.cells).cast("q")
    firsts, crcs = cells[NUMBER::CELLS], cells[CRC::CELLS]
    return any(first <= number <= first + (crc >> BEHIND) for first, crc in zip(firsts, crcs, strict=True))
