"""One arm's proxy: many clients, brokers that cannot be reached, start offsets that are asked for, and its end."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.core.commands import AskStarts
from ackdrop.errors import ListenerError
from ackdrop.faults import Drop
from ackdrop.faults.engine import Engine
from ackdrop.observations import Acked, ConnectionClosed, ConnectionOpened, TopicSeen
from ackdrop.relay import Proxy, ProxySettings

METADATA = 3


@pytest.fixture
def nobody() -> tuple[str, int]:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address: tuple[str, int] = server.getsockname()
        return address


async def test_a_taken_port_is_said_as_it_is() -> None:
    """Not wrapped into a group: the command line shows its remedy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
        proxy = Proxy(ProxySettings((("127.0.0.1", 1),), listen=address), Engine((), seed=1, arm="off"), list)
        async with trio.open_nursery() as nursery:
            with pytest.raises(ListenerError) as error:
                await nursery.start(proxy.serve)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("listen", "advertise", "told"),
    [("127.0.0.1", None, "127.0.0.1:"), ("127.0.0.1", "example", "example:"), ("127.0.0.1", "::1", "[::1]:")],
)
async def test_it_tells_its_address(listen: str, advertise: str | None, told: str) -> None:
    settings = ProxySettings((("127.0.0.1", 1),), listen=(listen, 0), advertise=advertise)
    proxy = Proxy(settings, Engine((), seed=1, arm="off"), list)
    async with trio.open_nursery() as nursery:
        address = await nursery.start(proxy.serve)
        nursery.cancel_scope.cancel()
    assert address == proxy.bootstrap
    assert address.startswith(told)


async def test_a_broker_that_cannot_be_reached_ends_its_client(
    serve: Any, streams: Any, nobody: tuple[str, int]
) -> None:
    running = await serve(before=(nobody,))
    client = await streams.connect(running.proxy.bootstrap)
    assert await client.rest() == b""
    (closed,) = await running.until(ConnectionClosed)
    assert closed.by == "ackdrop"
    assert re.fullmatch(r"the broker cannot be reached: 127.0.0.1:\d+: connection refused", closed.reason)
    assert running.proxy.wire._connections == {}


async def test_the_next_address_is_tried(serve: Any, link: Any, frames: Any, upstream: Any, nobody: Any) -> None:
    linked = await link(await serve(before=(nobody, upstream.address)))
    await linked.ask(frames.request(1))


async def test_brokers_are_found_through_the_proxy(
    serve: Any, link: Any, frames: Any, upstream: Any, streams: Any
) -> None:
    """The broker's own address is one that cannot be reached from here, and is mapped."""
    running = await serve(mapping={("broker", 9092): upstream.address})
    linked = await link(running)
    for cid in (1, 2):
        await linked.ask(frames.request(cid, key=METADATA))
        await linked.broker.send(frames.metadata(cid, (5, "broker", 9092)))
        told = await linked.client.read(len(frames.metadata(cid, (5, "127.0.0.1", 0))))
        port = running.proxy._listeners._by_node[5].port
        assert told == frames.metadata(cid, (5, "127.0.0.1", port))
    client = await streams.connect(("127.0.0.1", port))
    broker = await upstream.accept()
    await client.send(frames.request(1))
    assert await broker.read(len(frames.request(1))) == frames.request(1)
    assert [opened.node for opened in await running.until(ConnectionOpened, 2)] == [-1, 5]


async def test_two_hundred_connections_at_once(
    serve: Any, link: Any, frames: Any, open_files: Callable[[], int]
) -> None:
    running = await serve()
    before = open_files()
    linked = [await link(running) for _ in range(200)]

    async def talk(number: int, each: Any) -> None:
        for cid in range(5):
            request = frames.request(cid, bytes(number))
            await each.client.send(request)
            assert await each.broker.read(len(request)) == request
            await each.broker.send(frames.answer(cid, bytes(number)))
            assert await each.client.read(8 + number) == frames.answer(cid, bytes(number))
        await each.client.finish()
        assert await each.broker.rest() == b""
        await each.broker.finish()
        assert await each.client.rest() == b""
        await each.client.stream.aclose()
        await each.broker.stream.aclose()

    async with trio.open_nursery() as nursery:
        for number, each in enumerate(linked):
            nursery.start_soon(talk, number, each)
    await running.until(ConnectionClosed, 200)
    while running.proxy._sessions:
        await trio.lowlevel.checkpoint()
    assert running.proxy.wire._connections == {}
    assert open_files() == before


