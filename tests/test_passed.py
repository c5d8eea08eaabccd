"""Attempts by which nothing happened, in all their forms."""

from __future__ import annotations

from dataclasses import replace

from ackdrop.observations import (
    Acked,
    Answered,
    Asked,
    Attempt,
    Changed,
    Flow,
    Forwarded,
    Passed,
    Reached,
)
from ackdrop.passed import expanded, in_time, one_of, reached
from ackdrop.series import packed

FLOW = Flow(3, "app", "java", 9, -1, "tx", "orders", 2, 4000, 1)
ROWS = [(7, 1.5, 70, 10, 5, 0xFFFF_FFFF, 120, 1.75, 100), (9, 2.5, 71, 15, 1, 17, 90, 2.75, 105)]


def test_it_stands_for_four_observations_an_attempt():
    facts = list(expanded(Passed.of(FLOW, ROWS)))
    assert facts[:4] == [
        Attempt(
            7, 1.5, 3, 70, "app", "java", 9, -1, "tx", "orders", 2, 4000, 1, 10, 5, 0xFFFF_FFFF, 120, None, 1, False
        ),
        Forwarded(1.5, 7),
        Answered(1.75, 7, 0, 100),
        Acked(1.75, 7, "delivered", 0),
    ]
    assert len(facts) == 8


def test_one_of_them_is_found_by_its_number():
    for attempts in (ROWS, packed(ROWS)):
        assert list(one_of(Passed.of(FLOW, attempts), 9)) == [Passed.of(FLOW, ROWS[1:])]
        assert list(one_of(Passed.of(FLOW, attempts), 8)) == []
    series = packed([(number, 1.5, number, -1, 2, number, 90, 1.75, 2 * number) for number in (3, 4, 5)])
    found = [list(one_of(Passed.of(FLOW, series), number)) for number in (2, 5, 6)]
    assert found == [[], [Passed.of(FLOW, series[2:])], []]


def test_it_stands_for_a_request_and_an_answer_where_rules_were_armed():
    entries = (("orders", 2, 4000, 1, 7, 5, 120),)
    frames = list(reached(Passed.of(FLOW, packed(ROWS), Asked(1, True, 0.5))))
    request, answer = "produce.request", "produce.response"
    assert frames[:2] == [
        Reached(1.5, request, "produce", 9, "request", "app", 3, 1, True, 70, -1, "tx", entries, 1.0),
        Reached(1.75, answer, "produce", 9, "response", "app", 3, 1, True, 70, -1, "tx", entries, 1.25),
    ]
    assert len(frames) == 4
    assert list(reached(Passed.of(FLOW, ROWS))) == []


def row(number, at, answered_at):
    return (number, at, number, -1, 1, 17, 90, answered_at, number)


def test_frames_come_in_the_order_of_their_times_however_late_they_are_told():
    asked = Asked(1, True, 0.5)
    other = Flow(4, "app", "java", 9, -1, None, "orders", 2, 4001, 1)
    told = [*reached(Passed.of(FLOW, [row(5, 5.0, 5.5)], asked)), *reached(Passed.of(FLOW, [row(3, 3.0, 9.0)], asked))]
    changed = Changed(4.0, "x", "armed", "keys", None, 3.5)
    passed = [
        Passed.of(other, [row(4, 5.0, 8.0), row(6, 5.0, 8.0)], asked),
        Passed.of(FLOW, [], asked),
        Passed.of(FLOW, [row(1, 1.0, 6.0), row(2, 3.0, 6.0)], asked),
    ]
    told += [replace(told[0], correlation_id=5, entries=(("", -1, -1, 1, None, 0, 40),), connection=4)]
    found = list(in_time([*told, changed], passed))
    assert [one.fault if isinstance(one, Changed) else (one.at, one.correlation_id, one.side[:3]) for one in found] == [
        (1.0, 1, "req"), (3.0, 2, "req"), (3.0, 3, "req"), "x",
        (5.0, 4, "req"), (5.0, 5, "req"), (5.0, 5, "req"), (5.0, 6, "req"), (5.5, 5, "res"),
        (6.0, 1, "res"), (6.0, 2, "res"), (8.0, 4, "res"), (8.0, 6, "res"), (9.0, 3, "res"),
    ]  # fmt: skip


def test_a_request_that_is_told_by_itself_after_later_ones_comes_before_them():
    asked = Asked(1, True, 0.5)
    other = Flow(4, "app", "java", 9, -1, None, "orders", 2, 4001, 1)
    six, four = (next(iter(reached(Passed.of(FLOW, [row(number, 5.0, 9.0)], asked)))) for number in (6, 4))
    answer = replace(six, side="response", entries=(("orders", 2, 4001, 1, 1, 1, 90),))
    found = list(in_time([answer, six, four], [Passed.of(other, [row(5, 5.0, 8.0)], asked)]))
    assert [(one.entries[0][4], one.side) for one in found[:4]] == [
        (1, "response"), (4, "request"), (5, "request"), (6, "request"),
    ]  # fmt: skip
