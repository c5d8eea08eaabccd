"""Why a claim does not hold, for the one whose test has failed: the chain of attempts, from the record to the fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..report import plain, story
from ..report.attempts import moments, told
from ..report.clean import clean
from ..report.verdicts import reason as in_words
from ..report.words import counted, times
from ..result import AttemptLine, Finding, Reason

if TYPE_CHECKING:
    from .evidence import Observed, Report

MOST = 3
"""So many chains of attempts are told."""


def violated(head: str, seen: Report | Observed, findings: Collection[Finding] = ()) -> str:
    """What was seen that should not be; without findings, what faults did."""
    return _text(head, [], seen, findings)


def inconclusive(reasons: Iterable[Reason], seen: Report | Observed, findings: Collection[Finding] = ()) -> str:
    """Why nothing is proved, and what faults did."""
    told = [f"- {in_words(dataclasses.replace(reason, arm=None))}" for reason in reasons]
    return _text("inconclusive: nothing is proved either way", told, seen, findings)


def _text(head: str, lines: Iterable[str], seen: Report | Observed, findings: Collection[Finding]) -> str:
    from .evidence import Report

    report, observed = (seen, seen.observed) if isinstance(seen, Report) else (None, seen)
    text = [f"ackdrop: {head}", *lines, ""]
    if report is not None and findings:
        arm = dataclasses.replace(report.arm, findings=list(findings))
        text += [*plain.chapters(story.chapters(arm)), ""]
    elif chains := [*chains_of(observed)]:
        text += ["what faults did", *chains, ""]
    text.append(figures(observed, report))
    if report is not None:
        text.append(f"report: {_where(report.folder)}")
    return "\n".join(map(clean, text))


def figures(observed: Observed, report: Report | None = None) -> str:
    """`faults: "lose the third ack" once; 11 attempts, 1 retry; 10 records in the log`"""
    fired = [f'"{name}" {times(count) if count else "never"}' for name, count in observed.fired.items()]
    retries = "an unknown number of retries" if observed.retries is None else _retries(observed.retries)
    parts = [f"faults: {', '.join(fired) or 'none'}", f"{counted(observed.snapshot.attempts, 'attempt')}, {retries}"]
    if report is not None and (records := report.arm.log.records) is not None:
        extra = f", {report.duplicates:,} of them extra" if report.duplicates else ""
        parts.append(f"{counted(records, 'record')} in the log{extra}")
    return "; ".join(parts)


def chains_of(observed: Observed) -> Iterator[str]:
    """The attempts on which faults fired, each with what repeats it, or what it repeats."""
    chains = [chain for chain in _families(observed.attempts) if any(line.fault for line in chain)]
    for chain in chains[:MOST]:
        fault = next(line.fault for line in chain if line.fault)
        found = told(Finding("unacked_present", None, "", [], fault, chain))
        for attempt, moment in zip(found, moments(found), strict=True):
            yield f"  {moment}{attempt.text}"
    if len(chains) > MOST:
        yield f"  and {len(chains) - MOST:,} more batches"


def _families(attempts: Iterable[AttemptLine]) -> list[list[AttemptLine]]:
    """What repeats each other, in the order of the first of each."""
    families: dict[int, list[AttemptLine]] = {}
    for line in attempts:
        family = families.get(line.retry_of if line.retry_of is not None else line.number)
        if family is None:
            family = []
        family.append(line)
        families[line.number] = family
    return [family for number, family in families.items() if family[0].number == number]


def _retries(count: int) -> str:
    return counted(count, "retry", "retries")


def _where(folder: Path) -> str:
    """Its page is written when the proxy ends."""
    return str(folder.absolute() / "report.html")
