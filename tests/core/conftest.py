"""What the tests of the core share: frames made by hand, and a playbook that feeds them and notes what comes out.

Nothing here is made with the code under test: a frame is packed field by field from the protocol guide.
"""

from __future__ import annotations

import itertools
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest

from ackdrop.core.commands import Command, Send, Side
from ackdrop.core.connection import Connection
from ackdrop.core.wire import Wire, WireSettings
from ackdrop.faults import Duplicate
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.rule import Side as RuleSide
from ackdrop.observations import Acked, Attempt, ConnectionClosed, Decided, Observation, Undecoded

CAPTURES = Path(__file__).parent.parent / "captures"
Seen = TypeVar("Seen", bound=Observation)
Bytes = bytes | memoryview


# Frames.


def framed(message: bytes) -> bytes:
    return struct.pack(">i", len(message)) + message


def uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def varint(value: int) -> bytes:
    return uvarint(value << 1 if value >= 0 else (-value << 1) - 1)


def short_string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def compact(data: bytes) -> bytes:
    return uvarint(len(data) + 1) + data


class Frames:
    """Builds frames. Topics are names, or 16 bytes of topic id from Produce v13 on."""

    framed = staticmethod(framed)
    uvarint = staticmethod(uvarint)

    def record(
        self, value: bytes, *, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = (), ms: int = 0
    ) -> bytes:
        """A record whose timestamp is `ms` after its batch's."""
        body = b"\0" + varint(ms) + varint(0)
        for part in (key, value):
            body += varint(-1) if part is None else varint(len(part)) + part
        body += varint(len(headers))
        for name, content in headers:
            body += varint(len(name)) + name.encode() + varint(len(content)) + content
        return varint(len(body)) + body

    def batch(
        self,
        *records: bytes,
        producer: tuple[int, int, int] = (-1, -1, -1),
        at: int = 1000,
        codec: tuple[int, Callable[[bytes], bytes]] = (0, bytes),
        transactional: bool = False,
    ) -> bytes:
        """A batch of magic 2. `producer`: id, epoch, base sequence. Its check sum is one, though not CRC-32C."""
        attributes, pack = codec
        attributes |= 0x10 if transactional else 0
        sealed = struct.pack(">hiqqqhii", attributes, len(records) - 1, at, at, *producer, len(records))
        sealed += pack(b"".join(records))
        tail = struct.pack(">iBI", -1, 2, zlib.crc32(sealed)) + sealed
        return struct.pack(">qi", 0, len(tail)) + tail

    def message(
        self, value: bytes | None, *, key: bytes | None = None, magic: int = 1, codec: int = 0, at: int = 1000
    ) -> bytes:
        """A message of magic 0 or 1. One with a codec has other messages, packed, for its value."""
        body = struct.pack(">BB", magic, codec) + (struct.pack(">q", at) if magic else b"")
        for part in (key, value):
            body += struct.pack(">i", -1) if part is None else struct.pack(">i", len(part)) + part
        body = struct.pack(">I", zlib.crc32(body)) + body
        return struct.pack(">qi", 0, len(body)) + body

    def request(
        self, key: int, version: int, cid: int, body: bytes = b"", *, client: str = "c", tags: bytes = b""
    ) -> bytes:
        """Any request; `tags` is b"\\0" for a flexible header."""
        return framed(struct.pack(">hhi", key, version, cid) + short_string(client) + tags + body)

    def answer(self, cid: int, body: bytes = b"") -> bytes:
        """Any answer whose header has no tagged fields."""
        return framed(struct.pack(">i", cid) + body)

    def produce(
        self,
        cid: int,
        *entries: tuple[str | bytes, int, bytes | None],
        version: int = 7,
        acks: int = -1,
        client: str = "c",
        transactional_id: str | None = None,
        grouped: bool = False,
    ) -> bytes:
        """A produce request: (topic, partition, batch) each. Neighbours of one topic stand together where `grouped`."""
        groups = self._groups(entries, grouped)
        if version < 9:
            of = b"\xff\xff" if transactional_id is None else short_string(transactional_id)
            body = of if version >= 3 else b""
            body += struct.pack(">hii", acks, 1000, len(groups))
            for topic, group in groups:
                assert isinstance(topic, str)
                body += short_string(topic) + struct.pack(">i", len(group))
                for _, partition, batch in group:
                    size = -1 if batch is None else len(batch)
                    body += struct.pack(">ii", partition, size) + (batch or b"")
            return self.request(0, version, cid, body, client=client)
        body = b"\0" if transactional_id is None else compact(transactional_id.encode())
        body += struct.pack(">hi", acks, 1000) + uvarint(len(groups) + 1)
        for topic, group in groups:
            body += (topic if isinstance(topic, bytes) else compact(topic.encode())) + uvarint(len(group) + 1)
            for _, partition, batch in group:
                body += struct.pack(">i", partition) + (b"\0" if batch is None else compact(batch)) + b"\0"
            body += b"\0"
        return self.request(0, version, cid, body + b"\0", client=client, tags=b"\0")

    def _groups(self, entries: Sequence[Any], grouped: bool) -> list[tuple[Any, list[Any]]]:
        if not grouped:
            return [(entry[0], [entry]) for entry in entries]
        return [(topic, list(group)) for topic, group in itertools.groupby(entries, key=itemgetter(0))]

    def produced(
        self,
        cid: int,
        *answers: tuple[str | bytes, int, int, int],
        version: int = 7,
        nodes: Sequence[tuple[int, str, int]] = (),
        grouped: bool = False,
    ) -> bytes:
        """A produce answer: (topic, partition, error, base offset) each, log start offset 0; `grouped` as there."""
        old = version < 9
        groups = self._groups(answers, grouped)
        body = struct.pack(">i", len(groups)) if old else b"\0" + uvarint(len(groups) + 1)
        for topic, group in groups:
            if old:
                assert isinstance(topic, str)
                body += short_string(topic) + struct.pack(">i", len(group))
            else:
                body += (topic if isinstance(topic, bytes) else compact(topic.encode())) + uvarint(len(group) + 1)
            for _, partition, error, offset in group:
                body += struct.pack(">ihq", partition, error, offset)
                body += struct.pack(">q", -1) if version >= 2 else b""
                body += struct.pack(">q", -1 if error else 0) if version >= 5 else b""
                body += struct.pack(">ih", 0, -1) if version == 8 else b"" if old else b"\1\0\0"
            body += b"" if old else b"\0"
        body += struct.pack(">i", 0) if version >= 1 else b""
        return self.answer(cid, body if old else body + self._node_endpoints(nodes))

    def _node_endpoints(self, nodes: Sequence[tuple[int, str, int]]) -> bytes:
        if not nodes:
            return b"\0"
        content = uvarint(len(nodes) + 1) + b"".join(map(self._node, nodes))
        return b"\1\0" + uvarint(len(content)) + content

    def _node(self, node: tuple[int, str, int]) -> bytes:
        number, host, port = node
        return struct.pack(">i", number) + compact(host.encode()) + struct.pack(">i", port) + b"\0\0"

    def metadata(
        self, cid: int, nodes: Sequence[tuple[int, str, int]], topics: Sequence[tuple[str, bytes]] = ()
    ) -> bytes:
        """A Metadata v12 answer, its header's tags included; topics without partitions."""
        body = b"\0" + struct.pack(">i", 0) + uvarint(len(nodes) + 1) + b"".join(map(self._node, nodes))
        body += compact(b"cluster") + struct.pack(">i", 1) + uvarint(len(topics) + 1)
        for name, topic_id in topics:
            body += struct.pack(">h", 0) + compact(name.encode()) + topic_id + b"\0\1" + struct.pack(">i", 0) + b"\0"
        return self.answer(cid, body + b"\0")

    def created(self, cid: int, topics: Sequence[tuple[str, bytes]]) -> bytes:
        """A CreateTopics v7 answer."""
        body = b"\0" + struct.pack(">i", 0) + uvarint(len(topics) + 1)
        for name, topic_id in topics:
            body += (
                compact(name.encode()) + topic_id + struct.pack(">h", 0) + b"\0" + struct.pack(">ih", 1, 1) + b"\1\0"
            )
        return self.answer(cid, body + b"\0")


