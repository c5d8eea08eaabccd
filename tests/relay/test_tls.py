"""TLS on either side, each for itself: bytes, ends and refusals are as without it.

Clients and brokers are trio's own TLS streams, on certificates of a throw-away authority.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from ackdrop.faults import Delay, Disconnect, Drop, RefuseConnection, Reset
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Acked, ConnectionClosed, Decided, Undecoded
from ackdrop.relay import proxy as proxy_module
from ackdrop.security import ClientTls, UpstreamTls

LARGE = 4 << 20


@dataclass(frozen=True, slots=True)
class Pem:
    """An authority, and what it has vouched for: PEM files."""

    authority: trustme.CA
    folder: Path
    ca: Path
    server: Path
    client: Path

    def server_side(self, *, wants_certificate: bool = False, name: str = "localhost") -> ssl.SSLContext:
        """What a broker accepts with."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        names = ["localhost", "127.0.0.1"] if name == "localhost" else [name]
        self.authority.issue_cert(*names).configure_cert(context)
        if wants_certificate:
            self.authority.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_side(self, *, shows_certificate: bool = False) -> ssl.SSLContext:
        """What a client connects with."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        if shows_certificate:
            context.load_cert_chain(self.client)
        return context


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    ca, server, client = (folder / f"{name}.pem" for name in ("ca", "server", "client"))
    authority.cert_pem.write_to_path(ca)
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(server)
    authority.issue_cert("someone@example.org").private_key_and_cert_chain_pem.write_to_path(client)
    return Pem(authority, folder, ca, server, client)


class Tls:
    """One end of a TLS connection, in the test's hand."""

    def __init__(self, stream: trio.SSLStream[trio.SocketStream]) -> None:
        self.stream = stream

    async def send(self, *data: bytes) -> None:
        await self.stream.send_all(b"".join(data))

    async def read(self, count: int) -> bytes:
        """So many bytes, or what came before the end."""
        out = bytearray()
        try:
            while len(out) < count and (data := await self.stream.receive_some(count - len(out))):
                out += data
        except trio.BrokenResourceError as error:
            if not isinstance(error.__cause__, ssl.SSLZeroReturnError):  # an end, for one that said its own before
                raise
        return bytes(out)

    def say_goodbye(self) -> None:
        """close_notify and FIN; reading goes on, as trio's own `aclose` does not let it."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.stream._ssl_object.unwrap()
        sock = self.stream.transport_stream.socket
        assert sock._sock.send(self.stream._outgoing.read())
        sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        sock = self.stream.transport_stream.socket
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


class Ends:
    """Connects clients and takes brokers' connections, with TLS; all are closed at the end of the test."""

    def __init__(self, pem: Pem, upstream: Any, streams: Any) -> None:
        self._pem, self._upstream, self._streams = pem, upstream, streams

    async def client(self, bootstrap: str, *, name: str = "localhost", **how: Any) -> Tls:
        plain = await self._streams.connect(bootstrap)
        stream = trio.SSLStream(
            plain.stream, self._pem.client_side(**how), server_hostname=name, https_compatible=False
        )
        await stream.do_handshake()
        return Tls(stream)

    async def broker(self, **how: Any) -> Tls:
        plain = await self._upstream.accept()
        stream = trio.SSLStream(plain.stream, self._pem.server_side(**how), server_side=True)
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError:
            await plain.stream.send_all(stream._outgoing.read())  # the alert, which trio keeps to itself
            await plain.finish()
            raise
        return Tls(stream)


@pytest.fixture
def ends(pem: Pem, upstream: Any, streams: Any) -> Ends:
    return Ends(pem, upstream, streams)


Link = Callable[..., Awaitable[tuple[Any, Tls, Tls]]]


@pytest.fixture
def both(serve: Any, ends: Ends, pem: Pem) -> Link:
    """`running, client, broker = await both(*rules)`: TLS on both sides."""

    async def make(*rules: Rule, **wire: Any) -> tuple[Any, Tls, Tls]:
        running = await serve(
            *rules,
            client_tls=ClientTls(pem.server),
            upstream_tls=UpstreamTls(ca=pem.ca, server_name="localhost"),
            **wire,
        )
        found: dict[str, Tls] = {}

        async def broker() -> None:
            found["broker"] = await ends.broker()

        async with trio.open_nursery() as together:
            together.start_soon(broker)
            found["client"] = await ends.client(running.proxy.bootstrap)
        return running, found["client"], found["broker"]

    return make


def at_connection(fault: Any, **match: Any) -> Rule:
    return Rule("r", "connection", "event", Match(**match), When(), fault)


