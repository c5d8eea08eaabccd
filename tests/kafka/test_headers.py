from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError, WireError
from ackdrop.kafka import bodies
from ackdrop.kafka.apis import API_NAMES, FIRST_FLEXIBLE
from ackdrop.kafka.headers import RequestHeader, client_of, correlation_id, request_header, response_body_at, software

Framed = Callable[[bytes], bytes]


def request(framed: Framed, key: int, version: int, client: bytes, rest: bytes = b"") -> bytes:
    return framed(struct.pack(">hhi", key, version, 77) + client + rest)


def test_every_captured_request(requests: Any) -> None:
    for seen in requests:
        header = request_header(memoryview(seen.frame))
        assert (header.api_key, header.api_version) == (seen.api_key, seen.api_version)
        assert header.body is not None
        assert 14 <= header.body <= len(seen.frame)


def test_every_captured_request_names_its_software_where_it_can(requests: Any) -> None:
    names = {software(seen.frame, request_header(seen.frame)) for seen in requests}
    assert names == {
        "",
        "apache-kafka-java 4.3.1",
        "confluent-kafka-python 2.16.1-rdkafka-2.16.0",
        "kafka-python 3.0.12",
    }


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_headers_that_kafka_python_writes(arbitrary: Any, data: st.DataObject) -> None:
    api = data.draw(st.sampled_from(["produce", "api_versions", "metadata", "find_coordinator", "sasl_handshake"]))
    version = data.draw(st.integers(0, bodies.NEWEST(api)))
    message, frame = arbitrary(data, api, "Request", version, records=st.none())
    header = request_header(frame)
    written = message.header
    assert header[:4] == (message.API_KEY, version, written.correlation_id, written.client_id)
    assert frame[header.body :] == message.encode()


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_response_bodies_that_kafka_python_writes(arbitrary: Any, data: st.DataObject) -> None:
    api = data.draw(st.sampled_from(["produce", "api_versions", "metadata", "sasl_handshake"]))
    version = data.draw(st.integers(0, bodies.NEWEST(api)))
    message, frame = arbitrary(data, api, "Response", version)
    assert correlation_id(frame) == message.header.correlation_id
    assert frame[response_body_at(frame, message.API_KEY, version) :] == message.encode()


def test_a_client_without_an_id(framed: Framed) -> None:
    assert request_header(request(framed, 3, 1, b"\xff\xff")) == RequestHeader(3, 1, 77, None, 14)


def test_a_client_id_that_is_empty_or_not_utf8(framed: Framed) -> None:
    assert request_header(request(framed, 3, 1, b"\x00\x00")).client_id == ""
    assert request_header(request(framed, 3, 1, b"\x00\x01\xff")).client_id == "\N{REPLACEMENT CHARACTER}"


def test_header_tags_stand_before_a_flexible_body(framed: Framed) -> None:
    frame = request(framed, 3, 9, b"\x00\x01c", b"\x01\x07\x02ab" + b"body")
    assert frame[request_header(frame).body :] == b"body"


def test_an_unknown_api_has_no_body_that_we_know(framed: Framed) -> None:
    frame = request(framed, 999, 1, b"\x00\x01c", b"whatever")
    assert request_header(frame) == RequestHeader(999, 1, 77, "c", None)
    with pytest.raises(UndecodableError):
        response_body_at(framed(b"\x00\x00\x00\x01"), 999, 1)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        struct.pack(">hhi", 3, 1, 7),
        struct.pack(">hhih", 3, 1, 7, 5) + b"abcd",
        struct.pack(">hhih", 3, 1, 7, -2),
        struct.pack(">hhih", 3, 9, 7, -1),
        struct.pack(">hhih", 3, 9, 7, -1) + b"\x01\x00\x05",
    ],
)
def test_requests_that_contradict_themselves(framed: Framed, message: bytes) -> None:
    with pytest.raises(WireError):
        request_header(framed(message))


def test_the_length_must_be_the_frames() -> None:
    with pytest.raises(WireError):
        request_header(struct.pack(">ihhih", 11, 3, 1, 7, -1))
    with pytest.raises(WireError):
        correlation_id(struct.pack(">ii", 5, 1))
    with pytest.raises(WireError):
        correlation_id(b"\x00\x00\x00\x02\x00\x00")


def test_response_bodies(framed: Framed) -> None:
    frame = framed(struct.pack(">i", 9) + b"\x01\x07\x02ab" + b"body")
    assert correlation_id(frame) == 9
    assert response_body_at(frame, 3, 8) == 8
    assert frame[response_body_at(frame, 3, 9) :] == b"body"
    assert response_body_at(frame, 18, 4) == 8, "ApiVersions never has header tags (KIP-511)"
    assert set(FIRST_FLEXIBLE) == set(API_NAMES)


@pytest.mark.parametrize(
    ("version", "body", "name"),
    [
        (3, b"\x02a\x021\x00", "a 1"),
        (3, b"\x02a\x01\x00", "a"),
        (3, b"\x00\x00\x00", ""),
        (3, b"\x09a", ""),
        (3, b"", ""),
        (2, b"\x02a\x021\x00", ""),
    ],
)
def test_software(framed: Framed, version: int, body: bytes, name: str) -> None:
    tags = b"\x00" if version >= 3 else b""
    frame = request(framed, 18, version, b"\xff\xff", tags + body)
    assert software(frame, request_header(frame)) == name


class TestClientOf:
    """The client id, as soon as its bytes are there."""

    REQUEST = struct.pack(">ihhih", 14, 3, 1, 7, 4) + b"name"

    def test_it_takes_all_bytes_of_the_name(self) -> None:
        told = [client_of(self.REQUEST[:size]) for size in range(len(self.REQUEST) + 1)]
        assert told == [None] * len(self.REQUEST) + ["name"]

    def test_what_comes_after_does_not_matter(self) -> None:
        assert client_of(self.REQUEST + bytes(100)) == "name"

    @pytest.mark.parametrize(
        "data",
        [
            struct.pack(">ihhih", 10, 3, 1, 7, -1),
            struct.pack(">ihhi", 8, 3, 1, 7),
            struct.pack(">ihhih", 10, 3, 1, 7, 5) + b"names",
            b"\xff\xff\xff\xff",
        ],
    )
    def test_where_there_is_none_it_is_empty(self, data: bytes) -> None:
        assert client_of(data) == ""
