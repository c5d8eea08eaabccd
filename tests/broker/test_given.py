"""The broker that is given, and the one that is found. What answers like a broker is in the integration tests."""

from __future__ import annotations

import socket

import pytest
import trio

from ackdrop.broker import given
from ackdrop.broker.ports import held
from ackdrop.errors import BrokerError, UsageError


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "BETWEEN_TRIES", 0.0)


@pytest.mark.parametrize(
    "text", ["localhost", ":9092", "localhost:", "localhost:kafka", "h:0", "h:65536", "a:1,b:2", ""]
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not the address of a broker"):
        given.parse(text)


def test_addresses_are_read() -> None:
    assert given.parse(" localhost:9092 ") == ("localhost", 9092)
    assert given.parse("[::1]:9092") == ("::1", 9092)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "localhost", "::1", "::ffff:127.0.0.1"])
async def test_loopback(host: str) -> None:
    assert await given.is_loopback(host)


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.1"])
async def test_not_loopback(host: str) -> None:
    assert not await given.is_loopback(host)


async def test_a_remote_broker_needs_leave() -> None:
    with pytest.raises(UsageError, match="is not on this machine") as caught:
        await given.given("192.0.2.1:9092", allow_remote=False)
    assert "--allow-remote" in (caught.value.remedy or "")


async def test_every_one_of_several_addresses_must_be_allowed() -> None:
    with held(1) as [port], pytest.raises(UsageError, match=r"192\.0\.2\.1:9092 is not on this machine"):
        await given.given(f"127.0.0.1:{port},192.0.2.1:9092", allow_remote=False)


async def test_all_of_several_addresses_are_tried() -> None:
    with held(2) as [one, two], pytest.raises(BrokerError) as caught:
        await given.given(f"127.0.0.1:{one},127.0.0.1:{two}", allow_remote=False)
    assert f"127.0.0.1:{one}: connection refused; 127.0.0.1:{two}: connection refused" in str(caught.value)


async def test_an_unknown_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(trio.socket, "getaddrinfo", unknown)
    with pytest.raises(BrokerError, match=r"'nowhere\.invalid' is not known"):
        await given.given("nowhere.invalid:9092", allow_remote=False)


async def test_nothing_listens() -> None:
    with held(1) as [port], pytest.raises(BrokerError, match=f"no Kafka broker answers at 127.0.0.1:{port}; tried 2"):
        await given.given(f"127.0.0.1:{port}", allow_remote=False)


async def test_something_silent_listens(autojump_clock: trio.testing.MockClock) -> None:
    autojump_clock.autojump_threshold = 0.05
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = trio.current_time()
        with pytest.raises(BrokerError, match=f"127.0.0.1:{port}: no answer within 5 s|no end of") as caught:
            await given.given(f"127.0.0.1:{port}", allow_remote=False)
    assert trio.current_time() - before + given.RESOLVED_WITHIN + 0.5 < 15
    assert caught.value.exit_code == 4
    assert caught.value.remedy


async def serve(answer: bytes, task_status: trio.TaskStatus[int]) -> None:
    """A server that answers everything with these bytes; its port is told."""

    async def speak(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(1)
            await stream.send_all(answer)
            await stream.receive_some(65536)

    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listener.socket.getsockname()[1])
    await trio.serve_listeners(speak, [listener])


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00\x00\x06\x00\x00\x00\x01\x00\x00", b""]
)
async def test_what_is_not_kafka_is_not_found(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    port = await nursery.start(serve, answer)
    monkeypatch.setattr(given, "FOUND_AT", f"127.0.0.1:{port}")
    assert str(await given.found()).startswith(f"no Kafka broker on 127.0.0.1:{port}: ")
    with pytest.raises(BrokerError, match="no Kafka broker answers at"):
        await given.given(f"127.0.0.1:{port}", allow_remote=False)


async def test_what_does_not_speak_is_not_found(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    autojump_clock.autojump_threshold = 0.05
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(given, "FOUND_AT", f"127.0.0.1:{server.getsockname()[1]}")
        before = trio.current_time()
        assert "no" in str(await given.found())
        assert trio.current_time() - before < 4
