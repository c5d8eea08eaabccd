"""Attempts by which nothing happened: packed on their way to disk, folded out of blocks, and turned into rows."""

from __future__ import annotations

import dataclasses
import sqlite3
import sys
import time
from contextlib import closing

import pytest

from ackdrop.ledger import Ledger, Limits
from ackdrop.ledger.blocks import COLUMNS, Packing, Texts
from ackdrop.observations import AckedRange, ConnectionClosed, ConnectionOpened, Flow, Passed
from ackdrop.passed import expanded
from ackdrop.series import AT_ONCE, packed

FLOW = Flow(1, "app", "java 4", 11, -1, None, "orders", 0, 4000, 0)
OTHER = Flow(2, "other", "", 3, 1, "tx", "audit", 7, 4001, 3)


def row(number, **changes):
    """An attempt of one record, at the offset of its number."""
    values = {"at": float(number), "correlation_id": number, "records": 1, "offset": number, **changes}
    at = values["at"]
    return (number, at, values["correlation_id"], number, values["records"], 17, 100, at + 0.25, values["offset"])


def together(number):
    """The same, but of those from one multiple of 25 to the next, which came and were answered at one time."""
    return row(number, at=float(number // 25))


def passed(*numbers, flow=FLOW, **changes):
    return Passed.of(flow, [row(number, **changes) for number in numbers])


def query(ledger, statement):
    with closing(sqlite3.connect(ledger.folder / "ledger.db")) as connection:
        return connection.execute(statement).fetchall()


def stories(ledger):
    return {story.attempt.number: story for story in ledger.wire("on").attempts}


@pytest.fixture
def small(tmp_path):
    with Ledger.create(tmp_path / "run", limits=Limits(attempts=4)) as ledger:
        yield ledger


def pushed_out(ledger, arm, after):
    """So many more that whatever came before is looked at."""
    ledger.flush()
    for number in range(after, after + 6):
        arm.put([passed(number, flow=OTHER)])
        ledger.flush()


def test_a_block_is_a_row_until_it_is_read(tmp_path):
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("on", True).put([passed(1, 4), passed(2, 3, flow=OTHER), passed(5)])
        ledger.flush()
        assert query(ledger, "SELECT first, last, count FROM blocks") == [(1, 5, 5)]
        assert query(ledger, "SELECT count(*), (SELECT zero FROM arms) FROM attempts") == [(0, 1.0)]
        assert [*stories(ledger)] == [1, 2, 3, 4, 5]
        assert query(ledger, "SELECT (SELECT count(*) FROM attempts), (SELECT count(*) FROM blocks)") == [(5, 0)]


def test_every_value_arrives(tmp_path):
    facts = [passed(1, 3), passed(2, flow=OTHER, records=2**31, offset=2**62)]
    facts += [
        Passed.of(flow, packed([*map(together, numbers)])) for flow, numbers in ((FLOW, range(4, 9)), (OTHER, (9, 10)))
    ]
    told = {}
    for name, put in (("in one", facts), ("one by one", [each for fact in facts for each in expanded(fact)])):
        with Ledger.create(tmp_path / name) as ledger:
            ledger.arm("on", True).put(put)
        told[name] = query(ledger, "SELECT * FROM attempts"), query(ledger, "SELECT * FROM story")
    assert told["in one"] == told["one by one"]


def test_text_that_utf8_cannot_hold_is_escaped(tmp_path):
    odd = Flow(1, "a\udcffb", "", 11, -1, None, "orders", 0, 4000, 0)
    with Ledger.create(tmp_path) as ledger:
        ledger.arm("on", True).put([passed(1, flow=odd)])
        ledger.flush()
        (one,) = Ledger.open(tmp_path).wire("on").attempts
    assert one.attempt.client_id == "a\\udcffb"


def test_many_become_many_blocks():
    packing = Packing(Texts())
    packing.add(Passed.of(FLOW, packed([row(number) for number in range(1, 2 * AT_ONCE + 2)])))
    packing.add(passed(*range(20_000, 20_000 + AT_ONCE), flow=OTHER))
    found = [dict(zip(COLUMNS, each, strict=True)) for each in packing.rows(3)]
    assert [(each["arm"], each["first"], each["last"], each["count"]) for each in found] == [
        (3, 1, AT_ONCE, AT_ONCE), (3, AT_ONCE + 1, 2 * AT_ONCE, AT_ONCE), (3, 2 * AT_ONCE + 1, 2 * AT_ONCE + 1, 1),
        (3, 20_000, 20_000 + AT_ONCE - 1, AT_ONCE),
    ]  # fmt: skip
    assert (packing.newest, packing.zero) == (20_000 + AT_ONCE - 1, 1.0)


def test_old_ones_become_a_range_and_never_rows(small):
    arm = small.arm("on", True)
    for number in range(1, 41):
        arm.put([passed(number)])
        small.flush()
    assert query(small, "SELECT count(*) FROM attempts") == [(0,)]
    assert query(small, "SELECT sum(count) FROM blocks") == [(4,)]
    wire = small.wire("on")
    assert [story.attempt.number for story in wire.attempts] == [37, 38, 39, 40]
    assert wire.ranges == (AckedRange("orders", 0, 1, 36, 36),)
    assert (wire.produce_requests, wire.zero, wire.let_go) == (40, 1.0, 0)


def retried(attempt, decided):
    return [attempt(number=3, at=3.0, retry_of=1, tries=2, producer_id=4000)]


def touched(attempt, decided):
    return [decided(attempt=1, correlation_id=77, connection=9)]


def touched_with_its_frame(attempt, decided):
    return [decided(attempt=None, correlation_id=1, connection=1)]


@pytest.mark.parametrize("in_step", [False, True])
@pytest.mark.parametrize("what", [retried, touched, touched_with_its_frame])
def test_one_that_has_something_to_tell_stays(small, attempt, decided, what, in_step):
    arm = small.arm("on", True)
    arm.put([Passed.of(FLOW, packed([together(1), together(2)])) if in_step else passed(1, 2), *what(attempt, decided)])
    pushed_out(small, arm, 4)
    kept = stories(small)
    assert 1 in kept
    assert 2 not in kept
    assert kept[1].base_offset == 1


def test_one_without_an_offset_or_not_as_the_arm_claims_stays(small):
    arm = small.arm("on", True)
    unprotected = Flow(1, "app", "java 4", 11, -1, None, "orders", 0, -1, -1)
    arm.put([passed(1, offset=-1), passed(2), passed(3, flow=unprotected)])
    pushed_out(small, arm, 4)
    assert set(stories(small)) & {1, 2, 3} == {1, 3}


def test_offsets_out_of_order_become_as_few_ranges_as_there_are_holes(small):
    arm = small.arm("on", True)
    rows = [row(1, offset=10, records=2), row(2, offset=5), row(3, offset=6, records=4), row(4, offset=20, records=0)]
    arm.put([Passed.of(FLOW, rows)])
    pushed_out(small, arm, 5)
    ranges = [each for each in small.wire("on").ranges if each.topic == "orders"]
    assert ranges == [AckedRange("orders", 0, 5, 11, 3), AckedRange("orders", 0, 20, 20, 1)]


def test_series_are_folded_as_their_attempts_would_be(small):
    """Those that follow on each other are one range; those without records take the offset of the next."""
    arm = small.arm("on", True)
    arm.put([Passed.of(FLOW, packed([together(number) for number in range(1, 60)]))])
    arm.put([Passed.of(FLOW, packed([row(60 + n, at=9.0, correlation_id=n, records=0, offset=90) for n in (0, 1)]))])
    pushed_out(small, arm, 62)
    ranges = [each for each in small.wire("on").ranges if each.topic == "orders"]
    assert ranges == [AckedRange("orders", 0, 1, 59, 59), AckedRange("orders", 0, 90, 90, 2)]


def test_what_is_told_late_is_folded_all_the_same(small):
    arm = small.arm("on", True)
    arm.put([passed(2)])
    pushed_out(small, arm, 3)
    arm.put([passed(1)])
    wire = small.wire("on")
    assert [story.attempt.number for story in wire.attempts] == [5, 6, 7, 8]
    assert (wire.produce_requests, sum(each.attempts for each in wire.ranges)) == (8, 4)


def test_a_connection_stays_while_one_of_its_attempts_is_in_a_block(tmp_path):
    with Ledger.create(tmp_path, limits=Limits(connections=4)) as ledger:
        arm = ledger.arm("on", True)
        for number in range(1, 21):
            arm.put([ConnectionOpened(1.0, number, 0, "peer"), *([passed(1)] if number == 1 else [])])
            arm.put([ConnectionClosed(2.0, number, "client", "fin", "")])
            ledger.flush()
        assert query(ledger, "SELECT min(connection), count(*) < 12 FROM connections") == [(1, 1)]


def test_they_become_rows_while_nothing_comes(tmp_path, monkeypatch):
    monkeypatch.setattr("ackdrop.ledger.writer.PAUSE", 0.1)
    with Ledger.create(tmp_path) as ledger:
        arm = ledger.arm("on", True)
        for begin in range(1, 6 * AT_ONCE, AT_ONCE):
            arm.put([passed(*range(begin, begin + AT_ONCE))])
        deadline = time.monotonic() + 30
        while query(ledger, "SELECT count(*) FROM attempts") != [(6 * AT_ONCE,)]:
            assert time.monotonic() < deadline


def test_another_process_may_read_and_changes_nothing(tmp_path, decided):
    with Ledger.create(tmp_path) as ledger:
        arm = ledger.arm("on", True, ["lose"])
        arm.put([passed(1, 2), decided(attempt=None, correlation_id=2, fault="lose")])
        ledger.flush()
        wire = Ledger.open(tmp_path).wire("on")
        assert query(ledger, "SELECT count(*) FROM blocks") == [(1,)]
        assert ledger.wire("on") == wire
    assert [story.faults for story in wire.attempts] == [(), ("lose",)]


def calls(function, *arguments):
    """How many functions were called, Python's and C's."""
    count = 0

    def count_one(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(count_one)
    try:
        function(*arguments)
    finally:
        sys.setprofile(None)
    return count


def test_to_pack_a_run_costs_no_call_for_an_attempt():
    """A run of a thousand costs what a run of two series does: so nothing is done for a single attempt or series."""
    packing = Packing(Texts())
    for of_number, few in ((row, 2), (together, 30)):
        two, many = (Passed.of(FLOW, packed([of_number(number) for number in range(count)])) for count in (few, 1000))
        packing.add(two)  # the flow is new once
        assert calls(packing.add, many) == calls(packing.add, two) < 24


def test_to_pack_an_attempt_of_each_of_many_flows_costs_few_calls():
    """It is found by what it is, not by its values, and is in JSON already."""
    texts = Texts()
    flows = [dataclasses.replace(FLOW, partition=partition) for partition in range(500)]
    passed = Passed(flows, None, [1] * 500, packed([row(number) for number in range(500)]), 500)

    def add() -> None:
        packing = Packing(texts)
        packing.add(passed)
        packing.rows(1)

    def add_twice() -> None:
        packing = Packing(texts)
        packing.add(passed)
        packing.add(passed)
        packing.rows(1)

    add()
    assert calls(add) < 500 * 3
    assert calls(add_twice) < 500 * 6


def test_an_attempt_takes_less_than_eighty_bytes_of_a_block():
    packing = Packing(Texts())
    for begin in range(0, AT_ONCE, 20):
        packing.add(Passed.of(FLOW, packed([row(number) for number in range(begin, begin + 20)])))
    (found,) = packing.rows(1)
    assert sum(len(value) for value in found if isinstance(value, str | bytes)) < 80 * AT_ONCE


def test_and_less_than_eight_in_series_of_twenty_five():
    packing = Packing(Texts())
    for begin in range(0, AT_ONCE, 25):
        packing.add(Passed.of(FLOW, packed([together(number) for number in range(begin, begin + 25)])))
    (found,) = packing.rows(1)
    assert sum(len(value) for value in found if isinstance(value, str | bytes)) < 8 * AT_ONCE
