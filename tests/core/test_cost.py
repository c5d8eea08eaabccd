"""What a produce request with its answer may cost the core, counted in calls of functions, of Python's and of C's.

Calls are no time, but they are the same on every machine, and work per frame that somebody adds by mistake shows up in
them. Each limit is some 20 % above what was counted when it was set; whoever makes it cheaper lowers it.
`bench/growth.py` measures the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ackdrop.core import scan
from ackdrop.core.commands import Side
from ackdrop.core.wire import Wire, WireSettings
from ackdrop.faults import Drop
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Rule
from ackdrop.observations import Passed

from ..effort import calls

TOPIC = "orders"
ALONE, TOGETHER = (12, 0.27) if scan.COMPILED else (46, 26.0)
"""A request at a time, and fifty that come in one piece; no rule is armed. What the loop in `scan` calls is not counted
where it is compiled."""
WARM, COUNTED = 100, 200

Exchange = tuple[bytes, bytes]


SEVERAL = 12 if scan.COMPILED else 210
"""A request for four partitions at a time."""


class Line:
    """A connection, fed as the relay feeds it."""

    def __init__(self, *rules: Rule) -> None:
        self.engine = engine = Engine(rules, seed=1, arm="on")
        settings = WireSettings(told_singly=0)
        self._wire = Wire(engine, lambda node, host, port: (host, port), settings=settings, starts={(TOPIC, 0): 0})
        self._connection = self._wire.open(-1, "peer", 0.0)
        self._through = {side: self._connection.through(side) for side in Side}
        self.through = 0

    def passed(self) -> list[Passed]:
        """What is told of those by which nothing happened."""
        return [each for each in self._wire.take_observations() if isinstance(each, Passed)]

    def feed(self, exchanges: Sequence[Exchange], at_once: int) -> None:
        for begin in range(0, len(exchanges), at_once):
            requests, answers = zip(*exchanges[begin : begin + at_once], strict=True)
            self._take(Side.CLIENT, b"".join(requests))
            self._take(Side.BROKER, b"".join(answers))

    def _take(self, side: Side, data: bytes) -> None:
        done = self._through[side](data, 1.0)
        self.through += done
        if done < len(data):
            self._connection.received(side, memoryview(data)[done:], 1.0)


@pytest.fixture(scope="session")
def exchanges(frames: Any) -> list[Exchange]:
    """Requests of an idempotent producer with one record each, and answers of success."""
    return [
        (
            frames.produce(n, (TOPIC, 0, frames.batch(frames.record(b"v"), producer=(7, 0, n))), version=9),
            frames.produced(n, (TOPIC, 0, 0, n), version=9),
        )
        for n in range(WARM + COUNTED)
    ]


def cost(line: Line, exchanges: list[Exchange], at_once: int = 1) -> float:
    """Calls for a request with its answer, once the connection has seen some."""
    line.feed(exchanges[:WARM], at_once)
    return calls(lambda: line.feed(exchanges[WARM:], at_once)) / COUNTED


def test_a_request_that_no_rule_touches(exchanges: list[Exchange]) -> None:
    assert cost(Line(), exchanges) <= ALONE


def test_requests_that_come_together(exchanges: list[Exchange]) -> None:
    line = Line()
    assert cost(line, exchanges, at_once=50) <= TOGETHER
    assert line.through > 0.9 * sum(len(request) + len(answer) for request, answer in exchanges[WARM:])


def test_they_are_kept_as_one(exchanges: list[Exchange]) -> None:
    """Each as a series of its own would cost ten times as much, in calls that are not counted where it is compiled."""
    line = Line()
    line.feed(exchanges[:WARM], 50)
    line.passed()
    line.feed(exchanges[WARM:], 50)
    attempts = [passed.attempts for passed in line.passed()]
    assert (sum(map(len, attempts)), sum(each.series for each in attempts)) == (COUNTED, COUNTED // 50)


def test_a_request_for_several_partitions(frames: Any) -> None:
    several = []
    for n in range(WARM + COUNTED):
        batch = frames.batch(frames.record(b"v"), producer=(7, 0, n))
        partitions = [(n + first) % 4 for first in range(4)]
        request = frames.produce(n, *((TOPIC, each, batch) for each in partitions), version=9, grouped=True)
        answer = frames.produced(n, *((TOPIC, each, 0, n) for each in sorted(partitions)), version=9, grouped=True)
        several.append((request, answer))
    line = Line()
    assert cost(line, several) <= SEVERAL
    assert line.through > 0.9 * sum(len(request) + len(answer) for request, answer in several)


def test_a_request_while_a_rule_is_armed_elsewhere(exchanges: list[Exchange], rule: Callable[..., Rule]) -> None:
    assert cost(Line(rule(Drop("hold"), match={"topic": ("other",)})), exchanges) <= ALONE


@pytest.mark.parametrize("when", [{"nth": (1_000_000,)}, {"probability": 1e-12}], ids=["nth", "probability"])
def test_requests_that_rules_count(exchanges: list[Exchange], rule: Callable[..., Rule], when: dict[str, Any]) -> None:
    """All of a series are counted at once, and draws are looked at many at a time."""
    rules = [rule(Drop("hold"), f"r{n}", per=("run", "partition")[n % 2], **when) for n in range(5)]
    line = Line(*rules)
    assert cost(line, exchanges, at_once=50) <= 1.05 * cost(Line(), exchanges, at_once=50)
    assert [line.engine.counts(each) for each in rules] == [(WARM + COUNTED, 0)] * 5


def test_the_number_of_rules_elsewhere_does_not_matter(exchanges: list[Exchange], rule: Callable[..., Rule]) -> None:
    one, hundred = (
        cost(Line(*(rule(Drop("hold"), f"r{n}", {"topic": (f"other{n}",)}) for n in range(count))), exchanges)
        for count in (1, 100)
    )
    assert hundred <= 1.05 * one


def test_what_has_passed_before_does_not_matter(exchanges: list[Exchange], frames: Any) -> None:
    """A long run: the index of attempts is full, and what has passed is told."""
    line, fresh = Line(), Line()
    before = [
        (
            frames.produce(n, (TOPIC, 0, frames.batch(frames.record(b"v"), producer=(8, 0, n))), version=9),
            frames.produced(n, (TOPIC, 0, 0, n), version=9),
        )
        for n in range(20_000)
    ]
    line.feed(before, 10)
    assert cost(line, exchanges) <= 1.05 * cost(fresh, exchanges)
