"""Real clients that speak TLS with the proxy and SASL through it: nothing of either is ackdrop's to know."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from ackdrop.direct.cluster import Cluster

pytestmark = pytest.mark.integration

USER, PASSWORD = "alice", "alice-secret"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
CLIENTS = ("kafka-python", "confluent-kafka", "aiokafka")
PATIENCE = 20.0

RULES = """
version: 1
title: A rule that never fires, so that all small frames are told of
workload: {records: 1}
control: none
faults:
  - {name: never, at: produce.response, when: {nth: 1000000}, do: {delay: {for: 1s}}}
"""

Produce = Callable[..., list[int]]


def token() -> str:
    """A JSON Web Token without a signature, as Kafka's own validator for tests takes it (RFC 7519)."""
    now = int(time.time())
    parts = {"alg": "none"}, {"sub": USER, "iat": now, "exp": now + 600, "scope": "any"}
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


@pytest.fixture(scope="module")
def topic(secured_broker: Any) -> str:
    async def make() -> None:
        async with Cluster.connect(secured_broker.bootstrap) as cluster:
            await cluster.create_topic("ackdrop-secured", 1)

    trio.run(make)
    return "ackdrop-secured"


@pytest.fixture(scope="module")
def tls_proxy(certificates: Any, proxy_processes: Any) -> Callable[..., Any]:
    """`tls_proxy(bootstrap, *more)` starts a proxy that speaks TLS with clients."""

    def start(bootstrap: str, *more: str) -> Any:
        tls = ["--tls-cert", str(certificates.server), "--tls-key", str(certificates.server_key)]
        process = proxy_processes("--bootstrap", bootstrap, "--listen", "127.0.0.1:0", *tls, *more)
        process.bootstrap = process.address()
        return process

    return start


@pytest.fixture(scope="module")
def sasl_behind_tls(secured_broker: Any, tls_proxy: Callable[..., Any]) -> Any:
    """One before a listener that wants SASL in the clear."""
    return tls_proxy(secured_broker.addresses("SASL")[0])


@pytest.fixture(scope="module")
def mutual(secured_broker: Any, certificates: Any, tls_proxy: Callable[..., Any]) -> Any:
    """One that lets only clients in which show a certificate, before a plaintext listener."""
    return tls_proxy(secured_broker.bootstrap, "--tls-client-ca", str(certificates.ca))


class KafkaPython:
    def __init__(self, library: Any) -> None:
        self._kafka = library("kafka")

    def produce(self, bootstrap: str, topic: str, files: Any, mechanism: str | None, mine: bool) -> int:
        config: dict[str, Any] = {
            "security_protocol": "SSL" if mechanism is None else "SASL_SSL",
            "ssl_cafile": str(files.ca),
        }
        if mine:
            config |= {"ssl_certfile": str(files.client), "ssl_keyfile": str(files.client_key)}
        if mechanism == "OAUTHBEARER":
            from kafka.net.sasl.oauth import AbstractTokenProvider

            class Provider(AbstractTokenProvider):  # type: ignore[misc]
                def token(self) -> str:
                    return token()

            config |= {"sasl_mechanism": mechanism, "sasl_oauth_token_provider": Provider()}
        elif mechanism is not None:
            config |= {"sasl_mechanism": mechanism, "sasl_plain_username": USER, "sasl_plain_password": PASSWORD}
        with contextlib.closing(self._kafka.KafkaProducer(bootstrap_servers=bootstrap, **config)) as producer:
            return int(producer.send(topic, b"v", partition=0).get(PATIENCE).offset)


class Confluent:
    def __init__(self, library: Any) -> None:
        self._kafka = library("confluent_kafka")

    def produce(self, bootstrap: str, topic: str, files: Any, mechanism: str | None, mine: bool) -> int:
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "security.protocol": "ssl" if mechanism is None else "sasl_ssl",
            "ssl.ca.location": str(files.ca),
        }
        if mine:
            config |= {"ssl.certificate.location": str(files.client), "ssl.key.location": str(files.client_key)}
        if mechanism == "OAUTHBEARER":
            config |= {"sasl.mechanism": mechanism, "oauth_cb": lambda _: (token(), time.time() + 600)}
        elif mechanism is not None:
            config |= {"sasl.mechanism": mechanism, "sasl.username": USER, "sasl.password": PASSWORD}
        producer = self._kafka.Producer(config)
        offsets: list[int] = []
        producer.produce(topic, b"v", partition=0, on_delivery=lambda error, message: offsets.append(message.offset()))
        assert producer.flush(PATIENCE) == 0
        return offsets[0]


