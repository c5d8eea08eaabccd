"""Attempts by which nothing happened as they go to disk: packed into blocks, a row of `blocks` each.

To pack an attempt costs a copy of its 4 or 72 bytes (`..series`); a row of `attempts` with its indexes costs a hundred
times as much, and is made of it when somebody wants to read (`settling.py`), or never where it is folded before
(`folding.py`).

A block tells of attempts run by run, in the order in which they were handed over: `flows` is JSON, the values of each
`Flow`; `runs` has two int64 a run, the place in `flows` and how many series; `cells`, `times` and `more` are those of
`PackedAttempts`. All numbers stand in the order of the machine that wrote them.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from math import inf
from operator import attrgetter
from typing import Any

from ..observations import Asked, Flow, Passed
from ..series import CELLS, CRC, NUMBER, TIMES, lengths, packed, singly

MOST = 4_000
"""Attempts in a block, where no series alone has more."""

FLOW_FIELDS = tuple(field.name for field in dataclasses.fields(Flow))

COLUMNS = ("arm", "first", "last", "count", "flows", "runs", "cells", "times", "more")

_HIGHEST = (1 << 63) - 1

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM blocks WHERE id = ?"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_flow_values = attrgetter(*FLOW_FIELDS)


@functools.lru_cache(maxsize=20_000)
def _text(flow: Flow) -> str:
    """It in JSON; of a flow with few attempts in each block this costs as much as all the rest."""
    return _encode(_flow_values(flow))


class Packing:
    """The attempts of one arm that one transaction will write."""

    def __init__(self) -> None:
        self._blocks = [_Packed()]

    def add(self, passed: Passed) -> None:
        """Take in a run of them, in which numbers and times grow."""
        attempts, flow, asked = packed(passed.attempts), passed.flow, passed.asked
        series, count, first, last, at = attempts.summary()
        if count > MOST and series > 1:
            for part in attempts.parts(MOST):
                self.add(Passed(flow, part, asked))
            return
        block = self._blocks[-1]
        if block.count + count > MOST:
            block = _Packed()
            self._blocks.append(block)
        place = block.places.get(id(flow))  # hashing the values would cost more than all the rest
        if place is None or (block.asked[place] is not asked and block.asked[place] != asked):
            place = block.places[id(flow)] = len(block.flows)
            block.flows.append(flow)
            block.asked.append(asked)
        block.runs.extend((place, series))
        block.cells += attempts.cells
        block.times += attempts.times
        block.more += attempts.more
        block.count += count
        if first < block.first:
            block.first = first
        if last > block.last:
            block.last = last
        if at < block.at:
            block.at = at

    def rows(self, arm: int) -> list[Sequence[Any]]:
        """The rows of `blocks`."""
        return [block.row(arm) for block in self._blocks if block.count]

    @property
    def asked(self) -> list[Sequence[Asked]]:
        """What rules know besides of the flows of each row, where they were armed."""
        return [[each for each in block.asked if each is not None] for block in self._blocks if block.count]

    @property
    def newest(self) -> int:
        """The highest number."""
        return max(block.last for block in self._blocks)

    @property
    def zero(self) -> float:
        """When the first of them came in."""
        return min(block.at for block in self._blocks)


class _Packed:
    """A block that grows. `places` says where a flow stands; it is kept in `flows`, so its id stays its own."""

    __slots__ = ("asked", "at", "cells", "count", "first", "flows", "last", "more", "places", "runs", "times")

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.flows: list[Flow] = []
        self.asked: list[Asked | None] = []
        self.runs = array("q")
        self.cells, self.times, self.more = bytearray(), bytearray(), bytearray()
        self.count = 0
        self.first, self.last, self.at = _HIGHEST, -1, inf

    def row(self, arm: int) -> Sequence[Any]:
        flows = f"[{','.join(map(_text, self.flows))}]"
        packed_attempts = bytes(self.cells), bytes(self.times), bytes(self.more)
        return arm, self.first, self.last, self.count, flows, self.runs.tobytes(), *packed_attempts


@dataclass(frozen=True, slots=True)
class Block:
    """A block that was read. `flows` are the values of each flow; `runs` says of which one the series are, so many at
    a time."""

    arm: int
    flows: list[list[Any]]
    runs: list[tuple[int, int]]
    cells: array[int]
    times: array[float]
    more: array[int]

    def __len__(self) -> int:
        return len(self.times) // TIMES + len(self.more)

    @property
    def lengths(self) -> list[int]:
        """How many attempts each series has."""
        return lengths(self.cells[CRC::CELLS])

    @property
    def which(self) -> array[int]:
        """Of which flow each series is."""
        return array("q", chain.from_iterable(repeat(flow, count) for flow, count in self.runs))

    @property
    def numbers(self) -> array[int]:
        """The numbers of the series' first attempts."""
        return self.cells[NUMBER::CELLS]

    def singly(self) -> Block:
        """The same attempts, each a series of its own."""
        if not self.more:
            return self
        counts = iter(self.lengths)
        runs = [(flow, sum(islice(counts, count))) for flow, count in self.runs]
        return Block(self.arm, self.flows, runs, *singly(self.cells, self.times, self.more), array("I"))

    def only(self, places: Sequence[int]) -> Block:
        """A block of these attempts of it alone, where each is a series of its own."""
        cells, times = array("q"), array("d")
        for place in places:
            cells += self.cells[CELLS * place : CELLS * (place + 1)]
            times += self.times[TIMES * place : TIMES * (place + 1)]
        which = self.which
        return Block(self.arm, self.flows, [(which[place], 1) for place in places], cells, times, self.more)


def load(connection: sqlite3.Connection, ids: Sequence[int]) -> Iterator[Block]:
    """The blocks of these ids, one in memory at a time."""
    for number in ids:
        yield _block(*connection.execute(_SELECT, (number,)).fetchone())


def connections(connection: sqlite3.Connection, arm: int) -> set[int]:
    """The connections of which an attempt of the arm is in a block."""
    place = FLOW_FIELDS.index("connection")
    rows = connection.execute("SELECT flows FROM blocks WHERE arm = ?", (arm,))
    return {flow[place] for (flows,) in rows for flow in json.loads(flows)}


def _block(
    arm: int, first: int, last: int, count: int, flows: str, runs: bytes, cells: bytes, times: bytes, more: bytes
) -> Block:
    pairs = array("q", runs)
    each = [*zip(pairs[::2], pairs[1::2], strict=True)]
    return Block(arm, json.loads(flows), each, array("q", cells), array("d", times), array("I", more))
