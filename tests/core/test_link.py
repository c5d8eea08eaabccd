"""Faults at `connection`: what they do to the bytes and to the ends of a connection, and what the ledger is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Finish, Send, Side
from ackdrop.faults import (
    Blackhole,
    Delay,
    Disconnect,
    Drop,
    Late,
    Latency,
    RefuseConnection,
    Reorder,
    Reset,
    Slice,
    Throttle,
)
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Attempt, Decided, Forwarded


@pytest.fixture
def on() -> Callable[..., Rule]:
    """`on(fault, name="c", match={...}, **when)`: a rule at connections."""

    def make(fault: Any, name: str = "c", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        return Rule(name, "connection", "event", Match(**(match or {})), When(**when), fault)

    return make


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    """`produce(n)`: the n-th produce request, with a numbered record of its own."""

    def make(n: int, cid: int | None = None, **arguments: Any) -> bytes:
        batch = frames.batch(frames.record(b"%d" % n), producer=(7, 0, n), at=n)
        return frames.produce(n if cid is None else cid, ("t", 0, batch), **arguments)

    return make


@pytest.fixture
def produced(frames: Any) -> Callable[..., bytes]:
    return lambda n: frames.produced(n, ("t", 0, 0, n))


def ends(commands: list[Any]) -> list[tuple[int, Side, str]]:
    """(connection, side, how) of each end that is commanded."""
    return [
        (command.connection, command.to, command.how if isinstance(command, Close) else "finish")
        for command in commands
        if isinstance(command, Close | Finish)
    ]


def opened(play: Any) -> list[Any]:
    """The commands of connections that were just opened."""
    return play.noted(play.wire.follow(play.now))


class TestBlackhole:
    def test_nothing_passes_until_the_client_closes(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1), produce(2))
        play.at(1.0)
        assert line.client(produce(3)) == []
        assert line.broker(produced(1)) == []
        assert play.at(60.0) == []
        assert play.acks == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert sorted(play.acks) == [(1, "withheld", None), (3, "none", None)]

    def test_what_waited_is_never_forwarded(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), match={"connection": _only(1)}))
        line = play.connect()
        assert line.client(produce(1)) == []
        assert line.client_ends() == [Close(1, Side.CLIENT, "fin"), Close(1, Side.BROKER, "fin")]
        assert play.all(Forwarded) == []
        assert play.wire.unsettled == 0

    def test_after_for_all_goes_on_in_order(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(2.0)
        line.client(produce(2))
        line.client(produce(3))
        line.broker(produced(1))
        assert play.at(3.99) == []
        assert play.at(4.0) == [line.to_broker(produce(2), produce(3)), line.to_client(produced(1))]
        assert play.acks == [(1, "delayed", 0)]
        assert line.client(produce(4)) == [line.to_broker(produce(4))]

    def test_all_connections_heal_together(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        one = play.connect()
        one.client(produce(1))
        play.at(3.0)
        two = play.connect()
        assert two.client(produce(2)) == []
        one.client(produce(3))
        assert play.at(4.0) == [one.to_broker(produce(3)), two.to_broker(produce(2))]
        three = play.connect()
        assert three.client(produce(4)) == [three.to_broker(produce(4))]

    def test_without_a_moment_each_heals_by_itself(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0)))
        one = play.connect()
        one.client(produce(1))
        play.at(1.0)
        two = play.connect()
        two.client(produce(2))
        assert play.at(3.0) == [one.to_broker(produce(1))]
        assert play.at(4.0) == [two.to_broker(produce(2))]

    def test_the_end_of_a_client_that_has_gone_waits_too(
        self, playbook: Any, on: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(on(Blackhole(3.0), match={"connection": _only(1)}))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends() == []
        play.at(2.0)
        assert play.at(3.0) == [line.to_broker(produce(1))]
        assert line.broker(produced(1)) == [line.to_client(produced(1)), Finish(1, Side.BROKER)]
        assert play.acks == [(1, "none", None)]

    def test_the_reset_of_a_client_waits_too(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0)))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends("reset") == [Close(1, Side.CLIENT, "fin")]
        assert play.at(3.0) == [line.to_broker(produce(1))]
        assert line.broker(produced(1)) == [Close(1, Side.BROKER, "reset")]

    @pytest.mark.parametrize("seconds", [None, 3.0])
    def test_a_request_that_it_swallowed_is_known_again(
        self, playbook: Any, on: Any, produce: Any, seconds: float | None
    ) -> None:
        play = playbook(on(Blackhole(seconds), match={"connection": _only(1)}))
        one, two = play.connect(), play.connect()
        one.client(produce(1))
        one.client_ends()
        play.at(1.0)
        assert two.client(produce(1)) == [two.to_broker(produce(1))]
        assert play.retries == [(2, 1, 2, False)]

    @pytest.mark.parametrize("seconds", [None, 3.0])
    def test_a_request_whose_answer_it_swallowed_is_known_again(
        self, playbook: Any, on: Any, frames: Any, produced: Any, seconds: float | None
    ) -> None:
        """Without numbers: that the client closed tells that it never had the answer."""
        again = frames.produce(1, ("t", 0, frames.batch(frames.record(b"1"), at=5)))
        play = playbook(on(Blackhole(seconds), match={"connection": _only(1)}, after=1.0))
        one, two = play.connect(), play.connect()
        one.client(again)
        play.at(1.0)
        one.broker(produced(1))
        play.at(2.0)
        one.client_ends()
        two.client(again)
        assert play.acks == [(1, "withheld", None)]
        assert play.retries == [(2, 1, 2, False)]

    def test_the_brokers_end_is_not_seen(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(2.0)
        assert ends(line.broker_ends()) == [(1, Side.BROKER, "fin")]
        assert ends(play.at(3.9)) == []
        assert ends(play.at(4.0)) == [(1, Side.CLIENT, "fin")]

    def test_until_lifts_it(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), after=1.0, until=2.5))
        line = play.connect()
        line.client(produce(1))
        play.at(1.5)
        line.client(produce(2))
        assert play.at(2.5) == [line.to_broker(produce(2))]

    def test_until_of_one_that_began_before_the_first_request(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole(), until=2.0))
        line = play.connect()
        play.at(5.0)
        assert line.client(produce(1)) == []
        assert play.at(7.0) == [line.to_broker(produce(1))]

    def test_what_can_never_go_takes_no_room(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Blackhole()), backlog=100)
        line = play.connect()
        for n in range(50):
            line.client(produce(n))
        assert line.connection.may_read(Side.CLIENT)

    def test_reading_pauses_for_what_waits(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Blackhole(3.0), after=1.0), backlog=100)
        line = play.connect()
        for n in range(1, 5):
            line.client(produce(n))
        play.at(1.0)
        line.client(produce(5), produce(6))
        assert not line.connection.may_read(Side.CLIENT)
        line.broker(*map(produced, range(1, 5)))
        assert not line.connection.may_read(Side.BROKER)
        play.at(4.0)
        assert line.connection.may_read(Side.CLIENT)
        assert line.connection.may_read(Side.BROKER)

    def test_a_disconnect_of_a_dropped_ack_is_not_seen_either(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect"), nth=(1,)), on(Blackhole(3.0), after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.at(1.0)
        assert ends(line.broker(produced(1))) == []
        assert ends(play.at(3.99)) == []
        assert sorted(ends(play.at(4.0)), key=str) == [(1, Side.BROKER, "fin"), (1, Side.CLIENT, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]

    def test_it_comes_after_the_client_has_said_its_end(self, playbook: Any, on: Any, produce: Any) -> None:
        """The client has closed already, so nothing else would ever end the connection."""
        play = playbook(on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1))
        assert line.client_ends() == []
        assert ends(play.at(1.0)) == [(1, Side.CLIENT, "fin")]
        assert ends(play.at(60.0)) == [(1, Side.BROKER, "fin")]
        assert play.closed == [(1, "client", "fin", "")]
        assert play.wire.unsettled == 0

    def test_it_comes_after_a_disconnect_that_is_still_on_the_line(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect")), on(Latency(0.5), "slow"), on(Blackhole(), after=1.7))
        line = play.connect()
        line.client(produce(1))
        play.at(1.5)
        assert ends(line.broker(produced(1))) == [(1, Side.BROKER, "fin")]
        assert ends(play.at(60.0)) == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]

    def test_the_brokers_side_ends_too_where_a_disconnect_was_swallowed(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop("disconnect"), nth=(1,)), on(Blackhole(), after=1.0))
        line = play.connect()
        line.client(produce(1), produce(2))
        play.at(1.0)
        assert ends(line.broker(produced(1))) == []
        assert ends(line.client_ends()) == [(1, Side.CLIENT, "fin")]
        assert ends(line.broker(produced(2))) == [(1, Side.BROKER, "fin")]
        assert play.closed == [(1, "ackdrop", "fin", "fault")]
        assert play.wire.unsettled == 0


class TestLatency:
    def test_each_way_takes_so_long(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Latency(0.5)))
        line = play.connect()
        assert line.client(produce(1)) == []
        assert play.at(0.49) == []
        assert play.at(0.5) == [line.to_broker(produce(1))]
        assert [seen.at for seen in play.all(Forwarded)] == [0.5]
        assert line.broker(produced(1)) == []
        assert play.acks == []
        assert play.at(1.0) == [line.to_client(produced(1))]
        assert play.acks == [(1, "delivered", 0)]

    def test_jitter_keeps_order_and_bounds(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(0.5, 0.4)))
        line = play.connect()
        times = []
        sent = b""
        for n in range(1, 40):
            line.client(produce(n))
            sent += produce(n)
            play.at(play.now + 1.0)
            times.append(play.all(Forwarded)[-1].at - play.all(Attempt)[-1].at)
        assert b"".join(bytes(command.data) for command in play.commands) == sent
        assert all(0.1 <= time <= 0.9 for time in times)
        assert len({round(time, 3) for time in times}) > 20

    def test_jitter_is_the_same_again(self, playbook: Any, on: Any, produce: Any) -> None:
        def times() -> list[float]:
            play = playbook(on(Latency(0.5, 0.4)))
            line = play.connect()
            for n in range(1, 6):
                line.client(produce(n))
                play.at(float(n))
            return [seen.at for seen in play.all(Forwarded)]

        assert times() == times()

    def test_the_ends_take_as_long(self, playbook: Any, on: Any, produce: Any, frames: Any) -> None:
        play = playbook(on(Latency(0.5)))
        line = play.connect()
        line.client(frames.request(3, 1, 1, b"\0\0\0\0"))
        assert line.client_ends() == []
        assert ends(play.at(0.5)) == [(1, Side.BROKER, "finish")]
        assert ends(line.broker_ends()) == [(1, Side.BROKER, "fin")]
        assert ends(play.at(0.99)) == []
        assert ends(play.at(1.0)) == [(1, Side.CLIENT, "fin")]

    def test_a_client_that_does_not_wait_never_had_the_answer(
        self, playbook: Any, on: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(on(Latency(5.0)))
        line = play.connect()
        line.client(produce(1))
        play.at(5.0)
        line.broker(produced(1))
        play.at(6.0)
        line.client_ends()
        assert play.acks == [(1, "none", None)]

    def test_until_lifts_it(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(0.5), until=3.0))
        line = play.connect()
        line.client(produce(1))
        play.at(3.0)
        assert line.client(produce(2)) == [line.to_broker(produce(2))]

    def test_a_connection_that_comes_before_a_late_timer_is_asked_once(
        self, playbook: Any, on: Any, produce: Any
    ) -> None:
        play = playbook(on(Latency(0.5), after=1.0), on(Latency(0.5), "n", match={"client_id": ("c",)}, after=1.0))
        line = play.connect()
        line.client(produce(1))
        play.now = 1.2
        play.connect().client(produce(2))
        play.at(1.3)
        assert sorted((seen.fault, seen.connection) for seen in play.all(Decided)) == [
            ("c", 1),
            ("c", 2),
            ("n", 1),
            ("n", 2),
        ]

    def test_it_lies_on_open_connections_from_its_moment_on(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(0.5), after=1.0))
        line = play.connect()
        assert line.client(produce(1)) == [line.to_broker(produce(1))]
        play.at(1.0)
        assert line.client(produce(2)) == []
        assert play.at(1.5) == [line.to_broker(produce(2))]


class TestThrottle:
    def test_no_more_than_its_rate_passes(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on(Throttle(1000.0)))
        line = play.connect()
        frame = frames.request(3, 1, 1, bytes(3000))
        got = [*line.client(frame)]
        sizes = {0.0: _size(got)}
        for at in (0.5, 1.0, 2.0, 4.0):
            got += play.at(at)
            sizes[at] = _size(got)
        assert b"".join(bytes(command.data) for command in got) == frame
        for at, size in sizes.items():
            assert size <= 1000 * at + 1000 / 20
            assert size >= min(len(frame), 1000 * at - 1000 / 20)

    def test_idle_time_saves_up_nothing(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on(Throttle(1000.0)))
        line = play.connect()
        play.at(100.0)
        assert _size(line.client(frames.request(3, 1, 1, bytes(3000)))) <= 50

    def test_each_way_has_a_rate_of_its_own(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Throttle(1000.0)))
        line = play.connect()
        line.client(produce(1))
        play.at(1.0)
        line.client(produce(2))
        assert 0 < _size(line.broker(produced(1))) <= 50

    def test_an_answer_is_delivered_with_its_last_byte(
        self, playbook: Any, on: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(on(Throttle(100.0)))
        line = play.connect()
        line.client(produce(1))
        play.at(5.0)
        (sent,) = play.all(Forwarded)
        assert sent.at == pytest.approx(len(produce(1)) / 100, abs=0.05)
        line.broker(produced(1))
        whole = len(produced(1)) / 100
        play.at(5.0 + whole - 0.1)
        assert play.acks == []
        play.at(5.0 + whole)
        assert play.acks == [(1, "delivered", 0)]


class TestSlice:
    def test_pieces_are_small_and_apart(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Slice(10, 0.1)))
        line = play.connect()
        frame = produce(1)
        got = [(0.0, command) for command in line.client(frame)]
        while play.wire.due is not None and play.wire.due < 100:
            got += [(play.now, command) for command in play.at(play.wire.due)]
        assert b"".join(bytes(command.data) for _, command in got) == frame
        assert max(len(command.data) for _, command in got) == 10
        times = [at for at, _ in got]
        assert times == pytest.approx([0.1 * n for n in range(len(times))])

    def test_without_a_pause_the_pieces_follow_at_once(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Slice(10)))
        line = play.connect()
        frame = produce(1)
        commands = line.connection.received(Side.CLIENT, memoryview(frame), 0.0)
        assert [len(command.data) for command in commands] == [10] * (len(frame) // 10) + [len(frame) % 10]
        assert b"".join(bytes(command.data) for command in commands) == frame


class TestTogether:
    def test_latency_and_throttle_and_slices(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(1.0), "a"), on(Throttle(1000.0), "b"), on(Slice(10, 0.02), "c"))
        line = play.connect()
        frame = produce(1)
        line.client(frame)
        assert play.at(0.99) == []
        first = play.at(1.0)
        assert 0 < _size(first) <= 10
        rest = play.at(10.0)
        assert _data(first + rest) == frame
        assert play.all(Forwarded)[0].at >= 1.0 + 0.02 * (len(frame) // 10 - 1)

    def test_the_first_of_a_kind_counts(self, playbook: Any, on: Any, produce: Any) -> None:
        play = playbook(on(Latency(1.0), "a", until=4.0), on(Latency(2.0), "b"))
        line = play.connect()
        line.client(produce(1))
        assert play.at(1.0) == [line.to_broker(produce(1))]
        play.at(4.0)
        line.client(produce(2))
        assert play.at(5.9) == []
        assert play.at(6.0) == [line.to_broker(produce(2))]

    def test_an_answer_that_is_delayed_goes_through_the_line_then(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Delay(2.0), nth=(1,)), on(Latency(0.5)))
        line = play.connect()
        line.client(produce(1))
        play.at(0.5)
        line.broker(produced(1))
        assert play.at(2.9) == []
        assert play.at(3.0) == [line.to_client(produced(1))]
        assert play.acks == [(1, "delayed", 0)]

    def test_a_dropped_answer_never_comes_to_the_line(
        self, playbook: Any, on: Any, rule: Any, produce: Any, produced: Any
    ) -> None:
        play = playbook(rule(Drop(), nth=(1,)), on(Latency(0.5)))
        line = play.connect()
        line.client(produce(1))
        play.at(0.5)
        line.broker(produced(1))
        assert play.at(9.0) == []
        assert play.acks == [(1, "dropped", None)]


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


def _only(number: int) -> Any:
    from ackdrop.faults.spans import Span

    return Span(number, number)


def _data(commands: list[Any]) -> bytes:
    return b"".join(bytes(command.data) for command in commands if isinstance(command, Send))


def _size(commands: list[Any]) -> int:
    return len(_data(commands))
