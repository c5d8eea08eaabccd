from __future__ import annotations

import struct

import pytest

from ackdrop.errors import UndecodableError
from ackdrop.identity import HEADER, Identity, write
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import Batch, iter_batches
from ackdrop.observations import LogRecord
from ackdrop.verify.log import Log
from ackdrop.verify.log_records import PartitionLog
from ackdrop.verify.parse import Parser, Producers
from ackdrop.verify.shelf import Shelf
from ackdrop.verify.store import Spill

RUN = "run-1"
PRODUCERS = Producers()
TRANSACTIONAL, CONTROL, LOG_APPEND = 0x10, 0x20, 0x08


def batch_of(
    base_offset: int,
    *headers: bytes | None,
    deltas: list[int] | None = None,
    attributes: int = 0,
    producer: tuple[int, int, int] = (-1, -1, -1),
    timestamp: int = 1000,
    value: bytes = b"v",
    max_timestamp: int | None = None,
    last_delta: int | None = None,
) -> Batch:
    """A batch with one record for each identity header (None: without one), written by kafka-python."""
    identities = headers or (None,)
    producer_id, epoch, sequence = producer
    bodies.NEWEST("fetch")  # imports kafka-python without its deprecation warnings
    from kafka.record.default_records import DefaultRecordBatchBuilder

    builder = DefaultRecordBatchBuilder(2, 0, False, producer_id, epoch, sequence, 1 << 20)
    for delta, header in zip(deltas or range(len(identities)), identities, strict=True):
        added = builder.append(delta, timestamp, b"k", value, [] if header is None else [(HEADER, header)])
        assert added is not None
    data = bytearray(builder.build())
    struct.pack_into(">q", data, 0, base_offset)
    struct.pack_into(">h", data, 21, struct.unpack_from(">h", data, 21)[0] | attributes)
    if last_delta is not None:
        struct.pack_into(">i", data, 23, last_delta)
    if max_timestamp is not None:
        struct.pack_into(">q", data, 35, max_timestamp)
    (batch,) = iter_batches(bytes(data))
    return batch


def ours(record: int, send: int = 0, order: int | None = None, run: str = RUN) -> bytes:
    return write(Identity(run, "p1", record, send, record if order is None else order))


def partition_log(start: int = 0, end: int = 100, run_id: str | None = RUN, at: tuple[str, int] = ("t", 0)):
    shelf = Shelf(*at, Spill(), ours=run_id is not None, named=False)
    return PartitionLog(shelf, start, end, Parser(*at, run_id, None, PRODUCERS))


def log_of(*batches: Batch, start: int = 0, end: int = 100, run_id: str | None = RUN) -> PartitionLog:
    log = partition_log(start, end, run_id)
    for batch in batches:
        log.take(batch)
    return log


def records(*logs: PartitionLog) -> list[LogRecord]:
    return list(Log([log.shelf for log in logs], PRODUCERS).records())


def test_a_record_of_ours_is_known_by_its_header():
    batch = batch_of(7, ours(3, send=1, order=9), producer=(5, 2, 40))
    (record,) = records(log_of(batch, start=7))
    assert (record.topic, record.partition, record.offset) == ("t", 0, 7)
    assert (record.identity, record.producer, record.send, record.order, record.ours) == ("p1/3", "p1", 1, 9, True)
    assert (record.producer_id, record.producer_epoch, record.sequence) == (5, 2, 40)
    assert (record.batch_base_offset, record.batch_crc, record.timestamp) == (7, batch.header.crc, 1000)


@pytest.mark.parametrize("header", [ours(3, run="run-0"), b"no identity", None])
def test_any_other_record_is_foreign(header):
    (record,) = records(log_of(batch_of(0, header)))
    assert (record.ours, record.send, record.order, record.producer) == (False, None, None, None)
    assert len(record.identity) == 16


def test_without_a_run_every_record_is_foreign():
    (record,) = records(log_of(batch_of(0, ours(3)), run_id=None))
    assert not record.ours


@pytest.mark.parametrize(
    ("change", "same"),
    [({}, True), ({"value": b"w"}, False), ({"timestamp": 1001}, False)],
)
def test_a_foreign_record_is_known_by_content_and_create_time(change, same):
    first, second = records(log_of(batch_of(0), batch_of(1, **change)))
    assert (first.identity == second.identity) is same


def test_headers_count_for_a_foreign_record():
    first, second = records(log_of(batch_of(0, b"one"), batch_of(1, b"two")))
    assert first.identity != second.identity


def test_the_brokers_time_does_not_tell_copies_apart():
    batches = [batch_of(offset, attributes=LOG_APPEND, max_timestamp=time) for offset, time in enumerate((5000, 6000))]
    first, second = records(log_of(*batches))
    assert first.identity == second.identity
    assert (first.timestamp, second.timestamp) == (5000, 6000)


