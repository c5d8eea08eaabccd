"""Clients and brokers at random, on the two sides of one wire, and random rules for what is between them."""

from __future__ import annotations

import random
import struct
from collections import deque
from typing import Any

from ackdrop.core.commands import Close, Command, Dial, Finish, Send, Side
from ackdrop.errors import WireError
from ackdrop.faults import (
    Blackhole,
    Corrupt,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    Error,
    Late,
    Latency,
    RefuseConnection,
    Reorder,
    Reset,
    Rewrite,
    Slice,
    Throttle,
    Truncate,
)
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request

PRODUCE, FETCH, HEARTBEAT, INIT_PRODUCER_ID = 0, 1, 12, 22
ANY = (
    Drop("hold"),
    Drop("hold", 0.5),
    Drop("disconnect"),
    Drop("reset"),
    Delay(0.3),
    Delay(0.3, 0.2),
    Error(7),
)
SPOILING = (
    Drop("skip"),
    Truncate(3),
    Truncate(40),
    Corrupt("body", 2),
    Corrupt("length", 9),
    Corrupt("correlation_id"),
)
AT_REQUESTS = (
    *(Duplicate(), Duplicate(2, "new"), Duplicate(1, "same", 0.2), Duplicate(1, "new", 0.2)),
    *(Late(), Late("acked_batches", batches=2), Late("time", seconds=0.4), Reorder(), Reorder()),
)
AT_CONNECTIONS = (
    *(Latency(0.2, 0.1), Throttle(2000.0), Slice(7, 0.001), Slice(50, 0.0)),
    *(Blackhole(0.5), Blackhole(None), Disconnect(None), Reset(None), Reset(0.3), RefuseConnection(0.3)),
)
REWRITES = (Rewrite(timeout_ms=5), Rewrite(acks=0), Rewrite(acks=1), Corrupt("crc"))


def some_rules(draw: random.Random, spoiling: bool) -> list[Rule]:
    rules = []
    for number in range(draw.randint(1, 3)):
        faults = ANY + SPOILING * spoiling
        side = draw.choice(("request", "response"))
        api = draw.choice(("produce", "produce", "init_producer_id", "heartbeat", "*"))
        if side == "request":
            faults += AT_REQUESTS + REWRITES * spoiling
        fault = draw.choice(faults)
        if isinstance(fault, Rewrite) or fault == Corrupt("crc") or (isinstance(fault, Late) and fault.until != "time"):
            api = "produce"
        when = draw.choice(({}, {"every": 2}, {"nth": (2, 3)}, {"probability": 0.4}, {"times": 2, "per": "partition"}))
        match = draw.choice(({}, {}, {"partition": (0,)}, {"attempt": "first"}))
        rules.append(Rule(f"r{number}", api, side, Match(**match), When(**when), fault))  # type: ignore[arg-type]
    for number in range(draw.choice((0, 0, 1, 2))):
        when = draw.choice(({"after": 0.4}, {"following": "r0"}, {"nth": (1, 3)}, {}))
        rules.append(Rule(f"c{number}", "connection", "event", Match(), When(**when), draw.choice(AT_CONNECTIONS)))
    return rules


class Stream:
    """Bytes of one direction, cut into whole frames as they come."""

    def __init__(self) -> None:
        self.rest = b""

    def frames(self, data: bytes) -> list[bytes]:
        self.rest += data
        out = []
        while len(self.rest) >= 4:
            size = 4 + struct.unpack_from(">i", self.rest)[0]
            if not 8 <= size <= len(self.rest):  # not there yet, or nonsense: nothing more can be told apart
                break
            out.append(self.rest[:size])
            self.rest = self.rest[size:]
        return out


class Peer:
    """A client and its broker, on the two sides of one connection."""

    def __init__(self, line: Any) -> None:
        self.line = line
        self.asked: list[int] = []
        self.seen: list[int] = []
        self.sent: dict[int, bytes] = {}
        self.reached: list[bytes] = []
        self.answered: dict[int, list[bytes]] = {}
        self.heard: list[tuple[bytes, bool]] = []
        """What came to the client, and whether it still read then."""
        self.to_broker, self.to_client = Stream(), Stream()
        self.owed: deque[bytes] = deque()
        self.unsent = b""
        self.closed: set[Side] = set()
        self.finished = False
        """Whether the broker was told that nothing more comes: it closes then."""
        self.open = {Side.CLIENT: True, Side.BROKER: True}


