"""Copies that ackdrop itself sends: bytes in, commands and observations out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Close, Dial, Finish, Send, Side
from ackdrop.faults import Drop, Duplicate, Error
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import (
    Acked,
    Answered,
    Attempt,
    ConnectionClosed,
    ConnectionOpened,
    Decided,
    Forwarded,
    Undecoded,
)


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    def make(cid: int, value: bytes = b"a", *, producer: tuple[int, int, int] = (-1, -1, -1), **more: Any) -> bytes:
        made: bytes = frames.produce(cid, ("t", 0, frames.batch(frames.record(value), producer=producer)), **more)
        return made

    return make


@pytest.fixture
def answered(frames: Any) -> Callable[..., bytes]:
    return lambda cid, offset, error=0: frames.produced(cid, ("t", 0, error, offset))


def copies(play: Any) -> list[Attempt]:
    return [attempt for attempt in play.all(Attempt) if attempt.injected]


def of(play: Any, kind: Any, attempt: Attempt) -> list[Any]:
    return [seen for seen in play.all(kind) if seen.attempt == attempt.number]


class TestSameConnection:
    def test_the_copy_follows_the_original_and_its_answer_goes_to_nobody(
        self, playbook: Any, rule: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Duplicate(), nth=(2,)))
        line = play.connect()
        first, second, third = (produce(cid, b"%d" % cid) for cid in (1, 2, 3))
        assert line.client(first, second, third) == [line.to_broker(first, second, second, third)]
        assert play.wire.unsettled == 4
        out = line.broker(answered(1, 10), answered(2, 11), answered(2, 12), answered(3, 13))
        assert out == [line.to_client(answered(1, 10), answered(2, 11), answered(3, 13))]
        assert play.wire.unsettled == 0
        (copy,) = copies(play)
        assert (copy.number, copy.retry_of, copy.tries, copy.ambiguous) == (3, 2, 1, False)
        assert (copy.connection, copy.correlation_id, copy.records) == (1, 2, 1)
        assert of(play, Forwarded, copy) == [Forwarded(0.0, 3)]
        assert of(play, Answered, copy) == [Answered(0.0, 3, 0, 12)]
        assert of(play, Acked, copy) == [Acked(0.0, 3, "none", None)]
        assert play.acks == [(1, "delivered", 0), (2, "delivered", 0), (3, "none", None), (4, "delivered", 0)]

    def test_the_decision_is_told_of_the_original_alone(self, playbook: Any, rule: Any, produce: Any) -> None:
        play = playbook(rule(Duplicate(2), "copy it", match={"attempt": "first", "idempotent": True}))
        play.connect().client(produce(1, producer=(5, 0, 0)), produce(2))
        assert play.all(Decided) == [
            Decided(0.0, "copy it", 1, 1, "c", "t", 0, 1, True, "duplicate", True, 1),
        ]

    def test_several_copies_have_numbers_of_their_own(
        self, playbook: Any, rule: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Duplicate(3)))
        line, ask = play.connect(), produce(1)
        assert line.client(ask) == [line.to_broker(ask, ask, ask, ask)]
        assert line.broker(*(answered(1, offset) for offset in range(4))) == [line.to_client(answered(1, 0))]
        assert [(copy.number, copy.retry_of) for copy in copies(play)] == [(2, 1), (3, 1), (4, 1)]
        assert [seen.base_offset for seen in play.all(Answered)] == [0, 1, 2, 3]

    def test_a_request_of_many_partitions_is_copied_whole(self, playbook: Any, rule: Any, frames: Any) -> None:
        play = playbook(rule(Duplicate(), match={"partition": (1,)}))
        line = play.connect()
        batch = frames.batch(frames.record(b"a"))
        ask = frames.produce(1, ("t", 0, batch), ("t", 1, batch), ("u", 1, None))
        assert line.client(ask) == [line.to_broker(ask, ask)]
        assert [(copy.topic, copy.partition, copy.retry_of) for copy in copies(play)] == [("t", 0, 1), ("t", 1, 2)]
        told = frames.produced(1, ("t", 0, 0, 1), ("t", 1, 0, 1), ("u", 1, 0, 0))
        assert line.broker(told, told) == [line.to_client(told)]

    def test_without_acks_there_is_no_answer(self, playbook: Any, rule: Any, produce: Any) -> None:
        play = playbook(rule(Duplicate()))
        line, ask = play.connect(), produce(1, acks=0)
        assert line.client(ask) == [line.to_broker(ask, ask)]
        (copy,) = copies(play)
        assert (of(play, Forwarded, copy), of(play, Acked, copy)) == (
            [Forwarded(0.0, 2)],
            [Acked(0.0, 2, "none", None)],
        )
        assert play.wire.unsettled == 0

    def test_it_is_in_no_index_of_retries(self, playbook: Any, rule: Any, produce: Any, answered: Any) -> None:
        """The client's own retry repeats the original, whatever became of the copy."""
        play = playbook(rule(Duplicate(), nth=(1,)))
        line = play.connect()
        line.client(produce(1))
        line.broker_ends("reset")
        assert len(play.wire.attempts) == 1
        again = play.connect()
        again.client(produce(2))
        assert play.all(Attempt)[-1].retry_of == 1
        again.broker(answered(2, 5))
        assert len(play.wire.attempts) == 0

    def test_a_copy_whose_answer_never_comes(self, playbook: Any, rule: Any, produce: Any, answered: Any) -> None:
        play = playbook(rule(Duplicate()))
        line = play.connect()
        line.client(produce(1))
        line.broker(answered(1, 0))
        assert play.wire.unsettled == 1
        line.broker_ends("reset")
        assert play.wire.unsettled == 0
        assert play.acks == [(1, "delivered", 0), (2, "none", None)]

    def test_the_rules_on_answers_are_not_asked_about_it(
        self, playbook: Any, rule: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Duplicate(), "copy"), rule(Error(7), "error", nth=(2,)))
        line = play.connect()
        line.client(produce(1, b"a"), produce(2, b"b"))
        line.broker(answered(1, 0), answered(1, 1), answered(2, 2), answered(2, 3))
        assert play.acks == [(1, "delivered", 0), (2, "none", None), (3, "delivered", 7), (4, "none", None)]

    def test_in_a_silence_the_copy_goes_and_its_answer_is_not_withheld(
        self, playbook: Any, rule: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Drop(), "drop", nth=(1,)), rule(Duplicate(), "copy"))
        line = play.connect()
        line.client(produce(1))
        line.broker(answered(1, 0), answered(1, 1))
        assert play.acks == [(1, "dropped", None), (2, "none", None)]

    def test_an_answer_to_it_that_cannot_be_read_is_told(
        self, playbook: Any, rule: Any, frames: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Duplicate()))
        line = play.connect()
        line.client(produce(1))
        assert line.broker(answered(1, 0), frames.answer(1, b"\0")) == [line.to_client(answered(1, 0))]
        assert play.undecoded == [(1, "produce", False)]
        assert play.acks == [(1, "delivered", 0), (2, "none", None)]

    @pytest.mark.parametrize("unread", [False, True])
    def test_it_comes_due_in_the_middle_of_a_large_request(self, playbook: Any, frames: Any, unread: bool) -> None:
        """It goes once that has ended, also where answers have passed meanwhile."""

        def request(cid: int, topic: str, size: int = 1) -> bytes:
            batch = frames.batch(frames.record(bytes(size)), producer=(5, 0, cid))
            return bytes(frames.produce(cid, (topic, 0, batch)))

        copied = Rule("r", "produce", "request", Match(topic=("u",)), When(nth=(2,)), Duplicate(1, "same", 1.0))
        play = playbook(copied, quick=True, told_singly=0)
        play.unread = unread
        line = play.connect()
        for cid, topic in enumerate("tuu", 1):
            line.client(request(cid, topic))
            line.broker(frames.produced(cid, (topic, 0, 0, cid)))
        line.client(request(4, "t"))
        large = request(5, "t", 5_000)
        line.client(large[:1_000])
        assert line.connection.large.passing
        play.at(1.0)
        line.broker(frames.produced(4, ("t", 0, 0, 4)))
        assert line.client(large[1_000:])[-1] == line.to_broker(large[1_000:], request(3, "u"))


