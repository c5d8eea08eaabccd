"""What no fault may change: the proxy is a wire, however bytes are cut, however many wait, whatever their size."""

from __future__ import annotations

import random
import socket
import struct
from typing import Any

import pytest
import trio

from ackdrop.core.commands import Side
from ackdrop.relay.proxy import READ_SIZE

FETCH, METADATA, UNKNOWN = 1, 3, 999
LARGE = 100 * 1024 * 1024
"""The largest request that a broker takes by default (`socket.request.max.bytes`)."""


@pytest.fixture(autouse=True)
async def deadline(nursery: trio.Nursery) -> None:
    """More time than other tests have: hundreds of megabytes take it on a busy machine."""

    async def expire() -> None:
        with trio.fail_after(150):
            await trio.sleep_forever()

    nursery.start_soon(expire)


def peers(running: Any) -> dict[Side, Any]:
    (session,) = running.proxy._sessions.values()
    found: dict[Side, Any] = session._peers
    return found


async def test_both_sockets_are_kept_alive_and_do_not_wait_to_fill_packets(serve: Any, link: Any, frames: Any) -> None:
    running = await serve()
    linked = await link(running)
    await linked.ask(frames.request(1))
    for peer in peers(running).values():
        assert peer.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert peer.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_thousands_of_requests_wait_for_their_answers(serve: Any, link: Any, frames: Any) -> None:
    """All are sent before the first is answered; those with acks=0 get none."""
    linked = await link(await serve())
    chance = random.Random(4)
    asked = [(cid, chance.choice((METADATA, UNKNOWN, FETCH))) for cid in range(20_000)]
    unanswered = frames.produce(7).replace(struct.pack(">hi", -1, 1000), struct.pack(">hi", 0, 1000))
    requests = b"".join(
        frames.request(cid, bytes(cid % 50), key=key) + (unanswered if cid % 100 == 0 else b"") for cid, key in asked
    )
    answers = b"".join(
        frames.metadata(cid) if key == METADATA else frames.answer(cid, bytes(cid % 90)) for cid, key in asked
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.client.send, requests)
        assert await linked.broker.read(len(requests)) == requests
        nursery.start_soon(linked.broker.send, answers)
        assert await linked.client.read(len(answers)) == answers


@pytest.mark.parametrize(("key", "version"), [(UNKNOWN, 0), (FETCH, 12), (0, 3)], ids=["unknown", "fetch", "produce"])
async def test_frames_of_100_mib_pass_both_ways(serve: Any, link: Any, frames: Any, key: int, version: int) -> None:
    """As large as a broker takes them; the next frame is behind them."""
    linked = await link(await serve())
    body = random.Random(5).randbytes(LARGE - 10)
    request = frames.request(1, body, key=key, version=version)
    answer = frames.answer(1, body)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(linked.client.send, request, frames.request(2))
        assert await linked.broker.read(len(request)) == request
        assert await linked.broker.read(len(frames.request(2))) == frames.request(2)
        nursery.start_soon(linked.broker.send, answer, frames.answer(2))
        assert await linked.client.read(len(answer)) == answer
        assert await linked.client.read(8) == frames.answer(2)


async def test_a_side_that_does_not_read_stops_the_other_and_nothing_is_kept(
    serve: Any, link: Any, frames: Any, nursery: trio.Nursery
) -> None:
    """Both directions stand still at the same time; what waits in the proxy is bounded, and arrives in the end."""
    running = await serve(backlog=100_000)
    linked = await link(running)
    chance = random.Random(6)
    requests = b"".join(frames.request(cid, chance.randbytes(60_000)) for cid in range(600))
    answers = b"".join(frames.answer(cid, chance.randbytes(60_000)) for cid in range(600))
    await linked.ask(b"".join(frames.request(cid) for cid in range(600)))
    nursery.start_soon(linked.client.send, requests)
    nursery.start_soon(linked.broker.send, answers)
    with trio.fail_after(30):
        while not all(peer.backlog > 100_000 for peer in peers(running).values()):
            await trio.testing.wait_all_tasks_blocked(0.05)
    await trio.testing.wait_all_tasks_blocked(0.05)
    for peer in peers(running).values():
        assert peer.backlog <= 100_000 + READ_SIZE
    assert await linked.broker.read(len(requests)) == requests
    assert await linked.client.read(len(answers)) == answers


async def test_a_client_that_sends_nothing_more_gets_what_is_owed(serve: Any, link: Any, frames: Any) -> None:
    """Its end reaches the broker behind its requests, and ends nothing that still comes back."""
    linked = await link(await serve())
    requests = [frames.request(1, key=FETCH), frames.produce(2), frames.request(3)]
    await linked.client.send(*requests)
    await linked.client.finish()
    assert await linked.broker.read(sum(map(len, requests))) == b"".join(requests)
    answers = [frames.answer(1, bytes(500_000)), frames.produced(2), frames.answer(3)]
    await linked.broker.send(*answers[:2])
    assert await linked.broker.rest() == b""
    await linked.broker.send(answers[2])
    await linked.broker.finish()
    assert await linked.client.rest() == b"".join(answers)


async def test_a_broker_that_closes_without_an_answer_closes_for_its_client(serve: Any, link: Any, frames: Any) -> None:
    """So Redpanda of old refuses a version that it does not know: the client must see that at once, and no more."""
    running = await serve()
    linked = await link(running)
    await linked.ask(frames.request(1, b"\0" + b"\5name" + b"\2" + b"1" + b"\0", key=18, version=4))
    await linked.broker.stream.aclose()
    assert await linked.client.rest() == b""
    again = await link(running)
    await again.ask(frames.request(1, key=18, version=0))
    await again.broker.send(frames.answer(1, struct.pack(">hi", 0, 0)))
    assert await again.client.read(14) == frames.answer(1, struct.pack(">hi", 0, 0))
