"""The verdict of an arm and of a run: a violation, then the gates, then the other expectations."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from ackdrop.observations import Acted, Changed
from ackdrop.result import Expectation, ExpectationResult, Failure, Reason
from ackdrop.verify.of_runs import judge_run, worst
from ackdrop.verify.verdict import judge_arm

NONE = Expectation("duplicates", "==", 0)
SOME = Expectation("duplicates", ">=", 1)
NO_LOSS = Expectation("lost", "==", 0)


@pytest.fixture
def arms(lost_ack):
    """The two arms of `lost-ack`, as they should come out."""
    off = judge_arm(lost_ack(False).evidence(SOME, NO_LOSS))
    on = judge_arm(lost_ack(True).evidence(NONE, NO_LOSS))
    return [off, on]


@pytest.fixture
def duplicated(scene):
    """An idempotent arm in which the broker wrote the retry again."""
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first)
    return stage


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


def test_the_lost_ack_passes(arms):
    run = judge_run(arms, control=True)
    assert (run.verdict, run.exit_code, run.reasons) == ("passed", 0, [])
    assert [arm.result.verdict for arm in arms] == ["passed", "passed"]
    assert arms[0].result.expectations == [
        ExpectationResult("duplicates >= 1", 1, True),
        ExpectationResult("lost 0", 0, True),
    ]


def test_the_figures_of_the_wire(arms):
    wire = arms[0].result.wire
    assert (wire.connections, wire.produce_requests, wire.retries, wire.acks_dropped) == (2, 4, 1, 1)
    assert [(fault.name, fault.fired) for fault in wire.faults] == [("lose", 1)]


def test_duplicates_with_idempotence_on_fail_the_run(arms, duplicated):
    on = judge_arm(duplicated.evidence(NONE))
    run = judge_run([arms[0], on], control=True)
    assert (on.violated, on.result.verdict, run.verdict, run.exit_code) == (True, "failed", "failed", 1)
    assert codes(run) == ["expectation-failed"]
    assert run.reasons[0].text.startswith("Expected duplicates 0, counted 1")


def test_a_violation_counts_more_than_a_failed_gate(duplicated):
    on = judge_arm(duplicated.evidence(NONE, producer_error="killed"))
    run = judge_run([on], control=True, extra=[Reason("deadline", None, "The run's deadline passed.")])
    assert (run.verdict, run.exit_code) == ("failed", 1)
    assert set(codes(run)) == {"expectation-failed", "producer-died", "deadline", "no-control"}


def test_a_clean_control_is_inconclusive_though_its_expectation_failed(scene, arms):
    stage = scene()
    first = stage.lose(0)
    stage.produce(0, repeats=first, offset_of=first)
    off = judge_arm(stage.evidence(SOME))
    run = judge_run([off, arms[1]], control=True)
    assert (run.verdict, run.exit_code) == ("inconclusive", 3)
    assert codes(run) == ["expectation-failed", "control-clean"]


def test_harm_in_the_control_is_a_failed_expectation_and_no_violation(lost_ack, arms):
    stage = lost_ack(False)
    stage.drop_from_log(3)
    off = judge_arm(stage.evidence(NO_LOSS))
    assert not off.violated
    assert judge_run([off, arms[1]], control=True).exit_code == 1
    off = judge_arm(stage.evidence(NO_LOSS, barrier_quiet=False))
    assert judge_run([off, arms[1]], control=True).exit_code == 3


def test_too_few_is_a_failed_expectation_and_no_violation(lost_ack):
    on = judge_arm(lost_ack(True).evidence(SOME))
    assert (on.violated, on.result.verdict) == (False, "failed")
    on = judge_arm(lost_ack(True).evidence(SOME, producer_error="killed"))
    assert (on.violated, on.result.verdict) == (False, "inconclusive")


@pytest.mark.parametrize(
    ("comparison", "number", "held", "violated"),
    [
        ("==", 0, False, True),
        ("==", 1, True, False),
        ("==", 2, False, False),
        ("!=", 1, False, False),
        ("!=", 0, True, False),
        ("<", 1, False, True),
        ("<", 2, True, False),
        ("<=", 0, False, True),
        ("<=", 1, True, False),
        (">", 1, False, False),
        (">", 0, True, False),
        (">=", 2, False, False),
        (">=", 1, True, False),
    ],
)
def test_every_comparison_against_one_duplicate(duplicated, comparison, number, held, violated):
    on = judge_arm(duplicated.evidence(Expectation("duplicates", comparison, number)))
    assert (on.result.expectations[0].held, on.violated) == (held, violated)
    assert on.result.verdict == ("passed" if held else "failed")


@pytest.mark.parametrize(
    ("figure", "actual"), [("sent", 3), ("acked", 3), ("failed", 0), ("retries", 1), ("records", 3), ("past_proxy", 0)]
)
def test_what_expectations_may_speak_of(lost_ack, figure, actual):
    on = judge_arm(lost_ack(True).evidence(Expectation(figure, "==", actual + 1)))
    assert on.result.expectations[0].actual == actual
    assert not on.violated


def test_a_figure_that_is_not_known_holds_nothing(lost_ack):
    watched = judge_arm(lost_ack(None).evidence(Expectation("acked", "==", 3)))
    assert watched.result.expectations == [ExpectationResult("acked 3", None, None)]
    assert codes(watched) == ["figure-unknown"]
    assert watched.result.verdict == "inconclusive"


def test_a_loss_in_a_log_that_is_cut_is_not_a_violation(lost_ack):
    stage = lost_ack(True)
    stage.drop_from_log(0)
    on = judge_arm(stage.evidence(NO_LOSS, gone=("the log starts at 1: 1 record is gone",)))
    assert (on.violated, codes(on)) == (False, ["log-gone", "figure-unknown"])
    assert judge_arm(stage.evidence(NO_LOSS)).violated


def test_a_log_that_was_not_read_says_so_once(lost_ack):
    on = judge_arm(lost_ack(True).evidence(NONE, NO_LOSS, log=None))
    assert codes(on) == ["log-not-read"]
    assert [e.held for e in on.result.expectations] == [None, None]


class TestWatchedProgram:
    """`proxy` and `exec` without a scenario: no duplicate from protected retries, and no loss."""

    def test_unprotected_retries_are_counted_and_not_held_against_it(self, lost_ack):
        arm = judge_arm(lost_ack(None).evidence())
        assert arm.result.log.duplicates == 1
        assert arm.result.expectations == [
            ExpectationResult("duplicates from protected retries 0", 0, True),
            ExpectationResult("lost 0", 0, True),
        ]
        assert judge_run([arm], control=False).exit_code == 0

    def test_a_duplicate_from_a_protected_retry_fails(self, scene):
        stage = scene(None)
        first = stage.lose(0, producer_id=7, producer_epoch=0)
        stage.produce(0, repeats=first)
        arm = judge_arm(stage.evidence())
        assert (arm.violated, judge_run([arm], control=False).exit_code) == (True, 1)

    def test_a_log_that_was_not_read_proves_nothing(self, lost_ack):
        arm = judge_arm(lost_ack(None).evidence(log=None))
        assert [e.held for e in arm.result.expectations] == [None, None]
        assert codes(arm) == ["log-not-read"]

    def test_a_loss_fails_even_without_a_retry(self, scene):
        stage = scene(None)
        stage.produce(0, 1)
        stage.drop_from_log(1)
        arm = judge_arm(stage.evidence())
        assert (arm.violated, codes(arm)) == (True, ["expectation-failed", "no-retry"])

    def test_without_a_retry_nothing_is_proved(self, scene):
        stage = scene(None)
        stage.produce(0)
        assert judge_run([judge_arm(stage.evidence())], control=False).exit_code == 3


class TestRun:
    def test_what_an_interrupted_run_lacks_needs_no_reason(self, scene):
        stage = scene(False)
        stage.produce(0)
        run = judge_run([judge_arm(stage.evidence(is_control=True))], control=True, interrupted=True)
        assert codes(run) == ["interrupted"]

    def test_an_interruption_counts_most(self, arms, duplicated):
        error = Reason("broker", None, "The broker went away.")
        run = judge_run([judge_arm(duplicated.evidence(NONE))], control=True, interrupted=True, error=error)
        assert (run.verdict, run.exit_code, codes(run)[:2]) == ("interrupted", 130, ["interrupted", "broker"])

    def test_out_of_time_it_is_inconclusive_and_lacks_nothing_else(self, scene):
        stage = scene(False)
        stage.produce(0)
        run = judge_run([judge_arm(stage.evidence(is_control=True))], control=True, out_of_time=True)
        assert (run.verdict, run.exit_code, codes(run)) == ("inconclusive", 3, ["out-of-time"])

    def test_out_of_time_it_never_passes(self, arms):
        assert judge_run(arms, control=True, out_of_time=True).exit_code == 3
        assert judge_run([], control=True, out_of_time=True).exit_code == 3

    def test_out_of_time_harm_that_was_seen_fails_it(self, duplicated):
        run = judge_run([judge_arm(duplicated.evidence(NONE))], control=True, out_of_time=True)
        assert (run.verdict, run.exit_code, codes(run)[:2]) == ("failed", 1, ["out-of-time", "expectation-failed"])

    def test_an_interruption_counts_more_than_the_time_and_so_does_an_error(self, duplicated):
        arms = [judge_arm(duplicated.evidence(NONE))]
        assert codes(judge_run(arms, control=True, out_of_time=True, interrupted=True))[0] == "interrupted"
        run = judge_run(arms, control=True, out_of_time=True, error=Reason("broker", None, "The broker went away."))
        assert (run.verdict, codes(run)[:2]) == ("error", ["broker", "out-of-time"])

    def test_the_kinds_of_failures_are_told(self, arms, duplicated):
        assert judge_run(arms, control=True).failures == []
        run = judge_run([arms[0], judge_arm(duplicated.evidence(NONE))], control=True)
        assert run.failures == [Failure("on", "duplicates", "more", "broker-did-not-deduplicate")]

    def test_an_error_counts_more_than_a_violation(self, duplicated):
        error = Reason("broker", None, "The broker went away.")
        run = judge_run([judge_arm(duplicated.evidence(NONE))], control=True, error=error)
        assert (run.verdict, run.exit_code) == ("error", 4)

    def test_a_reason_of_the_run_makes_it_inconclusive(self, arms):
        run = judge_run(arms, control=True, extra=[Reason("deadline", None, "The run's deadline passed.")])
        assert (run.verdict, run.exit_code) == ("inconclusive", 3)

    def test_without_its_control_a_run_proves_nothing(self, arms):
        assert codes(judge_run(arms[1:], control=True)) == ["no-control"]
        assert judge_run(arms[1:], control=False).exit_code == 0

    def test_without_any_arm_nothing_is_proved(self):
        assert judge_run([], control=False).exit_code == 3


def test_the_worst_of_several_runs():
    for codes in permutations((130, 4, 1, 3, 0)):
        for kept in range(1, 6):
            expected = next(code for code in (130, 4, 1, 3, 0) if code in codes[:kept])
            assert worst(codes[:kept]) == expected
    with pytest.raises(ValueError, match="empty"):
        worst([])


def test_a_retry_under_other_numbers_is_noted(scene):
    stage = scene(True)
    first = stage.lose(0)
    stage.produce(0, repeats=first, producer_epoch=1)
    assert "another producer id, epoch or sequence" in judge_arm(stage.evidence()).notes[0]


def test_other_peoples_records_are_noted(lost_ack):
    stage = lost_ack(True)
    stage.log.append(replace(stage.log[0], offset=9, batch_base_offset=9, batch_crc=1, sequence=50, ours=False))
    arm = judge_arm(stage.evidence(NONE))
    assert arm.result.verdict == "passed"
    assert arm.notes == ["1 record in the log is not of this run: they did not pass the proxy and are not judged."]


def test_faults_that_were_changed_are_told(lost_ack):
    evidence = lost_ack(True).evidence()
    changes = [Changed(5.0 + n, "idle", "disarmed", "control", None, 1.0 + n) for n in range(12)]
    (note,) = judge_arm(replace(evidence, wire=replace(evidence.wire, changes=tuple(changes[:2])))).notes
    assert note == (
        'Faults were changed while it ran: "idle" disarmed at 1.000 s by the control API, '
        '"idle" disarmed at 2.000 s by the control API.'
    )
    (note,) = judge_arm(replace(evidence, wire=replace(evidence.wire, changes=tuple(changes)))).notes
    assert note.endswith("and 2 more, see events.jsonl.")


def test_what_was_done_to_processes_is_noted(lost_ack):
    evidence = lost_ack(True).evidence()
    zero = evidence.wire.zero
    acted = (
        Acted(zero + 1.5, "stop it", "broker", "restart", True, None, 3.25),
        Acted(zero + 2.0, "kill it", "workload", "kill", True, None, 0.5),
        Acted(zero + 3.0, "again", "workload", "kill", False, "the producer was not at work", 0.0),
    )
    notes = judge_arm(replace(evidence, wire=replace(evidence.wire, acted=acted))).notes
    assert notes == [
        'At 1.500 s "stop it" (restart, broker); over after 3.250 s.',
        'At 2.000 s "kill it" (kill, producer); over after 0.500 s.',
    ]
