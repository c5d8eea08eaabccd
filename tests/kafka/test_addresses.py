from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import UndecodableError
from ackdrop.kafka import bodies
from ackdrop.kafka.addresses import (
    MAX_VERSIONS,
    clamp_api_versions,
    cluster_nodes,
    rewrite,
    topic_ids,
)
from ackdrop.kafka.apis import api_key, api_name
from ackdrop.kafka.primitives import encode_uvarint

PRODUCE, METADATA, FIND_COORDINATOR, API_VERSIONS = 0, 3, 10, 18
CREATE_TOPICS, SHARE_FETCH, SHARE_ACKNOWLEDGE = 19, 78, 79
OF_KAFKA_PYTHON = [
    (name, version)
    for name in ("metadata", "find_coordinator", "describe_cluster", "produce", "fetch")
    for version in range(MAX_VERSIONS[api_key(name)] + 1)
]
FIRST_WITH_ADDRESSES = {"produce": 10, "fetch": 16}


def translate(node: int, host: str, port: int) -> tuple[str, int]:
    return f"node{node % 1000}.proxy.example", port ^ 1


def translated(value: Any) -> Any:
    """The same for what kafka-python decoded, in any depth."""
    if isinstance(value, list):
        return [translated(one) for one in value]
    if not isinstance(value, dict):
        return value
    changed = {name: translated(one) for name, one in value.items()}
    if value.get("host") and value["port"] > 0:
        node = value["broker_id"] if "broker_id" in value else value["node_id"]
        changed["host"], changed["port"] = translate(node, value["host"], value["port"])
    return changed


def addresses(value: Any) -> list[tuple[int, str, int]]:
    """(node id, host, port) in what kafka-python decoded, where both are there."""
    if isinstance(value, list):
        return [one for item in value for one in addresses(item)]
    if not isinstance(value, dict):
        return []
    found = [one for item in value.values() for one in addresses(item)]
    if value.get("host") and value["port"] > 0:
        found.append((value.get("broker_id", value.get("node_id")), value["host"], value["port"]))
    return found


@pytest.mark.parametrize(("api", "version"), OF_KAFKA_PYTHON)
def test_rewriting_translates_the_addresses_and_nothing_else(arbitrary: Any, api: str, version: int) -> None:
    @settings(deadline=None, max_examples=12)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, frame = arbitrary(data, api, "Response", version)
        before = bodies.decode_response(api, version, frame).to_dict(json=False)
        after = rewrite(api_key(api), version, memoryview(frame), translate)
        if version < FIRST_WITH_ADDRESSES.get(api, 0):
            assert after is None
            return
        assert cluster_nodes(api_key(api), version, frame) == addresses(before)
        assert (after is None) == (addresses(before) == [])
        if after is not None:
            assert bodies.decode_response(api, version, after).to_dict(json=False) == translated(before)
            assert struct.unpack_from(">i", after) == (len(after) - 4,)

    check()


@pytest.mark.parametrize(("api", "version"), OF_KAFKA_PYTHON)
def test_rewriting_back_gives_the_original_bytes(arbitrary: Any, api: str, version: int) -> None:
    @settings(deadline=None, max_examples=5)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        _, frame = arbitrary(data, api, "Response", version)
        nodes = cluster_nodes(api_key(api), version, frame)
        there = rewrite(api_key(api), version, frame, lambda node, host, port: (host + "x" * 200, port))
        assert (there is None) == (nodes == [])
        if there is not None:
            assert rewrite(api_key(api), version, there, lambda node, host, port: (host[:-200], port)) == frame

    check()


