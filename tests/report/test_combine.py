"""Several runs as one result: the worst in full, the spread over all."""

from __future__ import annotations

import pytest

from ackdrop.report.combine import FIGURES, combine
from ackdrop.result import EXIT_CODES, Failure, HeldTally, LogCounts, Reason, Spread

OUT_OF_TIME = Reason("out-of-time", None, "The time that was given was up.")


def folders(results):
    return [f"run-{n}" for n, _ in enumerate(results, 1)]


def together(*results, asked=None):
    return combine(results, folders(results), asked or len(results))


def with_duplicates(results, count):
    arm = results.on_arm()
    return results.run(results.change(arm, log=results.change(arm.log, duplicates=count)))


def verdict(results, word, **changes):
    return results.run(results.on_arm(), verdict=word, exit_code=EXIT_CODES[word], **changes)


def test_one_run_is_the_result_itself(results):
    result = results.lost_ack()
    assert together(result) is result


def test_one_run_of_several_that_were_asked_for(results):
    """Interrupted after the first: that it was to be more is not kept quiet, and no reason says `in 1 of 1`."""
    result = verdict(results, "interrupted", reasons=[Reason("interrupted", None, "Stopped by Ctrl-C.")])
    combined = together(result, asked=5)
    assert (combined.repeat.asked, combined.repeat.runs) == (5, 1)
    assert combined.reasons == result.reasons


@pytest.mark.parametrize(("count", "names"), [(0, 0), (2, 1)])
def test_what_cannot_be_combined(results, count, names):
    with pytest.raises(ValueError, match="cannot be combined"):
        combine([results.lost_ack()] * count, ["x"] * names, 2)


@pytest.mark.parametrize(
    ("words", "worst"),
    [
        ("passed passed", "passed"),
        ("passed inconclusive passed", "inconclusive"),
        ("inconclusive failed inconclusive", "failed"),
        ("failed error passed", "error"),
        ("error interrupted failed", "interrupted"),
    ],
)
def test_the_worst_counts(results, words, worst):
    combined = together(*(verdict(results, word) for word in words.split()))
    assert (combined.verdict, combined.exit_code) == (worst, EXIT_CODES[worst])
    assert combined.repeat.shown == words.split().index(worst) + 1
    assert combined.repeat.verdicts == {word: words.split().count(word) for word in words.split()}


@pytest.mark.parametrize(
    ("words", "agreement"),
    [
        ("passed passed passed", "steady"),
        ("inconclusive inconclusive", "steady"),
        ("failed failed failed", "broken"),
        ("failed passed failed", "flaky"),
        ("passed inconclusive", "flaky"),
        ("failed inconclusive", "flaky"),
        ("passed passed interrupted", "steady"),
        ("failed failed error", "broken"),
        ("passed interrupted", None),
        ("error error", None),
    ],
)
def test_flaky_is_told_from_broken(results, words, agreement):
    """By the runs that came to a verdict of their own."""
    assert together(*(verdict(results, word) for word in words.split())).repeat.agreement == agreement


def test_a_run_that_was_out_of_time_makes_nothing_flaky(results):
    passed, late = verdict(results, "passed"), verdict(results, "inconclusive", reasons=[OUT_OF_TIME])
    assert together(passed, passed, late, asked=9).repeat.agreement == "steady"
    assert together(passed, late, asked=9).repeat.agreement is None


def test_all_kinds_of_failures_of_all_runs(results):
    lost, late = (Failure("on", figure, "more", None) for figure in ("lost", "out_of_order"))
    runs = [verdict(results, "failed", failures=kinds) for kinds in ([lost], [late, lost], [])]
    assert together(*runs).failures == [lost, late]


def test_the_first_of_the_worst_is_shown_in_full(results):
    combined = together(results.lost_ack(), results.failed(3), results.failed(5))
    assert combined.arms == results.failed(3).arms
    assert combined.repeat.shown == 2
    assert combined.repeat.folders == ["run-1", "run-2", "run-3"]


def test_spread_of_figures_that_are_known(results):
    arms = together(*(with_duplicates(results, count) for count in (4, 0, None, 1, 3))).repeat.arms
    assert [arm.name for arm in arms] == ["on"]
    assert arms[0].figures["duplicates"] == Spread(0, 2, 4)
    assert arms[0].figures["acks_dropped"] == Spread(1, 1, 1)
    assert arms[0].figures["sent"] == arms[0].figures["acked"] == Spread(200, 200, 200)
    assert arms[0].figures["retries"] == Spread(1, 1, 1)
    assert tuple(arms[0].figures) == FIGURES


def test_a_figure_that_no_run_knows(results):
    arm = results.change(results.on_arm(), log=LogCounts(*[None] * 9))
    found = together(results.run(arm), results.run(arm)).repeat.arms[0].figures
    assert found["records"] == Spread(None, None, None)


def test_expectations_held_in_so_many_runs(results):
    combined = together(results.lost_ack(), results.failed(2), results.unknown_of("duplicates 0"))
    off, on = combined.repeat.arms
    assert off.expectations == [HeldTally("duplicates >= 1", 2, 2, 0), HeldTally("lost 0", 2, 2, 0)]
    assert on.expectations == [
        HeldTally("duplicates 0", 1, 3, 1),
        HeldTally("lost 0", 2, 2, 0),
        HeldTally("out_of_order 0", 1, 1, 0),
    ]
    assert on.verdicts == {"passed": 2, "failed": 1}


def test_arms_that_some_runs_did_not_come_to(results):
    combined = together(results.run(verdict="error", exit_code=4), results.lost_ack())
    assert [arm.name for arm in combined.repeat.arms] == ["off", "on"]
    assert [tally.of for arm in combined.repeat.arms for tally in arm.expectations] == [1] * 5
    assert combined.arms == []


def test_equal_reasons_are_told_once(results):
    """Numbers may differ from run to run; what is about another figure or another arm is another reason."""
    failed = results.failed(2)
    lost = Reason("expectation-failed", "on", "Expected lost 0, counted 2: the findings show where.")
    failed = results.change(failed, reasons=[*failed.reasons, lost])
    retry = [Reason("no-retry", arm, "Nothing was sent again.") for arm in ("off", "on")]
    combined = together(results.inconclusive(), results.run(reasons=retry), failed, results.failed(12_000))
    assert [(told.code, told.arm, told.text) for told in combined.reasons] == [
        ("expectation-failed", "on", "In 2 of 4 runs: Expected duplicates 0, counted 2: the findings show where."),
        ("expectation-failed", "on", "In 1 of 4 runs: Expected lost 0, counted 2: the findings show where."),
        ("fault-never-fired", "off", f"In 1 of 4 runs: {results.inconclusive().reasons[0].text}"),
        ("control-clean", None, "In 1 of 4 runs: No retry left a duplicate."),
        ("no-retry", "off", "In 1 of 4 runs: Nothing was sent again."),
        ("no-retry", "on", "In 1 of 4 runs: Nothing was sent again."),
    ]


def test_reasons_of_one_run_that_differ_in_a_number_stay_apart(results):
    reasons = [Reason("fault-never-fired", "on", f'The fault "ack {n}" never fired.') for n in (1, 2)]
    result = results.run(results.on_arm(), verdict="inconclusive", exit_code=3, reasons=reasons)
    assert [told.text for told in together(result, result).reasons] == [
        f"In all 2 runs: {told.text}" for told in reasons
    ]


def test_notes_are_those_of_all_runs(results):
    runs = [results.change(results.lost_ack(), notes=["a", "b"]), results.change(results.failed(), notes=["b", "c"])]
    assert together(*runs).notes == ["a", "b", "c"]
