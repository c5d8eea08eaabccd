"""All that is worked out of one arm's evidence, before anything is judged or told."""

from __future__ import annotations

from dataclasses import dataclass

from ..result import FaultCount, LogCounts, Records, WireCounts
from .causes import PROTECTED, Duplicate, duplicates
from .checks import Tally, log_counts, records_of, tally
from .evidence import ArmEvidence
from .trail import Trail


@dataclass(frozen=True, slots=True)
class Case:
    """One arm: what was brought, how the log leads back to the wire, the items behind the figures, the figures."""

    evidence: ArmEvidence
    trail: Trail
    tally: Tally
    duplicates: list[Duplicate]
    records: Records
    wire: WireCounts
    log: LogCounts

    @property
    def protected_duplicates(self) -> int | None:
        """Extra copies that came from retries of an idempotent producer; None when the log was not read."""
        if not self.tally.read:
            return None
        return sum(cause in PROTECTED for found in self.duplicates for cause in found.causes)


def open_case(evidence: ArmEvidence) -> Case:
    """Work it out, in time linear in records and attempts, sorting aside."""
    trail = Trail(evidence.wire.attempts, evidence.log or ())
    items = tally(evidence, trail)
    return Case(
        evidence=evidence,
        trail=trail,
        tally=items,
        duplicates=duplicates(items.groups.values(), trail),
        records=records_of(evidence.sends),
        wire=wire_counts(evidence),
        log=log_counts(items, evidence),
    )


def wire_counts(evidence: ArmEvidence) -> WireCounts:
    """The figures of the wire. A retry is an attempt that repeats another for certain; an ambiguous one is not."""
    wire = evidence.wire
    again = sum(s.attempt.retry_of is not None and not s.attempt.ambiguous for s in wire.attempts)
    return WireCounts(
        connections=wire.connections,
        produce_requests=wire.produce_requests,
        retries=again,
        acks_dropped=wire.acks_dropped,
        acks_withheld=wire.acks_withheld,
        acks_delayed=wire.acks_delayed,
        undecoded=len(wire.undecoded),
        faults=_fault_counts(evidence),
    )


def _fault_counts(evidence: ArmEvidence) -> list[FaultCount]:
    """Every rule of the scenario in its order, one that matched nothing too; then what else the wire names."""
    tallies = {fault.name: fault for fault in evidence.wire.faults}
    names = dict.fromkeys((*evidence.rules, *tallies))
    return [
        FaultCount(name, tallies[name].matched, tallies[name].fired) if name in tallies else FaultCount(name, 0, 0)
        for name in names
    ]
