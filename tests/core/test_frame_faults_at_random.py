"""Faults at frames and connections at random, on random scripts of clients and brokers: what holds whatever happens.

Nothing is raised; a stream that no fault spoils consists of whole frames, each the very bytes of its sender; a client
never sees an answer before one that it asked for earlier, and what it was told is what the ledger says; and once all is
closed nothing is left: no connection, no request without its fate, no byte that waits.
"""

from __future__ import annotations

import random
import struct
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ackdrop.core.commands import Side
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request, parse_response
from ackdrop.observations import Acked, Attempt, Decided, Dispatched, Forwarded

from .random_world import PRODUCE, Peer, World

_HEAD = struct.Struct(">hhi")


def check(world: World) -> None:
    """What holds once all is closed."""
    wire = world.play.wire
    assert (wire.unsettled, wire._copied, len(wire._connections), len(wire._copies)) == (0, 0, 0, 0)
    assert (len(wire.detained), wire.detained._family) == (0, {})
    fates = Counter(seen.attempt for seen in world.play.all(Acked))
    assert fates == {seen.number: 1 for seen in world.play.all(Attempt)}
    for peer in world.peers:
        parts = peer.line.connection._parts
        assert (parts.to_client.waiting, parts.to_broker.waiting, bool(parts.exchanges)) == (0, 0, False)
        assert peer.closed == {Side.CLIENT, Side.BROKER}
        if world.strict:
            assert peer.seen == [cid for cid in peer.asked if cid in peer.seen]
            assert len(peer.seen) == len(set(peer.seen))
            check_requests(world, peer)
            check_answers(world, peer)


def check_requests(world: World, peer: Peer) -> None:
    """The broker got the client's very bytes, each frame once and as often again as it was copied, or what an error
    has left of it; and every attempt that is said to have gone on is in there, and no other."""
    errors = {seen.correlation_id for seen in decided(world, peer, "error")}
    attempts = [seen for seen in world.play.all(Attempt) if seen.connection == peer.line.number]
    forwarded = {seen.attempt for seen in world.play.all(Forwarded)}
    went = Counter((seen.correlation_id, seen.topic, seen.partition) for seen in attempts if seen.number in forwarded)
    reached: Counter[tuple[int, str | None, int]] = Counter()
    for frame in peer.reached:
        (key, _, cid) = _HEAD.unpack_from(frame, 4)
        original = peer.sent[cid]
        if key != PRODUCE:
            assert frame == original
            continue
        left = entries(frame)
        if frame != original:
            assert cid in errors
            whole = entries(original)
            assert [one for one in whole if one in left] == left
            assert len(left) < len(whole)
        reached.update((cid, topic, partition) for topic, partition, batch in left if batch)
    assert reached == went
    check_others(world, peer)


def check_others(world: World, peer: Peer) -> None:
    """Of requests that are no attempts the broker got each once, and as many copies as are said to have gone."""
    copies = Counter(
        seen.correlation_id
        for seen in world.play.all(Dispatched)
        if seen.kind == "copy" and seen.sent and seen.connection == peer.line.number
    )
    others = Counter(cid for key, _, cid in (_HEAD.unpack_from(frame, 4) for frame in peer.reached) if key != PRODUCE)
    for cid, count in others.items():
        assert copies[cid] <= count <= 1 + copies[cid]
    assert not copies - others


def check_answers(world: World, peer: Peer) -> None:
    """The client got the broker's very bytes, unless an error was written into them; and it was told what the
    ledger says that it was told, and nothing else."""
    changed = {seen.correlation_id for seen in decided(world, peer, "error")}
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
    acked = {seen.attempt: seen for seen in world.play.all(Acked)}
    for seen in world.play.all(Attempt):
        if seen.connection != peer.line.number or seen.injected or seen.acks == 0:
            continue
        where, ack = (seen.correlation_id, seen.topic, seen.partition), acked[seen.number]
        if ack.error is not None:
            assert ack.ack in ("delivered", "delayed")
            assert told.get(where) == ack.error
        else:
            assert ack.ack != "delivered"
            assert where not in read


def decided(world: World, peer: Peer, verdict: str) -> list[Decided]:
    return [
        seen
        for seen in world.play.all(Decided)
        if seen.fired and seen.verdict == verdict and seen.connection == peer.line.number
    ]


def entries(frame: bytes) -> list[tuple[str | None, int, bytes]]:
    read = parse_request(frame, request_header(frame))
    return [(entry.topic, entry.partition, frame[entry.start : entry.end]) for entry in read.entries]


@pytest.mark.parametrize("spoiling", [False, True], ids=["whole", "spoilt"])
def test_whatever_happens(playbook: Any, frames: Any, spoiling: bool) -> None:
    @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.integers(0, 1 << 32))
    def play(seed: int) -> None:
        world = World(random.Random(seed), playbook, frames, spoiling=spoiling)
        for _ in range(40):
            world.step()
        world.close()
        check(world)

    play()
