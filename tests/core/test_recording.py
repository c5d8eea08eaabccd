"""What rules could be asked about is told, before what they said, and only where there are rules."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults import Drop
from ackdrop.observations import Decided, Reached


@pytest.fixture
def exchange(frames: Any) -> Any:
    """`exchange(line)`: one produce request and its answer, then the client ends."""

    def do(line: Any) -> None:
        line.client(
            frames.produce(1, ("t-run1", 0, frames.batch(frames.record(b"a"), producer=(7, 0, 0))), client="me")
        )
        line.broker(frames.produced(1, ("t-run1", 0, 0, 5)))
        line.client_ends()

    return do


def test_frames_and_connections_are_told(playbook: Any, rule: Any, exchange: Any) -> None:
    play = playbook(rule(Drop(), nth=(9,)), label=lambda topic: topic.removesuffix("-run1"))
    play.at(2.0)
    line = play.connect(node=3)
    exchange(line)
    line.broker_ends()
    told = play.all(Reached)
    assert [(seen.place, seen.connection) for seen in told] == [
        ("connection", 1),
        ("produce.request", 1),
        ("produce.response", 1),
        ("connection.closed", 1),
    ]
    opened, request = told[:2]
    assert (opened.node, opened.entries, opened.elapsed) == (3, (), 0.0)
    assert (request.api, request.side, request.client_id, request.correlation_id) == ("produce", "request", "me", 1)
    ((topic, partition, producer_id, tries, attempt, records, size),) = request.entries
    assert (topic, partition, producer_id, tries, attempt, records) == ("t-run1", 0, 7, 1, 1, 1)
    assert size > 60


def test_a_frame_is_told_before_what_was_decided_about_it(playbook: Any, rule: Any, exchange: Any) -> None:
    play = playbook(rule(Drop("skip"), nth=(1,)))
    exchange(play.connect())
    kinds = [type(seen) for seen in play.seen if isinstance(seen, Decided | Reached)]
    assert kinds[:4] == [Reached, Reached, Reached, Decided]


def test_without_rules_nothing_is_told(playbook: Any, exchange: Any) -> None:
    play = playbook()
    exchange(play.connect())
    assert play.all(Reached) == []
