"""Noise on live listeners, from clients and from brokers: every other connection goes on as if nothing had been."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest
import trio

from ackdrop.observations import ConnectionClosed

from ..fuzz import corpus

NOISY = 120
"""Connections on which noise is sent, one of them after the other on each of `LANES`."""
LANES = 6


class Bystanders:
    """Connections that ask and are answered all the time; `talked` counts the answers that came as they were sent."""

    def __init__(self, linked: list[Any], frames: Any) -> None:
        self._linked = linked
        self._frames = frames
        self.talked = 0
        self._heard = trio.Event()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            for number, linked in enumerate(self._linked):
                nursery.start_soon(self._talk, number, linked)
            task_status.started()

    async def go_on(self, answers: int) -> None:
        """So many answers more have come."""
        enough = self.talked + answers
        while self.talked < enough:
            self._heard = trio.Event()
            await self._heard.wait()

    async def _talk(self, number: int, linked: Any) -> None:
        cid = 0
        while True:
            cid += 1
            produces = cid % 3 == 0
            await linked.ask(self._frames.produce(cid) if produces else self._frames.request(cid, bytes(number)))
            answer = self._frames.produced(cid) if produces else self._frames.answer(cid, bytes(cid % 100))
            await linked.broker.send(answer)
            assert await linked.client.read(len(answer)) == answer
            self.talked += 1
            self._heard.set()
            await trio.sleep(0.001)


def noise(draw: random.Random, cid: int) -> tuple[bytes, bytes]:
    """What a client sends, and what a broker answers: mostly frames that are nearly right."""
    if draw.random() < 0.3:
        return draw.randbytes(draw.choice((1, 7, 300, 5000))), draw.randbytes(draw.choice((1, 7, 300, 5000)))
    asked, answer = corpus.pair(draw, cid)
    request = corpus.spoilt(draw, asked.data, keep=draw.choice((0, 12))) if draw.random() < 0.5 else asked.data
    return request, corpus.spoilt(draw, answer, keep=draw.choice((0, 8, 8)))


async def make_noise(draw: random.Random, client: Any, broker: Any) -> None:
    """One connection's life. Either side may be closed for it at any time."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError), trio.move_on_after(1):
        for cid in range(draw.randint(1, 6)):
            request, answer = noise(draw, cid)
            await client.send(request)
            await trio.lowlevel.checkpoint()
            await broker.send(answer)
        side = draw.choice((client, broker))
        side.reset() if draw.random() < 0.5 else await side.finish()


async def ended(stream: Any) -> None:
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.finish()
        await stream.rest()
    stream.stream.socket.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_others_are_unharmed(
    serve: Any, link: Any, frames: Any, nursery: trio.Nursery, open_files: Callable[[], int], seed: int
) -> None:
    running = await serve(drain=0.01)
    bystanders = Bystanders([await link(running) for _ in range(10)], frames)
    await nursery.start(bystanders.run)
    before, draw = open_files(), random.Random(seed)
    for _ in range(NOISY // LANES):
        lanes = [await link(running) for _ in range(LANES)]
        async with trio.open_nursery() as loud:
            for linked in lanes:
                loud.start_soon(make_noise, random.Random(draw.getrandbits(32)), linked.client, linked.broker)
        async with trio.open_nursery() as ending:
            for stream in [each for linked in lanes for each in (linked.client, linked.broker)]:
                ending.start_soon(ended, stream)
    closed = await running.until(ConnectionClosed, NOISY)
    assert {seen.connection for seen in closed} == set(range(11, 11 + NOISY))
    await bystanders.go_on(50)
    assert len(running.proxy.wire.connections) == 10
    assert open_files() - before <= len(running.proxy._listeners._by_node)
