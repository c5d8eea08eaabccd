"""What the tests of the relay share: a broker that is a byte peer under the test's control, and a proxy before it.

The sockets are real, on loopback; frames are of an API that nobody reads, or produce requests made by hand.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio

from ackdrop.core.wire import WireSettings
from ackdrop.faults import Duplicate
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Observation
from ackdrop.relay import Proxy, ProxySettings
from ackdrop.relay.limits import Limits
from ackdrop.security import ClientTls, Sasl, UpstreamTls

Seen = TypeVar("Seen", bound=Observation)
Address = tuple[str, int]


class Frames:
    """Frames made by hand."""

    def message(self, message: bytes) -> bytes:
        return struct.pack(">i", len(message)) + message

    def request(self, cid: int, body: bytes = b"", *, key: int = 999, version: int = 0) -> bytes:
        return self.message(struct.pack(">hhih", key, version, cid, -1) + body)

    def answer(self, cid: int, body: bytes = b"") -> bytes:
        return self.message(struct.pack(">i", cid) + body)

    def produce(self, cid: int, value: bytes = b"v", topic: bytes = b"t") -> bytes:
        """A Produce v3 request with one record for partition 0."""
        record = b"\0\0\0\1" + bytes([len(value) << 1]) + value + b"\0"
        sealed = struct.pack(">hiqqqhii", 0, 0, 1, 1, -1, -1, -1, 1) + bytes([len(record) << 1]) + record
        tail = struct.pack(">iBI", -1, 2, cid) + sealed
        batch = struct.pack(">qi", 0, len(tail)) + tail
        body = struct.pack(">hhii", -1, -1, 1000, 1) + struct.pack(">h", len(topic)) + topic
        return self.request(cid, body + struct.pack(">iii", 1, 0, len(batch)) + batch, key=0, version=3)

    def produced(self, cid: int, topic: bytes = b"t") -> bytes:
        body = struct.pack(">ih", 1, len(topic)) + topic + struct.pack(">iihqqi", 1, 0, 0, cid, -1, 0)
        return self.answer(cid, body)

    def metadata(self, cid: int, *nodes: tuple[int, str, int]) -> bytes:
        """A Metadata v0 answer without topics."""
        packed = b"".join(struct.pack(">ih", n, len(h)) + h.encode() + struct.pack(">i", p) for n, h, p in nodes)
        return self.answer(cid, struct.pack(">i", len(nodes)) + packed + struct.pack(">i", 0))


@pytest.fixture(scope="session")
def frames() -> Frames:
    return Frames()


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """`rule(fault, **when)`: on produce answers; a duplicate is one on requests."""

    def make(fault: Any, **when: Any) -> Rule:
        return Rule(
            "r", "produce", "request" if isinstance(fault, Duplicate) else "response", Match(), When(**when), fault
        )

    return make


class Stream:
    """One end of a TCP connection, in the test's hand."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream

    async def send(self, *data: bytes) -> None:
        await self.stream.send_all(b"".join(data))

    async def finish(self) -> None:
        """FIN; reading goes on."""
        await self.stream.send_eof()

    def reset(self) -> None:
        """RST."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.socket.close()

    async def read(self, count: int) -> bytes:
        """So many bytes, or what came before the end."""
        out = bytearray()
        while len(out) < count:
            data = await self.stream.receive_some(min(count - len(out), 1 << 20))
            if not data:
                break
            out += data
        return bytes(out)

    async def rest(self) -> bytes:
        """Everything until FIN."""
        return await self.read(1 << 40)

    async def ends_by_reset(self) -> bool:
        """Whether the next thing is a RST, and not FIN or bytes."""
        try:
            return bool(await self.stream.receive_some(1)) and False
        except trio.BrokenResourceError as error:
            return isinstance(error.__cause__, ConnectionResetError)


class Streams:
    """All connections of a test's own; closed at its end."""

    def __init__(self) -> None:
        self._made: list[Stream] = []

    async def connect(self, address: str | Address) -> Stream:
        """A client of the proxy, or of anything at this address."""
        host, port = address.rsplit(":", 1) if isinstance(address, str) else address
        return self.own(await trio.open_tcp_stream(host, int(port)))

    def own(self, stream: trio.SocketStream) -> Stream:
        self._made.append(Stream(stream))
        return self._made[-1]

    def close(self) -> None:
        """Close all that is open."""
        for made in self._made:
            made.stream.socket.close()


@pytest.fixture
async def deadline(nursery: trio.Nursery) -> None:
    """A test that hangs ends with an error of its own, and takes nothing else with it.

    It holds for what asks for `streams` or `serve`: pytest-trio passes over a fixture that nobody asks for.
    """

    async def expire() -> None:
        with trio.fail_after(30):
            await trio.sleep_forever()

    nursery.start_soon(expire)