def test_equal_records_of_one_batch_were_both_meant():
    """Their copies, when the batch is written again, are known as theirs."""
    one, two, again, twice = records(log_of(batch_of(0, None, None), batch_of(2, None, None)))
    assert one.identity != two.identity
    assert (again.identity, twice.identity) == (one.identity, two.identity)


def test_equal_records_elsewhere_are_no_copies():
    """A retry stays in its partition."""
    logs = [partition_log(at=at) for at in (("t", 0), ("t", 1), ("u", 0))]
    for log in logs:
        log.take(batch_of(0))
    assert len({record.identity for record in records(*logs)}) == 3


def test_sequences_count_records_and_wrap_at_the_largest_int32():
    batch = batch_of(0, None, None, None, producer=(5, 0, 0x7FFFFFFE))
    assert [record.sequence for record in records(log_of(batch))] == [0x7FFFFFFE, 0x7FFFFFFF, 0]


def test_without_a_producer_id_there_is_no_sequence():
    assert [record.sequence for record in records(log_of(batch_of(0, None, None)))] == [-1, -1]


def test_a_batch_that_begins_before_the_start_or_ends_after_the_end_is_trimmed():
    log = log_of(batch_of(0, None, None, None, None), batch_of(4, None, None, None), start=2, end=5)
    assert [record.offset for record in records(log)] == [2, 3, 4]
    assert (log.done, log.gone) == (True, [])


def test_a_batch_that_was_seen_already_adds_nothing():
    batch = batch_of(0, None, None)
    log = log_of(batch, batch)
    assert (len(log.shelf), log.batches) == (2, 1)


def test_markers_of_transactions_are_counted_and_leave_no_hole():
    """Redpanda 22.3 puts a mark of its own ahead of each transaction, which no fetch shows: offsets 0 and 4 here."""
    log = log_of(
        batch_of(1, None, None, attributes=TRANSACTIONAL),
        batch_of(3, attributes=TRANSACTIONAL | CONTROL),
        batch_of(5, None, attributes=TRANSACTIONAL),
        batch_of(6, attributes=TRANSACTIONAL | CONTROL),
        end=7,
    )
    assert [record.offset for record in records(log)] == [1, 2, 5]
    assert (log.batches, log.control_batches, log.gone, log.done) == (4, 2, [], True)


def test_a_mark_at_the_end_of_a_transactional_log_is_no_hole():
    log = log_of(batch_of(0, attributes=TRANSACTIONAL), end=2)
    log.shows_no_more()
    assert (log.gone, log.done) == ([], True)


def test_holes_between_and_inside_of_batches_are_gone():
    log = log_of(batch_of(0, None), batch_of(3, None, None, deltas=[0, 3], last_delta=4), end=8)
    assert [record.offset for record in records(log)] == [0, 3, 6]
    assert log.gone == ["5 records are gone between offsets 1 and 7 of t/0 (compacted?)"]


def test_offsets_that_the_broker_shows_nothing_of_are_gone():
    log = log_of(batch_of(0), end=3)
    log.shows_no_more()
    assert log.gone == ["2 records are gone between offsets 1 and 2 of t/0 (compacted?)"]
    assert log.done


def test_a_log_that_starts_later_has_lost_its_beginning():
    log = log_of(start=500, end=600)
    log.begins_at(512)
    log.begins_at(400)
    assert log.gone == ["the log of t/0 starts at 512: 12 records are gone"]
    assert log.position == 512


def test_a_log_that_was_cut_off_has_lost_its_end():
    log = log_of(batch_of(0, None), end=4)
    log.ends_before(1)
    assert log.gone == ["the log of t/0 ends at 1, and went on to 4 before: 3 records are gone"]
    assert log.done


def test_a_batch_that_cannot_be_read_is_gone_and_the_next_one_is_read():
    data = bytearray(batch_of(0, None, None).data)
    data[61:66] = b"\xff" * 5
    (broken,) = iter_batches(bytes(data))
    log = log_of(broken, batch_of(2), end=3)
    assert [record.offset for record in records(log)] == [2]
    assert len(log.gone) == 1
    assert log.gone[0].startswith("the batch at offset 0 of t/0 cannot be read, 2 records are gone: ")


def test_a_log_that_makes_no_sense_is_gone_from_there_on():
    log = log_of(batch_of(0), end=5)
    log.unreadable(UndecodableError("no record batch begins at byte 0"))
    assert log.done
    assert log.gone == [
        "the log of t/0 cannot be read from offset 1 on, 4 records are gone: no record batch begins at byte 0"
    ]


def test_messages_of_older_magics_are_records_too():
    message = struct.pack(">qiIbbq", 7, 22 + 1, 0, 1, 0, 4000) + struct.pack(">i", -1) + struct.pack(">i", 1) + b"v"
    (old,) = iter_batches(message)
    (record,) = records(log_of(old, start=7, end=8))
    assert (record.offset, record.timestamp, record.producer_id, record.sequence) == (7, 4000, -1, -1)
