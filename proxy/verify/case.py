"""All that is worked out of one arm's evidence, before anything is judged or told."""

from __future__ import annotations

from dataclasses import dataclass

from ..result import FaultCount, LogCounts, Records, WireCounts
from .attempts import certain
from .checks import Tally, log_counts, records_of, tally
from .duplicates import Duplicates
from .evidence import ArmEvidence
from .listed import LIMIT
from .log import Log
from .trail import Trail


@dataclass(frozen=True, slots=True)
class Case:
    """One arm: what was brought, how the log leads back to the wire, the items behind the figures, the figures."""

    evidence: ArmEvidence
    trail: Trail
    tally: Tally
    records: Records
    wire: WireCounts
    log: LogCounts

    @property
    def duplicates(self) -> Duplicates:
        return self.tally.duplicates

    @property
    def protected_duplicates(self) -> int | None:
        """Extra copies that came from retries of an idempotent producer; None where there may be more: in a part of
        the log that was not read, or among those that nobody can tell the cause of."""
        count = self.duplicates.protected
        sure = self.tally.sure and not self.evidence.whose_unknown and not self.duplicates.may_be_protected
        return count if count or sure else None


def open_case(evidence: ArmEvidence, limit: int = LIMIT) -> Case:
    """Work it out, in time linear in records and attempts, sorting aside. `limit` items of a kind are kept."""
    trail = Trail(evidence.wire, evidence.log or Log())
    items = tally(evidence, trail, limit)
    return Case(
        evidence=evidence,
        trail=trail,
        tally=items,
        records=records_of(evidence.sends),
        wire=wire_counts(evidence),
        log=log_counts(items, evidence),
    )


def wire_counts(evidence: ArmEvidence) -> WireCounts:
    """The figures of the wire. A retry is an attempt by which the client repeats another one for certain."""
    wire = evidence.wire
    if wire is None:
        return WireCounts(None, None, None, None, None, None, None, [])
    again = sum(s.attempt.retry_of is not None and certain(s) for s in wire.attempts)
    return WireCounts(
        connections=wire.connections,
        produce_requests=wire.produce_requests,
        retries=again if again or not wire.let_go else None,
        acks_dropped=wire.acks_dropped,
        acks_withheld=wire.acks_withheld,
        acks_delayed=wire.acks_delayed,
        undecoded=len(wire.undecoded),
        faults=_fault_counts(evidence),
    )


def _fault_counts(evidence: ArmEvidence) -> list[FaultCount]:
    """Every rule of the scenario in its order, one that matched nothing too; then what else the wire names."""
    tallies = {fault.name: fault for fault in (() if evidence.wire is None else evidence.wire.faults)}
    names = dict.fromkeys((*evidence.rules, *tallies))
    return [
        FaultCount(name, tallies[name].matched, tallies[name].fired) if name in tallies else FaultCount(name, 0, 0)
        for name in names
    ]
