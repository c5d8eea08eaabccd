"""What rules could be asked about is told, before what they said, and only where there are rules."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.faults import Drop
from ackdrop.observations import Answered, Asked, Attempt, Decided, Flow, Passed, Reached
from ackdrop.passed import in_time


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


def test_what_has_passed_stands_for_the_very_frames(playbook: Any, rule: Any, frames: Any) -> None:
    """`Passed` says in one what is told of these requests and answers one by one."""
    play = playbook(rule(Drop(), nth=(99,)), label=lambda topic: topic.removesuffix("-run1"))
    line = play.connect(node=3)
    for number, records in ((1, 1), (2, 3)):
        play.at(1.1 * number)
        batch = frames.batch(*[frames.record(b"%d" % n) for n in range(records)], producer=(7, 0, number * 10))
        line.client(frames.produce(number, ("t-run1", 0, batch), client="me"))
    for number in (1, 2):
        play.at(5.3 * number)
        line.broker(frames.produced(number, ("t-run1", 0, 0, number)))
    flow = Flow(*(getattr(play.all(Attempt)[0], name) for name in Flow.__dataclass_fields__))
    told = zip(play.all(Attempt), play.all(Answered), strict=True)
    rows = [(a.number, a.at, a.correlation_id, a.base_sequence, a.records, a.crc, a.size, b.at, b.base_offset)
            for a, b in told]  # fmt: skip
    passed = Passed.of(flow, rows, Asked(node=3, tls=False, zero=1.1))
    assert list(in_time([], [passed])) == [seen for seen in play.all(Reached) if seen.api == "produce"]
    assert len(rows) == 2


def test_without_rules_nothing_is_told(playbook: Any, exchange: Any) -> None:
    play = playbook()
    exchange(play.connect())
    assert play.all(Reached) == []
