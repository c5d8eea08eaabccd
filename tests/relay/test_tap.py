"""What the relay tells whoever listens: both sides of every connection, as it went, without and with TLS."""

from __future__ import annotations

import ssl
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import trio
import trio.testing
import trustme

from ackdrop.core.commands import Side
from ackdrop.faults import Drop, Duplicate
from ackdrop.observations import Attempt, ConnectionClosed, Observation
from ackdrop.relay.peer import Peer
from ackdrop.relay.tls_peer import TlsPeer


class Heard:
    """A tap that keeps what it is told, as lines; connections by their number and side."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.observations: list[Observation] = []
        self.places: dict[str, str] = {}
        self.pressed = False
        self.before: list[int] = []

    def opened(self, at: float, connection: int, side: Side, node: int, near: Any, far: Any, **how: bool) -> HeardSide:
        assert at <= trio.current_time()
        self.told.append((connection, side.value, "opened", node, near, far, how))
        return HeardSide(self, connection, side.value)

    def observed(self, observations: Sequence[Observation], places: Mapping[str, str]) -> None:
        self.before.append(len(self.told))
        self.observations += observations
        self.places = dict(places)
        self.pressed = False

    def of(self, connection: int, side: str) -> list[tuple[Any, ...]]:
        return [told[2:] for told in self.told if told[:2] == (connection, side)]

    def content(self, connection: int, side: str, way: str) -> bytes:
        return b"".join(told[1] for told in self.of(connection, side) if told[0] == way)


class HeardSide:
    def __init__(self, heard: Heard, *names: Any) -> None:
        self._heard, self._names = heard, names

    def _add(self, *told: Any) -> None:
        self._heard.told.append((*self._names, *told))

    def received(self, content: memoryview, at: float) -> None:
        self._add("received", bytes(content))

    def sent(self, content: bytes | memoryview, at: float) -> None:
        self._add("sent", bytes(content))

    def ended(self, inbound: bool, how: str, at: float) -> None:
        self._add("ended", inbound, how)

    def closed(self) -> None:
        self._add("closed")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tapped(serve: Any, heard: Heard) -> Any:
    async def start(*rules: Any, **settings: Any) -> Any:
        running = await serve(*rules, **settings)
        running.proxy._tap = heard
        return running

    return start


async def test_both_sides_are_told_as_they_went(
    tapped: Any, link: Any, frames: Any, heard: Heard, upstream: Any
) -> None:
    running = await tapped()
    linked = await link(running)
    client, broker = linked.client, linked.broker
    names = client.stream.socket.getsockname(), broker.stream.socket.getpeername()
    request, answer = frames.request(1, b"x" * 300_000), frames.answer(1, b"y")
    await linked.ask(request)
    await broker.send(answer)
    assert await client.read(len(answer)) == answer
    await client.finish()
    assert await broker.rest() == b""
    await broker.finish()
    await running.until(ConnectionClosed)
    await trio.testing.wait_all_tasks_blocked()  # its sockets are closed right after that was told
    ours = ("127.0.0.1", int(running.proxy.bootstrap.rpartition(":")[2]))
    first, second = heard.of(1, "client")[0], heard.of(1, "broker")[0]
    assert first == ("opened", -1, ours, names[0], {"own": False, "tls": False})
    assert second == ("opened", -1, names[1], upstream.address, {"own": False, "tls": False})
    assert heard.content(1, "client", "received") == heard.content(1, "broker", "sent") == request
    assert heard.content(1, "broker", "received") == heard.content(1, "client", "sent") == answer
    for side, inbound in (("client", True), ("broker", False)):
        ends = [told for told in heard.of(1, side) if told[0] in ("ended", "closed")]
        assert ends[:2] == [("ended", inbound, "fin"), ("ended", not inbound, "fin")]
        assert ends[-1] == ("closed",)


@pytest.mark.parametrize("who", ["client", "broker"])
async def test_a_reset_is_told_as_one(tapped: Any, link: Any, frames: Any, heard: Heard, who: str) -> None:
    running = await tapped()
    linked = await link(running)
    await linked.ask(frames.request(1))
    getattr(linked, who).reset()
    await running.until(ConnectionClosed)
    assert ("ended", True, "reset") in heard.of(1, who)


async def test_a_dropped_ack_was_received_and_never_sent(
    tapped: Any, link: Any, frames: Any, rule: Any, heard: Heard
) -> None:
    running = await tapped(rule(Drop("reset")))
    linked = await link(running)
    await linked.ask(frames.produce(1))
    await linked.broker.send(frames.produced(1))
    await running.until(ConnectionClosed)
    assert heard.content(1, "broker", "received") == frames.produced(1)
    assert heard.content(1, "client", "sent") == b""
    assert ("ended", False, "reset") in heard.of(1, "client")
    await running.stop()
    assert heard.places == {"r": "produce.response"}
    assert running.seen == heard.observations


async def test_a_connection_of_our_own_is_told(
    tapped: Any, link: Any, frames: Any, rule: Any, upstream: Any, heard: Heard
) -> None:
    running = await tapped(rule(Duplicate(connection="new")))
    linked = await link(running)
    await linked.ask(frames.produce(1))
    copied = await upstream.accept()
    assert await copied.read(len(frames.produce(1))) == frames.produce(1)
    await copied.send(frames.produced(1))
    assert await copied.rest() == b""
    await running.until(ConnectionClosed)
    assert heard.of(2, "broker")[0][-1] == {"own": True, "tls": False}
    assert heard.content(2, "broker", "sent") == frames.produce(1)
    assert heard.content(2, "broker", "received") == frames.produced(1)
    assert not heard.of(2, "client")


async def test_who_has_much_waiting_is_handed_it_at_once(tapped: Any, link: Any, frames: Any, heard: Heard) -> None:
    running = await tapped()
    linked = await link(running)
    heard.before.clear()
    heard.pressed = True
    await linked.ask(frames.produce(1))
    assert not heard.pressed
    assert any(isinstance(seen, Attempt) for seen in heard.observations)


async def test_what_the_kernel_did_not_take_was_not_sent(pair: Any, heard: Heard) -> None:
    near, far = pair()
    peer = Peer(near)
    peer.ear = HeardSide(heard, 1, "client")
    assert peer.send(bytes(1 << 20))
    first = len(heard.content(1, "client", "sent"))
    assert 0 < first < 1 << 20
    async with trio.open_nursery() as nursery:
        nursery.start_soon(peer.flush)
        far = trio.socket.from_stdlib_socket(far)
        left = 1 << 20
        while left:
            left -= len(await far.recv(1 << 16))
    assert len(heard.content(1, "client", "sent")) == 1 << 20
    peer.close("reset")
    assert heard.of(1, "client")[-2:] == [("ended", False, "reset"), ("closed",)]


async def test_behind_tls_the_content_is_told(pair: Any, heard: Heard) -> None:
    ca = trustme.CA()
    server, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    ca.issue_cert("localhost").configure_cert(server)
    ca.configure_trust(trusting)
    near, far = pair()
    one, other = TlsPeer(near, server), TlsPeer(far, trusting, "localhost")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.handshake)
        nursery.start_soon(other.handshake)
    one.ear = HeardSide(heard, 1, "client")
    message, buffer = struct.pack(">i", 4) + b"four", memoryview(bytearray(100))
    one.send(message)
    assert await other.read(buffer) == len(message)
    one.finish()
    assert heard.of(1, "client") == [("sent", message), ("ended", False, "fin")]
    one.close()
    other.close()
