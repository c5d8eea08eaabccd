"""Faults that end a connection or refuse it, and whose connections a rule means."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Send, Side
from ackdrop.faults import (
    Blackhole,
    Disconnect,
    Drop,
    Late,
    Latency,
    RefuseConnection,
    Reorder,
    Reset,
    Throttle,
)
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Attempt, Decided, Forwarded

from .conftest import ends, opened


class TestEnds:
    @pytest.mark.parametrize(("fault", "how"), [(Disconnect, "fin"), (Reset, "reset")])
    def test_all_open_connections_end_at_its_moment(
        self, playbook: Any, on: Any, produce: Any, fault: Any, how: str
    ) -> None:
        play = playbook(on(fault(), after=1.0))
        one, two = play.connect(), play.connect()
        one.client(produce(1, acks=0))
        assert ends(play.at(1.0)) == [(number, side, how) for number in (1, 2) for side in (Side.CLIENT, Side.BROKER)]
        assert play.closed == [(1, "ackdrop", how, "fault"), (2, "ackdrop", how, "fault")]
        three = play.connect()
        assert opened(play) == []
        assert three.client(produce(2)) == [three.to_broker(produce(2))]
        assert two.client(produce(3)) == []

    @pytest.mark.parametrize("waits", [Late("time", seconds=1.0), Reorder()], ids=["late", "reorder"])
    @pytest.mark.parametrize("slow", [Throttle(1000.0), None], ids=["on the line", "through"])
    def test_nothing_comes_behind_what_is_lost_on_the_line(
        self, playbook: Any, on: Any, produce: Any, waits: Any, slow: Any
    ) -> None:
        """The broker would take it for the rest of a frame that it has a part of. If all is through, it still goes."""
        held = Rule("held", "produce", "request", Match(), When(nth=(2,)), waits)
        layers = [] if slow is None else [on(slow, "slow")]
        play = playbook(*layers, held, on(Disconnect(), after=0.05))
        line = play.connect()
        line.client(produce(1), produce(2))
        play.at(60.0)
        through = b"".join(command.data for command in play.commands if isinstance(command, Send))
        if slow is None:
            assert through == produce(1) + produce(2)
        else:
            assert through == produce(1)[: len(through)]
            assert 0 < len(through) < len(produce(1))
            assert [(attempt, ack) for attempt, ack, _ in play.acks] == [(1, "none"), (2, "none")]
        assert (len(play.closed), play.wire.unsettled) == (1, 0)

    @pytest.mark.parametrize(("fault", "how"), [(Disconnect, "fin"), (Reset, "reset")])
    def test_those_that_come_within_for_end_too(
        self, playbook: Any, on: Any, produce: Any, fault: Any, how: str
    ) -> None:
        play = playbook(on(fault(2.0), after=1.0))
        play.connect().client(produce(1, acks=0))
        play.at(2.9)
        play.connect()
        assert ends(opened(play)) == [(2, Side.CLIENT, how), (2, Side.BROKER, how)]
        play.at(3.0)
        play.connect()
        assert opened(play) == []

    def test_the_brokers_answers_are_still_known(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Reset(), after=1.0))
        line = play.connect()
        line.client(produce(1))
        assert ends(play.at(1.0)) == [(1, Side.CLIENT, "reset")]
        assert ends(line.broker(produced(1))) == [(1, Side.BROKER, "reset")]
        assert play.acks == [(1, "withheld", None)]

    def test_it_follows_a_fault_and_ends_its_connection(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop(), "lose", nth=(1,)), on(Disconnect(), following="lose"))
        one, two = play.connect(), play.connect()
        two.client(produce(9, acks=0))
        one.client(produce(1))
        assert ends(one.broker(produced(1))) == [
            (1, Side.CLIENT, "fin"),
            (1, Side.BROKER, "fin"),
            (2, Side.CLIENT, "fin"),
            (2, Side.BROKER, "fin"),
        ]

    def test_what_is_on_the_line_is_lost(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(5.0), "slow"), on(Reset(), after=1.0))
        line = play.connect()
        line.client(produce(1))
        assert ends(play.at(1.0)) == [(1, Side.CLIENT, "reset"), (1, Side.BROKER, "reset")]
        assert play.at(9.0) == []
        assert (play.all(Forwarded), play.acks) == ([], [(1, "none", None)])

    def test_the_third_connection_alone(self, playbook: Any, on: Any) -> None:
        play = playbook(on(Disconnect(), nth=(3,)))
        for _ in range(4):
            play.connect()
        assert ends(opened(play)) == [(3, Side.CLIENT, "fin"), (3, Side.BROKER, "fin")]


class TestRefuse:
    def test_a_connection_is_reset_as_soon_as_it_is_opened(self, playbook: Any, on: Any) -> None:
        play = playbook(on(RefuseConnection(), nth=(1,)))
        line = play.connect()
        assert ends(opened(play)) == [(1, Side.CLIENT, "reset"), (1, Side.BROKER, "reset")]
        assert line.connection.closed_how == "reset"
        assert play.closed == [(1, "ackdrop", "reset", "fault")]

    def test_connections_that_are_open_stay(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(RefuseConnection(2.0), after=1.0))
        one = play.connect()
        one.client(produce(1))
        play.at(1.0)
        play.connect()
        assert ends(opened(play)) == [(2, Side.CLIENT, "reset"), (2, Side.BROKER, "reset")]
        assert one.client(produce(2)) == [one.to_broker(produce(2))]
        assert [number for number, _, _, _ in play.closed] == [2]
        play.at(3.0)
        play.connect()
        assert [number for number, _, _, _ in play.closed] == [2]

    def test_one_that_names_a_client_waits_for_its_name(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(RefuseConnection(), match={"client_id": ("bad*",)}))
        good, bad = play.connect(), play.connect()
        assert opened(play) == []
        assert good.client(produce(1, client="good")) == [good.to_broker(produce(1, client="good"))]
        assert bad.client(produce(2, client="bad-1")) == [
            Close(2, Side.CLIENT, "reset"),
            Close(2, Side.BROKER, "reset"),
        ]
        assert play.all(Attempt)[-1].client_id == "good"


class TestNames:
    def test_the_name_may_come_in_pieces(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(1.0), match={"client_id": ("slow",)}))
        line = play.connect()
        frame = produce(1, client="slow") + produce(2, client="slow")
        assert line.dribble(Side.CLIENT, frame) == []
        assert play.at(1.0) == [line.to_broker(frame)]

    def test_others_are_left_alone(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(1.0), match={"client_id": ("slow",)}))
        line = play.connect()
        frame = produce(1, client="quick") + produce(2, client="quick")
        assert line.dribble(Side.CLIENT, frame) == [line.to_broker(frame)]

    def test_at_a_moment_those_that_have_a_name_are_asked(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Reset(), match={"client_id": ("a",)}, after=1.0))
        one, two, three = play.connect(), play.connect(), play.connect()
        one.client(produce(1, client="a", acks=0))
        two.client(produce(2, client="b", acks=0))
        play.at(1.0)
        assert [number for number, _, _, _ in play.closed] == [1]
        assert three.client(produce(3, client="a")) == [three.to_broker(produce(3, client="a"))]

    @pytest.mark.parametrize(
        "data", [b"\0\0\0\x08" + bytes(8), b"\xff\xff\xff\xff", b"\0\0\0\x0a" + bytes(8) + b"\x7f\xff"]
    )
    def test_what_is_no_request_is_refused_as_ever(self, playbook: Any, on: Any, data: bytes) -> None:
        play = playbook(on(Latency(1.0), match={"client_id": ("slow",)}))
        line = play.connect()
        line.client(data, bytes(4))
        assert line.connection.client_id == ""


def test_every_rule_that_is_asked_is_told(playbook: Any, on: Any, produce: Any) -> None:
    play = playbook(on(Latency(1.0), "slow", nth=(2,)), on(Blackhole(1.0), "dark", after=5.0))
    play.connect(node=3)
    play.connect(node=4).client(produce(1))
    play.at(5.0)
    assert [(seen.at, seen.fault, seen.connection, seen.n, seen.fired, seen.verdict) for seen in play.all(Decided)] == [
        (0.0, "slow", 1, 1, False, "pass"),
        (0.0, "slow", 2, 2, True, "latency"),
        (5.0, "dark", 1, 1, True, "blackhole"),
        (5.0, "dark", 2, 2, True, "blackhole"),
    ]
    assert {(seen.attempt, seen.topic, seen.partition, seen.correlation_id) for seen in play.all(Decided)} == {
        (None, "", -1, 0)
    }


def test_the_end_of_the_run_ends_what_waits(playbook: Any, on: Any, produce: Any) -> None:
    play = playbook(on(Blackhole(30.0)))
    line = play.connect()
    line.client(produce(1))
    assert ends(line.shut()) == [(1, Side.CLIENT, "fin"), (1, Side.BROKER, "fin")]
    assert play.acks == [(1, "none", None)]
    assert play.wire.unsettled == 0
    assert play.at(100.0) == []
