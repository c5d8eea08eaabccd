"""Is that a Kafka broker, and is it ready? Two questions: ApiVersions and Metadata."""

from __future__ import annotations

from ..direct.approach import PLAINLY, Approach
from ..direct.link import Link
from ..errors import BrokerError, UndecodableError


async def probe(host: str, port: int, wait: float, brokers: int = 1, approach: Approach = PLAINLY) -> None:
    """Returns when a broker answers there that knows a live controller and so many live brokers; else BrokerError.

    `wait` bounds every single wait, in seconds.
    """
    try:
        async with Link.open(host, port, wait, approach) as link:
            cluster = await link.ask("metadata", topics=[])
    except UndecodableError as error:
        raise BrokerError(
            f"{host}:{port}: {error.message}", remedy="See that a Kafka listener is on this port."
        ) from error
    if len(cluster.brokers) < brokers or cluster.controller_id < 0:
        raise BrokerError(f"{host}:{port}: the cluster has no live broker or controller yet")
