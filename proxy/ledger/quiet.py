"""What is asked of a block that is to be folded: which attempts have something to tell, and the others' offsets."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import add

from .blocks import CELLS, FLOW_FIELDS, TIMES, Block

Span = tuple[str, int, int, int, int, float, float]
"""Topic, partition, first and last offset, attempts, and when the first and the last of them came in."""

_Offsets = tuple[int, int, int, float, float]
"""The same of one partition."""

_RECORDS, _OFFSET = 3, 6
"""Their places among the cells of an attempt."""

_CONNECTION, _TOPIC, _PARTITION = map(FLOW_FIELDS.index, ("connection", "topic", "partition"))
_PRODUCER_ID = FLOW_FIELDS.index("producer_id")

_IDEMPOTENCE = "SELECT idempotence FROM arms WHERE arm = ?"
_RETRIED = "SELECT retry_of FROM attempts WHERE arm = ?1 AND retry_of BETWEEN ?2 AND ?3"
_FIRED = "SELECT attempt FROM decisions WHERE fired AND arm = ?1 AND attempt BETWEEN ?2 AND ?3"
_ANY_FIRED = "SELECT EXISTS (SELECT 1 FROM decisions WHERE fired AND arm = ?)"
_FIRED_BY_FRAME = """
SELECT correlation_id FROM decisions
WHERE fired AND arm = ? AND connection = ? AND correlation_id BETWEEN ? AND ?"""


def eventful(connection: sqlite3.Connection, block: Block) -> set[int]:
    """The places of attempts that were sent again, that a fault touched, whose producer id does not go with what the
    arm claims, or that were given no offset."""
    numbers = block.numbers
    within = (block.arm, min(numbers), max(numbers))
    told = {number for (number,) in connection.execute(_RETRIED, within)}
    told.update(number for (number,) in connection.execute(_FIRED, within))
    found = {place for place, number in enumerate(numbers) if number in told} if told else set()
    found.update(place for place, offset in enumerate(block.cells[_OFFSET::CELLS]) if offset < 0)
    if connection.execute(_ANY_FIRED, (block.arm,)).fetchone()[0]:
        found.update(_touched(connection, block))
    (idempotence,) = connection.execute(_IDEMPOTENCE, (block.arm,)).fetchone()
    if idempotence is not None:
        others = {place for place, flow in enumerate(block.flows) if (flow[_PRODUCER_ID] >= 0) != idempotence}
        found.update(place for place, flow in enumerate(block.which) if flow in others)
    return found


def _touched(connection: sqlite3.Connection, block: Block) -> Iterator[int]:
    """Those whose frame a fault fired on."""
    frames: defaultdict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for place, (flow, correlation_id) in enumerate(zip(block.which, block.cells[1::CELLS], strict=True)):
        frames[block.flows[flow][_CONNECTION]][correlation_id].append(place)
    for link, places in frames.items():
        within = (block.arm, link, min(places), max(places))
        for (correlation_id,) in connection.execute(_FIRED_BY_FRAME, within):
            yield from places.get(correlation_id, ())


def spans(block: Block) -> Iterable[Span]:
    """The offsets of all its attempts; those of a partition that touch or overlap are one."""
    found: defaultdict[tuple[str, int], list[_Offsets]] = defaultdict(list)
    begin = 0
    for flow, count in block.runs:
        found[block.flows[flow][_TOPIC], block.flows[flow][_PARTITION]] += _of_run(block, begin, begin + count)
        begin += count
    for (topic, partition), each in found.items():
        each.sort()
        yield from ((topic, partition, *span) for span in _merged(each))


def _of_run(block: Block, begin: int, end: int) -> Iterable[_Offsets]:
    """The offsets of a run, which follow each other where nobody else writes to the partition."""
    firsts = block.cells[CELLS * begin + _OFFSET : CELLS * end : CELLS]
    records = block.cells[CELLS * begin + _RECORDS : CELLS * end : CELLS]
    times = block.times[TIMES * begin : TIMES * end : TIMES]
    ends = array("q", map(add, firsts, records))
    if ends[:-1] == firsts[1:] and 0 not in records:
        return [(firsts[0], ends[-1] - 1, end - begin, times[0], times[-1])]
    columns = zip(firsts, records, times, strict=True)
    return [(first, first + max(count, 1) - 1, 1, at, at) for first, count, at in columns]


def _merged(each: list[_Offsets]) -> Iterator[_Offsets]:
    first, last, attempts, since, until = each[0]
    for begin, end, count, at, later in each[1:]:
        if begin <= last + 1:
            last, attempts = max(last, end), attempts + count
            since, until = min(since, at), max(until, later)
        else:
            yield first, last, attempts, since, until
            first, last, attempts, since, until = begin, end, count, at, later
    yield first, last, attempts, since, until
