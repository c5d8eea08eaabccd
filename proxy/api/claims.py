"""What tests claim, and why a claim does not hold.

None of them holds where no fault has fired, or where the report could not know: a test that proves nothing shall not be
green.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from ..errors import UsageError
from ..report.words import counted, times
from ..result import Cause, Finding, Reason
from ..verify.of_runs import EXPECTATION_FAILED
from . import words

if TYPE_CHECKING:
    from .evidence import Observed, Report

ONLY_OF_RETRIES = frozenset({"no-retry", "retry-refused", "ambiguous-duplicates"})
"""Reasons that leave open what became of retries, and not whether anything is lost."""

NOTHING_INJECTED, NOTHING_ACKED, RETRY_AWAITED = "nothing-injected", "nothing-acked", "retry-awaited"
"""Reasons of our own: no fault has fired; no client has heard of a success; a retry may yet come."""


class ClaimFailed(AssertionError):
    """A claim that does not hold."""

    __module__ = "ackdrop.api"


class Violated(ClaimFailed):
    """It was seen that it is not so."""

    __module__ = "ackdrop.api"


class Inconclusive(ClaimFailed):
    """Nothing is proved either way."""

    __module__ = "ackdrop.api"


@dataclass(frozen=True, slots=True)
class Claim:
    """What was claimed, as an expectation of a report, and `why` it does not hold. `held` None: what was seen does not
    tell."""

    expect: str
    actual: int | None
    held: bool | None
    why: str = ""


def enforce(claim: Claim) -> None:
    """Raises what a claim that does not hold is."""
    __tracebackhide__ = True
    if not claim.held:
        raise (Inconclusive if claim.held is None else Violated)(claim.why)


def no_duplicates(report: Report, allow: Collection[Cause] = ()) -> Claim:
    """No record stands in the log twice, but for causes that are allowed."""
    __tracebackhide__ = True
    if unknown := set(allow) - set(get_args(Cause)):
        raise UsageError(f"there is no cause {unknown.pop()!r}", remedy=f"there are: {', '.join(get_args(Cause))}")
    allowed = {*allow} if report.named else {*allow, "application-resend"}
    found = [finding for finding in report.arm.findings if finding.kind == "duplicate"]
    harm = [finding for finding in found if finding.cause not in {*allowed, "ambiguous"}]
    expect, extra = "duplicates 0", sum(map(_extra, harm))
    if harm:
        head = f"{counted(extra, 'duplicate')} in the log, none expected"
        return Claim(expect, extra, False, words.violated(head, report, harm))
    unsure = [] if "ambiguous" in allowed else [finding for finding in found if finding.cause == "ambiguous"]
    reasons = [*_reasons(report), *_open(report, found, unsure)]
    return _unless(reasons, Claim(expect, 0, True), report, unsure)


def nothing_lost(report: Report) -> Claim:
    """All that was acked is in the log."""
    lost = [finding for finding in report.arm.findings if finding.kind == "lost"]
    if lost and report.lost:
        head = f"{counted(report.lost, 'acked record')} not in the log"
        return Claim("lost 0", report.lost, False, words.violated(head, report, lost))
    reasons = [reason for reason in _reasons(report) if reason.code not in ONLY_OF_RETRIES]
    if not report.observed.acked:
        text = "No client has heard of a success, so there is nothing that could be lost. Wait for the acks (flush)."
        reasons.append(Reason(NOTHING_ACKED, None, text))
    if report.lost is None and not reasons:
        reasons.append(Reason("figure-unknown", None, "Whether anything is lost is not known."))
    return _unless(reasons, Claim("lost 0", 0, True), report)


def retried(observed: Observed, at_least: int) -> Claim:
    """Clients sent again what faults made them lose."""
    __tracebackhide__ = True
    _check(at_least)
    seen = observed.retries
    if not any(observed.fired.values()):
        reasons = [_not_injected(observed)]
    elif seen is None:
        reasons = [Reason("ledger-incomplete", None, "The ledger has let go of what was seen.")]
    else:
        reasons = []
    expect = f"retries >= {at_least}"
    if not reasons and (seen or 0) < at_least:
        return Claim(expect, seen, False, words.violated(_too_few(observed, at_least), observed))
    return _unless(reasons, Claim(expect, seen, True), observed)


def faults_fired(observed: Observed, name: str | None, at_least: int) -> Claim:
    """A fault has fired, or any of them has."""
    __tracebackhide__ = True
    _check(at_least)
    fired = observed.fired
    if name is not None and name not in fired:
        near = get_close_matches(name, fired, n=1)
        there = ", ".join(f'"{each}"' for each in fired) or "none"
        raise UsageError(f'no fault "{name}"', remedy=f'did you mean "{near[0]}"?' if near else f"there are: {there}")
    seen = sum(fired.values()) if name is None else fired[name]
    who = "the faults" if name is None else f'"{name}"'
    expect = f"{'faults' if name is None else who} fired >= {at_least}"
    if seen >= at_least:
        return Claim(expect, seen, True)
    head = f"{who} fired {times(seen) if seen else 'never'}, at least {times(at_least)} expected"
    return Claim(expect, seen, False, words.violated(head, observed))


def _too_few(observed: Observed, at_least: int) -> str:
    head = f"{counted(observed.retries or 0, 'retry', 'retries')} on the wire, at least {at_least:,} expected"
    unsure = observed.snapshot.retries.ambiguous
    return f"{head} (and {unsure:,} that may be the application's own sends)" if unsure else head


def _check(at_least: int) -> None:
    __tracebackhide__ = True
    if at_least < 1:
        raise UsageError(f"at_least={at_least} holds whatever happens", remedy="claim at_least=1 or more")


def _reasons(report: Report) -> list[Reason]:
    """Why the report proves nothing, the violation of an expectation aside: that is looked at by itself."""
    reasons = [reason for reason in report.reasons if reason.code != EXPECTATION_FAILED]
    if any(report.observed.fired.values()):
        return reasons
    return [
        _not_injected(report.observed),
        *(one for one in reasons if one.code not in ("fault-never-fired", "no-retry")),
    ]


def _not_injected(observed: Observed) -> Reason:
    faults = observed.wire.faults
    if not faults:
        text = "No fault was armed, so nothing was put to the test. Arm one, or name a scenario."
    else:
        told = ", ".join(f'"{fault.name}" matched {counted(fault.matched, "time")}' for fault in faults)
        text = f"No fault has fired, so nothing was put to the test: {told}. See its `at`, `match` and `when`."
    return Reason(NOTHING_INJECTED, None, text)


def _open(report: Report, found: Collection[Finding], unsure: Collection[Finding]) -> Iterator[Reason]:
    """What leaves open whether there are duplicates, where the report's own reasons do not say it."""
    told = {reason.code for reason in report.reasons}
    count, awaited = report.duplicates, report.observed.awaited
    if awaited and "no-retry" not in told:
        text = (
            f"{counted(awaited, 'batch', 'batches')} lost the ack and may yet be sent again. Wait for the producer "
            "(flush), or close it where it has given up."
        )
        yield Reason(RETRY_AWAITED, None, text)
    if unsure and "ambiguous-duplicates" not in told:
        text = (
            f"{counted(len(unsure), 'record')} may stand twice by a retry, or because the application sent it twice. "
            "Name what a record is known by (`identity`)."
        )
        yield Reason("ambiguous-duplicates", None, text)
    elif count is None and not told - {EXPECTATION_FAILED}:
        yield Reason("figure-unknown", None, "Whether there are duplicates is not known.")
    elif count is not None and count > sum(map(_extra, found)):
        text = (
            f"{counted(count, 'duplicate')} in the log, and not all of them are listed with their cause: see them all."
        )
        yield Reason("ambiguous-duplicates", None, text)


def _extra(finding: Finding) -> int:
    return len(finding.places) - 1


def _unless(
    reasons: Sequence[Reason], claim: Claim, seen: Report | Observed, findings: Collection[Finding] = ()
) -> Claim:
    """The claim, where no reason leaves it open."""
    if not reasons:
        return claim
    return Claim(claim.expect, None, None, words.inconclusive(reasons, seen, findings))