def at_answer(fault: Any, **match: Any) -> Rule:
    return Rule("r", "produce", "response", Match(**match), When(), fault)


async def test_bytes_go_both_ways(both: Link, frames: Any) -> None:
    running, client, broker = await both()
    request, answer = frames.request(1, b"hello"), frames.answer(1, b"world")
    await client.send(request)
    assert await broker.read(len(request)) == request
    await broker.send(answer)
    assert await client.read(len(answer)) == answer
    assert not running.all(Undecoded)


async def test_large_frames_wait_for_a_slow_reader_in_order(both: Link, frames: Any, nursery: trio.Nursery) -> None:
    _, client, broker = await both(backlog=100_000)
    body = random.Random(7).randbytes(LARGE)
    request, answer = frames.request(1, body), frames.answer(1, body)
    nursery.start_soon(client.send, request)
    assert await broker.read(len(request)) == request
    nursery.start_soon(broker.send, answer)
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert await client.read(len(answer)) == answer


async def test_a_client_that_says_goodbye_still_gets_its_answer(both: Link, frames: Any) -> None:
    """close_notify is half an end (RFC 8446, 6.1): what the broker still answers gets through, and then its own end."""
    running, client, broker = await both()
    request, answer = frames.produce(1), frames.produced(1)
    await client.send(request)
    assert await broker.read(len(request)) == request
    client.say_goodbye()
    await trio.testing.wait_all_tasks_blocked(0.02)
    await broker.send(answer)
    assert await client.read(len(answer)) == answer
    assert await broker.read(1) == b""
    broker.say_goodbye()
    assert await client.read(1) == b""
    (closed,) = await running.until(ConnectionClosed)
    assert (closed.by, closed.how) == ("client", "fin")


async def test_a_broker_that_says_goodbye_ends_its_client_well(both: Link, frames: Any) -> None:
    running, client, broker = await both()
    request = frames.request(1)
    await client.send(request)
    assert await broker.read(len(request)) == request
    async with trio.open_nursery() as together:
        together.start_soon(broker.stream.aclose)
        assert await client.read(1) == b""
        await client.stream.aclose()
    (closed,) = await running.until(ConnectionClosed)
    assert (closed.by, closed.how) == ("broker", "fin")


async def test_a_reset_is_a_reset(both: Link) -> None:
    running, client, broker = await both()
    client.reset()
    (closed,) = await running.until(ConnectionClosed)
    assert (closed.by, closed.how) == ("client", "reset")
    with pytest.raises(trio.BrokenResourceError):
        await broker.stream.receive_some(1)


async def test_faults_act_on_what_was_encrypted(both: Link, frames: Any) -> None:
    running, client, broker = await both(at_answer(Drop("disconnect"), tls=True))
    request = frames.produce(1)
    await client.send(request)
    assert await broker.read(len(request)) == request
    await broker.send(frames.produced(1))
    assert await client.read(1) == b""
    await client.stream.aclose()
    (acked,) = await running.until(Acked)
    assert acked.ack == "dropped"


async def test_a_rule_for_plain_connections_leaves_encrypted_ones_alone(both: Link, frames: Any) -> None:
    running, client, broker = await both(at_answer(Delay(60.0), tls=False), at_connection(Reset(), tls=False))
    request, answer = frames.produce(1), frames.produced(1)
    await client.send(request)
    assert await broker.read(len(request)) == request
    await broker.send(answer)
    assert await client.read(len(answer)) == answer
    running.proxy.flush()
    assert not running.all(Decided)


@pytest.mark.parametrize("fault", [Reset(), RefuseConnection()])
async def test_a_connection_is_refused_before_its_handshake(serve: Any, streams: Any, pem: Pem, fault: Any) -> None:
    running = await serve(at_connection(fault, tls=True), client_tls=ClientTls(pem.server))
    client = await streams.connect(running.proxy.bootstrap)
    assert await client.ends_by_reset()


async def test_a_disconnect_at_once_is_an_end_before_the_handshake(serve: Any, streams: Any, pem: Pem) -> None:
    running = await serve(at_connection(Disconnect()), client_tls=ClientTls(pem.server))
    client = await streams.connect(running.proxy.bootstrap)
    assert await client.rest() == b""


