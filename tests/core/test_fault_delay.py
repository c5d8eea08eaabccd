"""`delay` at requests and answers: later, in order, and nothing is lost by it."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Delay
from ackdrop.observations import Forwarded


def test_a_request_and_what_follows_it_goes_later(playbook: Any, on: Any, ask: Any, told: Any, frames: Any) -> None:
    play = playbook(on("produce.request", Delay(2.0), nth=(2,)))
    line, beat = play.connect(), frames.request(12, 0, 4, b"xy")
    assert line.client(ask(1), ask(2), ask(3), beat) == [line.to_broker(ask(1))]
    assert play.at(1.9) == []
    assert play.at(2.0) == [line.to_broker(ask(2), ask(3), beat)]
    assert play.all(Forwarded) == [Forwarded(0.0, 1), Forwarded(2.0, 2), Forwarded(2.0, 3)]
    line.broker(told(1), told(2), told(3))
    assert [ack for _, ack, _ in play.acks] == ["delivered"] * 3
    assert play.wire.unsettled == 0


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_it_goes_though_its_client_is_gone(playbook: Any, on: Any, ask: Any, told: Any, how: str) -> None:
    play = playbook(on("produce.request", Delay(2.0)))
    line = play.connect()
    line.client(ask(1))
    line.client_ends(how)
    assert play.wire.unsettled == 1
    assert line.to_broker(ask(1)) in play.at(2.0)
    line.broker(told(1))
    assert (play.acks, play.wire.unsettled) == ([(1, "none", None)], 0)


def test_the_arm_waits_for_one_without_acks(playbook: Any, on: Any, ask: Any) -> None:
    play = playbook(on("produce.request", Delay(2.0)))
    line = play.connect()
    line.client(ask(1, acks=0))
    assert play.wire.unsettled == 1
    assert play.at(2.0) == [line.to_broker(ask(1, acks=0))]
    assert (play.wire.unsettled, play.acks) == (0, [(1, "none", None)])


@pytest.mark.parametrize("acks", [-1, 0])
def test_it_never_goes_where_the_broker_is_gone(playbook: Any, on: Any, ask: Any, acks: int) -> None:
    play = playbook(on("produce.request", Delay(2.0)))
    line = play.connect()
    line.client(ask(1, acks=acks))
    assert line.broker_ends("reset") == [Close(1, Side.BROKER, "fin"), Close(1, Side.CLIENT, "reset")]
    assert play.at(5.0) == []
    assert (play.acks, play.all(Forwarded), play.wire.unsettled) == ([(1, "none", None)], [], 0)


def test_an_answer_of_many_partitions_where_one_matches(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(on("produce.response", Delay(2.0), match={"partition": (1,)}))
    line = play.connect()
    line.client(ask(1, 0, 1), ask(2))
    answer = told(1, {0: (0, 5), 1: (0, 6)})
    assert line.broker(answer, told(2)) == []
    assert play.at(2.0) == [line.to_client(answer, told(2))]
    assert play.acks == [(1, "delayed", 0), (2, "delayed", 0), (3, "delayed", 0)]


def test_an_answer_of_another_api(playbook: Any, on: Any, frames: Any) -> None:
    play = playbook(on("heartbeat.response", Delay(1.0)))
    line = play.connect()
    line.client(frames.request(12, 0, 1, b"xy"))
    assert line.broker(frames.answer(1, b"\0\0")) == []
    assert play.at(1.0) == [line.to_client(frames.answer(1, b"\0\0"))]