@pytest.fixture
async def streams(deadline: None) -> AsyncIterator[Streams]:
    made = Streams()
    yield made
    made.close()


class Upstream:
    """A listener that stands for the broker; `accept` gives its connections as they come."""

    def __init__(self, streams: Streams) -> None:
        self.sock = trio.socket.socket()
        self.address: Address = ("127.0.0.1", 0)
        self._streams = streams

    async def open(self) -> None:
        await self.sock.bind(self.address)
        self.sock.listen(1000)
        self.address = self.sock.getsockname()

    async def accept(self) -> Stream:
        sock, _ = await self.sock.accept()
        return self._streams.own(trio.SocketStream(sock))


@pytest.fixture
async def upstream(streams: Streams) -> AsyncIterator[Upstream]:
    made = Upstream(streams)
    await made.open()
    yield made
    made.sock.close()


class Running:
    """A proxy that serves. `seen` is what it observed until now, `lines` what it told a person."""

    def __init__(self, proxy: Proxy, scope: trio.CancelScope, lines: list[str]) -> None:
        self.proxy = proxy
        self.lines = lines
        self.scope = scope
        self.ended = trio.Event()
        self.seen: list[Observation] = []
        self._news = trio.Event()

    def observe(self, observations: list[Observation]) -> None:
        self.seen += observations
        self._news.set()
        self._news = trio.Event()

    def all(self, kind: type[Seen]) -> list[Seen]:
        return [seen for seen in self.seen if isinstance(seen, kind)]

    async def until(self, kind: type[Seen], count: int = 1) -> list[Seen]:
        """Wait until so many of this kind were observed."""
        while len(self.all(kind)) < count:
            await self._news.wait()
        return self.all(kind)

    async def stop(self) -> None:
        """Cancel the proxy, and wait until it has ended."""
        self.scope.cancel()
        await self.ended.wait()


Serve = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve(nursery: trio.Nursery, upstream: Upstream, deadline: None) -> Serve:
    """`await serve(*rules, ask=..., upstream=..., mapping=..., **wire)` starts a proxy before the upstream."""

    async def start(
        *rules: Rule,
        ask: Any = None,
        before: tuple[Address, ...] | None = None,
        mapping: Any = None,
        client_tls: ClientTls | None = None,
        upstream_tls: UpstreamTls | None = None,
        upstream_sasl: Sasl | None = None,
        limits: Limits | None = None,
        **wire: Any,
    ) -> Running:
        settings = ProxySettings(
            before or (upstream.address,),
            mapping=mapping or {},
            client_tls=client_tls,
            upstream_tls=upstream_tls,
            upstream_sasl=upstream_sasl,
            limits=limits or Limits(),
            wire=WireSettings(**wire),
        )
        engine = Engine(rules, seed=1, arm="off")
        told: list[Running] = []
        lines: list[str] = []
        proxy = Proxy(settings, engine, lambda seen: told[0].observe(seen), ask=ask, tell=lines.append)
        running = Running(proxy, trio.CancelScope(), lines)
        told.append(running)

        async def run(task_status: trio.TaskStatus[str]) -> None:
            try:
                with running.scope:
                    await proxy.serve(task_status)
            finally:
                running.ended.set()

        await nursery.start(run)
        return running

    return start


class Linked:
    """A client and the broker that it reached through the proxy."""

    def __init__(self, client: Stream, broker: Stream) -> None:
        self.client = client
        self.broker = broker

    async def ask(self, request: bytes) -> None:
        """The client sends this, and the broker has got it."""
        await self.client.send(request)
        assert await self.broker.read(len(request)) == request


@pytest.fixture
def link(upstream: Upstream, streams: Streams) -> Callable[[Running], Awaitable[Linked]]:
    """`await link(running)`: a client, through the proxy."""

    async def make(running: Running) -> Linked:
        client = await streams.connect(running.proxy.bootstrap)
        return Linked(client, await upstream.accept())

    return make


@pytest.fixture
def open_files() -> Callable[[], int]:
    """How many file descriptors this process holds."""
    return lambda: len(os.listdir("/proc/self/fd"))


@pytest.fixture
def pair() -> Any:
    """`pair()`: the two ends of a TCP connection on loopback, with small buffers."""
    made: list[socket.socket] = []

    def make() -> tuple[socket.socket, socket.socket]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            near = socket.socket()
            near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
            near.connect(server.getsockname())
            far, _ = server.accept()
        made.extend((near, far))
        return near, far

    yield make
    for sock in made:
        sock.close()
