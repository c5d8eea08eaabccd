"""Copies that ackdrop itself sends, over real sockets."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from ackdrop.direct.authentication import OPTIONS, handshake
from ackdrop.faults import Duplicate
from ackdrop.observations import Acked, Answered, Attempt, ConnectionClosed, Forwarded
from ackdrop.relay import copying
from ackdrop.security import Sasl


async def test_on_the_same_connection_the_client_sees_one_answer(serve: Any, link: Any, frames: Any, rule: Any) -> None:
    running = await serve(rule(Duplicate(2), nth=(1,)))
    linked = await link(running)
    ask = frames.produce(1)
    await linked.client.send(ask, frames.produce(2))
    assert await linked.broker.read(4 * len(ask)) == ask * 3 + frames.produce(2)
    await linked.broker.send(*[frames.produced(1)] * 3, frames.produced(2))
    told = frames.produced(1) + frames.produced(2)
    assert await linked.client.read(len(told)) == told
    await running.proxy.settled()


async def test_later_on_the_same_connection(serve: Any, link: Any, frames: Any, rule: Any) -> None:
    running = await serve(rule(Duplicate(1, "same", 0.05)))
    linked = await link(running)
    ask = frames.produce(1)
    await linked.ask(ask)
    await linked.broker.send(frames.produced(1))
    assert await linked.client.read(len(frames.produced(1))) == frames.produced(1)
    assert await linked.broker.read(len(ask)) == ask
    async with trio.open_nursery() as nursery:
        nursery.start_soon(running.proxy.settled)
        await linked.broker.send(frames.produced(1))


class TestNewConnection:
    async def test_the_copy_has_a_connection_of_its_own(
        self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any, open_files: Callable[[], int]
    ) -> None:
        running = await serve(rule(Duplicate(1, "new")))
        linked = await link(running)
        ask = frames.produce(1)
        await linked.ask(ask)
        own = await upstream.accept()
        assert await own.read(len(ask)) == ask
        await own.send(frames.produced(1))
        assert await own.rest() == b""
        await linked.broker.send(frames.produced(1))
        assert await linked.client.read(len(frames.produced(1))) == frames.produced(1)
        await running.proxy.settled()
        running.proxy.flush()
        assert [(seen.connection, seen.injected) for seen in running.all(Attempt)] == [(1, False), (2, True)]
        assert {seen.attempt for seen in running.all(Answered)} == {1, 2}
        assert [seen.reason for seen in running.all(ConnectionClosed)] == [""]

    async def test_a_large_one_arrives_whole(
        self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any, nursery: trio.Nursery
    ) -> None:
        running = await serve(rule(Duplicate(1, "new")))
        linked = await link(running)
        ask = large(frames, 4 << 20)
        nursery.start_soon(linked.client.send, ask)
        assert await linked.broker.read(len(ask)) == ask
        own = await upstream.accept()
        assert await own.read(len(ask)) == ask

    async def test_a_broker_that_wants_to_know_who_is_speaking_closes(
        self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any
    ) -> None:
        running = await serve(rule(Duplicate(1, "new")))
        linked = await link(running)
        ask = frames.produce(1)
        await linked.ask(ask)
        await linked.broker.send(frames.produced(1))
        own = await upstream.accept()
        assert await own.read(len(ask)) == ask
        own.reset()
        await running.proxy.settled()
        running.proxy.flush()
        (told,) = running.all(ConnectionClosed)
        assert told.reason == f"{copying.CLOSED}; where it wants to know who is speaking, say {OPTIONS}"
        assert [seen.attempt for seen in running.all(Answered)] == [1]

    async def test_it_says_first_who_it_is(self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any) -> None:
        running = await serve(rule(Duplicate(1, "new")), upstream_sasl=Sasl("PLAIN", "alice", "a-secret"))
        linked = await link(running)
        ask = frames.produce(1)
        await linked.ask(ask)
        await linked.broker.send(frames.produced(1))
        own = await upstream.accept()
        shake = handshake("PLAIN")
        assert await own.read(len(shake)) == shake
        answer = frames.answer(1, struct.pack(">hih", 0, 1, 5) + b"PLAIN")
        await own.send(answer[:7])
        await own.send(answer[7:])
        token = b"\0alice\0a-secret"
        assert (await own.read(4 + 8 + 9 + 4 + len(token))).endswith(token)
        await own.send(frames.answer(2, struct.pack(">hhi", 0, -1, 0)))
        assert await own.read(len(ask)) == ask
        await own.send(frames.produced(1))
        await running.proxy.settled()
        running.proxy.flush()
        assert {seen.attempt for seen in running.all(Answered)} == {1, 2}
        assert "a-secret" not in repr(running.seen)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (struct.pack(">hih", 33, 1, 6) + b"GSSAPI", "the broker does not take PLAIN, but GSSAPI"),
            (b"", "cannot be read|too few|is no answer|ends"),
            (None, "closed the connection in the middle of SASL authentication"),
        ],
    )
    async def test_who_is_not_let_in_sends_no_copy(
        self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any, answer: bytes | None, reason: str
    ) -> None:
        running = await serve(rule(Duplicate(1, "new")), upstream_sasl=Sasl("PLAIN", "alice", "a-secret"))
        linked = await link(running)
        ask = frames.produce(1)
        await linked.ask(ask)
        await linked.broker.send(frames.produced(1))
        own = await upstream.accept()
        await own.read(len(handshake("PLAIN")))
        if answer is None:
            own.reset()
        else:
            await own.send(frames.answer(1, answer))
            assert await own.rest() == b""
        await running.proxy.settled()
        running.proxy.flush()
        (told,) = running.all(ConnectionClosed)
        assert re.search(reason, told.reason)

    async def test_a_broker_that_says_nothing_is_not_waited_for(
        self,
        serve: Any,
        link: Any,
        upstream: Any,
        frames: Any,
        rule: Any,
        mock_clock: MockClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(copying, "TIMEOUT", 10.0)
        running = await serve(rule(Duplicate(1, "new")))
        linked = await link(running)
        ask = frames.produce(1)
        await linked.ask(ask)
        await linked.broker.send(frames.produced(1))
        own = await upstream.accept()
        assert await own.read(len(ask)) == ask
        mock_clock.jump(10.0)
        assert await own.rest() == b""
        await running.proxy.settled()
        running.proxy.flush()
        assert [seen.reason for seen in running.all(ConnectionClosed)] == ["no answer for 10 seconds"]

    async def test_nobody_is_there_any_more(self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any) -> None:
        running = await serve(rule(Duplicate(1, "new")))
        linked = await link(running)
        upstream.sock.close()
        await linked.ask(frames.produce(1))
        await linked.broker.send(frames.produced(1))
        await running.proxy.settled()
        running.proxy.flush()
        assert [re.sub(r":\d+:", ":", seen.reason) for seen in running.all(ConnectionClosed)] == [
            "the broker cannot be reached: 127.0.0.1: connection refused"
        ]
        assert [seen.attempt for seen in running.all(Forwarded)] == [1]

    async def test_the_end_of_the_run_ends_it(
        self, serve: Any, link: Any, upstream: Any, frames: Any, rule: Any, open_files: Callable[[], int]
    ) -> None:
        before = open_files()
        running = await serve(rule(Duplicate(1, "new", 0.0), nth=(1,)), rule(Duplicate(1, "new", 500.0)))
        linked = await link(running)
        await linked.ask(frames.produce(1))
        await linked.ask(frames.produce(2))
        own = await upstream.accept()
        assert await own.read(len(frames.produce(1))) == frames.produce(1)
        await running.stop()
        assert await own.rest() == b""
        assert running.proxy.wire.unsettled == 0
        assert len(running.all(Attempt)) == len(running.all(Acked)) == 4
        assert sorted(seen.connection for seen in running.all(ConnectionClosed)) == [1, 2]
        for stream in (linked.client, linked.broker, own):
            await stream.stream.aclose()
        assert open_files() == before


def large(frames: Any, size: int) -> bytes:
    """A produce request with a batch of that size, of which nothing but the header can be read."""
    small = frames.produce(1)
    batch = bytearray(small[small.index(b"\0\1t") + 15 :] + bytes(size))
    batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
    head = small[4 : small.index(b"\0\1t") + 11]
    made: bytes = frames.message(head + len(batch).to_bytes(4, "big") + bytes(batch))
    return made
