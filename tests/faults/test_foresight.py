"""What is foreseen is what the engine then says: up to the count that may fire, every frame passes and is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.faults import Delay, Disconnect, Kill
from ackdrop.faults.engine import Engine
from ackdrop.faults.foresight import NEVER
from ackdrop.faults.rule import Entry, Frame, Match, Rule, When
from ackdrop.faults.spans import Span

ORDERS = Entry("orders", 3, True, 1, None, 7)
REQUEST = Frame("produce", "request", "c", 1, 0, (ORDERS,), version=9, acks=-1)
ANSWER = replace(REQUEST, side="response")


def rule(fault: Any = None, name: str = "r", *, at: str = "produce", side: Any = "response", **match: Any) -> Rule:
    when = match.pop("when", When())
    return Rule(name, at, side, Match(**match), when, fault or Delay(1.0))


def engine(*rules: Rule) -> Engine:
    return Engine(rules, seed=7, arm="on")


times = st.none() | st.integers(1, 3)
whens = st.one_of(
    st.builds(When, nth=st.lists(st.integers(1, 400), min_size=1, max_size=3).map(tuple), times=times),
    st.builds(When, first=st.integers(1, 5), times=times),
    st.builds(When, every=st.integers(1, 90), times=times),
    st.builds(When, probability=st.sampled_from((0.0, 0.002, 0.05, 1.0)), times=times),
    st.builds(When, times=st.just(1)),
)


@given(whens, st.integers(0, 200))
def test_all_before_the_limit_pass_and_none_that_fires_is_beyond_it(when: When, before: int) -> None:
    one = rule(when=when)
    asked, counted = engine(one), engine(one)
    for _ in range(before):
        asked.decide(ANSWER, 1.0)
        counted.decide(ANSWER, 1.0)
    found = counted.foresee(REQUEST, 1.0, 1.0)
    assert found is not None
    (gate,) = found.answers
    limit = gate.look()
    assert gate.trigger[0] == before
    for _ in range(before + 1, min(limit, before + 500)):
        for cell in gate.counted:
            cell[0] += 1
        outcome, _ = asked.decide(ANSWER, 1.0)
        assert outcome is None
    assert asked.counts(one) == counted.counts(one)
    assert counted.take_let_pass() in ([], [("r", min(limit, before + 500) - before - 1)])
    assert counted.take_let_pass() == []
    if limit <= before + 500:
        (one_more, _), (same, _) = asked.decide(ANSWER, 1.0), counted.decide(ANSWER, 1.0)
        assert (one_more is None) == (same is None)
        assert one_more is not None or (when.probability is not None and limit % 256 == 0)  # where a look ends


@pytest.mark.parametrize(
    ("changed", "requests", "answers"),
    [
        ({"side": "request"}, 1, 0),
        ({"side": "response"}, 0, 1),
        ({"at": "fetch"}, 0, 0),
        ({"at": "*", "side": "request"}, 1, 0),
        ({"at": "*", "side": "request", "api": ("fetch",)}, 0, 0),
        ({"at": "broker", "side": "event", "fault": Kill(), "when": When(every=9)}, 1, 0),
        ({"at": "broker", "side": "event", "fault": Kill(), "when": When(after=9.0)}, 0, 0),
        ({"at": "connection", "side": "event"}, 0, 0),
        ({"topic": ("o*",)}, 0, 1),
        ({"topic": ("p*",)}, 0, 0),
        ({"partition": (3,)}, 0, 1),
        ({"partition": (4,)}, 0, 0),
        ({"client_id": ("other",)}, 0, 0),
        ({"attempt": "first"}, 0, 1),
        ({"attempt": "retry"}, 0, 0),
        ({"idempotent": False}, 0, 0),
        ({"size": Span(10, 20)}, 0, 1),
        ({"records": Span(2, None)}, 0, 1),
        ({"when": When(until=1.0)}, 0, 0),
        ({"when": When(after=5.0)}, 0, 0),
    ],
)
def test_who_counts(changed: dict[str, Any], requests: int, answers: int) -> None:
    found = engine(rule(**changed)).foresee(REQUEST, 2.0, 12.0)
    assert found is not None
    assert (len(found.requests), len(found.answers)) == (requests, answers)


def test_it_holds_until_a_window_opens_or_closes() -> None:
    def until(*whens: When) -> float:
        found = engine(*(rule(name=f"r{n}", when=when) for n, when in enumerate(whens))).foresee(REQUEST, 2.0, 12.0)
        assert found is not None
        return found.until

    assert until(When(after=1.0)) == float("inf")
    assert until(When(after=5.0)) == pytest.approx(15.0, abs=1e-5)
    assert until(When(after=5.0), When(until=3.0)) == pytest.approx(13.0, abs=1e-5)
    assert until(When(after=5.0)) < 15.0  # rounding must not let it be too late


@pytest.mark.parametrize("change", ["arm", "disarm", "reset", "install"])
def test_what_was_foreseen_is_void_once_rules_change(change: str) -> None:
    one = rule(when=When(every=3))
    asked = engine(one)
    before = asked.changes[0]
    getattr(asked, change)([one] if change == "install" else one)
    assert asked.changes[0] != before


def test_and_once_a_rule_fires_that_others_follow() -> None:
    leads, alone = rule(name="leads", when=When(nth=(2,))), rule(name="alone", when=When(nth=(1,)))
    follows = rule(name="follows", when=When(following="leads"))
    asked = engine(leads, alone, follows)
    found = asked.foresee(REQUEST, 1.0, 1.0)
    assert found is not None
    assert len(found.answers) == 2
    before = asked.changes[0]
    asked.decide(ANSWER, 1.0)
    assert asked.changes[0] == before
    asked.decide(ANSWER, 1.0)
    assert asked.changes[0] != before
    found = asked.foresee(REQUEST, 1.0, 1.0)
    assert found is not None
    assert len(found.answers) == 3


def test_nothing_is_foreseen_while_a_fault_lasts() -> None:
    asked = engine(rule(Disconnect(5.0), when=When(nth=(1,))))
    assert asked.foresee(REQUEST, 1.0, 1.0) is not None
    before = asked.changes[0]
    asked.decide(ANSWER, 1.0)
    assert asked.changes[0] != before
    assert asked.foresee(REQUEST, 5.0, 5.0) is None
    assert asked.foresee(REQUEST, 6.5, 6.5) is not None


def test_two_producers_of_one_place_have_limits_of_their_own() -> None:
    """They share the count that chance is drawn by, and not the one of `times`."""
    asked = engine(rule(when=When(probability=1.0, times=1, per="producer")))
    other = replace(REQUEST, entries=(replace(ORDERS, producer_id=8),))
    asked.decide(ANSWER, 1.0)
    limits = []
    for request in (REQUEST, other):
        found = asked.foresee(request, 1.0, 1.0)
        assert found is not None
        limits.append(found.answers[0].look())
    assert limits == [NEVER, 2]