class TestStarts:
    async def test_a_produce_request_waits_for_the_answer(self, serve: Any, link: Any, frames: Any) -> None:
        asked: list[AskStarts] = []
        answer = trio.Event()

        async def ask(what: AskStarts) -> tuple[str, dict[int, int]]:
            asked.append(what)
            await answer.wait()
            return what.topic, {0: 42}

        running = await serve(ask=ask, ask_starts=True)
        one, two = await link(running), await link(running)
        await one.ask(frames.request(1))
        await one.client.send(frames.produce(2), frames.request(3))
        await two.client.send(frames.produce(1))
        with trio.move_on_after(0.05) as patience:
            await one.broker.read(1)
        assert patience.cancelled_caught
        assert asked == [AskStarts("t", None, (0,))]
        answer.set()
        for linked, wanted in ((one, frames.produce(2) + frames.request(3)), (two, frames.produce(1))):
            assert await linked.broker.read(len(wanted)) == wanted
        assert [(seen.topic, seen.start_offset) for seen in await running.until(TopicSeen)] == [("t", 42)]

    async def test_more_than_the_backlog_may_wait_for_it(self, serve: Any, link: Any, frames: Any) -> None:
        """Reading pauses meanwhile, and goes on."""
        answer = trio.Event()

        async def ask(what: AskStarts) -> tuple[str, dict[int, int]]:
            await answer.wait()
            return what.topic, {}

        running = await serve(ask=ask, ask_starts=True, backlog=1000)
        linked = await link(running)
        wanted = frames.produce(1) + b"".join(frames.request(cid, bytes(900)) for cid in range(2, 2000))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(linked.client.send, wanted)
            await trio.testing.wait_all_tasks_blocked(0.02)
            answer.set()
            assert await linked.broker.read(len(wanted)) == wanted

    async def test_a_client_that_has_gone_gets_its_request_through(self, serve: Any, link: Any, frames: Any) -> None:
        answer = trio.Event()

        async def ask(what: AskStarts) -> tuple[str, dict[int, int]]:
            await answer.wait()
            return what.topic, {}

        running = await serve(ask=ask, ask_starts=True)
        linked = await link(running)
        await linked.client.send(frames.produce(1))
        await linked.client.stream.aclose()
        await trio.testing.wait_all_tasks_blocked(0.02)
        answer.set()
        assert await linked.broker.read(len(frames.produce(1))) == frames.produce(1)
        await linked.broker.send(frames.produced(1))
        assert await linked.broker.rest() == b""
        assert [acked.ack for acked in await running.until(Acked)] == ["none"]

    async def test_without_anyone_to_ask_it_is_unknown(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve(ask_starts=True)
        linked = await link(running)
        await linked.ask(frames.produce(1))
        assert [seen.start_offset for seen in await running.until(TopicSeen)] == [-1]


class TestSettled:
    async def test_it_waits_for_what_was_forwarded(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve()
        linked = await link(running)
        await running.proxy.settled()
        await linked.ask(frames.produce(1))
        with trio.move_on_after(0.02) as patience:
            await running.proxy.settled()
        assert patience.cancelled_caught
        async with trio.open_nursery() as nursery:
            nursery.start_soon(running.proxy.settled)
            await linked.broker.send(frames.produced(1))

    async def test_a_dead_connection_settles_its_own(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve()
        linked = await link(running)
        await linked.ask(frames.produce(1))
        linked.broker.reset()
        await running.proxy.settled()


class TestTheEnd:
    """Cancelled in whatever state, it closes every socket, and every connection is told as closed once."""

    async def test_idle_held_and_parked_connections(
        self, serve: Any, link: Any, frames: Any, rule: Any, open_files: Callable[[], int]
    ) -> None:
        before = open_files()
        running = await serve(rule(Drop(), nth=(1,)), rule(Drop("disconnect"), nth=(2,)))
        held, cut, idle, awaiting = [await link(running) for _ in range(4)]
        for linked in (held, cut):
            await linked.ask(frames.produce(1))
            await linked.broker.send(frames.produced(1))
        await awaiting.ask(frames.produce(1))
        await running.until(Acked, 2)
        await running.stop()
        closed = running.all(ConnectionClosed)
        assert sorted(seen.connection for seen in closed) == [1, 2, 3, 4]
        assert len(running.all(Acked)) == 3
        assert running.proxy.wire.unsettled == 0
        for linked in (held, cut, idle, awaiting):
            await linked.client.stream.aclose()
            await linked.broker.stream.aclose()
        assert open_files() == before

    async def test_a_client_whose_broker_is_still_being_reached(
        self, serve: Any, streams: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits = trio.Event()

        async def never(*args: object) -> None:
            waits.set()
            await trio.sleep_forever()

        monkeypatch.setattr(trio, "open_tcp_stream", never, raising=True)
        running = await serve()
        host, port = running.proxy.bootstrap.split(":")
        with socket.create_connection((host, int(port))) as client:
            await waits.wait()
            await running.stop()
            client.setblocking(False)
            await trio.lowlevel.wait_readable(client)
            assert client.recv(1) == b""
        assert [seen.reason for seen in running.all(ConnectionClosed)] == ["the proxy ended"]

    async def test_clients_that_do_not_read(
        self, serve: Any, link: Any, frames: Any, nursery: trio.Nursery, open_files: Callable[[], int]
    ) -> None:
        before = open_files()
        running = await serve(backlog=100_000)
        linked = await link(running)
        await linked.ask(frames.request(1))

        async def send() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await linked.broker.send(frames.answer(1, bytes(32 << 20)))

        async with trio.open_nursery() as sending:
            sending.start_soon(send)
            await trio.testing.wait_all_tasks_blocked(0.05)
            await running.stop()
        await linked.client.stream.aclose()
        await linked.broker.stream.aclose()
        assert open_files() == before

    async def test_what_was_seen_last_is_handed_over(self, serve: Any, link: Any, frames: Any) -> None:
        running = await serve()
        await link(running)
        await running.stop()
        assert [type(seen) for seen in running.seen] == [ConnectionOpened, ConnectionClosed]