def test_captured_addresses_are_translated_and_back(responses: Any) -> None:
    rewritten: dict[str, int] = {}
    for seen in responses:
        there = rewrite(seen.api_key, seen.api_version, seen.frame, lambda node, host, port: ("localhost", 9092 + node))
        if there is None:
            assert seen.api_key not in (METADATA, FIND_COORDINATOR)
            assert cluster_nodes(seen.api_key, seen.api_version, seen.frame) == []
            continue
        name = api_name(seen.api_key)
        rewritten[name] = rewritten.get(name, 0) + 1
        assert cluster_nodes(seen.api_key, seen.api_version, seen.frame) == [(0, "127.0.0.1", 39092)]
        assert cluster_nodes(seen.api_key, seen.api_version, there) == [(0, "localhost", 9092)]
        back = rewrite(seen.api_key, seen.api_version, there, lambda node, host, port: ("127.0.0.1", 39092))
        assert back == seen.frame
    assert rewritten == {"metadata": 67, "find_coordinator": 6}


def test_an_address_that_stays_needs_no_new_frame(responses: Any) -> None:
    for seen in responses:
        assert rewrite(seen.api_key, seen.api_version, seen.frame, lambda node, host, port: (host, port)) is None


def answer(api: str, version: int, **fields: object) -> bytes:
    message_class = bodies._message_class(api, "Response")
    message = bodies._build(message_class, message_class._struct, version, fields)
    message.with_header(correlation_id=5)
    return bytes(message.encode(header=True, framed=True))


@pytest.mark.parametrize("version", range(4))
def test_no_coordinator_is_not_translated(version: int) -> None:
    frame = answer("find_coordinator", version, error_code=15, node_id=-1, host="", port=-1)
    assert rewrite(FIND_COORDINATOR, version, frame, translate) is None


@pytest.mark.parametrize("version", range(4, 7))
def test_of_many_coordinators_those_with_an_address_are_translated(version: int) -> None:
    coordinators = [
        {"key": "a", "node_id": -1, "host": "", "port": -1, "error_code": 15},
        {"key": "b", "node_id": 2, "host": "b", "port": 9092},
    ]
    frame = answer("find_coordinator", version, coordinators=coordinators)
    after = rewrite(FIND_COORDINATOR, version, frame, translate)
    assert after is not None
    assert cluster_nodes(FIND_COORDINATOR, version, after) == [(2, "node2.proxy.example", 9093)]


@pytest.mark.parametrize(
    ("api", "key", "version"), [("produce", 0, 10), ("produce", 0, 13), ("fetch", 1, 16), ("fetch", 1, 18)]
)
@pytest.mark.parametrize("nodes", [1, 3, 30])
def test_node_endpoints_grow_past_the_next_length_of_a_varint(api: str, key: int, version: int, nodes: int) -> None:
    endpoints = [{"node_id": node, "host": "h", "port": 9092, "rack": None} for node in range(nodes)]
    frame = answer(api, version, node_endpoints=endpoints)
    after = rewrite(key, version, frame, lambda node, host, port: ("h" * 100, port))
    assert after is not None
    decoded = bodies.decode_response(api, version, after)
    assert [(one.node_id, one.host) for one in decoded.node_endpoints] == [(node, "h" * 100) for node in range(nodes)]


def with_unknown_tags(frame: bytes, framed: Any) -> bytes:
    """The frame with one more tagged field of the whole message. It must end with an empty set of them."""
    assert frame.endswith(b"\x00")
    return framed(frame[4:-1] + b"\x01" + encode_uvarint(5000) + b"\x03abc")


@pytest.mark.parametrize(
    ("api", "version"), [("metadata", 9), ("metadata", 13), ("find_coordinator", 3), ("describe_cluster", 0)]
)
def test_unknown_tagged_fields_survive(framed: Any, api: str, version: int) -> None:
    nodes = [{"node_id": 1, "broker_id": 1, "host": "a", "port": 9092}]
    for node in nodes:
        del node["broker_id" if api == "metadata" else "node_id"]
    fields: dict[str, object] = {"brokers": nodes}
    if api == "find_coordinator":
        fields = {"node_id": 1, "host": "a", "port": 9092}
    frame = with_unknown_tags(answer(api, version, **fields), framed)
    after = rewrite(api_key(api), version, frame, lambda node, host, port: ("b" * 50, 1))
    assert after is not None
    assert after.endswith(b"\x01\x88\x27\x03abc")
    assert rewrite(api_key(api), version, after, lambda node, host, port: ("a", 9092)) == frame


