"""Attempts by which nothing happened, in all their forms."""

from __future__ import annotations

from ackdrop.observations import Acked, Answered, Attempt, Flow, Forwarded, PackedAttempts, Passed
from ackdrop.passed import expanded, one_of, packed, sums

FLOW = Flow(3, "app", "java", 9, -1, "tx", "orders", 2, 4000, 1)
ROWS = [(7, 1.5, 70, 10, 5, 0xFFFF_FFFF, 120, 1.75, 100), (9, 2.5, 71, 15, 1, 17, 90, 2.75, 105)]


def test_it_stands_for_four_observations_an_attempt():
    facts = list(expanded(Passed(FLOW, ROWS)))
    assert facts[:4] == [
        Attempt(
            7, 1.5, 3, 70, "app", "java", 9, -1, "tx", "orders", 2, 4000, 1, 10, 5, 0xFFFF_FFFF, 120, None, 1, False
        ),
        Forwarded(1.5, 7),
        Answered(1.75, 7, 0, 100),
        Acked(1.75, 7, "delivered", 0),
    ]
    assert len(facts) == 8


def test_attempts_are_the_same_as_bytes():
    found = packed(ROWS)
    assert packed(found) is found
    assert (len(found), list(found), found[1]) == (2, ROWS, ROWS[1])
    assert (len(found.cells), len(found.times)) == (2 * 7 * 8, 2 * 2 * 8)
    assert list(packed([])) == []
    assert isinstance(found, PackedAttempts)


def test_sums_are_taken_of_both_forms():
    assert sums(ROWS) == sums(packed(ROWS)) == (2, 6, 1.5)
    assert sums(ROWS[:1]) == sums(packed(ROWS[:1])) == (1, 5, 1.5)


def test_one_of_them_is_found_by_its_number():
    for attempts in (ROWS, packed(ROWS)):
        assert list(one_of(Passed(FLOW, attempts), 9)) == [Passed(FLOW, ROWS[1:])]
        assert list(one_of(Passed(FLOW, attempts), 8)) == []
