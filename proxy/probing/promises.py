"""Promises held against what was measured: those of the broker that answered, or of both kinds where it is unknown.

A promise is about certain steps and their effects; a broker's release decides whether it is meant at all. What was not
measured keeps no promise and breaks none.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from ..result import BrokerInfo
from .model import CaseResult, Of, Promise, Verdict
from .promised_kafka import PROMISED as BY_KAFKA
from .promised_redpanda import PROMISED as BY_REDPANDA
from .promising import Promised, Release

OFF = "CLUSTER_AUTHORIZATION_FAILED"
"""How a broker refuses every batch that has a producer id, where idempotence is off there or not allowed to us."""


@dataclass(frozen=True, slots=True)
class _Side:
    of: Of
    promised: Sequence[Promised]


_SIDES = _Side("kafka", BY_KAFKA), _Side("redpanda", BY_REDPANDA)


def judged(case: CaseResult, broker: BrokerInfo) -> CaseResult:
    """The case with every promise about it that is meant for this broker."""
    release = release_of(broker.version)
    spoken = {(exchange.api, exchange.version) for step in case.steps for exchange in step.exchanges}
    verdicts = []
    for side in _SIDES:
        if broker.kind in (side.of, "unknown"):
            verdicts += [
                _verdict(promised, side.of, case)
                for promised in side.promised
                if promised.case == case.name and promised.meant_for(release) is not False and promised.meant_in(spoken)
            ]
    return dataclasses.replace(case, promises=tuple(verdicts))


def release_of(version: str | None) -> Release | None:
    """(22, 3, 25) of `22.3.25`; None where no release is told."""
    parts = (version or "").split(".")
    numbers = tuple(int(part) for part in takewhile(str.isdigit, parts))
    return numbers or None


def _verdict(promised: Promised, of: Of, case: CaseResult) -> Verdict:
    promise = Promise(of, promised.says, promised.source, promised.releases, tuple(promised.steps.items()))
    measured = {step.name: step for step in case.steps if step.answered}
    asked = [(measured[name], effects) for name, effects in promise.steps if name in measured]
    if not asked or any(OFF in step.effect for step, _ in asked):
        return Verdict(promise, None)
    found: dict[str, list[str]] = {}
    for step, effects in asked:
        if step.effect not in effects:
            found.setdefault(f"promised is {' or '.join(effects)}, measured {step.effect}", []).append(step.what)
    differs = tuple(f"{_counted(steps)}: {what}" for what, steps in found.items())
    kept = False if differs else None if len(asked) < len(promise.steps) else True
    return Verdict(promise, kept, differs)


def _counted(steps: Sequence[str]) -> str:
    return steps[0] + (f", and {len(steps) - 1} more" if len(steps) > 1 else "")
