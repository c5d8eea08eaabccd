"""What producers do beside plain sending passes the proxy too: acks=0, idempotence, transactions; and admin clients."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.kafka.batches import is_control, is_transactional, iter_batches
from ackdrop.kafka.produce import BatchHeader

pytestmark = pytest.mark.integration

PATIENCE = 20.0

Headers = Callable[[str], list[BatchHeader]]


@pytest.fixture
def headers(embedded_broker: str) -> Headers:
    """`headers(topic)`: the header of every batch in partition 0, read past the proxy."""

    def read(topic: str) -> list[BatchHeader]:
        async def fetch() -> list[BatchHeader]:
            async with Cluster.connect(embedded_broker) as cluster:
                return [batch.header for batch in iter_batches((await cluster.fetch(topic, 0, 0)).records)]

        return trio.run(fetch)

    return read


def records(found: list[BatchHeader]) -> int:
    return sum(header.records for header in found)


def numbered(found: list[BatchHeader]) -> list[int]:
    """The sequence of every record; checks that one producer id in one epoch wrote them."""
    assert len({(header.producer_id, header.producer_epoch) for header in found}) == 1
    assert found[0].producer_id >= 0
    return [header.base_sequence + number for header in found for number in range(header.records)]


class Confluent:
    def __init__(self, library: Any) -> None:
        self._confluent = library("confluent_kafka")

    def send(self, bootstrap: str, topic: str, values: list[bytes], **config: Any) -> list[int]:
        offsets: list[int] = []
        words = {name.replace("_", "."): value for name, value in config.items()}
        producer = self._confluent.Producer({"bootstrap.servers": bootstrap, **words})
        for value in values:
            producer.produce(topic, value, partition=0, on_delivery=lambda _, told: offsets.append(told.offset()))
        assert producer.flush(PATIENCE) == 0
        return offsets

    def transactions(self, bootstrap: str, topic: str, fates: list[tuple[bytes, bool]]) -> None:
        name = f"{topic}-confluent"
        producer = self._confluent.Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
        producer.init_transactions(PATIENCE)
        for value, kept in fates:
            producer.begin_transaction()
            producer.produce(topic, value, partition=0)
            assert producer.flush(PATIENCE) == 0
            (producer.commit_transaction if kept else producer.abort_transaction)(PATIENCE)


class KafkaPython:
    def __init__(self, library: Any) -> None:
        self._kafka = library("kafka")

    def send(self, bootstrap: str, topic: str, values: list[bytes], **config: Any) -> list[int]:
        with contextlib.closing(self._kafka.KafkaProducer(bootstrap_servers=bootstrap, **config)) as producer:
            futures = [producer.send(topic, value, partition=0) for value in values]
            return [future.get(PATIENCE).offset for future in futures]

    def transactions(self, bootstrap: str, topic: str, fates: list[tuple[bytes, bool]]) -> None:
        name = f"{topic}-kafka-python"
        with contextlib.closing(
            self._kafka.KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
        ) as producer:
            producer.init_transactions()
            for value, kept in fates:
                producer.begin_transaction()
                producer.send(topic, value, partition=0).get(PATIENCE)
                (producer.commit_transaction if kept else producer.abort_transaction)()


class Aiokafka:
    def __init__(self, library: Any) -> None:
        self._aiokafka = library("aiokafka")

    def send(self, bootstrap: str, topic: str, values: list[bytes], **config: Any) -> list[int]:
        async def run() -> list[int]:
            async with self._aiokafka.AIOKafkaProducer(bootstrap_servers=bootstrap, **config) as producer:
                futures = [await producer.send(topic, value, partition=0) for value in values]
                await producer.flush()
                answers = await asyncio.gather(*futures)
                return [answer.offset if answer is not None else -1 for answer in answers]

        return asyncio.run(run())

    def transactions(self, bootstrap: str, topic: str, fates: list[tuple[bytes, bool]]) -> None:
        async def run() -> None:
            async with self._aiokafka.AIOKafkaProducer(
                bootstrap_servers=bootstrap, transactional_id=f"{topic}-aiokafka"
            ) as producer:
                for value, kept in fates:
                    await producer.begin_transaction()
                    await producer.send_and_wait(topic, value, partition=0)
                    await (producer.commit_transaction() if kept else producer.abort_transaction())

        asyncio.run(run())


@pytest.fixture(params=[Confluent, KafkaPython, Aiokafka], ids=["confluent-kafka", "kafka-python", "aiokafka"])
def producer(request: pytest.FixtureRequest, library: Any) -> Any:
    return request.param(library)


def values(topic: str, count: int = 20) -> list[bytes]:
    return [f"{topic} {number}".encode() for number in range(count)]


def test_acks_0_and_acks_1_arrive_without_a_producer_id(
    producer: Any, shared_proxy: Any, new_topic: Callable[..., str], headers: Headers
) -> None:
    """What was sent with acks=0 is in the log once its connection has been read to the end, at the latest."""
    topic = new_topic(1)
    producer.send(shared_proxy.bootstrap, topic, values(topic), acks=0, **plain(producer))
    offsets = producer.send(shared_proxy.bootstrap, topic, values(topic, 30)[20:], acks=1, **plain(producer))
    deadline = time.monotonic() + PATIENCE
    while records(found := headers(topic)) < 30:
        assert time.monotonic() < deadline
    assert records(found) == 30
    assert len(set(offsets)) == 10
    assert {header.producer_id for header in found} == {-1}


def plain(producer: Any) -> dict[str, Any]:
    """What a client has to be told so that it is not idempotent."""
    return {"enable_idempotence": False} if isinstance(producer, KafkaPython) else {}


def test_an_idempotent_producer_keeps_its_id_and_its_sequence(
    producer: Any, shared_proxy: Any, new_topic: Callable[..., str], headers: Headers
) -> None:
    topic = new_topic(1)
    offsets = producer.send(shared_proxy.bootstrap, topic, values(topic), enable_idempotence=True)
    assert offsets == list(range(20))
    assert numbered(headers(topic)) == list(range(20))


def test_transactions_commit_and_abort(
    producer: Any, shared_proxy: Any, new_topic: Callable[..., str], headers: Headers, library: Any
) -> None:
    topic = new_topic(1)
    first, second, third = values(topic, 3)
    producer.transactions(shared_proxy.bootstrap, topic, [(first, True), (second, False), (third, True)])
    deadline = time.monotonic() + PATIENCE
    while len(found := headers(topic)) < 6:  # the last transaction is answered before its marker is written
        assert time.monotonic() < deadline
    assert [is_control(header.attributes) for header in found] == [False, True] * 3
    assert all(is_transactional(header.attributes) for header in found)

    kafka = library("kafka")
    with contextlib.closing(
        kafka.KafkaConsumer(bootstrap_servers=shared_proxy.bootstrap, isolation_level="read_committed")
    ) as consumer:
        place = kafka.TopicPartition(topic, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        seen: list[bytes] = []
        while third not in seen:
            polled = consumer.poll(timeout_ms=int(1000 * PATIENCE))
            assert polled
            seen += [record.value for record in polled[place]]
    assert seen == [first, third]


def test_an_admin_client_makes_describes_and_lists(
    shared_proxy: Any, embedded_broker: str, new_topic: Callable[..., str], library: Any, past_the_proxy: Any
) -> None:
    """CreateTopics, DescribeConfigs, DescribeGroups and ListGroups; the answers are those of the broker itself."""
    confluent, admins = library("confluent_kafka"), library("confluent_kafka.admin")
    before = past_the_proxy()
    through = admins.AdminClient({"bootstrap.servers": shared_proxy.bootstrap})
    topic = f"{new_topic(1)}-made"
    wish = admins.NewTopic(topic, num_partitions=3, replication_factor=1, config={"cleanup.policy": "compact"})
    assert through.create_topics([wish])[topic].result(PATIENCE) is None
    group = f"{topic}-group"
    consumer = confluent.Consumer({"bootstrap.servers": shared_proxy.bootstrap, "group.id": group})
    with contextlib.closing(consumer):
        consumer.commit(offsets=[confluent.TopicPartition(topic, 1, 0)], asynchronous=False)
    proxied = _described(admins, through, topic, group)
    assert past_the_proxy() <= before
    assert proxied == _described(admins, admins.AdminClient({"bootstrap.servers": embedded_broker}), topic, group)
    assert proxied["configs"]["cleanup.policy"] == "compact"
    assert proxied["partitions"] == [0, 1, 2]
    assert group in proxied["groups"]


def _described(admins: Any, admin: Any, topic: str, group: str) -> dict[str, Any]:
    resource = admins.ConfigResource(admins.ConfigResource.Type.TOPIC, topic)
    configs = admin.describe_configs([resource])[resource].result(PATIENCE)
    (described,) = admin.describe_consumer_groups([group]).values()
    groups = admin.list_consumer_groups().result(PATIENCE)
    return {
        "configs": {name: entry.value for name, entry in configs.items()},
        "partitions": sorted(admin.list_topics(topic, timeout=PATIENCE).topics[topic].partitions),
        "groups": {one.group_id: str(one.state) for one in groups.valid if one.group_id == group},
        "group": (described.result(PATIENCE).group_id, str(described.result(PATIENCE).state)),
    }
