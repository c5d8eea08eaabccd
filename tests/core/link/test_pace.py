"""Latency, throttle and slice: when the bytes of a connection go on, and in which pieces."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Side
from ackdrop.faults import (
    Delay,
    Drop,
    Latency,
    Slice,
    Throttle,
)
from ackdrop.observations import Attempt, Decided, Forwarded

from .conftest import data, ends, size


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
        sizes = {0.0: size(got)}
        for at in (0.5, 1.0, 2.0, 4.0):
            got += play.at(at)
            sizes[at] = size(got)
        assert b"".join(bytes(command.data) for command in got) == frame
        for at, sent in sizes.items():
            assert sent <= 1000 * at + 1000 / 20
            assert sent >= min(len(frame), 1000 * at - 1000 / 20)

    def test_idle_time_saves_up_nothing(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook(on(Throttle(1000.0)))
        line = play.connect()
        play.at(100.0)
        assert size(line.client(frames.request(3, 1, 1, bytes(3000)))) <= 50

    def test_each_way_has_a_rate_of_its_own(self, playbook: Any, on: Any, produce: Any, produced: Any) -> None:
        play = playbook(on(Throttle(1000.0)))
        line = play.connect()
        line.client(produce(1))
        play.at(1.0)
        line.client(produce(2))
        assert 0 < size(line.broker(produced(1))) <= 50

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
        assert 0 < size(first) <= 10
        rest = play.at(10.0)
        assert data(first + rest) == frame
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
