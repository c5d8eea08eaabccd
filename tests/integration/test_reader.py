"""The log of a real broker, read back record by record."""

from __future__ import annotations

import gc
import importlib
import time
import tracemalloc
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.identity import HEADER, Identity, Naming, write
from ackdrop.result import ProducerInfo
from ackdrop.verify.barrier import wait_quiet
from ackdrop.verify.evidence import ArmEvidence
from ackdrop.verify.reader import LogReading, read_log
from ackdrop.verify.verdict import judge_arm

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
    records = list(reading.log.records())
    assert reading.gone == []
    assert [record.identity for record in records] == [
        f"p1/{number}" for part in range(2) for number in range(part, 300, 2)
    ]
    assert [record.offset for record in records] == [*range(150), *range(150)]
    assert [record.sequence for record in records] == [*range(150), *range(150)]
    assert all(record.ours and record.order is not None and record.send == 0 for record in records)
    assert len({(record.producer_id, record.producer_epoch) for record in records}) == 1
    assert records[0].producer_id >= 0
    assert reading.batches == len({(record.partition, record.batch_base_offset) for record in records})


async def test_without_idempotence_there_is_no_producer_id(cluster, topic, producer):
    client = producer(enable_idempotence=False)
    client.produce(topic, b"v", partition=0, headers=header(0))
    assert client.flush(30) == 0
    (record,) = list((await read(cluster, topic)).log.records())
    assert (record.producer_id, record.producer_epoch, record.sequence) == (-1, -1, -1)


async def test_foreign_records_are_known_by_content_and_create_time(cluster, topic, producer):
    client = producer()
    for value, stamp in ((b"a", 1000), (b"a", 1000), (b"a", 1001), (b"b", 1000)):
        client.produce(topic, value, key=b"k", partition=0, timestamp=stamp, headers=header(0, run="run-0"))
        assert client.flush(30) == 0
    records = list((await read(cluster, topic)).log.records())
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
    first, second = (await read(cluster, name)).log.records()
    assert first.identity == second.identity
    assert second.timestamp > first.timestamp > 2000
    await cluster.delete_topic(name)


async def test_only_what_lies_between_the_offsets_is_read(cluster, topic, producer):
    client = producer(linger_ms=50)
    for number in range(20):
        client.produce(topic, b"v", partition=0, headers=header(number))
    assert client.flush(30) == 0
    reading = await read_log(cluster, {topic: {0: (7, 12)}}, run_id=RUN)
    assert [record.offset for record in reading.log.records()] == [*range(7, 12)]
    assert reading.gone == []


async def grown_to(cluster, topic, end):
    """A transaction is answered before its marker is written."""
    with trio.fail_after(30):
        while (await cluster.end_offsets(topic))[0] < end:
            pass


async def test_transactions_leave_no_hole(cluster, topic, producer):
    client = producer(transactional_id=f"t-{topic}")
    client.init_transactions(30)
    for number, end in enumerate(("commit", "abort", "commit")):
        client.begin_transaction()
        client.produce(topic, b"v", partition=0, headers=header(number))
        client.flush(30)
        client.commit_transaction(30) if end == "commit" else client.abort_transaction(30)
    await grown_to(cluster, topic, 6)
    barrier = await wait_quiet(cluster, [topic], unsettled=lambda: 0, timeout=10, settle=SETTLE)
    assert barrier.high_watermarks == {topic: {0: 6, 1: 0}}
    reading = await read(cluster, topic)
    assert [(record.identity, record.transaction) for record in reading.log.records()] == [
        ("p1/0", "committed"),
        ("p1/1", "aborted"),
        ("p1/2", "committed"),
    ]
    assert (reading.control_batches, reading.batches, reading.gone) == (3, 6, [])


