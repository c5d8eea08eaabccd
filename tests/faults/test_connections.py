"""Rules at `connection`: of which connections they are asked, when they begin, and for how long they last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ackdrop.faults import Blackhole, Disconnect, Drop, Latency, RefuseConnection, Reset
from ackdrop.faults.engine import Engine
from ackdrop.faults.rule import Entry, Frame, Match, Rule, When

NOTHING = Entry("", -1, False, 1, None)
ENDS = [Disconnect, Reset]


@pytest.fixture
def rule() -> Callable[..., Rule]:
    def make(fault: Any, name: str = "r", match: dict[str, Any] | None = None, **when: Any) -> Rule:
        return Rule(name, "connection", "event", Match(**(match or {})), When(**when), fault)

    return make


def opened(number: int = 1, client: str = "") -> Frame:
    return Frame("connection", "event", client, number, 0, (NOTHING,))


def fires(engine: Engine, elapsed: float, now: float | None = None, **asked: Any) -> bool:
    return bool(engine.each("connection", opened(), elapsed, now, **asked)[0])


class TestLasting:
    @pytest.mark.parametrize("fault", [*ENDS, RefuseConnection])
    def test_what_comes_within_for_fares_the_same(self, rule: Any, fault: Any) -> None:
        engine = Engine([rule(fault(2.0), nth=(2,))], seed=1, arm="off")
        assert [fires(engine, at) for at in (0.0, 1.0, 1.5, 2.9, 3.0, 9.0)] == [False, True, True, True, False, False]

    @pytest.mark.parametrize("fault", [*ENDS, RefuseConnection])
    def test_without_for_it_is_over_at_once(self, rule: Any, fault: Any) -> None:
        engine = Engine([rule(fault(), nth=(2,))], seed=1, arm="off")
        assert [fires(engine, at) for at in (0.0, 1.0, 1.0, 1.5)] == [False, True, False, False]

    def test_what_it_lasts_for_does_not_make_it_last_longer(self, rule: Any) -> None:
        engine = Engine([rule(RefuseConnection(2.0), nth=(1,))], seed=1, arm="off")
        assert [fires(engine, at) for at in (0.0, 1.9, 2.1)] == [True, True, False]

    def test_times_counts_the_occasions(self, rule: Any) -> None:
        engine = Engine([rule(RefuseConnection(2.0), every=2, times=2)], seed=1, arm="off")
        times = [0.0, 1.0, 1.1, 5.0, 6.0, 10.0, 11.0, 12.0]
        assert [fires(engine, at) for at in times] == [False, True, True, True, True, False, False, False]

    def test_it_lasts_before_the_first_request_too(self, rule: Any) -> None:
        engine = Engine([rule(RefuseConnection(2.0), nth=(1,))], seed=1, arm="off")
        assert [fires(engine, 0.0, now) for now in (100.0, 101.9, 102.1)] == [True, True, False]

    def test_others_do_not_last(self, rule: Any) -> None:
        engine = Engine([rule(Latency(2.0), nth=(1,)), rule(Blackhole(2.0), "b", nth=(1,))], seed=1, arm="off")
        assert [fires(engine, at) for at in (0.0, 1.0)] == [True, False]


class TestMoments:
    @pytest.mark.parametrize("fault", ENDS)
    def test_an_end_is_for_its_moment_alone(self, rule: Any, fault: Any) -> None:
        engine = Engine([one := rule(fault(), after=2.0)], seed=1, arm="off")
        assert not fires(engine, 1.0)
        assert fires(engine, 2.0, only=one)
        assert not fires(engine, 2.0)

    @pytest.mark.parametrize("fault", ENDS)
    def test_with_for_those_opened_within_it_end_as_well(self, rule: Any, fault: Any) -> None:
        engine = Engine([rule(fault(3.0), after=2.0)], seed=1, arm="off")
        assert [fires(engine, at) for at in (1.9, 2.0, 4.9, 5.0)] == [False, True, True, False]

    @pytest.mark.parametrize("fault", [Blackhole, RefuseConnection])
    def test_after_for_nothing_is_left_of_it(self, rule: Any, fault: Any) -> None:
        engine = Engine([rule(fault(3.0), after=2.0)], seed=1, arm="off")
        assert [fires(engine, at) for at in (1.9, 2.0, 4.9, 5.0)] == [False, True, True, False]

    def test_without_for_it_goes_on(self, rule: Any) -> None:
        engine = Engine([rule(RefuseConnection(), after=2.0, until=4.0)], seed=1, arm="off")
        assert [fires(engine, at) for at in (1.9, 2.0, 3.9, 4.0)] == [False, True, True, False]

    def test_it_may_follow_what_happens_to_a_frame(self, rule: Any) -> None:
        drop = Rule("d", "produce", "response", Match(), When(nth=(2,)), Drop())
        engine = Engine([drop, rule(RefuseConnection(3.0), following="d")], seed=1, arm="off")
        answer = Frame("produce", "response", "c", 1, 1, (Entry("t", 0, False, 1, 1),))
        seen = []
        for at in (0.0, 1.0):
            engine.decide(answer, at, 100.0 + at)
            seen.append(fires(engine, at, 100.0 + at))
        assert [*seen, fires(engine, 3.9, 103.9), fires(engine, 4.0, 104.0)] == [False, True, True, False]

    def test_when_it_began(self, rule: Any) -> None:
        engine = Engine([one := rule(Blackhole(3.0), after=2.0)], seed=1, arm="off")
        assert engine.began(one, 1.0, 101.0) is None
        assert engine.began(one, 2.5, 102.5) == 102.0

    def test_one_without_a_moment_never_began(self, rule: Any) -> None:
        engine = Engine([one := rule(Blackhole(3.0), nth=(1,))], seed=1, arm="off")
        assert fires(engine, 0.0)
        assert engine.began(one, 0.0, 0.0) is None


@pytest.mark.parametrize(("ids", "names"), [(("*",), False), (("a*",), True), (("a", "*"), False), (("a", "b"), True)])
def test_a_rule_that_names_clients_is_asked_once_they_have_a_name(rule: Any, ids: tuple[str, ...], names: bool) -> None:
    engine = Engine([rule(Latency(1.0), match={"client_id": ids})], seed=1, arm="off")
    told = {named: engine.each("connection", opened(client="a"), 0.0, named=named)[0] for named in (True, False)}
    assert [bool(told[named]) for named in (True, False)] == [names, not names]
