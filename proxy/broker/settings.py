"""The embedded brokers' properties and their Java options.

A node is broker and controller (KRaft), from the fourth on a broker alone. What differs from Kafka's defaults differs
for a reason, told here.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from .layout import Layout, Node
from .ports import LOOPBACK

PROPERTIES = "server.properties"
LOG4J = "log4j2.xml"


def properties(layout: Layout, node: Node) -> str:
    """The text of `server.properties` for one broker; the wish's `extra` come last and win."""
    values = {**_who(layout, node), **_common(layout.wish.brokers), **_listeners(layout, node), **layout.wish.extra}
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _who(layout: Layout, node: Node) -> dict[str, str]:
    """Its place in the cluster."""
    voters = [f"{one.id}@{LOOPBACK}:{one.controller}" for one in layout.nodes if one.controller is not None]
    return {
        "process.roles": "broker" if node.controller is None else "broker,controller",
        "node.id": str(node.id),
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": "data",
    }


def _listeners(layout: Layout, node: Node) -> dict[str, str]:
    """Where it listens, and how it speaks there."""
    told = [f"PLAINTEXT://{LOOPBACK}:{node.port}"]
    told += [f"{name}://{LOOPBACK}:{port}" for name, port in node.more.items()]
    own = [] if node.controller is None else [f"CONTROLLER://{LOOPBACK}:{node.controller}"]
    protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
    protocols += [f"{listener.name}:{listener.protocol}" for listener in layout.wish.listeners]
    values = {
        "listeners": ",".join(told + own),
        "advertised.listeners": ",".join(told),
        "listener.security.protocol.map": ",".join(protocols),
    }
    for listener in layout.wish.listeners:
        values |= listener.properties()
    return values


def _common(brokers: int) -> dict[str, str]:
    """What does not depend on which broker it is."""
    copies, in_sync = str(min(brokers, 3)), "2" if brokers > 2 else "1"
    return {
        # A deleted topic must not come back because some client still asks for it.
        "auto.create.topics.enable": "false",
        # Records with old create times must not vanish while they are being counted.
        "log.retention.ms": "-1",
        # Internal topics as small as these brokers can have them, so that their first use is quick.
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": "1",
        # A consumer group of one need not wait three seconds for others.
        "group.initial.rebalance.delay.ms": "0",
        # Batches nearly as large as the largest request that the broker reads.
        "message.max.bytes": "100000000",
        "replica.fetch.max.bytes": "100000000",
        # One client's work needs few threads.
        "num.network.threads": "2",
        "num.io.threads": "4",
        # Leadership stays where a fault or a user has put it.
        "auto.leader.rebalance.enable": "false",
        # The end of the only broker need not wait for another one; of several, a restart hands leadership over first.
        "controlled.shutdown.enable": "false" if brokers == 1 else "true",
        # Its own controller takes a restarted broker for a second one until the first one's session is over: 9 s by
        # default. A pause that is longer than this fences the broker for a moment, as a longer one would elsewhere.
        "broker.session.timeout.ms": "3000" if brokers == 1 else "5000",
        "broker.heartbeat.interval.ms": "500",
    }


def _escaped(value: str) -> str:
    r"""A value as java.util.Properties reads it: backslashes doubled, all beyond ASCII as \uXXXX of UTF-16."""
    units = value.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


def files(layout: Layout, node: Node) -> dict[str, str]:
    """The files that the broker's folder begins with, by name."""
    log4j = Path(__file__).with_name(LOG4J).read_text(encoding="utf-8")
    return {PROPERTIES: properties(layout, node), LOG4J: log4j}


def commands(
    java: Path,
    jars: Sequence[Path],
    folder: Path,
    cluster: str,
    users: Mapping[str, str],
    archive: Path | None = None,
    write: Path | None = None,
) -> list[list[str]]:
    """Format the folder, then run the broker; both in the folder. With an `archive` of classes they start quicker, and
    do without it where it does not fit; the broker is to `write` one when it ends.

    A small heap, the first compiler tier alone and the simplest collector: the broker lives for minutes, and a quick
    start is worth more than throughput. Whatever Java or a native library drops goes into the folder.
    """
    virtual_machine = [
        str(java),
        "-Xmx512m",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:ErrorFile=hs_err.log",
        "-Djava.awt.headless=true",
        "-Djava.net.preferIPv4Stack=true",
        f"-Djava.io.tmpdir={folder}",
        f"-Dlog4j2.configurationFile=file:{LOG4J}",
        "-cp",
        ":".join(map(str, jars)),
    ]
    if archive is not None:
        virtual_machine += [f"-XX:AOTCache={archive}", "-Xlog:aot*=error"]
    written = [] if write is None else [f"-XX:AOTCacheOutput={write}"]
    return [
        [*virtual_machine, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", PROPERTIES, *_scram(users)],
        [*virtual_machine, *written, "kafka.Kafka", PROPERTIES],
    ]


def _scram(users: Mapping[str, str]) -> list[str]:
    """The options that make these users, for both of SCRAM's mechanisms."""
    return [
        word
        for user, password in users.items()
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for word in ("--add-scram", f"{mechanism}=[name={user},password={password}]")
    ]


def cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes in URL-safe base64; never one that looks like an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
