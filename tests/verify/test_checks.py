"""The counts: what the log shows against what the producer was told and what passed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ackdrop.result import LogCounts, Records
from ackdrop.verify import copies, duplicates
from ackdrop.verify.case import open_case
from ackdrop.verify.log import Log
from ackdrop.verify.verdict import judge_arm

COUNTS = tuple(LogCounts.__dataclass_fields__)


def counts(evidence):
    return open_case(evidence).log


def test_the_lost_ack_leaves_one_extra_copy_without_idempotence(lost_ack):
    assert counts(lost_ack(False).evidence()) == LogCounts(4, 3, 1, 0, 0, 0, 0, 0, 0, 0)


def test_the_lost_ack_leaves_none_with_idempotence(lost_ack):
    assert counts(lost_ack(True).evidence()) == LogCounts(3, 3, 0, 0, 0, 0, 0, 0, 0, 0)


def test_futures_are_counted_by_send(scene):
    stage = scene()
    stage.produce(0)
    stage.says(1, outcome="failed")
    stage.says(2, outcome="unknown")
    stage.produce((0, 1))
    assert open_case(stage.evidence()).records == Records(sent=4, acked=2, failed=1, unknown=1)


def test_what_a_foreign_program_was_told_is_not_known(scene):
    stage = scene(None)
    stage.produce(0)
    case = open_case(stage.evidence())
    assert case.records == Records(None, None, None, None)
    assert case.log == LogCounts(1, 1, 0, 0, None, None, None, None, 0, 0)


def test_nothing_is_known_of_a_log_that_was_not_read(lost_ack):
    assert counts(lost_ack(False).evidence(log=None)) == LogCounts(*[None] * 9)


def test_three_sends_of_one_record_are_one_distinct_record(scene):
    stage = scene(True)
    for send in range(3):
        stage.produce((0, send))
    found = counts(stage.evidence())
    assert (found.records, found.distinct, found.duplicates) == (3, 1, 2)


def test_an_acked_send_without_a_copy_is_lost(scene):
    stage = scene()
    stage.produce(0, 1, 2)
    stage.drop_from_log(1)
    assert counts(stage.evidence()).lost == 1


def test_an_acked_send_is_lost_even_where_another_send_of_the_record_stands(scene):
    stage = scene()
    stage.produce((0, 0))
    stage.produce((0, 1))
    stage.drop_from_log(1)
    assert counts(stage.evidence()).lost == 1


def test_a_failed_send_that_is_missing_is_not_lost(scene):
    stage = scene()
    stage.produce(0)
    stage.produce(1, appends=False, answered=False, ack="none")
    assert counts(stage.evidence()).lost == 0


def test_a_loss_is_not_known_where_a_part_of_the_log_is_gone(scene):
    stage = scene()
    stage.produce(0, 1)
    stage.drop_from_log(0)
    assert counts(stage.evidence(gone=("the log starts at 1",))).lost is None
    assert counts(stage.evidence(barrier_quiet=False)).lost is None
    assert counts(stage.evidence(wire={"starts": {}})).lost is None


UNSURE = [{"gone": ("the log starts at 1",)}, {"barrier_quiet": False}, {"wire": {"starts": {}}}]


@pytest.mark.parametrize("unsure", UNSURE)
def test_what_may_stand_in_the_part_that_is_gone_is_not_known_to_be_absent(scene, unsure):
    stage = scene()
    stage.produce(0, 1)
    found = counts(stage.evidence(**unsure))
    assert (found.records, found.distinct, found.lost) == (2, 2, 0)
    assert (found.duplicates, found.unacked_present, found.phantom, found.past_proxy) == (None,) * 4
    assert (found.out_of_order, found.offset_mismatch) == (None,) * 2


@pytest.mark.parametrize("unsure", UNSURE)
def test_what_was_seen_stays_seen_where_a_part_is_gone(scene, unsure):
    stage = scene()
    first = stage.lose(0)
    stage.produce(0, repeats=first, ack="none", answered=False)
    assert (counts(stage.evidence(**unsure)).duplicates, counts(stage.evidence(**unsure)).unacked_present) == (1, 1)


def test_a_watched_programs_duplicates_are_not_known_where_a_part_is_gone(scene):
    stage = scene(None)
    stage.produce(0)
    assert open_case(stage.evidence()).protected_duplicates == 0
    assert open_case(stage.evidence(gone=("cut",))).protected_duplicates is None


def test_a_record_that_is_in_the_log_though_the_producer_heard_of_no_success(scene):
    stage = scene()
    stage.lose(0)
    stage.produce(1, acks=0, ack="none", answered=False)
    stage.says(1, outcome="unknown")
    assert counts(stage.evidence()).unacked_present == 2


def test_a_record_that_was_never_sent_is_a_phantom(scene):
    stage = scene()
    stage.produce(0, 1)
    evidence = stage.evidence()
    some = replace(evidence, sends=[send for send in evidence.sends if send.record == 0])
    assert counts(some).phantom == 1


def test_another_send_in_a_known_ones_place_is_a_phantom(scene):
    stage = scene()
    stage.produce(0)
    stage.log[0] = replace(stage.log[0], send=3)
    found = counts(stage.evidence())
    assert (found.phantom, found.lost) == (1, 1)


def test_another_record_in_a_known_ones_place_is_a_phantom(scene):
    stage = scene()
    stage.produce(0)
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1, identity="p1/9"))
    found = counts(stage.evidence())
    assert (found.phantom, found.lost, found.distinct) == (1, 0, 2)


def test_phantoms_are_not_known_where_the_producer_died_before_it_named_its_sends(scene):
    stage = scene()
    stage.produce(0, 1)
    evidence = stage.evidence(producer_finished=False)
    assert counts(replace(evidence, sends=evidence.sends[:1])).phantom is None


@pytest.mark.parametrize(("acked_at", "mismatches"), [(0, 0), (5, 1), (-1, 0), (None, 0)])
def test_an_offset_other_than_the_acked_one(scene, acked_at, mismatches):
    stage = scene()
    stage.produce(0)
    stage.says(0, offset=acked_at)
    assert counts(stage.evidence()).offset_mismatch == mismatches


def test_the_right_offset_on_another_partition_is_a_mismatch(scene):
    stage = scene()
    stage.produce(0)
    stage.says(0, partition=2)
    assert counts(stage.evidence()).offset_mismatch == 1


def test_one_copy_at_the_acked_offset_is_enough(lost_ack):
    stage = lost_ack(False)
    stage.says(1, offset=2)
    assert counts(stage.evidence()).offset_mismatch == 0


def test_only_first_copies_are_held_against_the_order(scene):
    """Five acks are lost by one hold, and the five come again in reverse order (measured with kafka-python)."""
    stage = scene()
    lost = [stage.lose(record) for record in range(5)]
    for record in reversed(range(5)):
        stage.produce(record, repeats=lost[record])
    found = counts(stage.evidence())
    assert (found.duplicates, found.out_of_order) == (5, 0)


def test_a_record_behind_a_later_one_is_out_of_order(scene):
    stage = scene()
    stage.says(0, outcome="acked", offset=2)
    stage.says(1, outcome="acked", offset=3)
    for record in (2, 3, 0, 1, 4):
        stage.produce(record)
    found = open_case(stage.evidence())
    assert found.log.out_of_order == 2
    name = [record.identity for record in found.trail.log.records()]
    assert [(name[late], name[before]) for late, before in found.tally.items.out_of_order.items] == [
        ("p1/0", "p1/3"),
        ("p1/1", "p1/3"),
    ]


def test_order_holds_per_partition(scene):
    stage = scene()
    stage.produce(0, partition=1)
    stage.produce(1, partition=0)
    stage.produce(2, partition=1)
    assert counts(stage.evidence()).out_of_order == 0


def test_other_peoples_records_are_counted_apart(scene):
    stage = scene()
    stage.produce(0)
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1, identity="theirs", ours=False, batch_crc=1))
    found = counts(stage.evidence())
    assert (found.records, found.past_proxy) == (1, 1)


def test_a_foreign_programs_records_are_those_that_passed(scene):
    stage = scene(None)
    stage.produce(0)
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1, batch_crc=1))
    found = counts(stage.evidence())
    assert (found.records, found.duplicates, found.past_proxy) == (1, 0, 1)


@pytest.mark.parametrize("idempotence", [False, True])
def test_a_batch_whose_answer_never_came_is_known_by_its_numbers(scene, idempotence):
    stage = scene(None)
    stage.idempotence = idempotence
    stage.produce(0, answered=False, ack="none")
    found = counts(stage.evidence())
    assert (found.records, found.past_proxy) == (1, 0)


def test_a_recompressed_batch_of_ours_is_believed_to_have_passed_while_an_attempt_is_open(scene):
    stage = scene()
    stage.produce(0, answered=False, ack="none")
    stage.log[0] = replace(stage.log[0], batch_crc=99)
    assert counts(stage.evidence()).past_proxy == 0
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1))
    assert counts(stage.evidence()).past_proxy == 1


def test_what_went_past_is_not_known_once_the_ledger_let_something_go(scene):
    stage = scene(None)
    stage.produce(0)
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1, batch_crc=1))
    assert counts(stage.evidence(wire={"let_go": 1})).past_proxy is None


def test_a_delivered_offset_that_the_log_lacks_is_a_foreign_programs_loss(scene):
    stage = scene(None)
    stage.produce(0, 1, 2)
    stage.lose(3)
    stage.drop_from_log(1, 2, 3)
    assert counts(stage.evidence()).lost == 2


def test_an_offset_taken_by_another_producer_is_a_loss(scene):
    stage = scene(None)
    stage.produce(0, producer_id=7)
    stage.log[0] = replace(stage.log[0], producer_id=8, batch_crc=1)
    assert counts(stage.evidence()).lost == 1


def test_a_retry_answered_with_an_offset_from_before_the_run_is_no_loss(scene):
    stage = scene(None)
    stage.produce(0)
    stage.drop_from_log(0)
    where = ("ackdrop-t", 0)
    assert counts(stage.evidence(wire={"starts": {where: 1}})).lost == 0
    assert counts(stage.evidence(wire={"starts": {where: 0}})).lost == 1


class TestIsolation:
    """A consumer of `read_committed` sees no aborted record, and none whose transaction has no end yet."""

    def play(self, scene, idempotence=True):
        stage = scene(idempotence)
        for record in range(4):
            stage.produce(record, producer_id=7, producer_epoch=0)
        states = ("committed", "aborted", "open", "none")
        stage.log = [replace(one, transaction=state) for one, state in zip(stage.log, states, strict=True)]
        return stage

    def at(self, stage, isolation):
        return counts(stage.evidence(log=Log.of(stage.log, isolation)))

    def test_records_are_counted_as_a_consumer_sees_them(self, scene):
        stage = self.play(scene)
        assert self.at(stage, "read_uncommitted").records == 4
        assert self.at(stage, "read_committed").records == 2
        assert self.at(stage, "read_uncommitted").aborted == self.at(stage, "read_committed").aborted == 2

    @pytest.mark.parametrize("idempotence", [True, None])
    @pytest.mark.parametrize("isolation", ["read_committed", "read_uncommitted"])
    def test_what_was_acked_and_then_aborted_is_not_lost(self, scene, isolation, idempotence):
        assert self.at(self.play(scene, idempotence), isolation).lost == 0

    def test_a_copy_in_an_aborted_transaction_is_seen_by_no_committed_reader(self, scene):
        stage = self.play(scene)
        stage.produce((1, 1))
        assert self.at(stage, "read_uncommitted").duplicates == 1
        found = self.at(stage, "read_committed")
        assert (found.duplicates, found.records, found.distinct) == (0, 3, 3)

    def test_what_nobody_sees_is_neither_phantom_nor_overtaken_nor_present(self, scene):
        stage = self.play(scene)
        stage.says(1, outcome="failed", offset=None)
        stage.log[2] = replace(stage.log[2], identity="p1/77")
        assert self.at(stage, "read_uncommitted").unacked_present == 1
        assert self.at(stage, "read_uncommitted").phantom == 1
        found = self.at(stage, "read_committed")
        assert (found.unacked_present, found.phantom, found.out_of_order) == (0, 0, 0)

    def test_the_result_says_which(self, scene):
        stage = self.play(scene)
        log = Log.of(stage.log, "read_committed")
        assert judge_arm(stage.evidence(log=log)).result.isolation == "read_committed"


class TestEverythingTwice:
    """Counts are exact however many there are; what is listed is not."""

    COUNT = 3000

    @pytest.fixture(params=[False, None])
    def stage(self, scene, request):
        stage = scene(request.param)
        for _ in range(2):
            for at in range(0, self.COUNT, 100):
                stage.produce(*range(at, at + 100))
        return stage

    def test_all_are_counted_and_the_first_are_listed(self, stage, monkeypatch):
        monkeypatch.setattr(copies, "IN_BUCKET", 256)
        monkeypatch.setattr(copies, "AT_A_TIME", 100)
        verdict = judge_arm(stage.evidence(), limit=10)
        assert verdict.result.log.duplicates == self.COUNT
        assert [f.places[0].offset for f in verdict.result.findings if f.kind == "duplicate"] == list(range(10))
        assert f"{self.COUNT} findings of kind duplicate: the first 10 are listed." in verdict.notes

    def test_each_extra_copy_has_its_cause(self, stage):
        (cause,) = open_case(stage.evidence()).duplicates.causes.items()
        assert cause == ("unexplained" if stage.idempotence is False else "application-resend", self.COUNT)

    def test_of_one_record_that_stands_very_often_some_places_are_listed(self, scene, monkeypatch):
        monkeypatch.setattr(duplicates, "AT_ONCE", 7)
        stage = scene(None)
        for _ in range(150):
            stage.produce(0)
        verdict = judge_arm(stage.evidence())
        (found,) = verdict.result.findings
        assert (verdict.result.log.duplicates, len(found.places), len(found.attempts)) == (149, 100, 100)
        assert open_case(stage.evidence()).duplicates.causes == {"application-resend": 149}


STEP = st.fixed_dictionaries(
    {
        "records": st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=3, unique=True),
        "ack": st.sampled_from(["delivered", "dropped", "withheld", "delayed", "none"]),
        "answered": st.booleans(),
        "error": st.sampled_from([0, 0, 0, 6, 45]),
        "seen": st.sampled_from([0, 0, 7]),
        "producer_id": st.sampled_from([-1, 7, 8]),
        "partition": st.integers(0, 1),
        "connection": st.integers(1, 2),
        "ambiguous": st.booleans(),
        "repeats": st.booleans(),
        "appends": st.booleans(),
    }
)


def played(scene, idempotence, steps, gaps):
    stage = scene(idempotence)
    for step in steps:
        details = dict(step)
        earlier = stage.stories[-1] if details.pop("repeats") and stage.stories else None
        stage.produce(*details.pop("records"), repeats=earlier, **details)
    stage.drop_from_log(*gaps)
    return stage


@given(
    idempotence=st.sampled_from([False, True, None]),
    steps=st.lists(STEP, max_size=8),
    gaps=st.sets(st.integers(0, 8), max_size=3),
    shuffle=st.randoms(use_true_random=False),
)
def test_counts_add_up_and_do_not_depend_on_the_order_of_the_evidence(scene, idempotence, steps, gaps, shuffle):
    stage = played(scene, idempotence, steps, gaps)
    evidence = stage.evidence()
    verdict = judge_arm(evidence)
    found = verdict.result.log
    assert found.duplicates == found.records - found.distinct
    assert found.duplicates == sum(len(f.places) - 1 for f in verdict.result.findings if f.kind == "duplicate")
    assert all((getattr(found, name) or 0) >= 0 for name in COUNTS)
    assert judge_arm(shuffled(evidence, shuffle)) == verdict


def shuffled(evidence, shuffle: random.Random):
    def mixed(items):
        items = list(items)
        return shuffle.sample(items, len(items))

    sends = None if evidence.sends is None else mixed(evidence.sends)
    wire = replace(evidence.wire, attempts=tuple(mixed(evidence.wire.attempts)))
    return replace(evidence, wire=wire, sends=sends, log=Log.of(mixed(evidence.log.records())))
