"""The same seed makes the same decisions, and runs that go on side by side do not meet."""

from __future__ import annotations

import pytest

from .conftest import Ran, one, scenario

pytestmark = pytest.mark.integration

CHANCE = scenario(
    fault={"when": {"probability": 0.3}, "match": {"attempt": "first"}},
    workload={"records": 14},
    expect={"off": {"lost": 0}, "on": {"lost": 0}},
)
SPREAD = scenario(
    fault={"when": {"probability": 0.3}},
    workload={"records": 60, "pipelined": True, "topic": {"partitions": 3}, "rate": "200/s"},
    expect={"off": {"lost": 0}, "on": {"lost": 0}},
)

CASES = {
    "chance": one(CHANCE),
    "chance-again": one(CHANCE),
    "chance-other-seed": one(CHANCE, env={"ACKDROP_SEED": "12"}),
    "spread": one(SPREAD),
    "spread-again": one(SPREAD),
}


def test_the_same_seed_makes_the_same_decisions(ran: Ran) -> None:
    first, again = ran("chance"), ran("chance-again")
    assert first.decisions() == again.decisions()
    verdicts = {verdict for *_, verdict in first.decisions()}
    assert verdicts == {"pass", "error"}
    assert first.decisions()[0][:6] == ("off", "the fault", "ackdrop-off", "ackdrop-verb-off", 0, 1)


def test_another_seed_makes_others(ran: Ran) -> None:
    other = ran("chance-other-seed")
    assert other.result["scenario"]["seed"] == 12
    assert other.decisions() != ran("chance").decisions()


def test_in_flight_each_place_is_decided_alike(ran: Ran) -> None:
    first, again = ({tuple(place): verdict for *place, verdict in ran(name).decisions()} for name in TWICE)
    both = first.keys() & again.keys()
    assert {place[4] for place in both} == {0, 1, 2}
    assert {first[place] for place in both} == {"pass", "error"}
    assert {place: first[place] for place in both} == {place: again[place] for place in both}


TWICE = ("spread", "spread-again")


def test_runs_side_by_side_do_not_meet(ran: Ran) -> None:
    """Both ran at the same time, from files of one name, before one broker."""
    one, other = ran("chance"), ran("chance-again")
    for done in (one, other):
        for arm in done.result["arms"]:
            assert (arm["records"]["sent"], arm["log"]["distinct"], arm["log"]["past_proxy"]) == (14, 14, 0)
    places = [
        {place["topic"] for arm in done.result["arms"] for found in arm["findings"] for place in found["places"]}
        for done in (one, other)
    ]
    assert places[0].isdisjoint(places[1])
