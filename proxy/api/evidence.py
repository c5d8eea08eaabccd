"""What there is to know of a proxy: what was observed on the wire, and the verdict on wire and log together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ..control.snapshot import RetrySeen, Snapshot
from ..observations import ArmWire
from ..result import ArmResult, AttemptLine, Cause, ProducerInfo, Reason, RunResult, Verdict, WireCounts
from ..verify.attempts import Families, certain, line, located, told
from ..verify.case import wire_counts
from ..verify.evidence import ArmEvidence
from . import claims


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen on the wire so far. Nothing in it rests on the log.

    `wire` are the figures as a report has them, `attempts` what was produced, in order, at most the youngest 100,000;
    `acked` counts the attempts of whose success the client has heard, `awaited` those that were appended, whose ack was
    lost, and that may yet be sent again: their client is still there. `last_retries` are the last ones, the newest
    last. `snapshot` is the rest: connections, rates, faults as they stand, the last things that happened.
    """

    wire: WireCounts
    attempts: tuple[AttemptLine, ...]
    acked: int
    awaited: int
    last_retries: tuple[RetrySeen, ...]
    snapshot: Snapshot

    @property
    def retries(self) -> int | None:
        """Attempts by which a client repeated another one for certain; None where that is not known."""
        return self.wire.retries

    @property
    def fired(self) -> dict[str, int]:
        """How often each fault has fired since the proxy began, by its name; those that are gone by now, too."""
        return {fault.name: fault.fired for fault in self.wire.faults}

    def retried(self, *, at_least: int = 1) -> None:
        """Claim that clients sent again what faults made them lose. Raises Violated, and Inconclusive where no fault
        has fired."""
        __tracebackhide__ = True
        claims.enforce(claims.retried(self, at_least))

    def faults_fired(self, name: str | None = None, *, at_least: int = 1) -> None:
        """Claim that a fault (None: any) has fired. Raises Violated, and UsageError where none has this name."""
        __tracebackhide__ = True
        claims.enforce(claims.faults_fired(self, name, at_least))


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on all that passed. `result` is the contract of `report.json`, `folder` the run's own.

    `named`: the user has said what a record is known by (`identity`).
    """

    result: RunResult
    folder: Path
    observed: Observed
    named: bool = False

    @property
    def arm(self) -> ArmResult:
        """Its one arm: the figures of wire and log, and the findings."""
        (arm,) = self.result.arms
        return arm

    @property
    def verdict(self) -> Verdict:
        """That of `ackdrop proxy`: no duplicate by a protected retry, nothing lost, and a retry there was. What a test
        claims is stricter: see `no_duplicates`."""
        return self.result.verdict

    @property
    def reasons(self) -> list[Reason]:
        """Why it did not pass."""
        return self.result.reasons

    @property
    def duplicates(self) -> int | None:
        """Extra copies in the log, whatever put them there; None where that is not known."""
        return self.arm.log.duplicates

    @property
    def lost(self) -> int | None:
        """Records that were acked and are not in the log; None where that is not known."""
        return self.arm.log.lost

    def no_duplicates(self, *, allow: Collection[Cause] = ()) -> None:
        """Claim that no record stands in the log twice, but for the causes that are allowed. What the application sent
        twice itself counts only where `identity` says what a record is known by. Raises Violated and Inconclusive."""
        __tracebackhide__ = True
        claims.enforce(claims.no_duplicates(self, allow))

    def nothing_lost(self) -> None:
        """Claim that every record of whose success a client has heard is in the log. Raises Violated and
        Inconclusive."""
        __tracebackhide__ = True
        claims.enforce(claims.nothing_lost(self))

    def retried(self, *, at_least: int = 1) -> None:
        """See `Observed.retried`."""
        __tracebackhide__ = True
        self.observed.retried(at_least=at_least)

    def faults_fired(self, name: str | None = None, *, at_least: int = 1) -> None:
        """See `Observed.faults_fired`."""
        __tracebackhide__ = True
        self.observed.faults_fired(name, at_least=at_least)

    def __str__(self) -> str:
        """The report as a terminal shows it, without colour."""
        from rich.console import Console

        from ..report.terminal import render

        text = StringIO()
        render(self.result, Console(file=text, width=100, no_color=True, highlight=False), self.folder)
        return text.getvalue()


def observed(wire: ArmWire, snapshot: Snapshot, retries: list[RetrySeen]) -> Observed:
    """What an arm's ledger and its snapshot say."""
    evidence = ArmEvidence(
        name=wire.arm,
        idempotence=None,
        wire=wire,
        sends=None,
        log=None,
        producer=ProducerInfo("unknown", None, {}),
        rules=tuple(fault.name for fault in snapshot.faults),
    )
    acked = sum(told(story) and story.attempt.acks != 0 for story in wire.attempts)
    return Observed(
        wire=wire_counts(evidence),
        attempts=tuple(line(story, wire.zero, next(iter(story.faults), None)) for story in wire.attempts),
        acked=acked + sum(folded.attempts for folded in wire.ranges),
        awaited=_awaited(wire, snapshot),
        last_retries=tuple(retries),
        snapshot=snapshot,
    )


def _awaited(wire: ArmWire, snapshot: Snapshot) -> int:
    """A client of which nothing has been produced yet on a connection has no name there: it may be any."""
    there = {one.client_id for one in snapshot.connections}
    again = Families(wire.attempts).sent_again()
    unheard = (
        story
        for story in wire.attempts
        if located(story) and not told(story) and story.attempt.acks != 0 and story.attempt.number not in again
    )
    return sum(not there.isdisjoint(("", story.attempt.client_id)) for story in unheard if certain(story))
