"""What is folded, what never is, and that no figure changes by it."""

from __future__ import annotations

import dataclasses
import sqlite3

import pytest

from ackdrop.ledger import Ledger, Limits
from ackdrop.observations import (
    Acked,
    AckedRange,
    Answered,
    ConnectionClosed,
    ConnectionOpened,
    Forwarded,
    LetPass,
    TopicSeen,
    Undecoded,
)

SMALL = Limits(attempts=4)


@pytest.fixture
def small(tmp_path):
    with Ledger.create(tmp_path / "run", limits=SMALL) as ledger:
        yield ledger


def whole(attempt, **fate):
    """An attempt with all that is said of an uneventful one, but for the changes."""
    acked = {"ack": "delivered", "seen": 0, "error": 0, "base_offset": attempt.number * 10, **fate}
    return [
        attempt,
        Forwarded(attempt.at, attempt.number),
        Answered(attempt.at + 1, attempt.number, acked["error"], acked["base_offset"]),
        Acked(attempt.at + 1, attempt.number, acked["ack"], acked["seen"]),
    ]


def push_out(arm, attempt, after):
    """So many attempts more that whatever came before is looked at."""
    for number in range(after, after + SMALL.attempts + 1):
        fresh = attempt(number=number, correlation_id=number, at=float(number), partition=9)
        arm.put(whole(fresh, base_offset=number))


def numbers(wire):
    return [story.attempt.number for story in wire.attempts]


def test_old_attempts_without_a_story_become_a_range(small, attempt):
    arm = small.arm("off", False)
    for number in range(1, 13):
        fresh = attempt(number=number, correlation_id=number, at=100.0 + number, records=3)
        arm.put(whole(fresh, base_offset=number * 3))
        small.flush()
    wire = small.wire("off")
    assert numbers(wire) == [9, 10, 11, 12]
    assert wire.ranges == (AckedRange("orders", 0, 3, 26, 8),)
    assert (wire.produce_requests, wire.zero, wire.let_go) == (12, 101.0, 0)


EVENTFUL = {
    "refused": ({}, {"error": 6, "seen": 6, "base_offset": -1}),
    "answered without an offset": ({}, {"base_offset": -1}),
    "dropped": ({}, {"ack": "dropped", "seen": None}),
    "withheld": ({}, {"ack": "withheld", "seen": None}),
    "delayed": ({}, {"ack": "delayed"}),
    "never told": ({}, {"ack": "none", "seen": None}),
    "told an error of ours": ({}, {"seen": 7}),
    "a retry": ({"retry_of": 400, "tries": 2}, {}),
    "maybe a retry": ({"ambiguous": True}, {}),
    "a copy of ours": ({"injected": True}, {}),
    "not as the arm claims": ({"producer_id": 4}, {}),
}


@pytest.mark.parametrize(("changes", "fate"), EVENTFUL.values(), ids=list(EVENTFUL))
def test_an_eventful_attempt_stays(small, attempt, changes, fate):
    arm = small.arm("off", False)
    arm.put(whole(attempt(number=1, **changes), **fate))
    arm.put(whole(attempt(number=2, correlation_id=2)))
    push_out(arm, attempt, 3)
    wire = small.wire("off")
    assert 1 in numbers(wire)
    assert 2 not in numbers(wire)


def test_unanswered_and_unasked_attempts_stay(small, attempt):
    arm = small.arm("off", False)
    arm.put([attempt(number=1), Forwarded(100.0, 1)])
    arm.put([attempt(number=2, correlation_id=2, acks=0), Forwarded(100.0, 2), Acked(100.0, 2, "none", None)])
    push_out(arm, attempt, 3)
    assert {1, 2} <= set(numbers(small.wire("off")))


def test_what_was_sent_again_stays(small, attempt):
    """The client had the ack and sent again all the same: its time-out came at that moment."""
    arm = small.arm("off", False)
    arm.put(whole(attempt(number=1)))
    arm.put(whole(attempt(number=2, correlation_id=2, retry_of=1, tries=2), base_offset=10))
    push_out(arm, attempt, 3)
    assert {1, 2} <= set(numbers(small.wire("off")))


