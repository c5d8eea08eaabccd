"""How a log is read that a healthy broker does not have; tests/integration/test_reader.py reads a real one's."""

from __future__ import annotations

import struct

import pytest
import trio

from ackdrop.direct.cluster import OffsetGone
from ackdrop.direct.fetch import Fetched
from ackdrop.errors import BrokerError
from ackdrop.kafka import bodies
from ackdrop.verify import reader
from ackdrop.verify.log_records import PartitionLog
from ackdrop.verify.parse import Parser, Producers
from ackdrop.verify.reader import AT_ONCE, read_log
from ackdrop.verify.shelf import Shelf
from ackdrop.verify.store import Spill


def one_record(offset: int) -> bytes:
    bodies.NEWEST("fetch")  # imports kafka-python without its deprecation warnings
    from kafka.record.default_records import DefaultRecordBatchBuilder

    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 16)
    builder.append(0, 1000, None, b"%d" % offset, [])
    return struct.pack(">q", offset) + bytes(builder.build())[8:]


class Log:
    """Partitions with one record an offset, of which a fetch gives a few; each begins at `start`, ends at `end`."""

    def __init__(self, start: int = 0, end: int = 10, holes: frozenset[int] = frozenset()) -> None:
        self.start, self.end, self.holes = start, end, holes
        self.high_watermark = end
        self.reading = self.most = self.fetches = 0
        self.failure: BrokerError | None = None

    async def fetch(self, topic: str, partition: int, offset: int) -> Fetched:
        self.fetches += 1
        self.reading += 1
        self.most = max(self.most, self.reading)
        await trio.sleep(0.01)
        self.reading -= 1
        if self.failure is not None:
            raise self.failure
        if not self.start <= offset <= self.end:
            raise OffsetGone(f"no {offset}")
        offsets = [at for at in range(offset, self.end) if at not in self.holes][:3]
        records = b"".join(one_record(at) for at in offsets)
        return Fetched(0, self.high_watermark, self.start, memoryview(records))

    async def start_offsets(self, topic: str) -> dict[int, int]:
        await trio.lowlevel.checkpoint()
        return {0: self.start}

    async def end_offsets(self, topic: str) -> dict[int, int]:
        await trio.lowlevel.checkpoint()
        return {0: self.high_watermark}


def offsets(reading):
    return [record.offset for record in reading.log.records()]


async def test_a_log_is_read_in_order_up_to_the_end_that_was_asked_for(autojump_clock):
    reading = await read_log(Log(), {"t": {0: (2, 9)}})
    assert (offsets(reading), reading.gone, reading.batches) == ([*range(2, 9)], [], 7)


async def test_records_come_by_topic_partition_and_offset(autojump_clock):
    reading = await read_log(Log(), {"u": {1: (0, 2), 0: (0, 2)}, "t": {3: (0, 2)}})
    places = [(record.topic, record.partition, record.offset) for record in reading.log.records()]
    assert places == [(topic, partition, at) for topic, partition in (("t", 3), ("u", 0), ("u", 1)) for at in (0, 1)]


async def test_an_empty_range_is_not_asked_for(autojump_clock):
    log = Log()
    assert len((await read_log(log, {"t": {0: (5, 5)}})).log) == 0
    assert log.fetches == 0


async def test_progress_is_told_in_offsets(autojump_clock):
    told = []
    await read_log(Log(), {"t": {0: (0, 10), 1: (4, 6), 2: (7, 7)}}, on_progress=lambda *now: told.append(now))
    assert (told[0], told[-1]) == ((0, 12), (12, 12))
    assert told == sorted(told)


async def test_partitions_are_read_side_by_side_within_bounds(autojump_clock):
    log = Log()
    await read_log(log, {"t": {partition: (0, 10) for partition in range(40)}})
    assert log.most == AT_ONCE


async def test_a_log_whose_beginning_is_gone_is_read_from_where_it_starts(autojump_clock):
    reading = await read_log(Log(start=4), {"t": {0: (1, 10)}})
    assert offsets(reading) == [*range(4, 10)]
    assert reading.gone == ["the log of t/0 starts at 4: 3 records are gone"]


async def test_a_log_that_is_gone_wholly_is_said(autojump_clock):
    reading = await read_log(Log(start=20, end=30), {"t": {0: (1, 10)}})
    assert (offsets(reading), reading.gone) == ([], ["the log of t/0 starts at 20: 9 records are gone"])


async def test_a_log_that_was_cut_off_is_read_up_to_there(autojump_clock):
    reading = await read_log(Log(end=6), {"t": {0: (0, 9)}})
    assert offsets(reading) == [*range(6)]
    assert reading.gone == ["the log of t/0 ends at 6, and went on to 9 before: 3 records are gone"]


async def test_a_log_that_was_cut_off_before_the_start_is_said(autojump_clock):
    reading = await read_log(Log(end=6), {"t": {0: (8, 9)}})
    assert reading.gone == ["the log of t/0 ends at 6, and went on to 9 before: 1 record is gone"]


async def test_a_hole_at_the_end_is_given_up_after_some_tries(autojump_clock):
    log = Log(holes=frozenset({8, 9}))
    reading = await read_log(log, {"t": {0: (0, 10)}})
    assert offsets(reading) == [*range(8)]
    assert reading.gone == ["2 records are gone between offsets 8 and 9 of t/0 (compacted?)"]
    assert trio.current_time() < 2


async def test_bytes_that_are_no_batches_end_the_reading_of_that_partition(autojump_clock):
    class Garbage(Log):
        async def fetch(self, topic: str, partition: int, offset: int) -> Fetched:
            await trio.lowlevel.checkpoint()
            return Fetched(0, 10, 0, memoryview(one_record(0) + bytes(80)))

    reading = await read_log(Garbage(), {"t": {0: (0, 10)}})
    assert offsets(reading) == [0]
    assert "cannot be read from offset 1 on, 9 records are gone" in reading.gone[0]


async def test_a_broker_that_fails_ends_the_reading_with_its_error(autojump_clock):
    log = Log()
    log.failure = BrokerError("127.0.0.1:9092: connection refused")
    with pytest.raises(BrokerError, match="connection refused"):
        await read_log(log, {"t": {partition: (0, 10) for partition in range(40)}})


async def test_other_tasks_get_a_turn_while_a_large_answer_is_read(monkeypatch):
    monkeypatch.setattr(reader, "_TURN", 2)
    log = PartitionLog(Shelf("t", 0, Spill(), ours=False, named=False), 0, 7, Parser("t", 0, None, None, Producers()))
    seen: list[int] = []

    async def watch() -> None:
        while not log.done:
            seen.append(log.position)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        nursery.start_soon(reader._take, log, memoryview(b"".join(map(one_record, range(7)))))
    assert {2, 4, 6} & set(seen)
    assert log.done
