"""Rules that come, go, rest and are reset while traffic passes."""

from __future__ import annotations

import dataclasses
import gc
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ackdrop.core import changing
from ackdrop.core.commands import Close, Do, Side
from ackdrop.faults import Blackhole, Disconnect, Drop, Error, Kill, Latency, Pause, Reset, Throttle
from ackdrop.faults.engine import Engine
from ackdrop.faults.replay import Replay
from ackdrop.faults.rule import Match, Rule, When
from ackdrop.observations import Changed, Decided, Reached


class Changes:
    """What somebody does to the rules of a play. Each gives the commands that came back."""

    def __init__(self, play: Any) -> None:
        self._play = play

    def told(self, rule: Rule, change: Any) -> Changed:
        play = self._play
        return Changed(play.now, rule.name, change, "control", None, play.wire.elapsed(play.now))

    def install(self, *rules: Rule) -> Any:
        there = self._play.wire.engine.all
        told = [self.told(rule, "removed") for rule in there if all(each is not rule for each in rules)]
        told += [self.told(rule, "added") for rule in rules if all(each is not rule for each in there)]
        return self._play.noted(changing.install(self._play.wire, rules, told, self._play.now))

    def add(self, rule: Rule) -> Any:
        return self.install(*self._play.wire.engine.all, rule)

    def remove(self, rule: Rule) -> Any:
        return self.install(*[each for each in self._play.wire.engine.all if each is not rule])

    def arm(self, rule: Rule) -> Any:
        return self._play.noted(changing.arm(self._play.wire, rule, self.told(rule, "armed"), self._play.now))

    def disarm(self, rule: Rule) -> Any:
        return self._play.noted(changing.disarm(self._play.wire, rule, self.told(rule, "disarmed"), self._play.now))

    def reset(self, rule: Rule) -> Any:
        return self._play.noted(changing.reset(self._play.wire, rule, self.told(rule, "reset"), self._play.now))


def connection(fault: Any, name: str = "c", match: dict[str, Any] | None = None, **when: Any) -> Rule:
    return Rule(name, "connection", "event", Match(**(match or {})), When(**when), fault)


@pytest.fixture
def exchange(ask: Any, told: Any) -> Any:
    """`exchange(line, n)`: the n-th produce request and its answer; whether the client got it."""

    def do(line: Any, n: int, **more: Any) -> bool:
        line.client(ask(n, **more))
        return bool(line.broker(told(n)) == [line.to_client(told(n))])

    return do


