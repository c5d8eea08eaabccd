"""Several embedded brokers, and listeners with TLS and SASL: what a client library sees of them."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
import trio

from ackdrop.broker.commands import Commands
from ackdrop.broker.jars import provide
from ackdrop.broker.java import find_java
from ackdrop.cli.tls import _next
from ackdrop.direct.cluster import Cluster
from ackdrop.security import Sasl, Security, UpstreamTls

pytestmark = pytest.mark.integration

Library = Callable[[str], ModuleType]
PATIENCE = 30.0


def token(subject: str) -> str:
    """A token of RFC 7519 that nobody has signed, good for an hour."""
    now = int(time.time())
    parts = {"alg": "none"}, {"sub": subject, "iat": now, "exp": now + 3600}
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def written(library: Library, address: str, topic: str, **how: Any) -> int:
    """The offset of a record that confluent-kafka could write there."""
    confluent = library("confluent_kafka")
    told: list[tuple[Any, int]] = []
    errors: list[Any] = []
    config = {"bootstrap.servers": address, "message.timeout.ms": int(PATIENCE * 1000), "error_cb": errors.append}
    producer = confluent.Producer({**config, **how})
    producer.produce(topic, b"x", on_delivery=lambda error, message: told.append((error, message.offset())))
    producer.flush(PATIENCE)
    [(error, offset)] = told
    assert error is None, errors
    return offset


def refused(library: Library, address: str, topic: str, word: str, **how: Any) -> None:
    """Waits until confluent-kafka, which wants to write there, has told of an error with this word in it."""
    errors: list[Any] = []
    producer = library("confluent_kafka").Producer({"bootstrap.servers": address, "error_cb": errors.append, **how})
    producer.produce(topic, b"x")
    deadline = time.monotonic() + PATIENCE
    while not any(word in error.str() for error in errors):
        assert time.monotonic() < deadline, errors
        producer.poll(0.1)
    producer.purge()
    producer.flush(PATIENCE)


def made(address: str, **wish: Any) -> str:
    topic = f"ackdrop-cluster-{uuid.uuid4().hex[:12]}"

    async def make() -> None:
        async with Cluster.connect(address, timeout=PATIENCE) as cluster:
            await cluster.create_topic(topic, **wish)

    trio.run(make)
    return topic


def seen(address: str) -> tuple[list[int], dict[str, dict[int, int]]]:
    """The node ids and the topics (partition → leader) as this broker tells them."""

    async def ask() -> tuple[list[int], dict[str, dict[int, int]]]:
        async with Cluster.connect(address) as cluster:
            topics = await cluster.topics()
            return sorted(cluster.nodes), topics

    return trio.run(ask)


def test_a_topic_has_its_copies_on_three_brokers(three_brokers: Any) -> None:
    topic = made(three_brokers.bootstrap, partitions=3, replication=3)
    nodes, topics = seen(three_brokers.bootstrap)
    assert nodes == sorted(topics[topic].values()) == [1, 2, 3]


@pytest.mark.parametrize("node", [1, 2, 3])
def test_any_broker_may_die_and_comes_back_with_its_data_where_it_was(
    three_brokers: Any, library: Library, node: int
) -> None:
    """The others go on meanwhile, a controller among them: a topic can be made."""
    topic = made(three_brokers.bootstrap, partitions=3, replication=3)
    other = three_brokers.nodes[node % 3 + 1].address
    before = psutil.Process(three_brokers.nodes[node].pid)
    with three_brokers.away(node):
        assert not before.is_running()
        made(other, replication=2)
        assert written(library, other, topic) == 0
    assert three_brokers.nodes[node].pid != before.pid
    nodes, topics = seen(three_brokers.nodes[node].address)
    assert nodes == [1, 2, 3]
    assert topic in topics


@pytest.mark.parametrize("brokers", ["secured_broker", "three_brokers"])
class TestSecured:
    @pytest.fixture
    def there(self, request: pytest.FixtureRequest, brokers: str) -> Any:
        return request.getfixturevalue(brokers)

    def test_tls(self, there: Any, library: Library) -> None:
        topic = made(there.bootstrap)
        ca = {"ssl.ca.location": str(there.certificates.ca)}
        assert written(library, there.addresses("TLS")[0], topic, **{"security.protocol": "ssl", **ca}) == 0

    def test_tls_with_a_client_s_certificate(self, there: Any, library: Library) -> None:
        topic = made(there.bootstrap)
        words = {"security.protocol": "ssl", "ssl.ca.location": str(there.certificates.ca)}
        ours = {
            "ssl.certificate.location": str(there.certificates.client),
            "ssl.key.location": str(there.certificates.client_key),
        }
        address = there.addresses("MTLS")[0]
        refused(library, address, topic, "SSL", **words)
        assert written(library, address, topic, **words, **ours) == 0

    @pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
    @pytest.mark.parametrize("tls", [False, True])
    def test_passwords(self, there: Any, library: Library, mechanism: str, tls: bool) -> None:
        topic = made(there.bootstrap)
        words = {
            "security.protocol": "sasl_ssl" if tls else "sasl_plaintext",
            "ssl.ca.location": str(there.certificates.ca),
            "sasl.mechanism": mechanism,
            "sasl.username": "alice",
        }
        address = there.addresses("SASL_TLS" if tls else "SASL")[0]
        refused(library, address, topic, "uthentication", **words, **{"sasl.password": "guessed"})
        assert written(library, address, topic, **words, **{"sasl.password": there.users["alice"]}) == 0

    def test_after_a_command_it_is_asked_as_it_wants_to_be(self, there: Any) -> None:
        """A scenario's own command to restart a broker is over when the broker lets us in again."""
        security = Security(UpstreamTls(ca=there.certificates.ca), Sasl("SCRAM-SHA-512", "alice", there.users["alice"]))
        commands = Commands(("true",), (), ",".join(there.addresses("SASL_TLS")), {}, security)

        async def back() -> None:
            with trio.fail_after(PATIENCE):
                await commands.steps("restart").back()

        trio.run(back)

    def test_tokens(self, there: Any, library: Library) -> None:
        topic = made(there.bootstrap)
        words = {
            "security.protocol": "sasl_plaintext",
            "sasl.mechanism": "OAUTHBEARER",
            "oauth_cb": lambda config: (token("alice"), time.time() + 3600),
        }
        assert written(library, there.addresses("SASL")[0], topic, **words) == 0


def test_java_takes_the_properties_that_tls_init_prints(secured_broker: Any, tmp_path: Path) -> None:
    """An admin tool of Kafka's own, at the listener that asks for a certificate."""
    said = _next(secured_broker.certificates.ca.parent)
    lines = said.partition("Java:\n")[2].partition("kafka-python:")[0].splitlines()
    (tmp_path / "client.properties").write_text("\n".join(lines))
    java, jars = trio.run(find_java), trio.run(provide, None)
    address = secured_broker.addresses("MTLS")[0]
    tool = ["kafka.admin.ConfigCommand", "--bootstrap-server", address, "--entity-type", "brokers", "--all"]
    done = subprocess.run(
        [java, "-cp", ":".join(map(str, jars)), *tool, "--describe", "--command-config", "client.properties"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "log.retention.ms=-1" in done.stdout
