"""Rules at `broker` and `workload`: asked of produce requests as they pass, and at the moment at which they begin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.core.commands import Do
from ackdrop.faults import Drop, Kill, Pause
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.faults.verdicts import Act
from ackdrop.observations import Decided


@pytest.fixture
def process() -> Callable[..., Rule]:
    """`process(fault=Pause(1.0), at="broker", name="p", match={...}, **when)`."""

    def make(
        fault: Any = None, *, at: str = "broker", name: str = "p", match: dict[str, Any] | None = None, **when: Any
    ) -> Rule:
        return Rule(name, at, "event", Match(**(match or {})), When(**when), fault or Pause(1.0))

    return make


def done(commands: list[Any]) -> list[tuple[str, str]]:
    return [(command.rule, command.at) for command in commands if isinstance(command, Do)]


@pytest.fixture
def produce(frames: Any) -> Callable[..., bytes]:
    """`produce(n, **arguments)`: the n-th produce request, with a record of its own."""

    def make(n: int, partition: int = 0, **arguments: Any) -> bytes:
        batch = frames.batch(frames.record(b"%d" % n), at=n)
        return frames.produce(n, ("t", partition, batch), **arguments)

    return make


class TestPassing:
    def test_without_a_count_the_first_request_brings_it_and_no_other(
        self, playbook: Any, process: Any, produce: Any
    ) -> None:
        play = playbook(process(at="workload"))
        line = play.connect()
        assert done(line.client(produce(1))) == [("p", "workload")]
        assert done(line.client(produce(2))) == []

    def test_what_is_to_be_done_goes_with_it(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(Kill(2.0, ("a",), ("b", "c"))))
        line = play.connect()
        assert Do("p", "broker", Act("kill", 2.0, ("a",), ("b", "c"))) in line.client(produce(1))

    def test_requests_are_counted(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(nth=(2, 3)))
        line = play.connect()
        assert [len(done(line.client(produce(n)))) for n in (1, 2, 3, 4)] == [0, 1, 1, 0]

    def test_requests_of_every_connection_are_counted(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(nth=(2,)))
        one, two = play.connect(), play.connect()
        assert done(one.client(produce(1))) == []
        assert done(two.client(produce(2))) == [("p", "broker")]

    @pytest.mark.parametrize(
        ("match", "fits"),
        [
            ({"partition": (0,)}, True),
            ({"partition": (1,)}, False),
            ({"node": (4,)}, True),
            ({"node": (-1,)}, False),
            ({"acks": -1}, True),
            ({"acks": 0}, False),
            ({"client_id": ("c",)}, True),
            ({"client_id": ("d",)}, False),
            ({"transactional_id": ("*",)}, False),
            ({"idempotent": False, "attempt": "first"}, True),
        ],
    )
    def test_only_requests_that_match(
        self, playbook: Any, process: Any, produce: Any, match: dict[str, Any], fits: bool
    ) -> None:
        play = playbook(process(match=match))
        assert bool(done(play.connect(node=4).client(produce(1)))) == fits

    def test_other_requests_bring_nothing(self, playbook: Any, process: Any, frames: Any) -> None:
        play = playbook(process())
        assert done(play.connect().client(frames.request(3, 1, 1, b"\0\0\0\0"))) == []

    def test_it_is_told_with_the_request(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(nth=(2,)))
        line = play.connect()
        line.client(produce(1), produce(2))
        assert [(seen.attempt, seen.fired, seen.verdict, seen.n) for seen in play.all(Decided)] == [
            (1, False, "pass", 1),
            (2, True, "pause", 2),
        ]


class TestTime:
    def test_it_comes_so_long_after_the_first_request(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(after=0.2))
        line = play.connect()
        assert done(play.at(5.1)) == []
        line.client(produce(1))
        assert done(play.at(5.29)) == []
        assert done(play.at(5.31)) == [("p", "broker")]
        assert done(play.at(9.0)) == []

    @pytest.mark.parametrize("start", [0.1, 0.3, 1.1, 1000.7, 123456.789])
    @pytest.mark.parametrize("after", [0.2, 0.7, 1.9, 3.3])
    def test_rounding_does_not_lose_it(
        self, playbook: Any, process: Any, produce: Any, start: float, after: float
    ) -> None:
        play = playbook(process(after=after))
        play.at(start)
        play.connect().client(produce(1))
        assert done(play.at(start + after + 0.001)) == [("p", "broker")]

    def test_it_is_told_without_a_request(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(after=1.0))
        play.connect().client(produce(1))
        play.at(2.0)
        (seen,) = play.all(Decided)
        assert (seen.at, seen.fault, seen.connection, seen.attempt, seen.partition) == (1.0, "p", 0, None, -1)
        assert (seen.fired, seen.hit, seen.verdict) == (True, True, "pause")

    def test_with_a_count_it_waits_for_requests(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(after=1.0, nth=(2,)))
        line = play.connect()
        line.client(produce(1))
        assert done(play.at(2.0)) == []
        assert done(line.client(produce(2))) == []
        assert done(line.client(produce(3))) == [("p", "broker")]

    def test_each_in_its_time(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(name="late", after=2.0), process(name="early", after=1.0, at="workload"))
        play.connect().client(produce(1))
        assert done(play.at(1.5)) == [("early", "workload")]
        assert done(play.at(2.5)) == [("late", "broker")]


class TestFollowing:
    def test_it_comes_with_the_fault_that_it_follows(
        self, playbook: Any, process: Any, rule: Any, produce: Any, frames: Any
    ) -> None:
        play = playbook(rule(Drop(), "lose", nth=(2,)), process(Kill(1.0), at="workload", following="lose"))
        line = play.connect()
        line.client(produce(1), produce(2), produce(3))
        assert done(line.broker(frames.produced(1, ("t", 0, 0, 0)))) == []
        assert done(line.broker(frames.produced(2, ("t", 0, 0, 1)))) == [("p", "workload")]
        assert done(line.broker(frames.produced(3, ("t", 0, 0, 2)))) == []

    def test_one_may_follow_another(self, playbook: Any, process: Any, produce: Any) -> None:
        play = playbook(process(name="a", nth=(2,)), process(name="b", following="a"), process(name="c", following="b"))
        line = play.connect()
        assert done(line.client(produce(1))) == []
        assert done(line.client(produce(2))) == [("a", "broker"), ("b", "broker"), ("c", "broker")]

    @pytest.mark.parametrize(("fires", "comes"), [(1.0, 2.0), (3.0, 3.0)])
    def test_with_a_time_as_well_both_have_to_be(
        self, playbook: Any, process: Any, produce: Any, fires: float, comes: float
    ) -> None:
        play = playbook(process(name="a", nth=(2,)), process(name="b", following="a", after=2.0, at="workload"))
        line = play.connect()
        line.client(produce(1))
        play.at(fires)
        line.client(produce(2))
        play.at(9.0)
        assert [seen.at for seen in play.all(Decided) if seen.fault == "b"] == [comes]