@pytest.mark.parametrize(
    "by", [{"attempt": 1}, {"attempt": None}, {"attempt": 2, "hit": False}, {"attempt": 1, "connection": 8}]
)
def test_what_a_fault_touched_stays_with_its_frame(small, attempt, decided, by):
    arm = small.arm("off", False)
    arm.put([*whole(attempt(number=1)), *whole(attempt(number=2, partition=1)), decided(**by)])
    arm.put([*whole(attempt(number=3, correlation_id=3)), decided(correlation_id=3, fired=False, hit=False, attempt=3)])
    push_out(arm, attempt, 4)
    assert [number for number in numbers(small.wire("off")) if number <= 3] == [1, 2]


def test_a_frame_is_folded_whole_or_not_at_all(small, attempt):
    arm = small.arm("off", False)
    arm.put(whole(attempt(number=1), ack="dropped", seen=None))
    arm.put(whole(attempt(number=2, partition=1)))
    push_out(arm, attempt, 3)
    wire = small.wire("off")
    assert {1, 2} <= set(numbers(wire))
    assert (wire.produce_requests, wire.acks_dropped) == (2 + SMALL.attempts, 1)


def test_an_arm_that_claims_nothing_folds_with_and_without_a_producer_id(small, attempt):
    arm = small.arm("proxy", None)
    arm.put([*whole(attempt(number=1)), *whole(attempt(number=2, correlation_id=2, producer_id=7))])
    push_out(arm, attempt, 3)
    assert not {1, 2} & set(numbers(small.wire("proxy")))


