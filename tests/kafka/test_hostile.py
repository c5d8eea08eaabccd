"""Whatever bytes arrive: nothing but WireError, and soon."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import WireError
from ackdrop.kafka.addresses import MAX_VERSIONS, clamp_api_versions, cluster_nodes, rewrite, topic_ids
from ackdrop.kafka.batches import decompress, iter_batches
from ackdrop.kafka.frames import split
from ackdrop.kafka.headers import correlation_id, request_header, response_body_at, software
from ackdrop.kafka.produce import parse_request, parse_response, with_errors
from ackdrop.kafka.records import iter_records

SOME = settings(deadline=None, max_examples=300)
ROUTING = sorted({*MAX_VERSIONS, 19})


def read_request(frame: bytes) -> None:
    """All that is ever done to a request."""
    header = request_header(memoryview(frame))
    software(frame, header)
    if header.api_key != 0:
        return
    for entry in parse_request(frame, header).entries:
        assert 0 <= entry.start <= entry.end <= len(frame)
        read_batches(frame[entry.start : entry.end])


def read_batches(data: bytes) -> None:
    for batch in iter_batches(memoryview(data)):
        try:
            decompress(batch)
            list(iter_records(batch))
        except WireError:
            continue


def read_response(api_key: int, version: int, frame: bytes) -> None:
    """All that is ever done to a response."""
    correlation_id(frame)
    response_body_at(frame, api_key, version)
    attempts = [
        lambda: rewrite(api_key, version, frame, lambda node, host, port: ("proxy.example", 1)),
        lambda: cluster_nodes(api_key, version, frame),
        lambda: topic_ids(api_key, version, frame),
    ]
    if api_key == 0:
        attempts.append(lambda: with_errors(frame, version, parse_response(frame, version), 7))
    if api_key == 18:
        attempts.append(lambda: clamp_api_versions(frame, version))
    for attempt in attempts:
        try:
            attempt()
        except WireError:
            continue


def quietly(read: Any, *arguments: Any) -> None:
    try:
        read(*arguments)
    except WireError:
        return


@SOME
@given(st.binary(max_size=200))
def test_random_bytes(data: bytes) -> None:
    quietly(split, data)
    quietly(read_request, data)
    quietly(read_batches, data)
    quietly(read_response, 3, 9, data)


@SOME
@given(st.integers(-1, 14), st.binary(max_size=200))
def test_random_bytes_behind_a_good_request_header(framed: Any, version: int, data: bytes) -> None:
    quietly(read_request, framed(struct.pack(">hhih", 0, version, 1, -1) + data))


@SOME
@given(st.sampled_from([*ROUTING, 18]), st.integers(-1, 19), st.binary(max_size=200))
def test_random_bytes_behind_a_good_response_header(framed: Any, key: int, version: int, data: bytes) -> None:
    quietly(read_response, key, version, framed(struct.pack(">i", 1) + data))


@SOME
@given(st.sampled_from([0, 1, 2]), st.integers(0, 7), st.binary(max_size=100))
def test_random_bytes_in_a_batch(make_batch: Any, magic: int, attributes: int, data: bytes) -> None:
    batch = bytearray(make_batch(data, len(data) // 7, attributes=attributes))
    batch[16] = magic
    if magic < 2:
        batch[17] = attributes
    quietly(read_batches, bytes(batch))


def mutated(data: st.DataObject, frame: bytes) -> bytes:
    """The frame with a few bytes changed, and perhaps cut; its length is right more often than not."""
    changed = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    if data.draw(st.booleans()):
        del changed[data.draw(st.integers(4, len(changed))) :]
    if data.draw(st.booleans()):
        struct.pack_into(">i", changed, 0, len(changed) - 4)
    return bytes(changed)


@SOME
@given(data=st.data())
def test_mutated_captured_requests(requests: Any, data: st.DataObject) -> None:
    quietly(read_request, mutated(data, data.draw(st.sampled_from(requests)).frame))


@SOME
@given(data=st.data())
def test_mutated_captured_responses(responses: Any, data: st.DataObject) -> None:
    seen = data.draw(st.sampled_from(responses))
    quietly(read_response, seen.api_key, seen.api_version, mutated(data, seen.frame))


@SOME
@given(data=st.data())
def test_mutated_responses_of_every_routing_version(arbitrary: Any, data: st.DataObject) -> None:
    api, newest = data.draw(
        st.sampled_from(
            [("metadata", 13), ("find_coordinator", 6), ("describe_cluster", 2), ("produce", 13), ("fetch", 18)]
        )
    )
    version = data.draw(st.integers(0, newest))
    message, frame = arbitrary(data, api, "Response", version)
    quietly(read_response, message.API_KEY, version, mutated(data, frame))


@SOME
@given(data=st.data())
def test_mutated_requests_of_every_produce_version(arbitrary: Any, make_batch: Any, data: st.DataObject) -> None:
    version = data.draw(st.integers(0, 13))
    _, frame = arbitrary(data, "produce", "Request", version, records=st.just(make_batch(b"x", 1)))
    quietly(read_request, mutated(data, frame))


@pytest.mark.parametrize("at", [8, 16, 22, 57])
def test_every_byte_of_a_captured_batch(requests: Any, at: int) -> None:
    """All values of the bytes that say how a batch is to be read."""
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        frame = next(one.frame for one in requests if one.file.endswith(codec) and one.api_key == 0)
        entry = parse_request(frame, request_header(frame)).entries[0]
        for value in range(256):
            batch = bytearray(frame[entry.start : entry.end])
            batch[at] = value
            quietly(read_batches, bytes(batch))
