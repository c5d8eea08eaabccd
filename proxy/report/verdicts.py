"""The verdict in a sentence. Why a run did not pass is told by its reasons; this says what that means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..result import ArmResult, ExpectationResult, Reason, Repetition, RunResult
from .figures import was_watched
from .spreads import runs, verdicts
from .words import counted

_WERE = {
    "passed": "passed",
    "failed": "failed",
    "inconclusive": "were inconclusive",
    "error": "ended in an error",
    "interrupted": "were interrupted",
}

_LIMIT = re.compile(r"\w+ (?:(?:==|<=?) )?([0-9]{1,18})")

_NOT_PASSED = {
    "inconclusive": "Nothing is proved either way.",
    "error": "The run could not be done.",
    "interrupted": "Stopped before the end. The figures are what was seen until then.",
}

_HARM = {
    "duplicates": ("duplicate reached the log", "duplicates reached the log"),
    "lost": ("acked record is not in the log", "acked records are not in the log"),
    "out_of_order": ("record is out of order", "records are out of order"),
}


def sentence(result: RunResult) -> str:
    """What the verdict means, in one sentence or two; of several runs also how many came to it."""
    return _one(result) if result.repeat is None else f"{_of_all(result.repeat)} {_one(result)}"


def _one(result: RunResult) -> str:
    if result.verdict == "passed":
        return _passed(result)
    if result.verdict == "failed":
        return _failed(result)
    return _NOT_PASSED[result.verdict]


def _of_all(repeat: Repetition) -> str:
    """How many runs there were, and which of them the rest speaks of."""
    if repeat.agreement == "flaky":
        left = f" ({repeat.asked:,} were asked for)" if repeat.runs < repeat.asked else ""
        told = f"Flaky: of {repeat.runs:,} runs{left} {verdicts(repeat.verdicts)}."
    elif len(repeat.verdicts) == 1 and repeat.runs == repeat.asked:
        (verdict,) = repeat.verdicts
        all_ = "Broken: all" if repeat.agreement == "broken" else "All"
        told = f"{all_} {repeat.runs:,} runs {_WERE[verdict]}."
    else:
        told = f"{runs(repeat)}."
    return f"{told} Run {repeat.shown:,}:"


def reason(told: Reason) -> str:
    """The reason with its arm in front and its code behind."""
    arm = f"{told.arm}: " if told.arm is not None else ""
    return f"{arm}{told.text} ({told.code})"


def advice(result: RunResult, kept: bool) -> Iterator[str]:
    """What to do next, where the reasons do not say it. `kept`: the run has a folder to look into."""
    if kept and result.repeat is not None:
        folder = result.repeat.folders[result.repeat.shown - 1]
        yield f"Each run has a folder of its own; that of run {result.repeat.shown:,} is {folder}/."
    elif kept and result.verdict == "failed":
        yield "report.json has every finding with its places and attempts, ledger.db all that was seen on the wire."


def _passed(result: RunResult) -> str:
    if any(kind.known for kind in result.failures):
        return "Nothing new: whatever was not as expected is known from the baseline."
    protected = [arm for arm in result.arms if arm.idempotence]
    if any(finding.cause == "application-resend" for arm in protected for finding in arm.findings):
        return "Every expectation held: what an application sends again itself, idempotence does not take back."
    retries = sum(arm.wire.retries or 0 for arm in protected)
    if retries and all(arm.log.duplicates == 0 for arm in protected):
        return f"With idempotence on, {_the_retries(retries)} left no duplicate{_without(result)}."
    if result.arms and not any(was_watched(arm) for arm in result.arms):
        return _unwatched(result.arms)
    if result.arms and not any(arm.expectations for arm in result.arms):
        return "Nothing was expected of any arm, so nothing was tested but the gates."
    if result.arms and all(arm.log.duplicates == 0 for arm in result.arms):
        seen = sum(arm.wire.retries or 0 for arm in result.arms)
        return f"Every expectation held: {counted(seen, 'retry', 'retries')}, and no duplicate."
    watched = [arm for arm in result.arms if arm.idempotence is None and arm.log.duplicates]
    if watched:
        left = counted(sum(arm.log.duplicates or 0 for arm in watched), "duplicate is", "duplicates are")
        return f"No protected retry left a duplicate; {left} there for other reasons, told above."
    return "Every expectation held."


def _unwatched(arms: Sequence[ArmResult]) -> str:
    """The log alone."""
    duplicates = sum(arm.log.duplicates or 0 for arm in arms)
    if not duplicates:
        return "No duplicate is in the log." if all(arm.log.duplicates == 0 for arm in arms) else "The log was read."
    return f"{counted(duplicates, 'duplicate')} in the log. Nobody watched the wire, so it does not tell why."


def _the_retries(retries: int) -> str:
    return "the retry" if retries == 1 else f"{retries:,} retries"


def _without(result: RunResult) -> str:
    """The other half of the comparison, where there is one."""
    arms = [arm for arm in result.arms if arm.idempotence is False]
    duplicates = sum(arm.log.duplicates or 0 for arm in arms)
    they = "it" if sum(arm.wire.retries or 0 for arm in arms) == 1 else "they"
    return f"; with it off, {they} left {duplicates:,}" if duplicates else ""


def _failed(result: RunResult) -> str:
    others = {reason.arm for reason in result.reasons if reason.code == "idempotence-not-as-claimed"}
    harm = [text for arm in result.arms for text in _harm(arm, arm.name not in others)]
    return " ".join(harm or ["An expectation did not hold."])


def _harm(arm: ArmResult, as_claimed: bool) -> Iterator[str]:
    """What there is too much of in the log. `as_claimed`: the arm's batches carry what its idempotence says."""
    where = {True: "With idempotence on, ", False: "With idempotence off, ", None: ""}[arm.idempotence]
    if not as_claimed:
        where = f"In the arm {arm.name}, whose idempotence was not as claimed, "
    for expectation in arm.expectations:
        figure = expectation.expect.partition(" ")[0]
        if expectation.held is False and expectation.actual and figure in _HARM and _too_many(expectation):
            one, many = _HARM[figure]
            text = f"{where}{counted(expectation.actual, one, many)}."
            yield text[0].upper() + text[1:]


def _too_many(expectation: ExpectationResult) -> bool:
    """One that asks for more than there was is no harm that was done."""
    limit = _LIMIT.fullmatch(expectation.expect)
    return limit is not None and (expectation.actual or 0) >= int(limit[1])
