"""Each gate, by a run that is broken in exactly that way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ackdrop.observations import Acted, Changed, FaultTally, Undecoded
from ackdrop.verify.case import open_case
from ackdrop.verify.gates import failed_gates
from ackdrop.verify.verdict import judge_arm


def codes(evidence):
    return [reason.code for reason in failed_gates(open_case(evidence))]


def texts(evidence):
    return [reason.text for reason in failed_gates(open_case(evidence))]


@pytest.mark.parametrize("idempotence", [False, True, None])
def test_the_main_story_passes_every_gate(lost_ack, idempotence):
    assert codes(lost_ack(idempotence).evidence()) == []


def test_a_reason_names_its_arm_and_says_what_to_do(lost_ack):
    for reason in failed_gates(open_case(lost_ack(True).evidence(log=None, gone=("cut",), producer_error="boom"))):
        assert reason.arm == "on"
        assert reason.text.endswith(".")


@pytest.mark.parametrize("idempotence", [False, None])
def test_nothing_produced(scene, idempotence):
    evidence = scene(idempotence).evidence(rules=(), is_control=False)
    assert codes(evidence) == ["nothing-produced"]
    assert codes(replace(evidence, control=False)) == ["nothing-produced"]


def test_nothing_appended(scene):
    stage = scene(True)
    stage.produce(0, error=3)
    assert codes(stage.evidence(rules=())) == ["nothing-produced"]
    assert codes(stage.evidence(rules=(), control=False)) == []


def test_no_lost_ack(scene):
    stage = scene(True)
    stage.produce(0)
    assert codes(stage.evidence(rules=())) == ["no-lost-ack"]
    assert codes(stage.evidence(rules=(), control=False)) == []


def test_an_ack_that_was_not_asked_for_is_not_lost(scene):
    stage = scene(True)
    stage.produce(0, acks=0, ack="none", answered=False)
    assert codes(stage.evidence(rules=())) == ["no-lost-ack"]


def test_a_lost_ack_of_what_was_not_appended_does_not_count(scene):
    stage = scene(True)
    stage.produce(0)
    stage.produce(1, error=6, ack="dropped")
    assert codes(stage.evidence(rules=())) == ["no-lost-ack"]


def test_a_late_ack_counts_as_lost_when_the_batch_was_sent_again_before(scene):
    stage = scene(True)
    late = stage.produce(0, ack="delayed")
    assert codes(stage.evidence(rules=())) == ["no-lost-ack"]
    stage.produce(0, repeats=late, offset_of=late)
    assert codes(stage.evidence(rules=())) == []


def test_no_retry(scene):
    stage = scene(True)
    stage.lose(0)
    assert codes(stage.evidence()) == ["no-retry"]


def test_a_retry_that_may_be_meant_is_no_retry(scene):
    stage = scene(None)
    first = stage.lose(0)
    stage.produce(0, repeats=first, ambiguous=True)
    assert codes(stage.evidence(rules=("lose",), control=True)) == ["no-retry"]


def test_a_retry_that_only_the_records_show_is_one(scene):
    stage = scene()
    stage.lose(0)
    stage.produce(0, 1, connection=2)
    assert codes(stage.evidence()) == []


def test_a_watched_program_that_never_retried(scene):
    stage = scene(None)
    stage.produce(0)
    assert codes(stage.evidence()) == ["no-retry"]
    assert "Lose an ack with a scenario" in texts(stage.evidence())[0]
    with_faults = stage.evidence(rules=("lose",), wire={"faults": (FaultTally("lose", 1, 1),)})
    assert codes(with_faults) == ["no-retry"]
    assert "the scenario's faults" in texts(with_faults)[0]


REFUSED = {"error": 10, "seen": 10, "appends": False}
"""MESSAGE_TOO_LARGE: nothing is said of the sequence, which such a batch never came to."""


@pytest.mark.parametrize("idempotence", [True, None])
def test_a_retry_that_is_refused_for_another_reason_shows_nothing(scene, idempotence):
    stage = scene(idempotence)
    first = stage.lose(0)
    stage.produce(0, repeats=first, **REFUSED)
    assert codes(stage.evidence()) == ["retry-refused"]
    assert "it answered MESSAGE_TOO_LARGE" in texts(stage.evidence())[0]
    if idempotence:
        assert codes(stage.evidence(control=False)) == []


def test_a_retry_without_an_answer_shows_nothing(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, ack="none", answered=False, appends=False)
    assert codes(stage.evidence()) == ["retry-refused"]
    assert "it answered nothing" in texts(stage.evidence())[0]


@pytest.mark.parametrize("error", [45, 46, 47, 59])
def test_a_retry_that_is_refused_for_its_numbers_was_judged(scene, error):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, error=error, seen=error, appends=False)
    assert codes(stage.evidence()) == []


def test_one_retry_that_is_taken_is_enough(scene):
    stage = scene(True)
    first = stage.lose(0)
    again = stage.produce(0, repeats=first, **REFUSED)
    stage.produce(0, repeats=again, offset_of=first)
    assert codes(stage.evidence()) == []


def test_a_refused_retry_of_another_batch_is_no_harm(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, offset_of=first)
    other = stage.lose(1)
    stage.produce(1, repeats=other, **REFUSED)
    assert codes(stage.evidence()) == []


def test_a_copy_that_ackdrop_sent_is_no_retry(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, offset_of=first, injected=True)
    assert codes(stage.evidence()) == ["no-retry"]
    assert open_case(stage.evidence()).wire.retries == 0


def test_a_producer_id_where_idempotence_is_off(lost_ack):
    stage = lost_ack(False)
    stage.produce(3, producer_id=9, producer_epoch=0)
    assert codes(stage.evidence()) == ["idempotence-not-as-claimed"]
    assert "1 of 5 attempts carried" in texts(stage.evidence())[0]


def test_no_producer_id_where_idempotence_is_on(lost_ack):
    stage = lost_ack(True)
    stage.produce(3, producer_id=-1, producer_epoch=-1)
    assert codes(stage.evidence()) == ["idempotence-not-as-claimed"]
    assert codes(stage.evidence(control=False)) == ["idempotence-not-as-claimed"]


def test_a_fault_that_never_matched_and_one_that_never_fired(lost_ack):
    faults = (FaultTally("lose", 4, 1), FaultTally("idle", 4, 0))
    evidence = lost_ack(True).evidence(wire={"faults": faults}, rules=("absent", "lose", "idle"))
    assert codes(evidence) == ["fault-never-fired"] * 2
    assert [text.split(":")[0] for text in texts(evidence)] == [
        'The fault "absent" matched nothing and so never fired',
        'The fault "idle" matched 4 times and never fired',
    ]
    assert codes(replace(evidence, control=False)) == ["fault-never-fired"] * 2


def test_a_fault_that_has_no_place_in_this_arm_need_not_fire_here_where_another_does(lost_ack):
    evidence = lost_ack(True).evidence(rules=("absent", "lose"), elsewhere=frozenset({"absent"}))
    assert codes(evidence) == []
    alone = lost_ack(True).evidence(
        rules=("absent",), elsewhere=frozenset({"absent"}), wire={"faults": (FaultTally("absent", 0, 0),)}
    )
    assert codes(alone) == ["fault-never-fired"], "nothing was done to this arm"
    assert "has no place in this arm" in texts(alone)[0]
    faults = (FaultTally("absent", 4, 0), FaultTally("lose", 4, 1))
    assert codes(lost_ack(True).evidence(wire={"faults": faults}, elsewhere=frozenset({"absent"}))) == [
        "fault-never-fired"
    ], "but what it matched all the same shows that it has one"


def test_a_fault_that_was_taken_back_need_not_fire_where_another_does(lost_ack):
    faults = (FaultTally("idle", 4, 0), FaultTally("lose", 4, 1))
    for change in ("disarmed", "removed"):
        back = (Changed(5.0, "idle", change, "control", None, 1.0),)
        assert codes(lost_ack(True).evidence(wire={"faults": faults, "changes": back}, rules=("idle",))) == []
        alone = lost_ack(True).evidence(wire={"faults": faults[:1], "changes": back}, rules=("idle",))
        assert codes(alone) == ["fault-never-fired"], "nothing was done to this arm"
        assert "was removed or disarmed before it fired" in texts(alone)[0]
        again = (*back, Changed(6.0, "idle", "added" if change == "removed" else "armed", "file", None, 2.0))
        assert codes(lost_ack(True).evidence(wire={"faults": faults, "changes": again}, rules=("idle",))) == [
            "fault-never-fired"
        ]


def test_a_late_request_that_came_only_at_the_end_proves_nothing(lost_ack):
    scene = lost_ack(True)
    stories = scene.wire().attempts
    for why, expected in (("retried", []), ("acked_batches", []), ("time", []), ("end", ["late-not-released"])):
        late = (replace(stories[0], released=why, faults=("hold",)), *stories[1:])
        evidence = scene.evidence(wire={"attempts": late})
        assert codes(evidence) == expected
        assert [text for text in texts(evidence) if not text.startswith('1 batch that "hold" held back')] == []


def test_the_control_stayed_clean(scene):
    stage = scene()
    first = stage.lose(0)
    stage.produce(0, repeats=first, offset_of=first)
    assert codes(stage.evidence()) == ["control-clean"]
    assert codes(stage.evidence(control=False)) == []
    assert codes(stage.evidence(is_control=False)) == []


def test_a_control_of_which_a_part_is_gone_is_not_called_clean(scene):
    stage = scene()
    first = stage.lose(0)
    stage.produce(0, repeats=first, offset_of=first)
    assert codes(stage.evidence(gone=("cut",))) == ["log-gone"]


def test_a_copy_that_no_attempt_accounts_for_does_not_make_a_control(scene):
    stage = scene()
    stage.produce(0)
    first = stage.lose(1)
    stage.produce(1, repeats=first, offset_of=first)
    stage.log.append(replace(stage.log[0], offset=2, batch_base_offset=2))
    assert codes(stage.evidence()) == ["control-clean", "went-past-proxy"]
    assert codes(stage.evidence(wire={"let_go": 1})) == ["ledger-incomplete"]


def test_an_applications_resend_does_not_make_a_control(scene):
    stage = scene()
    first = stage.lose((0, 0))
    stage.produce((0, 0), repeats=first, offset_of=first)
    stage.produce((0, 1))
    assert codes(stage.evidence()) == ["control-clean"]


def test_a_record_of_ours_went_past_the_proxy(lost_ack):
    stage = lost_ack(True)
    stage.log.append(replace(stage.log[0], offset=9, batch_base_offset=9, batch_crc=1, sequence=50))
    assert codes(stage.evidence()) == ["went-past-proxy"]
    assert codes(stage.evidence(wire={"let_go": 3})) == ["ledger-incomplete"]


def test_other_peoples_records_may_go_past(lost_ack):
    stage = lost_ack(True)
    stage.log.append(replace(stage.log[0], offset=9, batch_base_offset=9, batch_crc=1, sequence=50, ours=False))
    assert codes(stage.evidence()) == []


def test_a_frame_that_mattered_was_not_decoded(lost_ack):
    undecoded = (Undecoded(101.0, 1, "produce", 14, "version too new", True),)
    evidence = lost_ack(True).evidence(wire={"undecoded": undecoded})
    assert codes(evidence) == ["undecoded"]
    assert "produce version 14 (version too new)" in texts(evidence)[0]


def test_the_log_was_not_read(lost_ack):
    assert codes(lost_ack(True).evidence(log=None)) == ["log-not-read"]
    assert codes(lost_ack(False).evidence(log=None)) == ["log-not-read"]


def test_a_partition_without_a_start_offset(lost_ack):
    evidence = lost_ack(True).evidence(wire={"starts": {}})
    assert codes(evidence) == ["log-not-read"]
    assert "ackdrop-t [0]" in texts(evidence)[0]


def test_a_part_of_the_log_is_gone(lost_ack):
    evidence = lost_ack(True).evidence(gone=("the log starts at 512: 12 records are gone",))
    assert codes(evidence) == ["log-gone"]
    assert "12 records are gone" in texts(evidence)[0]


def test_an_attempt_is_still_open(lost_ack):
    stage = lost_ack(True)
    stage.stories[-1] = replace(stage.stories[-1], settled=False)
    assert codes(stage.evidence()) == ["not-settled"]


def test_the_log_still_grew(lost_ack):
    assert codes(lost_ack(True).evidence(barrier_quiet=False)) == ["not-settled"]


@pytest.mark.parametrize("end", [{"producer_finished": False}, {"producer_error": "exit code -9"}])
def test_the_producer_died(lost_ack, end):
    assert codes(lost_ack(True).evidence(**end)) == ["producer-died"]


def test_the_ledger_let_something_go(lost_ack):
    assert codes(lost_ack(True).evidence(wire={"let_go": 1})) == ["ledger-incomplete"]


def test_the_disk_did_not_take_all_of_it(lost_ack):
    """Only what is missing counts, not that the disk was full for a while."""
    stage = lost_ack(True)
    (reason,) = failed_gates(open_case(stage.evidence(wire={"let_go": 7}, disk_failure="the disk is full")))
    assert reason.code == "ledger-not-written"
    assert reason.text.startswith("7 observations could not be written to the ledger (the disk is full)")
    assert codes(stage.evidence(disk_failure="the disk is full")) == []


def test_of_a_watched_program_nothing_is_claimed_where_the_ledger_lacks_something(lost_ack):
    """Which of the records passed the proxy, and what their acks were, is not known then."""
    stage = lost_ack(None)
    whole = open_case(stage.evidence()).log
    assert (whole.records, whole.distinct, whole.duplicates, whole.lost) == (4, 3, 1, 0)
    verdict = judge_arm(stage.evidence(wire={"let_go": 1}))
    log = verdict.result.log
    assert (log.records, log.distinct, log.duplicates, log.lost, log.past_proxy) == (None, None, 1, None, 0)
    assert [expectation.held for expectation in verdict.result.expectations] == [None, None]
    assert [reason.code for reason in verdict.reasons] == ["ledger-incomplete"]
    ours = open_case(lost_ack(True).evidence(wire={"let_go": 1})).log
    assert (ours.records, ours.distinct, ours.duplicates, ours.lost) == (3, 3, 0, 0)


@pytest.mark.parametrize("idempotence", [True, None])
def test_what_the_ledger_let_go_is_not_told_as_what_never_was(scene, idempotence):
    """No fault, no retry, no answer: each may have been among what is missing."""
    stage = scene(idempotence)
    stage.lose(0)
    stage.stories[0] = replace(stage.stories[0], settled=False)
    faults = (FaultTally("lose", 1, 0),)
    assert {"fault-never-fired", "no-retry", "not-settled"} <= set(codes(stage.evidence(wire={"faults": faults})))
    assert codes(stage.evidence(wire={"faults": faults, "let_go": 1})) == ["ledger-incomplete"]
    assert open_case(stage.evidence(wire={"let_go": 1})).wire.retries is None
    assert codes(scene(idempotence).evidence(rules=(), wire={"let_go": 1})) == ["ledger-incomplete"]


def test_a_watched_programs_copies_that_may_be_protected_retries(scene):
    """The same bytes under another producer id: a client's retry after a reset, or a program that started again."""
    stage = scene(None)
    lost = stage.lose(7, producer_id=7, producer_epoch=0)
    stage.produce(7, repeats=lost, offset_of=lost)
    first = stage.produce(0, producer_id=7, producer_epoch=0, ack="delayed")
    stage.produce(0, repeats=first, producer_id=8, base_sequence=0, ambiguous=True)
    evidence = stage.evidence()
    assert codes(evidence) == ["ambiguous-duplicates"]
    assert "1 record of an idempotent producer" in texts(evidence)[0]
    verdict = judge_arm(evidence)
    assert [(e.actual, e.held) for e in verdict.result.expectations] == [(None, None), (0, True)]
    assert [reason.code for reason in verdict.reasons] == ["ambiguous-duplicates"]
    assert verdict.result.verdict == "inconclusive"