class TestRules:
    def test_one_that_is_added_is_asked_from_then_on(self, playbook: Any, rule: Any, exchange: Any) -> None:
        play = playbook()
        line = play.connect()
        assert exchange(line, 1)
        Changes(play).add(rule(Drop("skip"), nth=(1,)))
        assert not exchange(line, 2)
        assert exchange(line, 3)

    def test_one_that_rests_neither_fires_nor_counts(self, playbook: Any, rule: Any, exchange: Any) -> None:
        lose = rule(Drop("skip"), nth=(2,))
        play = playbook(lose)
        changes, line = Changes(play), play.connect()
        assert exchange(line, 1)
        changes.disarm(lose)
        assert exchange(line, 2)
        changes.arm(lose)
        assert not exchange(line, 3)

    def test_a_reset_lets_it_count_from_nothing(self, playbook: Any, rule: Any, exchange: Any) -> None:
        lose = rule(Drop("skip"), nth=(1,), times=1)
        play = playbook(lose)
        line = play.connect()
        assert [exchange(line, n) for n in (1, 2)] == [False, True]
        Changes(play).reset(lose)
        assert [exchange(line, n) for n in (3, 4)] == [False, True]

    def test_the_others_go_on_counting_whatever_happens_to_one(self, playbook: Any, rule: Any, exchange: Any) -> None:
        lose, other = rule(Drop("skip"), "a", nth=(6,)), rule(Error(7), "b", nth=(99,))
        play = playbook(other, lose)
        changes, line = Changes(play), play.connect()
        turns = [
            lambda: changes.add(rule(Error(6), "c", nth=(99,))),
            lambda: changes.disarm(other),
            lambda: changes.arm(other),
            lambda: changes.reset(other),
            lambda: changes.remove(other),
        ]
        for n, turn in enumerate(turns, 1):
            assert exchange(line, n)
            turn()
        assert not exchange(line, 6)

    def test_one_that_follows_waits_anew_for_one_that_was_reset(self, playbook: Any, rule: Any, exchange: Any) -> None:
        first = rule(Drop("skip"), "first", match={"partition": (1,)}, times=1)
        then = rule(Drop("skip"), "then", following="first")
        play = playbook(first, then)
        line = play.connect()
        Changes(play).reset(first)
        assert exchange(line, 1)

    def test_a_change_is_told_before_what_follows(self, playbook: Any) -> None:
        play = playbook()
        play.connect()
        Changes(play).add(connection(Latency(0.1)))
        kinds = [type(seen) for seen in play.seen if isinstance(seen, Reached | Changed | Decided)]
        assert kinds == [Reached, Changed, Decided]

    def test_nothing_is_told_of_frames_while_nothing_is_armed(self, playbook: Any, rule: Any, exchange: Any) -> None:
        never = rule(Drop(), nth=(99,))
        play = playbook(never)
        line = play.connect()
        Changes(play).disarm(never)
        before = len(play.all(Reached))
        exchange(line, 1)
        assert len(play.all(Reached)) == before
        assert play.wire.engine.rules == ()

    def test_with_nothing_armed_the_wire_does_what_it_does_without_rules(
        self, playbook: Any, rule: Any, on: Any, exchange: Any, frames: Any
    ) -> None:
        """To the very call: of rules that rest, no frame knows."""
        rules = [
            rule(Drop(), nth=(99,)),
            on("list_groups.response", Drop(), "m", nth=(99,)),
            connection(Latency(1.0), match={"client_id": ("me",)}),
            Rule("p", "broker", "event", Match(), When(after=1.0), Pause(1.0)),
        ]

        def calls(play: Any) -> int:
            line, count = play.connect(), 0

            def counted(frame: Any, event: str, argument: Any) -> None:
                nonlocal count
                count += event in ("call", "c_call")

            gc.disable()  # what it finalizes is called as well
            sys.setprofile(counted)
            try:
                for n in range(1, 6):
                    exchange(line, n)
                line.client(frames.request(16, 0, 7))
                line.broker(frames.answer(7, b"\0" * 6))
            finally:
                sys.setprofile(None)
                gc.enable()
            return count

        resting = playbook(*rules)
        for each in rules:
            Changes(resting).disarm(each)
        calls(playbook())  # what is made once is made
        assert calls(resting) == calls(playbook())
        Changes(resting).arm(rules[0])
        assert calls(resting) > calls(playbook())

    def test_apis_that_streamed_are_read_once_a_rule_is_about_them(self, playbook: Any, on: Any, frames: Any) -> None:
        play = playbook()
        line = play.connect()
        list_groups = frames.request(16, 0, 1)
        assert line.client(list_groups) == [line.to_broker(list_groups)]
        Changes(play).add(on("list_groups.request", Drop("skip")))
        line.broker(frames.answer(1, b"\0" * 6))
        assert line.client(frames.request(16, 0, 2)) == []


