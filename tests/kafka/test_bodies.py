from __future__ import annotations

import subprocess
import sys
import uuid
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError, WireError
from ackdrop.kafka import bodies
from ackdrop.kafka.apis import api_name
from ackdrop.kafka.headers import request_header

APIS = [
    "api_versions", "metadata", "list_offsets", "fetch", "create_topics", "delete_topics", "produce",
    "init_producer_id", "find_coordinator", "describe_cluster", "describe_producers",
]  # fmt: skip


@pytest.mark.parametrize("api", APIS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_answers_come_back_as_they_were_encoded(arbitrary: Any, api: str, data: Any) -> None:
    version = data.draw(st.integers(0, bodies.NEWEST(api)))
    message, frame = arbitrary(data, api, "Response", version)
    if api == "api_versions":
        message.error_code = 0
        frame = bytes(message.encode(header=True, framed=True))
    assert bodies.decode_response(api, version, frame).to_dict() == message.to_dict()


@pytest.mark.parametrize("api", APIS)
def test_requests_have_the_header_that_was_asked_for(api: str) -> None:
    for version in range(bodies.NEWEST(api) + 1):
        header = request_header(bodies.encode_request(api, version, 77, "me"))
        assert (api_name(header.api_key), header[1:4]) == (api, (version, 77, "me"))


def test_structures_are_given_as_dictionaries() -> None:
    partitions = [{"partition_index": 3, "timestamp": -2}]
    frame = bodies.encode_request(
        "list_offsets", 1, 5, "me", replica_id=-1, topics=[{"name": "t", "partitions": partitions}]
    )
    assert frame[request_header(frame).body :].hex() == "ffffffff000000010001740000000100000003" + "f" * 15 + "e"


def test_a_single_structure_is_given_as_a_dictionary() -> None:
    state = {"replica_id": 7, "replica_epoch": 9}
    frame = bodies.encode_request("fetch", 15, 5, "me", replica_state=state)
    assert (
        bodies._message_class("fetch", "Request").decode(frame[4 + 8 + 4 + 1 :], version=15).replica_state.replica_id
        == 7
    )


def test_a_captured_answer_of_every_api_is_read(responses: Any) -> None:
    for seen in responses:
        body = bodies.decode_response(api_name(seen.api_key), seen.api_version, memoryview(seen.frame))
        if seen.api_key == 3:
            assert [(one.node_id, one.host, one.port) for one in body.brokers] == [(0, "127.0.0.1", 39092)]


def test_topic_ids_are_uuids() -> None:
    response = bodies._message_class("metadata", "Response")
    topic_id = uuid.uuid4()
    topic = response.MetadataResponseTopic(name="t", topic_id=topic_id, partitions=[], version=12)
    message = response(version=12, topics=[topic])
    message.with_header(correlation_id=1)
    body = bodies.decode_response("metadata", 12, message.encode(header=True, framed=True))
    assert body.topics[0].topic_id == topic_id


def test_what_the_caller_gets_wrong() -> None:
    with pytest.raises(KeyError):
        bodies.encode_request("no_such_api", 0, 1, "me")
    with pytest.raises(ValueError, match="version"):
        bodies.encode_request("metadata", 99, 1, "me")
    with pytest.raises(ValueError, match="colour"):
        bodies.encode_request("metadata", 1, 1, "me", colour="red")
    with pytest.raises(UndecodableError):
        bodies.decode_response("metadata", 99, b"\x00\x00\x00\x04\x00\x00\x00\x01")


@pytest.mark.parametrize("api", APIS)
def test_a_frame_cut_short_is_a_wire_error_or_nothing(responses: Any, framed: Any, api: str) -> None:
    for version in range(bodies.NEWEST(api) + 1):
        with pytest.raises(WireError):
            bodies.decode_response(api, version, framed(b"\x00\x00\x00\x01\x00"))


def test_kafka_python_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, ackdrop.kafka.bodies, ackdrop.kafka.records; print({'kafka', 'cramjam'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout.strip() == b"set()"


def test_an_array_that_is_null_where_it_may_not_be_is_empty() -> None:
    """Metadata v12: no throttling, brokers null, no cluster id, no controller, one topic whose partitions are null."""
    topic = b"\0\0" + b"\2t" + bytes(16) + b"\0" + b"\0" + bytes(4) + b"\0"
    body = b"\0" + bytes(4) + b"\0" + b"\0" + bytes(4) + b"\2" + topic + b"\0"
    frame = (4 + len(body)).to_bytes(4, "big") + bytes(4) + body
    told = bodies.decode_response("metadata", 12, frame)
    assert told.brokers == []
    assert told.cluster_id is None
    assert [one.partitions for one in told.topics] == [[]]
