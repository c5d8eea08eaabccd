"""One socket: what the kernel does not take waits, and its end comes after what waits."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import trio

from ackdrop.relay.peer import Peer

BIG = bytes(range(256)) * 16384


async def read_all(sock: socket.socket) -> bytes:
    """Everything until FIN, from a socket that is not trio's."""
    sock.setblocking(False)
    out = bytearray()
    while True:
        await trio.lowlevel.wait_readable(sock)
        data = sock.recv(1 << 20)
        if not data:
            return bytes(out)
        out += data


async def test_what_the_kernel_takes_goes_at_once(pair: Any) -> None:
    near, far = pair()
    peer = Peer(near)
    assert peer.send(b"hello") is False
    assert far.recv(100) == b"hello"
    assert peer.backlog == 0
    peer.close()


async def test_the_rest_waits_and_is_flushed_in_order(pair: Any, nursery: trio.Nursery) -> None:
    near, far = pair()
    peer = Peer(near)
    assert peer.send(BIG) is True
    assert 0 < peer.backlog < len(BIG)
    backlog = peer.backlog
    assert peer.send(b"behind") is False
    assert peer.backlog == backlog + 6
    nursery.start_soon(peer.flush)
    peer.finish()
    assert await read_all(far) == BIG + b"behind"
    assert peer.backlog == 0
    peer.close()


async def test_what_waits_is_a_copy(pair: Any, nursery: trio.Nursery) -> None:
    """The relay reads into one buffer for all."""
    near, far = pair()
    peer = Peer(near)
    buffer = bytearray(BIG)
    peer.send(memoryview(buffer))
    peer.send(memoryview(buffer)[:100])
    buffer[:] = bytes(len(buffer))
    nursery.start_soon(peer.flush)
    peer.finish()
    assert await read_all(far) == BIG + BIG[:100]
    peer.close()


async def test_fin_comes_at_once_where_nothing_waits_and_reading_goes_on(pair: Any) -> None:
    near, far = pair()
    peer = Peer(near)
    peer.send(b"last")
    peer.finish()
    peer.finish()
    assert await read_all(far) == b"last"
    assert peer.send(b"too late") is False
    far.send(b"still here")
    await trio.lowlevel.wait_readable(near)
    assert near.recv(100) == b"still here"
    peer.close()


async def test_waiting_for_the_flush(pair: Any, nursery: trio.Nursery) -> None:
    near, far = pair()
    peer = Peer(near)
    await peer.flushed()
    peer.send(BIG)
    nursery.start_soon(peer.flush)
    nursery.start_soon(read_all, far)
    await peer.flushed()
    assert peer.backlog == 0
    peer.finish()
    peer.close()


async def test_a_reset_is_a_reset(pair: Any) -> None:
    near, far = pair()
    peer = Peer(near)
    peer.close("reset")
    peer.close()
    with pytest.raises(ConnectionResetError):
        far.recv(1)
    assert peer.closed


async def test_closing_ends_everyone_who_waits(pair: Any) -> None:
    near, _ = pair()
    peer = Peer(near)
    peer.send(BIG)
    ended = []

    async def wait(name: str, function: Any) -> None:
        await function()
        ended.append(name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait, "flush", peer.flush)
        nursery.start_soon(wait, "flushed", peer.flushed)
        nursery.start_soon(wait, "silent", peer.silent.wait)
        nursery.start_soon(wait, "gone", peer.gone.wait)
        await trio.testing.wait_all_tasks_blocked()
        assert ended == []
        peer.close("reset")
    assert sorted(ended) == ["flush", "flushed", "gone", "silent"]
    assert peer.backlog == 0


async def test_a_flush_that_begins_after_the_end_is_harmless(pair: Any) -> None:
    near, _ = pair()
    peer = Peer(near)
    peer.send(BIG)
    peer.finish()
    peer.close()
    await peer.flush()
    peer.finish()
    assert peer.send(b"x") is False


async def test_a_broken_connection_takes_everything(pair: Any, nursery: trio.Nursery) -> None:
    """Its reading side tells of the end; sending must not."""
    near, far = pair()
    peer = Peer(near)
    peer.send(BIG)
    nursery.start_soon(peer.flush)
    Peer(far).close("reset")
    await peer.flushed()
    assert peer.backlog == 0
    assert peer.send(b"more") is False
    peer.finish()
    peer.close()


async def test_a_socket_without_tcp_is_one_too() -> None:
    near, far = socket.socketpair()
    with near, far:
        peer = Peer(near)
        peer.send(b"hello")
        assert far.recv(100) == b"hello"
        peer.close("reset")
