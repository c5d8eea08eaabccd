"""Bytes and endings through the proxy, on real sockets: a client before it, a broker in the test's hand behind it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.core.commands import Side
from ackdrop.faults import Delay, Drop
from ackdrop.observations import Acked, ConnectionClosed, Decided
from ackdrop.relay import session as session_module
from ackdrop.relay.proxy import READ_SIZE

LARGE = 32 << 20
"""More than the kernel's buffers on loopback hold, on both connections together."""


async def test_bytes_pass_both_ways_in_chunks_of_any_size(serve: Any, link: Any, frames: Any) -> None:
    chance = random.Random(1)
    linked = await link(await serve())
    requests = b"".join(frames.request(cid, chance.randbytes(chance.choice((0, 9, 500, 70_000)))) for cid in range(60))
    answers = b"".join(frames.answer(cid, chance.randbytes(chance.choice((0, 9, 500, 70_000)))) for cid in range(60))

    async def send(stream: Any, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = chance.randint(1, 60_000)
            await stream.send(data[at : at + size])
            at += size

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send, linked.client, requests)
        assert await linked.broker.read(len(requests)) == requests
        nursery.start_soon(send, linked.broker, answers)
        assert await linked.client.read(len(answers)) == answers


class TestSlowReader:
    """What waits towards one side is bounded, and complete in the end."""

    async def stuffed(self, running: Any, linked: Any, frames: Any, nursery: trio.Nursery) -> bytes:
        """The broker sends more than the client reads, until everything stands still."""
        await linked.ask(frames.request(1))
        answer: bytes = frames.answer(1, random.Random(2).randbytes(LARGE))
        nursery.start_soon(self._send, linked.broker, answer)
        await trio.testing.wait_all_tasks_blocked(0.05)
        return answer

    async def _send(self, broker: Any, answer: bytes) -> None:
        await broker.send(answer)
        await broker.finish()

    def peer(self, running: Any, side: Side) -> Any:
        (session,) = running.proxy._sessions.values()
        return session._peers[side]

    async def test_reading_pauses(self, serve: Any, link: Any, frames: Any, nursery: trio.Nursery) -> None:
        running = await serve(backlog=100_000)
        linked = await link(running)
        answer = await self.stuffed(running, linked, frames, nursery)
        assert 100_000 < self.peer(running, Side.CLIENT).backlog <= 100_000 + READ_SIZE
        assert await linked.client.rest() == answer

    async def test_the_brokers_end_cuts_nothing_off(
        self, serve: Any, link: Any, frames: Any, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The broker has closed and the linger is over long before the client has read what waits."""
        monkeypatch.setattr(session_module, "LINGER", 0.0)
        running = await serve(backlog=LARGE * 2)
        linked = await link(running)
        answer = await self.stuffed(running, linked, frames, nursery)
        peer = self.peer(running, Side.CLIENT)
        assert peer.backlog > 0
        assert self.peer(running, Side.BROKER).closed
        assert await linked.client.rest() == answer
        await running.until(ConnectionClosed)

    async def test_a_clients_reset_ends_what_is_paused(
        self, serve: Any, link: Any, frames: Any, nursery: trio.Nursery
    ) -> None:
        """The broker's pump waits for room that will never come; the end of its client wakes it."""
        running = await serve(backlog=100_000)
        linked = await link(running)
        await linked.ask(frames.request(1))
        nursery.start_soon(self._until_broken, linked.broker, frames.answer(1, bytes(LARGE)))
        await trio.testing.wait_all_tasks_blocked(0.05)
        linked.client.reset()
        (closed,) = await running.until(ConnectionClosed)
        assert (closed.by, closed.how) == ("client", "reset")

    async def _until_broken(self, broker: Any, answer: bytes) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await broker.send(answer)

    async def test_requests_wait_as_well(self, serve: Any, link: Any, frames: Any, nursery: trio.Nursery) -> None:
        running = await serve(backlog=100_000)
        linked = await link(running)
        request = frames.request(1, random.Random(3).randbytes(LARGE))
        nursery.start_soon(linked.client.send, request)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert 100_000 < self.peer(running, Side.BROKER).backlog <= 100_000 + READ_SIZE
        assert await linked.broker.read(len(request)) == request


class TestEndings:
    async def test_a_clients_fin_leaves_its_answers_a_way(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve()
        linked = await link(running)
        await linked.client.send(frames.request(1))
        await linked.client.finish()
        assert await linked.broker.rest() == frames.request(1)
        await linked.broker.send(frames.answer(1))
        await linked.broker.finish()
        assert await linked.client.rest() == frames.answer(1)
        assert [(seen.by, seen.how) for seen in await running.until(ConnectionClosed)] == [("client", "fin")]

    async def test_a_brokers_fin_reaches_the_client(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve()
        linked = await link(running)
        await linked.ask(frames.request(1))
        await linked.broker.send(frames.answer(1))
        await linked.broker.finish()
        assert await linked.client.rest() == frames.answer(1)
        await linked.client.finish()
        assert [(seen.by, seen.how) for seen in await running.until(ConnectionClosed)] == [("broker", "fin")]

    @pytest.mark.parametrize("side", ["client", "broker"])
    async def test_a_reset_passes(self, serve: Any, link: Any, frames: Any, side: str) -> None:
        running = await serve()
        linked = await link(running)
        await linked.ask(frames.request(1))
        getattr(linked, side).reset()
        assert await getattr(linked, {"client": "broker", "broker": "client"}[side]).ends_by_reset()
        assert [(seen.by, seen.how) for seen in await running.until(ConnectionClosed)] == [(side, "reset")]

    async def test_each_end_is_told_once(
        self, serve: Any, link: Any, frames: Any, open_files: Callable[[], int]
    ) -> None:
        running = await serve()
        before = open_files()
        for at in range(4):
            linked = await link(running)
            await (linked.client if at % 2 else linked.broker).finish()
            await (linked.broker if at % 2 else linked.client).rest()
            await (linked.broker if at % 2 else linked.client).finish()
            await linked.client.stream.aclose()
            await linked.broker.stream.aclose()
        await running.until(ConnectionClosed, 4)
        await running.stop()
        assert sorted(seen.connection for seen in running.all(ConnectionClosed)) == [1, 2, 3, 4]
        assert {seen.reason for seen in running.all(ConnectionClosed)} == {""}
        assert open_files() < before


class TestVerdicts:
    async def dropped(self, serve: Any, link: Any, frames: Any, rule: Any, then: str) -> Any:
        running = await serve(rule(Drop(then)))
        linked = await link(running)
        await linked.ask(frames.produce(1))
        await linked.broker.send(frames.produced(1))
        return running, linked

    async def test_disconnect_is_a_fin(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        """And no RST, though the client goes on sending what nobody will read."""
        running, linked = await self.dropped(serve, link, frames, rule, "disconnect")
        await linked.client.send(frames.request(2, bytes(200_000)))
        assert await linked.client.rest() == b""
        await linked.client.send(frames.request(3, bytes(200_000)))
        await linked.client.finish()
        assert await linked.broker.rest() == b""
        await running.until(ConnectionClosed)
        assert [acked.ack for acked in running.all(Acked)] == ["dropped"]

    async def test_reset_is_a_rst(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        running, linked = await self.dropped(serve, link, frames, rule, "reset")
        assert await linked.client.ends_by_reset()
        (closed,) = await running.until(ConnectionClosed)
        assert (closed.by, closed.how, closed.reason) == ("ackdrop", "reset", "fault")

    async def test_hold_is_silence(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        """The broker's end included; the client has to close."""
        running, linked = await self.dropped(serve, link, frames, rule, "hold")
        await linked.ask(frames.request(2))
        await linked.broker.send(frames.answer(2))
        await linked.broker.finish()
        assert await linked.broker.rest() == b""
        with trio.move_on_after(0.05) as silence:
            await linked.client.read(1)
        assert silence.cancelled_caught
        await linked.client.finish()
        assert await linked.client.rest() == b""
        await running.until(ConnectionClosed)

    async def test_a_hold_ends_in_time(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        running = await serve(rule(Drop("hold", 0.04)))
        linked = await link(running)
        await linked.ask(frames.produce(1))
        await linked.broker.send(frames.produced(1))
        await running.until(Acked)
        begun = trio.current_time()
        await linked.broker.finish()
        assert await linked.client.rest() == b""
        assert trio.current_time() - begun < 5

    async def test_a_delayed_answer_is_not_early(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        linked = await link(await serve(rule(Delay(0.05), nth=(1,))))
        await linked.ask(frames.produce(1) + frames.request(2) + frames.produce(3))
        sent = trio.current_time()
        answers = frames.produced(1) + frames.answer(2) + frames.produced(3)
        await linked.broker.send(answers)
        assert await linked.client.read(len(answers)) == answers
        assert trio.current_time() - sent >= 0.05

    async def test_a_delayed_answer_outlives_both_ends(self, serve: Any, link: Any, frames: Any, rule: Any) -> None:
        linked = await link(await serve(rule(Delay(0.05))))
        await linked.ask(frames.produce(1))
        await linked.broker.send(frames.produced(1))
        await linked.broker.finish()
        await linked.client.finish()
        assert await linked.broker.rest() == b""
        assert await linked.client.rest() == frames.produced(1)

    async def test_delays_wake_in_their_order_whenever_they_were_planned(
        self, serve: Any, link: Any, frames: Any, rule: Any
    ) -> None:
        """A later plan with an earlier time wakes the clock anew."""
        running = await serve(rule(Delay(3600.0), nth=(1,)), rule(Delay(0.01)))
        slow, quick = await link(running), await link(running)
        for linked in (slow, quick):
            await linked.ask(frames.produce(1))
            await linked.broker.send(frames.produced(1))
            await running.until(Decided, len(running.all(Decided)) + 1)
        assert await quick.client.read(len(frames.produced(1))) == frames.produced(1)
