"""Consumers that ask for much and read nothing: what they do not read waits with the broker, and not in the proxy."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.kafka import bodies
from ackdrop.kafka.batches import iter_batches

pytestmark = pytest.mark.integration

READERS = 20
LARGE = 24 << 20
"""Bytes in the topic, and in each answer."""
EACH = 2 << 20
"""Bytes that may wait in the proxy for one connection: its backlog, one reading of it, and what the allocator adds."""
BESIDE = 24 << 20
"""Bytes that the proxy may grow by beside them."""
RECORD = 1 << 20


class Reader:
    """A connection that asks for all records again and again, several times at once."""

    def __init__(self, bootstrap: str, version: int, topic: str, topic_id: Any) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), 30)
        self._version = version
        name = {"topic": topic} if version < 13 else {"topic_id": topic_id}
        partitions = [{"partition": 0, "fetch_offset": 0, "partition_max_bytes": 2 * LARGE}]
        self._body = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": 2 * LARGE, "session_epoch": -1}
        self._body["topics"] = [{**name, "partitions": partitions}]

    def ask(self, times: int) -> None:
        for number in range(times):
            self._socket.sendall(bodies.encode_request("fetch", self._version, number, "reader", **self._body))

    def answer(self) -> bytes:
        (size,) = struct.unpack(">i", self._read(4))
        return struct.pack(">i", size) + self._read(size)

    def _read(self, count: int) -> bytes:
        data = bytearray(count)
        view, at = memoryview(data), 0
        while at < count:
            got = self._socket.recv_into(view[at:])
            assert got, "the connection was closed"
            at += got
        return bytes(data)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def filled(embedded_broker: str, library: Callable[[str], Any]) -> tuple[str, Any]:
    """A topic of one partition with LARGE bytes of records in it, and its id."""
    topic = f"ackdrop-large-{time.time_ns()}"

    async def create() -> None:
        async with Cluster.connect(embedded_broker) as cluster:
            await cluster.create_topic(topic, 1)

    trio.run(create)
    kafka = library("kafka")
    producer = kafka.KafkaProducer(bootstrap_servers=embedded_broker, max_request_size=2 * RECORD)
    with contextlib.closing(producer):
        sent = [producer.send(topic, bytes(RECORD), partition=0) for _ in range(LARGE // RECORD)]
        for each in sent:
            each.get(30)
    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=embedded_broker)) as admin:
        return topic, admin.describe_topics([topic])[0]["topic_id"]


@pytest.fixture
def proxy(start_proxy: Callable[..., Any]) -> Iterator[Any]:
    running = start_proxy("--no-verify")
    yield running, running.address()
    running.end()


def at_rest(process: psutil.Process) -> int:
    """The process's memory in bytes, once it does nothing any more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        before = process.cpu_times()
        time.sleep(0.3)
        if sum(process.cpu_times()[:2]) - sum(before[:2]) <= 0.02:
            return int(process.memory_info().rss)
    raise AssertionError("it is still busy")


@pytest.mark.parametrize("version", [11, 12, 17], ids="fetch v{}".format)
def test_a_reader_that_does_not_read_does_not_fill_the_proxy(proxy: Any, filled: tuple[str, Any], version: int) -> None:
    running, address = proxy
    process = psutil.Process(running.pid)
    readers = [Reader(address, version, *filled) for _ in range(READERS)]
    with contextlib.ExitStack() as stack:
        for reader in readers:
            stack.callback(reader.close)
        empty = at_rest(process)
        for reader in readers:
            reader.ask(3)
        grown = at_rest(process) - empty
        assert grown <= BESIDE + READERS * EACH, f"{grown / 2**20:.0f} MiB for {READERS} readers"
        answers = [[reader.answer() for _ in range(3)] for reader in readers[:3]]
        for each in answers:
            assert [struct.unpack_from(">i", answer, 4) for answer in each] == [(0,), (1,), (2,)]
            (partition,) = bodies.decode_response("fetch", version, each[2]).responses[0].partitions
            assert sum(batch.header.records for batch in iter_batches(partition.records)) == LARGE // RECORD