class TestLater:
    """`after`: the original is not delayed."""

    def test_the_copy_goes_in_its_time(self, playbook: Any, rule: Any, produce: Any, answered: Any) -> None:
        play = playbook(rule(Duplicate(2, "same", 1.5), nth=(1,)))
        line = play.connect()
        one, two = produce(1, b"a"), produce(2, b"b")
        assert line.client(one) == [line.to_broker(one)]
        assert line.broker(answered(1, 0)) == [line.to_client(answered(1, 0))]
        assert play.wire.unsettled == 2
        play.at(1.0)
        line.client(two)
        assert play.at(1.5) == [line.to_broker(one, one)]
        assert [copy.at for copy in copies(play)] == [1.5, 1.5]
        assert [copy.number for copy in copies(play)] == [3, 4]
        assert line.broker(answered(2, 1), answered(1, 0), answered(1, 0)) == [line.to_client(answered(2, 1))]
        assert play.wire.unsettled == 0

    @pytest.mark.parametrize("how", ["fin", "reset"])
    def test_on_a_connection_that_is_over_it_never_goes(
        self, playbook: Any, rule: Any, produce: Any, answered: Any, how: str
    ) -> None:
        play = playbook(rule(Duplicate(1, "same", 1.5)))
        line = play.connect()
        line.client(produce(1))
        line.broker(answered(1, 0))
        play.at(1.0)
        line.client_ends(how)
        (copy,) = copies(play)
        assert (copy.at, copy.connection, copy.retry_of) == (1.0, 1, 1)
        assert (of(play, Forwarded, copy), of(play, Acked, copy)) == ([], [Acked(1.0, 2, "none", None)])
        assert play.wire.unsettled == 0
        assert not [command for command in play.at(9.0) if isinstance(command, Send)]

    def test_the_run_ends_before_its_time(self, playbook: Any, rule: Any, produce: Any, answered: Any) -> None:
        play = playbook(rule(Duplicate(1, "same", 100.0)))
        line = play.connect()
        line.client(produce(1))
        line.broker(answered(1, 0))
        line.shut()
        assert [of(play, Forwarded, copy) for copy in copies(play)] == [[]]
        assert play.wire.unsettled == 0

    @pytest.mark.parametrize("on", ["same", "new"])
    def test_too_many_never_go(self, playbook: Any, rule: Any, produce: Any, on: Any) -> None:
        ask = produce(1)
        play = playbook(rule(Duplicate(5, on, 1.0)), copies=2 * len(ask))
        play.connect().client(ask)
        assert len(copies(play)) == 3
        assert not [seen for copy in copies(play) for seen in of(play, Forwarded, copy)]
        assert play.wire.unsettled == 1 + 2
        play.at(1.0)
        assert len(copies(play)) == 5


