"""The log of a real broker, read back record by record."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.identity import HEADER, Identity, write
from ackdrop.verify.barrier import wait_quiet
from ackdrop.verify.reader import LogReading, read_log

pytestmark = pytest.mark.integration

confluent_kafka = pytest.importorskip("confluent_kafka")

RUN = "run-1"
SETTLE = 0.1


@pytest.fixture
async def cluster(embedded_broker: str) -> AsyncIterator[Cluster]:
    async with Cluster.connect(embedded_broker) as connected:
        yield connected


@pytest.fixture
async def topic(cluster: Cluster) -> AsyncIterator[str]:
    """A topic of two partitions."""
    name = f"ackdrop-reader-{uuid.uuid4().hex[:8]}"
    await cluster.create_topic(name, 2)
    yield name
    await cluster.delete_topic(name)


@pytest.fixture
def producer(embedded_broker: str) -> Iterator[Callable[..., Any]]:
    """`producer(**config)`: a librdkafka producer, with its dots as underscores."""
    made = []

    def make(**config: object) -> Any:
        words = {name.replace("_", "."): value for name, value in config.items()}
        made.append(confluent_kafka.Producer({"bootstrap.servers": embedded_broker, **words}))
        return made[-1]

    yield make
    for each in made:
        each.flush(10)


def header(record: int, send: int = 0, run: str = RUN) -> list[tuple[str, bytes]]:
    return [(HEADER, write(Identity(run, "p1", record, send, record)))]


async def read(cluster: Cluster, topic: str, start: int = 0, run_id: str | None = RUN) -> LogReading:
    ends = await cluster.end_offsets(topic)
    return await read_log(cluster, {topic: {part: (start, end) for part, end in ends.items()}}, run_id=run_id)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_every_record_is_read_in_every_codec(cluster, topic, producer, codec):
    client = producer(enable_idempotence=True, compression_type=codec, linger_ms=20)
    for number in range(300):
        client.produce(topic, b"value" * 20, partition=number % 2, headers=header(number))
    assert client.flush(30) == 0
    reading = await read(cluster, topic)
    assert reading.gone == []
    assert [record.identity for record in reading.records] == [
        f"p1/{number}" for part in range(2) for number in range(part, 300, 2)
    ]
    assert [record.offset for record in reading.records] == [*range(150), *range(150)]
    assert [record.sequence for record in reading.records] == [*range(150), *range(150)]
    assert all(record.ours and record.order is not None and record.send == 0 for record in reading.records)
    assert len({(record.producer_id, record.producer_epoch) for record in reading.records}) == 1
    assert reading.records[0].producer_id >= 0
    assert reading.batches == len({(record.partition, record.batch_base_offset) for record in reading.records})


async def test_without_idempotence_there_is_no_producer_id(cluster, topic, producer):
    client = producer(enable_idempotence=False)
    client.produce(topic, b"v", partition=0, headers=header(0))
    assert client.flush(30) == 0
    (record,) = (await read(cluster, topic)).records
    assert (record.producer_id, record.producer_epoch, record.sequence) == (-1, -1, -1)


async def test_foreign_records_are_known_by_content_and_create_time(cluster, topic, producer):
    client = producer()
    for value, stamp in ((b"a", 1000), (b"a", 1000), (b"a", 1001), (b"b", 1000)):
        client.produce(topic, value, key=b"k", partition=0, timestamp=stamp, headers=header(0, run="run-0"))
        assert client.flush(30) == 0
    records = (await read(cluster, topic)).records
    assert [record.identity == records[0].identity for record in records] == [True, True, False, False]
    assert not any(record.ours for record in records)


async def test_the_brokers_time_does_not_tell_copies_apart(cluster, producer):
    name = f"ackdrop-reader-{uuid.uuid4().hex[:8]}"
    await cluster.create_topic(name, 1, 1, {"message.timestamp.type": "LogAppendTime"})
    client = producer()
    for stamp in (1000, 2000):
        client.produce(name, b"a", timestamp=stamp)
        assert client.flush(30) == 0
        now = time.time()
        while int(time.time() * 1000) <= int(now * 1000):
            pass  # the next append happens in another millisecond
    first, second = (await read(cluster, name)).records
    assert first.identity == second.identity
    assert second.timestamp > first.timestamp > 2000
    await cluster.delete_topic(name)


async def test_only_what_lies_between_the_offsets_is_read(cluster, topic, producer):
    client = producer(linger_ms=50)
    for number in range(20):
        client.produce(topic, b"v", partition=0, headers=header(number))
    assert client.flush(30) == 0
    reading = await read_log(cluster, {topic: {0: (7, 12)}}, run_id=RUN)
    assert [record.offset for record in reading.records] == [*range(7, 12)]
    assert reading.gone == []


async def test_transactions_are_read_uncommitted_and_leave_no_hole(cluster, topic, producer):
    client = producer(transactional_id=f"t-{topic}")
    client.init_transactions(30)
    for number, end in enumerate(("commit", "abort", "commit")):
        client.begin_transaction()
        client.produce(topic, b"v", partition=0, headers=header(number))
        client.flush(30)
        client.commit_transaction(30) if end == "commit" else client.abort_transaction(30)
    barrier = await wait_quiet(cluster, [topic], unsettled=lambda: 0, timeout=10, settle=SETTLE)
    assert barrier.high_watermarks == {topic: {0: 6, 1: 0}}
    reading = await read(cluster, topic)
    assert [record.identity for record in reading.records] == ["p1/0", "p1/1", "p1/2"]
    assert (reading.control_batches, reading.batches, reading.gone) == (3, 6, [])


async def test_records_that_were_deleted_are_gone_and_said(cluster, topic, producer, embedded_broker):
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    client = producer(linger_ms=0)
    for number in range(10):
        client.produce(topic, b"v", partition=0, headers=header(number))
        assert client.flush(30) == 0
    admin = AdminClient({"bootstrap.servers": embedded_broker})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 4)]).values():
        deleted.result(30)
    reading = await read(cluster, topic, start=1)
    assert [record.offset for record in reading.records] == [*range(4, 10)]
    assert reading.gone == [f"the log of {topic}/0 starts at 4: 3 records are gone"]


async def test_a_log_that_is_asked_for_beyond_its_end_is_said_to_be_cut_off(cluster, topic, producer):
    client = producer()
    client.produce(topic, b"v", partition=0, headers=header(0))
    assert client.flush(30) == 0
    reading = await read_log(cluster, {topic: {0: (0, 3)}}, run_id=RUN)
    assert len(reading.records) == 1
    assert reading.gone == [f"the log of {topic}/0 ends at 1, and went on to 3 before: 2 records are gone"]


async def test_the_barrier_sees_that_somebody_still_produces(cluster, topic, producer):
    client = producer(linger_ms=0)
    async with trio.open_nursery() as nursery:

        async def go_on() -> None:
            while True:
                client.produce(topic, b"v", partition=0)
                client.poll(0)
                await trio.sleep(SETTLE / 5)

        nursery.start_soon(go_on)
        loud = await wait_quiet(cluster, [topic], unsettled=lambda: 0, timeout=5 * SETTLE, settle=SETTLE)
        nursery.cancel_scope.cancel()
    client.flush(30)
    silent = await wait_quiet(cluster, [topic], unsettled=lambda: 0, timeout=30, settle=SETTLE)
    assert (loud.quiet, silent.quiet) == (False, True)


async def test_progress_ends_with_everything(cluster, topic, producer):
    client = producer(linger_ms=20)
    for number in range(6000):
        client.produce(topic, bytes(100), partition=number % 2)
    assert client.flush(30) == 0
    told: list[tuple[int, int]] = []
    ends = await cluster.end_offsets(topic)
    wanted = {topic: {part: (0, end) for part, end in ends.items()}}
    await read_log(cluster, wanted, on_progress=lambda *now: told.append(now))
    assert (told[0], told[-1]) == ((0, 6000), (6000, 6000))