def test_a_watched_programs_unprotected_copies_decide_nothing_of_protected_ones(scene):
    stage = scene(None)
    lost = stage.lose(7)
    stage.produce(7, repeats=lost)
    first = stage.produce(0, ack="delayed")
    stage.produce(0, repeats=first, ambiguous=True)
    assert codes(stage.evidence()) == []


def test_a_proved_copy_counts_more_than_one_that_cannot_be_decided(scene):
    stage = scene(None)
    lost = stage.lose(7, producer_id=7, producer_epoch=0)
    stage.produce(7, repeats=lost)
    first = stage.produce(0, producer_id=7, producer_epoch=0, ack="delayed")
    stage.produce(0, repeats=first, producer_id=8, base_sequence=0, ambiguous=True)
    verdict = judge_arm(stage.evidence())
    assert (verdict.violated, [reason.code for reason in verdict.reasons]) == (True, ["expectation-failed"])


DONE = Acted(101.5, "stop it", "broker", "restart", True, None, 3.25)


def test_what_could_not_be_done_to_a_process(lost_ack):
    failed = replace(DONE, ok=False, reason="rpk ended with exit code 1: no such host")
    evidence = lost_ack(True).evidence(wire={"acted": (DONE, failed)})
    assert codes(evidence) == ["fault-failed"]
    (text,) = texts(evidence)
    assert text.startswith('The fault "stop it" could not be done: rpk ended with exit code 1: no such host.')
    assert codes(lost_ack(True).evidence(wire={"acted": (DONE,)})) == []
