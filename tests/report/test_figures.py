"""Which rows the comparison has, and what its cells say."""

from __future__ import annotations

import pytest

from ackdrop.report.figures import expectation, heading, rows
from ackdrop.result import ExpectationResult, FaultCount, Records


def table(*arms):
    return {row.label: row.cells for row in rows(arms)}


def test_the_usual_rows(results):
    assert table(results.off_arm(), results.on_arm()) == {
        "sent, acked": ("200, 200", "200, 200"),
        "acks dropped": ("1", "1"),
        "retries forced": ("1", "1"),
        "records in the log": ("201", "200"),
        "duplicates": ("1", "0"),
        "lost, out of order": ("0, 0", "0, 0"),
    }


@pytest.mark.parametrize(
    ("figure", "label"),
    [
        ("acks_withheld", "acks withheld"),
        ("acks_delayed", "acks delayed"),
        ("undecoded", "frames not decoded"),
    ],
)
def test_wire_rows_where_there_is_something(results, figure, label):
    arm = results.off_arm()
    arm = results.change(arm, wire=results.change(arm.wire, **{figure: 4}))
    assert table(arm, results.on_arm())[label] == ("4", "0")


@pytest.mark.parametrize(
    ("figure", "label"),
    [
        ("unacked_present", "in the log, not acked"),
        ("phantom", "never sent"),
        ("offset_mismatch", "at another offset"),
        ("past_proxy", "past the proxy"),
    ],
)
@pytest.mark.parametrize(("value", "cell"), [(4, "4"), (None, "unknown")])
def test_violations_where_there_are_any_or_nobody_knows(results, figure, label, value, cell):
    arm = results.off_arm()
    arm = results.change(arm, log=results.change(arm.log, **{figure: value}))
    assert table(arm, results.on_arm())[label] == (cell, "0")


def test_a_fault_that_drops_nothing_is_counted_as_fired(results):
    arm = results.off_arm()
    wire = results.change(arm.wire, acks_dropped=0, faults=[FaultCount("a", 9, 2), FaultCount("b", 9, 1)])
    found = table(results.change(arm, wire=wire))
    assert found["faults fired"] == ("3",)
    assert "acks dropped" not in found


def test_no_fault_forces_no_retry(results):
    assert table(results.foreign_arm())["retries"] == ("1",)


def test_outcomes_that_are_not_acked(results):
    arm = results.change(results.off_arm(), records=Records(200, 190, 7, 3))
    found = table(arm)
    assert (found["sent, acked"], found["failed"], found["outcome not known"]) == (("200, 190",), ("7",), ("3",))


def test_words_that_the_client_does_not_have(results):
    arm = results.off_arm()
    other = results.change(arm, producer=results.change(arm.producer, not_applicable=["retries", "linger"]))
    assert table(arm, other)["not applicable"] == ("-", "retries, linger")


def test_headings(results):
    arms = [
        results.off_arm(),
        results.on_arm(),
        results.change(results.on_arm(), name="acks one"),
        results.foreign_arm(),
    ]
    assert [heading(arm) for arm in arms] == [
        "idempotence off",
        "idempotence on",
        "acks one (idempotence on)",
        "proxy",
    ]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (ExpectationResult("duplicates >= 1", 3, True), "duplicates ≥ 1 ✓"),
        (ExpectationResult("lost <= 2", 0, True), "lost ≤ 2 ✓"),
        (ExpectationResult("duplicates 0", 1200, False), "duplicates 0, was 1,200 ✗"),
        (ExpectationResult("failed != 0", None, None), "failed ≠ 0 ?"),
    ],
)
def test_expectations(result, text):
    assert expectation(result) == text


def test_nobody_watched_the_wire(results):
    """Rows of the wire, and of what only a wire or a producer could tell, are left out; the rest is unknown."""
    assert table(*results.alone().arms) == {
        "read as": ("read_committed",),
        "records in the log": ("300",),
        "of aborted transactions": ("4",),
        "duplicates": ("2",),
        "lost, out of order": ("unknown",),
    }


def test_a_log_alone_beside_an_arm_that_was_watched(results):
    arms = [results.off_arm(), *results.alone().arms]
    assert table(*arms)["retries forced"] == ("1", "unknown")
    assert table(*arms)["past the proxy"] == ("0", "unknown")


def test_aborted_records_where_there_are_any(results):
    """None is a report from before they were counted."""
    arm = results.off_arm()
    for aborted in (None, 0):
        assert "of aborted transactions" not in table(results.change(arm, log=results.change(arm.log, aborted=aborted)))
