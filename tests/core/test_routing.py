"""Answers that are read or rewritten on the way, and those that are not."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.core.routing import wanted_whole
from ackdrop.kafka.addresses import MAX_VERSIONS
from ackdrop.observations import Attempt

FETCH, METADATA, API_VERSIONS, CREATE_TOPICS, SHARE_FETCH, HEARTBEAT = 1, 3, 18, 19, 78, 12
TOPIC_ID = bytes(range(16))


def moved(node: int, host: str, port: int) -> tuple[str, int]:
    return "proxy", 1000 + node


def test_metadata_tells_of_the_proxy(playbook: Callable[..., Any], frames: Any) -> None:
    line = playbook(translate=moved).connect()
    ask = frames.request(METADATA, 12, 1, tags=b"\0")
    assert line.client(ask) == [line.to_broker(ask)]
    answer = frames.metadata(1, [(1, "broker-1", 9092), (2, "b2", 9093)])
    assert line.broker(answer) == [line.to_client(frames.metadata(1, [(1, "proxy", 1001), (2, "proxy", 1002)]))]


def test_node_endpoints_of_a_produce_answer_tell_of_the_proxy(playbook: Callable[..., Any], frames: Any) -> None:
    """KIP-951: with error 6 the broker names the new leader."""
    play = playbook(translate=moved)
    line = play.connect()
    line.client(frames.produce(1, ("t", 0, frames.batch(frames.record(b"a"))), version=10))
    told = [("t", 0, 6, -1)]
    answer = frames.produced(1, *told, version=10, nodes=[(4, "somewhere.else", 9092)])
    assert line.broker(answer) == [line.to_client(frames.produced(1, *told, version=10, nodes=[(4, "proxy", 1004)]))]
    assert play.acks == [(1, "delivered", 6)]


@pytest.mark.parametrize(
    ("key", "version", "tags"), [(METADATA, 12, b"\0"), (METADATA, 99, b"\0"), (FETCH, 18, b"\0"), (FETCH, 99, b"\0")]
)
def test_a_routing_answer_that_cannot_be_read_is_never_passed_on(
    playbook: Callable[..., Any], frames: Any, key: int, version: int, tags: bytes
) -> None:
    play = playbook()
    line, other = play.connect(), play.connect()
    line.client(frames.request(key, version, 1, tags=tags), frames.request(HEARTBEAT, 0, 2))
    commands = line.broker(frames.answer(1, b"\0\xff\xff\xff"), frames.answer(2, b"next"))
    assert commands == [Close(1, Side.CLIENT, "fin"), Close(1, Side.BROKER, "fin")]
    assert play.undecoded == [(1, {METADATA: "metadata", FETCH: "fetch"}[key], True)]
    assert [closed[:3] for closed in play.closed] == [(1, "ackdrop", "fin")]
    ask = frames.request(HEARTBEAT, 0, 1)
    assert other.client(ask) == [other.to_broker(ask)]


def test_api_versions_offers_what_can_be_rewritten(playbook: Callable[..., Any], frames: Any) -> None:
    line = playbook().connect()
    line.client(frames.request(API_VERSIONS, 0, 1))
    table = [(FETCH, 0, 99), (METADATA, 0, 12), (HEARTBEAT, 0, 99)]

    def answer(rows: list[tuple[int, int, int]]) -> bytes:
        packed = b"".join(struct.pack(">hhh", *row) for row in rows)
        made: bytes = frames.answer(1, struct.pack(">hi", 0, len(rows)) + packed)
        return made

    clamped = [(FETCH, 0, MAX_VERSIONS[FETCH]), *table[1:]]
    assert line.broker(answer(table)) == [line.to_client(answer(clamped))]


def test_a_too_new_api_versions_request_is_answered_in_version_0(playbook: Callable[..., Any], frames: Any) -> None:
    """KIP-511: error 35, and the list in the form that any client reads."""
    play = playbook()
    line = play.connect()
    line.client(frames.request(API_VERSIONS, 77, 1, tags=b"\0"))
    row = struct.pack(">hhh", METADATA, 0, 99)
    clamped = struct.pack(">hhh", METADATA, 0, MAX_VERSIONS[METADATA])
    head = struct.pack(">hi", 35, 1)
    assert line.broker(frames.answer(1, head + row)) == [line.to_client(frames.answer(1, head + clamped))]
    assert play.undecoded == []


def test_a_client_names_its_software(playbook: Callable[..., Any], frames: Any) -> None:
    play = playbook()
    line = play.connect()
    produce = frames.produce(2, ("t", 0, frames.batch(frames.record(b"a"))))
    line.client(frames.request(API_VERSIONS, 3, 1, b"\x0blibrdkafka\x062.3.0\0", tags=b"\0"), produce)
    assert [attempt.software for attempt in play.all(Attempt)] == ["librdkafka 2.3.0"]


@pytest.mark.parametrize("teaches", ["metadata", "created"])
def test_topic_ids_are_learnt_on_any_connection(playbook: Callable[..., Any], frames: Any, teaches: str) -> None:
    play = playbook()
    teacher, line = play.connect(), play.connect()
    batch = frames.batch(frames.record(b"a"))
    line.client(frames.produce(1, (TOPIC_ID, 0, batch), version=13))
    if teaches == "metadata":
        teacher.client(frames.request(METADATA, 12, 1, tags=b"\0"))
        teacher.broker(frames.metadata(1, [(1, "b", 1)], [("named", TOPIC_ID)]))
    else:
        teacher.client(frames.request(CREATE_TOPICS, 7, 1, tags=b"\0"))
        teacher.broker(frames.created(1, [("named", TOPIC_ID)]))
    line.client(frames.produce(2, (TOPIC_ID, 0, batch), version=13))
    assert [attempt.topic for attempt in play.all(Attempt)] == [f"id:{TOPIC_ID.hex()}", "named"]
    line.broker(
        frames.produced(1, (TOPIC_ID, 0, 0, 5), version=13), frames.produced(2, (TOPIC_ID, 0, 7, -1), version=13)
    )
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 7)]


def test_which_answers_are_seen_whole() -> None:
    assert wanted_whole(0, 3)
    assert wanted_whole(METADATA, 0)
    assert wanted_whole(CREATE_TOPICS, 0)
    assert wanted_whole(API_VERSIONS, 4)
    assert not wanted_whole(HEARTBEAT, 4)
    assert not wanted_whole(999, 0)


def test_old_fetch_answers_carry_no_addresses_and_stream() -> None:
    assert [wanted_whole(FETCH, version) for version in (-1, 0, 4, 15, 16, 18, 19)] == [
        True,
        False,
        False,
        False,
        True,
        True,
        True,
    ]


def test_an_early_share_fetch_may_carry_addresses() -> None:
    """Its version 0 had other layouts under the same number: it has to be refused, and not to stream."""
    assert wanted_whole(SHARE_FETCH, 0)