class World:
    """Several connections through one wire. `strict` where no fault spoils a stream."""

    def __init__(self, draw: random.Random, playbook: Any, frames: Any, *, spoiling: bool) -> None:
        self.draw, self.frames, self.strict = draw, frames, not spoiling
        self.play = playbook(*some_rules(draw, spoiling), drain=1.0, backlog=400)
        self.peers: list[Peer] = []
        self.copies: dict[int, bytes] = {}
        self.cid = 0
        self.sent: list[bytes] = []

    # What happens.

    def step(self) -> None:
        if not self.peers or self.draw.random() < 0.1:
            self.connects()
            return
        peer = self.draw.choice(self.peers)
        match self.draw.randint(0, 11):
            case 0 | 1 | 2:
                self.client_sends(peer, self.draw.randint(1, 3))
            case 3 | 4 | 5 | 6:
                self.broker_answers(peer, self.draw.randint(1, 3))
            case 7 | 8:
                self.perform(self.play.at(self.play.now + self.draw.choice((0.05, 0.3, 1.0))))
            case 9:
                self.copy_goes_on()
            case 10:
                self.ends(peer, self.draw.choice((Side.CLIENT, Side.BROKER)))
            case 11:
                self.client_sends(peer, 1, part=True)

    def connects(self) -> None:
        peer = Peer(self.play.connect())
        self.peers.append(peer)
        self.perform(self.play.noted(self.play.wire.follow(self.play.now)))
        if peer.line.connection.closed_how is not None:  # turned away, before there is a connection to the broker
            self.perform(peer.line.shut())

    def client_sends(self, peer: Peer, count: int, part: bool = False) -> None:
        if not peer.open[Side.CLIENT]:
            return
        data, peer.unsent = peer.unsent, b""
        for _ in range(count):
            made = self.request(peer)
            peer.sent[self.cid] = made
            data += made
        if part:
            cut = self.draw.randint(1, len(data))
            data, peer.unsent = data[:cut], data[cut:]
        self.perform(peer.line.client(data))

    def request(self, peer: Peer) -> bytes:
        draw, frames = self.draw, self.frames
        self.cid += 1
        answered = True
        kind = draw.random()
        if kind < 0.15:
            made = frames.request(draw.choice((FETCH, HEARTBEAT)), 4, self.cid, b"x" * draw.choice((10, 500)))
        elif kind < 0.25:
            made = frames.request(INIT_PRODUCER_ID, 1, self.cid, b"\xff\xff" + bytes(4))
        else:
            acks = draw.choice((-1, -1, -1, 1, 0))
            answered = acks != 0
            version = draw.choice((3, 7, 9, 12))
            value = b"%d" % draw.randint(0, 30)
            entries = []
            for partition in draw.sample(range(3), draw.randint(1, 3)):
                batch = frames.batch(frames.record(value), producer=draw.choice(((-1, -1, -1), (5, 0, self.cid))))
                entries.append((draw.choice(("t", "u")), partition, draw.choice((batch, batch, batch, None))))
            made = frames.produce(self.cid, *entries, version=version, acks=acks)
        if answered:
            peer.asked.append(self.cid)
        self.sent.append(made)
        return bytes(made)

    def answer(self, request: bytes) -> bytes | None:
        """What a broker answers; None where it answers nothing, or cannot read the request."""
        try:
            header = request_header(request)
            if header.api_key in (FETCH, HEARTBEAT):
                return bytes(self.frames.answer(header.correlation_id, bytes(2) + b"y" * 300))
            if header.api_key == INIT_PRODUCER_ID:
                return bytes(self.frames.answer(header.correlation_id, struct.pack(">ihqh", 0, 0, 5, 0)))
            read = parse_request(request, header)
        except WireError:
            assert not self.strict
            return None
        if read.acks == 0:
            return None
        answers = [(entry.topic, entry.partition, self.draw.choice((0, 0, 0, 6)), 7) for entry in read.entries]
        return bytes(self.frames.produced(header.correlation_id, *answers, version=header.api_version))

    def broker_answers(self, peer: Peer, count: int) -> None:
        if not peer.open[Side.BROKER] or not peer.owed:
            return
        data = b"".join(peer.owed.popleft() for _ in range(min(count, len(peer.owed))))
        cut = self.draw.randint(1, len(data))
        self.perform(peer.line.broker(data[:cut]))
        if data[cut:]:
            if self.draw.random() < 0.5 and peer.open[Side.CLIENT]:
                self.client_sends(peer, 1)
            if peer.open[Side.BROKER]:
                self.perform(peer.line.broker(data[cut:]))

    def ends(self, peer: Peer, side: Side) -> None:
        if not peer.open[side]:
            return
        how = self.draw.choice(("fin", "reset"))
        peer.open[side] = False
        end = peer.line.client_ends if side is Side.CLIENT else peer.line.broker_ends
        self.perform(end(how))

    def copy_goes_on(self) -> None:
        for number in list(self.copies):
            copy, request = self.play.wire.copy(number), self.copies.pop(number)
            if copy is None:
                continue
            if self.draw.random() < 0.3:
                self.perform(self.play.noted(copy.ended("refused", self.play.now)))
                continue
            (sent, *_) = self.play.noted(copy.connected(self.play.now))
            assert isinstance(sent, Send)
            request = bytes(sent.data)
            answer = self.answer(request)
            if answer is not None:
                self.perform(self.play.noted(copy.received(memoryview(answer), self.play.now)))

    # What comes of it.

    def perform(self, commands: list[Command]) -> None:
        by_number = {peer.line.number: peer for peer in self.peers}
        for command in commands:
            if isinstance(command, Dial):
                self.copies[command.connection] = b""
                continue
            peer = by_number.get(getattr(command, "connection", -1))
            if peer is None:
                continue
            if isinstance(command, Close):
                assert command.to not in peer.closed
                peer.closed.add(command.to)
                peer.open[command.to] = False
            elif isinstance(command, Finish):
                peer.finished = True
            elif isinstance(command, Send) and command.to is Side.BROKER:
                self.to_broker(peer, bytes(command.data))
            elif isinstance(command, Send):
                self.to_client(peer, bytes(command.data))

    def to_broker(self, peer: Peer, data: bytes) -> None:
        assert Side.BROKER not in peer.closed
        for request in peer.to_broker.frames(data):
            peer.reached.append(request)
            answer = self.answer(request)
            if answer is not None:
                peer.owed.append(answer)
                peer.answered.setdefault(*struct.unpack_from(">i", answer, 4), []).append(answer)

    def to_client(self, peer: Peer, data: bytes) -> None:
        assert Side.CLIENT not in peer.closed
        for answer in peer.to_client.frames(data):
            (cid,) = struct.unpack_from(">i", answer, 4)
            peer.seen.append(cid)
            peer.heard.append((answer, peer.open[Side.CLIENT]))

    # The end.

    def close(self) -> None:
        self.perform(self.play.noted(self.play.wire.end_detention(self.play.now)))
        self.perform(self.play.at(self.play.now + 1.0))
        for peer in self.peers:
            while peer.owed and peer.open[Side.BROKER]:
                self.broker_answers(peer, 5)
            self.ends(peer, Side.CLIENT)
        self.perform(self.play.noted(self.play.wire.end_detention(self.play.now)))
        self.copy_goes_on()
        self.perform(self.play.at(self.play.now + 10.0))
        for peer in self.peers:
            if peer.finished:
                self.ends(peer, Side.BROKER)
        self.perform(self.play.at(self.play.now + 1.0))
        assert not self.play.wire.connections, "each ends with its client, whatever the broker does"
        self.play.wire.shut("over", self.play.now)
        self.play.noted(self.play.wire.take_commands())
