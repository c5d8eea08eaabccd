"""What is asked of a block that is to be folded: which attempts have something to tell, and the others' offsets."""

from __future__ import annotations

import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from operator import add, mul

from ..series import CELLS, CORRELATION_ID, CRC, OFFSET, RECORDS, TIMES, lengths
from .blocks import FLOW_FIELDS, Block

Span = tuple[str, int, int, int, int, float, float]
"""Topic, partition, first and last offset, attempts, and when the first and the last of them came in."""

_Offsets = tuple[int, int, int, float, float]
"""The same of one partition."""

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
    """The places of attempts, each taken singly, that were sent again, that a fault touched, whose producer id does not
    go with what the arm claims, or that were given no offset."""
    firsts = block.numbers
    within = (block.arm, min(firsts), max(map(add, firsts, block.lengths)))
    told = {number for (number,) in connection.execute(_RETRIED, within)}
    told.update(number for (number,) in connection.execute(_FIRED, within))
    touched = _touched(connection, block)
    others = _not_as_claimed(connection, block)
    if not (told or touched or others or min(block.cells[OFFSET::CELLS]) < 0):
        return set()
    block = block.singly()
    links = [flow[_CONNECTION] for flow in block.flows]
    columns = zip(
        block.numbers, block.which, *(block.cells[each::CELLS] for each in (CORRELATION_ID, OFFSET)), strict=True
    )
    return {
        place
        for place, (number, flow, correlation_id, offset) in enumerate(columns)
        if number in told or offset < 0 or flow in others or (links[flow], correlation_id) in touched
    }


def _touched(connection: sqlite3.Connection, block: Block) -> set[tuple[int, int]]:
    """The frames, by connection and correlation id, that a fault fired on; others of the arm may be among them."""
    if not connection.execute(_ANY_FIRED, (block.arm,)).fetchone()[0]:
        return set()
    ids: dict[int, tuple[int, int]] = {}
    for flow, first, count in zip(block.which, block.cells[CORRELATION_ID::CELLS], block.lengths, strict=True):
        link = block.flows[flow][_CONNECTION]
        lowest, highest = ids.get(link, (first, first))
        ids[link] = min(lowest, first), max(highest, first + count - 1)
    return {
        (link, correlation_id)
        for link, between in ids.items()
        for (correlation_id,) in connection.execute(_FIRED_BY_FRAME, (block.arm, link, *between))
    }


def _not_as_claimed(connection: sqlite3.Connection, block: Block) -> set[int]:
    """The places of flows whose producer id does not go with what the arm claims."""
    (idempotence,) = connection.execute(_IDEMPOTENCE, (block.arm,)).fetchone()
    if idempotence is None:
        return set()
    return {place for place, flow in enumerate(block.flows) if (flow[_PRODUCER_ID] >= 0) != idempotence}


def spans(blocks: Iterable[Block]) -> list[Span]:
    """The offsets of all their attempts; those of a partition that touch or overlap are one."""
    found: defaultdict[tuple[str, int], list[_Offsets]] = defaultdict(list)
    for block in blocks:
        for where, each in _of_block(block).items():
            found[where] += each
    return [(topic, partition, *span) for (topic, partition), each in found.items() for span in _merged(each)]


def _of_block(block: Block) -> dict[tuple[str, int], list[_Offsets]]:
    found: defaultdict[tuple[str, int], list[_Offsets]] = defaultdict(list)
    begin = 0
    for flow, count in block.runs:
        found[block.flows[flow][_TOPIC], block.flows[flow][_PARTITION]] += _of_run(block, begin, begin + count)
        begin += count
    return {where: [*_merged(each)] for where, each in found.items()}


def _of_run(block: Block, begin: int, end: int) -> Iterable[_Offsets]:
    """The offsets of a run, which follow each other where nobody else writes to the partition."""
    cells = block.cells[CELLS * begin : CELLS * end]
    firsts, records, counts = cells[OFFSET::CELLS], cells[RECORDS::CELLS], lengths(cells[CRC::CELLS])
    times = block.times[TIMES * begin : TIMES * end : TIMES]
    ends = array("q", map(add, firsts, map(mul, records, counts)))
    if ends[:-1] == firsts[1:] and 0 not in records:
        return [(firsts[0], ends[-1] - 1, sum(counts), times[0], times[-1])]
    columns = zip(firsts, ends, counts, times, strict=True)
    return [(first, max(end, first + 1) - 1, count, at, at) for first, end, count, at in columns]


def _merged(each: list[_Offsets]) -> Iterator[_Offsets]:
    each.sort()
    first, last, attempts, since, until = each[0]
    for begin, end, count, at, later in each[1:]:
        if begin <= last + 1:
            last, attempts = max(last, end), attempts + count
            since, until = min(since, at), max(until, later)
        else:
            yield first, last, attempts, since, until
            first, last, attempts, since, until = begin, end, count, at, later
    yield first, last, attempts, since, until