def string(value: bytes | None) -> bytes:
    return encode_uvarint(0) if value is None else encode_uvarint(len(value) + 1) + value


def array(*elements: bytes) -> bytes:
    return encode_uvarint(len(elements) + 1) + b"".join(elements)


def node_endpoint(node: int, host: bytes, port: int, tags: bytes = b"\x00") -> bytes:
    return struct.pack(">i", node) + string(host) + struct.pack(">i", port) + string(None) + tags


def test_unknown_tagged_fields_beside_and_inside_known_ones_survive(framed: Any) -> None:
    """A Produce v12 answer: an unknown tag before, inside and after the node endpoints."""
    inside = b"\x01\x09\x02zz"

    def message(host: bytes, port: int) -> bytes:
        endpoints = array(node_endpoint(1, host, port, inside))
        tags = b"\x03" + b"\x00" + encode_uvarint(len(endpoints)) + endpoints + b"\x05\x01x" + b"\x06\x00"
        return framed(struct.pack(">i", 1) + b"\x00" + array() + struct.pack(">i", 0) + tags)

    assert rewrite(PRODUCE, 12, message(b"a", 1), lambda *_: ("b" * 300, 2)) == message(b"b" * 300, 2)
    assert rewrite(PRODUCE, 12, message(b"b" * 300, 2), lambda *_: ("a", 1)) == message(b"a", 1)


def test_a_known_tag_must_be_as_long_as_it_says(framed: Any) -> None:
    endpoints = array(node_endpoint(1, b"a", 1))
    for wrong in (len(endpoints) - 1, len(endpoints) + 1):
        tags = b"\x01\x00" + encode_uvarint(wrong) + endpoints + b"\x00"
        with pytest.raises(UndecodableError):
            rewrite(PRODUCE, 12, framed(struct.pack(">ib", 1, 0) + array() + struct.pack(">i", 0) + tags), translate)


def share_fetch(framed: Any, version: int, host: bytes, port: int, records: bytes = b"r" * 500) -> bytes:
    """A ShareFetch answer with two partitions, one with records, and an endpoint, written by hand."""
    leader = struct.pack(">ii", 1, 5) + b"\x00"
    acquired = array(struct.pack(">qqh", 0, 9, 1) + b"\x00")

    def partition(records: bytes, acquired: bytes) -> bytes:
        errors = struct.pack(">ih", 0, 6) + string(None) + struct.pack(">h", 0) + string(b"no")
        return errors + leader + records + acquired + b"\x00"

    partitions = array(partition(string(records), acquired), partition(string(b""), array()))
    topic = bytes(16) + partitions + b"\x00"
    head = struct.pack(">ibih", 9, 0, 0, 0) + string(None) + struct.pack(">i", 30000)
    return framed(head + array(topic) + array(node_endpoint(1, host, port)) + b"\x00")


@pytest.mark.parametrize("version", [1, 2])
def test_share_fetch(framed: Any, version: int) -> None:
    frame = share_fetch(framed, version, b"a", 9092)
    assert cluster_nodes(SHARE_FETCH, version, frame) == [(1, "a", 9092)]
    assert rewrite(SHARE_FETCH, version, frame, lambda *_: ("b" * 200, 1)) == share_fetch(
        framed, version, b"b" * 200, 1
    )


@pytest.mark.parametrize("version", [0, 1, 2])
def test_share_acknowledge(framed: Any, version: int) -> None:
    def message(host: bytes, port: int) -> bytes:
        lock = struct.pack(">i", 30000) if version >= 2 else b""
        partition = struct.pack(">ih", 0, 6) + string(b"moved") + struct.pack(">ii", 1, 5) + b"\x00" + b"\x00"
        topics = array(bytes(16) + array(partition) + b"\x00")
        head = struct.pack(">ibih", 9, 0, 0, 0) + string(None) + lock
        return framed(head + topics + array(node_endpoint(1, host, port)) + b"\x00")

    assert rewrite(SHARE_ACKNOWLEDGE, version, message(b"a", 9092), lambda *_: ("bb", 1)) == message(b"bb", 1)


