"""A broker that tells nonsense about the cluster harms nobody but those who ask it."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from ackdrop.errors import ListenerError
from ackdrop.observations import ConnectionClosed, Undecoded
from ackdrop.relay import listeners

METADATA = 3


async def told(linked: Any, frames: Any, cid: int, *nodes: tuple[int, str, int]) -> None:
    """The broker tells of these nodes."""
    await linked.ask(frames.request(cid, key=METADATA))
    await linked.broker.send(frames.metadata(cid, *nodes))


async def read(linked: Any) -> bytes:
    """The next answer, whole, as the client gets it."""
    size: bytes = await linked.client.read(4)
    rest: bytes = await linked.client.read(int.from_bytes(size, "big"))
    return size + rest


async def works(linked: Any, frames: Any) -> None:
    await linked.ask(frames.request(99))
    await linked.broker.send(frames.answer(99))
    assert await linked.client.read(8) == frames.answer(99)


@pytest.mark.parametrize(
    ("host", "port"),
    [("127.0.0.1", 70_000), ("127.0.0.1", 2**31 - 1), ("a\0b", 9092), ("x" * 300, 9092), ("a..b", 9092)],
    ids=["port", "largest port", "NUL", "too long", "empty label"],
)
async def test_an_address_that_is_none(
    serve: Any, link: Any, frames: Any, streams: Any, monkeypatch: pytest.MonkeyPatch, host: str, port: int
) -> None:
    monkeypatch.setattr(listeners, "FIRST_WAIT", 0.0)
    running = await serve()
    linked = await link(running)
    await told(linked, frames, 1, (5, host, port))
    assert b"127.0.0.1" in await read(linked)
    client = await streams.connect(("127.0.0.1", running.proxy._listeners._by_node[5].port))
    assert await client.rest() == b""
    (closed,) = await running.until(ConnectionClosed)
    assert closed.connection == 2
    assert closed.reason.startswith("the broker cannot be reached")
    await works(linked, frames)


async def test_a_node_without_an_id_does_not_lead_the_bootstrap_listener_elsewhere(
    serve: Any, link: Any, frames: Any
) -> None:
    running = await serve()
    linked = await link(running)
    await told(linked, frames, 1, (-1, "127.0.0.1", 1))
    port = int(running.proxy.bootstrap.rpartition(":")[2])
    expected = frames.metadata(1, (-1, "127.0.0.1", port))
    assert await linked.client.read(len(expected)) == expected
    await works(await link(running), frames)


async def test_no_more_listeners_can_be_opened(
    serve: Any, link: Any, frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when file descriptors are used up: the answer cannot be rewritten, so its client gets none."""

    def refused(host: str, port: int) -> Any:
        raise ListenerError(f"cannot listen on {host}:{port}: {errno.errorcode[errno.EMFILE]}")

    running = await serve()
    linked, other = await link(running), await link(running)
    monkeypatch.setattr(listeners, "_listen", refused)
    await told(linked, frames, 1, (5, "127.0.0.1", 9092))
    assert await linked.client.rest() == b""
    (seen,) = await running.until(Undecoded)
    assert (seen.connection, seen.closed, seen.reason) == (1, True, "cannot listen on 127.0.0.1:0: EMFILE")
    await works(other, frames)


async def test_more_brokers_than_any_cluster_has(
    serve: Any, link: Any, frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "MOST_BROKERS", 3)
    running = await serve()
    linked, other = await link(running), await link(running)
    await told(linked, frames, 1, *((node, "127.0.0.1", 9092) for node in range(4)))
    assert await linked.client.rest() == b""
    (seen,) = await running.until(Undecoded)
    assert "more than 3 brokers" in seen.reason
    await works(other, frames)
