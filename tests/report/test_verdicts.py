"""The verdict in a sentence."""

from __future__ import annotations

import pytest

from ackdrop.report.combine import combine
from ackdrop.report.verdicts import advice, reason, sentence
from ackdrop.result import ExpectationResult, Reason


def retried(results, arm, retries, duplicates=0):
    wire = results.change(arm.wire, retries=retries)
    return results.change(arm, wire=wire, log=results.change(arm.log, duplicates=duplicates))


def test_passed_with_both_halves(results):
    arms = [retried(results, results.off_arm(), 5, 5), retried(results, results.on_arm(), 5)]
    assert sentence(results.run(*arms)) == "With idempotence on, 5 retries left no duplicate; with it off, they left 5."


def test_passed_with_one_half(results):
    assert sentence(results.run(results.on_arm())) == "With idempotence on, the retry left no duplicate."


def test_passed_without_a_retry(results):
    arm = retried(results, results.on_arm(), 0)
    assert sentence(results.run(arm)) == "Every expectation held: 0 retries, and no duplicate."


def test_passed_with_duplicates_that_were_expected(results):
    arm = retried(results, results.on_arm(), 2, 2)
    assert sentence(results.run(arm)) == "Every expectation held."


@pytest.mark.parametrize(
    ("expectations", "text"),
    [
        ([ExpectationResult("duplicates 0", 1, False)], "With idempotence on, 1 duplicate reached the log."),
        (
            [ExpectationResult("duplicates 0", 2, False), ExpectationResult("lost 0", 1, False)],
            "With idempotence on, 2 duplicates reached the log. With idempotence on, 1 acked record is not in the log.",
        ),
        ([ExpectationResult("duplicates >= 1", 0, False)], "An expectation did not hold."),
        ([ExpectationResult("phantom 0", 2, False)], "An expectation did not hold."),
    ],
)
def test_failed(results, expectations, text):
    arm = results.change(results.on_arm(), expectations=expectations)
    assert sentence(results.run(arm, verdict="failed")) == text


def test_failed_without_a_claim(results):
    arm = results.change(results.foreign_arm(), expectations=[ExpectationResult("out_of_order 0", 2, False)])
    assert sentence(results.run(arm, verdict="failed")) == "2 records are out of order."


def test_several_runs(results):
    passed = results.lost_ack()
    assert sentence(combine([passed] * 3, ["1", "2", "3"], 3)) == (
        "All 3 runs passed. Run 1: With idempotence on, the retry left no duplicate; with it off, it left 1."
    )
    assert sentence(combine([passed, results.inconclusive()], ["1", "2"], 2)) == (
        "Flaky: of 2 runs 1 passed, 1 inconclusive. Run 2: Nothing is proved either way."
    )
    assert sentence(combine([passed, results.failed(1)], ["1", "2"], 5)).startswith(
        "Flaky: of 2 runs (5 were asked for) 1 passed, 1 failed. Run 2: "
    )
    assert sentence(combine([results.failed(1)] * 2, ["1", "2"], 2)).startswith("Broken: all 2 runs failed. Run 1: ")
    assert sentence(combine([passed], ["1"], 5)).startswith("1 of 5 runs: 1 passed. Run 1: With")


def test_a_log_alone(results):
    assert sentence(results.alone(0)) == "No duplicate is in the log."
    assert sentence(results.alone(1)) == ("1 duplicate in the log. Nobody watched the wire, so it does not tell why.")


@pytest.mark.parametrize("verdict", ["inconclusive", "error", "interrupted"])
def test_no_verdict(results, verdict):
    assert sentence(results.run(verdict=verdict)).endswith(".")


def test_reason():
    assert reason(Reason("no-retry", "off", "Nothing was sent again.")) == "off: Nothing was sent again. (no-retry)"
    assert reason(Reason("no-broker", None, "Nobody answers.")) == "Nobody answers. (no-broker)"


def test_advice_only_where_reasons_do_not_give_it(results):
    assert len(list(advice(results.failed(), kept=True))) == 1
    assert list(advice(results.failed(), kept=False)) == []
    assert list(advice(results.inconclusive(), kept=True)) == []
    assert list(advice(results.repeated(), kept=True)) == ["Each run has a folder of its own; that of run 2 is 2/."]
    assert list(advice(results.repeated(), kept=False)) == []


def test_failed_in_an_arm_that_was_not_what_it_claims(results):
    arm = results.change(results.on_arm(), expectations=[ExpectationResult("duplicates 0", 1, False)])
    reasons = [Reason("idempotence-not-as-claimed", "on", "7 of 7 attempts carried no producer id.")]
    assert sentence(results.run(arm, verdict="failed", reasons=reasons)) == (
        "In the arm on, whose idempotence was not as claimed, 1 duplicate reached the log."
    )


@pytest.mark.parametrize("expect", ["duplicates 5", "duplicates >= 2", "duplicates > 1", "duplicates != 1"])
def test_failed_for_want_of_duplicates_is_no_harm(results, expect):
    arm = results.change(results.off_arm(), expectations=[ExpectationResult(expect, 1, False)])
    assert sentence(results.run(arm, verdict="failed")) == "An expectation did not hold."


def test_passed_without_any_expectation(results):
    arm = results.change(retried(results, results.on_arm(), 0), expectations=[])
    assert sentence(results.run(arm)).startswith("Nothing was expected")


@pytest.mark.parametrize("expect", ["", "duplicates", "duplicates x", "duplicates \u0663", "duplicates  1 "])
def test_an_expectation_that_nobody_wrote(results, expect):
    """A report is a file, and a file may hold anything."""
    arm = results.change(results.on_arm(), expectations=[ExpectationResult(expect, 3, False)])
    assert sentence(results.run(arm, verdict="failed")) == "An expectation did not hold."
