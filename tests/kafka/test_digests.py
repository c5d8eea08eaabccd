"""The digests of records, against batches that two client libraries write and a digest that is made by hand."""

from __future__ import annotations

import struct
import warnings
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh64_intdigest

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import iter_batches
from ackdrop.kafka.digests import _any, dated, digests
from ackdrop.kafka.records import iter_records

SALT = 0x1234_5678_9ABC_DEF0
LOG_APPEND = 0x08
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
HEADERS = st.lists(st.tuples(TEXT, st.binary(max_size=5)), max_size=3)
BYTES = st.none() | st.binary(max_size=90) | st.integers(60, 9000).map(bytes)
TIMES = st.integers(0, 1 << 42) | st.integers(1_000_000, 1_000_300)
RECORDS = st.lists(st.tuples(TIMES, BYTES, BYTES, HEADERS), min_size=1, max_size=6)


def kafka_python(magic: int, codec: int, records: list[Any]) -> bytes:
    bodies._rooms()
    builder = import_module("kafka.record.memory_records").MemoryRecordsBuilder(magic, codec, 1 << 20)
    for timestamp, key, value, headers in records:
        assert builder.append(timestamp, key, value, headers if magic == 2 else []) is not None
    builder.close()
    return bytes(builder.buffer())


def aiokafka(magic: int, codec: int, records: list[Any]) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if magic == 2:
            made = import_module("aiokafka.record.default_records")
            builder = made.DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 20)
        else:
            made = import_module("aiokafka.record.legacy_records")
            builder = made.LegacyRecordBatchBuilder(magic, codec, 1 << 20)
    for offset, (timestamp, key, value, headers) in enumerate(records):
        extra = {"headers": headers} if magic == 2 else {}
        assert builder.append(offset, timestamp if magic else None, key, value, **extra) is not None
    return bytes(builder.build())


def zigzag(number: int) -> bytes:
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def sized(part: bytes | None) -> bytes:
    return zigzag(-1) if part is None else zigzag(len(part)) + part


def by_hand(timestamp: int, key: bytes | None, value: bytes | None, headers: Any, seed: int = SALT) -> int:
    tail = sized(key) + sized(value) + zigzag(len(headers))
    tail += b"".join(sized(name.encode()) + sized(content) for name, content in headers)
    return xxh64_intdigest(tail, (seed + timestamp) % (1 << 64))


def assert_digested(batches: list[Any], records: list[Any]) -> None:
    found = [digests(batch, SALT) for batch in batches]
    assert [stamp for each in found for stamp in each.timestamps] == [record[0] for record in records]
    seen: list[Any] = []
    for digest, record in zip((one for each in found for one in each.digests), records, strict=True):
        first = record not in seen or len(batches) == len(records)
        assert (digest == by_hand(*record)) is first
        seen.append(record)
    for batch in batches:
        assert digests(batch, SALT)[:2] == (*told(batch),)


def told(batch: Any) -> tuple[list[int], list[int]]:
    """The same by the general way, which knows nothing of the fast one."""
    from ackdrop.kafka.digests import told_apart

    found = _any(batch, SALT)
    return told_apart(found.digests), found.timestamps


@pytest.mark.parametrize(
    ("client", "codec"), [(kafka_python, 0), (kafka_python, 1), *((aiokafka, n) for n in range(5))]
)
@settings(deadline=None, max_examples=30)
@given(records=RECORDS)
def test_every_record_of_a_batch_is_known_by_all_that_it_says(client: Any, codec: int, records: list[Any]) -> None:
    assert_digested(list(iter_batches(client(2, codec, records))), records)


@pytest.mark.parametrize("codec", [0, 1])
@pytest.mark.parametrize("magic", [0, 1])
@settings(deadline=None, max_examples=20)
@given(records=RECORDS)
def test_messages_of_old_magic_are_known_as_records_are(magic: int, codec: int, records: list[Any]) -> None:
    plain = [(stamp if magic else -1, key, value, ()) for stamp, key, value, _ in records]
    assert_digested(list(iter_batches(kafka_python(magic, codec, records))), plain)


@pytest.mark.parametrize(("magic", "codec"), [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)])
def test_old_messages_in_every_codec(magic: int, codec: int) -> None:
    records = [(5, b"k", b"a" * 50, ()), (6, None, b"b" * 50, ())]
    (batch,) = iter_batches(aiokafka(magic, codec, records))
    plain = [(stamp if magic else -1, key, value, ()) for stamp, key, value, _ in records]
    assert_digested([batch], plain)


