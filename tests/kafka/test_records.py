from __future__ import annotations

import struct
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import iter_batches
from ackdrop.kafka.records import Record, iter_records

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
HEADERS = st.lists(st.tuples(TEXT, st.none() | st.binary(max_size=5)), max_size=3)
BYTES = st.none() | st.binary(max_size=90)
RECORDS = st.lists(st.tuples(st.integers(0, 1 << 42), BYTES, BYTES, HEADERS), min_size=1, max_size=4)


def kafka_python_batch(magic: int, codec: int, records: list[Any], offset: int = 0) -> bytes:
    bodies._rooms()
    builder = import_module("kafka.record.memory_records").MemoryRecordsBuilder(magic, codec, 1 << 20, offset)
    for timestamp, key, value, headers in records:
        assert builder.append(timestamp, key, value, headers if magic == 2 else []) is not None
    builder.close()
    return bytes(builder.buffer())


@pytest.mark.parametrize("codec", [0, 1])
@settings(deadline=None, max_examples=40)
@given(records=RECORDS)
def test_batches_that_kafka_python_writes(codec: int, records: list[Any]) -> None:
    (batch,) = iter_batches(kafka_python_batch(2, codec, records))
    assert list(iter_records(batch)) == [
        Record(delta, timestamp, key, value, tuple(headers))
        for delta, (timestamp, key, value, headers) in enumerate(records)
    ]


@pytest.mark.parametrize("magic", [0, 1])
@settings(deadline=None, max_examples=25)
@given(records=RECORDS)
def test_messages_of_old_magic(magic: int, records: list[Any]) -> None:
    found = list(iter_batches(kafka_python_batch(magic, 0, records)))
    assert [one.header.base_offset for one in found] == list(range(len(records)))
    assert [record for one in found for record in iter_records(one)] == [
        Record(0, timestamp if magic else -1, key, value, ()) for timestamp, key, value, _ in records
    ]


@pytest.mark.parametrize("magic", [0, 1])
def test_compressed_sets_of_old_magic_carry_the_offset_of_their_last_message(magic: int) -> None:
    wrapper = bytearray(kafka_python_batch(magic, 1, [(5, b"k", b"a", []), (6, None, b"b", [])]))
    struct.pack_into(">q", wrapper, 0, 101 if magic else 1)
    (batch,) = iter_batches(wrapper)
    assert [(one.offset_delta, one.timestamp, one.key, one.value) for one in iter_records(batch)] == [
        (-1, 5 if magic else -1, b"k", b"a"),
        (0, 6 if magic else -1, None, b"b"),
    ]


def test_log_append_time_is_every_records_time() -> None:
    wrapper = bytearray(kafka_python_batch(1, 1, [(5, b"k", b"a", [])]))
    wrapper[17] |= 8
    struct.pack_into(">q", wrapper, 18, 777)
    (batch,) = iter_batches(wrapper)
    assert [one.timestamp for one in iter_records(batch)] == [777]
    modern = bytearray(kafka_python_batch(2, 0, [(5, b"k", b"a", []), (6, b"k", b"a", [])]))
    modern[22] |= 8
    struct.pack_into(">q", modern, 35, 778)
    (batch,) = iter_batches(modern)
    assert [one.timestamp for one in iter_records(batch)] == [778, 778]


def test_a_compressed_message_in_a_compressed_message_is_refused() -> None:
    import cramjam

    inner = kafka_python_batch(1, 1, [(5, b"k", b"a", [])])
    packed = bytes(cramjam.gzip.compress(inner))
    content = struct.pack(">IBBqi", 0, 1, 1, 5, -1) + struct.pack(">i", len(packed)) + packed
    (batch,) = iter_batches(struct.pack(">qi", 0, len(content)) + content)
    with pytest.raises(UndecodableError):
        list(iter_records(batch))


def test_captured_records_count_as_their_headers_say(requests: Any) -> None:
    from ackdrop.kafka.headers import request_header
    from ackdrop.kafka.produce import parse_request

    ids: dict[str, list[Record]] = {}
    for seen in requests:
        if seen.api_key != 0:
            continue
        for entry in parse_request(seen.frame, request_header(seen.frame)).entries:
            for batch in iter_batches(memoryview(seen.frame)[entry.start : entry.end]):
                found = list(iter_records(batch))
                assert len(found) == batch.header.records
                assert [one.offset_delta for one in found] == list(range(len(found)))
                ids.setdefault(seen.file, []).extend(found)
    for name in ("gzip", "snappy", "lz4", "zstd"):
        records = ids[f"redpanda-22.3.25-codec-{name}"]
        assert sorted(int(one.headers[0][1] or b"") for one in records) == list(range(60))
        assert all(one.value == b"value-%d " % int(one.headers[0][1] or b"") * 5 for one in records)
    assert [one.value for one in ids["redpanda-22.3.25-kafka-python-idempotence-off-close"]] == [
        b"id-0", b"id-1", b"id-2", b"id-2", b"id-3", b"id-4"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "records",
    [
        b"\x0e\x00\x00\x00\x01\x01\x00",  # claims 7 bytes, has 6
        b"\x0c\x00\x00\x00\x01\x01\x02",  # claims a header, has none
        b"\x0c\x00\x00\x00\x01\x01\x01",  # claims -1 headers
        b"\x0e\x00\x00\x00\x01\x01\x00\x00",  # has a byte after its end
        b"\x0c\x00\x00\x00\x03\x01\x00",  # a key of -2 bytes
        b"\x12\x00\x00\x00\x01\x01\x02\x01\x01\x00",  # a header without a name
        b"\x0c\x00\x00\x00\x01\x01\x00" * 2,  # two, where the header says one
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"",
    ],
)
def test_records_that_contradict_themselves(make_batch: Any, records: bytes) -> None:
    (batch,) = iter_batches(make_batch(records, 1))
    with pytest.raises(UndecodableError):
        list(iter_records(batch))


def test_the_least_record(make_batch: Any) -> None:
    (batch,) = iter_batches(make_batch(b"\x0c\x00\x00\x00\x01\x01\x00", 1, timestamps=(9, 9)))
    assert list(iter_records(batch)) == [Record(0, 9, None, None, ())]
