"""Why a duplicate is there, and the chain of attempts that tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ackdrop.result import Place
from ackdrop.verify.case import open_case
from ackdrop.verify.verdict import judge_arm


def findings(stage, kind="duplicate", **changes):
    return [f for f in judge_arm(stage.evidence(**changes)).result.findings if f.kind == kind]


def cause(stage):
    (found,) = findings(stage)
    return found.cause


def test_the_story_of_the_lost_ack_without_idempotence(lost_ack):
    (found,) = findings(lost_ack(False))
    assert (found.cause, found.record, found.fault) == ("retry-unprotected", "p1/1", "lose")
    assert found.places == [Place("ackdrop-t", 0, 1), Place("ackdrop-t", 0, 2)]
    assert [(a.at, a.connection, a.base_offset, a.ack, a.error) for a in found.attempts] == [
        (1.0, 1, 1, "dropped", None),
        (2.0, 2, 2, "delivered", None),
    ]


def test_the_story_of_the_retry_that_left_none(lost_ack):
    assert findings(lost_ack(True)) == []
    (found,) = findings(lost_ack(True), "deduplicated")
    assert (found.cause, found.record, found.fault) == (None, "p1/1", "lose")
    assert found.places == [Place("ackdrop-t", 0, 1)]
    assert [(a.producer_id, a.producer_epoch, a.base_sequence, a.base_offset) for a in found.attempts] == [
        (7, 0, 1, 1),
        (7, 0, 1, 1),
    ]


def test_a_batch_of_several_that_was_retried_twice_is_one_story(scene):
    stage = scene(True)
    first = stage.lose(0, 1, 2)
    second = stage.lose(0, 1, 2, repeats=first, offset_of=first)
    stage.produce(0, 1, 2, repeats=second, offset_of=first)
    (found,) = findings(stage, "deduplicated")
    assert (found.record, len(found.places), len(found.attempts)) == ("p1/0 to p1/2", 3, 3)


def test_a_retry_of_what_was_never_appended_is_no_deduplication(scene):
    stage = scene(True)
    refused = stage.produce(0, error=6)
    stage.produce(0, repeats=refused)
    assert findings(stage, "deduplicated") == []


def test_a_retry_in_other_company_is_followed_record_by_record(scene):
    """Without idempotence clients may put records into other batches when they retry."""
    stage = scene()
    first = stage.lose(0)
    second = stage.produce(1, ack="withheld")
    stage.produce(0, 1, 2, repeats=first)
    first_found, second_found = findings(stage)
    assert first_found.cause == second_found.cause == "retry-unprotected"
    assert [a.base_offset for a in second_found.attempts] == [0, 1, 2]
    assert second.attempt.number == 2


def test_a_withheld_answer_names_the_fault_that_it_was_stuck_behind(scene):
    stage = scene()
    stage.lose(0)
    second = stage.produce(1, ack="withheld")
    stage.produce(1, repeats=second)
    (found,) = findings(stage)
    assert found.fault == "lose"


def test_an_answer_changed_into_an_error_is_a_lost_ack_too(scene):
    stage = scene()
    first = stage.produce(0, seen=7, faults=("error 7",))
    stage.produce(0, repeats=first)
    (found,) = findings(stage)
    assert (found.cause, found.fault) == ("retry-unprotected", "error 7")


def test_a_late_ack_that_came_after_the_retry(scene):
    stage = scene()
    first = stage.produce(0, ack="delayed")
    stage.produce(0, repeats=first)
    assert cause(stage) == "retry-unprotected"


def test_an_attempt_without_an_answer_is_found_by_its_crc(scene):
    stage = scene()
    first = stage.produce(0, answered=False, ack="none")
    stage.produce(0, repeats=first)
    (found,) = findings(stage)
    assert found.cause == "retry-unprotected"
    assert [a.base_offset for a in found.attempts] == [None, 1]


def test_two_attempts_without_answers_account_for_one_batch_each(scene):
    stage = scene()
    first = stage.produce(0, answered=False, ack="none")
    stage.produce(0, repeats=first, answered=False, ack="none")
    (found,) = findings(stage)
    assert (found.cause, len(found.attempts)) == ("retry-unprotected", 2)


def test_another_send_is_the_applications(scene):
    stage = scene(True)
    for send in range(3):
        stage.produce((0, send))
    (found,) = findings(stage)
    assert (found.cause, len(found.places), len(found.attempts)) == ("application-resend", 3, 3)


def test_a_retry_among_the_applications_resends_is_named(scene):
    stage = scene()
    first = stage.lose((0, 0))
    stage.produce((0, 0), repeats=first)
    stage.produce((0, 1))
    assert cause(stage) == "retry-unprotected"


def test_the_same_numbers_appended_twice(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first)
    assert cause(stage) == "broker-did-not-deduplicate"


def test_the_same_sequence_on_another_partition_is_not_the_brokers_fault(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, partition=1)
    assert cause(stage) == "unexplained"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"producer_epoch": 1, "base_sequence": 0}, "new-epoch"),
        ({"producer_id": 8, "base_sequence": 0}, "new-producer-id"),
        ({"base_sequence": 5}, "unexplained"),
        ({"producer_id": -1, "producer_epoch": -1, "base_sequence": -1}, "unexplained"),
    ],
)
@pytest.mark.parametrize("idempotence", [True, None])
def test_sent_again_under_other_numbers(scene, idempotence, numbers, expected):
    stage = scene(idempotence)
    first = stage.lose(0, producer_id=7, producer_epoch=0)
    stage.produce(0, repeats=first, **numbers)
    assert cause(stage) == expected


def test_a_second_copy_after_a_delivered_success_is_not_explained(scene):
    stage = scene()
    stage.produce(0)
    stage.produce(0, connection=2)
    assert cause(stage) == "unexplained"


def test_a_second_copy_in_one_batch_is_not_explained(scene):
    stage = scene()
    stage.produce(0, 0)
    assert cause(stage) == "unexplained"


def test_a_copy_that_went_past_the_proxy_is_not_explained(scene):
    stage = scene()
    stage.produce(0)
    stage.log.append(replace(stage.log[0], offset=1, batch_base_offset=1, batch_crc=1))
    assert cause(stage) == "unexplained"


@pytest.mark.parametrize("idempotence", [False, True, None])
class TestInjected:
    """A copy that ackdrop itself sent, as a fault asks, is neither a retry nor a resend."""

    def test_a_copy_that_was_written_is_ours(self, scene, idempotence):
        stage = scene(idempotence)
        first = stage.produce(0)
        stage.produce(0, repeats=first, injected=True)
        verdict = judge_arm(stage.evidence())
        (found,) = [f for f in verdict.result.findings if f.kind == "duplicate"]
        assert (found.cause, [(a.number, a.retry_of, a.injected) for a in found.attempts]) == (
            "injected",
            [(1, None, False), (2, 1, True)],
        )
        assert verdict.result.wire.retries == 0

    def test_a_retry_beside_it_is_told_apart(self, scene, idempotence):
        stage = scene(idempotence)
        first = stage.lose(0)
        stage.produce(0, repeats=first, injected=True)
        stage.produce(0, repeats=first)
        case = open_case(stage.evidence())
        retried = "broker-did-not-deduplicate" if idempotence else "retry-unprotected"
        assert case.duplicates.causes == {"injected": 1, retried: 1}
        assert case.wire.retries == 1

    def test_where_only_copies_were_written_all_but_one_are_extra(self, scene, idempotence):
        stage = scene(idempotence)
        first = stage.produce(0, appends=False, answered=False, ack="none")
        for _ in range(3):
            stage.produce(0, repeats=first, injected=True)
        assert open_case(stage.evidence()).duplicates.causes == {"injected": 2}

    def test_it_is_not_what_makes_a_control(self, scene, idempotence):
        stage = scene(idempotence)
        first = stage.produce(0)
        stage.produce(0, repeats=first, injected=True)
        codes = [reason.code for reason in judge_arm(stage.evidence(rules=(), control=True)).reasons]
        assert (
            codes
            == {False: ["no-lost-ack", "control-clean"], True: ["no-lost-ack"], None: ["no-lost-ack"]}[idempotence]
        )


def test_a_copy_that_the_broker_knew_again_is_told_of(scene):
    stage = scene(True)
    first = stage.produce(0)
    stage.produce(0, repeats=first, injected=True, offset_of=first)
    (found,) = findings(stage, "deduplicated")
    assert [line.injected for line in found.attempts] == [False, True]


def test_an_attempt_is_told_with_its_own_times_and_fault(scene):
    stage = scene()
    stage.lose(0)
    second = stage.produce(1, ack="withheld", acks=1)
    stage.produce(1, repeats=second)
    (found,) = findings(stage)
    one, other = found.attempts
    assert (one.number, one.acks, one.retry_of, one.fault, one.injected) == (2, 1, None, "lose", False)
    assert (one.at, one.answered_at, one.acked_at) == (1.0, pytest.approx(1.01), None)
    assert (other.number, other.retry_of, other.fault) == (3, 2, None)
    assert (other.at, other.answered_at, other.acked_at) == (2.0, pytest.approx(2.01), pytest.approx(2.02))
    assert found.fault == "lose"


class TestAnotherPayload:
    """A broker acks another payload under a sequence that it has seen, and does not write it (measured on Redpanda)."""

    def play(self, scene, **changes):
        stage = scene(None)
        stage.lose(0, producer_id=7, producer_epoch=0)
        self.send(stage, **changes)
        return stage

    def send(self, stage, **changes):
        numbers = {"producer_id": 7, "producer_epoch": 0, "base_sequence": 0}
        stage.produce(9, offset_of=stage.stories[0], connection=2, **numbers, **changes)

    def test_it_is_lost_though_something_stands_there(self, scene):
        stage = self.play(scene)
        assert open_case(stage.evidence()).log.lost == 1
        (found,) = findings(stage, "lost")
        assert (found.record, found.places) == ("ackdrop-t[0] offset 0", [])
        assert len({line.crc for line in found.attempts}) == 2

    def test_it_is_no_retry_that_was_known_again(self, scene):
        assert findings(self.play(scene), "deduplicated") == []
        assert open_case(self.play(scene).evidence()).wire.retries == 0

    def test_the_same_payload_is_one(self, scene):
        stage = scene(None)
        first = stage.lose(0, producer_id=7, producer_epoch=0)
        stage.produce(0, repeats=first, offset_of=first)
        assert open_case(stage.evidence()).log.lost == 0
        assert len(findings(stage, "deduplicated")) == 1

    def test_a_retry_whose_records_are_dated_anew_is_one_too(self, scene):
        """As kafkajs does: the wire has linked it, whatever its bytes."""
        stage = scene(None)
        first = stage.lose(0, producer_id=7, producer_epoch=0)
        stage.produce(0, repeats=first, offset_of=first, crc=99)
        assert open_case(stage.evidence()).log.lost == 0
        assert len(findings(stage, "deduplicated")) == 1

    def test_where_the_broker_wrote_a_crc_of_its_own_nothing_is_known(self, scene):
        stage = self.play(scene)
        stage.log[0] = replace(stage.log[0], batch_crc=99)
        assert open_case(stage.evidence()).log.lost == 0

    def test_one_that_was_not_acked_is_not_lost(self, scene):
        assert open_case(self.play(scene, ack="dropped").evidence()).log.lost == 0

    def test_it_is_counted_once_however_often_it_was_sent(self, scene):
        stage = self.play(scene)
        self.send(stage)
        assert open_case(stage.evidence()).log.lost == 1


class TestForeignProgram:
    """Records are known by content alone: the wire decides between a retry and an application's resend."""

    def test_a_linked_retry(self, lost_ack):
        assert cause(lost_ack(None)) == "retry-unprotected"

    def test_an_unlinked_one_whose_first_success_never_arrived(self, scene):
        stage = scene(None)
        stage.lose(0)
        stage.produce(0, 1, connection=2)
        assert cause(stage) == "retry-unprotected"

    def test_delivered_before_is_the_applications_resend(self, scene):
        stage = scene(None)
        stage.produce(0)
        stage.produce(0)
        assert cause(stage) == "application-resend"

    def test_twice_in_one_batch_is_the_applications_resend(self, scene):
        stage = scene(None)
        stage.produce(0, 0)
        assert cause(stage) == "application-resend"

    def test_two_sequence_numbers_of_one_producer_are_two_sends(self, scene):
        stage = scene(None)
        stage.lose(0, producer_id=7, producer_epoch=0)
        stage.produce(0, producer_id=7, producer_epoch=0, connection=2)
        assert cause(stage) == "application-resend"

    def test_pipelined_on_one_connection_is_the_applications_resend(self, scene):
        stage = scene(None)
        stage.produce(0)
        stage.produce(0, at=101.001)
        assert cause(stage) == "application-resend"

    def test_elsewhere_before_the_success_arrived_cannot_be_decided(self, scene):
        stage = scene(None)
        stage.produce(0)
        stage.produce(0, at=101.001, connection=2)
        assert cause(stage) == "ambiguous"

    def test_an_attempt_that_the_wire_calls_ambiguous(self, scene):
        stage = scene(None)
        first = stage.lose(0)
        stage.produce(0, repeats=first, ambiguous=True)
        assert cause(stage) == "ambiguous"

    @pytest.mark.parametrize(
        "first", [{"acks": 0, "ack": "none", "answered": False}, {"ack": "delayed"}, {"ack": "dropped"}]
    )
    def test_an_outcome_that_the_program_may_or_may_not_have_waited_for(self, scene, first):
        stage = scene(None)
        stage.produce(0, **first)
        stage.produce(0)
        assert cause(stage) == "ambiguous"

    def test_an_error_that_the_program_saw_is_followed_by_a_retry(self, scene):
        stage = scene(None)
        stage.produce(0, seen=7)
        stage.produce(0)
        assert cause(stage) == "retry-unprotected"


