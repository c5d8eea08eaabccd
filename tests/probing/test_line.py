"""A connection with frames ahead of their answers, and every way in which an answer does not come."""

from __future__ import annotations

import struct

import pytest
import trio

from ackdrop.direct.connection import Connection
from ackdrop.direct.link import Link
from ackdrop.probing.line import Line, Silence


def request(number: int) -> bytes:
    return struct.pack(">ihhih", 10, 18, 0, number, -1)


def answer(number: int) -> bytes:
    return struct.pack(">ii", 8, number) + b"body"


@pytest.fixture
async def speaking(nursery):
    """`await speaking(bytes)`: a line to somebody who says that once something was heard, and then ends."""
    lines = []

    async def start(said: bytes, *, ends: bool = True) -> Line:
        async def converse(stream: trio.SocketStream) -> None:
            async with stream:
                await stream.receive_some()
                if said:
                    await stream.send_all(said)
                if not ends:
                    await trio.sleep_forever()

        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, converse, [listener])
        port = listener.socket.getsockname()[1]
        lines.append(Line(await Connection.open("127.0.0.1", port, 5), Link("127.0.0.1", port), 0.2))
        return lines[-1]

    yield start
    for line in lines:
        line.close()


async def test_two_answers_for_two_requests_in_one_write(speaking):
    line = await speaking(answer(1) + answer(2))
    assert (line.next_id(), line.next_id()) == (1, 2)
    assert await line.send([request(1), request(2)], "produce") is None
    assert await line.receive(request(1), "produce") == answer(1)
    assert await line.receive(request(2), "produce") == answer(2)
    assert line.usable


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (b"", "closed"),
        (answer(1)[:9], "closed"),
        (answer(9), "unreadable"),
        (b"HTTP/1.1 400", "unreadable"),
        (struct.pack(">i", -5) + bytes(8), "unreadable"),
    ],
)
async def test_what_is_no_answer_is_told(speaking, said, how):
    line = await speaking(said)
    came = await line.ask(request(1), "produce")
    assert isinstance(came, Silence)
    assert came.how == how
    assert "127.0.0.1" in came.text
    assert not line.usable


async def test_silence_is_told_and_what_comes_behind_it_is_lost(speaking):
    line = await speaking(b"", ends=False)
    assert await line.send([request(1), request(2)], "produce") is None
    came = await line.receive(request(1), "produce")
    assert isinstance(came, Silence)
    assert came.how == "silent"
    after = await line.receive(request(2), "produce")
    assert isinstance(after, Silence)
    assert after.how == "closed"
