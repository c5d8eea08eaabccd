"""Our own tables of what a proxy asks, held against kafka-python's."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.errors import AckdropError, UndecodableError
from ackdrop.kafka import asked, bodies

BITS = "authorized_operations"
"""Kafka-python makes a set of bits of it; we do not look at it."""

PARTITIONS = [{"partition_index": 3, "timestamp": -2}, {"partition_index": 70000, "timestamp": -1}]
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("api_versions", {"client_software_name": "ackdrop", "client_software_version": "1.2"}),
    ("metadata", {"topics": []}),
    ("metadata", {"topics": [{"name": "a"}, {"name": "ö" * 300}], "allow_auto_topic_creation": False}),
    ("list_offsets", {"replica_id": -1, "isolation_level": 1, "topics": [{"name": "t", "partitions": PARTITIONS}]}),
]


def plain(value: Any) -> Any:
    """A body's values without its classes."""
    if isinstance(value, SimpleNamespace):
        return {name: plain(each) for name, each in vars(value).items() if name != BITS}
    return [plain(each) for each in value] if isinstance(value, list) else value


def told_by_both(ours: Any, theirs: Any) -> Any:
    """Theirs, without the fields that ours leaves out."""
    if isinstance(ours, SimpleNamespace):
        return {name: told_by_both(each, getattr(theirs, name)) for name, each in vars(ours).items() if name != BITS}
    if isinstance(ours, list):
        return [told_by_both(one, other) for one, other in zip(ours, theirs, strict=True)]
    return theirs


def test_the_newest_versions_are_those_that_are_known_elsewhere() -> None:
    assert {api: known.newest for api, known in asked.ASKED.items()} == {api: bodies.NEWEST(api) for api in asked.ASKED}


@pytest.mark.parametrize(("api", "fields"), REQUESTS)
def test_requests_are_the_same_bytes(api: str, fields: dict[str, Any]) -> None:
    for version in range(asked.ASKED[api].newest + 1):
        theirs = bodies.encode_request(api, version, 77, "me", **fields)
        assert asked.encode_request(api, version, 77, "me", **fields) == theirs, version


def test_all_topics_are_asked_for_by_null_and_one_by_its_id() -> None:
    from uuid import UUID

    for version in range(1, asked.ASKED["metadata"].newest + 1):
        assert asked.encode_request("metadata", version, 1, "me", topics=None) == bodies.encode_request(
            "metadata", version, 1, "me", topics=None
        )
    wanted = [{"topic_id": UUID(int=7), "name": None}]
    for version in (12, 13):
        assert asked.encode_request("metadata", version, 1, "me", topics=wanted) == bodies.encode_request(
            "metadata", version, 1, "me", topics=wanted
        )


@pytest.mark.parametrize("api", asked.ASKED)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_answers_are_read_alike(arbitrary: Any, api: str, data: Any) -> None:
    version = data.draw(st.integers(0, asked.ASKED[api].newest))
    message, frame = arbitrary(data, api, "Response", version)
    if api == "api_versions":
        message.error_code = 0
        frame = bytes(message.encode(header=True, framed=True))
    ours = asked.decode_response(api, version, frame)
    assert plain(ours) == told_by_both(ours, bodies.decode_response(api, version, frame))


def test_a_broker_that_does_not_know_the_version_answers_in_the_first_one() -> None:
    frame = bytes.fromhex("000000100000000100230000000100120000" + "0003")
    read = asked.decode_response("api_versions", 3, frame)
    assert (read.error_code, plain(read.api_keys)) == (35, [{"api_key": 18, "min_version": 0, "max_version": 3}])


def test_a_version_that_is_not_known_is_not_read() -> None:
    with pytest.raises(UndecodableError, match="metadata v14 is not known"):
        asked.decode_response("metadata", 14, bytes(40))


@pytest.mark.parametrize("api", asked.ASKED)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_is_cut_short_or_changed_is_an_error_of_ours(arbitrary: Any, api: str, data: Any) -> None:
    version = data.draw(st.integers(0, asked.ASKED[api].newest))
    _, whole = arbitrary(data, api, "Response", version)
    frame = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for at in data.draw(st.lists(st.integers(8, 200), max_size=4)):
        if at < len(frame):
            frame[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(AckdropError):
        asked.decode_response(api, version, bytes(frame))
    if len(frame) < len(whole) and frame == whole[: len(frame)]:
        with pytest.raises(AckdropError):
            asked.decode_response(api, version, bytes(frame))