class Transactions:
    """Transactional producers of one library, each with a partition's records in hand."""

    def __init__(self, bootstrap: str, library: str) -> None:
        self._bootstrap, self._library = bootstrap, library
        self._made: list[Any] = []

    def producer(self, name: str) -> Any:
        if self._library == "confluent-kafka":
            client: Any = confluent_kafka.Producer({"bootstrap.servers": self._bootstrap, "transactional.id": name})
        else:
            kafka = kafka_python()
            client = kafka.KafkaProducer(bootstrap_servers=self._bootstrap, transactional_id=name, linger_ms=0)
        client.init_transactions()
        self._made.append(client)
        return client

    def write(self, client: Any, topic: str, *values: bytes) -> None:
        for value in values:
            if self._library == "confluent-kafka":
                client.produce(topic, value, partition=0)
            else:
                client.send(topic, value, partition=0)
        client.flush(30)

    def close(self) -> None:
        for client in self._made:
            if self._library == "confluent-kafka":
                client.purge()
            else:
                client.close()


def kafka_python() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("kafka")


@pytest.fixture(params=["confluent-kafka", "kafka-python"])
def transactions(request: pytest.FixtureRequest, embedded_broker: str) -> Iterator[Transactions]:
    made = Transactions(embedded_broker, request.param)
    yield made
    made.close()


def consumed(bootstrap: str, topic: str, isolation: str) -> list[tuple[int, bytes]]:
    """(offset, value) of what a consumer of this isolation level is given of partition 0, up to its end."""
    client = confluent_kafka.Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"g-{uuid.uuid4().hex}",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    client.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    found: list[tuple[int, bytes]] = []
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        message = client.poll(1.0)
        if message is None:
            continue
        if message.error() is not None:
            assert message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF, message.error()
            client.close()
            return found
        found.append((message.offset(), message.value()))
    raise AssertionError("the consumer did not come to the end")


async def test_both_isolation_levels_are_what_consumers_see(cluster, topic, transactions, producer, embedded_broker):
    """Interleaved: one commits, one aborts, one plain producer between them, and at last one that comes to no end."""

    def write() -> None:
        first, second, third = (transactions.producer(f"{topic}-{number}") for number in range(3))
        plain = producer(linger_ms=0)
        for end in (first.commit_transaction, first.abort_transaction, first.commit_transaction):
            first.begin_transaction()
            second.begin_transaction()
            transactions.write(first, topic, b"first", b"first")
            transactions.write(second, topic, b"second")
            plain.produce(topic, b"plain", partition=0)
            plain.flush(30)
            transactions.write(first, topic, b"first")
            end()
            transactions.write(second, topic, b"second")
            second.abort_transaction()
        third.begin_transaction()
        transactions.write(third, topic, b"open", b"open")

    await trio.to_thread.run_sync(write)
    ends = await cluster.end_offsets(topic)
    for isolation, states in (
        ("read_uncommitted", {"none", "committed", "aborted", "open"}),
        ("read_committed", {"none", "committed"}),
    ):
        reading = await read_log(cluster, {topic: {0: (0, ends[0])}}, isolation=isolation)
        seen = await trio.to_thread.run_sync(consumed, embedded_broker, topic, isolation)
        assert [record.offset for record in reading.log.records()] == [offset for offset, _ in seen]
        assert {record.transaction for record in reading.log.records()} == states
        assert reading.gone == []
        assert (reading.log.size, reading.log.aborted) == (20, 11)
    assert {value for _, value in seen} == {b"first", b"plain"}


async def test_a_transaction_without_an_end_is_open_until_it_has_one(cluster, topic, transactions):
    client = await trio.to_thread.run_sync(transactions.producer, topic)
    client.begin_transaction()
    await trio.to_thread.run_sync(transactions.write, client, topic, b"v")
    assert [record.transaction for record in (await read(cluster, topic)).log.records()] == ["open"]
    await trio.to_thread.run_sync(client.abort_transaction)
    await grown_to(cluster, topic, 2)
    barrier = await wait_quiet(cluster, [topic], unsettled=lambda: 0, timeout=10, settle=SETTLE)
    assert barrier.high_watermarks[topic][0] == 2
    assert [record.transaction for record in (await read(cluster, topic)).log.records()] == ["aborted"]


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
    assert [record.offset for record in reading.log.records()] == [*range(4, 10)]
    assert reading.gone == [f"the log of {topic}/0 starts at 4: 3 records are gone"]