@pytest.mark.parametrize(("key", "newest"), sorted(MAX_VERSIONS.items()))
def test_a_version_that_is_too_new_is_refused(framed: Any, key: int, newest: int) -> None:
    for version in (newest + 1, -1):
        with pytest.raises(UndecodableError):
            rewrite(key, version, framed(bytes(40)), translate)
        with pytest.raises(UndecodableError):
            cluster_nodes(key, version, framed(bytes(40)))


def test_the_early_access_of_share_fetch_is_refused(framed: Any) -> None:
    with pytest.raises(UndecodableError):
        rewrite(SHARE_FETCH, 0, share_fetch(framed, 0, b"a", 1), translate)


def test_apis_without_addresses_pass(framed: Any) -> None:
    for key in (CREATE_TOPICS, 22, 999):
        assert rewrite(key, 1, framed(b"anything"), translate) is None
        assert cluster_nodes(key, 1, framed(b"anything")) == []


@pytest.mark.parametrize(
    ("api", "version"), [("metadata", 5), ("metadata", 12), ("find_coordinator", 2), ("describe_cluster", 2)]
)
def test_an_answer_cut_anywhere_is_refused(framed: Any, api: str, version: int) -> None:
    fields: dict[str, object] = {"brokers": [{"host": "a", "port": 9092}]}
    if api == "metadata":
        fields["topics"] = [{"name": "t", "partitions": [{"replica_nodes": [1, 2]}]}]
    if api == "find_coordinator":
        fields = {"host": "a", "port": 9092}
    whole = answer(api, version, **fields)
    assert rewrite(api_key(api), version, whole, translate)
    for cut in range(8, len(whole)):
        with pytest.raises(UndecodableError):
            rewrite(api_key(api), version, framed(whole[4:cut]), translate)
    with pytest.raises(UndecodableError):
        rewrite(api_key(api), version, framed(whole[4:] + b"\x00"), translate)


@pytest.mark.parametrize("count", [-2, (1 << 31) - 1])
def test_absurd_counts_fail_fast(framed: Any, count: int) -> None:
    with pytest.raises(UndecodableError):
        rewrite(METADATA, 0, framed(struct.pack(">ii", 1, count) + bytes(100)), translate)
    with pytest.raises(UndecodableError):
        rewrite(
            METADATA, 0, framed(struct.pack(">iiihiiih", 1, 0, 1, 0, 0, 1, 0, 0) + struct.pack(">i", count)), translate
        )


@pytest.mark.parametrize(("api", "version"), [("metadata", 10), ("metadata", 13), ("create_topics", 7)])
def test_topic_ids_that_kafka_python_writes(arbitrary: Any, api: str, version: int) -> None:
    @settings(deadline=None, max_examples=25)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        message, frame = arbitrary(data, api, "Response", version)
        assert topic_ids(api_key(api), version, frame) == [
            (topic.name, topic.topic_id.bytes) for topic in message.topics if topic.name and topic.topic_id.int
        ]

    check()


def test_topics_that_do_not_exist_have_no_id() -> None:
    frame = answer(
        "metadata", 12, topics=[{"name": None, "topic_id": "00000000-0000-0000-0000-000000000007"}, {"name": "t"}]
    )
    assert topic_ids(METADATA, 12, frame) == []


def test_topic_ids_of_a_metadata_version_that_is_too_new(framed: Any) -> None:
    with pytest.raises(UndecodableError, match="metadata v14"):
        topic_ids(METADATA, 14, framed(bytes(40)))


def test_versions_without_topic_ids_give_none(framed: Any) -> None:
    for key, version in ((METADATA, 9), (CREATE_TOPICS, 6), (CREATE_TOPICS, 8), (PRODUCE, 13), (API_VERSIONS, 3)):
        assert topic_ids(key, version, framed(b"anything")) == []


