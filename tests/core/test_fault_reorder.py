"""`reorder`: a request goes behind the next one, and the client gets its answers in the order in which it asked."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults import Disconnect, Drop, Error, Late, Reorder, Throttle
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.kafka.produce import parse_response
from ackdrop.observations import Answered, Forwarded


@pytest.fixture
def swapping(playbook: Any, on: Any) -> Any:
    """`swapping(*rules)`: a play that swaps the first produce request, and does what these rules say after that."""
    return lambda *rules: playbook(on("produce.request", Reorder(), "swap", nth=(1,)), *rules)


def test_they_change_places_and_the_answers_do_not(swapping: Any, ask: Any, told: Any) -> None:
    play = swapping()
    line = play.connect()
    assert line.client(ask(1)) == []
    assert line.client(ask(2), ask(3)) == [line.to_broker(ask(2), ask(1), ask(3))]
    assert [seen.attempt for seen in play.all(Forwarded)] == [2, 1, 3]
    assert line.broker(told(2)) == []
    assert play.all(Answered) == [Answered(0.0, 2, 0, 2)]
    assert line.broker(told(1), told(3)) == [line.to_client(told(1), told(2), told(3))]
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 0), (3, "delivered", 0)]
    assert [seen.attempt for seen in play.all(Answered)] == [2, 1, 3]
    assert play.wire.unsettled == 0


def test_with_a_request_of_another_api(swapping: Any, ask: Any, told: Any, frames: Any) -> None:
    play = swapping()
    line, beat, beaten = play.connect(), frames.request(12, 0, 2, b"xy"), frames.answer(2, b"\0\0")
    assert line.client(ask(1), beat) == [line.to_broker(beat, ask(1))]
    assert line.broker(beaten) == []
    assert line.broker(told(1)) == [line.to_client(told(1), beaten)]


def test_where_no_next_one_comes_it_goes_when_its_client_ends(swapping: Any, ask: Any, told: Any) -> None:
    play = swapping()
    line = play.connect()
    assert line.client(ask(1)) == []
    assert line.client_ends()[0] == line.to_broker(ask(1))
    assert play.wire.unsettled == 1
    line.broker(told(1))
    assert (play.acks, play.wire.unsettled) == ([(1, "none", None)], 0)


def test_where_the_broker_is_gone_it_never_goes(swapping: Any, ask: Any) -> None:
    play = swapping()
    line = play.connect()
    line.client(ask(1))
    line.broker_ends("reset")
    line.client_ends()
    assert (play.acks, play.all(Forwarded), play.wire.unsettled) == ([(1, "none", None)], [], 0)


def test_at_the_end_of_the_arm_it_never_goes(swapping: Any, ask: Any) -> None:
    play = swapping()
    line = play.connect()
    line.client(ask(1))
    line.shut()
    assert (play.acks, play.wire.unsettled) == ([(1, "none", None)], 0)


@pytest.mark.parametrize("then", ["skip", "hold", "disconnect"])
def test_where_the_next_one_is_dropped_it_goes_on_alone(swapping: Any, on: Any, ask: Any, told: Any, then: Any) -> None:
    play = swapping(on("produce.request", Drop(then), nth=(2,)))
    line = play.connect()
    line.client(ask(1))
    assert line.to_broker(ask(1)) in line.client(ask(2))
    line.broker(told(1))
    expected = "withheld" if then == "disconnect" else "delivered"
    assert dict((attempt, ack) for attempt, ack, _ in play.acks) == {1: expected, 2: "none"}
    assert play.wire.unsettled == 0


def test_an_error_of_ours_for_the_next_one_waits_for_the_first_ones_answer(
    swapping: Any, on: Any, ask: Any, told: Any
) -> None:
    play = swapping(on("produce.request", Error(7), nth=(2,)))
    line = play.connect()
    line.client(ask(1))
    assert line.client(ask(2)) == [line.to_broker(ask(1))]
    (out,) = line.broker(told(1))
    assert bytes(out.data).startswith(told(1))
    (answer,) = parse_response(bytes(out.data)[len(told(1)) :], 7)
    assert (answer.error, answer.base_offset) == (7, -1)
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 7)]


def test_the_next_one_is_held_back_and_so_is_the_first(swapping: Any, on: Any, ask: Any, told: Any) -> None:
    play = swapping(on("produce.request", Late("time", seconds=2.0), nth=(2,)))
    line = play.connect()
    assert line.client(ask(1), ask(2)) == []
    assert play.at(2.0) == [line.to_broker(ask(2), ask(1))]
    assert line.broker(told(2), told(1)) == [line.to_client(told(1), told(2))]


def test_an_answer_that_waits_is_lost_where_the_broker_ends(swapping: Any, ask: Any, told: Any) -> None:
    play = swapping()
    line = play.connect()
    line.client(ask(1), ask(2))
    line.broker(told(2))
    line.broker_ends("reset")
    assert sorted(play.acks) == [(1, "none", None), (2, "none", None)]
    assert play.all(Answered) == [Answered(0.0, 2, 0, 2)]
    assert play.wire.unsettled == 0


@pytest.mark.parametrize(("first", "second"), [(0, -1), (-1, 0), (0, 0)])
def test_without_acks_nothing_waits(swapping: Any, ask: Any, told: Any, first: int, second: int) -> None:
    play = swapping()
    line = play.connect()
    assert line.client(ask(1, acks=first), ask(2, acks=second)) == [
        line.to_broker(ask(2, acks=second), ask(1, acks=first))
    ]
    for cid, acks in ((1, first), (2, second)):
        if acks:
            assert line.broker(told(cid)) == [line.to_client(told(cid))]
    assert play.wire.unsettled == 0


def test_on_a_line_that_breaks_before_the_first_one_is_through(swapping: Any, ask: Any, told: Any, frames: Any) -> None:
    """The answer to the second one has waited for the first one's, which never comes."""
    slow = Rule("slow", "connection", "event", Match(), When(), Throttle(1000.0))
    broken = Rule("broken", "connection", "event", Match(), When(after=0.15), Disconnect())
    play = swapping(slow, broken)
    line = play.connect()
    line.client(ask(1), ask(2))
    play.at(0.1)
    assert [seen.attempt for seen in play.all(Forwarded)] == [2]
    assert line.broker(told(2)) == []
    play.at(60.0)
    assert sorted(play.acks) == [(1, "none", None), (2, "none", None)]
    assert (len(play.closed), play.wire.unsettled) == (1, 0)
