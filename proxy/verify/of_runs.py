"""The verdict of a run, and of several runs, by those of its arms.

A violation (more harm in the log than expected, in an arm that is not the control) makes a run fail whatever else is
missing; else a gate that fails makes it inconclusive; else an expectation that fails makes it fail. A run passes when
nothing of that is so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..result import EXIT_CODES, ArmResult, Reason, Verdict

EXPECTATION_FAILED = "expectation-failed"

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
    verdict = verdict_by(any(arm.violated for arm in arms), reasons)
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
