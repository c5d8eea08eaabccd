"""The verdict in a sentence. Why a run did not pass is told by its reasons; this says what that means."""

from __future__ import annotations

from collections.abc import Iterator

from ..result import ArmResult, Reason, RunResult
from .words import counted

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
    """What the verdict means, in one sentence or two."""
    if result.verdict == "passed":
        return _passed(result)
    if result.verdict == "failed":
        return _failed(result)
    return _NOT_PASSED[result.verdict]


def reason(told: Reason) -> str:
    """The reason with its arm in front and its code behind."""
    arm = f"{told.arm}: " if told.arm is not None else ""
    return f"{arm}{told.text} ({told.code})"


def advice(result: RunResult, kept: bool) -> Iterator[str]:
    """What to do next, where the reasons do not say it. `kept`: the run has a folder to look into."""
    if result.verdict == "failed" and kept:
        yield "report.json has every finding with its places and attempts, ledger.db all that was seen on the wire."


def _passed(result: RunResult) -> str:
    protected = [arm for arm in result.arms if arm.idempotence]
    if any(finding.cause == "application-resend" for arm in protected for finding in arm.findings):
        return "Every expectation held: what an application sends again itself, idempotence does not take back."
    retries = sum(arm.wire.retries for arm in protected)
    if retries and all(arm.log.duplicates == 0 for arm in protected):
        return f"With idempotence on, {_the_retries(retries)} left no duplicate{_without(result)}."
    if result.arms and all(arm.log.duplicates == 0 for arm in result.arms):
        seen = sum(arm.wire.retries for arm in result.arms)
        return f"Every expectation held: {counted(seen, 'retry', 'retries')}, and no duplicate."
    watched = [arm for arm in result.arms if arm.idempotence is None and arm.log.duplicates]
    if watched:
        left = counted(sum(arm.log.duplicates or 0 for arm in watched), "duplicate is", "duplicates are")
        return f"No protected retry left a duplicate; {left} there for other reasons, told above."
    return "Every expectation held."


def _the_retries(retries: int) -> str:
    return "the retry" if retries == 1 else f"{retries:,} retries"


def _without(result: RunResult) -> str:
    """The other half of the comparison, where there is one."""
    arms = [arm for arm in result.arms if arm.idempotence is False]
    duplicates = sum(arm.log.duplicates or 0 for arm in arms)
    they = "it" if sum(arm.wire.retries for arm in arms) == 1 else "they"
    return f"; with it off, {they} left {duplicates:,}" if duplicates else ""


def _failed(result: RunResult) -> str:
    return " ".join([text for arm in result.arms for text in _harm(arm)] or ["An expectation did not hold."])


def _harm(arm: ArmResult) -> Iterator[str]:
    where = {True: "With idempotence on, ", False: "With idempotence off, ", None: ""}[arm.idempotence]
    for expectation in arm.expectations:
        figure = expectation.expect.partition(" ")[0]
        if expectation.held is False and expectation.actual and figure in _HARM:
            one, many = _HARM[figure]
            text = f"{where}{counted(expectation.actual, one, many)}."
            yield text[0].upper() + text[1:]
