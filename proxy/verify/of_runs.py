"""The verdict of a run, and of several runs, by those of its arms.

A violation (more harm in the log than expected, in an arm that is not the control) makes a run fail whatever else is
missing; else a gate that fails makes it inconclusive; else an expectation that fails makes it fail. A run passes when
nothing of that is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..result import EXIT_CODES, ArmResult, Failure, Reason, Verdict
from .kinds import failures

EXPECTATION_FAILED = "expectation-failed"
OUT_OF_TIME = "out-of-time"

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
    failures: list[Failure]


def judge_run(
    arms: Sequence[ArmVerdict],
    *,
    control: bool,
    interrupted: bool = False,
    out_of_time: bool = False,
    extra: Iterable[Reason] = (),
    error: Reason | None = None,
) -> RunVerdict:
    """The run's verdict from its arms'. `control`: the scenario has a control arm, which must be among them.

    `extra` are reasons of the run itself that make it inconclusive; `error` is one that made it impossible. What a run
    lacks that was interrupted, or was `out_of_time`, needs no reason beside that; the harm that it saw has one.
    """
    extra, violated = list(extra), any(arm.violated for arm in arms)
    cut = interrupted or out_of_time
    reasons = [reason for arm in arms if arm.violated or not cut for reason in arm.reasons] + extra
    if cut:
        reasons.insert(0, _INTERRUPTED if interrupted else _OUT_OF_TIME)
    elif error is None:
        reasons.extend(_missing(arms, control))
    verdict = verdict_by(violated, reasons)
    if error is not None:
        verdict = "error"
        reasons.insert(1 if interrupted else 0, error)
    if interrupted:
        verdict = "interrupted"
    return RunVerdict(verdict, reasons, EXIT_CODES[verdict], failures(arm.result for arm in arms))


_INTERRUPTED = Reason(
    "interrupted",
    None,
    "The run was interrupted; the report holds what was seen until then. Run again for a verdict.",
)
_OUT_OF_TIME = Reason(
    OUT_OF_TIME,
    None,
    "The time that was given was up; the report holds what was seen until then. Give it more with --max-time, or "
    "divide the scenarios with --shard.",
)


def worst(exit_codes: Iterable[int]) -> int:
    """The exit code of several runs: the worst by `WORST_FIRST`. Raises ValueError without a run, and for any other."""
    return min(exit_codes, key=WORST_FIRST.index)


def verdict_by(violated: bool, reasons: Iterable[Reason]) -> Verdict:
    """What harm that was seen, and reasons, make of an arm or a run."""
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
