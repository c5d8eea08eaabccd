from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import (
    MAX_VERSION,
    BatchHeader,
    ProduceEntry,
    ProduceRequest,
    parse_request,
    parse_response,
    with_errors,
)

VERSIONS = range(MAX_VERSION + 1)
QUICK = settings(deadline=None, max_examples=25)


def topic_of(topic: Any, version: int) -> tuple[str | None, bytes | None]:
    if version < 13:
        return topic.name, None
    return None, bytes(16) if topic.topic_id is None else topic.topic_id.bytes


def request(version: int, *records: bytes | None, topic: str = "t", acks: int = -1) -> bytes:
    partitions = [{"index": number, "records": one} for number, one in enumerate(records)]
    topics = [{"name": topic, "topic_id": None, "partition_data": partitions}]
    return bodies.encode_request("produce", version, 1, "c", acks=acks, timeout_ms=30, topic_data=topics)


def parsed(frame: bytes) -> ProduceRequest:
    return parse_request(frame, request_header(frame))


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_that_kafka_python_writes(arbitrary: Any, make_batch: Any, version: int) -> None:
    batches = [make_batch(b"x" * size, size, producer=(size, 1, 2)) for size in (0, 1, 200)]

    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        records = st.sampled_from([*batches, b""]) | st.none()
        message, frame = arbitrary(data, "produce", "Request", version, records=records)
        request = parse_request(memoryview(frame), request_header(frame))
        expected_id = message.transactional_id if version >= 3 else None
        assert request[:3] == (expected_id, message.acks, message.timeout_ms)
        expected = [
            (*topic_of(topic, version), partition.index, partition.records or b"")
            for topic in message.topic_data
            for partition in topic.partition_data
        ]
        assert [(*entry[:3], frame[entry.start : entry.end]) for entry in request.entries] == expected
        for entry, (*_, batch) in zip(request.entries, expected, strict=True):
            count = 0 if entry.batch is None else entry.batch.records
            assert (entry.batch is None, count) == (not batch, max(len(batch) - 61, 0))

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_that_kafka_python_writes(arbitrary: Any, version: int) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = arbitrary(data, "produce", "Response", version)
        expected = [
            (*topic_of(topic, version), one.index, one.error_code, one.base_offset)
            for topic in message.responses
            for one in topic.partition_responses
        ]
        assert [answer[:5] for answer in parse_response(memoryview(frame), version)] == expected

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_are_put_into_the_named_answers_alone(arbitrary: Any, version: int) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, frame = arbitrary(data, "produce", "Response", version)
        answers = parse_response(frame, version)
        chosen = data.draw(st.sets(st.sampled_from(answers))) if answers else set()
        changed = with_errors(memoryview(frame), version, chosen, 7)
        expected = bodies.decode_response("produce", version, frame)
        for topic in expected.responses:
            for one in topic.partition_responses:
                key = (*topic_of(topic, version), one.index, one.error_code, one.base_offset)
                if any(answer[:5] == key for answer in chosen):
                    one.error_code, one.base_offset, one.log_append_time_ms, one.log_start_offset = 7, -1, -1, -1
        if len({answer[:5] for answer in answers}) == len(answers):
            assert bodies.decode_response("produce", version, changed).to_dict() == expected.to_dict()
        assert len(changed) == len(frame)

    check()


def test_every_captured_request_holds_one_whole_batch_per_partition(requests: Any) -> None:
    seen = [one.frame for one in requests if one.api_key == 0]
    assert len(seen) > 100
    for frame in seen:
        for entry in parsed(frame).entries:
            assert entry.batch is not None
            assert entry.batch.magic == 2
            assert entry.batch.length + 12 == entry.end - entry.start
            assert entry.batch.records == entry.batch.last_offset_delta + 1 > 0


def test_captured_idempotence_shows_on_the_wire(requests: Any) -> None:
    for one in requests:
        if one.api_key == 0 and "idempotence" in one.file:
            for entry in parsed(one.frame).entries:
                assert entry.batch is not None
                assert (entry.batch.producer_id >= 0) == ("idempotence-on" in one.file), one.file


def test_every_captured_answer_is_given_an_error_and_back(responses: Any) -> None:
    seen = [one for one in responses if one.api_key == 0]
    assert len(seen) > 100
    for one in seen:
        answers = parse_response(one.frame, one.api_version)
        assert all(answer.error == 0 and answer.base_offset >= 0 for answer in answers)
        changed = parse_response(with_errors(one.frame, one.api_version, answers, 7), one.api_version)
        assert changed == [answer._replace(error=7, base_offset=-1) for answer in answers]
        assert with_errors(one.frame, one.api_version, [], 7) == one.frame


