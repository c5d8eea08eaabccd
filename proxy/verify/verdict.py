"""The verdict of an arm, of a run and of several runs, and every reason for it.

A violation (more harm in the log than expected, in an arm that is not the control) makes a run fail whatever else is
missing; else a gate that fails makes it inconclusive; else an expectation that fails makes it fail. A run passes when
nothing of that is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..observations import AttemptStory
from ..result import EXIT_CODES, ArmResult, Reason, Verdict
from . import changes
from .attempts import certain
from .case import Case, open_case
from .evidence import ArmEvidence
from .expect import Judged, expectations
from .findings import findings
from .gates import failed_gates
from .listed import LIMIT

EXPECTATION_FAILED = "expectation-failed"
FIGURE_UNKNOWN = "figure-unknown"

WORST_FIRST = (130, 4, 1, 3, 0)
"""Exit codes of runs, the one that counts most first."""


@dataclass(frozen=True, slots=True)
class ArmVerdict:
    """`violated`: harm was seen in an arm that is not the control. `notes` are worth saying and change nothing."""

    result: ArmResult
    reasons: list[Reason]
    notes: list[str]
    is_control: bool
    violated: bool


@dataclass(frozen=True, slots=True)
class RunVerdict:
    verdict: Verdict
    reasons: list[Reason]
    exit_code: int


def judge_arm(evidence: ArmEvidence, *, limit: int = LIMIT) -> ArmVerdict:
    """Count, explain and judge one arm. `limit` is how many findings of a kind are listed; the counts are exact."""
    case = open_case(evidence, limit)
    judged = expectations(case)
    reasons = [*_failed(judged, evidence.name), *failed_gates(case), *_unknown(judged, case)]
    violated = not evidence.is_control and any(expectation.seen for expectation in judged)
    listed, notes = findings(case, limit)
    result = ArmResult(
        name=evidence.name,
        idempotence=evidence.idempotence,
        verdict=_verdict(violated, reasons),
        producer=evidence.producer,
        records=case.records,
        wire=case.wire,
        log=case.log,
        findings=listed,
        expectations=[expectation.result for expectation in judged],
        isolation=evidence.isolation if evidence.log is None else evidence.log.isolation,
    )
    return ArmVerdict(result, reasons, [*notes, *_notes(case)], evidence.is_control, violated)


def judge_run(
    arms: Sequence[ArmVerdict],
    *,
    control: bool,
    interrupted: bool = False,
    extra: Iterable[Reason] = (),
    error: Reason | None = None,
) -> RunVerdict:
    """The run's verdict from its arms'. `control`: the scenario has a control arm, which must be among them.

    `extra` are reasons of the run itself that make it inconclusive; `error` is one that made it impossible. What an
    interrupted run lacks needs no reason beside the interruption; the harm that it saw has one.
    """
    extra = list(extra)
    reasons = [reason for arm in arms for reason in arm.reasons] + extra
    if not interrupted and error is None:
        reasons.extend(_missing(arms, control))
    verdict = _verdict(any(arm.violated for arm in arms), reasons)
    if error is not None:
        verdict, reasons = "error", [error, *reasons]
    if interrupted:
        text = "The run was interrupted; the report holds what was seen until then. Run again for a verdict."
        seen = [reason for arm in arms if arm.violated for reason in arm.reasons] + extra
        broken = [] if error is None else [error]
        verdict, reasons = "interrupted", [Reason("interrupted", None, text), *broken, *seen]
    return RunVerdict(verdict, reasons, EXIT_CODES[verdict])


def worst(exit_codes: Iterable[int]) -> int:
    """The exit code of several runs: the worst by `WORST_FIRST`. Raises ValueError without a run, and for any other."""
    return min(exit_codes, key=WORST_FIRST.index)


def _verdict(violated: bool, reasons: Iterable[Reason]) -> Verdict:
    codes = {reason.code for reason in reasons}
    if violated:
        return "failed"
    if codes - {EXPECTATION_FAILED}:
        return "inconclusive"
    return "failed" if codes else "passed"


def _missing(arms: Sequence[ArmVerdict], control: bool) -> Iterable[Reason]:
    if not arms:
        yield Reason("nothing-produced", None, "No arm was run, so there is nothing to judge. Run at least one.")
    elif control and not any(arm.is_control for arm in arms):
        text = "The control arm was not run, so what the others lack proves nothing. Run all arms."
        yield Reason("no-control", None, text)


def _failed(judged: Iterable[Judged], arm: str) -> Iterable[Reason]:
    for expectation in judged:
        result = expectation.result
        if result.held is False:
            hint = "the findings show where and why" if expectation.seen else "see the counts of this arm"
            yield Reason(EXPECTATION_FAILED, arm, f"Expected {result.expect}, counted {result.actual}: {hint}.")


def _unknown(judged: Iterable[Judged], case: Case) -> Iterable[Reason]:
    """One reason for all figures that are not known; none where the log was not read or the ledger lacks something,
    which says it already, nor for one that ambiguous copies leave open."""
    names = [one.result.expect for one in judged if one.result.held is None and not one.undecided]
    if names and case.evidence.log is not None and not case.evidence.whose_unknown:
        foreign = case.evidence.foreign and case.tally.sure
        why = "a program that is not ours does not tell" if foreign else "a part of the evidence is missing"
        text = f"Cannot be known, as {why}: {', '.join(names)}. See the other reasons, or expect something else."
        yield Reason(FIGURE_UNKNOWN, case.evidence.name, text)


def _notes(case: Case) -> Iterable[str]:
    yield from changes.notes(() if case.evidence.wire is None else case.evidence.wire.changes)
    changed = sum(
        _identity(retry) != _identity(family[0])
        for family in case.trail.families.repeated()
        for retry in family[1:]
        if case.evidence.idempotence and certain(retry)
    )
    if changed:
        yield (
            f"{changed} {'retry' if changed == 1 else 'retries'} carried another producer id, epoch or sequence than "
            "the attempt that was repeated."
        )
    yield from _done(case)
    others = case.tally.own.past - case.tally.own.past_ours
    if others and not case.evidence.whose_unknown:
        yield (
            f"{others} {'record in the log is' if others == 1 else 'records in the log are'} not of this run: they "
            "did not pass the proxy and are not judged."
        )


def _done(case: Case) -> Iterable[str]:
    """What was done to processes: it explains much of what the wire shows."""
    wire = case.evidence.wire
    if wire is None or wire.zero is None:
        return
    for one in wire.acted:
        if one.ok:
            what = "producer" if one.place == "workload" else "broker"
            yield f'At {one.at - wire.zero:.3f} s "{one.fault}" ({one.act}, {what}); over after {one.seconds:.3f} s.'


def _identity(story: AttemptStory) -> tuple[int, int, int]:
    attempt = story.attempt
    return attempt.producer_id, attempt.producer_epoch, attempt.base_sequence