class TestClients:
    async def test_one_without_a_certificate_is_refused_where_one_is_wanted(
        self, serve: Any, ends: Ends, pem: Pem
    ) -> None:
        running = await serve(client_tls=ClientTls(pem.server, client_ca=pem.ca))
        client = await ends.client(running.proxy.bootstrap)  # TLS 1.3 tells of it with the first bytes
        with pytest.raises(trio.BrokenResourceError):
            await client.stream.receive_some(1)
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason == "no TLS with the client: the other side showed no certificate"

    async def test_one_with_a_certificate_is_let_in(
        self, serve: Any, ends: Ends, pem: Pem, upstream: Any, frames: Any
    ) -> None:
        running = await serve(client_tls=ClientTls(pem.server, client_ca=pem.ca))
        client = await ends.client(running.proxy.bootstrap, shows_certificate=True)
        broker = await upstream.accept()
        await client.send(frames.request(1))
        assert await broker.read(len(frames.request(1))) == frames.request(1)

    async def test_one_that_speaks_no_tls_is_told_of(self, serve: Any, streams: Any, pem: Pem, frames: Any) -> None:
        running = await serve(client_tls=ClientTls(pem.server))
        client = await streams.connect(running.proxy.bootstrap)
        await client.send(frames.request(1))
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason == "no TLS with the client: the other side does not speak TLS"
        await client.rest()

    async def test_one_that_never_shakes_hands_is_let_go(
        self, serve: Any, streams: Any, pem: Pem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proxy_module, "HANDSHAKE_TIMEOUT", 0.05)
        running = await serve(client_tls=ClientTls(pem.server))
        client = await streams.connect(running.proxy.bootstrap)
        await client.send(b"\x16")
        assert await client.rest() == b""
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason == "no TLS with the client: no handshake within 0.05 s"

    async def test_garbage_in_the_middle_ends_that_connection_alone(
        self, both: Link, ends: Ends, frames: Any, nursery: trio.Nursery
    ) -> None:
        running, client, broker = await both()
        await client.stream.transport_stream.send_all(b"garbage" * 100)
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason.startswith("no TLS with the client: ")
        assert await broker.read(1) == b""


class TestBrokers:
    @pytest.mark.parametrize(
        ("tls", "broker", "said"),
        [
            (lambda pem: UpstreamTls(ca=pem.ca), {"name": "elsewhere"}, "certificate is not valid for '127.0.0.1'"),
            (lambda pem: UpstreamTls(), {}, "the certificate is not accepted: "),
            (
                lambda pem: UpstreamTls(ca=pem.ca, server_name="other.example"),
                {},
                "certificate is not valid for 'other.example'",
            ),
        ],
    )
    async def test_one_that_cannot_be_verified_is_not_spoken_to(
        self, serve: Any, streams: Any, ends: Ends, pem: Pem, tls: Any, broker: Any, said: str
    ) -> None:
        running = await serve(upstream_tls=tls(pem))
        client = await streams.connect(running.proxy.bootstrap)
        with pytest.raises(trio.BrokenResourceError):
            await ends.broker(**broker)
        assert await client.rest() == b""
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason.startswith("the broker cannot be reached: 127.0.0.1:")
        assert said in closed.reason

    async def test_one_is_believed_where_verification_was_given_up(
        self, serve: Any, streams: Any, ends: Ends, frames: Any
    ) -> None:
        running = await serve(upstream_tls=UpstreamTls(verify=False))
        client = await streams.connect(running.proxy.bootstrap)
        broker = await ends.broker(name="elsewhere")
        await client.send(frames.request(1))
        assert await broker.read(len(frames.request(1))) == frames.request(1)

    async def test_one_that_wants_our_certificate_gets_it(
        self, serve: Any, streams: Any, ends: Ends, pem: Pem, frames: Any
    ) -> None:
        running = await serve(upstream_tls=UpstreamTls(ca=pem.ca, cert=pem.client))
        client = await streams.connect(running.proxy.bootstrap)
        broker = await ends.broker(wants_certificate=True)
        await client.send(frames.request(1))
        assert await broker.read(len(frames.request(1))) == frames.request(1)

    async def test_one_that_wants_a_certificate_which_we_have_not_is_told_of(
        self, serve: Any, streams: Any, ends: Ends, pem: Pem
    ) -> None:
        running = await serve(upstream_tls=UpstreamTls(ca=pem.ca))
        client = await streams.connect(running.proxy.bootstrap)
        with pytest.raises(trio.BrokenResourceError):
            await ends.broker(wants_certificate=True)
        await client.rest()
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason.endswith("the other side wants a certificate of ours")

    async def test_one_that_speaks_no_tls_is_told_of(self, serve: Any, streams: Any, upstream: Any, pem: Pem) -> None:
        running = await serve(upstream_tls=UpstreamTls(ca=pem.ca))
        client = await streams.connect(running.proxy.bootstrap)
        broker = await upstream.accept()
        await broker.send(b"\0\0\0\4what")
        await client.rest()
        (closed,) = await running.until(ConnectionClosed)
        assert closed.reason.endswith("the other side does not speak TLS")