NEW = [(0, 0, 20), (1, 4, 17), (3, 0, 13), (10, 0, 9), (18, 0, 5), (60, 0, 3), (78, 0, 3), (79, 1, 1), (22, 0, 99)]
CLAMPED = [(0, 0, 13), (1, 4, 17), (3, 0, 13), (10, 0, 6), (18, 0, 5), (60, 0, 2), (78, 1, 2), (79, 1, 1), (22, 0, 99)]


def api_versions(
    framed: Any, version: int, entries: list[tuple[int, int, int]], error: int = 0, tail: bytes = b""
) -> bytes:
    flexible = version >= 3
    packed = [struct.pack(">hhh", *entry) + (b"\x00" if flexible else b"") for entry in entries]
    count = encode_uvarint(len(entries) + 1) if flexible else struct.pack(">i", len(entries))
    throttle = struct.pack(">i", 7) if version >= 1 else b""
    tags = (tail or b"\x00") if flexible else b""
    return framed(struct.pack(">ih", 1, error) + count + b"".join(packed) + throttle + tags)


@pytest.mark.parametrize("version", range(6))
def test_no_version_is_advertised_that_cannot_be_rewritten(framed: Any, version: int) -> None:
    tail = b"\x02\x00\x03abc\x63\x00"
    frame = api_versions(framed, version, NEW, tail=tail)
    assert clamp_api_versions(memoryview(frame), version) == api_versions(framed, version, CLAMPED, tail=tail)
    assert clamp_api_versions(api_versions(framed, version, CLAMPED), version) is None


@pytest.mark.parametrize("version", [0, 4, 5, 999])
def test_the_answer_to_a_version_that_is_too_new_has_the_form_of_version_0(framed: Any, version: int) -> None:
    frame = api_versions(framed, 0, NEW, error=35)
    assert clamp_api_versions(frame, version) == api_versions(framed, 0, CLAMPED, error=35)


def test_another_error_keeps_the_form_of_its_version(framed: Any) -> None:
    assert clamp_api_versions(api_versions(framed, 4, [], error=42), 4) is None


def test_captured_api_versions_need_no_clamp(responses: Any) -> None:
    seen = [one for one in responses if one.api_key == API_VERSIONS]
    assert {one.api_version for one in seen} == {0, 3, 4}
    for one in seen:
        assert clamp_api_versions(one.frame, one.api_version) is None


def test_captured_api_versions_are_clamped_where_they_must_be(responses: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAX_VERSIONS, METADATA, 4)
    for one in responses:
        if one.api_key == API_VERSIONS:
            frame = clamp_api_versions(one.frame, one.api_version)
            assert frame is not None
            (metadata,) = (
                entry
                for entry in bodies.decode_response("api_versions", one.api_version, frame).api_keys
                if entry.api_key == METADATA
            )
            assert metadata.max_version == 4


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_api_versions_that_kafka_python_writes(arbitrary: Any, data: st.DataObject) -> None:
    version = data.draw(st.integers(0, 4))
    message, _ = arbitrary(data, "api_versions", "Response", version)
    message.error_code = 0
    frame = bytes(message.encode(header=True, framed=True))
    clamped = bodies.decode_response("api_versions", version, clamp_api_versions(frame, version) or frame)
    for before, after in zip(message.api_keys, clamped.api_keys, strict=True):
        assert after.max_version == min(before.max_version, MAX_VERSIONS.get(before.api_key, before.max_version))
        before.min_version, before.max_version = after.min_version, after.max_version
    assert clamped.to_dict() == message.to_dict()


@pytest.mark.parametrize("version", [0, 2, 4])
def test_api_versions_cut_anywhere_are_refused(framed: Any, version: int) -> None:
    whole = api_versions(framed, version, NEW)
    for cut in range(8, len(whole)):
        with pytest.raises(UndecodableError):
            clamp_api_versions(framed(whole[4:cut]), version)
    with pytest.raises(UndecodableError):
        clamp_api_versions(framed(whole[4:] + b"\x00"), version)
    with pytest.raises(UndecodableError):
        clamp_api_versions(framed(whole[4:]), -1)