def test_one_request_field_by_field(make_batch: Any) -> None:
    batch = make_batch(
        b"....", 3, base_offset=5, attributes=0x12, timestamps=(100, 200), producer=(4_000_000_000, 7, 42)
    )
    frame = request(7, batch, topic="orders")
    start = frame.index(batch)
    header = BatchHeader(5, len(batch) - 12, 2, 0, 0x12, 2, 100, 200, 4_000_000_000, 7, 42, 3)
    entry = ProduceEntry("orders", None, 0, header, start, start + len(batch))
    assert parsed(frame) == ProduceRequest(None, -1, 30, (entry,))


def test_only_the_first_batch_is_read(make_batch: Any) -> None:
    two = make_batch(b"", 1) + make_batch(b"", 2)
    (entry,) = parsed(request(7, two)).entries
    assert entry.batch is not None
    assert (entry.batch.records, entry.end - entry.start) == (1, len(two))


@pytest.mark.parametrize("magic", [0, 1])
def test_messages_of_old_magic_have_no_producer(magic: int) -> None:
    timestamp = struct.pack(">q", 99) if magic else b""
    content = struct.pack(">IBB", 1, magic, 0) + timestamp + struct.pack(">ii", -1, -1)
    (entry,) = parsed(request(2, struct.pack(">qi", 3, len(content)) + content)).entries
    at = 99 if magic else -1
    assert entry.batch == BatchHeader(3, len(content), magic, 1, 0, 0, at, at, -1, -1, -1, -1)


@pytest.mark.parametrize("version", [7, 9, 13])
def test_a_frame_cut_anywhere_is_refused(make_batch: Any, framed: Any, version: int) -> None:
    whole = request(version, make_batch(b"...", 1), None)
    message = whole[4:]
    body = request_header(whole).body
    assert body is not None
    for cut in range(body - 4, len(message)):
        frame = framed(message[:cut])
        with pytest.raises(UndecodableError):
            parsed(frame)


@pytest.mark.parametrize("version", [7, 9, 13])
def test_bytes_after_the_end_are_refused(make_batch: Any, framed: Any, version: int) -> None:
    with pytest.raises(UndecodableError):
        parsed(framed(request(version, make_batch())[4:] + b"\x00"))


@pytest.mark.parametrize("version", [0, 5, 8, 9, 13])
def test_an_answer_cut_anywhere_is_refused(arbitrary: Any, framed: Any, version: int) -> None:
    one = {"index": 1, "error_code": 0, "base_offset": 5}
    errors = [{"batch_index": 0, "batch_index_error_message": "bad"}] if version >= 8 else []
    topics = [{"name": "t", "partition_responses": [{**one, "record_errors": errors}]}]
    message = bodies._build(
        bodies._message_class("produce", "Response"),
        bodies._message_class("produce", "Response")._struct,
        version,
        {"responses": topics},
    )
    message.with_header(correlation_id=1)
    whole = bytes(message.encode(header=True, framed=True))
    assert len(parse_response(whole, version)) == 1
    for cut in range(8, len(whole)):
        with pytest.raises(UndecodableError):
            parse_response(framed(whole[4:cut]), version)
    with pytest.raises(UndecodableError):
        parse_response(framed(whole[4:] + b"\x00"), version)


@pytest.mark.parametrize("version", [-1, 14])
def test_unknown_versions(framed: Any, version: int) -> None:
    frame = framed(struct.pack(">hhihb", 0, version, 1, -1, 0))
    with pytest.raises(UndecodableError):
        parse_request(frame, request_header(frame))
    with pytest.raises(UndecodableError):
        parse_response(framed(bytes(20)), version)


@pytest.mark.parametrize("count", [-1, (1 << 31) - 1])
def test_absurd_counts_fail_fast(framed: Any, count: int) -> None:
    start = struct.pack(">hhihhhi", 0, 7, 1, -1, -1, -1, 30)
    for body in (struct.pack(">i", count), struct.pack(">ihcii", 1, 1, b"t", count, 0)):
        with pytest.raises(UndecodableError):
            parsed(framed(start + body))


def broken(batch: bytes, at: int, value: bytes) -> bytes:
    return batch[:at] + value + batch[at + len(value) :]


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (8, struct.pack(">i", 48)),
        (8, struct.pack(">i", 1000)),
        (8, struct.pack(">i", -1)),
        (16, b"\x03"),
        (16, b"\xff"),
        (57, struct.pack(">i", -1)),
    ],
)
def test_batches_that_contradict_themselves(make_batch: Any, at: int, value: bytes) -> None:
    with pytest.raises(UndecodableError):
        parsed(request(7, broken(make_batch(b"....", 1), at, value)))


@pytest.mark.parametrize("size", [1, 17, 25, 60])
def test_records_too_short_for_a_batch(make_batch: Any, size: int) -> None:
    with pytest.raises(UndecodableError):
        parsed(request(7, make_batch()[:size]))


def test_a_message_of_old_magic_that_claims_too_much() -> None:
    content = struct.pack(">IBBii", 1, 0, 0, -1, -1)
    for length in (13, 15):
        with pytest.raises(UndecodableError):
            parsed(request(2, struct.pack(">qi", 3, length) + content))