def test_a_batch_of_many_counts_on_through_every_length_of_an_offset() -> None:
    """Offset deltas take one byte up to 63, two up to 8191 and three from there on."""
    records = [(7, None, b"%d" % number, ()) for number in range(8300)]
    (batch,) = iter_batches(kafka_python(2, 0, records))
    found = digests(batch, SALT)
    assert found.deltas is None
    assert found.digests == [by_hand(*record) for record in records]


def test_equal_records_of_one_batch_are_told_apart_alike_in_every_copy() -> None:
    records = [(7, b"k", b"v", ())] * 3
    (batch,) = iter_batches(kafka_python(2, 0, records))
    found = digests(batch, SALT).digests
    assert len(set(found)) == 3
    assert found[0] == by_hand(*records[0])
    assert digests(batch, SALT).digests == found


def test_the_brokers_time_is_left_out() -> None:
    def at(time: int) -> Any:
        data = bytearray(kafka_python(2, 0, [(time, b"k", b"v", ())]))
        data[22] |= LOG_APPEND
        struct.pack_into(">q", data, 35, time + 5)
        (batch,) = iter_batches(data)
        return digests(batch, SALT)

    assert at(100).digests == at(200).digests == [by_hand(0, b"k", b"v", ())]
    assert (at(100).timestamps, at(200).timestamps) == ([105], [205])


def test_another_salt_gives_other_digests() -> None:
    (batch,) = iter_batches(kafka_python(2, 0, [(7, b"k", b"v", ())]))
    assert digests(batch, SALT).digests != digests(batch, SALT + 1).digests


@pytest.mark.parametrize("salt", [SALT, 3102629781261208708, 0])
def test_short_records_that_differ_are_known_apart_whenever_they_were_made(salt: int) -> None:
    """Of two records with a digit or two each, a time may not undo by what they differ."""
    tails = [sized(None) + sized(b"%d" % number) + zigzag(0) for number in range(100)]
    begin = 1_795_842_706_000
    seen = {dated(tail, salt + begin + later) for tail in tails for later in range(2000)}
    assert len(seen) == 100 * 2000


def test_offsets_with_holes_are_kept(make_batch: Any) -> None:
    """What compaction leaves: the header counts fewer records than offsets."""
    body = b"".join(b"\x0e\x00\x00" + zigzag(delta) + b"\x01\x02v\x00" for delta in (0, 3, 4))
    (batch,) = iter_batches(make_batch(body, 3, timestamps=(9, 9)))
    found = digests(batch, SALT)
    assert (found.deltas, found.timestamps) == ([0, 3, 4], [9, 9, 9])
    assert found.digests[0] == by_hand(9, None, b"v", ())


@pytest.mark.parametrize(
    "body",
    [
        b"\x0c\x00\x00\x00\x01\x01",  # ends too early
        b"\x0c\x00\x00\x00\x01\x01\x00\x00",  # has a byte after its end
        b"\x0b\x00\x00\x00\x01\x01\x00",  # a length below zero
        b"\x04\x00\x00\x00",  # ends before its offset
        b"\x0c\x00\x80",  # a delta without an end
        b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
        b"",
    ],
)
def test_records_that_contradict_themselves(make_batch: Any, body: bytes) -> None:
    (batch,) = iter_batches(make_batch(body, 1))
    with pytest.raises(UndecodableError):
        digests(batch, SALT)


@settings(max_examples=300)
@given(body=st.binary(max_size=60), count=st.integers(0, 4), attributes=st.sampled_from([0, 1, 2, 3, 4, 8]))
def test_whatever_stands_there_ends_in_digests_or_in_an_error(
    make_batch: Any, body: bytes, count: int, attributes: int
) -> None:
    (batch,) = iter_batches(make_batch(body, count, attributes=attributes))
    try:
        found = digests(batch, SALT)
    except UndecodableError:
        return
    assert len(found.digests) == len(found.timestamps) == count


def test_no_batch_is_refused_that_can_be_decoded(requests: Any) -> None:
    """Every captured batch: as many digests as records, and the same ones for the same records."""
    from ackdrop.kafka.headers import request_header
    from ackdrop.kafka.produce import parse_request

    for seen in requests:
        if seen.api_key == 0:
            for entry in parse_request(seen.frame, request_header(seen.frame)).entries:
                for batch in iter_batches(memoryview(seen.frame)[entry.start : entry.end]):
                    expected = [by_hand(*record[1:]) for record in iter_records(batch)]
                    assert digests(batch, SALT).digests == expected
