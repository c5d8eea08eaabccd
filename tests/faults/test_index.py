"""An index leaves out only rules that could not fit: engines with it and without it say the same of every frame."""

from __future__ import annotations

import random

import pytest

from ackdrop.faults import Drop, Error, index
from ackdrop.faults.engine import Engine
from ackdrop.faults.index import Index
from ackdrop.faults.rule import Entry, Frame, Match, Rule, Side, When

TOPICS, CLIENTS = ("orders", "orders-eu", "billing", ""), ("p1", "p2", "app")
APIS = ("produce", "fetch")
SIDES: tuple[Side, ...] = ("request", "response")


class Everything(Index):
    """No index: every rule about the API and side is asked."""

    def of(self, frame: Frame) -> list[Rule]:
        return list(self.about(frame.api, frame.side))


def rules_at_random(dice: random.Random) -> list[Rule]:
    rules: list[Rule] = []
    for number in range(dice.randint(1, 8)):
        match = Match(
            topic=dice.choice([("*",), ("orders*",), ("billing", "orders"), ("?*",)]),
            partition=dice.choice([None, (0,), (1, 2), (-1,)]),
            client_id=dice.choice([("*",), ("p*",), ("app",)]),
            api=dice.choice([("*",), ("prod*",)]),
        )
        when = dice.choice([When(), When(nth=(2, 5)), When(every=3), When(first=2), When(probability=0.5)])
        if rules and dice.random() < 0.3:
            when = When(following=dice.choice(rules).name)
        fault = Drop("hold") if dice.random() < 0.5 else Error(6)
        rules.append(Rule(f"r{number}", dice.choice([*APIS, "*"]), dice.choice(SIDES), match, when, fault))
    return rules


def frame_at_random(dice: random.Random, number: int) -> Frame:
    def entry() -> Entry:
        return Entry(dice.choice(TOPICS), dice.choice((-1, 0, 1, 2, 3)), dice.random() < 0.5, 1, number)

    entries = tuple(entry() for _ in range(dice.choice((0, 1, 1, 1, 2, 3))))
    return Frame(dice.choice(APIS), dice.choice(SIDES), dice.choice(CLIENTS), 1, number, entries)


@pytest.mark.parametrize("seed", range(60))
def test_with_it_and_without_it_the_same_is_said(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(seed)
    monkeypatch.setattr(index, "MOST_PLACES", dice.choice((1, 5, 20_000)))
    rules = rules_at_random(dice)
    with_it = Engine(rules, seed=seed, arm="on")
    monkeypatch.setattr("ackdrop.faults.engine.Index", Everything)
    without = Engine(rules, seed=seed, arm="on")
    for number in range(80):
        frame = frame_at_random(dice, number)
        assert with_it.decide(frame, float(number)) == without.decide(frame, float(number))
    assert [with_it.counts(rule) for rule in rules] == [without.counts(rule) for rule in rules]


def test_rules_about_something_else_are_not_asked() -> None:
    rules = [Rule(f"r{n}", "produce", "response", Match(topic=(f"t{n}",)), When(), Drop("hold")) for n in range(100)]
    found = Index(rules).of(
        Frame("produce", "response", "c", 1, 1, (Entry("t7", 0, True, 1, 1), Entry("t3", 0, True, 1, 2)))
    )
    assert [rule.name for rule in found] == ["r3", "r7"]


def test_an_engine_says_what_no_rule_reaches() -> None:
    rule = Rule("r", "produce", "response", Match(topic=("orders",), partition=(1,)), When(), Drop("hold"))
    engine = Engine([rule], seed=1, arm="on")
    assert engine.reaches("produce", "response", "c", "orders", 1)
    assert not engine.reaches("produce", "response", "c", "orders", 2)
    assert not engine.reaches("produce", "response", "c", "billing", 1)
    assert not engine.reaches("produce", "request", "c", "orders", 1)
    engine.disarm(rule)
    assert not engine.reaches("produce", "response", "c", "orders", 1)


@pytest.mark.parametrize(("partitions", "most"), [((7,), 100), (None, 1)])
def test_places_are_not_kept_without_end(
    partitions: tuple[int, ...] | None, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no rule names a partition, or a client, all of them are one place."""
    monkeypatch.setattr(index, "MOST_PLACES", 100)
    rules = Index([Rule("r", "produce", "response", Match(partition=partitions), When(), Drop("hold"))])
    for partition in range(1_000):
        reached = rules.reaches("produce", "response", f"c{partition}", "orders", partition)
        assert reached == (partitions is None or partition in partitions)
    assert len(rules._shelf("produce", "response")._places) <= most