class TestOtherFindings:
    def test_a_lost_record_has_no_place_and_the_attempt_that_was_answered(self, scene):
        stage = scene()
        stage.produce(0, 1)
        stage.drop_from_log(1)
        (found,) = findings(stage, "lost")
        assert (found.record, found.places, [a.base_offset for a in found.attempts]) == ("p1/1", [], [0])

    def test_a_lost_record_whose_offset_nobody_gave_has_no_chain(self, scene):
        stage = scene()
        stage.produce(0)
        stage.says(1, outcome="acked", offset=-1)
        (found,) = findings(stage, "lost")
        assert (found.record, found.attempts) == ("p1/1", [])

    def test_a_foreign_programs_loss_is_named_by_its_offsets(self, scene):
        stage = scene(None)
        stage.produce(0, 1, 2)
        stage.drop_from_log(1, 2)
        (found,) = findings(stage, "lost")
        assert (found.record, len(found.attempts)) == ("ackdrop-t[0] offsets 1 to 2", 1)

    def test_a_record_in_the_log_that_was_reported_failed(self, scene):
        stage = scene()
        stage.lose(0)
        (found,) = findings(stage, "unacked_present")
        assert (found.record, found.places, found.fault) == ("p1/0", [Place("ackdrop-t", 0, 0)], "lose")

    def test_a_record_that_was_overtaken_shows_its_refused_attempt_and_the_overtaker(self, scene):
        stage = scene()
        refused = stage.produce(0, error=6)
        stage.produce(1)
        stage.produce(0, repeats=refused)
        (found,) = findings(stage, "out_of_order")
        assert found.places == [Place("ackdrop-t", 0, 1)]
        assert [(a.error, a.base_offset) for a in found.attempts] == [
            ("NOT_LEADER_OR_FOLLOWER", -1),
            (None, 0),
            (None, 1),
        ]

    def test_a_phantom(self, scene):
        stage = scene()
        stage.produce(0)
        (found,) = findings(stage, "phantom", sends=[])
        assert (found.record, len(found.attempts)) == ("p1/0", 1)

    def test_a_phantom_in_a_sends_place_shows_the_attempt_of_that_send(self, scene):
        stage = scene()
        stage.produce(0)
        stage.produce(1)
        stage.log[1] = replace(stage.log[1], identity="p1/9", order=0)
        (found,) = findings(stage, "phantom")
        assert (found.record, [a.base_offset for a in found.attempts]) == ("p1/9", [0, 1])

    def test_a_wrong_offset_shows_the_attempt_that_was_answered_with_it(self, scene):
        stage = scene()
        stage.produce(0)
        stage.produce(1)
        stage.says(0, offset=1)
        (found,) = findings(stage, "offset_mismatch")
        assert (found.places, [a.base_offset for a in found.attempts]) == ([Place("ackdrop-t", 0, 0)], [0, 1])

    def test_a_figure_that_is_not_known_has_no_findings(self, scene):
        stage = scene()
        stage.produce(0, 1)
        stage.drop_from_log(1)
        assert findings(stage, "lost", gone=("the log ends at 1",)) == []

    def test_findings_are_cut_at_a_limit_and_say_so(self, scene):
        stage = scene()
        for record in range(5):
            stage.produce((record, 0))
            stage.produce((record, 1))
        verdict = judge_arm(stage.evidence(), limit=2)
        assert [f.record for f in verdict.result.findings] == ["p1/0", "p1/1"]
        assert verdict.result.log.duplicates == 5
        assert verdict.notes == ["5 findings of kind duplicate: the first 2 are listed."]


