"""`ackdrop proxy` in front of three brokers: leadership moves, brokers die and come back, and clients stay on it."""

from __future__ import annotations

import json
import operator
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from ackdrop.direct.cluster import Cluster
from ackdrop.direct.link import Link

pytestmark = pytest.mark.integration

PROGRAM = Path(__file__).with_name("steady_client.py")
PARTITIONS = 3
DEADLINE = 60.0
MORE = 10
"""So many more records of each partition, written and read, show that a client goes on."""
LIBRARIES = ["kafka-python", "confluent-kafka", "aiokafka"]


class Client:
    """A steady_client.py in a process of its own, and all the connections that it was ever seen with."""

    def __init__(self, library: str, bootstrap: str, topic: str, *login: str) -> None:
        command = [sys.executable, str(PROGRAM), library, bootstrap, topic, str(PARTITIONS), *login]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.peers: set[int] = set()
        self.looked = 0
        self._counts = [0] * PARTITIONS * 2
        self._grown = threading.Condition()
        self._last: Any = None
        self._said: list[str] = []
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._listen, self._look)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            with self._grown:
                if isinstance(told, dict):
                    self._last = told
                else:
                    self._counts = told
                self._grown.notify_all()
        with self._grown:
            self._counts = []
            self._grown.notify_all()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._said.extend(self._process.stderr)

    def _look(self) -> None:
        """With whom it has connections, as often as this machine can look."""
        try:
            process = psutil.Process(self._process.pid)
            while self._process.poll() is None:
                self.peers |= {found.raddr.port for found in process.net_connections("tcp") if found.raddr}
                self.looked += 1
                time.sleep(0.002)  # that it connects tells nobody
        except psutil.NoSuchProcess:
            pass

    def goes_on(self) -> None:
        """Waits until more was written to and read from every partition."""
        with self._grown:
            wanted = [count + MORE for count in self._counts]

            def grown() -> bool:
                return not self._counts or all(map(operator.ge, self._counts, wanted))

            assert self._grown.wait_for(grown, DEADLINE), f"{self._counts}, not yet {wanted}: {self._said[-20:]}"
            assert self._counts, f"it ended: {self._said[-20:]}"

    def end(self) -> Any:
        """Its last line, once it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(2 * DEADLINE) == 0, self._said[-20:]
        for thread in self._threads:
            thread.join(DEADLINE)
        return self._last

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(DEADLINE)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def start_client() -> Iterator[Callable[..., Client]]:
    """`start_client(library, bootstrap, topic, *login)`."""
    started: list[Client] = []

    def start(*arguments: str) -> Client:
        started.append(Client(*arguments))
        return started[-1]

    yield start
    for client in started:
        client.close()


@pytest.fixture
def topic(three_brokers: Any) -> str:
    """A topic of three partitions on all three brokers."""
    name = f"ackdrop-cluster-{uuid.uuid4().hex[:12]}"
    _ask(three_brokers, lambda cluster: cluster.create_topic(name, PARTITIONS, 3))
    return name


@pytest.fixture
def proxy(three_brokers: Any, proxy_processes: Any) -> Iterator[Any]:
    """`ackdrop proxy` in front of the three. At its end nothing went past it, nothing is lost, all was understood."""
    yield from _watched(proxy_processes("--bootstrap", ",".join(three_brokers.addresses()), "--listen", "127.0.0.1:0"))


@pytest.fixture
def tls_proxy(three_brokers: Any, proxy_processes: Any, tmp_path: Path) -> Iterator[Any]:
    """The same with TLS on both sides, before listeners that ask for SASL."""
    files, password = three_brokers.certificates, tmp_path / "password"
    password.write_text(three_brokers.users["alice"])
    brokers = ["--bootstrap", ",".join(three_brokers.addresses("SASL_TLS")), "--upstream-tls", "--upstream-ca"]
    sasl = ["--upstream-sasl-mechanism", "SCRAM-SHA-256", "--upstream-sasl-username", "alice"]
    ours = ["--listen", "127.0.0.1:0", "--tls-cert", str(files.server), "--tls-key", str(files.server_key)]
    arguments = [*brokers, str(files.ca), *sasl, "--upstream-sasl-password-file", str(password), *ours]
    yield from _watched(proxy_processes(*arguments))


def _watched(process: Any) -> Iterator[Any]:
    process.bootstrap = process.address()
    yield process
    ended = process.end()
    assert ended.arm["wire"]["undecoded"] == 0
    log = ended.arm["log"]
    assert (log["lost"], log["past_proxy"], log["duplicates"]) == (0, 0, 0)


def _ask(three_brokers: Any, function: Callable[[Cluster], Any]) -> Any:
    async def main() -> Any:
        async with Cluster.connect(",".join(three_brokers.addresses()), timeout=30.0) as cluster:
            return await function(cluster)

    return trio.run(main)


def _moved(three_brokers: Any, topic: str, to: int) -> None:
    places = [(topic, partition) for partition in range(PARTITIONS)]
    _ask(three_brokers, lambda cluster: cluster.move_leadership(places, to))


def _told(address: str, brokers: int = 3) -> dict[int, tuple[str, int]]:
    """The brokers as a client is told them there, once there are so many."""

    async def main() -> dict[int, tuple[str, int]]:
        host, _, port = address.rpartition(":")
        with trio.fail_after(DEADLINE):
            async with Link.open(host, int(port)) as link:
                while True:
                    told = (await link.ask("metadata", topics=[])).brokers
                    if len(told) == brokers:
                        return {broker.node_id: (broker.host, broker.port) for broker in told}
                    await trio.sleep(0.1)

    return trio.run(main)


@pytest.mark.parametrize("library", LIBRARIES)
def test_clients_stay_on_the_proxy_whatever_becomes_of_the_brokers(
    three_brokers: Any, proxy: Any, topic: str, start_client: Callable[..., Client], library: str
) -> None:
    """Leadership goes round, each broker that leads everything dies and comes back; a producer and a group go on."""
    client = start_client(library, proxy.bootstrap, topic)
    client.goes_on()
    listeners = proxy.listeners()
    for node in (1, 2, 3):
        _moved(three_brokers, topic, node)
        client.goes_on()
    with three_brokers.away(3):
        client.goes_on()
    client.goes_on()
    _moved(three_brokers, topic, 3)
    client.goes_on()
    told = client.end()
    assert told["failed"] == []
    assert sorted(set(told["read"])) == told["acked"] == list(range(len(told["acked"])))
    assert client.looked > 100
    assert client.peers & three_brokers.ports == set()
    assert {port for _, port in _told(proxy.bootstrap).values()} <= client.peers <= listeners
    assert proxy.listeners() == listeners


@pytest.mark.parametrize("library", LIBRARIES)
def test_clients_with_tls_and_scram_stay_on_the_proxy_too(
    three_brokers: Any, tls_proxy: Any, topic: str, start_client: Callable[..., Client], library: str
) -> None:
    """TLS ends at the proxy on either side; SCRAM is between the client and each broker that it comes to."""
    login = (str(three_brokers.certificates.ca), "alice", three_brokers.users["alice"])
    client = start_client(library, tls_proxy.bootstrap, topic, *login)
    client.goes_on()
    listeners = tls_proxy.listeners()
    _moved(three_brokers, topic, 2)
    client.goes_on()
    with three_brokers.away(2):
        client.goes_on()
    client.goes_on()
    told = client.end()
    assert told["failed"] == []
    assert sorted(set(told["read"])) == told["acked"] == list(range(len(told["acked"])))
    assert client.peers & three_brokers.ports == set()
    assert client.peers <= listeners == tls_proxy.listeners()
    assert len(client.peers) >= 3


def test_listeners_and_node_ids_stay_while_brokers_come_and_go(three_brokers: Any, proxy: Any) -> None:
    before, listeners = _told(proxy.bootstrap), proxy.listeners()
    assert sorted(before) == [1, 2, 3]
    assert {port for _, port in before.values()} < listeners
    assert len(listeners) == 4
    for node in (1, 2, 3):
        with three_brokers.away(node):
            left = _told(proxy.bootstrap, 2)
            assert left == {other: address for other, address in before.items() if other != node}
            (other, *_) = left
            assert _told(f"127.0.0.1:{left[other][1]}", 2) == left
        assert _told(proxy.bootstrap) == before
        assert _told(f"127.0.0.1:{before[node][1]}") == before
    assert proxy.listeners() == listeners


def test_a_broker_that_comes_later_gets_its_listener_then(three_brokers: Any, proxy_processes: Any) -> None:
    with three_brokers.away(2):
        first, third = (three_brokers.nodes[node].address for node in (1, 3))
        _told(first, 2)
        process = proxy_processes("--bootstrap", f"{first},{third}", "--listen", "127.0.0.1:0")
        address = process.address()
        before = _told(address, 2)
        listeners = process.listeners()
    after = _told(address)
    assert {node: after[node] for node in (1, 3)} == before
    assert process.listeners() == listeners | {after[2][1]}
    assert after[2][1] not in listeners
    process.end()


LEADERS_MOVE = """
version: 1
title: The leaders of what a program writes move
faults:
  - name: move them
    at: broker
    when: {after: 1s, times: 1}
    do: {transfer_leadership: {to: 2}}