@pytest.fixture(scope="session")
def frames() -> Frames:
    return Frames()


# The playbook.


def joined(commands: Iterable[Command]) -> list[Command]:
    """The commands, with neighbouring sends to one side made one, and their bytes copied."""
    out: list[Command] = []
    for command in commands:
        if isinstance(command, Send):
            last = out[-1] if out else None
            data = bytes(command.data)
            if isinstance(last, Send) and (last.connection, last.to) == (command.connection, command.to):
                data = bytes(out.pop().data) + data  # type: ignore[union-attr]
            command = Send(command.connection, command.to, data)
        out.append(command)
    return out


class Unread:
    """Bytes that went on without being read, and can be read later."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __bytes__(self) -> bytes:
        return self._data


class Line:
    """One connection of a playbook. Every call gives the commands that came back."""

    def __init__(self, play: Play, connection: Connection) -> None:
        self._play = play
        self.connection = connection
        self.number = connection.number

    def client(self, *frames: bytes) -> list[Command]:
        """The client sends these bytes, in one chunk."""
        return self._feed(Side.CLIENT, b"".join(frames))

    def broker(self, *frames: bytes) -> list[Command]:
        """The broker sends these bytes, in one chunk."""
        return self._feed(Side.BROKER, b"".join(frames))

    def dribble(self, side: Side, data: bytes, size: int = 1) -> list[Command]:
        """The side sends these bytes in chunks of this size."""
        out: list[Command] = []
        for at in range(0, len(data), size):
            out += self._feed(side, data[at : at + size])
        return joined(out)

    def _feed(self, side: Side, data: bytes) -> list[Command]:
        gone = self._unread(data) if side is Side.CLIENT and self._play.unread else []
        data = data[sum(len(send.data) for send in gone if isinstance(send, Send)) :]
        return [*self._play.noted(gone), *self._read(side, data)] if data else self._play.noted(gone)

    def _unread(self, data: bytes) -> list[Command]:
        """Of a large request nobody looks at all bytes."""
        large, now = self.connection.large, self._play.now
        piece = Unread(data[: large.opaque()])
        if not piece:
            return []
        large.let_by(piece)
        gone: list[Command] = [Send(self.number, Side.BROKER, bytes(piece))]
        if large.complete and not large.end(now):
            gone += joined(self.connection.came_whole(now))
            assert not any(isinstance(command, Send) and command.to is Side.BROKER for command in gone[1:])
        return gone

    def _read(self, side: Side, data: bytes) -> list[Command]:
        # The relay's buffer is used again at once: what the core keeps, it has to have copied.
        done = self.connection.through(side)(data, self._play.now)
        through: list[Command] = [Send(self.number, side.other, data[:done])] if done else []
        buffer = bytearray(data[done:])
        rest = joined(self.connection.received(side, memoryview(buffer), self._play.now)) if buffer else []
        commands = joined([*through, *rest])
        buffer[:] = b"\xaa" * len(buffer)
        return self._play.noted(commands)

    def client_ends(self, how: Any = "fin") -> list[Command]:
        return self._play.noted(joined(self.connection.ended(Side.CLIENT, how, self._play.now)))

    def broker_ends(self, how: Any = "fin") -> list[Command]:
        return self._play.noted(joined(self.connection.ended(Side.BROKER, how, self._play.now)))

    def shut(self, reason: str = "over") -> list[Command]:
        return self._play.noted(joined(self.connection.shut(reason, self._play.now)))

    def to_broker(self, *frames: bytes) -> Send:
        return Send(self.number, Side.BROKER, b"".join(frames))

    def to_client(self, *frames: bytes) -> Send:
        return Send(self.number, Side.CLIENT, b"".join(frames))


class Play:
    """A wire with a clock that stands still until it is moved. `seen` holds every observation in order. `unread`: of
    large requests bytes go on unread where they may."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.unread = False
        self.now = 0.0
        self.seen: list[Observation] = []
        self.commands: list[Command] = []

    def connect(self, node: int = -1) -> Line:
        return Line(self, self.wire.open(node, "peer", self.now))

    def at(self, now: float) -> list[Command]:
        """Move the clock; whatever is due on the way is done in its time."""
        out: list[Command] = []
        while self.wire.due is not None and self.wire.due <= now:
            self.now = max(self.now, self.wire.due)
            out += self.noted(joined(self.wire.tick(self.now)))
        self.now = now
        return joined(out)

    def starts(self, asked: Any, topic: str, starts: dict[int, int]) -> list[Command]:
        return self.noted(joined(self.wire.starts_known(asked, topic, starts, self.now)))

    def noted(self, commands: list[Command]) -> list[Command]:
        self.seen += self.wire.take_observations()
        self.commands += commands
        return commands

    def all(self, kind: type[Seen]) -> list[Seen]:
        return [seen for seen in self.seen if isinstance(seen, kind)]

    @property
    def acks(self) -> list[tuple[int, str, int | None]]:
        """(attempt, ack, error that the client saw), in the order in which they were settled."""
        return [(acked.attempt, acked.ack, acked.error) for acked in self.all(Acked)]

    @property
    def retries(self) -> list[tuple[int, int | None, int, bool]]:
        """(attempt, of which, tries, ambiguous) for each attempt that is a retry."""
        return [
            (seen.number, seen.retry_of, seen.tries, seen.ambiguous)
            for seen in self.all(Attempt)
            if seen.retry_of is not None
        ]

    @property
    def closed(self) -> list[tuple[int, str, str, str]]:
        return [(seen.connection, seen.by, seen.how, seen.reason) for seen in self.all(ConnectionClosed)]

    @property
    def undecoded(self) -> list[tuple[int, str, bool]]:
        return [(seen.connection, seen.api, seen.closed) for seen in self.all(Undecoded)]

    @property
    def fired(self) -> list[tuple[str, int, int, str]]:
        return [(seen.fault, seen.partition, seen.n, seen.verdict) for seen in self.all(Decided) if seen.fired]


