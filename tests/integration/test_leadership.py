"""Leadership moved by Kafka's own requests, in a cluster of three brokers."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.direct.identity import broker_info
from ackdrop.direct.nodes import Nodes
from ackdrop.errors import BrokerError
from ackdrop.probing.cases import named
from ackdrop.probing.measure import Probe, Wish

from .removal import gone

pytestmark = pytest.mark.integration

T = TypeVar("T")
Leaders = dict[int, int]


@pytest.fixture
def ask(three_brokers: Any) -> Callable[..., Any]:
    """`ask(function)` is what `function(cluster)` gives; it may take `timeout` seconds."""

    def call(function: Callable[[Cluster], Awaitable[T]], timeout: float = 10.0, node: int = 1) -> T:
        async def main() -> T:
            async with Cluster.connect(three_brokers.nodes[node].address, timeout=timeout) as cluster:
                return await function(cluster)

        return trio.run(main)

    return call


@pytest.fixture
def make(ask: Callable[..., Any]) -> Callable[..., str]:
    """`make(partitions, replication)` is the name of a new topic."""

    def topic(partitions: int = 3, replication: int = 3) -> str:
        name = f"ackdrop-led-{uuid.uuid4().hex[:12]}"
        ask(lambda cluster: cluster.create_topic(name, partitions, replication))
        return name

    return topic


async def leaders(cluster: Cluster, topic: str) -> Leaders:
    return (await cluster.topics([topic]))[topic]


async def moved(cluster: Cluster, topic: str, partitions: list[int], to: int | None = None) -> tuple[Leaders, Leaders]:
    """The leaders before, and right after the move."""
    before = await leaders(cluster, topic)
    await cluster.move_leadership([(topic, partition) for partition in partitions], to)
    return before, await leaders(cluster, topic)


async def moved_at_once(cluster: Cluster, topic: str, to: int) -> None:
    """With little patience for a broker that cannot lead yet, and as much as ever for the answers."""
    cluster._nodes.timeout = 1.0
    await cluster.move_leadership([(topic, 0)], to)


async def replicas(cluster: Cluster, topic: str) -> dict[int, list[int]]:
    body = await cluster._nodes.metadata([topic])
    return {entry.partition_index: list(entry.replica_nodes) for entry in body.topics[0].partitions}


async def out_of_sync(cluster: Cluster, topic: str, node: int) -> None:
    """Wait until the cluster has noticed that this broker is away."""
    with trio.fail_after(30.0):
        while node in (await cluster._nodes.metadata([topic])).topics[0].partitions[0].isr_nodes:  # noqa: ASYNC110
            await trio.sleep(0.1)


def test_each_partition_gets_another_leader_and_keeps_its_replicas(
    ask: Callable[..., Any], make: Callable[..., str]
) -> None:
    topic = make()
    held = ask(partial(replicas, topic=topic))
    before, after = ask(partial(moved, topic=topic, partitions=[0, 1, 2]))
    assert all(before[partition] != after[partition] for partition in (0, 1, 2))
    now = ask(partial(replicas, topic=topic))
    assert {partition: sorted(ids) for partition, ids in now.items()} == {
        partition: sorted(ids) for partition, ids in held.items()
    }


@pytest.mark.parametrize("to", [1, 2, 3])
def test_one_broker_leads_them_all_and_others_are_left_alone(
    ask: Callable[..., Any], make: Callable[..., str], to: int
) -> None:
    """Among them one that it leads already."""
    topic, other = make(), make()
    untouched = ask(partial(leaders, topic=other))
    before, after = ask(partial(moved, topic=topic, partitions=[0, 1, 2], to=to))
    assert sorted(before.values()) == [1, 2, 3]
    assert set(after.values()) == {to}
    assert ask(partial(leaders, topic=other)) == untouched


def test_partitions_of_several_topics_move_and_those_that_are_not_named_stay(
    ask: Callable[..., Any], make: Callable[..., str]
) -> None:
    one, two = make(), make(2, 2)
    before = [ask(partial(leaders, topic=topic)) for topic in (one, two)]
    ask(lambda cluster: cluster.move_leadership([(one, 2), (two, 0)]))
    after = [ask(partial(leaders, topic=topic)) for topic in (one, two)]
    changed = [{n for n in was if was[n] != now[n]} for was, now in zip(before, after, strict=True)]
    assert changed == [{2}, {0}]


def test_with_one_replica_nobody_else_can_lead(ask: Callable[..., Any], make: Callable[..., str]) -> None:
    topic = make(1, 1)
    with pytest.raises(BrokerError, match=f"{topic}/0 has one replica, so no other broker can lead it") as caught:
        ask(partial(moved, topic=topic, partitions=[0]))
    assert "replication 2 or more" in (caught.value.remedy or "")


def test_a_broker_without_a_replica_cannot_lead(ask: Callable[..., Any], make: Callable[..., str]) -> None:
    topic = make(1, 2)
    held = ask(partial(replicas, topic=topic))[0]
    (without,) = {1, 2, 3} - set(held)
    with pytest.raises(BrokerError, match=f"broker {without} has no replica of {topic}/0: ") as caught:
        ask(partial(moved, topic=topic, partitions=[0], to=without))
    assert caught.value.message.endswith(f"{min(held)}, {max(held)} have one")


def test_a_broker_that_is_away_cannot_lead_until_it_is_back_in_sync(
    three_brokers: Any, ask: Callable[..., Any], make: Callable[..., str]
) -> None:
    topic = make(1, 3)
    ask(partial(moved, topic=topic, partitions=[0], to=1))
    with three_brokers.away(3):
        ask(partial(out_of_sync, topic=topic, node=3))
        before, after = ask(partial(moved, topic=topic, partitions=[0]), timeout=20.0)
        assert after[0] == 2 != before[0]
        with pytest.raises(BrokerError, match=f"broker 3 is not in sync with the leader of {topic}/0"):
            ask(partial(moved_at_once, topic=topic, to=3))
    _, after = ask(partial(moved, topic=topic, partitions=[0], to=3), timeout=20.0)
    assert after == {0: 3}


def test_a_reassignment_that_is_under_way_is_left_alone(
    three_brokers: Any, ask: Callable[..., Any], make: Callable[..., str]
) -> None:
    """It cannot end, since the new replica's broker is away."""
    topic = make(1, 2)
    held = ask(partial(replicas, topic=topic))[0]
    (new,) = {1, 2, 3} - set(held)
    asked = held[0]

    async def reassign(cluster: Cluster) -> None:
        nodes: Nodes = cluster._nodes
        wish = {"partition_index": 0, "replicas": [held[0], new]}
        answer = await nodes.link(nodes.bootstrap).ask(
            "alter_partition_reassignments", timeout_ms=5000, topics=[{"name": topic, "partitions": [wish]}]
        )
        assert answer.error_code == 0
        assert answer.responses[0].partitions[0].error_code == 0

    with three_brokers.away(new):
        ask(reassign, node=asked)
        with pytest.raises(BrokerError, match=f"{topic}/0 is being moved to other brokers"):
            ask(partial(moved, topic=topic, partitions=[0]), node=asked)


