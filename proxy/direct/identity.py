"""Which broker it is, by what it answers and never by what was hoped for.

Redpanda shows itself by a cluster id that begins with `redpanda.`; its version stands in its Admin API, which
usually listens on port 9644 of the same host. Apache Kafka tells its release only through the highest level of
`metadata.version` that it supports (KIP-584, KIP-778): the release, not the patch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import trio

from ..result import BrokerInfo, Source
from .cluster import Cluster
from .nodes import INITIALIZING, Address

ADMIN_PORT = 9644
_ADMIN_TIMEOUT = 1.0
_ADMIN_LIMIT = 1 << 20
_INITIALIZING_FOR = 2.0

_LAST_LEVELS = (
    (1, "3.0"),
    (2, "3.1"),
    (3, "3.2"),
    (7, "3.3"),
    (8, "3.4"),
    (11, "3.5"),
    (14, "3.6"),
    (19, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (25, "4.0"),
    (27, "4.1"),
    (29, "4.2"),
    (30, "4.3"),
)
"""The last level of `metadata.version` that each release of Apache Kafka brought (its class MetadataVersion)."""


@dataclass(frozen=True, slots=True)
class BrokerIdentity:
    """A broker by what it answered. `version` and `cluster_id` are None where it does not tell.

    `nodes` maps broker ids to the addresses that they advertise. `kind` is `unknown` for a broker without a cluster
    id: it is neither Redpanda nor a Kafka of the last ten years.
    """

    kind: Literal["redpanda", "kafka", "unknown"]
    version: str | None
    cluster_id: str | None
    nodes: dict[int, Address]


async def broker_info(cluster: Cluster, source: Source, bootstrap: str) -> BrokerInfo:
    """The broker that answers, as a result names it. Raises what `identity_of` raises."""
    identity = await identity_of(cluster)
    return BrokerInfo(identity.kind, identity.version, source, bootstrap, identity.cluster_id)


def is_redpanda(cluster_id: str | None) -> bool:
    """Is this what a Redpanda calls its cluster?"""
    return cluster_id is not None and cluster_id.startswith("redpanda.")


async def identify(
    bootstrap: str,
    timeout: float = 10.0,  # noqa: ASYNC109
    *,
    mapping: Mapping[Address, Address] | None = None,
    admin_port: int = ADMIN_PORT,
) -> BrokerIdentity:
    """Which broker answers at `bootstrap`. Raises BrokerError when none does within `timeout` seconds."""
    async with Cluster.connect(bootstrap, mapping=mapping, timeout=timeout) as cluster:
        return await identity_of(cluster, admin_port=admin_port)


async def identity_of(cluster: Cluster, *, admin_port: int = ADMIN_PORT) -> BrokerIdentity:
    """Which broker this is that we are connected to. A Redpanda that starts is given two seconds for its id."""
    await _await_id(cluster)
    told = cluster.cluster_id
    cluster_id = None if told == INITIALIZING else told
    if told is None:
        return BrokerIdentity("unknown", None, None, dict(cluster.nodes))
    if is_redpanda(told):
        version = await _redpanda_version(cluster.bootstrap[0], admin_port, cluster_id)
        return BrokerIdentity("redpanda", version, cluster_id, dict(cluster.nodes))
    return BrokerIdentity("kafka", kafka_release(cluster.bootstrap_link.features), cluster_id, dict(cluster.nodes))


def kafka_release(features: Mapping[str, tuple[int, int]]) -> str | None:
    """The release by the highest supported level of `metadata.version`, such as `4.3`.

    None where the broker does not tell a level, or one that is newer than this table.
    """
    _, level = features.get("metadata.version", (0, 0))
    if level < 1:
        return None
    return next((release for last, release in _LAST_LEVELS if level <= last), None)


async def _await_id(cluster: Cluster) -> None:
    with trio.move_on_after(min(_INITIALIZING_FOR, cluster.timeout)):
        while cluster.cluster_id == INITIALIZING:
            await trio.sleep(0.25)
            await cluster.refresh()


async def _redpanda_version(host: str, port: int, cluster_id: str | None) -> str | None:
    """`22.3.25` out of the Admin API on the broker's host, None where it does not answer or is another cluster's."""
    return await trio.to_thread.run_sync(_ask_admin, host, port, cluster_id, abandon_on_cancel=True)


def _ask_admin(host: str, port: int, cluster_id: str | None) -> str | None:
    config = _get(host, port, "/v1/cluster_config")
    theirs = config.get("cluster_id") if isinstance(config, dict) else None
    if theirs is not None and cluster_id not in (theirs, f"redpanda.{theirs}"):
        return None  # the Admin API of another Redpanda on the same host
    brokers = _get(host, port, "/v1/brokers") if config is not None else None
    versions = {_plain(broker.get("version")) for broker in brokers or () if isinstance(broker, dict)}
    return versions.pop() if len(versions) == 1 else None


def _plain(version: Any) -> str | None:
    """`22.3.25` of `v22.3.25 - 0f1e2d`."""
    return version.split(" ")[0].removeprefix("v") or None if isinstance(version, str) else None


def _get(host: str, port: int, path: str) -> Any:
    """The JSON at this path, None where there is none to be had within a second or so."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(host, port, timeout=_ADMIN_TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(_ADMIN_LIMIT)
        return json.loads(body) if answer.status == 200 else None
    except (OSError, HTTPException, ValueError):
        return None
    finally:
        connection.close()
