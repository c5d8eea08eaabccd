"""Brokers that do not lead say who does (KIP-951): through the proxy, in small answers and in large ones, they tell of
its listeners, and of nothing else that is not so."""

from __future__ import annotations

import contextlib
import socket
import struct
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.kafka import bodies

pytestmark = pytest.mark.integration

NOT_LEADER = 6
RECORD = 1 << 20
NODES = (1, 2, 3)
Addresses = dict[int, tuple[str, int]]


class Line:
    """A connection that asks with hand-made requests."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, 30)
        self._file = self._socket.makefile("rb")

    def ask(self, api: str, version: int, **fields: Any) -> Any:
        self._socket.sendall(bodies.encode_request(api, version, 7, "line", **fields))
        size = self._file.read(4)
        frame = size + self._file.read(struct.unpack(">i", size)[0])
        return bodies.decode_response(api, version, frame)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def ask() -> Iterator[Callable[..., Any]]:
    """`ask(address, api, version, **fields)`: the body of the answer."""
    lines: dict[tuple[str, int], Line] = {}

    def at(address: tuple[str, int], api: str, version: int, **fields: Any) -> Any:
        if address not in lines:
            lines[address] = Line(address)
        return lines[address].ask(api, version, **fields)

    yield at
    for line in lines.values():
        line.close()


def pair(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def told(ask: Callable[..., Any], address: tuple[str, int], topic: str) -> tuple[Addresses, Any, dict[int, int]]:
    """(address of each broker, the topic's id, the leader of each partition) out of Metadata."""
    body = ask(address, "metadata", 12, topics=[{"name": topic, "topic_id": uuid.UUID(int=0)}])
    (found,) = body.topics
    leaders = {one.partition_index: one.leader_id for one in found.partitions}
    return {one.node_id: (one.host, one.port) for one in body.brokers}, found.topic_id, leaders


@pytest.fixture
def topic(three_brokers: Any, library: Callable[[str], Any]) -> str:
    """A topic with a partition on each broker, and 3 MiB in each."""
    name = f"ackdrop-endpoints-{uuid.uuid4().hex[:12]}"

    async def create() -> None:
        async with Cluster.connect(three_brokers.bootstrap) as cluster:
            await cluster.create_topic(name, 3, 1)

    trio.run(create)
    producer = library("kafka").KafkaProducer(bootstrap_servers=three_brokers.addresses(), max_request_size=2 * RECORD)
    with contextlib.closing(producer):
        sent = [producer.send(name, bytes(RECORD), partition=number % 3) for number in range(9)]
        for each in sent:
            each.get(30)
    return name


def test_who_leads_is_told_with_the_proxys_addresses(
    three_brokers: Any, proxy_processes: Callable[..., Any], ask: Callable[..., Any], topic: str
) -> None:
    node = three_brokers.nodes[1].address
    proxy = proxy_processes("--bootstrap", node, "--listen", "127.0.0.1:0", "--no-verify")
    real, topic_id, leaders = told(ask, pair(node), topic)
    ours, _, through = told(ask, pair(proxy.address()), topic)
    assert leaders == through
    assert set(leaders.values()) == set(NODES) == set(real) == set(ours)
    assert not set(real.values()) & set(ours.values())

    own = {leader: partition for partition, leader in leaders.items()}
    for version in (16, 17):
        for number in NODES:
            for partitions in ([*leaders], [partition for partition in leaders if partition != own[number]]):
                fields = fetch(topic_id, partitions)
                direct = ask(real[number], "fetch", version, **fields).to_dict(json=False)
                proxied = ask(ours[number], "fetch", version, **fields).to_dict(json=False)
                assert endpoints(direct) == {other: real[other] for other in NODES if other != number}
                assert endpoints(proxied) == {other: ours[other] for other in NODES if other != number}
                assert {**proxied, "node_endpoints": []} == {**direct, "node_endpoints": []}
                assert {one["error_code"] for one in direct["responses"][0]["partitions"]} - {0} == {NOT_LEADER}
    proxy.end()


def fetch(topic_id: Any, partitions: list[int]) -> dict[str, Any]:
    asked = [{"partition": one, "fetch_offset": 0, "partition_max_bytes": 8 * RECORD} for one in partitions]
    topics = [{"topic_id": topic_id, "partitions": asked}]
    return {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 16 * RECORD, "session_epoch": -1, "topics": topics}


def endpoints(body: dict[str, Any]) -> Addresses:
    return {one["node_id"]: (one["host"], one["port"]) for one in body["node_endpoints"]}
