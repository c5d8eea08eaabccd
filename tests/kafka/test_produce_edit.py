"""Produce requests and answers with partitions taken out and put in, judged by kafka-python's own decoding."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import MAX_VERSION, ProduceRequest, parse_request
from ackdrop.kafka.produce_edit import error_answer, merged, patched, without

VERSIONS = range(MAX_VERSION + 1)
QUICK = settings(deadline=None, max_examples=8)


def decoded(frame: bytes, version: int) -> Any:
    """The request as kafka-python reads it."""
    header = request_header(frame)
    return bodies._message_class("produce", "Request").decode(memoryview(frame)[header.body :], version=version)


def answered(frame: bytes, version: int) -> Any:
    assert int.from_bytes(frame[:4], "big") == len(frame) - 4
    return bodies.decode_response("produce", version, frame)


def parsed(frame: bytes) -> ProduceRequest:
    return parse_request(frame, request_header(frame))


def asked(message: Any, version: int) -> list[tuple[object, int, bytes]]:
    """(topic, partition, records) of each partition."""
    return [
        (name(topic, version), each.index, bytes(each.records or b""))
        for topic in message.topic_data
        for each in topic.partition_data
    ]


def told(message: Any, version: int) -> list[tuple[object, Any]]:
    """(topic, partition's answer) of each partition."""
    return [(name(topic, version), each) for topic in message.responses for each in topic.partition_responses]


def name(topic: Any, version: int) -> object:
    return topic.topic_id if version >= 13 else topic.name


@st.composite
def some(draw: st.DrawFn, entries: Any) -> list[Any]:
    """Some of these, at least one."""
    picked = draw(st.lists(st.booleans(), min_size=len(entries), max_size=len(entries)))
    return [entry for entry, taken in zip(entries, picked, strict=True) if taken] or list(entries[:1])


@pytest.fixture
def drawn(arbitrary: Any, make_batch: Any) -> Any:
    """`drawn(data, version)`: a request of kafka-python's with tagged fields or not, and no partition twice."""

    def draw(data: st.DataObject, version: int) -> tuple[Any, bytes]:
        batches = [make_batch(b"x" * size, size, producer=(size, 1, 2)) for size in (0, 1, 200)]
        records = st.sampled_from([*batches, b""]) | st.none()
        message, frame = arbitrary(data, "produce", "Request", version, records=records)
        keys = [key[:2] for key in asked(message, version)]
        if not keys or len(set(keys)) < len(keys) or len({topic for topic, _ in keys}) < len(message.topic_data):
            topics = [
                {"name": "ab", "topic_id": None, "partition_data": [{"index": 3, "records": batches[1]}, {"index": 0}]},
                {"name": "c", "topic_id": None, "partition_data": [{"index": 3, "records": batches[2]}]},
            ]
            if version >= 13:
                topics = topics[:1]
            frame = bodies.encode_request("produce", version, 9, "me", acks=-1, timeout_ms=30, topic_data=topics)
            message = decoded(frame, version)
        return message, frame

    return draw


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_without_some_of_its_partitions(drawn: Any, version: int) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = drawn(data, version)
        request = parsed(frame)
        gone = data.draw(some(request.entries))
        left = without(memoryview(frame), request_header(frame), request, gone)
        kept = [entry for entry in request.entries if entry not in gone]
        assert request_header(left)[:4] == request_header(frame)[:4]
        again = decoded(left, version)
        expected = [each for each, entry in zip(asked(message, version), request.entries, strict=True) if entry in kept]
        assert asked(again, version) == expected
        assert parsed(left)[:3] == request[:3]
        assert [entry.batch for entry in parsed(left).entries] == [entry.batch for entry in kept]

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_request_without_none_of_them_is_what_it_was(drawn: Any, version: int) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = drawn(data, version)
        same = without(frame, request_header(frame), parsed(frame), [])
        assert asked(decoded(same, version), version) == asked(message, version)

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_whole_answer_of_errors(drawn: Any, version: int) -> None:
    @QUICK
    @given(st.data(), st.integers(-1, 120), st.integers(-(2**31), 2**31 - 1))
    def check(data: st.DataObject, code: int, number: int) -> None:
        message, frame = drawn(data, version)
        answer = answered(error_answer(version, number, parsed(frame).entries, code), version)
        assert [(topic, each.index) for topic, each in told(answer, version)] == [
            key[:2] for key in asked(message, version)
        ]
        for _, each in told(answer, version):
            assert (each.error_code, each.base_offset, each.log_append_time_ms, each.log_start_offset) == (
                (code, -1, -1, -1)
            )
            assert (each.record_errors, each.error_message) == ([], None)
        assert answer.throttle_time_ms == 0

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_are_merged_into_the_brokers_answer(drawn: Any, version: int) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = drawn(data, version)
        entries = parsed(frame).entries
        gone = data.draw(some(entries))
        broker = brokers_answer(data, message, version, [entry in gone for entry in entries])
        before = told(answered(broker, version), version)
        after = answered(merged(memoryview(broker), version, entries, gone, 7), version)
        keys = [(topic, each.index) for topic, each in told(after, version)]
        assert keys == [key[:2] for key in asked(message, version)]
        plain = {(topic, each.index): each.to_dict() for topic, each in before}
        for (topic, each), entry in zip(told(after, version), entries, strict=True):
            if entry in gone:
                assert (each.error_code, each.base_offset) == (7, -1)
            else:
                assert each.to_dict() == plain[topic, each.index]
        assert after.throttle_time_ms == answered(broker, version).throttle_time_ms

    check()


def brokers_answer(data: st.DataObject, message: Any, version: int, gone: list[bool]) -> bytes:
    """An answer for the partitions that went on, with messages and record errors, as kafka-python writes it."""
    left = iter(gone)
    topics = []
    for topic in message.topic_data:
        answers = [
            {
                "index": each.index,
                "error_code": data.draw(st.sampled_from([0, 6])),
                "base_offset": data.draw(st.integers(0, 2**40)),
                **(reasons(data) if version >= 8 else {}),
            }
            for each in topic.partition_data
            if not next(left)
        ]
        if answers:
            topics.append({"name": topic.name, "topic_id": topic.topic_id, "partition_responses": answers})
    response = bodies._message_class("produce", "Response")
    fields = {"responses": topics, "throttle_time_ms": data.draw(st.integers(0, 9))}
    return bodies.encode_response(bodies._build(response, response._struct, version, fields), "produce", version, 5)


def reasons(data: st.DataObject) -> dict[str, object]:
    """Why a broker refuses a batch (KIP-467)."""
    one = {"batch_index": 1, "batch_index_error_message": "no"}
    return {
        "record_errors": [one] * data.draw(st.integers(0, 2)),
        "error_message": data.draw(st.none() | st.just("because")),
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("timeout", "acks"), [(5, None), (None, 0), (7, 1), (None, -1)])
def test_fields_are_patched(drawn: Any, version: int, timeout: int | None, acks: int | None) -> None:
    @QUICK
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = drawn(data, version)
        changed = patched(memoryview(frame), request_header(frame), timeout, acks)
        after = decoded(changed, version)
        assert after.acks == (message.acks if acks is None else acks)
        assert after.timeout_ms == (message.timeout_ms if timeout is None else timeout)
        assert asked(after, version) == asked(message, version)
        assert len(changed) == len(frame)

    check()


@pytest.mark.parametrize("version", VERSIONS)
def test_an_answer_that_cannot_be_read_cannot_be_merged(version: int) -> None:
    with pytest.raises(UndecodableError):
        merged(b"\0\0\0\x09\0\0\0\x01\0\0\0\x05x", version, [], [], 7)
