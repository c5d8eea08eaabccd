"""Attempts that the ledger folded into ranges of offsets: they passed, they were acked, and that is all."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from ackdrop.observations import AckedRange, Send
from ackdrop.sends import Sends
from ackdrop.verify.case import open_case
from ackdrop.verify.gates import failed_gates
from ackdrop.verify.trail import Folded
from ackdrop.verify.verdict import judge_arm

TOPIC = "ackdrop-t"


def folded(first: int, last: int, topic: str = TOPIC, partition: int = 0) -> AckedRange:
    return AckedRange(topic, partition, first, last, last - first + 1)


def fold(stage, count: int):
    """The first attempts of the stage, folded into one range."""
    gone, stage.stories = stage.stories[:count], stage.stories[count:]
    starts = {(TOPIC, 0): 0}
    return {
        "ranges": (folded(0, max(story.base_offset + story.attempt.records for story in gone) - 1),),
        "starts": starts,
    }


@pytest.fixture
def watched(scene):
    """A foreign program's arm: three records, the first two folded."""
    stage = scene(None)
    for record in range(3):
        stage.produce(record)
    return stage, fold(stage, 2)


def test_what_was_folded_passed_the_proxy(watched):
    stage, wire = watched
    found = open_case(stage.evidence(wire=wire)).log
    assert (found.records, found.past_proxy, found.lost) == (3, 0, 0)
    assert open_case(stage.evidence()).log.past_proxy == 2


def test_what_was_folded_and_is_not_there_is_lost(watched):
    stage, wire = watched
    stage.drop_from_log(1)
    verdict = judge_arm(stage.evidence(wire=wire))
    assert (verdict.result.log.lost, verdict.violated) == (1, True)
    (found,) = [one for one in verdict.result.findings if one.kind == "lost"]
    assert (found.record, found.attempts) == ("ackdrop-t[0] offset 1", [])


def test_what_was_folded_on_a_partition_that_was_never_read_makes_a_loss_unknown(watched):
    stage, wire = watched
    extra = folded(0, 4, partition=3)
    evidence = stage.evidence(wire=wire | {"ranges": (*wire["ranges"], extra)})
    assert open_case(evidence).log.lost is None
    assert "log-not-read" in [reason.code for reason in failed_gates(open_case(evidence))]


def test_what_was_folded_from_before_the_start_is_no_loss(watched):
    stage, wire = watched
    stage.drop_from_log(0)
    assert open_case(stage.evidence(wire=wire | {"starts": {(TOPIC, 0): 1}})).log.lost == 0


def test_a_copy_of_what_was_folded_is_the_applications(watched):
    """It was told its success at once, repeated nothing and was repeated by nothing that the wire linked."""
    stage, wire = watched
    stage.produce(0)
    (found,) = [one for one in judge_arm(stage.evidence(wire=wire)).result.findings if one.kind == "duplicate"]
    assert (found.cause, len(found.places), len(found.attempts)) == ("application-resend", 2, 1)


def test_a_copy_of_what_was_folded_that_did_not_pass_is_not_explained(watched):
    stage, wire = watched
    stage.log.append(replace(stage.log[0], offset=9, batch_base_offset=9, batch_crc=1))
    case = open_case(stage.evidence(wire=wire))
    assert (case.log.past_proxy, case.log.duplicates) == (1, 0)


def test_our_own_records_may_be_folded_too(scene):
    stage = scene(True)
    for record in range(3):
        stage.produce(record)
    case = open_case(stage.evidence(wire=fold(stage, 3) | {"produce_requests": 3}, rules=()))
    assert (case.log.past_proxy, case.log.lost) == (0, 0)
    assert [reason.code for reason in failed_gates(case)] == ["no-lost-ack"]


def test_all_folded_is_not_nothing(scene):
    stage = scene(None)
    stage.produce(0)
    case = open_case(stage.evidence(wire=fold(stage, 1)))
    assert "nothing-produced" not in [reason.code for reason in failed_gates(case)]


def test_ranges_that_overlap_are_joined():
    found = Folded([folded(0, 4), folded(3, 6), folded(7, 9), folded(20, 30), folded(0, 1, partition=1)])
    assert found.partitions() == {(TOPIC, 0): [(0, 9), (20, 30)], (TOPIC, 1): [(0, 1)]}
    held = [offset for offset in range(-1, 40) if found.holds(TOPIC, 0, offset)]
    assert held == [*range(10), *range(20, 31)]
    assert not found.holds("u", 0, 3)


@pytest.mark.parametrize("claim", [True, False])
def test_what_was_folded_is_held_against_the_claim(scene, claim):
    """The log has the producer id of each batch."""
    stage = scene(claim)
    stage.produce(0)
    other = {"producer_id": -1, "producer_epoch": -1} if claim else {"producer_id": 9, "producer_epoch": 0}
    stage.produce(1, **other)
    evidence = stage.evidence(wire=fold(stage, 2), rules=(), control=False)
    (reason,) = failed_gates(open_case(evidence))
    assert reason.code == "idempotence-not-as-claimed"
    assert "1 of 2 attempts" in reason.text


def test_what_was_folded_takes_no_memory_a_batch(scene):
    """A long run's batches are counted as they pass."""
    stage = scene(True)
    stage.produce(0)
    first, count = stage.log[0], 20_000
    stage.log = [
        replace(first, offset=n, identity=f"p1/{n}", order=n, sequence=n, batch_base_offset=n) for n in range(count)
    ]
    wire = {"attempts": (), "ranges": (folded(0, count - 1),), "starts": {(TOPIC, 0): 0}}
    sends = Sends(Send("p1", n, 0, n, "acked", 0, n, None) for n in range(count))
    evidence = stage.evidence(wire=wire, sends=sends, rules=(), control=False)
    stage.log.clear()
    case = open_case(evidence)
    tracemalloc.start()
    try:
        assert failed_gates(case) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (case.log.records, case.log.lost) == (count, 0)
    assert peak < 60 * count
