"""A week in a minute: whatever comes and goes, what a wire keeps stays as large as it is.

The limits that a week reaches are brought down, so that a test reaches them. What is measured is every object that the
wire can reach, not what the allocator gave: that has caches of the interpreter in it, and other threads.
"""

from __future__ import annotations

import gc
import sys
from types import FunctionType, ModuleType
from typing import Any

import pytest

from ackdrop.core import attempts
from ackdrop.core import wire as core_wire
from ackdrop.core.attempts import IndexLimits
from ackdrop.core.commands import AskStarts
from ackdrop.faults import Delay, Drop, Duplicate, Error
from ackdrop.faults import counts as fault_counts
from ackdrop.observations import IndexLetGo, TopicSeen


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room of a wire, made small."""
    monkeypatch.setattr(core_wire, "MOST_PARTITIONS", 50)
    monkeypatch.setattr(core_wire, "MOST_TOPIC_IDS", 50)
    monkeypatch.setattr(attempts, "_MOST_DOUBTED", 50)
    monkeypatch.setattr(fault_counts.Counts.__init__, "__defaults__", (50,))


class Week:
    """Clients that come with names of their own, send to topics of their own, and end in every way."""

    def __init__(self, play: Any, frames: Any) -> None:
        self.play = play
        self.frames = frames
        self.clients = 0

    def client(self) -> None:
        self.clients += 1
        number, play, frames = self.clients, self.play, self.frames
        topic, line = f"topic-{number % 200}", play.connect()
        play.at(play.now + 0.01)
        raws = [frames.batch(frames.record(b"%d %d" % (number, i)), producer=(number, 0, i)) for i in range(3)]
        for cid, raw in enumerate(raws):
            line.client(frames.produce(cid, (topic, 0, raw), client=f"client-{number}", acks=-1 if cid else 0))
        if number % 2:
            line.broker(frames.produced(1, (topic, 0, 0, 1)))
        match number % 5:
            case 0:
                line.client_ends("reset")
            case 1:
                line.broker_ends("reset")
            case 2:
                line.client_ends()
                line.broker_ends()
            case 3:
                line.shut()
            case 4:
                line.broker(frames.produced(2, (topic, 0, 0, 1))) if number % 2 else None
                line.client_ends()
                play.at(play.now + 0.01)
                line.broker_ends("reset")
        line.client_ends("reset")  # of a silence, a client hears nothing but its own timeout
        play.seen.clear()
        play.commands.clear()

    def held(self, clients: int) -> int:
        """Bytes that the wire holds after so many more clients, all of whom are gone."""
        for _ in range(clients):
            self.client()
        self.play.at(self.play.now + 100.0)
        return reach(self.play.wire)


def reach(*roots: object) -> int:
    """Bytes of all objects that can be reached from these; a function's module is not its own."""
    seen: dict[int, object] = {}
    ahead = list(roots)
    while ahead:
        found = ahead.pop()
        if id(found) in seen or isinstance(found, type | ModuleType):
            continue
        seen[id(found)] = found
        function = isinstance(found, FunctionType)
        ahead += gc.get_referents(found.__closure__, found.__defaults__) if function else gc.get_referents(found)
    return sum(map(sys.getsizeof, seen.values()))


def test_clients_that_come_and_go_leave_no_more_behind(small: None, playbook: Any, rule: Any, frames: Any) -> None:
    play = playbook(
        rule(Drop("hold"), "hold", every=7),
        rule(Delay(50.0), "delay", every=11),
        rule(Error(7), "error", every=13, per="partition"),
        rule(Duplicate(1, "same", 20.0), "copy", every=17),
        index=IndexLimits(attempts=100, records=100),
        drain=2.0,
    )
    week = Week(play, frames)
    warm = week.held(500)
    later = week.held(500)
    assert later - warm < 2_000
    wire = play.wire
    assert not wire._connections
    assert not wire._copies
    assert (wire.unsettled, wire._copied) == (0, 0)
    assert (len(wire._topics_seen), len(wire.attempts)) == (50, 100)
    assert all(len(counters.matches) <= 50 for counters in wire.engine._tallies.values())
    assert wire.attempts.let_go > 100


def test_what_the_index_lets_go_is_told(playbook: Any, frames: Any) -> None:
    play = playbook(index=IndexLimits(attempts=2))
    for number in range(5):
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, frames.batch(frames.record(b"%d" % number)))))
        line.broker_ends("reset")
    assert sum(seen.count for seen in play.all(IndexLetGo)) == 3 == play.wire.attempts.let_go


def test_timers_of_connections_that_are_gone_are_thrown_away(playbook: Any, rule: Any, frames: Any) -> None:
    play = playbook(rule(Delay(3600.0)))
    keeps = play.connect()
    keeps.client(frames.produce(1, ("t", 0, frames.batch(frames.record(b"a")))))
    keeps.broker(frames.produced(1, ("t", 0, 0, 1)))
    for number in range(2000):
        line = play.connect()
        line.client(frames.produce(1, ("t", 0, frames.batch(frames.record(b"%d" % number)))))
        line.broker(frames.produced(1, ("t", 0, 0, 1)))
        line.client_ends("reset")
        line.broker_ends("reset")
    assert len(play.wire.timers) < 1100
    assert keeps.to_client(frames.produced(1, ("t", 0, 0, 1))) in play.at(3600.0)


def test_partitions_beyond_the_most_are_not_asked_about(small: None, playbook: Any, frames: Any) -> None:
    play = playbook(ask_starts=True)
    line = play.connect()
    for number in range(60):
        topic = f"topic-{number}"
        ask = frames.produce(number, (topic, 0, frames.batch(frames.record(b"a"))))
        out = line.client(ask)
        if number < 50:
            assert out == [AskStarts(topic, None, (0,))]
            out = play.starts(out[0], topic, {0: 7})
        assert out == [line.to_broker(ask)]
    assert len(play.all(TopicSeen)) == len(play.wire.starts) == 50


def test_topic_ids_beyond_the_most_are_learnt_anew(small: None, playbook: Any, frames: Any) -> None:
    play = playbook()
    line = play.connect()
    for number in range(60):
        line.client(frames.request(3, 12, number, tags=b"\0"))
        line.broker(frames.metadata(number, [], [(f"topic-{number}", number.to_bytes(16, "big"))]))
    assert list(play.wire.topic_names.values()) == [f"topic-{number}" for number in range(10, 60)]
