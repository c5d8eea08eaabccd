"""Four clients list, produce and consume through the proxy, with no fault: what they see is what they see without it.

Each client is run twice with the same calls, before the broker and through the proxy. Whatever differs, broker
addresses apart, is the proxy's doing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.kafka.batches import codec, iter_batches

pytestmark = pytest.mark.integration

CLIENTS = ["kcat", "kafka-python", "confluent-kafka", "aiokafka"]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 3
PATIENCE = 20.0

each_client = pytest.mark.parametrize("name", CLIENTS)


@dataclass(frozen=True, slots=True)
class Message:
    """What is produced. `at` is the create time in ms."""

    partition: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...]
    at: int


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """A record as a client gives it."""

    partition: int
    offset: int
    at: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Metadata as a client gives it: broker id → address, and all the rest of it."""

    brokers: dict[int, tuple[str, int]]
    rest: Any


def messages(whose: str, codec_name: str) -> list[Message]:
    """Three for each partition: one with a key and headers, one without either, one that is a tombstone."""
    text = f"{whose} {codec_name}"
    return [
        Message(partition, *content, 1_700_000_000_000 + 10 * number + partition)
        for partition in range(PARTITIONS)
        for number, content in enumerate(
            [
                (f"key {partition}", f"{text} {partition} " * 20, (("one", "1"), ("two", ""), ("one", "again"))),
                (None, f"{text} {partition} without a key", ()),
                (f"key {partition}", None, (("deleted by", text),)),
            ]
        )
    ]


def encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def bytes_of(headers: Sequence[tuple[str, str]]) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in headers]


CodecsIn = Callable[[str], dict[int, set[str]]]

Look = Callable[..., None]
"""Called while the client is connected, with its process id where that is not this process."""


