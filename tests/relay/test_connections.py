"""Faults at `connection` over real sockets: what a peer's kernel sees of them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.faults import Blackhole, Disconnect, Latency, RefuseConnection, Reset, Slice, Throttle
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Acked, ConnectionClosed, Decided
from ackdrop.relay.dialing import Dialler, Upstream


@pytest.fixture
def on() -> Callable[..., Rule]:
    """`on(fault, match={...}, **when)`: a rule at connections."""

    def make(fault: Any, match: dict[str, Any] | None = None, **when: Any) -> Rule:
        return Rule("c", "connection", "event", Match(**(match or {})), When(**when), fault)

    return make


async def test_a_refused_client_is_reset_and_the_broker_hears_nothing(
    serve: Any, link: Any, streams: Any, upstream: Any, on: Any, frames: Any
) -> None:
    running = await serve(on(RefuseConnection(), nth=(1,)))
    refused = await streams.connect(running.proxy.bootstrap)
    assert await refused.ends_by_reset()
    linked = await link(running)
    await linked.ask(frames.request(1))
    with trio.move_on_after(0.05) as scope:
        await upstream.accept()
    assert scope.cancelled_caught
    running.proxy.flush()
    assert [(seen.connection, seen.how) for seen in running.all(ConnectionClosed)] == [(1, "reset")]


async def test_one_that_is_disconnected_when_it_is_opened_sees_a_fin(
    serve: Any, streams: Any, on: Any, frames: Any
) -> None:
    running = await serve(on(Disconnect(), nth=(1,)))
    client = await streams.connect(running.proxy.bootstrap)
    await client.send(frames.request(1))
    assert await client.rest() == b""
    await client.finish()


async def test_open_connections_end_at_the_moment(serve: Any, link: Any, on: Any, frames: Any) -> None:
    running = await serve(on(Reset(), after=0.05))
    linked, other = await link(running), await link(running)
    await linked.ask(frames.produce(1))
    assert await linked.client.ends_by_reset()
    assert await other.client.ends_by_reset()
    assert await other.broker.ends_by_reset()
    await linked.broker.send(frames.produced(1))
    assert await linked.broker.ends_by_reset()
    await running.proxy.settled()


async def test_a_connection_that_ends_while_it_is_dialled_leaves_nothing(
    serve: Any, streams: Any, link: Any, on: Any, frames: Any, open_files: Callable[[], int], monkeypatch: Any
) -> None:
    running = await serve(on(Reset(), after=0.05))
    linked = await link(running)
    dialled, go = trio.Event(), trio.Event()
    dial = Dialler.dial

    async def slowly(dialler: Any, addresses: Any) -> Any:
        found = await dial(dialler, addresses)
        dialled.set()
        await go.wait()
        return found

    monkeypatch.setattr(Dialler, "dial", slowly)
    client = await streams.connect(running.proxy.bootstrap)
    await dialled.wait()
    before = open_files()
    await linked.ask(frames.produce(1))
    assert await linked.client.ends_by_reset()
    go.set()
    assert await client.ends_by_reset()
    await trio.testing.wait_all_tasks_blocked()
    assert open_files() < before


async def test_the_kernel_keeps_as_much_for_a_broker_as_for_anybody(upstream: Any) -> None:
    """trio has it keep 16 KB that were not sent, so that a large request would go on in small steps."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if option is None:
        pytest.skip("the system has no such limit")
    host, port = upstream.address
    peer = await Dialler().dial([Upstream(host, port, host)])
    with socket.socket() as any_socket:
        assert peer.sock.getsockopt(socket.IPPROTO_TCP, option) == any_socket.getsockopt(socket.IPPROTO_TCP, option)
    peer.close("reset")


async def test_a_blackhole_heals_and_hands_over_what_waited(serve: Any, link: Any, on: Any, frames: Any) -> None:
    running = await serve(on(Blackhole(0.3)))
    begun = trio.current_time()
    linked = await link(running)
    await linked.client.send(frames.produce(1))
    await linked.client.finish()
    assert await linked.broker.read(len(frames.produce(1))) == frames.produce(1)
    assert trio.current_time() - begun >= 0.3
    await linked.broker.send(frames.produced(1))
    assert await linked.broker.rest() == b""
    await running.proxy.settled()


async def test_a_blackhole_without_an_end_ends_with_its_client(serve: Any, link: Any, on: Any, frames: Any) -> None:
    running = await serve(on(Blackhole()))
    linked = await link(running)
    await linked.client.send(frames.produce(1))
    await linked.client.finish()
    assert await linked.broker.rest() == b""
    assert await linked.client.rest() == b""
    await running.proxy.settled()
    running.proxy.flush()
    assert [seen.ack for seen in running.all(Acked)] == ["none"]


async def test_more_than_a_blackhole_keeps_waits_with_the_client(
    serve: Any, link: Any, on: Any, frames: Any, nursery: trio.Nursery
) -> None:
    running = await serve(on(Blackhole(0.3)), backlog=10_000)
    linked = await link(running)
    requests = b"".join(frames.produce(n, bytes(60)) for n in range(15_000))
    nursery.start_soon(linked.client.send, requests)
    assert await linked.broker.read(len(requests)) == requests


@pytest.mark.parametrize("fault", [Blackhole(0.3), Latency(0.05), Throttle(1_000_000.0), Slice(10_000, 0.001)])
@pytest.mark.parametrize("answers", [False, True])
async def test_more_than_may_wait_is_read_on_once_it_has_gone(
    serve: Any, link: Any, on: Any, frames: Any, nursery: trio.Nursery, fault: Any, answers: bool
) -> None:
    """What the core keeps goes on by the clock, into sockets that have room for all of it: nothing else tells of it."""
    running = await serve(on(fault), backlog=10_000)
    linked = await link(running)
    if answers:
        await linked.client.send(requests := b"".join(frames.request(n) for n in range(30)))
        assert await linked.broker.read(len(requests)) == requests
    sender, reader = (linked.broker, linked.client) if answers else (linked.client, linked.broker)
    frame = frames.answer if answers else frames.request
    for begin in range(0, 30, 10):
        data = b"".join(frame(n, bytes(20_000)) for n in range(begin, begin + 10))
        nursery.start_soon(sender.send, data)
        assert await reader.read(len(data)) == data
    assert not running.proxy.paused


@pytest.mark.parametrize(("fault", "least"), [(Latency(0.1), 0.2), (Throttle(2000.0), 0.5), (Slice(50, 0.02), 0.3)])
async def test_what_is_slow_arrives_whole(
    serve: Any, link: Any, on: Any, frames: Any, fault: Any, least: float
) -> None:
    running = await serve(on(fault))
    linked = await link(running)
    begun = trio.current_time()
    ask, answer = frames.request(1, bytes(600)), frames.answer(1, bytes(600))
    await linked.client.send(ask)
    assert await linked.broker.read(len(ask)) == ask
    await linked.broker.send(answer)
    assert await linked.client.read(len(answer)) == answer
    assert trio.current_time() - begun >= least
    running.proxy.flush()
    assert [(seen.fired, seen.verdict) for seen in running.all(Decided)] == [(True, fault.word)]
