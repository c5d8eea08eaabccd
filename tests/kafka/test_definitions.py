"""What we say of Kafka's messages is what Kafka's own definitions say, in every version that its jar knows."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from ackdrop.broker import jars
from ackdrop.kafka.addresses import MAX_VERSIONS, MIN_VERSIONS, cluster_nodes, rewrite
from ackdrop.kafka.apis import API_NAMES, FIRST_FLEXIBLE, NEVER, api_name
from ackdrop.kafka.layouts import ELSEWHERE, LAYOUTS
from ackdrop.kafka.sieve import Sieve

from ..definitions import Message, definitions

pytestmark = pytest.mark.integration

SHARE_FETCH = 78
Messages = dict[tuple[int, Any], Message]
ROUTING = [
    (key, version)
    for key in MAX_VERSIONS
    for version in range(max(MIN_VERSIONS.get(key, 0), LAYOUTS[key].since), MAX_VERSIONS[key] + 1)
]


@pytest.fixture(scope="module")
def messages() -> Messages:
    """(API key, kind) → the message as Kafka's own jar defines it."""
    found = trio.run(jars.provide)
    return definitions(next(path for path in found if path.name.startswith("kafka-clients-")))


def test_every_api_is_known_by_its_key_and_its_first_flexible_version(messages: Messages) -> None:
    requests = [message for (_, kind), message in messages.items() if kind == "request"]
    assert len(requests) > 80
    for message in requests:
        words = message.name.removesuffix("Request")
        assert API_NAMES[message.api_key].replace("_", "") == words.lower()
        first = FIRST_FLEXIBLE[message.api_key]
        assert [version in message.flexible for version in _all(message)] == [
            version >= first for version in _all(message)
        ]
        assert (first == NEVER) == (message.flexible.last < message.flexible.first)


def _all(message: Message) -> range:
    return range(message.versions.first, message.versions.last + 1)


def test_every_answer_with_a_host_and_a_port_is_rewritten_or_passes_by_decision(messages: Messages) -> None:
    """An API, or a version, that is new in the jar and carries addresses has to be looked at."""
    carrying = {
        (message.api_key, version)
        for (_, kind), message in messages.items()
        if kind == "response"
        for version in _all(message)
        if message.with_addresses(version)
    }
    assert {key for key, _ in carrying} == MAX_VERSIONS.keys() | ELSEWHERE.keys()
    assert not MAX_VERSIONS.keys() & ELSEWHERE.keys()
    for key, version in carrying:
        if key in MAX_VERSIONS:
            assert LAYOUTS[key].since <= version <= MAX_VERSIONS[key], f"{api_name(key)} v{version}"


def test_no_version_of_the_broker_is_withheld(messages: Messages) -> None:
    """What is advertised through the proxy is what this Kafka advertises."""
    for key, highest in MAX_VERSIONS.items():
        assert highest >= messages[key, "response"].versions.last
        assert MIN_VERSIONS.get(key, 0) <= messages[key, "response"].versions.first


def test_an_answer_that_is_not_read_has_no_address(messages: Messages) -> None:
    for key, layout in LAYOUTS.items():
        message = messages[key, "response"]
        for version in range(message.versions.first, layout.since):
            assert message.with_addresses(version) == []


@pytest.mark.parametrize(("key", "version"), ROUTING, ids=lambda value: str(value))
def test_exactly_the_addresses_are_translated(messages: Messages, key: int, version: int) -> None:
    """The frame that comes out is the one that a broker would have made, had it told the other addresses."""
    message = messages[key, "response"]
    told: list[tuple[int, str, int]] = []

    def translate(node: int, host: str, port: int) -> tuple[str, int]:
        told.append((node, host, port))
        return f"node{node}.proxy.example" + "x" * (130 * (port & 1)), port ^ 1

    changed = 0
    for seed in range(60):
        frame = message.make(version, seed)
        told.clear()
        expected = message.make(version, seed, translate)
        nodes = sorted(told)
        assert sorted(cluster_nodes(key, version, frame)) == nodes
        assert (rewrite(key, version, memoryview(frame), translate) or frame) == expected
        changed += expected != frame
    assert changed > 5


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("host", ["127.0.0.1", "h", "much-longer.proxy.example"])
def test_a_share_fetch_answer_that_streams_tells_of_our_addresses_or_of_none(
    messages: Messages, version: int, host: str
) -> None:
    message = messages[SHARE_FETCH, "response"]
    told = left_out = 0
    for seed in range(150):
        frame = message.make(version, seed)
        sieve = Sieve(SHARE_FETCH, version, len(frame), lambda node, host_, port: (host, 7))
        piece = 1 + seed % 50
        parts = [part for at in range(0, len(frame), piece) for part in sieve.feed(memoryview(frame)[at : at + piece])]
        out = b"".join(parts)
        assert len(out) == len(frame)
        expected = [(node, host, 7) for node, _, _ in cluster_nodes(SHARE_FETCH, version, frame)]
        found = cluster_nodes(SHARE_FETCH, version, out)
        assert found in (expected, [])
        told += bool(found)
        left_out += found != expected
    assert told > 10
    assert left_out > 10 or len(host) < 20
