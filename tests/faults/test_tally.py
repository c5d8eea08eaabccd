"""What a rule counts by itself: the run, a connection, a partition, a producer; and what waits for another fault."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ackdrop.faults import Disconnect, Kill
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Entry, Frame, Match, Rule, When
from ackdrop.faults.spans import Span

NOTHING = Entry("", -1, False, 1, None)


def fired(engine: Engine, frames: list[Frame]) -> list[int]:
    """The positions, from 1, of the frames that some rule decided."""
    return [at for at, frame in enumerate(frames, 1) if engine.decide(frame, 0.0)[0] is not None]


def of(frame: Frame, **facts: Any) -> Frame:
    """The same frame with other facts; those of an entry go to its entries."""
    own = {key: value for key, value in facts.items() if key in Entry.__dataclass_fields__}
    entries = tuple(dataclasses.replace(entry, **own) for entry in frame.entries)
    return dataclasses.replace(frame, entries=entries, **{k: v for k, v in facts.items() if k not in own})


@pytest.mark.parametrize(
    ("per", "expected"),
    [("run", [2]), ("connection", [3, 4]), ("partition", [3, 4]), ("producer", [3, 4])],
)
def test_what_is_counted_by_itself(engine: Any, rule: Any, frame: Any, per: str, expected: list[int]) -> None:
    first = of(frame(), connection=1, partition=0, producer_id=7)
    second = of(frame(), connection=2, partition=1, producer_id=8)
    assert fired(engine(rule(nth=(2,), per=per)), [first, second, first, second]) == expected


def test_times_is_for_each_of_what_is_counted(engine: Any, rule: Any, frame: Any) -> None:
    frames = [of(frame(), connection=number) for number in (1, 1, 2, 2)]
    assert fired(engine(rule(times=1, per="connection")), frames) == [1, 3]
    assert fired(engine(rule(times=1)), frames) == [1]


@pytest.mark.parametrize(
    ("match", "facts"),
    [
        ({"version": Span(0, 8)}, {"version": 8}),
        ({"node": (1, 2)}, {"node": 2}),
        ({"connection": Span(3, None)}, {"connection": 3}),
        ({"tls": True}, {"tls": True}),
        ({"transactional_id": ("pay-*",)}, {"transactional_id": "pay-1"}),
        ({"producer_id": (4000,)}, {"producer_id": 4000}),
        ({"acks": -1}, {"acks": -1}),
        ({"records": Span(2, None)}, {"records": 2}),
        ({"size": Span(None, 100)}, {"size": 100}),
    ],
)
def test_every_key_of_match_decides(
    engine: Any, rule: Any, frame: Any, match: dict[str, Any], facts: dict[str, Any]
) -> None:
    other = {"version": 9, "node": 0, "connection": 2, "tls": False, "transactional_id": None}
    other |= {"producer_id": -1, "acks": 0, "records": 1, "size": 101}
    (key,) = facts
    frames = [of(frame(), **facts), of(frame(), **{key: other[key]})]
    assert fired(engine(rule(match=match)), frames) == [1]


def test_a_rule_for_every_api_has_those_that_it_names(engine: Any, frame: Any, rule: Any) -> None:
    anything = dataclasses.replace(rule(match={"api": ("metadata", "init_*")}), api="*")
    frames = [frame(api=api) for api in ("produce", "metadata", "init_producer_id", "fetch")]
    assert fired(engine(anything), frames) == [2, 3]
    assert engine(anything).armed("fetch", "response")


def test_what_follows_another_fault_counts_from_the_next_frame_on(engine: Any, rule: Any, frame: Any) -> None:
    late = dataclasses.replace(rule("b", nth=(1,), following="a"), match=Match())
    one = engine(rule("a", nth=(2,)), late)
    decided = [one.decide(frame(), 0.0)[0] for _ in range(4)]
    assert [outcome and outcome.rule.name for outcome in decided] == [None, "a", "b", None]


def test_a_rule_at_a_process_begins_when_what_it_follows_fires(engine: Any, rule: Any, frame: Any) -> None:
    kill = Rule("kill", "broker", "event", Match(), When(following="a"), Kill())
    one = engine(rule("a", nth=(2,)), kill)
    one.decide(frame(), 0.0)
    assert one.take_begun() == []
    one.decide(frame(), 0.0)
    assert one.take_begun() == [kill]
    assert one.take_begun() == []
    outcome, (decision,) = one.moment(kill, 1.0)
    assert outcome.rule is kill
    assert (decision.fired, decision.verdict) == (True, "kill")
    assert one.moment(kill, 2.0) == (None, [])


def test_what_begins_at_a_time_is_told_with_it(engine: Any, rule: Any) -> None:
    end = Rule("end", "connection", "event", Match(), When(after=1.5), Disconnect())
    assert engine(rule("a", after=1.0), end).timed == [(1.5, end)]


def test_the_end_of_connections_at_a_moment_spares_those_that_come_later(engine: Any) -> None:
    opened = Frame("connection", "event", "c", 1, 0, (NOTHING,))
    end = Rule("end", "connection", "event", Match(), When(after=1.0), Disconnect())
    one = engine(end)
    assert one.each("connection", opened, 2.0) == ([], [])
    (outcome,), _ = one.each("connection", opened, 2.0, only=end)
    assert outcome.rule is end