class TestNewConnection:
    """A connection of ackdrop's own to the same broker."""

    @pytest.fixture
    def begun(self, playbook: Any, rule: Any, produce: Any) -> Any:
        """A client of broker 7, a request of whom was copied; the relay has been told to dial."""
        play = playbook(rule(Duplicate(1, "new"), nth=(1,)))
        line = play.connect(node=7)
        ask = produce(1)
        assert line.client(ask) == [line.to_broker(ask), Dial(2, 7)]
        return play, line, ask

    @staticmethod
    def fed(play: Any, data: bytes) -> list[Any]:
        noted: list[Any] = play.noted(play.wire.copy(2).received(memoryview(bytearray(data)), play.now))
        return noted

    def test_it_is_sent_once_there_is_a_connection(self, begun: Any, answered: Any) -> None:
        play, line, ask = begun
        assert play.all(ConnectionOpened)[1:] == [ConnectionOpened(0.0, 2, 7, "ackdrop")]
        (copy,) = copies(play)
        assert (copy.connection, copy.retry_of, copy.number) == (2, 1, 2)
        assert (of(play, Forwarded, copy), play.wire.unsettled) == ([], 2)
        play.at(0.5)
        assert play.noted(play.wire.copy(2).connected(0.5)) == [Send(2, Side.BROKER, ask)]
        assert of(play, Forwarded, copy) == [Forwarded(0.5, 2)]
        line.broker(answered(1, 10))
        data = answered(1, 11)
        assert self.fed(play, data[:5]) == []
        assert self.fed(play, data[5:]) == [Close(2, Side.BROKER, "fin")]
        assert of(play, Answered, copy) == [Answered(0.5, 2, 0, 11)]
        assert of(play, Acked, copy) == [Acked(0.5, 2, "none", None)]
        assert play.all(ConnectionClosed) == [ConnectionClosed(0.5, 2, "ackdrop", "fin", "")]
        assert (play.wire.unsettled, play.wire.copy(2)) == (0, None)

    def test_the_client_may_be_gone(self, begun: Any, answered: Any) -> None:
        play, line, _ = begun
        line.broker(answered(1, 10))
        line.client_ends()
        line.broker_ends()
        play.noted(play.wire.copy(2).connected(0.5))
        self.fed(play, answered(1, 11))
        assert [seen.base_offset for seen in play.all(Answered)] == [10, 11]

    def test_a_broker_that_cannot_be_reached(self, begun: Any, answered: Any) -> None:
        play, line, _ = begun
        line.broker(answered(1, 10))
        assert play.noted(play.wire.copy(2).ended("the broker cannot be reached", 3.0)) == [
            Close(2, Side.BROKER, "fin")
        ]
        (copy,) = copies(play)
        assert (of(play, Forwarded, copy), of(play, Acked, copy)) == ([], [Acked(3.0, 2, "none", None)])
        assert play.closed == [(2, "ackdrop", "fin", "the broker cannot be reached")]
        assert play.wire.unsettled == 0

    def test_a_broker_that_closes_in_place_of_an_answer(self, begun: Any) -> None:
        play, _, _ = begun
        copy = play.wire.copy(2)
        play.noted(copy.connected(0.5))
        play.noted(copy.ended("the broker closed the connection", 0.6))
        play.noted(copy.ended("again", 0.7))
        assert play.closed == [(2, "ackdrop", "fin", "the broker closed the connection")]
        assert play.wire.unsettled == 1

    @pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", "other", b"\0\0\0\5\0\0\0\1\0"])
    def test_an_answer_that_makes_no_sense(self, begun: Any, answered: Any, data: Any) -> None:
        play, _, _ = begun
        play.noted(play.wire.copy(2).connected(0.5))
        out = self.fed(play, answered(9, 1) if data == "other" else data)
        assert out == [Close(2, Side.BROKER, "fin")]
        assert [(seen.connection, seen.closed) for seen in play.all(Undecoded)] == [(2, True)]
        assert play.wire.unsettled == 1

    def test_without_acks_it_ends_once_it_is_sent(self, playbook: Any, rule: Any, produce: Any) -> None:
        play = playbook(rule(Duplicate(1, "new")))
        ask = produce(1, acks=0)
        play.connect().client(ask)
        assert play.wire.unsettled == 1
        assert play.noted(play.wire.copy(2).connected(0.5)) == [
            Send(2, Side.BROKER, ask),
            Close(2, Side.BROKER, "fin"),
        ]
        assert play.wire.unsettled == 0

    def test_each_copy_has_a_connection_of_its_own_in_its_time(self, playbook: Any, rule: Any, produce: Any) -> None:
        play = playbook(rule(Duplicate(2, "new", 4.0)))
        line = play.connect(node=7)
        line.client(produce(1))
        line.client_ends("reset")
        assert play.at(3.9) == []
        assert [command for command in play.at(4.0) if isinstance(command, Dial)] == [Dial(2, 7), Dial(3, 7)]
        assert play.connect().number == 4

    def test_one_whose_time_never_comes_is_told_when_all_is_over(
        self, playbook: Any, rule: Any, produce: Any, answered: Any
    ) -> None:
        play = playbook(rule(Duplicate(1, "new", 100.0)))
        line = play.connect()
        line.client(produce(1))
        line.broker(answered(1, 10))
        assert play.wire.unsettled == 1
        play.wire.shut("over", 2.0)
        play.noted(play.wire.take_commands())
        (copy,) = copies(play)
        assert (copy.connection, of(play, Forwarded, copy)) == (1, [])
        assert of(play, Acked, copy) == [Acked(2.0, 2, "none", None)]
        assert play.wire.unsettled == 0
        assert play.at(200.0) == []


def test_a_client_that_says_its_end_first_takes_waiting_copies_along(
    playbook: Any, rule: Any, produce: Any, answered: Any
) -> None:
    play = playbook(rule(Duplicate(1, "same", 1.0)))
    line = play.connect()
    line.client(produce(1))
    assert Finish(1, Side.BROKER) not in line.client_ends()
    assert Finish(1, Side.BROKER) in line.broker(answered(1, 0))
    assert [of(play, Forwarded, copy) for copy in copies(play)] == [[]]


def test_a_copy_does_not_go_into_the_middle_of_a_request_that_streams_through(
    playbook: Any, rule: Any, produce: Any, frames: Any
) -> None:
    play = playbook(rule(Duplicate(1, "same", 2.0)))
    line, ask, fetch = play.connect(), produce(1), frames.request(1, 4, 2, b"x" * 200)
    assert line.client(ask, fetch[:50]) == [line.to_broker(ask, fetch[:50])]
    assert play.at(2.0) == []
    assert line.client(fetch[50:]) == [line.to_broker(fetch[50:], ask)]
