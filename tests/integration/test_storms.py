"""Clients by the hundred at once, that come and go in a loop, and more of them than there are file descriptors for."""

from __future__ import annotations

import resource
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from ackdrop.kafka.bodies import encode_request

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux's means")]

PATIENCE = 30.0
AT_ONCE = 400
"""What a test may open with the usual limit of 1,024 descriptors."""
LOOPS = 1500
GROWTH = 3 << 20
"""Bytes by which the proxy may be larger after the last storm than after the second one."""


class Client:
    """A connection that asks for ApiVersions."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self._asked = 0

    def ask(self) -> None:
        self._asked += 1
        self.socket.sendall(encode_request("api_versions", 0, self._asked, "storm"))

    def answered(self) -> bool:
        """Whether the next answer, which is waited for, is that to the last request."""
        frame = self._read(4)
        frame += self._read(struct.unpack(">i", frame)[0])
        return bool(struct.unpack_from(">i", frame, 4)[0] == self._asked)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            assert more, "the connection was closed"
            data += more
        return data

    def close(self, *, reset: bool = False) -> None:
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@pytest.fixture
def connect() -> Iterator[Callable[[str], Client]]:
    """`connect(address)` is one more client; all are closed at the end."""
    made: list[Client] = []

    def make(address: str) -> Client:
        made.append(Client(address))
        return made[-1]

    yield make
    for client in made:
        client.close()


def back_to(process: psutil.Process, descriptors: int) -> bool:
    """Waits until the process holds no more than so many."""
    deadline = time.monotonic() + PATIENCE
    while process.num_fds() > descriptors:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def storm(address: str, connect: Callable[[str], Client]) -> None:
    """Hundreds connect before one of them is answered; half of them go with a RST."""
    clients = [connect(address) for _ in range(AT_ONCE)]
    for client in clients:
        client.ask()
    assert all(client.answered() for client in clients)
    for number, client in enumerate(clients):
        client.close(reset=number % 2 == 0)


def loop(address: str, connect: Callable[[str], Client]) -> None:
    """Clients that go as soon as they have come, some of them in the middle of a request."""
    for number in range(LOOPS):
        client = connect(address)
        if number % 3 == 0:
            client.socket.sendall(b"\0\0\0\x20\0\x12")
        client.close(reset=number % 2 == 0)


def test_storms_leave_nothing_behind_and_nobody_else_feels_them(
    start_proxy: Any, connect: Callable[[str], Client]
) -> None:
    process = start_proxy()
    address = process.address()
    proxy = psutil.Process(process.pid)
    steady = connect(address)
    steady.ask()
    assert steady.answered()
    descriptors, sizes = proxy.num_fds(), []
    for _ in range(5):
        storm(address, connect)
        loop(address, connect)
        steady.ask()
        assert steady.answered()
        assert back_to(proxy, descriptors)
        sizes.append(proxy.memory_info().rss)
    assert sizes[-1] - sizes[1] < GROWTH, sizes
    steady.close()
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["nothing-produced"])
    assert ended.arm["wire"]["connections"] == 1 + 5 * (AT_ONCE + LOOPS)


def test_without_file_descriptors_clients_wait_and_all_else_goes_on(
    start_proxy: Any, connect: Callable[[str], Client], new_topic: Callable[..., str], library: Any
) -> None:
    process = start_proxy()
    address = process.address()
    kafka, topic = library("kafka"), new_topic()
    producer = kafka.KafkaProducer(bootstrap_servers=address)
    assert producer.send(topic, b"before", partition=0).get(PATIENCE).offset == 0
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    clients = [connect(address) for _ in range(AT_ONCE)]
    for client in clients:
        client.ask()
    process.says(r"connections are open, and there are no file descriptors for more; further clients wait")
    assert producer.send(topic, b"while", partition=0).get(PATIENCE).offset == 1
    assert psutil.Process(process.pid).num_fds() < 200
    for client in clients:  # each that goes makes room for one that waits
        assert client.answered()
        client.close()
    producer.close()
    ended = process.end()
    assert (ended.exit_code, ended.codes) == (3, ["no-retry"])
    assert ended.arm["log"]["records"] == 2
    assert ended.err.count("file descriptors") == 1
