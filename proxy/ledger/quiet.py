"""What is asked of a block that is to be folded: which attempts have something to tell, and the others' offsets."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby

from .blocks import CELLS, FLOW_FIELDS, TIMES, Block

Span = tuple[str, int, int, int, int, float, float]
"""Topic, partition, first and last offset, attempts, and when the first and the last of them came in."""

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
    found.update(place for place, offset in enumerate(block.cells[6::CELLS]) if offset < 0)
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
    found: defaultdict[tuple[str, int], list[tuple[int, int, int, float, float]]] = defaultdict(list)
    columns = zip(block.which, block.cells[6::CELLS], block.cells[3::CELLS], block.times[::TIMES], strict=True)
    for flow, run in groupby(columns, lambda attempt: attempt[0]):
        topic, partition = block.flows[flow][_TOPIC], block.flows[flow][_PARTITION]
        found[topic, partition] += ((first, first + max(n, 1) - 1, 1, at, at) for _, first, n, at in run)
    for (topic, partition), each in found.items():
        each.sort()
        yield from ((topic, partition, *span) for span in _merged(each))


def _merged(each: list[tuple[int, int, int, float, float]]) -> Iterator[tuple[int, int, int, float, float]]:
    first, last, attempts, since, until = each[0]
    for begin, end, count, at, later in each[1:]:
        if begin <= last + 1:
            last, attempts = max(last, end), attempts + count
            since, until = min(since, at), max(until, later)
        else:
            yield first, last, attempts, since, until
            first, last, attempts, since, until = begin, end, count, at, later
    yield first, last, attempts, since, until
