"""Clients of a control API that go in the middle, or do not read: nothing of them is left, and the proxy ends."""

from __future__ import annotations

import socket
import time
from typing import Any

import psutil
import pytest

UPGRADE = (
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
)


@pytest.fixture
def running(begin: Any) -> Any:
    return begin("--control", "127.0.0.1:0")


def connect(running: Any) -> socket.socket:
    return socket.create_connection((running.address.host, running.address.port), timeout=2)


def fill(sock: socket.socket, asked: bytes) -> None:
    """Ask, until nothing more is taken."""
    while True:
        try:
            sock.sendall(asked)
        except TimeoutError:
            return


@pytest.mark.parametrize(
    "sent", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20, UPGRADE], ids=len
)
def test_nothing_is_left_of_clients_that_have_gone(running: Any, sent: bytes) -> None:
    process = psutil.Process(running.process.pid)
    before = process.num_fds()
    for _ in range(20):
        with connect(running) as sock:
            sock.sendall(sent)
    deadline = time.monotonic() + 20
    while process.num_fds() > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert process.num_fds() <= before


def test_it_ends_although_a_client_does_not_read(begin: Any) -> None:
    """It does not wait until the client is given up, which takes an hour here."""
    an_hour = "from ackdrop.control import clients; clients.UNREAD = 3600.0"
    running = begin("--control", "127.0.0.1:0", before=an_hour)
    asked = (
        b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n\r\n" % running.token.encode()
    )
    with connect(running) as sock:
        fill(sock, asked * 50)
        assert running.end() == 4
