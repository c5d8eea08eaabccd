"""`--baseline`: what is known fails nothing, what is new does, and nothing that is open is hidden."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ackdrop.errors import UsageError
from ackdrop.report import as_json, html, junit, markdown
from ackdrop.report.baseline import Baseline, in_words, is_known
from ackdrop.report.combine import combine
from ackdrop.report.finished import Finished
from ackdrop.report.verdicts import sentence
from ackdrop.result import EXIT_CODES, ExpectationResult, Failure, Reason
from ackdrop.verify.kinds import failures

NOT_DEDUPLICATED = Failure("on", "duplicates", "more", "broker-did-not-deduplicate")


def judged(result):
    """The result with its kinds of failures, as a run has them."""
    return replace(result, failures=failures(result.arms))


@pytest.fixture
def failed(results):
    """`failed(7)`: so many duplicates in the on arm, all for one cause."""
    return lambda count=7, **changes: replace(judged(results.failed(count)), **changes)


@pytest.fixture
def lost(results):
    """A run that failed for what is lost beside its duplicates."""
    arm = results.duplicates(2)
    expected = [arm.expectations[0], ExpectationResult("lost 0", 3, False)]
    arm = results.change(arm, expectations=expected, log=results.change(arm.log, lost=3))
    reasons = [Reason("expectation-failed", "on", text) for text in ("Expected duplicates 0.", "Expected lost 0.")]
    return judged(results.run(results.off_arm(), arm, verdict="failed", exit_code=1, reasons=reasons))


def baseline(*results):
    return Baseline(results, "old.json")


def told(result):
    return [note for note in result.notes if "baseline" in note]


def test_what_is_known_does_not_fail(failed):
    result = baseline(failed(2)).applied(failed(7))
    assert (result.verdict, result.exit_code, result.reasons) == ("passed", 0, [])
    assert result.failures == [replace(NOT_DEDUPLICATED, known=True)]
    assert told(result) == [
        "Known from the baseline old.json: on: expected duplicates 0 (broker-did-not-deduplicate).",
    ]
    assert sentence(result) == "Nothing new: whatever was not as expected is known from the baseline."
    assert result.arms == failed(7).arms, "what was seen stays as it was"


def test_what_is_new_fails_beside_what_is_known(failed, lost):
    result = baseline(failed()).applied(lost)
    assert (result.verdict, result.exit_code) == ("failed", 1)
    assert [reason.text for reason in result.reasons] == ["Expected lost 0."]
    assert [(kind.figure, kind.known) for kind in result.failures] == [("duplicates", True), ("lost", False)]
    assert len(told(result)) == 1


def test_another_cause_is_another_kind(failed, results):
    finding = results.change(results.duplicates(1).findings[0], cause="new-epoch")
    other = judged(results.run(results.change(results.duplicates(1), findings=[finding]), verdict="failed"))
    result = baseline(other).applied(failed())
    assert (result.verdict, [kind.known for kind in result.failures]) == ("failed", [False])
    assert "In the baseline old.json, and here no more: on: too many duplicates (new-epoch)." in told(result)


def test_one_expectation_of_which_a_part_is_known_fails(failed, results):
    arm = results.duplicates(2)
    findings = [arm.findings[0], results.change(arm.findings[1], cause="new-epoch")]
    arm = results.change(arm, findings=findings)
    result = baseline(failed()).applied(judged(results.change(results.failed(2), arms=[results.off_arm(), arm])))
    assert (result.verdict, len(result.reasons)) == ("failed", 1)
    assert [kind.known for kind in result.failures] == [True, False]
    assert not is_known(arm.expectations[0], arm, result)


def test_a_pass_with_a_baseline_that_failed_says_what_is_gone(failed, results):
    result = baseline(failed()).applied(results.lost_ack())
    assert (result.verdict, result.failures) == ("passed", [])
    assert told(result) == [
        "In the baseline old.json, and here no more: on: too many duplicates (broker-did-not-deduplicate)."
    ]
    assert sentence(result).startswith("With idempotence on, the retry left no duplicate")


def test_a_baseline_that_passed_with_what_it_knew_still_knows_it(failed):
    again = baseline(failed()).applied(failed())
    assert again.verdict == "passed"
    assert baseline(again).applied(failed()).verdict == "passed"


def test_a_gate_that_failed_is_not_hidden(failed):
    gate = Reason("fault-never-fired", "on", "It never fired.")
    result = baseline(failed()).applied(failed(reasons=[*failed().reasons, gate]))
    assert (result.verdict, result.exit_code, result.reasons) == ("inconclusive", 3, [gate])


@pytest.mark.parametrize("verdict", ["inconclusive", "error", "interrupted"])
def test_what_is_open_stays_open(failed, verdict):
    """Whatever the reasons are: that all failures are known proves nothing about the rest."""
    gate = Reason("control-clean", None, "No retry left a duplicate.")
    now = failed(verdict=verdict, exit_code=EXIT_CODES[verdict], reasons=[gate, *failed().reasons])
    result = baseline(failed()).applied(now)
    assert (result.verdict, result.exit_code) == (verdict, EXIT_CODES[verdict])
    assert gate in result.reasons


@pytest.mark.parametrize("verdict", ["inconclusive", "error", "interrupted"])
def test_a_baseline_that_proves_nothing_is_said_and_not_used(failed, verdict):
    result = baseline(failed(verdict=verdict)).applied(failed())
    assert result.verdict == "failed"
    assert told(result) == [
        f"The baseline old.json is not used, for its result of this scenario is {verdict}.",
    ]


def test_a_baseline_of_another_scenario_is_said(failed, results):
    other = failed(scenario=results.change(failed().scenario, file="elsewhere/other.yaml"))
    result = baseline(other).applied(failed())
    assert result.verdict == "failed"
    assert told(result) == ["The baseline old.json has no result of this scenario: whatever fails is new."]


def test_another_combination_is_another_scenario(failed, results):
    one = failed(scenario=results.change(failed().scenario, combination={"acks": "1"}))
    assert baseline(one).applied(failed()).verdict == "failed"
    assert baseline(failed(), one).applied(one).verdict == "passed"


def test_the_same_scenario_may_lie_elsewhere(failed, results):
    moved = failed(scenario=results.change(failed().scenario, file="/build/42/scenarios/lost-ack.yaml"))
    assert baseline(moved).applied(failed()).verdict == "passed"


def test_a_baseline_of_other_arms_is_said(failed):
    only_off = failed(arms=failed().arms[:1], failures=[])
    result = baseline(only_off).applied(failed())
    assert result.verdict == "failed"
    assert told(result) == ["The baseline old.json has no arm on: whatever fails there is new."]


def test_a_baseline_of_something_else_is_said(failed, results):
    arms = [results.change(arm, producer=results.change(arm.producer, client="aiokafka")) for arm in failed().arms]
    old = failed(
        arms=arms,
        scenario=results.change(failed().scenario, sha256="cd" * 32),
        broker=results.change(failed().broker, kind="kafka"),
    )
    (known, made) = told(baseline(old).applied(failed()))
    assert made == (
        "The baseline old.json was made with another version of the scenario, a broker that is kafka and the "
        "producer aiokafka."
    )
    assert known.startswith("Known from the baseline")


def test_of_several_results_the_ones_with_the_same_producer_count(failed, results):
    arms = [results.change(arm, producer=results.change(arm.producer, client="aiokafka")) for arm in failed().arms]
    passed = judged(results.lost_ack())
    assert baseline(passed, failed(arms=arms)).applied(failed()).verdict == "failed"
    assert baseline(passed, failed(arms=arms)).applied(failed(arms=arms)).verdict == "passed"


def test_a_result_from_before_kinds_were_told_is_a_baseline(failed):
    assert baseline(failed(failures=[])).applied(failed()).verdict == "passed"


def test_several_runs_of_which_each_is_judged(failed, results):
    """Flaky in a known way: passed. That one run has not the failure does not make it gone."""
    known = baseline(failed())
    runs = [known.applied(run) for run in (judged(results.lost_ack()), failed(2), failed(9))]
    together = known.of_all(combine(runs, ["1", "2", "3"], 3), runs)
    assert (together.verdict, together.repeat.verdicts) == ("passed", {"passed": 3})
    assert told(together) == [
        "Known from the baseline old.json: on: expected duplicates 0 (broker-did-not-deduplicate).",
    ]
    cases = junit.text([Finished(together, None)])
    assert "<failure" not in cases
    assert "known from the baseline: expected duplicates 0, held in 1 of 3 runs" in cases


def test_several_runs_of_a_baseline_have_all_kinds_of_all_runs(failed, lost, results):
    passed = judged(results.lost_ack())
    old = combine([failed(), passed, lost], ["1", "2", "3"], 3)
    assert baseline(old).applied(lost).verdict == "passed"
    gone = baseline(old)
    assert told(gone.of_all(combine([passed, passed], ["1", "2"], 2), [passed, passed])) == [
        "In the baseline old.json, and here no more: "
        "on: too many duplicates (broker-did-not-deduplicate) and on: too many lost."
    ]


def test_every_report_marks_what_is_known(failed, shown):
    """Beside its figure, so that a failure and a pass do not stand there without a word."""
    result = baseline(failed()).applied(failed())
    told = "duplicates 0, was 7, known"
    assert f"{told} ✗" in shown(result, 140)
    assert f"{told} ✗" in markdown.text([Finished(result, None)])
    assert told in html.text([Finished(result, None)])
    for text in (shown(failed(), 140), markdown.text([Finished(failed(), None)])):
        assert "duplicates 0, was 7 ✗" in text


def test_known_failures_are_skipped_in_junit_and_new_ones_fail(failed, lost):
    suite = junit.text([Finished(baseline(failed()).applied(lost), None)])
    assert suite.count("<failure") == 1
    assert "known from the baseline: expected duplicates 0, was 2" in suite
    assert 'failures="1"' in suite


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (NOT_DEDUPLICATED, "on: too many duplicates (broker-did-not-deduplicate)"),
        (Failure("off", "retries", "fewer", None), "off: too few retries"),
        (Failure("off", "retries", "other", None), "off: retries"),
    ],
)
def test_a_kind_in_words(kind, words):
    assert in_words(kind) == words


def test_any_result_is_a_baseline(failed, results, tmp_path):
    one, several, folder = tmp_path / "one.json", tmp_path / "several.json", tmp_path / "run"
    folder.mkdir()
    one.write_text(as_json.text([Finished(failed(), None)]))
    several.write_text(as_json.text([Finished(results.resend(), None), Finished(failed(), None)]))
    as_json.write(failed(), folder / "report.json")
    for path in (one, several, folder):
        assert Baseline.read(path).applied(failed()).verdict == "passed"
        assert Baseline.read(path).name == path.name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("7", "is not a report of the schema"),
        ("[7]", "is not a report of the schema"),
        ('{"schema": "ackdrop/report/2"}', "is not a report of the schema"),
        ('[{"schema": "ackdrop/report/1"}]', "is not a whole report"),
    ],
)
def test_what_is_no_baseline(tmp_path, content, said):
    path = tmp_path / "old.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=said):
        Baseline.read(path)
