from __future__ import annotations

import socket
import struct

import pytest
import trio

from ackdrop.direct.authentication import NotLetIn
from ackdrop.direct.connection import Connection, ConnectionLost, reason, shown
from ackdrop.errors import BrokerError

REQUEST = struct.pack(">ihhih", 10, 18, 0, 77, -1)
ANSWER = struct.pack(">ii", 8, 77) + b"body"


async def ask(port: int, request: bytes = REQUEST) -> memoryview:
    connection = await Connection.open("127.0.0.1", port, 5)
    try:
        return await connection.exchange(request, "api_versions", 5)
    finally:
        connection.close()


async def test_an_answer_comes_as_a_whole_frame(serve):
    played = await serve(ANSWER)
    assert await ask(played.port) == ANSWER


async def test_an_answer_larger_than_one_read_is_put_together(serve):
    large = struct.pack(">ii", 4 + 3_000_000, 77) + bytes(3_000_000)
    played = await serve(large)
    assert await ask(played.port) == large


async def test_a_connection_closed_without_an_answer_is_lost(serve):
    played = await serve("close")
    with pytest.raises(ConnectionLost, match=rf"^127\.0\.0\.1:{played.port}: closed .* without an answer to api_vers"):
        await ask(played.port)


async def test_a_connection_closed_in_the_middle_of_an_answer_is_lost(nursery):
    async def half(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(ANSWER[:9])
        await stream.aclose()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, half, [listener])
    with pytest.raises(ConnectionLost):
        await ask(listener.socket.getsockname()[1])


async def test_a_reset_connection_is_lost(nursery):
    async def reset(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.socket.close()

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, reset, [listener])
    with pytest.raises(ConnectionLost, match="broke during api_versions"):
        await ask(listener.socket.getsockname()[1])


async def test_silence_ends_with_the_timeout(serve, impatient):
    played = await serve("silence")
    with pytest.raises(BrokerError, match="no end of api_versions within 5 s") as caught:
        await ask(played.port)
    assert not isinstance(caught.value, ConnectionLost)
    assert trio.current_time() >= 5


@pytest.mark.parametrize("size", [b"HTTP", b"\xff\xff\xff\xff", b"\x00\x00\x00\x03"])
async def test_a_size_that_is_no_kafka_frame_is_refused(serve, size):
    played = await serve(size + bytes(20), raw=True)
    with pytest.raises(BrokerError, match="is no Kafka frame") as caught:
        await ask(played.port)
    assert "Kafka listener" in caught.value.remedy


async def test_an_alert_tells_of_a_listener_with_tls(serve):
    played = await serve(b"\x15\x03\x03\x00\x02\x02\x50" + bytes(8), raw=True)
    with pytest.raises(NotLetIn, match="this listener speaks TLS") as caught:
        await ask(played.port)
    assert "--upstream-tls" in caught.value.remedy


async def test_another_correlation_id_is_refused(serve):
    played = await serve(struct.pack(">ii", 8, 78) + b"body", raw=True)
    with pytest.raises(BrokerError, match="another correlation id"):
        await ask(played.port)


async def test_more_than_the_answer_is_refused(serve):
    played = await serve(ANSWER + b"more", raw=True)
    with pytest.raises(BrokerError, match="more came than the answer"):
        await ask(played.port)


async def test_answers_that_come_together_are_read_one_by_one(serve):
    """Two requests in one write, and their answers in one read."""
    second = REQUEST[:8] + (78).to_bytes(4, "big") + REQUEST[12:]
    played = await serve("silence", ANSWER + struct.pack(">ii", 8, 78) + b"more", raw=True)
    connection = await Connection.open("127.0.0.1", played.port, 5)
    try:
        await connection.send(REQUEST + second, "two questions", 5)
        assert await connection.receive(REQUEST, "the first", 5) == ANSWER
        assert await connection.receive(second, "the second", 5) == struct.pack(">ii", 8, 78) + b"more"
    finally:
        connection.close()


async def test_an_answer_out_of_its_turn_is_refused(serve):
    played = await serve(ANSWER)
    connection = await Connection.open("127.0.0.1", played.port, 5)
    try:
        await connection.send(REQUEST, "a question", 5)
        with pytest.raises(BrokerError, match="the answer to another carries another correlation id"):
            await connection.receive(REQUEST[:8] + bytes(4) + REQUEST[12:], "another", 5)
    finally:
        connection.close()


async def test_nobody_there_is_said_with_the_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: refused, and nobody else can take it
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"(?m)^127\.0\.0\.1:{port}: connection refused$") as caught:
            await Connection.open("127.0.0.1", port, 5)
    assert "host and port" in caught.value.remedy


async def test_a_connection_that_met_itself_is_nobody(monkeypatch):
    """A connection to a free port of the ephemeral range may get that very port as its own: then it is both ends."""
    itself = trio.socket.socket()
    await itself.bind(("127.0.0.1", 0))
    await itself.connect(itself.getsockname())

    async def meet_itself(host: str, port: int) -> trio.SocketStream:
        await trio.lowlevel.checkpoint()
        return trio.SocketStream(itself)

    monkeypatch.setattr(trio, "open_tcp_stream", meet_itself)
    with pytest.raises(BrokerError, match="nothing listens there"):
        await Connection.open(*itself.getsockname(), 5)
    assert itself.fileno() == -1


async def test_a_host_name_that_cannot_be_one_is_said():
    with pytest.raises(BrokerError, match="no host name"):
        await Connection.open("a..b", 9092, 5)


def test_the_reason_of_a_failed_connection_is_the_innermost():
    outer = OSError("all attempts to connect to broker:9092 failed")
    outer.__cause__ = ExceptionGroup("two addresses", [ConnectionRefusedError(111, "x"), TimeoutError(110, "y")])
    assert reason(outer) == "connection refused"
    assert reason(socket.gaierror(-2, "Name or service not known")) == "this host name is not known"
    assert reason(OSError("without a number")) == "without a number"


def test_an_ipv6_address_is_shown_in_brackets():
    assert (shown("::1", 9092), shown("localhost", 9092)) == ("[::1]:9092", "localhost:9092")