class Kcat:
    """kcat, librdkafka's command line. A call gives all its records one key and the same headers."""

    name = "kcat"
    codecs = CODECS

    def __init__(self, look: Look, path: str) -> None:
        self._look = look
        self._path = path

    def _run(self, *arguments: str, text: str = "") -> str:
        command = [self._path, *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def metadata(self, bootstrap: str, topic: str) -> Listed:
        found = json.loads(self._run("-b", bootstrap, "-L", "-J", "-t", topic))
        brokers = {one["id"]: one["name"].rpartition(":") for one in found.pop("brokers")}
        del found["originating_broker"]  # the bootstrap address, which the proxy gives a listener of its own
        return Listed({node: (host, int(port)) for node, (host, _, port) in brokers.items()}, found)

    def produce(self, bootstrap: str, topic: str, codec_name: str) -> None:
        """It cannot set create times, and does not say offsets."""
        for message in messages(self.name, codec_name):
            headers = [part for header in message.headers for part in ("-H", "=".join(header))]
            where = ["-b", bootstrap, "-P", "-t", topic, "-p", str(message.partition)]
            key = [] if message.key is None else ["-K", "|", "-Z"]
            line = "|".join([*([message.key] if message.key else []), message.value or ""])
            self._run(*where, "-z", codec_name, *key, *headers, text=f"{line}\n")

    def assigned(self, bootstrap: str, topic: str, count: int) -> list[Seen]:
        found = []
        for partition in range(PARTITIONS):
            here = ["-C", "-t", topic, "-p", str(partition), "-o", "beginning"]
            found += self._consume(bootstrap, *here, count=count // PARTITIONS)
        return found

    def grouped(self, bootstrap: str, topic: str, group: str, count: int) -> list[Seen]:
        return self._consume(bootstrap, "-X", "auto.offset.reset=earliest", "-G", group, topic, count=count)

    def _consume(self, bootstrap: str, *arguments: str, count: int) -> list[Seen]:
        command = [self._path, "-b", bootstrap, "-J", "-u", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        try:
            found = [self._seen(json.loads(process.stdout.readline())) for _ in range(count)]
            self._look(process.pid)
        finally:
            process.terminate()
            process.wait(PATIENCE)
            process.stdout.close()
        return found

    @staticmethod
    def _seen(told: dict[str, Any]) -> Seen:
        flat = told.get("headers", [])
        headers = tuple((name, value.encode()) for name, value in zip(flat[::2], flat[1::2], strict=True))
        where = told["partition"], told["offset"], told["ts"]
        return Seen(*where, encoded(told["key"]), encoded(told["payload"]), headers)


class KafkaPython:
    """kafka-python, with the codecs whose libraries are here."""

    name = "kafka-python"

    def __init__(self, look: Look, library: Any) -> None:
        self._look = look
        self._kafka = library("kafka")
        has = library("kafka.codec")
        self.codecs = [name for name in CODECS if name == "none" or getattr(has, f"has_{name}")()]

    def metadata(self, bootstrap: str, topic: str) -> Listed:
        with contextlib.closing(self._kafka.KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
            cluster, topics = admin.describe_cluster(), admin.describe_topics([topic])
            self._look()
        brokers = cluster.pop("brokers")
        return Listed({one["broker_id"]: (one["host"], one["port"]) for one in brokers}, [cluster, topics])

    def produce(self, bootstrap: str, topic: str, codec_name: str) -> list[tuple[int, int]]:
        compression = None if codec_name == "none" else codec_name
        with contextlib.closing(
            self._kafka.KafkaProducer(bootstrap_servers=bootstrap, compression_type=compression)
        ) as producer:
            futures = [
                producer.send(
                    topic,
                    key=encoded(message.key),
                    value=encoded(message.value),
                    headers=bytes_of(message.headers),
                    partition=message.partition,
                    timestamp_ms=message.at,
                )
                for message in messages(self.name, codec_name)
            ]
            answers = [future.get(PATIENCE) for future in futures]
            self._look()
        return [(answer.partition, answer.offset) for answer in answers]

    def assigned(self, bootstrap: str, topic: str, count: int) -> list[Seen]:
        with contextlib.closing(self._kafka.KafkaConsumer(bootstrap_servers=bootstrap)) as consumer:
            places = [self._kafka.TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            return self._poll(consumer, count)

    def grouped(self, bootstrap: str, topic: str, group: str, count: int) -> list[Seen]:
        with contextlib.closing(
            self._kafka.KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest")
        ) as consumer:
            found = self._poll(consumer, count)
            consumer.commit()
            return found

    def _poll(self, consumer: Any, count: int) -> list[Seen]:
        found: list[Seen] = []
        while len(found) < count:
            polled = consumer.poll(timeout_ms=int(1000 * PATIENCE))
            assert polled
            for records in polled.values():
                found += [
                    Seen(one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers))
                    for one in records
                ]
        self._look()
        return found


class ConfluentKafka:
    """confluent-kafka, librdkafka in Python."""

    name = "confluent-kafka"
    codecs = CODECS

    def __init__(self, look: Look, library: Any) -> None:
        self._look = look
        self._confluent = library("confluent_kafka")
        self._admin = library("confluent_kafka.admin")

    def metadata(self, bootstrap: str, topic: str) -> Listed:
        admin = self._admin.AdminClient({"bootstrap.servers": bootstrap})
        found = admin.list_topics(topic, timeout=PATIENCE)
        described = admin.describe_cluster(request_timeout=PATIENCE).result()
        partitions = {
            number: (one.leader, one.replicas, one.isrs) for number, one in found.topics[topic].partitions.items()
        }
        self._look()
        brokers = {node: (one.host, one.port) for node, one in found.brokers.items()}
        assert {one.id: (one.host, one.port) for one in described.nodes} == brokers
        return Listed(brokers, [found.cluster_id, found.controller_id, described.controller.id, partitions])

    def produce(self, bootstrap: str, topic: str, codec_name: str) -> list[tuple[int, int]]:
        answers: dict[int, tuple[int, int]] = {}
        producer = self._confluent.Producer({"bootstrap.servers": bootstrap, "compression.type": codec_name})
        for number, message in enumerate(messages(self.name, codec_name)):

            def tell(error: Any, told: Any, number: int = number) -> None:
                assert error is None
                answers[number] = (told.partition(), told.offset())

            producer.produce(
                topic,
                key=encoded(message.key),
                value=encoded(message.value),
                headers=bytes_of(message.headers),
                partition=message.partition,
                timestamp=message.at,
                on_delivery=tell,
            )
        assert producer.flush(PATIENCE) == 0
        self._look()
        return [answer for _, answer in sorted(answers.items())]

    def assigned(self, bootstrap: str, topic: str, count: int) -> list[Seen]:
        consumer = self._consumer(bootstrap, f"nobody-{uuid.uuid4().hex}")
        consumer.assign([self._confluent.TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        return self._consume(consumer, count)

    def grouped(self, bootstrap: str, topic: str, group: str, count: int) -> list[Seen]:
        consumer = self._consumer(bootstrap, group)
        consumer.subscribe([topic])
        return self._consume(consumer, count, commit=True)

    def _consumer(self, bootstrap: str, group: str) -> Any:
        config = {"auto.offset.reset": "earliest", "enable.auto.commit": False}
        return self._confluent.Consumer({"bootstrap.servers": bootstrap, "group.id": group, **config})

    def _consume(self, consumer: Any, count: int, commit: bool = False) -> list[Seen]:
        with contextlib.closing(consumer):
            found = []
            while len(found) < count:
                one = consumer.poll(PATIENCE)
                assert one is not None
                assert one.error() is None
                where = one.partition(), one.offset(), one.timestamp()[1]
                found.append(Seen(*where, one.key(), one.value(), tuple(one.headers() or ())))
            self._look()
            if commit:
                consumer.commit(asynchronous=False)
        return found


class Aiokafka:
    """aiokafka, on an event loop of its own for each call."""

    name = "aiokafka"
    codecs = CODECS

    def __init__(self, look: Look, library: Any) -> None:
        self._look = look
        self._aiokafka = library("aiokafka")
        self._admin = library("aiokafka.admin")

    def metadata(self, bootstrap: str, topic: str) -> Listed:
        async def ask() -> Listed:
            admin = self._admin.AIOKafkaAdminClient(bootstrap_servers=bootstrap)
            await admin.start()
            try:
                cluster, topics = await admin.describe_cluster(), await admin.describe_topics([topic])
                self._look()
            finally:
                await admin.close()
            brokers = cluster.pop("brokers")
            return Listed({one["node_id"]: (one["host"], one["port"]) for one in brokers}, [cluster, topics])

        return asyncio.run(ask())

    def produce(self, bootstrap: str, topic: str, codec_name: str) -> list[tuple[int, int]]:
        async def send() -> list[tuple[int, int]]:
            compression = None if codec_name == "none" else codec_name
            async with self._aiokafka.AIOKafkaProducer(
                bootstrap_servers=bootstrap, compression_type=compression
            ) as producer:
                futures = [
                    await producer.send(
                        topic,
                        key=encoded(message.key),
                        value=encoded(message.value),
                        headers=bytes_of(message.headers),
                        partition=message.partition,
                        timestamp_ms=message.at,
                    )
                    for message in messages(self.name, codec_name)
                ]
                answers = await asyncio.gather(*futures)
                self._look()
            return [(answer.partition, answer.offset) for answer in answers]

        return asyncio.run(send())

    def assigned(self, bootstrap: str, topic: str, count: int) -> list[Seen]:
        places = [self._aiokafka.TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        return asyncio.run(self._consume(bootstrap, count, None, places))

    def grouped(self, bootstrap: str, topic: str, group: str, count: int) -> list[Seen]:
        return asyncio.run(self._consume(bootstrap, count, group, topic))

    async def _consume(self, bootstrap: str, count: int, group: str | None, what: Any) -> list[Seen]:
        topics = [] if group is None else [what]
        async with self._aiokafka.AIOKafkaConsumer(
            *topics, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            if group is None:
                consumer.assign(what)
            found: list[Seen] = []
            while len(found) < count:
                one = await asyncio.wait_for(consumer.getone(), PATIENCE)
                found.append(Seen(one.partition, one.offset, one.timestamp, one.key, one.value, tuple(one.headers)))
            self._look()
            if group is not None:
                await consumer.commit()
        return found


@pytest.fixture
def address(shared_proxy: Any) -> str:
    return str(shared_proxy.bootstrap)


@pytest.fixture
def client(name: str, tool: Any, library: Any, past_the_proxy: Callable[..., set[Any]]) -> Any:
    """The client of that name. Where it is used through the proxy, `past` gathers its connections past the proxy."""
    past: set[Any] = set()
    kinds: dict[str, Callable[[Look], Any]] = {
        "kcat": lambda look: Kcat(look, tool("kcat")),
        "kafka-python": lambda look: KafkaPython(look, library),
        "confluent-kafka": lambda look: ConfluentKafka(look, library),
        "aiokafka": lambda look: Aiokafka(look, library),
    }
    made = kinds[name](lambda pid=None: past.update(past_the_proxy(pid)))
    made.past = past
    return made


@pytest.fixture
def codecs_in(embedded_broker: str) -> CodecsIn:
    """`codecs_in(topic)`: partition → the codecs of the batches in its log."""

    def read(topic: str) -> dict[int, set[str]]:
        async def fetch() -> dict[int, set[str]]:
            async with Cluster.connect(embedded_broker) as cluster:
                logs = {number: await cluster.fetch(topic, number, 0) for number in range(PARTITIONS)}
                return {
                    number: {codec(batch.header.attributes) for batch in iter_batches(log.records)}
                    for number, log in logs.items()
                }

        return trio.run(fetch)

    return read


@each_client
def test_metadata_is_the_same_but_for_the_addresses(
    client: Any, embedded_broker: str, address: str, new_topic: Callable[..., str]
) -> None:
    topic = new_topic(PARTITIONS)
    direct = client.metadata(embedded_broker, topic)
    client.past.clear()
    through = client.metadata(address, topic)
    assert through.rest == direct.rest
    assert through.brokers.keys() == direct.brokers.keys()
    ports = {port for _, port in through.brokers.values()}
    assert {host for host, _ in through.brokers.values()} == {"127.0.0.1"}
    assert not ports & {port for _, port in direct.brokers.values()}
    assert not client.past


@each_client
def test_what_is_produced_and_consumed_is_the_same(
    name: str,
    client: Any,
    embedded_broker: str,
    address: str,
    new_topic: Callable[..., str],
    codecs_in: CodecsIn,
) -> None:
    here, there = new_topic(PARTITIONS), new_topic(PARTITIONS)
    direct = [client.produce(embedded_broker, here, codec_name) for codec_name in client.codecs]
    client.assigned(embedded_broker, here, 3)
    assert client.past, "a connection to the broker's own port has to be seen where there is one"
    client.past.clear()
    assert [client.produce(address, there, codec_name) for codec_name in client.codecs] == direct
    assert codecs_in(there) == codecs_in(here) == {key: set(client.codecs) for key in range(PARTITIONS)}

    count = sum(len(messages(name, codec_name)) for codec_name in client.codecs)
    through = sorted(client.assigned(address, there, count))
    assert not client.past
    assert through == sorted(client.assigned(embedded_broker, there, count))
    assert [(seen.partition, seen.offset) for seen in through] == [
        (partition, offset) for partition in range(PARTITIONS) for offset in range(count // PARTITIONS)
    ]
    timeless = isinstance(client, Kcat)
    written = {(seen.partition, seen.offset): _content(seen, timeless) for seen in through}
    assert written == {
        (seen.partition, seen.offset): _content(seen, timeless)
        for seen in client.assigned(embedded_broker, here, count)
    }


def _content(seen: Seen, timeless: bool) -> tuple[object, ...]:
    return (None if timeless else seen.at, seen.key, seen.value, seen.headers)


@each_client
def test_a_consumer_group_reads_and_commits_through_the_proxy(
    name: str, client: Any, embedded_broker: str, address: str, new_topic: Callable[..., str], committed: Any
) -> None:
    topic = new_topic(PARTITIONS)
    client.produce(embedded_broker, topic, "gzip")
    count = len(messages(name, "gzip"))
    direct = sorted(client.grouped(embedded_broker, topic, f"direct-{topic}", count))
    client.past.clear()
    assert sorted(client.grouped(address, topic, f"through-{topic}", count)) == direct
    assert not client.past
    assert committed(f"through-{topic}", topic) == dict.fromkeys(range(PARTITIONS), count // PARTITIONS)
    assert committed(f"through-{topic}", topic) == committed(f"direct-{topic}", topic)
