"""Whose turn it is, with what a dead producer left and what failed."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ackdrop.workload import driving
from ackdrop.workload.plan import ProducerPlan
from ackdrop.workload.turns import Turn, Turns

MakeTurns = Callable[..., Turns]


@pytest.fixture
def make_turns(make_plan: Callable[..., ProducerPlan]) -> MakeTurns:
    return lambda **changes: Turns(driving.Plan(**json.loads(make_plan(**changes).line(-1))))


def begun(turns: Turns) -> Turn:
    turn = turns.next()
    turns.begin(turn)
    return turn


def test_a_dead_producers_work_comes_first_and_keeps_its_numbers(make_turns: MakeTurns) -> None:
    turns = make_turns(records=3, again=((0, 1),), resent=((0, 1),), position=2, first=2, resend_failed=1)
    assert turns.planned == 2
    first = begun(turns)
    assert (first.order, first.record, first.send) == (2, 0, 1)
    turns.failed(first)
    again = begun(turns)
    assert (again.order, again.record, again.send, again.instead_of) == (3, 0, 2, 2)
    last = begun(turns)
    assert (last.order, last.record, last.send, last.instead_of) == (4, 2, 0, None)
    assert not turns.remain


def test_each_send_of_a_record_may_be_sent_again_so_often(make_turns: MakeTurns) -> None:
    turns = make_turns(records=1, sends=2, resend_failed=1)
    one, other = begun(turns), begun(turns)
    turns.failed(other)
    turns.failed(one)
    assert turns.waiting == 2
    again = [begun(turns), begun(turns)]
    assert [(turn.send, turn.instead_of, turn.left) for turn in again] == [(2, 1, 0), (3, 0, 0)]
    for turn in again:
        turns.failed(turn)
    assert (turns.waiting, turns.remain) == (0, False)


def test_without_the_word_nothing_is_sent_again(make_turns: MakeTurns) -> None:
    turns = make_turns(records=1)
    turns.failed(begun(turns))
    assert not turns.remain


def test_it_begins_when_it_is_said_to(make_turns: MakeTurns) -> None:
    turns = make_turns(records=2, resend_failed=1)
    assert turns.next() == turns.next()
    turns.failed(begun(turns))
    assert turns.next() == turns.next()
    assert (turns.waiting, turns.next().send) == (1, 1)
