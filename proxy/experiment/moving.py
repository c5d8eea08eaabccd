"""Another broker becomes the leader: by Redpanda's Admin API, or by Kafka's own requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from ..broker.running import RunningBroker
from ..direct.cluster import Cluster
from ..direct.identity import is_redpanda
from ..errors import BrokerError

Move = Callable[[Iterable[tuple[str, int]], int | None], Awaitable[None]]
"""Moves the leadership of these partitions to a node (None: to any other replica). Raises BrokerError."""


def mover(broker: RunningBroker, cluster: Cluster) -> Move:
    """The way that this cluster has. Redpanda has no requests for it among Kafka's."""

    async def move(places: Iterable[tuple[str, int]], to: int | None) -> None:
        wanted = list(places)
        if not wanted:
            raise BrokerError("no partition has been written yet, so there is no leader to move")
        if not is_redpanda(cluster.cluster_id):
            return await cluster.move_leadership(wanted, to)
        from ..broker import admin

        where = broker.admin or admin.address_of(cluster.bootstrap[0])
        for topic, partition in wanted:
            await admin.transfer_leadership(where, topic, partition, to, allow_remote=broker.remote)

    return move
