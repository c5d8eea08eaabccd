"""`truncate`: the first bytes of a frame arrive, and then the end of the connection, on both sides."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.core.commands import Close, Side
from ackdrop.faults import Delay, Latency, Truncate
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Forwarded


@pytest.mark.parametrize("together", [True, False])
def test_nothing_follows_a_shortened_request(playbook: Any, on: Any, ask: Any, told: Any, together: bool) -> None:
    play = playbook(on("produce.request", Truncate(20), nth=(2,)))
    line = play.connect()
    chunks = [ask(1) + ask(2) + ask(3)] if together else [ask(1), ask(2), ask(3)]
    sent = [command for chunk in chunks for command in line.client(chunk)]
    data = b"".join(bytes(command.data) for command in sent if not isinstance(command, Close))
    assert data == ask(1) + ask(2)[:20]
    assert sent[-1] == Close(1, Side.CLIENT, "fin")
    assert line.broker(told(1)) == [Close(1, Side.BROKER, "fin")]
    assert [seen.attempt for seen in play.all(Forwarded)] == [1]
    assert (play.closed, play.wire.unsettled) == ([(1, "ackdrop", "fin", "fault")], 0)


def test_nothing_follows_it_behind_a_delay(playbook: Any, on: Any, ask: Any) -> None:
    play = playbook(on("produce.request", Delay(1.0), "late", nth=(1,)), on("produce.request", Truncate(20), nth=(2,)))
    line = play.connect()
    assert line.client(ask(1), ask(2), ask(3)) == []
    assert line.client(ask(4)) == []
    out = play.at(1.0)
    assert out[0] == line.to_broker(ask(1) + ask(2)[:20])
    assert out[1] == Close(1, Side.CLIENT, "fin")
    assert [seen.attempt for seen in play.all(Forwarded)] == [1]


def test_a_shortened_answer(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(on("produce.response", Truncate(9), nth=(1,)))
    line = play.connect()
    line.client(ask(1), ask(2))
    assert line.broker(told(1), told(2)) == [
        line.to_client(told(1)[:9]),
        Close(1, Side.CLIENT, "fin"),
        Close(1, Side.BROKER, "fin"),
    ]
    assert play.acks == [(1, "dropped", None), (2, "withheld", None)]


def test_a_shortened_answer_behind_a_delay_while_its_client_leaves(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(on("produce.response", Delay(1.0), "late", nth=(1,)), on("produce.response", Truncate(9), nth=(2,)))
    line = play.connect()
    line.client(ask(1), ask(2), ask(3))
    assert line.broker(told(1), told(2), told(3)) == []
    line.client_ends()
    play.at(9.0)
    assert {attempt: ack for attempt, ack, _ in play.acks} == {1: "delayed", 2: "dropped", 3: "delayed"}
    assert len(play.acks) == 3
    assert (len(play.closed), play.wire.unsettled) == (1, 0)


@pytest.mark.parametrize("size", [1, 10**6])
def test_at_least_one_byte_is_missing(playbook: Any, on: Any, ask: Any, told: Any, size: int) -> None:
    play = playbook(on("produce.response", Truncate(size)))
    line = play.connect()
    line.client(ask(1))
    assert line.broker(told(1))[0] == line.to_client(told(1)[: min(size, len(told(1)) - 1)])


def test_a_shortened_answer_on_a_slow_line_while_its_client_leaves(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    slow = Rule("slow", "connection", "event", Match(), When(), Latency(1.0))
    play = playbook(slow, on("produce.response", Truncate(9), nth=(2,)))
    line = play.connect()
    line.client(ask(1), ask(2), ask(3))
    play.at(1.0)
    line.broker(told(1), told(2), told(3))
    line.client_ends()
    play.at(9.0)
    assert {attempt: ack for attempt, ack, _ in play.acks} == {1: "none", 2: "dropped", 3: "none"}
    assert len(play.acks) == 3
    assert (len(play.closed), play.wire.unsettled) == (1, 0)