@pytest.mark.parametrize(
    ("given", "ranges"),
    [
        ([(0, 5), (5, 5)], [(0, 9, 2)]),
        ([(5, 5), (0, 5)], [(0, 9, 2)]),
        ([(0, 5), (6, 5)], [(0, 4, 1), (6, 10, 1)]),
        ([(0, 9), (2, 3), (9, 1)], [(0, 9, 3)]),
        ([(0, 1), (2, 1), (4, 1), (0, 5)], [(0, 4, 4)]),
        ([(0, 1), (4, 1), (1, 3)], [(0, 4, 3)]),
        ([(0, 1), (0, 1)], [(0, 0, 2)]),
        ([(7, 0)], [(7, 7, 1)]),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_ranges_that_touch_become_one(small, attempt, given, ranges, at_once):
    arm = small.arm("off", False)
    number = 1
    for first, records in given:
        arm.put(whole(attempt(number=number, correlation_id=number, records=records), base_offset=first))
        number += 1
        if not at_once:
            push_out(arm, attempt, number)
            small.flush()
            number += SMALL.attempts + 1
    push_out(arm, attempt, number)
    found = small.wire("off").ranges
    assert [(r.first, r.last, r.attempts) for r in found if r.partition == 0] == ranges


def test_partitions_topics_and_arms_have_ranges_of_their_own(small, attempt):
    where = [("a", 0), ("a", 1), ("b", 0)]
    for name in ("off", "on"):
        arm = small.arm(name, False)
        for number, (topic, partition) in enumerate(where, 1):
            fresh = attempt(number=number, correlation_id=number, topic=topic, partition=partition)
            arm.put(whole(fresh, base_offset=number))
        push_out(arm, attempt, 4)
    for name in ("off", "on"):
        assert [(r.topic, r.partition, r.first) for r in small.wire(name).ranges if r.partition != 9] == [
            ("a", 0, 1), ("a", 1, 2), ("b", 0, 3),
        ]  # fmt: skip


def test_beyond_their_limit_eventful_attempts_are_let_go_and_counted(tmp_path, attempt):
    with Ledger.create(tmp_path / "run", limits=Limits(attempts=4, eventful=3)) as ledger:
        arm = ledger.arm("off", False)
        for number in range(1, 13):
            arm.put(whole(attempt(number=number, correlation_id=number), ack="dropped", seen=None))
            ledger.flush()
        wire = ledger.wire("off")
    assert numbers(wire) == [6, 7, 8, 9, 10, 11, 12]
    assert (wire.let_go, wire.produce_requests, wire.acks_dropped, wire.ranges) == (5, 12, 12, ())


def test_beyond_their_limit_the_ranges_of_longest_ago_are_let_go_and_counted(tmp_path, attempt):
    with Ledger.create(tmp_path / "run", limits=Limits(attempts=1, ranges=3)) as ledger:
        arm = ledger.arm("off", False)
        for number in range(1, 8):
            arm.put(
                whole(attempt(number=number, correlation_id=number, at=float(number)), base_offset=100 - number * 2)
            )
            ledger.flush()
        wire = ledger.wire("off")
    assert [r.first for r in wire.ranges] == [88, 90, 92]
    assert (wire.let_go, wire.produce_requests) == (3, 7)


def test_old_decisions_become_tallies(tmp_path, decided):
    with Ledger.create(tmp_path / "run", limits=Limits(decisions=2, fired=2)) as ledger:
        arm = ledger.arm("off", False, ["lose", "never"])
        for number in range(1, 11):
            fires = number <= 5
            fact = decided(fault="lose", correlation_id=number, fired=fires, hit=fires, attempt=number)
            arm.put([fact, dataclasses.replace(fact, partition=1, hit=False)])
            arm.put([dataclasses.replace(fact, fault="stray", fired=False, hit=False)])
            arm.put([LetPass("lose", 100), LetPass("stray", number), LetPass("lose", 1), LetPass("late", 2)])
            ledger.flush()
        wire = ledger.wire("off")
    assert [dataclasses.astuple(tally) for tally in wire.faults] == [
        ("lose", 1020, 5), ("never", 0, 0), ("stray", 65, 0), ("late", 20, 0),
    ]  # fmt: skip
    assert wire.let_go > 0


def test_ended_connections_without_attempts_are_counted_only(tmp_path, attempt):
    with Ledger.create(tmp_path / "run", limits=Limits(connections=4)) as ledger:
        arm = ledger.arm("off", False)
        arm.put([ConnectionOpened(1.0, 1, 0, "peer"), attempt(connection=1), Forwarded(1.0, 1)])
        arm.put([ConnectionClosed(2.0, 1, "client", "fin", ""), ConnectionOpened(1.0, 2, 0, "peer")])
        for number in range(3, 21):
            arm.put([ConnectionOpened(1.0, number, 0, "peer"), ConnectionClosed(2.0, number, "client", "fin", "")])
            ledger.flush()
        wire = ledger.wire("off")
        rows = [number for (number,) in query(ledger, "SELECT connection FROM connections")]
    assert wire.connections == 20
    assert wire.attempts[0].settled
    assert rows[:2] == [1, 2]
    assert len(rows) <= 8


def test_partitions_and_unreadable_frames_beyond_their_limit_are_let_go_and_counted(tmp_path):
    with Ledger.create(tmp_path / "run", limits=Limits(partitions=10, undecoded=10)) as ledger:
        arm = ledger.arm("off", False)
        for number in range(30):
            arm.put([TopicSeen(float(number), "orders", number, 5), TopicSeen(float(number), "orders", 0, 7)])
            arm.put([Undecoded(float(number), 1, "produce", number, "cut short", True)])
            ledger.flush()
        wire = ledger.wire("off")
    kept = len(wire.starts), len(wire.undecoded)
    assert all(10 <= count <= 11 for count in kept)
    assert wire.let_go == 60 - sum(kept)
    assert [frame.version for frame in wire.undecoded] == [*range(kept[1])]


def query(ledger, statement):
    connection = sqlite3.connect(ledger.folder / "ledger.db")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()
