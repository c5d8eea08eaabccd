"""The probe's packets, read by code that knows nothing of scapy; and answers, made by kafka-python or by nobody."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.kafka import bodies
from ackdrop.kafka.batches import is_transactional, iter_batches
from ackdrop.kafka.checksums import batch_crc
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request
from ackdrop.kafka.records import iter_records
from ackdrop.probing import frames
from ackdrop.probing.model import Answer, Batch

TOPIC_ID = bytes(range(16))
PLACE = ("orders", TOPIC_ID, 3)
BATCH = Batch(1000, 2, 7, 3, "b", 1_700_000_000_000, transactional=True)


@pytest.mark.parametrize("version", range(3, frames.NEWEST["produce"] + 1))
def test_a_batch_as_it_goes(version):
    frame = frames.produce(version, 77, PLACE, BATCH, -1, "tx")
    header = request_header(frame)
    assert (header.api_key, header.api_version, header.correlation_id) == (0, version, 77)
    sent = parse_request(frame, header)
    assert (sent.acks, sent.transactional_id) == (-1, "tx")
    (entry,) = sent.entries
    assert (entry.topic, entry.topic_id, entry.partition) == (
        (None, TOPIC_ID, 3) if version >= 13 else ("orders", None, 3)
    )
    (batch,) = iter_batches(frame[entry.start : entry.end])
    told = batch.header
    assert (told.producer_id, told.producer_epoch, told.base_sequence, told.records) == (1000, 2, 7, 3)
    assert (told.base_timestamp, told.max_timestamp) == (BATCH.timestamp, BATCH.timestamp)
    assert told.crc == batch_crc(bytes(batch.data))
    assert is_transactional(told.attributes)
    assert [record.value for record in iter_records(batch)] == [b"b0", b"b1", b"b2"]


def test_the_same_batch_is_the_same_bytes():
    assert frames.produce(9, 1, PLACE, BATCH, 1) == frames.produce(9, 1, PLACE, BATCH, 1)


REQUESTS = [
    ("init_producer_id", lambda version: frames.init_producer_id(version, 5, "tx"), 6),
    ("find_coordinator", lambda version: frames.find_coordinator(version, 5, "tx"), 6),
    ("add_partitions_to_txn", lambda version: frames.add_partition(version, 5, "tx", (1000, 2), "orders", 3), 3),
    ("end_txn", lambda version: frames.end_txn(version, 5, "tx", (1000, 2)), 5),
]
MEANT = {
    "init_producer_id": {"transactional_id": "tx"},
    "find_coordinator": {"key": "tx", "key_type": 1, "coordinator_keys": ["tx"]},
    "add_partitions_to_txn": {
        "v3_and_below_transactional_id": "tx",
        "v3_and_below_producer_id": 1000,
        "v3_and_below_producer_epoch": 2,
        "v3_and_below_topics": [{"name": "orders", "partitions": [3]}],
    },
    "end_txn": {"transactional_id": "tx", "producer_id": 1000, "producer_epoch": 2, "committed": True},
}
"""The same requests as kafka-python would write them."""


@pytest.mark.parametrize(("api", "build", "newest"), REQUESTS, ids=[api for api, _, _ in REQUESTS])
def test_other_requests_are_those_that_kafka_python_writes(api, build, newest):
    for version in range(1 if api == "find_coordinator" else 0, min(newest, bodies.NEWEST(api)) + 1):
        fields = dict(MEANT[api])
        if api == "init_producer_id":
            fields |= {"transaction_timeout_ms": 60_000}
        theirs = bodies.encode_request(api, version, 5, "ackdrop-probe", **fields)
        assert build(version) == theirs, f"{api} v{version}"


def answered(api: str, version: int, **fields: object) -> memoryview:
    response = bodies._message_class(api, "Response")
    built = bodies._build(response, response._struct, version, fields)
    return memoryview(bodies.encode_response(built, api, version, 5))


@pytest.mark.parametrize("version", [3, 5, 8, 9, 10, 13])
def test_what_became_of_a_batch(version):
    entry = {"index": 0, "error_code": 45, "base_offset": -1, "error_message": "not that one"}
    topic = {"name": "orders", "partition_responses": [entry]}
    came = answered("produce", version, responses=[topic])
    assert frames.produced(version, came) == Answer(
        "answered", "OUT_OF_ORDER_SEQUENCE_NUMBER", -1, "not that one" if version >= 8 else None
    )


def test_who_a_producer_is():
    came = answered("init_producer_id", 3, error_code=0, producer_id=1000, producer_epoch=2)
    assert frames.granted(3, came) == (Answer("answered", "NONE"), (1000, 2))
    refused = answered("init_producer_id", 3, error_code=31, producer_id=-1, producer_epoch=-1)
    assert frames.granted(3, refused) == (Answer("answered", "CLUSTER_AUTHORIZATION_FAILED"), None)


@pytest.mark.parametrize("version", [1, 3, 4, 6])
def test_who_coordinates(version):
    one = {"key": "tx", "node_id": 2, "host": "a", "port": 1, "error_code": 0}
    fields = {"coordinators": [one]} if version >= 4 else {key: one[key] for key in one if key != "key"}
    answer, node = frames.coordinator(version, answered("find_coordinator", version, **fields))
    assert (answer.error, node) == ("NONE", 2)


READERS = [
    (frames.produced, 3, 13),
    (frames.granted, 0, 6),
    (frames.coordinator, 1, 6),
    (frames.added, 0, 3),
    (frames.ended, 0, 5),
]


@given(st.sampled_from(READERS), st.binary(max_size=60), st.data())
def test_an_answer_of_any_bytes_is_an_answer(reader, body, data):
    """Nothing that a broker says ends a probe."""
    read, first, last = reader
    version = data.draw(st.integers(first, last))
    frame = memoryview(struct.pack(">ii", len(body) + 4, 5) + body)
    came = read(version, frame)
    answer = came if isinstance(came, Answer) else came[0]
    assert answer.how in ("answered", "unreadable")
    if answer.text:
        answer.text.encode()


@pytest.mark.parametrize("version", [8, 9])
def test_no_topic_or_several_are_no_answer(version):
    entry = {"index": 0, "error_code": 0, "base_offset": 0}
    topic = {"name": "orders", "partition_responses": [entry]}
    for topics in ([], [topic, topic], [{"name": "orders", "partition_responses": []}]):
        assert frames.produced(version, answered("produce", version, responses=topics)).how == "unreadable"
    if version == 8:  # an array that is null where it may not be
        assert frames.produced(8, memoryview(struct.pack(">iiii", 12, 5, -1, 0))).how == "unreadable"
