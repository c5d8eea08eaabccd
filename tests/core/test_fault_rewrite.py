"""`rewrite`: what the broker is asked is not what the client asked."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults import Rewrite
from ackdrop.kafka.headers import request_header
from ackdrop.kafka.produce import parse_request
from ackdrop.observations import Answered, Forwarded

VERSIONS = [0, 2, 3, 7, 9, 12]


def asked(out: Any) -> tuple[int, int]:
    """(acks, timeout) of the one request that is sent."""
    (command,) = out
    frame = bytes(command.data)
    return parse_request(frame, request_header(frame))[1:3]


@pytest.mark.parametrize("version", VERSIONS)
def test_both_fields(playbook: Any, on: Any, ask: Any, told: Any, version: int) -> None:
    play = playbook(on("produce.request", Rewrite(5, 1)))
    line = play.connect()
    assert asked(line.client(ask(1, 0, 1, version=version))) == (1, 5)
    answer = told(1, {0: (0, 1), 1: (0, 2)}, version=version)
    assert line.broker(answer) == [line.to_client(answer)]
    assert play.acks == [(1, "delivered", 0), (2, "delivered", 0)]


def test_without_acks_the_broker_answers_nothing(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(on("produce.request", Rewrite(acks=0), nth=(1,)))
    line = play.connect()
    assert asked(line.client(ask(1))) == (0, 1000)
    assert (play.all(Forwarded), play.acks) == ([Forwarded(0.0, 1)], [(1, "none", None)])
    assert play.wire.unsettled == 0
    line.client(ask(2))
    assert line.broker(told(2)) == [line.to_client(told(2))]


def test_with_acks_the_brokers_answer_goes_to_nobody(playbook: Any, on: Any, ask: Any, told: Any) -> None:
    play = playbook(on("produce.request", Rewrite(acks=-1), nth=(1,)))
    line = play.connect()
    assert asked(line.client(ask(1, acks=0))) == (-1, 1000)
    assert play.wire.unsettled == 1
    line.client(ask(2))
    assert line.broker(told(1), told(2)) == [line.to_client(told(2))]
    assert play.all(Answered) == [Answered(0.0, 1, 0, 1), Answered(0.0, 2, 0, 2)]
    assert (play.acks, play.wire.unsettled) == ([(1, "none", None), (2, "delivered", 0)], 0)
