"""The log as a whole: places, positions, what a consumer sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.observations import LogBatch, LogRecord
from ackdrop.verify.log import Log

FIRST = LogRecord("t", 0, 0, "a", None, None, None, False, -1, -1, -1, 0, 7, 1000)


def records(*offsets: int, **changes: object) -> list[LogRecord]:
    return [replace(FIRST, offset=offset, **changes) for offset in offsets]


def test_a_log_holds_what_was_put_into_it_by_place():
    given = [
        *records(5, 6, 9, batch_base_offset=5, producer_id=3, producer_epoch=1, batch_crc=8),
        *records(0, 1),
        *records(0, partition=1, identity="b", timestamp=-1),
        *records(0, topic="s", identity="p1/4", ours=True, producer="p1", send=2, order=9),
    ]
    given[:3] = [replace(one, sequence=40 + one.offset - 5) for one in given[:3]]
    log = Log.of(given)
    expected = sorted(given, key=lambda one: (one.topic, one.partition, one.offset))
    assert list(log.records()) == expected
    assert [log.record(position) for position in range(len(log))] == expected
    assert [log.offset(position) for position in range(len(log))] == [one.offset for one in expected]


def test_batches_are_told_with_what_they_hold():
    log = Log.of([*records(0, 1), *records(5, 6, 9, batch_base_offset=5, producer_id=3, sequence=-1, batch_crc=8)])
    one, other = log.batches()
    assert one == LogBatch("t", 0, 0, 1, 2, -1, -1, -1, 7, 12, "none", 1000, "none")
    assert (other.base_offset, other.last_offset, other.records, other.producer_id, other.crc) == (5, 9, 3, 3, 8)


STATES = ["none", "open", "committed", "aborted"]


@pytest.mark.parametrize(
    ("isolation", "seen"),
    [("read_uncommitted", STATES), ("read_committed", ["none", "committed"])],
)
def test_what_a_consumer_sees_of_transactions(isolation, seen):
    made = [replace(FIRST, offset=at, batch_base_offset=at, transaction=state) for at, state in enumerate(STATES)]
    log = Log.of(made, isolation)
    assert [one.transaction for one in log.records()] == seen
    assert (len(log), log.aborted, log.size) == (len(seen), 2, 4)
    assert [batch.transaction for batch in log.batches()] == STATES


@pytest.mark.parametrize(
    ("first", "last", "found"), [(0, 0, [0]), (1, 5, [0, 5]), (3, 4, []), (9, 30, [5, 12]), (20, 30, [])]
)
def test_the_batches_around_some_offsets(first, last, found):
    log = Log.of([*records(0, 1), *records(5, 9, batch_base_offset=5), *records(12, batch_base_offset=12)])
    assert [row.base_offset for row in log.around("t", 0, first, last)] == found
    assert list(log.around("t", 1, first, last)) == list(log.around("u", 0, first, last)) == []


def test_an_empty_log():
    log = Log()
    assert (len(log), list(log.records()), list(log.batches()), log.aborted) == (0, [], [], 0)


@given(st.lists(st.integers(1, 5), max_size=20))
def test_every_position_leads_to_its_batch(sizes):
    made, base = [], 0
    for size in sizes:
        made += records(*range(base, base + size), batch_base_offset=base)
        base += size + 1
    log = Log.of(made)
    assert [log.row_of(position).base_offset for position in range(log.size)] == [one.batch_base_offset for one in made]