def test_moves_while_its_leader_dies_and_comes_back(
    three_brokers: Any, ask: Callable[..., Any], make: Callable[..., str]
) -> None:
    """The leadership that a death has moved can be moved on, and back to the one that returned."""
    topic = make(1, 3)
    (leader,) = ask(partial(leaders, topic=topic)).values()
    other = leader % 3 + 1
    with three_brokers.away(leader):
        _, after = ask(partial(moved, topic=topic, partitions=[0]), timeout=20.0, node=other)
        assert after[0] not in (leader, -1)
    _, after = ask(partial(moved, topic=topic, partitions=[0], to=leader), timeout=20.0)
    assert after == {0: leader}


def test_the_next_leader_knows_the_last_five_batches_of_a_producer(ask: Callable[..., Any]) -> None:
    """Measured by a probe, whose topic is gone afterwards."""

    async def main(cluster: Cluster) -> Probe:
        info = await broker_info(cluster, "given", "here")
        probe = Probe(cluster, info, Wish(cases=named(["after-move", "after-kill"]), replication=3))
        await probe.run()
        await gone(cluster, probe.topic)
        return probe

    moved, killed = ask(main).result().cases
    assert [step.effect for step in moved.steps] == [
        "6 x appended",
        "moved",
        *["deduplicated"] * 5,
        "refused OUT_OF_ORDER_SEQUENCE_NUMBER",
        "appended",
    ]
    assert [verdict.kept for verdict in moved.promises] == [True]
    assert (killed.state, killed.steps) == ("left-out", ())