"""


def test_a_scenario_moves_the_leaders_of_what_a_program_writes(
    three_brokers: Any, proxy_processes: Any, topic: str, start_client: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "move.yaml").write_text(LEADERS_MOVE)
    bootstrap = ["--bootstrap", ",".join(three_brokers.addresses()), "--listen", "127.0.0.1:0"]
    _moved(three_brokers, topic, 1)
    process = proxy_processes(*bootstrap, "--scenario", str(tmp_path / "move.yaml"))
    client = start_client("confluent-kafka", process.address(), topic)
    client.goes_on()
    wanted = {topic: dict.fromkeys(range(PARTITIONS), 2)}
    with_patience = trio.run(_led, three_brokers.bootstrap, wanted)
    assert with_patience == wanted
    client.goes_on()
    assert client.end()["failed"] == []
    ended = process.end()
    assert [(fault["name"], fault["fired"]) for fault in ended.arm["wire"]["faults"]] == [("move them", 1)]
    assert any('"move them" (transfer_leadership, broker); over after' in note for note in ended.report["notes"])
    assert client.peers & three_brokers.ports == set()


async def _led(address: str, wanted: dict[str, dict[int, int]]) -> dict[str, dict[int, int]]:
    """The leaders, once they are those that are wanted, or when it took too long."""
    async with Cluster.connect(address) as cluster:
        with trio.move_on_after(DEADLINE):
            while (leaders := await cluster.topics(wanted)) != wanted:  # noqa: ASYNC110
                await trio.sleep(0.1)
        return leaders