class TestConnections:
    def test_what_lies_on_connections_lies_on_open_ones_at_once_and_goes_with_its_rule(
        self, playbook: Any, ask: Any
    ) -> None:
        play = playbook()
        changes, line = Changes(play), play.connect()
        slow = connection(Latency(1.0))
        changes.add(slow)
        assert line.client(ask(1)) == []
        changes.disarm(slow)
        assert line.client(ask(2)) == []  # still behind the first one
        assert play.at(1.0) == [line.to_broker(ask(1), ask(2))]
        assert line.client(ask(3)) == [line.to_broker(ask(3))]
        changes.arm(slow)
        assert line.client(ask(4)) == []

    def test_layers_of_other_rules_stay(self, playbook: Any, ask: Any) -> None:
        slow, slower = connection(Latency(1.0), "a"), connection(Latency(2.0), "b")
        play = playbook(slow, slower)
        line = play.connect()
        Changes(play).remove(slow)
        line.client(ask(1))
        assert play.at(1.5) == []
        assert play.at(2.0) == [line.to_broker(ask(1))]

    def test_a_connection_out_of_which_a_blackhole_has_swallowed_bytes_cannot_go_on(
        self, playbook: Any, ask: Any
    ) -> None:
        hole = connection(Blackhole(None))
        play = playbook(hole)
        used, unused = play.connect(), play.connect()
        used.client(ask(1))
        commands = Changes(play).disarm(hole)
        assert Close(used.number, Side.CLIENT, "reset") in commands
        assert unused.client(ask(2)) == [unused.to_broker(ask(2))]

    def test_a_blackhole_that_ends_lets_go_what_waited(self, playbook: Any, ask: Any) -> None:
        hole = connection(Blackhole(10.0))
        play = playbook(hole)
        line = play.connect()
        line.client(ask(1))
        assert Changes(play).disarm(hole) == [line.to_broker(ask(1))]

    def test_open_connections_are_left_alone_by_what_ends_new_ones(self, playbook: Any, exchange: Any) -> None:
        play = playbook()
        line = play.connect()
        Changes(play).add(connection(Disconnect()))
        assert exchange(line, 1)
        assert play.connect().connection.closed_how == "fin"

    def test_a_moment_that_has_passed_comes_at_once_and_once(self, playbook: Any, exchange: Any) -> None:
        play = playbook()
        changes, line = Changes(play), play.connect()
        exchange(line, 1)
        play.at(5.0)
        cut = connection(Disconnect(), after=0.0)
        assert Close(line.number, Side.CLIENT, "fin") in changes.add(cut)
        other = play.connect()
        changes.disarm(cut)
        assert changes.arm(cut) == []
        assert exchange(other, 2)

    def test_a_moment_to_come_is_planned(self, playbook: Any, exchange: Any) -> None:
        play = playbook()
        line = play.connect()
        exchange(line, 1)
        Changes(play).add(connection(Disconnect(), after=3.0))
        assert play.at(2.9) == []
        assert Close(line.number, Side.CLIENT, "fin") in play.at(3.0)

    def test_a_moment_that_passes_while_it_rests_comes_when_it_is_armed(self, playbook: Any, exchange: Any) -> None:
        cut = connection(Disconnect(), after=3.0)
        play = playbook(cut)
        changes, line = Changes(play), play.connect()
        exchange(line, 1)
        changes.disarm(cut)
        assert play.at(4.0) == []
        assert Close(line.number, Side.CLIENT, "fin") in changes.arm(cut)

    def test_before_the_first_produce_request_no_time_has_come(self, playbook: Any, exchange: Any) -> None:
        play = playbook()
        line = play.connect()
        play.at(5.0)
        assert Changes(play).add(connection(Disconnect(), after=1.0)) == []
        assert exchange(line, 1)
        assert Close(line.number, Side.CLIENT, "fin") in play.at(6.0)

    def test_a_client_that_nobody_knew_is_met_at_its_next_request(self, playbook: Any, exchange: Any, ask: Any) -> None:
        play = playbook()
        me, you = play.connect(), play.connect()
        exchange(me, 1, client="me")
        exchange(you, 1, client="you")
        Changes(play).add(connection(Latency(1.0), match={"client_id": ("me",)}))
        assert you.client(ask(2, client="you")) == [you.to_broker(ask(2, client="you"))]
        assert me.client(ask(2, client="me")) == []
        assert [(seen.connection, seen.client_id) for seen in play.all(Decided)] == [(1, "me")]

    @pytest.mark.parametrize("cut", [1, 5, 13, 14, 16, 40])
    def test_it_is_met_in_the_middle_of_a_request(self, cut: int, playbook: Any, exchange: Any, ask: Any) -> None:
        play = playbook()
        line = play.connect()
        exchange(line, 1, client="me")
        line.client(ask(2, client="me")[:cut])
        Changes(play).add(connection(Disconnect(), match={"client_id": ("me",)}, after=0.0))
        commands = line.client(ask(2, client="me")[cut:], ask(3, client="me"))
        assert Close(line.number, Side.CLIENT, "fin") in commands

    def test_where_no_rule_is_about_connections_any_more_nothing_is_asked(self, playbook: Any) -> None:
        slow = connection(Throttle(10.0))
        play = playbook(slow)
        Changes(play).remove(slow)
        play.connect()
        assert play.all(Decided) == []


class TestProcesses:
    def test_a_moment_that_has_passed_comes_at_once_and_not_again(self, playbook: Any, exchange: Any) -> None:
        play = playbook()
        changes, line = Changes(play), play.connect()
        exchange(line, 1)
        stop = Rule("p", "broker", "event", Match(), When(after=0.0), Pause(1.0))
        assert [type(command) for command in changes.add(stop)] == [Do]
        changes.disarm(stop)
        assert changes.arm(stop) == []

    def test_the_next_request_brings_one_that_has_none(self, playbook: Any, ask: Any) -> None:
        play = playbook()
        line = play.connect()
        Changes(play).add(Rule("p", "broker", "event", Match(), When(), Kill()))
        assert any(isinstance(command, Do) for command in line.client(ask(1)))


RULES = [
    Rule("a", "produce", "response", Match(), When(every=3), Error(7)),
    Rule("b", "produce", "response", Match(partition=(1,)), When(probability=0.5, times=3), Error(6)),
    Rule("c", "connection", "event", Match(), When(every=2), Latency(0.0)),
    Rule("d", "connection", "event", Match(client_id=("me",)), When(), Latency(0.0)),
    Rule("e", "connection", "event", Match(client_id=("me",)), When(after=4.0), Disconnect()),
    Rule("f", "broker", "event", Match(), When(after=3.0), Pause(1.0)),
    Rule("g", "*", "request", Match(), When(following="a", first=2), Error(7)),
    Rule("h", "connection", "event", Match(), When(following="a"), Latency(0.0)),
    Rule("i", "connection", "event", Match(client_id=("me",)), When(after=4.0), Latency(0.0)),
    Rule("j", "connection", "event", Match(), When(after=5.0), Reset()),
    Rule("k", "produce", "response", Match(), When(every=5), Disconnect()),
    Rule("l", "connection", "event", Match(), When(following="k"), Latency(0.0)),
]
WORDS = ["arm", "reset", "open", "close", "exchange", "exchange", "exchange", "wait"]
INDICES = st.integers(0, len(RULES) - 1)
STEPS = st.lists(st.tuples(st.sampled_from(WORDS), INDICES), min_size=15, max_size=60)
ME, YOU, SAME_AS_ME = 1, 0, 4
"""Whose connection an exchange is on: with three of them, the last two say another id on the same one."""

