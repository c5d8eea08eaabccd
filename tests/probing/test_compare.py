"""Two probes side by side."""

from __future__ import annotations

from ackdrop.probing.compare import Change, compare

from .conftest import a_case, a_step, an_exchange, stands

KNOWN = a_step("again", "deduplicated", an_exchange(at=0))
WRITTEN = a_step("again", "appended", an_exchange(at=3), wrote=[stands(3)])


def test_the_same_is_the_same_whatever_ids_and_topics(a_probe):
    old = a_probe(a_case("gap", KNOWN, WRITTEN), topic="ackdrop-probe-a")
    again = a_case("gap", KNOWN, a_step("again", "appended", an_exchange(at=3), wrote=[stands(3, producer=99)]))
    comparison = compare(old, a_probe(again, topic="ackdrop-probe-b"))
    assert (comparison.changes, comparison.alike, comparison.uncompared) == ((), 2, ())


def test_another_effect_is_a_change(a_probe):
    comparison = compare(a_probe(a_case("gap", KNOWN)), a_probe(a_case("gap", WRITTEN)))
    assert comparison.changes == (Change("The case gap", "the step again", "deduplicated", "appended"),)
    assert comparison.alike == 0


def test_another_offset_is_a_change_too(a_probe):
    other = a_step("again", "deduplicated", an_exchange(at=1))
    comparison = compare(a_probe(a_case("gap", KNOWN)), a_probe(a_case("gap", other)))
    (change,) = comparison.changes
    assert change.was == "deduplicated, answered with offset 0, written nothing"
    assert change.now == "deduplicated, answered with offset 1, written nothing"


def test_another_place_in_the_log_is_a_change_too(a_probe):
    steps = [a_step("acks-0", "no answer asked for, appended", wrote=[stands(at)]) for at in (0, 3)]
    (change,) = compare(*(a_probe(a_case("acks", step)) for step in steps)).changes
    assert (change.was[-11:], change.now[-11:]) == ("written 0-2", "written 3-5")


def test_which_of_two_at_once_came_first_is_none(a_probe):
    both = (an_exchange(at=0), an_exchange(3, at=3))
    one, other = (a_step("both", "2 x appended", *exchanges) for exchanges in (both, both[::-1]))
    assert compare(a_probe(a_case("gap", one)), a_probe(a_case("gap", other))).changes == ()


def test_steps_that_are_on_one_side_only(a_probe):
    longer = a_case("gap", KNOWN, a_step("next", "appended"))
    assert compare(a_probe(a_case("gap", KNOWN)), a_probe(longer)).changes == (
        Change("The case gap", "the step next", "not asked", "appended"),
    )
    shorter = compare(a_probe(longer), a_probe(a_case("gap", KNOWN)))
    assert shorter.changes == (Change("The case gap", "the step next", "appended", "not asked"),)
    assert shorter.alike == 1


def test_what_a_broker_has_now(a_probe):
    before = a_case("txn-outside-12", state="absent", reason="this broker does not have Produce 12")
    comparison = compare(a_probe(before), a_probe(a_case("txn-outside-12", WRITTEN)))
    assert comparison.changes == (
        Change("The case txn-outside-12", "", "this broker does not have Produce 12", "measured"),
    )


def test_what_was_not_measured_is_told_and_no_change(a_probe):
    left_out = a_case("after-kill", state="left-out", reason="not ours")
    lost = a_case("gap", state="inconclusive", reason="no answer")
    comparison = compare(a_probe(left_out, a_case("gap", KNOWN)), a_probe(a_case("after-kill", KNOWN), lost))
    assert comparison.changes == ()
    assert comparison.uncompared == (
        ("The case after-kill", "not measured then: not ours"),
        ("The case gap", "not measured now: no answer"),
    )


def test_cases_of_one_probe_alone_are_told(a_probe):
    comparison = compare(a_probe(a_case("old", KNOWN)), a_probe(a_case("new", KNOWN), kind="redpanda"))
    assert comparison.changes == ()
    assert comparison.uncompared == (
        ("The case new", "only in this probe"),
        ("The case old", "only in the earlier probe"),
    )