def play(
    *rules: Rule,
    translate: Callable[[int, str, int], tuple[str, int]] = lambda node, host, port: (host, port),
    starts: dict[tuple[str, int], int] | None = None,
    label: Callable[[str], str] = lambda topic: topic,
    **settings: Any,
) -> Play:
    """Begin a play; without the short way, unless asked for with `quick`: so every observation is one of its own, and
    comes at once."""
    engine = Engine(rules, seed=1, arm="off", label=label)
    wanted = WireSettings(**{"quick": False, **settings})
    return Play(Wire(engine, translate, settings=wanted, starts=starts, label=label))


@pytest.fixture(scope="session")
def playbook() -> Callable[..., Play]:
    """`playbook(*rules, translate=..., starts=..., **settings)` begins a play: see `play`."""
    return play


@pytest.fixture(scope="session")
def rule() -> Callable[..., Rule]:
    """`rule(fault, name="r", match={...}, **when)`: a rule on produce answers; a duplicate is one on requests."""

    def make(fault: Any, name: str = "r", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        side: RuleSide = "request" if isinstance(fault, Duplicate) else "response"
        return Rule(name, "produce", side, Match(**(match or {})), When(**when), fault)

    return make


@pytest.fixture(scope="session")
def on() -> Callable[..., Rule]:
    """`on(place, fault, name="r", match={...}, **when)`: a rule at any `api.request` or `api.response`."""

    def make(place: str, fault: Any, name: str = "r", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        api, side = place.split(".")
        return Rule(
            name, api, "request" if side == "request" else "response", Match(**(match or {})), When(**when), fault
        )

    return make


@pytest.fixture(scope="session")
def ask(frames: Frames) -> Callable[..., bytes]:
    """`ask(cid, *partitions, value=b"v", producer=...)`: a produce request for partitions of topic `t` (0 alone)."""

    def make(
        cid: int, *partitions: int, value: bytes = b"v", producer: tuple[int, int, int] = (-1, -1, -1), **more: Any
    ) -> bytes:
        batch = frames.batch(frames.record(value + b"%d" % cid), producer=producer, at=1000 + cid)
        return frames.produce(cid, *(("t", partition, batch) for partition in partitions or (0,)), **more)

    return make


@pytest.fixture(scope="session")
def told(frames: Frames) -> Callable[..., bytes]:
    """`told(cid, {partition: (error, offset)})`: its answer; partition 0 without error at offset `cid` by default."""

    def make(cid: int, answers: dict[int, tuple[int, int]] | None = None, **more: Any) -> bytes:
        given = answers or {0: (0, cid)}
        return frames.produced(cid, *(("t", partition, *answer) for partition, answer in given.items()), **more)

    return make


# Captures.


class Frame(NamedTuple):
    """A line of a capture."""

    at: float
    connection: int
    side: Side
    api_key: int
    api_version: int
    fault: str | None
    data: bytes


def read_capture(path: Path) -> list[Frame]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    sides = {"request": Side.CLIENT, "response": Side.BROKER}
    return [
        Frame(
            row["t"],
            row["connection"],
            sides[row["direction"]],
            row["api_key"],
            row["api_version"],
            row["fault"],
            bytes.fromhex(row["frame"]),
        )
        for row in rows
    ]


def named(path: Path) -> str:
    return path.stem.removeprefix("redpanda-22.3.25-")


@pytest.fixture(params=sorted(CAPTURES.glob("*.jsonl")), ids=named)
def capture(request: pytest.FixtureRequest) -> tuple[str, list[Frame]]:
    """(name, frames) of each capture in turn."""
    return named(request.param), read_capture(request.param)


@pytest.fixture(params=sorted(CAPTURES.glob("*-idempotence-*.jsonl")), ids=named)
def lost_ack(request: pytest.FixtureRequest) -> tuple[str, list[Frame]]:
    """(name, frames) of each capture in which an ack was lost."""
    return named(request.param), read_capture(request.param)