SCRIPTS = {
    "a moment to come is planned again": [("exchange", ME), ("arm", 4), ("arm", 4), *[("wait", 0)] * 10, ("open", 0)],
    "a client is met late at a moment that has passed": [
        *[("arm", index) for index in range(8)],
        ("exchange", ME),
        *[("wait", 0)] * 10,
        ("arm", 4),
        ("exchange", ME),
        ("exchange", ME),
    ],
    "one that names nobody is asked of those that are open": [
        *[("arm", index) for index in range(8)],
        ("open", 0),
        ("exchange", YOU),
        ("arm", 3),
        ("arm", 2),
        ("exchange", YOU),
        ("exchange", ME),
    ],
    "a client that is waited for is met once": [
        *[("arm", index) for index in (0, 1, 2, 3, 4, 8, 10)],
        *[("open", 0)] * 2,
        ("exchange", SAME_AS_ME),
        ("arm", 4),
        *[("wait", 0)] * 8,
        *[("arm", 4)] * 2,
        ("exchange", ME),
    ],
    "one that has said nothing yet is not waited for anew": [
        *[("arm", index) for index in range(12) if index != 4],
        ("open", 0),
        ("exchange", YOU),
        *[("wait", 0)] * 8,
        *[("arm", 4)] * 2,
        ("exchange", ME),
    ],
    "who a client is was heard while nothing was told": [
        *[("arm", index) for index in range(12)],
        *[("open", 0)] * 2,
        ("arm", 4),
        ("exchange", SAME_AS_ME),
        *[("wait", 0)] * 8,
        ("arm", 4),
        ("exchange", SAME_AS_ME),
        ("arm", 2),
    ],
    "what ends while nothing is told is not asked any more": [
        *[("arm", index) for index in range(12)],
        ("arm", 2),
        ("open", 0),
        ("open", 0),
        ("arm", 2),
        ("close", 1),
        ("arm", 2),
    ],
    "what ends at a moment is not asked about at the same one": [("exchange", ME), *[("wait", 0)] * 8, ("open", 0)],
}


@pytest.mark.parametrize("steps", SCRIPTS.values(), ids=SCRIPTS)
def test_what_was_changed_is_asked_about_again(steps: list[tuple[str, int]], playbook: Any, frames: Any) -> None:
    decided, replayed = asked_twice(steps, set(), playbook(*RULES), frames)
    assert decided
    assert replayed == decided


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, resting=st.sets(INDICES))
def test_whatever_was_changed_is_asked_about_again_as_it_was(
    steps: list[tuple[str, int]], resting: set[int], playbook: Any, frames: Any
) -> None:
    decided, replayed = asked_twice(steps, resting, playbook(*RULES), frames)
    assert replayed == decided


def asked_twice(
    steps: list[tuple[str, int]], resting: set[int], play: Any, frames: Any
) -> tuple[list[Decided], list[Decided]]:
    """What the rules decided in a play of these steps, and what they decide about its recording, times aside."""
    changes = Changes(play)
    for index in resting:
        changes.disarm(RULES[index])
    lines = [play.connect()]
    for number, (what, index) in enumerate(steps, 1):
        rule, line = RULES[index], lines[index % len(lines)]
        if what == "arm":
            (changes.disarm if play.wire.engine.is_armed(rule) else changes.arm)(rule)
        elif what == "reset":
            changes.reset(rule)
        elif what == "open":
            lines.append(play.connect())
        elif what == "close":
            line.shut()
        elif what == "wait":
            play.at(play.now + 0.5)
        else:
            shares = [("t", each, frames.batch(frames.record(b"%d %d" % (number, each)))) for each in range(2)]
            line.client(frames.produce(number, *shares, client="me" if index % 2 else "you"))
            line.broker(frames.produced(number, ("t", 0, 0, number), ("t", 1, 0, number)))
    play.connect().shut()  # a moment that comes behind all that was recorded is known to nobody
    recorded = [seen for seen in play.seen if isinstance(seen, Reached | Changed)]
    answers = Replay(Engine(RULES, seed=1, arm="off")).ask(recorded)
    return (
        [dataclasses.replace(one, at=0) for one in play.all(Decided)],
        [dataclasses.replace(one, at=0) for answer in answers for one in answer.decided],
    )
