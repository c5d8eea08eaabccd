"""What a test has claimed of an arm, beside what is expected of every arm of its kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from ..result import ExpectationResult, Reason
from .of_runs import EXPECTATION_FAILED, ArmVerdict, verdict_by

FIGURE_UNKNOWN = "figure-unknown"


def claimed(verdict: ArmVerdict, claims: Sequence[ExpectationResult]) -> ArmVerdict:
    """The verdict with these among its expectations, those left out that it has already. A claim that did not hold was
    seen not to; one of which nobody knows proves nothing."""
    name, claims = verdict.result.name, [one for one in claims if one not in verdict.result.expectations]
    reasons = [*verdict.reasons, *(_reason(one, name) for one in claims if not one.held)]
    violated = verdict.violated or any(one.held is False for one in claims)
    result = dataclasses.replace(
        verdict.result,
        verdict=verdict_by(violated, reasons),
        expectations=[*verdict.result.expectations, *claims],
    )
    return dataclasses.replace(verdict, result=result, reasons=reasons, violated=violated)


def _reason(claim: ExpectationResult, arm: str) -> Reason:
    if claim.held is False:
        text = f"The test claimed {claim.expect}, counted {claim.actual}: the findings show where and why."
        return Reason(EXPECTATION_FAILED, arm, text)
    text = f"The test claimed {claim.expect}, and nothing that was seen decides it: its own message says why."
    return Reason(FIGURE_UNKNOWN, arm, text)
