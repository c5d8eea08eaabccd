"""What was acked to a program that is not ours, and is not in the log.

Three ways to know it: the log holds nothing of that producer id at an offset that a delivered success named; nothing at
all at one that the ledger folded; or something else stands there, which another attempt wrote. The last is what a
broker makes of another payload under a sequence that it has seen: it acks, and writes nothing. It shows in the CRC, as
long as the broker keeps the client's. A retry is no other payload, whatever its bytes: some clients (kafkajs) date
their records anew.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..observations import AttemptStory
from .attempts import base, located, offsets, told
from .evidence import ArmEvidence
from .items import Loss
from .log import Log
from .shelf import Row
from .trail import Trail


def losses(evidence: ArmEvidence, trail: Trail) -> Iterator[Loss]:
    """Every loss that the wire can show.

    A batch from before the partition's start offset was appended before this run; its retry may be answered with it.
    """
    starts = {} if evidence.wire is None else evidence.wire.starts
    judged: set[tuple[str, int, int, int]] = set()
    for story in trail.stories:
        attempt = story.attempt
        where = attempt.topic, attempt.partition
        if not told(story) or not located(story) or attempt.acks == 0 or where not in starts:
            continue
        promised = offsets(story)
        key = (*where, promised.start, attempt.crc)
        if promised.start < starts[where] or key in judged:
            continue
        judged.add(key)
        first = (*where, promised.start, -1) not in judged
        judged.add((*where, promised.start, -1))
        count, lowest = _missing(trail.log, *where, promised, attempt.producer_id)
        if count and first:
            yield Loss(count, *where, lowest)
        elif not count and _another_payload(story, trail):
            yield Loss(len(promised), *where, promised.start, instead=story)
    for where, ranges in trail.folded.partitions().items():
        for begin, end in ranges:
            promised = range(max(begin, starts.get(where, begin)), end + 1)
            count, lowest = _missing(trail.log, *where, promised, None)
            if count:
                yield Loss(count, *where, lowest)


def _missing(log: Log, topic: str, partition: int, promised: range, producer_id: int | None) -> tuple[int, int]:
    """How many of the promised offsets hold no record of this producer id (None: of any), and the first of them."""
    count, lowest, expected = 0, -1, promised.start
    for row in log.around(topic, partition, promised.start, promised.stop - 1):
        if producer_id not in (None, row.producer_id):
            continue
        for start, stop in _held(log, row):
            start = min(start, promised.stop)
            if start > expected:
                lowest = lowest if count else expected
                count += start - expected
            expected = max(expected, stop)
    if expected < promised.stop:
        lowest = lowest if count else expected
        count += promised.stop - expected
    return count, lowest


def _held(log: Log, row: Row) -> Iterator[tuple[int, int]]:
    """The offsets that hold records of a batch, from the first to before the second of each pair."""
    if row.deltas < 0:
        yield row.first, row.first + row.records
        return
    for position in range(row.position, row.position + row.records):
        offset = log.offset(position)
        yield offset, offset + 1


def _another_payload(story: AttemptStory, trail: Trail) -> bool:
    """The batch that stands where this attempt was told it is was written by another one, with other bytes.

    Known only where the broker has kept the client's CRC: the log has that of the other attempt.
    """
    attempt = story.attempt
    if attempt.producer_id < 0:
        return False
    where = attempt.topic, attempt.partition, base(story)
    row = next((row for row in trail.log.around(*where, base(story)) if row.place == where), None)
    if row is None or row.crc == attempt.crc:
        return False
    numbers = attempt.producer_epoch, attempt.base_sequence
    return row.producer_id == attempt.producer_id and any(
        other.attempt.crc == row.crc
        and (other.attempt.producer_epoch, other.attempt.base_sequence) == numbers
        and not trail.families.related(other, story)
        for other in trail.attempts(row)
    )
