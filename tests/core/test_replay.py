"""What was recorded, asked about again: the same rules decide the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ackdrop.faults import Disconnect, Drop, Error, Kill, Latency, Pause
from ackdrop.faults.engine import Engine
from ackdrop.faults.replay import Replay
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Decided, Passed, Reached
from ackdrop.passed import in_time

from .told import fired
from .twins import STEPS, Twins, seeds

RULES: dict[str, list[Rule]] = {
    "the nth": [Rule("r", "produce", "response", Match(attempt="first"), When(nth=(3,)), Drop())],
    "by chance, each partition": [
        Rule("r", "produce", "response", Match(), When(probability=0.3, per="partition", times=2), Error(7)),
        Rule("s", "produce", "response", Match(partition=(1,)), When(every=2), Error(6)),
    ],
    "in a window": [Rule("r", "produce", "response", Match(), When(after=2.0, until=5.0), Error(7))],
    "one behind another": [
        Rule("r", "produce", "response", Match(partition=(0,)), When(nth=(2,)), Error(7)),
        Rule("s", "produce", "response", Match(), When(following="r", first=2), Error(6)),
    ],
    "at requests of any API": [Rule("r", "*", "request", Match(client_id=("me",)), When(nth=(4,)), Error(7))],
    "at connections": [
        Rule("r", "connection", "event", Match(), When(every=2), Latency(0.01)),
        Rule("s", "connection", "event", Match(client_id=("me",)), When(first=1), Latency(0.01)),
    ],
    "at a moment of connections": [Rule("r", "connection", "event", Match(), When(after=3.5), Disconnect())],
    "at processes": [
        Rule("r", "broker", "event", Match(), When(nth=(3,)), Pause(1.0)),
        Rule("s", "workload", "event", Match(), When(after=2.5), Kill()),
    ],
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_the_same_rules_decide_the_same(rules: list[Rule], playbook: Any, frames: Any) -> None:
    def label(topic: str) -> str:
        return topic.removesuffix("-run1")

    play = playbook(*rules, label=label)
    lines = [play.connect(), play.connect(node=1)]
    for turn in range(12):
        play.at(1.0 + turn / 2)
        line = lines[turn % 2]
        raw = [frames.batch(frames.record(b"%d %d" % (turn, each))) for each in range(2)]
        shares = [("t-run1", each, raw[each]) for each in range(2)]
        line.client(frames.produce(turn, *shares, client="me" if turn % 2 else "you"))
        line.broker(frames.produced(turn, ("t-run1", 0, 0, turn), ("t-run1", 1, 0, turn)))
    engine = Engine(rules, seed=1, arm="off", label=label)
    replayed = [one for answer in Replay(engine, "-run1").ask(play.all(Reached)) for one in answer.decided]
    decided = play.all(Decided)
    assert decided
    assert [dataclasses.replace(one, at=0) for one in replayed] == [dataclasses.replace(one, at=0) for one in decided]


def test_connections_that_are_over_are_not_asked_at_a_moment(playbook: Any, frames: Any) -> None:
    rules = [Rule("r", "connection", "event", Match(), When(after=2.0), Latency(0.01))]
    play = playbook(*rules)
    first, second = play.connect(), play.connect()
    for number, line in enumerate((first, second)):
        line.client(frames.produce(1, ("t", 0, frames.batch(frames.record(b"%d" % number)))))
        line.broker(frames.produced(1, ("t", 0, 0, number)))
    first.client_ends()
    first.broker_ends()
    play.at(3.0)
    second.client(frames.produce(2, ("t", 0, frames.batch(frames.record(b"x")))))
    answers = Replay(Engine(rules, seed=1, arm="off")).ask(play.all(Reached))
    replayed = [(one.connection, one.n, one.fired) for answer in answers for one in answer.decided]
    decided = [(one.connection, one.n, one.fired) for one in play.all(Decided)]
    assert replayed == decided
    assert decided == [(2, 1, True)]


def test_other_rules_are_asked_about_what_these_let_pass(playbook: Any, frames: Any) -> None:
    play = playbook(Rule("never", "produce", "response", Match(), When(nth=(99,)), Drop()))
    line = play.connect()
    for turn in range(5):
        play.at(float(turn))
        line.client(frames.produce(turn, ("t", 0, frames.batch(frames.record(b"%d" % turn)))))
        line.broker(frames.produced(turn, ("t", 0, 0, turn)))
    rule = Rule("other", "produce", "request", Match(), When(nth=(2, 4)), Drop())
    answers = list(Replay(Engine([rule], seed=1, arm="off")).ask(play.all(Reached)))
    assert [(answer.elapsed, answer.fired) for answer in answers] == [
        (float(turn), turn in (1, 3)) for turn in range(5)
    ]


def test_what_went_the_short_way_is_asked_about_as_well(playbook: Any, frames: Any) -> None:
    """The same requests, a part of which is told as `Passed` or late: every rule decides what it had decided."""
    passed = 0
    for seed in seeds(30):
        twins = Twins(seed, playbook, frames, armed=True)
        for _ in range(STEPS):
            for play in twins.plays:
                play.at(play.now + 1e-6)  # as on a clock of our own world: nothing comes at the very same time
            twins.step()
        twins.same_in_the_end()
        quick, slow = (play.seen for play in twins.plays)
        told = [seen for seen in quick if isinstance(seen, Reached)]
        lines = [seen for seen in quick if isinstance(seen, Passed) and seen.asked is not None]
        passed += len(lines)
        answers = Replay(Engine(twins.rules, seed=1, arm="off")).ask(in_time(told, lines))
        replayed = [one for answer in answers for one in answer.decided]
        decided = [seen for seen in slow if isinstance(seen, Decided)]
        assert [one for one in replayed if one.fired] == fired(slow), (seed, twins.rules)
        assert len(replayed) == len(decided)
    assert passed > 100


@pytest.mark.parametrize("tls", [True, False])
def test_rules_at_processes_know_whether_a_client_speaks_tls(tls: bool) -> None:
    """As on the wire (`moments`)."""
    entry = ("t", 0, -1, 1, 1, 1, 69)
    reached = Reached(1.0, "produce.request", "produce", 9, "request", "c", 1, -1, tls, 5, -1, None, (entry,), 0.0)
    rule = Rule("r", "broker", "event", Match(tls=True), When(nth=(1,)), Pause(1.0))
    answers = Replay(Engine([rule], seed=1, arm="off")).ask([reached])
    assert [answer.fired for answer in answers] == ([True] if tls else [])
