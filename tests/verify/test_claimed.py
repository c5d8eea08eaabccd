"""What a test's claims make of the verdict on an arm."""

from __future__ import annotations

from typing import Any

import pytest

from ackdrop.result import ArmResult, ExpectationResult, LogCounts, ProducerInfo, Reason, Records, WireCounts
from ackdrop.verify.claimed import claimed
from ackdrop.verify.of_runs import ArmVerdict, judge_run

HELD = ExpectationResult("retries >= 1", 1, True)
BUILT_IN = ExpectationResult("duplicates from protected retries 0", 0, True)


def verdict(*reasons: Reason) -> ArmVerdict:
    wire, log = WireCounts(1, 6, 1, 1, 0, 0, 0, []), LogCounts(6, 5, 1, 0, None, None, None, None, 0)
    producer, records = ProducerInfo("c", None, {}), Records(None, None, None, None)
    outcome: Any = "inconclusive" if reasons else "passed"
    arm = ArmResult("proxy", None, outcome, producer, records, wire, log, [], [BUILT_IN])
    return ArmVerdict(arm, list(reasons), [], is_control=False, violated=False)


def test_claims_that_hold_stand_among_the_expectations() -> None:
    told = claimed(verdict(), [HELD, BUILT_IN])
    assert told.result.expectations == [BUILT_IN, HELD]
    assert (told.result.verdict, told.reasons, told.violated) == ("passed", [], False)


@pytest.mark.parametrize("before", [(), (Reason("not-settled", "proxy", "t"),)])
def test_one_that_does_not_hold_fails_the_run_whatever_else_is_missing(before: tuple[Reason, ...]) -> None:
    told = claimed(verdict(*before), [ExpectationResult("duplicates 0", 1, False)])
    assert told.result.verdict == "failed"
    assert told.reasons[-1] == Reason(
        "expectation-failed", "proxy", "The test claimed duplicates 0, counted 1: the findings show where and why."
    )
    run = judge_run([told], control=False)
    assert (run.verdict, run.exit_code) == ("failed", 1)
    assert [(kind.figure, kind.how) for kind in run.failures] == [("duplicates", "more")]


def test_one_of_which_nobody_knows_makes_it_inconclusive() -> None:
    told = claimed(verdict(), [ExpectationResult("duplicates 0", None, None), HELD])
    assert (told.result.verdict, [reason.code for reason in told.reasons]) == ("inconclusive", ["figure-unknown"])
