"""The verdict of an arm, and every reason for it."""

from __future__ import annotations

from collections.abc import Iterable

from ..observations import AttemptStory
from ..result import ArmResult, Reason
from . import changes
from .attempts import certain
from .case import Case, open_case
from .evidence import ArmEvidence
from .expect import Judged, expectations
from .findings import findings
from .gates import failed_gates
from .listed import LIMIT
from .of_runs import EXPECTATION_FAILED, ArmVerdict, verdict_by

FIGURE_UNKNOWN = "figure-unknown"


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
        verdict=verdict_by(violated, reasons),
        producer=evidence.producer,
        records=case.records,
        wire=case.wire,
        log=case.log,
        findings=listed,
        expectations=[expectation.result for expectation in judged],
        isolation=evidence.isolation if evidence.log is None else evidence.log.isolation,
    )
    return ArmVerdict(result, reasons, [*notes, *_notes(case)], evidence.is_control, violated)


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
