"""Reports of a proxy that was started from Python: what is claimed of them needs no broker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ackdrop.api.evidence import Observed, Report
from ackdrop.control.gathering import Gathering, Sources
from ackdrop.result import (
    ArmResult,
    AttemptLine,
    Cause,
    FaultCount,
    Finding,
    LogCounts,
    Place,
    ProducerInfo,
    Reason,
    Records,
    RunResult,
    ScenarioInfo,
    WireCounts,
)

FIRST = AttemptLine(0.5, 2, 9, "orders", 0, -1, -1, -1, 1, 77, 2, None, "dropped", 3, fault="lose it")
AGAIN = AttemptLine(1.3, 3, 9, "orders", 0, -1, -1, -1, 1, 77, 3, None, "delivered", 4, retry_of=3)


class Made:
    """Makes a report; what is not said is that of a retry that left nothing: one fault fired, one retry, 10 records."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def observed(
        self,
        *,
        fired: int | None = 1,
        retries: int | None = 1,
        acked: int = 10,
        awaited: int = 0,
        attempts: Sequence[AttemptLine] = (),
    ) -> Observed:
        """`fired` None: there is no fault."""
        faults = [] if fired is None else [FaultCount("lose it", 5, fired)]
        wire = WireCounts(2, 11, retries, 1, 0, 0, 0, faults)
        snapshot = Gathering(Sources(lambda: 0.0)).snapshot()
        return Observed(wire, tuple(attempts or (FIRST, AGAIN)), acked, awaited, (), snapshot)

    def __call__(
        self,
        *,
        findings: Sequence[Finding] = (),
        duplicates: int | None = 0,
        lost: int | None = 0,
        reasons: Sequence[str] = (),
        named: bool = False,
        **seen: Any,
    ) -> Report:
        log = LogCounts(10, 10, duplicates, lost, None, None, None, None, 0)
        observed = self.observed(**seen)
        producer, records = ProducerInfo("kafka-python", None, {}), Records(None, None, None, None)
        arm = ArmResult("proxy", None, "passed", producer, records, observed.wire, log, list(findings), [])
        why = [Reason(code, "proxy", f"Because of {code}.") for code in reasons]
        result = RunResult(ScenarioInfo("t", None, 0, None), None, "passed", why, 0, [arm])
        return Report(result, self._folder, observed, named)

    @staticmethod
    def duplicate(cause: Cause, copies: int = 2) -> Finding:
        """A record that stands so often."""
        places = [Place("orders", 0, 2 + n) for n in range(copies)]
        return Finding("duplicate", cause, "3fa9c1d2e4b5a697", places, "lose it", [FIRST, AGAIN])


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)