def test_a_program_that_sends_again_what_a_retry_had_settled(scene):
    """The first attempt's ack was lost, that of its retry arrived; later another producer sends the same record."""
    stage = scene(None)
    first = stage.lose(0, producer_id=7, producer_epoch=0)
    stage.produce(0, repeats=first, offset_of=first)
    stage.produce(0, producer_id=8, producer_epoch=0, connection=3)
    assert cause(stage) == "application-resend"


def test_a_program_that_sends_again_what_was_never_settled(scene):
    stage = scene(None)
    first = stage.lose(0, producer_id=7, producer_epoch=0)
    stage.produce(0, repeats=first, offset_of=first, ack="dropped")
    stage.produce(0, producer_id=8, producer_epoch=0, connection=3)
    assert cause(stage) == "new-producer-id"


def test_a_retry_of_other_records_settles_nothing(scene):
    stage = scene(None)
    first = stage.lose(0, 1, crc=1)
    stage.produce(1, repeats=first, connection=2, crc=2)
    stage.produce(0, connection=3, crc=3)
    assert [found.cause for found in findings(stage)] == ["retry-unprotected"] * 2


@pytest.mark.parametrize(("again", "expected"), [(True, "ambiguous"), (False, "new-producer-id")])
def test_an_equal_record_of_a_second_producer_while_the_first_one_goes_on(scene, again, expected):
    """A client that took a new producer id would not go on under the old one."""
    stage = scene(None)
    first = stage.lose(0, producer_id=7, producer_epoch=0)
    stage.produce(0, repeats=first, producer_id=8, producer_epoch=0, base_sequence=0)
    if again:
        stage.produce(0, repeats=first, offset_of=first)
    assert cause(stage) == expected
