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
import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, repeat
from math import inf
from operator import attrgetter
from typing import Any

from ..observations import Asked, Flow, Passed
from ..series import AT_ONCE, CELLS, CRC, NUMBER, TIMES, lengths, singly

FLOW_FIELDS = tuple(field.name for field in dataclasses.fields(Flow))

COLUMNS = ("arm", "first", "last", "count", "flows", "runs", "cells", "times", "more")

_HIGHEST = (1 << 63) - 1

_SELECT = f"SELECT {', '.join(COLUMNS)} FROM blocks WHERE id = ?"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_flow_values = attrgetter(*FLOW_FIELDS)

_MOST_TEXTS = 50_000


class Texts:
    """Flows in JSON: of those with few attempts in each block this would cost as much as all the rest. A flow that is
    the same object is known again; of very many, all are forgotten at once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._flows: list[Flow] = []
        """Those that are known: while they are here, their ids stay their own."""

    def of(self, flows: Sequence[Flow]) -> str:
        """A list of them."""
        try:
            return f"[{','.join(map(self._known.__getitem__, map(id, flows)))}]"
        except KeyError:
            self._learn(flows)
            return self.of(flows)

    def _learn(self, flows: Sequence[Flow]) -> None:
        if len(self._flows) > _MOST_TEXTS:
            self._known.clear()
            self._flows.clear()
        for flow in flows:
            if id(flow) not in self._known:
                self._known[id(flow)] = _encode(_flow_values(flow))
                self._flows.append(flow)


class Packing:
    """The attempts of one arm that one transaction will write."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._blocks = [_Packed()]

    def add(self, passed: Passed) -> None:
        """Take in so many of them."""
        count = len(passed.attempts)
        if count > AT_ONCE and passed.attempts.series > 1:
            for part in _parts(passed):
                self.add(part)
            return
        if self._blocks[-1].count + count > AT_ONCE:
            self._blocks.append(_Packed())
        self._blocks[-1].add(passed, count)

    def rows(self, arm: int) -> list[Sequence[Any]]:
        """The rows of `blocks`."""
        return [(arm, *block.row(self._texts)) for block in self._blocks if block.count]

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

    def add(self, passed: Passed, count: int) -> None:
        attempts = passed.attempts
        if self.flows:
            self._runs(passed)
        else:
            self.flows, self.asked = [*passed.flows], [*_asked(passed)]
            self.places = dict(zip(map(id, passed.flows), range(len(passed.flows)), strict=True))
            self.runs = array("q", chain.from_iterable(enumerate(passed.counts)))
        self.cells += attempts.cells
        self.times += attempts.times
        self.more += attempts.more
        self.count += count
        first, last, at = attempts.summary()
        self.first, self.last, self.at = min(first, self.first), max(last, self.last), min(at, self.at)

    def _runs(self, passed: Passed) -> None:
        asked, places = self.asked, self.places
        for flow, of_it, count in zip(passed.flows, _asked(passed), passed.counts, strict=True):
            key = id(flow)  # hashing the values would cost more than all the rest
            place = places.get(key)
            if place is None or (asked[place] is not of_it and asked[place] != of_it):
                place = places[key] = len(asked)
                self.flows.append(flow)
                asked.append(of_it)
            self.runs.extend((place, count))

    def row(self, texts: Texts) -> Sequence[Any]:
        """What stands in a row of `blocks` behind its arm."""
        packed_attempts = bytes(self.cells), bytes(self.times), bytes(self.more)
        return self.first, self.last, self.count, texts.of(self.flows), self.runs.tobytes(), *packed_attempts


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


def _asked(passed: Passed) -> Iterable[Asked | None]:
    return repeat(None, len(passed.flows)) if passed.asked is None else passed.asked


def _parts(passed: Passed) -> Iterator[Passed]:
    """The same in parts of at most `AT_ONCE` attempts, where no series alone has more."""
    for flow, asked, attempts in passed.by_flow():
        counts = [0]
        held = 0
        for length in attempts.lengths():
            if counts[-1] and held + length > AT_ONCE:
                counts.append(0)
                held = 0
            counts[-1] += 1
            held += length
        yield from (Passed.of(flow, part, asked) for part in attempts.parts(counts))


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
