"""Connections that come by the hundred, and what is left when they have gone: nothing."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from ackdrop.core.connection import Connection
from ackdrop.observations import ConnectionClosed
from ackdrop.relay.peer import Peer
from ackdrop.relay.session import Session

MANY = 100


def kept() -> dict[str, int]:
    """How many tasks there are, and how many objects of a connection."""
    gc.collect()
    kinds = {kind.__name__: kind for kind in (Connection, Session, Peer)}
    objects = gc.get_objects()
    found = {name: sum(isinstance(each, kind) for each in objects) for name, kind in kinds.items()}
    return {"tasks": trio.lowlevel.current_statistics().tasks_living, **found}


async def end_well(linked: Any) -> None:
    await linked.client.finish()
    assert await linked.broker.rest() == b""
    await linked.broker.finish()
    assert await linked.client.rest() == b""


async def end_by_reset(linked: Any) -> None:
    linked.client.reset()
    assert await linked.broker.ends_by_reset()


async def end_by_the_broker(linked: Any) -> None:
    linked.broker.reset()
    assert await linked.client.ends_by_reset()


@pytest.mark.parametrize("end", [end_well, end_by_reset, end_by_the_broker])
async def test_nothing_is_left_of_connections_that_have_ended(
    serve: Any, link: Any, frames: Any, open_files: Callable[[], int], end: Any
) -> None:
    running = await serve()
    stays = await link(running)
    await stays.ask(frames.request(1))
    await trio.testing.wait_all_tasks_blocked()
    before, descriptors = kept(), open_files()
    many = [await link(running) for _ in range(MANY)]
    for number, linked in enumerate(many):
        await linked.ask(frames.request(number))
        if number % 2:
            await linked.client.send(frames.request(number)[:7])  # and no more of it
    assert kept()["tasks"] >= before["tasks"] + MANY
    for linked in many:
        await end(linked)
    await running.until(ConnectionClosed, MANY)
    for linked in many:
        linked.client.stream.socket.close()
        linked.broker.stream.socket.close()
    await trio.testing.wait_all_tasks_blocked()
    assert kept() == before
    assert open_files() == descriptors
    await stays.ask(frames.request(2))
