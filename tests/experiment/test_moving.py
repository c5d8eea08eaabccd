"""Who is asked to move leadership."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from ackdrop.broker import admin
from ackdrop.broker.running import RunningBroker
from ackdrop.direct.cluster import Cluster
from ackdrop.errors import BrokerError
from ackdrop.experiment.moving import mover

PLACES = [("orders", 0), ("orders", 1)]


class Told:
    """A cluster that writes down what it is asked."""

    bootstrap = ("kafka.example", 9092)

    def __init__(self, cluster_id: str | None) -> None:
        self.cluster_id = cluster_id
        self.asked: list[tuple[list[tuple[str, int]], int | None]] = []

    async def move_leadership(self, places: Iterable[tuple[str, int]], to: int | None) -> None:
        self.asked.append((list(places), to))


@pytest.fixture
def admin_asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    asked: list[tuple[Any, ...]] = []

    async def transfer(*what: Any, allow_remote: bool) -> None:
        asked.append((*what, allow_remote))

    monkeypatch.setattr(admin, "transfer_leadership", transfer)
    return asked


@pytest.mark.parametrize("cluster_id", ["MkU3OEVBNTcwNTJENDM2Qk", None])
async def test_a_kafka_is_asked_itself(cluster_id: str | None, admin_asked: list[tuple[Any, ...]]) -> None:
    cluster = Told(cluster_id)
    await mover(RunningBroker("kafka.example:9092", "given"), cast(Cluster, cluster))(PLACES, 2)
    assert cluster.asked == [(PLACES, 2)]
    assert admin_asked == []


@pytest.mark.parametrize(("published", "where"), [(None, "kafka.example:9644"), ("localhost:20123", "localhost:20123")])
async def test_a_redpanda_s_admin_api_is_asked_for_one_after_the_other(
    published: str | None, where: str, admin_asked: list[tuple[Any, ...]]
) -> None:
    cluster = Told("redpanda.6d9c3e4a")
    broker = RunningBroker("elsewhere:1,kafka.example:9092", "given", admin=published, remote=True)
    await mover(broker, cast(Cluster, cluster))(PLACES, None)
    assert admin_asked == [(where, "orders", 0, None, True), (where, "orders", 1, None, True)]
    assert cluster.asked == []


@pytest.mark.parametrize("cluster_id", ["redpanda.6d9c3e4a", "MkU3OEVBNTcwNTJENDM2Qk"])
async def test_where_nothing_is_written_yet_nothing_is_said_to_be_done(cluster_id: str) -> None:
    with pytest.raises(BrokerError, match="no partition has been written yet"):
        await mover(RunningBroker("kafka.example:9092", "given"), cast(Cluster, Told(cluster_id)))([], None)
