"""The embedded broker's properties and its Java options.

One node is broker and controller (KRaft). What differs from Kafka's defaults differs for a reason, told here.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from .ports import LOOPBACK

PROPERTIES = "server.properties"
LOG4J = "log4j2.xml"


def properties(port: int, controller_port: int, extra: Mapping[str, str]) -> str:
    """The text of `server.properties`; `extra` comes last and wins."""
    values = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "data",
        # A deleted topic must not come back because some client still asks for it.
        "auto.create.topics.enable": "false",
        # Records with old create times must not vanish while they are being counted.
        "log.retention.ms": "-1",
        # Internal topics as small as one node can have them, so that their first use is quick.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # A consumer group of one need not wait three seconds for others.
        "group.initial.rebalance.delay.ms": "0",
        # Batches nearly as large as the largest request that the broker reads.
        "message.max.bytes": "100000000",
        "replica.fetch.max.bytes": "100000000",
        # One client's work needs few threads, and the end need not wait for another broker.
        "num.network.threads": "2",
        "num.io.threads": "4",
        "controlled.shutdown.enable": "false",
        # Its own controller takes a restarted broker for a second one until the first one's session is over: 9 s by
        # default. A pause that is longer than this fences the broker for a moment, as a longer one would elsewhere.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        **extra,
    }
    return "".join(f"{name}={_escaped(value)}\n" for name, value in values.items())


def _escaped(value: str) -> str:
    r"""A value as java.util.Properties reads it: backslashes doubled, all beyond ASCII as \uXXXX of UTF-16."""
    units = value.replace("\\", "\\\\").replace("\n", "\\n").encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 32 <= code < 127 else f"\\u{code:04x}" for code in codes)


def files(port: int, controller_port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """The files that the broker's folder begins with, by name."""
    log4j = Path(__file__).with_name(LOG4J).read_text(encoding="utf-8")
    return {PROPERTIES: properties(port, controller_port, extra), LOG4J: log4j}


def commands(java: Path, jars: Sequence[Path], folder: Path) -> list[list[str]]:
    """Format the folder, then run the broker; both in the folder.

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
    return [
        [*virtual_machine, "kafka.tools.StorageTool", "format", "-t", cluster_id(), "-c", PROPERTIES],
        [*virtual_machine, "kafka.Kafka", PROPERTIES],
    ]


def cluster_id() -> str:
    """A random cluster id in Kafka's form: 16 bytes in URL-safe base64; never one that looks like an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
