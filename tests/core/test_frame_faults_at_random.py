"""Faults at frames and connections at random, on random scripts of clients and brokers: what holds whatever happens.

Nothing is raised; a stream that no fault spoils consists of whole frames, each the very bytes of its sender; a client
never sees an answer before one that it asked for earlier, and what it was told is what the ledger says; and once all is
closed nothing is left: no connection, no request without its fate, no byte that waits.
"""

from __future__ import annotations

import random
import struct
from collections import Counter, deque
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from ackdrop.kafka.produce import parse_request, parse_response
from ackdrop.observations import Acked, Attempt, Decided, Dispatched, Forwarded

PRODUCE, FETCH, HEARTBEAT, INIT_PRODUCER_ID = 0, 1, 12, 22
_HEAD = struct.Struct(">hhi")
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

    # What has to hold.

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

    def check(self) -> None:
        wire = self.play.wire
        assert (wire.unsettled, wire._copied, len(wire._connections), len(wire._copies)) == (0, 0, 0, 0)
        assert (len(wire.detained), wire.detained._family) == (0, {})
        fates = Counter(seen.attempt for seen in self.play.all(Acked))
        assert fates == {seen.number: 1 for seen in self.play.all(Attempt)}
        for peer in self.peers:
            parts = peer.line.connection._parts
            assert (parts.to_client.waiting, parts.to_broker.waiting, len(parts.exchanges)) == (0, 0, 0)
            assert peer.closed == {Side.CLIENT, Side.BROKER}
            if self.strict:
                assert peer.seen == [cid for cid in peer.asked if cid in peer.seen]
                assert len(peer.seen) == len(set(peer.seen))
                self.check_requests(peer)
                self.check_answers(peer)

    def check_requests(self, peer: Peer) -> None:
        """The broker got the client's very bytes, each frame once and as often again as it was copied, or what an error
        has left of it; and every attempt that is said to have gone on is in there, and no other."""
        errors = {seen.correlation_id for seen in self.decided(peer, "error")}
        attempts = [seen for seen in self.play.all(Attempt) if seen.connection == peer.line.number]
        forwarded = {seen.attempt for seen in self.play.all(Forwarded)}
        went = Counter(
            (seen.correlation_id, seen.topic, seen.partition) for seen in attempts if seen.number in forwarded
        )
        reached: Counter[tuple[int, str | None, int]] = Counter()
        for frame in peer.reached:
            (key, _, cid) = _HEAD.unpack_from(frame, 4)
            original = peer.sent[cid]
            if key != PRODUCE:
                assert frame == original
                continue
            entries = self.entries(frame)
            if frame != original:
                assert cid in errors
                whole = self.entries(original)
                assert [one for one in whole if one in entries] == entries
                assert len(entries) < len(whole)
            reached.update((cid, topic, partition) for topic, partition, batch in entries if batch)
        assert reached == went
        self.check_others(peer)

    def check_others(self, peer: Peer) -> None:
        """Of requests that are no attempts the broker got each once, and as many copies as are said to have gone."""
        copies = Counter(
            seen.correlation_id
            for seen in self.play.all(Dispatched)
            if seen.kind == "copy" and seen.sent and seen.connection == peer.line.number
        )
        others = Counter(
            cid for key, _, cid in (_HEAD.unpack_from(frame, 4) for frame in peer.reached) if key != PRODUCE
        )
        for cid, count in others.items():
            assert copies[cid] <= count <= 1 + copies[cid]
        assert not copies - others

    def check_answers(self, peer: Peer) -> None:
        """The client got the broker's very bytes, unless an error was written into them; and it was told what the
        ledger says that it was told, and nothing else."""
        changed = {seen.correlation_id for seen in self.decided(peer, "error")}
        told: dict[tuple[int, str | None, int], int] = {}
        read: dict[tuple[int, str | None, int], int] = {}
        for answer, reading in peer.heard:
            (cid,) = struct.unpack_from(">i", answer, 4)
            if cid not in changed:
                assert answer in peer.answered[cid]
            (key, version, _) = _HEAD.unpack_from(peer.sent[cid], 4)
            if key == PRODUCE:
                for one in parse_response(answer, version):
                    told[cid, one.topic, one.partition] = one.error
                    if reading:
                        read[cid, one.topic, one.partition] = one.error
        acked = {seen.attempt: seen for seen in self.play.all(Acked)}
        for seen in self.play.all(Attempt):
            if seen.connection != peer.line.number or seen.injected or seen.acks == 0:
                continue
            where, ack = (seen.correlation_id, seen.topic, seen.partition), acked[seen.number]
            if ack.error is not None:
                assert ack.ack in ("delivered", "delayed")
                assert told.get(where) == ack.error
            else:
                assert ack.ack != "delivered"
                assert where not in read

    def decided(self, peer: Peer, verdict: str) -> list[Decided]:
        return [
            seen
            for seen in self.play.all(Decided)
            if seen.fired and seen.verdict == verdict and seen.connection == peer.line.number
        ]

    def entries(self, frame: bytes) -> list[tuple[str | None, int, bytes]]:
        read = parse_request(frame, request_header(frame))
        return [(entry.topic, entry.partition, frame[entry.start : entry.end]) for entry in read.entries]


@pytest.mark.parametrize("spoiling", [False, True], ids=["whole", "spoilt"])
def test_whatever_happens(playbook: Any, frames: Any, spoiling: bool) -> None:
    @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 1 << 32))
    def check(seed: int) -> None:
        world = World(random.Random(seed), playbook, frames, spoiling=spoiling)
        for _ in range(40):
            world.step()
        world.close()
        world.check()

    check()