class Aiokafka:
    def __init__(self, library: Any) -> None:
        self._kafka = library("aiokafka")

    def produce(self, bootstrap: str, topic: str, files: Any, mechanism: str | None, mine: bool) -> int:
        import asyncio

        context = ssl.create_default_context(cafile=str(files.ca))
        if mine:
            context.load_cert_chain(files.client, files.client_key)
        config: dict[str, Any] = {
            "security_protocol": "SSL" if mechanism is None else "SASL_SSL",
            "ssl_context": context,
        }
        if mechanism == "OAUTHBEARER":
            from aiokafka.abc import AbstractTokenProvider

            class Provider(AbstractTokenProvider):  # type: ignore[misc]
                async def token(self) -> str:
                    return token()

            config |= {"sasl_mechanism": mechanism, "sasl_oauth_token_provider": Provider()}
        elif mechanism is not None:
            config |= {"sasl_mechanism": mechanism, "sasl_plain_username": USER, "sasl_plain_password": PASSWORD}

        async def send() -> int:
            producer = self._kafka.AIOKafkaProducer(bootstrap_servers=bootstrap, **config)
            await producer.start()
            try:
                return int((await producer.send_and_wait(topic, b"v", partition=0)).offset)
            finally:
                await producer.stop()

        return asyncio.run(send())


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest, library: Any) -> Any:
    kinds = dict(zip(CLIENTS, (KafkaPython, Confluent, Aiokafka), strict=True))
    return kinds[request.param](library)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_sasl_passes(client: Any, mechanism: str, sasl_behind_tls: Any, topic: str, certificates: Any) -> None:
    assert client.produce(sasl_behind_tls.bootstrap, topic, certificates, mechanism, False) >= 0


def test_a_certificate_of_the_clients_lets_it_in(client: Any, mutual: Any, topic: str, certificates: Any) -> None:
    assert client.produce(mutual.bootstrap, topic, certificates, None, True) >= 0


def test_without_one_nobody_is_let_in(mutual: Any, certificates: Any) -> None:
    host, _, port = mutual.bootstrap.rpartition(":")
    context = ssl.create_default_context(cafile=str(certificates.ca))
    with (
        socket.create_connection((host, int(port)), PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
    ):
        secured.recv(1)


def test_no_secret_is_kept(
    secured_broker: Any, certificates: Any, tls_proxy: Any, library: Any, topic: str, tmp_path: Path
) -> None:
    """Neither of what clients authenticate with, nor of what the ledger and the events tell of their frames."""
    scenario = tmp_path / "rules.yaml"
    scenario.write_text(RULES)
    capture = tmp_path / "capture.pcapng"
    process = tls_proxy(secured_broker.addresses("SASL")[0], "--scenario", str(scenario), "--capture", str(capture))
    for kind in (KafkaPython, Confluent, Aiokafka):
        for mechanism in MECHANISMS:
            assert kind(library).produce(process.bootstrap, topic, certificates, mechanism, False) >= 0
    ended = process.end()
    events = next(Path(process.out_folder).rglob("events.jsonl")).read_text()
    assert events.count('"sasl_authenticate.request"') >= 2 * len(MECHANISMS)
    told = [path.read_bytes() for path in Path(process.out_folder).rglob("*") if path.is_file()]
    assert len(told) >= 4
    told.append(capture.read_bytes())
    assert told[-1].count(b"ackdrop: blanked") >= 2 * len(MECHANISMS)
    for content in (*told, ended.out.encode(), ended.err.encode()):
        for secret in (PASSWORD.encode(), PASSWORD.encode().hex().encode(), b"eyJhbGciOi", b"biws"):
            assert secret not in content


class Raw:
    """A client made by hand, which sends its SASL tokens without headers (SaslHandshake v0)."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._sock = socket.create_connection((host, int(port)), PATIENCE)

    def close(self) -> None:
        self._sock.close()

    def exchange(self, message: bytes) -> bytes:
        self._sock.sendall(struct.pack(">i", len(message)) + message)
        (size,) = struct.unpack(">i", self._read(4))
        return self._read(size)

    def _read(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            data = self._sock.recv(count - len(out))
            assert data, f"ended after {len(out)} of {count} bytes"
            out += data
        return out


def test_tokens_without_headers_pass(secured_broker: Any, proxy_processes: Any, tmp_path: Path) -> None:
    capture = tmp_path / "capture.pcapng"
    address = secured_broker.addresses("SASL")[0]
    process = proxy_processes("--bootstrap", address, "--listen", "127.0.0.1:0", "--capture", str(capture))
    with contextlib.closing(Raw(process.address())) as raw:
        handshake = raw.exchange(struct.pack(">hhih", 17, 0, 1, -1) + struct.pack(">h", 5) + b"PLAIN")
        assert handshake[:6] == struct.pack(">ih", 1, 0)
        assert raw.exchange(f"\0{USER}\0{PASSWORD}".encode()) == b""
        versions = raw.exchange(struct.pack(">hhih", 18, 0, 2, -1))
        assert versions[:6] == struct.pack(">ih", 2, 0)
        metadata = raw.exchange(struct.pack(">hhih", 3, 1, 3, -1) + struct.pack(">i", 0))
        assert metadata[:4] == struct.pack(">i", 3)
    ended = process.end()
    assert ended.arm["wire"]["undecoded"] == 0
    assert PASSWORD.encode() not in capture.read_bytes()
    assert capture.read_bytes().count(b"ackdrop: blanked") == 2
