"""`duplicate` and `late` at requests of other APIs than produce, which are no attempts: bytes in, commands out."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Dial, Finish, Send, Side
from ackdrop.faults import Blackhole, Drop, Duplicate, Late
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Acked, Attempt, Decided, Dispatched, Undecoded

HEARTBEAT, INIT_PRODUCER_ID = 12, 22
AT_HEARTBEATS = "heartbeat.request"


@pytest.fixture
def beat(frames: Any) -> Any:
    return lambda cid: frames.request(HEARTBEAT, 0, cid, b"body%d" % cid)


def dispatched(play: Any) -> list[tuple[float, int, str, int, str, bool]]:
    return [
        (seen.at, seen.connection, seen.api, seen.correlation_id, seen.kind, seen.sent) for seen in play.all(Dispatched)
    ]


class TestCopies:
    def test_they_follow_the_original_and_their_answers_go_to_nobody(
        self, playbook: Any, on: Any, beat: Any, ask: Any, told: Any, frames: Any
    ) -> None:
        play = playbook(on(AT_HEARTBEATS, Duplicate(2), "twice more", nth=(2,)))
        line = play.connect()
        assert line.client(beat(1), beat(2), ask(3)) == [line.to_broker(beat(1), beat(2), beat(2), beat(2), ask(3))]
        assert play.wire.unsettled == 3
        answers = [frames.answer(cid, text) for cid, text in ((1, b"a"), (2, b"b"), (2, b"c"), (2, b"d"))]
        assert line.broker(*answers, told(3)) == [line.to_client(*answers[:2], told(3))]
        assert play.wire.unsettled == 0
        assert dispatched(play) == [(0.0, 1, "heartbeat", 2, "copy", True)] * 2
        assert [seen.number for seen in play.all(Attempt)] == [1]
        (decided,) = [seen for seen in play.all(Decided) if seen.fired]
        assert (decided.fault, decided.verdict, decided.attempt) == ("twice more", "duplicate", None)

    def test_a_large_answer_to_a_copy_is_taken_out_too(self, playbook: Any, on: Any, frames: Any) -> None:
        fetch = frames.request(1, 4, 1, b"fetch")
        play = playbook(on("fetch.request", Duplicate()))
        line = play.connect()
        line.client(fetch)
        large = [frames.answer(1, bytes([n]) * 300_000) for n in (1, 2)]
        sent = [command.data for command in line.dribble(Side.BROKER, b"".join(large), 60_000)]
        assert b"".join(sent) == large[0]
        assert play.wire.unsettled == 0

    def test_on_a_connection_of_its_own(self, playbook: Any, on: Any, beat: Any, frames: Any) -> None:
        play = playbook(on(AT_HEARTBEATS, Duplicate(1, "new", 0.5)))
        line = play.connect(4)
        line.client(beat(1))
        assert (line.broker(frames.answer(1)), play.wire.unsettled) == ([line.to_client(frames.answer(1))], 1)
        assert play.at(0.5) == [Dial(2, 4)]
        copy = play.wire.copy(2)
        assert play.noted(copy.connected(0.6)) == [Send(2, Side.BROKER, beat(1))]
        assert play.noted(copy.received(memoryview(frames.answer(1, b"again")), 0.7)) == [Close(2, Side.BROKER, "fin")]
        assert dispatched(play) == [(0.6, 2, "heartbeat", 1, "copy", True)]
        assert play.wire.unsettled == 0

    def test_an_answer_to_something_else_ends_that_connection(
        self, playbook: Any, on: Any, beat: Any, frames: Any
    ) -> None:
        play = playbook(on(AT_HEARTBEATS, Duplicate(1, "new")))
        play.connect().client(beat(1))
        copy = play.wire.copy(2)
        play.noted(copy.connected(0.0))
        assert play.noted(copy.received(memoryview(frames.answer(9)), 0.0)) == [Close(2, Side.BROKER, "fin")]
        (undecoded,) = play.all(Undecoded)
        assert (undecoded.connection, undecoded.api, undecoded.version) == (2, "heartbeat", 0)
        assert play.wire.unsettled == 0

    @pytest.mark.parametrize("on_", ["same", "new"])
    def test_one_whose_connection_is_gone_never_went(self, playbook: Any, on: Any, beat: Any, on_: Any) -> None:
        play = playbook(on(AT_HEARTBEATS, Duplicate(1, on_, 1.0)))
        line = play.connect()
        line.client(beat(1))
        if on_ == "same":
            line.broker_ends("reset")
        else:
            play.at(1.0)
            play.noted(play.wire.copy(2).ended("cannot connect", 1.0))
        assert [each[3:] for each in dispatched(play)] == [(1, "copy", False)]
        assert play.wire.unsettled == 0

    def test_what_a_blackhole_has_swallowed_is_not_waited_for(self, playbook: Any, on: Any, beat: Any) -> None:
        swallow = Rule("swallow", "connection", "event", Match(), When(), Blackhole())
        play = playbook(swallow, on(AT_HEARTBEATS, Duplicate()))
        line = play.connect()
        assert line.client(beat(1)) == []
        line.client_ends()
        assert [each[3:] for each in dispatched(play)] == [(1, "copy", False)]
        assert (len(play.closed), play.wire.unsettled) == (1, 0)


class TestLate:
    def test_it_goes_when_its_time_has_come_with_what_waited_behind_it(
        self, playbook: Any, on: Any, beat: Any, ask: Any, told: Any, frames: Any
    ) -> None:
        play = playbook(on(AT_HEARTBEATS, Late("time", seconds=2.0), nth=(1,)))
        line = play.connect()
        assert line.client(beat(1), ask(2)) == []
        assert play.at(1.9) == []
        assert play.at(2.0) == [line.to_broker(beat(1), ask(2))]
        assert dispatched(play) == [(2.0, 1, "heartbeat", 1, "late", True)]
        assert line.broker(frames.answer(1), told(2)) == [line.to_client(frames.answer(1), told(2))]
        assert play.wire.unsettled == 0

    def test_its_client_may_be_gone(self, playbook: Any, on: Any, beat: Any, frames: Any) -> None:
        play = playbook(on(AT_HEARTBEATS, Late("time", seconds=2.0)))
        line = play.connect()
        line.client(beat(1))
        line.client_ends("reset")
        assert (play.closed, play.wire.unsettled) == ([], 1)
        assert line.to_broker(beat(1)) in play.at(2.0)
        line.broker(frames.answer(1))
        assert (len(play.closed), play.wire.unsettled) == (1, 0)

    def test_one_whose_broker_is_gone_never_went(self, playbook: Any, on: Any, beat: Any) -> None:
        play = playbook(on(AT_HEARTBEATS, Late("time", seconds=2.0)))
        line = play.connect()
        line.client(beat(1))
        line.broker_ends("reset")
        assert dispatched(play) == [(0.0, 1, "heartbeat", 1, "late", False)]
        assert play.wire.unsettled == 0


def test_at_all_apis_a_produce_request_is_an_attempt_as_ever(
    playbook: Any, on: Any, beat: Any, ask: Any, told: Any, frames: Any
) -> None:
    play = playbook(on("*.request", Duplicate()))
    line = play.connect()
    assert line.client(beat(1), ask(2)) == [line.to_broker(beat(1), beat(1), ask(2), ask(2))]
    out = line.broker(frames.answer(1), frames.answer(1), told(2), told(2))
    assert out == [line.to_client(frames.answer(1), told(2))]
    assert [seen.injected for seen in play.all(Attempt)] == [False, True]
    assert len(dispatched(play)) == 1
    assert play.wire.unsettled == 0


def test_a_copy_of_another_request_is_no_reason_for_an_attempts_lot(
    playbook: Any, on: Any, beat: Any, ask: Any, told: Any, frames: Any
) -> None:
    """The answers to a copied request and to a produce request that is dropped: each keeps its own."""
    play = playbook(on(AT_HEARTBEATS, Duplicate()), on("produce.response", Drop("skip"), "lose"))
    line = play.connect()
    line.client(ask(1), beat(2), ask(3))
    out = line.broker(told(1), frames.answer(2), frames.answer(2), told(3))
    assert out == [line.to_client(frames.answer(2))]
    assert [(seen.attempt, seen.ack) for seen in play.all(Acked)] == [(1, "dropped"), (2, "dropped")]


def test_a_client_that_leaves_is_told_of_the_end_once_all_is_answered(
    playbook: Any, on: Any, beat: Any, frames: Any
) -> None:
    play = playbook(on(AT_HEARTBEATS, Duplicate()))
    line = play.connect()
    line.client(beat(1))
    assert line.client_ends() == []
    line.broker(frames.answer(1))
    out = line.broker(frames.answer(1))
    assert Finish(1, Side.BROKER) in out
    assert play.wire.unsettled == 0