async def test_what_compaction_took_is_gone_and_said(cluster, producer):
    """The cleaner leaves the last record of each key, in batches with holes; the active segment it leaves alone."""
    name = f"ackdrop-reader-{uuid.uuid4().hex[:8]}"
    config = {
        "cleanup.policy": "compact",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.01",
        "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "100",
    }
    await cluster.create_topic(name, 1, 1, config)
    client = producer(linger_ms=50)
    for number in range(40):
        client.produce(name, b"v%d" % number, key=b"k%d" % (number % 4), headers=header(number))
    assert client.flush(30) == 0
    written = (await cluster.end_offsets(name))[0]
    reading = await read(cluster, name)
    with trio.fail_after(60):
        while not reading.gone:
            await trio.sleep(0.5)
            client.produce(name, b"roll", key=b"roll", headers=header(1000))  # a segment is rolled by an append
            client.flush(30)
            reading = await read_log(cluster, {name: {0: (0, written)}}, run_id=RUN)
    left = [record.offset for record in reading.log.records()]
    assert {36, 37, 38, 39} <= set(left) < set(range(40))
    assert [record.identity for record in reading.log.records()] == [f"p1/{offset}" for offset in left]
    assert len(reading.gone) == 1
    assert reading.gone[0].startswith(f"{40 - len(left)} records are gone between offsets 0 and ")
    assert reading.gone[0].endswith(f"of {name}/0 (compacted?)")
    await cluster.delete_topic(name)


async def test_a_named_record_is_known_in_whatever_partition_it_stands(cluster, topic, producer):
    client = producer()
    for partition, order in ((0, b"17"), (1, b"17"), (0, b"18")):
        client.produce(topic, b"v", partition=partition, headers=[("order-id", order)])
        assert client.flush(30) == 0
    ends = await cluster.end_offsets(topic)
    reading = await read_log(
        cluster, {topic: {part: (0, end) for part, end in ends.items()}}, naming=Naming.parse("header:order-id")
    )
    assert [record.identity for record in reading.log.records()] == ["order-id=17", "order-id=18", "order-id=17"]
    evidence = ArmEvidence("log", None, None, None, reading.log, ProducerInfo("", None, {}))
    verdict = judge_arm(evidence)
    assert (verdict.result.log.duplicates, verdict.violated) == (1, True)
    (found,) = verdict.result.findings
    assert (found.record, [place.partition for place in found.places]) == ("order-id=17", [0, 1])


async def test_memory_does_not_grow_with_the_log(cluster, producer):
    """Four times the records, in the same memory: what tracemalloc counts is all that Python and its libraries hold."""
    name = f"ackdrop-reader-{uuid.uuid4().hex[:8]}"
    await cluster.create_topic(name, 1)
    client = producer(linger_ms=20, queue_buffering_max_messages=150_000)
    for number in range(120_000):
        client.produce(name, b"%0100d" % number, timestamp=1_700_000_000_000 + number)
        if not number % 50_000:
            client.poll(0)
    assert client.flush(60) == 0
    peaks = []
    for end in (30_000, 120_000):
        gc.collect()
        tracemalloc.start()
        try:
            reading = await read_log(cluster, {name: {0: (0, end)}})
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert (len(reading.log), reading.gone) == (end, [])
    assert peaks[1] - peaks[0] < 90_000 * 8, f"{peaks} bytes at most: less than the digests alone would take"
    await cluster.delete_topic(name)


async def test_a_log_that_is_asked_for_beyond_its_end_is_said_to_be_cut_off(cluster, topic, producer):
    client = producer()
    client.produce(topic, b"v", partition=0, headers=header(0))
    assert client.flush(30) == 0
    reading = await read_log(cluster, {topic: {0: (0, 3)}}, run_id=RUN)
    assert len(reading.log) == 1
    assert reading.gone == [f"the log of {topic}/0 ends at 1, and went on to 3 before: 2 records are gone"]


async def test_the_barrier_sees_that_somebody_still_produces(cluster, topic, producer):
    client = producer(linger_ms=0)

    class Busy:
        """Before each reading of the high watermarks a record more was appended, however slow this machine is."""

        async def end_offsets(self, topic: str) -> dict[int, int]:
            client.produce(topic, b"v", partition=0)
            assert await trio.to_thread.run_sync(client.flush, 30) == 0
            return await cluster.end_offsets(topic)

    loud = await wait_quiet(Busy(), [topic], unsettled=lambda: 0, timeout=5 * SETTLE, settle=SETTLE)
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
