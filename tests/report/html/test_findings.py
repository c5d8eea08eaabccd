"""Which findings have a diagram, which a line, and what can be chosen from."""

from __future__ import annotations

import dataclasses

from ackdrop.report.html.findings import findings
from ackdrop.report.html.wires import Wires

NONE = Wires({}, "no ledger")


def test_each_finding_with_its_story(results):
    found = findings([results.off_arm(), results.on_arm()], NONE, "r1")
    assert found.summary == "1 duplicate and 1 deduplicated"
    assert [told.head for told in found.shown] == [
        "record 2 stands at offsets 2 and 3 of partition 0",
        "record 2 stands at offset 2 of partition 0 alone",
    ]
    assert [told.column for told in found.shown] == ["idempotence off", "idempotence on"]
    assert found.shown[0].name == "r1-a1-duplicate-1"
    assert all(told.diagram is not None and told.open for told in found.shown)
    assert (found.total, found.rest, found.note) == (2, None, "")
    assert found.kinds == [("duplicate", "duplicate"), ("deduplicated", "deduplicated")]
    assert found.arms == [("off", "idempotence off"), ("on", "idempotence on")]


def test_many_findings_are_drawn_first_and_listed_then(results):
    found = findings([results.duplicates(60)], NONE, "r1")
    assert len(found.shown) == 40
    assert [told.open for told in found.shown] == [True] * 3 + [False] * 37
    assert len(found.rest.lines) == 20
    assert found.rest.lines[0].cells[2].text == "record 40 stands at offsets 40 and 240 of partition 0"
    assert "appended at 40, ack dropped" in found.rest.lines[0].cells[-1].text
    assert found.note == "The first 40 of a kind in each arm are drawn; 20 more findings in the table below them."
    assert found.total == 60


def test_the_list_ends_somewhere_and_says_so(results):
    found = findings([results.duplicates(1000), results.duplicates(100)], NONE, "r1")
    assert len(found.rest.lines) == 1000
    assert found.rest.note == "20 more are in report.json."
    assert found.total == 1080


def test_a_finding_without_attempts_has_no_diagram(results):
    arm = results.off_arm()
    bare = [dataclasses.replace(finding, attempts=[]) for finding in arm.findings]
    (told,) = findings([dataclasses.replace(arm, findings=bare)], NONE, "r1").shown
    assert (told.diagram, told.table, told.words) == (None, None, [])
    assert told.fault == "lose the third ack"


def test_a_request_that_never_went_on_is_known_from_the_ledger(results, facts, wire_of):
    seen = [fact for fact in facts(7, ack=None) if type(fact).__name__ != "Forwarded"]
    arm = results.off_arm()
    lines = [dataclasses.replace(line, number=7, base_offset=None, ack="none") for line in arm.findings[0].attempts[:1]]
    arm = dataclasses.replace(arm, findings=[dataclasses.replace(arm.findings[0], attempts=lines)])
    (told,) = findings([arm], Wires({"off": wire_of(seen)}, None), "r1").shown
    assert "never went on to the broker" in told.diagram
