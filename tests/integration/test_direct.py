"""Our own conversation with a real broker, past the proxy."""

from __future__ import annotations

import uuid

import pytest
import trio

from ackdrop.direct.cluster import Cluster, OffsetGone
from ackdrop.direct.identity import identify
from ackdrop.errors import BrokerError
from ackdrop.kafka.batches import iter_batches

from .removal import gone

pytestmark = pytest.mark.integration


@pytest.fixture
def name() -> str:
    return f"ackdrop-direct-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def produce(embedded_broker):
    """`produce(topic, partition, values)`: appends them, one batch a value, by librdkafka."""
    confluent_kafka = pytest.importorskip("confluent_kafka")

    def send(topic: str, partition: int, values: list[bytes]) -> None:
        producer = confluent_kafka.Producer({"bootstrap.servers": embedded_broker, "linger.ms": 0})
        for value in values:
            producer.produce(topic, value, partition=partition)
            assert producer.flush(30) == 0

    return send


async def test_the_broker_is_named_by_what_it_answers(embedded_broker):
    identity = await identify(embedded_broker)
    host, port = embedded_broker.split(":")
    assert (identity.kind, identity.version) == ("kafka", "4.3")
    assert list(identity.nodes.values()) == [(host, int(port))]
    assert len(identity.cluster_id) == 22


async def test_fetch_names_topics_by_name(embedded_broker):
    """Kafka 4 knows Fetch up to 18; from 13 on a topic would have to be named by its id."""
    async with Cluster.connect(embedded_broker) as cluster:
        link = cluster.bootstrap_link
        assert link.versions[1][1] > 12
        assert (link.version("fetch"), link.version("delete_topics")) == (12, 5)


async def test_a_topic_is_made_found_and_removed(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name, 3, 1, {"retention.ms": "-1"})
        (node,) = cluster.nodes
        assert await cluster.topics([name]) == {name: dict.fromkeys(range(3), node)}
        assert name in await cluster.topics()
        assert await cluster.partitions(name) == [0, 1, 2]
        with pytest.raises(BrokerError, match="TOPIC_ALREADY_EXISTS"):
            await cluster.create_topic(name)
        await cluster.delete_topic(name)
        await cluster.delete_topic(name)
        await gone(cluster, name)


async def test_a_topic_is_found_by_its_id(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name)
        (topic,) = (await cluster.bootstrap_link.ask("metadata", topics=[{"name": name}])).topics
        assert await cluster.topic_name(topic.topic_id.bytes) == name
        with pytest.raises(BrokerError, match=r"topic id 07070707.* is not known: UNKNOWN_TOPIC_ID"):
            await cluster.topic_name(b"\7" * 16)
        await cluster.delete_topic(name)


async def test_asking_for_a_topic_does_not_make_it(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        assert await cluster.topics([name]) == {}
        assert await cluster.topics([name]) == {}


@pytest.mark.parametrize(
    ("replication", "config", "says"),
    [(3, {}, "INVALID_REPLICATION_FACTOR"), (1, {"retention.ms": "soon"}, "INVALID_CONFIG")],
)
async def test_a_topic_that_the_broker_refuses_is_an_error_in_its_words(
    embedded_broker, name, replication, config, says
):
    async with Cluster.connect(embedded_broker) as cluster:
        with pytest.raises(BrokerError, match=rf"{says} \(.+\)"):
            await cluster.create_topic(name, 1, replication, config)


async def test_offsets_and_batches_are_those_of_the_log(embedded_broker, name, produce):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name, 2)
        produce(name, 1, [b"a", b"b", b"c"])
        assert await cluster.start_offsets(name) == {0: 0, 1: 0}
        assert await cluster.end_offsets(name) == {0: 0, 1: 3}
        fetched = await cluster.fetch(name, 1, 1)
        assert (fetched.high_watermark, fetched.log_start) == (3, 0)
        assert [batch.header.base_offset for batch in iter_batches(fetched.records)] == [1, 2]
        assert bytes((await cluster.fetch(name, 1, 3)).records) == b""
        await cluster.delete_topic(name)


async def test_a_batch_larger_than_what_was_asked_for_comes_whole(embedded_broker, name, produce):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name)
        produce(name, 0, [bytes(200_000)])
        fetched = await cluster.fetch(name, 0, 0, max_bytes=1000)
        (batch,) = iter_batches(fetched.records)
        assert len(batch.data) > 200_000
        await cluster.delete_topic(name)


async def test_an_offset_past_the_end_is_gone(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name)
        with pytest.raises(OffsetGone):
            await cluster.fetch(name, 0, 7)
        await cluster.delete_topic(name)


async def test_a_conversation_goes_on_after_its_connections_were_closed(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name)
        cluster.bootstrap_link.close()
        assert await cluster.end_offsets(name) == {0: 0}
        await cluster.delete_topic(name)


async def test_a_conversation_goes_on_after_a_cancelled_question(embedded_broker, name):
    async with Cluster.connect(embedded_broker) as cluster:
        await cluster.create_topic(name)
        for _ in range(20):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cluster.end_offsets, name)
                    await trio.lowlevel.checkpoint()
                    scope.cancel()
        assert await cluster.end_offsets(name) == {0: 0}
        await cluster.delete_topic(name)
